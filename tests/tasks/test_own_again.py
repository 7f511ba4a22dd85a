"""Estimators of somebody's own in plans, refits and searches that go on."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import modelwright as mw

QUIET = {"verbose": 0, "store": ":memory:"}


def table(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    data = {"a": rng.normal(size=rows), "c": rng.choice(["x", "y", "z"], rows)}
    return {**data, "y": np.where(data["a"] + rng.normal(size=rows) > 0, "yes", "no")}


@pytest.fixture(scope="module")
def model():
    return mw.fit(table(), "y", models=[LogisticRegression(C=0.3), "constant"], trials=3, **QUIET)


def test_a_plan_is_carried_out_again_with_them(model):
    assert "logisticregression" in {entry["learner"] for entry in model.plan["members"]}
    again = mw.fit(table(), "y", plan=model.plan, models=[LogisticRegression(C=0.3)], **QUIET)
    assert np.array_equal(again.predict_proba(table()), model.predict_proba(table()))


def test_a_refit_takes_them(model):
    again = model.refit(table(seed=1), models=[LogisticRegression(C=0.3)])
    assert [one["name"] for one in again.plan["members"]] == [one["name"] for one in model.plan["members"]]
    one = model.refit(table(), models=LogisticRegression(C=0.3))
    assert np.array_equal(one.predict_proba(table()), model.predict_proba(table()))


def test_without_them_it_says_what_to_pass(model):
    for again in (lambda: model.refit(table()), lambda: mw.fit(table(), "y", plan=model.plan, **QUIET)):
        with pytest.raises(mw.ArgumentError, match=r"'logisticregression \d' is an estimator of your own.* models="):
            again()


def test_another_one_than_was_there_is_refused(model):
    with pytest.raises(mw.ArgumentError, match="an estimator of your own"):
        model.refit(table(), models=[RandomForestClassifier()])


def test_a_search_goes_on_with_them(tmp_path):
    kept = {"store": tmp_path / "s.db", "name": "s", "verbose": 0}
    first = mw.fit(table(), "y", models=[LogisticRegression()], trials=1, **kept)
    with pytest.raises(mw.ArgumentError, match="Pass models= again"):
        first.fit(table(), trials=1)
    further = first.fit(table(), trials=1, models=[LogisticRegression()], verbose=0)
    assert len(further.leaderboard()) == 3
