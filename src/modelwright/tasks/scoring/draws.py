"""How rows are drawn to choose weights by, and how often: as much as is good, or as the time allows for a slow metric.

What is decided by trials reads no clock: then it is always the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.thresholds import attainable, computed

#: Candidates, and rows, that are looked at; more rows hardly change what is chosen. Rows of a draw.
CANDIDATES, ROWS, BAG = 30, 8_000, 2_000
#: Less and less of it, by how many candidates are looked at.
_WEAKER: tuple[tuple[int, dict[str, int]], ...] = (
    (30, {"steps": 20, "bags": 4, "crossed": 2}),
    (20, {"bags": 3}),
    (12, {"steps": 15, "bags": 3, "crossed": 2, "rows": 4_000}),
    (8, {"steps": 12, "bags": 2, "crossed": 1, "rows": 2_000}),
    (6, {"steps": 8, "bags": 1}),
    (4, {"steps": 5}),
)
#: Calls besides those of the draws: weights against others by groups of rows.
_COMPARING = 60
#: Share of the time that saying how good the choice is may take; how often rows are drawn for its standard error.
_AFTER, SAMPLES = 0.5, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """How rows are drawn.

    Attributes:
        by_class: whether of each class as many as it has, rows of rare ones more often.
        candidates: that are looked at, at most.
        rows: that are looked at, at most.
        bags: draws by which the selection is made again for what is deployed; what one draw favours by chance another
            one does not.
        crossed: the same for each part of the rows.
        steps: of the greedy selection.
        thorough: whether thresholds are looked for, and what is chosen is scored fold by fold.
        until: when it has to be ready, in seconds of ``time.monotonic``: what is there by then is taken.
    """

    by_class: bool = False
    candidates: int = CANDIDATES
    rows: int = ROWS
    bags: int = 6
    crossed: int = 3
    steps: int = 25
    thorough: bool = True
    until: float | None = None

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self.until is not None and time.monotonic() >= self.until

    def calls(self, candidates: Sequence[int]) -> float:
        """How often the metric is computed for a draw of rows, at most.

        Args:
            candidates: how many are compared, each time that weights are chosen.

        >>> Draws().calls([30])
        9300.0
        """
        each = [min(self.candidates, one) for one in candidates]
        greedy = sum(each) * self.steps * (self.bags + 2 * self.crossed)
        return greedy + _COMPARING * len(each) + max(each, default=0) * self.rows / BAG * 2

    def within(self, seconds: float, metric: Metric, pace: Pace, candidates: Sequence[int]) -> Draws:
        """As much of it as so many seconds from now on allow.

        Args:
            candidates: see ``calls``.

        >>> slow = Pace(each=0.005, rows=2000, units=5, classes=0)
        >>> few = Draws().within(2.0, Metric("m", True, "values", "identity", max), slow, [30])
        >>> few.calls([30]) * 0.005 < 2.0
        True
        """
        after = pace.after(metric)
        thorough = after <= _AFTER * seconds
        left = seconds - (after if thorough else _AFTER * seconds)
        made = replace(self, thorough=thorough, until=time.monotonic() + left)
        for most, weaker in _WEAKER:
            if made.calls(candidates) * pace.each <= left:
                break
            made = replace(made, **weaker, candidates=min(most, made.candidates))
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a metric is.

    Attributes:
        each: seconds that it takes for a draw of rows.
        rows: that judge, in all.
        units: in how many parts they judge.
        classes: 0 in regression.
    """

    each: float
    rows: int
    units: int
    classes: int

    @classmethod
    def of(cls, metric: Metric, y: np.ndarray, *, units: int, classes: int) -> Pace:
        """By predictions that are nearly right; the faster one of two calls, since the first may import something."""
        some = y[:: max(1, len(y) // BAG)][:BAG]
        predicted = np.asarray(some, np.float64)
        if classes:
            predicted = np.full((len(some), classes), 0.1 / classes)
            predicted[np.arange(len(some)), some] += 0.9
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            attainable(metric, some, predicted)
            seconds.append(time.perf_counter() - began)
        return cls(each=min(seconds), rows=len(y), units=units, classes=classes)

    def after(self, metric: Metric) -> float:
        """Seconds that it takes to say how good what was chosen is, and which class is named, at most."""
        tries, large = computed(metric, self.classes), max(1.0, self.rows / BAG)
        return self.each * (tries * (self.units + large) + (SAMPLES if self.rows < 2 * BAG else large))

    def whole(self, metric: Metric, candidates: Sequence[int]) -> float:
        """Seconds for all that is done where there is time."""
        return self.each * Draws().calls(candidates) + self.after(metric)
