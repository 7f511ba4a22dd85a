"""Merit: one number for each trial, larger is better, whatever the number of objectives. Proposes nothing."""

from __future__ import annotations

import numpy as np

from modelwright.core.constraint import KIND
from modelwright.core.history import History, usable
from modelwright.strategy.levels import gains


def merits(history: History) -> np.ndarray:
    """One number for each row, in order; NaN while nothing is known, minus infinity for trials that ended badly.

    With one objective it is the score. With several, trials are sorted into fronts (the first is dominated by
    nobody), and within a front those in emptier surroundings come first (Deb et al., "A Fast and Elitist
    Multiobjective Genetic Algorithm: NSGA-II", IEEE Trans. Evol. Comp. 6(2), 2002, sections III.A and III.B); the
    merit is then minus the rank.

    A trial that was cut part of the way counts by what it has shown and what training on usually adds to that (see
    ``levels``): where some were trained for longer than others, that alone would make them the best. One that broke a
    constraint comes behind all that count, by how far it is from what is allowed, and before those that ended badly.
    """
    rows = history.rows
    bad = np.array([row.state in ("failed", "infeasible") for row in rows], dtype=bool)
    known = np.array([usable(row) for row in rows], dtype=bool)
    columns = np.array([history.scores(i) for i in range(len(history.objectives))]).T.reshape(len(rows), -1)
    known &= ~np.isnan(columns).any(axis=1)
    columns = columns + _to_come(history, known)
    found = np.where(bad, -np.inf, np.nan)
    if columns.shape[1] == 1:
        found[known] = columns[known, 0]
    else:
        found[known] = -nondominated_rank(columns[known]).astype(float)
    broke = np.array([row.error is not None and row.error.kind == KIND for row in rows], dtype=bool) & bad
    if broke.any():
        far = np.unique(history.violations()[broke], return_inverse=True)[1]
        low, high = _ends(found[np.isfinite(found)])
        found[broke] = low - (high - low or 1.0) * (1.0 + far / max(len(far), 1))
    return found


def _to_come(history: History, known: np.ndarray) -> np.ndarray:
    """What training on usually adds, for each trial and objective; 0 for those that ended by themselves."""
    rows, found = history.rows, np.zeros((len(known), len(history.objectives)))
    several = len({round(row.fidelity, 9) for row, there in zip(rows, known, strict=True) if there}) > 1
    cut = [row for row, there in zip(rows, known, strict=True) if there and row.state != "complete"]
    added = gains(history) if several and cut else {}
    for row in cut:
        found[row.number] = added.get(round(row.fidelity, 9), 0.0)
    return found


def _ends(values: np.ndarray) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def nondominated_rank(scores: np.ndarray) -> np.ndarray:
    """Places from 0: fronts in order, and within a front the most lonely first.

    Args:
        scores: (points, objectives), larger is better, without NaN.

    >>> nondominated_rank(np.array([[1.0, 1.0], [3.0, 0.0], [0.0, 3.0], [2.0, 2.0]])).tolist()
    [3, 0, 1, 2]
    """
    count = len(scores)
    no_worse = np.ones((count, count), dtype=bool)
    better = np.zeros((count, count), dtype=bool)
    for column in scores.T:
        no_worse &= column[:, None] >= column[None, :]
        better |= column[:, None] > column[None, :]
    dominates = no_worse & better
    above = dominates.sum(axis=0)
    order: list[int] = []
    while len(order) < count:
        front = np.flatnonzero(above == 0)
        lonely = np.argsort(-_crowding(scores[front]), kind="stable")
        order += front[lonely].tolist()
        above = above - dominates[front].sum(axis=0)
        above[front] = -1
    rank = np.empty(count, dtype=int)
    rank[order] = np.arange(count)
    return rank


def _crowding(front: np.ndarray) -> np.ndarray:
    """Distance between a point's neighbours on a front, summed over objectives; infinite at its ends."""
    total = np.zeros(len(front))
    for column in front.T:
        order = np.argsort(column, kind="stable")
        width = column[order[-1]] - column[order[0]]
        total[order[[0, -1]]] = np.inf
        if width > 0 and np.isfinite(width):
            total[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / width
    return total
