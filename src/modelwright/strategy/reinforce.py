"""REINFORCE: a policy over the choices that learns which of them pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from modelwright.core.errors import StrategyError
from modelwright.core.records import Answer, Exhausted
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.fresh import Known, choose, first
from modelwright.strategy.merit import merits

#: A number is chosen among so many bins of its axis, then within the bin.
_BINS = 8


class Reinforce(Strategy):
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

    def ask(self, state: Known, space: SearchSpace, number: int | None) -> Answer:
        if number is None:
            return Exhausted(why="the budget of trials is used up")
        answer = first(state, space, number)
        if answer is not None:
            return answer
        rng = state.seed.child("ask", number).generator()
        policy = self.policy(state, space)
        drawn = space.snap(policy.draw(rng, 64))
        note = {"by": "reinforce", "entropy": round(policy.spread(), 3)}
        return choose(state, space, rng, (space.decode(row) for row in drawn), note)

    def policy(self, state: Known, space: SearchSpace) -> Policy:
        """The policy after all finished trials."""
        made = Policy.flat([_choices(axis) for axis in space.axes])
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
            scale = max(spread, abs(gap), 1e-12)
            made.learn(space.encode(state.history.rows[i].config), self.rate * gap / scale, self.rate * self.entropy)
            mean = self.baseline * mean + (1 - self.baseline) * value
            spread = self.baseline * spread + (1 - self.baseline) * abs(gap) if spread else abs(gap)
        return made


def _choices(axis: Any) -> int:
    if axis.kind == "categorical":
        return int(axis.levels)
    return int(min(axis.levels or _BINS, _BINS))


@dataclass(slots=True)
class Policy:
    """Independent choices among bins; a row of logits an axis."""

    logits: list[np.ndarray]

    @staticmethod
    def flat(choices: list[int]) -> Policy:
        """Every choice equally likely."""
        return Policy([np.zeros(n) for n in choices])

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` points of the unit cube; within a bin, uniform."""
        columns = []
        for logits in self.logits:
            chosen = rng.choice(len(logits), size=count, p=_softmax(logits))
            columns.append((chosen + rng.random(count)) / len(logits))
        return np.array(columns).T.reshape(count, len(self.logits))

    def learn(self, row: np.ndarray, push: float, entropy: float) -> None:
        """One step of policy gradient for the choices of ``row``; inactive ones (NaN) learn nothing."""
        for logits, unit in zip(self.logits, row, strict=True):
            if np.isnan(unit):
                continue
            p = _softmax(logits)
            choice = min(int(unit * len(logits)), len(logits) - 1)
            gradient = -p * push
            gradient[choice] += push
            surprise = np.log(p)
            logits += gradient - entropy * p * (surprise - p @ surprise)

    def spread(self) -> float:
        """Mean entropy of the choices as a share of the largest possible one."""
        shares = [-(p @ np.log(p)) / np.log(len(p)) for p in map(_softmax, self.logits) if len(p) > 1]
        return float(np.mean(shares)) if shares else 0.0


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max())
    return e / e.sum()
