"""Two samples: have they the same distribution? Population stability, Kolmogorov-Smirnov, chi-squared, a classifier.

Every p-value is honest for two random halves of one table: nothing is assumed of the distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.optional import optional
from modelwright.core.rng import Seed
from modelwright.tasks.alone import ALONE
from modelwright.tasks.checks.alone import ranks
from modelwright.tasks.checks.together import Features

_BINS, _FOLDS = 10, 4
#: Cells that a level must have in both together to count for itself.
_CELLS = 10
_SETTINGS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "max_bin": 127,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "seed": 0,
}


@dataclass(frozen=True, slots=True)
class Shift:
    """How far two samples of a column are apart.

    Attributes:
        psi: population stability index in ten bins of equal size of the first, or by levels; missing is one.
        size: the largest distance of the distribution functions, or half the sum of differences of shares: 0 to 1.
        p: of "both are the same".
        test: ``"KS"`` or ``"chi2"``.
    """

    psi: float
    size: float
    p: float
    test: str


def numbers_shift(a: np.ndarray, b: np.ndarray) -> Shift:
    """Numbers of two samples; NaN is a value below all others.

    >>> numbers_shift(np.arange(500.0), np.arange(500.0) + 250).p < 1e-6
    True
    """
    from scipy.stats import ks_2samp

    a, b = (np.where(np.isnan(part), -np.inf, part) for part in (a, b))
    finite = a[np.isfinite(a)]
    cuts = np.unique(np.quantile(finite, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(finite) else np.array([])
    shares = [
        np.bincount(np.where(np.isneginf(part), 0, 1 + np.searchsorted(cuts, part, "right")), minlength=len(cuts) + 2)
        for part in (a, b)
    ]
    _, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    place = place.ravel()
    found: Any = ks_2samp(place[: len(a)], place[len(a) :], method="asymp")
    return Shift(stability(*shares), float(found.statistic), float(found.pvalue), "KS")


def levels_shift(a: np.ndarray, b: np.ndarray) -> Shift:
    """Level codes of two samples; rare levels count together.

    >>> levels_shift(np.arange(300) % 3, np.arange(300) % 3).p
    1.0
    """
    from scipy.stats import chi2_contingency

    _, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    place = place.ravel()
    total = np.bincount(place)
    rare = total < _CELLS
    kept = np.cumsum(~rare) - 1
    renamed = np.where(rare, (~rare).sum(), kept)[place]
    counts = [np.bincount(part, minlength=int((~rare).sum()) + 1) for part in (renamed[: len(a)], renamed[len(a) :])]
    table = np.stack(counts)
    table = table[:, table.sum(axis=0) > 0]
    shares = table / table.sum(axis=1, keepdims=True)
    size = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if table.shape[1] < 2:
        return Shift(0.0, 0.0, 1.0, "chi2")
    found: Any = chi2_contingency(table, correction=False)
    return Shift(stability(table[0], table[1]), size, float(found.pvalue), "chi2")


def stability(expected: np.ndarray, found: np.ndarray) -> float:
    """The population stability index of two sets of counts; half a row is added to each bin.

    >>> stability(np.array([50, 50]), np.array([50, 50]))
    0.0
    """
    a, b = expected + 0.5, found + 0.5
    a, b = a / a.sum(), b / b.sum()
    return float(((b - a) * np.log(b / a)).sum())


@dataclass(frozen=True, slots=True)
class Told:
    """How well a classifier tells two samples apart.

    Attributes:
        auc: area under the ROC curve out of fold, the mean over folds; 0.5 for not at all.
        p: of "both are the same": twice the mean of the folds' p-values, which holds however the folds hang together.
        gains: column -> its share of what tells them apart.
    """

    auc: float
    p: float
    gains: dict[str, float]


def told_apart(features: Features, second: np.ndarray, seed: Seed, groups: np.ndarray) -> Told:
    """A classifier two-sample test with quick boosted trees.

    In each fold a model of the other folds ranks rows it has not seen; under the hypothesis the ranks say nothing of
    the sample, so Mann and Whitney's test holds for it.

    Args:
        features: rows of both samples.
        second: which rows are of the second one, bool (rows,).
        seed: of the folds.
        groups: rows with one number are kept in one fold.
    """
    from scipy.stats import norm

    lightgbm = optional("lightgbm", extra="tables", purpose="Comparing two tables")
    draw = seed.generator()
    folds = draw.permutation(np.arange(int(groups.max(initial=0)) + 1) % _FOLDS)[groups]
    gains = dict.fromkeys(features.sources, 0.0)
    aucs, chances = [], []
    for fold in range(_FOLDS):
        held, rest = folds == fold, folds != fold
        ones, zeros = int(second[held].sum()), int((~second[held]).sum())
        if not features.values.shape[1] or min(ones, zeros) < 10 or second[rest].all() or not second[rest].any():
            continue
        with ALONE:
            data = lightgbm.Dataset(
                features.values[rest],
                second[rest].astype(float),
                categorical_feature=list(features.levels),
                params=_SETTINGS,
            )
            booster = lightgbm.train(_SETTINGS, data, num_boost_round=60)
            predicted = booster.predict(features.values[held], num_threads=1)
        for source, gain in zip(features.sources, booster.feature_importance("gain"), strict=True):
            gains[source] += float(gain)
        place = ranks(np.asarray(predicted))
        auc = (place[second[held]].sum() - ones * (ones + 1) / 2) / (ones * zeros)
        _, times = np.unique(place, return_counts=True)
        count = ones + zeros
        ties = float((times**3 - times).sum()) / (count * (count - 1))
        spread = np.sqrt((count + 1 - ties) / (12.0 * ones * zeros))
        chances.append(float(norm.sf((auc - 0.5) / spread)) if spread > 0 else 1.0)
        aucs.append(float(auc))
    total = sum(gains.values()) or 1.0
    shares = {source: gain / total for source, gain in gains.items()}
    if not aucs:
        return Told(0.5, 1.0, shares)
    return Told(float(np.mean(aucs)), min(1.0, 2 * float(np.mean(chances))), shares)
