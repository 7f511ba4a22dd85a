"""Sobol points: random search without its gaps and clusters."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from scipy.stats import qmc

from modelwright.core.records import Answer, Exhausted
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.belief import Belief
from modelwright.strategy.fresh import Known, choose, first

#: Points looked at for one that falls on a new configuration.
_AHEAD = 64


class Sobol(Strategy):
    """Scrambled Sobol points over the unit cube of the space, the declared defaults first.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing Points", J. Complexity 14(4), 1998; as a design for tuning,
    Bousquet et al., "Critical Hyper-Parameters: No Random, No Cry", arXiv 1706.03200, 2017.

    >>> Sobol().name
    'sobol'
    """

    name: ClassVar[str] = "sobol"

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def ask(self, state: Known, space: SearchSpace, number: int | None) -> Answer:
        if number is None:
            return Exhausted(why="the budget of trials is used up")
        answer = first(state, space, number)
        if answer is not None:
            return answer
        axes = len(space.axes)
        if axes > qmc.Sobol.MAXDIM:
            rows: Any = (space.sample(state.seed.child("ask", number).generator()) for _ in range(_AHEAD))
            return choose(state, space, state.seed.child("ask", number).generator(), rows, {"by": "random"})
        cube = qmc.Sobol(axes, scramble=True, rng=state.seed.child("sobol").generator())
        cube.fast_forward(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            even = np.asarray(cube.random(_AHEAD))
        rng = state.seed.child("ask", number).generator()
        belief = Belief.of(state.history, space) if number % 2 else None
        points = space.snap(even if belief is None else belief.bent(even, rng))
        found = (space.decode(point) for point in points)
        return choose(state, space, rng, found, {"by": "sobol" if belief is None else "prior"})
