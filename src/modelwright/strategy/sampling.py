"""Where strategies that train part of the way get new configurations from: chance, or a model of what is known."""

from __future__ import annotations

from typing import Any

from modelwright.core.errors import StrategyError
from modelwright.core.history import History
from modelwright.core.records import Proposal
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.bayesian import Memory, propose
from modelwright.strategy.fresh import Known
from modelwright.strategy.prior_band import prior_band
from modelwright.strategy.random import draw

SAMPLERS = ("random", "bayesian", "prior")


class Sampled(Known):
    """A state with what a sampler computed before; ``memory`` is a cache that may be thrown away."""

    __slots__ = ("memory",)

    def __init__(self, seed: Any, history: History):
        super().__init__(seed, history)
        self.memory = Memory()


def checked_sampler(sampler: str, where: str) -> str:
    """``sampler``, or a StrategyError that lists those there are."""
    if sampler not in SAMPLERS:
        raise StrategyError(f"sampler={sampler!r}", where=where, allowed=", ".join(map(repr, SAMPLERS)))
    return sampler


def sample(
    state: Sampled, space: SearchSpace, number: int, sampler: str, *, rung: int = 0, eta: float = 3.0
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """A configuration that was never proposed, and a note; without one, the note has the reason.

    Args:
        rung: of the fidelity at which the trial begins, 0 for the lowest; one of ``eta`` passes a rung.
    """
    if sampler == "prior":
        return prior_band(state, space, number, rung=rung, eta=eta)
    if sampler == "bayesian":
        return propose(state.history, space, state.seed, number, memory=state.memory)
    answer = draw(state, space, number)
    if isinstance(answer, Proposal):
        return dict(answer.config), dict(answer.note)
    return None, {"reason": getattr(answer, "why", "") or "the space is exhausted"}
