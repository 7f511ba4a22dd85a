"""Cells: a normal and a reduction cell are searched, and stacked by a plan (Zoph et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Tensor, add, concat
from modelwright.nas.operations import Shape
from modelwright.nas.spaces.maker import space_maker
from modelwright.nas.spaces.primitives import PLAIN, PRIMITIVES
from modelwright.nas.spaces.repeat import check_bounds
from modelwright.nas.spaces.resolution import positional, stage_bounds, stem_stride
from modelwright.nas.spaces.template import Template, ready
from modelwright.nas.spaces.units import Style, check_number, check_shares, check_values, choose
from modelwright.space import HyperParameters

#: What the blocks of a cell take, beside each other: the cell before the last, and the last one.
BEFORE, PREVIOUS = "before", "previous"
NORMAL, REDUCTION = "normal", "reduction"
#: (input, operation) of the two sides of a block.
Sides = tuple[tuple[str, str], tuple[str, str]]


@space_maker
def cells(
    shape: Shape | None = None,
    classes: int | None = None,
    *,
    blocks: int | tuple[int, int] = (1, 4),
    operations: str | Sequence[str] = ("conv_3x3", "conv_1x1", "avg_pool_3x3", "identity"),
    cells: int | tuple[int, int] = (1, 2),
    stages: int | None = None,
    width: int | Sequence[int] = (16, 8, 12, 24, 32),
    joins: str | Sequence[str] = ("concat", "add"),
    stride: int | None = None,
    activations: str | Sequence[str] = ("relu",),
    norms: str | Sequence[str] = ("batch",),
    inits: str | Sequence[str] = ("he_normal",),
    dropouts: float | Sequence[float] = (0.0, 0.1, 0.2, 0.3),
) -> Architecture | Template:
    """Two cells are searched, and used again and again: the normal one keeps the positions, the other halves them.

    A cell is some blocks. A block has two sides, each with an input (the last cell, the one before it, or an earlier
    block of the cell) and an operation; their sum is what the block puts out. Blocks that no other block takes are
    joined, which is what the cell puts out. Stages of normal cells follow each other with a reduction cell between
    them; the second has twice the channels of the first, those after it four times.

    Args:
        shape: of the input, ``(height, width, channels)`` or ``(length, channels)``; without it (or ``classes``) the
            result is a template, whose ``bind`` gives the space.
        classes: the number of outputs, as for ``nas.chain``.
        blocks: of each cell, or the fewest and the most; three in the default network. Progressive search goes from
            the fewest to the most.
        operations: conv_1x1, conv_3x3, conv_5x5, sep_conv_3x3, sep_conv_5x5, avg_pool_3x3, max_pool_3x3, identity.
        cells: normal cells of a stage, or the fewest and the most; the fewest in the default network.
        stages: how many; what fits the input when None.
        width: channels of the first stage, or several to choose among, the default first.
        joins: of blocks that no other takes: concat, add.
        stride: of the stem; 2 for 24 positions and more when None.
        activations, norms, inits, dropouts: as for ``nas.chain``.

    Raises:
        SpaceError: an option that makes no sense, or an input that is too small for the stages.

    >>> space = cells((28, 28, 1), 10)
    >>> space.graph(space.tree.default()).cost.parameters
    164762
    """
    where = "nas.cells"
    check_number(where, stride=1 if stride is None else stride)
    options: list[Any] = [
        *check_bounds(where, least=1, endless=False, blocks=blocks),
        *check_values(where, PRIMITIVES, operations=operations),
        *check_bounds(where, least=1, endless=False, cells=cells),
        *check_values(where, width=width),
        *check_values(where, ("concat", "add"), joins=joins),
        Style.check(where, activations, norms, inits),
        *check_shares(where, dropouts=dropouts),
    ]

    def define(shapes: tuple[Shape, ...], outputs: int) -> Cells:
        found = positional(shapes, where)
        first = stride or stem_stride(found)
        return Cells(outputs, stage_bounds(found, first, stages, where)[2], first, *options)

    return ready(Template(define, "cells"), shape, classes)


@dataclass(frozen=True, slots=True)
class Cells:
    """What ``cells`` writes."""

    outputs: int
    stages: int
    stride: int
    blocks: tuple[int, int]
    operations: tuple[str, ...]
    cells: tuple[int, int]
    width: tuple[int, ...]
    joins: tuple[str, ...]
    style: tuple[Any, Any, Any]
    dropouts: tuple[float, ...] = (0.0,)

    @property
    def levels(self) -> list[dict[str, int]]:
        """For progressive search: cells of one block, of two, and so on."""
        lo, hi = self.blocks
        return [{"blocks": number} for number in range(lo, hi)]

    def sketch(self, hp: HyperParameters, x: Tensor) -> Tensor:
        """Two stages of one cell or two: what is alive in a stack depends on whether their number is even."""
        number = self._decided(hp, "cells", self.cells, self.cells[0])
        small = replace(self, stages=min(2, self.stages), cells=(2 - number % 2,) * 2, outputs=number)
        return small(hp, x)

    def __call__(self, hp: HyperParameters, x: Tensor) -> Tensor:
        style, width, join = Style.decided(hp, *self.style), choose(hp, "width", self.width), self._join(hp)
        number = self._decided(hp, "cells", self.cells, self.cells[0])
        plans = self._plans(hp)
        with hp.name_scope("stem"):
            x = style.conv(x, width, 3, self.stride)
        before = x
        for stage in range(self.stages):
            filters = width << min(stage, 2)
            with hp.name_scope(f"stage{stage}"):
                if stage:
                    with hp.name_scope(REDUCTION):
                        before, x = x, self._cell(hp, style, (before, x), plans[REDUCTION], filters, 2, join)
                for i in range(number):
                    with hp.name_scope(f"cell{i}"):
                        before, x = x, self._cell(hp, style, (before, x), plans[NORMAL], filters, 1, join)
        with hp.name_scope("head"):
            x = style.active(x).global_avg_pool()
            return x.dropout(choose(hp, "dropout", self.dropouts)).dense(self.outputs)

    def _join(self, hp: HyperParameters) -> str:
        return choose(hp, "join", self.joins)

    @staticmethod
    def _decided(hp: HyperParameters, name: str, bounds: tuple[int, int], default: int) -> int:
        return bounds[0] if bounds[0] == bounds[1] else hp.Int(name, *bounds, default=default)

    def _plans(self, hp: HyperParameters) -> dict[str, list[Sides]]:
        lo, hi = self.blocks
        number = self._decided(hp, "blocks", self.blocks, max(lo, min(3, hi)))
        found: dict[str, list[Sides]] = {}
        for kind in (NORMAL, REDUCTION)[: 1 + (self.stages > 1)]:
            found[kind] = []
            for b in range(number):
                with hp.name_scope(kind), hp.name_scope(f"block{b}"):
                    if b < lo:
                        found[kind].append(self._block(hp, kind, b))
                        continue
                    with hp.conditional_scope("blocks", list(range(b + 1, hi + 1))):
                        found[kind].append(self._block(hp, kind, b))
        return found

    def _block(self, hp: HyperParameters, kind: str, b: int) -> Sides:
        """By default a convolution of the block before, and what went into that one: a residual network."""
        earlier = [f"block{i}" for i in range(b)]
        sources = [BEFORE, PREVIOUS, *earlier]
        wide = "conv_3x3" if b < (2 if kind == NORMAL else 1) else "conv_1x1"
        wanted = ((sources[-1], wide), (sources[max(1, len(sources) - 2)] if b else PREVIOUS, "identity"))
        sides = []
        for side, (source, op) in zip(("left", "right"), wanted, strict=True):
            with hp.name_scope(side):
                usual = op if op in self.operations else self.operations[0]
                taken = hp.Choice("in", sources, default=source)
                sides.append((taken, choose(hp, "op", self.operations, usual)))
        return sides[0], sides[1]

    def _cell(
        self,
        hp: HyperParameters,
        style: Style,
        inputs: tuple[Tensor, Tensor],
        plan: list[Sides],
        filters: int,
        stride: int,
        join: str,
    ) -> Tensor:
        used = {source for sides in plan for source, _ in sides}
        there: dict[str, Tensor] = {}
        for name, x in zip((BEFORE, PREVIOUS), inputs, strict=True):
            if name in used:
                with hp.name_scope(name):
                    there[name] = _fitted(style, x, inputs[1], filters)
        for b, sides in enumerate(plan):
            with hp.name_scope(f"block{b}"):
                ends = []
                for side, (source, op) in zip(("left", "right"), sides, strict=True):
                    with hp.name_scope(side):
                        x = there[source] if op in PLAIN else style.active(there[source])
                        ends.append(PRIMITIVES[op](style, x, filters, stride if source in (BEFORE, PREVIOUS) else 1))
                there[f"block{b}"] = add(ends)
        loose = [there[f"block{b}"] for b in range(len(plan)) if f"block{b}" not in used]
        return concat(loose) if join == "concat" else add(loose)


def _fitted(style: Style, x: Tensor, like: Tensor, filters: int) -> Tensor:
    """Positions as ``like`` has them, and ``filters`` channels."""
    if x.shape[:-1] != like.shape[:-1]:
        x = x.apply("avg_pool", size=2, stride=2, name="pool")
    return x if x.channels == filters else style.conv(style.active(x), filters, 1)
