"""Predictions of candidates mixed by weights, and weights against others. Does not choose any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.tasks.learners.judged import part as of_rows
from modelwright.tasks.scoring.draws import Draws
from modelwright.tasks.scoring.sampling import sampled

#: Groups of rows by which weights are compared, and the rows of one at least, as far as there are so many.
_GROUPS, _LEAST_ROWS = 8, 20

Merit = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


def mixture(weights: np.ndarray, predictions: Sequence[np.ndarray], rows: np.ndarray | None = None) -> np.ndarray:
    """Predictions mixed by weights of which most are 0, in float64.

    For a row that a candidate has not judged (NaN) the others stand in for it.

    Args:
        rows: those that are mixed, a mask or places; None for all.

    >>> mixture(np.array([0.25, 0.0, 0.75]), [np.array([4.0, 4.0]), np.array([np.nan, 1.0]), np.array([8.0, np.nan])])
    array([7., 4.])
    """
    total: np.ndarray | None = None
    there: np.ndarray | None = None
    for share, one in zip(weights, predictions, strict=True):
        if not share:
            continue
        some = (one if rows is None else one[rows]).astype(np.float64)
        lacking = np.isnan(some) if some.ndim == 1 else np.isnan(some).any(axis=1)
        if total is None or there is None:
            total, there = np.zeros(some.shape), np.zeros(len(some))
        if lacking.any():
            some[lacking] = 0.0
        total += share * some
        there += share * ~lacking
    assert total is not None and there is not None
    with np.errstate(invalid="ignore"):  # a row that no candidate judged stays NaN
        return (total.T / there).T


def crossed_mixture(
    weights: np.ndarray, predictions: Sequence[np.ndarray], part: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Predictions for the places ``rows``, for each part of the rows mixed by its own weights (parts, candidates)."""
    found = np.empty((len(rows), *predictions[0].shape[1:]))
    for i, own in enumerate(weights):
        at = part[rows] == i
        found[at] = mixture(own, predictions, rows[at])
    return found


def looked_rows(
    y: np.ndarray, weight: np.ndarray | None, draws: Draws, seed: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Places of the rows that are looked at, and their weights."""
    if len(y) <= draws.rows:
        return np.arange(len(y)), weight
    if not draws.by_class:
        place = np.sort(rng.choice(len(y), draws.rows, replace=False))
        return place, of_rows(weight, place)
    place, stands = sampled(y, "multiclass", draws.rows, seed=seed)
    return place, product(of_rows(weight, place), stands)


def product(weight: np.ndarray | None, stands: np.ndarray | None) -> np.ndarray | None:
    """Weights of rows times for how many each stands; None where both are the same for all."""
    if weight is None or stands is None:
        return stands if weight is None else weight
    return weight * stands


def groups(rows: np.ndarray, most: int, rng: np.random.Generator) -> list[np.ndarray]:
    """So many of the rows by chance, in groups."""
    place = rows[rng.permutation(len(rows))[:most]]
    return np.array_split(place, int(np.clip(len(place) // _LEAST_ROWS, 2, _GROUPS)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Weights against others, by groups of rows."""

    predictions: Sequence[np.ndarray]
    y: np.ndarray
    merit: Merit
    sample_weight: np.ndarray | None
    groups: Sequence[np.ndarray]

    def gain(self, new: np.ndarray, old: np.ndarray, part: np.ndarray) -> float:
        """How much better weights (parts, candidates) are than others, less a standard error; 0 if nothing says it."""
        gain = self._merits(new, part) - self._merits(old, part)
        gain = gain[np.isfinite(gain)]
        error = float(np.std(gain, ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
        return float(np.mean(gain)) - error if len(gain) else 0.0

    def error(self, weights: np.ndarray, part: np.ndarray) -> float:
        """Standard error of the merit of weights (parts, candidates); infinite where too few groups have one."""
        merits = self._merits(weights, part)
        merits = merits[np.isfinite(merits)]
        return float(np.std(merits, ddof=1) / np.sqrt(len(merits))) if len(merits) > 1 else float("inf")

    def _merits(self, weights: np.ndarray, part: np.ndarray) -> np.ndarray:
        found = []
        for own in self.groups:
            weight = None if self.sample_weight is None else self.sample_weight[own]
            found.append(self.merit(self.y[own], crossed_mixture(weights, self.predictions, part, own), weight))
        return np.array(found, float)
