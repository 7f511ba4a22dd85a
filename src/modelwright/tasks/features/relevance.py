"""How much of the target one feature explains on rows it was not fitted on. For choosing among many features."""

from __future__ import annotations

import numpy as np

from modelwright.core.rng import Seed

_BINS = 24


def some_rows(rows: int, most: int, seed: Seed) -> np.ndarray:
    """At most so many rows, in their order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(seed.generator().permutation(rows)[:most])


def standardised(outputs: np.ndarray, *, most: int = 12, weight: np.ndarray | None = None) -> np.ndarray:
    """Outputs (rows, outputs) with (weighted) mean 0 and total variance 1; values far out are pulled in."""
    chosen = outputs[:, :most].astype(np.float64)
    if chosen.shape[1] == 1 and len(np.unique(chosen[:1000])) > 2:
        low, high = np.quantile(chosen, [0.01, 0.99])
        chosen = np.clip(chosen, low, high)
    chosen = chosen - np.average(chosen, axis=0, weights=weight)
    total = float(np.square(chosen).mean(axis=0).sum())
    return chosen / np.sqrt(total) if total > 0 else chosen


def binned(feature: np.ndarray) -> np.ndarray:
    """The bin of each value, by quantiles; missing values have the last one."""
    known = feature[np.isfinite(feature)]
    if not len(known):
        return np.full(len(feature), _BINS, np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, feature, side="right")
    bins[~np.isfinite(feature)] = _BINS
    return bins


def explained(bins: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Share of the variance of ``outputs`` that means by bin explain, each half judged by the other's means.

    Args:
        weight: of the rows, with the mean 1; None for equal ones.

    >>> x = np.arange(400.0)
    >>> bool(explained(binned(x), standardised(x[:, None])) > 0.95)
    True
    """
    half = np.arange(len(bins)) % 2
    count = int(bins.max(initial=0)) + 1
    weight = np.ones(len(bins)) if weight is None else weight
    lost = 0.0
    for side in (0, 1):
        on, off = half == side, half != side
        rows = np.bincount(bins[on], weight[on], count)
        for k in range(outputs.shape[1]):
            total = np.bincount(bins[on], weight[on] * outputs[on, k], count)
            missed = np.square(outputs[off, k] - (total / (rows + 1.0))[bins[off]])
            lost += float((weight[off] * missed).sum())
    everything = float((weight[:, None] * np.square(outputs)).sum())
    return 1 - lost / everything if everything > 0 else 0.0


def distinct(features: np.ndarray, order: np.ndarray, most: int, *, alike: float = 0.97) -> list[int]:
    """The first of ``order`` that are not nearly the same as one taken before; features (count, rows), no NaN."""
    ranks = features.argsort(axis=1).argsort(axis=1).astype(np.float64)
    ranks -= ranks.mean(axis=1, keepdims=True)
    ranks /= np.maximum(np.sqrt(np.square(ranks).sum(axis=1, keepdims=True)), 1e-12)
    taken: list[int] = []
    for place in order:
        if len(taken) >= most:
            break
        if not taken or np.abs(ranks[taken] @ ranks[place]).max() < alike:
            taken.append(int(place))
    return taken
