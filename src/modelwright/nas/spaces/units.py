"""Units: the small networks that ready spaces are made of, and the settings that all of them share.

A node's name says what it is within its unit, whatever the unit's settings, so that weights are found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.graph import Tensor
from modelwright.nas.operations import ACTIVATIONS
from modelwright.space import HyperParameters

#: Ways to normalise.
NORMS = ("batch", "layer", "none")


def choose(hp: HyperParameters, name: str, values: Any, default: Any = None) -> Any:
    """A decision among ``values``, the first unless ``default`` is given; none where there is one value alone.

    Numbers are sorted, since neighbours among them are alike.
    """
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    if len(listed) == 1:
        return listed[0]
    usual = listed[0] if default is None else default
    numbers = not any(isinstance(value, (str, bool, tuple)) for value in listed)
    return hp.Choice(name, sorted(listed) if numbers else listed, default=usual)


def sizes(values: Any, usual: int) -> tuple[tuple[int, ...], int]:
    """Widths that may be chosen, and the default among them.

    Args:
        values: those, or None for some from half of ``usual`` to twice as many, in multiples of four.

    >>> sizes(None, 24), sizes((16, 64), 24)
    (((12, 16, 24, 32, 48), 24), ((16, 64), 16))
    """
    if values is None:
        values = sorted({max(4, round(usual * factor / 4) * 4) for factor in (1 / 2, 2 / 3, 1, 4 / 3, 2)})
    listed = tuple(values) if isinstance(values, (list, tuple)) else (values,)
    return listed, min(listed, key=lambda value: (abs(value - usual), value))


def check_values(where: str, allowed: Iterable[Any] | None = None, least: float = 1, **named: Any) -> None:
    """Refuse an option that lists nothing, or what is not known.

    Args:
        allowed: the known values; None for numbers from ``least``.
    """
    known = None if allowed is None else tuple(allowed)
    for name, values in named.items():
        listed = values if isinstance(values, (list, tuple)) else (values,)
        numbers = [value for value in listed if isinstance(value, (int, float)) and not isinstance(value, bool)]
        fine = [value for value in numbers if value >= least] if known is None else [v for v in listed if v in known]
        if not listed or len(fine) < len(listed):
            told = ", ".join(map(repr, known)) if known is not None else f"numbers from {least}"
            raise SpaceError(f"{name}={values!r}", where=where, allowed=told)


@dataclass(frozen=True, slots=True)
class Style:
    """What the units of a network have in common."""

    activation: str = "relu"
    norm: str = "batch"
    init: str = "he_normal"

    @classmethod
    def decided(cls, hp: HyperParameters, activations: Any, norms: Any, inits: Any) -> Style:
        return cls(
            choose(hp, "activation", activations), choose(hp, "norm", norms), choose(hp, "initialisation", inits)
        )

    @staticmethod
    def check(where: str, activations: Any, norms: Any) -> None:
        check_values(where, ACTIVATIONS, activations=activations)
        check_values(where, NORMS, norms=norms)

    def normed(self, x: Tensor, suffix: str = "") -> Tensor:
        return x if self.norm == "none" else x.apply(f"{self.norm}_norm", name=f"{self.norm}_norm{suffix}")

    def active(self, x: Tensor, suffix: str = "") -> Tensor:
        return x.activation(self.activation, name=f"activation{suffix}")

    def conv(self, x: Tensor, filters: int, kernel: int, stride: int = 1, suffix: str = "") -> Tensor:
        """A convolution and its normalisation."""
        bias = True if self.norm == "none" else None
        found = x.conv(filters, kernel, stride=stride, init=self.init, bias=bias, name=f"conv{suffix}")
        return self.normed(found, suffix)

    def dense(self, x: Tensor, units: int, suffix: str = "") -> Tensor:
        bias = None if self.norm == "none" else False
        return self.normed(x.dense(units, init=self.init, bias=bias, name=f"dense{suffix}"), suffix)


def conv(style: Style, x: Tensor, filters: int, kernel: int, stride: int) -> Tensor:
    return style.active(style.conv(x, filters, kernel, stride))


def separable(style: Style, x: Tensor, filters: int, kernel: int, stride: int) -> Tensor:
    """A depthwise convolution and one of kernel 1 (Chollet 2017)."""
    x = x.depthwise(kernel, stride=stride, init=style.init, name="depthwise")
    return style.active(style.conv(x, filters, 1))


def residual(style: Style, x: Tensor, filters: int, kernel: int, stride: int) -> Tensor:
    """Two convolutions beside a shortcut (He et al. 2016)."""
    y = style.active(style.conv(x, filters, kernel, stride))
    y = style.conv(y, filters, kernel, suffix="2")
    return style.active(y.apply("add", shortcut(style, x, filters, stride), name="add"), "2")


def shortcut(style: Style, x: Tensor, filters: int, stride: int = 1) -> Tensor:
    """What a branch is added to: ``x`` itself where it fits, else pooled and brought to its channels."""
    if stride > 1:
        x = x.apply("avg_pool", size=stride, stride=stride, name="shortcut_pool")
    return x if x.channels == filters else style.conv(x, filters, 1, suffix="_shortcut")


def bottleneck(style: Style, x: Tensor, filters: int, kernel: int, stride: int) -> Tensor:
    """A residual unit whose wide convolution has a quarter of the products: half as many channels in the middle."""
    y = style.active(style.conv(x, max(1, filters // 2), 1))
    y = style.active(style.conv(y, max(1, filters // 2), kernel, stride, suffix="2"), "2")
    y = style.conv(y, filters, 1, suffix="3")
    return style.active(y.apply("add", shortcut(style, x, filters, stride), name="add"), "3")


def pooled(kind: str) -> Unit:
    def unit(style: Style, x: Tensor, filters: int, kernel: int, stride: int) -> Tensor:
        """Pooling, and a convolution of kernel 1 where the number of channels changes."""
        x = x.apply(f"{kind}_pool", size=3, stride=stride, name="pool")
        return x if x.channels == filters else conv(style, x, filters, 1, 1)

    return unit


#: A unit brings ``x`` to ``filters`` channels, with a stride.
Unit = Callable[[Style, Tensor, int, int, int], Tensor]
#: Units by the names that decisions have for them.
UNITS: dict[str, Unit] = {
    "conv": conv,
    "separable": separable,
    "residual": residual,
    "bottleneck": bottleneck,
    "avg_pool": pooled("avg"),
    "max_pool": pooled("max"),
}
#: Those for which the kernel counts.
WITH_KERNEL: Sequence[str] = ("conv", "separable", "residual", "bottleneck")
