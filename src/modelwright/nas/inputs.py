"""Inputs and outputs of a network: what their shapes can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.nas.operations import Shape

#: Numbers of channels that photographs have.
_COLOURS = (1, 3, 4)


def check_outputs(outputs: Any, where: str) -> int:
    if not _is_count(outputs):
        raise SpaceError(f"classes={outputs!r:.60}", where=where, allowed="an integer from 1")
    return int(outputs)


def _is_count(given: Any) -> bool:
    """Whether it is a whole number from 1, of Python or numpy."""
    return isinstance(given, (int, np.integer)) and not isinstance(given, bool) and bool(given >= 1)


def check_shapes(shapes: Sequence[Any], where: str) -> tuple[Shape, ...]:
    """Shapes of inputs as tuples.

    Raises:
        SpaceError: there is none, or one is no shape, or its channels seem to come first.
    """
    if not shapes:
        raise SpaceError("no input's shape is given", where=where, allowed="(28, 28, 1), say")
    return tuple(_checked(shape, where) for shape in shapes)


def _checked(shape: Any, where: str) -> Shape:
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else None
    if sizes is None or not 1 <= len(sizes) <= 3 or not all(map(_is_count, sizes)):
        raise SpaceError(
            f"shape={shape!r}",
            where=where,
            allowed="(features,), (length, channels) or (height, width, channels), integers from 1, without the batch",
        )
    sizes = tuple(map(int, sizes))
    if len(sizes) == 3 and sizes[0] in _COLOURS and sizes[1] == sizes[2] and sizes[1] >= 8:
        raise SpaceError(
            f"shape={sizes} seems to have its channels first",
            where=where,
            allowed=f"channels last: {(*sizes[1:], sizes[0])}",
            hint="Write x = np.moveaxis(x, 1, -1).",
        )
    return sizes
