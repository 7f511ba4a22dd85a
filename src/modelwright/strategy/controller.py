"""REINFORCE with a controller that has a memory: an LSTM writes a configuration decision by decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, usable
from modelwright.core.records import Answer
from modelwright.core.rng import Seed
from modelwright.strategy import lstm
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.fresh import Known, OneByOne, choose
from modelwright.strategy.merit import merits, nondominated_rank
from modelwright.strategy.reinforce import bins
from modelwright.strategy.surrogate import one_thread

#: Strings that are drawn at once, and how much flatter the policy is each time all of them were known.
_DRAWN, _HEATS = 32, (1.0, 1.25, 1.6, 2.5)
#: Points in which is looked what hangs on what.
_LOOKED = 64
#: Points of training that are kept, so that a result that comes late costs a few steps and not all.
_KEPT = 24


class Controller(OneByOne):
    """A policy over whole configurations: each decision is drawn knowing those before it.

    An LSTM reads what it decided last and gives the shares of the next decision. Decisions that are not there under
    their conditions are passed over, so that the string has the length of the network it describes. After each finished
    trial the policy takes a step of policy gradient on the latest ``batch`` of them: each is pushed by how much better
    it was than a moving average of those before it, in units of their spread. Numbers are chosen by bins of their axis.
    The training is a fold over the finished trials in their order, so a resumed study has the same policy.

    ``"reinforce"`` has a policy without memory, which learns faster where decisions hardly depend on each other.

    Sources: Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017; Williams, Machine
    Learning 8, 1992.

    Args:
        rate: of Adam; small, since there is a step for every trial and not for every batch.
        baseline: how much of the moving average stays at each trial.
        entropy: weight of the entropy bonus.
        batch: trials of one step.
        units, layers: of the LSTM.

    Raises:
        StrategyError: an argument makes no sense.

    >>> Controller(units=16).name
    'controller'
    """

    name: ClassVar[str] = "controller"

    def __init__(
        self,
        *,
        rate: float = 5e-3,
        baseline: float = 0.9,
        entropy: float = 1e-3,
        batch: int = 8,
        units: int = 35,
        layers: int = 2,
    ):
        if not (rate > 0 and 0 <= baseline < 1 and entropy >= 0 and batch >= 1 and units >= 1 and layers >= 1):
            raise StrategyError(
                f"rate={rate}, baseline={baseline}, entropy={entropy}, batch={batch}, units={units}, layers={layers}",
                where="controller",
                allowed="rate above 0, baseline from 0 to below 1, entropy from 0, batch, units and layers from 1",
            )
        self.rate, self.baseline, self.entropy, self.batch = rate, baseline, entropy, batch
        self.units, self.layers = units, layers

    def init(self, seed: Seed, history: History) -> _State:
        return _State(seed, history)

    def pick(self, state: _State, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        with one_thread():
            trained = self._trained(state, space)
            recent = np.array(trained.strings[-self.batch :])
            note: dict[str, Any] = {"by": "controller", "steps": trained.adam.steps}
            if len(recent):
                note["entropy"] = round(trained.net.spread(recent), 3)
            if trained.seen and not any(np.isfinite(reward) for _, reward in trained.seen):
                note = {"by": "fallback", "reason": "no trial has a value yet"}
            return choose(state, space, rng, _drawn(trained.net, space, state.switching, rng), note)

    # --- training, a fold over the finished trials -----------------------------------------------------

    def _trained(self, state: _State, space: SearchSpace) -> _Trained:
        """The policy after all finished trials, going on from the latest point of training that still holds."""
        axes = tuple(space.axes)
        if state.space is not space or state.axes != axes:
            state.space, state.axes, state.points = space, axes, []
            state.switching = _switching(space, state.seed)
        seen = _rewards(state.history)
        state.points = [p for p in state.points if p.seen == seen[: len(p.seen)]]
        now = state.points[-1].copy() if state.points else self._begun(state.seed, space)
        if len(now.seen) < len(seen):
            for number, reward in seen[len(now.seen) :]:
                row = space.encode(state.history.rows[number].config)
                self._learn(now, _string(row, now.net.choices), number, reward)
            state.points = [*state.points[-_KEPT:], now.copy()]
        return now

    def _begun(self, seed: Seed, space: SearchSpace) -> _Trained:
        names, choices = [axis.name for axis in space.axes], [bins(axis) for axis in space.axes]
        net = lstm.Controller(names, choices, seed.child("weights"), units=self.units, layers=self.layers)
        return _Trained(net, lstm.Adam(self.rate))

    def _learn(self, now: _Trained, string: np.ndarray, number: int, reward: float) -> None:
        """Fold one trial: its advantage over those before it, then a step on the latest few."""
        worst = min((r for _, r in now.seen if np.isfinite(r)), default=0.0)
        value = reward if np.isfinite(reward) else worst
        advantage = 0.0
        if now.mean is None:
            now.mean = value
        else:
            gap = value - now.mean
            now.spread = self.baseline * now.spread + (1 - self.baseline) * abs(gap) if now.spread else abs(gap)
            advantage = float(np.clip(gap / max(now.spread, 1e-300), -3.0, 3.0))
            now.mean = self.baseline * now.mean + (1 - self.baseline) * value
        now.seen = [*now.seen, (number, reward)]
        now.strings = [*now.strings[-self.batch + 1 :], string] if self.batch > 1 else [string]
        now.advantages = [*now.advantages[-self.batch + 1 :], advantage] if self.batch > 1 else [advantage]
        slopes = now.net.gradient(np.array(now.strings), np.array(now.advantages), self.entropy)
        now.net = now.net.moved(now.adam.climb(now.net.weights, slopes))


@dataclass(slots=True)
class _Trained:
    """The policy at one point of its training. Nothing in it is written to, only replaced."""

    net: lstm.Controller
    adam: lstm.Adam
    seen: list[tuple[int, float]] = field(default_factory=list)
    strings: list[np.ndarray] = field(default_factory=list)
    advantages: list[float] = field(default_factory=list)
    mean: float | None = None
    spread: float = 0.0

    def copy(self) -> _Trained:
        return replace(self, adam=self.adam.copy())


class _State(Known):
    """What was tried, and points of training: a cache that may be thrown away."""

    __slots__ = ("axes", "points", "space", "switching")

    def __init__(self, seed: Any, history: Any):
        super().__init__(seed, history)
        self.space: Any = None
        self.axes: tuple[Any, ...] = ()
        self.points: list[_Trained] = []
        self.switching: np.ndarray = np.zeros(0, dtype=bool)


def _rewards(history: History) -> list[tuple[int, float]]:
    """(number, reward) of each finished trial in order, minus infinity for those that ended badly.

    With several objectives it is the share of the trials before it that a trial ranks before: what a reward is worth
    does not change when later trials come.
    """
    if len(history.objectives) == 1:
        return [(i, float(m)) for i, m in enumerate(merits(history)) if not np.isnan(m)]
    found, scores = [], np.array([history.scores(i) for i in range(len(history.objectives))]).T
    known: list[np.ndarray] = []
    for row, score in zip(history.rows, scores, strict=True):
        if row.state in ("failed", "infeasible"):
            found.append((row.number, -np.inf))
        elif usable(row) and not np.isnan(score).any():
            known.append(score)
            place = int(nondominated_rank(np.array(known[-_AMONG:]))[-1])
            found.append((row.number, -place / min(len(known), _AMONG)))
    return found


#: With several objectives a trial is ranked among so many of the latest.
_AMONG = 64


def _string(row: np.ndarray, choices: list[int]) -> np.ndarray:
    """The symbols of a point of the unit cube."""
    count = np.array(choices)
    found = np.minimum((np.nan_to_num(row) * count).astype(int), count - 1)
    return np.where(np.isnan(row), lstm.ABSENT, found)


def _switching(space: SearchSpace, seed: Seed) -> np.ndarray:
    """Which decisions decide whether others are there: found by changing each of them in a few drawn points."""
    rng = seed.child("switching").generator()
    around = space.sample_vectors(rng, _LOOKED)
    absent = np.isnan(around)
    found = np.zeros(around.shape[1], dtype=bool)
    if not absent.any():
        return found
    for j in range(around.shape[1]):
        changed = around.copy()
        changed[:, j] = np.where(absent[:, j], np.nan, rng.random(len(around)))
        others = np.delete(np.isnan(space.snap(changed)) != absent, j, axis=1)
        found[j] = bool(others.any())
    return found


def _drawn(
    net: lstm.Controller, space: SearchSpace, switching: np.ndarray, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Configurations that the policy writes, from flatter policies once the first are used up."""
    choices = np.array(net.choices)
    for heat in _HEATS:
        inside = rng.random((_DRAWN, len(choices)))
        known: list[np.ndarray] = []

        def points(strings: np.ndarray, inside: np.ndarray = inside) -> np.ndarray:
            return np.where(strings >= 0, (strings + inside) / choices, np.nan)

        def there(j: int, strings: np.ndarray, points: Any = points, known: list[np.ndarray] = known) -> np.ndarray:
            # What is there changes only behind a decision that decides about others.
            if not known or switching[j - 1]:
                known[:] = [~np.isnan(space.snap(points(strings)))]
            return known[0][:, j]

        for row in space.snap(points(net.draw(rng, _DRAWN, there, heat))):
            yield space.decode(row)
