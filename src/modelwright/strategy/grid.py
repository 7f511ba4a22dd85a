"""Grid search: every candidate of the space once, in a fixed order, the defaults first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from modelwright.core.records import Answer, Exhausted, Proposal, Wait
from modelwright.strategy.base import Fold, SearchSpace, Strategy
from modelwright.strategy.tried import Tried


class Grid(Strategy):
    """Walks ``space.enumerate()``: finite parameters by all their values, continua by ten."""

    name: ClassVar[str] = "grid"

    def init(self, seed: Any, history: Any) -> Any:
        return _State(seed, history)

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        if number is None:
            return Exhausted(why="the budget of trials is used up")
        if not state.history.rows:
            return Proposal(config=space.default(), note={"by": "default"})
        if any(row.pending and not row.ran for row in state.history.rows) and not space.axes:
            return Wait(why="trial 0 has not shown the space yet")
        tried = state.tried.keys(state.history, space)
        for config in state.walk(space):
            if space.key(config) not in tried:
                state.held = config
                return Proposal(config=config, note={"by": "grid"})
        if any(row.pending and not row.ran for row in state.history.rows):
            return Wait(why="running trials may show more of the space")
        return Exhausted(why="every point of the grid was tried")


class _State(Fold):
    """The place in the walk is a cache: starting over finds the same next candidate, only later."""

    __slots__ = ("_space", "_walk", "held", "tried")

    def __init__(self, seed: Any, history: Any):
        super().__init__(seed, history)
        self.tried = Tried()
        self.held: dict[str, Any] | None = None
        self._space: SearchSpace | None = None
        self._walk: Iterator[dict[str, Any]] = iter(())

    def walk(self, space: SearchSpace) -> Iterator[dict[str, Any]]:
        """What is left of the walk; the candidate last offered comes again, in case it was not taken."""
        if space is not self._space:
            self._space, self._walk, self.held = space, iter(space.enumerate()), None
        if self.held is not None:
            yield self.held
        for config in self._walk:  # noqa: UP028 - "yield from" would close the walk together with this generator
            yield config
