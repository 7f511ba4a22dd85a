"""Every executor keeps the contract; processes also survive what trials do to them."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from modelwright.core.errors import StudyError
from modelwright.core.records import Outcome, Task
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.serial import SerialExecutor
from modelwright.testing.executor import ExecutorContract, Listener


class TestSerial(ExecutorContract):
    make = staticmethod(SerialExecutor)


class TestTwoProcesses(ExecutorContract):
    make = staticmethod(lambda: ProcessExecutor(2))


class Runs:
    """A runnable made of a function."""

    def __init__(self, function):
        self.function = function

    def estimate(self, task, reporter):
        return self.function(task, reporter)

    def close(self):
        pass


def run(executor, function, tasks):
    executor.open(Runs(function))
    listener, waiting = Listener(), list(tasks)
    try:
        while len(listener.outcomes) + len(listener.losses) < len(tasks):
            while waiting and executor.free:
                executor.submit(waiting.pop(0))
            executor.poll(listener, 30)
    finally:
        executor.close(now=True)
    return listener


@pytest.mark.parametrize(
    ("kill", "kind"), [(signal.SIGKILL, "killed"), (signal.SIGSEGV, "signal"), (signal.SIGABRT, "signal")]
)
def test_a_worker_that_dies_loses_its_task_and_no_other(kill, kind):
    def function(task, reporter):
        if task.number == 1:
            os.kill(os.getpid(), kill)
        return Outcome(metrics={"pid": float(os.getpid())})

    listener = run(ProcessExecutor(1), function, [Task(number=i) for i in range(3)])
    assert list(listener.losses) == [1] and sorted(listener.outcomes) == [0, 2]
    assert listener.losses[1].kind == kind and kill.name in listener.losses[1].type


def test_a_worker_that_exits_by_itself_is_told_with_its_code():
    listener = run(ProcessExecutor(1), lambda task, reporter: os._exit(7), [Task(number=0)])
    assert "code 7" in listener.losses[0].message


def test_large_arrays_are_shared_by_memory_map_and_small_ones_are_equal():
    large, small = np.arange(1_000_000, dtype=np.float32), np.arange(5)

    def function(task, reporter):
        mapped = isinstance(large, np.memmap) and not large.flags.writeable
        return Outcome(metrics={"sum": float(large.sum()), "small": float(small.sum()), "mapped": float(mapped)})

    listener = run(ProcessExecutor(1), function, [Task(number=0)])
    assert listener.outcomes[0].metrics == {"sum": float(large.sum()), "small": 10.0, "mapped": 1.0}


def test_workers_are_replaced_after_so_many_tasks():
    listener = run(
        ProcessExecutor(1, recycle_after=2),
        lambda task, reporter: Outcome(metrics={"pid": float(os.getpid())}),
        [Task(number=i) for i in range(4)],
    )
    pids = [listener.outcomes[i].metrics["pid"] for i in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_code_that_cannot_travel_is_refused_with_a_way_out():
    lock = threading.Lock()

    def function(task, reporter):
        with lock:
            return Outcome()

    with pytest.raises(StudyError, match="workers=1"):
        run(ProcessExecutor(1), function, [Task(number=0)])


def test_each_worker_is_bound_to_its_share_of_the_cores():
    def function(task, reporter):
        reporter.report(1, {"started": 1.0})
        return Outcome(note={"cores": sorted(os.sched_getaffinity(0)), "threads": os.environ["OMP_NUM_THREADS"]})

    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or "OMP_NUM_THREADS" in os.environ:
        pytest.skip("needs two cores and an environment that does not fix the number of threads")
    executor = ProcessExecutor(2)
    executor.open(Runs(function))
    for number in range(2):
        executor.submit(Task(number=number))
    listener = Listener()
    while len(listener.outcomes) < 2:
        executor.poll(listener, 30)
    executor.close()
    shares = [listener.outcomes[i].note["cores"] for i in range(2)]
    assert not set(shares[0]) & set(shares[1])
    assert all(int(listener.outcomes[i].note["threads"]) == len(shares[i]) for i in range(2))


def test_workers_go_with_a_killed_parent(tmp_path):
    script = textwrap.dedent(
        """
        import os, time
        from modelwright.core.records import Outcome, Task
        from modelwright.execute.processes import ProcessExecutor
        from modelwright.testing.executor import Listener

        class Sleeps:
            def estimate(self, task, reporter):
                reporter.report(1, {"pid": os.getpid()})
                time.sleep(60)
            def close(self): pass

        class Tells(Listener):
            def reported(self, number, step, metrics, fidelity):
                print(int(metrics["pid"]), flush=True)
                return "go"

        executor = ProcessExecutor(1)
        executor.open(Sleeps())
        executor.submit(Task(number=0))
        while True:
            executor.poll(Tells(), 1)
        """
    )
    path = tmp_path / "parent.py"
    path.write_text(script)
    process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True)
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            break
        with open(f"/proc/{worker}/stat") as stat:
            if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                break
        signal.sigtimedwait([], 0.05)
    else:
        pytest.fail("the worker outlived its parent")
    assert process.returncode == -signal.SIGKILL


def test_a_worker_that_is_still_starting_is_not_waited_for():
    executor = ProcessExecutor(2)
    executor.open(Runs(lambda task, reporter: Outcome()))
    processes = [worker.process for worker in executor._workers]
    assert not any(worker.ready for worker in executor._workers)
    executor.close()
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 2


def test_a_task_says_how_long_it_waited_for_its_worker_to_start():
    waited = lambda task, reporter: Outcome(metrics={"waited": task.waited})  # noqa: E731
    found = run(ProcessExecutor(1), waited, [Task(number=0), Task(number=1)])
    first, second = (found.outcomes[number].metrics["waited"] for number in (0, 1))
    assert first > 0.05 > second >= 0
