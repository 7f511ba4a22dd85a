"""Weights as plain values: reading, writing, files."""

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.nas import build, trace, weights


def network(filters=4):
    return build(
        trace(
            lambda x: x.conv(filters, 3, bias=True).depthwise(3).batch_norm().relu().global_avg_pool().dense(2),
            (8, 8, 1),
        )
    )


def shifted(found, by):
    return {layer: {name: value + by for name, value in values.items()} for layer, values in found.items()}


def same(one, two):
    assert {k: sorted(v) for k, v in one.items()} == {k: sorted(v) for k, v in two.items()}
    return all(np.array_equal(one[k][n], two[k][n]) for k in one for n in one[k])


def test_what_is_written_is_read_and_counts_as_keras_counts():
    model = network()
    given = shifted(weights.read(model), 1.0)
    weights.write(model, {**given, "elsewhere": {"kernel": np.zeros(3)}})
    assert same(weights.read(model), given)
    assert weights.count(given) == model.count_params()


def test_a_model_is_not_changed_by_weights_that_do_not_fit():
    model = network()
    before = weights.read(model)
    wider = shifted(weights.read(network(8)), 1.0)
    with pytest.raises(ArgumentError, match=r"'kernel' of the layer 'conv' has the shape \(3, 3, 1, 8\)"):
        weights.write(model, wider)
    lacking = {layer: found for layer, found in shifted(before, 1.0).items() if layer != "dense"}
    with pytest.raises(ArgumentError, match="no value for 'kernel' of the layer 'dense'"):
        weights.write(model, lacking)
    assert same(weights.read(model), before)


def test_a_file_gives_back_what_was_saved(tmp_path):
    given = shifted(weights.read(network()), 0.5)
    weights.save(given, tmp_path / "a.npz")
    weights.save(given, tmp_path / "checkpoint")
    assert same(weights.load(tmp_path / "a.npz"), given)
    assert same(weights.load(tmp_path / "checkpoint"), given)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "checkpoint"]


def test_a_broken_file_is_named(tmp_path):
    weights.save(shifted(weights.read(network()), 0.5), tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    middle = whole.index(b"NUMPY") + 150
    damaged = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 4]) + whole[middle + 4 :]
    for number, text in enumerate((b"", whole[: len(whole) // 2], b"hello", damaged)):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(text)
        with pytest.raises(ArgumentError, match=path.name):
            weights.load(path)
    with pytest.raises(ArgumentError, match=r"none\.npz"):
        weights.load(tmp_path / "none.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ArgumentError, match="array"):
        weights.load(tmp_path / "array.npy")
    np.savez(tmp_path / "objects.npz", **{"a/b": np.array([{}], dtype=object)})
    with pytest.raises(ArgumentError, match="objects"):
        weights.load(tmp_path / "objects.npz")


def test_a_layer_that_stands_twice_is_read_once_and_half_precision_is_kept():
    import keras

    inputs = keras.Input((3,))
    shared = keras.layers.Dense(3, dtype="bfloat16", name="shared")
    model = keras.Model(inputs, shared(shared(inputs)))
    found = weights.read(model)
    assert weights.count(found) == 12 and found["shared"]["kernel"].dtype == np.float32
    weights.write(model, shifted(found, 0.0))
    assert same(weights.read(model), found)


@pytest.mark.parametrize(("optimizer", "names"), [("SGD", ["momentum"]), ("AdamW", ["momentum", "velocity"])])
def test_what_an_optimizer_keeps_is_read_and_written(optimizer, names):
    import keras

    def compiled(filters=4):
        model = network(filters)
        options = {"momentum": 0.9} if optimizer == "SGD" else {}
        model.compile(getattr(keras.optimizers, optimizer)(0.01, **options), "mse")
        return model

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 8, 8, 1)).astype(np.float32), rng.normal(size=(16, 2)).astype(np.float32)
    first, second = compiled(), compiled()
    for _ in range(2):
        first.train_on_batch(x, y)
    kept = weights.slots(first)
    assert sorted(kept) == names
    trained = {(layer, name) for layer, name, variable in weights.variables(first) if variable.trainable}
    for found in kept.values():
        assert {(layer, name) for layer, own in found.items() for name in own} == trained
        assert all(value.any() for own in found.values() for value in own.values())
    weights.write_slots(second, {**kept, "unknown": kept["momentum"]})
    assert all(same(one, other) for one, other in zip(kept.values(), weights.slots(second).values(), strict=True))
    with pytest.raises(ArgumentError, match="'momentum' of 'kernel' of the layer 'conv'"):
        weights.write_slots(compiled(6), kept)
    with pytest.raises(ArgumentError, match="no optimizer"):
        weights.slots(network())
