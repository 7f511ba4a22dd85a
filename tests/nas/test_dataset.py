"""Arrays as a search takes them: what they are found to be, and what is refused."""

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.nas.dataset import balanced, dataset, mirrors

rng = np.random.default_rng(0)


def images(rows=60, shape=(8, 8)):
    return rng.random((rows, *shape))


@pytest.mark.parametrize(
    ("shape", "inner"),
    [
        ((8, 8), (8, 8, 1)),
        ((8, 8, 3), (8, 8, 3)),
        ((3, 8, 8), (8, 8, 3)),
        ((1, 8, 8), (8, 8, 1)),
        ((128, 9), (128, 9)),
        ((100, 1), (100, 1)),
        ((7,), (7,)),
    ],
)
def test_rows_are_images_sequences_or_features(shape, inner):
    made = dataset(images(shape=shape), np.arange(60) % 3)
    assert made.shapes == (inner,)
    (x,), y = made.train(np.arange(4))
    assert x.shape == (4, *inner) and y.shape == (4, 3)


def test_inputs_are_scaled_by_the_training_rows():
    x = np.concatenate([np.full((50, 4), 10.0), np.full((50, 4), 20.0)])
    made = dataset(x, np.arange(100) % 2)
    (found,), _ = made.train(np.arange(made.rows))
    assert abs(found.mean()) < 1e-5 and abs(found.std() - 1) < 1e-5


def test_a_constant_feature_is_no_division_by_zero():
    (found,), _ = dataset(np.zeros((40, 3)), np.arange(40) % 2).train(np.arange(5))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("y", "kind", "outputs", "classes"),
    [
        (np.arange(60) % 4, "multiclass", 4, (0, 1, 2, 3)),
        (np.array(["cat", "dog", "eel"] * 20), "multiclass", 3, ("cat", "dog", "eel")),
        (np.arange(60) % 2 == 0, "multiclass", 2, (0, 1)),
        ((np.arange(60) % 2) * 2 - 1, "multiclass", 2, (-1, 1)),
        (np.eye(3)[np.arange(60) % 3], "multiclass", 3, (0, 1, 2)),
        (np.tile([[1, 1, 0], [0, 0, 0]], (30, 1)), "multilabel", 3, (0, 1, 2)),
        (rng.random(60), "regression", 1, ()),
        (rng.random((60, 2)), "regression", 2, ()),
        ((np.arange(60) % 3).astype(float), "multiclass", 3, (0, 1, 2)),
    ],
)
def test_the_targets_say_what_is_to_be_learned(y, kind, outputs, classes):
    made = dataset(images(), y)
    assert (made.task.kind, made.task.outputs, made.task.classes) == (kind, outputs, classes)


def test_labels_keep_their_places_where_some_are_missing():
    made = dataset(images(), np.array([0, 1, 5] * 20))
    assert made.task.outputs == 6 and "no row has" in made.notes[0]


def test_numbers_to_predict_come_back_in_their_own_units():
    y = 1000 + 50 * rng.random(60)
    made = dataset(images(), y)
    (_,), truth = made.held_back()
    assert abs(truth.mean()) < 2
    zero = made.task.metrics(np.zeros_like(truth), truth)
    assert zero["val_mae"] == pytest.approx(np.abs(truth * made.task.spread).mean(), rel=1e-5)
    assert made.task.metrics(truth, truth)["val_r2"] == pytest.approx(1.0)


def test_each_class_is_kept_back_in_its_share_and_no_row_twice():
    y = np.array([0] * 900 + [1] * 100)
    made = dataset(images(1000, (2,)), y, validation=0.2)
    assert not set(made.chosen) & set(made.kept) and len(made.chosen) + len(made.kept) == 1000
    assert y[made.kept].sum() == pytest.approx(20, abs=1) and len(made.kept) == pytest.approx(200, abs=2)


def test_rows_of_ones_own_to_judge_by():
    made = dataset(images(), np.arange(60) % 2, validation=(np.ones((5, 8, 8)), [0, 1, 0, 1, 0]))
    assert made.rows == 60 and len(made.kept) == 5
    assert made.held_back()[1].argmax(axis=1).sum() == 2


def test_smaller_images_are_means():
    made = dataset(np.arange(40 * 16).reshape(40, 4, 4).astype(float), np.arange(40) % 2)
    small = made.shrunk(2)
    assert small.shapes == ((2, 2, 1),)
    (x,), _ = made.train(np.arange(3))
    (found,), _ = small.train(np.arange(3))
    assert found == pytest.approx(x.reshape(3, 2, 2, 2, 2, 1).mean(axis=(2, 4)), abs=1e-6)


def test_several_inputs():
    made = dataset([images(), rng.random((60, 5))], np.arange(60) % 2)
    assert made.shapes == ((8, 8, 1), (5,)) and made.task.images
    (left, right), _ = made.train(np.arange(7))
    assert left.shape == (7, 8, 8, 1) and right.shape == (7, 5)


def test_mirrored_images_are_used_where_they_stay_what_they_are():
    rows = np.arange(400)
    half = rng.random((400, 8, 4)) + (rows % 2)[:, None, None]
    symmetric = np.concatenate([half, half[:, :, ::-1]], axis=2)
    assert mirrors(dataset(symmetric, rows % 2))
    left = np.zeros((400, 8, 8)) + 0.1 * rng.random((400, 8, 8))
    left[rows % 2 == 0, :, :4] += 1
    left[rows % 2 == 1, :, 4:] += 1
    assert not mirrors(dataset(left, rows % 2))


def test_balanced_weights_count_classes_alike():
    weights = balanced(dataset(images(100), np.array([0] * 90 + [1] * 10)))
    assert weights[1] / weights[0] == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (images(2), [0, 1], "only 2 rows"),
        (images(), np.zeros(60), "all rows have the label"),
        (images(), np.arange(59), "60 rows"),
        (np.full((60, 8, 8), np.nan), np.arange(60) % 2, "not finite"),
        (np.array([["a"] * 3] * 60), np.arange(60) % 2, "no numbers"),
        (rng.random(60), np.arange(60) % 2, "shape"),
        (rng.random((60, 2, 2, 2, 2)), np.arange(60) % 2, "shape"),
        (rng.random((60, 0)), np.arange(60) % 2, "nothing in a row"),
        (images(), [None, *range(59)], "without a label"),
        (images(), np.r_[np.nan, np.arange(59)], "not finite"),
        ([], np.arange(60), "empty"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_what_is_wrong(x, y, said):
    with pytest.raises(ArgumentError, match=said):
        dataset(x if len(x) else (), y)


@pytest.mark.parametrize("validation", [0, 1, 1.5, -0.1, True, "half", (1, 2, 3), None])
def test_a_share_that_is_none(validation):
    with pytest.raises(ArgumentError, match="validation"):
        dataset(images(), np.arange(60) % 2, validation=validation)


def test_the_first_value_that_is_not_finite_is_named():
    x = images()
    x[41, 2, 3] = np.inf
    with pytest.raises(ArgumentError, match=r"\(41, 2, 3\)"):
        dataset(x, np.arange(60) % 2)


def test_ten_thousand_classes():
    made = dataset(rng.random((20_000, 3)), np.arange(20_000) % 10_000)
    assert made.task.outputs == 10_000 and len(made.kept) > 1000
