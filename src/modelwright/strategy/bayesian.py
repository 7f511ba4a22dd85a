"""Bayesian optimisation: a Gaussian process over what is known, expected improvement for what comes next.

Owns what is proposed; the facts, the model, the warp and the search for the maximum have files of their own. Sources:
Jones et al. 1998 (expected improvement), Ginsbourger et al. 2010 (pending trials), Knowles 2006 (several objectives),
Hvarfner et al. 2024 (lengths in many dimensions), Cowen-Rivers et al. 2022 (warped outputs).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from modelwright.core.history import History
from modelwright.core.records import Answer, Exhausted, Proposal
from modelwright.core.rng import Seed
from modelwright.strategy.acquisition import propose_vectors
from modelwright.strategy.base import Fold, SearchSpace, Strategy
from modelwright.strategy.belief import Belief, believed
from modelwright.strategy.facts import Facts, Memory, gather
from modelwright.strategy.surrogate import fit_gp, one_thread
from modelwright.strategy.terms import Improvement, Sum
from modelwright.strategy.transfer import ENOUGH, Earlier

#: Decoded points that may turn out to be known before the search for a new one gives up on the model.
_TRIES = 200
#: Improvements below this many standard deviations are not worth a trial. Without it the search ends up polishing the
#: tenth digit of one optimum.
_MARGIN = 0.05


@dataclass(slots=True)
class _State(Fold):
    memory: Memory = field(default_factory=Memory)


class Bayesian(Strategy):
    """Gaussian-process search with expected improvement: the best choice when a trial costs more than a second.

    Args:
        initial: trials before the model takes over, the defaults included; None for max(4, min(2 D, 10)).

    >>> Bayesian(initial=3).name
    'bayesian'
    """

    name: ClassVar[str] = "bayesian"

    def __init__(self, initial: int | None = None):
        self.initial = initial

    def init(self, seed: Seed, history: History) -> _State:
        return _State(seed, history)

    def ask(self, state: _State, space: SearchSpace, number: int) -> Answer:
        """A configuration never proposed before, at full fidelity; ``Exhausted`` when there is none left."""
        config, note = propose(state.history, space, state.seed, number, initial=self.initial, memory=state.memory)
        if config is None:
            return Exhausted(why=note["reason"])
        return Proposal(config=config, note=note)


def propose(
    history: History,
    space: SearchSpace,
    seed: Seed,
    number: int,
    *,
    initial: int | None = None,
    memory: Memory | None = None,
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The next configuration and a note of how it was found; for strategies that only need a proposer.

    A pure function of the stored rows, the space, the seed and the number. The note must be stored with the proposal:
    later fits start from the lengths in it.

    Args:
        history: rows at any fidelities; pending ones are taken to turn out as predicted.
        initial: trials before the model takes over; None for a number that fits the space.
        memory: keeps keys and vectors between calls.

    Returns:
        ``(config, note)``; ``note["by"]`` is "default", "design", "gp" or "fallback" (with ``note["reason"]``).
        ``config`` is None when nothing new is left, and ``note["reason"]`` says why.
    """
    memory = memory or Memory()
    rows = history.rows
    if not len(space.axes):
        if any(row.ran for row in rows) or (space.size == 1 and rows and rows[0].config):
            return None, {"reason": "the space has a single point"}
        return space.default(), {"by": "default"}
    keys, vectors = memory.look_up(space, rows)
    used = set(keys)
    if space.size is not None and len(used) >= space.size:
        return None, {"reason": f"the space is exhausted: all {space.size} configurations have been tried"}
    start = space.default()
    if not rows and space.key(start) not in used:
        return start, {"by": "default"}
    rng = seed.child("ask", number).generator()
    earlier = Earlier.of(history, space, memory)
    count = initial or (max(4, min(2 * len(space.axes), 10)) if earlier is None else ENOUGH)
    if len(rows) < count:
        belief = Belief.of(history, space) if number % 2 else None
        return _first_new(space, rng, used, _design(space, seed, number, count, belief), {"by": "design"})
    try:
        facts = gather(history, vectors, seed, number)
        if facts is None:
            return _first_new(space, rng, used, (), {"by": "fallback", "reason": "no trial has a value yet"})
        with one_thread():
            points, note = _model(space, history, facts, rng, earlier)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        return _first_new(space, rng, used, (), {"by": "fallback", "reason": f"{type(error).__name__}: {error}"})
    return _first_new(space, rng, used, points, note)


# --- the model -----------------------------------------------------------------------------------


def _model(
    space: SearchSpace, history: History, facts: Facts, rng: np.random.Generator, earlier: Earlier | None
) -> tuple[np.ndarray, dict]:
    """Candidates by falling expected improvement, and the note."""
    fitted = fit_gp(space, history.rows, facts, earlier)
    # Pending points count as if they had turned out as predicted: else the next proposal is a near copy of them.
    mean, _ = fitted.model.predict(fitted.points)
    tops = _distinct(fitted.points[np.argsort(-mean, kind="stable")], 5)
    sigma = np.minimum(fitted.lengths * 0.5, 0.3)
    beliefs = believed(history, space, facts.points, facts.scores)
    wanted = Sum([Improvement(fitted.model, float(mean.max()) + _MARGIN), *beliefs])
    found, worth = propose_vectors(wanted, fitted.model.bend, space, rng, tops, sigma)
    top_mean, top_std = fitted.model.predict(found[:1])
    note: dict[str, Any] = {
        "by": "gp",
        "mean": round(float(top_mean[0]), 4),
        "std": round(float(top_std[0]), 4),
        "log_ei": round(float(worth[0]), 3),
        **fitted.note,
    }
    return found, note


def _distinct(points: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` different rows."""
    _, first = np.unique(np.nan_to_num(points, nan=-1.0).round(9), axis=0, return_index=True)
    return points[np.sort(first)[:count]]


# --- what has not been tried ---------------------------------------------------------------------


def _design(space: SearchSpace, seed: Seed, number: int, count: int, belief: Belief | None = None) -> np.ndarray:
    """Row ``number`` of a Latin hypercube: every axis is cut in ``count`` strata of equal belief, each visited once."""
    rng = seed.child("design").generator()
    axes = len(space.axes)
    strata = np.array([rng.permutation(count) for _ in range(axes)]).T
    cube = (strata + rng.random((count, axes))) / count
    row = cube[[number % count]]
    return space.snap(row if belief is None else belief.bent(row, rng))


def _first_new(
    space: SearchSpace, rng: np.random.Generator, used: set[str], points: Any, note: dict[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The first of ``points`` that was never proposed; else a random one, else the first of all that is new."""
    for i, vector in enumerate(points):
        if i >= _TRIES:
            break
        config = space.decode(vector)
        if space.key(config) not in used:
            return config, {**note, "skipped": i} if i else note
    lost = {**note, "skipped": len(points)} if len(points) else note
    if note["by"] == "gp":
        lost = {"by": "fallback", "reason": "every point that the model proposed has been tried"}
    for vector in space.sample_vectors(rng, 64):
        config = space.decode(vector)
        if space.key(config) not in used:
            return config, lost
    for config in space.enumerate(every=space.size is not None):
        if space.key(config) not in used:
            return dict(config), lost
    return None, {"reason": "the space is exhausted: every configuration has been tried"}
