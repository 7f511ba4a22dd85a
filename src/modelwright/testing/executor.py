"""The contract of an executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from modelwright.core.errors import MediumError
from modelwright.core.records import Outcome, Task
from modelwright.execute.base import Executor


class Steps:
    """A runnable that counts to ``config["steps"]``, reporting each step, and obeys."""

    def estimate(self, task: Task, reporter: Any) -> Outcome:
        reporter.traced(task.config, ({"name": "steps"},))
        steps: Any = task.config["steps"]
        for step in range(1, steps + 1):
            decision = reporter.report(step, {"loss": 1.0 / step}, step / 10)
            if decision != "go":
                return Outcome(state="paused" if decision == "pause" else "pruned", metrics={"at": step})
        return Outcome(metrics={"loss": 0.5, "seed": float(task.seed)})

    def close(self) -> None:
        """Nothing is kept."""


class Full:
    """A runnable that cannot write what it has to keep."""

    def estimate(self, task: Task, reporter: Any) -> Outcome:
        raise MediumError("the disk is full")

    def close(self) -> None:
        """Nothing is kept."""


class Listener:
    """A handler that writes down what it is told and pauses or stops on demand."""

    def __init__(self, decide: Callable[[int, int], Any] = lambda number, step: "go"):
        self.decide = decide
        self.traces: dict[int, Any] = {}
        self.reports: dict[int, list[Any]] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.losses: dict[int, Any] = {}

    def traced(self, number: int, config: Any, parameters: Sequence[Any]) -> None:
        self.traces[number] = (dict(config), tuple(parameters))

    def reported(self, number: int, step: int, metrics: Mapping[str, float], fidelity: float | None) -> Any:
        self.reports.setdefault(number, []).append((step, dict(metrics), fidelity))
        return self.decide(number, step)

    def ended(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome

    def lost(self, number: int, failure: Any) -> None:
        self.losses[number] = failure


class ExecutorContract:
    """Set ``make``: a function without arguments that returns a new executor."""

    make: Callable[[], Executor]

    @pytest.fixture
    def executor(self):
        made = self.make()
        yield made
        made.close(now=True)

    def _run(self, executor: Executor, tasks: list[Task], listener: Listener) -> None:
        waiting = list(tasks)
        while len(listener.outcomes) + len(listener.losses) < len(tasks):
            while waiting and executor.free > 0:
                executor.submit(waiting.pop(0))
            executor.poll(listener, 30)

    def test_every_task_is_traced_reported_and_ended_once(self, executor):
        executor.open(Steps())
        listener = Listener()
        self._run(executor, [Task(number=i, config={"steps": i}, seed=i) for i in range(5)], listener)
        assert sorted(listener.outcomes) == list(range(5))
        for i in range(5):
            assert listener.traces[i] == ({"steps": i}, ({"name": "steps"},))
            assert [step for step, _, _ in listener.reports.get(i, [])] == list(range(1, i + 1))
            assert listener.outcomes[i].metrics == {"loss": 0.5, "seed": float(i)}

    def test_decisions_reach_the_task_at_the_report_they_answer(self, executor):
        executor.open(Steps())
        listener = Listener(lambda number, step: {0: "pause", 1: "stop"}[number] if step == 3 else "go")
        self._run(executor, [Task(number=i, config={"steps": 9}) for i in range(2)], listener)
        assert listener.outcomes[0].state == "paused" and listener.outcomes[1].state == "pruned"
        assert len(listener.reports[0]) == len(listener.reports[1]) == 3

    def test_free_counts_down_to_zero_and_back(self, executor):
        executor.open(Steps())
        assert executor.free == executor.slots
        for i in range(executor.slots):
            executor.submit(Task(number=i, config={"steps": 1}))
        assert executor.free == 0
        listener = Listener()
        while len(listener.outcomes) < executor.slots:
            executor.poll(listener, 30)
        assert executor.free == executor.slots

    def test_polling_without_tasks_returns_at_once(self, executor):
        executor.open(Steps())
        executor.poll(Listener(), 60)
        assert executor.free == executor.slots

    def test_an_exception_in_the_handler_comes_out_of_poll(self, executor):
        class Refuses(Listener):
            def ended(self, number, outcome):
                raise KeyError("refused")

        executor.open(Steps())
        executor.submit(Task(number=0, config={"steps": 0}))
        with pytest.raises(KeyError, match="refused"):
            for _ in range(100):
                executor.poll(Refuses(), 30)

    def test_a_disk_that_takes_no_more_ends_the_task_without_an_outcome_and_comes_out_of_poll(self, executor):
        executor.open(Full())
        executor.submit(Task(number=0, config={}))
        listener = Listener()
        with pytest.raises(MediumError, match="the disk is full"):
            for _ in range(100):
                executor.poll(listener, 30)
        assert not listener.outcomes and not listener.losses and executor.free == executor.slots

    def test_closing_twice_is_harmless(self, executor):
        executor.open(Steps())
        executor.close()
        executor.close()
        assert executor.slots >= 1
