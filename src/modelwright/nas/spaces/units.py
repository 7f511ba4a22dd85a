"""Units: the small networks that ready spaces are made of, and the settings that all of them share.

A node's name says what it is within its unit, whatever the unit's settings, so that weights are found again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.nas.graph import Tensor
from modelwright.nas.operations import ACTIVATIONS
from modelwright.nas.options import INITS
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


def check_values(
    where: str,
    allowed: Iterable[Any] | None = None,
    *,
    least: float = 1,
    below: float = math.inf,
    whole: bool = True,
    **named: Any,
) -> list[Any]:
    """Options that list values, as tuples; one value alone is a list of one.

    Args:
        allowed: the known values; None for numbers, whole ones or any, from ``least`` on and below ``below``.

    Raises:
        SpaceError: an option lists nothing, or what is not known.

    >>> check_values("here", kernels=3, widths=[8, 16])
    [(3,), (8, 16)]
    """
    known = None if allowed is None else tuple(allowed)
    types = int if whole else (int, float)

    def fine(value: Any) -> bool:
        if known is not None:
            return value in known
        return isinstance(value, types) and not isinstance(value, bool) and least <= value < below

    found = []
    for name, given in named.items():
        values = tuple(map(_plain, given)) if isinstance(given, (list, tuple, range, np.ndarray)) else (_plain(given),)
        if not values or not all(map(fine, values)):
            told = f"{'whole numbers' if whole else 'numbers'} from {least}"
            told += f", below {below}" if below < math.inf else ""
            told = told if known is None else ", ".join(map(repr, known))
            raise SpaceError(f"{name}={given!r:.80}", where=where, allowed=told)
        found.append(values)
    return found


def check_given(where: str, **named: Any) -> list[Any]:
    """As ``check_values`` has whole numbers, of options that may be None, which they stay."""
    return [None if given is None else check_values(where, **{name: given})[0] for name, given in named.items()]


def check_number(where: str, least: int = 1, **named: Any) -> None:
    """Refuse an option that is not one whole number from ``least`` on.

    Raises:
        SpaceError: it says which.
    """
    for name, given in named.items():
        if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < least:
            raise SpaceError(f"{name}={given!r:.80}", where=where, allowed=f"a whole number from {least}")


def check_shares(where: str, **named: Any) -> list[Any]:
    """Options that list shares of what is dropped, as tuples.

    Raises:
        SpaceError: an option lists nothing, or what is no share.
    """
    return check_values(where, least=0, below=1, whole=False, **named)


def _plain(value: Any) -> Any:
    """A number of numpy as Python's."""
    return value.item() if isinstance(value, np.generic) else value


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
    def check(where: str, activations: Any, norms: Any, inits: Any) -> tuple[Any, Any, Any]:
        """What may be chosen of each, checked, as ``decided`` takes it."""
        return (
            *check_values(where, ACTIVATIONS, activations=activations),
            *check_values(where, NORMS, norms=norms),
            *check_values(where, INITS, inits=inits),
        )

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
