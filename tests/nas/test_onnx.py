"""ONNX: what a graph is written as gives what its Keras model gives."""

import keras
import numpy as np
import pytest

from modelwright import nas
from modelwright.core.errors import ArgumentError
from modelwright.nas import weights
from modelwright.nas.onnx import to_onnx
from modelwright.nas.operations import ACTIVATIONS
from modelwright.training.keras_backend import light_compilation

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(0)


def run(content, *inputs):
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    feeds = {taken.name: x for taken, x in zip(session.get_inputs(), inputs, strict=True)}
    return session.run(None, feeds)


def trained(graph):
    """A model with weights as training leaves them, statistics too."""
    with light_compilation():
        model = nas.build(graph)
    for variable in model.weights:
        value = RNG.normal(size=variable.shape) * 0.3
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.name or variable.name == "gamma" else value)
    return model


def whole(x):
    a = x.conv(8, 3, stride=2, bias=True).batch_norm().relu()
    b = a.depthwise(5, bias=True).apply("layer_norm").activation("gelu")
    c = nas.concat([a, b.max_pool(3, stride=1), (a + b + a.dense(8)).avg_pool(3, stride=1)])
    d = c.conv(6, 3, groups=2).conv(6, 3, dilation=2).conv(6, 3, padding="valid") + c.max_pool(3, stride=1).conv(
        6, 3, padding="valid"
    )
    e = d.apply("multiply", d.conv(6, 1).activation("sigmoid")).avg_pool(2).depthwise(3, stride=2)
    tops = nas.concat([e.global_avg_pool(), e.apply("global_max_pool"), e.flatten()])
    return tops.dropout(0.2).dense(7).activation("softmax")


@pytest.mark.parametrize("shape", [(13, 9, 3), (28, 28, 1)])
def test_a_plane_network_gives_the_same(shape):
    graph = nas.trace(whole, shape)
    model = trained(graph)
    x = RNG.normal(size=(3, *shape)).astype("float32")
    (found,) = run(to_onnx(graph, weights.read(model)), x)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-4)


def test_a_sequence_with_several_inputs_and_outputs_gives_the_same():
    def define(a, b):
        x = a.conv(6, 5, stride=2).batch_norm().relu().max_pool(2).depthwise(3, bias=True).apply("layer_norm")
        x = (x + x.avg_pool(3, stride=1)).flatten()
        return nas.concat([x, b.dense(4).activation("tanh")]).dense(3), a.conv(2, 3)

    graph = nas.trace(define, (21, 2), (5,))
    model = trained(graph)
    x = [RNG.normal(size=(4, 21, 2)).astype("float32"), RNG.normal(size=(4, 5)).astype("float32")]
    for found, expected in zip(run(to_onnx(graph, weights.read(model)), *x), model.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_networks_from_elsewhere_have_gives_the_same():
    def define(x):
        x = x.apply("rescaling", scale=[0.5, 2.0], offset=-1.0).apply("zero_padding", padding=[[0, 1], [2, 0]])
        a, b, c = x.conv(4, 3), x.conv(4, 1).apply("leaky_relu", slope=0.2), x.conv(4, 5).apply("spatial_dropout")
        return a.apply("average", b, c).apply("maximum", c).apply("reshape", shape=[36, 9]).conv(3, 3)

    graph = nas.trace(define, (8, 7, 2))
    model = trained(graph)
    x = RNG.normal(size=(3, 8, 7, 2)).astype("float32")
    np.testing.assert_allclose(run(to_onnx(graph, weights.read(model)), x)[0], model.predict(x, verbose=0), atol=1e-4)


def test_every_activation_gives_the_same():
    kinds = [kind for kind in ACTIVATIONS if kind != "linear"]
    graph = nas.trace(lambda x: nas.concat([x.activation(kind) for kind in kinds]), (5, 4))
    x = (3 * RNG.normal(size=(2, 5, 4))).astype("float32")
    with light_compilation():
        expected = np.concatenate([keras.activations.get(kind)(x) for kind in kinds], -1)
    np.testing.assert_allclose(run(to_onnx(graph), x)[0], expected, atol=1e-5)


def test_without_weights_they_are_drawn_and_the_batch_may_be_fixed():
    graph = nas.trace(whole, (13, 9, 3))
    x = RNG.normal(size=(2, 13, 9, 3)).astype("float32")
    np.testing.assert_allclose(run(to_onnx(graph, batch=2), x)[0].sum(1), [1, 1], rtol=1e-5)
    with pytest.raises(Exception, match=r"(?i)invalid dimensions"):
        run(to_onnx(graph, batch=3), x)


def test_missing_weights_are_told():
    graph = nas.trace(lambda x: x.conv(2, 3, name="mine"), (4, 4, 1))
    with pytest.raises(ArgumentError, match="no weights for 'mine'"):
        to_onnx(graph, {})


def test_an_operation_of_ones_own_writes_its_nodes_or_is_refused(registered):
    def operation(name, onnx):
        layer = lambda shapes, attributes, name: keras.layers.Rescaling(2.0, name=name)  # noqa: E731
        return nas.Operation(name=name, shape=lambda shapes, attributes: shapes[0], layer=layer, onnx=onnx)

    registered(operation("twice", lambda to, x, shapes, attributes, weights: to.node("Mul", [x[0], to.constant(2.0)])))
    registered(operation("twice_forgotten", True))
    registered(operation("twice_never", False))
    x = RNG.normal(size=(2, 4)).astype("float32")
    np.testing.assert_allclose(run(to_onnx(nas.trace(lambda x: x.apply("twice"), (4,))), x)[0], 2 * x)
    for name in ("twice_forgotten", "twice_never"):
        with pytest.raises(ArgumentError, match=f"operation '{name}': it cannot be written as ONNX"):
            to_onnx(nas.trace(lambda x, name=name: x.apply(name), (4,)))
