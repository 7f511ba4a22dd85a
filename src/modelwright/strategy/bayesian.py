"""Bayesian optimisation: a Gaussian process over what is known, expected improvement for what comes next.

Owns what is proposed; the facts, the model, the warp and the search for the maximum have files of their own. Sources:
Jones et al. 1998 (expected improvement), Ginsbourger et al. 2010 (pending trials), Daulton et al. 2020 (several
objectives), Gardner et al. 2014 (constraints), Hvarfner et al. 2024 (lengths in many dimensions), Cowen-Rivers et al.
2022 (warped outputs).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.history import History
from modelwright.core.records import Answer, Exhausted, Proposal
from modelwright.core.rng import Seed
from modelwright.strategy.acquisition import propose_vectors, search_vectors
from modelwright.strategy.aim import improvement, nearest
from modelwright.strategy.base import Fold, SearchSpace, Strategy
from modelwright.strategy.belief import Belief, believed
from modelwright.strategy.cost import cost
from modelwright.strategy.facts import Facts, Memory, gather
from modelwright.strategy.feasible import feasibility
from modelwright.strategy.fresh import passed_over
from modelwright.strategy.region import box
from modelwright.strategy.surrogate import Fitted, fit_forest, fit_gp, one_thread
from modelwright.strategy.terms import Sum
from modelwright.strategy.transfer import ENOUGH, Earlier

#: Models that may be asked for.
SURROGATES = ("gp", "forest")
#: Decoded points that may turn out to be known before the search for a new one gives up on the model.
_TRIES = 200


@dataclass(slots=True)
class _State(Fold):
    memory: Memory = field(default_factory=Memory)


class Bayesian(Strategy):
    """Gaussian-process search with expected improvement: the best choice when a trial costs more than a second.

    Args:
        initial: trials before the model takes over, the defaults included; None for max(4, min(2 D, 10)).
        surrogate: "gp", or "forest" for random trees (as in SMAC), which also stand in when the process cannot be
            fitted. On the conditional problems that were tried the process was better.

    Raises:
        StrategyError: no such surrogate.

    >>> Bayesian(initial=3).name
    'bayesian'
    """

    name: ClassVar[str] = "bayesian"

    def __init__(self, initial: int | None = None, *, surrogate: str = "gp"):
        if surrogate not in SURROGATES:
            raise StrategyError(f"surrogate={surrogate!r}", where="bayesian", allowed=", ".join(map(repr, SURROGATES)))
        self.initial, self.surrogate = initial, surrogate

    def init(self, seed: Seed, history: History) -> _State:
        return _State(seed, history)

    def ask(self, state: _State, space: SearchSpace, number: int) -> Answer:
        """A configuration never proposed before, at full fidelity; ``Exhausted`` when there is none left."""
        given = {"initial": self.initial, "memory": state.memory, "surrogate": self.surrogate}
        config, note = propose(state.history, space, state.seed, number, **given)
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
    surrogate: str = "gp",
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The next configuration and a note of how it was found; for strategies that only need a proposer.

    A pure function of the stored rows, the space, the seed and the number. The note must be stored with the proposal:
    later fits start from the lengths in it.

    Args:
        history: rows at any fidelities; pending ones are taken to turn out as predicted.
        initial: trials before the model takes over; None for a number that fits the space.
        memory: keeps keys and vectors between calls.
        surrogate: "gp", or "forest" for the random trees that otherwise stand in when the process cannot be fitted.

    Returns:
        ``(config, note)``; ``note["by"]`` is "default", "design", "gp", "forest" (with ``note["reason"]`` where it
        stands in) or "fallback" (with ``note["reason"]``).
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
    with one_thread():
        earlier = Earlier.of(history, space, memory)
    count = initial or (max(4, min(2 * len(space.axes), 10)) if earlier is None else ENOUGH)
    if len(rows) < count:
        belief = Belief.of(history, space) if number % 2 else None
        return _first_new(space, rng, used, _design(space, seed, number, count, belief), {"by": "design"})
    try:
        with one_thread():
            points, note = _model(space, history, vectors, rng, earlier, surrogate)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        said = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        return _first_new(space, rng, used, (), {"by": "fallback", "reason": said})
    return _first_new(space, rng, used, points, note)


# --- the model -----------------------------------------------------------------------------------


def _model(
    space: SearchSpace,
    history: History,
    vectors: np.ndarray,
    rng: np.random.Generator,
    earlier: Earlier | None,
    surrogate: str,
) -> tuple[np.ndarray, dict]:
    """Candidates by falling worth, and the note.

    Raises:
        ValueError: nothing can be learnt from what is known.
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    facts = gather(history, vectors)
    allowed, learnt = feasibility(space, history, vectors)
    priced, noted = cost(space, history, vectors)
    learnt |= noted
    failed: list[str] = []

    def fit(facts: Facts, key: str) -> Fitted:
        if surrogate == "gp":
            try:
                return fit_gp(space, history.rows, facts, earlier if facts.table.shape[1] == 1 else None, key)
            except np.linalg.LinAlgError as error:
                failed.append(f"{type(error).__name__}: {error}")
        return fit_forest(space, facts, rng)

    aim = improvement(history, facts, len(space.axes), fit) if facts is not None else None
    trees = surrogate == "forest" or bool(failed)
    note: dict[str, Any] = {"by": "forest" if trees else "gp"}
    if failed:
        note["reason"] = failed[0]
    if aim is None:
        note["why"] = _nothing(facts)
        if not allowed:
            raise ValueError(note["why"])
        aim = nearest(space, history, vectors)
    beliefs = believed(history, space, vectors, np.ones(len(vectors)) if facts is None else facts.scores)
    wanted = Sum([*aim.terms, *allowed, *priced, *beliefs])
    sigma = np.minimum(aim.lengths * 0.5, 0.3)
    if trees:
        found, worth = search_vectors(wanted, aim.bend, space, rng, aim.tops, sigma)
    else:
        region = None if facts is None or len(aim.models) != 1 else box(facts.scores, aim.tops[0], aim.lengths)
        found, worth = propose_vectors(wanted, aim.bend, space, rng, aim.tops, sigma, region)
        note |= {} if region is None else {"region": round(float((region[1] - region[0]).mean()), 3)}
    if len(aim.models) == 1:
        mean, std = aim.models[0].predict(found[:1])
        note |= {"mean": round(float(mean[0]), 4), "std": round(float(std[0]), 4)}
    if allowed:
        note["log_feasible"] = round(float(Sum(allowed).value(found[:1])[0]), 3)
    return found, {**note, "log_ei": round(float(worth[0]), 3), **aim.note, **learnt}


def _nothing(facts: Facts | None) -> str:
    """Why no improvement can be told."""
    if facts is None:
        return "no trial has a value yet"
    return "all values are equal" if facts.allowed.any() else "no trial is allowed yet"


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
    skipped = 0
    for vector in points[:_TRIES]:
        config = space.decode(vector)
        if space.key(config) not in used:
            return config, passed_over(note, skipped)
        skipped += 1
    lost = note
    if note["by"] in ("gp", "forest"):
        lost = {"by": "fallback", "reason": "every point that the model proposed has been tried"}
    for vector in space.sample_vectors(rng, 64):
        config = space.decode(vector)
        if space.key(config) not in used:
            return config, passed_over(lost, skipped)
        skipped += 1
    lost = passed_over(lost, skipped)
    for config in space.enumerate(every=space.size is not None):
        if space.key(config) not in used:
            return dict(config), lost
    return None, {"reason": "the space is exhausted: every configuration has been tried"}
