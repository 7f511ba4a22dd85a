"""Nodes as functions of arrays: the same as their Keras layers in training, forward and backward."""

import math

import keras
import numpy as np
import pytest

from modelwright import nas
from modelwright.core.errors import ArgumentError
from modelwright.nas.functions import Function, draw, function
from modelwright.nas.operations import ACTIVATIONS
from modelwright.nas.passes import Passes, batch
from modelwright.training.keras_backend import light_compilation

jax = pytest.importorskip("jax")
RNG = np.random.default_rng(0)
PLANE, LINE = (9, 7, 4), (11, 4)
CASES = [
    ("conv", [PLANE], {"filters": 6, "kernel": 3}),
    ("conv", [PLANE], {"filters": 6, "kernel": 5, "stride": 2, "bias": True}),
    ("conv", [PLANE], {"filters": 6, "kernel": 3, "groups": 2, "padding": "valid"}),
    ("conv", [PLANE], {"filters": 6, "kernel": 3, "dilation": 2}),
    ("conv", [PLANE], {"filters": 6, "kernel": 1, "stride": 2}),
    ("conv", [LINE], {"filters": 6, "kernel": 4, "stride": 2}),
    ("depthwise", [PLANE], {"kernel": 5, "bias": True}),
    ("depthwise", [PLANE], {"kernel": 3, "stride": 2}),
    ("depthwise", [PLANE], {"kernel": 3, "stride": 2, "padding": "valid"}),
    ("depthwise", [LINE], {"kernel": 3, "dilation": 2}),
    ("dense", [(5,)], {"units": 3}),
    ("dense", [PLANE], {"units": 3, "bias": False}),
    ("batch_norm", [PLANE], {"epsilon": 1e-3}),
    ("layer_norm", [LINE], {}),
    ("max_pool", [PLANE], {"size": 3, "stride": 2}),
    ("max_pool", [LINE], {"size": 2, "stride": 2, "padding": "valid"}),
    ("avg_pool", [PLANE], {"size": 3, "stride": 1}),
    ("avg_pool", [PLANE], {"size": 2, "stride": 2}),
    ("global_max_pool", [PLANE], {}),
    ("global_avg_pool", [LINE], {}),
    ("flatten", [PLANE], {}),
    ("add", [LINE, LINE, LINE], {}),
    ("multiply", [LINE, LINE], {}),
    ("concat", [LINE, (11, 2)], {}),
    ("zero", [PLANE], {}),
    ("zero_padding", [PLANE], {"padding": [[1, 0], [2, 3]]}),
    ("rescaling", [LINE], {"scale": [1.0, 2.0, 3.0, 4.0], "offset": -0.5}),
    ("reshape", [PLANE], {"shape": [7, 36]}),
    ("leaky_relu", [LINE], {"slope": 0.1}),
    ("average", [LINE, LINE, LINE], {}),
    ("maximum", [LINE, LINE], {}),
    *[("activation", [LINE], {"kind": kind}) for kind in ACTIVATIONS],
]


@pytest.mark.parametrize("op, shapes, attributes", CASES, ids=lambda v: str(v) if isinstance(v, (str, dict)) else "")
def test_a_function_is_its_layer_in_training(op, shapes, attributes):
    inputs = [RNG.normal(size=(3, *shape)).astype("float32") for shape in shapes]
    layer = nas.operation(op).layer(shapes, attributes, "it")
    with light_compilation():
        expected = layer(inputs[0] if len(inputs) == 1 else inputs, training=True)
    found = function(op, shapes, attributes)
    weights = {v.name: np.asarray(v) for v in layer.trainable_variables}
    assert found.weights(shapes, attributes) == {name: w.shape for name, w in weights.items()}
    out = np.asarray(jax.jit(lambda w, x: found.call(w, x, attributes))(weights, inputs))
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)
    assert out.shape[1:] == nas.operation(op).shape(shapes, attributes)


def network(x):
    a = x.conv(6, 3, stride=2).batch_norm().relu()
    b = a.depthwise(3).activation("gelu")
    c = nas.concat([a, b + a.max_pool(3, stride=1)]).apply("layer_norm")
    return c.global_avg_pool().dense(3)


def test_going_back_node_by_node_gives_the_gradients_of_the_whole():
    graph = nas.trace(network, (8, 8, 2))
    passes, x = Passes(graph, seed=1), RNG.normal(size=(4, 8, 8, 2)).astype("float32")
    g = RNG.normal(size=(4, 3)).astype("float32")

    def whole(weights, x):
        other = Passes(graph, seed=1)
        other.weights = weights
        return (other.forward([x])[-1] * g).sum()

    to_weights, to_x = jax.jit(jax.grad(whole, (0, 1)))(passes.weights, x)
    values = passes.forward([x], kept=True)
    found, saliency = passes.backward(values, {graph.outputs[0]: g}, salient=True)
    np.testing.assert_allclose(found[0], to_x, rtol=1e-3, atol=1e-5)
    expected = sum(
        abs(to_weights[i][name] * w).sum()
        for i, node in enumerate(passes.weights)
        for name, w in node.items()
        if w.ndim > 1
    )
    assert saliency == pytest.approx(float(expected), rel=1e-4)


def test_values_that_nobody_needs_are_dropped():
    graph = nas.trace(network, (8, 8, 2))
    values = Passes(graph).forward([np.ones((2, 8, 8, 2), "float32")])
    assert [value is not None for value in values] == [i in graph.outputs for i in range(len(values))]


def test_weights_follow_from_names_and_seeds():
    one = nas.trace(lambda x: x.conv(4, 3, name="a").conv(4, 3, name="b"), (8, 8, 2))
    two = nas.trace(lambda x: x.conv(4, 3, name="a").relu().conv(4, 3, name="b"), (8, 8, 2))
    first, second = Passes(one, 3).weights[2], Passes(two, 3).weights[3]
    np.testing.assert_array_equal(first["kernel"], second["kernel"])
    assert not np.array_equal(first["kernel"], Passes(one, 4).weights[2]["kernel"])
    wide = draw({"kernel": (3, 3, 64, 64)}, "w", 0)["kernel"]
    assert wide.std() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.02)
    by_channel = draw({"kernel": (5, 5, 64, 1)}, "w", 0, by_channel=True)["kernel"]
    assert by_channel.std() == pytest.approx(math.sqrt(2 / 25), rel=0.1)


def _cost(shapes, attributes, out):
    return nas.Cost(2 * out[-1], 2 * out[-1], math.prod(out))


def test_an_operation_without_a_function_is_computed_by_its_layer(registered):
    registered(
        nas.Operation(
            name="group_norm_of_mine",
            shape=lambda shapes, attributes: shapes[0],
            cost=_cost,
            layer=lambda shapes, attributes, name: keras.layers.GroupNormalization(2, name=name),
        )
    )
    graph = nas.trace(lambda x: x.conv(4, 3).apply("group_norm_of_mine").relu().flatten().dense(2), (6, 6, 2))
    x = RNG.normal(size=(5, 6, 6, 2)).astype("float32")
    passes = Passes(graph)
    values = passes.forward([x], kept=True)
    layer = keras.layers.GroupNormalization(2)
    np.testing.assert_allclose(values[2], layer(values[1]), rtol=1e-4, atol=1e-5)
    found, _ = passes.backward(values, {len(values) - 1: np.ones((5, 2), "float32")})
    assert np.asarray(found[0]).std() > 0


def test_an_operation_brings_its_own_function(registered):
    registered(
        nas.Operation(
            name="scale_of_mine",
            shape=lambda shapes, attributes: shapes[0],
            layer=lambda shapes, attributes, name: 1 / 0,
            function=Function(
                lambda weights, inputs, attributes: inputs[0] * weights["scale"] * attributes["by"],
                lambda shapes, attributes: {"scale": shapes[0][-1:]},
            ),
        )
    )
    graph = nas.trace(lambda x: x.apply("scale_of_mine", by=3.0), (4,))
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(Passes(graph).forward([x])[-1], 3 * x)


def test_examples_are_checked_and_brought_to_one_scale():
    graph = nas.trace(network, (8, 8, 2))
    x = RNG.integers(0, 256, (40, 8, 8, 2)).astype("uint8")
    (found,) = batch(graph, x, 32)
    assert found.shape == (32, 8, 8, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((0, 1, 2)), 1, atol=1e-4)
    for bad, said in (
        (x[..., :1], "shape"),
        (x[:1], "1 example"),
        (np.full((4, 8, 8, 2), np.nan), "NaN"),
        (np.array([["a"]]), "no array of numbers"),
        ([x, x], "no array of numbers|shape"),
    ):
        with pytest.raises(ArgumentError, match=said):
            batch(graph, bad, 32)
    grey = nas.trace(lambda x: x.conv(2).flatten(), (8, 8, 1))
    with pytest.raises(ArgumentError, match="axis of channels"):
        batch(grey, x[..., 0], 32)
