"""ONNX: a graph with its weights as a model for other runtimes, written node by node.

Inputs and outputs are as Keras has them, channels last; between them channels come first, as ONNX has them. Keras'
own export needs TensorFlow, PyTorch or a converter for JAX; this needs the package ``onnx`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.nas.canonical import pruned
from modelwright.nas.functions import draw, function, padding
from modelwright.nas.genotype import from_model
from modelwright.nas.graph import INPUT, Graph, Node
from modelwright.nas.operations import ACTIVATIONS, Attributes, Shape, operation
from modelwright.nas.weights import layer_name

#: The version of the operators, which runtimes have known since 2022, and that of the file.
_OPSET, _IR = 17, 8
_STATISTICS = {"moving_mean": 0.0, "moving_variance": 1.0}


def to_onnx(
    network: Any,
    weights: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    *,
    batch: int | None = None,
    seed: int = 0,
) -> bytes:
    """An ONNX model of a network, as it predicts: what ``onnxruntime.InferenceSession`` takes, or a file's content.

    Args:
        network: a Keras model, or a graph.
        weights: of a graph: those of each layer, as ``weights.read`` gives them; random ones by default, for measuring.
        batch: the number of examples that it takes; any number when None.
        seed: of random weights.

    Raises:
        ArgumentError: an operation cannot be written as ONNX, or a weight is missing.
        SpaceError: the model has a layer that a graph cannot say.
        MissingPackageError: ``onnx`` is not installed.

    >>> from modelwright.nas.graph import trace
    >>> len(to_onnx(trace(lambda x: x.conv(4, 3).relu().global_avg_pool().dense(2), (8, 8, 1)))) < 2000
    True
    """
    if not isinstance(network, Graph):
        found = from_model(network)
        network, weights = found.graph, found.weights
    graph = pruned(network)
    writer, values = Writer(), []
    starts = []
    for node in graph.nodes:
        if node.op == INPUT:
            starts.append((layer_name(node.name), node.shape))
            values.append(writer.channels_first(starts[-1][0], node.shape))
            continue
        shapes = [graph.nodes[i].shape for i in node.inputs]
        have = _weights(node, shapes, weights, seed)
        values.append(_writer(node.op)(writer, [values[i] for i in node.inputs], shapes, node.attributes, have))
    ends = [(writer.channels_last(values[i], graph.nodes[i].shape), graph.nodes[i].shape) for i in graph.outputs]
    return writer.model(starts, ends, batch)


class Writer:
    """A model that is being written; values are known by their names."""

    def __init__(self) -> None:
        self.onnx = optional("onnx", extra="onnx", purpose="writing ONNX")
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._count = 0

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add an operator with one output; returns the output's name."""
        out = self._name(kind.lower())
        self._nodes.append(self.onnx.helper.make_node(kind, list(inputs), [out], name=out, **attributes))
        return out

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant; returns its name."""
        name = self._name("constant")
        array = np.ascontiguousarray(np.asarray(value, dtype))
        self._constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def channels_first(self, x: str, shape: Shape) -> str:
        """From examples, positions, channels to examples, channels, positions; ``shape`` is one example's."""
        return x if len(shape) < 2 else self.node("Transpose", [x], perm=[0, len(shape), *range(1, len(shape))])

    def channels_last(self, x: str, shape: Shape) -> str:
        """The inverse of ``channels_first``."""
        return x if len(shape) < 2 else self.node("Transpose", [x], perm=[0, *range(2, len(shape) + 1), 1])

    def model(self, starts: Sequence[tuple[str, Shape]], ends: Sequence[tuple[str, Shape]], batch: int | None) -> bytes:
        """The whole as bytes; each start and end has a name and the shape of one example."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        taken = [helper.make_tensor_value_info(name, kind, [batch or "batch", *shape]) for name, shape in starts]
        given = []
        for i, (name, shape) in enumerate(ends):
            out = "output" if len(ends) == 1 else f"output{i}"
            self._nodes.append(helper.make_node("Identity", [name], [out], name=out))
            given.append(helper.make_tensor_value_info(out, kind, [batch or "batch", *shape]))
        made = helper.make_graph(self._nodes, "modelwright", taken, given, self._constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="modelwright")
        model.ir_version = _IR
        return model.SerializeToString()

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


Weights = Mapping[str, np.ndarray]
#: Writes an operation: the writer, the names of its inputs (channels first), their shapes (channels last), attributes
#: and weights -> the name of its output, channels first.
Write = Callable[[Writer, Sequence[str], Sequence[Shape], Attributes, Weights], str]


def _writer(op: str) -> Write:
    how = operation(op).onnx
    if callable(how):
        return how
    if not how or op not in _WRITERS:
        raise ArgumentError(
            "it cannot be written as ONNX",
            where=f"operation {op!r}",
            allowed=", ".join(sorted(_WRITERS)),
            hint="Register it with onnx=, a function that writes its nodes." if how else "",
        )
    return _WRITERS[op]


def _weights(
    node: Node, shapes: Sequence[Shape], weights: Mapping[str, Weights] | None, seed: int
) -> Mapping[str, np.ndarray]:
    if weights is not None:
        found = weights.get(layer_name(node.name), {})
        wanted = function(node.op, shapes, node.attributes).weights(shapes, node.attributes) if not found else {}
        if wanted:
            raise ArgumentError(
                f"there are no weights for {node.name!r}",
                where="nas.to_onnx",
                allowed=f"a value for {', '.join(wanted)}",
            )
        return found
    sizes = function(node.op, shapes, node.attributes).weights(shapes, node.attributes)
    drawn = draw(sizes, node.name, seed, by_channel=node.op == "depthwise")
    if node.op == "batch_norm":
        drawn |= {name: np.full(shapes[0][-1:], value, np.float32) for name, value in _STATISTICS.items()}
    return drawn


# --- operations ------------------------------------------------------------------------------------------


def _pads(shape: Shape, attributes: Attributes, size: int) -> list[int]:
    """Before each position axis, then behind each."""
    if attributes.get("padding", "same") == "valid":
        return [0] * (2 * (len(shape) - 1))
    reach = (size - 1) * attributes.get("dilation", 1) + 1
    pairs = [padding(length, reach, attributes.get("stride", 1)) for length in shape[:-1]]
    return [before for before, _ in pairs] + [after for _, after in pairs]


def _convolved(
    to: Writer, x: str, shape: Shape, attributes: Attributes, weights: Weights, kernel: np.ndarray, groups: int
) -> str:
    axes = len(shape) - 1
    inputs = [x, to.constant(np.moveaxis(kernel, (-1, -2), (0, 1)))]
    inputs += [to.constant(weights["bias"])] if "bias" in weights else []
    return to.node(
        "Conv",
        inputs,
        kernel_shape=list(kernel.shape[:axes]),
        strides=[attributes.get("stride", 1)] * axes,
        dilations=[attributes.get("dilation", 1)] * axes,
        pads=_pads(shape, attributes, kernel.shape[0]),
        group=groups,
    )


def _conv(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    return _convolved(to, x[0], shapes[0], attributes, weights, weights["kernel"], attributes.get("groups", 1))


def _depthwise(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    kernel = np.swapaxes(weights["kernel"], -1, -2)
    return _convolved(to, x[0], shapes[0], attributes, weights, kernel, shapes[0][-1])


def _dense(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    kernel = weights["kernel"]
    if len(shapes[0]) > 1:
        at_each = kernel.reshape((1,) * (len(shapes[0]) - 1) + kernel.shape)
        return _convolved(to, x[0], shapes[0], {}, weights, at_each, 1)
    bias = [to.constant(weights["bias"])] if "bias" in weights else []
    return to.node("Gemm", [x[0], to.constant(kernel), *bias])


def _batch_norm(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    values = [to.constant(weights[name]) for name in names]
    return to.node("BatchNormalization", [x[0], *values], epsilon=float(attributes.get("epsilon", 1e-5)))


def _layer_norm(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    values = [to.constant(weights["gamma"]), to.constant(weights["beta"])]
    last = to.channels_last(x[0], shapes[0])
    return to.channels_first(to.node("LayerNormalization", [last, *values], axis=-1, epsilon=1e-3), shapes[0])


def _activation(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    kind, (value,) = attributes.get("kind", "relu"), x
    if kind in _ACTIVATIONS:
        name, settings = _ACTIVATIONS[kind]
        return to.node(name, [value], **settings)
    if kind == "relu6":
        return to.node("Clip", [value, to.constant(0.0), to.constant(6.0)])
    if kind in ("silu", "swish"):
        return to.node("Mul", [value, to.node("Sigmoid", [value])])
    if kind == "mish":
        return to.node("Mul", [value, to.node("Tanh", [to.node("Softplus", [value])])])
    if kind == "gelu":
        part = to.node("Erf", [to.node("Mul", [value, to.constant(0.5**0.5)])])
        half = to.node("Mul", [value, to.constant(0.5)])
        return to.node("Mul", [half, to.node("Add", [part, to.constant(1.0)])])
    raise ArgumentError(f"kind={kind!r} cannot be written as ONNX", where="activation", allowed=", ".join(ACTIVATIONS))


_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    "tanh": ("Tanh", {}),
    "linear": ("Identity", {}),
    "hard_silu": ("HardSwish", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "celu": ("Celu", {"alpha": 1.0}),
    "softmax": ("Softmax", {"axis": 1}),
    "log_softmax": ("LogSoftmax", {"axis": 1}),
}


def _pool(kind: str) -> Write:
    def write(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
        size, axes = attributes.get("size", 2), len(shapes[0]) - 1
        strides, pads = [attributes.get("stride", 1)] * axes, _pads(shapes[0], attributes, size)
        return to.node(kind, x, kernel_shape=[size] * axes, strides=strides, pads=pads)

    return write


def _global(kind: str) -> Write:
    return lambda to, x, shapes, attributes, weights: to.node("Flatten", [to.node(kind, x)])


def _flatten(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    return to.node("Flatten", [to.channels_last(x[0], shapes[0])])


def _padded(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    before, after = zip(*attributes["padding"], strict=True)
    return to.node("Pad", [x[0], to.constant([0, 0, *before, 0, 0, *after], np.int64)])


def _rescaled(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    by_channel = (-1,) + (1,) * (len(shapes[0]) - 1)
    scale, offset = (np.reshape(attributes.get(key, n), by_channel) for key, n in (("scale", 1.0), ("offset", 0.0)))
    return to.node("Add", [to.node("Mul", [x[0], to.constant(scale)]), to.constant(offset)])


def _reshaped(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    target = tuple(attributes["shape"])
    flat = to.channels_last(x[0], shapes[0])
    return to.channels_first(to.node("Reshape", [flat, to.constant([0, *target], np.int64)]), target)


def _leaky_relu(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    return to.node("LeakyRelu", x, alpha=float(attributes.get("slope", 0.3)))


def _same(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
    return x[0]


def _joined(kind: str) -> Write:
    def write(to: Writer, x: Sequence[str], shapes: Sequence[Shape], attributes: Attributes, weights: Weights) -> str:
        total = x[0]
        for other in x[1:]:
            total = to.node(kind, [total, other])
        return total

    return write


_WRITERS: dict[str, Write] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "dense": _dense,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "activation": _activation,
    "dropout": _same,
    "spatial_dropout": _same,
    "leaky_relu": _leaky_relu,
    "zero_padding": _padded,
    "rescaling": _rescaled,
    "reshape": _reshaped,
    "max_pool": _pool("MaxPool"),
    "avg_pool": _pool("AveragePool"),
    "global_max_pool": _global("GlobalMaxPool"),
    "global_avg_pool": _global("GlobalAveragePool"),
    "flatten": _flatten,
    "add": _joined("Add"),
    "multiply": _joined("Mul"),
    "maximum": _joined("Max"),
    "average": lambda to, x, shapes, attributes, weights: to.node("Mean", x),
    "concat": lambda to, x, shapes, attributes, weights: to.node("Concat", x, axis=1),
    "zero": lambda to, x, shapes, attributes, weights: to.node("Mul", [x[0], to.constant(0.0)]),
}
