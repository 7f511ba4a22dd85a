"""What every proposer of single trials does: the defaults first, nothing twice, an end when nothing is left."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from modelwright.core.records import Answer, Exhausted, Proposal
from modelwright.strategy.base import Fold, SearchSpace, Strategy
from modelwright.strategy.belief import Belief
from modelwright.strategy.tried import Tried

#: Candidates of a method that may turn out to be known before chance takes over.
_TRIES = 200


class Known(Fold):
    """A state that knows what was tried; the keys are a cache that may be thrown away."""

    __slots__ = ("tried",)

    def __init__(self, seed: Any, history: Any):
        super().__init__(seed, history)
        self.tried = Tried()


def first(state: Known, space: SearchSpace, number: int, *, defaults: bool = True) -> Answer | None:
    """The answer when there is nothing to choose: the defaults, an empty space, a space that is used up."""
    if number == 0 and defaults:
        return Proposal(config=space.default(), note={"by": "default"})
    if not space.axes:
        shown = any(row.ran for row in state.history.rows)
        return Exhausted(why="nothing varies in the space") if shown else Proposal()
    if space.size is not None and len(state.tried.keys(state.history, space)) >= space.size:
        return Exhausted(why=f"the space is exhausted: all {space.size} configurations have been tried")
    return None


class OneByOne(Strategy):
    """A strategy that decides on each trial by itself: ``pick`` does, where there is something to choose."""

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        if number is None:
            return Exhausted(why="the budget of trials is used up")
        answer = first(state, space, number)
        if answer is not None:
            return answer
        return self.pick(state, space, number, state.seed.child("ask", number).generator())

    @abstractmethod
    def pick(self, state: Any, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        """What is tried next, or that nothing is left.

        Args:
            rng: chance for this trial.
        """


def drawn(state: Known, space: SearchSpace, rng: np.random.Generator, number: int) -> Iterator[dict[str, Any]]:
    """Draws without end: even ones, or, for every other trial, draws from what the user believes."""
    belief = Belief.of(state.history, space) if number % 2 else None
    while True:
        yield space.sample(rng) if belief is None else space.decode(belief.draw(space, rng, 1)[0])


def choose(
    state: Known,
    space: SearchSpace,
    rng: np.random.Generator,
    candidates: Iterable[dict[str, Any]],
    note: dict[str, Any],
) -> Answer:
    """The first candidate that was never proposed; else a random new one, and the note says so.

    How many were passed over because they were known is in the note: ``skipped``.
    """
    tried = state.tried.keys(state.history, space)
    skipped = 0
    for config in candidates:
        if space.key(config) not in tried:
            return Proposal(config=config, note=passed_over(note, skipped))
        skipped += 1
        if skipped >= _TRIES:
            break
    lost = note
    # Draws at chance stay what they are, and a fallback keeps its own reason.
    if note["by"] not in ("random", "design", "fallback"):
        lost = {"by": "fallback", "reason": f"{skipped} candidates of {note['by']}, all of them tried before"}
    config = space.sample(rng)
    for _ in range(64):
        if space.key(config) not in tried:
            return Proposal(config=config, note=passed_over(lost, skipped))
        config, skipped = space.sample(rng), skipped + 1
    lost = passed_over(lost, skipped)
    if space.size is None:
        return Proposal(config=config, note={**lost, "repeat": True})
    left = [c for c in space.enumerate(every=True) if space.key(c) not in tried]
    if not left:
        return Exhausted(why="the space is exhausted: every configuration has been tried")
    return Proposal(config=dict(left[int(rng.integers(len(left)))]), note=lost)


def passed_over(note: dict[str, Any], skipped: int) -> dict[str, Any]:
    """``note`` with how many candidates were skipped because they were known.

    >>> passed_over({"by": "random"}, 0), passed_over({"by": "random"}, 3)
    ({'by': 'random'}, {'by': 'random', 'skipped': 3})
    """
    return {**note, "skipped": note.get("skipped", 0) + skipped} if skipped else note
