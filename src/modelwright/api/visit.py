"""A worker's visit to a study: how long it stays, how much it runs, and what it ran. Decides nothing about trials."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from modelwright.core import records as r

#: Set while a worker makes the call of ``tune`` that it found in a study.
VISIT: ContextVar[Visit | None] = ContextVar("modelwright_visit", default=None)


@dataclass
class Visit:
    """An observer that ends a session of its own study when the worker is to leave.

    Attributes:
        slots: processes that run trials.
        seconds: nothing is started after so many; None stays to the end.
        trials: nothing is started after so many; None stays to the end.
        changed: files that are not as the study has them.
        ran: numbers of the trials that this worker started.
    """

    slots: int = 1
    seconds: float | None = None
    trials: int | None = None
    changed: tuple[str, ...] = ()
    ran: list[int] = field(default_factory=list)
    _me: str = ""
    _loop: Any = None
    _timer: threading.Timer | None = None

    def begin(self, loop: Any, me: str) -> r.Noted:
        """The session begins; what the study should note of it."""
        self._loop, self._me = loop, me
        if self.seconds is not None:
            self._timer = threading.Timer(self.seconds, loop.stop, ["the worker's seconds are used up"])
            self._timer.daemon = True
            self._timer.start()
        data = {"worker": me, "host": platform.node(), "pid": os.getpid(), "slots": self.slots}
        return r.Noted(kind="worker", data={**data, "changed": list(self.changed)} if self.changed else data)

    def end(self) -> None:
        """The session is over."""
        if self._timer is not None:
            self._timer.cancel()

    def events(self, events: Sequence[r.Event]) -> None:
        """Count what this worker starts."""
        for event in events:
            if isinstance(event, r.Started) and event.worker == self._me and event.number not in self.ran:
                self.ran.append(event.number)
        if self.trials is not None and len(self.ran) >= self.trials:
            self._loop.stop("the worker ran what it was to run")
