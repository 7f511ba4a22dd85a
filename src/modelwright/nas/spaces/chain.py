"""Chains: a sequence of layers whose number, kind and settings are searched, for tables, sequences and images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Tensor, concat
from modelwright.nas.operations import Shape
from modelwright.nas.spaces.maker import space_maker
from modelwright.nas.spaces.repeat import check_bounds, repeat
from modelwright.nas.spaces.resolution import stage_bounds, stem_stride
from modelwright.nas.spaces.template import Template, ready
from modelwright.nas.spaces.units import (
    UNITS,
    WITH_KERNEL,
    Style,
    check_given,
    check_number,
    check_shares,
    check_values,
    choose,
    sizes,
)
from modelwright.space import HyperParameters

Bounds = tuple[int, int | None]


@space_maker
def chain(
    shape: Shape | Sequence[Shape] | None = None,
    classes: int | None = None,
    *,
    stages: int | tuple[int, int] | None = None,
    depth: int | Bounds = (1, 4),
    kinds: str | Sequence[str] = ("residual", "conv", "bottleneck"),
    kernels: int | Sequence[int] | None = None,
    width: int = 24,
    widths: int | Sequence[int] | None = None,
    units: int = 128,
    reductions: str | Sequence[str] = ("stride", "avg_pool"),
    stride: int | Sequence[int] | None = None,
    activations: str | Sequence[str] = ("relu", "silu"),
    norms: str | Sequence[str] = ("batch", "layer"),
    inits: str | Sequence[str] = ("he_normal", "glorot_uniform"),
    dropouts: float | Sequence[float] = (0.0, 0.1, 0.2, 0.3),
) -> Architecture | Template:
    """A sequence of layers; the default is a small residual network, of about 175,000 parameters for 28x28 images.

    Images ``(height, width, channels)`` and sequences ``(length, channels)`` go through a stem and some stages of some
    layers each, which halve the positions from stage to stage, and are averaged; ``(features,)`` go through dense
    layers. Of several inputs each has its own chain; what they end in goes through dense layers together.

    Where several values are listed to choose among, one may be given alone: ``kernels=3`` is no decision.

    Args:
        shape: of the input for one example, channels last, or those of several inputs. Without it (or ``classes``) the
            result is a template, whose ``bind`` gives the space.
        classes: the number of outputs: logits of as many classes; 1 for two classes (the second's logit) or for one
            number to predict.
        stages: how many, or the fewest and the most; what fits the input when None.
        depth: the fewest and the most layers of a stage (of all dense layers); None as the most is no bound.
        kinds: of layers: conv, residual, bottleneck, separable, avg_pool, max_pool. The last three are not searched
            by default: depthwise convolutions and the largest in a window are slow to train on a CPU. The first is the
            default network's.
        kernels: of layers that have one; 3 and 5 for images when None, and 5, 3 and 7 for sequences.
        width: channels of the first stage in the default network; the second has twice as many,
            those after it four times.
        widths: channels that a stage may have; from half to twice the default's when None.
        units: of a dense layer in the default network; half to twice as many are searched.
        reductions: how positions are halved: stride, avg_pool, max_pool.
        stride: of the stem, or several to choose among; 2 for 24 positions and more when None.
        activations, norms, inits: of all layers; norms are batch, layer and none. One alone is no decision.
        dropouts: shares that are dropped before the outputs.

    Raises:
        SpaceError: an option that makes no sense, or an input that is too small for the stages.

    >>> space = chain((28, 28, 1), 10)
    >>> space.graph(space.tree.default()).cost.parameters
    174850
    """
    where = "nas.chain"
    (deep,) = check_bounds(where, depth=depth)
    (units_of,) = check_values(where, UNITS, kinds=kinds)
    (ways,) = check_values(where, ("stride", "avg_pool", "max_pool"), reductions=reductions)
    check_number(where, width=width, units=units)
    sizes_of, channels, first = check_given(where, kernels=kernels, widths=widths, stride=stride)
    (dropped,) = check_shares(where, dropouts=dropouts)
    style = Style.check(where, activations, norms, inits)
    options = (deep, units_of, sizes_of, width, channels, units, ways, style, dropped)

    def define(shapes: tuple[Shape, ...], outputs: int) -> Chain:
        strides = tuple(_stem_strides(s, first) for s in shapes)
        bounds = tuple(
            None if len(s) == 1 else stage_bounds(s, max(steps), stages, where)
            for s, steps in zip(shapes, strides, strict=True)
        )
        return Chain(outputs, bounds, strides, *options)

    return ready(Template(define, "chain"), shape, classes)


def _stem_strides(shape: Shape, strides: tuple[int, ...] | None) -> tuple[int, ...]:
    if len(shape) == 1:
        return ()
    return (stem_stride(shape),) if strides is None else strides


@dataclass(frozen=True, slots=True)
class Chain:
    """What ``chain`` writes."""

    outputs: int
    stages: tuple[tuple[int, int, int] | None, ...]
    strides: tuple[tuple[int, ...], ...]
    depth: Bounds
    kinds: tuple[str, ...]
    kernels: Sequence[int] | None
    width: int
    widths: Sequence[int] | None
    units: int
    reductions: Sequence[str]
    style: tuple[Any, Any, Any]
    dropouts: Sequence[float]

    def __call__(self, hp: HyperParameters, *inputs: Tensor) -> Tensor:
        style = Style.decided(hp, *self.style)
        ends = []
        for i, x in enumerate(inputs):
            with hp.name_scope(f"input{i}") if len(inputs) > 1 else nullcontext():
                bounds = self.stages[i]
                ends.append(
                    self._dense(hp, style, x, self.depth, min(2, self.depth[1] or 2))
                    if bounds is None
                    else self._spatial(hp, style, x, bounds, self.strides[i])
                )
        with hp.name_scope("head"):
            x = concat(ends)
            if len(ends) > 1:
                x = self._dense(hp, style, x, (0, 2), 1)
            return x.dropout(choose(hp, "dropout", self.dropouts)).dense(self.outputs)

    def _dense(self, hp: HyperParameters, style: Style, x: Tensor, depth: Bounds, usual: int) -> Tensor:
        def layer(hp: HyperParameters, x: Tensor) -> Tensor:
            return style.active(style.dense(x, choose(hp, "units", *sizes(None, self.units))))

        return repeat(hp, x, layer, *depth, default=max(depth[0], usual))

    def _spatial(
        self, hp: HyperParameters, style: Style, x: Tensor, bounds: tuple[int, int, int], strides: tuple[int, ...]
    ) -> Tensor:
        kernels = self.kernels or ((3, 5) if len(x.shape) == 3 else (5, 3, 7))

        def stage(hp: HyperParameters, x: Tensor, number: int) -> Tensor:
            width = choose(hp, "width", *sizes(self.widths, self.width << min(number, 2)))
            way = choose(hp, "reduction", self.reductions) if number else ""
            if way not in ("", "stride"):
                x = x.apply(way, size=2, stride=2, name="reduction")

            def layer(hp: HyperParameters, x: Tensor, i: int) -> Tensor:
                return self._layer(hp, style, x, width, kernels, 2 if way == "stride" and not i else 1)

            return repeat(hp, x, layer, *self.depth)

        with hp.name_scope("stem"):
            width = sizes(self.widths, self.width)[1]
            x = UNITS["conv"](style, x, width, kernels[0], choose(hp, "stride", strides, max(strides)))
        x = repeat(hp, x, stage, *bounds[:2], name="stages", default=bounds[2], scope="stage")
        return x.global_avg_pool()

    def _layer(
        self, hp: HyperParameters, style: Style, x: Tensor, width: int, kernels: Sequence[int], stride: int
    ) -> Tensor:
        kind = choose(hp, "kind", self.kinds)
        kernel = kernels[0]
        if kind in WITH_KERNEL:
            listed = [k for k in self.kinds if k in WITH_KERNEL]
            with nullcontext() if len(self.kinds) == 1 else hp.conditional_scope("kind", listed):
                kernel = choose(hp, "kernel", kernels)
        return UNITS[kind](style, x, width, kernel, stride)
