"""Variance: what share of the differences between points single decisions explain, and what pairs explain beyond them.

Functional analysis of variance over points that were drawn evenly from a space (Hutter, Hoos and Leyton-Brown, "An
Efficient Approach for Assessing Hyperparameter Importance", ICML 2014, for independent decisions). Knows no trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

#: A number's range is cut into so many parts.
_PARTS = 6


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the variance.

    Attributes:
        single: one for each axis.
        pairs: (axis, axis) -> what both explain beyond each of them.
        main, both: what all single decisions explain together, and all decisions and pairs.
    """

    single: np.ndarray
    pairs: dict[tuple[int, int], float]
    main: float
    both: float


def shares(points: np.ndarray, values: np.ndarray, levels: Sequence[int | None]) -> Shares:
    """Of ``values`` at ``points``, which lie evenly over a space.

    A decision that is not there (NaN) explains nothing there: what switched it off does. Means of few points differ by
    chance; what is expected of that is taken off.

    Args:
        levels: how many values each axis has, None for a continuum.

    >>> x = np.array([[i, j] for i in (0.25, 0.75) for j in (0.25, 0.75)] * 100)
    >>> found = shares(x, x[:, 0] * 2 + (x[:, 0] == x[:, 1]), [2, 2])
    >>> found.single.round(2).tolist(), round(found.pairs[0, 1], 2), round(found.both, 2)
    ([0.5, 0.0], 0.5, 1.0)
    """
    total = float(values.var())
    count = points.shape[1]
    if total <= 1e-300 or not count:
        return Shares(np.zeros(count), {}, 0.0, 0.0)
    parts = [min(n or _PARTS, 24) for n in levels]
    cells = np.where(np.isnan(points), -1, np.minimum(np.nan_to_num(points) * parts, np.array(parts) - 1)).astype(int)
    single = np.zeros(count)
    for j in range(count):
        there = cells[:, j] >= 0
        single[j] = _between(cells[there, j], values[there], parts[j])[0] * there.mean() / total
    pairs: dict[tuple[int, int], float] = {}
    for j, k in combinations(range(count), 2):
        there = (cells[:, j] >= 0) & (cells[:, k] >= 0)
        if there.sum() < 4 * min(parts[j] * parts[k], 16):
            continue
        part, one, two = values[there], cells[there, j], cells[there, k]
        # Where both are there single effects may be others than elsewhere; that is no matter of these two.
        left = part - _between(one, part, parts[j])[1][one] - _between(two, part, parts[k])[1][two]
        taken = len(np.unique(one)) + len(np.unique(two)) - 2
        share, _ = _between(one * parts[k] + two, left, parts[j] * parts[k], taken)
        pairs[j, k] = float(share * there.mean() / total)
    # Shares below 0 are chance; in the sums they make up for those that chance made too large.
    main = float(np.clip(single.sum(), 0.0, 1.0))
    both = float(np.clip(single.sum() + sum(pairs.values()), main, 1.0))
    return Shares(np.maximum(single, 0.0), {pair: max(share, 0.0) for pair, share in pairs.items()}, main, both)


def _between(groups: np.ndarray, values: np.ndarray, count: int, taken: int = 0) -> tuple[float, np.ndarray]:
    """The variance of group means beyond what chance makes of them; and each group's distance from the mean of all.

    Args:
        taken: degrees of freedom that were taken off the values before.
    """
    size = np.bincount(groups, minlength=count)
    if len(values) < 2:
        return 0.0, np.zeros(count)
    mean = np.bincount(groups, values, minlength=count) / np.maximum(size, 1)
    effect = np.where(size > 0, mean - values.mean(), 0.0)
    between = float((size * effect**2).sum()) / len(values)
    used = int((size > 0).sum())
    within = max(float(values.var()) - between, 0.0)
    chance = within * max(used - 1 - taken, 0) / max(len(values) - used, 1) if len(values) > used else between
    return between - chance, effect
