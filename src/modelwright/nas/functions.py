"""Operations as functions of arrays: what a node computes from its weights and inputs, as it would in training.

They are written for JAX, channels last. Convolutions by channel and pooling are sums over shifted arrays, which on a
CPU take a fraction of XLA's own. An operation without a function here is computed by its Keras layer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.rng import Seed
from modelwright.nas.keras_settings import channels_last, in_32_bits
from modelwright.nas.operations import Attributes, Shape, operation

Values = Mapping[str, Any]


def _no_weights(shapes: Sequence[Shape], attributes: Attributes) -> dict[str, Shape]:
    return {}


@dataclass(frozen=True, slots=True)
class Function:
    """How a node is computed with arrays.

    Attributes:
        call: weights by name, the inputs (examples first) and attributes -> the output.
        weights: shapes of the inputs for one example and attributes -> the shapes of the weights.
    """

    call: Callable[[Values, Sequence[Any], Attributes], Any]
    weights: Callable[[Sequence[Shape], Attributes], dict[str, Shape]] = _no_weights


def function(op: str, shapes: Sequence[Shape], attributes: Attributes) -> Function:
    """The function of an operation: its own, the one here, or its Keras layer.

    Raises:
        ArgumentError: it has neither, and Keras does not run on JAX.
    """
    return operation(op).function or _FUNCTIONS.get(op) or _by_layer(op, shapes, attributes)


def draw(shapes: Mapping[str, Shape], name: str, seed: int, by_channel: bool = False) -> dict[str, np.ndarray]:
    """Weights of a node before training: the same for equal names.

    Arrays of two axes and more are drawn as He et al. (2015) do, from a normal distribution of variance 2 / inputs;
    ``gamma`` and ``scale`` are 1, and the rest is 0.

    >>> draw({"kernel": (3, 3, 8, 4), "bias": (4,)}, "conv", seed=0)["bias"].tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    drawn: dict[str, np.ndarray] = {}
    for key, shape in shapes.items():
        if len(shape) > 1:
            inputs = math.prod(shape[: -2 if by_channel else -1])
            normal = Seed(seed).child("weights", name, key).generator().standard_normal(shape, np.float32)
            drawn[key] = normal * np.float32(math.sqrt(2 / max(1, inputs)))
        else:
            drawn[key] = np.full(shape, float(key in ("gamma", "scale")), np.float32)
    return drawn


# --- convolutions, dense -----------------------------------------------------------------------------


def _jax() -> Any:
    return optional("jax", extra="keras", purpose="computing with networks")


def _biased(out: Any, weights: Values) -> Any:
    return out + weights["bias"] if "bias" in weights else out


def _conv_weights(shapes: Sequence[Shape], attributes: Attributes) -> dict[str, Shape]:
    axes = (attributes.get("kernel", 1),) * (len(shapes[0]) - 1)
    filters = attributes["filters"]
    kernel = (*axes, shapes[0][-1] // attributes.get("groups", 1), filters)
    return {"kernel": kernel} | ({"bias": (filters,)} if attributes.get("bias") else {})


def _conv(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    (x,), kernel, stride = inputs, weights["kernel"], attributes.get("stride", 1)
    positions = x.ndim - 2
    if math.prod(kernel.shape[:positions]) == 1 and attributes.get("groups", 1) == 1:
        x = x[(slice(None), *(slice(None, None, stride),) * positions)] if stride > 1 else x
        return _biased(x @ kernel.reshape(kernel.shape[-2:]), weights)
    axes = "HW"[:positions]
    out = _jax().lax.conv_general_dilated(
        x,
        kernel,
        (stride,) * positions,
        attributes.get("padding", "same").upper(),
        rhs_dilation=(attributes.get("dilation", 1),) * positions,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=attributes.get("groups", 1),
    )
    return _biased(out, weights)


def _depthwise_weights(shapes: Sequence[Shape], attributes: Attributes) -> dict[str, Shape]:
    channels = shapes[0][-1]
    kernel = ((attributes.get("kernel", 3),) * (len(shapes[0]) - 1)) + (channels, 1)
    return {"kernel": kernel} | ({"bias": (channels,)} if attributes.get("bias") else {})


def _depthwise(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    (x,), kernel = inputs, weights["kernel"][..., 0]
    shifted = [x]
    for axis in range(1, x.ndim - 1):
        shifted = [part for array in shifted for part in _shifts(array, attributes, kernel.shape[0], axis)]
    taps = kernel.reshape(-1, kernel.shape[-1])
    return _biased(reduce(lambda a, b: a + b, (part * taps[i] for i, part in enumerate(shifted))), weights)


def _shifts(x: Any, attributes: Attributes, size: int, axis: int, fill: float = 0.0) -> list[Any]:
    """What each tap of a window sees along one axis."""
    stride, dilation = attributes.get("stride", 1), attributes.get("dilation", 1)
    reach = (size - 1) * dilation + 1
    before, after = padding(x.shape[axis], reach, stride) if attributes.get("padding", "same") == "same" else (0, 0)
    if before or after:
        pads = [(before, after) if i == axis else (0, 0) for i in range(x.ndim)]
        x = _jax().numpy.pad(x, pads, constant_values=fill)
    last = (x.shape[axis] - reach) // stride * stride
    whole = (slice(None),) * axis
    return [x[(*whole, slice(tap, tap + last + 1, stride))] for tap in range(0, reach, dilation)]


def padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after that padding "same" adds along one axis.

    >>> padding(28, 3, 1), padding(28, 3, 2), padding(7, 2, 2)
    ((1, 1), (0, 1), (0, 1))
    """
    missing = max(0, (math.ceil(length / stride) - 1) * stride + size - length)
    return missing // 2, missing - missing // 2


def _dense_weights(shapes: Sequence[Shape], attributes: Attributes) -> dict[str, Shape]:
    units = attributes["units"]
    return {"kernel": (shapes[0][-1], units)} | ({"bias": (units,)} if attributes.get("bias", True) else {})


def _dense(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return _biased(inputs[0] @ weights["kernel"], weights)


# --- the rest ------------------------------------------------------------------------------------------


def _scales(*names: str) -> Callable[[Sequence[Shape], Attributes], dict[str, Shape]]:
    return lambda shapes, attributes: dict.fromkeys(names, shapes[0][-1:])


def _normalised(x: Any, axes: tuple[int, ...], epsilon: float, weights: Values) -> Any:
    mean = x.mean(axes, keepdims=True)
    centred = x - mean
    spread = _jax().lax.rsqrt((centred * centred).mean(axes, keepdims=True) + epsilon)
    return centred * (spread * weights["gamma"]) + weights["beta"]


def _batch_norm(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    x = inputs[0]
    return _normalised(x, tuple(range(x.ndim - 1)), attributes.get("epsilon", 1e-5), weights)


def _layer_norm(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return _normalised(inputs[0], (-1,), attributes.get("epsilon", 1e-3), weights)


def _activation(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    nn, kind = _jax().nn, attributes.get("kind", "relu")
    known = {
        "linear": lambda x: x,
        "leaky_relu": lambda x: nn.leaky_relu(x, 0.2),
        "softsign": nn.soft_sign,
        "gelu": lambda x: nn.gelu(x, approximate=False),
    }
    return (known.get(kind) or getattr(nn, kind))(inputs[0])


def _pool(x: Any, attributes: Attributes, fill: float, joined: Callable[[Any, Any], Any]) -> Any:
    for axis in range(1, x.ndim - 1):
        x = reduce(joined, _shifts(x, attributes, attributes.get("size", 2), axis, fill))
    return x


def _max_pool(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return _pool(inputs[0], attributes, -math.inf, _jax().numpy.maximum)


def _avg_pool(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    """The mean of what a window sees of the input, without the padding."""
    x = inputs[0]
    positions = np.ones((1, *x.shape[1:-1], 1), np.float32)
    total = _pool(x, attributes, 0.0, lambda a, b: a + b)
    return total / _pool(positions, attributes, 0.0, lambda a, b: a + b)


def _over_positions(kind: str) -> Callable[[Values, Sequence[Any], Attributes], Any]:
    return lambda weights, inputs, attributes: getattr(inputs[0], kind)(tuple(range(1, inputs[0].ndim - 1)))


def _padded(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return _jax().numpy.pad(inputs[0], [(0, 0), *attributes["padding"], (0, 0)])


def _rescaled(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    scale, offset = (np.asarray(attributes.get(key, n), np.float32) for key, n in (("scale", 1.0), ("offset", 0.0)))
    return inputs[0] * scale + offset


def _same(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return inputs[0]


def _joined(joined: Callable[[Any, Any], Any]) -> Function:
    return Function(lambda weights, inputs, attributes: reduce(joined, inputs))


def _concat(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
    return _jax().numpy.concatenate(inputs, -1)


_FUNCTIONS: dict[str, Function] = {
    "conv": Function(_conv, _conv_weights),
    "depthwise": Function(_depthwise, _depthwise_weights),
    "dense": Function(_dense, _dense_weights),
    "batch_norm": Function(_batch_norm, _scales("gamma", "beta")),
    "layer_norm": Function(_layer_norm, _scales("gamma", "beta")),
    "activation": Function(_activation),
    "dropout": Function(_same),
    "spatial_dropout": Function(_same),
    "leaky_relu": Function(
        lambda weights, inputs, attributes: _jax().nn.leaky_relu(inputs[0], attributes.get("slope", 0.3))
    ),
    "zero_padding": Function(_padded),
    "rescaling": Function(_rescaled),
    "reshape": Function(lambda weights, inputs, attributes: inputs[0].reshape(len(inputs[0]), *attributes["shape"])),
    "max_pool": Function(_max_pool),
    "avg_pool": Function(_avg_pool),
    "global_max_pool": Function(_over_positions("max")),
    "global_avg_pool": Function(_over_positions("mean")),
    "flatten": Function(lambda weights, inputs, attributes: inputs[0].reshape(len(inputs[0]), -1)),
    "add": _joined(lambda a, b: a + b),
    "multiply": _joined(lambda a, b: a * b),
    "maximum": _joined(lambda a, b: _jax().numpy.maximum(a, b)),
    "average": Function(lambda weights, inputs, attributes: reduce(lambda a, b: a + b, inputs) / len(inputs)),
    "concat": Function(_concat),
    "zero": Function(lambda weights, inputs, attributes: inputs[0] * 0.0),
}


# --- what has a layer alone ----------------------------------------------------------------------------


def _by_layer(op: str, shapes: Sequence[Shape], attributes: Attributes) -> Function:
    """A function that calls the Keras layer, which is built once."""
    keras = optional("keras", extra="keras", purpose="building networks")
    if keras.backend.backend() != "jax":
        raise ArgumentError(
            f"it has no function of arrays, and its Keras layer runs on {keras.backend.backend()}",
            where=f"operation {op!r}",
            allowed="an operation with a function=..., or any with KERAS_BACKEND=jax",
        )
    with channels_last(), in_32_bits():
        layer = operation(op).layer(shapes, attributes, f"{op}_as_function")
        taken = [keras.KerasTensor((None, *shape)) for shape in shapes]
        layer(taken[0] if len(taken) == 1 else taken)
    sizes = {v.path.split("/", 1)[-1]: tuple(v.shape) for v in layer.trainable_variables}
    others = [v.value for v in layer.non_trainable_variables]
    training = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}

    def call(weights: Values, inputs: Sequence[Any], attributes: Attributes) -> Any:
        x = inputs[0] if len(inputs) == 1 else list(inputs)
        out, _ = layer.stateless_call([weights[name] for name in sizes], others, x, **training)
        return out

    return Function(call, lambda shapes, attributes: sizes)
