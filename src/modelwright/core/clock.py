"""Time, handed in: durations come from a monotonic clock, dates from the wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
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
