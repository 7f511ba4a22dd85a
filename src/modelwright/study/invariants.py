"""The invariants of a stored study, checked by reading: I1 to I4 and I6 of its events, files and leases.

Changes nothing. What files of an SQLite store should be like is in ``store.examine``.

I1: no event is lost. I2: trials are numbered 0, 1, 2, ... I3: each attempt has at most one result. I4: the budget is
not overspent. I5: the database is whole. I6: the state that a session begins with is the fold of the events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from modelwright.core import records as r
from modelwright.core.errors import ModelwrightError, StoreError
from modelwright.core.finding import Finding
from modelwright.core.history import History, Row, usable
from modelwright.core.objective import Objective
from modelwright.core.presence import gone_here
from modelwright.core.wording import counted
from modelwright.space import Tree
from modelwright.store.base import Store, StudyRecord
from modelwright.store.sqlite import SqliteStore
from modelwright.strategy import resolve
from modelwright.strategy.random import Random
from modelwright.study.journal import Journal
from modelwright.study.machine import Machine, Setup

_REPORT = "Please report it, with a copy of the study: modelwright copy"
_ENDED = ("complete", "pruned", "infeasible", "lost")


def check_store(store: Store) -> list[Finding]:
    """Everything that is wrong with a store, and what is worth knowing; [] when there is nothing.

    >>> from modelwright.store.memory import MemoryStore
    >>> store = MemoryStore(); study = store.create("a", {"budget": {"trials": 1}}, 0.0)
    >>> store.append(study.id, [r.Proposed(number=0, config={}), r.Proposed(number=1, config={})], after=0)
    >>> [finding.check for finding in check_store(store)]
    ['I4']
    """
    found: list[Finding] = []
    if isinstance(store, SqliteStore):
        from modelwright.store.examine import examine_files

        found += examine_files(store.path)
    try:
        records = store.studies()
    except StoreError as error:
        return [*found, Finding(level="error", check="I5", what=str(error), where=store.location)]
    for record in records:
        found += check_study(store, record)
    return found


def check_study(store: Store, record: StudyRecord) -> list[Finding]:
    """Everything that is wrong with one study of a store."""
    where = f"study {record.name!r}"
    try:
        events = [event for event, _ in store.load(record.id)]
        last = list(store.load(record.id, after=len(events) - 1)) if events else []
    except (ModelwrightError, ValueError, TypeError, KeyError) as error:
        what = f"its events cannot be read: {error}"
        return [Finding(level="error", check="I1", what=what, where=where, fix="Restore the store from a copy.")]
    found = list(check_events(events, record))
    if events and (not last or last[0][0] != events[-1]):
        found.append(Finding(level="error", check="I1", what="its events have gaps", where=where, fix=_REPORT))
    if any(finding.level == "error" for finding in found):
        return found  # such a history cannot be folded
    history = History(_objectives(record))
    history.extend(events)
    return [*found, *_same_fold(store, record), *_files(store, record, history), *_present(store, record, history)]


# --- what happened: I2, I3, I4 ------------------------------------------------------------------------


def check_events(events: Iterable[r.Event], record: StudyRecord) -> Iterator[Finding]:
    """I2, I3 and I4 of a study's events."""
    where, imported = f"study {record.name!r}", "imported" in record.definition
    trials: dict[int, _Trial] = {}
    started = 0
    for place, event in enumerate(events):
        if isinstance(event, r.Proposed):
            if event.number != len(trials):
                what = f"event {place} proposes trial {event.number} after {counted(len(trials), 'trial')}"
                yield Finding(level="error", check="I2", what=what, where=where, fix=_REPORT)
            given = event.note.get("by") == r.GIVEN
            trials[event.number] = _Trial(free=given or imported)
            started += not given
        elif not isinstance(event, (r.Noted, r.Grew)):
            trial = trials.get(event.number)
            what = "it was never proposed" if trial is None else trial.take(event)
            if what:
                yield Finding(
                    level="error",
                    check="I3" if trial is not None else "I2",
                    what=f"event {place}: {what}",
                    where=f"{where}, trial {event.number}",
                    fix=_REPORT,
                )
    budget = record.definition.get("budget") or {}
    most = budget.get("most", budget.get("trials"))
    if most is not None and started > most and not imported:
        what = f"{counted(started, 'configuration')} were started, {most} were allowed"
        yield Finding(level="error", check="I4", what=what, where=where, fix=_REPORT)


class _Trial:
    """What one trial may do next.

    Args:
        free: its result was brought in from elsewhere, and need not have been run here.
    """

    def __init__(self, free: bool):
        self.free, self.state = free, "proposed"
        self.attempt = (-1, -1)

    def take(self, event: r.Event) -> str:
        """Follow an event; what is wrong with it, or ""."""
        if isinstance(event, r.Started):
            return self._start(event)
        if isinstance(event, r.Finished):
            wrong = self.state != "running" and not (self.free and self.state == "proposed")
            before, self.state = self.state, event.state
            return f"a result of an attempt that is {before} already" if wrong else ""
        if isinstance(event, r.Reported) and self.state != "running" and not self.free:
            return f"a report while the trial is {self.state}"
        if isinstance(event, r.Continued):
            wrong = self.state != "paused"
            before, self.state = self.state, "proposed"
            return f"it goes on although it is {before}" if wrong else ""
        return ""

    def _start(self, event: r.Started) -> str:
        attempt, before, state = (event.segment, event.attempt), self.attempt, self.state
        self.attempt, self.state = attempt, "running"
        if state in _ENDED:
            return f"it was started again although it is {state}"
        return f"attempt {attempt} was started after {before}" if attempt <= before else ""


# --- the state: I6 ------------------------------------------------------------------------------------


def _objectives(record: StudyRecord) -> tuple[Objective, ...]:
    named = tuple(Objective(str(name), way) for name, way in record.definition.get("objectives") or ())
    return named or (Objective("value", "min"),)


def _machine(record: StudyRecord) -> Machine:
    try:
        name, steps = record.definition.get("strategy", "random"), record.definition.get("steps")
        strategy = resolve(name, steps=steps, resumable=True)
    except ModelwrightError:
        strategy = Random()  # one of the user's own: its trials can be folded all the same
    seed = int(record.definition.get("seed", 0))
    return Machine(Setup(space=Tree(), strategy=strategy, objectives=_objectives(record), seed=seed))


def _same_fold(store: Store, record: StudyRecord) -> Iterator[Finding]:
    """I6: a session's beginning, which may use what is kept of the fold, against the fold of all events, one by one."""
    begun = Journal(_machine(record), store, record)
    begun.sync()
    fresh = _machine(record)
    for event, at in store.load(record.id):
        if len(fresh.history) < len(begun.machine.history):
            fresh.apply([event], at)
    for what in differences(begun.machine, fresh):
        fix = "Please report it. The events count: an empty cache is made anew"
        yield Finding(level="error", check="I6", what=what, where=f"study {record.name!r}", fix=fix)


def differences(one: Machine, other: Machine) -> list[str]:
    """How the states of two machines that folded the same events differ, in words; [] when they do not."""
    found = []
    mine, others = list(one.history.rows), list(other.history.rows)
    if len(mine) != len(others):
        found.append(f"{len(mine)} and {len(others)} trials")
    found += [f"trial {a.number} differs" for a, b in zip(mine, others) if repr(a) != repr(b)]
    for name in ("elapsed", "started", "limits", "confirmed"):
        if repr(getattr(one.history, name)) != repr(getattr(other.history, name)):
            found.append(f"{name} differs")
    if [repr(note) for note in one.history.notes] != [repr(note) for note in other.history.notes]:
        found.append("the notes differ")
    specs = [[dict(spec) for spec in _specs(machine)] for machine in (one, other)]
    if specs[0] != specs[1]:
        found.append("the space differs")
    return found[:20]


def _specs(machine: Machine) -> Sequence[Any]:
    space: Any = machine.space
    return space.specs()


# --- files and members --------------------------------------------------------------------------------


def _files(store: Store, record: StudyRecord, history: History) -> Iterator[Finding]:
    """Checkpoints and models that will be wanted, and folders that will not."""
    where, folder = f"study {record.name!r}", store.folder(record.id)
    best = history.best()
    elsewhere = record.definition.get("artifacts") or store.place  # those are checked when they are fetched
    for row in history.rows:
        wanted = [("checkpoint", "It starts from the one before, or anew")] if _may_go_on(row) else []
        if best is not None and row.number == best.number and usable(row):
            wanted.append(("model", "Train it again: study.refit()"))
        for name, fix in wanted:
            artifact = row.artifacts.get(name)
            if artifact is None or (elsewhere and not (folder / artifact.path).exists()):
                continue
            what = _damage(folder / artifact.path, artifact)
            if what:
                place = f"{where}, trial {row.number}"
                yield Finding(level="warning", check="files", what=f"its {name} {what}", where=place, fix=fix)
    for path in sorted(folder.glob("trial-*")):
        number = path.name.removeprefix("trial-")
        if number.isdigit() and int(number) >= len(history.rows):
            what = "a folder of a trial that the study does not know"
            yield Finding(level="warning", check="files", what=what, where=str(path), fix="Remove it")


def _may_go_on(row: Row) -> bool:
    return row.state in ("paused", "running", "proposed")


def _damage(path: Path, artifact: r.Artifact) -> str:
    """What is wrong with a file, or ""."""
    if not path.exists():
        return f"is not there ({path.name})"
    if path.is_dir() or not artifact.sha256:
        return ""
    if artifact.size and path.stat().st_size != artifact.size:
        return f"has {path.stat().st_size} bytes of {artifact.size} ({path.name})"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if found == artifact.sha256 else f"was altered ({path.name})"


def _present(store: Store, record: StudyRecord, history: History) -> Iterator[Finding]:
    """Members that are gone, and trials that wait for somebody to run them again."""
    where = f"study {record.name!r}"
    there = set()
    for lease in store.leases(record.id):
        if lease.left <= 0 or gone_here(lease.holder):
            what = f"the lease of a session that is gone ({lease.holder})"
            yield Finding(level="note", check="leases", what=what, where=where, fix="It runs out by itself")
        else:
            there.add(lease.holder)
    left = [row.number for row in history.rows if row.state == "running" and row.worker not in there]
    left = [n for n in left if not history.rows[n].worker.startswith("asked") or gone_here(history.rows[n].worker)]
    if left:
        numbers = ", ".join(map(str, left[:10])) + (" ..." if len(left) > 10 else "")
        what = f"{counted(len(left), 'trial')} without a session ({numbers})"
        fix = "Go on with the study, or modelwright worker: they run again"
        yield Finding(level="note", check="trials", what=what, where=where, fix=fix)
