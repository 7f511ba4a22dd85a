"""``seconds`` is a deadline for the whole call: kept within two per cent or five seconds, whatever trials do."""

import ctypes
import os
import signal
import threading
import time

import numpy as np
import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.study.confirm import seconds_to_confirm
from modelwright.study.interrupts import OverTime, alarm

#: The alarm belongs to the deadlines here, and not to the time limit of the tests.
pytestmark = pytest.mark.timeout(120, method="thread")

#: What a deadline may be missed by, and a second for a machine that does other things too.
SLACK = 5.0 + 1.0


def tune(function, **options):
    """A study, and by how many seconds its call was late."""
    options = {"objective": "minimize", "strategy": "random", "store": ":memory:", "verbose": 0, **options}
    began = time.monotonic()
    study = mw.tune(function, **options)
    return study, time.monotonic() - began - options["seconds"]


def notes(study, kind):
    return [dict(note.data) for note in study._machine.history.notes if note.kind == kind]


def forever():
    while True:
        pass


def swallows_the_first():
    try:
        forever()
    except BaseException:
        forever()


def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


def in_c():
    ctypes.PyDLL(None).pause()


@pytest.mark.parametrize(
    ("hang", "workers"),
    [(forever, 1), (swallows_the_first, 1), (forever, 2), (stopped, 2), (in_c, 2)],
)
def test_trials_that_never_end_do_not_keep_a_search(hang, workers):
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number >= 2:
            hang()
        return x

    study, late = tune(function, seconds=2, workers=workers)
    assert study.stopped == "the seconds are used up" and late < SLACK
    assert [trial.state for trial in study.trials[:2]] == ["complete", "complete"]
    hung = [trial.number for trial in study.trials[2:]]
    assert notes(study, "cut") == [{"why": "the seconds are used up", "trials": hung}] and len(hung) == workers
    assert study.best.number in (0, 1)


def test_what_was_cut_off_runs_again_when_there_is_more_time():
    ready = threading.Event()

    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if trial.number == 1 and not ready.is_set():
            forever()
        return x

    study, _ = tune(function, seconds=1, trials=3)
    assert [trial.state for trial in study.trials] == ["complete", "running"]
    ready.set()
    study.resume(seconds=60, trials=3)
    assert [trial.state for trial in study.trials] == ["complete"] * 3


def test_an_interrupted_trial_leaves_what_it_reported_and_the_program_as_it_was():
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        trial.report(1, loss=x)
        forever()

    before = signal.getsignal(signal.SIGALRM)
    study, late = tune(function, seconds=1, objective=mw.Minimize("loss"))
    assert late < SLACK and study.trials[0]._row.reports
    assert signal.getsignal(signal.SIGALRM) == before and signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_trials_that_report_are_stopped_at_a_report_and_keep_their_value():
    def function(hp, trial):
        x, step = hp.Float("x", 0.0, 1.0), 0
        while not trial.should_stop():
            time.sleep(0.02)
            step += 1
            trial.report(step, loss=x)

    for workers in (1, 2):
        study, late = tune(function, seconds=2, workers=workers, objective=mw.Minimize("loss"))
        assert late < SLACK and {trial.state for trial in study.trials} == {"pruned"} and not notes(study, "cut")


def test_a_program_that_has_an_alarm_of_its_own_keeps_it():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    try:

        def function(hp):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            time.sleep(0.1)
            return hp.Float("x", 0.0, 1.0)

        tune(function, seconds=60, trials=2)
        assert heard == [1, 1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_alarm_waits_until_facts_are_written():
    busy, seen = [True], []
    with pytest.raises(OverTime), alarm(lambda: -1.0, lambda: busy[0]):
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            pass
        seen.append("written")
        busy[0] = False
        while True:
            pass
    assert seen == ["written"]


def test_what_follows_the_search_is_planned_into_the_deadline():
    def function(hp):
        x = hp.Float("x", 0.0, 1.0)
        time.sleep(0.5)
        return x

    study, late = tune(function, seconds=8, confirm=4)
    assert late < SLACK
    confirmed = study._machine.history.confirmed
    assert len(confirmed) == 4 and {len(values) for values in confirmed.values()} == {2}
    assert max(study._machine.history.time_of(i) for i, _ in enumerate(study._machine.history)) < 8 + SLACK


def test_confirming_runs_for_which_there_is_no_time_are_noted_and_made_up_for():
    slow = [True]

    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        if len(calls) >= 6 and slow[0]:
            forever()
        calls.append(trial.number)
        return x

    calls = []
    study, late = tune(function, seconds=2, trials=6, confirm=2)
    assert late < SLACK and not study._machine.history.confirmed
    left = notes(study, "cut")[-1]["confirm"]
    assert len(left) == 4
    slow[0] = False
    study.resume(seconds=60)
    assert {len(values) for values in study._machine.history.confirmed.values()} == {2}


def test_what_confirming_will_take_is_told_by_what_trials_took():
    history = History((Objective("value", "min"),))
    assert seconds_to_confirm(history, 3, 1) == 0
    for number, value in enumerate((3.0, 1.0, 2.0)):
        history.extend([r.Proposed(number=number, config={}), r.Started(number=number)])
        history.extend([r.Finished(number=number, state="complete", values=(value,), duration=10.0 * (number + 1))])
    assert seconds_to_confirm(history, 2, 1) == 2 * (20 + 30)
    assert seconds_to_confirm(history, 2, 2) == 2 * 30
    assert seconds_to_confirm(history, 4, 1) == 2 * (10 + 20 + 30 + 20)


def test_fitting_the_best_again_is_planned_too():
    from sklearn.base import BaseEstimator

    class Slow(BaseEstimator):
        def __init__(self, a=0.0):
            self.a = a

        def fit(self, X, y):
            time.sleep(0.02 * len(X))
            return self

        def predict(self, X):
            return np.full(len(X), self.a)

        def score(self, X, y):
            return -abs(self.a)

    rows = np.zeros((100, 1))
    began = time.monotonic()
    search = mw.TunedCV(
        Slow(), lambda hp: {"a": hp.Float("a", 0.0, 1.0)}, cv=2, trials=None, seconds=9, strategy="random"
    )
    search.fit(rows, rows[:, 0])
    assert time.monotonic() - began < 9 + SLACK
    assert search.best_estimator_ is not None


def test_preparing_counts_as_well():
    def space(hp):
        time.sleep(1.5)
        hp.Float("x", 0.0, 1.0)

    def function(hp):
        time.sleep(0.2)
        return hp.Float("x", 0.0, 1.0)

    study, late = tune(function, space=space, seconds=3)
    assert late < 2 and 0 < len(study.trials) <= 8
