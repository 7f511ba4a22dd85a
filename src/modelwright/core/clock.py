"""Time, handed in: durations come from a monotonic clock, dates from the wall clock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What the engine needs to know about time."""

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to, for tests and simulations.

    >>> clock = ManualClock(); clock.advance(2.5); clock.monotonic()
    2.5
    """

    now: float = 0.0
    start: float = field(default=1_700_000_000.0)

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.start + self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


_BEGAN: ContextVar[float | None] = ContextVar("modelwright_began", default=None)


@contextmanager
def counting_from(began: float | None) -> Iterator[None]:
    """Within, the seconds of a call count from ``began``, by the monotonic clock: the start of the command around it.

    >>> with counting_from(3.0):
    ...     counts_from()
    3.0
    >>> counts_from()
    """
    token = _BEGAN.set(began)
    try:
        yield
    finally:
        _BEGAN.reset(token)


def counts_from() -> float | None:
    """When the seconds of a call began to count, where that was before the call."""
    return _BEGAN.get()


def process_began() -> float | None:
    """When this process began, in monotonic seconds; None where the system does not tell.

    >>> began = process_began()
    >>> began is None or began < time.monotonic()
    True
    """
    try:
        ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic() - max(0.0, boot - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError, ValueError, IndexError):  # not Linux, or a container that hides it
        return None
