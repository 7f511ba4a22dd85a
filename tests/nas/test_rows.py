"""What a search says of rows that it cannot read, and of numbers that a model could not put out."""

import numpy as np
import pytest
from scipy import sparse

from modelwright import nas
from modelwright.api.ensembles import _weights
from modelwright.core.errors import ArgumentError
from modelwright.nas.dataset import dataset

rng = np.random.default_rng(0)
X = rng.random((60, 3))
Y = np.arange(60) % 2


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_refused_whatever_its_bits(dtype, value):
    x = X.astype(dtype)
    x[7, 1] = value
    with pytest.raises(ArgumentError, match=r"not finite, the first at \(7, 1\)"):
        dataset(x, Y)


def test_the_largest_numbers_of_few_bits_are_taken():
    x = X.astype(np.float16)
    x[7, 1] = np.finfo(np.float16).max
    assert dataset(x, Y).rows


@pytest.mark.parametrize(
    ("value", "dtype", "fine"),
    [
        (2**31 - 1, np.int64, True), (-(2**31), np.int64, True), (2**32 - 1, np.uint32, True),
        (2**32 - 1, np.uint64, True), (2**31, np.int64, False), (-(2**31) - 1, np.int64, False),
        (2**32, np.uint64, False), (2**31, object, False),
    ],
)  # fmt: skip
def test_whole_numbers_that_a_model_would_get_cut_off_are_refused(value, dtype, fine):
    x = np.ones((60, 3), dtype)
    x[7, 1] = value
    if fine:
        assert dataset(x, Y).rows
        return
    with pytest.raises(
        ArgumentError, match=rf"(?s)x holds u?int64 numbers .*{value:,} at \(7, 1\).*astype\('float32'\)"
    ):
        dataset(x, Y)
    with pytest.raises(ArgumentError, match="validation's x holds u?int64 numbers"):
        dataset(np.ones((60, 3), np.int8), Y, validation=(x, Y))
    assert dataset(x.astype(np.float32), Y).rows


@pytest.mark.parametrize("dtype", [np.int64, np.uint32, np.uint64, np.float64])
def test_the_model_that_comes_out_takes_the_rows_as_they_were_given(dtype):
    most = 2**31 - 1 if dtype == np.int64 else 2**32 - 1
    x = np.random.default_rng(0).integers(0, most, (200, 3)).astype(dtype)
    y = (x[:, 0] > most / 2).astype(int)
    study = nas.search(
        nas.tabular(), x, y, validation=(x, y), plan=None, strategy="random", trials=1, epochs=3, store=":memory:",
        verbose=0,
    )  # fmt: skip
    predicted = study.best_model().predict(x, verbose=0).argmax(axis=1)
    assert (predicted == y).mean() == pytest.approx(study.best.value, abs=0.01) and study.best.value > 0.8


class Batches:
    """As loaders and pipelines are: there is no end of it, or no row by its number."""

    def __iter__(self):
        yield X, Y


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (Batches(), Y, r"x is a Batches, which is no array of rows.*Allowed: an array.*collect what comes one by one"),
        ((row for row in X), Y, r"x is a generator, which is no array of rows.*collect"),
        (Batches(), None, r"y is None, which is no array of rows.*x and y apart"),
        (sparse.csr_matrix(X), Y, r"x is a csr_matrix, which is no array of rows.*toarray\(\)"),
        (X, sparse.csr_matrix(Y), r"y is a csr_matrix"),
        ("images/", Y, r"x is a str, which is no array of rows"),
        (X, {"label": Y}, r"y is a dict, which is no array of rows"),
    ],
)
def test_what_is_no_array_is_told_as_that(x, y, said):
    with pytest.raises(ArgumentError, match=f"(?s){said}"):
        dataset(x, y)


# --- numbers to be predicted ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (1.7e9 + 0.5 * np.arange(60), r"y varies by 8[.0-9]+ around 1.7e\+09, .* 128 apart.*Subtract its mean"),
        (np.c_[rng.random(60), 1e6 + 1e-3 * rng.random(60)], "column 1 of y varies by"),
    ],
)
def test_numbers_that_a_model_could_not_tell_apart_are_refused(y, said):
    with pytest.raises(ArgumentError, match=f"(?s){said}"):
        dataset(X, y)


def test_numbers_that_a_model_rounds_are_told_of():
    (note,) = dataset(X, 1.7e9 + 3600.0 * np.arange(60), task="regression").notes
    assert "y varies by" in note and "128 apart: predictions are rounded to that" in note


@pytest.mark.parametrize("y", [1990 + 10 * rng.random(60), 1.7e9 + 1e7 * rng.random(60), 1e-9 * rng.random(60)])
def test_other_numbers_are_not(y):
    assert dataset(X, y).notes == ()


def test_a_constant_to_be_predicted_is_no_rounding():
    made = dataset(X, np.full(60, 0.1), task="regression")
    assert made.notes == () and made.task.spread == (1.0,)


def test_networks_are_judged_by_the_numbers_that_the_model_puts_out():
    made = dataset(X, 1.7e9 + 3600.0 * np.arange(60), task="regression")
    _, truth = made.held_back()
    exact = made.task.metrics(truth, truth)  # 32 bits hold every 128th second
    assert 5 < exact["val_mae"] < 130 and exact["val_r2"] < 1 - 1e-7
    assert exact["val_mse"] == pytest.approx(exact["val_loss"] * made.task.spread[0] ** 2)


def test_several_outputs_count_alike_whatever_their_units():
    y = rng.normal(size=(400, 2)) * [1.0, 1000.0]
    made = dataset(rng.random((400, 3)), y)
    _, truth = made.held_back()
    blind = [truth * [0, 1], truth * [1, 0]]  # nothing is known of the first, or of the second
    first, second = (made.task.metrics(out, truth) for out in blind)
    assert first["val_loss"] == pytest.approx(second["val_loss"], rel=0.5) and first["val_loss"] > 0.3
    assert first["val_r2"] == pytest.approx(0.5, abs=0.1) and second["val_r2"] == pytest.approx(0.5, abs=0.1)
    assert first["val_mse"] < 1e-3 * second["val_mse"]  # in their own units


def test_an_output_that_does_not_vary_in_the_rows_to_judge_by_has_no_part_in_r2():
    made = dataset(X, np.c_[rng.random(60), rng.random(60)])
    _, truth = made.held_back()
    truth[:, 1] = 0.0
    assert made.task.metrics(truth, truth)["val_r2"] == pytest.approx(1.0)
    assert np.isnan(made.task.metrics(0 * truth, 0 * truth)["val_r2"])


def test_members_of_an_ensemble_are_chosen_by_all_outputs_alike():
    y = rng.normal(size=(400, 2)) * [1.0, 1000.0]
    made = dataset(rng.random((400, 3)), y)
    _, truth = made.held_back()
    own, off = truth * made.task.spread + made.task.center, np.array([0.0, 100.0])
    assert _weights([own + off, own * [0, 1]], truth, made.task).tolist() == [1, 0]


# --- several labels at once ----------------------------------------------------------------------


def test_networks_for_several_labels_are_picked_by_their_loss():
    rare = (rng.random((400, 20)) < 0.03).astype(int)
    task = dataset(rng.random((400, 3)), rare).task
    assert task.kind == "multilabel" and task.objective == "val_loss"
    none = task.metrics(np.full((400, 20), -20.0), rare)
    better = task.metrics(np.where(rare == 1, -1.0, -3.0), rare)  # the right ones are above, though none is said
    assert none["val_accuracy"] == better["val_accuracy"] > 0.95 and better["val_loss"] < none["val_loss"]
    assert dataset(X, Y).task.objective == dataset(X, Y, outputs=1).task.objective == "val_accuracy"


@pytest.mark.parametrize("together", [False, True])
def test_the_doubt_of_a_share_of_labels_is_that_of_rows(together):
    task = dataset(X, np.tile([[1, 1, 0, 1], [0, 0, 1, 1]], (30, 1))).task
    draws = np.random.default_rng(1)
    found, shares = [], []
    for _ in range(300):
        wrong = draws.random((200, 1 if together else 4)) < 0.2
        outputs, truth = np.where(np.broadcast_to(wrong, (200, 4)), -1.0, 1.0), np.ones((200, 4))
        shares.append(task.metrics(outputs, truth)["val_accuracy"])
        found.append(task.doubts(task.by_row(outputs, truth))["val_accuracy"])
    assert np.mean(found) == pytest.approx(np.std(shares), rel=0.15)
    assert task.doubts(task.by_row(truth, truth))["val_accuracy"] == 1 / 800  # one more or less
    assert dataset(X, Y).task.doubts(task.by_row(truth, truth)) == {}
