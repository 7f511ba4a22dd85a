"""Samples: some rows that stand for all. Does not know what is done with them."""

from __future__ import annotations

import numpy as np

from modelwright.core.rng import Seed

#: Rows of each class that a sample has at least, as far as there are so many; where rows are weighed, that share of
#: the rows that a class would have if all were equally frequent.
RARE, _SHARE = 30, 8


def layers(y: np.ndarray, task: str, folds: int) -> np.ndarray:
    """What rows are dealt out evenly by: classes, or ranks of numbers in blocks of so many."""
    if task != "regression":
        return y
    ranks = np.empty(len(y), np.int64)
    ranks[np.argsort(y, kind="stable")] = np.arange(len(y))
    return ranks // folds


def sample(y: np.ndarray, task: str, rows: int, *, seed: int) -> np.ndarray:
    """Places of so many rows that stand for all, in order.

    Classes, or numbers by their rank, are there in proportion; of rare classes as many rows as can be, up to 30.

    >>> chosen = sample(np.repeat([0, 1], [900, 100]), "binary", 200, seed=0)
    >>> len(chosen), int((chosen >= 900).sum())
    (210, 30)
    """
    total = len(y)
    if rows >= total:
        return np.arange(total)
    rng = Seed(seed).child("sample").generator()
    order = np.lexsort((rng.random(total), layers(y, task, 1)))
    chosen = np.zeros(total, bool)
    chosen[order[((np.arange(rows) + rng.random()) * (total / rows)).astype(np.int64)]] = True
    if task != "regression":
        for one, count in enumerate(np.bincount(y)):
            own = np.flatnonzero(y == one) if count else np.empty(0, np.int64)
            lacking = min(RARE, count) - int(chosen[own].sum())
            if lacking > 0:
                chosen[rng.choice(own[~chosen[own]], lacking, replace=False)] = True
    return np.flatnonzero(chosen)


def sampled(y: np.ndarray, task: str, rows: int, *, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Places of so many rows, in order, with more of rare classes than their share, and for how many each stands.

    The fewer rows of a class there are, the more each tells: where rows can be weighed, none is given away for want of
    room, up to an eighth of what the class would have if all were equally frequent.

    Returns:
        The places, and for each row a number with the mean 1; None where all stand for equally many.

    >>> chosen, stands = sampled(np.repeat([0, 1], [9_900, 100]), "binary", 1_600, seed=0)
    >>> len(chosen), int((chosen >= 9_900).sum()), round(float(stands[chosen >= 9_900].sum()))
    (1600, 100, 16)
    """
    total = len(y)
    if rows >= total or task == "regression":
        return sample(y, task, rows, seed=seed), None
    counts = np.bincount(y)
    least = np.minimum(counts, max(RARE, rows // (_SHARE * len(counts))))
    rare = counts * (rows / total) < least
    left = rows - int(least[rare].sum())
    if not rare.any() or left < rows // 2:
        return sample(y, task, rows, seed=seed), None
    rng = Seed(seed).child("sample").generator()
    order = np.lexsort((rng.random(total), y))
    first = np.cumsum(counts) - counts
    parts = [order[first[one] : first[one] + least[one]] for one in np.flatnonzero(rare)]
    others = order[~rare[y[order]]]
    left = min(left, len(others))
    parts.append(others[((np.arange(left) + rng.random()) * (len(others) / left)).astype(np.int64)])
    chosen = np.sort(np.concatenate(parts))
    each = np.where(rare, counts / np.maximum(least, 1), len(others) / left)[y[chosen]]
    return chosen, each / each.mean()
