"""Presets, allowed and blocked learners, and what else bounds a fit, all at once."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks.learners import learner

pytest.importorskip("lightgbm")


def table(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    x, kind = rng.normal(size=rows), rng.choice(["a", "b"], rows).astype(object)
    return {"x": x, "kind": kind, "y": x + (kind == "a") + 0.1 * rng.normal(size=rows)}


@pytest.mark.parametrize(
    ("how", "allowed"),
    [
        ({"preset": "interpretable"}, {"linear", "constant"}),
        ({"preset": "fast", "block": ["lightgbm", "xgboost", "random_forest"]}, {"linear", "extra_trees", "constant"}),
        ({"preset": "best", "models": ["lightgbm", "linear"]}, {"lightgbm", "linear"}),
        ({"models": ["lightgbm", "linear"], "block": ["linear"], "monotone": {"x": 1}}, {"lightgbm"}),
    ],
)
def test_learners_that_take_part_are_those_that_may_whatever_else_is_asked(how, allowed):
    bounds = {"max_rows": 150, "memory": "16GB", "min_gain": None, "target_score": 1e-9, "metric": "rmse"}
    model = mw.fit(table(), "y", trials=3, folds=2, store=":memory:", verbose=0, **{**bounds, **how})
    tried = {row["model"].split()[0] for row in model.leaderboard()[1:]}
    assert tried <= allowed and tried - {"constant"}
    assert len(model.leaderboard()) == 4
    assert any("150 of 300 rows" in one["decided"] for one in model.decisions)


def test_a_black_box_is_not_interpretable_whoever_names_it():
    how = {"preset": "interpretable", "trials": 1, "folds": 2, "store": ":memory:", "verbose": 0}
    match = "models has '(lightgbm|mlp)', .*'interpretable' is without.*linear, naive_bayes"
    for models in (["lightgbm"], ["linear", "mlp"], [learner("lightgbm")]):
        with pytest.raises(mw.ArgumentError, match=match):
            mw.fit(table(), "y", models=models, **how)
    ridge = pytest.importorskip("sklearn.linear_model").Ridge()
    for models in (["linear"], ["linear", "known_rows"], [ridge]):
        assert len(mw.fit(table(), "y", models=models, **how).leaderboard()) == 2


def test_it_is_said_why_no_more_candidates_were_tried():
    how = {"models": ["linear"], "folds": 2, "store": ":memory:", "verbose": 0, "metric": "r2", "trials": 4}
    for more, why in (({}, "trials"), ({"target_score": 0.5}, "target score 0.5")):
        model = mw.fit(table(), "y", **how, **more)
        (said,) = [one for one in model.decisions if one["what"] == "candidates"]
        assert why in said["why"]


@pytest.mark.parametrize("preset", ["fast", "best", "interpretable"])
def test_a_target_score_ends_any_preset(preset):
    models = None if preset == "interpretable" else ["linear"]
    how = {"preset": preset, "models": models, "block": ["naive_bayes"], "folds": 2, "store": ":memory:", "verbose": 0}
    model = mw.fit(table(), "y", metric="r2", target_score=0.5, trials=20, **how)
    assert len(model.leaderboard()) < 5
    assert model.score >= 0.5


def test_a_fit_that_goes_on_in_another_call_keeps_its_bounds(tmp_path):
    how = {"models": ["linear"], "folds": 2, "store": tmp_path / "s.db", "verbose": 0}
    first = mw.fit(table(), "y", trials=2, max_rows=150, memory="16GB", min_gain=None, **how)
    more = first.fit(table(), trials=1, models=["linear"], verbose=0)
    assert len(more.leaderboard()) == 4
    assert any("150 of 300 rows" in one["decided"] for one in more.decisions)
