"""The contract of an executor: runs tasks somewhere and brings back what they say.

Does not know what a task computes, nor what its reports mean. ``modelwright.testing.ExecutorContract`` checks it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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


class Executor(ABC):
    """Runs tasks, ``slots`` at a time.

    The life of one: ``open`` once, then ``submit`` while ``free`` is positive and ``poll`` in turn, then ``close``.
    """

    #: Tasks that may run at the same time.
    slots: int = 1

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

    @abstractmethod
    def close(self, *, now: bool = False) -> None:
        """Stop; ``now`` kills what is running. Closing twice is harmless."""
