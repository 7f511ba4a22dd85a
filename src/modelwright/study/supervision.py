"""Supervision: which running trials have to end, and how. Limits, wishes to cancel, the deadline.

Looks and tells the executor; what becomes of a trial is decided by the machine.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

from modelwright.core import records as r
from modelwright.core.errors import StoreError
from modelwright.core.history import History
from modelwright.execute.base import Executor, Handler
from modelwright.study.budget import Budget
from modelwright.study.interrupts import alarm
from modelwright.study.journal import Journal
from modelwright.study.limits import Limits

#: The kind of note that a wish to cancel is, and of the one that says what was stopped short.
CANCEL, CUT = "cancel", "cut"
#: Seconds that a trial has to report, and so to hear that it should stop, before it is ended; and to end then.
_GRACE, _END = 10.0, 5.0
#: Seconds between two looks for wishes while a trial keeps the thread of the search busy.
_LISTENS = 2.0
#: Seconds by which a deadline may be missed, or a share of the whole if that is more; and what of it may be waited.
_SLACK, _SHARE = 5.0, 0.02
_PATIENCE, _KILL = 0.3, 0.2

Word = Literal["cancelled", "study cancelled", "budget"]


def patience(seconds: float | None) -> float:
    """Seconds past a deadline so far away after which a trial that does not report is ended.

    >>> patience(60.0), patience(1000.0)
    (1.5, 6.0)
    """
    return _PATIENCE * _slack(seconds)


def _slack(seconds: float | None) -> float:
    return max(_SLACK, _SHARE * (seconds or 0.0))


class Supervisor:
    """Watches running trials for the loop, and for the runs that confirm.

    Args:
        journal: where wishes are written, and read.
        executor: where trials run.
        budget: its seconds are a deadline.
        limits: what one trial may use.
        resumable: whether a trial that is out of time can be put aside and go on later.
        after: the seconds that are needed once the search is over, by what it has found.

    Attributes:
        reserve: seconds that are needed after the search.
        cut: trials that were ended from outside though they are not over: they run again when the study goes on.
        cancelled: trials that the user wants no more.
        stopping: whether the user wants the whole search to stop.
    """

    def __init__(
        self,
        journal: Journal,
        executor: Executor,
        budget: Budget,
        limits: Limits | None = None,
        *,
        resumable: bool = False,
        after: Callable[[History], float] | None = None,
    ):
        self._journal, self._executor, self._budget = journal, executor, budget
        self._limits, self._resumable, self._after = limits or Limits(), resumable, after
        self.reserve = 0.0
        self.cut: set[int] = set()
        self.stopping = False
        rows = journal.machine.history.rows
        notes = journal.machine.history.notes
        asked = {int(n.data["trial"]) for n in notes if n.kind == CANCEL and n.data.get("trial") is not None}
        self.cancelled = {number for number in asked if number < len(rows) and not rows[number].terminal}
        self._read = len(notes)
        self._wishes: deque[int | None] = deque()
        self._told: dict[int, Word] = {}
        #: Since when a trial is wanted to stop, and which ones the executor was told to end.
        self._since: dict[int, float] = {}
        self._ending: dict[int, float] = {}
        #: Wishes that the main thread, where a trial runs, has not come to read yet; and what makes it look up.
        self._overheard: dict[int | None, float] = {}
        self._here: frozenset[int] = frozenset()
        self._wind: Callable[[], None] = _nothing

    # --- time ---------------------------------------------------------------------------------------

    @property
    def left(self) -> float:
        """Seconds until what runs has to be over; negative after that, infinite without a deadline."""
        if self._budget.seconds is None:
            return math.inf
        return self._budget.seconds - self.reserve - self._journal.elapsed

    @property
    def in_time(self) -> bool:
        return self.left > 0

    @property
    def patience(self) -> float:
        """Seconds past the deadline after which a trial that does not report is ended."""
        return patience(self._budget.seconds)

    def plan(self) -> None:
        """Keep the time that is needed after the search."""
        if self._after is not None and self._budget.seconds is not None:
            self.reserve = self._after(self._journal.machine.history)

    def poll(self, handler: Handler, running: Collection[int] = ()) -> None:
        """Poll the executor for as long as nothing is seen too late by that.

        Args:
            running: the trials that it runs.

        Raises:
            OverTime: the time is over, or the trial was cancelled and did not heed that; it runs in this very thread,
                and was interrupted. Nothing that it had said before is lost.
        """
        guarded = _Guarded(handler)
        wait = 0.25 if self._limits else 0.5
        self._here = frozenset(running)
        with alarm(None if self._executor.separate else self._before_interrupting, lambda: guarded.busy) as self._wind:
            self._executor.poll(guarded, min(wait, max(0.05, self.left + self.patience)))
        self._wind = _nothing

    def _before_interrupting(self) -> float:
        """Seconds that a trial in this thread still has to end by itself."""
        wishes = [since for trial, since in list(self._overheard.items()) if trial is None or trial in self._here]
        heard = min(wishes, default=math.inf) + _GRACE - self._journal.clock.monotonic()
        return min(self.left + self.patience, heard)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within: wishes are heard also while a trial keeps the thread of the search busy."""
        if self._executor.separate:
            yield
            return
        over = threading.Event()

        def listen() -> None:
            at = 0
            while not over.wait(_LISTENS):
                at = max(at, len(self._journal.machine.history))
                with suppress(StoreError):  # a server that is away: it is asked again
                    for event, _ in self._journal.store.load(self._journal.record.id, after=at):
                        at += 1
                        if isinstance(event, r.Noted) and event.kind == CANCEL:
                            self._overhear(event.data.get("trial"))

        thread = threading.Thread(target=listen, name="modelwright-listening", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(5.0)

    def _overhear(self, trial: Any) -> None:
        self._overheard.setdefault(trial if trial is None else int(trial), self._journal.clock.monotonic())
        self._wind()

    # --- wishes -------------------------------------------------------------------------------------

    def wish(self, trial: int | None) -> None:
        """Have a trial, or all (None), cancelled at the next look; from any thread."""
        self._wishes.append(trial)
        self._overhear(trial)

    def hear(self) -> bool:
        """Take in what was wished here and by others; whether there was anything new."""
        while self._wishes:
            self._journal.write([wish(self._wishes.popleft())])
        notes = self._journal.machine.history.notes
        new = [note for note in notes[self._read :] if note.kind == CANCEL]
        self._read = len(notes)
        for note in new:
            trial = note.data.get("trial")
            if trial is None:
                self.stopping = True
            else:
                self.cancelled.add(int(str(trial)))
        return bool(new)

    def answer(self, number: int) -> r.Decision | None:
        """What a trial that reports is to be told before anybody else is asked; None: nothing."""
        if number in self.cancelled:
            self._told[number] = "cancelled"
            return "stop"
        if self.stopping:
            self._told[number] = "study cancelled"
            return "pause" if self._resumable else "stop"
        return None

    def out_of_time(self, number: int) -> r.Decision | None:
        """What a trial that reports is told when the seconds are used up."""
        if self.in_time:
            return None
        self._told[number] = "budget"
        return "pause" if self._resumable else "stop"

    # --- running trials -----------------------------------------------------------------------------

    def look(self, running: Mapping[int, float]) -> None:
        """End what is over a limit, or was not heard of in time.

        Args:
            running: trial -> seconds that it has run before.
        """
        if not self._executor.separate:
            return
        for number, before in running.items():
            if number in self._ending:
                continue
            failure, grace = self._over(number, before)
            if failure is not None:
                used = self._executor.usage(number)
                self._ending[number] = used.seconds if used is not None else 0.0
                self._executor.cancel(number, failure, grace)

    def _over(self, number: int, before: float) -> tuple[r.Failure | None, float]:
        used = self._executor.usage(number) if self._limits else None
        failure = self._limits.broken(used, before) if used is not None else None
        if failure is not None:
            return failure, _END
        if number in self.cancelled or self.stopping:
            now = self._journal.clock.monotonic()
            if now - self._since.setdefault(number, now) >= _GRACE:
                one = number in self.cancelled
                return r.Failure(kind="cancelled" if one else CUT, message="it was cancelled while it ran"), _END
        patience = self.patience * (2 if number in self._told else 1)  # who has heard may be saving what it has
        if self.left <= -patience:
            return r.Failure(kind=CUT, message="it ran when the seconds were used up"), _KILL * _slack(
                self._budget.seconds
            )
        return None, 0.0

    def forget(self, number: int) -> tuple[Word | None, float]:
        """A trial no longer runs: what it was told, and for how long it had run when it was ended from outside."""
        self._since.pop(number, None)
        return self._told.pop(number, None), self._ending.pop(number, 0.0)

    def note(self, why: str) -> list[r.Event]:
        """What to store of trials that were stopped short."""
        cut = sorted(self.cut - self.cancelled)
        return [r.Noted(kind=CUT, data={"why": why, "trials": cut})] if cut else []


def _nothing() -> None:
    pass


class _Guarded:
    """A handler that says when it is at work: then the trial that speaks must not be interrupted."""

    def __init__(self, handler: Handler):
        self._handler, self.busy = handler, False

    def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        self.busy = True
        try:
            return method(*args)
        finally:
            self.busy = False

    def traced(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._call(self._handler.traced, number, config, parameters)

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> r.Decision:
        return self._call(self._handler.reported, number, step, metrics, fidelity)

    def ended(self, number: int, outcome: r.Outcome) -> None:
        self._call(self._handler.ended, number, outcome)

    def lost(self, number: int, failure: r.Failure) -> None:
        self._call(self._handler.lost, number, failure)


def wish(trial: int | None) -> r.Noted:
    """A wish to cancel a trial, or the whole search (None)."""
    return r.Noted(kind=CANCEL, data={} if trial is None else {"trial": trial})
