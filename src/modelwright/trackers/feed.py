"""Feeds trackers: a thread and a bounded queue for each, so that none of them can delay, change or end a trial."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core import records as r
from modelwright.core.clock import Clock, SystemClock
from modelwright.core.history import History
from modelwright.core.wording import counted, warn_caller
from modelwright.trackers.base import TrackedStudy, TrackedTrial, Tracker

#: Calls that may wait for a tracker; reports are left out from ``_FULL`` on.
_LIMIT, _FULL = 10_000, 8_000
#: Errors in a row after which a tracker is told nothing more, and seconds that all of them get at the end.
_ERRORS, GRACE = 3, 5.0


class Feed:
    """An observer that tells trackers of the trials of one session.

    Args:
        trackers: with the names under which they are spoken of.
        history: the study's, which holds an event before this is told of it.
        me: the mark of the session whose trials are told; those of others are theirs to tell.

    >>> from modelwright.core.objective import Objective
    >>> feed = Feed([], TrackedStudy(name="a", objectives=(), strategy="", seed=0, subject="", unit="step", store="",
    ...                              folder=None), History((Objective("loss", "min"),)), "me")
    >>> feed.close()
    []
    """

    def __init__(
        self,
        trackers: Sequence[tuple[str, Tracker]],
        study: TrackedStudy,
        history: History,
        me: str,
        *,
        clock: Clock | None = None,
    ):
        self._history, self._me, self._clock = history, me, clock or SystemClock()
        self._told: set[int] = set()
        self._lines = [_Line(name, tracker, study) for name, tracker in trackers]

    def events(self, events: Sequence[r.Event]) -> None:
        """Tell what these events say of this session's trials."""
        for event in events:
            if isinstance(event, (r.Configured, r.Reported, r.Finished)):
                row = self._history.rows[event.number]
                if row.worker == self._me:
                    self._tell(event)
        for line in self._lines:
            line.warn()

    def _tell(self, event: r.Configured | r.Reported | r.Finished) -> None:
        row, now = self._history.rows[event.number], self._clock.wall()
        trial = TrackedTrial(
            number=row.number,
            config=dict(row.config),
            state=row.state,
            values=row.values,
            metrics=dict(row.metrics),
            priced=row.priced,
            fidelity=row.fidelity,
            seconds=row.duration,
            error=row.error.message if row.error is not None else "",
            again=row.segment > 0 or row.attempt > 0,
            at=now,
        )
        if event.number not in self._told:
            self._told.add(event.number)
            self._put("started", trial)
        if isinstance(event, r.Reported):
            self._put("reported", trial, event.step, dict(event.metrics))
        elif isinstance(event, r.Finished):
            self._put("finished", trial)

    def _put(self, method: str, *arguments: Any) -> None:
        for line in self._lines:
            line.put(method, arguments)

    def close(self, seconds: float = GRACE) -> list[r.Noted]:
        """Let the trackers finish, for ``seconds`` in all; what the study should note of them."""
        deadline = time.monotonic() + seconds
        for line in self._lines:
            line.end()
        return [note for line in self._lines if (note := line.close(deadline)) is not None]


class _Line:
    """One tracker, its thread, and what it has not been told yet."""

    def __init__(self, name: str, tracker: Tracker, study: TrackedStudy):
        self._name, self._tracker, self._study = name, tracker, study
        self._waiting: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._change = threading.Condition()
        self._ending = self._off = False
        self._dropped = self._errors = 0
        self._problem = ""
        self._warned = False
        self._thread = threading.Thread(target=self._run, name=f"modelwright-tracker-{name}", daemon=True)
        self._thread.start()

    # --- in the thread of the study ------------------------------------------------------------------

    def put(self, method: str, arguments: tuple[Any, ...]) -> None:
        """Have the tracker told, unless it is too far behind."""
        if self._off:
            return
        with self._change:
            if len(self._waiting) >= (_FULL if method == "reported" else _LIMIT):
                self._dropped += 1
                return
            self._waiting.append((method, arguments))
            self._change.notify()

    def warn(self) -> None:
        """Tell the user of a problem, once."""
        if self._problem and not self._warned:
            self._warned = True
            warn_caller(f"the tracker {self._name!r} failed; the search is not affected: {self._problem}")

    def end(self) -> None:
        """Nothing more will come."""
        with self._change:
            self._ending = True
            self._change.notify()

    def close(self, deadline: float) -> r.Noted | None:
        """Wait for the thread until ``deadline``; what went wrong."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            self._off = True
            left = len(self._waiting)
            self._problem = self._problem or f"it hangs, with {counted(left, 'call')} left"
        elif self._dropped and not self._problem:
            self._problem = f"it was too slow: {counted(self._dropped, 'call')} were left out"
        self.warn()
        if not self._problem:
            return None
        data: Mapping[str, Any] = {"name": self._name, "problem": self._problem[:1000], "dropped": self._dropped}
        return r.Noted(kind="tracker", data=data)

    # --- in the tracker's own thread -----------------------------------------------------------------

    def _run(self) -> None:
        if not self._call("start", (self._study,)):
            self._off = True
            return
        while (item := self._next()) is not None:
            if self._call(*item):
                self._errors = 0
                continue
            self._errors += 1
            if self._errors >= _ERRORS:
                self._off = True
                break
        self._call("close", ())

    def _next(self) -> tuple[str, tuple[Any, ...]] | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._ending)
            return self._waiting.popleft() if self._waiting else None

    def _call(self, method: str, arguments: tuple[Any, ...]) -> bool:
        try:
            getattr(self._tracker, method)(*arguments)
        except BaseException as error:  # whatever it is, it ends here: the thread is the tracker's own
            self._problem = self._problem or f"{method}() raised {type(error).__name__}: {error}"
            return False
        return True
