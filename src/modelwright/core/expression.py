"""Expressions over named values, written as text: parsed and checked, never run as Python.

Numbers, strings, names, arithmetic, comparisons, ``and or not in``, ``x if c else y``, and ``abs min max round``.
Knows neither parameters nor metrics: who owns the names has a ``Dialect``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelwright.core.errors import ModelwrightError

_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Constant, ast.Name, ast.Load,
    ast.Tuple, ast.List, ast.Call, ast.Subscript,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
)  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max, "round": round}
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Dialect:
    """Whose names an expression has, and how it is refused.

    Attributes:
        error: what is raised.
        where: what a user wrote it in, for messages about what is no expression at all.
        names: what its names are, in words.
        brackets: ``brackets['any name']`` is a name that is no identifier.
        hint: what to do with what is not text.
    """

    error: type[ModelwrightError]
    where: str
    names: str
    brackets: str
    hint: str = ""

    @property
    def allowed(self) -> str:
        """What an expression may hold, in words."""
        return f"numbers, strings, {self.names}, + - * / // % **, comparisons, and or not in, abs min max round"

    def refusal(self, expression: str, what: str, hint: str = "") -> ModelwrightError:
        """The error that says what is wrong with ``expression``."""
        return self.error(what, where=f"constraint {expression!r:.80}", allowed=self.allowed, hint=hint)

    def parsed(self, expression: str, resolve: Callable[[str], str] = str) -> ast.Expression:
        """The checked tree, in which names have become look-ups of what ``resolve`` makes of them.

        Raises:
            the dialect's error: it is no text, does not parse, or uses what is not allowed.
        """
        if not isinstance(expression, str):
            # A comparison such as ``hp.get("a") < 3`` was worked out before it got here: only text can be kept.
            raise self.error(
                f"a constraint is an expression as text, not a {type(expression).__name__}",
                where=self.where,
                allowed=self.allowed,
                hint=self.hint,
            )
        if not expression.strip() or len(expression) > _LONGEST:
            raise self.refusal(expression, f"{expression!r:.80} is not an expression")
        try:
            tree = ast.parse(expression.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self.refusal(expression, f"it does not parse: {error}") from None
        found = ast.fix_missing_locations(_Rewrite(self, expression, resolve).visit(tree))
        assert isinstance(found, ast.Expression)
        return found

    def names_in(self, expression: str) -> list[str]:
        """The names in an expression, in order, each once."""
        found: dict[str, None] = {}
        self.parsed(expression, lambda name: found.setdefault(name) or name)
        return list(found)

    def compiled(self, expression: str, names: tuple[tuple[str, str], ...] = ()) -> Callable[[Mapping[str, Any]], Any]:
        """A function of a mapping from names to values.

        Args:
            names: what each name in the expression stands for, as (name written, name looked up).
        """
        return _compiled(self, expression, names)


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > 64 or (isinstance(base, int) and abs(base) > 2**64):
        return float(base) ** float(exponent)
    return base**exponent


class _Rewrite(ast.NodeTransformer):
    """Checks every node, and turns names into look-ups."""

    def __init__(self, dialect: Dialect, expression: str, resolve: Callable[[str], str]):
        self.dialect, self.expression, self.resolve = dialect, expression, resolve

    def _refuse(self, what: str) -> ModelwrightError:
        return self.dialect.refusal(self.expression, what)

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
        brackets = self.dialect.brackets
        named = isinstance(node.value, ast.Name) and node.value.id == brackets and isinstance(node.slice, ast.Constant)
        if not named or not isinstance(node.slice.value, str):  # pyright: ignore[reportAttributeAccessIssue]
            raise self._refuse(f"only {brackets}['name'] may use brackets")
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
def _compiled(
    dialect: Dialect, expression: str, names: tuple[tuple[str, str], ...]
) -> Callable[[Mapping[str, Any]], Any]:
    table = dict(names)
    code = compile(dialect.parsed(expression, lambda name: table.get(name, name)), "<constraint>", "eval")
    scope: dict[str, Any] = {"__builtins__": {}, "_power": _power}
    scope.update({f"_{name}": function for name, function in _FUNCTIONS.items()})
    return lambda values: eval(code, scope, {"_v": values})
