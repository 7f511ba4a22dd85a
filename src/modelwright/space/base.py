"""What every domain promises: values, a scale that maps them to [0, 1], neighbours. Does not know names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.space.value import exact

#: Up to so many values, the ones beside a value are its first neighbours; one step of 500 makes no difference.
_FEW = 8


class Domain(ABC):
    """The set of values one parameter may have, with a scale that maps it to [0, 1]."""

    __slots__ = ()
    kind: str = ""
    #: Whether distance between unit positions means something.
    numeric: bool = False

    @property
    @abstractmethod
    def levels(self) -> int | None:
        """Number of steps on the unit scale, or None for what is modelled as a continuum."""

    @property
    def size(self) -> int | None:
        """Number of different values, or None when there is no end of them."""
        return self.levels

    def every(self) -> Iterator[Any]:
        """Each value of a finite domain, in order; of an infinite one, its grid."""
        yield from self.grid()

    @property
    @abstractmethod
    def default_value(self) -> Any:
        """What a parameter is worth when nobody chose."""

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """Where ``value``, which must be in the domain, lies in [0, 1]."""

    @abstractmethod
    def from_unit(self, unit: float) -> Any:
        """The value at a position; positions beyond [0, 1] give the nearest end."""

    @abstractmethod
    def coerce(self, value: Any) -> Any:
        """``value`` as this domain writes it (3.0 becomes 3 for integers); SpaceError when it is not in the domain."""

    @abstractmethod
    def grid(self, count: int = 10) -> list[Any]:
        """All values in order, or ``count`` values of a continuum, evenly spaced on the sampling scale."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Plain data from which ``domain_from_spec`` builds an equal domain."""

    @abstractmethod
    def describe(self) -> str:
        """A few words for people: ``Int 32..512 step 32``."""

    def canonical(self, value: Any) -> Any:
        """``value`` as a draw would have given it; what is not in the domain comes back as it is."""
        try:
            return self.coerce(value)
        except SpaceError:
            return value

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is in the domain, with the right type (a float domain takes integers too)."""
        try:
            found = self.coerce(value)
        except SpaceError:
            return False
        return type(found) is type(value) or (type(found) is float and type(value) is int)

    def snap_units(self, units: np.ndarray) -> np.ndarray:
        """The unit positions of the values that ``units`` in [0, 1] stand for."""
        levels = self.levels
        if levels is None:
            return units
        return (np.minimum(np.floor(units * levels), levels - 1) + 0.5) / levels

    def sample(self, rng: np.random.Generator) -> Any:
        """One value, uniform on the sampling scale."""
        return self.from_unit(float(rng.random()))

    def neighbours(self, value: Any, rng: np.random.Generator, count: int) -> list[Any]:
        """Up to ``count`` different values other than ``value``: the values beside it first where they are few."""
        levels = self.levels
        if levels is not None and levels <= 1:
            return []
        here = self.to_unit(value)
        beside = [] if levels is None else [here + 1.0 / levels, here - 1.0 / levels]
        if rng.random() < 0.5:
            beside.reverse()
        units: list[float] = []
        if levels is not None and levels <= _FEW:
            units += beside
        for _ in range(4 * count):
            move = abs(float(rng.normal(0.0, 0.2))) * (1 if rng.random() < 0.5 else -1)
            unit = here + move
            units.append(unit if 0 <= unit <= 1 else here - move)
        units += beside
        found: dict[Any, Any] = {}
        for unit in units:
            other = self.from_unit(min(max(unit, 0.0), 1.0))
            found.setdefault(exact(other), other)
            if len(found) > count:
                break
        found.pop(exact(value), None)
        return list(found.values())[:count]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self._token() == other._token()

    def __hash__(self) -> int:
        return hash(self._token())

    def _token(self) -> Any:
        return exact(tuple(v for pair in self.spec().items() for v in pair))
