"""Scores are of rows that nothing was chosen by: not rounds, not thresholds, not weights."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.thresholds import attainable, attained

pytest.importorskip("lightgbm")
metrics = pytest.importorskip("sklearn.metrics")

QUIET = {"verbose": 0, "store": ":memory:"}
#: Candidates of each preset that are tried: some of each kind of learner.
LEARNERS = {
    "fast": ["lightgbm", "linear", "xgboost"],
    "good": ["lightgbm", "linear", "neighbours", "naive_bayes"],
    "best": ["lightgbm", "linear", "extra_trees"],
    "interpretable": ["linear", "naive_bayes"],
}


@pytest.mark.parametrize("preset", LEARNERS)
def test_where_there_is_nothing_to_learn_the_score_is_that_of_chance(preset):
    scores = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        rows = 4000
        data = {f"x{k}": rng.normal(size=rows) for k in range(4)}
        data |= {"level": rng.integers(0, 1000, rows).astype(str), "y": rng.integers(0, 2, rows)}
        names = LEARNERS[preset]
        model = mw.fit(data, "y", preset=preset, models=names, trials=len(names), seed=seed, folds=4, **QUIET)
        scores.append(model.score)
    assert np.mean(scores) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_where_there_is_nothing_to_learn_of_few_rows_the_score_is_that_of_chance(name):
    scores = []
    for seed in range(16):
        rng = np.random.default_rng([seed, 1])
        data = {f"x{k}": rng.normal(size=60) for k in range(4)} | {"y": rng.permutation(np.arange(60) % 2)}
        scores.append(mw.fit(data, "y", models=[name], trials=1, folds=6, seed=seed, **QUIET).score)
    # The standard error of this mean is 0.02; where the rows that judge chose the rounds, both had 0.63.
    assert np.mean(scores) < 0.57


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy"])
def test_a_score_without_a_mistake_by_few_rows_is_not_certain(metric):
    data = {"a": [float(k) for k in range(24)], "y": ["low"] * 12 + ["high"] * 12}
    model = mw.fit(data, "y", metric=metric, models=["linear", "naive_bayes"], trials=2, folds=4, **QUIET)
    assert model.score > 0.95 and model.leaderboard()[0]["spread"] > 0.03


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy", "accuracy"])
def test_scores_of_labels_are_those_of_the_threshold_that_is_deployed(metric):
    rng = np.random.default_rng(0)
    rows = 3000
    data = {"a": rng.normal(size=rows), "b": rng.normal(size=rows)}
    data["y"] = (data["a"] + rng.normal(size=rows) > 1.8).astype(np.int64)
    on = {name: cells[:1500] for name, cells in data.items()}
    off = {name: cells[1500:] for name, cells in data.items()}
    model = mw.fit(on, "y", metric=metric, models=["linear"], trials=1, folds=4, **QUIET)
    true = getattr(metrics, f"{metric}_score")(off["y"], model.predict(off))
    assert model.leaderboard(off)[0]["test"] == pytest.approx(true)
    assert model.score == pytest.approx(true, abs=0.06)


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy", "accuracy"])
@pytest.mark.parametrize("positive", ["no", "yes"])
def test_the_best_threshold_of_many_is_found_as_by_trying_them(metric, positive):
    rng = np.random.default_rng(1)
    y = (rng.random(2000) < 0.2).astype(np.int64)
    scores = 1 / (1 + np.exp(-(rng.normal(size=2000) + 1.5 * y - 1)))
    target = Target.of(np.where(y == 1, "yes", "no").astype(object), positive=positive)
    own = Metric.of(metric, target)
    predicted = np.column_stack([1 - scores, scores])
    tried = max(own.merit(y, (scores >= at).astype(np.int64)) for at in np.linspace(0.01, 0.99, 99))
    assert attainable(own, y, predicted) == pytest.approx(tried, abs=0.01)
    assert tried - 0.05 < attained(own, y, predicted) <= tried + 0.01


@pytest.mark.parametrize("unit", [1e-9, 1e15])
def test_the_unit_of_a_target_is_no_matter(unit):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 3))
    data = {f"x{k}": x[:, k] for k in range(3)}
    data["y"] = (2 * x[:, 0] + x[:, 1] + 0.1 * rng.normal(size=400)) * unit
    for name in ("lightgbm", "xgboost", "extra_trees", "mlp", "linear", "neighbours"):
        model = mw.fit(data, "y", models=[name], trials=1, folds=3, **QUIET)
        assert model.score < 0.8 * np.std(data["y"]), name


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1"])
def test_scores_of_several_classes_are_those_of_what_is_named(metric, tmp_path):
    rng = np.random.default_rng(3)
    y = rng.choice(3, 4000, p=[0.85, 0.1, 0.05])
    data = {"a": y + rng.normal(size=4000), "b": rng.normal(size=4000), "y": np.array(["usual", "rare", "rarest"])[y]}
    on = {name: cells[:2000] for name, cells in data.items()}
    off = {name: cells[2000:] for name, cells in data.items()}
    model = mw.fit(on, "y", metric=metric, models=["linear"], trials=1, folds=4, **QUIET)
    how = {"average": "macro"} if metric == "f1" else {}
    true = getattr(metrics, f"{metric}_score")(off["y"], model.predict(off), **how)
    most = model.classes_[model.predict_proba(off).argmax(axis=1)]
    assert true > getattr(metrics, f"{metric}_score")(off["y"], most, **how) + 0.02
    assert model.evaluate(off, metric)[metric] == pytest.approx(true)
    assert model.leaderboard(off)[0]["test"] == pytest.approx(true)
    assert model.score == pytest.approx(true, abs=0.06)
    assert any(one["what"] == "threshold" and "rarer" in one["decided"] for one in model.decisions)
    held = mw.load(model.save(tmp_path / "m.mw"))
    again = mw.fit(on, "y", plan=model.plan, **QUIET)
    assert np.array_equal(held.predict(off), model.predict(off))
    assert np.array_equal(again.predict(off), model.predict(off))
