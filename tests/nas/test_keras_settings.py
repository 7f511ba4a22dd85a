"""What Keras is set to by its user makes no other networks, and images are shrunk in a model as in the search."""

import contextlib

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.nas import weights
from modelwright.nas.dataset import dataset
from modelwright.nas.deploy import deployable
from modelwright.nas.keras_settings import channels_last, in_32_bits
from modelwright.nas.recipe import Recipe
from modelwright.nas.refit import begun
from modelwright.nas.steps import _Jax, _Keras

keras = pytest.importorskip("keras")
config = keras.config
rng = np.random.default_rng(0)
IMAGES, LABELS = rng.random((60, 9, 9, 3)), np.arange(60) % 2


@contextlib.contextmanager
def keras_set_to(policy="float32", data_format="channels_last"):
    before = config.dtype_policy(), config.image_data_format()
    config.set_dtype_policy(policy)
    config.set_image_data_format(data_format)
    try:
        yield
    finally:
        config.set_dtype_policy(before[0])
        config.set_image_data_format(before[1])


def searched(define, x, y, **options):
    space = nas.Architecture(define, dataset(x, y).shapes[0])
    options = {"trials": 1, "epochs": 1, "plan": None, "strategy": "random", **options}
    return mw.nas.search(space, x, y, store=":memory:", verbose=0, **options)


def small(x):
    x = x.conv(4, 3).batch_norm().relu().depthwise(3, stride=2).max_pool(2).avg_pool(3, stride=1)
    x = x.apply("zero_padding", padding=[[1, 1], [0, 0]]).apply("spatial_dropout", rate=0.1)
    return nas.concat([x.flatten(), x.global_avg_pool(), x.apply("global_max_pool")]).dense(2)


# --- channels first ------------------------------------------------------------------------------


def test_a_network_is_the_same_where_channels_come_first():
    graph = nas.trace(small, (9, 9, 3))
    known = nas.build(graph, seed=3).predict(IMAGES, verbose=0)
    with keras_set_to(data_format="channels_first"):
        found = nas.build(graph, seed=3).predict(IMAGES, verbose=0)
        assert config.image_data_format() == "channels_first"
    assert np.allclose(found, known, atol=1e-5)


def test_a_layer_of_an_operation_of_ones_own_takes_channels_last_too():
    def layer(shapes, attributes, name):
        return keras.layers.Conv2D(7, 3, padding="same", name=name)

    nas.register(nas.Operation(name="of_ones_own", shape=lambda s, a: (*s[0][:-1], 7), layer=layer, channels="own"))
    graph = nas.trace(lambda x: x.apply("of_ones_own").global_avg_pool().dense(2), (9, 8, 3))
    with keras_set_to(data_format="channels_first"):
        assert nas.build(graph).predict(rng.random((2, 9, 8, 3)), verbose=0).shape == (2, 2)


def test_a_search_of_images_works_where_channels_come_first():
    with keras_set_to(data_format="channels_first"):
        study = searched(lambda hp, x: small(x), IMAGES, LABELS)
        out = study.best_model().predict(IMAGES, verbose=0)
    assert out.shape == (60, 2) and np.allclose(out.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("shape", [(3,), (9, 3), (9, 9, 3)])
def test_what_is_scaled_by_channel_is_so_where_channels_come_first(tmp_path, shape):
    x = rng.normal(size=(60, *shape)) * [1.0, 1e-9, 1e20]  # two are lifted
    y = rng.normal(size=(60, 2)) * [1.0, 50.0] + [0.0, 100.0]
    data = dataset(x, y, shapes=(shape,))
    graph = nas.trace(lambda x: (x if len(shape) == 1 else x.flatten()).dense(2), shape)
    learned = weights.read(nas.build(graph))
    known = deployable(graph, learned, data.fronts, data.task).predict(x, verbose=0)
    with keras_set_to(data_format="channels_first"):
        model = deployable(graph, learned, data.fronts, data.task)
        model.save(tmp_path / "m.keras")
        found = [m.predict(x, verbose=0) for m in (model, keras.saving.load_model(tmp_path / "m.keras"))]
    for one in found:
        np.testing.assert_allclose(one, known, rtol=1e-4, atol=1e-4)


# --- bits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_a_search_trains_and_hands_out_networks_of_32_bits(policy):
    def define(hp, x):
        return x.conv(4, 3).batch_norm().relu().global_avg_pool().dense(2)

    plain = searched(define, IMAGES, LABELS, seed=1)
    with keras_set_to(policy=policy):
        with pytest.warns(UserWarning, match=f"Keras' policy '{policy}' has no effect"):
            study = searched(define, IMAGES, LABELS, seed=1)
        models = [study.best_model(), study.refit()]
        assert config.dtype_policy().name == policy
    assert study.best.metrics["val_loss"] == pytest.approx(plain.best.metrics["val_loss"], rel=1e-4)
    for model in models:
        assert {layer.compute_dtype for layer in model.layers} == {"float32"} and model.dtype_policy.name == "float32"
        assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_the_learning_rate_has_its_effect_under_a_policy_of_16_bits():
    data = dataset(rng.random((80, 3)), np.arange(80) % 2)
    graph = nas.trace(lambda x: x.dense(4).relu().dense(2), (3,))

    class Job:
        recipe, training, class_weight = Recipe(batch=16), None, None
        space = nas.Architecture(lambda hp, x: x.dense(hp.Int("units", 2, 4)).relu().dense(2), (3,))

    with keras_set_to(policy="mixed_float16"):
        made = begun(Job(), {}, graph, data, 0)
        kinds = (_Keras, lambda model: _Jax(model, 16))[: 1 + (keras.backend.backend() == "jax")]
        (x,), y = data.train(np.arange(16))
        for kind in kinds:
            before = made.model.get_weights()
            step = kind(made.model)
            step.train((x,), y, None, 0.0)
            step.settle()
            assert all(np.array_equal(a, b) for a, b in zip(before, made.model.get_weights(), strict=True))


def test_a_network_of_the_users_own_training_follows_the_policy():
    graph = nas.trace(lambda x: x.dense(2), (3,))
    with keras_set_to(policy="mixed_bfloat16"):
        assert nas.build(graph).layers[-1].compute_dtype == "bfloat16"


def test_settings_are_put_back_after_an_error():
    with keras_set_to(policy="mixed_bfloat16", data_format="channels_first"):
        for changed in (channels_last, in_32_bits):
            with pytest.raises(KeyError), changed():
                raise KeyError
        assert (config.dtype_policy().name, config.image_data_format()) == ("mixed_bfloat16", "channels_first")


# --- smaller images ------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(12, 12), (13, 11), (10, 9), (7, 15), (4, 2)])
def test_a_model_shrinks_images_as_the_search_did(tmp_path, factor, size):
    x = rng.normal(size=(40, *size, 2))
    data = dataset(x, LABELS[:40], shapes=((*size, 2),)).shrunk(factor)
    graph = nas.trace(lambda x: x.flatten().dense(2), data.shapes[0])
    net = nas.build(graph)
    model = deployable(graph, weights.read(net), data.fronts, data.task, factor=factor)
    (inner,) = data.inputs(np.arange(40))
    known = keras.ops.softmax(net.predict(inner, verbose=0))
    np.testing.assert_allclose(model.predict(x, verbose=0), np.asarray(known), atol=1e-5)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), np.asarray(known), atol=1e-5)
