"""Trials in worker processes: what runs there, and what stays in the user's process.

There: ``run_trial`` with everything it calls, callbacks, and the hooks of epochs and batches, on a copy of the tuner.
Here: the oracle, and the hooks ``pre_create_trial``, ``on_trial_begin``, ``on_trial_end`` and those of the search.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core import records as r
from modelwright.estimation.base import Estimation
from modelwright.execute.base import Executor, Handler
from modelwright.execute.processes import ProcessExecutor
from modelwright.keras_tuner import aliases
from modelwright.keras_tuner.engine.metrics_tracking import MetricsTracker
from modelwright.keras_tuner.engine.search import Conversation, Epochs
from modelwright.keras_tuner.engine.stateful import to_list
from modelwright.keras_tuner.engine.trial import Trial, TrialStatus
from modelwright.keras_tuner.engine.tuner import Tuner
from modelwright.keras_tuner.errors import FatalError, FatalRuntimeError
from modelwright.keras_tuner.tuners.hyperband import Hyperband

#: Hand what they were given on to ``model.fit``.
_OURS = (Tuner.run_trial, Hyperband.run_trial)


class RemoteTrial(Estimation):
    """The worker's side: runs trials on its own copy of the tuner."""

    def __init__(self, tuner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
        self.tuner, self.args, self.kwargs = tuner, args, kwargs
        self._aliases = aliases.installed()

    def estimate(self, task: r.Task, reporter: Any) -> r.Outcome:
        if self._aliases:
            aliases.install()
        tuner = self.tuner
        states = task.note["trials"]
        tuner.oracle.trials.update({state["trial_id"]: Trial.from_state(state) for state in states})
        trial = tuner.oracle.trials[states[-1]["trial_id"]]
        tuner.oracle.verbose = 0
        tuner._epochs = Epochs(reporter.report)
        problem: BaseException | None = None
        try:
            tuner._try_run_and_update_trial(trial, *self.args, **self._said(task.note["number"]))
        except FatalError as error:
            trial.message, problem = traceback.format_exc(), error
        finally:
            tuner._epochs = None
        note = {"trial": trial.get_state(), "fatal": problem is not None}
        return r.Outcome(note=note, exception=problem)

    def _said(self, number: int) -> dict[str, Any]:
        """The arguments, with lines in place of progress bars: the bars of two processes write over each other."""
        kwargs = self.kwargs
        if kwargs.get("verbose", "auto") not in ("auto", 1):
            return kwargs
        tuner = self.tuner
        if isinstance(tuner, Tuner) and tuner._fits_plainly() and type(tuner).run_trial in _OURS:
            from modelwright.keras_tuner.engine.callbacks import EpochLines

            callbacks = [*to_list(kwargs.get("callbacks") or []), EpochLines(number)]
            return {**kwargs, "verbose": 0, "callbacks": callbacks}
        return {**kwargs, "verbose": 2} if "verbose" in kwargs else kwargs


class Workers(Executor):
    """The user's side: processes that run trials, and a tuner that is told what became of them."""

    def __init__(self, conversation: Conversation, slots: int):
        self.slots, self._conversation = slots, conversation
        self._processes = ProcessExecutor(slots)

    def open(self, runnable: Any) -> None:
        self._processes.open(runnable)

    @property
    def free(self) -> int:
        return self._processes.free

    def submit(self, task: r.Task) -> None:
        conversation = self._conversation
        trial = conversation.begin(task.number)
        before = conversation.tuner.oracle.trials.get(trial.hyperparameters.values.get("tuner/trial_id"))
        states = [t.get_state() for t in (before, trial) if t is not None]
        shown = conversation.tuner.oracle._display.trial_number.get(trial.trial_id, task.number + 1)
        self._processes.submit(dataclasses.replace(task, note={"trials": states, "number": shown}))

    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        self._processes.poll(_Ends(self._conversation, handler), timeout)

    def close(self, *, now: bool = False) -> None:
        self._processes.close(now=now)


class _Ends:
    """Between the processes and the loop: finishes each trial with the tuner and the oracle first."""

    def __init__(self, conversation: Conversation, handler: Handler):
        self._conversation, self._handler = conversation, handler

    def traced(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._handler.traced(number, config, parameters)

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> r.Decision:
        return self._handler.reported(number, step, metrics, fidelity)

    def ended(self, number: int, outcome: r.Outcome) -> None:
        trial, state = self._conversation.trials[number], outcome.note["trial"]
        if outcome.note["fatal"]:
            raise outcome.exception or FatalRuntimeError(state["message"])
        there = Trial.from_state(state)
        trial.hyperparameters, trial.metrics = there.hyperparameters, there.metrics
        trial.status, trial.message, trial.infeasible = there.status, there.message, there.infeasible
        self._conversation.tuner._report_failure(trial)
        self._finish(number)

    def lost(self, number: int, failure: r.Failure) -> None:
        trial = self._conversation.trials[number]
        trial.infeasible = failure.kind == "memory"
        trial.status = TrialStatus.FAILED if trial.infeasible else TrialStatus.INVALID
        trial.message, trial.metrics = failure.message, MetricsTracker()
        self._conversation.tuner._report_failure(trial)
        self._finish(number)

    def _finish(self, number: int) -> None:
        def traced(config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
            self._handler.traced(number, config, parameters)

        self._handler.ended(number, self._conversation.end(number, traced))
