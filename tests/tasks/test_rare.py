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
