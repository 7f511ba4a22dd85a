"""The contract of an executor: runs tasks somewhere and brings back what they say.

Does not know what a task computes, nor what its reports mean. ``modelwright.testing.ExecutorContract`` checks it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from modelwright.core.records import Config, Decision, Failure, Outcome, Task


class Runnable(Protocol):
    """What an executor runs: an estimation."""

    def estimate(self, task: Task, reporter: Any) -> Outcome: ...

    def close(self) -> None: ...


class Handler(Protocol):
    """Who is told what running tasks say; always called in the thread that called ``poll``."""

    def traced(self, number: int, config: Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        """The configuration that really runs is known."""
        ...

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> Decision:
        """A running task measured something and waits for the answer."""
        ...

    def ended(self, number: int, outcome: Outcome) -> None:
        """A task is over."""
        ...

    def lost(self, number: int, failure: Failure) -> None:
        """Whoever ran the task is gone without an outcome."""
        ...


class Usage(NamedTuple):
    """What a running task has used so far.

    Attributes:
        seconds: since it began to run in a worker that was ready.
        held: bytes that its processes hold now; 0 where the system does not tell.
        peak: the most bytes that they were seen to hold during the task; 0 where the system does not tell.
    """

    seconds: float
    held: int = 0
    peak: int = 0


class Executor(ABC):
    """Runs tasks, ``slots`` at a time.

    The life of one: ``open`` once, then ``submit`` while ``free`` is positive and ``poll`` in turn, then ``close``.
    """

    #: Tasks that may run at the same time.
    slots: int = 1
    #: Whether tasks run in processes of their own, which ``usage`` looks into and ``cancel`` ends.
    separate: bool = False

    @abstractmethod
    def open(self, runnable: Runnable) -> None:
        """Get ready to run tasks of ``runnable``."""

    @property
    @abstractmethod
    def free(self) -> int:
        """How many more tasks may be submitted now."""

    @abstractmethod
    def submit(self, task: Task) -> None:
        """Take a task; it may start at once or in ``poll``."""

    @abstractmethod
    def poll(self, handler: Handler, timeout: float | None = None) -> None:
        """Run, or wait up to ``timeout`` seconds (None: for ever) for something to happen, and tell ``handler``.

        Returns after at least one message was handled, at the timeout, or at once when nothing is running.
        An exception that ``handler`` raises comes out of ``poll``, and so does a ``MediumError`` that a task ends with.
        """

    def usage(self, number: int) -> Usage | None:
        """What a running task has used; None where that is not known, or it has not begun yet."""
        return None

    def cancel(self, number: int, failure: Failure, grace: float = 5.0) -> None:
        """End a running task from outside: its processes are asked to end, and killed after ``grace`` seconds.

        A later ``poll`` tells ``lost(number, failure)``, or the task's own end where that was faster. Only where tasks
        are ``separate``; elsewhere nothing happens, since nothing can end a task but itself.
        """

    @abstractmethod
    def close(self, *, now: bool = False) -> None:
        """Stop; ``now`` kills what is running. Closing twice is harmless."""
