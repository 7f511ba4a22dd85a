"""What the plan of a fit has time for, and what its fits on all rows take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapreplace

from modelwright.core.history import Row

#: How much longer than foreseen a fit on all rows may take.
_SURE = 1.15
#: Seconds of fits that are not worth to be handed to a worker that is there.
_AT_ONCE = 0.2


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


@dataclass(frozen=True, slots=True)
class LastFits:
    """What is foreseen of the fits of members on all rows.

    Attributes:
        starts: seconds until workers are there.
        standing: how many of them are there already.
    """

    timing: Timing
    starts: float = 0.0
    standing: int = 0

    def seconds(self, row: Row) -> float:
        """What the fit of a candidate on all rows will take, by the units that judged it."""
        whole = self.timing.whole
        units = min(max(1, len(row.facts.get("scores") or ())), len(whole))
        return float(row.facts.get("again_seconds", row.facts.get("fit_seconds", 0.0))) * whole[units - 1]

    def one_by_one(self, rows: Sequence[Row]) -> float:
        """Seconds of such fits one after the other."""
        return sum(map(self.seconds, rows))

    def together(self, rows: Sequence[Row]) -> float:
        """Seconds until the fits of candidates on all rows have ended, each begun in its turn when there is room."""
        if not rows:
            return 0.0
        ends = [0.0] * self._beside(rows)
        for row in rows:
            heapreplace(ends, ends[0] + self.seconds(row))
        return max(ends)

    def possible(self, rows: Sequence[Row], left: float) -> list[Row]:
        """Candidates, in their order, whose fits on all rows end within so many seconds, some of them side by side."""
        found: list[Row] = []
        for row in rows:
            if _SURE * self.together([*found, row]) <= left:
                found.append(row)
        return found

    def begins(self, rows: Sequence[Row]) -> float:
        """Seconds until fits on all rows begin: none where workers are there, or where they need none."""
        return 0.0 if self._stand_by(rows) or self.soon(rows) else self.starts

    def soon(self, rows: Sequence[Row]) -> bool:
        """Whether such fits take less time than it takes until workers are there: then they need none."""
        return self.one_by_one(rows) < (_AT_ONCE if self._stand_by(rows) else self.starts)

    def _stand_by(self, rows: Sequence[Row]) -> bool:
        """Whether as many workers as fit these side by side are there."""
        return bool(rows) and 0 < self.standing == self._beside(rows)

    def _beside(self, rows: Sequence[Row]) -> int:
        return max(1, self.timing.workers if self.timing.beside is None else self.timing.beside(rows))
