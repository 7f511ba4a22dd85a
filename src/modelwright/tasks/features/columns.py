"""Columns of a frame: by kind, and as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.tasks.data.frame import Frame


def columns_of(frame: Frame, *kinds: str) -> tuple[str, ...]:
    """Names of the columns that have one of the kinds, in the frame's order."""
    return tuple(name for name, kind in frame.kinds.items() if kind in kinds)


def first_places(sizes: Sequence[int]) -> np.ndarray:
    """Where each column's levels begin in a table with the rows of all of them, after one for cells that are missing.

    >>> first_places([3, 2]).tolist()
    [[1], [4]]
    """
    held = np.array(sizes, np.int64)
    return (np.cumsum(held) - held + 1)[:, None]


def stacked(columns: Mapping[str, np.ndarray], names: tuple[str, ...], rows: int, kind: Any) -> np.ndarray:
    """An array (columns, rows) of some columns of a frame."""
    made = np.empty((len(names), rows), kind)
    for place, name in enumerate(names):
        made[place] = columns[name]
    return made
