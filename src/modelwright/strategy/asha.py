"""ASHA: successive halving that never waits. Trials that can pause are promoted; others are stopped at a rung."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Decision, Exhausted, Proposal, Wait
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.halving import asynchronous, rungs, score_at
from modelwright.strategy.sampling import Sampled, checked_sampler, sample


class ASHA(Strategy):
    """Asynchronous successive halving: of each rung the better ``1 / eta`` go on, as soon as they are known.

    Trials that can pause are put aside at a rung and promoted from their checkpoints (the promotion type of the
    paper); trials that cannot run on, and are stopped at a rung when they are not among the better ones (the stopping
    type). ``sampler="bayesian"`` draws new configurations from a Gaussian process over configuration and fidelity, as
    BOHB and MOBSTER do.

    Sources: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2; Falkner,
    Klein and Hutter, "BOHB", ICML 2018; Klein et al., "Model-based Asynchronous Hyperparameter and Neural
    Architecture Search", arXiv 2003.10865, 2020.

    Args:
        steps: what full fidelity means in steps, or None for trials without steps: then every trial is run in full.
        resumable: whether a paused trial goes on from a checkpoint.
        eta: one of ``eta`` trials passes a rung.
        depth: rungs below full fidelity; None for as many as there are.
        sampler: where new configurations come from, "random" or "bayesian".

    Raises:
        StrategyError: an argument makes no sense.
    """

    name: ClassVar[str] = "asha"
    multi_fidelity: ClassVar[bool] = True
    #: Whether trial 0, the declared defaults, is trained in full.
    first_in_full: ClassVar[bool] = False

    def __init__(
        self,
        *,
        steps: int | None = None,
        resumable: bool = False,
        eta: float = 3.0,
        depth: int | None = None,
        sampler: str = "random",
    ):
        if eta <= 1 or (steps is not None and steps < 1):
            raise StrategyError(f"steps={steps}, eta={eta}", where=self.name, allowed="steps from 1, eta above 1")
        self.steps, self.resumable, self.eta = steps, resumable, eta
        self.sampler = checked_sampler(sampler, self.name)
        self.levels = rungs(steps, eta, depth) if steps else [1]

    def init(self, seed: Any, history: History) -> Any:
        return Sampled(seed, history)

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        onward = self._onward(state.history, number)
        if onward is not None:
            return onward
        if number is None:
            return self._end(state.history, "the budget of trials is used up")
        config, note = sample(state, space, number, self.sampler)
        if config is None:
            return self._onward(state.history, None) or self._end(state.history, note["reason"])
        return self.place(state, space, number, config, note)

    def place(self, state: Any, space: SearchSpace, number: int, config: Config, note: Mapping[str, Any]) -> Proposal:
        full = not self._halves or (self.first_in_full and (number == 0 or note.get("by") == "default"))
        fidelity = 1.0 if full or self.steps is None else self.levels[0] / self.steps
        return Proposal(config=config, fidelity=fidelity, note={**note, "rung": len(self.levels) - 1 if full else 0})

    @property
    def _halves(self) -> bool:
        """Whether trials are put aside at rungs."""
        return self.steps is not None and self.resumable and len(self.levels) > 1

    def _onward(self, history: History, number: int | None) -> Proposal | None:
        if not self._halves or self.steps is None:
            return None
        return asynchronous(history, self.steps, self.levels, self.eta, number)

    def judge(self, state: Any, trial: Row) -> Decision:
        """Stop a trial that cannot pause when it is not among the better ``1 / eta`` at a rung."""
        if self.steps is None or self.resumable or not trial.reports or (trial.number == 0 and self.first_in_full):
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
