"""A fit ends with a model: candidates that fail, or are late, leave the constant at least."""

import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

import modelwright as mw

pytest.importorskip("lightgbm")
QUIET = {"verbose": 0, "store": ":memory:"}


class Slow(ClassifierMixin, BaseEstimator):
    """Takes longer than anybody waits."""

    def fit(self, x, y):
        time.sleep(60)

    def predict(self, x):
        return np.zeros(len(x))


class Broken(ClassifierMixin, BaseEstimator):
    """Has a mistake in it."""

    def fit(self, x, y):
        raise RuntimeError("boom")

    def predict(self, x):
        return np.zeros(len(x))


class Tiring(ClassifierMixin, BaseEstimator):
    """Is fitted eight times, and never again."""

    times = 0

    def fit(self, x, y):
        type(self).times += 1
        if self.times > 8:
            raise RuntimeError("tired")
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return np.full(len(x), self.classes_[0])


def table(kind="binary", rows=200):
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=rows), "b": rng.choice(["x", "y"], rows)}
    if kind == "regression":
        return {**data, "y": np.exp(data["a"])}
    classes = ["no", "yes"] if kind == "binary" else ["p", "q", "r"]
    return {**data, "y": np.array(classes, dtype=object)[np.arange(rows) % len(classes)]}


def decided(model, what):
    return [one for one in model.decisions if one["what"] == what]


@pytest.mark.parametrize("preset", ["good", "best"])
@pytest.mark.parametrize(
    ("kind", "metric"),
    [("binary", None), ("binary", "f1"), ("multiclass", None), ("regression", None), ("regression", "rmsle")],
)
def test_a_moment_is_enough_for_a_constant(kind, metric, preset, tmp_path):
    data = table(kind)
    with pytest.warns(UserWarning, match="the model is a constant, since the time was up"):
        model = mw.fit(data, "y", seconds=0.0001, preset=preset, metric=metric, **QUIET)
    assert decided(model, "fallback")[0]["why"].startswith("the time was up")
    assert np.isfinite(model.score)
    found = model.predict(data)
    assert len(found) == 200 and len(set(found.tolist())) == 1
    if kind == "regression":
        want = data["y"].mean() if metric is None else np.expm1(np.log1p(data["y"]).mean())
        assert found[0] == pytest.approx(want)
    else:
        assert model.predict_proba(data)[0] == pytest.approx(
            np.full(len(model.classes_), 1 / len(model.classes_)), abs=0.01
        )
    model.save(tmp_path / "m.mw")
    assert np.array_equal(mw.load(tmp_path / "m.mw").predict(data), found)
    assert np.array_equal(mw.fit(data, "y", plan=model.plan, metric=metric, **QUIET).predict(data), found)
    assert model.leaderboard(data)[0]["test"] is not None


def test_a_first_candidate_that_never_ends_is_not_waited_for():
    began = time.monotonic()
    with pytest.warns(UserWarning, match="the model is a constant"):
        model = mw.fit(table(), "y", models=[Slow()], seconds=2, **QUIET)
    assert decided(model, "fallback")
    assert time.monotonic() - began < 50


def test_a_slow_candidate_leaves_the_time_to_end_it():
    began = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mw.fit(table(), "y", models=[Slow(), "linear"], seconds=8, workers=1, **QUIET)
    assert {entry["learner"] for entry in model.plan["members"]} <= {"linear", "constant"}
    assert time.monotonic() - began < 50


def test_in_another_thread_too():
    found = []

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(mw.fit(table(), "y", models=["linear"], seconds=0.001, **QUIET))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert decided(found[0], "fallback")


def test_a_candidate_that_fails_ends_nothing_and_is_told():
    model = mw.fit(table(), "y", models=[Broken(), "linear"], trials=4, **QUIET)
    assert {entry["learner"] for entry in model.plan["members"]} == {"linear"}
    (said,) = decided(model, "learner")
    assert said["decided"] == "broken left out" and "RuntimeError: boom" in said["why"]


def test_only_estimators_that_fail_are_an_error_with_their_names():
    with pytest.raises(mw.StudyError, match=r"broken: RuntimeError: boom"):
        mw.fit(table(), "y", models=[Broken()], trials=4, **QUIET)


def test_a_candidate_that_fails_on_a_later_fold_is_the_reason_that_is_told():
    Tiring.times = 0
    with pytest.warns(UserWarning, match="constant, since no candidate could be fitted on all folds: tiring: .*tired"):
        mw.fit(table(), "y", models=[Tiring()], trials=1, **QUIET)


def test_an_own_estimator_that_is_quick_is_deployed_in_seconds():
    model = mw.fit(table(), "y", models=[LogisticRegression()], seconds=20, target_score=0.1, **QUIET)
    assert {entry["learner"] for entry in model.plan["members"]} == {"logisticregression"}
