"""What a trial may use: seconds and memory are held from outside, and what kills a trial never kills the search."""

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.records import Failure, Outcome, Task
from modelwright.execute.cgroup import out_of_memory_kills
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.session import can_measure, held
from modelwright.execute.threads import available_cores, available_memory, free_memory
from modelwright.testing.executor import Listener

linux = pytest.mark.skipif(not can_measure(), reason="this system does not tell what a process holds")


def tune(function, trials=4, **options):
    options = {"objective": "minimize", "strategy": "random", "store": ":memory:", "verbose": 0, **options}
    return mw.tune(function, trials=trials, **options)


def ended(study, number):
    """State and error of a trial; all others have to be complete."""
    rows = study._machine.history.rows
    assert {row.state for row in rows if row.number != number} == {"complete"}
    return rows[number]


def wait_until(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- row 17: hung trials ------------------------------------------------------------------------------


def sleep():
    time.sleep(1000)


def c_code_that_holds_the_interpreter():
    ctypes.PyDLL(None).pause()


def deadlocked():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def deaf_to_being_asked():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("hang", [sleep, c_code_that_holds_the_interpreter, deadlocked, deaf_to_being_asked, stopped])
def test_a_trial_that_hangs_is_ended_within_its_seconds_and_ten(hang):
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 1:
            hang()
        return x

    began = time.monotonic()
    study = tune(function, trials=3, trial_seconds=1)
    row = ended(study, 1)
    assert row.state == "failed" and row.error.kind == "timeout" and "trial_seconds=1" in row.error.message
    assert row.attempt == 0 and row.duration >= 1  # not tried again, and its time is known
    assert time.monotonic() - began < 25  # three trials, one of which may take 1 + 10


def test_the_seconds_of_a_trial_that_goes_on_are_those_of_all_its_segments():
    from modelwright.execute.base import Usage
    from modelwright.study.limits import Limits

    limits = Limits(seconds=10)
    assert limits.broken(Usage(9.0)) is None
    assert limits.broken(Usage(2.0), before=9.0).kind == "timeout"


def test_slow_configurations_do_not_end_a_search_but_only_slow_ones_do():
    def some(hp, trial):
        if trial.number < 3:
            time.sleep(60)
        return hp.Float("x", 0.0, 1.0)

    states = [trial.state for trial in tune(some, trials=5, trial_seconds=0.3).trials]
    assert states == ["failed"] * 3 + ["complete"] * 2

    def all_of_them(hp):
        hp.Float("x", 0.0, 1.0)
        time.sleep(60)

    with pytest.raises(StudyError, match="each of the first 10 trials .* longer than trial_seconds=0.2"):
        tune(all_of_them, trials=50, trial_seconds=0.2, workers=2)


@linux
def test_what_a_trial_started_ends_with_it(tmp_path):
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 0:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            (tmp_path / "child").write_text(str(child.pid))
            child.wait()
        return x

    study = tune(function, trials=2, trial_seconds=1.5)
    assert ended(study, 0).error.kind == "timeout"
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_there(child))


# --- row 15: memory -----------------------------------------------------------------------------------


@linux
def test_a_trial_over_its_memory_is_infeasible_with_its_peak_and_not_tried_again():
    def function(hp, trial):
        x, kept = hp.Float("x", 0.0, 1.0), []
        while trial.number == 1:
            kept.append(bytearray(16 << 20))
            time.sleep(0.01)
        return x

    row = ended(tune(function, trials=3, trial_memory="400MB"), 1)
    assert row.state == "infeasible" and row.error.kind == "memory_limit" and row.attempt == 0
    assert row.error.peak_bytes > 400e6 and "trial_memory=400 MB" in row.error.message


@linux
def test_memory_is_that_of_all_processes_of_a_trial_and_shared_pages_count_once():
    code = "import time; b = bytearray(200 << 20); print(1, flush=True); time.sleep(60)"
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for child in children:
            child.stdout.readline()
        assert 400e6 < held([child.pid for child in children]) < 560e6
    finally:
        for child in children:
            child.kill()
            child.wait()
            child.stdout.close()


def test_a_memory_error_is_infeasible_with_the_peak():
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 1:
            raise MemoryError
        return x

    for options in ({}, {"executor": "processes"}):
        row = ended(tune(function, trials=3, **options), 1)
        assert row.state == "infeasible" and row.error.kind == "memory"
        assert row.error.peak_bytes > 0 or not can_measure()


@linux
def test_the_peak_of_a_trial_is_not_that_of_the_one_before():
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 0:
            large = bytearray(600 << 20)
            del large
        if trial.number == 1:
            raise MemoryError
        return x

    row = ended(tune(function, trials=2, executor="processes"), 1)
    reset = 0 < row.error.peak_bytes < 500e6
    assert reset or not os.access("/proc/self/clear_refs", os.W_OK)


def own_memory_group() -> Path | None:
    """A folder in which a group with a limit of memory can be made, where this machine lets us."""
    from modelwright.execute.cgroup import groups

    for version, folder in groups("memory"):
        limit = folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")
        if version == 1 and os.access(folder / "cgroup.procs", os.W_OK) and os.access(limit, os.W_OK):
            return folder
    return None


@linux
def test_a_worker_that_the_kernel_kills_for_memory_is_infeasible_and_the_search_goes_on(tmp_path):
    around = own_memory_group()
    if around is None or out_of_memory_kills() is None:
        pytest.skip("no control group with a limit can be made here")
    group = around / f"modelwright-test-{os.getpid()}"
    group.mkdir()
    script = """
        import sys
        import modelwright as mw

        with open(sys.argv[1] + "/cgroup.procs", "w") as file:
            file.write("0")

        def function(hp, trial):
            x, kept = hp.Float("x", 0.0, 1.0), []
            while trial.number == 1:
                kept.append(bytearray(8 << 20))
            return x

        study = mw.tune(function, objective="minimize", strategy="random", trials=3, executor="processes",
                        store=":memory:", verbose=0)
        row = study._machine.history.rows[1]
        print(*[trial.state for trial in study.trials], row.error.kind, row.attempt, row.error.peak_bytes > 100e6)
    """
    try:
        (group / "memory.limit_in_bytes").write_text(str(400 << 20))
        (tmp_path / "script.py").write_text(textwrap.dedent(script))
        command = [sys.executable, str(tmp_path / "script.py"), str(group)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.stdout.split() == ["complete", "infeasible", "complete", "memory", "1", "True"], done.stderr
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text().split())
        group.rmdir()


# --- row 16: memory of an accelerator -----------------------------------------------------------------


class ResourceExhaustedError(Exception):
    """As TensorFlow's: derived from none of the usual errors."""


class OutOfMemoryError(RuntimeError):
    """As torch's."""


class XlaRuntimeError(RuntimeError):
    """As JAX'."""


@pytest.mark.parametrize(
    "error",
    [
        XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 80000000000 bytes."),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        ResourceExhaustedError("OOM when allocating tensor with shape[100000,100000]"),
    ],
)
def test_out_of_memory_of_an_accelerator_is_infeasible_and_the_worker_is_replaced(error, tmp_path):
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        (tmp_path / f"{trial.number}").write_text(str(os.getpid()))
        if trial.number == 1:
            raise error
        return x

    row = ended(tune(function, trials=3, executor="processes"), 1)
    assert row.state == "infeasible" and row.error.kind == "memory"
    first, second, third = ((tmp_path / str(number)).read_text() for number in range(3))
    assert first == second != third


# --- row 18: trials that end their process ------------------------------------------------------------


def segfault():
    ctypes.string_at(0)


def exits():
    os._exit(7)


@pytest.mark.parametrize(("fatal", "said"), [(segfault, "SIGSEGV"), (os.abort, "SIGABRT"), (exits, "code 7")])
def test_a_trial_that_ends_its_process_fails_with_the_reason_and_the_parent_lives(fatal, said):
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 1:
            fatal()
        return x

    row = ended(tune(function, trials=3, executor="processes"), 1)
    assert row.state == "failed" and row.error.kind == "signal" and said in row.error.message


def test_a_trial_whose_worker_is_killed_from_outside_again_and_again_is_lost_and_teaches_nothing():
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    row = ended(tune(function, trials=3, executor="processes"), 1)
    if out_of_memory_kills() is None:
        assert row.state == "infeasible"  # nobody can tell this from the system's kill
    else:
        assert row.state == "lost" and row.error.kind == "killed" and row.attempt == 3


def test_a_worker_that_dies_while_its_own_child_holds_the_connection_is_missed():
    def function(task, reporter):
        if task.number == 0:
            if os.fork() == 0:
                time.sleep(60)
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(metrics={"value": 1.0})

    executor = ProcessExecutor(1)
    executor.open(Runs(function))
    listener, waiting = Listener(), [Task(number=0), Task(number=1)]
    until = time.monotonic() + 30
    while len(listener.losses) + len(listener.outcomes) < 2 and time.monotonic() < until:
        while waiting and executor.free:
            executor.submit(waiting.pop(0))
        executor.poll(listener, 1)
    executor.close(now=True)
    assert list(listener.losses) == [0] and list(listener.outcomes) == [1]


# --- the executor -------------------------------------------------------------------------------------


class Runs:
    def __init__(self, function):
        self.function = function

    def estimate(self, task, reporter):
        return self.function(task, reporter)

    def close(self):
        pass


def test_a_task_that_is_cancelled_is_lost_with_the_reason_given_and_the_slot_is_free_again():
    executor = ProcessExecutor(1)
    executor.open(Runs(lambda task, reporter: time.sleep(60) if task.number == 0 else Outcome(metrics={"value": 1.0})))
    listener = Listener()
    executor.submit(Task(number=0))
    wait_until(lambda: executor.poll(listener, 0.1) or executor.usage(0) is not None)
    assert executor.usage(1) is None and executor.free == 0
    executor.cancel(0, Failure(kind="timeout", message="because"))
    wait_until(lambda: executor.poll(listener, 0.1) or bool(listener.losses))
    assert listener.losses[0].message == "because" and executor.free == 1
    executor.submit(Task(number=1))
    wait_until(lambda: executor.poll(listener, 0.1) or bool(listener.outcomes))
    executor.close()


def test_a_result_that_comes_while_its_worker_is_told_to_end_counts_and_the_slot_is_free_again():
    def deaf(task, reporter):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        reporter.report(1, {"value": 1.0})  # it is told to end before it has its answer
        return Outcome(metrics={"value": 1.0})

    executor = ProcessExecutor(1)
    late = Failure(kind="timeout", message="too late")
    listener = Listener(lambda number, step: executor.cancel(number, late, grace=300.0) if number == 0 else "go")
    executor.open(Runs(deaf))
    try:
        for number in (0, 1):
            assert executor.free == 1
            executor.submit(Task(number=number))
            wait_until(lambda number=number: executor.poll(listener, 0.1) or number in listener.outcomes)
        assert not listener.losses
    finally:
        executor.close(now=True)


@linux
def test_usage_tells_seconds_and_what_is_held():
    def function(task, reporter):
        kept = bytearray(300 << 20)
        time.sleep(60)
        return Outcome(metrics={"value": float(len(kept))})

    executor = ProcessExecutor(1)
    executor.open(Runs(function))
    executor.submit(Task(number=0))
    wait_until(lambda: executor.poll(Listener(), 0.1) or (executor.usage(0) or (0, 0))[1] > 300e6)
    used = executor.usage(0)
    assert used.peak >= used.held > 300e6 and 0 < used.seconds < 30
    executor.close(now=True)


# --- what may be asked for ----------------------------------------------------------------------------


@pytest.mark.parametrize("given", [0, -1, float("nan"), float("inf"), "soon", True, 10**400])
def test_seconds_that_make_no_sense_are_refused(given):
    with pytest.raises(ArgumentError, match="trial_seconds"):
        tune(lambda hp: hp.Float("x", 0, 1), trial_seconds=given)


@pytest.mark.parametrize("given", [0, -1, "much", "2 parsecs", "GB", float("nan"), True, "-2GB", [2]])
def test_memory_that_makes_no_sense_is_refused_with_the_units_that_do(given):
    with pytest.raises(ArgumentError, match=r"trial_memory.*GiB"):
        tune(lambda hp: hp.Float("x", 0, 1), trial_memory=given)


def test_trials_in_this_process_cannot_be_limited():
    with pytest.raises(ArgumentError, match="processes of their own"):
        tune(lambda hp: hp.Float("x", 0, 1), trial_seconds=5, executor="serial")


def test_with_limits_one_worker_is_a_process_and_what_cannot_travel_there_is_told_how():
    lock = threading.Lock()

    def function(hp):
        with lock:
            return hp.Float("x", 0.0, 1.0)

    with pytest.raises(StudyError, match=r"workers=1 and without trial_seconds"):
        tune(function, trial_seconds=5)
    assert tune(lambda hp: 0 * hp.Float("x", 0, 1) + os.getpid(), trials=1, trial_seconds=60).best.value != os.getpid()


def test_limits_may_be_changed_when_a_search_goes_on():
    def function(hp, trial):
        if trial.number == 1:
            time.sleep(1)
        return hp.Float("x", 0.0, 1.0)

    study = tune(function, trials=1, trial_seconds=0.2)
    study.resume(trials=2)
    assert study.trials[1].state == "failed"
    assert tune(function, trials=1).resume(trials=2, trial_seconds=30).trials[1].state == "complete"


# --- what there is ------------------------------------------------------------------------------------


def machine(root: Path, groups: str, mounts: str, **files: str) -> Path:
    """A root folder with the files given; names have their slashes as two underscores."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    (root / "proc/self/mountinfo").write_text(mounts)
    (root / "proc/meminfo").write_text("MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable: 9000000 kB\n")
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("~", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def test_nothing_limits_a_machine_without_groups(tmp_path):
    root = machine(tmp_path, "0::/\n", V2, **{"sys__fs__cgroup__cpu~max": "max 100000\n"})
    assert available_cores(root) == tuple(sorted(os.sched_getaffinity(0)))
    assert available_memory(root) == 16_000_000 * 1024


def test_the_tightest_of_a_group_and_its_ancestors_counts(tmp_path):
    top = "sys__fs__cgroup__"
    files = {
        f"{top}user__job__cpu~max": "800000 100000\n",
        f"{top}user__job__memory~max": "9000000000\n",
        f"{top}user__cpu~max": "100000 100000\n",
        f"{top}user__memory~max": "2000000000\n",
        f"{top}other__memory~max": "1\n",
        f"{top}user__job__memory~events": "low 0\noom 4\noom_kill 3\n",
    }
    root = machine(tmp_path, "0::/user/job\n", V2, **files)
    assert len(available_cores(root)) == 1
    assert available_memory(root) == 2_000_000_000
    assert out_of_memory_kills(root) == 3


def test_what_is_free_is_what_the_tightest_of_the_groups_has_left(tmp_path):
    top = "sys__fs__cgroup__"
    files = {
        f"{top}user__memory~max": "2000000000\n",
        f"{top}user__memory~current": "1500000000\n",
        f"{top}user__memory~stat": "anon 1000\ninactive_file 400000000\n",
    }
    assert free_memory(machine(tmp_path / "a", "0::/user\n", V2, **files)) == 900_000_000
    files[f"{top}user__memory~max"] = "max\n"
    assert free_memory(machine(tmp_path / "b", "0::/user\n", V2, **files)) == 9_000_000 * 1024


def test_the_first_version_is_read_where_its_controllers_are_mounted(tmp_path):
    mounts = (
        "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    )
    cpu, memory = "sys__fs__cgroup__cpu,cpuacct__a__", "sys__fs__cgroup__memory__"
    files = {
        f"{cpu}cpu~cfs_quota_us": "150000\n",
        f"{cpu}cpu~cfs_period_us": "100000\n",
        f"{memory}memory~limit_in_bytes": "9223372036854771712\n",
        f"{memory}b__memory~limit_in_bytes": "3000000000\n",
        f"{memory}b__c__memory~limit_in_bytes": "9223372036854771712\n",
        f"{memory}b__c__memory~oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    }
    root = machine(tmp_path, "4:memory:/b/c\n2:cpu,cpuacct:/a\n0::/\n", mounts, **files)
    assert len(available_cores(root)) == 1
    assert available_memory(root) == 3_000_000_000
    (root / "sys/fs/cgroup/memory/b/memory.usage_in_bytes").write_text("2500000000\n")
    (root / "sys/fs/cgroup/memory/b/memory.stat").write_text("inactive_file 7\ntotal_inactive_file 100000000\n")
    assert free_memory(root) == 600_000_000
    assert out_of_memory_kills(root) == 2


def test_a_container_sees_only_its_own_end_of_the_path(tmp_path):
    """As Docker mounts it: the path of the host in ``/proc``, and only what lies below it in the file system."""
    mounts = "35 31 0:32 /docker/0a1b /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    files = {"sys__fs__cgroup__memory__memory~limit_in_bytes": "1000000000\n"}
    assert available_memory(machine(tmp_path / "a", "4:memory:/docker/0a1b\n", mounts, **files)) == 1_000_000_000
    assert available_memory(machine(tmp_path / "b", "4:memory:/elsewhere\n", mounts, **files)) == 1_000_000_000


def test_a_machine_that_tells_nothing_is_taken_as_it_is(tmp_path):
    assert available_memory(tmp_path) is None
    assert free_memory(tmp_path) is None
    assert available_cores(tmp_path) == tuple(sorted(os.sched_getaffinity(0)))
    assert out_of_memory_kills(tmp_path) is None
