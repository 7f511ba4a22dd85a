"""Workers that stay between one part of the work and the next, which needs no time to start them then."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from modelwright.core.records import Failure, Task
from modelwright.execute.base import Executor, Handler, Runnable, Usage


class Standby(Executor):
    """Another executor, of which ``close`` keeps the workers: they go where it is left, or is to close at once.

    Opened again for an equal runnable it goes on with those that are there.

    Args:
        made: makes the executor for so many slots, also where its workers are gone.
        slots: how many, until ``of`` says another number.

    >>> from modelwright.execute.serial import SerialExecutor
    >>> with Standby(lambda slots: SerialExecutor()) as standby:
    ...     standby.slots, standby.standing
    (1, 0)
    """

    def __init__(self, made: Callable[[int], Executor], slots: int = 1):
        self._made, self.slots = made, slots
        self._now: Executor | None = None
        self._runnable: Runnable | None = None
        self._open = False

    @property
    def _own(self) -> Executor:
        if self._now is None:
            self._now = self._made(self.slots)
        return self._now

    @property
    def separate(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._own.separate

    def of(self, slots: int) -> Standby:
        """This one with so many slots; where it has others its workers go."""
        if slots != self.slots:
            self.dismiss()
            self.slots, self._now = slots, None
        return self

    @property
    def standing(self) -> int:
        """How many workers are there, or on their way."""
        return self.slots if self._open else 0

    def open(self, runnable: Runnable) -> None:
        if self._open and self._runnable == runnable:
            return
        self.dismiss()
        self._own.open(runnable)
        self._runnable, self._open = runnable, True

    @property
    def free(self) -> int:
        return self._own.free

    def submit(self, task: Task) -> None:
        self._own.submit(task)

    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        self._own.poll(handler, timeout)

    def usage(self, number: int) -> Usage | None:
        return self._own.usage(number)

    def cancel(self, number: int, failure: Failure, grace: float = 5.0) -> None:
        self._own.cancel(number, failure, grace)

    def close(self, *, now: bool = False) -> None:
        if self._open and (now or self.free < self.slots):
            self._own.close(now=now)
            self._open, self._now = False, None

    def dismiss(self) -> None:
        """End the workers at once: they have nothing to do that they could lose."""
        self.close(now=True)

    def __enter__(self) -> Standby:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
