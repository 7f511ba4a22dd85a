"""Random search: each trial an independent draw, the declared defaults first.

Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13 (2012).
"""

from __future__ import annotations

from itertools import islice
from typing import Any, ClassVar

from modelwright.core.records import Answer, Exhausted
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.belief import stated
from modelwright.strategy.fresh import Known, choose, drawn, first


class Random(Strategy):
    """Uniform draws on each parameter's sampling scale; nothing is tried twice in a finite space.

    With a study's ``prior`` every other draw is one from it.

    Args:
        defaults: whether trial 0 is the configuration of declared defaults.
    """

    name: ClassVar[str] = "random"

    def __init__(self, *, defaults: bool = True):
        self.defaults = defaults

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def ask(self, state: Known, space: SearchSpace, number: int | None) -> Answer:
        if number is None:
            return Exhausted(why="the budget of trials is used up")
        return draw(state, space, number, defaults=self.defaults)


def draw(state: Known, space: SearchSpace, number: int, *, defaults: bool = True) -> Answer:
    """A draw that was not tried yet; near the end of a finite space, one of the candidates that are left."""
    answer = first(state, space, number, defaults=defaults)
    if answer is not None:
        return answer
    rng = state.seed.child("ask", number).generator()
    if number % 2 and stated(state.history):
        return choose(state, space, rng, islice(drawn(state, space, rng, number), 20), {"by": "prior"})
    # As the trial itself would draw where the space is not known yet: one search, however quick its first trial is.
    return choose(state, space, rng, [space.sample(state.seed.trial(number).draws)], {"by": "random"})
