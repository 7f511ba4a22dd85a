"""Data and models that do not belong together: said in our words, with the shapes, before or in the first trial."""

import warnings

import numpy as np
import pytest

import modelwright as mw
from modelwright.frontends.given import warn_not_finite

keras = pytest.importorskip("keras", reason="keras is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
ONE_HOT = keras.utils.to_categorical(Y, 2)


def builder(width=6, classes=2, loss="sparse_categorical_crossentropy", declared=True):
    def build(hp):
        layers = [keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(classes, activation="softmax")]
        model = keras.Sequential([*([keras.layers.Input((width,))] if declared else []), *layers])
        model.compile("adam", loss, metrics=["accuracy"])
        return model

    return build


def tune(*data, build=None, **options):
    options = {
        "objective": "loss", "epochs": 1, "trials": 1, "strategy": "random", "store": ":memory:", "verbose": 0,
        "batch_size": 20, **options,
    }  # fmt: skip
    return mw.tune(build or builder(), *data, **options)


def spoilt(array, at, value=np.nan):
    array = array.copy()
    array[at] = value
    return array


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((X[:, :5], Y), {}, r"x has the shape \(60, 5\), and the model takes \(rows, 6\).*Input\(\(5,\)\)"),
        ((X, Y + 2), {}, r"y holds labels from 2 to 3, and the model gives 2 classes.*0 to 1.*4 units"),
        ((X, Y + 1), {}, r"labels from 1 to 2.*begin at 0: subtract 1"),
        ((X, -Y), {}, r"labels from -1 to 0"),
        ((X, ONE_HOT), {}, r"y has the shape \(60, 2\), one column a class.*categorical_crossentropy"),
        (
            (X, Y),
            {"build": builder(loss="categorical_crossentropy")},
            r"one column a class: \(rows, 2\).*to_categorical",
        ),
        ((X, Y), {"validation_data": X}, r"validation_data is one array of shape \(60, 6\).*\(x_val, y_val\)"),
        ((X, Y), {"validation_data": (X,)}, r"validation_data has 1 part\. Allowed: \(x, y\)"),
        ((X, Y), {"validation_data": (X[:, :5], Y)}, r"validation_data's x has the shape \(60, 5\)"),
        ((X, Y), {"validation_data": (X, Y + 9)}, r"validation_data's y holds labels from 9 to 10"),
        ((X, Y), {"validation_data": (X, Y[:9])}, r"different numbers of rows.*60.*9"),
        ((X, Y[:9]), {}, r"different numbers of rows.*60.*9"),
        ((X, None), {}, r"y is missing.*mw\.tune\(build, x, y"),
        ((X, Y), {"sample_weight": np.ones(9)}, r"x has 60 rows, sample_weight 9 entries"),
        ((X, Y), {"fit": {"epochs": 3}}, r"epochs given twice: epochs=1 and fit=\{'epochs': 3\}"),
        ((), {"fit": {"epochs": 3}, "epochs": None}, r"no data to train on.*mw\.tune\(build, x, y"),
        (([[1.0, 2.0], [3.0]], [0, 1]), {}, r"x is ragged: row 0 has 2 values, row 1 has 1 value"),
        ((X, [[0], [1, 2]]), {}, r"y is ragged"),
        ((X.tolist(), ["a"] * 60), {}, r"y holds text"),
    ],
)
def test_what_cannot_be_trained_on_is_said_with_shapes_before_training(data, options, message):
    with pytest.raises(mw.ArgumentError, match=message) as caught:
        tune(*data, **options)
    assert "keras/src" not in str(caught.getrepr())


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (
            (X, Y),
            {"build": builder(loss="mse", classes=3)},
            r"x \(60, 6\) float32, y \(60,\) int32, for a model that takes",
        ),
        ((X[:, :5], Y), {"build": builder(loss="mse", classes=3, declared=False)}, r"x \(60, 5\) float32"),
        ((X, RNG.normal(size=(60, 3))), {"build": builder(loss="mse")}, r".*y \(60, 3\) float64.*gives \(None, 2\)"),
    ],
)
def test_what_only_keras_finds_is_said_in_our_words_and_kept_in_full(tmp_path, data, options, message):
    with pytest.raises(mw.ModelwrightError, match=f"model.fit: it refused what it was given, {message}") as caught:
        tune(*data, **options, store=tmp_path / "s.db", name="s")
    assert caught.value.__cause__ is None
    stored = mw.load_study("s", tmp_path / "s.db").trials[0]
    assert stored.state == "failed" and "keras" in stored.error.traceback


@pytest.mark.parametrize("width", [None, 3])
def test_an_error_in_a_layer_of_the_users_own_stays_what_it_is(width):
    class Odd(keras.layers.Layer):
        def call(self, x):
            raise LookupError("mine")

    def build(hp):
        hp.Int("units", 1, 2)
        first = [] if width is None else [keras.layers.Dense(width)]
        model = keras.Sequential([*first, Odd(), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        return model

    with pytest.raises(Exception, match="mine") as caught:
        tune(X, Y, build=build)
    assert not isinstance(caught.value, mw.ModelwrightError)


def test_inputs_that_keras_widens_or_narrows_by_itself_are_let_through():
    column = X[:, 0]
    study = tune(column, Y, build=builder(width=1))
    assert study.best.state == "complete"
    assert tune(X[:, :, None], Y).best.state == "complete"


def test_a_class_that_the_loss_ignores_is_no_label_out_of_range():
    def build(hp):
        model = builder()(hp)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
        return model

    assert tune(X, spoilt(Y, 0, -1), build=build).best.state == "complete"


def test_nested_lists_are_data_like_arrays():
    as_lists = tune(X.tolist(), Y.tolist(), validation_data=(X.tolist(), Y.tolist()), objective="val_loss")
    as_arrays = tune(X, Y, validation_data=(X, Y), objective="val_loss")
    assert as_lists.best.value == pytest.approx(as_arrays.best.value, rel=1e-5)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((spoilt(X, (3, 2)), Y), {}, r"x holds 1 value that is not finite \(1 NaN\), the first at row 3, column 2"),
        (
            (spoilt(X, slice(5, 7), np.inf), Y),
            {},
            r"x holds 12 values .* \(12 infinite\), the first at row 5, column 0",
        ),
        ((X, spoilt(Y.astype("float32"), 8)), {}, r"y holds 1 value .* the first at row 8"),
        ((X, Y), {"validation_data": (spoilt(X, (0, 0)), Y)}, r"validation_data's x holds 1 value"),
    ],
)
def test_values_that_are_not_finite_are_warned_of_once_before_training(data, options, message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study = tune(*data, **options, trials=3)
    said = [w for w in caught if "not finite" in str(w.message)]
    assert len(said) == 1 and len(study.trials) == 3
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match=message):
        tune(*data, **options)


def test_large_values_that_are_finite_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_not_finite({"x": np.full((9, 2), 1e308), "y": np.full(9, 6e4, "float16")})


def test_columns_of_a_frame_are_named():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame.loc[4, "c"] = np.nan
    with pytest.warns(UserWarning, match=r"x \(column 'c'\) holds 1 value .* the first at row 4"):
        tune(frame, Y)
