"""Candidates side by side: by how much one is better than another, by the folds that judged both. Fits nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from modelwright.core.history import Row
from modelwright.core.wording import counted
from modelwright.tasks.account.decisions import unmeasured
from modelwright.tasks.scoring.validation import over_units
from modelwright.tasks.search.estimation import Job


class Compared:
    """See the module.

    Args:
        rows: all candidates.
        job: what they were judged by.

    Attributes:
        rows: those that were judged, from the best to the worst.
        sign: 1 where a higher score is better, else -1.
    """

    def __init__(self, rows: Sequence[Row], job: Job):
        self.folds, self.metric = job.split.folds, job.metric.name
        self.sign = sign = 1.0 if job.metric.higher else -1.0
        judged = [row for row in rows if math.isfinite(over_units(row.facts.get("scores") or ()))]
        ranked = sorted(judged, key=lambda row: (-len(row.facts["scores"]), -sign * over_units(row.facts["scores"])))
        # The one that most folds have judged may be none to compare with; who is best by it is.
        self.rows = self._ranked(self._ranked(ranked))

    def _ranked(self, judged: Sequence[Row]) -> list[Row]:
        """Candidates by their gain over the first of them, less what chance may have given by few folds.

        By their scores alone those of easy folds would be first, by their folds alone those that are cheap to judge.
        """
        if not judged:
            return []
        gains = [self.gains(row, judged[0]) for row in judged]
        spreads = [float(np.std(some, ddof=1)) for some in gains[1:] if len(some) > 1]
        noise = float(np.median(spreads)) if spreads else 0.0
        merits = [
            # Further repeats judge by the same rows again.
            over_units(some) - noise / math.sqrt(min(len(row.facts["scores"]), self.folds)) if some else -math.inf
            for row, some in zip(judged, gains, strict=True)
        ]
        return [judged[place] for place in sorted(range(len(judged)), key=lambda place: -merits[place])]

    def gains(self, one: Row, other: Row) -> list[float]:
        """By how much the one is better than the other, on each fold that judged both."""
        pairs = zip(one.facts["scores"], other.facts["scores"], strict=False)
        found = [round(self.sign * (a - b), 12) for a, b in pairs if a is not None and b is not None]
        return [gain for gain in found if math.isfinite(gain)]

    def gain(self, one: Row, other: Row) -> float:
        """The mean of ``gains``; NaN where no fold judged both."""
        return over_units(self.gains(one, other))

    def said(self, one: Row, other: Row) -> str:
        """By how much the one is better than the other, in words, with its standard error."""
        gains = self.gains(one, other)
        if not gains:
            return unmeasured("no fold judged both")
        # Further repeats judge by the same rows again.
        shown = min(len(gains), self.folds)
        error = f" ± {round(float(np.std(gains, ddof=1)) / math.sqrt(shown), 12):.2g}" if len(gains) > 1 else ""
        return f"{better(self.metric, float(np.mean(gains)), error)} on {counted(len(gains), 'fold')}"

    def other(self, to: Row, among: Callable[[Row], bool]) -> Row | None:
        """The best of some candidates that can be compared with another."""
        return next((row for row in self.rows if row is not to and among(row) and self.gains(to, row)), None)


def later_half(rows: Sequence[Row], job: Job) -> str:
    """What the second half of the candidates brought over the first."""
    compared = Compared(rows, job)
    judged = sorted(compared.rows, key=lambda row: row.number)
    half = len(judged) // 2
    if not half:
        return unmeasured("fewer than two were judged")
    first = next(row for row in compared.rows if row in judged[:half])
    later = next(row for row in compared.rows if row in judged[half:])
    return f"the best of the later half: {compared.said(later, first)} than the best of the first half"


def better(metric: str, gain: float, error: str = "") -> str:
    """A gain in words.

    >>> better("rmse", 0.25), better("rmse", -0.25, " ± 0.1"), better("rmse", 0.0)
    ('rmse better by 0.25', 'rmse worse by 0.25 ± 0.1', 'rmse neither better nor worse')
    """
    if gain == 0:
        return f"{metric} neither better nor worse"
    return f"{metric} {'better' if gain > 0 else 'worse'} by {abs(gain):.2g}{error}"
