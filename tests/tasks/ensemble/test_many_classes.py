"""Many rows of many classes: nothing makes an array of rows by classes that it does not need."""

import tracemalloc
from contextlib import contextmanager

import numpy as np
from raw_frames import simple

from modelwright.core.rng import Seed
from modelwright.tasks.ensemble.selection import mixture, selected
from modelwright.tasks.features.step import Sight
from modelwright.tasks.learners import learner
from modelwright.tasks.scoring.validation import Ties, make_split

MB = 1 << 20


@contextmanager
def within(most):
    """No more than so many bytes at once."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak / MB:.0f} MB"


def test_rows_are_divided_without_a_table_of_groups_by_classes():
    rng = np.random.default_rng(0)
    rows, classes = 40_000, 400
    y, twins = rng.integers(0, classes, rows), rng.permutation(np.repeat(np.arange(rows // 2), [1, 3] * (rows // 4)))
    with within(40 * MB):
        split = make_split(y, "multiclass", seed=0, ties=Ties(twins=twins), folds=4, repeats=1)
    place = split.place[0]
    assert all(len(set(place[twins == group])) == 1 for group in range(200))
    sizes = np.bincount(place)
    assert sizes.max() < 1.02 * sizes.min()
    shares = np.stack([np.bincount(y[place == fold], minlength=classes) for fold in range(4)])
    assert np.abs(shares - shares.mean(axis=0)).max() < 25


def test_steps_see_the_target_of_the_rows_and_classes_that_they_look_at():
    rows, classes = 100_000, 200
    y = np.arange(rows) % classes
    sight = Sight(y=y, task="multiclass", classes=classes, weight=None, seed=Seed(0), folds=np.zeros(rows, np.int64))
    some = np.arange(0, rows, 50)
    with within(10 * MB):
        found = sight.outputs(some)
    assert found.shape == (2000, classes) and (found.argmax(axis=1) == y[some]).all()
    assert sight.outputs(most=3).shape == (rows, 3)


def test_neighbours_answer_some_rows_at_a_time():
    rng = np.random.default_rng(0)
    classes = 200
    x, y = rng.normal(size=(4000, 4)), rng.integers(0, classes, 4000)
    model = learner("neighbours").fit(simple(x), y, "multiclass", config={}, rounds=40, classes=classes, seed=0)
    with within(100 * MB):
        found = model.predict(simple(x[:3000]))
    assert np.allclose(found.sum(axis=1), 1)
    assert np.allclose(found[2900:2950], model.predict(simple(x[2900:2950])))


def test_candidates_are_mixed_without_a_copy_of_all_of_them():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 50, 40_000)
    predictions = [rng.random((len(y), 50), np.float32) for _ in range(12)]

    def merit(y, predicted, weight):
        return float(np.log(predicted[np.arange(len(y)), y]).mean())

    with within(12 * 8_000 * 50 * 8 * 3):
        found = selected(predictions, y, merit, seed=0)
        mixed = found.mixed(predictions)
    own = found.part == 1
    assert np.allclose(mixed[own], np.tensordot(found.crossed[1], np.stack(predictions)[:, own], 1))
    assert np.allclose(mixture(found.weights, predictions), np.tensordot(found.weights, np.stack(predictions), 1))
