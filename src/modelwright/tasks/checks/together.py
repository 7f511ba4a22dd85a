"""What columns tell of the target together, out of fold: quick boosted trees. Knows no table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modelwright.core.optional import optional
from modelwright.tasks.alone import ALONE
from modelwright.tasks.checks.alone import Share

_ROUNDS, _LEAVES, _STEP = 80, 15, 0.12
_SETTINGS = {
    "learning_rate": _STEP,
    "num_leaves": _LEAVES,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "seed": 0,
}


@dataclass(frozen=True, slots=True)
class Features:
    """Columns as the quick trees take them.

    Attributes:
        values: float32 (rows, features), NaN for missing.
        sources: the column that each feature comes from.
        levels: places of features that are level codes.
    """

    values: np.ndarray
    sources: tuple[str, ...]
    levels: tuple[int, ...] = ()

    def without(self, *names: str) -> Features:
        """All but the features of some columns."""
        kept = [place for place, source in enumerate(self.sources) if source not in names]
        levels = tuple(new for new, place in enumerate(kept) if place in set(self.levels))
        return Features(self.values[:, kept], tuple(self.sources[place] for place in kept), levels)


@dataclass(frozen=True, slots=True)
class Together:
    """What many columns tell together.

    Attributes:
        share: the squared error that they leave, in the unit of ``alone``.
        deviance: for classes the logarithmic loss that they leave, over that of the constant model; else ``share``.
        gains: source column -> its share of the reduction in error within the trees.
    """

    share: Share
    deviance: Share
    gains: Mapping[str, float]


def together(
    features: Features, z: np.ndarray, folds: np.ndarray, *, classes: bool, deadline: float | None = None
) -> Together | None:
    """What columns tell together: two halves of the rows predict each other.

    Args:
        features: what is told from.
        z: the target, of ``contrasts``.
        folds: folds whose even and odd numbers make the halves.
        classes: whether each output of ``z`` has two values, one for a class or several of them.
        deadline: when to give up, in seconds of ``time.monotonic``; then there is no result.
    """
    gains: dict[str, float] = dict.fromkeys(features.sources, 0.0)
    predicted = np.repeat(z.mean(axis=0)[None, :], len(z), axis=0)
    low, high = z.min(axis=0), z.max(axis=0)
    rounds = round(_ROUNDS / z.shape[1] ** 0.5)
    for held in (folds % 2 == 0, folds % 2 == 1):
        if features.values.shape[1] and held.any() and not held.all():
            for output in range(z.shape[1]):
                if deadline is not None and time.monotonic() >= deadline:
                    return None
                labels = z[~held, output]
                if classes:
                    labels = (labels > (low[output] + high[output]) / 2).astype(float)
                found = _boosted(features, labels, held, gains, "binary" if classes else "regression", rounds)
                predicted[held, output] = low[output] + (high - low)[output] * found if classes else found
    total = sum(gains.values()) or 1.0
    share = Share.of(((z - predicted) ** 2).sum(axis=1))
    deviance = _deviance(z, predicted, low, high) if classes else share
    return Together(share, deviance, {source: gain / total for source, gain in gains.items()})


def _boosted(
    features: Features, labels: np.ndarray, held: np.ndarray, gains: dict[str, float], objective: str, rounds: int
) -> np.ndarray:
    """Predictions for the rows that are held back; adds to ``gains``."""
    lightgbm = optional("lightgbm", extra="tables", purpose="Checking a table")
    settings = {**_SETTINGS, "objective": objective, "min_data_in_leaf": max(3, min(20, len(labels) // 50))}
    if objective == "binary" and labels.min() == labels.max():
        return np.full(int(held.sum()), labels[0])
    levels = list(features.levels)
    with ALONE:
        data = lightgbm.Dataset(features.values[~held], labels, categorical_feature=levels, params=settings)
        booster = lightgbm.train(settings, data, num_boost_round=rounds)
        found = booster.predict(features.values[held], num_threads=1)
    for source, gain in zip(features.sources, booster.feature_importance("gain"), strict=True):
        gains[source] += float(gain)
    return np.asarray(found)


def _deviance(z: np.ndarray, predicted: np.ndarray, low: np.ndarray, high: np.ndarray) -> Share:
    width = np.where(high > low, high - low, 1.0)
    truth, told = (z - low) / width, np.clip((predicted - low) / width, 1e-6, 1 - 1e-6)
    rate = np.clip(truth.mean(axis=0), 1e-9, 1 - 1e-9)
    entropy = float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)).sum())
    losses = -(truth * np.log(told) + (1 - truth) * np.log(1 - told)).sum(axis=1)
    return Share.of(losses / max(entropy, 1e-12))
