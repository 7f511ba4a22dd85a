"""Inverted residual blocks, for networks that run on small devices (Sandler et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Tensor
from modelwright.nas.operations import Shape
from modelwright.nas.spaces.maker import space_maker
from modelwright.nas.spaces.repeat import check_bounds, repeat
from modelwright.nas.spaces.resolution import staged
from modelwright.nas.spaces.template import Template, ready
from modelwright.nas.spaces.units import Style, check_given, check_number, check_shares, check_values, choose, sizes
from modelwright.space import HyperParameters


@space_maker
def mobile(
    shape: Shape | None = None,
    classes: int | None = None,
    *,
    stages: int | tuple[int, int] | None = None,
    depth: int | tuple[int, int | None] = (1, 4),
    expansions: int | Sequence[int] = (4, 2, 3, 6),
    kernels: int | Sequence[int] = (3, 5),
    width: int = 16,
    widths: int | Sequence[int] | None = None,
    head: int | Sequence[int] = (128, 64, 256),
    stride: int | None = None,
    activations: str | Sequence[str] = ("relu", "hard_silu"),
    norms: str | Sequence[str] = ("batch",),
    inits: str | Sequence[str] = ("he_normal",),
    dropouts: float | Sequence[float] = (0.0, 0.1, 0.2, 0.3),
) -> Architecture | Template:
    """Stages of inverted residual blocks: few parameters and operations, for devices that are slow or small.

    A block widens its input by a convolution of kernel 1, filters each channel alone, and narrows it again; where
    neither positions nor channels change, the input is added. Expansion, kernel, depth and width are those of a stage.
    Filtering each channel alone is slow to train on a CPU, so that candidates take longer than their operations say.

    Args:
        shape: of the input, ``(height, width, channels)`` or ``(length, channels)``; without it (or ``classes``) the
            result is a template, whose ``bind`` gives the space.
        classes: the number of outputs, as for ``nas.chain``.
        stages: how many, or the fewest and the most; what fits the input when None. Each but the first halves the
            positions.
        depth: the fewest and the most blocks of a stage, two in the default network; None as the most is no bound.
        expansions: how many times as many channels a block has inside; the default first, as for all that follow.
        kernels: sizes of the filters.
        width: channels of the first stage in the default network; the second has half as many again, and so on.
        widths: channels that a stage may have; from half to twice the default's when None.
        head: channels of the last convolution.
        stride: of the stem; 2 for 24 positions and more when None.
        activations, norms, inits, dropouts: as for ``nas.chain``.

    Raises:
        SpaceError: an option that makes no sense, or an input that is too small for the stages.

    >>> space = mobile((28, 28, 1), 10)
    >>> space.graph(space.tree.default()).cost.parameters
    43594
    """
    where = "nas.mobile"
    check_number(where, width=width, stride=1 if stride is None else stride)
    options: list[Any] = [
        *check_bounds(where, least=1, depth=depth),
        *check_values(where, expansions=expansions, kernels=kernels),
        width,
        *check_given(where, widths=widths),
        *check_values(where, head=head),
        Style.check(where, activations, norms, inits),
        *check_shares(where, dropouts=dropouts),
    ]
    define = staged(lambda outputs, bounds, first: Mobile(outputs, bounds, first, *options), stages, stride, where)
    return ready(Template(define, "mobile"), shape, classes)


@dataclass(frozen=True, slots=True)
class Mobile:
    """What ``mobile`` writes."""

    outputs: int
    stages: tuple[int, int, int]
    stride: int
    depth: tuple[int, int | None]
    expansions: Sequence[int]
    kernels: Sequence[int]
    width: int
    widths: Sequence[int] | None
    head: Sequence[int]
    style: tuple[Any, Any, Any]
    dropouts: Sequence[float]

    def __call__(self, hp: HyperParameters, x: Tensor) -> Tensor:
        style = Style.decided(hp, *self.style)
        lo, hi = self.depth
        usual = max(lo, 2 if hi is None else min(2, hi))

        def stage(hp: HyperParameters, x: Tensor, number: int) -> Tensor:
            width = choose(hp, "width", *sizes(self.widths, round(self.width * 1.5**number)))
            expansion, kernel = choose(hp, "expansion", self.expansions), choose(hp, "kernel", self.kernels)

            def block(hp: HyperParameters, x: Tensor, i: int) -> Tensor:
                return inverted(style, x, width, expansion, kernel, 2 if number and not i else 1)

            return repeat(hp, x, block, lo, hi, default=usual, scope="block")

        with hp.name_scope("stem"):
            x = style.active(style.conv(x, sizes(self.widths, self.width)[1], 3, self.stride))
        x = repeat(hp, x, stage, *self.stages[:2], name="stages", default=self.stages[2], scope="stage")
        with hp.name_scope("head"):
            x = style.active(style.conv(x, choose(hp, "width", self.head), 1))
            return x.global_avg_pool().dropout(choose(hp, "dropout", self.dropouts)).dense(self.outputs)


def inverted(style: Style, x: Tensor, filters: int, expansion: int, kernel: int, stride: int) -> Tensor:
    """Widened, each channel filtered, narrowed; ``x`` is added where it fits."""
    y = x if expansion == 1 else style.active(style.conv(x, x.channels * expansion, 1, suffix="_expand"), "_expand")
    y = y.depthwise(kernel, stride=stride, init=style.init, name="depthwise")
    y = style.conv(style.active(style.normed(y, "_depthwise"), "_depthwise"), filters, 1, suffix="_project")
    return y.apply("add", x, name="add") if y.shape == x.shape else y
