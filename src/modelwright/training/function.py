"""Runs a plain function as a trial: with or without reports, returning a number, a dict or nothing."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.errors import ArgumentError, ObjectiveError, SubjectError
from modelwright.core.objective import VALUE, Objective
from modelwright.core.records import Decision, Outcome, State, Task
from modelwright.core.rng import Seed
from modelwright.core.wording import counted, kind_of
from modelwright.estimation.base import Estimation, Reporter
from modelwright.space import HyperParameters, Tree
from modelwright.training.failure import outcome_of

_STEPS = 1 << 53


def bind(task: Task, declared: Tree | None) -> HyperParameters:
    """The hyperparameters of a task: its configuration, and the trial's own draws for what that does not cover."""
    completed = task.note.get("by") == "default" or "entry" in task.note  # by the defaults, as one that was asked for
    draw = None if completed else Seed(task.seed).draws
    return HyperParameters.bind(task.config, declared=declared, draw=draw)


class FunctionTrial:
    """What ``function(hp, trial)`` is given.

    Attributes:
        number: the trial's number.
        seed: an integer that belongs to the trial, for the function's own chance.
        fidelity: how far this run should go, in (0, 1].
        steps: the step at which it should end, when ``tune(steps=...)`` was given; else None.
        folder: a private folder that stays with the trial, also when it is run again to a higher fidelity.
    """

    def __init__(self, task: Task, steps: int | None, on_report: Callable[[int, dict[str, float]], Decision]):
        self.number, self.seed, self.fidelity = task.number, task.seed, task.stop
        self.steps = None if steps is None else max(1, round(steps * task.stop))
        self._folder, self._on_report = task.folder, on_report
        self._decision: Decision = "go"
        self._last = 0

    @property
    def folder(self) -> Path:
        return Path(self._folder)

    def report(self, step: int | None = None, value: float | None = None, /, **metrics: float) -> None:
        """Tell what was measured after ``step`` (counted from 1): ``trial.report(3, loss=0.2)``.

        Raises:
            ArgumentError: the step is left out or no whole number, or nothing was measured.
        """
        step = given_step(step)
        if isinstance(step, bool) or not hasattr(step, "__index__") or not 0 <= step < _STEPS:
            raise ArgumentError(f"step={_short(step)} is no step", where="trial.report", allowed="0, 1, 2, ...")
        named = {name: _number(v, name) for name, v in metrics.items()}
        if value is not None:
            named["value"] = _number(value, "value")
        if not named:
            raise ArgumentError("nothing was measured", where="trial.report", hint="Write trial.report(1, loss=0.5).")
        self._last = int(step)
        self._decision = self._on_report(int(step), named)

    def should_stop(self) -> bool:
        """Whether the function should return now: enough was seen of this trial, or it reached its fidelity."""
        return self._decision != "go" or (self.steps is not None and self._last >= self.steps)

    def __repr__(self) -> str:
        return f"FunctionTrial(number={self.number})"


def given_step(step: int | None) -> int:
    """``step``, which comes first in a report.

    Raises:
        ArgumentError: it was left out.
    """
    if step is None:
        raise ArgumentError(
            "the step is missing",
            where="trial.report",
            hint="It comes first, without a name, counted from 1: trial.report(1, loss=0.5).",
        )
    return step


class FunctionEstimation(Estimation):
    """Calls ``function(hp)`` or ``function(hp, trial)``.

    Args:
        function: the user's function.
        objectives: decide what a bare number, or a sequence of numbers, means.
        with_trial: whether the function takes a second argument.
        declared: a space declared ahead, or None.
        steps: the step that fidelity 1 means, or None.
    """

    resumable = False

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        objectives: Sequence[Objective],
        with_trial: bool = False,
        declared: Tree | None = None,
        steps: int | None = None,
    ):
        self.function, self.objectives, self.with_trial = function, tuple(objectives), with_trial
        self.declared, self.steps = declared, steps

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        began = time.perf_counter()
        hp = bind(task, self.declared)
        told: list[int] = []
        decisions: list[Decision] = []
        reports = _Reports(self.objectives[0])

        def trace() -> None:
            if len(hp.trace) not in told:
                told.append(len(hp.trace))
                reporter.traced(hp.ran, hp.trace)

        one_at_a_time = threading.Lock()  # a function may report from threads of its own

        def on_report(step: int, metrics: dict[str, float]) -> Decision:
            with one_at_a_time:
                trace()
                fidelity = min(1.0, step / self.steps) if self.steps else None
                named = self._named(metrics)
                reports.add(step, named)
                decisions.append(reporter.report(step, named, fidelity))
                return decisions[-1]

        trial = FunctionTrial(task, self.steps, on_report)
        try:
            result = self.function(hp, trial) if self.with_trial else self.function(hp)
            metrics = self._final(result, reports)
        except Exception as error:
            trace()
            return outcome_of(error, time.perf_counter() - began)
        trace()
        last: Decision = decisions[-1] if decisions else "go"
        stopped = last != "go"
        state: State = "complete" if not stopped else "paused" if last == "pause" else "pruned"
        reached = min(1.0, trial._last / self.steps) if self.steps and trial._last else task.stop
        return Outcome(
            state=state,
            metrics=metrics,
            fidelity=reached if stopped else task.stop,
            duration=time.perf_counter() - began,
        )

    def _named(self, metrics: dict[str, float]) -> dict[str, float]:
        if VALUE in metrics and len(self.objectives) == 1 and self.objectives[0].name not in metrics:
            return {**metrics, self.objectives[0].name: metrics[VALUE]}
        return metrics

    def _final(self, result: Any, reports: _Reports) -> dict[str, float]:
        """The metrics that count at the end; none of them is worse than what was reported."""
        metrics = self._named(self._metrics(result))
        names = sorted({*metrics, *reports.names})
        if not names and isinstance(result, Mapping):
            for name, value in result.items():
                _number(value, str(name))  # none of them is one, and the first says so
        if [o.name for o in self.objectives] != [VALUE] or VALUE in names or not names:
            return reports.without_worse(metrics)
        if len(names) == 1 and not reports.names:
            return {**metrics, VALUE: metrics[names[0]]}
        verb = "minimize" if self.objectives[0].direction == "min" else "maximize"
        raise ObjectiveError(
            f"objective={verb!r} is for one number, and the function gave {', '.join(map(repr, names))} by name",
            where="the tuned function",
            hint=f"Write objective=mw.{verb.capitalize()}({names[0]!r}).",
        )

    def _metrics(self, result: Any) -> dict[str, float]:
        if result is None:
            return {}
        if isinstance(result, Mapping):
            wanted = {o.name for o in self.objectives}
            return {str(k): _number(v, str(k)) for k, v in result.items() if k in wanted or _is_number(v)}
        if isinstance(result, (list, tuple)) or _is_row(result):
            several: list[Any] = list(result)
            if len(several) != len(self.objectives):
                raise SubjectError(
                    f"the function returned {counted(len(several), 'value')} for "
                    f"{counted(len(self.objectives), 'objective')}",
                    hint="Return one number for each objective, or a dict of metrics.",
                )
            return {o.name: _number(v, o.name) for o, v in zip(self.objectives, several, strict=True)}
        _refuse_models(result)
        first = self.objectives[0].name
        number = _number(result, "the result")
        if len(self.objectives) > 1:
            raise SubjectError(
                f"the function returned one number for {len(self.objectives)} objectives",
                hint="Return a dict: " + repr({o.name: 0.0 for o in self.objectives}),
            )
        return {first: number}


class _Reports:
    """What a run has reported, as far as its value depends on it."""

    def __init__(self, objective: Objective):
        self._objective = objective
        self._kept: list[tuple[int, Mapping[str, float]]] = []
        self.names: set[str] = set()

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take in a report; one of an earlier step takes the place of all from there on."""
        while self._kept and self._kept[-1][0] >= step:
            self._kept.pop()
        self._kept.append((step, metrics))
        self.names.update(metrics)

    def without_worse(self, returned: dict[str, float]) -> dict[str, float]:
        """What was returned, without what the best report says better: a trial's value is that of its best step.

        A value that is not finite stays: it says that the run went wrong.
        """
        name = self._objective.name
        if name not in returned or not math.isfinite(returned[name]):
            return returned
        known = [metrics for _, metrics in self._kept if name in metrics and not math.isnan(metrics[name])]
        best = max(known, key=lambda metrics: self._objective.score(metrics[name]), default=None)
        if best is None or not self._objective.better(best[name], returned[name]):
            return returned
        return {k: v for k, v in returned.items() if k not in best}


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, (str, bytes)) and getattr(value, "size", 1) == 1


def _is_row(value: Any) -> bool:
    """Whether ``value`` is an array with one axis, as sequences have."""
    return getattr(value, "ndim", 0) == 1 and hasattr(value, "__iter__")


def _number(value: Any, name: str) -> float:
    if isinstance(value, complex) or not _is_number(value):
        raise SubjectError(
            f"{name} is {_short(value)}, no number",
            where="the tuned function",
            allowed="a number, a dict of numbers, or None after trial.report(...)",
        )
    try:
        return float(value.item() if getattr(value, "ndim", 0) else value)
    except OverflowError:
        raise SubjectError(
            f"{name} is {_short(value)}, too large for a float",
            where="the tuned function",
            allowed="numbers up to 1.8e308",
            hint="Return its logarithm, or float('inf') to say that the configuration cannot be used.",
        ) from None


def _refuse_models(result: Any) -> None:
    modules = {base.__module__.split(".")[0] for base in type(result).__mro__}
    if "keras" in modules:
        raise SubjectError(
            "the function returned a Keras model, but no data was given to train it on",
            hint="Write mw.tune(build, x, y, objective='val_accuracy', validation_split=0.2, epochs=10, trials=30).",
        )
    if "sklearn" in modules:
        raise SubjectError(
            "the function returned a scikit-learn estimator, but no data was given to fit it on",
            hint="Write mw.tune(build, X, y, objective='accuracy', cv=5, trials=30).",
        )


def _short(value: Any) -> str:
    text = repr(value)
    return kind_of(value) if len(text) > 60 else f"{text} ({kind_of(value)})"
