"""auto: the declared defaults first, then a Gaussian process; where it stops finding better, others take turns.

Owns who proposes. Proposals themselves come from the files of the strategies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.core.history import History
from modelwright.core.records import Answer, Proposal
from modelwright.core.rng import Seed
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.bayesian import propose
from modelwright.strategy.freeze_thaw import FreezeThaw
from modelwright.strategy.local import Local
from modelwright.strategy.merit import merits
from modelwright.strategy.tpe import TPE

#: Trials without a better one after which others take turns, at least; it grows with the number of parameters.
_PATIENCE = 8
#: With so many levels or fewer, trials that cannot pause are stopped for good.
_DEEP = 3
#: Wins and trials that each proposer is given before it has any: the process starts with half of the turns.
_GIVEN = {"gp": (3.0, 6.0), "forest": (1.0, 6.0), "tpe": (1.0, 6.0), "local": (1.0, 6.0)}


class Auto(FreezeThaw):
    """What to use when nothing is known.

    Trial 0 is the declared defaults, trained in full, so that there is a result to compare with. Trials with steps
    are trained a part of the way first; of each rung the better ``1 / eta`` go on, as soon as they are known (see
    ``ASHA``), and further ones come from the Gaussian process over configuration and fidelity. Trials that cannot
    pause run on, and are stopped at a rung instead; where there are three rungs or more below full fidelity (from 27
    steps) they may start over later, when they are expected to be the best (see ``FreezeThaw``).

    Without steps every trial is a full one, proposed by the Gaussian process. When it has not found a better one for
    some trials, a forest of random trees, TPE and local search around the best take turns with it, the more often the
    more of such trials were improvements when they proposed them (``turns``). Who proposed a trial is in its note.

    Args:
        steps: what full fidelity means in steps, or None for trials without steps.
        resumable: whether a paused trial goes on from a checkpoint.
        eta: one of ``eta`` trials passes a rung.
        depth: rungs below full fidelity.
    """

    name: ClassVar[str] = "auto"

    def __init__(self, *, steps: int | None = None, resumable: bool = False, eta: float = 3.0, depth: int | None = 3):
        super().__init__(steps=steps, resumable=resumable, eta=eta, depth=depth, first_in_full=True)
        # Of short trials little is lost when they are stopped for good, and those that pause go on by what they showed:
        # on other curves than those that judge, the model's ranking was no better there.
        if resumable or len(self.levels) <= _DEEP:
            self.thaws, self.restarts, self.resumable = False, False, resumable

    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        if self.steps is not None or not number or not state.history.rows or len(state.history.objectives) > 1:
            return super().ask(state, space, number)
        drought, credit = turns(state.history, max(_PATIENCE, len(space.axes)))
        arm = _drawn(credit, state.seed, number) if drought else "gp"
        why = {"drought": drought, "credit": {name: round(share, 3) for name, share in credit.items()}}
        if arm in ("tpe", "local"):
            other = TPE() if arm == "tpe" else Local(initial=1)
            answer = other.ask(state, space, number)
            if isinstance(answer, Proposal):
                return self.place(state, space, number, answer.config, {**answer.note, "turn": why})
        model = "forest" if arm == "forest" else "gp"
        config, note = propose(state.history, space, state.seed, number, memory=state.memory, surrogate=model)
        if config is None:
            return self._end(state.history, note["reason"])
        return self.place(state, space, number, config, {**note, "turn": why} if drought else note)


def turns(history: History, patience: int) -> tuple[int, dict[str, float]]:
    """How long nothing better has been found, and each proposer's share of the next turn.

    Only trials count that ended after ``patience`` others had not been better than the best: before that the process
    has every turn, and finds what is easy to find.

    Returns:
        Trials since the best one, 0 while there are not more than ``patience``; and for each proposer its share.
    """
    merit = merits(history)
    wins = {name: given for name, (given, _) in _GIVEN.items()}
    tries = {name: given for name, (_, given) in _GIVEN.items()}
    best, since = -np.inf, 0
    for row, score in zip(history.rows, merit, strict=True):
        if np.isnan(score):
            continue
        by = row.note.get("by")
        better = bool(score > best)
        if since > patience and by in tries:
            tries[by] += 1
            wins[by] += better
        best, since = (score, 0) if better else (best, since + (not row.given))
    rate = {name: wins[name] / tries[name] for name in _GIVEN}
    total = sum(rate.values())
    return (since if since > patience else 0), {name: r / total for name, r in rate.items()}


def _drawn(credit: Mapping[str, float], seed: Seed, number: int) -> str:
    """Whose turn it is."""
    rng = seed.child("turn", number).generator()
    return str(rng.choice(list(credit), p=list(credit.values())))
