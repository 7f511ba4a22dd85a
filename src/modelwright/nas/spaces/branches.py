"""Branches: graphs of operations with skip connections, joined by Add and Concat, in stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Tensor, concat
from modelwright.nas.operations import Shape
from modelwright.nas.spaces.maker import space_maker
from modelwright.nas.spaces.primitives import PRIMITIVES
from modelwright.nas.spaces.repeat import check_bounds, repeat
from modelwright.nas.spaces.resolution import staged
from modelwright.nas.spaces.template import Template, ready
from modelwright.nas.spaces.units import Style, check_given, check_number, check_shares, check_values, choose, sizes
from modelwright.space import HyperParameters

#: A skip connection that is not there.
NONE = "none"


@space_maker
def branches(
    shape: Shape | None = None,
    classes: int | None = None,
    *,
    stages: int | tuple[int, int] | None = None,
    nodes: int | tuple[int, int | None] = (1, 4),
    operations: str | Sequence[str] = ("conv_3x3", "conv_1x1", "avg_pool_3x3"),
    joins: str | Sequence[str] = ("add", "concat"),
    width: int = 20,
    widths: int | Sequence[int] | None = None,
    stride: int | None = None,
    activations: str | Sequence[str] = ("relu",),
    norms: str | Sequence[str] = ("batch",),
    inits: str | Sequence[str] = ("he_normal",),
    dropouts: float | Sequence[float] = (0.0, 0.1, 0.2, 0.3),
) -> Architecture | Template:
    """Stages of nodes, each of which takes any earlier node of its stage, and may take another by a skip connection.

    A node applies an operation to its input; with a skip connection the sum or the concatenation of the two is what it
    puts out, and a convolution of kernel 1 brings the latter back to the stage's channels. Nodes that nobody takes are
    concatenated and brought to the stage's channels in the same way. All of a stage have the same channels, so that
    any two can be added. The default is a small residual network.

    Args:
        shape: of the input, ``(height, width, channels)`` or ``(length, channels)``; without it (or ``classes``) the
            result is a template, whose ``bind`` gives the space.
        classes: the number of outputs, as for ``nas.chain``.
        stages: how many, or the fewest and the most; what fits the input when None. Each but the first halves the
            positions.
        nodes: the fewest and the most of a stage, two in the default network; None as the most is no bound.
        operations: conv_1x1, conv_3x3, conv_5x5, sep_conv_3x3, sep_conv_5x5, avg_pool_3x3, max_pool_3x3, identity.
        joins: of an operation and a skip connection: add, concat.
        width: channels of the first stage in the default network; the second has twice as many, those after it four
            times.
        widths: channels that a stage may have; from half to twice the default's when None.
        stride: of the stem; 2 for 24 positions and more when None.
        activations, norms, inits, dropouts: as for ``nas.chain``.

    Raises:
        SpaceError: an option that makes no sense, or an input that is too small for the stages.

    >>> space = branches((28, 28, 1), 10)
    >>> space.graph(space.tree.default()).cost.parameters
    189870
    """
    where = "nas.branches"
    check_number(where, width=width, stride=1 if stride is None else stride)
    options: list[Any] = [
        *check_bounds(where, least=1, nodes=nodes),
        *check_values(where, PRIMITIVES, operations=operations),
        *check_values(where, ("add", "concat"), joins=joins),
        width,
        *check_given(where, widths=widths),
        Style.check(where, activations, norms, inits),
        *check_shares(where, dropouts=dropouts),
    ]
    define = staged(lambda outputs, bounds, first: Branches(outputs, bounds, first, *options), stages, stride, where)
    return ready(Template(define, "branches"), shape, classes)


@dataclass(frozen=True, slots=True)
class Branches:
    """What ``branches`` writes."""

    outputs: int
    stages: tuple[int, int, int]
    stride: int
    nodes: tuple[int, int | None]
    operations: tuple[str, ...]
    joins: tuple[str, ...]
    width: int
    widths: Sequence[int] | None
    style: tuple[Any, Any, Any]
    dropouts: tuple[float, ...]

    def __call__(self, hp: HyperParameters, x: Tensor) -> Tensor:
        style = Style.decided(hp, *self.style)

        def stage(hp: HyperParameters, x: Tensor, number: int) -> Tensor:
            width = choose(hp, "width", *sizes(self.widths, self.width << min(number, 2)))
            if number or x.channels != width:
                with hp.name_scope("transition"):
                    x = style.active(style.conv(x, width, 3 if number else 1, 2 if number else 1))
            return self._stage(hp, style, x, width)

        with hp.name_scope("stem"):
            x = style.active(style.conv(x, sizes(self.widths, self.width)[1], 3, self.stride))
        x = repeat(hp, x, stage, *self.stages[:2], name="stages", default=self.stages[2], scope="stage")
        with hp.name_scope("head"):
            return x.global_avg_pool().dropout(choose(hp, "dropout", self.dropouts)).dense(self.outputs)

    def _stage(self, hp: HyperParameters, style: Style, x: Tensor, width: int) -> Tensor:
        there, taken = {"input": x}, set[str]()

        def node(hp: HyperParameters, x: Tensor, number: int) -> Tensor:
            found, names = self._node(hp, style, there, width, number)
            taken.update(names)
            there[f"node{number}"] = found
            return found

        lo, hi = self.nodes
        usual = max(lo, 2 if hi is None else min(2, hi))
        repeat(hp, x, node, lo, hi, name="nodes", default=usual, scope="node")
        loose = [found for name, found in there.items() if name not in taken and name != "input"]
        if len(loose) == 1:
            return loose[0]
        with hp.name_scope("output"):
            return style.active(style.conv(concat(loose), width, 1))

    def _node(
        self, hp: HyperParameters, style: Style, there: dict[str, Tensor], width: int, number: int
    ) -> tuple[Tensor, set[str]]:
        """The node, and the names of what it takes."""
        sources = list(there)
        source = choose(hp, "in", sources, sources[-1])
        op = choose(hp, "op", self.operations)
        # By default every second node closes a residual block.
        skip = hp.Choice("skip", [NONE, *sources], default=sources[-2] if number % 2 else NONE)
        x = PRIMITIVES[op](style, there[source], width, 1)
        if skip == NONE:
            return style.active(x), {source}
        with hp.conditional_scope("skip", sources):
            join = choose(hp, "join", self.joins)
        x = x.apply(join, there[skip], name=join)
        return style.active(x if join == "add" else style.conv(x, width, 1, suffix="_join"), ""), {source, skip}
