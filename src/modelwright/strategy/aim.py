"""Aim: what a new trial is wanted for, and where to begin to look for it. From facts to an acquisition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.history import History
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.facts import Facts
from modelwright.strategy.gp import Bend
from modelwright.strategy.pareto import HypervolumeImprovement, front, spread
from modelwright.strategy.surrogate import Fitted
from modelwright.strategy.terms import Improvement, Term
from modelwright.strategy.warp import warp

#: Improvements below this many standard deviations are not worth a trial. Without it the search ends up polishing the
#: tenth digit of one optimum.
_MARGIN = 0.05
#: Good points near which to look.
_TOPS = 5


@dataclass(slots=True)
class Aim:
    """What is to be made large.

    Attributes:
        terms: the improvement's logarithm; none while no trial counts.
        bend: the coordinates in which moves are made.
        lengths: how far one has to go along each axis until values differ, in these coordinates.
        tops: the best points so far, best first.
        models: of the objectives.
        note: to be stored with the proposal.
    """

    terms: list[Term]
    bend: Any
    lengths: np.ndarray
    tops: np.ndarray
    models: list[Any]
    note: dict[str, Any] = field(default_factory=dict)


#: A model of the facts' one objective; the second argument is the key under which its fit is noted.
Fit = Callable[[Facts, str], Fitted]


def improvement(history: History, facts: Facts, axes: int, fit: Fit) -> Aim | None:
    """The improvement over the trials that count: of the one objective, or of the volume that the front dominates.

    Objectives are standardised each for itself, so that their scales do not matter; one alone is warped too. Pending
    trials count as if they had turned out as predicted: else the next proposal is a near copy of them. None while no
    trial counts, or all of them are worth the same.

    Args:
        axes: of the space.
        fit: makes the models, and raises what it raises.
    """
    varied = [j for j in range(facts.table.shape[1]) if warp(facts.table[:, j]).any()]
    if not varied or not facts.allowed.any():
        return None
    if len(varied) == 1:
        return _single(facts, varied[0], axes, fit)
    fits = [fit(replace(facts, objective=j), f"fit {history.objectives[j].name}") for j in varied]
    points = _counting(facts, axes)
    values = np.array([one.model.predict(points)[0] for one in fits]).T
    best = front(values)
    best = best[spread(values[best], _TOPS)]
    lengths = np.median([one.lengths for one in fits], axis=0)
    note: dict[str, Any] = {}
    for one in fits:
        note |= one.note
    models = [one.model for one in fits]
    term = HypervolumeImprovement(models, values, margin=_MARGIN)
    return Aim([term], models[0].bend, lengths, distinct(points[best], _TOPS), models, note)


def _single(facts: Facts, objective: int, axes: int, fit: Fit) -> Aim:
    fitted = fit(replace(facts, objective=objective), "fit")
    points = fitted.points if facts.allowed.all() else _counting(facts, axes)
    mean, _ = fitted.model.predict(points)
    tops = distinct(points[np.argsort(-mean, kind="stable")], _TOPS)
    term = Improvement(fitted.model, float(mean.max()) + _MARGIN)
    return Aim([term], fitted.model.bend, fitted.lengths, tops, [fitted.model], fitted.note)


def nearest(space: SearchSpace, history: History, vectors: np.ndarray) -> Aim:
    """No improvement can be told: a look near the trials that were closest to what is allowed."""
    kinds = np.array([axis.kind != "categorical" for axis in space.axes])
    flat = Bend(np.ones(len(kinds)), np.ones(len(kinds)), kinds)
    measured = [row.number for row in history.rows if not np.isnan(row.excess or (np.nan,)).all()]
    far = history.violations()[measured]
    tops = distinct(vectors[measured][np.argsort(far, kind="stable")], _TOPS)
    return Aim([], flat, np.full(len(kinds), 0.4), tops, [])


def _counting(facts: Facts, axes: int) -> np.ndarray:
    """The points of trials that count and of those that are on their way."""
    return np.unique(np.vstack([facts.points[facts.allowed], facts.pending])[:, :axes], axis=0)


def distinct(points: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` different rows."""
    _, first = np.unique(np.nan_to_num(points, nan=-1.0).round(9), axis=0, return_index=True)
    return points[np.sort(first)[:count]]
