"""The one loop that does input and output: store, executor, clock, observers. Decides nothing itself."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from modelwright.core import records as r
from modelwright.core.errors import SpaceError, StudyError
from modelwright.core.wording import warn_caller
from modelwright.execute.base import Executor
from modelwright.study.budget import Budget
from modelwright.study.crew import Crew
from modelwright.study.enough import Enough
from modelwright.study.feasibility import told, unmet
from modelwright.study.given import refusal
from modelwright.study.interrupts import OverTime, one_interrupt
from modelwright.study.journal import Journal
from modelwright.study.ownership import Ownership
from modelwright.study.policy import USED_UP, FailurePolicy, FirstAndRepeated
from modelwright.study.supervision import CUT, Supervisor

#: Seconds between two looks at what other sessions do, and of a pause while there is only that to wait for.
_LOOK, _PAUSE = 2.0, 0.05


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
        crew: the other sessions that run trials of this study, which the caller has joined; None where this is the only
            one that ever does.
        supervisor: who ends trials that are over a limit, cancelled, or out of time; by default it minds the budget.
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
        crew: Crew | None = None,
        supervisor: Supervisor | None = None,
    ):
        self.journal, self.executor, self.budget = journal, executor, budget
        self.machine = journal.machine
        self.needs_folder = needs_folder
        self.failures: FailurePolicy = failures or FirstAndRepeated(budget.failures)
        self._crew = crew
        #: Called when the first Ctrl-C came and the search is stopping, inside the signal's handler.
        self.heard: Callable[[], None] | None = None
        self.supervisor = supervisor or Supervisor(journal, executor, budget, resumable=resumable)
        self._own = Ownership(journal, crew)
        self._enough = Enough(self.machine, budget.min_gain)
        self.stopping = self._interrupted = False
        self.why = ""
        #: Events there were when only others had something to do.
        self._idle_at = -1
        self._failed: BaseException | None = None
        self._again: list[int] = []
        self._refused: set[int] = set()

    def run(self, *, interruptible: bool = True, since: float | None = None) -> str:
        """Run until done; returns why it ended.

        Args:
            interruptible: whether the first Ctrl-C is heard here; else somebody else hears it, and calls ``interrupt``.
            since: when the session began, by the journal's clock, if that is earlier than now.

        Raises:
            StudyError: the same error came in too many configurations.
            StoreError: nothing more can be written; what was running counts as unfinished, as after a kill.
            Exception: what the user's code raised, when that was in the very first trial; or what the failure
                policy said.
            KeyboardInterrupt: at the second Ctrl-C.
        """
        self.journal.begin(since)
        try:
            self.journal.sync()
            self._again = [n for n in self.machine.unfinished() if not self._own.elsewhere(n)]
            self.supervisor.plan()
            if self.supervisor.in_time:
                self._again += self.machine.put_aside()
            self._settle()
            self.supervisor.hear()
            self._heed()
            with one_interrupt(self.interrupt) if interruptible else nullcontext():
                while not self._step():
                    pass
            self.journal.write(self.supervisor.note(self.why))
        finally:
            self.journal.end()
        if self._failed is not None:
            raise self._failed
        return self.why

    def stop(self, why: str = "stopped by the user") -> None:
        """Finish what is running, start nothing more."""
        if not self.stopping:
            self.stopping, self.why = True, why

    def cancel(self, trial: int | None = None) -> None:
        """Have a trial, or the whole search, stopped short; from any thread."""
        self.supervisor.wish(trial)

    # --- one turn ----------------------------------------------------------------------------------

    def _step(self) -> bool:
        self._look_around()
        done = self._fill()
        if self._own.running:
            try:
                self.supervisor.poll(self, self._own.running)
            except OverTime:
                self._leave(list(self._own.running))
                self.journal.sync()
                if self.supervisor.hear():
                    self._heed()
            return False
        if not done:
            time.sleep(_PAUSE)
        return done

    def _leave(self, numbers: Sequence[int]) -> None:
        """Trials were ended though they are not over: they are unfinished, and run again when the study goes on."""
        self.supervisor.cut.update(numbers)
        for number in numbers:
            self._own.running.pop(number, None)
            self.supervisor.forget(number)

    def _fill(self) -> bool:
        """Start what may start; whether nothing will ever start again."""
        while self.executor.free > 0:
            if self.stopping:
                return True
            if not self.supervisor.in_time:
                self.stop(USED_UP)
                return True
            self._look_around()
            if self._again:
                self._start(self._again.pop(0))
                continue
            if why := self._enough.why(self.journal.write):
                self.stop(why)
                return True
            if self._idle_at == len(self.machine.history):
                return False  # nothing has happened since there was nothing to do
            with nullcontext(True) if self._crew is None else self._crew.turn() as mine:
                answer = self._propose() if mine else r.Wait(why="another session is asking")
            if isinstance(answer, int) or (mine and self._crew is not None and self._take_over()):
                continue
            waits = self._crew is not None and self._own.others_run()
            if waits and mine and not self._own.running:
                self._idle_at = len(self.machine.history)
            if isinstance(answer, r.Wait):
                if not self._own.running and mine and not waits:
                    self.stop(f"nothing to wait for: {answer.why}")
                return not self._own.running and mine and not waits
            if not self._own.running and not waits:
                self.stop(answer.why)
            return not waits
        return False

    def _propose(self) -> int | r.Wait | r.Exhausted:
        """Start what the strategy wants; the trial's number, or why there is none."""
        refused: list[r.Wait | r.Exhausted] = []

        def decide() -> list[r.Event] | None:
            refused.clear()
            new = self.budget.allows(self.machine.history.started, self.journal.elapsed + self.supervisor.reserve)
            answer = self.machine.propose(new)
            if isinstance(answer, r.Exhausted) and not new:
                answer = r.Exhausted(why="the budget of trials is used up")
            if not isinstance(answer, list):
                refused.append(answer)
                return None
            number = answer[-1].number
            assert number not in self._own.running
            return [*answer, *self.machine.start(number, self._own.me)]

        events = self.journal.commit(decide)
        if refused:
            return refused[0]
        started = events[-1]
        assert isinstance(started, r.Started)
        self._submit(started.number)
        return started.number

    def _start(self, number: int) -> None:
        """Run a trial (again) that was left behind, unless somebody else has it by now."""

        def decide() -> list[r.Event] | None:
            row = self.machine.history.rows[number]
            if row.state in ("complete", "pruned", "infeasible", "lost") or self._own.elsewhere(number):
                return None
            going_on = [r.Continued(number=number, fidelity=row.target)] if row.state == "paused" else []
            return [*going_on, *self.machine.start(number, self._own.me)]

        if self.journal.commit(decide):
            self._submit(number)

    def _submit(self, number: int) -> None:
        self._own.take(number)
        folder = str(self.journal.folder(number)) if self.needs_folder else ""
        self.executor.submit(self.machine.task(number, folder))

    # --- other sessions ----------------------------------------------------------------------------

    def _look_around(self) -> None:
        """Read what others wrote, take over the trials of those that are gone, and end what should not run on."""
        if self._crew is not None and self._crew.due(_LOOK):
            self._crew.look()
            self.journal.sync()
            self._take_over()
            self._idle_at = -1
        if self.supervisor.hear():
            self._heed()
        self.supervisor.look({n: self.machine.history.rows[n].duration for n in self._own.running})

    def _heed(self) -> None:
        """The user cancelled something."""
        if self.supervisor.stopping:
            self.stop("cancelled")
        for number in self.supervisor.cancelled - self._own.running.keys():
            self.journal.commit(lambda n=number: None if self._own.elsewhere(n) else self._end(n), durable=True)

    def _end(self, number: int, seconds: float = 0.0) -> list[r.Event]:
        """The end of a trial, if the user cancelled it."""
        return self.machine.cancel(number, duration=seconds) if number in self.supervisor.cancelled else []

    def _take_over(self) -> bool:
        """Whether there are trials of sessions that are gone: they are run again, or given up."""
        before = len(self._again)
        for number in self._own.abandoned() if self.machine.takes_over() else ():
            given_up = self.journal.commit(lambda n=number: self._end(n) or self.machine.give_up(n))
            if not given_up and number not in self._again:
                self._again.append(number)
        return len(self._again) > before

    def interrupt(self) -> None:
        """What the first Ctrl-C does."""
        self._interrupted = True
        self.stop("interrupted")
        if self.heard is not None:
            self.heard()

    # --- what running trials say (execute.base.Handler) --------------------------------------------

    def traced(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        try:
            self.journal.commit(
                lambda: self.machine.trace(number, config, parameters) if self._own.mine(number) else None
            )
        except SpaceError as error:
            self._refuse(number, error)

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> r.Decision:
        if number in self._refused:
            return "stop"
        report = r.Reported(number=number, step=step, metrics=dict(metrics), fidelity=fidelity)
        if metrics and not self.journal.commit(lambda: [report] if self._own.mine(number) else None):
            return "stop"
        self._look_around()
        done = fidelity is not None and fidelity >= self.machine.history.rows[number].target - 1e-9
        decision, why = self.machine.judge(number) if metrics else "go", "cancelled"
        if decision != "go":
            why = self.machine.why(number)
        elif not done and (word := self.supervisor.answer(number)) is not None:
            decision = word
        elif not done and (word := self.supervisor.out_of_time(number)) is not None:
            decision, why = word, "budget"
        elif not done and self._interrupted and self.machine.history.rows[number].note.get(r.YIELDS):
            decision, why = "pause", "interrupted"
        if decision != "go" and metrics:
            judged = r.Judged(number=number, step=step, decision=decision, why=why)
            self.journal.commit(lambda: [judged] if self._own.mine(number) else None)
        return decision

    def ended(self, number: int, outcome: r.Outcome) -> None:
        if outcome.error is None:
            self._check_space(number)
        if number in self._refused:
            self._own.running.pop(number, None)
            return

        told, _ = self.supervisor.forget(number)

        def decide() -> list[r.Event]:
            if not self._own.mine(number):
                return [self._own.audit(number, outcome)]
            events = self.machine.finish(number, outcome)
            state = next(event.state for event in events if isinstance(event, r.Finished))
            if state != "complete" and (ended := self._end(number, outcome.duration)):
                return ended
            if told == "study cancelled" and state == "pruned":
                return []  # nobody gave it up: it runs again when the study goes on
            why = "cancelled" if told == "study cancelled" else "" if self.supervisor.in_time else "budget"
            return [_with_reason(e, why) for e in events] if why else events

        if not self.journal.commit(decide, durable=True):
            self._leave([number])
        self._own.running.pop(number, None)
        if number in self._own.late:
            return
        self.supervisor.plan()
        self._settle()
        self._warn_of_unused(number)
        tell_unmet(self.journal)
        self._consider_failure(number, outcome)

    def lost(self, number: int, failure: r.Failure) -> None:
        _, seconds = self.supervisor.forget(number)
        if failure.kind == CUT:
            self._leave([number])
            return

        def decide() -> list[r.Event] | None:
            if not self._own.mine(number):
                return None
            return self._end(number, seconds) or self.machine.lose(number, failure, self._own.me, seconds)

        events = self.journal.commit(decide, durable=True)
        self._own.running.pop(number, None)
        if events and isinstance(events[0], r.Started):
            self._submit(number)
        elif events:
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


def _with_reason(event: r.Event, why: str) -> r.Event:
    if isinstance(event, r.Finished) and event.state == "paused":
        return replace(event, note={**event.note, "why": why})
    return event
