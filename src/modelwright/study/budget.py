"""Budgets: how much a study may spend in all, over every session. Does not know who spends it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import ArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Totals, also after a resume.

    Attributes:
        trials: configurations that may be started; None for no limit.
        seconds: running time, without the time between sessions; None for no limit.
        min_gain: the search ends when further trials are expected to gain less than this, in units of the objective,
            or "noise": less than a trial's value is off by (``strategy.stopping``); None for never.
        failures: how many configurations may fail with the same error at the same line before the study stops.

    >>> Budget(trials=3).allows(3, 0.0)
    False
    """

    trials: int | None = None
    seconds: float | None = None
    min_gain: float | str | None = None
    failures: int = 3

    def __post_init__(self) -> None:
        if self.trials is not None and (not _is_finite(self.trials) or int(self.trials) != self.trials):
            raise ArgumentError(
                f"trials={self.trials!r:.60} cannot be a number of trials", allowed="a whole number from 1"
            )
        if self.trials is not None and self.trials < 1:
            raise ArgumentError(f"trials={self.trials} is too small", allowed="a whole number from 1")
        if self.seconds is not None and not (_is_finite(self.seconds) and self.seconds > 0):
            raise ArgumentError(f"seconds={self.seconds!r:.60} is not a positive number", allowed="seconds > 0")

        checked_gain(self.min_gain)

    def allows(self, started: int, elapsed: float) -> bool:
        """Whether one more configuration may start."""
        return (self.trials is None or started < self.trials) and self.in_time(elapsed)

    def in_time(self, elapsed: float) -> bool:
        """Whether there are seconds left."""
        return self.seconds is None or elapsed < self.seconds


def checked_gain(given: Any, *, where: str = "", over: str = "20 more trials are") -> float | str | None:
    """A ``min_gain`` that makes sense.

    Args:
        where: the door that it was given at.
        over: what is expected to gain less where a search ends, for the message.

    Raises:
        ArgumentError: it is neither a positive number, nor "noise", nor None.
    """
    if given is None or (isinstance(given, str) and given == "noise"):
        return given
    if not isinstance(given, str) and _is_finite(given) and given > 0:
        return given
    raise ArgumentError(
        f"min_gain={given!r:.60}",
        where=where,
        allowed="a number above 0 in units of the objective, 'noise', or None for never",
        hint=f"min_gain=0.001 ends a search when {over} expected to gain less than that.",
    )


def _is_finite(value: Any) -> bool:
    """Whether ``value`` is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
