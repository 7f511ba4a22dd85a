"""Numeric domains: integers and floats on a linear, logarithmic or reversed logarithmic scale, with or without step.

Owns how a number maps to a unit interval and back. Does not know names, conditions or other parameters.

A unit position ``u`` in [0, 1] is a quantile: uniform ``u`` gives a draw that is uniform on the sampling scale, and
with a step gives each point of the lattice the same mass. No value ever leaves [low, high].
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.space.base import Domain
from modelwright.space.value import integer, number

Sampling = Literal["linear", "log", "reverse_log"]
#: A free integer on a log scale with more values than this is modelled as a continuum (levels None, ten grid points).
CONTINUUM = 100
#: Significant digits that a drawn float keeps; few enough that its unit position gives it back exactly.
DIGITS = 10
_WIDEST = 2**40


@dataclass(frozen=True, slots=True, eq=False)
class _Numeric(Domain):
    low: Any
    high: Any
    step: Any = None
    sampling: Any = "linear"
    default: Any = None
    #: Lattice points of equal mass, or None without a lattice.
    count: int | None = field(init=False, repr=False, default=None)
    _span: float = field(init=False, repr=False, default=0.0)
    numeric = True

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check(self) -> None:
        sampling = "linear" if self.sampling is None else self.sampling
        sampling = sampling.lower() if isinstance(sampling, str) else sampling
        if sampling not in ("linear", "log", "reverse_log"):
            raise SpaceError(f"unknown sampling {self.sampling!r}", allowed="'linear', 'log', 'reverse_log'")
        self._set(sampling=sampling)
        if self.low > self.high:
            raise SpaceError(
                f"min_value={self.low} is above max_value={self.high}",
                allowed="min_value <= max_value",
                hint="Did you swap them?",
            )
        if sampling != "linear" and self.low <= 0:
            raise SpaceError(
                f"sampling={sampling!r} cannot start at {self.low}: zero and below have no logarithm",
                allowed="min_value > 0",
                hint="Use a small positive min_value, or sampling='linear'.",
            )
        if self.step is not None and self.step <= (0 if sampling == "linear" else 1):
            raise SpaceError(
                f"step={self.step} with sampling={sampling!r}",
                allowed="step > 0" if sampling == "linear" else "step > 1: values are multiplied by it",
            )

    def _check_default(self) -> None:
        if self.default is None:
            return
        try:
            self._set(default=self.coerce(self.default))
        except SpaceError as error:
            raise SpaceError(
                f"the default is not a possible value: {error.what}", allowed=error.allowed, hint=error.hint
            ) from None

    def _reject(self, value: Any) -> SpaceError:
        number(value, "value")
        if self.low <= value <= self.high:
            close = self.nearest(value)
            return SpaceError(f"{value!r} is not on the lattice", allowed=self.describe(), hint=f"Nearest: {close!r}.")
        return SpaceError(f"{value!r} is out of range", allowed=self.describe())

    def nearest(self, value: Any) -> Any:
        """The value of the domain next to the number ``value``, on the sampling scale."""
        return self.from_unit(self._position(min(max(value, self.low), self.high)))

    def above(self, value: Any) -> Any:
        """The next larger value of a lattice; of a free integer, one more."""
        return value + 1 if self.count is None else self._at(min(self._level(value) + 1, self.count - 1))

    def _level(self, value: Any) -> int:
        """Index of the lattice point nearest to ``value``."""
        raise NotImplementedError

    def _position(self, value: Any) -> float:
        """Unit position of any number in the range, on the lattice or not."""
        raise NotImplementedError

    @property
    def default_value(self) -> Any:
        if self.default is not None:
            return self.default
        return self.low if self.count is None else self._at(0)

    def _index(self, unit: float) -> int:
        assert self.count is not None
        return min(max(int(unit * self.count), 0), self.count - 1)

    def grid(self, count: int = 10) -> list[Any]:
        total = self.levels
        if total is not None:
            return [self._at(i) for i in range(total)]
        found = {self.from_unit((i + 0.5) / count): None for i in range(count)}
        return list(found)

    def _at(self, index: int) -> Any:
        """The value of a level."""
        raise NotImplementedError

    def spec(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "sampling": self.sampling,
            "default": self.default,
        }

    def describe(self) -> str:
        text = f"{self.kind.capitalize()} {self.low}..{self.high}"
        if self.step is not None:
            text += f" step {self.step}"
        return text if self.sampling == "linear" else f"{text} {self.sampling}"


@dataclass(frozen=True, slots=True, eq=False)
class IntDomain(_Numeric):
    """Integers from ``low`` to ``high``, both included.

    Args:
        low, high: integers; equal ones leave a single value.
        step: added (linear, default 1) or multiplied (log scales, then above 1) between values, counted from ``low``
            (for ``reverse_log`` from ``high`` down).
        sampling: "linear", "log" or "reverse_log" (fine near ``high``), in any case of letters.
        default: a value of the domain; the smallest when None.

    Raises:
        SpaceError: arguments that describe no domain.

    >>> IntDomain(2, 32, step=2, sampling="log").grid()
    [2, 4, 8, 16, 32]
    >>> IntDomain(8, 2981, sampling="log").from_unit(1.0)
    2981
    """

    kind = "int"

    def __post_init__(self) -> None:
        self._set(low=integer(self.low, "min_value"), high=integer(self.high, "max_value"))
        if self.step is not None:
            self._set(step=integer(self.step, "step"))
        self._check()
        if max(self.high - self.low, 0 if self.sampling == "linear" else self.high) > _WIDEST:
            raise SpaceError(
                f"the range {self.low}..{self.high} is too wide for integers",
                allowed="at most 2**40 values",
                hint="Use hp.Float and round, or a step in a smaller unit.",
            )
        if self.sampling == "linear":
            self._set(count=(self.high - self.low) // (self.step or 1) + 1)
        elif self.step is not None:
            count = 1
            while self.low * self.step**count <= self.high:
                count += 1
            self._set(count=count)
        elif self.low == self.high:
            self._set(count=1)
        else:
            self._set(_span=math.log((self.high + 1) / self.low))
        self._check_default()

    @property
    def levels(self) -> int | None:
        if self.count is not None:
            return self.count
        values = self.high - self.low + 1
        return values if values <= CONTINUUM else None

    @property
    def size(self) -> int:
        return self.high - self.low + 1 if self.count is None else self.count

    def every(self) -> Iterator[int]:
        yield from map(self._at, range(self.size))

    def _at(self, index: int) -> int:
        if self.sampling == "linear" or self.count is None:
            return self.low + index * (self.step or 1)
        if self.count == 1 and self.step is None:
            return self.low
        if self.sampling == "log":
            return self.low * self.step**index
        return self.high + self.low - self.low * self.step ** (self.count - 1 - index)

    def _position(self, value: Any) -> float:
        if self.count is None:
            if self.sampling == "log":
                return math.log((value + 0.5) / self.low) / self._span
            return 1.0 - math.log((self.high + self.low - value + 0.5) / self.low) / self._span
        return (self._level(value) + 0.5) / self.count

    def _level(self, value: Any) -> int:
        assert self.count is not None
        if self.count == 1:
            return 0
        if self.sampling == "linear":
            return min(round((value - self.low) / (self.step or 1)), self.count - 1)
        mirrored = value if self.sampling == "log" else self.high + self.low - value
        index = min(max(round(math.log(mirrored / self.low) / math.log(self.step)), 0), self.count - 1)
        return index if self.sampling == "log" else self.count - 1 - index

    def to_unit(self, value: Any) -> float:
        return self._position(value)

    def from_unit(self, unit: float) -> int:
        if self.count is not None:
            return self._at(self._index(unit))
        clipped = min(max(unit, 0.0), 1.0)
        if self.sampling == "log":
            return min(max(int(self.low * math.exp(clipped * self._span)), self.low), self.high)
        mirrored = int(self.low * math.exp((1.0 - clipped) * self._span))
        return self.high + self.low - min(max(mirrored, self.low), self.high)

    def snap_units(self, units: np.ndarray) -> np.ndarray:
        if self.count is not None:
            return super(IntDomain, self).snap_units(units)
        toward = units if self.sampling == "log" else 1.0 - units
        values = np.clip(np.floor(self.low * np.exp(toward * self._span)), self.low, self.high)
        centres = np.log((values + 0.5) / self.low) / self._span
        return centres if self.sampling == "log" else 1.0 - centres

    def coerce(self, value: Any) -> int:
        found = integer(value, "value")
        if self.low <= found <= self.high and (self.count is None or self._at(self._level(found)) == found):
            return found
        raise self._reject(found)


@dataclass(frozen=True, slots=True, eq=False)
class FloatDomain(_Numeric):
    """Floats from ``low`` to ``high``, both included. Arguments as for ``IntDomain``; ``step`` may be any number.

    Drawn values have at most ten significant digits (on a linear scale: ten digits of the range), so that they read
    well and ``from_unit(to_unit(value))`` is exactly ``value``. Other values in the range are valid too.

    >>> FloatDomain(0, 1, step=0.1).grid()
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    >>> FloatDomain(1e-4, 1e-2, sampling="log").from_unit(0.5)
    0.001
    """

    kind = "float"
    _scale: str = field(init=False, repr=False, default="linear")
    _places: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        self._set(low=float(number(self.low, "min_value")), high=float(number(self.high, "max_value")))
        if self.step is not None:
            self._set(step=float(number(self.step, "step")))
        self._check()
        width = self.high - self.low
        if not math.isfinite(width):
            raise SpaceError(f"the range {self.low}..{self.high} is too wide", allowed="a finite difference")
        # A reversed scale is fine where numbers are large, so it needs more of their digits.
        digits = DIGITS + 2 if self.sampling == "reverse_log" else DIGITS
        self._set(_places=digits - math.floor(math.log10(width)) if width > 0 else 0)
        # On so narrow a range a logarithm is a straight line, and the line loses no digits.
        self._set(_scale=self.sampling if self.sampling != "linear" and self.high / self.low >= 1.01 else "linear")
        if self._scale != "linear":
            self._set(_span=math.log(self.high) - math.log(self.low))
        if width == 0:
            self._set(count=1)
        elif self.step is not None:
            if self.sampling == "linear":
                ratio = width / self.step
            else:
                ratio = (math.log(self.high) - math.log(self.low)) / math.log(self.step)
            if ratio > _WIDEST:
                raise SpaceError(f"step={self.step} is too small for {self.low}..{self.high}", hint="Leave step out.")
            self._set(count=int(ratio * (1 + 1e-12) + 1e-8) + 1)
        self._check_default()

    @property
    def levels(self) -> int | None:
        return self.count

    def _at(self, index: int) -> float:
        if self.count == 1 and self.sampling != "reverse_log":
            return self.low
        low, high = Decimal(repr(self.low)), Decimal(repr(self.high))
        if self.count == 1:
            return self.high
        step = Decimal(repr(self.step))
        if self.sampling == "linear":
            found = low + index * step
        elif self.sampling == "log":
            found = low * step**index
        else:
            assert self.count is not None
            found = high + low - low * step ** (self.count - 1 - index)
        return min(max(float(found), self.low), self.high)

    def _level(self, value: float) -> int:
        assert self.count is not None
        if self.count == 1:
            return 0
        if self.sampling == "linear":
            return min(max(round((value - self.low) / self.step), 0), self.count - 1)
        mirrored = value if self.sampling == "log" else self.high + self.low - value
        index = round((math.log(max(mirrored, self.low)) - math.log(self.low)) / math.log(self.step))
        index = min(max(index, 0), self.count - 1)
        return index if self.sampling == "log" else self.count - 1 - index

    def _position(self, value: Any) -> float:
        if self.count is not None:
            return (self._level(value) + 0.5) / self.count
        if self._scale == "linear":
            unit = (value - self.low) / (self.high - self.low)
        elif self._scale == "log":
            unit = (math.log(value) - math.log(self.low)) / self._span
        else:
            mirrored = max(self.high + self.low - value, self.low)
            unit = 1.0 - (math.log(mirrored) - math.log(self.low)) / self._span
        return min(max(unit, 0.0), 1.0)

    def to_unit(self, value: Any) -> float:
        return self._position(value)

    def from_unit(self, unit: float) -> float:
        if self.count is not None:
            return self._at(self._index(unit))
        unit = min(max(unit, 0.0), 1.0)
        if self._scale == "linear":
            return self.rounded(self.low + unit * (self.high - self.low))
        if self._scale == "log":
            return self.rounded(math.exp(math.log(self.low) + unit * self._span))
        return self.rounded(self.high + self.low - math.exp(math.log(self.low) + (1.0 - unit) * self._span))

    def rounded(self, value: float) -> float:
        """``value`` with the digits that drawn values have; ends and default stay what they are."""
        found = round(value, self._digits(value))
        quantum = 10.0 ** -self._digits(found)
        for special in (self.low, self.high, self.default):
            if special is not None and abs(found - special) <= 0.5 * quantum:
                return special
        return min(max(found, self.low), self.high)

    def canonical(self, value: Any) -> Any:
        found = super(FloatDomain, self).canonical(value)
        return self.rounded(found) if type(found) is float and self.count is None and self.contains(found) else found

    def _digits(self, value: float) -> int:
        if self._scale != "log":
            return self._places
        return DIGITS - 1 - math.floor(math.log10(value))

    def coerce(self, value: Any) -> float:
        found = float(number(value, "value"))
        if self.low <= found <= self.high:
            if self.count is None:
                return found
            point = self._at(self._level(found))
            if math.isclose(point, found, rel_tol=1e-9, abs_tol=1e-9 * (self.step or 1.0)):
                return point
        raise self._reject(found)
