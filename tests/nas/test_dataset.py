"""Arrays as a search takes them: what they are found to be, and what is refused."""

import pickle
import tracemalloc

import numpy as np
import pytest

from modelwright.api.preparing import _recipe
from modelwright.core.errors import ArgumentError
from modelwright.nas.dataset import balanced, dataset, mirrors
from modelwright.nas.recipe import Recipe

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


@pytest.mark.parametrize(
    ("y", "own", "task", "said"),
    [
        (np.arange(60) % 2, [0, 1, 0.5], "multiclass", r"and validation's y\[2\] is 0.5"),
        (np.tile([[1, 1], [0, 1]], (30, 1)), [[1, 1], [1, 3], [0, 0]], "multilabel", r"validation's y\[1, 1\] is 3"),
        (np.eye(2)[np.arange(60) % 2], [[1, 0], [0, 1], [1, 1]], "multiclass", "row 2 of validation's y has 2 labels"),
        (np.arange(60) % 2, np.eye(2)[[0, 1, 1]], None, r"y has the shape \(60,\) and validation's y .* \(3, 2\)"),
        (np.arange(60) % 2, ["0", "1", "0"], None, "validation's y holds texts, y numbers"),
        (np.array(["a", "b"] * 30), [0, 1, 0], None, "y holds texts, validation's y numbers"),
    ],
)
def test_what_is_wrong_with_targets_of_ones_own_is_said_of_them(y, own, task, said):
    with pytest.raises(ArgumentError, match=said):
        dataset(images(), y, validation=(np.ones((3, 8, 8)), own), task=task)


@pytest.mark.parametrize(
    ("y", "own", "said"),
    [
        (np.array(["a", "b"] * 30), ["a", "c", "d"], "has one of the 2 labels 'c', 'd', and"),
        (np.arange(60) % 2, [0, 2, 1], "has the label 2, and"),
        (np.tile([[1, 1, 0], [0, 1, 0]], (30, 1)), [[0, 0, 1]] * 3, "has the label 2, and"),
    ],
)
def test_labels_that_cannot_be_learned_are_told(y, own, said):
    made = dataset(images(), y, validation=(np.ones((3, 8, 8)), own))
    assert any(note.startswith("no row to train on has") and said in note for note in made.notes)
    assert not dataset(images(), y, validation=(np.ones((3, 8, 8)), y[:3])).notes


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
    for recipe in (None, Recipe(rate=0.01)):  # one that says nothing of it leaves it to the images
        found = _recipe(recipe, dataset(symmetric, rows % 2))
        assert found.mirror is True and found.batch == 32
    assert _recipe(Recipe(mirror=False, batch=128), dataset(symmetric, rows % 2)) == Recipe(
        mirror=False, batch=128, shift=2
    )
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


def test_ten_thousand_classes_take_no_table_of_all_rows_and_classes():
    x, y = rng.random((20_000, 3)), np.arange(20_000) % 10_000
    tracemalloc.start()
    made = dataset(x, y)
    assert tracemalloc.get_traced_memory()[1] < 50e6  # a table would take 800 MB
    tracemalloc.stop()
    assert made.task.outputs == 10_000 and len(made.kept) > 1000
    assert len(pickle.dumps(made)) < 2e6
    _, rows = made.train(np.arange(5))
    assert rows.shape == (5, 10_000) and (rows.sum(axis=1) == 1).all()
    assert (rows.argmax(axis=1) == y[made.chosen[:5]]).all()


def test_rows_with_a_single_one_are_classes_by_place():
    rows = np.eye(3)[np.arange(60) % 3]
    made = dataset(images(), rows)
    assert made.y.tolist() == (np.arange(60) % 3).tolist()
    assert (made.targets(np.arange(60)) == rows).all()


# --- what targets show ---------------------------------------------------------------------------


def test_many_different_whole_numbers_are_predicted_as_numbers_and_it_is_said():
    made = dataset(rng.random((300, 3)), rng.permutation(300) * 997)
    assert made.task.kind == "regression" and "task='multiclass'" in made.notes[0]
    made = dataset(rng.random((300, 3)), rng.permutation(300) * 997, task="multiclass")
    assert made.task.outputs == 300


def test_labels_that_are_numbered_without_gaps_stay_classes_and_it_is_said():
    made = dataset(rng.random((300, 3)), np.arange(300) % 60)
    assert made.task.outputs == 60 and "task='regression'" in made.notes[0]


def test_numbers_that_come_as_objects_are_numbers():
    assert dataset(images(), rng.random(60).astype(object)).task.kind == "regression"
    made = dataset(images(), np.array([2, 10, 1] * 20, dtype=object))
    assert made.task.classes == tuple(range(11))
    made = dataset(images(), np.array([True, False] * 30, dtype=object))
    assert made.task.classes == (0, 1)
    assert dataset(images(), np.array(["2", "10", "1"] * 20, dtype=object)).task.classes == ("1", "10", "2")


@pytest.mark.parametrize(
    ("y", "task", "said"),
    [
        (np.arange(60) / 10, "multiclass", r"y\[1\] is 0.1"),
        (np.arange(60) % 2, "multilabel", "one value a row"),
        (rng.random((60, 2)), "multiclass", r"y\[0, 0\]"),
        (rng.random((60, 2)), "multilabel", r"y\[0, 0\]"),
        (np.tile([[1, 0, 0], [1, 1, 0]], (30, 1)), "multiclass", "row 1 of y has 2 labels"),
        (np.array([["a", "b"]] * 60), None, "rows of texts"),
        (np.tile([[1, 0]], (60, 1)), None, "all rows have the label 0"),
        (np.full(60, 7), None, "all rows have the label 7"),
        (np.arange(60), "classes", "task='classes'"),
    ],
)
def test_a_task_that_the_targets_are_not_is_refused(y, task, said):
    with pytest.raises(ArgumentError, match=said):
        dataset(images(), y, task=task)


def test_flags_can_be_predicted_as_numbers():
    assert dataset(images(), np.eye(3)[np.arange(60) % 3], task="regression").task.kind == "regression"


def test_labels_beyond_64_bits_stay_themselves():
    made = dataset(images(), np.array([2**63, 2**63 + 1] * 30, dtype=np.uint64))
    assert made.task.classes == (2**63, 2**63 + 1)
    assert dataset(images(), np.array([1e30, 2e30] * 30)).task.classes == (1e30, 2e30)


def test_what_outputs_stand_for_is_said():
    made = dataset(images(), np.arange(60) % 3 + 1)
    assert made.task.classes == (0, 1, 2, 3)
    assert "no row has the label 0;" in made.notes[0] and "output i stands for label i" in made.notes[0]


# --- what rows are taken for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((24, 20), "taken as images"),
        ((10, 6), "taken as images"),
        ((28, 14), "taken as sequences"),
        ((2, 32, 32), "channels come first"),
        ((3, 32, 32), "channels first"),
    ],
)
def test_rows_that_could_be_something_else_are_told_of(shape, said):
    assert any(said in note for note in dataset(images(shape=shape), np.arange(60) % 2).notes)


@pytest.mark.parametrize("shape", [(8, 8), (128, 9), (32, 32, 2), (8, 8, 3), (7,)])
def test_rows_that_are_plain_are_not(shape):
    assert dataset(images(shape=shape), np.arange(60) % 2).notes == ()


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((30, 17), (30, 17)), ((28, 14), (28, 14, 1)), ((2, 32, 32), (32, 32, 2)), ((9, 5), (9, 5, 1)), ((7,), (7, 1))],
)
def test_a_space_with_a_shape_says_what_rows_are(shape, wanted):
    made = dataset(images(shape=shape), np.arange(60) % 2, shapes=(wanted,))
    assert made.shapes == (wanted,) and made.notes == ()
    assert made.train(np.arange(3))[0][0].shape == (3, *wanted)


def test_rows_may_come_as_a_list():
    made = dataset(list(images()), np.arange(60) % 2)
    assert made.shapes == ((8, 8, 1),)
    with pytest.raises(ArgumentError, match="x has 60 inputs of 8 rows, y has 59") as caught:
        dataset(list(images()), np.arange(59) % 2)
    assert len(str(caught.value)) < 200


def test_columns_of_several_kinds_of_numbers_are_numbers():
    x = np.array([[1, 0.5, True], [2, 0.25, False]] * 30, dtype=object)
    (found,), _ = dataset(x, np.arange(60) % 2).train(np.arange(3))
    assert found.dtype == np.float32
    x[7, 1] = "much"
    with pytest.raises(ArgumentError, match=r"'much' at \(7, 1\), which is a str"):
        dataset(x, np.arange(60) % 2)
    x[7, 1] = None
    with pytest.raises(ArgumentError, match="not finite"):
        dataset(x, np.arange(60) % 2)


# --- scales --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-25, 1e-7, 1.0, 1e20, 1e37])
def test_inputs_of_any_size_are_scaled(scale):
    made = dataset(rng.normal(size=(200, 3)) * scale, np.arange(200) % 2)
    (found,), _ = made.train(np.arange(made.rows))
    assert found.std() == pytest.approx(1, abs=0.01) and made.notes == ()


def test_a_large_offset_does_not_hide_what_varies():
    made = dataset(1.7e12 + 1e6 * rng.normal(size=(200, 2)), np.arange(200) % 2)
    (found,), _ = made.train(np.arange(made.rows))
    assert found.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("scale", [1e-25, 1e-9, 1.0, 1e20])
def test_the_model_that_comes_out_scales_alike(scale):
    pytest.importorskip("keras")
    from modelwright.nas import build, trace, weights
    from modelwright.nas.deploy import deployable

    x = ((rng.normal(size=(100, 3)) + 2) * [1, scale, 1]).astype(np.float32)
    made = dataset(x, rng.random(100))
    graph = trace(lambda x: x.dense(4).relu().dense(1), (3,))
    network = build(graph)
    whole = deployable(graph, weights.read(network), made.fronts, made.task)
    inner = network.predict(made.fronts[0](x), verbose=0) * made.task.spread + made.task.center
    np.testing.assert_allclose(whole.predict(x, verbose=0), inner, rtol=1e-4, atol=1e-5)


def test_columns_that_tell_nothing_are_named():
    x = rng.normal(size=(200, 4))
    x[:, 1], x[:, 2] = 5.0, 1e12 + x[:, 2]
    same, lost = dataset(x, np.arange(200) % 2).notes
    assert "feature 1 of x: the same value" in same and "feature 2 of x: too little variation" in lost


@pytest.mark.parametrize("huge", [1e300, -1e39])
def test_numbers_that_32_bits_do_not_hold_are_refused(huge):
    x = rng.random((60, 3))
    x[4, 1] = huge
    with pytest.raises(ArgumentError, match=r"too large, the first is .* at \(4, 1\)"):
        dataset(x, np.arange(60) % 2)
    with pytest.raises(ArgumentError, match="y holds numbers that are too large"):
        dataset(images(), np.linspace(0, huge, 60))


@pytest.mark.parametrize(("share", "left"), [(0.9999999, "1 row "), (0.95, "3 rows ")])
def test_a_share_that_leaves_nothing_to_train_on(share, left):
    with pytest.raises(ArgumentError, match=f"validation={share} leaves {left}"):
        dataset(images(), rng.random(60), validation=share)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("share", [0.15, 0.5, 0.001])
def test_the_only_row_of_a_label_is_trained_on(seed, share):
    lone = np.r_[np.arange(58) % 2, 2, 3]
    made = dataset(images(), lone, validation=share, seed=seed)
    assert {2, 3} <= set(made.y[made.chosen]) and len(made.kept) and not made.notes
    assert sorted([*made.chosen, *made.kept]) == list(range(60))
    several = np.zeros((60, 4), int)
    several[:50, :2] = 1
    several[55, 2] = several[56, 3] = several[57, 0] = 1
    made = dataset(images(), several, validation=share, seed=seed)
    assert made.task.kind == "multilabel" and made.y[made.chosen].any(axis=0).all() and not made.notes


def test_one_class_alone_to_train_on():
    y = np.r_[np.zeros(60, int), np.ones(5, int)]
    with pytest.raises(ArgumentError, match="60 rows of one class"):
        dataset(images(), y[:60], validation=(images(5), y[60:]))


def test_an_array_in_place_of_a_share_is_not_printed():
    with pytest.raises(ArgumentError, match="validation is an ndarray"):
        dataset(images(), np.arange(60) % 2, validation=images())
