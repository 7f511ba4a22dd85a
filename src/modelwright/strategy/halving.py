"""Successive halving: many configurations for a few steps, the better ones for more.

Owns rungs, brackets and promotion. What a new configuration is comes from ``sampling``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Exhausted, Proposal, Wait
from modelwright.strategy.audit import audited, draw, due, guard, lowest
from modelwright.strategy.base import SearchSpace, Strategy
from modelwright.strategy.sampling import Sampled, checked_sampler, sample
from modelwright.strategy.shown import Shown, merits_at

#: (configurations, steps) of every rung of a bracket, from the lowest.
Plan = list[tuple[int, int]]


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


_brackets = brackets  # Hyperband has an argument of that name


class Rungs(Sampled):
    """A state that remembers what trials have shown by each rung, which may be thrown away."""

    __slots__ = ("known",)

    def __init__(self, seed: Any, history: History):
        super().__init__(seed, history)
        self.known = Shown()


class Hyperband(Strategy):
    """Hyperband: brackets of successive halving, from many short trials to few long ones, over and over.

    Within a bracket trials pause at each rung and the better ``1 / eta`` go on from their checkpoints; with several
    objectives the better fronts do. While a rung waits for running trials, the next bracket begins, so that no worker
    is idle. One promotion of twelve is an audit (see ``audit``), and a fidelity that turns out to say nothing is left
    out of further brackets. In a small finite space an iteration begins with the first bracket that leaves something
    to the others, and no bracket asks for more configurations than are left.

    ``brackets=1`` is successive halving: the first bracket alone, over and over. Trials that cannot go on from a
    checkpoint start over at each rung.

    Sources: Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, JMLR 18(185), 2018, algorithm 1; Jamieson and
    Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016 (successive
    halving).

    Args:
        steps: what full fidelity means, in steps (the paper's R).
        eta: a bracket keeps one of ``eta`` trials at each rung.
        resumable: whether a paused trial goes on from a checkpoint; else it starts over.
        sampler: where new configurations come from: "random" (the paper), or "bayesian", a Gaussian process over
            configuration and fidelity (as in BOHB; Falkner, Klein and Hutter, ICML 2018), or "prior", draws from the
            study's ``prior`` and around the incumbent (PriorBand; Mallik et al., NeurIPS 2023).
        brackets: how many of the brackets of an iteration are used, from the one with the most trials; None for all.

    Raises:
        StrategyError: an argument makes no sense.
    """

    name: ClassVar[str] = "hyperband"
    multi_fidelity: ClassVar[bool] = True

    def __init__(
        self,
        *,
        steps: int | None = None,
        eta: float = 3.0,
        resumable: bool = True,
        sampler: str = "random",
        brackets: int | None = None,
    ):
        if steps is None or steps < 1 or eta <= 1:
            raise StrategyError(f"steps={steps}, eta={eta}", where=self.name, allowed="steps from 1, eta above 1")
        if brackets is not None and (isinstance(brackets, bool) or not isinstance(brackets, int) or brackets < 1):
            raise StrategyError(f"brackets={brackets!r:.60}", where=self.name, allowed="1, 2, 3, ... or None")
        self.steps, self.eta, self.resumable = steps, eta, resumable
        self._plans = _brackets(steps, eta)[:brackets]
        self.sampler = checked_sampler(sampler, self.name)

    def init(self, seed: Any, history: History) -> Rungs:
        return Rungs(seed, history)

    def plan(self, unit: str = "step") -> str:
        levels = sorted({step for plan in self._plans for _, step in plan})
        if len(levels) < 2:
            return ""
        ends = f"after {rungs_text(levels)} {unit}s; the better 1 of {self.eta:g} go on"
        return f"trials pause {ends}" if self.resumable else f"trials end {ends}, and start over: they cannot pause"

    def ask(self, state: Rungs, space: SearchSpace, number: int | None) -> Answer:
        history: History = state.history
        members = _by_bracket(history)
        last = max(members, default=-1)
        for bracket in range(last + 1):
            rows = members.get(bracket, [])
            plan, note = self._plan_of(state, space, members, bracket)
            if len(rows) < plan[0][0] and number is not None:
                answer = self._new(state, space, number, bracket, plan, note)
                if not isinstance(answer, Exhausted):
                    return answer
            promoted = self._promote(state, bracket, rows, plan, closed=bracket < last or number is None)
            if promoted is not None:
                return promoted
        if number is not None:
            plan, note = self._plan_of(state, space, members, last + 1)
            answer = self._new(state, space, number, last + 1, plan, note)
            if not isinstance(answer, Exhausted):
                return answer
            for bracket, rows in members.items():
                plan, _ = self._plan_of(state, space, members, bracket)
                promoted = self._promote(state, bracket, rows, plan, closed=True)
                if promoted is not None:
                    return promoted
        if any(row.pending for row in history.rows):
            return Wait(why="a rung waits for its last trials")
        return Exhausted(why="every bracket is complete" if number is None else "the space is exhausted")

    def place(self, state: Rungs, space: SearchSpace, number: int, config: Config, note: Mapping[str, Any]) -> Proposal:
        members = _by_bracket(state.history)
        bracket = 0
        while len(members.get(bracket, ())) >= self._plan_of(state, space, members, bracket)[0][0][0]:
            bracket += 1
        plan, added = self._plan_of(state, space, members, bracket)
        return self._begin(config, {**note, **added}, bracket, plan)

    def _new(
        self, state: Rungs, space: SearchSpace, number: int, bracket: int, plan: Plan, added: Mapping[str, Any]
    ) -> Answer:
        rung = round(math.log(plan[0][1] / self._plans[0][0][1], self.eta))
        config, note = sample(state, space, number, self.sampler, rung=max(rung, 0), eta=self.eta)
        if config is None:
            return Exhausted(why=note["reason"])
        return self._begin(config, {**note, **added}, bracket, plan)

    def _begin(self, config: Config, note: Mapping[str, Any], bracket: int, plan: Plan) -> Proposal:
        fidelity = plan[0][1] / self.steps
        note = {**note, "bracket": bracket, "rung": 0, "first": round(fidelity, 9)}
        return Proposal(config=config, fidelity=fidelity, note=note)

    # --- which bracket ---------------------------------------------------------------------------

    def _plan_of(
        self, state: Rungs, space: SearchSpace, members: Mapping[int, list[Row]], bracket: int
    ) -> tuple[Plan, dict[str, Any]]:
        """The plan of a bracket, and what is to be noted of it when it was not decided before.

        It is decided, and noted, with the first trial that is proposed while the space is known.
        """
        for row in members.get(bracket, ()):
            if "plan" in row.note:
                return [(int(count), int(step)) for count, step in row.note["plan"]], {}
        levels = [step / self.steps for step in sorted({step for plan in self._plans for _, step in plan})]
        decided = guard(state.history, levels, steps=self.steps, known=state.known) or {}
        least = decided["raised"]["to"] if decided else lowest(state.history)
        plans = [_from(plan, least * self.steps) for plan in self._plans]
        plans = [plan for i, plan in enumerate(plans) if i == len(plans) - 1 or plan != plans[i + 1]]
        left = self._left(state, space, members.get(bracket, ()))
        plan = _fitted(plans, _noted(members.get(bracket - 1, ())), left, self.eta)
        note = {"plan": [list(rung) for rung in plan], **decided}
        return plan, note if space.axes else {}

    def _left(self, state: Rungs, space: SearchSpace, rows: Sequence[Row]) -> int | None:
        """Configurations that a bracket with ``rows`` may hold; None where the space has no end, or none is known."""
        if space.size is None or not space.axes:
            return None
        return max(space.size - len(state.tried.keys(state.history, space)) + len(rows), 1)

    # --- who goes on -----------------------------------------------------------------------------

    def _promote(self, state: Rungs, bracket: int, rows: list[Row], plan: Plan, closed: bool) -> Proposal | None:
        """The next trial of the bracket that goes on; ``closed`` when no configuration will be added to it."""
        history = state.history
        for row in rows:  # one that began before the plan was made
            if row.state == "paused" and row.target * self.steps < plan[0][1] - 1e-6:
                note = {"bracket": bracket, "rung": 0, "why": "joins its bracket"}
                return Proposal(trial=row.number, fidelity=plan[0][1] / self.steps, note=note)
        if len(rows) < plan[0][0] and not closed:
            return None
        share = len(rows) / plan[0][0]
        here = rows
        for i, ((_, low), (count, step)) in enumerate(pairwise(plan)):
            if any(row.pending and row.target * self.steps <= low + 1e-6 for row in here):
                return None
            merit = merits_at(history, low / self.steps, self.steps, state.known, among=here)
            ranked = [row for row in here if merit.get(row.number, -math.inf) > -math.inf]
            ranked.sort(key=lambda row: (-merit[row.number], row.number))
            keep = max(1, math.floor(count * min(1.0, share) + 1e-9))
            going = [row for row in ranked[:keep] if self._rests(row, step)]
            if going:
                note = {"bracket": bracket, "rung": i + 1}
                passed = [row for row in ranked[keep:] if self._rests(row, step)]
                return let_go(state, going[0], passed, low / self.steps, min(1.0, step / self.steps), note)
            here = [*ranked[:keep], *(row for row in ranked[keep:] if audited(row, low / self.steps))]
        return None

    def _rests(self, row: Row, step: int) -> bool:
        """Whether a trial waits below ``step``."""
        return row.state == "paused" and row.target * self.steps < step - 1e-6


class SuccessiveHalving(Hyperband):
    """Successive halving: one bracket of Hyperband, the one with the most trials, over and over.

    Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
    With a budget of fewer trials than the bracket has, all of them make one.

    Args:
        steps, eta, resumable, sampler: see ``Hyperband``.
    """

    name: ClassVar[str] = "successive-halving"

    def __init__(self, *, steps: int | None = None, eta: float = 3.0, resumable: bool = True, sampler: str = "random"):
        super().__init__(steps=steps, eta=eta, resumable=resumable, sampler=sampler, brackets=1)


def rungs_text(steps: Sequence[int]) -> str:
    """Where trials are compared: "1, 3 or 9 of 27"."""
    *below, full = steps
    listed = ", ".join(map(str, below[:-1])) + (" or " if len(below) > 1 else "") + "".join(map(str, below[-1:]))
    return f"{listed} of {full}" if below else str(full)


def let_go(state: Rungs, row: Row, passed: Sequence[Row], low: float, high: float, note: Mapping[str, Any]) -> Proposal:
    """``row`` goes on from fidelity ``low`` to ``high``; or one of ``passed``, when an audit is due."""
    if due(state.history, state.seed, low):
        drawn = draw(state.history, state.seed, passed, low)
        if drawn is not None:
            return Proposal(trial=drawn[0], fidelity=high, note={**note, **drawn[1]})
    return Proposal(trial=row.number, fidelity=high, note={**note, "why": "promoted"})


def _from(plan: Plan, least: float) -> Plan:
    """The rungs of a bracket from ``least`` steps on, with as many trials at each."""
    return [rung for rung in plan if rung[1] >= least - 1e-6] or plan[-1:]


def _noted(rows: Sequence[Row]) -> int | None:
    """How many rungs the plan of a bracket has; None before there is one."""
    return next((len(row.note["plan"]) for row in rows if "plan" in row.note), None)


def _fitted(plans: Sequence[Plan], before: int | None, left: int | None, eta: float) -> Plan:
    """The bracket after one of ``before`` rungs, with no more trials than ``left``.

    A new iteration begins with the first bracket after which there is something left for the others.
    """
    following = [plan for plan in plans if before is not None and len(plan) < before]
    if following:
        plan = following[0]
    else:
        rest = [sum(plan[0][0] for plan in plans[i + 1 :]) for i in range(len(plans))]
        plan = next(plan for plan, others in zip(plans, rest) if left is None or others < left)
    if left is None or plan[0][0] <= left:
        return list(plan)
    depth = min(len(plan) - 1, math.floor(math.log(left) / math.log(eta) + 1e-9))
    kept = plan[len(plan) - 1 - depth :]
    return [(max(1, math.floor(left * eta**-i + 1e-9)), step) for i, (_, step) in enumerate(kept)]


def _by_bracket(history: History) -> dict[int, list[Row]]:
    members: dict[int, list[Row]] = {}
    for row in history.rows:
        if not row.given:
            members.setdefault(int(row.note.get("bracket", 0)), []).append(row)
    return members
