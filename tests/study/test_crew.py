"""Several processes run one study: the same script started again joins it. Real processes, real signals."""

import os
import platform
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import modelwright as mw
from modelwright.core import presence
from modelwright.core.errors import StudyError
from modelwright.store.memory import MemoryStore
from modelwright.store.sqlite import SqliteStore
from modelwright.study.crew import Crew, Lead

SCRIPT = """
    import os, sys, time
    import modelwright as mw

    folder, trials, waits = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"

    def function(hp, trial):
        x = hp.Float("x", -1.0, 1.0)
        with open(f"{folder}/ran", "a") as file:
            file.write(f"{trial.number} {os.getpid()}\\n")
        while waits and not os.path.exists(f"{folder}/go"):
            time.sleep(0.02)
        for step in range(1, 4):
            time.sleep(0.02)
            trial.report(step, loss=x * x + 1 / step)

    mw.tune(function, space=lambda hp: hp.Float("x", -1.0, 1.0), objective=mw.Minimize("loss"), strategy="random",
            trials=trials, store=f"{folder}/s.db", name="joint", seed=3, verbose=0)
"""


@pytest.fixture
def start(tmp_path):
    """Starts a member; all of them are gone at the end."""
    running = []

    def started(trials=20, waits=False, **environment):
        (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
        command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path), str(trials), str(waits)]
        process = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)
        running.append(process)
        return process

    yield started
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def ran(folder: Path) -> list[tuple[int, int]]:
    path = folder / "ran"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(number), int(process)) for number, process in map(str.split, lines)]


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def study_of(folder: Path):
    return mw.load_study("joint", folder / "s.db")


def test_two_processes_share_the_budget_and_run_nothing_twice(start, tmp_path):
    members = [start(60), start(60)]
    assert [member.wait(100) for member in members] == [0, 0]
    done = ran(tmp_path)
    assert sorted(number for number, _ in done) == list(range(60))
    assert {process for _, process in done} == {member.pid for member in members}
    study = study_of(tmp_path)
    assert [t.number for t in study.trials] == list(range(60))
    assert {t.state for t in study.trials} == {"complete"}


def test_what_they_try_does_not_depend_on_how_many_they_are(start, tmp_path):
    """Chance comes from the trial's number: random search proposes the same, whoever asks."""
    assert [member.wait(100) for member in (start(12), start(12))] == [0, 0]
    alone = mw.tune(
        lambda hp: hp.Float("x", -1.0, 1.0), objective="minimize", strategy="random", trials=12, seed=3,
        store=":memory:", verbose=0,
    )  # fmt: skip
    assert [t.config for t in study_of(tmp_path).trials] == [t.config for t in alone.trials]


def test_a_member_that_came_after_the_last_look_is_not_missed():
    """It has its lease before its first trial; a look that is older than both says nothing of it."""
    store = MemoryStore()
    study = store.create("a", {}, 0.0).id
    with Crew(store, study) as one, Crew(store, study) as two:
        assert one.alive(two.me)
    one.look()
    assert not one.alive(two.me)


def test_the_trial_of_a_killed_member_is_run_again_by_another_one(start, tmp_path):
    victim, other = start(10, True), start(10, True)
    wait_for(lambda: {process for _, process in ran(tmp_path)} == {victim.pid, other.pid})
    victim.kill()
    victim.wait()
    (tmp_path / "go").touch()
    left = [number for number, process in ran(tmp_path) if process == victim.pid][-1]
    assert other.wait(100) == 0
    assert (left, other.pid) in ran(tmp_path)
    study = study_of(tmp_path)
    assert [t.state for t in study.trials] == ["complete"] * 10
    assert study.trials[left]._row.attempt == 1


def test_a_member_that_slept_past_its_lease_loses_its_trial_and_its_late_result_is_kept_aside(start, tmp_path):
    setting = {"MODELWRIGHT_LEASE_SECONDS": "1"}
    sleeper, other = start(6, True, **setting), start(6, True, **setting)
    wait_for(lambda: {process for _, process in ran(tmp_path)} == {sleeper.pid, other.pid})
    os.kill(sleeper.pid, signal.SIGSTOP)
    (tmp_path / "go").touch()
    left = [number for number, process in ran(tmp_path) if process == sleeper.pid][-1]
    wait_for(lambda: (left, other.pid) in ran(tmp_path))
    os.kill(sleeper.pid, signal.SIGCONT)
    assert [sleeper.wait(100), other.wait(100)] == [0, 0]
    study = study_of(tmp_path)
    assert [t.state for t in study.trials] == ["complete"] * 6
    store = SqliteStore(tmp_path / "s.db")
    late = [event for event, _ in store.load(1) if getattr(event, "kind", "") == "late"]
    assert [note.data["number"] for note in late] == [left]
    finished = [event for event, _ in store.load(1) if type(event).__name__ == "Finished"]
    assert sorted(event.number for event in finished) == list(range(6)), "each ended once"


def test_a_trial_that_is_asked_by_hand_is_counted_by_all(tmp_path):
    hp = mw.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    one = mw.Study(hp, objective="minimize", strategy="random", store=tmp_path / "s.db", name="hand")
    two = mw.load_study("hand", tmp_path / "s.db")
    first, second, third = one.ask(), two.ask(), one.ask()
    assert [first.number, second.number, third.number] == [0, 1, 2]
    two.tell(second, 0.5)
    one.tell(first, 0.25)
    one.tell(third, 0.75)
    assert [t.value for t in mw.load_study("hand", tmp_path / "s.db").trials] == [0.25, 0.5, 0.75]
    assert two.ask().number == 3


# --- one that leads ------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
def study(request, tmp_path):
    store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "s.db")
    return store, store.create("s", {}, 0.0)


def test_one_session_leads_and_others_are_told_who(study):
    store, record = study
    with Lead(store) as one:
        one.take(record)
        one.take(record)  # again: nothing
        with Lead(store) as two, pytest.raises(StudyError, match=f"being run by process {os.getpid()}"):
            two.take(record)
        with pytest.raises(StudyError, match="being run"), Lead(store) as two:  # who was refused gave nothing back
            two.take(record)
        assert Crew(store, record.id).look() == set(), "who leads is no member"
    with Lead(store) as three:
        three.take(record)


def test_a_process_that_was_killed_is_gone_before_its_parent_asks_how_it_ended():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mark = f"runs {process.pid} {presence._started(process.pid)} {platform.node()} 1"
    assert not presence.gone_here(mark)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert presence.gone_here(mark)
    process.wait()
    assert presence.gone_here(mark)


def test_who_leads_stays_there_and_who_is_gone_is_followed_at_once(study):
    store, record = study
    with Lead(store, lasts=0.6) as one:
        one.take(record)
        time.sleep(1.5)
        with pytest.raises(StudyError), Lead(store) as two:
            two.take(record)
    store.hold(record.id, "lead", f"runs 1 never {platform.node()} 1", 60.0, {"host": platform.node(), "pid": 1})
    with Lead(store) as three:
        three.take(record)
    store.hold(record.id, "lead", "runs 1 never elsewhere 1", 60.0, {"host": "elsewhere", "pid": 1})
    with pytest.raises(StudyError, match=r"process 1 of elsewhere.* try again in (59|60) s"), Lead(store) as four:
        four.take(record)
