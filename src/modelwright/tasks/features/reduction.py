"""Principal components of the matrix, next to its features or in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.step import AppliedMatrix, MatrixStep, Sight, described, some_rows


@dataclass(frozen=True, slots=True)
class Components(MatrixStep):
    """The first principal components of the standardised features that are no codes; missing values count as the mean.

    Args:
        count: components, at most.
        keep: whether the features stay next to them.
    """

    count: int = 10
    keep: bool = True
    kind: ClassVar[str] = "components"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ArgumentError(f"count={self.count}", where="step 'components'", allowed="1 and up")

    def fit(self, matrix: Matrix, sight: Sight) -> tuple[AppliedMatrix, np.ndarray]:
        own = np.array([k for k in range(matrix.features) if k not in matrix.categorical], np.int64)
        some = matrix.values[some_rows(matrix.rows)][:, own].astype(np.float64)
        known = ~np.isnan(some)
        count = np.maximum(known.sum(axis=0), 1)
        filled = np.where(known, some, 0.0)
        center = filled.sum(axis=0) / count
        moved = np.where(known, some - center, 0.0)
        spread = np.sqrt(np.square(moved).sum(axis=0) / count)
        factor = np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 0.0)
        moved *= factor
        sizes, axes = np.linalg.eigh(moved.T @ moved / max(1, len(moved)))
        kept = max(1, min(self.count, int((sizes > 1e-9).sum()))) if len(own) else 0
        axes = axes[:, ::-1][:, :kept]
        if kept:
            signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
            axes = axes * np.where(signs == 0, 1, signs)
        everything = tuple(dict.fromkeys(name for place in own for name in matrix.sources[place]))
        stay = list(range(matrix.features)) if self.keep else list(matrix.categorical)
        json = described(
            [*(matrix.names[k] for k in stay), *(f"component {k + 1}" for k in range(kept))],
            [*(matrix.sources[k] for k in stay), *([everything] * kept)],
            [at for at, k in enumerate(stay) if k in matrix.categorical],
        )
        arrays = {
            "own": own.astype(np.int32),
            "stay": np.array(stay, np.int32),
            "center": center.astype(np.float32),
            "axes": np.ascontiguousarray(factor[:, None] * axes, np.float32),
        }
        applied = AppliedComponents(json, arrays)
        return applied, applied.values(matrix.values)


class AppliedComponents(AppliedMatrix):
    kind: ClassVar[str] = "components"

    def values(self, matrix: np.ndarray) -> np.ndarray:
        moved = np.take(matrix, self.arrays["own"], axis=1) - self.arrays["center"]
        moved[np.isnan(moved)] = 0
        return np.concatenate([np.take(matrix, self.arrays["stay"], axis=1), moved @ self.arrays["axes"]], axis=1)
