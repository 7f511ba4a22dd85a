"""Which rows are taken for the nearest."""

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.learners import learner
from modelwright.tasks.learners.neighbours import FittedNeighbours


def model(x, count):
    rows, features = x.shape
    y, ones = np.arange(rows, dtype=float), np.ones(rows)
    return FittedNeighbours(x, y, ones, np.ones(features, np.float32), 0, count, {"rounds": count})


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 1200), features=st.integers(1, 5), count=st.integers(1, 91), seed=st.integers(0, 999))
def test_they_are_the_nearest_of_all_and_of_equal_ones_the_first(rows, features, count, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (rows, features)).astype(np.float32)  # whole numbers: distances are exact, and many equal
    asked = rng.integers(-3, 4, (70, features)).astype(np.float32)
    near, far = model(x, count)._nearest(asked, count)
    distances = np.square(asked[:, None] - x[None]).sum(axis=2)
    expected = np.argsort(distances, axis=1, kind="stable")[:, : min(count, rows)]
    np.testing.assert_array_equal(near, expected)
    np.testing.assert_array_equal(far, np.take_along_axis(distances, expected, 1))


def test_numbers_too_large_for_a_distance_are_answered_all_the_same():
    x = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    asked = np.array([[3e38, -3e38], [3e38, 3e38], [0, 0]] * 3, np.float32)
    answered = model(x, 18).predict(Matrix(values=asked, names=("a", "b"), sources=(("a",), ("b",))))
    assert np.isfinite(answered).all()


def test_a_fit_without_time_is_the_same_when_it_is_done_again():
    rng = np.random.default_rng(0)
    x = Matrix(values=rng.normal(size=(800, 2)).astype(np.float32), names=("a", "b"), sources=(("a",), ("b",)))
    y = x.values[:, 0].astype(float)
    late = learner("neighbours").fit(x, y, "regression", config={}, seed=0, deadline=time.monotonic() - 1)
    rounds = late.facts["rounds"]
    again = learner("neighbours").fit(x, y, "regression", config={}, seed=0, rounds=rounds, again=True)
    np.testing.assert_array_equal(late.predict(x), again.predict(x))


def test_rows_of_weight_0_take_no_place_among_those_that_are_kept():
    rng = np.random.default_rng(0)
    x = Matrix(values=rng.normal(size=(20_000, 2)).astype(np.float32), names=("a", "b"), sources=(("a",), ("b",)))
    y, weight = x.values[:, 0].astype(float), np.zeros(20_000)
    heavy = rng.choice(20_000, 500, replace=False)
    weight[heavy] = 1.0
    fitted = learner("neighbours").fit(x, y, "regression", config={}, weight=weight, rounds=1, seed=0)
    np.testing.assert_allclose(fitted.predict(x.take(heavy)), y[heavy], atol=1e-6)


def test_a_feature_counts_by_what_it_says_of_the_rows_that_weigh():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2)).astype(np.float32)
    matrix = Matrix(values=x, names=("a", "b"), sources=(("a",), ("b",)))
    own = rng.random(2000) < 0.3
    y, weight = np.where(own, x[:, 0], x[:, 1]).astype(float), np.where(own, 1.0, 1e-3)
    plain, weighed = (learner("neighbours").fit(matrix, y, "regression", config={}, weight=w) for w in (None, weight))
    assert plain.shares().argmax() == 1 and weighed.shares().argmax() == 0


def test_a_class_that_no_row_has_is_not_impossible():
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    matrix = Matrix(values=x, names=("a", "b"), sources=(("a",), ("b",)))
    y = (x[:, 0] > 0).astype(int)
    found = learner("neighbours").fit(matrix, y, "multiclass", config={}, classes=3).predict(matrix)
    assert (found > 0).all() and (found[:, 2] < 1e-4).all()
