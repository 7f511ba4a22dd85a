"""Ensembles: how much each candidate counts, chosen on predictions for rows that it was not fitted on.

Greedy selection with replacement after Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004, with
an end when nothing was gained for a while. Does not know what the candidates are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.learners.judged import Halves
from modelwright.tasks.sampling import sampled

#: Steps of the greedy selection, and those without gain after which it ends.
STEPS, PATIENCE = 25, 6
#: Candidates that are looked at: the best so many. Fewer where their predictions are more numbers than that all
#: together, but not fewer than the third.
CANDIDATES, NUMBERS, FEWEST = 30, 1 << 28, 8
#: Rows that the selection looks at; more hardly change what is chosen.
ROWS = 8_000
#: Below so many rows there are fewer steps, and no candidate makes up more than such a share of several.
FEW, SHORT, CAP = 1_000, 15, 0.5
_PARTS = 2

Merit = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


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
        spread: standard error of ``honest``; 0 where it is not known.
        best: merit of the best single candidate, on all rows.
        crossed: (parts, candidates), for each part of the rows weights that were chosen on the others.
        part: (rows,), to which part a row belongs.
    """

    weights: np.ndarray
    selected: float
    honest: float
    optimism: float
    spread: float
    best: float
    crossed: np.ndarray
    part: np.ndarray

    def mixed(self, predictions: Sequence[np.ndarray]) -> np.ndarray:
        """Predictions of the candidates, each (rows, ...), mixed by weights that were chosen on other rows."""
        found = np.empty(predictions[0].shape)
        for i, weights in enumerate(self.crossed):
            found[self.part == i] = mixture(weights, predictions, self.part == i)
        return found


def mixture(weights: np.ndarray, predictions: Sequence[np.ndarray], rows: np.ndarray | None = None) -> np.ndarray:
    """Predictions mixed by weights of which most are 0, in float64.

    Args:
        rows: a mask of those that are mixed; None for all.

    >>> mixture(np.array([0.25, 0.0, 0.75]), [np.array([4.0]), np.array([np.nan]), np.array([8.0])])
    array([7.])
    """
    count, *rest = predictions[0].shape
    total = np.zeros((count if rows is None else int(np.count_nonzero(rows)), *rest))
    for share, one in zip(weights, predictions, strict=True):
        if share:
            total += share * (one if rows is None else one[rows]).astype(np.float64)
    return total


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
    sample_weight: np.ndarray | None = None,
    ties: np.ndarray | None = None,
    by_class: bool = False,
) -> Ensemble:
    """Choose weights for candidates.

    Args:
        predictions: for each candidate probabilities (rows, classes) or values (rows,).
        merit: of predictions for ``y`` under weights of the rows; higher is better.
        ties: integers (rows,): rows of the same one belong together, and choose no weights for each other.
        by_class: whether ``y`` are classes, and ``merit`` weighs rows: then of rare classes no row is given away where
            only some rows are looked at.

    Under 1,000 rows there are at most 15 steps, and where several candidates are chosen none counts for more than half.

    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> found = selected([y + 1, y - 1, y * 0], y, lambda y, p, w: -float(np.mean((y - p) ** 2)), seed=0)
    >>> found.weights
    array([0.5, 0.5, 0. ])
    """
    rng = Seed(seed).child("ensemble").generator()
    place, stands = np.arange(len(y)), None
    if len(y) > ROWS and by_class:
        place, stands = sampled(y, "multiclass", ROWS, seed=seed)
    elif len(y) > ROWS:
        place = np.sort(rng.choice(len(y), ROWS, replace=False))
    weight = None if sample_weight is None else sample_weight[place]
    if stands is not None:
        weight = stands if weight is None else weight * stands
    everyone = rng.permutation(len(y)) % _PARTS
    if ties is not None and (apart := Halves.of(y, 0, sample_weight, ties)) is not None:
        everyone[apart.places[0]], everyone[apart.places[1]] = 0, 1
    stacked = np.stack([np.asarray(one[place], np.float64) for one in predictions])
    y, part = y[place], everyone[place]
    steps = SHORT if len(y) < FEW else STEPS
    cap = CAP if len(y) < FEW else 1.0
    alone = np.array([merit(y, one, weight) for one in stacked])
    alone = np.where(np.isfinite(alone), alone, -np.inf)
    chosen = _greedy(stacked, y, merit, weight, steps, alone, cap)
    whole = merit(y, mixture(chosen, list(stacked)), weight)
    if whole <= alone.max():
        chosen = np.eye(len(stacked))[int(np.argmax(alone))]
        whole = float(alone.max())
    scores, crossed, better = [], [], []
    for i in range(_PARTS):
        on, off = part != i, part == i
        inner = None if weight is None else weight[on]
        own = np.array([merit(y[on], one, inner) for one in stacked[:, on]])
        found = _greedy(stacked[:, on], y[on], merit, inner, steps, own, cap)
        crossed.append(found)
        outer = None if weight is None else weight[off]
        scores.append(merit(y[off], mixture(found, list(stacked[:, off])), outer))
        better.append(merit(y[off], mixture(chosen, list(stacked[:, off])), outer) - scores[-1])
    spread = float(np.std(scores, ddof=1) / np.sqrt(len(scores)))
    return Ensemble(
        weights=chosen, selected=whole, honest=float(np.mean(scores)), optimism=float(np.mean(better)),
        spread=spread, best=float(alone.max()), crossed=np.array(crossed), part=everyone,
    )  # fmt: skip


def _greedy(
    stacked: np.ndarray,
    y: np.ndarray,
    merit: Merit,
    weight: np.ndarray | None,
    steps: int,
    alone: np.ndarray,
    cap: float,
) -> np.ndarray:
    """Counts of the best prefix of a greedy selection, as shares; of equals those that are in already."""
    counts = np.zeros(len(stacked))
    total = np.zeros_like(stacked[0])
    best, found, idle = -np.inf, counts, 0
    for step in range(1, steps + 1):
        if step == 1:
            merits = alone
        else:
            merits = np.array([merit(y, (total + one) / step, weight) for one in stacked])
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
            if idle >= PATIENCE:
                break
    return found / max(1.0, found.sum())
