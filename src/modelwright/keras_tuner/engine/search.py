"""The search: the engine's loop, with an oracle as its strategy and a tuner's ``run_trial`` as its estimation.

Trials run in the user's own process; ``engine.workers`` has the variant that sends them to others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from typing import Any

from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError, StoreError
from modelwright.estimation.base import Estimation
from modelwright.execute.base import Executor
from modelwright.execute.serial import SerialExecutor
from modelwright.keras_tuner.engine.facts import Facts, outcome_of, specs_of
from modelwright.keras_tuner.engine.reloading import interrupt
from modelwright.keras_tuner.engine.stateful import Stateful
from modelwright.keras_tuner.engine.trial import Trial, TrialStatus
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.study.budget import Budget
from modelwright.study.loop import Loop
from modelwright.study.policy import Ending, View

_LONGEST_NAP = 1.0


def run(tuner: Any, args: tuple[Any, ...], kwargs: dict[str, Any], workers: int) -> None:
    """Run trials until the oracle stops, ``workers`` at a time.

    Raises:
        ArgumentError: ``workers`` is no whole number from 1.
        StoreError: another process runs the same project, or its folder cannot be written.
        RuntimeError: too many trials in a row failed.
        FatalError: a trial raised it.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ArgumentError(f"workers={workers!r}", where="search", allowed="a whole number from 1")
    interrupt(tuner.oracle)
    strategy = OracleStrategy(tuner)
    with closing(Facts(tuner.oracle, tuner.project_dir, strategy)) as facts:
        conversation = strategy.conversation = Conversation(tuner, facts)
        with facts.writing(tuner.oracle):
            executor, estimation = _parts(conversation, args, kwargs, workers)
            loop = Loop(facts.journal, executor, Budget(), needs_folder=False, failures=conversation)
            executor.open(estimation)
            finished = False
            tuner.oracle._searching = True
            try:
                loop.run(interruptible=False)
                finished = True
            finally:
                executor.close(now=not finished)
                tuner.oracle._searching = False
                if tuner.oracle.ongoing_trials or tuner.oracle._unsaved:
                    # What ends a search early says more than that its state cannot be written either; the store has it.
                    with nullcontext() if finished else suppress(StoreError):
                        tuner.oracle.save()


def _parts(
    conversation: Conversation, args: tuple[Any, ...], kwargs: dict[str, Any], workers: int
) -> tuple[Executor, Estimation]:
    if workers == 1:
        return SerialExecutor(), InProcess(conversation, args, kwargs)
    from modelwright.keras_tuner.engine.workers import RemoteTrial, Workers

    return Workers(conversation, workers), RemoteTrial(conversation.tuner, args, kwargs)


class Conversation:
    """What a search knows of its trials: KerasTuner's objects beside the engine's numbers.

    It is the loop's failure policy too: which failures end a search is the oracle's to say.
    """

    def __init__(self, tuner: Any, facts: Facts):
        self.tuner, self.facts = tuner, facts
        self.trials: dict[int, Trial] = {}
        self._problem: Exception | None = None
        self._clock, self._began = SystemClock(), {}
        self._specs: list[dict[str, Any]] = []
        self._marked = False

    def begin(self, number: int) -> Trial:
        """A trial is about to run."""
        trial = self.trials[number]
        self._began[number] = self._clock.monotonic()
        self.tuner.on_trial_begin(trial)
        return trial

    def end(self, number: int, traced: Callable[..., None]) -> r.Outcome:
        """A trial ran: hand it to the oracle; how it ended. What that raises ends the search, once it is stored."""
        trial = self.trials.pop(number)
        self._mark()
        try:
            self.tuner.on_trial_end(trial)
        except Exception as error:
            self._problem = error
        if self.tuner.oracle._unsaved:
            self.tuner.oracle.save()
        kept = self.tuner.oracle.trials.get(trial.trial_id, trial)
        self._trace(number, kept, traced)
        outcome = outcome_of(kept, self.tuner.oracle.objective.name)
        return replace(outcome, duration=self._clock.monotonic() - self._began.pop(number))

    def after(self, view: View, number: int, outcome: r.Outcome) -> Ending | None:
        """Ends the search with what ``on_trial_end`` raised, and for no other reason."""
        return None if self._problem is None else Ending(str(self._problem), self._problem)

    def _mark(self) -> None:
        """Before the first trial counts as ended: the tuner's file is there, and so the project is taken up again."""
        if not self._marked and not os.path.exists(self.tuner._get_tuner_fname()):
            Stateful.save(self.tuner, self.tuner._get_tuner_fname())
        self._marked = True

    def _trace(self, number: int, trial: Trial, traced: Callable[..., None]) -> None:
        """Tell which configuration really ran, where that is news, and what it adds to the space."""
        specs = specs_of(trial.hyperparameters)
        new = () if specs == self._specs else self.facts.known(specs)
        self._specs = specs
        values = dict(trial.hyperparameters.values)
        if new or values != self.facts.machine.history.rows[number].config:
            traced(values, new)


class OracleStrategy(Strategy):
    """Asks an oracle. It keeps its own state, which is stored with each trial that ends, so it runs serially."""

    name = "oracle"
    conversation: Conversation

    def __init__(self, tuner: Any):
        self.tuner = tuner

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> r.Answer:
        tuner, oracle = self.tuner, self.tuner.oracle
        trial, nap = self._create(), 0.01
        while trial.status == TrialStatus.IDLE and not oracle.ongoing_trials:
            # Nothing runs whose end could wake it up: it waits for something that only it knows.
            time.sleep(nap)
            trial, nap = self._create(), min(2 * nap, _LONGEST_NAP)
        if trial.status == TrialStatus.STOPPED:
            return r.Exhausted(why="the oracle stopped")
        if trial.status == TrialStatus.IDLE:
            return r.Wait(why="the oracle waits for a running trial")
        conversation = self.conversation
        numbers, values = conversation.facts.numbers, dict(trial.hyperparameters.values)
        known = numbers.get(trial.trial_id)
        conversation.trials[number if known is None else known] = trial  # type: ignore[index]
        if known is not None:
            return r.Proposal(trial=known, note={"why": "again"})
        assert number is not None, f"{type(tuner.oracle).__name__} has no budget but its own"
        numbers[trial.trial_id] = number
        parent = numbers.get(values.get("tuner/trial_id", ""))
        return r.Proposal(config=values, parent=parent, note={"trial_id": trial.trial_id})

    def _create(self) -> Trial:
        self.tuner.pre_create_trial()
        return self.tuner.oracle.create_trial(self._free_id())

    def _free_id(self) -> str:
        """The tuner's own name, or, where a trial runs under it, one made from it."""
        own, taken, at = self.tuner.tuner_id, self.tuner.oracle.ongoing_trials, 0
        while (name := f"{own}-{at}" if at else own) in taken:
            at += 1
        return name


class InProcess(Estimation):
    """Runs a trial here and now, with all of the tuner's hooks around it."""

    def __init__(self, conversation: Conversation, args: tuple[Any, ...], kwargs: dict[str, Any]):
        self.conversation, self.args, self.kwargs = conversation, args, kwargs

    def estimate(self, task: r.Task, reporter: Any) -> r.Outcome:
        tuner = self.conversation.tuner
        trial = self.conversation.begin(task.number)
        tuner._epochs = Epochs(reporter.report)
        try:
            tuner._try_run_and_update_trial(trial, *self.args, **self.kwargs)
        finally:
            tuner._epochs = None
        return self.conversation.end(task.number, reporter.traced)


class Epochs:
    """Tells the study what each epoch of a trial measured; executions follow one another."""

    def __init__(self, report: Callable[[int, dict[str, float]], Any]):
        self._report, self._last = report, 0

    def __call__(self, epoch: int, logs: Any) -> None:
        self._last = max(self._last, epoch) + 1
        metrics = {name: float(value) for name, value in (logs or {}).items() if _is_number(value)}
        self._report(self._last, metrics)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "shape", None) == ()
