"""PriorBand: where new configurations of a multi-fidelity search come from when a user believes something."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modelwright.core.history import Row, usable
from modelwright.core.records import Exhausted, Proposal
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.belief import Belief
from modelwright.strategy.fresh import Known, choose, first
from modelwright.strategy.merit import merits

#: Standard deviation of moves away from the incumbent, as a share of an axis; the paper's.
_STEP = 0.25
#: Draws for one that is new.
_TRIES = 20


def prior_band(
    state: Known, space: SearchSpace, number: int, *, rung: int = 0, eta: float = 3.0
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """A configuration that was never proposed, and a note with the odds it was drawn by; see ``sampling.sample``.

    With probability 1 / (1 + eta^rung) the draw is even, else from the belief: the dearer a trial begins, the more
    the belief counts. Once ``eta`` trials are known at one fidelity, a part of the belief's share goes to moves around
    the incumbent: as much as the best trials there are likelier under such moves than under the belief. A wrong belief
    loses its share that way; without one the whole share is the incumbent's.

    Source: Mallik et al., "PriorBand: Practical Hyperparameter Optimization in the Age of Deep Learning", NeurIPS
    2023, section 5, algorithms 1 to 3.

    Args:
        rung: of the fidelity at which the trial begins; 0 is the lowest.
        eta: one of so many passes a rung.
    """
    answer = first(state, space, number)
    if answer is None:
        rng = state.seed.child("ask", number).generator()
        belief = Belief.of(state.history, space)
        tops = _tops(state, eta)
        odds = _odds(space, belief, tops, 1.0 / (1.0 + eta**rung))
        place = int(np.searchsorted(np.cumsum(list(odds.values())), rng.random(), side="right"))
        source = list(odds)[min(place, len(odds) - 1)]
        draws = (_draw(space, belief, tops, source, rng) for _ in range(_TRIES))
        by = {"even": "random", "belief": "prior", "incumbent": "incumbent"}[source]
        answer = choose(state, space, rng, draws, {"by": by, "odds": {k: round(v, 3) for k, v in odds.items()}})
    if isinstance(answer, Proposal):
        return dict(answer.config), dict(answer.note)
    return None, {"reason": answer.why if isinstance(answer, Exhausted) else "the space is exhausted"}


def _odds(space: SearchSpace, belief: Belief | None, tops: list[Row], even: float) -> dict[str, float]:
    """How likely each source is; ``even`` is the share of even draws."""
    if not tops:
        return {"even": even, "belief": 1.0 - even} if belief is not None else {"even": 1.0}
    if belief is None:
        return {"even": even, "incumbent": 1.0 - even}
    points = np.array([space.encode(row.config) for row in tops])
    weights = np.arange(len(tops), 0, -1)
    under = [float(weights @ np.exp(shape.value(points))) for shape in (belief, _around(space, tops[0]))]
    share = under[0] / max(sum(under), 1e-300)
    return {"even": even, "belief": (1.0 - even) * share, "incumbent": (1.0 - even) * (1.0 - share)}


def _tops(state: Known, eta: float) -> list[Row]:
    """The better 1 / eta at the highest fidelity that ``eta`` trials reached, best first; none before that."""
    rows = [row for row in state.history.rows if usable(row)]
    levels = sorted((row.fidelity for row in rows), reverse=True)
    if len(levels) < eta:
        return []
    level = levels[math.ceil(eta) - 1]
    merit = merits(state.history)
    here = [row for row in rows if row.fidelity >= level - 1e-9]
    here.sort(key=lambda row: (-merit[row.number], row.number))
    return here[: max(1, int(len(here) / eta))]


def _around(space: SearchSpace, row: Row) -> Belief:
    """Moves around a configuration as a density: normal along numbers, its own category twice as likely as others."""
    point = space.encode(row.config)
    numeric = np.array([axis.kind != "categorical" for axis in space.axes])
    centre = np.where(numeric, point, np.nan)
    tables = {}
    for j, axis in enumerate(space.axes):
        if not numeric[j] and not np.isnan(point[j]) and axis.levels:
            table = np.ones(axis.levels)
            table[min(int(point[j] * axis.levels), axis.levels - 1)] = 2.0
            tables[j] = table / table.sum()
    levels = [axis.levels or 0 for axis in space.axes]
    return Belief(centre, np.where(np.isnan(centre), np.nan, _STEP), tables, levels)


def _draw(
    space: SearchSpace, belief: Belief | None, tops: list[Row], source: str, rng: np.random.Generator
) -> dict[str, Any]:
    if source == "belief" and belief is not None:
        return space.decode(belief.draw(space, rng, 1)[0])
    if source == "even" or not tops:
        return space.sample(rng)
    moved = _around(space, tops[0]).bent(rng.random((1, len(space.axes))), rng)
    here = space.encode(tops[0].config)[None, :]
    keep = ~np.isnan(here) & (rng.random(here.shape) < 0.5)
    return space.decode(space.snap(np.where(keep, here, moved))[0])
