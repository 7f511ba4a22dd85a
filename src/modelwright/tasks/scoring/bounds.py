"""Bounds: between which values a predicted number is kept, alike where it is judged and where it is deployed."""

from __future__ import annotations

import numpy as np

#: Share of the range of what was seen that predictions may be outside of it.
_BEYOND = 0.5
#: Where 0 is out of the question: the least prediction as a share of the least value, or of the mean if that is 0.
_OF_LEAST, _OF_MEAN = 0.5, 0.01


def bounds(y: np.ndarray, *, positive: bool = False) -> tuple[float, float]:
    """The least and the largest prediction after fitting to ``y``.

    What was never below 0 is not predicted below it.

    Args:
        positive: whether the metric has no value for predictions of 0 and less.

    >>> bounds(np.array([1.0, 5.0])), bounds(np.array([-1.0, 3.0]))
    ((0.0, 7.0), (-3.0, 5.0))
    >>> bounds(np.array([0.0, 0.0, 1.0, 3.0]), positive=True), bounds(np.array([1.0, 5.0]), positive=True)
    ((0.01, 4.5), (0.5, 7.0))
    """
    low, high = float(np.min(y)), float(np.max(y))
    room = _BEYOND * (high - low)
    least = max(0.0, low - room) if low >= 0 else low - room
    if positive and low >= 0:
        least = max(least, _OF_LEAST * low if low > 0 else _OF_MEAN * float(np.mean(y)))
    return least, high + room
