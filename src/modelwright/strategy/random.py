"""Random search: each trial an independent draw, the declared defaults first.

Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13 (2012).
"""

from __future__ import annotations

from typing import Any, ClassVar

from modelwright.core.records import Answer, Exhausted, Proposal
from modelwright.strategy.base import Fold, SearchSpace, Strategy
from modelwright.strategy.tried import Tried

_TRIES = 50


class Random(Strategy):
    """Uniform draws on each parameter's sampling scale; nothing is tried twice in a finite space.

    Args:
        defaults: whether trial 0 is the configuration of declared defaults.
    """

    name: ClassVar[str] = "random"

    def __init__(self, *, defaults: bool = True):
        self.defaults = defaults

    def init(self, seed: Any, history: Any) -> Any:
        return _State(seed, history, Tried())

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        if number is None:
            return Exhausted(why="the budget of trials is used up")
        tried = state.tried.keys(state.history, space)
        return draw(state, space, number, tried, defaults=self.defaults)


class _State(Fold):
    __slots__ = ("tried",)

    def __init__(self, seed: Any, history: Any, tried: Tried):
        super().__init__(seed, history)
        self.tried = tried


def draw(state: Fold, space: SearchSpace, number: int, tried: set[str], *, defaults: bool = True) -> Answer:
    """A draw that was not tried yet; near the end of a finite space, the candidates that are left, in order."""
    if number == 0 and defaults:
        return Proposal(config=space.default(), note={"by": "default"})
    if not space.axes:
        known_to_be_empty = any(row.ran for row in state.history.rows)
        return Exhausted(why="nothing varies in the space") if known_to_be_empty else Proposal()
    size = space.size
    if size is not None and len(tried) >= size:
        return Exhausted()
    rng = state.seed.child("ask", number).generator()
    config: dict[str, Any] = {}
    for _ in range(_TRIES):
        config = space.sample(rng)
        if space.key(config) not in tried:
            return Proposal(config=config, note={"by": "random"})
    if size is None:
        return Proposal(config=config, note={"by": "random", "repeat": True})
    left = [c for c in space.enumerate(every=True) if space.key(c) not in tried]
    if not left:
        return Exhausted()
    return Proposal(config=left[int(rng.integers(len(left)))], note={"by": "random"})
