"""Phases of a plan as its events tell them: how long each took, why it ended, and what runs again after a kill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from modelwright.core.history import History
from modelwright.core.records import Continued, Exhausted, Finished, Noted, Proposed, Started
from modelwright.nas.ladder import STEPS
from modelwright.nas.proposer import SCREENED
from modelwright.strategy.shown import SAME
from modelwright.study.policy import USED_UP, EngineLeads, Turn, View, put_aside

#: Kind of the note by which the finish is opened, with the seconds that are left for it.
FINISH = "finish"
#: What is no trial's, of the time of a search: what is before the first one, scores without training, and the rest.
PREPARE, SCREEN, BETWEEN = "prepare", "screen", "between"
_BAD = ("failed", "infeasible", "lost")
#: In the note of a confirmation: why the race ended.
ENDED = "ended"
#: In the note of a confirmation that was added: how well the race's ranking had held.
MORE = "more"


class PlainlyLed(EngineLeads):
    """One strategy for the whole time: where that cut a network short, there is none for another."""

    def propose(self, view: View, new_allowed: bool) -> Turn:
        if any(put_aside(row, ["budget"]) for row in view.history.rows):
            return Exhausted(why=USED_UP)
        return super().propose(view, new_allowed)


class PlanLeads(EngineLeads):
    """What a killed session left unfinished runs again while its phase lasts; the finish is proposed anew."""

    def unfinished(self, history: History) -> list[int]:
        opened = any(note.kind == FINISH for note in history.notes)
        return [] if opened else super().unfinished(history)

    def put_aside(self, history: History) -> list[int]:
        return []

    def settled(self, history: History, ended: Finished) -> Finished:
        """A finish that came to nothing leaves its network as it was before, with its value and its model.

        So does a confirmation that was ended on its way: what it would have been worth is not known, and networks that
        trained for longer are no measure of it.
        """
        row = history.rows[ended.number]
        held = [(fidelity, values) for fidelity, values in row.segments.items() if values is not None]
        phase, cut = row.note.get("phase"), ended.state == "paused" and ended.fidelity < row.target - SAME
        if not held or not (cut if phase == "confirm" else phase == FINISH and ended.state in _BAD):
            return ended
        fidelity, values = held[-1]
        why = ended.error.message if ended.error is not None else ended.state
        told = {} if cut else {FINISH: {"before": values[0], "kept": "before", "failed": why}}
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
            note={**ended.note, **told},
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


def clocked(history: History) -> dict[str, float]:
    """Seconds of the study's clock for each phase, together those of the whole search.

    Beside the phases that trials have: ``PREPARE``, until the first of anything; ``SCREEN``; and ``BETWEEN``, in which
    no trial ran that has ended. Trials that run together share the clock evenly.
    """
    stretches: list[tuple[float, float, str]] = []
    phases: dict[int, str] = {}
    begun: dict[int, float] = {}
    for place, event in enumerate(history):
        at = history.time_of(place)
        if isinstance(event, Proposed | Continued):
            phases[event.number] = str(event.note.get("phase") or phases.get(event.number, "race"))
        elif isinstance(event, Started):
            begun[event.number] = at
        elif isinstance(event, Finished) and event.number in begun:
            stretches.append((begun.pop(event.number), at, phases[event.number]))
        elif isinstance(event, Noted) and event.kind == SCREENED:
            stretches.append((max(0.0, at - float(event.data["seconds"])), at, SCREEN))
    first = min((begin for begin, _, _ in stretches), default=0.0)
    found = {PREPARE: first, **by_the_clock(stretches)}
    return found | {BETWEEN: max(0.0, history.elapsed - sum(found.values()))}


def by_the_clock(stretches: Iterable[tuple[float, float, str]]) -> dict[str, float]:
    """Seconds for each name that stretches of time have; those that overlap share them evenly.

    >>> by_the_clock([(0.0, 10.0, "race"), (0.0, 10.0, "confirm"), (20.0, 29.0, "confirm")])
    {'confirm': 14.0, 'race': 5.0}
    """
    changes = [change for begin, end, name in stretches for change in ((begin, 1, name), (end, -1, name))]
    found: dict[str, float] = {}
    running: dict[str, int] = {}
    before = 0.0
    for at, change, name in sorted(changes):
        together = sum(running.values())
        for other, several in running.items() if together > 0 else ():
            found[other] = found.get(other, 0.0) + (at - before) * several / together
        before, running[name] = at, running.get(name, 0) + change
    return found
