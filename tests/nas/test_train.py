"""Training in segments, and the model that comes out."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from modelwright import nas
from modelwright.core.errors import ArgumentError
from modelwright.nas import weights
from modelwright.nas.augment import augmented, erased_after
from modelwright.nas.dataset import dataset
from modelwright.nas.deploy import deployable
from modelwright.nas.initial import variance_scaled
from modelwright.nas.steps import _Jax, _Keras
from modelwright.nas.train import Recipe, Trainer

keras = pytest.importorskip("keras")


def small(x):
    return x.conv(8, 3).batch_norm().relu().conv(8, 3, stride=2).batch_norm().relu().global_avg_pool().dense(3)


def bars(rows=240, seed=0):
    """Images of one bright row, column or corner."""
    rng = np.random.default_rng(seed)
    x, y = rng.random((rows, 8, 8)) * 40, np.arange(rows) % 3
    for image, label in zip(x, y, strict=True):
        at = rng.integers(8)
        if label == 0:
            image[at] += 200
        elif label == 1:
            image[:, at] += 200
        else:
            image[:3, :3] += 200
    return x, y


@pytest.fixture(scope="module")
def data():
    return dataset(*bars())


def trainer(data, **recipe):
    return Trainer(nas.build(nas.trace(small, (8, 8, 1)), seed=1), data, Recipe(batch=32, **recipe))


def test_a_network_learns_and_says_so(data):
    made, losses = trainer(data), []
    before = made.judge()["val_loss"]
    ended = made.fit(30, 0, lambda done, loss: losses.append(loss) or True)
    assert ended.finite and ended.cost == pytest.approx(30, rel=0.1) and losses[-1] < losses[0]
    assert made.judge()["val_loss"] < before and made.judge()["val_accuracy"] > 0.8


@pytest.mark.parametrize("optimizer", ["sgd", "lion", "rmsprop"])
def test_each_optimizer_learns_at_the_rate_of_the_recipe(data, optimizer):
    made = trainer(data, optimizer=optimizer)
    assert type(made.model.optimizer).__name__.lower() == optimizer
    made.fit(60, 0, lambda done, loss: True)
    assert made.judge()["val_accuracy"] > 0.7


def test_weight_decay_is_the_same_for_all_and_spares_scales_and_shifts(data):
    pull = {}
    for optimizer in ("adamw", "sgd", "lion", "rmsprop"):
        made = trainer(data, optimizer=optimizer, decay=0.1)
        used = made.model.optimizer
        pull[optimizer] = float(used.learning_rate) * float(used.weight_decay)
        used.build(made.model.trainable_variables)
        spared = [v for v in made.model.trainable_variables if not used._use_weight_decay(v)]
        assert spared and {v.name for v in spared} <= {"gamma", "beta", "bias"}
    assert all(found == pytest.approx(pull["adamw"]) for found in pull.values())


def test_an_optimizer_that_is_not_there_is_refused():
    with pytest.raises(ArgumentError, match=r"optimizer='adam'.*adamw, sgd, lion, rmsprop"):
        Recipe(optimizer="adam")
    with pytest.raises(ArgumentError, match="optimizer=None"):
        Recipe(optimizer=None)


def test_the_same_seed_gives_the_same_network(data):
    found = []
    for _ in range(2):
        made = trainer(data)
        made.fit(1, 7, lambda done, loss: True)
        made.steps.settle()
        found.append(weights.read(made.model))
    for layer, held in found[0].items():
        for name, value in held.items():
            assert np.array_equal(value, found[1][layer][name])


def test_what_is_learned_is_in_the_model_after_settling(data):
    made = trainer(data)
    made.fit(1, 0, lambda done, loss: True)
    told = made.outputs()
    made.steps.settle()
    (x,), _ = data.held_back()
    assert np.allclose(made.model.predict(x, verbose=0), told, atol=1e-5)


def test_judging_by_parts_is_judging_by_all_at_once(data, monkeypatch):
    from modelwright.nas import train

    made = trainer(data)
    whole = made.judge()
    monkeypatch.setattr(train, "_JUDGED", 8)  # 36 rows: the last part has fewer
    assert made.judge() == pytest.approx(whole)


def test_ten_thousand_classes_are_learned_and_judged():
    rng = np.random.default_rng(0)
    many = dataset(rng.random((20_000, 3)), np.arange(20_000) % 10_000)
    made = Trainer(nas.build(nas.trace(lambda x: x.dense(10_000), (3,))), many, Recipe(batch=32))
    assert made.fit(1, 0, lambda done, loss: True, rows=128).finite
    found = made.judge()
    assert found["val_loss"] == pytest.approx(np.log(10_000), rel=0.1) and found["val_accuracy"] < 0.01


def test_our_own_step_is_that_of_keras(data):
    if keras.backend.backend() != "jax":
        pytest.skip("the step of our own is for JAX")
    (x,), y = data.train(np.arange(32))
    outs = []
    for kind in (lambda model: _Jax(model, 32), _Keras):
        made = trainer(data)
        step = kind(made.model)
        losses = [step.train((x,), y, None, 0.01) for _ in range(3)]
        outs.append((losses, step.predict((x,))))
    assert outs[0][0] == pytest.approx(outs[1][0], rel=1e-4)
    assert np.allclose(outs[0][1], outs[1][1], atol=1e-3)


def test_the_loss_of_a_step_is_its_own(data, monkeypatch):
    (x,), y = data.train(np.arange(32))
    losses = []
    for old in (False, True):
        model = trainer(data).model
        now = model.train_on_batch

        def before_2026(*given, model=model, now=now, **options):
            with monkeypatch.context() as patched:
                patched.setattr(model, "reset_metrics", lambda: None)
                return now(*given, **options)

        if old:  # the mean of all steps
            monkeypatch.setattr(model, "train_on_batch", before_2026)
        step = _Keras(model)
        losses.append([step.train((x,), y, None, 0.01) for _ in range(3)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5) and losses[0][2] < losses[0][0]


def test_a_segment_by_the_clock_ends(data):
    made = trainer(data)
    ended = made.fit(10_000, 0, lambda done, loss: True, seconds=1.0)
    assert ended.finite and 0 < ended.cost < 10_000


@pytest.mark.parametrize("compiling", [True, False])
def test_seconds_may_be_those_after_the_first_step(data, compiling):
    made = trainer(data)
    train, began, rates = made.steps.train, [], []

    def slow(x, y, weight, rate):
        rates.append(rate)
        if not began:
            time.sleep(1.5)
            began.append(time.perf_counter())
        return train(x, y, weight, rate)

    made.steps.train = slow
    made.fit(10_000, 0, lambda done, loss: True, seconds=1.0, compiling=compiling)
    if compiling:
        assert len(rates) == 1
    else:
        assert len(rates) > 5 and time.perf_counter() - began[0] >= 0.9
        assert rates[-1] < 0.1 * max(rates)


def test_who_watches_may_end_a_segment(data):
    ended = trainer(data).fit(50, 0, lambda done, loss: False)
    assert ended.cost == pytest.approx(1, rel=0.2)


def test_a_loss_that_explodes_ends_it(data):
    ended = trainer(data, rate=1e30).fit(20, 0, lambda done, loss: True)
    assert not ended.finite


def test_classes_may_weigh_more(data):
    made = Trainer(nas.build(nas.trace(small, (8, 8, 1)), seed=1), data, Recipe(batch=32), {0: 0.0, 1: 0.0, 2: 1.0})
    made.fit(6, 0, lambda done, loss: True)
    assert (made.outputs().argmax(axis=1) == 2).all()


def test_moved_images_are_crops_of_the_padded_ones():
    x = np.arange(2 * 16 * 16, dtype=np.float32).reshape(2, 16, 16, 1)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    (found,) = augmented((x,), Recipe(shift=2, mirror=False), np.random.default_rng(0))
    for image, whole in zip(found, padded, strict=True):
        crops = [whole[i : i + 16, j : j + 16] for i in range(5) for j in range(5)]
        assert any(np.array_equal(image, crop) for crop in crops)


def test_mirrored_images_are_the_images_from_behind():
    x = np.random.default_rng(0).random((40, 4, 4, 1)).astype(np.float32)
    (found,) = augmented((x,), Recipe(shift=0, mirror=True), np.random.default_rng(0))
    turned = [np.array_equal(a, b[:, ::-1]) for a, b in zip(found, x, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(found, x, strict=True)]
    assert all(t or s for t, s in zip(turned, same, strict=True)) and any(turned) and any(same)


def test_a_rectangle_of_some_images_is_filled_with_noise():
    x = np.zeros((400, 20, 30, 2), np.float32)
    x[:, 0, 0] = 1.0
    given = x.copy()
    (found,) = augmented((x,), Recipe(shift=0), np.random.default_rng(0), 0.5)
    assert np.array_equal(x, given) and found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    changed = (found != x).any(axis=3)
    assert 0.4 < changed.any(axis=(1, 2)).mean() < 0.6
    for image in changed[changed.any(axis=(1, 2))]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert box.all() or (not image[0, 0] and box[1:, 1:].all())  # noise may be what was there in a corner alone
        assert 0.01 <= box.size / image.size <= 0.35
    assert changed[:, 0].any() and changed[:, -1].any() and changed[:, :, -1].any()


def test_inputs_that_are_no_images_stay_whole():
    x, signal = np.ones((50, 8, 8, 1), np.float32), np.ones((50, 8, 3), np.float32)
    _, found = augmented((x, signal), Recipe(shift=0), np.random.default_rng(0), 1.0)
    assert np.array_equal(found, signal)


@pytest.mark.parametrize(("kind", "most"), [("multiclass", 0.5), ("binary", 0.5), ("multilabel", 0), ("regression", 0)])
def test_long_training_sees_parts_of_images(kind, most):
    settled = Recipe().settled(kind, 500)
    assert [erased_after(settled, passes) for passes in (1, 10, 1000)] == [0, 0, most]
    assert erased_after(Recipe(erase=0.2).settled(kind, 500), 1) == 0.2


@pytest.mark.parametrize(("how", "least"), [({"epochs": 120}, 0.5), ({"epochs": 10}, 0.0), ({"seconds": 3.0}, 0.01)])
def test_training_erases_by_the_passes_that_it_is_going_to_have(data, monkeypatch, how, least):
    seen = []

    def watched(parts, recipe, rng, erased):
        seen.append(erased)
        return parts

    monkeypatch.setattr("modelwright.nas.train.augmented", watched)
    trainer(data).fit(**{"epochs": 1, **how}, seed=0, on_epoch=lambda done, loss: True)
    assert max(seen) >= least and (max(seen) > 0) == (least > 0)
    assert "seconds" in how or len(set(seen)) == 1


@pytest.mark.parametrize(("scale", "mode", "fan"), [(2.0, "fan_in", 45), (1.0, "fan_avg", 67.5), (1.0, "fan_out", 90)])
@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal"])
def test_first_weights_have_the_variance_that_is_asked_for(scale, mode, fan, distribution):
    rngs = map(np.random.default_rng, range(60))
    many = np.stack([variance_scaled((3, 3, 5, 10), scale, mode, distribution, rng) for rng in rngs])
    assert many.var() == pytest.approx(scale / fan, rel=0.05) and many.shape == (60, 3, 3, 5, 10)


def test_equal_names_begin_with_equal_weights():
    one = weights.read(nas.build(nas.trace(small, (8, 8, 1)), seed=3))
    two = weights.read(nas.build(nas.trace(small, (16, 16, 1)), seed=3))
    other = weights.read(nas.build(nas.trace(small, (8, 8, 1)), seed=4))
    assert np.array_equal(one["conv"]["kernel"], two["conv"]["kernel"])
    assert not np.array_equal(one["conv"]["kernel"], other["conv"]["kernel"])
    assert not np.array_equal(one["conv_1"]["kernel"][..., :1, :], one["conv"]["kernel"])


# --- what comes out ------------------------------------------------------------------------------


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (8, 8, 1)])
def test_the_model_that_comes_out_takes_rows_as_they_are(tmp_path, shape):
    x, y = bars(60)
    x = x.reshape(60, *shape)
    data = dataset(x, y)
    graph = nas.trace(small, (8, 8, 1))
    net = nas.build(graph, seed=2)
    model = deployable(graph, weights.read(net), data.fronts, data.task)
    (inner,), _ = data.train(np.arange(data.rows))
    given = x[data.chosen]
    assert np.allclose(model.predict(given, verbose=0), softmax(net.predict(inner, verbose=0)), atol=1e-5)
    if shape != (1, 8, 8):
        return
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", given)
    code = (
        "import sys, numpy, keras; sys.modules['modelwright'] = None\n"
        "numpy.save('out.npy', keras.saving.load_model('model.keras').predict(numpy.load('x.npy'), verbose=0))"
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert np.allclose(np.load(tmp_path / "out.npy"), model.predict(given, verbose=0), atol=1e-5)


def test_numbers_come_out_in_their_own_units():
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 4)), 500 + 100 * rng.random((60, 2))
    data = dataset(x, y)
    graph = nas.trace(lambda x: x.dense(8).relu().dense(2), (4,))
    net = nas.build(graph)
    model = deployable(graph, weights.read(net), data.fronts, data.task)
    (inner,), _ = data.train(np.arange(5))
    expected = net.predict(inner, verbose=0) * data.task.spread + data.task.center
    assert np.allclose(model.predict(x[data.chosen[:5]], verbose=0), expected, rtol=1e-4)


def test_several_labels_come_out_as_probabilities():
    x, y = np.random.default_rng(0).random((60, 4)), np.tile([[1, 1, 0], [0, 0, 0]], (30, 1))
    data = dataset(x, y)
    graph = nas.trace(lambda x: x.dense(3), (4,))
    model = deployable(graph, weights.read(nas.build(graph)), data.fronts, data.task)
    out = model.predict(x, verbose=0)
    assert out.shape == (60, 3) and (out > 0).all() and (out < 1).all() and not np.allclose(out.sum(axis=1), 1)


def test_devices_that_share_a_batch_learn_what_one_would(tmp_path):
    """Where a share would be too small to normalise over, one device has the batch, down to a row of it."""
    if keras.backend.backend() != "jax":
        pytest.skip("devices of the host are JAX's")
    code = """
import jax
import numpy as np
from modelwright import nas
from modelwright.nas.dataset import dataset
from modelwright.nas.train import Recipe, Trainer
rng = np.random.default_rng(0)
x = rng.random((300, 6))
data = dataset(x, (x[:, 0] > x[:, 1]).astype(int))
plain = nas.trace(lambda x: x.dense(16).relu().dense(2), (6,))
normed = nas.trace(lambda x: x.dense(16).batch_norm().relu().dense(2), (6,))
outs = []
for graph, batch, epochs in ((plain, 64, 3), (normed, 32, 3), (plain, 1, 0.02)):
    made = Trainer(nas.build(graph, seed=0), data, Recipe(batch=batch))
    assert made.fit(epochs, 0, lambda done, loss: True).finite
    assert len(made.steps.inner.devices) == (jax.local_device_count() if batch == 64 else 1)
    outs.append(made.outputs())
    made.steps.settle()
    (kept,), _ = data.held_back()
    assert np.allclose(made.model.predict(kept, verbose=0), outs[-1], atol=1e-5)
print(jax.local_device_count())
np.save("out.npy", outs)
"""
    found = []
    for count in (1, 2):
        variables = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"}
        ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=variables)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.split()[-1] == str(count)
        found.append(np.load(tmp_path / "out.npy"))
    assert np.allclose(*found, atol=1e-3)
