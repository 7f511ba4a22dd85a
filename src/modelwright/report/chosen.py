"""Which trials a page shows when there are too many, and how a long curve is thinned. The best is always kept."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.history import Row, usable
from modelwright.report.view import StudyView, causes, front, ranked

#: Trials that one page shows.
LIMIT = 2000


def chosen(view: StudyView, limit: int = LIMIT) -> list[Row]:
    """At most ``limit`` trials in order of number.

    Kept first: the best hundred, the front, each new best, the first trial of each cause of failure; the rest is
    taken evenly over the study.
    """
    rows = view.history.rows
    if len(rows) <= limit:
        return list(rows)
    first = [row.number for row in ranked(view)[:100]]
    first += [cause.trials[0] for cause in causes(view)[:50]]
    first += [number for number, _ in improvements(view)][-200:]
    if len(view.objectives) > 1 and first:
        first += [row.number for row in front(view)[:300]]
    kept = set(list(dict.fromkeys(first))[:limit])
    room = limit - len(kept)
    others = [row.number for row in rows if row.number not in kept]
    if room > 0:
        step = len(others) / room
        kept.update(others[int(i * step)] for i in range(room))
    return [rows[number] for number in sorted(kept)]


def improvements(view: StudyView) -> list[tuple[int, float]]:
    """(trial, value) of each trial that became the best so far, at the highest fidelity so far."""
    made, found = view.objectives[0], []
    best: tuple[float, float] | None = None
    for row in view.history.rows:
        if not usable(row) or row.values is None:
            continue
        mine = (round(row.fidelity, 9), made.score(row.values[0]))
        if best is None or mine > best:
            best = mine
            found.append((row.number, row.values[0]))
    return found


def thinned(points: Sequence[tuple[int, float]], keep: int = 40) -> list[tuple[int, float]]:
    """A curve with at most ``keep`` points: the first, the last and in each part the highest or lowest in turn."""
    if len(points) <= keep:
        return list(points)
    parts = keep - 2
    inner = points[1:-1]
    out = [points[0]]
    for i in range(parts):
        part = inner[i * len(inner) // parts : (i + 1) * len(inner) // parts]
        if part:
            out.append((max if i % 2 else min)(part, key=lambda point: point[1]))
    return [*out, points[-1]]
