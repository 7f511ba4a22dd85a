"""The fast fit against Keras' own: the same numbers, the same calls."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")
from modelwright.training.keras import keras
from modelwright.training.keras_fast import accelerated, fast_fit, why_not_fast

if keras.backend.backend() != "jax":
    pytest.skip("the fast fit is for JAX", allow_module_level=True)


def data(rows=110, classes=3):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 5)).astype("float32")
    return x, (np.abs(x).sum(1) % classes).astype("int32")


def dense(optimizer=None, **compiled):
    keras.utils.set_random_seed(11)
    model = keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    arguments = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **compiled}
    model.compile(optimizer or keras.optimizers.Adam(0.01), **arguments)
    return model


def convolutional():
    keras.utils.set_random_seed(11)
    model = keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.Reshape((5, 1)),
            keras.layers.Conv1D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def unbuilt():
    keras.utils.set_random_seed(11)
    model = keras.Sequential([keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(3, activation="softmax")])
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def two_headed():
    keras.utils.set_random_seed(11)
    a, b = keras.layers.Input((5,), name="a"), keras.layers.Input((2,), name="b")
    h = keras.layers.Concatenate()([keras.layers.Dense(4)(a), b])
    out = {"p": keras.layers.Dense(3, activation="softmax", name="p")(h), "q": keras.layers.Dense(1, name="q")(h)}
    model = keras.Model({"a": a, "b": b}, out)
    model.compile(
        "adam", {"p": "sparse_categorical_crossentropy", "q": "mse"}, metrics={"p": ["accuracy"], "q": ["mae"]}
    )
    return model


def numbers(model):
    groups = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    return [np.array(v.value) for group in groups for v in group]


def both_ways(make, *args, **kwargs):
    """Train twice, plainly and fast, and compare everything; returns the fast history."""
    ran = []
    for fit in (lambda m, *a, **k: m.fit(*a, **k), fast_fit):
        model = make()
        np.random.seed(5)
        history = fit(model, *args, **{"verbose": 0, "epochs": 3, **kwargs})
        ran.append((model, history, np.random.random()))
    (plain, expected, drawn), (fast, found, drawn_fast) = ran
    assert why_not_fast(fast, *args, **kwargs) == ""
    assert found.history == expected.history and found.epoch == expected.epoch and found.params == expected.params
    for left, right in zip(numbers(plain), numbers(fast), strict=True):
        np.testing.assert_array_equal(left, right)
    assert drawn == drawn_fast, "numpy's generator is left where Keras leaves it"
    return found


@pytest.mark.parametrize(
    "case",
    [
        {"batch_size": 16, "validation_split": 0.2},
        {"batch_size": 11, "validation_data": data(33), "validation_batch_size": 8, "validation_freq": 2},
        {"batch_size": 110, "shuffle": False},
        {"batch_size": 200},
        {"sample_weight": np.linspace(0, 1, 110)},
        {"class_weight": {0: 1.0, 1: 0.5, 2: 2.0}, "initial_epoch": 1},
    ],
    ids=lambda case: " ".join(case),
)
def test_same_numbers_as_keras(case):
    both_ways(dense, *data(), **case)


@pytest.mark.parametrize("make", [convolutional, unbuilt], ids=lambda make: make.__name__)
def test_same_numbers_for_other_models(make):
    both_ways(make, *data(), batch_size=16, validation_split=0.2)


@pytest.mark.slow
def test_same_numbers_for_other_optimizers():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 7, 0.8)
    for make in (
        lambda: keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=5, clipnorm=1.0),
        lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    ):
        both_ways(lambda make=make: dense(make()), *data(), batch_size=16)


@pytest.mark.slow
def test_same_numbers_for_several_inputs_and_outputs():
    x, y = data()
    both_ways(two_headed, {"a": x, "b": x[:, :2]}, {"p": y, "q": x[:, :1]}, batch_size=16, validation_split=0.25)


@pytest.mark.slow
def test_same_numbers_for_doubles_integers_and_frames():
    pandas = pytest.importorskip("pandas")
    x, y = data()
    both_ways(dense, x.astype("float64"), y.astype("int64"), batch_size=16)
    both_ways(dense, (x * 10).astype("uint8"), y.astype("uint8"), batch_size=16)
    both_ways(dense, pandas.DataFrame(x), pandas.Series(y), batch_size=16)


class Recorder(keras.callbacks.Callback):
    """Every call that a callback gets between batches."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append(("train begin", dict(self.params), logs))

    def on_train_end(self, logs=None):
        self.calls.append(("train end", logs))

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch begin", epoch, logs, int(np.array(self.model.optimizer.iterations.value))))

    def on_epoch_end(self, epoch, logs=None):
        weights = [w.tobytes() for w in self.model.get_weights()]
        self.calls.append(("epoch end", epoch, dict(logs), list(logs), weights))
        logs["added"] = 1.0

    def on_test_begin(self, logs=None):
        self.calls.append(("test begin", logs))

    def on_test_end(self, logs=None):
        self.calls.append(("test end", dict(logs), list(logs)))


def test_callbacks_see_the_same_calls():
    seen = []
    for fit in (lambda m, *a, **k: m.fit(*a, **k), fast_fit):
        np.random.seed(5)
        recorder = Recorder()
        callbacks = [
            recorder,
            keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=0.05, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0.5),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ]
        model = dense()
        fit(model, *data(), epochs=9, batch_size=16, validation_split=0.2, verbose=0, callbacks=callbacks)
        seen.append((recorder.calls, [w.tobytes() for w in model.get_weights()]))
    assert seen[0] == seen[1]


def test_what_watches_batches_or_is_unusual_is_left_to_keras():
    class Watcher(keras.callbacks.Callback):
        count = 0

        def on_train_batch_end(self, batch, logs=None):
            Watcher.count += 1

    class OwnStep(keras.Sequential):
        def train_step(self, *args, **kwargs):
            return super().train_step(*args, **kwargs)

    x, y = data()
    model = dense()
    assert "Watcher" in why_not_fast(model, x, y, callbacks=[Watcher()])
    fast_fit(model, x, y, batch_size=10, verbose=0, callbacks=[Watcher()])
    assert Watcher.count == 11
    assert "steps_per_epoch" in why_not_fast(model, x, y, steps_per_epoch=2)
    assert "arrays" in why_not_fast(model, (pair for pair in ((x, y),)))
    own = OwnStep([keras.layers.Dense(3, activation="softmax")])
    own.compile("adam", "sparse_categorical_crossentropy")
    assert "train_step" in why_not_fast(own, x, y)
    assert "eagerly" in why_not_fast(dense(run_eagerly=True), x, y)
    checkpoint = keras.callbacks.ModelCheckpoint("a.keras", save_freq=3)
    assert "ModelCheckpoint" in why_not_fast(model, x, y, callbacks=[checkpoint])
    assert why_not_fast(model, x, y, callbacks=[keras.callbacks.ModelCheckpoint("a.keras")]) == ""


def test_nan_stops_within_the_epoch_when_asked():
    x, y = data()
    x[3] = np.nan
    history = fast_fit(dense(), x, y, epochs=4, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert history.epoch in ([0], [])


def test_a_progress_bar_is_shown(capsys):
    x, y = data()
    fast_fit(dense(), x, y, epochs=2, batch_size=10, verbose=1)
    shown = capsys.readouterr().out
    assert "Epoch 2/2" in shown and "11/11" in shown and "accuracy" in shown


def test_data_changed_between_two_fits_are_read_again():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1 << 18, 5)).astype("float32")
    y = np.zeros(len(x), "int32")
    results = []
    for fit in (lambda m, *a, **k: m.fit(*a, **k), fast_fit):
        own, model = x.copy(), dense()
        for _ in range(2):
            loss = fit(model, own, y, batch_size=1 << 16, shuffle=False, verbose=0).history["loss"]
            own[:] = own[::-1].copy()
        results.append(loss)
    assert results[0] == results[1]


def test_models_of_one_shape_share_a_program_and_keep_their_own_settings():
    from modelwright.training import keras_programs

    keras_programs.release_programs()
    rates = []
    for rate in (0.01, 0.001):
        model = dense(keras.optimizers.Adam(rate))
        fast_fit(model, *data(), batch_size=16, verbose=0)
        rates.append(float(np.array(model.optimizer.learning_rate)))
        kept = len(keras_programs._programs)
    assert kept == 2, "a loop and a step for the last batch, shared by both models"
    assert rates == pytest.approx([0.01, 0.001])
    fast_fit(dense(keras.optimizers.Adam(0.01, beta_1=0.5)), *data(), batch_size=16, verbose=0)
    assert len(keras_programs._programs) == 4, "a constant that differs is another program"


def test_only_within_the_block_is_fit_swapped():
    model = dense()
    with accelerated(model, total=9):
        assert "fit" in vars(model)
        recorder = Recorder()
        model.fit(*data(), epochs=1, verbose=0, callbacks=[recorder])
        assert recorder.calls[0][1]["epochs"] == 9
    assert "fit" not in vars(model)


@pytest.mark.slow
def test_initial_weights_are_the_same_when_compiled_lightly():
    import jax

    from modelwright.training.keras_backend import light_compilation

    makers = [
        keras.initializers.GlorotUniform,
        keras.initializers.HeNormal,
        keras.initializers.RandomNormal,
        keras.initializers.LecunUniform,
        keras.initializers.TruncatedNormal,
        keras.initializers.VarianceScaling,
    ]
    drawn = []
    for light in (False, True):
        jax.clear_caches()
        jax.config.update("jax_enable_compilation_cache", False)
        try:
            with light_compilation() if light else accelerated(dense()):
                drawn.append([np.array(make(seed=3)((37, 10))) for make in makers])
        finally:
            jax.config.update("jax_enable_compilation_cache", True)
    for left, right in zip(*drawn, strict=True):
        np.testing.assert_array_equal(left, right)
