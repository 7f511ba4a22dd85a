"""The matrix that learners take: numbers, what each column is called, and which raw columns it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Features of some rows.

    Attributes:
        values: float32 array (rows, features), C-order; NaN where a value is missing.
        names: of the features.
        categorical: places of the features that are codes of levels: 0 missing, 1, 2, ... a level, NaN one that was
            never seen.
        sources: the raw columns that each feature was made of.

    >>> m = Matrix(values=np.zeros((4, 2), np.float32), names=("a", "b"), sources=(("a",), ("b",)))
    >>> m.rows, m.features, m.take(np.array([0, 1])).rows
    (4, 2, 2)
    """

    values: np.ndarray
    names: tuple[str, ...]
    sources: tuple[tuple[str, ...], ...]
    categorical: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.values.shape[0]

    @property
    def features(self) -> int:
        """Number of features."""
        return self.values.shape[1]

    def take(self, rows: np.ndarray | slice) -> Matrix:
        """Some of the rows."""
        return self.over(np.ascontiguousarray(self.values[rows]))

    def over(self, values: np.ndarray) -> Matrix:
        """The same features of other rows."""
        return Matrix(values=values, names=self.names, sources=self.sources, categorical=self.categorical)


def side_by_side(blocks: Sequence[Matrix], rows: int) -> Matrix:
    """One matrix with the features of all ``blocks``, in their order."""
    values = np.empty((rows, sum(block.features for block in blocks)), np.float32)
    categorical: list[int] = []
    start = 0
    for block in blocks:
        values[:, start : start + block.features] = block.values
        categorical.extend(start + place for place in block.categorical)
        start += block.features
    return Matrix(
        values=values,
        names=tuple(name for block in blocks for name in block.names),
        sources=tuple(source for block in blocks for source in block.sources),
        categorical=tuple(categorical),
    )
