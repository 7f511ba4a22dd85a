"""Constraints: what combinations of values are allowed. The expressions are those of ``core.expression``.

A constraint counts only where all the parameters that it names are active.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.core.expression import Dialect
from modelwright.space.parameter import Condition
from modelwright.space.value import exact, plain, thaw

_DIALECT = Dialect(
    error=SpaceError,
    where="require",
    names="parameter names",
    brackets="hp",
    hint='Write it as text: hp.require("a + b <= 6").',
)


def names_in(expression: str) -> list[str]:
    """The parameters that an expression names, in order: bare names and ``hp['name']``.

    Raises:
        SpaceError: it does not parse, or uses what is not allowed.

    >>> names_in("units % heads == 0 and hp['block/kind'] != 'a'")
    ['units', 'heads', 'block/kind']
    """
    return _DIALECT.names_in(expression)


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
            return bool(_DIALECT.compiled(self.expression, self.names)(config))
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
