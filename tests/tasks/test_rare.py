"""Tables in which one class is rare, or some folds have nothing to judge by."""

import numpy as np
import pytest

import modelwright as mw

pytest.importorskip("lightgbm")

QUIET = {"trials": 2, "verbose": 0, "store": ":memory:", "models": ["naive_bayes", "linear"]}


def table(rows, rng):
    return {"a": rng.normal(size=rows), "b": rng.normal(size=rows)}


@pytest.mark.parametrize("rare", [2, 3, 7])
@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "log_loss"])
def test_a_handful_of_rows_of_one_class_is_enough(rare, metric):
    rng = np.random.default_rng(rare)
    data = table(400, rng)
    data["y"] = np.zeros(400, np.int64)
    data["y"][rng.permutation(400)[:rare]] = 1
    model = mw.fit(data, "y", metric=metric, **QUIET)
    assert np.isfinite(model.predict_proba(table(5, rng))).all()


def rare(rows, seed=0):
    """One row of a hundred is "yes", more often where x is large."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    y = np.argsort(np.argsort(x[:, 0] + rng.normal(size=rows))) >= 0.99 * rows
    return {"a": x[:, 0], "b": x[:, 1], "y": np.where(y, "yes", "no").astype(object)}


@pytest.mark.parametrize("metric", ["average_precision", "log_loss"])
def test_a_sample_has_all_rows_of_a_rare_class_and_is_judged_as_the_table_is(metric):
    table = rare(8000)
    how = {**QUIET, "metric": metric, "folds": 4}
    model = mw.fit(table, "y", max_rows=2000, preset="best", **how)
    told = next(one["decided"] for one in model.decisions if one["what"] == "validation")
    assert "of 2,000 rows that stand for 8,000, more of rare classes" in told
    assert abs(model.predict_proba(rare(8000, seed=1))[:, 1].mean() - 0.01) < 0.005
    confusion = np.array(model._body["judged"]["confusion"])
    assert confusion.sum() == pytest.approx(2000, abs=3) and confusion[1].sum() == pytest.approx(20, abs=1)
    again = mw.fit(table, "y", plan=model.plan, verbose=0)
    assert np.array_equal(again.predict_proba(rare(50, seed=1)), model.predict_proba(rare(50, seed=1)))
    whole = mw.fit(table, "y", **how)
    test = rare(8000, seed=2)
    assert model.evaluate(test, metric)[metric] == pytest.approx(whole.evaluate(test, metric)[metric], rel=0.25)


def test_a_metric_that_weighs_no_rows_is_computed_on_classes_in_proportion():
    def hit(true, found):
        return float((true == found).mean())

    model = mw.fit(rare(4000), "y", max_rows=1000, metric=hit, **QUIET)
    assert "rare" not in next(one["decided"] for one in model.decisions if one["what"] == "validation")


def test_groups_of_one_class_each():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(12), 30)
    data = {**table(360, rng), "patient": patient.astype(str), "y": (patient < 3).astype(np.int64)}
    model = mw.fit(data, "y", groups="patient", **QUIET)
    assert np.isfinite(model.leaderboard()[0]["score"])


def test_a_fold_whose_rows_have_no_weight_judges_nothing():
    rng = np.random.default_rng(0)
    data = table(300, rng)
    data["y"] = data["a"] + rng.normal(size=300)
    weight = np.zeros(300)
    weight[:10] = 1
    model = mw.fit(
        data, "y", sample_weight=weight, trials=2, verbose=0, store=":memory:", models=["linear", "constant"]
    )
    assert np.isfinite(model.leaderboard()[0]["score"])


def test_one_member_has_the_same_score_alone_and_as_the_ensemble():
    rng = np.random.default_rng(1)
    data = table(200, rng)
    data["y"] = (data["a"] + rng.normal(size=200) > 0).astype(np.int64)
    board = mw.fit(data, "y", trials=1, models=["linear"], verbose=0, store=":memory:").leaderboard()
    assert board[0]["score"] == pytest.approx(board[1]["score"], abs=1e-6)
