"""Domains: the values a parameter may have. Categories live here, numbers in ``numeric``; does not know names.

>>> domain_from_spec(ChoiceDomain(["relu", "tanh"]).spec())
ChoiceDomain(values=('relu', 'tanh'), ordered=False, default=None)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.space.base import Domain
from modelwright.space.numeric import FloatDomain, IntDomain
from modelwright.space.value import exact, plain, thaw

__all__ = [
    "BooleanDomain",
    "ChoiceDomain",
    "Domain",
    "FixedDomain",
    "FloatDomain",
    "IntDomain",
    "domain_from_spec",
]


class _Listed(Domain):
    """A domain that is a list of values."""

    __slots__ = ()

    def _listing(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _place(self, value: Any) -> int | None:
        """Index of exactly ``value``."""
        raise NotImplementedError

    @property
    def levels(self) -> int:
        return len(self._listing())

    def to_unit(self, value: Any) -> float:
        place = self._place(value)
        if place is None:
            raise SpaceError(f"{value!r} is not a choice", allowed=", ".join(map(repr, self._listing())))
        return (place + 0.5) / self.levels

    def from_unit(self, unit: float) -> Any:
        count = self.levels
        return self._listing()[min(max(int(unit * count), 0), count - 1)]

    def coerce(self, value: Any) -> Any:
        found = plain(value)
        if self._place(found) is not None:
            return found
        same = [v for v in self._listing() if type(v) is not str and v == found]
        if len(same) == 1:
            return same[0]
        raise SpaceError(f"{value!r} is not a choice", allowed=", ".join(map(repr, self._listing())))

    def grid(self, count: int = 10) -> list[Any]:
        return list(self._listing())

    def neighbours(self, value: Any, rng: np.random.Generator, count: int) -> list[Any]:
        if self.numeric:
            return Domain.neighbours(self, value, rng, count)
        here = exact(value)
        others = [v for v in self._listing() if exact(v) != here]
        return [others[i] for i in rng.permutation(len(others))[:count]]


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceDomain(_Listed):
    """One of some values.

    Args:
        values: scalars, None or tuples of scalars, kinds may be mixed; kept exactly, so ``1``, ``1.0`` and ``True``
            are three choices.
        ordered: whether neighbours in the list are alike; None means: when all values are numbers.
        default: one of the values; the first when None.

    Raises:
        SpaceError: no values, values twice, values that cannot be stored or compared, a default that is no choice.

    >>> ChoiceDomain([16, 32, 64]).to_unit(32)
    0.5
    """

    values: Any
    ordered: Any = None
    default: Any = None
    _places: dict[Any, int] = field(init=False, repr=False, default_factory=dict)
    kind = "choice"

    def __post_init__(self) -> None:
        if isinstance(self.values, (str, bytes)) or not isinstance(self.values, Iterable):
            raise SpaceError(f"values={self.values!r} is not a list", allowed="a list or tuple of choices")
        values = tuple(plain(v) for v in self.values)
        if not values:
            raise SpaceError("there is nothing to choose from", allowed="at least one value")
        places = {exact(v): i for i, v in enumerate(values)}
        if len(places) < len(values):
            twice = next(v for i, v in enumerate(values) if places[exact(v)] != i)
            raise SpaceError(f"the value {twice!r} is listed twice", allowed="different values")
        ordered = self.ordered
        if ordered is None:
            ordered = all(type(v) in (int, float) for v in values)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "ordered", bool(ordered))
        object.__setattr__(self, "_places", places)
        if self.default is not None:
            try:
                object.__setattr__(self, "default", self.coerce(self.default))
            except SpaceError as error:
                raise SpaceError(f"the default {error.what}", allowed=error.allowed) from None

    def _listing(self) -> tuple[Any, ...]:
        return self.values

    def _place(self, value: Any) -> int | None:
        return self._places.get(exact(value))

    @property
    def numeric(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.ordered

    @property
    def default_value(self) -> Any:
        return self.values[0] if self.default is None else self.default

    def spec(self) -> dict[str, Any]:
        return {"kind": "choice", "values": self.values, "ordered": self.ordered, "default": self.default}

    def describe(self) -> str:
        listed = ", ".join(map(repr, self.values))
        return f"Choice {listed if len(listed) <= 80 else listed[:77] + '...'}"


@dataclass(frozen=True, slots=True, eq=False)
class BooleanDomain(_Listed):
    """True or False; the default is False.

    >>> BooleanDomain().grid()
    [False, True]
    """

    default: Any = False
    kind = "boolean"

    def __post_init__(self) -> None:
        value = plain(self.default)
        if value is None:
            value = False
        if type(value) is not bool and value not in (0, 1):
            raise SpaceError(f"the default {self.default!r} is not a boolean", allowed="True, False")
        object.__setattr__(self, "default", bool(value))

    def _listing(self) -> tuple[Any, ...]:
        return (False, True)

    def _place(self, value: Any) -> int | None:
        return int(value) if type(value) is bool else None

    @property
    def default_value(self) -> bool:
        return self.default

    def spec(self) -> dict[str, Any]:
        return {"kind": "boolean", "default": self.default}

    def describe(self) -> str:
        return "Boolean"


@dataclass(frozen=True, slots=True, eq=False)
class FixedDomain(_Listed):
    """A value that is written down with every configuration but is never searched.

    >>> FixedDomain("adam").default_value
    'adam'
    """

    value: Any
    kind = "fixed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", plain(self.value))

    def _listing(self) -> tuple[Any, ...]:
        return (self.value,)

    def _place(self, value: Any) -> int | None:
        return 0 if exact(value) == exact(self.value) else None

    @property
    def default_value(self) -> Any:
        return self.value

    def spec(self) -> dict[str, Any]:
        return {"kind": "fixed", "value": self.value}

    def describe(self) -> str:
        return f"Fixed {self.value!r}"


_KINDS: dict[str, type[Domain]] = {
    kind.kind: kind for kind in (IntDomain, FloatDomain, ChoiceDomain, BooleanDomain, FixedDomain)
}


def domain_from_spec(spec: Mapping[str, Any]) -> Domain:
    """The inverse of ``Domain.spec``; keys that a domain does not know are passed over.

    >>> domain_from_spec({"kind": "int", "low": 1, "high": 3}).grid()
    [1, 2, 3]
    """
    kind = _KINDS.get(spec.get("kind", ""))
    if kind is None:
        raise SpaceError(
            f"unknown kind of parameter {spec.get('kind')!r}",
            allowed=", ".join(map(repr, _KINDS)),
            hint="Was it written by a newer version?",
        )
    names = ("low", "high", "step", "sampling", "default", "values", "ordered", "value")
    fields = {f.name for f in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]
    return kind(**{n: thaw(spec[n]) for n in names if n in spec and n in fields})
