"""The fast fit on models and data of many kinds: the numbers of ``keras.Model.fit``, or it stands aside and says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

pytest.importorskip("jax")
from modelwright.training.keras import keras
from modelwright.training.keras_fast import fast_fit, why_not_fast

if keras.backend.backend() != "jax":
    pytest.skip("the fast fit is for JAX", allow_module_level=True)

layers, ops = keras.layers, keras.ops
RNG = np.random.default_rng(3)
X = RNG.normal(size=(70, 6)).astype("float32")
Y = (np.abs(X).sum(1) % 3).astype("int32")
SPARSE = "sparse_categorical_crossentropy"


def numbers(model):
    groups = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    return [np.array(v.value) for group in groups for v in group]


def compare(make, *data, epochs=2, served=True, callbacks=list, **kwargs):
    """Train plainly and fast from the same start; everything must be equal. Returns the fast history."""
    ran = []
    for fit in (lambda m, *a, **k: m.fit(*a, **k), fast_fit):
        keras.utils.set_random_seed(8)
        model = make()
        history = fit(model, *data, verbose=0, epochs=epochs, callbacks=callbacks(), **kwargs)
        ran.append((model, history, np.random.random()))
    (plain, expected, drawn), (fast, found, drawn_fast) = ran
    assert (why_not_fast(fast, *data, **kwargs) == "") is served
    assert found.epoch == expected.epoch and list(found.history) == list(expected.history)
    for name, curve in expected.history.items():
        assert found.history[name] == curve, name
    for left, right in zip(numbers(plain), numbers(fast), strict=True):
        np.testing.assert_array_equal(left, right)
    assert drawn == drawn_fast
    return found


def stack(*inner, optimizer="adam", loss=SPARSE, shape=(6,), metrics=("accuracy",), **compiled):
    model = keras.Sequential([layers.Input(shape), *inner, layers.Dense(3, activation="softmax")])
    model.compile(optimizer, loss, metrics=list(metrics), **compiled)
    return model


# --- models ------------------------------------------------------------------------------------------


class Residual(keras.Model):
    """A subclassed model with a loss of its own beside the compiled one."""

    def __init__(self):
        super().__init__()
        self.first, self.drop = layers.Dense(6, activation="relu"), layers.Dropout(0.2)
        self.norm, self.last = layers.LayerNormalization(), layers.Dense(3, activation="softmax")

    def call(self, inputs, training=False):
        hidden = self.norm(inputs + self.drop(self.first(inputs), training=training))
        self.add_loss(1e-2 * ops.mean(ops.square(hidden)))
        return self.last(hidden)


def residual():
    model = Residual()
    model.compile("adam", SPARSE, metrics=["accuracy"])
    return model


class Spread(keras.metrics.Metric):
    """A metric with a state of its own."""

    def __init__(self, name="spread"):
        super().__init__(name=name)
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(ops.sum(ops.max(y_pred, axis=-1) - ops.min(y_pred, axis=-1)))

    def result(self):
        return ops.convert_to_tensor(self.total)


def confidence(y_true, y_pred):
    return ops.max(y_pred, axis=-1)


def measured():
    metrics = ["accuracy", confidence, Spread(), keras.metrics.AUC(num_thresholds=9, name="auc")]
    return stack(loss="categorical_crossentropy", metrics=metrics)


def heads():
    a, b = layers.Input((6,), name="a"), layers.Input((2,), name="b")
    hidden = layers.Concatenate()([layers.Dense(4, activation="relu")(a), b])
    p, q = layers.Dense(3, activation="softmax", name="p")(hidden), layers.Dense(1, name="q")(hidden)
    model = keras.Model([a, b], [p, q])
    model.compile("adam", [SPARSE, "mse"], loss_weights=[1.0, 0.3], metrics=[["accuracy"], ["mae"]])
    return model


def recurrent():
    return stack(layers.Embedding(9, 4), layers.GRU(5, dropout=0.1), shape=(6,))


def attention():
    tokens, mixer = layers.Input((6,), dtype="int32"), layers.MultiHeadAttention(2, 2)
    embedded = layers.Embedding(9, 4, mask_zero=True)(tokens)
    pooled = layers.GlobalAveragePooling1D()(mixer(embedded, embedded))
    model = keras.Model(tokens, layers.Dense(3, activation="softmax")(pooled))
    model.compile("adam", SPARSE, metrics=["accuracy"])
    return model


TOKENS = RNG.integers(0, 9, size=(70, 6))


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (residual, (X, Y)),
        (measured, (X, np.eye(3, dtype="float32")[Y])),
        (heads, ([X, X[:, :2]], [Y, X[:, 0]])),
        (recurrent, (TOKENS, Y)),
        (lambda: stack(layers.GaussianNoise(0.3), layers.BatchNormalization(momentum=0.5)), (X, Y)),
        (lambda: stack(layers.Dense(4, activity_regularizer="l1"), steps_per_execution=3), (X, Y)),
        (lambda: stack(optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.2, 9))), (X, Y)),
    ],
    ids=["subclassed", "metrics", "heads", "recurrent", "noise", "steps", "schedule"],
)
def test_models(make, data):
    compare(make, *data, batch_size=16, validation_split=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("make", [attention], ids=lambda make: make.__name__)
def test_models_with_masks(make):
    compare(make, TOKENS, Y, batch_size=16, validation_split=0.3)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_mixed_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        compare(lambda: stack(layers.Dense(8, activation="relu"), layers.BatchNormalization()), X, Y, batch_size=16)
    finally:
        keras.config.set_dtype_policy(before)


def test_a_learning_rate_that_callbacks_change():
    for watch in (
        lambda: [keras.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=1, min_delta=1.0)],
        lambda: [keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))],
    ):
        found = compare(stack, X, Y, epochs=3, batch_size=16, callbacks=watch)
        assert len(set(found.history["learning_rate"])) > 1


def test_averaged_weights_are_swapped_in_for_validation():
    compare(
        lambda: stack(optimizer=keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.5)),
        X,
        Y,
        validation_split=0.3,
        callbacks=lambda: [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],
    )


# --- data --------------------------------------------------------------------------------------------

KINDS = ["float32", "float64", "float16", "uint8", "int64", "bool", "jax"]


def as_kind(kind):
    import jax.numpy as jnp

    scaled = (np.abs(X) * 50).astype("uint8")
    return jnp.asarray(X) if kind == "jax" else (scaled if kind == "uint8" else X).astype(kind)


@settings(max_examples=14, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(
    kind=some.sampled_from(KINDS),
    targets=some.sampled_from(["int32", "uint8", "float32", "column", "one hot"]),
    rows=some.integers(1, 70),
    batch=some.one_of(some.none(), some.integers(1, 90)),
    held=some.sampled_from(["none", "split", "tuple", "weighted"]),
    weights=some.sampled_from(["none", "sample", "class"]),
    shuffle=some.booleans(),
    frequency=some.sampled_from([1, 2, [1, 3]]),
    first=some.integers(0, 1),
)
def test_shapes_types_and_arguments(kind, targets, rows, batch, held, weights, shuffle, frequency, first):
    y = np.eye(3, dtype="float32")[Y] if targets == "one hot" else Y.reshape(-1, 1) if targets == "column" else Y
    x, y = as_kind(kind)[:rows], (y if targets in ("one hot", "column") else y.astype(targets))[:rows]
    arguments = {"batch_size": batch, "shuffle": shuffle, "initial_epoch": first, "validation_freq": frequency}
    if held == "split" and rows > 3:
        arguments["validation_split"] = 0.26
    elif held in ("tuple", "weighted"):
        weight = (np.linspace(0.1, 1, 7),) if held == "weighted" else ()
        arguments |= {"validation_data": (as_kind(kind)[:7], (y[:1].repeat(7, axis=0)), *weight)}
        arguments["validation_batch_size"] = 4
    if weights == "sample":
        arguments["sample_weight"] = np.linspace(0, 2, rows).astype("float32")
    elif weights == "class":
        arguments["class_weight"] = {0: 0.5, 1: 1.0, 2: 3.0}
    loss = "categorical_crossentropy" if targets == "one hot" else SPARSE
    compare(lambda: stack(loss=loss, weighted_metrics=["accuracy"]), x, y, epochs=3, **arguments)


def test_steps_per_execution_changes_no_number_where_the_last_round_is_short():
    for rows in (64, 70, 9):
        compare(lambda: stack(steps_per_execution=4), X[:rows], Y[:rows], batch_size=8, validation_split=0.25)


# --- standing aside ------------------------------------------------------------------------------------


class OwnStep(keras.Sequential):
    def train_step(self, *args, **kwargs):
        logs, state = super().train_step(*args, **kwargs)
        return {**logs, "twice": 2 * logs["loss"]}, state


class OwnLogs(keras.Sequential):
    """The pattern of Keras' documentation: a result that is in no metric."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "largest": ops.max(y_pred)}


@pytest.mark.parametrize(
    ("kind", "compiled", "why"),
    [
        (OwnStep, {}, "its own train_step"),
        (OwnLogs, {}, "its own compute_metrics"),
        (keras.Sequential, {"run_eagerly": True}, "runs eagerly"),
        (keras.Sequential, {"jit_compile": False}, "not compiled by XLA"),
    ],
    ids=["train_step", "compute_metrics", "eager", "no jit"],
)
def test_what_is_not_plain_is_left_to_keras(kind, compiled, why):
    def make():
        model = kind([layers.Input((6,)), layers.Dense(3, activation="softmax")])
        model.compile("adam", SPARSE, metrics=["accuracy"], **compiled)
        return model

    assert why in why_not_fast(make(), X, Y)
    found = compare(make, X, Y, batch_size=32, epochs=1, served=False)
    assert ("twice" in found.history) is (kind is OwnStep) and ("largest" in found.history) is (kind is OwnLogs)


def test_an_interrupt_comes_through_even_when_it_takes_the_values_with_it(monkeypatch):
    from modelwright.training import keras_programs

    def interrupted(tree):
        for value in keras.tree.flatten(tree):
            value.delete()
        raise KeyboardInterrupt

    monkeypatch.setattr(keras_programs, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fast_fit(stack(optimizer=keras.optimizers.Adam(use_ema=True)), X, Y, verbose=0, batch_size=8)


def test_data_that_keras_converts_are_sent_once_and_kept_once():
    from modelwright.training import keras_programs

    keras_programs.release_programs()
    x, y = RNG.normal(size=(300_000, 4)), np.zeros(300_000, "int32")
    for _ in range(3):
        fast_fit(stack(shape=(4,)), x, y, verbose=0, batch_size=1 << 15)
    assert len(keras_programs._arrays) == 1, "doubles become another array of floats in each fit"
    keras_programs.release_programs()
