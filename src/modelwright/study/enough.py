"""When a search has gained enough: asks the rule of ``strategy.stopping`` now and then, and stores what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modelwright.core import records as r
from modelwright.core.history import usable
from modelwright.core.rng import Seed
from modelwright.study.machine import Machine


class Enough:
    """Whether more trials are worth it.

    A function of what is stored: a study that is opened again says what it said before it was closed.

    Args:
        machine: what is known.
        min_gain: see ``study.budget.Budget``; None is never enough.
    """

    def __init__(self, machine: Machine, min_gain: float | str | None):
        self._machine, self._min_gain = machine, min_gain
        self._looked = -1

    def why(self, write: Callable[[Sequence[r.Event]], None]) -> str:
        """Why no further trial should start, "" while some should; what is new is written."""
        if self._min_gain is None:
            return ""
        from modelwright.strategy.stopping import due, enough

        history, space = self._machine.history, self._machine.space
        count = sum(usable(row) for row in history.rows)
        before = self._said(count)
        if before is not None:
            return before
        if count == self._looked or not due(count, len(space.axes)):
            return ""
        self._looked = count
        seed = Seed(self._machine.setup.seed).child("stopping")
        found = enough(history, space, seed, self._min_gain)
        if found is None:
            return ""
        write([r.Noted(kind="stop", data={**found, "counted": count})])
        return found["why"]

    def _said(self, count: int) -> str | None:
        """What was stored about so many trials, or a few less: those that ran on while it was decided."""
        for note in reversed(self._machine.history.notes):
            data: Any = note.data
            if note.kind == "stop" and data.get("min_gain") == self._min_gain and "counted" in data:
                return str(data["why"]) if count < data["counted"] + 5 else None
        return None
