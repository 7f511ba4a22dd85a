"""Scales: where a value lies along an axis, which ticks it has, and what to do with values far from all others.

Does not draw.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelwright.core.objective import Objective
from modelwright.report.encoding import is_number, spread_out
from modelwright.report.text import grouped, number, setting


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers from ``low`` to ``high``, linear or logarithmic; ``outside`` counts values beyond either end.

    A scale of ``whole`` numbers has no ticks between them.

    >>> Scale(0.0, 10.0).at(2.5), Scale(1.0, 100.0, log=True).at(10.0)
    (0.25, 0.5)
    """

    low: float
    high: float
    log: bool = False
    outside: int = 0
    whole: bool = False

    def at(self, value: Any) -> float:
        """Position in [0, 1]; values outside stay at the edge."""
        low, high = self.low, self.high
        value = min(max(float(value), low), high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        low, high, value = low / 2, high / 2, value / 2  # the difference of two large numbers may be too large
        return (value - low) / (high - low) if high > low else 0.5

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Positions and labels of round numbers."""
        if self.log:
            found = _powers(self.low, self.high, count)
        else:
            found = _round_numbers(self.low, self.high, count, self.whole)
        return [(self.at(value), grouped(number(value, 6))) for value in found]


@dataclass(frozen=True, slots=True)
class Levels:
    """Values of which only equality means something, evenly spaced."""

    labels: tuple[str, ...]

    def at(self, value: Any) -> float:
        """Position of the middle of the level."""
        return (self.labels.index(setting(value, 200)) + 0.5) / len(self.labels)

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Every level, or evenly chosen ones when there are many more than ``count``."""
        every = -(-len(self.labels) // max(2 * count, 1))
        return [((i + 0.5) / len(self.labels), self.labels[i]) for i in range(0, len(self.labels), every)]


def _round_numbers(low: float, high: float, count: int, whole: bool = False) -> list[float]:
    span = high - low
    if not 1e-290 < span < 1e300:
        return [low, high] if span > 0 else [low]
    raw = max(span / max(count, 1), 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in ((1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)][: 4 * count + 4]


def _powers(low: float, high: float, count: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if last - first > 3 else (1, 2, 5) if last - first <= 2 else (1, 3)
    every = max(1, (last - first) // max(count, 1))
    found = [f * 10.0**p for p in range(first, min(last, 307) + 1, every) for f in factors]
    inside = [v for v in found if low * 0.999 <= v <= high * 1.001]
    return inside if len(inside) > 1 else [low, high]


def full(values: Sequence[float], pad: float = 0.0) -> Scale:
    """A scale over all finite ``values``, logarithmic where that reads better."""
    finite = [float(v) for v in values if is_number(v)]
    if not finite:
        return Scale(0.0, 1.0)
    return _padded(min(finite), max(finite), spread_out(finite), pad)


def robust(values: Sequence[float], objective: Objective | None = None, pad: float = 0.05) -> Scale:
    """A scale over most of ``values``: what lies far beyond the middle half is left out, the best never is.

    >>> scale = robust([0.7, 0.8, 0.9, 0.85, 1e9], Objective("loss", "min"))
    >>> scale.high < 2, scale.outside
    (True, 1)
    """
    finite = sorted(float(v) for v in values if is_number(v))
    missing = sum(1 for v in values if not is_number(v) and v is not None)
    if not finite:
        return Scale(0.0, 1.0, outside=missing)
    low, high = finite[0], finite[-1]
    first, third = finite[len(finite) // 4], finite[(3 * len(finite)) // 4 - (len(finite) % 4 == 0)]
    fence = 3.0 * (third - first)
    if len(finite) >= 5 and fence > 0 and not (spread_out(finite) and third / first > 30):
        low = max(low, first - fence) if objective is None or objective.direction == "max" else low
        high = min(high, third + fence) if objective is None or objective.direction == "min" else high
    outside = sum(1 for v in finite if v < low or v > high) + missing
    made = _padded(low, high, low > 0 and high / low >= 100, pad)
    return Scale(made.low, made.high, made.log, outside)


def _padded(low: float, high: float, log: bool, pad: float) -> Scale:
    if high == low:
        room = abs(low) * 0.05 or 0.5
        return Scale(low - room, high + room)
    if log:
        factor = math.exp(pad * (math.log(high) - math.log(low)))  # their ratio may be too large for a number
        return Scale(low / factor or low, min(high * factor, sys.float_info.max), log=True)
    room = (high - low) * pad
    if not math.isfinite(high - low) or not math.isfinite(room):
        return Scale(low, high)
    return Scale(low - room, high + room)


def parameter_scale(spec: dict[str, Any], values: Sequence[Any], pad: float = 0.0) -> Scale | Levels:
    """The axis of a hyperparameter: what the space says (``spec``, may be empty), else what the trials used."""
    listed = all(is_number(v) for v in values) and bool(values)
    if listed and spec.get("kind") not in ("choice", "boolean", "fixed"):
        low, high = spec.get("low"), spec.get("high")
        if low is not None and high is not None and low < high:
            low, high = min(low, *values), max(high, *values)
            log = spec.get("sampling") == "log" and low > 0
            made = _padded(float(low), float(high), log, pad)
        else:
            made = full(values, pad)
        return replace(made, whole=all(isinstance(value, int) for value in values))
    declared = spec.get("values") if spec.get("kind") == "choice" else (False, True)
    known = declared if spec.get("kind") in ("choice", "boolean") and isinstance(declared, (tuple, list)) else ()
    used = sorted({setting(v, 200) for v in values} - {setting(v, 200) for v in known})
    return Levels(tuple(dict.fromkeys([*(setting(v, 200) for v in known), *used])) or ("-",))
