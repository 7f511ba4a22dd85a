"""Runs tasks one after the other, in the user's own thread: the reference, and the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.records import Config, Decision, Task
from modelwright.execute.base import Executor, Handler, Runnable


class SerialExecutor(Executor):
    """One task at a time, run inside ``poll``; reports go straight to the handler."""

    slots = 1

    def __init__(self) -> None:
        self._runnable: Runnable | None = None
        self._queue: list[Task] = []

    def open(self, runnable: Runnable) -> None:
        self._runnable = runnable

    @property
    def free(self) -> int:
        return 1 - len(self._queue)

    def submit(self, task: Task) -> None:
        self._queue.append(task)

    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        if not self._queue:
            return
        assert self._runnable is not None, "open() comes first"
        task = self._queue[0]
        try:
            outcome = self._runnable.estimate(task, _Direct(handler, task.number))
        finally:
            self._queue.pop(0)
        handler.ended(task.number, outcome)

    def close(self, *, now: bool = False) -> None:
        if self._runnable is not None:
            self._runnable.close()
            self._runnable = None


class _Direct:
    """A reporter that calls the handler."""

    def __init__(self, handler: Handler, number: int):
        self._handler, self._number = handler, number

    def traced(self, config: Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._handler.traced(self._number, config, parameters)

    def report(self, step: int, metrics: Mapping[str, float], fidelity: float | None = None) -> Decision:
        return self._handler.reported(self._number, step, metrics, fidelity)
