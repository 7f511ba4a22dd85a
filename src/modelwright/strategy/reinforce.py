"""REINFORCE: a policy over the choices that learns which of them pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.records import Answer
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.fresh import Known, OneByOne, choose
from modelwright.strategy.merit import merits

#: A number is chosen among so many bins of its axis, then within the bin.
_BINS = 8


class Reinforce(OneByOne):
    """A policy of independent softmax choices, one a parameter, trained by policy gradient.

    Each finished trial moves the policy toward its choices by how much better it was than a moving average of those
    before it, in units of their spread; an entropy bonus keeps the policy from settling early. Numbers are chosen by
    bins of their axis. The policy is folded anew from the finished trials in their order, so a resumed study has the
    same one.

    Sources: Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning",
    Machine Learning 8, 1992; for architectures, Zoph and Le, ICLR 2017, and the controller without memory of Ying et
    al., "NAS-Bench-101", ICML 2019, section S.2.

    Args:
        rate: step of the policy's logits for one standard deviation of advantage.
        baseline: how much of the moving average stays at each trial.
        entropy: weight of the entropy bonus.
    """

    name: ClassVar[str] = "reinforce"

    def __init__(self, *, rate: float = 0.4, baseline: float = 0.9, entropy: float = 0.01):
        if not (rate > 0 and 0 <= baseline < 1 and entropy >= 0):
            raise StrategyError(
                f"rate={rate}, baseline={baseline}, entropy={entropy}",
                where="reinforce",
                allowed="rate above 0, baseline from 0 to below 1, entropy from 0",
            )
        self.rate, self.baseline, self.entropy = rate, baseline, entropy

    def init(self, seed: Any, history: Any) -> Known:
        return Known(seed, history)

    def pick(self, state: Known, space: SearchSpace, number: int, rng: np.random.Generator) -> Answer:
        policy = self.policy(state, space)
        drawn = space.snap(policy.draw(rng, 64))
        note: dict[str, Any] = {"by": "reinforce", "entropy": round(policy.spread(), 3)}
        merit = merits(state.history)
        if (merit == -np.inf).any() and not np.isfinite(merit).any():
            note = {"by": "fallback", "reason": "no trial has a value yet"}
        return choose(state, space, rng, (space.decode(row) for row in drawn), note)

    def policy(self, state: Known, space: SearchSpace) -> Policy:
        """The policy after all finished trials."""
        made = Policy.flat([bins(axis) for axis in space.axes])
        merit = merits(state.history)
        seen = [i for i in range(len(merit)) if not np.isnan(merit[i])]
        finite = merit[np.isfinite(merit)]
        worst = float(finite.min()) if len(finite) else 0.0
        mean = spread = None
        for i in seen:
            value = float(merit[i]) if np.isfinite(merit[i]) else worst
            if mean is None or spread is None:
                mean, spread = value, 0.0
                continue
            gap = value - mean
            scale = max(spread, abs(gap), 1e-300)
            made.learn(space.encode(state.history.rows[i].config), self.rate * gap / scale, self.rate * self.entropy)
            mean = self.baseline * mean + (1 - self.baseline) * value
            spread = self.baseline * spread + (1 - self.baseline) * abs(gap) if spread else abs(gap)
        return made


def bins(axis: Any) -> int:
    """Among how many a policy chooses on an axis: its levels, or parts of a number's range."""
    if axis.kind == "categorical":
        return int(axis.levels)
    return int(min(axis.levels or _BINS, _BINS))


@dataclass(slots=True)
class Policy:
    """Independent choices among bins.

    Attributes:
        logits: (axes, bins); 0 beyond the last bin of an axis.
        choices: (axes,) bins of each.
    """

    logits: np.ndarray
    choices: np.ndarray

    @staticmethod
    def flat(choices: list[int]) -> Policy:
        """Every choice equally likely."""
        return Policy(np.zeros((len(choices), max(choices, default=1))), np.array(choices, dtype=int))

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` points of the unit cube; within a bin, uniform."""
        edges = np.cumsum(self._shares(), axis=1)
        drawn = rng.random((count, len(edges)))
        chosen = np.array([np.searchsorted(edge, u) for edge, u in zip(edges, drawn.T, strict=True)])
        chosen = np.minimum(chosen.reshape(len(edges), count).T, self.choices - 1)
        return (chosen + rng.random(chosen.shape)) / self.choices

    def learn(self, row: np.ndarray, push: float, entropy: float) -> None:
        """One step of policy gradient for the choices of ``row``; inactive ones (NaN) learn nothing."""
        able = np.flatnonzero(~np.isnan(row))
        p = self._shares(able)
        surprise = np.log(np.where(p > 0, p, 1.0))
        step = -p * push - entropy * p * (surprise - (p * surprise).sum(axis=1, keepdims=True))
        bins = np.minimum((row[able] * self.choices[able]).astype(int), self.choices[able] - 1)
        step[np.arange(len(able)), bins] += push
        self.logits[able] += step

    def spread(self) -> float:
        """Mean entropy of the choices as a share of the largest possible one."""
        several = self.choices > 1
        if not several.any():
            return 0.0
        p = self._shares(several)
        entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1)
        return float(np.mean(entropy / np.log(self.choices[several])))

    def _shares(self, axes: Any = slice(None)) -> np.ndarray:
        """Probabilities (axes, bins) of the choices of some axes."""
        logits, choices = self.logits[axes], self.choices[axes]
        real = np.arange(logits.shape[1]) < choices[:, None]
        e = np.where(real, np.exp(logits - np.where(real, logits, -np.inf).max(axis=1, keepdims=True)), 0.0)
        return e / e.sum(axis=1, keepdims=True)
