"""Keras layers as operations: what of a user's layer a graph can say, and what prevents it. Builds none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.nas.operations import ACTIVATIONS

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Part:
    """One node that a layer becomes.

    Attributes:
        op: the operation.
        attributes: its settings.
        suffix: what is added to the layer's name for the node's.
        weights: the node's variables, by their names.
    """

    op: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = ""
    weights: Values = field(default_factory=dict)


class Refusal(SpaceError):
    """A layer that a graph cannot say."""

    def __init__(self, layer: Any, what: str, *, allowed: str = "", hint: str = ""):
        super().__init__(
            what, where=f"nas.from_model: the layer {layer.name!r} ({type(layer).__name__})", allowed=allowed, hint=hint
        )

    def __reduce__(self):
        return SpaceError, (str(self),)


@dataclass(frozen=True, slots=True)
class Call:
    """How a layer was called.

    Attributes:
        values: its variables by their names.
        inputs: shapes of what it took, for one example.
        output: the shape of what it put out.
    """

    values: Values
    inputs: Sequence[tuple[int | None, ...]]
    output: tuple[int | None, ...]

    @property
    def channels(self) -> int:
        return self.inputs[0][-1] or 0


def parts(layer: Any, call: Call) -> list[Part]:
    """What a layer becomes, in order; nothing for one that changes nothing.

    Raises:
        SpaceError: it names the layer, and what of it prevents it.
    """
    kind = type(layer)
    reader = _READERS.get(kind.__name__) if kind.__module__.startswith("keras.") else None
    if reader is None:
        own = "a layer of your own" if not kind.__module__.startswith("keras.") else "no layer that is known here"
        raise Refusal(
            layer,
            f"it is {own}",
            allowed=", ".join(sorted(_READERS)),
            hint="Put it before or behind the part that is searched, or write a space with an operation of your own.",
        )
    for option, value in vars(layer).items():
        if value is not None and option.endswith(("_regularizer", "_constraint")):
            raise Refusal(
                layer, f"it has a {option}", allowed="none", hint="Weight decay is a setting of the training."
            )
    if layer.compute_dtype != "float32":
        raise Refusal(layer, f"it computes in {layer.compute_dtype}", allowed="float32")
    if layer.weights and not layer.trainable:
        raise Refusal(layer, "it is frozen", allowed="trainable=True", hint="A frozen part can stay before the search.")
    return reader(layer, call)


# --- with weights ----------------------------------------------------------------------------------------


def _same_each_way(layer: Any, value: Any, name: str) -> int:
    found = set(value) if isinstance(value, (list, tuple)) else {value}
    if len(found) != 1:
        raise Refusal(layer, f"{name}={value!r}", allowed="the same each way")
    return int(found.pop())


def _last(layer: Any) -> None:
    if getattr(layer, "data_format", "channels_last") not in ("channels_last", None):
        raise Refusal(layer, f"data_format={layer.data_format!r}", allowed="channels_last")


def _window(layer: Any, size: str, shortest: str) -> dict[str, Any]:
    """Size, stride, padding and dilation."""
    _last(layer)
    padding = layer.padding
    if padding not in ("same", "valid"):
        raise Refusal(layer, f"padding={padding!r}", allowed='"same" or "valid"')
    found = {
        shortest: _same_each_way(layer, getattr(layer, size), size),
        "stride": _same_each_way(layer, layer.strides, "strides"),
        "padding": None if padding == "same" else padding,
        "dilation": _same_each_way(layer, getattr(layer, "dilation_rate", 1), "dilation_rate"),
    }
    return {key: value for key, value in found.items() if value is not None and (key != "dilation" or value > 1)}


def _initial(initializer: Any) -> dict[str, str]:
    """The name of an initialiser that has no settings of its own."""
    name = type(initializer).__name__
    known = {"HeNormal", "HeUniform", "GlorotNormal", "GlorotUniform", "LecunNormal", "LecunUniform"}
    return {"init": "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")} if name in known else {}


def _activation(layer: Any, function: Any, suffix: str) -> list[Part]:
    name = getattr(function, "__name__", type(function).__name__)
    if not str(getattr(function, "__module__", "")).startswith("keras.") or name not in ACTIVATIONS:
        raise Refusal(layer, f"activation={name!r}", allowed=", ".join(ACTIVATIONS))
    return [] if name == "linear" else [Part("activation", {"kind": name}, suffix)]


def _conv(layer: Any, call: Call) -> list[Part]:
    attributes = {"filters": layer.filters, **_window(layer, "kernel_size", "kernel"), "bias": layer.use_bias}
    if layer.groups > 1:
        attributes["groups"] = layer.groups
    made = Part("conv", attributes | _initial(layer.kernel_initializer), "", call.values)
    return [made, *_activation(layer, layer.activation, ".activation")]


def _depthwise(layer: Any, call: Call) -> list[Part]:
    _one_each(layer)
    attributes = {**_window(layer, "kernel_size", "kernel"), "bias": layer.use_bias}
    made = Part("depthwise", attributes | _initial(layer.depthwise_initializer), "", call.values)
    return [made, *_activation(layer, layer.activation, ".activation")]


def _one_each(layer: Any) -> None:
    if layer.depth_multiplier != 1:
        raise Refusal(layer, f"depth_multiplier={layer.depth_multiplier}", allowed="1")


def _separable(layer: Any, call: Call) -> list[Part]:
    """A depthwise convolution and one of kernel 1, which has the layer's name."""
    _one_each(layer)
    first = Part(
        "depthwise",
        _window(layer, "kernel_size", "kernel") | _initial(layer.depthwise_initializer),
        ".depthwise",
        {"kernel": call.values["depthwise_kernel"]},
    )
    point = {"kernel": call.values["pointwise_kernel"]} | ({"bias": call.values["bias"]} if layer.use_bias else {})
    attributes = {"filters": layer.filters, "kernel": 1, "stride": 1, "bias": layer.use_bias}
    second = Part("conv", attributes | _initial(layer.pointwise_initializer), "", point)
    return [first, second, *_activation(layer, layer.activation, ".activation")]


def _dense(layer: Any, call: Call) -> list[Part]:
    attributes = {"units": layer.units, "bias": layer.use_bias} | _initial(layer.kernel_initializer)
    return [Part("dense", attributes, "", call.values), *_activation(layer, layer.activation, ".activation")]


def _last_axis(layer: Any, call: Call) -> None:
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    last = len(call.inputs[0])
    if [axis % (last + 1) for axis in axes if axis is not None] != [last]:
        raise Refusal(layer, f"axis={layer.axis!r}", allowed="the last: -1")


def _scaled(layer: Any, call: Call) -> dict[str, np.ndarray]:
    """With a scale of ones and an offset of zeros where the layer has none: the same function."""
    size = call.channels
    return {"gamma": np.ones(size, "float32"), "beta": np.zeros(size, "float32")} | dict(call.values)


def _batch_norm(layer: Any, call: Call) -> list[Part]:
    _last_axis(layer, call)
    if getattr(layer, "renorm", False):
        raise Refusal(layer, "renorm=True", allowed="renorm=False")
    attributes = {"momentum": float(layer.momentum), "epsilon": float(layer.epsilon)}
    return [Part("batch_norm", attributes, "", _scaled(layer, call))]


def _layer_norm(layer: Any, call: Call) -> list[Part]:
    _last_axis(layer, call)
    if getattr(layer, "rms_scaling", False):
        raise Refusal(layer, "rms_scaling=True", allowed="rms_scaling=False")
    return [Part("layer_norm", {"epsilon": float(layer.epsilon)}, "", _scaled(layer, call))]


def _normalization(layer: Any, call: Call) -> list[Part]:
    """Fixed means and variances: a rescaling."""
    _last_axis(layer, call)
    mean, variance = (np.asarray(value, "float64").reshape(-1) for value in (layer.mean, layer.variance))
    spread = np.maximum(np.sqrt(variance), 1e-7)
    one, two = (spread, mean) if layer.invert else (1.0 / spread, -mean / spread)
    return [Part("rescaling", {"scale": one.tolist(), "offset": two.tolist()})]


# --- without weights -------------------------------------------------------------------------------------


def _relu(layer: Any, call: Call) -> list[Part]:
    slope, most, least = float(layer.negative_slope or 0.0), layer.max_value, float(layer.threshold or 0.0)
    if least or (slope and most is not None) or most not in (None, 6, 6.0):
        raise Refusal(
            layer,
            f"max_value={most}, negative_slope={slope}, threshold={least}",
            allowed="a slope alone, or max_value=6",
        )
    if slope:
        return [Part("leaky_relu", {"slope": slope})]
    return [Part("activation", {"kind": "relu6" if most else "relu"})]


def _softmax(layer: Any, call: Call) -> list[Part]:
    _last_axis(layer, call)
    return [Part("activation", {"kind": "softmax"})]


def _elu(layer: Any, call: Call) -> list[Part]:
    if float(layer.alpha) != 1.0:
        raise Refusal(layer, f"alpha={layer.alpha}", allowed="1.0")
    return [Part("activation", {"kind": "elu"})]


def _pool(kind: str) -> Callable[[Any, Call], list[Part]]:
    return lambda layer, call: [Part(f"{kind}_pool", _window(layer, "pool_size", "size"))]


def _global(kind: str) -> Callable[[Any, Call], list[Part]]:
    def reader(layer: Any, call: Call) -> list[Part]:
        _last(layer)
        if layer.keepdims:
            raise Refusal(layer, "keepdims=True", allowed="keepdims=False")
        return [Part(f"global_{kind}_pool")]

    return reader


def _zero_padding(layer: Any, call: Call) -> list[Part]:
    _last(layer)
    pairs = layer.padding if isinstance(layer.padding[0], (list, tuple)) else [layer.padding]
    return [Part("zero_padding", {"padding": [list(map(int, pair)) for pair in pairs]})]


def _rescaling(layer: Any, call: Call) -> list[Part]:
    found = [np.asarray(value, "float64") for value in (layer.scale, layer.offset)]
    if any(value.ndim > 1 for value in found):
        raise Refusal(layer, "it scales each position by itself", allowed="a number, or one for each channel")
    return [Part("rescaling", {"scale": found[0].tolist(), "offset": found[1].tolist()})]


def _joined(op: str) -> Callable[[Any, Call], list[Part]]:
    return lambda layer, call: [Part(op)]


def _concat(layer: Any, call: Call) -> list[Part]:
    _last_axis(layer, call)
    return [Part("concat")]


def _flatten(layer: Any, call: Call) -> list[Part]:
    _last(layer)
    return [Part("flatten")] if len(call.inputs[0]) > 1 else []


def _reshape(layer: Any, call: Call) -> list[Part]:
    shape = call.output
    if None in shape:
        raise Refusal(layer, f"it makes {shape}", allowed="a shape that is known")
    return [Part("reshape", {"shape": list(shape)})]


def _drop(op: str) -> Callable[[Any, Call], list[Part]]:
    def reader(layer: Any, call: Call) -> list[Part]:
        if getattr(layer, "noise_shape", None) is not None:
            raise Refusal(
                layer,
                f"noise_shape={layer.noise_shape!r}",
                allowed="noise_shape=None",
                hint="SpatialDropout2D drops whole channels.",
            )
        return [Part(op, {"rate": float(layer.rate)})] if layer.rate else []

    return reader


_POOLS = {"Max": "max", "Average": "avg"}
_READERS: dict[str, Callable[[Any, Call], list[Part]]] = {
    **dict.fromkeys(("Conv1D", "Conv2D"), _conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Normalization": _normalization,
    "Activation": lambda layer, call: _activation(layer, layer.activation, ""),
    "ReLU": _relu,
    "LeakyReLU": lambda layer, call: [Part("leaky_relu", {"slope": float(layer.negative_slope)})],
    "ELU": _elu,
    "Softmax": _softmax,
    **{f"{k}Pooling{d}D": _pool(_POOLS[k]) for k in _POOLS for d in (1, 2)},
    **{f"Global{k}Pooling{d}D": _global(_POOLS[k]) for k in _POOLS for d in (1, 2)},
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _zero_padding),
    "Rescaling": _rescaling,
    "Add": _joined("add"),
    "Multiply": _joined("multiply"),
    "Average": _joined("average"),
    "Maximum": _joined("maximum"),
    "Concatenate": _concat,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Dropout": _drop("dropout"),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D"), _drop("spatial_dropout")),
    "Identity": lambda layer, call: [],
}
