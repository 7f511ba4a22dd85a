"""Evolution: the fitter of a few parents has a child that differs in one decision, and somebody dies for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.records import Answer, Proposal
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.fresh import Known, OneByOne, choose, drawn
from modelwright.strategy.merit import merits

_REMOVALS = ("oldest", "worst", "mixed")


class Evolution(OneByOne):
    """Regularised evolution: tournaments in a population that forgets.

    Each proposal draws ``sample`` members of the population, takes the best as parent and changes one of its
    decisions; with probability ``crossover`` a second tournament's winner gives half of its values first. What became
    of the parent is in the note (``edit``), with its number (``from``) and the second one's (``with``). Conditions
    hold: what a change activates is drawn, what it hides is gone. The population is a function of the finished
    trials: who dies is who is left out. With several objectives a tournament is won by the lower front, then by the
    emptier surroundings (NSGA-II), and ``removal="worst"`` makes it the elitist algorithm of that paper.

    Sources: Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI
    2019, algorithm 1; Deb et al., "NSGA-II", IEEE Trans. Evol. Comp. 6(2), 2002.

    Args:
        population: members.
        sample: members of a tournament; None for half of the population.
        removal: who dies when a child is born: "oldest" (the paper), "worst", or "mixed": half of the population are
            the best ever seen, half the youngest.
        crossover: probability of a second parent.
        mutations: probability of one more change after each change; 0 for exactly one.

    Raises:
        StrategyError: an argument makes no sense.
    """

    name: ClassVar[str] = "evolution"

    def __init__(
        self,
        *,
        population: int = 20,
        sample: int | None = None,
        removal: str = "mixed",
        crossover: float = 0.0,
        mutations: float = 0.2,
    ):
        if removal not in _REMOVALS:
            raise StrategyError(f"removal={removal!r}", where="evolution", allowed=", ".join(map(repr, _REMOVALS)))
        sample = max(population // 2, 1) if sample is None else sample
        if not 1 <= sample <= population:
            raise StrategyError(
                f"sample={sample}, population={population}", where="evolution", allowed="1 <= sample <= population"
            )
        if not (0 <= crossover <= 1 and 0 <= mutations < 1):
            raise StrategyError(
                f"crossover={crossover}, mutations={mutations}", where="evolution", allowed="probabilities"
            )
        self.population, self.sample, self.removal = population, sample, removal
        self.crossover, self.mutations = crossover, mutations

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def pick(self, state: Known, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        if number < self.population:
            return choose(state, space, rng, islice(drawn(state, space, rng, number), 20), {"by": "design"})
        merit = merits(state.history)
        living = self.living(merit)
        if not len(living):
            note = {"by": "fallback", "reason": "no trial has a value yet"}
            return choose(state, space, rng, (space.sample(rng) for _ in range(20)), note)
        parents: list[tuple[int, int | None]] = []
        children = self._children(state, space, rng, merit, living, parents)
        answer = choose(state, space, rng, children, {"by": "evolution"})
        if isinstance(answer, Proposal) and answer.note["by"] == "evolution":
            mother, father = parents[-1]
            note = {**answer.note, "from": mother}
            note |= {} if father is None else {"with": father}
            edit = space.edit(state.history.rows[mother].config, answer.config)
            return replace(answer, note=note | {"edit": edit})
        return answer

    def living(self, merit: np.ndarray) -> np.ndarray:
        """Numbers of the members: of the trials whose end is known, those that nobody replaced."""
        able = np.flatnonzero(merit > -np.inf)
        best = able[np.argsort(-merit[able], kind="stable")]
        if self.removal == "oldest":
            return able[-self.population :]
        if self.removal == "worst":
            return best[: self.population]
        kept = best[: self.population // 2]
        young = np.setdiff1d(able, kept)[-(self.population - len(kept)) :]
        return np.concatenate([kept, young])

    def _children(
        self,
        state: Known,
        space: SearchSpace,
        rng: np.random.Generator,
        merit: np.ndarray,
        living: np.ndarray,
        parents: list[tuple[int, int | None]],
    ) -> Iterator[dict[str, Any]]:
        rows = state.history.rows
        while True:
            mother = self._winner(rng, merit, living)
            config, father = rows[mother].config, None
            if rng.random() < self.crossover:
                father = self._winner(rng, merit, living)
                config = _crossed(space, config, rows[father].config, rng)
            more = True
            while more:
                changed = space.neighbours(config, rng, 1)
                config = changed[0] if changed else space.sample(rng)
                more = rng.random() < self.mutations
            parents.append((mother, father))
            yield config

    def _winner(self, rng: np.random.Generator, merit: np.ndarray, living: np.ndarray) -> int:
        drawn = rng.choice(living, size=min(self.sample, len(living)), replace=False)
        return int(drawn[np.argmax(merit[drawn])])


def _crossed(space: SearchSpace, mother: Any, father: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Every value from the one or the other; a value that only one of them has is taken when it is needed."""
    one, other = space.encode(mother), space.encode(father)
    mixed = np.where(rng.random(len(one)) < 0.5, one, other)
    mixed = np.where(np.isnan(mixed), np.where(np.isnan(one), other, one), mixed)
    return space.decode(space.snap(mixed[None, :])[0])
