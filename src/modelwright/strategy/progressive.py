"""Progressive search: small configurations first, and only what grows out of the best of them.

Owns the levels and who is grown; the surrogate has a file of its own. Knows no architectures: a space says what its
levels are, or they are taken from its decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.records import Answer, Proposal
from modelwright.core.rng import Seed
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.ensemble import Ensemble
from modelwright.strategy.facts import Memory, thin
from modelwright.strategy.fresh import Known, OneByOne, choose
from modelwright.strategy.merit import merits
from modelwright.strategy.surrogate import one_thread

#: Candidates that the surrogate ranks.
_POOL = 384
#: Trials before the surrogate says anything, and groups of decisions of a space without levels of its own.
_ENOUGH, _GROUPS = 4, 4
#: Trials of a level where none are asked for, and where levels are groups of decisions.
_KEEP, _KEEP_GROUP = 20, 6
#: Draws from which is seen what a decision brings with it.
_SEEN = 256


class Progressive(OneByOne):
    """Configurations grown level by level under a surrogate.

    On the first level all decisions of later levels are held where they add nothing; what is left is tried, all of it
    if it is at most ``keep``. Then the best ``keep`` are grown by one level: a surrogate that was fitted to all trials
    so far ranks what may become of them, and ``keep`` of those are tried, and so on. On the last level it goes on for
    as long as the budget lasts, with candidates that grew from the level before and with neighbours of the best.

    Levels are the space's own (``space.levels``: cells of 1, 2, ... blocks). A space without them has the values of the
    integer that most other decisions hang on (a depth); where nothing hangs on an integer, its decisions are let go in
    the order of their declaration, in up to four groups, and are at their defaults before.

    Source: Liu et al., "Progressive Neural Architecture Search", ECCV 2018, algorithm 1, with Gaussian processes on
    ranks in place of the ensemble of neural networks, and Thompson draws in place of means.

    Args:
        keep: trials of a level, and how many of them are grown (256 in the paper, for 1,160 trials); None for 20, and
            for 6 where levels are groups of decisions.
        neighbours: share of the last level's candidates that are neighbours of the best five.

    Raises:
        StrategyError: an argument makes no sense.

    >>> Progressive(keep=16).name
    'progressive'
    """

    name: ClassVar[str] = "progressive"

    def __init__(self, *, keep: int | None = None, neighbours: float = 0.5):
        if not ((keep is None or keep >= 2) and 0 <= neighbours < 1):
            raise StrategyError(
                f"keep={keep}, neighbours={neighbours}",
                where="progressive",
                allowed="keep from 2 or None, neighbours from 0 to below 1",
            )
        self.keep, self.neighbours = keep, neighbours

    def init(self, seed: Seed, history: Any) -> _State:
        return _State(seed, history)

    def pick(self, state: _State, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        with one_thread():
            ladder = state.ladder_of(space)
            level = self._level(state, ladder)
            candidates, note = self._candidates(state, space, ladder, level, rng)
            answer = choose(state, space, rng, candidates, note)
        if isinstance(answer, Proposal) and answer.note["by"] != note["by"] and level < ladder.top:
            # Nothing is left of this level: what stands in for it is no trial of it.
            return self._above(state, space, ladder, level, rng, answer)
        return answer

    def _above(
        self, state: _State, space: SearchSpace, ladder: Ladder, level: int, rng: np.random.Generator, last: Proposal
    ) -> Answer:
        """From the first level above that has anything left; ``last`` when none has."""
        for higher in range(level + 1, ladder.top + 1):
            candidates, note = self._candidates(state, space, ladder, higher, rng)
            answer = choose(state, space, rng, candidates, note)
            if not isinstance(answer, Proposal) or answer.note["by"] == note["by"]:
                return answer
        return last

    def _kept(self, ladder: Ladder) -> int:
        return self.keep or (_KEEP if ladder.grows else _KEEP_GROUP)

    def _level(self, state: _State, ladder: Ladder) -> int:
        """The highest level that was proposed, or the one above it when its trials are all there."""
        count: dict[int, int] = {}
        for row in state.history.rows:
            if isinstance(row.note.get("level"), int):
                count[row.note["level"]] = count.get(row.note["level"], 0) + 1
        level = max(count, default=1)
        return min(level + (count.get(level, 0) >= self._kept(ladder)), ladder.top)

    def _candidates(
        self, state: _State, space: SearchSpace, ladder: Ladder, level: int, rng: np.random.Generator
    ) -> tuple[Iterable[dict[str, Any]], dict[str, Any]]:
        rows = state.history.rows
        _, points = state.memory.look_up(space, rows)
        merit = merits(state.history)
        note: dict[str, Any] = {"by": "progressive", "level": level, "of": ladder.top}
        able = np.flatnonzero(merit > -np.inf)
        best = able[np.argsort(-merit[able], kind="stable")]
        below = [i for i in best if level > 1 and ladder.within(points[i], level - 1)][: self._kept(ladder)]
        fresh = ladder.grown(points[rng.choice(below, _POOL)], level, rng) if below else points[:0]
        if not len(fresh):
            fresh = ladder.held(space.sample_vectors(rng, _POOL), level, rng)
        if level == ladder.top and len(best):
            # A few at chance too, in case all that grows is known.
            around = self._around(space, points[best[:5]], rng)
            fresh = np.vstack([fresh, around, space.sample_vectors(rng, _POOL // 4)])
        fresh = _new(fresh, points)
        known = np.flatnonzero(~np.isnan(merit))
        if len(known) < _ENOUGH or not len(able) or not len(fresh) or np.ptp(merit[able]) == 0:
            if len(known) and not len(able):
                note |= {"by": "fallback", "reason": "no trial has a value yet"}
            return map(space.decode, fresh[rng.permutation(len(fresh))]), note
        values = np.where(np.isfinite(merit[known]), merit[known], np.nan)
        kept = thin(points[known], np.nan_to_num(values, nan=float(np.nanmin(values)) - 1.0))
        model = Ensemble(points[known][kept], values[kept], ladder.categorical.tolist())
        mean, std = model.predict(fresh)
        order = np.argsort(-(mean + std * rng.standard_normal(len(mean))), kind="stable")
        note |= {"mean": round(float(mean[order[0]]), 3), "std": round(float(std[order[0]]), 3)}
        return map(space.decode, fresh[order]), note

    def _around(self, space: SearchSpace, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points that differ in one decision, or in two, from the best."""
        count = int(_POOL * self.neighbours / (1 - self.neighbours))
        moved = points[np.arange(count) % len(points)].copy() if count else points[:0]
        for times in (1.0, 0.4):
            axis = rng.integers(points.shape[1], size=count)
            here = rng.random(count) < times
            moved[np.arange(count), axis] = np.where(here, rng.random(count), moved[np.arange(count), axis])
        return space.snap(moved)


@dataclass(slots=True)
class Ladder:
    """Levels of a space: on each, some axes are held at a place.

    Attributes:
        held_at: for each level from the first, axis -> where it is held.
        categorical: which axes are categories.
        grows: whether configurations become larger from level to level; else more of their decisions are made.
    """

    space: SearchSpace
    held_at: tuple[dict[int, float], ...]
    categorical: np.ndarray
    grows: bool

    @property
    def top(self) -> int:
        """The last level; the first is 1."""
        return len(self.held_at)

    @staticmethod
    def of(space: SearchSpace, seed: Seed) -> Ladder:
        categorical = np.array([axis.kind == "categorical" for axis in space.axes], dtype=bool)
        levels = space.levels
        around = space.sample_vectors(seed.generator(), _SEEN)
        held = [_places(space, around, pins) for pins in levels] if levels else _depths(space, around)
        return Ladder(space, (*(h for h in held or _groups(space) if h), {}), categorical, bool(held))

    def held(self, rows: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
        """Points of that level; those that cannot be brought there are left out."""
        pins = self.held_at[level - 1]
        for _ in range(2):
            for axis, place in pins.items():
                rows[:, axis] = np.where(np.isnan(rows[:, axis]), rows[:, axis], place)
            missing = np.isnan(rows)
            rows = self.space.snap(np.where(missing, rng.random(rows.shape), rows))
        return rows[self.within(rows, level)]

    def grown(self, parents: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
        """Points of that level that are as their parents in all that the parents decided."""
        before, now = self.held_at[level - 2], self.held_at[level - 1]
        rows = parents.copy()
        freed = [axis for axis, place in before.items() if now.get(axis) != place]
        rows[:, freed] = np.where(np.isnan(rows[:, freed]), rows[:, freed], rng.random((len(rows), len(freed))))
        return self.held(rows, level, rng)

    def within(self, rows: np.ndarray, level: int) -> np.ndarray:
        """Which points hold what the level holds."""
        rows = np.atleast_2d(rows)
        fine = np.ones(len(rows), dtype=bool)
        for axis, place in self.held_at[level - 1].items():
            fine &= np.isnan(rows[:, axis]) | (np.abs(rows[:, axis] - place) < 1e-9)
        return fine


@dataclass(slots=True)
class _Cache:
    space: Any = None
    axes: tuple[Any, ...] = ()
    ladder: Ladder | None = None
    memory: Memory = field(default_factory=Memory)


class _State(Known):
    """What was tried, and what was computed from the space: caches that may be thrown away."""

    __slots__ = ("cache",)

    def __init__(self, seed: Any, history: Any):
        super().__init__(seed, history)
        self.cache = _Cache()

    @property
    def memory(self) -> Memory:
        return self.cache.memory

    def ladder_of(self, space: SearchSpace) -> Ladder:
        cache = self.cache
        if cache.ladder is None or cache.space is not space or cache.axes != tuple(space.axes):
            cache.space, cache.axes = space, tuple(space.axes)
            cache.ladder = Ladder.of(space, self.seed.child("levels"))
        return cache.ladder


def _new(rows: np.ndarray, tried: np.ndarray) -> np.ndarray:
    """Rows that differ from each other and from those that were tried."""
    seen = {np.nan_to_num(row, nan=-1.0).round(9).tobytes() for row in tried}
    found = {np.nan_to_num(row, nan=-1.0).round(9).tobytes(): i for i, row in enumerate(rows)}
    return rows[sorted(i for key, i in found.items() if key not in seen)]


# --- levels of a space ---------------------------------------------------------------------------------


def _places(space: SearchSpace, around: np.ndarray, pins: Mapping[str, Any]) -> dict[int, float]:
    """Where the axes of the named decisions are when they have these values."""
    found: dict[int, float] = {}
    wanted = {j for j, axis in enumerate(space.axes) if axis.name in pins}
    for row in around:
        if not wanted - found.keys():
            break
        there = space.encode({**space.decode(row), **pins})
        found |= {j: float(there[j]) for j in wanted if not np.isnan(there[j])}
    return found


def _depths(space: SearchSpace, around: np.ndarray) -> Sequence[dict[int, float]]:
    """The values of the number that most other decisions hang on, from the least; none when nothing does."""
    found, most = None, 0.0
    count = (~np.isnan(around)).sum(axis=1)
    for j, axis in enumerate(space.axes):
        places = np.unique(around[:, j])
        if axis.kind != "numeric" or np.isnan(places).any() or not 1 < len(places) <= 64:
            continue
        means = [float(count[around[:, j] == place].mean()) for place in places]
        if means[-1] - means[0] > max(most, 0.5) and all(a <= b + 0.5 for a, b in pairwise(means)):
            found, most = (j, places), means[-1] - means[0]
    if found is None:
        return ()
    axis, places = found
    # Many values make levels of several steps each, so that a search of usual length sees the last.
    chosen = places[np.unique(np.linspace(0, len(places) - 1, min(len(places), 6)).round().astype(int))]
    return [{axis: float(place)} for place in chosen]


def _groups(space: SearchSpace) -> Sequence[dict[int, float]]:
    """Decisions in order, in groups; those of later groups are at their defaults."""
    start = space.encode(space.default())
    free = [j for j in range(len(start)) if not np.isnan(start[j])]
    parts = np.array_split(np.array(free, dtype=int), min(_GROUPS, max(len(free), 1)))
    return [{int(j): float(start[j]) for part in parts[i:] for j in part} for i in range(1, len(parts))]
