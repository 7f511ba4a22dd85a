"""Importance: how much of the differences between trials each hyperparameter explains on its own.

Functional analysis of variance on a forest of regression trees (F. Hutter, H. Hoos, K. Leyton-Brown, "An efficient
approach for assessing hyperparameter importance", ICML 2014), with trees whose thresholds are drawn at random
(P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006), in numpy alone. Trials
are drawn again with replacement, a forest is grown on each draw, and the spread between the forests is the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.history import Row, usable
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.report.encoding import encode_rows
from modelwright.report.fidelity import level_text
from modelwright.report.view import StudyView

#: Draws of the trials, and trees on each.
DRAWS, TREES = 16, 8
#: Places along a parameter, and random points of the space, at which a forest's variance is taken.
PLACES, POINTS = 64, 256
#: Chance of a parameter to be looked at in a node, so that weaker ones are heard too.
SUBSET = 0.4
#: Size of a draw as a part of the trials: less than one, because forests on full draws agree too well.
DRAWN = 0.6
#: Trials that are looked at when there are more: enough for main effects, and quick.
MOST = 400
#: Below this part of the variance explained in trials a forest has not seen, it does not know enough to rank.
WEAK = 0.1


@dataclass(frozen=True, slots=True)
class Effect:
    """One parameter's share of the variance.

    Attributes:
        share: in [0, 1], of the variance that the forest predicts over the space; mean over the draws.
        low, high: 5 % and 95 % points over the draws.
        active: part of the trials in which the parameter was active.
    """

    name: str
    share: float
    low: float
    high: float
    active: float


@dataclass(frozen=True, slots=True)
class Importance:
    """What the trials tell of each parameter, the most important first.

    Attributes:
        effects: empty when nothing can be said at all.
        trials: how many trials were compared.
        fidelity: at which fidelity.
        explained: part of the variance explained in trials left out, or NaN.
        reliable: whether there are enough trials, and enough explained, to rank the parameters.
        message: the same for people.
    """

    effects: tuple[Effect, ...] = ()
    trials: int = 0
    fidelity: float = 1.0
    explained: float = math.nan
    reliable: bool = False
    message: str = ""
    method: str = field(default="functional analysis of variance on random trees (Hutter et al. 2014)")


def importance(view: StudyView, objective: int = 0, seed: int = 0) -> Importance:
    """The share of each parameter in the differences between trials.

    Trials are compared at one fidelity: the highest that enough of them reached. Values far worse than the rest are
    moved to the edge of the others, so that a few diverged trials do not decide. A parameter that was inactive in a
    trial gets a random value there, a new one for each tree: its share is that over the whole space, and it does not
    inherit the effect of what switched it off. Shares do not add up to one; what is missing is due to combinations.

    >>> from modelwright.core.history import History
    >>> importance(StudyView(name="s", history=History((Objective("loss", "min"),)))).message
    'No trial can be compared yet.'
    """
    rows, values, fidelity = _comparable(view, objective)
    if not rows:
        return Importance(message="No trial can be compared yet.")
    names, points = encode_rows(view, rows)
    finite = np.isfinite(points)
    varied = [j for j in range(len(names)) if len(np.unique(points[finite[:, j], j])) > 1]
    need = max(12, 3 * len(varied))
    if not varied or len(rows) < 4 or np.ptp(values) == 0:
        why = "all values are equal" if len(rows) > 1 and np.ptp(values) == 0 else f"about {need} are needed"
        why = why if varied else "no parameter was varied"
        message = f"{counted(len(rows), 'trial')} to compare: {why}."
        return Importance(trials=len(rows), fidelity=fidelity, message=message)
    points = points[:, varied]
    rng = Seed(seed).child("importance", objective).generator()
    if len(values) > MOST:
        kept = np.sort(rng.permutation(len(values))[:MOST])
        points, values = points[kept], values[kept]
    shares, explained = _draws(points, values, rng)
    low, high = np.percentile(shares, [5, 95], axis=0)
    mean = shares.mean(axis=0)
    active = finite.mean(axis=0)
    effects = [
        Effect(names[j], float(mean[i]), float(low[i]), float(high[i]), float(active[j])) for i, j in enumerate(varied)
    ]
    effects.sort(key=lambda effect: (-effect.share, effect.name))
    reliable, message = _verdict(len(rows), need, explained, level_text(view, fidelity))
    return Importance(tuple(effects), len(rows), fidelity, explained, reliable, message)


def _verdict(count: int, need: int, explained: float, level: str) -> tuple[bool, str]:
    head = f"From {count} trials, {level}." if level else f"From {count} trials."
    if count < need:
        return False, f"{head} Too few to rank the parameters: about {need} are needed. Take the order as a hint."
    if not explained > WEAK:
        return False, f"{head} The parameters explain little of the differences seen so far: the order may be chance."
    return True, f"{head} The parameters predict {min(explained, 1):.0%} of the variance in trials left out."


def _comparable(view: StudyView, objective: int) -> tuple[list[Row], np.ndarray, float]:
    """Rows, scores (larger is better, outliers moved in) and the fidelity at which they were taken."""
    made: Objective = view.objectives[objective]
    levels: dict[float, list[tuple[Row, float]]] = {}
    for row in view.history.rows:
        known = dict(row.segments)
        if usable(row):
            known[round(row.fidelity, 9)] = row.values
        for level, values in known.items():
            if values is None or not math.isfinite(values[objective]):
                continue
            levels.setdefault(level, []).append((row, made.score(values[objective])))
    if not levels:
        return [], np.zeros(0), 1.0
    enough = [level for level, found in levels.items() if len(found) >= 20]
    level = max(enough) if enough else max(levels, key=lambda lev: (len(levels[lev]), lev))
    rows, scores = zip(*levels[level])
    return list(rows), _pull_in(np.asarray(scores, float)), level


def _pull_in(scores: np.ndarray) -> np.ndarray:
    scores = scores / max(float(abs(scores).max()), 1e-300)  # so that no square overflows
    low, high = np.percentile(scores, [25, 75])
    return np.maximum(scores, low - 2.0 * (high - low)) if high > low else scores


def _draws(points: np.ndarray, values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Shares (draws, parameters), and the part of the variance explained in trials left out.

    The trees of a forest are averaged before its variance is taken, so that what single trees make up cancels.
    """
    count, width = points.shape
    shares = np.zeros((DRAWS, width))
    total, seen = np.zeros(count), np.zeros(count)
    missing = np.isnan(points)
    for draw in range(DRAWS):
        taken = rng.integers(0, count, max(int(DRAWN * count), 4))
        out = np.setdiff1d(np.arange(count), taken)
        anywhere = _anywhere(width, rng)
        alone, whole = np.zeros((width, PLACES)), np.zeros(POINTS)
        for _ in range(TREES):
            filled = np.where(missing, rng.random((count, width)), points)
            tree = _grow(filled[taken], values[taken], rng)
            alone += tree.alone()
            whole += tree.predict(anywhere)
            if len(out):
                total[out] += tree.predict(filled[out])
                seen[out] += 1
        spread = float(whole.var())
        shares[draw] = np.minimum(alone.var(axis=1) / spread, 1.0) if spread > 1e-300 else 0.0
    known = seen > 0
    spread = float(np.var(values[known])) if known.any() else 0.0
    if spread == 0:
        return shares, math.nan
    return shares, 1.0 - float(np.mean((total[known] / seen[known] - values[known]) ** 2)) / spread


def _anywhere(width: int, rng: np.random.Generator) -> np.ndarray:
    """Random points of the space, each parameter evenly covered (a Latin hypercube)."""
    rows = rng.permuted(np.tile(np.arange(POINTS), (width, 1)), axis=1).T
    return (rows + rng.random((POINTS, width))) / POINTS


@dataclass(slots=True)
class _Tree:
    """Leaves as boxes of the unit cube: corners (leaves, parameters) and a value each."""

    low: np.ndarray
    high: np.ndarray
    value: np.ndarray

    def alone(self) -> np.ndarray:
        """The effect of each parameter at ``PLACES`` places, averaged exactly over all others."""
        sides = self.high - self.low
        volume = sides.prod(axis=1)
        places = (np.arange(PLACES) + 0.5) / PLACES
        out = np.empty((sides.shape[1], PLACES))
        for j in range(sides.shape[1]):
            edges = np.unique(np.concatenate([self.low[:, j], self.high[:, j]]))
            weight = volume / sides[:, j] * self.value
            steps = np.zeros(len(edges))
            np.add.at(steps, np.searchsorted(edges, self.low[:, j]), weight)
            np.add.at(steps, np.searchsorted(edges, self.high[:, j]), -weight)
            out[j] = np.cumsum(steps)[np.searchsorted(edges, places, side="right") - 1]
        return out

    def predict(self, points: np.ndarray) -> np.ndarray:
        at = points[:, None, :]
        inside = ((at >= self.low) & ((at < self.high) | (self.high >= 1.0))).all(axis=2)
        return self.value[inside.argmax(axis=1)]


def _grow(points: np.ndarray, values: np.ndarray, rng: np.random.Generator, least: int = 2, tries: int = 3) -> _Tree:
    """A tree whose nodes take the best of ``tries`` random thresholds for each parameter."""
    width = points.shape[1]
    todo: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = [
        (np.arange(len(values)), np.zeros(width), np.ones(width)),
    ]
    leaves: list[tuple[np.ndarray, np.ndarray, float]] = []
    while todo:
        index, low, high = todo.pop()
        split = _split(points[index], values[index], rng, least, tries)
        if split is None:
            leaves.append((low, high, float(values[index].mean())))
            continue
        j, at = split
        left = points[index, j] < at
        middle_high, middle_low = high.copy(), low.copy()
        middle_high[j] = middle_low[j] = at
        todo += [(index[left], low, middle_high), (index[~left], middle_low, high)]
    lows, highs, means = zip(*leaves)
    return _Tree(np.array(lows), np.array(highs), np.array(means))


def _split(points: np.ndarray, values: np.ndarray, rng: np.random.Generator, least: int, tries: int) -> Any:
    count = len(values)
    low, high = points.min(axis=0), points.max(axis=0)
    if count < 2 * least or not (high > low).any() or np.ptp(values) <= 1e-12 * (abs(values).max() + 1e-300):
        return None
    at = low + (high - low) * rng.random((tries, points.shape[1]))
    left = points[None, :, :] < at[:, None, :]
    n = left.sum(axis=1)
    centred = values - values.mean()
    total = np.einsum("tnd,n->td", left, centred)
    heard = (rng.random(points.shape[1]) < SUBSET) & (high > low)
    fair = (n >= least) & (n <= count - least) & (heard if heard.any() else high > low)
    gain = np.where(fair, total**2 / np.maximum(n, 1) + total**2 / np.maximum(count - n, 1), -1.0)
    best = int(gain.argmax())
    t, j = divmod(best, points.shape[1])
    return (j, float(at[t, j])) if gain[t, j] > 0 else None
