"""The contract of an estimation: how good a configuration is, and what it cost to know.

An estimation may be sent to another process; it must be picklable by cloudpickle and keeps its heavy parts lazy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from modelwright.core.records import Config, Decision, Outcome, Task


class Reporter(Protocol):
    """The way back from a running trial to its study."""

    def traced(self, config: Config, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Tell which configuration really runs, with the specifications of the parameters it asked for."""
        ...

    def report(self, step: int, metrics: Mapping[str, float], fidelity: float | None = None) -> Decision:
        """Tell a measurement; obey what comes back: "go", "pause" (checkpoint, then return) or "stop".

        Without metrics it is a question, of which nothing is kept.
        """
        ...


class Estimation(ABC):
    """Runs one segment of a trial and says how it went."""

    #: Whether a trial can end a segment below full fidelity and go on later from its checkpoint.
    resumable: bool = False
    #: Number of steps that fidelity 1 means, or None when fidelity means nothing here.
    steps: int | None = None

    @abstractmethod
    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        """Run ``task``; raise nothing that belongs to the user's code: turn it into the outcome's ``error``.

        ``reporter.traced`` is called once, before the first report.
        """

    def close(self) -> None:
        """Let go of what is kept between tasks."""
