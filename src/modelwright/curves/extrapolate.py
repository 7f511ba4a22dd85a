"""Extrapolation: the value a learning curve will end at, with an interval, from its first points.

Quantiles of "end minus last point" that are linear in a few features of the curve (level, progress, noise, doublings
that are left) were fitted once, on other tasks (Koenker and Bassett, "Regression Quantiles", Econometrica 46, 1978).
They are where a study begins; as its trials complete, what became of similar ones takes over, and the intervals are
corrected by how often they held (``curves.empirical``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from modelwright.core.errors import ArgumentError
from modelwright.core.objective import Direction
from modelwright.curves.empirical import MOST, Neighbours, score_at, value_at
from modelwright.curves.prior import prior_quantiles

Target = Literal["final", "best"]
#: Fewer completed curves than this say nothing of spread.
FEWEST = 3
#: Values beyond count as this large, so that no sum of them overflows.
_MOST_SIZE = 1e100


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of a curve's end, as a distribution.

    Attributes:
        point: its median.
        completed: completed curves of the study that it rests on; 0 for the prior alone.
        diverged: the curve is not finite any more, and is expected to stay so: ``point`` is infinitely bad.
    """

    point: float
    completed: int
    diverged: bool
    _knots: tuple[float, ...]
    _logarithmic: bool
    _sign: float
    _bounds: tuple[float, float] = (-math.inf, math.inf)

    def quantile(self, level: float) -> float:
        """The value that the end is below with probability ``level``, in (0, 1).

        Raises:
            ArgumentError: ``level`` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ArgumentError(f"level={level}", where="quantile", allowed="a number between 0 and 1")
        if self.diverged:
            return self.point
        found = value_at(float(ndtri(level if self._sign > 0 else 1 - level)), np.array(self._knots))
        found = _raised(found) if self._logarithmic else self._sign * found
        return float(np.clip(found, *self._bounds))

    def interval(self, confidence: float = 0.8) -> tuple[float, float]:
        """The central interval: the end is below it as often as above.

        Raises:
            ArgumentError: ``confidence`` is not between 0 and 1.
        """
        if not 0 < confidence < 1:
            raise ArgumentError(f"confidence={confidence}", where="interval", allowed="a number between 0 and 1")
        low, high = self.quantile(0.5 - confidence / 2), self.quantile(0.5 + confidence / 2)
        return min(low, self.point), max(high, self.point)

    def chance_of_beating(self, value: float) -> float:
        """The probability that the end is better than ``value``."""
        if self.diverged or math.isnan(value):
            return 0.0 if self.diverged else 1.0
        if self._logarithmic and value <= 0:
            return 0.0
        if math.isinf(value):
            return 1.0 if value * self._sign > 0 else 0.0
        good, bad = self._bounds if self._sign > 0 else (-self._bounds[1], -self._bounds[0])
        if self._sign * value <= good or self._sign * value > bad:
            return 0.0 if self._sign * value <= good else 1.0
        inside = math.log(value) if self._logarithmic else self._sign * value
        # Equal is not better: where quantiles are equal, the lowest of them counts.
        return float(ndtr(score_at(float(np.nextafter(inside, -np.inf)), np.array(self._knots))))


class Extrapolator:
    """Forecasts for the curves of one study.

    Args:
        total: points of a whole curve; None when nobody knows: as many as the longest completed curve, or twice as many
            as have been seen.
        completed: curves that are known to their end, one value a point; their last value (up to ``total``) counts.
            Points that are missing are NaN. At most the last 300 are used.
        goal: whether small ("min") or large ("max") values are good.
        bounds: what values can be at all, such as (0, 1) for an accuracy.
        target: "final" for the value at the last point, "best" for the best of all points.

    Raises:
        ArgumentError: an argument makes no sense.

    >>> study = Extrapolator(10, [[0.9, 0.7, 0.6, 0.55, 0.52, 0.5, 0.49, 0.48, 0.48, 0.47]] * 5)
    >>> study.forecast([0.8, 0.62, 0.53]).completed
    5
    """

    def __init__(
        self,
        total: int | None = None,
        completed: Sequence[Sequence[float]] = (),
        *,
        goal: Direction = "min",
        target: Target = "final",
        bounds: tuple[float, float] | None = None,
    ):
        if total is not None and not total >= 1:
            raise ArgumentError(f"total={total}", where="extrapolate", allowed="a whole number from 1, or None")
        if goal not in ("min", "max") or target not in ("final", "best"):
            allowed = "goal 'min' or 'max', target 'final' or 'best'"
            raise ArgumentError(f"goal={goal!r}, target={target!r}", where="extrapolate", allowed=allowed)
        self._bounds = (-math.inf, math.inf) if bounds is None else (float(bounds[0]), float(bounds[1]))
        if not self._bounds[0] < self._bounds[1]:
            raise ArgumentError(f"bounds={bounds}", where="extrapolate", allowed="a pair (low, high), low < high")
        self._target, self._sign = target, 1.0 if goal == "min" else -1.0
        whole = [np.asarray(c, float).ravel()[:total] for c in completed]
        whole = [c for c in whole if np.isfinite(c).any()][-MOST:]
        longest = max((len(c) for c in whole), default=0)
        self._total = total if total is not None else longest
        self._given = total is not None or longest > 0
        self._whole = np.full((len(whole), longest), np.nan)
        self._diverged = np.array([not np.isfinite(c[-1]) for c in whole], bool)
        for row, curve in zip(self._whole, whole, strict=True):
            row[:] = _filled(np.concatenate([curve, np.full(longest - len(curve), np.nan)]))
        self._near: dict[tuple[int, bool], Neighbours] = {}

    def forecast(self, values: Sequence[float]) -> Forecast:
        """Where a curve ends that began with ``values``, one a point, NaN where one is missing.

        Raises:
            ArgumentError: no value is finite.
        """
        raw = np.asarray(values, float).ravel()
        if not np.isfinite(raw).any():
            raise ArgumentError("no finite value", where="extrapolate", allowed="at least one finite value")
        if not math.isfinite(raw[-1]):
            worst = self._sign * math.inf
            return Forecast(worst, self._used(), True, (worst,), False, self._sign)
        seen = _filled(raw)
        total = max(self._total if self._given else 2 * len(seen), len(seen))
        logarithmic = bool(self._sign > 0 and (seen > 0).all() and (self._whole > 0).all())
        curve = np.log(seen) if logarithmic else self._sign * seen
        knots = curve[-1] + self._gains(curve, total, logarithmic)
        low, high = self._bounds
        if self._target == "best":
            knots = np.minimum(knots, curve.min())
            low, high = (low, min(high, seen.min())) if self._sign > 0 else (max(low, seen.max()), high)
        point = float(knots[len(knots) // 2])
        point = float(np.clip(_raised(point) if logarithmic else self._sign * point, low, high))
        return Forecast(point, self._used(), False, tuple(knots.tolist()), logarithmic, self._sign, (low, high))

    def _used(self) -> int:
        return len(self._whole) if len(self._whole) >= FEWEST else 0

    def _gains(self, curve: np.ndarray, total: int, logarithmic: bool) -> np.ndarray:
        """Quantiles of the end minus the last point, in loss units."""
        if total <= len(curve):
            return np.full(len(prior_quantiles(curve[None], total, logarithmic, self._target)[0]), 0.0)
        if not self._used() or self._whole.shape[1] <= 1:
            return prior_quantiles(curve[None], total, logarithmic, self._target)[0]
        whole = np.log(self._whole) if logarithmic else self._sign * self._whole
        points = min(len(curve), whole.shape[1])
        key = (points, logarithmic)
        if key not in self._near:
            # What diverged ends as badly as the worst that was seen.
            end = np.where(self._diverged, whole.max(), whole[:, -1])
            end = whole.min(1) if self._target == "best" else end
            begun = whole[:, :points]
            self._near[key] = Neighbours(begun, end - begun[:, -1], total, logarithmic, self._target)
        found = self._near[key].quantiles(curve[None, :points])[0]
        if len(whole) >= 10:
            found = np.minimum(found, max(float(whole.max()), float(curve.max())) - curve[-1])
        return found


def extrapolate(
    values: Sequence[float],
    total: int | None = None,
    completed: Sequence[Sequence[float]] = (),
    *,
    goal: Direction = "min",
    target: Target = "final",
    bounds: tuple[float, float] | None = None,
) -> Forecast:
    """Where a learning curve ends, from its first points: ``Extrapolator`` for one curve.

    Args:
        values: the first values, one a point, NaN where one is missing.

    The other arguments are those of ``Extrapolator``.

    Raises:
        ArgumentError: no value is finite, or an argument makes no sense.

    >>> found = extrapolate([1.0, 0.7, 0.55, 0.48, 0.44], total=20)
    >>> low, high = found.interval(0.8)
    >>> 0.1 < low < found.point < high < 0.5
    True
    >>> found.chance_of_beating(0.2) < 0.1 < 0.7 < found.chance_of_beating(0.44)
    True
    """
    return Extrapolator(total, completed, goal=goal, target=target, bounds=bounds).forecast(values)


def _filled(values: np.ndarray) -> np.ndarray:
    """Points that are not finite take the value before them, the first ones that of the first finite point."""
    good = np.isfinite(values)
    values = np.clip(values, -_MOST_SIZE, _MOST_SIZE)
    before = np.maximum.accumulate(np.where(good, np.arange(len(values)), -1))
    return values[np.where(before < 0, int(np.argmax(good)), before)]


def _raised(value: float) -> float:
    return math.exp(min(value, 709.0))
