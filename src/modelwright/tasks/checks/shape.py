"""Shapes: spikes far outside the rest of a column of numbers, and single values far away. Knows no table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Cells that make a spike, other values there must be beside it, and how many ends are looked at on each side.
_SPIKE, _OTHERS, _DEPTH = 5, 4, 3
#: Cells of a spike for each cell of the values nearest to it.
_ABOVE, _BESIDE = 3.0, 5
#: The gap to the rest, over the width of the rest: far for any value, near for values that people write for nothing.
_FAR, _NEAR = 1.0, 0.1
#: The gap from zero to the rest over the distance from there to the middle of the rest,
#: and over the usual step from one value to the next.
_FROM_ZERO, _STEPS = 0.5, 3.0
#: Distance from the middle, in robust widths, from which values are outliers, and the gap there has to be before them.
_AWAY, _GAP = 8.0, 4.0
#: Share of the values that may be outliers at one end.
_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Spike:
    """A value that stands apart from the rest and comes often.

    Attributes:
        value: the value.
        count: how often it comes.
        low, high: between which the rest lies.
    """

    value: float
    count: int
    low: float
    high: float


def spikes(values: np.ndarray) -> list[Spike]:
    """Values at the ends of a column that come often and lie far outside the rest.

    Any value counts whose distance to the rest is as wide as the rest itself. Less is asked of values that people
    write where there is nothing: -1 or -99 where nothing else is negative, nines at the end, zero below what is
    positive.

    Args:
        values: finite numbers.

    >>> [spike.value for spike in spikes(np.r_[np.arange(40.0), np.full(30, 999.0)])]
    [999.0]
    >>> spikes(np.r_[np.arange(40.0), 999.0]), spikes(np.arange(50.0))
    ([], [])
    """
    distinct, counts = np.unique(values, return_counts=True)
    found: list[Spike] = []
    for end in (-1, 1, -1):  # what is taken off one end may have hidden the other
        ordered, times = distinct[::end], counts[::end]
        depth = next((n for n in range(_DEPTH, 0, -1) if _ends_apart(ordered, times, n, end)), 0)
        found += [Spike(float(ordered[place]), int(times[place]), 0.0, 0.0) for place in range(depth)]
        kept = slice(depth, None) if end > 0 else slice(0, len(distinct) - depth)
        distinct, counts = distinct[kept], counts[kept]
    found.sort(key=lambda spike: -spike.count)
    return [Spike(spike.value, spike.count, float(distinct[0]), float(distinct[-1])) for spike in found]


def _ends_apart(ordered: np.ndarray, times: np.ndarray, depth: int, end: int) -> bool:
    """Whether the first ``depth`` values are spikes apart from the rest."""
    if len(ordered) < depth + _OTHERS or times[:depth].min() < _SPIKE:
        return False
    rest, of_rest = ordered[depth:], times[depth:]
    gap = abs(float(rest[0]) - float(ordered[depth - 1]))
    low, middle, high = _quantiles(rest[::end], of_rest[::end])
    width = max(high - low, 1e-12 * max(1.0, abs(middle)))
    value = float(ordered[depth - 1])
    stands_out = times[:depth].min() >= _ABOVE * float(of_rest[:_BESIDE].mean())
    if value == 0:
        share = times[0] / times.sum()
        step = float(np.median(np.diff(rest)))
        apart = gap >= _FROM_ZERO * (middle - float(rest[0])) and gap >= _STEPS * step
        return depth == 1 and end > 0 and share < 0.5 and apart and stands_out
    if depth == 1 and end > 0 and (value == -1 or (value < 0 and _nines(value))):
        return float(rest[0]) >= 0 and len(rest) >= 10 and stands_out
    return gap >= (_NEAR if depth == 1 and _nines(value) and stands_out else _FAR) * width


def _nines(value: float) -> bool:
    """Whether a number is written with nines alone, two or more."""
    text = str(int(abs(value))) if value == int(value) and abs(value) < 1e15 else ""
    return len(text) > 1 and set(text) == {"9"}


def _quantiles(values: np.ndarray, counts: np.ndarray) -> tuple[float, float, float]:
    """Near the low end, the middle and near the high end of values in order, each as often as it is counted."""
    ends = np.cumsum(counts)
    low, middle, high = (values[np.searchsorted(ends, share * ends[-1])] for share in (0.005, 0.5, 0.995))
    return float(low), float(middle), float(high)


def far_away(values: np.ndarray) -> np.ndarray:
    """Which values lie so far from all others that they look like mistakes, bool.

    They are few, and between them and the rest is a gap, on a plain scale as on a logarithmic one: the long tail of
    incomes or of counts is none.

    >>> far_away(np.r_[np.linspace(1.0, 9.0, 200), 900.0]).sum()
    np.int64(1)
    >>> far_away(np.exp(np.linspace(0.0, 5.0, 200))).any()
    np.False_
    """
    if len(values) < 20:
        return np.zeros(len(values), dtype=bool)
    plain = _apart(values)
    return plain & _apart(np.sign(values) * np.log1p(np.abs(values))) if plain.any() else plain


def _apart(values: np.ndarray) -> np.ndarray:
    """Values beyond a gap, where the scale is what half of the values on that side are within."""
    found = np.zeros(len(values), dtype=bool)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    for end, half in ((1, high - middle), (-1, middle - low)):
        width = max(half, (high - low) / 4)
        if width <= 0:
            continue
        distance = end * (values - middle) / width
        ordered = np.unique(distance)
        wide = np.flatnonzero((ordered[1:] > _AWAY) & (np.diff(ordered) >= _GAP)) + 1
        if len(wide):
            beyond = distance >= ordered[wide[0]]
            if beyond.sum() <= max(1, _SHARE * len(values)):
                found |= beyond
    return found
