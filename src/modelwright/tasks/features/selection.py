"""Which features stay, and why the others were dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.tasks.alone import ALONE
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.relevance import some_rows
from modelwright.tasks.features.step import AppliedMatrix, MatrixStep, Sight, described

_HOW = ("plain", "probes")
_ROWS, _ROUNDS, _PROBES = 20_000, 60, 5
#: Values of the matrix that are looked at, so that many features do not take long.
_VALUES = 5_000_000


@dataclass(frozen=True, slots=True)
class Selected(MatrixStep):
    """Features that are worth having.

    Args:
        how: "plain" drops what has one value, or the values of another. "probes" also drops what helps trees less than
            columns of chance do, after Kursa and Rudnicki, "Feature selection with the Boruta package", 2010.
        most: features that stay; 0 for all. Those that help trees most are kept.
    """

    how: str = "plain"
    most: int = 0
    kind: ClassVar[str] = "selected"

    def __post_init__(self) -> None:
        if self.how not in _HOW:
            raise ArgumentError(f"how={self.how!r}", where="step 'selected'", allowed=", ".join(map(repr, _HOW)))

    def fit(self, matrix: Matrix, sight: Sight) -> tuple[AppliedMatrix, np.ndarray]:
        dropped = _repeated(matrix)
        if self.how == "probes" or 0 < self.most < matrix.features - len(dropped):
            stay = np.array([k for k in range(matrix.features) if k not in dropped], np.int64)
            gains, chance = _gains(matrix, stay, sight)
            if self.how == "probes":
                for place, gain in zip(stay, gains, strict=True):
                    if gain <= chance:
                        dropped[int(place)] = "helps no more than a column of chance"
            if self.most:
                order = stay[np.argsort(-gains, kind="stable")]
                for place in [int(k) for k in order if int(k) not in dropped][self.most :]:
                    dropped[place] = f"{self.most} others help more"
        stay = [k for k in range(matrix.features) if k not in dropped] or [0][: matrix.features]
        categorical = [at for at, k in enumerate(stay) if k in matrix.categorical]
        json = described([matrix.names[k] for k in stay], [matrix.sources[k] for k in stay], categorical)
        json["dropped"] = [
            [matrix.names[k], list(matrix.sources[k]), why] for k, why in sorted(dropped.items()) if k not in stay
        ]
        applied = AppliedSelected(json, {"stay": np.array(stay, np.int32)})
        return applied, applied.values(matrix.values)


def _repeated(matrix: Matrix) -> dict[int, str]:
    """Features with one value, or with the same values as one before; place -> why."""
    dropped: dict[int, str] = {}
    seen: dict[bytes, list[int]] = {}
    head = np.nan_to_num(matrix.values[:1000], nan=-1e30)
    for place in range(matrix.features):
        first = head[:1, place]
        if not len(head) or ((head[:, place] == first).all() and _constant(matrix.values[:, place])):
            dropped[place] = "has one value"
            continue
        for other in seen.setdefault(head[:, place].tobytes(), []):
            if np.array_equal(matrix.values[:, place], matrix.values[:, other], equal_nan=True):
                dropped[place] = f"the same as {matrix.names[other]}"
                break
        else:
            seen[head[:, place].tobytes()].append(place)
    return dropped


def _constant(column: np.ndarray) -> bool:
    missing = np.isnan(column)
    return bool(missing.all() or (not missing.any() and (column == column[0]).all()))


def _gains(matrix: Matrix, stay: np.ndarray, sight: Sight) -> tuple[np.ndarray, float]:
    """What each feature gains in a small forest of boosted trees, and what the best column of chance does."""
    lgb = optional("lightgbm", extra="tables", purpose="selecting features")
    most = min(_ROWS, max(500, _VALUES // max(1, len(stay))))
    rows = some_rows(matrix.rows, most, sight.seed.child("rows"))
    rng = sight.seed.child("probes").generator()
    own = matrix.values[np.ix_(rows, stay)]
    shuffled = own[:, rng.permutation(own.shape[1])[:_PROBES]]
    probes = [rng.permuted(shuffled, axis=0), rng.standard_normal((len(rows), 2)).astype(np.float32)]
    settings = {
        "objective": {"binary": "binary", "multiclass": "multiclass"}.get(sight.task, "regression"),
        "num_class": sight.classes if sight.task == "multiclass" else 1,
        "learning_rate": 0.1,
        "num_leaves": 15,
        "feature_fraction": 0.7,
        "min_data_in_leaf": max(1, min(20, len(rows) // 20)),
        "seed": sight.seed.integer(),
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    weight = None if sight.weight is None else sight.weight[rows]
    rounds = max(10, _ROUNDS // max(1, sight.classes // 2))
    with ALONE:
        data = lgb.Dataset(np.concatenate([own, *probes], axis=1), sight.y[rows], weight=weight, params=settings)
        gains = lgb.train(settings, data, num_boost_round=rounds).feature_importance("gain")
    return gains[: len(stay)], float(gains[len(stay) :].max(initial=0.0))


class AppliedSelected(AppliedMatrix):
    kind: ClassVar[str] = "selected"

    def values(self, matrix: np.ndarray) -> np.ndarray:
        return np.take(matrix, self.arrays["stay"], axis=1)
