"""CMA-ES: a Gaussian cloud that learns the shape of the valley. The algorithm itself is the ``cmaes`` library's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.optional import optional
from modelwright.core.records import Answer, Proposal
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.fresh import Known, OneByOne, choose
from modelwright.strategy.merit import merits

#: Share of the draws of a category that are copied from good trials; the others are uniform.
_FAITH = 0.8
#: Draws from the cloud that may fall on known configurations before chance takes over; made one by one, for in many
#: dimensions the library looks long for a point inside the space.
_DRAWS = 64


class CMAES(OneByOne):
    """Covariance matrix adaptation, for spaces of numbers and budgets of hundreds of trials.

    A generation is told to the algorithm when all of its trials have ended; workers that are free before that draw
    further from it. When the cloud has collapsed a new one starts elsewhere with twice the population (Auger and
    Hansen, "A Restart CMA Evolution Strategy With Increasing Population Size", CEC 2005). Categories are no numbers:
    they are taken over from the better quarter of the trials, or drawn.

    Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772, 2016; the implementation is the
    library of Nomura and Shibata, arXiv 2402.01373.

    Args:
        sigma: standard deviation of the first cloud, the unit being the width of each axis.
        population: trials of a generation; None for 4 + 3 log(number of numeric axes).

    Raises:
        StrategyError: an argument makes no sense.
        MissingPackageError: ``cmaes`` is not installed.
    """

    name: ClassVar[str] = "cma-es"

    def __init__(self, *, sigma: float = 0.25, population: int | None = None):
        if not sigma > 0 or (population is not None and population < 2):
            raise StrategyError(
                f"sigma={sigma}, population={population}", where="cma-es", allowed="sigma above 0, population from 2"
            )
        self.sigma, self.population = sigma, population
        self._library = optional("cmaes", extra="cmaes", purpose="strategy 'cma-es'")

    def init(self, seed: Any, history: Any) -> _State:
        return _State(seed, history)

    def pick(self, state: _State, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        numeric = [j for j, axis in enumerate(space.axes) if axis.kind == "numeric"]
        merit = merits(state.history)
        if not numeric:
            note = {"by": "fallback", "reason": "there are only categories, and CMA-ES works on numbers"}
            rows = space.snap(self._categories(state, space, merit, rng, 20))
            return choose(state, space, rng, (space.decode(row) for row in rows), note)
        optimizer, generation = self._told(state, [space.axes[j].name for j in numeric], merit)
        ended = merit[~np.isnan(merit)]
        if len(ended) >= optimizer.population_size and not (ended > -np.inf).any():
            note = {"by": "fallback", "reason": "no trial has a value yet"}
            return choose(state, space, rng, (space.sample(rng) for _ in range(20)), note)
        optimizer = copy.deepcopy(optimizer)
        optimizer.reseed_rng(state.seed.child("ask", number, "cloud").integer())
        rows = self._categories(state, space, merit, rng, _DRAWS)
        drawn: list[np.ndarray] = []

        def candidates() -> Iterator[dict[str, Any]]:
            for row in rows:
                drawn.append(optimizer.ask())
                row[numeric] = drawn[-1][: len(numeric)]
                yield space.decode(space.snap(row[None])[0])

        answer = choose(state, space, rng, candidates(), {"by": "cma-es", "generation": generation})
        if isinstance(answer, Proposal) and answer.note["by"] == "cma-es":
            return replace(answer, note={**answer.note, "x": drawn[-1].round(6).tolist()})
        return answer

    def _told(self, state: _State, names: list[str], merit: np.ndarray) -> tuple[Any, int]:
        """The algorithm after every complete generation, and the number of the one that is being drawn."""
        members: dict[int, list[int]] = {}
        for row in state.history.rows:
            if row.note.get("by") == "cma-es" and len(row.note.get("x", ())) == max(len(names), 2):
                members.setdefault(int(row.note["generation"]), []).append(row.number)
        optimizer, generation = self._held(state, names)
        while True:
            ended = [i for i in members.get(generation, ()) if not np.isnan(merit[i])]
            size = optimizer.population_size
            if len(ended) < size:
                return optimizer, generation
            costs = _costs(merit[ended[:size]])
            points = [np.array(state.history.rows[i].note["x"]) for i in ended[:size]]
            optimizer = copy.deepcopy(optimizer)
            optimizer.tell(list(zip(points, costs, strict=True)))
            generation += 1
            if optimizer.should_stop():
                optimizer = self._begin(state, len(names), generation, 2 * size)
            state.held = (names, optimizer, generation)

    def _held(self, state: _State, names: list[str]) -> tuple[Any, int]:
        if state.held is None or state.held[0] != names:
            state.held = (names, self._begin(state, len(names), 0, self.population), 0)
        return state.held[1], state.held[2]

    def _begin(self, state: _State, axes: int, generation: int, population: int | None) -> Any:
        """A fresh cloud: in the middle at first, anywhere at a restart. One axis gets an idle companion."""
        axes = max(axes, 2)
        seed = state.seed.child("cloud", generation)
        mean = np.full(axes, 0.5) if generation == 0 else seed.generator().random(axes)
        bounds = np.tile([0.0, 1.0], (axes, 1))
        return self._library.CMA(
            mean=mean, sigma=self.sigma, bounds=bounds, seed=seed.integer(), population_size=population
        )

    @staticmethod
    def _categories(
        state: _State, space: SearchSpace, merit: np.ndarray, rng: np.random.Generator, count: int
    ) -> np.ndarray:
        """Random points of the cube whose categories mostly come from good trials."""
        rows = space.sample_vectors(rng, count)
        able = np.flatnonzero(merit > -np.inf)
        good = able[np.argsort(-merit[able], kind="stable")][: max(1, len(able) // 4)]
        columns = [j for j, axis in enumerate(space.axes) if axis.kind != "numeric"]
        if not len(good) or not columns:
            return rows
        known = np.array([space.encode(state.history.rows[i].config) for i in good])
        for row in rows:
            if rng.random() < _FAITH:
                row[columns] = known[rng.integers(len(known))][columns]
        return rows


def _costs(merit: np.ndarray) -> list[float]:
    """What to minimise; trials that ended badly cost more than all others (only ranks count)."""
    finite = -merit[np.isfinite(merit)]
    worst = float(finite.max()) + 1.0 if len(finite) else 0.0
    return np.where(np.isfinite(merit), -merit, worst).tolist()


class _State(Known):
    """``held`` is the algorithm after the generations told so far: a cache that may be thrown away."""

    __slots__ = ("held",)

    def __init__(self, seed: Any, history: Any):
        super().__init__(seed, history)
        self.held: tuple[list[str], Any, int] | None = None
