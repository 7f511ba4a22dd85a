"""The facts of a search in the engine's store, ``modelwright.db`` in the project's folder.

The store is the truth: KerasTuner's JSON files are written beside it, and what they lack is read back from here. Owns
how trials become the engine's events, and what of the oracle's state is stored with each: what changed since the one
before. ``modelwright.load_study("search", store=".../modelwright.db")`` opens it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.errors import SpaceError, StoreError
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.keras_tuner.engine.changes import applied, difference
from modelwright.keras_tuner.engine.hyperparameters import Boolean, Choice, Fixed, Float, HyperParameters, Int
from modelwright.keras_tuner.engine.stateful import plain
from modelwright.keras_tuner.engine.trial import ENDED, Trial, TrialStatus

FILE = "modelwright.db"
STUDY = "search"
#: The kind of note that holds what changed in the oracle's state.
ORACLE = "oracle"


class Facts:
    """The open store of a project.

    Attributes:
        journal: where the engine's loop writes.
        numbers: KerasTuner's name of a trial -> the engine's number.
    """

    def __init__(self, oracle: Any, folder: str, strategy: Any):
        from modelwright.space import Tree
        from modelwright.store.sqlite import SqliteStore
        from modelwright.study import Journal, Machine, Setup, StrategyLeads

        self.store = SqliteStore(Path(folder) / FILE)
        objective = Objective(oracle.objective.name, oracle.objective.direction)
        record = self.store.find(STUDY)
        if record is None:
            definition = {
                "objectives": [[objective.name, objective.direction]],
                "strategy": type(oracle).__name__,
                "seed": int(oracle.seed),
                "unit": "epoch",
            }
            record = self.store.create(STUDY, definition, SystemClock().wall())
        self.record = record
        setup = Setup(space=Tree(), strategy=strategy, objectives=(objective,), seed=int(oracle.seed))
        machine = Machine(setup, StrategyLeads())
        for event, at in self.store.load(record.id):
            machine.apply([event], at)
        self.machine, self.journal = machine, Journal(machine, self.store, record)
        #: KerasTuner's name of a trial -> the engine's number.
        self.numbers: dict[str, int] = {row.note["trial_id"]: row.number for row in machine.history.rows}

    @contextmanager
    def writing(self, oracle: Any) -> Iterator[None]:
        """Within: this process alone may write; what the store does not know yet of the oracle's trials is there.

        From here on the oracle's state is stored with each trial that ends.
        """
        with self.store.writer(self.record.id):
            self._settle(oracle)
            self._adopt(oracle)
            notes = _OracleNotes(oracle, self.journal)
            self.journal.observers.append(notes)
            try:
                yield
                notes.write()
            finally:
                self.journal.observers.clear()

    def close(self) -> None:
        self.store.close()

    def known(self, specs: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
        """Those of the specifications that the engine's space can hold beside what it has."""
        fitting = []
        for spec in specs:
            try:
                self.machine.space.grow([spec])
            except SpaceError:
                continue
            fitting.append(spec)
        return tuple(fitting)

    def _settle(self, oracle: Any) -> None:
        """Trials that were running when the last session died: ended after all, or waiting to run again."""
        for row in [row for row in self.machine.history.rows if row.state in ("proposed", "running", "paused")]:
            trial = oracle.trials.get(row.note["trial_id"])
            if trial is not None and trial.status in ENDED:
                self.journal.write(self.machine.finish(row.number, outcome_of(trial, oracle.objective.name)))
            elif row.state != "paused":
                self.journal.write([r.Finished(number=row.number, state="paused", fidelity=0.0)])

    def _adopt(self, oracle: Any) -> None:
        """Trials of a project that KerasTuner wrote."""
        for trial_id in [t for t in oracle.start_order if t not in self.numbers]:
            trial, number = oracle.trials[trial_id], len(self.machine.history.rows)
            self.numbers[trial_id] = number
            config = dict(trial.hyperparameters.values)
            specs = self.known(specs_of(trial.hyperparameters))
            self.journal.write(
                [
                    *([r.Grew(parameters=specs, number=number)] if specs else []),
                    r.Proposed(number=number, config=config, note={"trial_id": trial_id, "by": "KerasTuner"}),
                    r.Started(number=number),
                    r.Configured(number=number, config=config),
                ]
            )
            if trial.status in ENDED:
                self.journal.write(self.machine.finish(number, outcome_of(trial, oracle.objective.name)))
            else:
                self.journal.write([r.Finished(number=number, state="paused", fidelity=0.0)])


class _OracleNotes:
    """An observer that stores what changed in the oracle behind each trial that ends, and all of it the first time.

    Whatever a crash cuts off here is told by the trials themselves when the project is taken up again.
    """

    def __init__(self, oracle: Any, journal: Any):
        self._oracle, self._journal = oracle, journal
        self._stored: Any = None

    def events(self, events: Sequence[r.Event]) -> None:
        if any(isinstance(event, r.Finished) for event in events):
            self.write()

    def write(self) -> None:
        """Store what changed since the last time."""
        state = self._oracle.get_state()
        try:
            change = difference(self._stored, state)
        except ValueError:  # an array in a custom oracle's state cannot be compared as a whole
            change = difference(self._stored, _copied(state))
        if change is not None:
            change = _copied(change)
            self._stored = applied(self._stored, _copied(change))
            self._journal.write([r.Noted(kind=ORACLE, data=change)])


def _copied(state: Any) -> Any:
    """By way of JSON: what is remembered must not change when the oracle does."""
    return json.loads(json.dumps(state, default=plain))


def outcome_of(trial: Trial, objective: str) -> r.Outcome:
    """How a trial ended, in the engine's terms. One that is to be tried again counts as failed until it is."""
    note = {"trial": trial.get_state()}
    if trial.status == TrialStatus.COMPLETED:
        best = {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics}
        metrics = {name: float(value) for name, value in best.items() if value is not None}
        if trial.score is not None:
            # A sum of objectives, or a score of the user's own, is no metric.
            metrics[objective] = float(trial.score)
        return r.Outcome(state="complete", metrics=metrics, fidelity=1.0, note=note)
    lines = (trial.message or "").strip().splitlines()
    error = r.Failure(
        kind="infeasible" if trial.infeasible else "exception",
        type=lines[-1].partition(":")[0] if lines else "",
        message=lines[-1] if lines else "the score is not a number",
        traceback=trial.message or "",
    )
    return r.Outcome(state="infeasible" if trial.infeasible else "failed", error=error, note=note)


def specs_of(hyperparameters: HyperParameters) -> list[dict[str, Any]]:
    """The space as the engine writes parameters; kinds that it does not know are left out."""
    return [spec for hp in hyperparameters.space if (spec := _spec(hp)) is not None]


def _spec(hp: Any) -> dict[str, Any] | None:
    conditions = [{"parent": c.name, "values": tuple(c.values)} for c in hp.conditions if hasattr(c, "values")]
    spec: dict[str, Any]
    if isinstance(hp, (Int, Float)):
        kind = "int" if isinstance(hp, Int) else "float"
        spec = {"kind": kind, "low": hp.min_value, "high": hp.max_value, "step": hp.step, "sampling": hp.sampling}
    elif isinstance(hp, Choice):
        spec = {"kind": "choice", "values": tuple(hp.values), "ordered": hp.ordered}
    elif isinstance(hp, Boolean):
        spec = {"kind": "boolean"}
    elif isinstance(hp, Fixed):
        spec = {"kind": "fixed", "value": hp.value}
    else:
        return None
    if not isinstance(hp, Fixed):
        spec["default"] = hp.default
    return {"name": hp.name, **spec, **({"conditions": conditions} if conditions else {})}


def read_back(folder: str) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]], Mapping[str, Any] | None]:
    """What the store of a project knows: states of the trials that ended, values of the others, the oracle's state."""
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return {}, {}, None
    from modelwright.store.sqlite import SqliteStore

    with closing(SqliteStore(path)) as store:
        record = store.find(STUDY)
        if record is None:
            return {}, {}, None
        history = History([Objective(name, direction) for name, direction in record.definition["objectives"]])
        state = record.definition.get(ORACLE)
        try:
            for event, at in store.load(record.id):
                history.extend([event], at)
                if isinstance(event, r.Noted) and event.kind == ORACLE:
                    state = applied(state, event.data)
        except StoreError:
            return {}, {}, None
        ended = {row.note["trial_id"]: dict(row.facts["trial"]) for row in history.rows if "trial" in row.facts}
        others = {row.note["trial_id"]: row.config for row in history.rows if "trial" not in row.facts}
        return ended, others, state


def progress(state: Mapping[str, Any] | None) -> float:
    """How far a search had come when its oracle's state was taken."""
    if state is None:
        return -math.inf
    return len(state["start_order"]) + len(state["end_order"]) + sum(state["run_times"].values())
