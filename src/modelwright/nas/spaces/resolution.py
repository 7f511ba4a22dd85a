"""Resolution: how often an input may be halved, and how often it usually is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.operations import Shape

#: From so many positions on the first layer halves them: it costs a quarter then.
_LARGE = 24
#: Stages usually end at so many positions or fewer.
_SMALL = 7


def stem_stride(shape: Shape) -> int:
    """The stride of the first layer: 2 for inputs of at least 24 positions each way."""
    return 2 if min(shape[:-1]) >= _LARGE else 1


def stage_bounds(shape: Shape, stride: int, stages: int | Sequence[int] | None, where: str) -> tuple[int, int, int]:
    """The fewest and the most stages, and the usual number; each but the first halves the positions.

    Args:
        stride: of what comes before the first stage.
        stages: a number, two bounds, or None for what fits the input.

    >>> stage_bounds((28, 28, 1), 2, None, ""), stage_bounds((224, 224, 3), 2, None, ""), stage_bounds((8, 1), 1, 2, "")
    ((1, 4, 3), (1, 6, 5), (2, 2, 2))

    Raises:
        SpaceError: the input is too small for them.
    """
    left = -(-min(shape[:-1]) // stride)
    most, usual = 1, 1
    while left >= 2:
        usual += left > _SMALL or (usual < 3 and left >= 6)
        left, most = -(-left // 2), most + 1
    if stages is None:
        return 1, min(most, usual + 1), usual
    found = (stages, stages) if isinstance(stages, int) else tuple(stages)
    if len(found) != 2 or not all(type(n) is int for n in found) or not 1 <= found[0] <= found[1]:
        raise SpaceError(f"stages={stages!r}", where=where, allowed="a number from 1, or two: the fewest and the most")
    if found[1] > most:
        raise SpaceError(
            f"stages={stages!r}: an input of {shape} cannot be halved {found[1] - 1} times after a stride of {stride}",
            where=where,
            allowed=f"up to {most} stages",
            hint="Use larger inputs, or fewer stages.",
        )
    return found[0], found[1], max(found[0], min(usual, found[1]))


def positional(shapes: Sequence[Shape], where: str) -> Shape:
    """The one input, which has positions.

    Raises:
        SpaceError: there are others, or it has features alone.
    """
    if len(shapes) > 1:
        raise SpaceError(f"{len(shapes)} inputs", where=where, allowed="one", hint="nas.chain takes several.")
    if len(shapes[0]) == 1:
        raise SpaceError(
            f"an input of {shapes[0]} has no positions",
            where=where,
            allowed="(length, channels) or (height, width, channels)",
            hint="For features alone there are nas.chain and nas.tabular.",
        )
    return shapes[0]


def staged(
    make: Callable[[int, tuple[int, int, int], int], Any],
    stages: int | Sequence[int] | None,
    stride: int | None,
    where: str,
) -> Callable[[tuple[Shape, ...], int], Any]:
    """What a template of stages takes; ``make`` gives it for outputs, bounds of the stages, and the first stride."""

    def define(shapes: tuple[Shape, ...], outputs: int) -> Any:
        found = positional(shapes, where)
        first = stride or stem_stride(found)
        return make(outputs, stage_bounds(found, first, stages, where), first)

    return define
