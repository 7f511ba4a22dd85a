"""What the plan of a fit has time for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelwright.core.history import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What there is time for.

    Attributes:
        seconds: running time of the whole study; None where it is bounded by trials.
        workers: candidates that run at the same time.
        whole: all rows, in units of the mean of those that the first unit, the first two, and so on are fitted on.
        refits: whether members are fitted on all rows in the end.
        beside: how many fits of such candidates on all rows run at the same time; None for as many as workers.
    """

    seconds: float | None = None
    workers: int = 1
    whole: Sequence[float] = (1.0,)
    refits: bool = True
    beside: Callable[[Sequence[Row]], int] | None = None
