"""Constraints: what combinations of values are allowed. Owns the expressions and their safe evaluation.

A constraint counts only where all the parameters that it names are active. Expressions are parsed, never run as
Python: numbers, strings, parameters, arithmetic, comparisons, ``and or not in``, ``x if c else y``, and
``abs min max round``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.space.parameter import Condition
from modelwright.space.value import exact, plain, thaw

_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Constant, ast.Name, ast.Load,
    ast.Tuple, ast.List, ast.Call, ast.Subscript,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
)  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max, "round": round}
_ALLOWED = "numbers, strings, parameter names, + - * / // % **, comparisons, and or not in, abs min max round"


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > 64 or (isinstance(base, int) and abs(base) > 2**64):
        return float(base) ** float(exponent)
    return base**exponent


def names_in(expression: str) -> list[str]:
    """The parameters that an expression names, in order: bare names and ``hp['name']``.

    Raises:
        SpaceError: it does not parse, or uses what is not allowed.

    >>> names_in("units % heads == 0 and hp['block/kind'] != 'a'")
    ['units', 'heads', 'block/kind']
    """
    found: dict[str, None] = {}
    _Rewrite(expression, lambda name: found.setdefault(name) or name).run()
    return list(found)


class _Rewrite(ast.NodeTransformer):
    """Checks every node, and turns names of parameters into look-ups."""

    def __init__(self, expression: str, resolve: Callable[[str], str]):
        self.expression, self.resolve = expression, resolve

    def run(self) -> ast.Expression:
        if not isinstance(self.expression, str):
            # A comparison such as ``hp.get("a") < 3`` was worked out before it got here: only text can be kept.
            raise SpaceError(
                f"a constraint is an expression as text, not a {type(self.expression).__name__}",
                where="require",
                allowed=_ALLOWED,
                hint='Write it as text: hp.require("a + b <= 6").',
            )
        if not self.expression.strip() or len(self.expression) > 2000:
            raise self._refuse(f"{self.expression!r:.80} is not an expression")
        try:
            tree = ast.parse(self.expression.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._refuse(f"it does not parse: {error}") from None
        found = ast.fix_missing_locations(self.visit(tree))
        assert isinstance(found, ast.Expression)
        return found

    def _refuse(self, what: str) -> SpaceError:
        return SpaceError(what, where=f"constraint {self.expression!r:.80}", allowed=_ALLOWED)

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, _NODES):
            raise self._refuse(f"{type(node).__name__} is not allowed")
        return super().visit(node)

    def _look_up(self, name: str) -> ast.AST:
        return ast.Subscript(ast.Name("_v", ast.Load()), ast.Constant(self.resolve(name)), ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._look_up(node.id)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, (int, float, str, type(None))):
            raise self._refuse(f"{node.value!r} is not allowed")
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        named = isinstance(node.value, ast.Name) and node.value.id == "hp" and isinstance(node.slice, ast.Constant)
        if not named or not isinstance(node.slice.value, str):  # pyright: ignore[reportAttributeAccessIssue]
            raise self._refuse("only hp['name'] may use brackets")
        return self._look_up(node.slice.value)  # pyright: ignore[reportAttributeAccessIssue]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords:
            raise self._refuse("only abs, min, max and round may be called")
        return ast.Call(ast.Name(f"_{node.func.id}", ast.Load()), [self.visit(a) for a in node.args], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.visit(node.op)
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Pow):
            return ast.Call(ast.Name("_power", ast.Load()), [left, right], [])
        return ast.BinOp(left, node.op, right)


@lru_cache(maxsize=256)
def _compiled(expression: str, names: tuple[tuple[str, str], ...]) -> Callable[[Mapping[str, Any]], Any]:
    table = dict(names)
    code = compile(_Rewrite(expression, lambda name: table.get(name, name)).run(), "<constraint>", "eval")
    scope: dict[str, Any] = {"__builtins__": {}, "_power": _power}
    scope.update({f"_{name}": function for name, function in _FUNCTIONS.items()})
    return lambda values: eval(code, scope, {"_v": values})


@dataclass(frozen=True, slots=True)
class Require:
    """An expression that must be true.

    Args:
        expression: see the module.
        names: what each name in the expression stands for, as (name written, full name); missing ones are full.
        conditions: where it counts at all.

    >>> rule = Require("units % heads == 0")
    >>> rule.holds({"units": 12, "heads": 4}), rule.holds({"units": 12, "heads": 5}), rule.holds({"units": 12})
    (True, False, True)
    """

    expression: str
    names: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Full names of the parameters concerned."""
        table = dict(self.names)
        return tuple(dict.fromkeys(table.get(n, n) for n in names_in(self.expression)))

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether ``config`` satisfies it; true where it does not count. A division by zero does not satisfy."""
        if any(not c.holds(config) for c in self.conditions):
            return True
        try:
            return bool(_compiled(self.expression, self.names)(config))
        except KeyError:
            return True
        except (ZeroDivisionError, OverflowError):
            return False
        except TypeError as error:
            raise SpaceError(
                f"it cannot be evaluated for {self.values(config)}: {error}",
                where=f"constraint {self.expression!r}",
                hint="Compare values of one kind, and guard None: x is None or x > 1.",
            ) from None

    def values(self, config: Mapping[str, Any]) -> str:
        """The values concerned, for a message."""
        return ", ".join(f"{name}={config[name]!r}" for name in self.parameters if name in config)

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"kind": "constraint", "require": self.expression, "names": dict(self.names)}
        return _with_conditions(spec, self.conditions)

    def __str__(self) -> str:
        return self.expression


@dataclass(frozen=True, slots=True)
class Forbid:
    """A combination of values that must not occur together.

    >>> Forbid((("optimizer", ("sgd",)), ("momentum", (0.9,)))).holds({"optimizer": "sgd", "momentum": 0.9})
    False
    """

    #: (name, values): the combination is met when each named parameter is worth one of its values.
    combination: tuple[tuple[str, tuple[Any, ...]], ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.combination)

    def holds(self, config: Mapping[str, Any]) -> bool:
        if any(not c.holds(config) for c in self.conditions):
            return True
        for name, values in self.combination:
            if name not in config:
                return True
            value = exact(config[name])
            if all(value != exact(v) for v in values):
                return True
        return False

    def values(self, config: Mapping[str, Any]) -> str:
        return ", ".join(f"{name}={config[name]!r}" for name in self.parameters if name in config)

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"kind": "constraint", "forbid": [[n, list(v)] for n, v in self.combination]}
        return _with_conditions(spec, self.conditions)

    def __str__(self) -> str:
        words = (f"{n}={' or '.join(map(repr, v))}" for n, v in self.combination)
        return "not together: " + ", ".join(words)


Constraint = Require | Forbid


def _with_conditions(spec: dict[str, Any], conditions: tuple[Condition, ...]) -> dict[str, Any]:
    if conditions:
        spec["conditions"] = [c.spec() for c in conditions]
    return spec


def constraint_from_spec(spec: Mapping[str, Any]) -> Constraint:
    """The inverse of ``spec()``.

    >>> constraint_from_spec(Require("a < b").spec())
    Require(expression='a < b', names=(), conditions=())
    """
    conditions = tuple(Condition.from_spec(c) for c in spec.get("conditions") or ())
    if "require" in spec:
        names_in(spec["require"])
        return Require(spec["require"], tuple(sorted((spec.get("names") or {}).items())), conditions)
    if "forbid" in spec:
        pairs = tuple((str(n), tuple(plain(thaw(v)) for v in values)) for n, values in spec["forbid"])
        return Forbid(pairs, conditions)
    raise SpaceError("unknown kind of constraint", where=repr(dict(spec)), allowed="'require', 'forbid'")
