"""Confirmation: the top few run again with other seeds, since the best of many noisy values flatters itself.

What a selection has looked at is no estimate of how good it is (Cawley and Talbot, JMLR 11, 2010, section 5). The
fresh runs are stored as notes and decide the winner; the value that was selected on is kept beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from modelwright.core import records as r
from modelwright.core.history import History, Row, usable
from modelwright.core.rng import Seed
from modelwright.execute.base import Executor
from modelwright.study.budget import Budget
from modelwright.study.interrupts import OverTime
from modelwright.study.journal import Journal
from modelwright.study.supervision import CUT, Supervisor

#: Fresh runs of each configuration.
RUNS = 2


def confirm(
    journal: Journal, executor: Executor, count: int, runs: int = RUNS, supervisor: Supervisor | None = None
) -> None:
    """Run the best ``count`` trials ``runs`` times each with fresh seeds; runs that are stored already are kept.

    Args:
        supervisor: who says when there is no time for them any more; what is left out then is noted, and made up for
            when the study goes on.
    """
    history = journal.machine.history
    done = {(n.data["number"], n.data["run"]) for n in history.notes if n.kind == "confirm"}
    watched = supervisor or Supervisor(journal, executor, Budget())
    journal.begin()
    try:
        queue = [(row, run) for run in range(runs) for row in _top(history, count) if (row.number, run) not in done]
        handler = _Confirming(journal)
        while queue or handler.running:
            if watched.hear() and watched.stopping:
                handler.leave(queue)
            ready = [item for item in queue if item[0].number not in handler.running]
            while ready and executor.free > 0:
                row, run = ready.pop(0)
                queue.remove((row, run))
                if row.duration > watched.left + watched.patience:
                    handler.leave([(row, run)])
                    continue
                ready = [item for item in ready if item[0] is not row]
                handler.running[row.number] = (run, [])
                executor.submit(_fresh_task(journal, row, run))
            watched.look(dict.fromkeys(handler.running, 0.0))
            try:
                watched.poll(handler)
            except OverTime:
                handler.cut_off()
        if handler.left:
            journal.write([r.Noted(kind=CUT, data={"why": "no time to confirm", "confirm": handler.left})])
    finally:
        journal.end()


def seconds_to_confirm(history: History, count: int, slots: int, runs: int = RUNS) -> float:
    """How long it will take to confirm what is best so far, by what these trials took; 0 while none is complete."""
    took = [row.duration for row in _top(history, count)]
    if not took:
        return 0.0
    took += [sum(took) / len(took)] * (count - len(took))
    return runs * max(sum(took) / min(slots, count), max(took))


def _fresh_task(journal: Journal, row: Row, run: int) -> r.Task:
    task = journal.machine.task(row.number, str(journal.folder(row.number)))
    seed = Seed(task.seed).child("confirm", run).integer()
    return replace(task, segment=0, seed=seed, start=0.0, stop=row.fidelity, checkpoint=None, artifacts={})


def _top(history: History, count: int) -> list[Row]:
    made = history.objectives[0]
    rows = [row for row in history.rows if usable(row) and row.state == "complete"]
    return sorted(rows, key=lambda row: (-made.score(row.values[0]) if row.values else 0.0, row.number))[:count]


class _Confirming:
    """Collects what the fresh runs say; they are no trials of their own."""

    def __init__(self, journal: Journal):
        self.running: dict[int, tuple[int, list[float]]] = {}
        #: Trial and run of what there was no time for.
        self.left: list[tuple[int, int]] = []
        self._journal = journal
        self._made = journal.machine.setup.objectives[0]

    def traced(self, number: int, config: r.Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        """The configuration is known already."""

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> r.Decision:
        value = metrics.get(self._made.name, math.nan)
        if math.isfinite(value):
            self.running[number][1].append(value)
        return "go"

    def ended(self, number: int, outcome: r.Outcome) -> None:
        run, seen = self.running.pop(number)
        value = outcome.metrics.get(self._made.name)
        if value is None:
            value = max(seen, key=self._made.score) if seen else math.nan
        data = {"number": number, "run": run, "value": float(value), "state": outcome.state}
        self._journal.write([r.Noted(kind="confirm", data=data)], durable=True)

    def leave(self, items: list[tuple[Row, int]]) -> None:
        """Runs that are not begun."""
        self.left += [(row.number, run) for row, run in items]
        items.clear()

    def cut_off(self, number: int | None = None) -> None:
        """A run, or all that run, were ended though they are not over."""
        for each in [number] if number is not None else list(self.running):
            self.left.append((each, self.running.pop(each)[0]))

    def lost(self, number: int, failure: r.Failure) -> None:
        if failure.kind == CUT:
            self.cut_off(number)
            return
        self.ended(number, r.Outcome(state="failed", error=failure))
