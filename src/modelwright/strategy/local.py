"""Local search: from the best configuration to its neighbours, again and again, and elsewhere when it is stuck."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from modelwright.core.records import Answer
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.fresh import Known, OneByOne, choose, passed_over
from modelwright.strategy.merit import merits


class Local(OneByOne):
    """Hill climbing over configurations that differ in one decision.

    Begins with a few random configurations. Then it proposes untried neighbours of the best configuration known, and
    moves as soon as one is better. When the neighbours of the best are used up (on a continuum: when ``patience`` of
    them were no better), it goes on from the next best configuration that has neighbours left.

    Source: White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021,
    algorithm 1; taking the next best instead of a restart follows their section 4 on many starting points.

    Args:
        initial: trials before the climb begins, the defaults included.
        patience: neighbours of one configuration that may be no better; None for four times the number of parameters,
            and at least 20.
    """

    name: ClassVar[str] = "local"

    def __init__(self, *, initial: int = 10, patience: int | None = None):
        self.initial, self.patience = initial, patience

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def pick(self, state: Known, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        if number < self.initial:
            return choose(state, space, rng, (space.sample(rng) for _ in range(20)), {"by": "design"})
        merit = merits(state.history)
        order = [int(i) for i in np.argsort(-merit, kind="stable") if merit[i] > -np.inf]
        if not order:
            note = {"by": "fallback", "reason": "no trial has a value yet"}
            return choose(state, space, rng, (space.sample(rng) for _ in range(20)), note)
        limit = self.patience or max(4 * len(space.axes), 20)
        tries: dict[int, int] = {}
        for row in state.history.rows:
            origin = row.note.get("from")
            if row.note.get("by") == "local" and isinstance(origin, int):
                tries[origin] = tries.get(origin, 0) + 1
        tried, skipped = state.tried.keys(state.history, space), 0
        for i in order:
            if space.size is None and tries.get(i, 0) >= limit:
                continue
            # A few first: where there are many neighbours, making all of them for the sake of one is slow.
            for count in (16, 16 * max(len(space.axes), 1)):
                around = space.neighbours(state.history.rows[i].config, rng, count)
                new = [config for config in around if space.key(config) not in tried]
                skipped += len(around) - len(new)
                if new:
                    return choose(state, space, rng, new, passed_over({"by": "local", "from": i}, skipped))
                if len(around) < count:
                    break
        note = {"by": "fallback", "reason": "no trial has a neighbour left that is worth a try"}
        return choose(state, space, rng, (), passed_over(note, skipped))
