"""Operations: what a node of an architecture does to shapes, what it costs, and which layer does it.

Each is registered once. Shapes are those of one example, channels last; a layer is built by the caller's Keras, which
is imported when it is first needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelwright.core.errors import SpaceError
from modelwright.core.optional import optional
from modelwright.core.wording import did_you_mean
from modelwright.nas import carry
from modelwright.nas.options import ABOVE_ZERO, ANY, CONV, DENSE, DEPTHWISE, RATE, Options

Shape = tuple[int, ...]
Attributes = Mapping[str, Any]
#: What an activation may be, and whether it leaves 0 at 0.
ACTIVATIONS = {
    "relu": True, "relu6": True, "leaky_relu": True, "elu": True, "selu": True, "gelu": True, "silu": True,
    "swish": True, "mish": True, "tanh": True, "linear": True, "hard_silu": True, "softsign": True, "celu": True,
    "sigmoid": False, "hard_sigmoid": False, "softplus": False, "softmax": False, "log_softmax": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation costs for one example.

    Attributes:
        parameters: all weights, also those that are not trained (the statistics of a normalisation).
        trainable: weights that are trained.
        macs: multiplications with an addition.
    """

    parameters: int = 0
    trainable: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.trainable + other.trainable, self.macs + other.macs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One kind of node.

    Attributes:
        name: as nodes name it.
        shape: shapes of the inputs and attributes -> the output's shape; raises ``SpaceError``.
        cost: the same arguments and the output's shape -> its cost.
        layer: the same arguments as ``shape``, and a name -> a layer from Keras' own stock.
        options: which attributes it takes; None for any.
        inputs: how many there are; None for two or more, whose order does not matter where ``commutes`` is set.
        keeps_zero: whether zeros in mean zeros out, so that what follows from zeros alone can be left out.
        chance: whether it draws while it trains: one that is used twice is not the same as two then, weights or none.
        function: how it is computed with arrays, a ``functions.Function``, where it is not one of ours; without it the
            layer is called.
        onnx: whether it exports to ONNX; a function that writes its nodes, where it is not one of ours.
        channels: how its channels come about: "own" ones, made of all that comes in; "kept", each made of the same
            channel of every input; "joined", those of the inputs one after another; "spread", those of each position.
        embed: how its weights take up those of a smaller one, a ``carry.Embed``; by default equal shapes are copied.
        slice: how its weights are cut from those of a larger one, a ``carry.Slice``.
        identity: weights with which it changes nothing, a ``carry.Identity``, where there are any.
        silent: names of the weights whose zeros make its output zero.
    """

    name: str
    shape: Callable[[Sequence[Shape], Attributes], Shape]
    layer: Callable[[Sequence[Shape], Attributes, str], Any]
    cost: Callable[[Sequence[Shape], Attributes, Shape], Cost] = lambda shapes, attributes, out: Cost()
    options: Options | None = None
    inputs: int | None = 1
    commutes: bool = False
    keeps_zero: bool | Callable[[Attributes], bool] = False
    chance: bool = False
    function: Any = None
    onnx: bool | Callable[..., str] = True
    channels: Literal["own", "kept", "joined", "spread"] = "own"
    embed: carry.Embed = carry.same_shapes
    slice: carry.Slice | None = None
    identity: carry.Identity | None = None
    silent: tuple[str, ...] = ()


_REGISTERED: dict[str, Operation] = {}
#: Names of those that came from another process.
_BROUGHT: set[str] = set()


def register(operation: Operation) -> Operation:
    """Make an operation known under its name.

    Raises:
        SpaceError: another one has the name, or it is none.
    """
    if not isinstance(operation, Operation):
        raise SpaceError(f"{operation!r} is no operation", where="nas.register", allowed="a nas.Operation")
    if operation.name in _REGISTERED and operation.name not in _BROUGHT:
        raise SpaceError(f"there is an operation named {operation.name!r} already", where="nas.register")
    _BROUGHT.discard(operation.name)
    _REGISTERED[operation.name] = operation
    return operation


def bring(operation: Operation) -> None:
    """Make one known that came from another process, unless it is known here; it may still be registered here."""
    if operation.name not in _REGISTERED:
        _REGISTERED[operation.name] = operation
        _BROUGHT.add(operation.name)


def operation(name: str) -> Operation:
    """The operation of that name.

    >>> operation("conv").shape([(8, 8, 3)], {"filters": 16, "kernel": 3, "stride": 2})
    (4, 4, 16)

    Raises:
        SpaceError: there is none.
    """
    try:
        return _REGISTERED[name]
    except (KeyError, TypeError):
        raise SpaceError(
            f"unknown operation {name!r:.60}",
            where="an architecture",
            allowed=", ".join(names()),
            hint=did_you_mean(str(name), _REGISTERED),
        ) from None


def names() -> list[str]:
    """Those of all operations."""
    return sorted(_REGISTERED)


def zero_stays(name: str, attributes: Attributes) -> bool:
    """Whether zeros in mean zeros out."""
    keeps = operation(name).keeps_zero
    return keeps(attributes) if callable(keeps) else keeps


# --- shapes --------------------------------------------------------------------------------------


def spatial(shape: Shape, name: str) -> Shape:
    """The positions of a shape; raises where it has channels alone."""
    if len(shape) not in (2, 3):
        raise SpaceError(
            f"it takes positions and channels, and got the shape {shape}",
            where=name,
            allowed="(length, channels) or (height, width, channels)",
            hint="Put it before flatten or global pooling.",
        )
    return shape[:-1]


def same(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    return shapes[0]


def window(shape: Shape, attributes: Attributes, name: str, size: str = "kernel") -> Shape:
    """Positions after a window of ``size`` went over them with ``stride``, ``dilation`` and ``padding``."""
    positions, stride = spatial(shape, name), _positive(attributes, "stride", name)
    width, dilation = _positive(attributes, size, name), _positive(attributes, "dilation", name)
    padding = attributes.get("padding", "same")
    if padding not in ("same", "valid"):
        raise SpaceError(f"padding={padding!r}", where=name, allowed='"same" or "valid"')
    if stride > 1 and dilation > 1:
        raise SpaceError(f"stride={stride} with dilation={dilation}", where=name, allowed="one of them above 1")
    reach = (width - 1) * dilation + 1 if padding == "valid" else stride
    if min(positions) < reach and (stride > 1 or padding == "valid"):
        raise SpaceError(
            f"nothing is left of {positions} positions to reduce by {reach}",
            where=name,
            hint="Use larger inputs, or fewer reductions.",
        )
    if padding == "valid":
        return tuple((n - reach) // stride + 1 for n in positions)
    return tuple(math.ceil(n / stride) for n in positions)


def keras_layers() -> Any:
    return optional("keras", extra="keras", purpose="building networks").layers


def _positive(attributes: Attributes, key: str, name: str) -> int:
    value = attributes.get(key, 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpaceError(f"{key}={value!r}", where=name, allowed="an integer from 1")
    return value


# --- convolutions --------------------------------------------------------------------------------


def _conv_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    filters, groups = _positive(attributes, "filters", "conv"), _positive(attributes, "groups", "conv")
    found = (*window(shapes[0], attributes, "conv"), filters)
    if shapes[0][-1] % groups or filters % groups:
        raise SpaceError(f"{shapes[0][-1]} channels to {filters} in {groups} groups", where="conv", allowed="multiples")
    return found


def _conv_cost(shapes: Sequence[Shape], attributes: Attributes, out: Shape) -> Cost:
    taps = attributes.get("kernel", 1) ** (len(out) - 1) * shapes[0][-1] // attributes.get("groups", 1)
    weights = taps * out[-1] + out[-1] * bool(attributes.get("bias"))
    return Cost(weights, weights, taps * math.prod(out))


def _conv(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
    layers = keras_layers()
    kind = layers.Conv1D if len(shapes[0]) == 2 else layers.Conv2D
    return kind(
        attributes["filters"],
        attributes.get("kernel", 1),
        strides=attributes.get("stride", 1),
        padding=attributes.get("padding", "same"),
        dilation_rate=attributes.get("dilation", 1),
        groups=attributes.get("groups", 1),
        use_bias=bool(attributes.get("bias")),
        kernel_initializer=attributes.get("init", "he_normal"),
        name=name,
    )


def _depthwise_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    return (*window(shapes[0], {"kernel": 3, **attributes}, "depthwise"), shapes[0][-1])


def _depthwise_cost(shapes: Sequence[Shape], attributes: Attributes, out: Shape) -> Cost:
    taps = attributes.get("kernel", 3) ** (len(out) - 1)
    weights = taps * out[-1] + out[-1] * bool(attributes.get("bias"))
    return Cost(weights, weights, taps * math.prod(out))


def _depthwise(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
    layers = keras_layers()
    kind = layers.DepthwiseConv1D if len(shapes[0]) == 2 else layers.DepthwiseConv2D
    return kind(
        attributes.get("kernel", 3),
        strides=attributes.get("stride", 1),
        padding=attributes.get("padding", "same"),
        dilation_rate=attributes.get("dilation", 1),
        use_bias=bool(attributes.get("bias")),
        depthwise_initializer=attributes.get("init", "he_normal"),
        name=name,
    )


def _without_bias(attributes: Attributes) -> bool:
    return not attributes.get("bias")


register(
    Operation(
        name="conv",
        options=CONV,
        shape=_conv_shape,
        cost=_conv_cost,
        layer=_conv,
        keeps_zero=_without_bias,
        embed=carry.embed_linear,
        slice=carry.slice_linear,
        identity=carry.identity_conv,
        silent=("kernel", "bias"),
    )
)
register(
    Operation(
        name="depthwise",
        options=DEPTHWISE,
        shape=_depthwise_shape,
        cost=_depthwise_cost,
        layer=_depthwise,
        keeps_zero=_without_bias,
        channels="kept",
        embed=carry.embed_depthwise,
        slice=carry.slice_depthwise,
        identity=carry.identity_depthwise,
        silent=("kernel", "bias"),
    )
)


# --- dense ---------------------------------------------------------------------------------------


def _dense_cost(shapes: Sequence[Shape], attributes: Attributes, out: Shape) -> Cost:
    products = shapes[0][-1] * out[-1]
    weights = products + out[-1] * bool(attributes.get("bias", True))
    return Cost(weights, weights, products * math.prod(out[:-1]))


def _dense(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
    return keras_layers().Dense(
        attributes["units"],
        use_bias=bool(attributes.get("bias", True)),
        kernel_initializer=attributes.get("init", "glorot_uniform"),
        name=name,
    )


register(
    Operation(
        name="dense",
        options=DENSE,
        shape=lambda shapes, attributes: (*shapes[0][:-1], _positive(attributes, "units", "dense")),
        cost=_dense_cost,
        layer=_dense,
        keeps_zero=lambda attributes: not attributes.get("bias", True),
        embed=carry.embed_linear,
        slice=carry.slice_linear,
        identity=carry.identity_dense,
        silent=("kernel", "bias"),
    )
)


# --- normalisation, activation, regularisation ------------------------------------------------------

register(
    Operation(
        name="batch_norm",
        options={"momentum": RATE, "epsilon": ABOVE_ZERO},
        shape=same,
        cost=lambda shapes, attributes, out: Cost(4 * out[-1], 2 * out[-1], 0),
        layer=lambda shapes, attributes, name: keras_layers().BatchNormalization(
            momentum=attributes.get("momentum", 0.9), epsilon=attributes.get("epsilon", 1e-5), name=name
        ),
        channels="kept",
        embed=carry.embed_norm,
        slice=carry.slice_norm,
        identity=carry.identity_batch_norm,
        silent=("gamma", "beta"),
    )
)
register(
    Operation(
        name="layer_norm",
        options={"epsilon": ABOVE_ZERO},
        shape=same,
        cost=lambda shapes, attributes, out: Cost(2 * out[-1], 2 * out[-1], 0),
        layer=lambda shapes, attributes, name: keras_layers().LayerNormalization(
            epsilon=attributes.get("epsilon", 1e-3), name=name
        ),
        channels="kept",
        embed=carry.embed_layer_norm,
        slice=carry.slice_norm,
        silent=("gamma", "beta"),
    )
)


def _activation_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    kind = attributes.get("kind", "relu")
    if kind not in ACTIVATIONS:
        raise SpaceError(f"kind={kind!r}", where="activation", allowed=", ".join(ACTIVATIONS))
    return shapes[0]


register(
    Operation(
        name="activation",
        options={"kind": ANY},
        shape=_activation_shape,
        layer=lambda shapes, attributes, name: keras_layers().Activation(attributes.get("kind", "relu"), name=name),
        keeps_zero=lambda attributes: ACTIVATIONS[attributes.get("kind", "relu")],
        channels="kept",
        embed=carry.embed_activation,
        identity=carry.identity_activation,
    )
)
register(
    Operation(
        name="dropout",
        options={"rate": RATE},
        shape=same,
        layer=lambda shapes, attributes, name: keras_layers().Dropout(attributes.get("rate", 0.5), name=name),
        keeps_zero=True,
        chance=True,
        channels="kept",
        embed=carry.at_rest,
        identity=carry.identity_at_rest,
    )
)
