"""ASHA: successive halving that never waits. Trials that can pause are promoted; others are stopped at a rung."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Decision, Exhausted, Proposal, Wait
from modelwright.strategy import audit
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.forecast import Outlook, hopeless
from modelwright.strategy.halving import Rungs, let_go, rungs, rungs_text
from modelwright.strategy.sampling import checked_sampler, sample
from modelwright.strategy.shown import SAME, merits_at

#: Every so many trials the guard looks whether the lowest fidelity is worth its price.
_LOOK = 5


class ASHA(Strategy):
    """Asynchronous successive halving: of each rung the better ``1 / eta`` go on, as soon as they are known.

    Trials that can pause are put aside at a rung and promoted from their checkpoints (the promotion type of the
    paper); trials that cannot run on, and are stopped at a rung when they are not among the better ones (the stopping
    type). ``sampler="bayesian"`` draws new configurations from a Gaussian process over configuration and fidelity, as
    BOHB and MOBSTER do. With several objectives the better fronts of a rung go on (see ``shown.merits_at``).

    One promotion of twelve is an audit, of a trial that was passed over; a rung that turns out to say nothing of the
    next ones is no longer used for new trials (see ``audit``). A finite space has no more rungs than its size fills,
    and when it is used up the best of each rung are still finished.

    Sources: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2; Falkner,
    Klein and Hutter, "BOHB", ICML 2018; Klein et al., "Model-based Asynchronous Hyperparameter and Neural
    Architecture Search", arXiv 2003.10865, 2020.

    Args:
        steps: what full fidelity means in steps, or None for trials without steps: then every trial is run in full.
        resumable: whether a paused trial goes on from a checkpoint.
        eta: one of ``eta`` trials passes a rung.
        depth: rungs below full fidelity; None for as many as there are.
        sampler: where new configurations come from: "random", "bayesian", or "prior" (see ``prior_band``).

    Raises:
        StrategyError: an argument makes no sense.
    """

    name: ClassVar[str] = "asha"
    multi_fidelity: ClassVar[bool] = True
    #: Whether trial 0, the declared defaults, is trained in full.
    first_in_full: bool = False

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

    def init(self, seed: Any, history: History) -> Rungs:
        return Rungs(seed, history)

    def plan(self, unit: str = "step") -> str:
        if len(self.levels) < 2:
            return ""
        ends = f"after {rungs_text(self.levels)} {unit}s"
        if self.resumable:
            return f"trials pause {ends}; the better 1 of {self.eta:g} go on"
        return f"trials cannot pause: they are stopped early {ends}, all but the better 1 of {self.eta:g}"

    def ask(self, state: Rungs, space: SearchSpace, number: int | None) -> Answer:
        onward = self._onward(state, number)
        if onward is not None:
            return onward
        if number is None:
            return self._end(state.history, "the budget of trials is used up")
        config, note = sample(state, space, number, self.sampler)
        if config is None:
            return self._onward(state, None, used_up=True) or self._end(state.history, note["reason"])
        return self.place(state, space, number, config, note)

    def place(self, state: Rungs, space: SearchSpace, number: int, config: Config, note: Mapping[str, Any]) -> Proposal:
        if self.steps is None or len(self.levels) < 2:
            return Proposal(config=config, note={**note, "rung": len(self.levels) - 1})
        if self.first_in_full and (number == 0 or note.get("by") == "default"):
            return Proposal(config=config, note={**note, "rung": len(self.levels) - 1, "first": 1.0})
        rung, decided = self._lowest(state, space, number)
        first = self.levels[rung] / self.steps
        note = {**note, **decided, "rung": rung, "first": round(first, 9)}
        if self.resumable:
            return Proposal(config=config, fidelity=first, note=note)
        spared = audit.spared(state.seed, number, self._fidelities[rung:-1], self.eta)
        return Proposal(config=config, note={**note, **(audit.marked(note, spared) if spared is not None else {})})

    @property
    def _fidelities(self) -> list[float]:
        return [level / (self.steps or 1) for level in self.levels]

    def _lowest(self, state: Rungs, space: SearchSpace, number: int) -> tuple[int, dict[str, Any]]:
        """The rung where a new trial is compared first, and the guard's decision when it was made just now."""
        decided = {}
        if number % _LOOK == 0:
            decided = audit.guard(state.history, self._fidelities, steps=self.steps, known=state.known) or {}
        least = decided["raised"]["to"] if decided else audit.lowest(state.history)
        rung = next(i for i, f in enumerate(self._fidelities) if f >= least - SAME)
        if space.size is not None and space.axes:
            depth = math.floor(math.log(max(space.size, 1)) / math.log(self.eta) + 1e-9)
            rung = max(rung, len(self.levels) - 1 - depth)
        return rung, decided

    def _onward(self, state: Rungs, number: int | None, used_up: bool = False) -> Proposal | None:
        if not self.resumable or self.steps is None:
            return None
        return asynchronous(state, self.steps, self.levels, self.eta, number, used_up=used_up)

    def judge(self, state: Rungs, trial: Row) -> Decision:
        """Stop a trial that cannot pause when it is not among the better ``1 / eta`` at a rung, and a hopeless one.

        What is hopeless says ``forecast.hopeless``. A trial that can pause is left alone up to its first rung, an
        audited one for good, and so are all when the sampler is a model.
        """
        if self._behind(state, trial) == "stop":
            return "stop"
        return "stop" if self._hopeless(state, trial) is not None else "go"

    def why(self, state: Rungs, trial: Row) -> str:
        found = None if self._behind(state, trial) == "stop" else self._hopeless(state, trial)
        return super().why(state, trial) if found is None else str(found)

    def _hopeless(self, state: Rungs, trial: Row) -> Outlook | None:
        # With a model that learns from what trials reached, runs that stopped them ended a little worse (10 runs of
        # ``auto``: worse in 5, better in 1). Why was not found out; trials that end between rungs may mislead it.
        if self.steps is None or self.sampler == "bayesian" or not trial.reports or trial.note.get("audited"):
            return None
        if trial.number == 0 and self.first_in_full:
            return None
        first = trial.note.get("first", self.levels[0] / self.steps)
        if self.resumable and trial.reports[-1][0] <= first * self.steps + SAME:
            return None
        return hopeless(state.history, trial, self.steps)

    def _behind(self, state: Rungs, trial: Row) -> Decision:
        if self.steps is None or self.resumable or not trial.reports or (trial.number == 0 and self.first_in_full):
            return "go"
        step = trial.reports[-1][0]
        before = trial.reports[-2][0] if len(trial.reports) > 1 else 0
        passed = [i for i, level in enumerate(self.levels[:-1]) if before < level <= step]
        if not passed or passed[-1] < trial.note.get("rung", 0):
            return "go"
        if audit.audited(trial, self._fidelities[passed[-1]]):
            return "go"
        merit = merits_at(state.history, step / self.steps, self.steps, state.known)
        seen = sorted(merit.values(), reverse=True)
        if len(seen) < self.eta or trial.number not in merit:
            return "go"
        return "go" if merit[trial.number] >= seen[math.ceil(len(seen) / self.eta) - 1] else "stop"

    @staticmethod
    def _end(history: History, why: str) -> Answer:
        if any(row.pending for row in history.rows):
            return Wait(why="running trials may go on")
        return Exhausted(why=why)


def asynchronous(
    state: Rungs, steps: int, levels: Sequence[int], eta: float, number: int | None, *, used_up: bool = False
) -> Proposal | None:
    """The paused trial that should go on now, by asynchronous successive halving; None when none should.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2: from the highest rung
    down, the best trial among the top ``1 / eta`` of a rung that was not promoted yet. When an audit is due, one of
    those that the rung passed over takes its turn.

    Args:
        number: None when no new trial may start; then each rung promotes at least one.
        used_up: whether the space has nothing new; then each rung promotes a third of its trials, rounded up.
    """
    rows = state.history.rows
    for i in range(len(levels) - 2, -1, -1):
        merit = merits_at(state.history, levels[i] / steps, steps, state.known)
        ranked = sorted(merit, key=lambda n: (-merit[n], n))
        # Trials that are here by lot take no place of others, and make no room for them either.
        lots = sum(i > 0 and audit.audited(rows[n], levels[i - 1] / steps) for n in ranked)
        count = (math.ceil if used_up else math.floor)((len(ranked) - lots) / eta)
        if number is None:
            count = max(count, 1)
        # By how far they came: a trial that cannot pause aims at the end, and rests where it was stopped.
        resting = [
            rows[n]
            for n in ranked
            if merit[n] > -math.inf and rows[n].state == "paused" and rows[n].fidelity * steps < levels[i + 1] - 1e-6
        ]
        best = set(ranked[:count])
        going = next((row for row in resting if row.number in best), None)
        if going is not None:
            passed = [row for row in resting if row.number not in best]
            return let_go(state, going, passed, levels[i] / steps, levels[i + 1] / steps, {"rung": i + 1})
    return None
