"""Trials on a real Ray cluster of this host: the contract, workers that die, files that travel."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'modelwright[ray]'")

import modelwright as mw  # noqa: E402
from modelwright.core.errors import ArgumentError, StudyError  # noqa: E402
from modelwright.core.records import Artifact, Outcome, Task  # noqa: E402
from modelwright.execute.ray import RayExecutor  # noqa: E402
from modelwright.execute.ray_cluster import connect  # noqa: E402
from modelwright.testing.executor import ExecutorContract, Listener  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """One cluster for all tests: starting it takes seconds."""
    connect(None, quiet=True, runtime_env=None)
    yield
    ray.shutdown()


class TestRay(ExecutorContract):
    make = staticmethod(lambda: RayExecutor(slots=2, cpus_per_trial=0.5, quiet=True))


class Runs:
    """A runnable made of a function."""

    def __init__(self, function):
        self.function = function

    def estimate(self, task, reporter):
        return self.function(task, reporter)

    def close(self):
        pass


def run(executor, function, tasks, listener=None):
    executor.open(Runs(function))
    listener, waiting = listener or Listener(), list(tasks)
    try:
        while len(listener.outcomes) + len(listener.losses) < len(tasks):
            while waiting and executor.free:
                executor.submit(waiting.pop(0))
            executor.poll(listener, 30)
    finally:
        executor.close(now=True)
    return listener


def ended(pid):
    """Whether a process is gone, or only waits for somebody to read its exit code."""
    psutil = pytest.importorskip("psutil")
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def quiet(slots=1, **options):
    return RayExecutor(slots=slots, cpus_per_trial=0.5, quiet=True, **options)


def test_a_killed_actor_loses_its_trial_and_takes_its_process_along():
    def function(task, reporter):
        if task.number == 1:
            reporter.report(1, {"worker": float(os.getpid()), "actor": float(os.getppid())})
            signal.pause()
        return Outcome(metrics={"ok": 1.0})

    class Kills(Listener):
        def reported(self, number, step, metrics, fidelity):
            self.worker = int(metrics["worker"])
            os.kill(int(metrics["actor"]), signal.SIGKILL)
            return "go"

    listener = run(quiet(), function, [Task(number=i) for i in range(3)], Kills())
    assert sorted(listener.outcomes) == [0, 2] and list(listener.losses) == [1]
    assert listener.losses[1].kind == "killed" and "Ray worker" in listener.losses[1].message
    assert ended(listener.worker)


def test_a_trial_that_ends_its_own_process_is_lost_with_the_signal_and_the_actor_goes_on():
    def function(task, reporter):
        if task.number == 0:
            os.kill(os.getpid(), signal.SIGSEGV)
        return Outcome(metrics={"actor": float(os.getppid())})

    listener = run(quiet(), function, [Task(number=i) for i in range(2)])
    assert listener.losses[0].type == "SIGSEGV" and listener.losses[0].kind == "signal" and 1 in listener.outcomes


def test_workers_stay_and_arrays_reach_them_once_as_read_only_maps():
    large = np.arange(1_000_000, dtype=np.float32)

    def function(task, reporter):
        mapped = isinstance(large, np.memmap) and not large.flags.writeable
        return Outcome(metrics={"sum": float(large.sum()), "mapped": float(mapped), "pid": float(os.getpid())})

    listener = run(quiet(), function, [Task(number=i) for i in range(3)])
    found = [outcome.metrics for outcome in listener.outcomes.values()]
    assert all(m["sum"] == float(large.sum()) and m["mapped"] for m in found) and len({m["pid"] for m in found}) == 1


@pytest.mark.parametrize("shared", [None, False])
def test_what_a_trial_needs_goes_to_its_worker_and_what_it_leaves_comes_back(tmp_path, shared):
    folder = tmp_path / "trial-00000"
    folder.mkdir()
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/before").write_bytes(b"state")
    (folder / "own").write_text("kept")

    def function(task, reporter):
        from pathlib import Path

        here = Path(task.folder)
        found = (here.parent / task.checkpoint.path).read_bytes() + (here / "own").read_bytes()
        (here / "found").write_bytes(found)
        (here.parent / "artifacts").mkdir(exist_ok=True)
        (here.parent / "artifacts" / "after").write_bytes(b"later")
        return Outcome(
            metrics={"there": float(here == folder)}, artifacts={"checkpoint": Artifact(path="artifacts/after")}
        )

    task = Task(number=0, folder=str(folder), checkpoint=Artifact(path="artifacts/before"))
    listener = run(quiet(shared_folder=shared), function, [task])
    assert listener.outcomes[0].metrics["there"] == float(shared is None)
    assert (folder / "found").read_bytes() == b"statekept" and (tmp_path / "artifacts/after").read_bytes() == b"later"


def test_a_task_is_measured_and_ended_from_outside():
    from modelwright.core.records import Failure

    executor = quiet()

    class Ends(Listener):
        def reported(self, number, step, metrics, fidelity):
            executor.cancel(number, Failure(kind="timeout", message="enough"), grace=0.5)
            return "go"

    def function(task, reporter):
        reporter.report(1, {})
        signal.pause()

    listener = run(executor, function, [Task(number=0)], Ends())
    assert listener.losses[0].kind == "timeout"


def test_a_whole_search_runs_on_ray():
    study = mw.tune(
        lambda hp: (hp.Float("x", -5, 5) - 2) ** 2,
        objective="minimize",
        trials=8,
        strategy="random",
        executor="ray",
        workers=2,
        store=":memory:",
        verbose=0,
    )
    assert [trial.state for trial in study.trials] == ["complete"] * 8


def test_a_trial_that_no_node_has_room_for_is_refused_with_what_there_is():
    with pytest.raises(StudyError, match=r"no node .* has room for a trial \(1 CPU, 64 GPU\).*CPU"):
        RayExecutor(gpus_per_trial=64).open(Runs(None))


def test_another_cluster_than_the_one_this_process_is_connected_to_is_refused():
    with pytest.raises(StudyError, match=r"connected to the Ray cluster 127\.0\.0\.1:\d+, not 10\.0\.0\.7:6379"):
        RayExecutor("10.0.0.7:6379").open(Runs(None))


@pytest.mark.parametrize("argument", [{"cpus_per_trial": 0}, {"gpus_per_trial": -1}, {"memory": 0}, {"slots": 0.5}])
def test_numbers_that_make_no_sense_are_refused(argument):
    with pytest.raises(ArgumentError, match=next(iter(argument))):
        RayExecutor(**argument)


def test_a_local_cluster_listens_on_the_loopback_interface_alone_asks_for_a_token_and_sends_no_statistics():
    from ray._common.usage.usage_lib import usage_stats_enabled
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    psutil = pytest.importorskip("psutil")
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0" and not usage_stats_enabled() and is_token_auth_enabled()
    ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = {
        c.laddr.ip
        for process in ours
        if process.is_running()
        for c in process.net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    }
    assert listening and listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_ray_that_is_not_installed_is_named_with_the_extra():
    code = "import sys; sys.modules['ray'] = None; from modelwright.execute.ray import RayExecutor as R; R().open(None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'modelwright[ray]'" in done.stderr
