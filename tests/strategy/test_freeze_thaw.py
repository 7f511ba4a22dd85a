"""Freeze-thaw: who goes on, who starts over, and what auto makes of long trials."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.strategy import resolve
from modelwright.strategy.asha import ASHA
from modelwright.strategy.freeze_thaw import FreezeThaw, fibonacci
from modelwright.testing.strategy import StrategyContract, curve, declared, small

STEPS = 27


def crossing(config):
    """The better a configuration is in full, the slower it begins, and the more so the larger ``x`` is."""
    x = config["x"]
    return [x * (1 - np.exp(-step / (1 + 12 * x))) + 0.25 * (1 - x) for step in range(1, STEPS + 1)]


def one(hp):
    hp.Float("x", 0.0, 1.0)


class Walk(StrategyContract):
    """The contract's own search, for other numbers of steps."""

    __test__ = False

    def __init__(self, strategy):
        self.made = strategy

    def setup_of(self, space, seed=0):
        from modelwright.study.machine import Setup

        return Setup(space=space, strategy=self.made, objectives=(Objective("value", "max"),), seed=seed)


def searched(strategy, trials, seed=0, curves=crossing, space=one):
    from modelwright.testing import strategy as contract

    before, contract.STEPS = contract.STEPS, STEPS
    try:
        return Walk(strategy).search(declared(space), trials, seed, curves).history.rows
    finally:
        contract.STEPS = before


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 52, 100])
def test_curves_are_looked_at_ever_more_rarely_and_at_their_end(steps):
    found = fibonacci(steps)
    assert found[0] == 1 and found[-1] == steps and found == sorted(set(found))
    assert all(a + b <= 2 * steps for a, b in pairwise(found))


def test_the_three_most_promising_are_in_full_when_the_budget_of_trials_ends():
    rows = searched(FreezeThaw(steps=STEPS, resumable=True), 12)
    full = [row for row in rows if row.steps == STEPS]
    assert 3 <= len(full) < 12
    assert any(row.note.get("why") == "finalist" for row in rows)


def test_slow_starters_that_end_best_are_found():
    """By what is shown after a step or three, every small x beats every large one."""
    best = max(row.config["x"] for row in searched(FreezeThaw(steps=STEPS, resumable=True), 25) if row.steps == STEPS)
    assert best > 0.9


def test_who_goes_on_says_what_is_expected_of_it():
    rows = searched(FreezeThaw(steps=STEPS, resumable=True), 25)
    expected = [row for row in rows if "expected" in row.note]
    assert expected and all(row.note["std"] >= 0 for row in expected)


def test_trials_that_cannot_be_resumed_start_over_and_are_stopped_where_they_do_not_lead():
    calls = Counter()

    def train(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        calls[trial.number] += 1
        for step, value in enumerate(crossing({"x": x}), start=1):
            trial.report(step, acc=value)
            if trial.should_stop():
                return

    given = {"strategy": "freeze-thaw", "steps": STEPS, "trials": 20, "store": ":memory:", "verbose": 0}
    study = mw.tune(train, objective=mw.Maximize("acc"), **given)
    states = Counter(trial.state for trial in study.trials)
    assert states["complete"] >= 3 and states["paused"] >= 5 and not states["failed"]
    assert any(count > 1 for count in calls.values())
    assert max(calls.values()) <= len(FreezeThaw(steps=STEPS).levels) + 1
    assert study.best.steps == STEPS


def test_with_several_objectives_those_that_start_over_are_trained_in_full():
    def train(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        for step in range(1, STEPS + 1):
            trial.report(step, loss=(x - 0.3) ** 2 + 1 / step, size=x)
            if trial.should_stop():
                return

    objectives = [mw.Minimize("loss"), mw.Minimize("size")]
    given = {"strategy": "freeze-thaw", "steps": STEPS, "trials": 20, "store": ":memory:", "verbose": 0}
    study = mw.tune(train, objective=objectives, **given)
    states = Counter(trial.state for trial in study.trials)
    assert states["complete"] >= 1 and states["paused"] >= 5
    assert study.best.steps == STEPS


def test_a_space_of_one_point_ends_with_its_trial_in_full():
    def train(hp, trial):
        size = hp.Choice("size", [1])
        for step in range(1, STEPS + 1):
            trial.report(step, loss=size + 1 / step)
            if trial.should_stop():
                return

    given = {"strategy": "freeze-thaw", "steps": STEPS, "trials": 9, "store": ":memory:", "verbose": 0}
    study = mw.tune(train, objective=mw.Minimize("loss"), **given)
    assert len(study.trials) == 1
    assert study.best.steps == STEPS and study.best.state == "complete"


def test_a_function_that_never_listens_is_run_once_a_trial():
    calls = Counter()

    def train(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        calls[trial.number] += 1
        for step in range(1, STEPS + 1):
            trial.report(step, acc=x * step)

    given = {"strategy": "freeze-thaw", "steps": STEPS, "trials": 6, "store": ":memory:", "verbose": 0}
    mw.tune(train, objective=mw.Maximize("acc"), **given)
    assert set(calls.values()) == {1}


def test_equal_curves_are_ranked_by_what_was_shown_and_it_is_said():
    rows = searched(FreezeThaw(steps=STEPS, resumable=True), 12, curves=lambda config: [0.5] * STEPS)
    onward = [row for row in rows if row.steps > 1]
    assert onward and all(row.note.get("ranked") == "shown" for row in onward if "why" in row.note)


def test_the_plan_says_whether_trials_go_on_or_start_over():
    assert FreezeThaw(steps=STEPS, resumable=True).plan("epoch").startswith("trials pause after 1, 3 or 9 of 27 epochs")
    assert "from the start" in FreezeThaw(steps=STEPS).plan()


def test_auto_lets_long_trials_that_cannot_pause_start_over_and_stops_short_ones_for_good():
    assert "from the start" in resolve("auto", steps=27).plan()
    assert "stopped early" in resolve("auto", steps=10).plan()
    assert resolve("auto", steps=52, resumable=True).plan() == ASHA(steps=52, resumable=True, depth=3).plan()
    assert "after 2, 6 or 17 of 52" in resolve("auto", steps=52).plan()


def test_auto_trains_the_defaults_in_full():
    rows = searched(resolve("auto", steps=STEPS), 8)
    assert rows[0].steps == STEPS and rows[0].state == "complete"


def test_a_history_without_curves_has_nothing_to_expect():
    from modelwright.strategy.freeze_thaw import expected
    from modelwright.strategy.halving import Rungs

    history = History((Objective("value", "min"),))
    assert expected(history, declared(small), Rungs(None, history), 9, fibonacci(9)) is None
    assert len(curve({"a": 1})) == 9
