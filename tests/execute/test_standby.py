"""Workers that stay between one part of the work and the next."""

import os

import pytest

from modelwright.core.records import Outcome, Task
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.standby import Standby
from modelwright.study.logs import Logged
from modelwright.testing.executor import ExecutorContract, Listener


class TestStandby(ExecutorContract):
    make = staticmethod(lambda: Standby(ProcessExecutor, 2))


class Pids:
    """Says in which process a task ran."""

    resumable, steps = False, 1

    def estimate(self, task, reporter):
        return Outcome(metrics={"pid": float(os.getpid())})

    def close(self):
        pass


def pids(executor, runnable, tasks):
    executor.open(runnable)
    listener, waiting = Listener(), [Task(number=number) for number in range(tasks)]
    while len(listener.outcomes) < tasks:
        while waiting and executor.free:
            executor.submit(waiting.pop(0))
        executor.poll(listener, 30)
    executor.close()
    return {int(one.metrics["pid"]) for one in listener.outcomes.values()}


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("seen", [lambda runnable: runnable, Logged])
def test_workers_stay_until_it_is_left(seen):
    runnable = Pids()
    with Standby(ProcessExecutor) as standby:
        (first,) = pids(standby, seen(runnable), 2)
        assert standby.standing == 1 and alive(first)
        assert pids(standby, seen(runnable), 3) == {first}
    assert standby.standing == 0 and not alive(first)


@pytest.mark.parametrize("change", ["slots", "runnable", "now"])
def test_workers_go_where_others_are_wanted(change):
    runnable = Pids()
    with Standby(ProcessExecutor) as standby:
        (first,) = pids(standby, runnable, 1)
        if change == "slots":
            standby.of(2)
        elif change == "runnable":
            runnable = Pids()
        else:
            standby.close(now=True)
            assert not alive(first)
        assert first not in pids(standby, runnable, 1)
        assert not alive(first)


def test_what_still_runs_is_no_worker_to_keep():
    class Waits(Pids):
        def estimate(self, task, reporter):
            reporter.report(1, {"started": 1.0})
            return Outcome(metrics={"pid": float(os.getpid())})

    with Standby(ProcessExecutor) as standby:
        standby.open(Waits())
        standby.submit(Task(number=0))
        standby.close()
        assert standby.standing == 0
