"""How the time of a fit is shared out: the first model, workers that would come too late, what does not hear."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

import modelwright as mw
from modelwright.core.clock import SystemClock
from modelwright.tasks.account.course import Course
from modelwright.tasks.learners.lightgbm import LightGBM
from modelwright.tasks.search import session, trying

pytest.importorskip("lightgbm")

QUIET = {"store": ":memory:", "verbose": 0, "folds": 2}


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300))
    return {"a": a, "b": b, "y": a * b}


def tried(model):
    return [row["model"] for row in model.leaderboard()][1:]


@pytest.fixture
def no_workers(monkeypatch):
    monkeypatch.setattr(session, "ProcessExecutor", lambda *_, **__: pytest.fail("workers were started"))


def test_where_workers_would_come_too_late_candidates_are_tried_here(table, monkeypatch, no_workers):
    monkeypatch.setattr(trying, "starts", lambda *_: 100.0)
    model = mw.fit(table, "y", seconds=6, models=["lightgbm", "linear"], **QUIET)
    assert len(tried(model)) > 1
    assert model.plan["members"][0]["whole"], "and fitted on all rows here"


def test_only_what_has_been_imported_is_tried_here(table, monkeypatch, no_workers):
    monkeypatch.setattr(trying, "starts", lambda *_: 100.0)
    monkeypatch.setattr(LightGBM, "loaded", False)
    model = mw.fit(table, "y", seconds=5, models=["lightgbm", "linear"], **QUIET)
    assert [one for one in tried(model) if one.startswith("lightgbm")] == ["lightgbm 0"]


def test_where_imports_take_long_the_first_model_is_of_a_kind_that_needs_none(table, monkeypatch):
    monkeypatch.setattr(LightGBM, "loaded", False)
    for imported, first in ((0.0, "lightgbm 0"), (60.0, "linear 0")):
        given = {"target": "y", "seconds": 3.0, "models": ["lightgbm", "linear"], **QUIET}
        monkeypatch.setattr(session.Asked, "__post_init__", lambda self, s=imported: _set(self, s))
        assert tried(mw.fit(table, **given)) == [first]


def _set(asked, imported):
    object.__setattr__(asked, "imported", imported)


def test_what_does_not_hear_is_ended_when_the_time_of_all_is_up():
    for seconds, most in ((10.0, 8.1), (300.0, 293.7), (2.0, 1.0)):
        asked = type("Asked", (), {"seconds": seconds, "trials": None})
        saving = max(0.4, 0.015 * seconds)
        found = trying.ended_by(type("Session", (), {"asked": asked, "saving": saving}))
        assert found.seconds == pytest.approx(most)
        assert seconds < 4 or found.seconds + trying.patience(found.seconds) <= seconds


def test_importing_is_no_part_of_reading_the_table():
    clock = SystemClock()
    now = clock.monotonic()
    phases = Course(clock, now - 9, opened=now - 2).to_json()["phases"]
    assert phases == [["importing", pytest.approx(7.0)], ["reading the table", pytest.approx(2.0, abs=0.2)]]
    assert [name for name, _ in Course(clock, now - 9, opened=now - 9).to_json()["phases"]] == ["reading the table"]


def test_each_learner_that_was_named_has_its_turn_before_any_has_a_second_one(table):
    own = DecisionTreeRegressor(max_depth=3)
    model = mw.fit(table, "y", models=[own, "lightgbm", "linear"], trials=3, **QUIET)
    assert {name.split()[0] for name in tried(model)} == {"decisiontreeregressor", "lightgbm", "linear"}
    assert not [one for one in model.decisions if "not tried" in one["decided"]]
    model = mw.fit(table, "y", models=["linear", own, "lightgbm"], trials=2, **QUIET)
    (said,) = [one for one in model.decisions if "not tried" in one["decided"]]
    assert said["decided"] == "lightgbm was not tried" and "2 candidates" in said["why"]


@pytest.mark.parametrize("models", [["linear", LogisticRegression()], ["naive_bayes"], [LogisticRegression()]])
def test_a_learner_that_cannot_do_the_task_is_refused_by_its_name(models, table):
    with pytest.raises(mw.ArgumentError, match="models has '(logistic|naive_bayes).* the target is regression"):
        mw.fit(table, "y", models=models, trials=1, **QUIET)
