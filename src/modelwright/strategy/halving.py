"""Successive halving: many configurations for a few steps, the better ones for more.

Owns rungs, brackets and promotion. What a new configuration is comes from ``sampling``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Exhausted, Proposal, Wait
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.sampling import Sampled, checked_sampler, sample


def rungs(steps: int, eta: float = 3.0, brackets_down: int | None = None) -> list[int]:
    """Steps at which trials are compared, from the lowest to ``steps``: R, R / eta, R / eta^2 ... rounded, from 1.

    >>> rungs(10), rungs(81), rungs(1)
    ([1, 3, 10], [1, 3, 9, 27, 81], [1])
    """
    deepest = math.floor(math.log(steps) / math.log(eta) + 1e-9) if steps > 1 else 0
    deepest = deepest if brackets_down is None else min(deepest, brackets_down)
    found = sorted({max(1, round(steps / eta**i)) for i in range(deepest + 1)})
    return found


def brackets(steps: int, eta: float = 3.0) -> list[list[tuple[int, int]]]:
    """The brackets of one Hyperband iteration: for each, (configurations, steps) of every rung.

    Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18 (2018), algorithm 1.

    >>> brackets(81)[0]
    [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]
    >>> [b[0] for b in brackets(81)]
    [(81, 1), (34, 3), (15, 9), (8, 27), (5, 81)]
    """
    deepest = math.floor(math.log(steps) / math.log(eta) + 1e-9) if steps > 1 else 0
    made = []
    for s in range(deepest, -1, -1):
        n = math.ceil((deepest + 1) * eta**s / (s + 1) - 1e-9)
        made.append(
            [(max(1, math.floor(n * eta**-i + 1e-9)), max(1, round(steps * eta ** (i - s)))) for i in range(s + 1)]
        )
    return made


def score_at(row: Row, history: History, steps: int, step: int) -> float | None:
    """The best score shown by ``step``; minus infinity for a trial that ended badly, None when not known yet."""
    made = history.objectives[0]
    if row.state in ("failed", "infeasible", "lost"):
        return -math.inf
    if row.given and step < steps:
        return None  # its value is that of full training
    seen = [made.score(m[made.name]) for s, m in row.reports if s <= step and made.name in m]
    if row.steps >= step and seen:
        return max(seen)
    ended = row.values is not None and (row.terminal or row.fidelity * steps >= step - 1e-6)
    if ended and row.values is not None:
        return max(seen) if seen else made.score(row.values[0])
    return None


class Hyperband(Strategy):
    """Hyperband: brackets of successive halving, from many short trials to few long ones, over and over.

    Within a bracket trials pause at each rung and the better ``1 / eta`` go on from their checkpoints. While a rung
    waits for running trials, the next bracket begins, so that no worker is idle.

    Source: Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, JMLR 18(185), 2018, algorithm 1.

    Args:
        steps: what full fidelity means, in steps (the paper's R).
        eta: a bracket keeps one of ``eta`` trials at each rung.
        resumable: unused; trials that cannot go on from a checkpoint start over.
        sampler: where new configurations come from: "random" (the paper), or "bayesian", a Gaussian process over
            configuration and fidelity (as in BOHB; Falkner, Klein and Hutter, ICML 2018).
    """

    name: ClassVar[str] = "hyperband"
    multi_fidelity: ClassVar[bool] = True

    def __init__(self, *, steps: int | None = None, eta: float = 3.0, resumable: bool = True, sampler: str = "random"):
        if steps is None or steps < 1 or eta <= 1:
            raise StrategyError(f"steps={steps}, eta={eta}", where="hyperband", allowed="steps from 1, eta above 1")
        self.steps, self.eta = steps, eta
        self._plan = brackets(steps, eta)
        self.sampler = checked_sampler(sampler, "hyperband")

    def init(self, seed: Any, history: History) -> Any:
        return Sampled(seed, history)

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        history: History = state.history
        members = _by_bracket(history)
        last = max(members, default=-1)
        for bracket in range(last + 1):
            plan = self._plan[bracket % len(self._plan)]
            rows = members.get(bracket, [])
            if len(rows) < plan[0][0] and number is not None:
                answer = self._new(state, space, number, bracket, plan)
                if not isinstance(answer, Exhausted):
                    return answer
            promoted = self._promote(history, bracket, rows, plan, closed=bracket < last or number is None)
            if promoted is not None:
                return promoted
        if number is not None:
            plan = self._plan[(last + 1) % len(self._plan)]
            answer = self._new(state, space, number, last + 1, plan)
            if not isinstance(answer, Exhausted):
                return answer
            for bracket, rows in members.items():
                plan = self._plan[bracket % len(self._plan)]
                promoted = self._promote(history, bracket, rows, plan, closed=True)
                if promoted is not None:
                    return promoted
        if any(row.pending for row in history.rows):
            return Wait(why="a rung waits for its last trials")
        return Exhausted(why="every bracket is complete" if number is None else "the space is exhausted")

    def place(self, state: Any, space: SearchSpace, number: int, config: Config, note: Mapping[str, Any]) -> Proposal:
        members = _by_bracket(state.history)
        bracket = 0
        while len(members.get(bracket, ())) >= self._plan[bracket % len(self._plan)][0][0]:
            bracket += 1
        fidelity = self._plan[bracket % len(self._plan)][0][1] / self.steps
        return Proposal(config=config, fidelity=fidelity, note={**note, "bracket": bracket, "rung": 0})

    def _new(
        self, state: Any, space: SearchSpace, number: int, bracket: int, plan: Sequence[tuple[int, int]]
    ) -> Answer:
        config, note = sample(state, space, number, self.sampler)
        if config is None:
            return Exhausted(why=note["reason"])
        return Proposal(config=config, fidelity=plan[0][1] / self.steps, note={**note, "bracket": bracket, "rung": 0})

    def _promote(
        self, history: History, bracket: int, rows: list[Row], plan: Sequence[tuple[int, int]], closed: bool
    ) -> Proposal | None:
        """The next trial of the bracket that goes on; ``closed`` when no configuration will be added to it."""
        if len(rows) < plan[0][0] and not closed:
            return None
        share = len(rows) / plan[0][0]
        here = rows
        for i in range(len(plan) - 1):
            if any(row.pending and row.target * self.steps <= plan[i][1] + 1e-6 for row in here):
                return None
            scored = [(score_at(row, history, self.steps, plan[i][1]), row) for row in here]
            ranked = sorted(
                ((s, row) for s, row in scored if s is not None and s > -math.inf), key=lambda p: (-p[0], p[1].number)
            )
            keep = max(1, math.floor(plan[i + 1][0] * min(1.0, share) + 1e-9))
            here = [row for _, row in ranked[:keep]]
            step = plan[i + 1][1]
            for row in here:
                if row.state == "paused" and row.target * self.steps < step - 1e-6:
                    note = {"bracket": bracket, "rung": i + 1}
                    return Proposal(trial=row.number, fidelity=min(1.0, step / self.steps), note=note)
        return None


def _by_bracket(history: History) -> dict[int, list[Row]]:
    members: dict[int, list[Row]] = {}
    for row in history.rows:
        if not row.given:
            members.setdefault(int(row.note.get("bracket", 0)), []).append(row)
    return members


def asynchronous(
    history: History, steps: int, levels: Sequence[int], eta: float, number: int | None
) -> Proposal | None:
    """The paused trial that should go on now, by asynchronous successive halving; None when none should.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2: from the highest rung
    down, the best trial among the top ``1 / eta`` of a rung that was not promoted yet.

    Args:
        number: None when no new trial may start; then each rung promotes at least one.
    """
    for i in range(len(levels) - 2, -1, -1):
        scored = [(score_at(row, history, steps, levels[i]), row) for row in history.rows]
        seen = sorted(((s, r) for s, r in scored if s is not None), key=lambda p: (-p[0], p[1].number))
        count = math.floor(len(seen) / eta)
        if number is None:
            count = max(count, 1)
        for score, row in seen[:count]:
            waits = row.state == "paused" and row.target * steps <= levels[i] + 1e-6
            if waits and score > -math.inf:
                return Proposal(
                    trial=row.number, fidelity=levels[i + 1] / steps, note={"rung": i + 1, "why": "promoted"}
                )
    return None
