"""Tells MLflow: a study is an experiment, a trial a run with parameters, metrics by step, and a state."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Mapping
from typing import Any

from modelwright.core.optional import optional
from modelwright.trackers.base import TrackedStudy, TrackedTrial

#: How a run ends in MLflow's words; a trial that is paused keeps running there.
_STATUS = {"complete": "FINISHED", "pruned": "FINISHED", "infeasible": "FAILED", "failed": "FAILED", "lost": "KILLED"}
_TEXT, _BATCH = 6000, 100


class MLflow:
    """A tracker for MLflow 2.9 or newer (``mlflow`` or ``mlflow-skinny``).

    Args:
        uri: of the tracking server or database; MLflow's own setting (``MLFLOW_TRACKING_URI``) by default.
        experiment: its name; the study's by default.

    Raises:
        MissingPackageError: MLflow is not installed.
    """

    def __init__(self, uri: str | None = None, experiment: str | None = None):
        if importlib.util.find_spec("mlflow") is None:  # it takes seconds to import: that is for the tracker's thread
            optional("mlflow", extra="mlflow", purpose="the tracker for MLflow")
        self._uri, self._experiment = uri, experiment
        self._client: Any = None
        self._place = ""
        self._study: TrackedStudy | None = None
        self._runs: dict[int, str] = {}
        self._params: dict[int, set[str]] = {}

    def start(self, study: TrackedStudy) -> None:
        """Find or make the experiment."""
        from mlflow.tracking import MlflowClient

        self._study, self._client = study, MlflowClient(self._uri)
        name = (self._experiment or study.name).replace("'", "_")  # MLflow cannot look for a name with a quote
        found = self._client.get_experiment_by_name(name)
        self._place = found.experiment_id if found is not None else self._client.create_experiment(name)

    def started(self, trial: TrackedTrial) -> None:
        """Make a run, or find the one of an earlier session."""
        assert self._study is not None
        tags = {"modelwright.study": self._study.name, "modelwright.trial": str(trial.number)}
        known = self._found(tags) if trial.again else None
        if known is None:
            tags |= {"modelwright.strategy": self._study.strategy, "modelwright.subject": self._study.subject[:_TEXT]}
            name, began = f"trial-{trial.number:05d}", int(trial.at * 1000)
            run = self._client.create_run(self._place, start_time=began, tags=tags, run_name=name)
            known, self._params[trial.number] = run.info.run_id, set()
        else:
            self._params[trial.number] = set(self._client.get_run(known).data.params)
            self._client.update_run(known, status="RUNNING")
        self._runs[trial.number] = known
        self._log(trial)

    def _found(self, tags: Mapping[str, str]) -> str | None:
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items() if "'" not in value)
        runs = self._client.search_runs([self._place], filter_string=wanted)
        return next((run.info.run_id for run in runs if tags.items() <= run.data.tags.items()), None)

    def reported(self, trial: TrackedTrial, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics of a step."""
        self._log(trial, metrics, step)

    def finished(self, trial: TrackedTrial) -> None:
        """The metrics of the best step under ``best/``, the state, and the end of the run unless it is paused."""
        run = self._runs[trial.number]
        self._log(trial, trial.named(trial.metrics), 0)
        self._client.set_tag(run, "modelwright.state", trial.state)
        if trial.error:
            self._client.set_tag(run, "modelwright.error", trial.error[:_TEXT])
        if trial.state in _STATUS:
            self._client.set_terminated(run, _STATUS[trial.state], end_time=int(trial.at * 1000))

    def close(self) -> None:
        """Nothing is kept open."""

    def _log(self, trial: TrackedTrial, metrics: Mapping[str, float] | None = None, step: int = 0) -> None:
        from mlflow.entities import Metric, Param

        known = self._params[trial.number]
        new = {_name(k): v for k, v in trial.config.items() if _name(k) not in known}
        known.update(new)
        params = [Param(name, str(value)[:_TEXT]) for name, value in new.items()]
        measured = [Metric(_name(k), _number(v), int(trial.at * 1000), step) for k, v in (metrics or {}).items()]
        for i in range(0, max(len(params), len(measured)), _BATCH):
            self._client.log_batch(
                self._runs[trial.number], metrics=measured[i : i + _BATCH], params=params[i : i + _BATCH]
            )


def _name(name: str) -> str:
    """A name as MLflow allows it.

    >>> _name("units[0]"), _name("val_loss")
    ('units_0_', 'val_loss')
    """
    return re.sub(r"[^\w\-./ ]", "_", name)[:250] or "_"


def _number(value: float) -> float:
    """A number that every one of MLflow's stores takes."""
    return value if not math.isinf(value) else math.copysign(1.7976931348623157e308, value)
