"""Landscape: what forests believe of an objective over the space, from trials that compare.

Owns which trials those are, and the draws whose spread is the uncertainty of everything that is read off: each draw is
a part of the trials, without replacement, with a forest of its own (Politis, Romano and Wolf, "Subsampling", 1999,
section 2.2: what a statistic varies by between parts tells what it would vary by between studies). Says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.history import Row, usable
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.report import trees
from modelwright.report.encoding import encode_rows
from modelwright.report.view import StudyView

#: Draws of the trials, and trees on each.
DRAWS, TREES = 10, 6
#: The part of the trials that a draw holds: many, or, where there are fewer than ``MANY``, half of them.
PART, HALF, MANY = 0.75, 0.5, 30
#: Cells of a continuous axis, alone and beside another one; random points at which the whole variance is taken.
CELLS, BESIDE, POINTS = 32, 16, 512
#: Trials that are compared, and that forests grow on, when there are more: enough, and quick.
MOST, GROWN = 600, 400
#: Trials that are too few for any forest.
LEAST = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """Trials that compare, as arrays.

    Attributes:
        rows: the trials.
        scores: larger is better, outliers moved in, divided by ``scale``.
        scale: what turns a score back into the objective's units, without its sign.
        fidelity: at which all of them were measured.
        names: of the parameters.
        points: positions in [0, 1], NaN where inactive; shape (trials, parameters).
        levels: number of different positions of each parameter, 0 for a continuum.
        total: how many trials there are of which these are a random part.
    """

    rows: tuple[Row, ...]
    scores: np.ndarray
    scale: float
    fidelity: float
    names: tuple[str, ...]
    points: np.ndarray
    levels: np.ndarray
    total: int

    def varied(self) -> list[int]:
        """Parameters of which more than one value was tried."""
        finite = np.isfinite(self.points)
        return [j for j in range(len(self.names)) if len(np.unique(self.points[finite[:, j], j])) > 1]

    def only(self, rows: np.ndarray, axes: Sequence[int]) -> Compared:
        """Some of the trials, and some of the parameters."""
        names = tuple(self.names[j] for j in axes)
        kept = tuple(self.rows[i] for i in rows)
        points = self.points[rows][:, list(axes)]
        levels = self.levels[list(axes)]
        return Compared(kept, self.scores[rows], self.scale, self.fidelity, names, points, levels, len(rows))


def compared(view: StudyView, objective: int = 0) -> Compared | None:
    """Trials at one fidelity: the highest that enough of them reached; None when there is none.

    Scores far worse than the rest are moved to the edge of the others, so that a few diverged trials do not decide.
    """
    made: Objective = view.objectives[objective]
    found: dict[float, list[tuple[Row, float]]] = {}
    for row in view.history.rows:
        known = dict(row.segments)
        if usable(row):
            known[round(row.fidelity, 9)] = row.values
        for level, values in known.items():
            if values is not None and math.isfinite(values[objective]):
                found.setdefault(level, []).append((row, made.score(values[objective])))
    if not found:
        return None
    enough = [level for level, rows in found.items() if len(rows) >= 20]
    level = max(enough) if enough else max(found, key=lambda lev: (len(found[lev]), lev))
    total, kept = len(found[level]), found[level]
    if total > MOST:
        chosen = np.sort(Seed(0).child("compared", objective).generator().permutation(total)[:MOST])
        kept = [kept[i] for i in chosen]
    rows, scores = zip(*kept)
    names, points = encode_rows(view, rows)
    values, scale = _pull_in(np.asarray(scores, float))
    return Compared(tuple(rows), values, scale, level, tuple(names), points, _levels(view, points, names), total)


def _pull_in(scores: np.ndarray) -> tuple[np.ndarray, float]:
    scale = max(float(abs(scores).max()), 1e-300)  # so that no square overflows
    scores = scores / scale
    low, high = np.percentile(scores, [25, 75])
    return (np.maximum(scores, low - 2.0 * (high - low)) if high > low else scores), scale


def _levels(view: StudyView, points: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """How many evenly spaced positions an axis has, as far as the trials keep to them; 0 for a continuum."""
    declared = {str(axis.name): axis.levels or 0 for axis in getattr(view.space, "axes", None) or ()}
    out = np.zeros(len(names), dtype=int)
    for j, name in enumerate(names):
        here = points[np.isfinite(points[:, j]), j]
        for count in (declared.get(name, 0), len(np.unique(here))):
            place = here * count - 0.5
            if 1 < count <= 10_000 and len(here) and np.abs(place - np.round(place)).max() < 1e-6:
                out[j] = count
                break
    return out


class Landscape:
    """Forests on draws of the trials, over the parameters that were varied.

    A parameter that was inactive in a trial gets a random value there, a new one for each tree, so it does not inherit
    the effect of what switched it off.

    Attributes:
        data: the trials and parameters it was grown on.
        explained: part of the variance explained in trials that a draw left out, or NaN.
    """

    def __init__(self, data: Compared, rng: np.random.Generator):
        count = len(data.scores)
        if count > GROWN:
            data = data.only(np.sort(rng.permutation(count)[:GROWN]), range(len(data.names)))
            count = GROWN
        self.data = data
        size = max(int((PART if count >= MANY else HALF) * count), 2)
        #: What the spread between draws is multiplied by to be that between studies.
        self.wider = math.sqrt(size / (count - size))
        taken = np.stack([np.sort(rng.permutation(count)[:size]) for _ in range(DRAWS)])
        taken = np.repeat(taken, TREES, axis=0)
        points = data.points[taken]
        missing = np.isnan(points)
        if missing.any():
            points = np.where(missing, rng.random(points.shape), points)
        self.forest = trees.grow(points, data.scores[taken], data.levels, rng, 2 if size >= 12 else 1)
        width = len(data.names)
        strata = rng.permuted(np.tile(np.arange(POINTS), (width, 1)), axis=1).T  # a Latin hypercube
        everywhere = (strata + rng.random((POINTS, width))) / POINTS
        self.variance = np.maximum(self.forest.predict(everywhere, DRAWS).var(axis=1), 0.0)
        self.explained = self._explained(taken, rng)
        self._alone: dict[int, np.ndarray] = {}

    def cells(self, axis: int, most: int = CELLS) -> int:
        """How many cells an axis is cut into: one for each level, where there are few."""
        levels = int(self.data.levels[axis])
        return levels if 1 < levels <= CELLS else most

    def alone(self, axis: int) -> np.ndarray:
        """The mean score at each cell of an axis, over all other parameters; shape (draws, cells)."""
        if axis not in self._alone:
            self._alone[axis] = self.forest.alone(axis, self.cells(axis), DRAWS)
        return self._alone[axis]

    def together(self, first: int, second: int) -> np.ndarray:
        """The mean score at each cell of two axes; shape (draws, cells, cells)."""
        return self.forest.together(first, second, (self.cells(first, BESIDE), self.cells(second, BESIDE)), DRAWS)

    def share(self, axis: int) -> np.ndarray:
        """Part of the variance that a parameter explains on its own, one for each draw."""
        return self._part(self.alone(axis).var(axis=1))

    def joint(self, first: int, second: int) -> np.ndarray:
        """Part of the variance that two parameters explain only together, one for each draw."""
        both = self.together(first, second)
        rest = both - both.mean(axis=1, keepdims=True) - both.mean(axis=2, keepdims=True)
        return self._part(rest.var(axis=(1, 2)))

    def interval(
        self, draws: np.ndarray, low: float = -math.inf, high: float = math.inf
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean over the draws (the first axis), and the ends of a 90 % interval, cut to ``low`` and ``high``."""
        mean = draws.mean(axis=0)
        reach = 1.645 * self.wider * draws.std(axis=0, ddof=1)
        return mean, np.clip(mean - reach, low, high), np.clip(mean + reach, low, high)

    def _part(self, variance: np.ndarray) -> np.ndarray:
        known = self.variance > 1e-300
        return np.where(known, np.minimum(variance / np.where(known, self.variance, 1.0), 1.0), 0.0)

    def _explained(self, taken: np.ndarray, rng: np.random.Generator) -> float:
        count = len(self.data.scores)
        points = np.where(np.isnan(self.data.points), rng.random(self.data.points.shape), self.data.points)
        out = np.ones((len(taken), count), dtype=bool)
        np.put_along_axis(out, taken, False, axis=1)
        seen = out.sum(axis=0)
        known = seen > 0
        said = (self.forest.each(points) * out).sum(axis=0)[known] / seen[known]
        values = self.data.scores[known]
        spread = float(values.var()) if known.any() else 0.0
        return 1.0 - float(np.mean((said - values) ** 2)) / spread if spread > 0 else math.nan


def landscape(view: StudyView, objective: int = 0, seed: int = 0) -> Landscape | None:
    """The landscape of an objective; None where no forest can be grown: too few trials, or nothing varied."""
    data = compared(view, objective)
    return None if data is None else grown(data, Seed(seed).child("importance", objective))


def grown(data: Compared, seed: Seed) -> Landscape | None:
    """The same from trials that compare already."""
    axes = data.varied()
    if not axes or len(data.scores) < LEAST or np.ptp(data.scores) == 0:
        return None
    return Landscape(data.only(np.arange(len(data.scores)), axes), seed.generator())
