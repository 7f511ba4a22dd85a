"""Pruning: members of an ensemble that take long for what they bring are left out. Does not know what members are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.ensemble.mixing import Comparison, Merit, groups, looked_rows, mixture
from modelwright.tasks.ensemble.selection import Ensemble
from modelwright.tasks.scoring.draws import Draws

#: Nanoseconds of one core that a row may take by all members together, before any is thought too dear.
ENOUGH = 25_000.0
#: Part of its own standard error by which the merit of an ensemble may fall in all.
SHARE = 0.03
#: Part of the time of all that a member takes at least to be thought dear.
_DEAR = 0.05
#: Part of what is bearable that any loss counts for at least: a cheap one does not go first because it brings nothing.
_SOME = 0.1


@dataclass(frozen=True, slots=True)
class Prices:
    """What members take to predict a row.

    Attributes:
        of: nanoseconds for the candidate at a place, with such a weight.
    """

    of: Callable[[int, float], float]

    def total(self, weights: np.ndarray) -> float:
        """Nanoseconds of all members together.

        >>> Prices(lambda place, weight: 10.0 * place).total(np.array([0.5, 0.0, 0.5]))
        20.0
        """
        return float(sum(self.of(place, float(weights[place])) for place in np.flatnonzero(weights).tolist()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """An ensemble without members that were too dear.

    Attributes:
        weights: (candidates,), with the sum 1.
        gone: places of those that were left out.
        lost: merit before, less that after.
        before, after: nanoseconds that a row takes.
    """

    weights: np.ndarray
    gone: Sequence[int]
    lost: float
    before: float
    after: float

    def without(self, found: Ensemble) -> Ensemble:
        """The ensemble that this was made of, without what was left out."""
        crossed = found.crossed.copy()
        crossed[:, self.gone] = 0.0
        total = crossed.sum(axis=1, keepdims=True)
        crossed = np.where(total > 0, crossed / np.maximum(total, 1e-12), self.weights)
        return replace(found, weights=self.weights, selected=found.selected - self.lost, crossed=crossed)


def pruned(
    weights: np.ndarray, prices: Prices, merit: Callable[[np.ndarray], float], *, bearable: float, enough: float
) -> Pruned | None:
    """The weights (candidates,) without those that are too dear; the others share what these had. None if none is.

    One after the other goes, each time the one whose loss is the smallest for what it saves, until the rest is quick
    enough or the loss would be more than is bearable: backward elimination, as in Martinez-Munoz et al., "An Analysis
    of Ensemble Pruning Techniques Based on Ordered Aggregation", IEEE TPAMI 31, 2009, with the time of members beside
    their merit.

    Args:
        merit: of weights; higher is better.
        bearable: by how much it may fall in all.
        enough: nanoseconds of all members together that nothing is done about.

    >>> prices = Prices(lambda place, weight: [1000.0, 9000.0, 1000.0][place])
    >>> def merit(weights):
    ...     return 0.99 if weights[1] == 0 else 1.0
    >>> less = pruned(np.array([0.5, 0.25, 0.25]), prices, merit, bearable=0.02, enough=5000.0)
    >>> less.weights.round(3), less.gone, round(less.lost, 3), less.after
    (array([0.667, 0.   , 0.333]), [1], 0.01, 2000.0)
    """
    before = total = prices.total(weights)
    if total <= enough or np.count_nonzero(weights) < 2:
        return None
    whole, gone, lost = merit(weights), [], 0.0
    while total > enough and np.count_nonzero(weights) > 1:
        found: list[tuple[float, float, int, float, np.ndarray]] = []
        for place in np.flatnonzero(weights).tolist():
            left = np.where(np.arange(len(weights)) == place, 0.0, weights)
            left /= left.sum()
            saved, loss = total - prices.total(left), whole - merit(left)
            if saved > _DEAR * total and loss <= bearable:
                found.append((max(_SOME * bearable, loss) / saved, -saved, place, loss, left))
        if not found:
            break
        _, _, place, lost, weights = min(found, key=lambda one: one[:3])
        gone.append(place)
        total = prices.total(weights)
    return Pruned(weights=weights, gone=gone, lost=lost, before=before, after=total) if gone else None


def cheaper(
    found: Ensemble,
    predictions: Sequence[np.ndarray],
    y: np.ndarray,
    merit: Merit,
    prices: Prices,
    *,
    seed: int,
    sample_weight: np.ndarray | None = None,
    draws: Draws,
) -> Pruned | None:
    """An ensemble without members that take long for what they bring; None where there are none.

    No more is lost than ``SHARE`` of the standard error of the merit, by the rows that the weights were chosen on.

    Args:
        predictions: of all candidates for the rows that judged the ensemble, (rows, classes) or (rows,).
        y: (rows,), and their ``sample_weight``.
    """
    if prices.total(found.weights) <= ENOUGH or draws.late:
        return None
    rng = Seed(seed).child("pruning").generator()
    rows, weight = looked_rows(y, sample_weight, draws, seed, rng)
    some = [one[rows] if share else one[:0] for one, share in zip(predictions, found.weights, strict=True)]

    def known(weights: np.ndarray) -> float:
        return -np.inf if draws.late else merit(y[rows], mixture(weights, some), weight)

    compared = Comparison(some, y[rows], merit, weight, groups(np.arange(len(rows)), len(rows), rng))
    error = compared.error(found.weights[None], np.zeros(len(rows), np.int64)) * np.sqrt(len(rows) / len(y))
    bearable = SHARE * error if np.isfinite(error) else 0.0
    return pruned(found.weights, prices, known, bearable=bearable, enough=ENOUGH)
