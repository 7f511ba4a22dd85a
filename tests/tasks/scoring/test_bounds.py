"""Metrics that have no value for some predictions: these are kept within bounds, alike where they judge and after."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError
from modelwright.tasks.scoring.bounds import bounds
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target

learn = pytest.importorskip("sklearn.metrics")
pytest.importorskip("lightgbm")
VALUES = Target.of(np.array([0.5, 1.5, 2.5]), name="y")
FEW = {"trials": 2, "folds": 3, "models": ["linear", "lightgbm"], "store": ":memory:", "verbose": 0, "workers": 1}


def counts(rows=240, seed=0):
    """Counts of which many are 0, so that a straight line is below 0 for some rows."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    return {"a": x[:, 0], "b": x[:, 1], "y": rng.poisson(np.exp(1.2 * x[:, 0])).astype(float)}


def test_predictions_stay_near_what_was_seen():
    assert bounds(np.array([-2.0, 2.0])) == (-4.0, 4.0)
    assert bounds(np.array([0.0, 2.0])) == (0.0, 3.0)
    low, _ = bounds(np.array([0.0, 0.0, 4.0]), positive=True)
    assert 0 < low < 0.1
    assert bounds(np.array([2.0, 4.0]), positive=True)[0] == 1.0
    assert bounds(np.array([-1.0, 1.0]), positive=True)[0] < 0, "that metric has other reasons to have no value"


@pytest.mark.parametrize("metric", ["neg_mean_poisson_deviance", "neg_mean_squared_log_error"])
def test_candidates_are_judged_by_predictions_as_they_are_deployed(metric):
    model = mw.fit(counts(), "y", metric=metric, task="regression", **FEW)
    assert not any(one["what"] in ("fallback", "learner") for one in model.decisions), model.decisions
    found = model.predict(counts(seed=1))
    assert len(np.unique(found)) > 10 and (found >= 0).all()
    assert np.isfinite(model.evaluate(counts(seed=1), metric)[metric])
    single = [row["score"] for row in model.leaderboard()[1:]]
    assert np.isfinite(single).all() and model.score > -10


def test_what_a_metric_is_about_is_seen_whatever_way_it_is_given():
    for metric in ("neg_mean_squared_log_error", learn.mean_squared_log_error, learn.root_mean_squared_log_error):
        assert Metric.of(metric, VALUES).link == "log1p"
    tweedie = learn.make_scorer(learn.mean_tweedie_deviance, power=1.5, greater_is_better=False)
    for metric in ("neg_mean_gamma_deviance", learn.mean_poisson_deviance, tweedie):
        assert Metric.of(metric, VALUES).above_zero and Metric.of(metric, VALUES).link == "identity"
    assert not Metric.of("rmse", VALUES).above_zero


def test_rows_without_a_value_are_no_end():
    metric = Metric.of("neg_mean_gamma_deviance", VALUES)
    assert np.isnan(metric.score(np.array([1.0, 0.0]), np.array([1.0, 1.0])))
    with pytest.raises(ArgumentError, match="strictly positive"):
        metric.computed(np.array([1.0, 0.0]), np.array([1.0, 1.0]))


def test_a_fold_that_a_metric_has_no_value_for_is_left_out():
    def near(true, found):
        if true.max() < 8:
            raise ValueError("no large value")
        return -float(np.abs(true - found).mean())

    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "y": np.clip(x[:, 0] + 3, 0, 6)}
    table["y"][7] = 9.0
    model = mw.fit(table, "y", metric=near, **FEW)
    assert np.isfinite(model.score)
    assert not any(one["what"] in ("fallback", "learner") for one in model.decisions), model.decisions


def test_a_metric_that_cannot_be_computed_for_a_table_is_refused_before_anything_is_fitted():
    with pytest.raises(ArgumentError, match="neg_mean_gamma_deviance.*strictly positive"):
        mw.fit(counts(), "y", metric="neg_mean_gamma_deviance", task="regression", **FEW)

    def broken(true, found):
        return float((true == found).mean()) + "a"

    with pytest.raises(ArgumentError, match="metric 'broken'.*cannot be computed"):
        mw.fit({"x": np.arange(60.0), "y": np.array(["a", "b"] * 30, object)}, "y", metric=broken, **FEW)


def test_who_takes_weights_is_given_them():
    assert Metric.of("rmse", VALUES).weighs and Metric.of(learn.mean_poisson_deviance, VALUES).weighs
    assert not Metric.of("neg_max_error", VALUES).weighs
    assert not Metric.of(lambda y, p: 0.0, VALUES).weighs
    y = np.array([1.0, 2.0])
    assert Metric.of("neg_max_error", VALUES).score(y, y + 1, np.array([1.0, 2.0])) == -1
