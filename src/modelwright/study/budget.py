"""Budgets: how much a study may spend in all, over every session. Does not know who spends it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelwright.core.errors import ArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Totals, also after a resume.

    Attributes:
        trials: configurations that may be started; None for no limit.
        seconds: running time, without the time between sessions; None for no limit.
        failures: how many configurations may fail with the same error at the same line before the study stops.

    >>> Budget(trials=3).allows(3, 0.0)
    False
    """

    trials: int | None = None
    seconds: float | None = None
    failures: int = 3

    def __post_init__(self) -> None:
        if self.trials is not None and (
            not isinstance(self.trials, (int, float))
            or isinstance(self.trials, bool)
            or not math.isfinite(self.trials)
            or int(self.trials) != self.trials
        ):
            raise ArgumentError(f"trials={self.trials!r} is no whole number", allowed="a whole number from 1")
        if self.trials is not None and self.trials < 1:
            raise ArgumentError(f"trials={self.trials} is too small", allowed="a whole number from 1")
        if self.seconds is not None and not (
            isinstance(self.seconds, (int, float)) and self.seconds > 0 and math.isfinite(self.seconds)
        ):
            raise ArgumentError(f"seconds={self.seconds!r} is not a positive number", allowed="seconds > 0")

    def allows(self, started: int, elapsed: float) -> bool:
        """Whether one more configuration may start."""
        return (self.trials is None or started < self.trials) and self.in_time(elapsed)

    def in_time(self, elapsed: float) -> bool:
        """Whether there are seconds left."""
        return self.seconds is None or elapsed < self.seconds
