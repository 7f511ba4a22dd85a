"""Tables: dense networks with residual branches (Gorishniy et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Tensor, concat
from modelwright.nas.operations import Shape
from modelwright.nas.spaces.maker import space_maker
from modelwright.nas.spaces.repeat import check_bounds, repeat
from modelwright.nas.spaces.template import Template, ready
from modelwright.nas.spaces.units import Style, check_shares, check_values, choose
from modelwright.space import HyperParameters


@space_maker
def tabular(
    shape: Shape | Sequence[Shape] | None = None,
    classes: int | None = None,
    *,
    depth: int | tuple[int, int | None] = (1, 5),
    widths: int | Sequence[int] = (128, 32, 64, 256),
    kinds: str | Sequence[str] = ("residual", "plain"),
    expansions: float | Sequence[float] = (1, 0.5, 2),
    activations: str | Sequence[str] = ("relu", "silu", "gelu"),
    norms: str | Sequence[str] = ("batch", "layer", "none"),
    inits: str | Sequence[str] = ("he_normal", "glorot_uniform"),
    dropouts: float | Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.5),
) -> Architecture | Template:
    """Dense blocks of one width after each other, each beside a shortcut or not, for rows of a table.

    The inputs are normalised, and go through a dense layer each; of several, what comes out is concatenated and brought
    to the width of the blocks.

    Args:
        shape: ``(features,)``, or several; without it (or ``classes``) the result is a template, whose ``bind`` gives
            the space.
        classes: the number of outputs: logits of as many classes; 1 for two classes (the second's logit) or for one
            number to predict.
        depth: the fewest and the most blocks, two in the default network; None as the most is no bound.
        widths: units of what blocks take and put out, the default first, as for all that follow.
        kinds: of blocks: residual, plain.
        expansions: units inside a residual block, in multiples of its width.
        activations, norms, inits: of all blocks; norms are batch, layer and none.
        dropouts: shares that are dropped within the blocks, and before the outputs.

    Raises:
        SpaceError: an option that makes no sense, or an input with positions.

    >>> space = tabular((20,), 1)
    >>> space.graph(space.tree.default()).cost.parameters
    70481
    """
    where = "nas.tabular"
    options: list[Any] = [
        *check_bounds(where, least=0, depth=depth),
        *check_values(where, widths=widths),
        *check_values(where, ("residual", "plain"), kinds=kinds),
        *check_values(where, least=0, whole=False, expansions=expansions),
        Style.check(where, activations, norms, inits),
        *check_shares(where, dropouts=dropouts),
    ]

    def define(shapes: tuple[Shape, ...], outputs: int) -> Tabular:
        if any(len(s) > 1 for s in shapes):
            raise SpaceError(f"inputs of {shapes}", where=where, allowed="(features,)", hint="See nas.chain.")
        return Tabular(outputs, *options)

    return ready(Template(define, "tabular"), shape, classes)


@dataclass(frozen=True, slots=True)
class Tabular:
    """What ``tabular`` writes."""

    outputs: int
    depth: tuple[int, int | None]
    widths: Sequence[int]
    kinds: Sequence[str]
    expansions: Sequence[float]
    style: tuple[Any, Any, Any]
    dropouts: Sequence[float]

    def __call__(self, hp: HyperParameters, *inputs: Tensor) -> Tensor:
        style, width = Style.decided(hp, *self.style), choose(hp, "width", self.widths)
        rate = choose(hp, "dropout", self.dropouts)
        starts = []
        for i, x in enumerate(inputs):
            with hp.name_scope(f"input{i}") if len(inputs) > 1 else nullcontext(), hp.name_scope("stem"):
                starts.append(x.batch_norm(name="batch_norm").dense(width, init=style.init, name="dense"))
        x = starts[0]
        if len(starts) > 1:
            with hp.name_scope("join"):
                x = concat([style.active(start) for start in starts]).dense(width, init=style.init, name="dense")

        def block(hp: HyperParameters, x: Tensor) -> Tensor:
            kind = choose(hp, "kind", self.kinds)
            if kind == "plain":
                return style.active(style.dense(x, width)).dropout(rate)
            with hp.conditional_scope("kind", ["residual"]) if len(self.kinds) > 1 else nullcontext():
                inner = max(1, round(width * choose(hp, "expansion", self.expansions)))
            y = style.active(style.normed(x).dense(inner, init=style.init, name="dense")).dropout(rate)
            return y.dense(width, init=style.init, name="dense2").apply("add", x, name="add")

        lo, hi = self.depth
        x = repeat(hp, x, block, lo, hi, default=max(lo, 2 if hi is None else min(2, hi)), scope="block")
        with hp.name_scope("head"):
            return style.active(style.normed(x)).dropout(rate).dense(self.outputs)
