"""Phases of a plan as its events tell them: how long each took, why it ended, and what runs again after a kill."""

from __future__ import annotations

from dataclasses import replace

from modelwright.core.history import History
from modelwright.core.records import Continued, Finished, Proposed
from modelwright.nas.ladder import STEPS
from modelwright.study.policy import EngineLeads

#: Kind of the note by which the finish is opened, with the seconds that are left for it.
FINISH = "finish"
_BAD = ("failed", "infeasible", "lost")
#: In the note of a confirmation: why the race ended.
ENDED = "ended"
#: In the note of a confirmation that was added: how well the race's ranking had held.
MORE = "more"


class PlanLeads(EngineLeads):
    """What a killed session left unfinished runs again while its phase lasts; the finish is proposed anew."""

    def unfinished(self, history: History) -> list[int]:
        opened = any(note.kind == FINISH for note in history.notes)
        return [] if opened else super().unfinished(history)

    def put_aside(self, history: History) -> list[int]:
        return []

    def settled(self, history: History, ended: Finished) -> Finished:
        """A finish that came to nothing leaves its network as it was before, with its value and its model."""
        row = history.rows[ended.number]
        held = [(fidelity, values) for fidelity, values in row.segments.items() if values is not None]
        if row.note.get("phase") != FINISH or ended.state not in _BAD or not held:
            return ended
        fidelity, values = held[-1]
        why = ended.error.message if ended.error is not None else ended.state
        told = {"before": values[0], "kept": "before", "failed": why}
        return replace(
            ended,
            state="paused",
            values=values,
            metrics=dict(row.metrics),
            fidelity=fidelity,
            step=row.step,
            steps=max(1, round(fidelity * STEPS)),
            error=None,
            artifacts={},
            note={**ended.note, FINISH: told},
        )


def anchor_ended(history: History) -> float | None:
    """Seconds of the study at which the default network had been trained for the first time; None before."""
    anchor = next((row.number for row in history.rows if row.note.get("by") == "default"), None)
    if anchor is None or history.rows[anchor].segment < 0:
        return None
    for place, event in enumerate(history):
        if isinstance(event, Finished) and event.number == anchor:
            return history.time_of(place)
    return None


def shares(history: History) -> dict[str, dict[str, float]]:
    """For each phase the trials that it had, and the seconds that their segments in it took, summed over workers."""
    found: dict[str, dict[str, float]] = {}
    phases: dict[int, str] = {}
    counted: set[tuple[int, str]] = set()
    for event in history:
        if isinstance(event, Proposed | Continued):
            phases[event.number] = str(event.note.get("phase") or phases.get(event.number, "race"))
        elif isinstance(event, Finished):
            name = phases[event.number]
            entry = found.setdefault(name, {"trials": 0, "seconds": 0.0})
            entry["trials"] += (event.number, name) not in counted
            entry["seconds"] += event.duration
            counted.add((event.number, name))
    return found
