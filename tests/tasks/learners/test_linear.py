"""Linear models find the minimum that scikit-learn's solvers find."""

from dataclasses import replace

import numpy as np
import pytest
from raw_frames import simple

from modelwright.tasks.learners import learner, restore
from modelwright.tasks.learners.linear import PATH
from modelwright.tasks.stored.held import Damaged
from modelwright.tasks.stored.models import Stored, checked

linear_model = pytest.importorskip("sklearn.linear_model")
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
X = (X - X.mean(axis=0)) / X.std(axis=0)
TRUE = np.array([1.0, -0.5, 0.0, 0.0, 0.3])


@pytest.mark.parametrize(("ratio", "rounds"), [(0.0, 8), (0.5, 6), (1.0, 7)])
def test_regression(ratio, rounds):
    y = X @ TRUE + 0.1 * rng.normal(size=400)
    y = (y - y.mean()) / y.std()
    model = learner("linear").fit(simple(X), y, "regression", config={"l1_ratio": ratio}, rounds=rounds)
    penalty = float(PATH[rounds - 1])
    if ratio:
        theirs = linear_model.ElasticNet(alpha=penalty, l1_ratio=ratio, tol=1e-10, max_iter=10000).fit(X, y)
    else:
        theirs = linear_model.Ridge(alpha=penalty * 400).fit(X, y)
    assert np.allclose(model.predict(simple(X)), theirs.predict(X), atol=2e-3)


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_two_classes(ratio):
    y = (X @ TRUE + rng.normal(size=400) > 0).astype(int)
    rounds = 8
    model = learner("linear").fit(simple(X), y, "binary", config={"l1_ratio": ratio}, rounds=rounds)
    strength = 1 / (400 * float(PATH[rounds - 1]))
    theirs = linear_model.LogisticRegression(C=strength, l1_ratio=ratio, solver="saga", max_iter=20000, tol=1e-8)
    assert np.allclose(model.predict(simple(X)), theirs.fit(X, y).predict_proba(X), atol=0.01)


def test_three_classes():
    y = np.digitize(X @ TRUE + 0.5 * rng.normal(size=400), [-0.5, 0.7])
    model = learner("linear").fit(simple(X), y, "multiclass", config={}, rounds=8)
    theirs = linear_model.LogisticRegression(C=1 / (400 * float(PATH[7])), max_iter=5000, tol=1e-8).fit(X, y)
    assert np.allclose(model.predict(simple(X)), theirs.predict_proba(X), atol=0.02)


def test_a_lasso_drops_features_that_say_nothing():
    y = X @ TRUE
    model = learner("linear").fit(simple(X), y, "regression", config={"l1_ratio": 1.0}, rounds=6)
    assert model.facts["used"] <= 3


def test_many_rare_levels_that_say_little_are_relied_on_less_than_a_number_that_says_much():
    own = np.random.default_rng(4)
    number, level = own.normal(size=400), own.integers(0, 35, 400)
    values = np.c_[number, level[:, None] == np.arange(35)]
    y = (number + own.normal(size=400) > 0).astype(int)
    sources = (("number",), *[("level",)] * 35)
    matrix = replace(simple(values), sources=sources)
    model = learner("linear").fit(matrix, y, "binary", config={}, rounds=8)
    shares = model.shares()
    assert shares[0] > 1.5 * shares[1:].sum()
    body, arrays = model.state()
    assert np.array_equal(restore(model.kind, body, arrays).shares(), shares)
    older = {name: array for name, array in arrays.items() if name != "relied"}
    assert restore(model.kind, body, older).shares().sum() == pytest.approx(1)


def test_what_a_stored_model_relies_on_is_a_number_for_each_feature_and_not_negative():
    body, arrays = learner("linear").fit(simple(X), X @ TRUE, "regression", config={}, rounds=8).state()
    checked("linear", Stored(body, arrays, features=5, classes=0))
    for wrong in (np.ones(4), -np.ones(5), np.full(5, np.nan)):
        with pytest.raises(Damaged):
            checked("linear", Stored(body, {**arrays, "relied": wrong}, features=5, classes=0))
