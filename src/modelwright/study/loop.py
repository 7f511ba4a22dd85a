"""The one loop that does input and output: store, executor, clock, observers. Decides nothing itself."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
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
from modelwright.study.interrupts import one_interrupt
from modelwright.study.journal import Journal
from modelwright.study.policy import FailurePolicy, FirstAndRepeated

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
        heard: called when the first Ctrl-C came and the search is stopping, inside the signal's handler.
        crew: the other sessions that run trials of this study, which the caller has joined; None where this is the only
            one that ever does.
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
        crew: Crew | None = None,
    ):
        self.journal, self.executor, self.budget = journal, executor, budget
        self.machine = journal.machine
        self.needs_folder, self.resumable = needs_folder, resumable
        self.failures: FailurePolicy = failures or FirstAndRepeated(budget.failures)
        self._heard, self._crew = heard, crew
        self.me = crew.me if crew is not None else ""
        self._enough = Enough(self.machine, budget.min_gain)
        self.stopping = False
        self.why = ""
        #: Trial -> (segment, attempt) in which this session runs it.
        self._running: dict[int, tuple[int, int]] = {}
        #: Trials that went to others while this session slept: what they still say does not count.
        self._late: set[int] = set()
        #: Events there were when only others had something to do.
        self._idle_at = -1
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
            self.journal.sync()
            self._again = [n for n in self.machine.unfinished() if not self._elsewhere(n)]
            if self.budget.in_time(self.journal.elapsed):
                self._again += self.machine.put_aside()
            self._settle()
            with one_interrupt(self._interrupted) if interruptible else nullcontext():
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
        if not done:
            time.sleep(_PAUSE)
        return done

    def _fill(self) -> bool:
        """Start what may start; whether nothing will ever start again."""
        while self.executor.free > 0:
            if self.stopping:
                return True
            if not self.budget.in_time(self.journal.elapsed):
                self.stop("the seconds are used up")
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
            with self._turn() as mine:
                answer = self._propose() if mine else r.Wait(why="another session is asking")
            if isinstance(answer, int) or (mine and self._crew is not None and self._take_over()):
                continue
            waits = self._crew is not None and self._others_run()
            if waits and mine and not self._running:
                self._idle_at = len(self.machine.history)
            if isinstance(answer, r.Wait):
                if not self._running and mine and not waits:
                    self.stop(f"nothing to wait for: {answer.why}")
                return not self._running and mine and not waits
            if not self._running and not waits:
                self.stop(answer.why)
            return not waits
        return False

    def _propose(self) -> int | r.Wait | r.Exhausted:
        """Start what the strategy wants; the trial's number, or why there is none."""
        refused: list[r.Wait | r.Exhausted] = []

        def decide() -> list[r.Event] | None:
            refused.clear()
            new = self.budget.allows(self.machine.history.started, self.journal.elapsed)
            answer = self.machine.propose(new)
            if isinstance(answer, r.Exhausted) and not new:
                answer = r.Exhausted(why="the budget of trials is used up")
            if not isinstance(answer, list):
                refused.append(answer)
                return None
            number = answer[-1].number
            assert number not in self._running
            return [*answer, *self.machine.start(number, self.me)]

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
            if row.state in ("complete", "pruned", "infeasible", "lost") or self._elsewhere(number):
                return None
            going_on = [r.Continued(number=number, fidelity=row.target)] if row.state == "paused" else []
            return [*going_on, *self.machine.start(number, self.me)]

        if self.journal.commit(decide):
            self._submit(number)

    def _submit(self, number: int) -> None:
        row = self.machine.history.rows[number]
        self._running[number] = (row.segment, row.attempt)
        self._late.discard(number)
        folder = str(self.journal.folder(number)) if self.needs_folder else ""
        self.executor.submit(self.machine.task(number, folder))

    # --- other sessions ----------------------------------------------------------------------------

    def _turn(self) -> AbstractContextManager[bool]:
        return nullcontext(True) if self._crew is None else self._crew.turn()

    def _look_around(self) -> None:
        """Read what others wrote, and take over the trials of those that are gone."""
        if self._crew is None:
            return
        fresh = self._crew.due(_LOOK)
        if self._crew.look(_LOOK):
            self.journal.sync()
        if fresh:
            self._take_over()
            self._idle_at = -1

    def _take_over(self) -> bool:
        """Whether there are trials of sessions that are gone: they are run again, or given up."""
        before = len(self._again)
        for row in self.machine.history.rows:
            if row.state == "running" and row.number not in self._running and not self._elsewhere(row.number):
                given_up = self.journal.commit(lambda row=row: self.machine.give_up(row.number))
                if not given_up and row.number not in self._again:
                    self._again.append(row.number)
        return len(self._again) > before

    def _others_run(self) -> bool:
        """Whether another session runs a trial, after which there may be more to do."""
        return any(
            row.state == "running" and row.worker.startswith("runs") and self._elsewhere(row.number)
            for row in self.machine.history.rows
        )

    def _elsewhere(self, number: int) -> bool:
        """Whether somebody else runs a trial."""
        row = self.machine.history.rows[number]
        if self._crew is None or row.state != "running" or number in self._running:
            return False
        return row.worker != self.me and self._crew.alive(row.worker)

    def _mine(self, number: int) -> bool:
        """Whether this session still has a trial; a trial that went to another one does not come back."""
        row = self.machine.history.rows[number]
        had = row.worker == self.me and (row.segment, row.attempt) == self._running.get(number)
        if not had:
            self._late.add(number)
        return number not in self._late

    def _patience(self) -> float:
        return 0.5

    def _interrupted(self) -> None:
        self.stop("interrupted")
        if self._heard is not None:
            self._heard()

    # --- what running trials say (execute.base.Handler) --------------------------------------------

    def traced(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        try:
            self.journal.commit(lambda: self.machine.trace(number, config, parameters) if self._mine(number) else None)
        except SpaceError as error:
            self._refuse(number, error)

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> r.Decision:
        if number in self._refused:
            return "stop"
        report = r.Reported(number=number, step=step, metrics=dict(metrics), fidelity=fidelity)
        if not self.journal.commit(lambda: [report] if self._mine(number) else None):
            return "stop"
        decision = self.machine.judge(number)
        why = "strategy" if decision == "go" else self.machine.why(number)
        done = fidelity is not None and fidelity >= self.machine.history.rows[number].target - 1e-9
        if decision == "go" and not done and not self.budget.in_time(self.journal.elapsed):
            decision, why = ("pause" if self.resumable else "stop"), "budget"
        if decision != "go":
            judged = r.Judged(number=number, step=step, decision=decision, why=why)
            self.journal.commit(lambda: [judged] if self._mine(number) else None)
        return decision

    def ended(self, number: int, outcome: r.Outcome) -> None:
        if outcome.error is None:
            self._check_space(number)
        if number in self._refused:
            self._running.pop(number, None)
            return

        def decide() -> list[r.Event]:
            if not self._mine(number):
                return [self._audit(number, outcome)]
            events = self.machine.finish(number, outcome)
            return events if self.budget.in_time(self.journal.elapsed) else [_with_reason(e, "budget") for e in events]

        self.journal.commit(decide, durable=True)
        self._running.pop(number, None)
        if number in self._late:
            return
        self._settle()
        self._warn_of_unused(number)
        tell_unmet(self.journal)
        self._consider_failure(number, outcome)

    def _audit(self, number: int, outcome: r.Outcome) -> r.Noted:
        """A result that came too late, kept for whoever wants to know; the trial is another session's."""
        segment, attempt = self._running[number]
        data = {"number": number, "segment": segment, "attempt": attempt, "worker": self.me, "state": outcome.state}
        return r.Noted(kind="late", data={**data, "metrics": dict(outcome.metrics)})

    def lost(self, number: int, failure: r.Failure) -> None:
        def decide() -> list[r.Event] | None:
            return self.machine.lose(number, failure, self.me) if self._mine(number) else None

        events = self.journal.commit(decide, durable=True)
        self._running.pop(number, None)
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


def refusal(problems: Sequence[str]) -> StudyError:
    """The error for what was given ahead and does not fit the space that showed itself."""
    return StudyError(
        "; ".join(problems),
        hint="Mend it and run again with the same name: what was finished is kept, what was refused is passed over.",
    )


def _with_reason(event: r.Event, why: str) -> r.Event:
    if isinstance(event, r.Finished) and event.state == "paused":
        return replace(event, note={**event.note, "why": why})
    return event
