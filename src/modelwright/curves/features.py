"""Features: what the first points of learning curves look like. Does not know where the curves will end.

Curves come as rows of one matrix in "loss units": smaller is better, and logarithms where every value is positive and
small is good, so that a feature of a curve times ten is the same (logarithms) or ten times larger (otherwise).
"""

from __future__ import annotations

import math

import numpy as np

#: Features of a curve, each once for the next doubling of its length and once for every doubling.
COUNT = 18


def describe(curves: np.ndarray, total: float, logarithmic: bool) -> np.ndarray:
    """What may move a curve between its last point and its end, in the curve's own units.

    Level of the tail over the last point, progress since the middle and since the last quarter with their sizes, noise,
    range, distance from the best point, and the unit (1, or the size of the last value); all of them times
    ``min(1, log2(total / points))`` and ``log2(total / points)``, so that nothing moves a curve that has ended.

    Args:
        curves: (curves, points), finite.
        total: points of the whole curve.

    Returns:
        (curves, 18)
    """
    count, points = curves.shape
    last, (tail, before, middle) = curves[:, -1], _levels(curves)
    noise = np.zeros(count)
    if points >= 3:
        late = curves[:, max(0, points - max(8, points // 2)) :]
        noise = np.abs(late[:, 2:] - 2 * late[:, 1:-1] + late[:, :-2]).mean(1) / math.sqrt(6)
    lowest = curves.min(1)
    progress, recent = tail - middle, tail - before
    found = [tail - last, progress, recent, np.abs(progress), np.abs(recent)]
    found += [noise, curves.max(1) - lowest, last - lowest, np.ones(count) if logarithmic else np.abs(last)]
    doublings = max(0.0, math.log2(total / points))
    stacked = np.stack(found, 1)
    return np.concatenate([stacked * min(1.0, doublings), stacked * doublings], 1)


def likeness(curves: np.ndarray, logarithmic: bool) -> np.ndarray:
    """By what curves of one study count as alike: level, progress since the middle, range, movement near the end.

    Returns:
        (curves, 4); only their order matters.
    """
    tail, _, middle = _levels(curves)
    points = curves.shape[1]
    late = np.abs(np.diff(curves[:, max(0, points - max(1, points // 4) - 1) :], axis=1))
    moved = late.mean(1) if points > 1 else np.zeros(len(curves))
    # Below this it is rounding, and equal.
    least = 1e-9 * (1.0 if logarithmic else np.abs(curves[:, -1]))
    return np.stack(
        [tail, tail - middle, np.maximum(curves.max(1) - curves.min(1), least), np.maximum(moved, least)], 1
    )


def _levels(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of the last quarter, of the quarter before it, and of a quarter round the middle; at least a point each."""
    points = curves.shape[1]
    width = max(1, points // 4)
    end, middle = max(1, points - width), max(1, (points + 1) // 2 - width // 2)
    tail = curves[:, points - width :].mean(1)
    before = curves[:, max(0, end - width) : end].mean(1)
    return tail, before, curves[:, max(0, middle - width) : middle].mean(1)
