"""Trust region: in many dimensions the search stays in a box around the best point. Knows no models and no trials."""

from __future__ import annotations

import numpy as np

#: With fewer axes than this the whole space is searched.
MANY = 16
#: Width of the box at first, the least, and the greatest.
_FIRST, _LEAST, _MOST = 0.2, 2.0**-7, 1.6
#: So many improvements in a row double the box, so many trials without one halve it.
_WINS, _LOSSES = 3, 5
#: An improvement counts from this share of the spread of all scores.
_COUNTS = 1e-3


def width(scores: np.ndarray, initial: int = 10) -> float:
    """Width of the box after trials that ended with ``scores``, in their order.

    Eriksson, Pearce, Gardner, Turner and Poloczek, "Scalable global optimization via local Bayesian optimization",
    NeurIPS 2019, section 2 (TuRBO-1), with a narrower box and fewer failures: budgets here are hundreds of trials.
    A box that has become too narrow starts anew.

    Args:
        scores: larger is better; NaN, for a trial that failed, does not count.
        initial: the first trials, before any box.

    >>> width(np.zeros(10)), width(np.arange(13.0)), width(np.zeros(15))
    (0.2, 0.4, 0.1)
    """
    finite = scores[np.isfinite(scores)]
    least = _COUNTS * float(np.ptp(finite)) if len(finite) else 0.0
    best, found, wins, losses = -np.inf, _FIRST, 0, 0
    for i, score in enumerate(finite):
        won = bool(score > best + least)
        best = max(best, score)
        if i < initial:
            continue
        wins, losses = (wins + 1, 0) if won else (0, losses + 1)
        if wins == _WINS:
            found, wins = min(2 * found, _MOST), 0
        if losses == _LOSSES:
            found, losses = found / 2, 0
        if found < _LEAST:
            found = _FIRST
    return found


def box(scores: np.ndarray, centre: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Lowest and highest value of each axis, or None where the whole space is searched.

    The box is longer along axes that matter less.

    Args:
        scores: see ``width``.
        centre: the best point; NaN where an axis is inactive.
        lengths: how far one has to go along each axis until values differ.
    """
    if len(centre) < MANY:
        return None
    relative = np.clip(lengths / np.exp(np.log(lengths).mean()), 1 / 3, 3.0)
    reach = 0.5 * width(scores) * relative
    middle = np.nan_to_num(centre, nan=0.5)
    return np.clip(middle - reach, 0.0, 1.0), np.clip(middle + reach, 0.0, 1.0)
