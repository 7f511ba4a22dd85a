"""The one loop that does input and output: store, executor, clock, observers. Decides nothing itself."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modelwright.core import records as r
from modelwright.core.clock import Clock, SystemClock
from modelwright.core.errors import MediumError, SpaceError, StudyError
from modelwright.core.medium import cannot_write
from modelwright.core.wording import warn_caller
from modelwright.execute.base import Executor
from modelwright.store.base import Store, StudyRecord
from modelwright.study.budget import Budget
from modelwright.study.enough import Enough
from modelwright.study.feasibility import told, unmet
from modelwright.study.machine import Machine
from modelwright.study.policy import FailurePolicy, FirstAndRepeated


class Observer(Protocol):
    """Someone who watches a study; what it raises is shown once and never harms the study."""

    def events(self, events: Sequence[r.Event]) -> None:
        """These events were stored."""
        ...


@dataclass
class Journal:
    """The machine and the store in step: an event is applied and stored together."""

    machine: Machine
    store: Store
    record: StudyRecord
    clock: Clock = field(default_factory=SystemClock)
    observers: list[Observer] = field(default_factory=list)
    _began: float | None = None
    _before: float = 0.0

    def begin(self) -> None:
        """The study's clock starts to run (again)."""
        self._before, self._began = self.machine.history.elapsed, self.clock.monotonic()

    def end(self) -> None:
        """The study's clock stands still."""
        self._before, self._began = self.elapsed, None

    @property
    def elapsed(self) -> float:
        """Seconds this study has been running, over all sessions."""
        if self._began is None:
            return max(self._before, self.machine.history.elapsed)
        return self._before + self.clock.monotonic() - self._began

    def write(self, events: Sequence[r.Event], *, durable: bool = False) -> None:
        """Store events, apply them, tell observers."""
        if not events:
            return
        at = self.elapsed
        self.store.append(self.record.id, events, after=len(self.machine.history), at=at, durable=durable)
        self.machine.apply(events, at)
        for observer in list(self.observers):
            try:
                observer.events(events)
            except MediumError:  # one that stores facts of its own
                raise
            except Exception as error:
                self.observers.remove(observer)
                warnings.warn(f"{type(observer).__name__} failed and was switched off: {error!r}", stacklevel=2)

    def folder(self, number: int) -> Path:
        """The private folder of a trial."""
        path = self.store.folder(self.record.id) / f"trial-{number:05d}"
        try:
            path.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path


class Loop:
    """Asks, runs, judges and stores until the budget, the space or the user ends it.

    Args:
        journal: where facts go.
        executor: where trials run; opened by the caller.
        budget: totals over all sessions.
        needs_folder: whether trials get a folder (making one for each trivial call would cost more than the call).
        resumable: whether a trial that is out of time can be put aside and go on later.
        failures: when failed trials end the study; by default the very first ones do, and one error that comes in
            ``budget.failures`` configurations.
        heard: called when the first Ctrl-C came and the search is stopping, inside the signal's handler.
    """

    def __init__(
        self,
        journal: Journal,
        executor: Executor,
        budget: Budget,
        *,
        needs_folder: bool = True,
        resumable: bool = False,
        failures: FailurePolicy | None = None,
        heard: Callable[[], None] | None = None,
    ):
        self.journal, self.executor, self.budget = journal, executor, budget
        self.machine = journal.machine
        self.needs_folder, self.resumable = needs_folder, resumable
        self.failures: FailurePolicy = failures or FirstAndRepeated(budget.failures)
        self._heard = heard
        self._enough = Enough(self.machine, budget.min_gain)
        self.stopping = False
        self.why = ""
        self._running: set[int] = set()
        self._ended = 0
        self._failed: BaseException | None = None
        self._again: list[int] = []
        self._refused: set[int] = set()

    def run(self, *, interruptible: bool = True) -> str:
        """Run until done; returns why it ended.

        Raises:
            StudyError: the same error came in too many configurations.
            StoreError: nothing more can be written; what was running counts as unfinished, as after a kill.
            Exception: what the user's code raised, when that was in the very first trial; or what the failure
                policy said.
            KeyboardInterrupt: at the second Ctrl-C.
        """
        self.journal.begin()
        try:
            self._again = self.machine.unfinished()
            if self.budget.in_time(self.journal.elapsed):
                self._again += self.machine.put_aside()
            self._settle()
            with _one_interrupt(self._interrupted) if interruptible else _nothing():
                while not self._step():
                    pass
        finally:
            self.journal.end()
        if self._failed is not None:
            raise self._failed
        return self.why

    def stop(self, why: str = "stopped by the user") -> None:
        """Finish what is running, start nothing more."""
        if not self.stopping:
            self.stopping, self.why = True, why

    # --- one turn ----------------------------------------------------------------------------------

    def _step(self) -> bool:
        done = self._fill()
        if self._running:
            self.executor.poll(self, self._patience())
            return False
        return done

    def _fill(self) -> bool:
        """Start what may start; whether nothing will ever start again."""
        while self.executor.free > 0:
            if self.stopping:
                return True
            if not self.budget.in_time(self.journal.elapsed):
                self.stop("the seconds are used up")
                return True
            if self._again:
                self._start(self._again.pop(0), [])
                continue
            if why := self._enough.why(self.journal.write):
                self.stop(why)
                return True
            new = self.budget.allows(self.machine.history.started, self.journal.elapsed)
            answer = self.machine.propose(new)
            if isinstance(answer, r.Wait):
                if not self._running:
                    self.stop(f"nothing to wait for: {answer.why}")
                return not self._running
            if isinstance(answer, r.Exhausted):
                if not self._running:
                    self.stop(answer.why if new else "the budget of trials is used up")
                return True
            number = answer[-1].number
            assert number not in self._running
            self._start(number, answer)
        return False

    def _start(self, number: int, proposed: Sequence[r.Event]) -> None:
        row = self.machine.history.rows[number] if number < len(self.machine.history.rows) else None
        events: list[r.Event] = list(proposed)
        if not proposed and row is not None and row.state == "paused":
            events.append(r.Continued(number=number, fidelity=row.target))
        if events and row is None:
            events.append(r.Started(number=number))
            self.journal.write(events)
        else:
            self.journal.write(events)
            self.journal.write(self.machine.start(number))
        folder = str(self.journal.folder(number)) if self.needs_folder else ""
        self._running.add(number)
        self.executor.submit(self.machine.task(number, folder))

    def _patience(self) -> float:
        return 0.5

    def _interrupted(self) -> None:
        self.stop("interrupted")
        if self._heard is not None:
            self._heard()

    # --- what running trials say (execute.base.Handler) --------------------------------------------

    def traced(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        try:
            events = self.machine.trace(number, config, parameters)
        except SpaceError as error:
            self._refuse(number, error)
            return
        self.journal.write(events)

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> r.Decision:
        if number in self._refused:
            return "stop"
        report = r.Reported(number=number, step=step, metrics=dict(metrics), fidelity=fidelity)
        self.journal.write([report])
        decision = self.machine.judge(number)
        why = "strategy" if decision == "go" else self.machine.why(number)
        done = fidelity is not None and fidelity >= self.machine.history.rows[number].target - 1e-9
        if decision == "go" and not done and not self.budget.in_time(self.journal.elapsed):
            decision, why = ("pause" if self.resumable else "stop"), "budget"
        if decision != "go":
            self.journal.write([r.Judged(number=number, step=step, decision=decision, why=why)])
        return decision

    def ended(self, number: int, outcome: r.Outcome) -> None:
        if outcome.error is None:
            self._check_space(number)
        if number in self._refused:
            self._running.discard(number)
            return
        events = self.machine.finish(number, outcome)
        if not self.budget.in_time(self.journal.elapsed):
            events = [_with_reason(e, "budget") for e in events]
        self.journal.write(events, durable=True)
        self._running.discard(number)
        self._ended += 1
        self._settle()
        self._warn_of_unused(number)
        tell_unmet(self.journal)
        self._consider_failure(number, outcome)

    def lost(self, number: int, failure: r.Failure) -> None:
        events = self.machine.lose(number, failure)
        self.journal.write(events, durable=True)
        self._running.discard(number)
        if isinstance(events[0], r.Started):
            self._running.add(number)
            folder = str(self.journal.folder(number)) if self.needs_folder else ""
            self.executor.submit(self.machine.task(number, folder))
        else:
            self._consider_failure(number, r.Outcome())

    def _refuse(self, number: int, error: SpaceError) -> None:
        """A trial asked for another space than the study's: nothing of it is kept, and it runs again on a resume."""
        self._refused.add(number)
        if self._failed is None:
            self.stop("the space changed")
            self._failed = StudyError(
                f"trial {number} asked for another space than the trials before it: {error}",
                hint="A parameter has one domain in a study. If you changed it on purpose, use another name= for the "
                "study. What was finished is kept.",
            )

    def _settle(self) -> None:
        """What the user gave ahead meets the space, as far as it is known now."""
        events, problems = self.machine.settle()
        self.journal.write(events)
        if problems and self._failed is None:
            self.stop("what was given does not fit the space")
            self._failed = refusal(problems)

    def _warn_of_unused(self, number: int) -> None:
        note = self.machine.unused(number)
        if note is not None:
            self.journal.write([note])
            names = ", ".join(map(repr, note.data["names"]))
            told = f"first[{note.data['entry']}] names {names}, which its trial {number} did not ask for, or not so"
            warnings.warn(told, stacklevel=2)

    def _check_space(self, number: int) -> None:
        """A resumed study's trial asks for nothing more: what it did not ask for shows now."""
        row, check = self.machine.history.rows[number], self.machine.check_space
        if check is not None and row.ran and number not in self._refused:
            try:
                check(row.config, (), ended=True)
            except SpaceError as error:
                self._refuse(number, error)

    def _consider_failure(self, number: int, outcome: r.Outcome) -> None:
        if self._failed is not None:
            return
        ending = self.failures.after(self.machine, number, outcome)
        if ending is not None:
            self.stop(ending.why)
            self._failed = ending.error


def tell_unmet(journal: Journal) -> None:
    """Say once, and store, that no trial of many satisfied the constraints."""
    note = unmet(journal.machine.history)
    if note is not None:
        journal.write([note])
        warn_caller(told(note))


def refusal(problems: Sequence[str]) -> StudyError:
    """The error for what was given ahead and does not fit the space that showed itself."""
    return StudyError(
        "; ".join(problems),
        hint="Mend it and run again with the same name: what was finished is kept, what was refused is passed over.",
    )


def _with_reason(event: r.Event, why: str) -> r.Event:
    from dataclasses import replace

    if isinstance(event, r.Finished) and event.state == "paused":
        return replace(event, note={**event.note, "why": why})
    return event


@contextmanager
def _nothing():
    yield


def _one_interrupt(first: Callable[[], None]) -> AbstractContextManager[None]:
    """Within: the first SIGINT calls ``first``, the second raises KeyboardInterrupt; only in the main thread."""

    @contextmanager
    def guard():
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        seen = []

        def received(*_: Any) -> None:
            if seen:
                raise KeyboardInterrupt
            seen.append(1)
            first()

        before = signal.signal(signal.SIGINT, received)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)

    return guard()
