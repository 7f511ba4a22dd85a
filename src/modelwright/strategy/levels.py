"""Levels: what a score shown part of the way is worth in full. Does not know strategies or models.

Bad trials are known from short training and good ones from long. A model that sees both as they are learns that long
training is what makes trials good, and keeps proposing where only short trials were seen. So every score is first
moved by what training on from its level usually brings, as seen in trials that were at both levels.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from modelwright.core.history import History, Row

#: Fidelities closer than this are one level.
_SAME = 1e-6


def gains(history: History) -> dict[float, np.ndarray]:
    """For every fidelity at which a trial ended, what is to be added to scores there, one number an objective.

    Between neighbouring levels it is the median difference over the trials that have a score at both: at their ends,
    or in their reports. Where no trial has, nothing is added. The highest level gets zeros.
    """
    count = Counter(f for row in history.rows for f, values in row.segments.items() if values is not None)
    ends = sorted(count)
    # A fidelity at which a single trial ended is no level: it counts as the next one above.
    levels = [f for f in ends if count[f] > 1 or f == ends[-1]]
    found = {f: np.zeros(len(history.objectives)) for f in ends}
    if len(levels) > 1:
        steps = _steps(history)
        far = [row for row in history.rows if max(row.segments, default=0.0) > levels[0] + _SAME]
        table = np.array([[_at(row, history, level, steps) for level in levels] for row in far])
        table = np.where(np.isfinite(table), table, np.nan)  # a report of minus infinity is no gain
        for low, high in reversed(list(pairwise(range(len(levels))))):
            moved = table[:, high] - table[:, low]
            both = moved[np.isfinite(moved).all(axis=1)]
            found[levels[low]] = found[levels[high]] + (np.median(both, axis=0) if len(both) else 0.0)
    return {f: found[next(level for level in levels if level >= f)] for f in ends}


def _steps(history: History) -> float | None:
    """Steps of full fidelity, as the trials that ended show."""
    shown = [row.steps / row.fidelity for row in history.rows if row.steps and row.fidelity > 0 and row.segments]
    return max(shown) if shown else None


def _at(row: Row, history: History, level: float, steps: float | None) -> np.ndarray:
    """Scores of a trial by ``level``: those it ended with there, or its best report so far; NaN when not known."""
    objectives = history.objectives
    missing = np.full(len(objectives), np.nan)
    for f, values in row.segments.items():
        if abs(f - level) <= _SAME and values is not None:
            return np.array([made.score(value) for made, value in zip(objectives, values, strict=True)])
    if steps is None or row.steps < level * steps - 0.5:
        return missing
    made = objectives[0]
    seen = [m for step, m in row.reports if step <= level * steps + 0.5 and all(o.name in m for o in objectives)]
    if not seen:
        return missing
    best = max(seen, key=lambda m: made.score(m[made.name]))
    return np.array([o.score(best[o.name]) for o in objectives])
