"""A search, or one trial of it, cancelled from elsewhere. Real processes, and SQLite."""

import subprocess
import sys
import textwrap
import threading
import time

import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.errors import ArgumentError, StudyError
from modelwright.core.objective import Objective
from modelwright.space import Tree
from modelwright.strategy.random import Random
from modelwright.study.machine import Machine, Setup

#: Trial 0 reports for as long as it may; trial 1 computes without a word; the others end at once.
SCRIPT = """
    import os, sys, time
    import modelwright as mw

    store, folder, options = sys.argv[1], sys.argv[2], eval(sys.argv[3])

    def function(hp, trial):
        x = hp.Float("x", -1.0, 1.0)
        open(f"{folder}/began-{trial.number}", "a").write("x")
        step = 0
        while trial.number < 2 and not os.path.exists(f"{folder}/go"):
            time.sleep(0.02)
            step += 1
            if trial.number == 0:
                trial.report(step, loss=x * x + 1 / step)
                if trial.should_stop():
                    return None
        return x * x

    study = mw.tune(function, objective=mw.Minimize("loss"), strategy="random", trials=6, store=store, name="c",
                    verbose=0, **options)
    print(study.stopped)
"""

COMMAND = "import sys; from modelwright.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def start(tmp_path):
    """Starts a search in another process, which is gone at the end."""
    running = []

    def started(store, **options):
        (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
        command = [sys.executable, str(tmp_path / "script.py"), str(store), str(tmp_path), repr(options)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield started
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def wait_for(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def states(store):
    return [trial.state for trial in mw.load_study("c", store).trials]


def cancelled(store, trial=None):
    return mw.load_study("c", store).cancel(trial)


def why(process):
    return process.communicate(timeout=60)[0].strip()


@pytest.mark.parametrize("options", [{}, {"workers": 2}])
def test_a_search_that_reports_stops_within_seconds_and_goes_on_later(start, tmp_path, options):
    store = tmp_path / "s.db"
    process = start(store, **options)
    wait_for((tmp_path / "began-0").exists)
    assert "the search stops: 1 session" in cancelled(store)
    assert why(process) == "cancelled"
    assert states(store)[0] == "running"  # nobody gave it up
    (tmp_path / "go").touch()
    assert "budget of trials" in why(start(store, **options))
    assert states(store) == ["complete"] * 6
    assert (tmp_path / "began-0").read_text() == "xx"


def test_a_trial_that_does_not_report_is_ended_with_its_process_after_ten_seconds(start, tmp_path):
    store = tmp_path / "s.db"
    process = start(store, workers=2)
    wait_for((tmp_path / "began-1").exists)
    began = time.monotonic()
    assert cancelled(store, 1) == "trial 1 is told to stop"
    wait_for(lambda: states(store)[1] == "lost")
    assert time.monotonic() - began > 9
    row = mw.load_study("c", store).trials[1]._row
    assert row.error.kind == "cancelled" and row.values is None and row.duration > 9
    (tmp_path / "go").touch()
    assert "budget of trials" in why(process)  # the search went on
    assert states(store) == ["complete", "lost", *["complete"] * 4]


def test_a_trial_that_does_not_report_is_interrupted_where_it_runs_in_the_search_itself(start, tmp_path):
    store = tmp_path / "s.db"
    process = start(store)
    wait_for((tmp_path / "began-0").exists)
    cancelled(store, 0)
    wait_for((tmp_path / "began-1").exists)
    cancelled(store)
    assert why(process) == "cancelled"
    assert states(store) == ["lost", "running"]
    process = start(store)
    wait_for(lambda: (tmp_path / "began-1").read_text() == "xx")
    cancelled(store, 1)
    assert "budget of trials" in why(process)  # the search went on
    assert states(store) == ["lost", "lost", *["complete"] * 4]


def test_one_trial_that_reports_stops_at_its_next_report_and_the_others_go_on(start, tmp_path):
    store = tmp_path / "s.db"
    process = start(store)
    wait_for((tmp_path / "began-0").exists)
    cancelled(store, 0)
    wait_for(lambda: states(store)[0] == "lost", 8)
    study = mw.load_study("c", store)
    assert study.trials[0]._row.reports  # what was measured is still there to look at
    (tmp_path / "go").touch()
    assert "budget of trials" in why(process)
    assert states(store) == ["lost", *["complete"] * 5]
    assert (tmp_path / "began-0").read_text() == "x"


def test_a_cancelled_trial_stays_cancelled_when_its_session_died_before_it_saw_that(start, tmp_path):
    store = tmp_path / "s.db"
    process = start(store, workers=2)
    wait_for((tmp_path / "began-1").exists)
    cancelled(store, 1)
    process.kill()
    process.wait()
    (tmp_path / "go").touch()
    assert "budget of trials" in why(start(store, workers=2))
    assert states(store) == ["complete", "lost", *["complete"] * 4]
    assert (tmp_path / "began-1").read_text() == "x"


def test_all_members_of_a_study_stop(start, tmp_path):
    store = tmp_path / "s.db"
    first = start(store)
    wait_for((tmp_path / "began-0").exists)
    second = start(store, workers=1, executor="processes")
    wait_for((tmp_path / "began-1").exists)
    assert "2 sessions" in cancelled(store)
    assert [why(first), why(second)] == ["cancelled", "cancelled"]


def test_the_command_line_cancels(start, tmp_path):
    store = tmp_path / "s.db"
    process = start(store)
    wait_for((tmp_path / "began-0").exists)
    command = [sys.executable, "-c", COMMAND, "cancel", "c", "--store", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "The search stops" in done.stdout + done.stderr, done.stderr
    assert why(process) == "cancelled"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "nobody runs it" in done.stderr


def test_another_thread_may_cancel_what_this_process_runs():
    began = threading.Event()

    def function(hp, trial):
        x, step = hp.Float("x", 0.0, 1.0), 0
        while trial.number == 1 and not trial.should_stop():
            began.set()
            time.sleep(0.01)
            step += 1
            trial.report(step, loss=x)
        return {"loss": x}

    study = mw.tune(function, objective=mw.Minimize("loss"), strategy="random", trials=1, store=":memory:", verbose=0)
    thread = threading.Thread(target=lambda: study.resume(trials=4))
    thread.start()
    assert began.wait(30)
    assert study.cancel(1) == "trial 1 is told to stop"
    thread.join(30)
    assert [trial.state for trial in study.trials] == ["complete", "lost", "complete", "complete"]


def test_trials_that_nobody_runs_are_cancelled_at_once():
    space = mw.HyperParameters()
    space.Float("x", 0.0, 1.0)
    study = mw.Study(space, objective="minimize", strategy="random", store=":memory:")
    trial = study.ask()
    assert study.cancel(trial) == "trial 0 is cancelled"
    assert study.trials[0].state == "lost" and study.trials[0]._row.error.kind == "cancelled"
    assert study.ask().number == 1


def test_a_paused_trial_keeps_what_it_was_worth_and_does_not_go_on():
    machine = Machine(Setup(space=Tree(), strategy=Random(), objectives=(Objective("loss", "min"),)))
    machine.apply([r.Proposed(number=0, config={}, fidelity=0.5), r.Started(number=0)])
    machine.apply(machine.finish(0, r.Outcome(metrics={"loss": 2.0}, fidelity=0.5)))
    assert machine.history.rows[0].state == "paused"
    machine.apply(machine.cancel(0))
    row = machine.history.rows[0]
    assert row.state == "pruned" and row.values == (2.0,) and machine.put_aside() == []
    assert machine.cancel(0) == []


def test_there_must_be_something_to_cancel():
    study = mw.tune(lambda hp: hp.Float("x", 0, 1), objective="minimize", trials=2, store=":memory:", verbose=0)
    with pytest.raises(StudyError, match="nobody runs it"):
        study.cancel()
    with pytest.raises(ArgumentError, match="trial 1 is over: complete"):
        study.cancel(1)
    for number in (-1, 2, True):
        with pytest.raises(ArgumentError, match="Allowed: 0 to 1"):
            study.cancel(number)
