"""Weights of rows count wherever rows do; weights of classes while models are fitted."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.tasks.scoring.diagnostics import as_deployed
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.scorers import tasks_of
from modelwright.tasks.scoring.target import Target

pytest.importorskip("lightgbm")
QUIET = {"verbose": 0, "store": ":memory:"}


def rare(rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    return {"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] + rng.normal(size=rows) > 2.2, "sick", "well")}


@pytest.mark.parametrize("metric", ["average_precision", "log_loss", "f1"])
def test_the_score_beside_weights_of_classes_is_that_of_new_rows(metric):
    model = mw.fit(rare(3000, 0), "y", metric=metric, class_weight="balanced", models=["linear"], trials=1, **QUIET)
    assert model.score == pytest.approx(model.evaluate(rare(6000, 1), metric)[metric], abs=0.08)


def test_weights_of_classes_still_move_the_probabilities():
    data = rare(3000, 0)
    how = {"metric": "roc_auc", "models": ["linear"], "trials": 1, **QUIET}
    plain, heavy = (mw.fit(data, "y", class_weight=weight, **how) for weight in (None, "balanced"))
    sick = [model.predict_proba(data)[:, list(model.classes_).index("sick")].mean() for model in (plain, heavy)]
    assert sick[1] > 2 * sick[0]


def test_a_column_of_weights_counts_in_a_test_table_that_has_it():
    rng = np.random.default_rng(0)
    rows = 1200
    data = {"a": rng.normal(size=rows), "w": rng.choice([0.1, 10.0], rows)}
    data["y"] = data["a"] + rng.normal(size=rows) * np.where(data["w"] > 1, 0.1, 3.0)
    model = mw.fit(data, "y", sample_weight="w", models=["linear"], trials=1, **QUIET)
    found = model.evaluate(data, "rmse")["rmse"]
    off = model.predict(data) - data["y"]
    assert found == pytest.approx(np.sqrt(np.average(off**2, weights=data["w"])))
    assert model.leaderboard(data)[0]["test"] == pytest.approx(found)
    assert model.score == pytest.approx(found, rel=0.3)
    without = {name: cells for name, cells in data.items() if name != "w"}
    assert model.evaluate(without, "rmse")["rmse"] == pytest.approx(np.sqrt(np.mean(off**2)))


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_where_no_near_row_weighs_anything_the_nearest_that_do_answer(task):
    rng = np.random.default_rng(0)
    a = rng.uniform(-1, 1, 600)
    data = {"a": a, "w": (a > 0) * 1.0, "y": 5 + a if task == "numbers" else np.where(a > 0.3, "far", "near")}
    model = mw.fit(data, "y", sample_weight="w", models=["neighbours"], trials=1, **QUIET)
    found = model.predict(data) if task == "numbers" else model.predict_proba(data)
    assert np.isfinite(found).all()
    answered = model.predict(data)[a < -0.3]
    assert (answered > 4.9).all() if task == "numbers" else (answered == "near").all()


def test_a_class_of_weight_0_leaves_a_model_of_the_others():
    rng = np.random.default_rng(0)
    a = rng.normal(size=600)
    data = {"a": a, "y": np.array(list("xyz"), object)[np.digitize(a, [-0.5, 0.5])]}
    model = mw.fit(data, "y", class_weight={"x": 0}, models=["neighbours"], trials=1, **QUIET)
    assert "neighbours" in repr(model)
    found = model.predict_proba(data)
    assert (found > 0).all() and (found[:, 0] < 1e-3).all()


def test_a_column_of_weights_that_are_none_is_refused_by_evaluate():
    data = {"a": np.arange(60.0), "w": np.ones(60), "y": np.arange(60.0) ** 2}
    model = mw.fit(data, "y", sample_weight="w", models=["linear"], trials=1, **QUIET)
    with pytest.raises(mw.ModelwrightError, match="evaluate: .*'w' has 60 missing or negative values: row 0 has -1"):
        model.evaluate({**data, "w": np.full(60, -1.0)})


def test_a_column_of_weights_is_read_as_columns_are():
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=90), rng.integers(1, 9, 90) / 10
    data = {"a": a, "y": a + rng.normal(size=90)}
    how = {"sample_weight": "w", "models": ["linear"], "trials": 1, **QUIET}
    plain = mw.fit({**data, "w": w}, "y", **how)
    written = [f"{cell:.2f}".replace(".", ",") for cell in w]
    for cells in (written, [f"{cell} kg" for cell in w]):
        assert mw.fit({**data, "w": cells}, "y", **how).score == pytest.approx(plain.score)
    assert plain.evaluate({**data, "w": written}, "mae") == pytest.approx(plain.evaluate({**data, "w": w}, "mae"))


def test_a_weight_that_is_none_is_told_with_its_row():
    data = {"a": np.arange(60.0), "y": [None, *np.arange(59.0)], "w": ["1,5"] * 60}
    how = {"models": ["linear"], "trials": 1, **QUIET}
    for cell, said in (("much", "1 cell of it cannot be read as a number: row 7 has 'much'"), (None, "row 7 has none")):
        data["w"][7] = cell
        with pytest.raises(mw.ArgumentError, match=f"sample_weight 'w'.*{said}"):
            mw.fit(data, "y", sample_weight="w", **how)
    with pytest.raises(mw.ArgumentError, match="fit, sample_weight: it holds something else than numbers.*'much'"):
        mw.fit(data, "y", sample_weight=["much"] * 60, without="w", **how)


@pytest.mark.parametrize("positive", ["bad", "good"])
def test_which_class_comes_first_does_not_change_what_is_learned(positive):
    """``average_precision`` looks at one class; learners' own one at the second."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1500, 3))
    rarer = x[:, 0] + rng.normal(size=1500) > 1.2
    scores = []
    for words in (("bad", "good"), ("yes", "no")):  # the rarer class comes first, then last
        data = {f"x{k}": x[:, k] for k in range(3)} | {"y": np.where(rarer, words[0], words[1])}
        looked = words[0] if positive == "bad" else words[1]
        how = {"metric": "average_precision", "positive": looked, "models": ["lightgbm"], "trials": 1, "folds": 4}
        scores.append(mw.fit(data, "y", **how, **QUIET).score)
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def target(values):
    return Target.of(np.array(values), task="regression")


def test_a_metric_of_another_name_guides_learners_as_ours_does():
    sklearn = pytest.importorskip("sklearn.metrics")
    values = target([1.0, 2.5, 3.25, 4.0])
    medians = ("neg_median_absolute_error", sklearn.median_absolute_error)
    for metric in ("mae", "neg_mean_absolute_error", sklearn.mean_absolute_error, *medians):
        assert Metric.of(metric, values).guide == "mae"

    def mae(y, predicted):
        return 0.0

    mae.higher = False
    assert Metric.of(mae, values).guide is None and Metric.of(mae, values).own is None


@pytest.mark.parametrize("name", __import__("sklearn.metrics").metrics.get_scorer_names())
def test_a_scorer_guides_learners_alike_by_its_name_as_an_object_and_as_a_function(name):
    scorer = __import__("sklearn.metrics").metrics.get_scorer(name)
    if (tasks := tasks_of(name)) == ("regression",):
        targets = [target([1.0, 2.5, 3.25, 4.0])]
    elif tasks:
        two, three = (np.array(list(letters) * 3, object) for letters in ("ab", "abc"))
        targets = [Target.of(two, positive="a"), Target.of(two, positive="b"), Target.of(three)]
    else:
        pytest.skip("it is about clusters")
    for one in targets:
        guides = {Metric.of(given, one).guide for given in (name, scorer, scorer._score_func)}
        assert len(guides) == 1


def test_average_precision_of_the_first_class_guides_nobody():
    sklearn = pytest.importorskip("sklearn.metrics")
    names = np.array(["bad", "good"] * 4, object)
    bad = sklearn.make_scorer(sklearn.average_precision_score, response_method="predict_proba", pos_label="bad")
    for metric in ("average_precision", sklearn.average_precision_score, bad):
        assert Metric.of(metric, Target.of(names, positive="bad")).guide is None
    assert Metric.of(bad, Target.of(names, positive="good")).guide is None
    assert Metric.of("average_precision", Target.of(names, positive="good")).guide == "average_precision"


@pytest.mark.parametrize(
    ("metric", "best"),
    [("rmse", 13.0), ("mae", 2.0), ("rmsle", float(np.expm1(np.log1p([0.0, 1, 2, 22, 40]).mean())))],
)
def test_the_constant_beside_a_score_is_the_best_one(metric, best):
    y = np.array([0.0, 1, 2, 22, 40])
    own = Metric.of(metric, Target.of(y, task="regression"))
    found = as_deployed(y, y, None, task="regression", metric=own)["constant"]
    assert found == pytest.approx(own.score(y, np.full(5, best)))
    assert all(found <= own.score(y, np.full(5, other)) + 1e-12 for other in np.linspace(0, 40, 81))


def test_the_constant_beside_labels_is_the_class_that_scores_best():
    y = np.array([0] * 9 + [1] * 3)
    own = Metric.of("f1", Target.of(np.where(y == 1, "b", "a").astype(object), positive="b"))
    predicted = np.tile([0.75, 0.25], (12, 1))
    assert as_deployed(y, predicted, None, task="binary", metric=own)["constant"] == pytest.approx(0.4)
