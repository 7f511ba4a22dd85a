"""Constraints of a study as it goes on: when they are set or changed, and when nothing satisfies them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from modelwright.core import records as r
from modelwright.core.constraint import KIND, LIMITS, UNMET, Limit, held
from modelwright.core.history import History
from modelwright.core.wording import counted

#: So many trials that were all infeasible are told of.
ENOUGH = 20


class Change(NamedTuple):
    """What to store for other constraints than before, and what that does; "" where no trial is concerned."""

    events: list[r.Event]
    said: str


def change(history: History, limits: Sequence[Limit]) -> Change:
    """Set the limits of a study, or change them: trials that have ended are then held against the new ones."""
    texts, before = [limit.text for limit in limits], [limit.text for limit in history.limits]
    if texts == before:
        return Change([], "")
    note = r.Noted(kind=LIMITS, data={"texts": texts})
    if not history.rows:
        return Change([note], "")
    back = out = never = 0
    for row in history.rows:
        if row.pending:
            continue
        state = held(limits, row, row.facts, row.duration).state
        was, now = row.state in ("complete", "paused", "pruned"), state in ("complete", "paused", "pruned")
        back, out = back + (now and not was), out + (was and not now)
        never += not now and row.error is not None and row.error.kind == KIND and row.values is None
    said = f"constraints were {_listed(before)}, now {_listed(texts)}: {counted(back, 'trial')} more satisfied, "
    said += f"{counted(out, 'trial')} fewer"
    if never:
        said += f"; {counted(never, 'trial')} never trained for the old ones stay infeasible"
    return Change([note], said)


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) or "none"


def unmet(history: History) -> r.Noted | None:
    """The note that no trial of many satisfied the constraints, with the closest miss; None unless it is due."""
    if not history.limits:
        return None
    for note in reversed(history.notes):
        if note.kind == UNMET:
            return None
        if note.kind == LIMITS:
            break
    ended = [row for row in history.rows if row.state in ("complete", "infeasible")]
    missed = [row for row in ended if row.error is not None and row.error.kind == KIND]
    if len(ended) < ENOUGH or not missed or any(row.state == "complete" for row in ended):
        return None
    far = history.violations()
    closest = min(missed, key=lambda row: (far[row.number], row.number))
    why = closest.error.message if closest.error is not None else ""
    return r.Noted(kind=UNMET, data={"trials": len(ended), "closest": closest.number, "why": why})


def told(note: r.Noted) -> str:
    """An ``unmet`` note in words."""
    data = note.data
    return (
        f"none of {counted(int(data['trials']), 'trial')} satisfied the constraints. The closest miss is trial "
        f"{data['closest']}: {data['why']}"
    )
