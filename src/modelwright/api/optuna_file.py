"""Optuna's SQLite file, read with nothing but sqlite3: one of its studies as a definition and events of ours.

Facts about the tables and the distributions come from files that Optuna 2.10, 3.1, 4.1 and 5.0 wrote. Writes nothing.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from modelwright.api.optuna_space import Distributions
from modelwright.core import records as r
from modelwright.core.errors import ModelwrightError, StoreError, StudyError

_STATES: Mapping[str, r.State] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "lost"}
_WHICH = "Say which one: --study NAME, or study= in Python."
_SPECIAL = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptunaStudy:
    """A study of Optuna in our terms.

    Attributes:
        events: each with the running time in seconds at which it happened.
    """

    name: str
    definition: dict[str, Any]
    events: list[tuple[r.Event, float]]


@dataclass(slots=True)
class _Trial:
    id: int
    number: int
    state: str
    began: float | None
    ended: float | None
    raw: dict[str, tuple[float, str]] = field(default_factory=dict)
    values: dict[int, float] = field(default_factory=dict)
    reports: dict[int, float] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)


def read_optuna(source: str | os.PathLike[str], study: str | None = None) -> OptunaStudy:
    """The study named ``study``, or the only one, of the file ``source``.

    Raises:
        StoreError: the file is missing or is no file of Optuna's.
        StudyError: no such study, or several and none was named.
    """
    path = _path(source)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            return _Reader(connection, str(path)).read(study)
    except ModelwrightError:
        raise
    except (sqlite3.Error, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise StoreError(f"cannot be read as a file of Optuna's: {error}", where=str(path)) from error


def _path(source: str | os.PathLike[str]) -> Path:
    text = os.fspath(source)
    if "://" in text and not text.startswith("sqlite:///"):
        raise StoreError(
            f"cannot read {text.split('://')[0]}:// storages of Optuna",
            where="import-optuna",
            allowed="the path of an SQLite file, or sqlite:///path",
            hint="optuna.copy_study copies a study to an SQLite file.",
        )
    path = Path(text.removeprefix("sqlite:///")).expanduser()
    if not path.is_file():
        raise StoreError("there is no such file", where=str(path))
    return path


class _Reader:
    """Reads one file inside one transaction, so that a running Optuna study is seen at one moment."""

    def __init__(self, connection: sqlite3.Connection, where: str):
        self._connection, self._where = connection, where

    def read(self, name: str | None) -> OptunaStudy:
        tables = {row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"studies", "study_directions", "trials", "trial_params", "trial_values"} <= tables:
            raise StoreError(
                "this is not an SQLite file of Optuna",
                where=self._where,
                allowed="a file written by optuna.create_study(storage='sqlite:///...') of Optuna 2.4 or later",
            )
        self._connection.execute("BEGIN")
        number, found = self._study(name)
        query = "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective"
        directions = [direction for (direction,) in self._rows(query, number)]
        trials = self._trials(number)
        users = self._attributes("study_user_attributes", number)
        metrics = self._attributes("study_system_attributes", number).get("study:metric_names")
        objectives = _objectives(directions, metrics)
        ran = [t for t in trials if t.state in _STATES]
        origin = {"from": "optuna", "version": self._version(), "study": found, "user_attrs": users}
        definition = {
            "objectives": objectives,
            "subject": f"Optuna study {found}",
            "unit": "step",
            "imported": {**origin, "left_out": len(trials) - len(ran)},
        }
        events = list(_Writer([name for name, _ in objectives], ran).events())
        return OptunaStudy(name=found, definition=definition, events=events)

    def _rows(self, query: str, *values: Any) -> list[tuple]:
        return self._connection.execute(query, values).fetchall()

    def _study(self, name: str | None) -> tuple[int, str]:
        known = {found: number for number, found in self._rows("SELECT study_id, study_name FROM studies")}
        if name is None and len(known) == 1:
            return next((number, found) for found, number in known.items())
        if name in known:
            assert name is not None
            return known[name], name
        listed = ", ".join(map(repr, list(known)[:20]))
        problem = f"there is no study {name!r}" if name is not None else f"there are {len(known)} studies"
        raise StudyError(problem, where=self._where, allowed=listed, hint="" if name or not known else _WHICH)

    def _version(self) -> str:
        rows = self._rows("SELECT library_version FROM version_info")
        return str(rows[0][0]) if rows else ""

    def _attributes(self, table: str, study: int) -> dict[str, Any]:
        rows = self._rows(f"SELECT key, value_json FROM {table} WHERE study_id = ?", study)
        return {key: json.loads(value) for key, value in rows}

    def _trials(self, study: int) -> list[_Trial]:
        query = "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials WHERE study_id = ?"
        trials = [
            _Trial(id=i, number=n, state=s, began=_seconds(b), ended=_seconds(e))
            for i, n, s, b, e in self._rows(f"{query} ORDER BY number", study)
        ]
        by_id = {trial.id: trial for trial in trials}
        columns = "param_name, param_value, distribution_json"
        for i, name, value, spec in self._of_trials("trial_params", columns, study):
            by_id[i].raw[name] = (value, spec)
        columns = self._typed("trial_values", "objective, value", "value_type")
        for i, objective, value, kind in self._of_trials("trial_values", columns, study):
            by_id[i].values[objective] = _SPECIAL.get(kind, math.nan if value is None else value)
        columns = self._typed("trial_intermediate_values", "step, intermediate_value", "intermediate_value_type")
        for i, step, value, kind in self._of_trials("trial_intermediate_values", columns, study):
            by_id[i].reports[step] = _SPECIAL.get(kind, math.nan if value is None else value)
        for i, key, value in self._of_trials("trial_user_attributes", "key, value_json", study):
            by_id[i].user[key] = json.loads(value)
        for i, key, value in self._of_trials("trial_system_attributes", "key, value_json", study):
            by_id[i].system[key] = json.loads(value)
        return trials

    def _of_trials(self, table: str, columns: str, study: int) -> list[tuple]:
        inside = "trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)"
        return self._rows(f"SELECT trial_id, {columns} FROM {table} WHERE {inside} ORDER BY rowid", study)

    def _typed(self, table: str, columns: str, kind: str) -> str:
        """``columns`` and the column that names infinities, which files of Optuna 2 lack."""
        has = {row[1] for row in self._rows(f"PRAGMA table_info({table})")}
        return f"{columns}, {kind if kind in has else 'NULL'}"


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _objectives(directions: Sequence[str], metrics: Any) -> list[list[str]]:
    names = [str(name) for name in metrics] if isinstance(metrics, list) else []
    if len(names) != len(directions) or len(set(names)) != len(names):
        names = ["value"] if len(directions) == 1 else [f"value_{i}" for i in range(len(directions))]
    return [[name, "max" if direction == "MAXIMIZE" else "min"] for name, direction in zip(names, directions)]


class _Writer:
    """Turns trials into events, in the order in which they happened."""

    def __init__(self, objectives: Sequence[str], trials: Sequence[_Trial]):
        self._objectives, self._trials = objectives, trials
        self._space = Distributions(trial.raw for trial in trials)
        steps = [step for trial in trials for step in trial.reports]
        self._shift = 1 - min(steps) if steps and min(steps) < 1 else 0
        lasts = [(t.state == "COMPLETE", max(t.reports) + self._shift) for t in trials if t.reports]
        done = [last for complete, last in lasts if complete]
        self._full = max(done or [last for _, last in lasts], default=0)

    def events(self) -> Iterator[tuple[r.Event, float]]:
        specs = self._space.specs()
        if specs:
            yield r.Grew(parameters=specs), 0.0
        zero = min((t.began for t in self._trials if t.began is not None), default=0.0)
        moments: dict[float, list[r.Event]] = defaultdict(list)
        began = 0.0
        for number, trial in enumerate(self._trials):
            began = max(began, (trial.began if trial.began is not None else zero) - zero)
            ended = max(began, (trial.ended if trial.ended is not None else zero) - zero)
            moments[began] += self._start(number, trial)
            moments[ended] += self._end(number, trial, ended - began)
        for at in sorted(moments):
            for event in moments[at]:
                yield event, at

    def _start(self, number: int, trial: _Trial) -> list[r.Event]:
        config = self._space.config(trial.raw)
        note = {"imported": "optuna", "optuna_number": trial.number}
        return [
            r.Proposed(number=number, config=config, note=note),
            r.Started(number=number),
            r.Configured(number=number, config=config),
        ]

    def _end(self, number: int, trial: _Trial, duration: float) -> list[r.Event]:
        events: list[r.Event] = []
        for step in sorted(trial.reports):
            metrics = {self._objectives[0]: float(trial.reports[step])}
            events.append(r.Reported(number=number, step=step + self._shift, metrics=metrics))
        last = max(trial.reports) + self._shift if trial.reports else 0
        state, values, error = self._outcome(trial)
        fidelity = 1.0
        if state != "complete":
            most = 0.999 if state == "pruned" else 1.0  # a trial that was given up is no peer of those that ended
            fidelity = min(last / self._full, most) if self._full and last > 0 else 0.0
        metrics = dict(zip(self._objectives, values or ()))
        finished = r.Finished(
            number=number, state=state, values=values, metrics=metrics, fidelity=fidelity, steps=max(last, 0),
            duration=duration, error=error, note={"user_attrs": trial.user} if trial.user else {},
        )  # fmt: skip
        return [*events, finished]

    def _outcome(self, trial: _Trial) -> tuple[r.State, tuple[float, ...] | None, r.Failure | None]:
        state = _STATES[trial.state]
        values = tuple(trial.values.get(i, math.nan) for i in range(len(self._objectives))) if trial.values else None
        if state in ("complete", "pruned") and values is not None and not all(map(math.isfinite, values)):
            shown = ", ".join(map(repr, values))
            return "infeasible", values, r.Failure(kind="nan", message=f"the result is not a finite number: {shown}")
        if state == "failed":
            said = str(trial.system.get("fail_reason") or "failed in Optuna, which keeps no reason")
            return state, None, r.Failure(kind="exception", message=said)
        if state == "lost":
            return state, None, r.Failure(kind="signal", message="was running in Optuna when it was imported")
        return state, values, None
