"""A table as an estimation: what each configuration scored, looked up. For benchmarks, and for tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelwright.core.records import Artifact, Config, Failure, Outcome, Task
from modelwright.estimation.base import Estimation, Reporter


class LookupTable(Estimation):
    """Answers from a table of learning curves, epoch by epoch, as if it trained.

    Args:
        curves: configuration -> the metric after each step; or a function of the configuration that returns it.
        metric: the name under which it is reported.
        key: turns a configuration into a key of ``curves``.
        parameters: specifications of the parameters, told as the trace of each trial.

    A configuration that the table lacks is infeasible.

    >>> table = LookupTable({(1,): [0.5, 0.7]}, metric="acc", key=lambda c: (c["x"],))
    >>> table.steps
    2
    """

    resumable = True

    def __init__(
        self,
        curves: Mapping[Any, Sequence[float]] | Callable[[Config], Sequence[float]],
        *,
        metric: str = "value",
        key: Callable[[Config], Any] = lambda config: tuple(sorted(config.items())),
        parameters: Sequence[Mapping[str, Any]] = (),
        steps: int | None = None,
    ):
        self.curves, self.metric, self.key, self.parameters = curves, metric, key, tuple(parameters)
        self.steps = steps or (len(next(iter(curves.values()))) if isinstance(curves, Mapping) and curves else 1)

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        reporter.traced(task.config, self.parameters)
        try:
            curve = self.curves(task.config) if callable(self.curves) else self.curves[self.key(task.config)]
        except KeyError as error:
            missing = Failure(kind="infeasible", type="KeyError", message=f"the table has no {error}")
            return Outcome(state="infeasible", error=missing)
        steps = self.steps or len(curve)
        step, last = round(task.start * steps), max(1, round(task.stop * steps))
        while step < min(last, len(curve)):
            step += 1
            decision = reporter.report(step, {self.metric: float(curve[step - 1])}, step / steps)
            if decision != "go":
                state = "paused" if decision == "pause" else "pruned"
                return Outcome(state=state, fidelity=step / steps, artifacts=_NOTHING_TO_KEEP)
        return Outcome(state="complete", fidelity=task.stop, artifacts=_NOTHING_TO_KEEP)


_NOTHING_TO_KEEP = {"checkpoint": Artifact(path="")}
