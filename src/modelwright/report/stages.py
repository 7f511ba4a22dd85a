"""Stages: what fidelities are called in searches whose steps are no epochs, and what values at them are of.

Made of what a study's definition holds, so that a report needs nothing of the search but its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.history import Row

_SAME = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One fidelity by its name.

    Attributes:
        name: a noun: "race 1 of 3", "confirmation".
        beside: what sets values here apart from those of other stages: "images at 1/2"; or "".
        step: the step at which a trial has come here.
    """

    fidelity: float
    name: str
    beside: str = ""
    step: int = 1

    def of(self, row: Row | None = None) -> str:
        """The name, with what sets values here apart, unless that could not be done to the network of ``row``."""
        whole = row is not None and row.facts.get("full_size")
        return self.name if whole or not self.beside else f"{self.name} ({self.beside})"


def stages_of(plain: Iterable[Mapping[str, Any]] | None) -> tuple[Stage, ...]:
    """The stages that a definition holds, by rising fidelity; () where it holds none."""
    return tuple(sorted((Stage(**entry) for entry in plain or ()), key=lambda stage: stage.fidelity))


def stage_at(stages: Sequence[Stage], fidelity: float) -> Stage | None:
    """The stage that ends at ``fidelity``; None where none does."""
    return next((stage for stage in stages if abs(stage.fidelity - fidelity) < _SAME), None)


def reached(stages: Sequence[Stage], row: Row) -> str:
    """The stage that a trial has come to, or its share of the one in which it is; "" where that cannot be said.

    >>> found = stages_of([{"fidelity": 0.3, "name": "confirmation", "step": 300}, {"fidelity": 1.0, "name": "finish",
    ...                     "step": 1000}])
    >>> [reached(found, Row(number=0, config={}, fidelity=at, segments={0.3: (0.5,)})) for at in (0.3, 0.65, 1.0)]
    ['confirmation', 'finish, 50 %', 'finish']
    """
    there = stage_at(stages, row.fidelity)
    return there.of(row) if there is not None else _within(stages, row, row.fidelity)


def step_in(stages: Sequence[Stage], row: Row, step: int) -> str:
    """The same for a step that the trial reported."""
    ends = [stage for stage in stages if stage.step == step]
    return ends[0].of(row) if ends else _within(stages, row, step / stages[-1].step * stages[-1].fidelity)


def _within(stages: Sequence[Stage], row: Row, fidelity: float) -> str:
    """A segment begins where the one before it ended, which may be several stages below."""
    low = max((end for end in row.segments if end < fidelity), default=0.0)
    high = min((end for end in (*row.segments, row.target) if end > fidelity), default=0.0)
    stage = stage_at(stages, high)
    return "" if stage is None else f"{stage.of(row)}, {100 * (fidelity - low) / (high - low):.0f} %"
