"""Sobol points: random search without its gaps and clusters."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy.stats import qmc

from modelwright.core.records import Answer, Proposal
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.belief import Belief
from modelwright.strategy.fresh import Known, OneByOne, choose

#: Points looked at for one that falls on a new configuration.
_AHEAD = 64


class Sobol(OneByOne):
    """Scrambled Sobol points over the unit cube of the space, the declared defaults first.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing Points", J. Complexity 14(4), 1998; as a design for tuning,
    Bousquet et al., "Critical Hyper-Parameters: No Random, No Cry", arXiv 1706.03200, 2017.

    >>> Sobol().name
    'sobol'
    """

    name: ClassVar[str] = "sobol"

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def pick(self, state: Known, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        axes = len(space.axes)
        if axes > qmc.Sobol.MAXDIM:
            note = {"by": "fallback", "reason": f"Sobol points have at most {qmc.Sobol.MAXDIM} parameters"}
            return choose(state, space, rng, (space.sample(rng) for _ in range(_AHEAD)), note)
        # The sequence goes on after the last point looked at: where many points fall on one configuration, conditions
        # for one, those of earlier trials are behind us.
        used = (row.note["point"] for row in state.history.rows if "point" in row.note)
        start = max(used, default=number - 1) + 1
        cube = qmc.Sobol(axes, scramble=True, rng=state.seed.child("sobol").generator())
        cube.fast_forward(start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            even = np.asarray(cube.random(_AHEAD))
        belief = Belief.of(state.history, space) if number % 2 else None
        points = space.snap(even if belief is None else belief.bent(even, rng))
        by = "sobol" if belief is None else "prior"
        answer = choose(state, space, rng, (space.decode(point) for point in points), {"by": by})
        if not isinstance(answer, Proposal):
            return answer
        seen = answer.note.get("skipped", 0) if answer.note["by"] == by else _AHEAD - 1
        return replace(answer, note={**answer.note, "point": start + seen})
