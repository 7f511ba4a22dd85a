"""Ensembles: how much each candidate counts, chosen on predictions for rows that it was not fitted on.

Greedy selection with replacement, in bags of rows, after Caruana et al., "Ensemble Selection from Libraries of Models",
ICML 2004, with an end when nothing was gained for a while. Does not know what the candidates are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.ensemble.mixing import (
    Comparison,
    Merit,
    crossed_mixture,
    groups,
    looked_rows,
    mixture,
    product,
)
from modelwright.tasks.learners.judged import Halves, part
from modelwright.tasks.scoring.draws import BAG, CANDIDATES, Draws

#: Steps of the greedy selection without gain after which it ends.
PATIENCE = 6
#: Numbers that the candidates that are looked at predict all together; where they are more, so many candidates still.
NUMBERS, FEWEST = 1 << 28, 8
#: Below so many rows a draw has fewer steps, and none adds a candidate that makes up such a share of it.
FEW, SHORT, CAP = 1_000, 15, 0.5
#: Rows of each class that a draw has at least, as far as there are as many.
_RARE = 100
#: Candidates that are chosen at most, and the weight below which one is left out.
MEMBERS, LEAST = 8, 0.04
_PARTS = 2

#: As much as is done where there is time.
_ALL = Draws()


@dataclass(frozen=True, slots=True)
class Level:
    """Candidates that are compared by the same rows: those that as many units, or more, have judged.

    Attributes:
        candidates: their places among all.
        rows: places (rows,) of the rows, rising.
        predictions: of each of these candidates for these rows, by no more units than all of them have.
    """

    candidates: Sequence[int]
    rows: np.ndarray
    predictions: Sequence[np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Which candidates count how much.

    Attributes:
        weights: (candidates,), not negative, with the sum 1.
        selected: merit on the rows that the weights were chosen on; too good by that.
        honest: mean merit of weights that were chosen on other rows.
        optimism: by how much ``weights`` look better on the rows that they were chosen on: the mean over parts of the
            rows of their merit there, less that of weights that were chosen on the others. Scores of all rows are not
            means of those of parts: the root of a mean is above the mean of the roots.
        best: merit of the best single candidate, on all rows.
        crossed: (parts, candidates), for each part of the rows weights that were chosen on the others; where the best
            candidate is deployed alone, the one that was best on the others.
        part: (rows,), to which part a row belongs.
        level: place of the level whose rows the members have judged; all figures are by these rows.
    """

    weights: np.ndarray
    selected: float
    honest: float
    optimism: float
    best: float
    crossed: np.ndarray
    part: np.ndarray
    level: int = 0

    def mixed(self, predictions: Sequence[np.ndarray]) -> np.ndarray:
        """Predictions of the candidates, each (rows, ...), mixed by weights that were chosen on other rows."""
        return crossed_mixture(self.crossed, predictions, self.part, np.arange(len(self.part)))


def looked_at(numbers: int) -> int:
    """How many numbers all candidates that are looked at predict, where each predicts so many.

    >>> looked_at(100) // 100, looked_at(20_000_000) // 20_000_000
    (30, 13)
    """
    return max(FEWEST * numbers, min(CANDIDATES * numbers, NUMBERS))


def selected(
    predictions: Sequence[np.ndarray],
    y: np.ndarray,
    merit: Merit,
    *,
    seed: int,
    levels: Sequence[Level] | None = None,
    sample_weight: np.ndarray | None = None,
    ties: np.ndarray | None = None,
    draws: Draws = _ALL,
) -> Ensemble:
    """Choose weights for candidates.

    Where some were judged by more rows than others, they are chosen at each level alone, and the mean is taken: few
    candidates that many rows speak for, and many that few rows do, are wrong about different things. A level without
    which the mean is better, by more than chance and by weights from other rows, is left out: what all rows have judged
    may be one poor candidate that was quick to judge.

    Args:
        predictions: for each candidate probabilities (rows, classes) or values (rows,); NaN where it was not judged.
        merit: of predictions for ``y`` under weights of the rows; higher is better.
        levels: which candidates are compared by which rows, the one with most rows, which are all, first; None where
            all candidates were judged by all rows.
        ties: integers (rows,): rows of the same one belong together, and choose no weights for each other.
        draws: how rows are drawn; ``by_class`` where ``y`` are classes and ``merit`` weighs rows: then of rare classes
            no row is given away where only some rows are looked at.

    Under 1,000 rows a draw has at most 15 steps, and none adds a candidate that makes up half of it. The mean of draws
    may: where most of them are best served by one candidate alone, it has most of the weight.

    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> found = selected([y + 1, y - 1, y * 0], y, lambda y, p, w: -float(np.mean((y - p) ** 2)), seed=0)
    >>> found.weights
    array([0.5, 0.5, 0. ])
    """
    rng = Seed(seed).child("ensemble").generator()
    if levels is None:
        levels = [Level(range(len(predictions)), np.arange(len(y)), predictions)]
    everyone = rng.permutation(len(y)) % _PARTS
    if ties is not None and (apart := Halves.of(y, 0, sample_weight, ties)) is not None:
        everyone[apart.places[0]], everyone[apart.places[1]] = 0, 1
    chooser = _Chooser(merit, draws, seed, rng)
    # For each level weights by all its rows, then those for each part by the other one.
    found = np.zeros((len(levels), 1 + _PARTS, len(predictions)))
    looks = [looked_rows(y[level.rows], part(sample_weight, level.rows), draws, seed, rng) for level in levels]
    for own, level, (looked, weight) in zip(found, levels, looks, strict=True):
        place = level.rows[looked]
        stacked = np.stack([np.asarray(one[looked], np.float64) for one in level.predictions])
        for i, on in enumerate([np.ones(len(place), bool), *_others(everyone[place])]):
            bags = draws.crossed if i else draws.bags
            own[i, np.asarray(level.candidates)] = chooser.weights(stacked[:, on], y[place][on], part(weight, on), bags)
    compared = Comparison(predictions, y, merit, sample_weight, groups(levels[-1].rows, draws.rows, rng))
    kept = _together(found[:, 1:], compared, everyone)
    base, (looked, weight) = levels[kept[0]], looks[kept[0]]
    chosen, *parts = (_averaged(one, base.candidates) for one in found[kept].swapaxes(0, 1))
    crossed = np.array(parts)
    place = base.rows[looked]
    whole = merit(y[place], mixture(chosen, predictions, place), weight)
    best, alone = _alone(merit, base, looked, (y[place], weight, everyone[place]), len(predictions))
    compared = Comparison(predictions, y, merit, sample_weight, groups(place, draws.rows, rng))
    single, several = (np.tile(one, (_PARTS, 1)) for one in (alone[0], chosen))
    if not np.isfinite(whole) or compared.gain(single, several, everyone) > 0:
        chosen, whole, crossed = alone[0], best, alone[1:]
    scores, better = [], []
    for i in range(_PARTS):
        off = everyone[place] == i
        outer = part(weight, off)
        scores.append(merit(y[place][off], mixture(crossed[i], predictions, place[off]), outer))
        better.append(merit(y[place][off], mixture(chosen, predictions, place[off]), outer) - scores[-1])
    return Ensemble(
        weights=chosen, selected=whole, honest=float(np.mean(scores)), optimism=float(np.mean(better)),
        best=best, crossed=crossed, part=everyone, level=kept[0],
    )  # fmt: skip


def _others(parts: np.ndarray) -> list[np.ndarray]:
    """For each part the rows of the others; its own ones where there are no others."""
    found = [parts != number for number in range(_PARTS)]
    return [on if on.any() else ~on for on in found]


def _alone(
    merit: Merit,
    level: Level,
    looked: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray | None, np.ndarray],
    count: int,
) -> tuple[float, np.ndarray]:
    """The merit of the best candidate of a level by all rows, and weights: its own, and for each part of the rows those
    of the candidate that is best on the others.

    Args:
        looked: which rows of the level are looked at.
        rows: of these the target, weights or None, and parts.
        count: of all candidates.
    """
    y, weight, parts = rows
    singles, found, best = [np.asarray(one[looked], np.float64) for one in level.predictions], [], []
    for on in (np.ones(len(y), bool), *_others(parts)):
        merits = np.array([merit(y[on], one[on], part(weight, on)) for one in singles])
        known = np.where(np.isfinite(merits), merits, -np.inf)
        best.append(float(known.max()))
        found.append(np.eye(count)[level.candidates[int(np.argmax(known))]])
    return best[0], np.array(found)


def _together(crossed: np.ndarray, compared: Comparison, part: np.ndarray) -> list[int]:
    """The levels whose weights are averaged: all but those without which it is better, by more than a standard error.

    Args:
        crossed: (levels, parts, candidates), for each part of the rows weights that were chosen on the others.
        compared: by rows that all levels have judged.
    """
    kept = list(range(len(crossed)))
    while len(kept) > 1:
        others = [[one for one in kept if one != level] for level in kept]
        gains = [compared.gain(crossed[some].mean(axis=0), crossed[kept].mean(axis=0), part) for some in others]
        if not max(gains) > 0:
            break
        kept.pop(int(np.argmax(gains)))
    return kept


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Weights by some rows, the mean over bags of them (Caruana et al. 2004, section 2.3, with rows for models)."""

    merit: Merit
    draws: Draws
    seed: int
    rng: np.random.Generator

    def weights(self, stacked: np.ndarray, y: np.ndarray, weight: np.ndarray | None, bags: int) -> np.ndarray:
        """For the candidates, whose predictions are (candidates, rows, ...)."""
        if len(stacked) == 1:
            return np.ones(1)
        total = np.zeros(len(stacked))
        for _ in range(bags):
            at, stands = self._drawn(y)
            total += self._greedy(stacked[:, at], y[at], product(part(weight, at), stands), len(y) < FEW)
            if self.draws.late:
                break
        if not total.any():  # what can be told of all rows alone: of a class that no draw had, say
            total = self._greedy(stacked, y, weight, len(y) < FEW)
        return total / total.sum() if total.any() else np.full(len(stacked), 1 / len(stacked))

    def _greedy(self, stacked: np.ndarray, y: np.ndarray, weight: np.ndarray | None, few: bool) -> np.ndarray:
        """Shares of the best prefix of a greedy selection; of equals those that are in already.

        Args:
            few: whether rows are so few that a draw has fewer steps.
        """
        steps, cap = (min(SHORT, self.draws.steps), CAP) if few else (self.draws.steps, 1.0)
        counts = np.zeros(len(stacked))
        total = np.zeros_like(stacked[0])
        best, found, idle = -np.inf, counts, 0
        for step in range(1, steps + 1):
            merits = np.array([self.merit(y, (total + one) / step, weight) for one in stacked])
            if step > 1 and cap < 1:
                merits[counts >= np.ceil(cap * step)] = -np.inf
            merits = np.where(np.isfinite(merits), merits, -np.inf)
            top = float(merits.max())
            if not np.isfinite(top):
                break
            close = np.flatnonzero(merits >= top - 1e-12 * max(1.0, abs(top)))
            chosen = int(close[np.argmax(counts[close])])
            counts = counts.copy()
            counts[chosen] += 1
            total = total + stacked[chosen]
            if top > best + 1e-9 * max(1.0, abs(best) if np.isfinite(best) else 1.0):
                best, found, idle = top, counts, 0
            else:
                idle += 1
            if idle >= PATIENCE or self.draws.late:
                break
        return found / max(1.0, found.sum())

    def _drawn(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Places of rows drawn with replacement, and for how many each stands; of each class as many as it has."""
        if not self.draws.by_class:
            return self.rng.integers(0, len(y), min(len(y), BAG)), None
        places, stands = [], []
        order = np.argsort(y, kind="stable")
        for own in np.split(order, np.flatnonzero(np.diff(y[order])) + 1):
            count = len(own) if len(y) <= BAG else min(len(own), max(_RARE, round(len(own) * BAG / len(y))))
            places.append(own[self.rng.integers(0, len(own), count)])
            stands.append(np.full(count, len(own) / count))
        return np.concatenate(places), None if len(y) <= BAG else np.concatenate(stands)


def _averaged(weights: np.ndarray, base: Sequence[int]) -> np.ndarray:
    """The mean of the weights (levels, candidates), of few; of the first level alone where none of ``base`` is left.

    Somebody must have judged each row.
    """
    found = _fewer(weights.mean(axis=0), MEMBERS)
    return found if found[list(base)].any() else _fewer(weights[0], MEMBERS)


def _fewer(weights: np.ndarray, most: int) -> np.ndarray:
    """The largest ``most`` weights, less the smallest one by one until none is below ``LEAST`` of the sum, which is 1.

    >>> _fewer(np.array([1.0, 0.05, 0.6, 0.35]), 2)
    array([0.625, 0.   , 0.375, 0.   ])
    >>> int(np.count_nonzero(_fewer(np.ones(40), 30)))
    25
    """
    top = np.argsort(-weights, kind="stable")[:most]
    top = top[weights[top] > 0]
    while len(top) > 1 and weights[top[-1]] < LEAST * weights[top].sum() * (1 - 1e-9):
        top = top[:-1]
    keep = np.zeros_like(weights)
    keep[top] = weights[top] / weights[top].sum()
    return keep
