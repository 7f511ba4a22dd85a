"""Primitives: the operations that cells and branches choose among, without an activation of their own."""

from __future__ import annotations

from collections.abc import Callable

from modelwright.nas.graph import Tensor
from modelwright.nas.spaces.units import Style

#: A primitive brings ``x`` to ``filters`` channels, with a stride.
Primitive = Callable[[Style, Tensor, int, int], Tensor]


def _conv(kernel: int) -> Primitive:
    return lambda style, x, filters, stride: style.conv(x, filters, kernel, stride)


def _separable(kernel: int) -> Primitive:
    def primitive(style: Style, x: Tensor, filters: int, stride: int) -> Tensor:
        x = x.depthwise(kernel, stride=stride, init=style.init, name="depthwise")
        return style.conv(x, filters, 1)

    return primitive


def _pool(kind: str) -> Primitive:
    def primitive(style: Style, x: Tensor, filters: int, stride: int) -> Tensor:
        return brought(style, x.apply(f"{kind}_pool", size=3, stride=stride, name="pool"), filters)

    return primitive


def _identity(style: Style, x: Tensor, filters: int, stride: int) -> Tensor:
    if stride > 1:
        x = x.apply("avg_pool", size=stride, stride=stride, name="pool")
    return brought(style, x, filters)


def brought(style: Style, x: Tensor, filters: int) -> Tensor:
    """``x``, by a convolution of kernel 1 where its channels are others."""
    return x if x.channels == filters else style.conv(x, filters, 1)


#: Primitives by the names that decisions have for them. Those with depthwise convolutions and the largest in a window
#: are slow to train on a CPU.
PRIMITIVES: dict[str, Primitive] = {
    "conv_1x1": _conv(1),
    "conv_3x3": _conv(3),
    "conv_5x5": _conv(5),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "avg_pool_3x3": _pool("avg"),
    "max_pool_3x3": _pool("max"),
    "identity": _identity,
}
#: Those that have no weights while the channels stay, and take no activation before them.
PLAIN = ("avg_pool_3x3", "max_pool_3x3", "identity")
