"""Forests as arrays predict what scikit-learn's trees do."""

import numpy as np
import pytest
from raw_frames import simple

from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.learners import forest, learner
from modelwright.tasks.learners.forest import FittedForest
from modelwright.tasks.learners.grown import Grown, flattened

ensembles = pytest.importorskip("sklearn.ensemble")
pytest.importorskip("lightgbm")


def rows(count, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 6)).astype(np.float32)
    x[:, 3] = np.round(x[:, 3])
    x[rng.random(x.shape) < missing] = np.nan
    return x


@pytest.mark.parametrize("kind", ["RandomForest", "ExtraTrees"])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_parity(kind, classes):
    x = rows(500)
    score = np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 3]) ** 2
    y = score if not classes else np.digitize(score, np.quantile(score, [0.5, 0.8][: classes - 1]))
    forest = getattr(ensembles, kind + ("Classifier" if classes else "Regressor"))(10, random_state=0).fit(x, y)
    trees = [flattened(tree.tree_, forest.classes_ if classes else None, classes) for tree in forest.estimators_]
    model = FittedForest(Grown.together(trees), classes, np.ones(6), {})
    new = simple(np.concatenate([x, rows(300, seed=1), np.full((1, 6), np.nan), rows(200, seed=2) * 1e6]))
    expected = forest.predict_proba(new.values) if classes else forest.predict(new.values)
    if classes < 3:
        first = expected[:, 1] if classes else expected
        assert np.allclose(Grown.together(trees).sums(new.values) / 10, first, atol=1e-6)
    # With three classes and more, shares are kept in 255ths.
    assert np.allclose(model.predict(new), expected, atol=0.003 if classes > 2 else 1e-6)


def test_values_on_a_threshold_go_where_they_went_in_training():
    x = np.repeat(np.float32([0.1, 0.10001, 0.3, 1e-5, -1e-5, 0.0]), 20)[:, None]
    y = np.unique(x[:, 0], return_inverse=True)[1] * 1.0
    model = learner("extra_trees").fit(simple(x), y, "regression", config={"trees": 5, "min_samples_leaf": 1}, seed=0)
    assert np.allclose(model.predict(simple(x)), y, atol=1e-6)


def test_more_rounds_are_the_same_trees_and_then_more():
    x = np.nan_to_num(rows(200))
    y = x[:, 0]
    few, many = (learner("extra_trees").fit(simple(x), y, "regression", config={}, rounds=k, seed=4) for k in (5, 19))
    _, one = few.state()
    _, two = many.state()
    assert np.array_equal(one["threshold"], two["threshold"][: len(one["threshold"])])


def test_the_first_trees_are_a_forest_that_was_grown_with_as_many():
    x = np.nan_to_num(rows(200))
    y = np.digitize(x[:, 0], [-0.5, 0.5])
    few, many = (learner("random_forest").fit(simple(x), y, "multiclass", config={}, rounds=k) for k in (5, 19))
    first = many.first(5)
    assert first.facts["rounds"] == 5 and many.facts["rounds"] == 19
    np.testing.assert_array_equal(first.predict(simple(x)), few.predict(simple(x)))
    np.testing.assert_array_equal(many.first(40).predict(simple(x)), many.predict(simple(x)))


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_many_rows_are_predicted_as_few_are_bit_for_bit(task):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2500, 4)).astype(np.float32)
    z = x[:, 0] * x[:, 1] + rng.normal(size=2500)
    y = z * 1e4 if task == "regression" else np.digitize(z, [0.0] if task == "binary" else [-0.5, 0.5])
    names = tuple("abcd")
    whole = Matrix(values=x, names=names, sources=tuple((name,) for name in names))
    fitted = learner("random_forest").fit(whole, y, task, config={}, rounds=12)
    parts = [fitted.predict(whole.take(slice(start, start + 100))) for start in range(0, 2500, 100)]
    np.testing.assert_array_equal(fitted.predict(whole, threads=2), np.concatenate(parts))


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_very_many_rows_come_to_the_same_leaves(task, monkeypatch):
    monkeypatch.setattr(forest, "_TOGETHER", 300)  # rows go through some trees, then through the next ones
    rng = np.random.default_rng(1)
    x = rows(12_000, missing=0.1)
    z = np.nan_to_num(x[:, 0] * x[:, 3]) + rng.normal(size=len(x))
    y = z + 1e6 if task == "regression" else (z > 0).astype(int)
    whole = simple(x)
    fitted = learner("random_forest").fit(whole.take(slice(0, 1500)), y[:1500], task, config={}, rounds=12)
    many = fitted.predict(whole, threads=2)
    assert fitted._walk is not None
    parts = [fitted.predict(whole.take(slice(start, start + 3000))) for start in range(0, len(x), 3000)]
    np.testing.assert_allclose(many, np.concatenate(parts), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["random_forest", "extra_trees"])
def test_leaves_have_more_rows_where_there_would_be_too_many(name, monkeypatch):
    x, noise = np.nan_to_num(rows(3000)), np.random.default_rng(0).normal(size=3000)
    free = learner(name).fit(simple(x), noise, "regression", config={"trees": 20}, seed=0)
    monkeypatch.setattr(forest, "_LEAVES", 4000)
    kept = learner(name).fit(simple(x), noise, "regression", config={"trees": 20}, seed=0)
    assert 2000 < kept.facts["leaves"] <= 4400 < free.facts["leaves"]


def test_leaves_that_are_pure_early_stay_as_small_as_they_were_asked_for(monkeypatch):
    x = np.nan_to_num(rows(3000))
    y = (np.floor(x[:, 0] * 4) % 2).astype(np.int64)
    config = {"trees": 20, "min_samples_leaf": 1, "max_features": 1.0}
    free = learner("random_forest").fit(simple(x), y, "binary", config=config, seed=0)
    monkeypatch.setattr(forest, "_LEAVES", 4000)  # 15 rows each, if leaves were of one size
    kept = learner("random_forest").fit(simple(x), y, "binary", config=config, seed=0)
    assert kept.facts["leaves"] == free.facts["leaves"] < 4000


def test_few_trees_have_leaves_as_those_of_the_whole_forest(monkeypatch):
    monkeypatch.setattr(forest, "_LEAVES", 4000)
    x, y = np.nan_to_num(rows(3000)), np.random.default_rng(0).normal(size=3000)
    few, many = (learner("extra_trees").fit(simple(x), y, "regression", config={}, rounds=k, seed=4) for k in (5, 40))
    np.testing.assert_array_equal(many.first(5).predict(simple(x)), few.predict(simple(x)))
