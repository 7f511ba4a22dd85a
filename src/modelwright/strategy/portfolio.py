"""auto: the declared defaults first, then Gaussian-process proposals under successive halving."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Decision, Exhausted, Proposal, Wait
from modelwright.strategy.base import Fold, SearchSpace, Strategy
from modelwright.strategy.bayesian import Memory, propose
from modelwright.strategy.halving import asynchronous, rungs, score_at


class Auto(Strategy):
    """What to use when nothing is known.

    Trial 0 is the declared defaults, trained in full, so that there is a result to compare with. Further trials come
    from the Gaussian process over configuration and fidelity. Trials with steps are trained a part of the way first;
    of each rung the better ``1 / eta`` go on, as soon as they are known (asynchronous successive halving, Li et al.,
    MLSys 2020). Trials that cannot pause run on, and are stopped at a rung instead (the stopping type of the same
    paper).

    Args:
        steps: what full fidelity means in steps, or None for trials without steps.
        resumable: whether a paused trial goes on from a checkpoint.
        eta: one of ``eta`` trials passes a rung.
        depth: rungs below full fidelity.
    """

    name: ClassVar[str] = "auto"
    multi_fidelity: ClassVar[bool] = True

    def __init__(self, *, steps: int | None = None, resumable: bool = False, eta: float = 3.0, depth: int = 2):
        self.steps, self.resumable, self.eta = steps, resumable, eta
        self.levels = rungs(steps, eta, depth) if steps else [1]

    def init(self, seed: Any, history: History) -> Any:
        return _State(seed, history)

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        history: History = state.history
        halves = self.steps is not None and self.resumable and len(self.levels) > 1
        if halves:
            assert self.steps is not None
            onward = asynchronous(history, self.steps, self.levels, self.eta, number)
            if onward is not None:
                return onward
        if number is None:
            return self._end(history, "the budget of trials is used up")
        config, note = propose(history, space, state.seed, number, memory=state.memory)
        if config is None:
            if halves and self.steps is not None:
                onward = asynchronous(history, self.steps, self.levels, self.eta, None)
                if onward is not None:
                    return onward
            return self._end(history, str(note.get("reason", "the space is exhausted")))
        full = number == 0 or not halves
        fidelity = 1.0 if full or self.steps is None else self.levels[0] / self.steps
        return Proposal(config=config, fidelity=fidelity, note={**note, "rung": len(self.levels) - 1 if full else 0})

    def judge(self, state: Any, trial: Row) -> Decision:
        """Stop a trial that cannot pause when it is not among the better ``1 / eta`` at a rung."""
        if self.steps is None or self.resumable or trial.number == 0 or not trial.reports:
            return "go"
        step = trial.reports[-1][0]
        if step not in self.levels[:-1]:
            return "go"
        scored = [score_at(row, state.history, self.steps, step) for row in state.history.rows]
        seen = sorted((s for s in scored if s is not None), reverse=True)
        mine = score_at(trial, state.history, self.steps, step)
        if len(seen) < self.eta or mine is None:
            return "go"
        return "go" if mine >= seen[math.ceil(len(seen) / self.eta) - 1] else "stop"

    @staticmethod
    def _end(history: History, why: str) -> Answer:
        if any(row.pending for row in history.rows):
            return Wait(why="running trials may go on")
        return Exhausted(why=why)


class _State(Fold):
    """``memory`` is a cache of vectors and keys; it may be thrown away."""

    __slots__ = ("memory",)

    def __init__(self, seed: Any, history: History):
        super().__init__(seed, history)
        self.memory = Memory()
