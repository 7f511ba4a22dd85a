"""What trials have shown by a fidelity: the one comparison that rungs, audits and reports share. Proposes nothing.

A fidelity is a number in (0, 1]; whether it means epochs, rows, pixels, filters or cells is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelwright.core.history import History, Row
from modelwright.strategy.merit import nondominated_rank

#: Fidelities closer than this are the same one.
SAME = 1e-6

_BAD = ("failed", "infeasible", "lost")


class Shown:
    """Score vectors of trials by fidelities, kept while nothing about the trial has changed; may be thrown away."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[int, float], tuple[Any, tuple[float, ...] | None]] = {}

    def at(self, row: Row, history: History, level: float, steps: int | None) -> tuple[float, ...] | None:
        """See ``shown``."""
        stamp = (row.state, row.steps, len(row.reports), len(row.segments), row.values)
        held = self._kept.get((row.number, level))
        if held is None or held[0] != stamp:
            held = self._kept[row.number, level] = stamp, shown(row, history, level, steps)
        return held[1]


def shown(row: Row, history: History, level: float, steps: int | None = None) -> tuple[float, ...] | None:
    """The scores that a trial has shown by fidelity ``level``, one for each objective, larger is better.

    They are those of the last segment that ended by then, or of a better report after it, by the first objective. What
    was reported up to a segment's end is settled by that end: it may be of fewer rows, or a mean that was running.
    Minus infinity for a trial that ended badly; None while the trial has not come that far, or left no record of it.

    Args:
        steps: the steps that fidelity 1 means, or None for trials without steps: they are known where they paused.
    """
    objectives = history.objectives
    if row.state in _BAD:
        return (-math.inf,) * len(objectives)
    if row.given and level < 1 - SAME:
        return None  # its value is that of full training
    step = None if steps is None else max(1, round(level * steps))
    ended = [f for f, values in row.segments.items() if values is not None and f <= level + SAME]
    far = max(row.segments, default=0.0) >= level - SAME or (step is not None and row.steps >= step)
    if not far and row.state != "complete":  # one that its own callback ended has no more to show
        return None
    last = max(ended, default=0.0)
    held = row.segments[last] if ended else None
    values = {} if held is None else {o.name: v for o, v in zip(objectives, held, strict=True)}
    first = objectives[0]
    if step is not None and steps is not None:
        settled = max(1, round(last * steps)) if ended else 0
        later = [metrics for s, metrics in row.reports if settled < s <= step and first.name in metrics]
        top = max(later, key=lambda metrics: first.score(metrics[first.name]), default=None)
        if top is not None and (held is None or first.better(top[first.name], held[0])):
            values |= top
    if first.name not in values:
        return None
    return tuple(o.score(values[o.name]) if o.name in values else math.nan for o in objectives)


def merits_at(
    history: History,
    level: float,
    steps: int | None = None,
    known: Shown | None = None,
    among: Sequence[Row] | None = None,
) -> dict[int, float]:
    """Trial -> one number, larger is better, for all trials that have come to fidelity ``level``.

    With one objective it is the best score by then. With several it is minus the trial's rank by fronts, and by
    crowding within a front, as in NSGA-II (see ``merit.nondominated_rank``): of a rung with several objectives the
    best fronts go on, evenly spread. An objective that some trials have not measured yet does not count until all
    have. Trials that ended badly have minus infinity.

    Args:
        among: the trials that are compared; None for all.
    """
    look, rows = (known or Shown()).at, history.rows if among is None else among
    found = {row.number: scores for row in rows if (scores := look(row, history, level, steps)) is not None}
    if len(history.objectives) == 1:
        return {number: scores[0] for number, scores in found.items()}
    merits = dict.fromkeys(found, -math.inf)
    alive = [number for number, scores in found.items() if scores[0] > -math.inf]
    table = np.array([found[number] for number in alive], dtype=float).reshape(len(alive), len(history.objectives))
    table = table[:, ~np.isnan(table).any(axis=0)]
    rank = nondominated_rank(table) if table.size else np.zeros(len(alive), dtype=int)
    return {**merits, **{number: -float(place) for number, place in zip(alive, rank, strict=True)}}
