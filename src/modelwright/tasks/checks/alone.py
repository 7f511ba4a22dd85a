"""What single columns tell of the target out of fold. Knows no table.

Everything is measured in one unit, the *share left*: squared error out of fold over that of the constant model, so 1
is no better than the constant and 0 is the target itself. Classes are compared as 0 and 1 for each class (the Brier
score), numbers by their ranks, so that neither a long tail nor a logarithm changes what is found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.core.optional import optional
from modelwright.core.rng import Seed

#: Classes beyond which divisions of the classes in two halves stand for the classes.
_CLASSES = 4


@dataclass(frozen=True, slots=True)
class Share:
    """The share of the target's variance that is left.

    Attributes:
        left: 1 for no better than the constant model, 0 for the target itself; may exceed 1.
        error: its standard error.
        losses: squared error of each row over the constant model's mean, float64 (rows,).
    """

    left: float
    error: float
    losses: np.ndarray

    @staticmethod
    def of(losses: np.ndarray) -> Share:
        """The mean of rows' losses, with its standard error."""
        count = max(1, len(losses))
        return Share(float(losses.mean()), float(losses.std() / np.sqrt(count)), losses)

    @property
    def surely(self) -> float:
        """The share that is left at most, but for chance: two standard errors and one lost row above the estimate."""
        return self.left + 2 * self.error + 1 / max(1, len(self.losses))


def contrasts(y: np.ndarray, task: str, classes: int, seed: Seed) -> np.ndarray:
    """The target as numbers with variance 1 in all, float64 (rows, outputs).

    Args:
        y: class codes from 0, or values.
        task: ``"binary"``, ``"multiclass"`` or ``"regression"``.
        classes: how many there are; of no meaning for regression.
        seed: decides how many classes are divided in two halves.

    >>> contrasts(np.array([0, 1, 1, 0]), "binary", 2, Seed(0)).ravel().tolist()
    [-1.0, 1.0, 1.0, -1.0]
    """
    if task == "regression":
        made = ranks(y)[:, None]
    elif classes <= 2:
        made = (y == 1).astype(float)[:, None]
    elif classes <= _CLASSES:
        made = (y[:, None] == np.arange(classes)).astype(float)
    else:
        draw = seed.child("halves").generator()
        halves = np.stack([draw.permutation(np.arange(classes) % 2) for _ in range(_CLASSES)], axis=1)
        made = halves[y].astype(float)
    made = made - made.mean(axis=0)
    total = float((made**2).mean(axis=0).sum())
    return made / np.sqrt(total) if total > 0 else made


def ranks(values: np.ndarray) -> np.ndarray:
    """Mean ranks, equal for equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2.0)[place.ravel()]


def number_alone(values: np.ndarray, z: np.ndarray, folds: np.ndarray) -> Share:
    """What a number tells: a small tree out of fold. Missing values are a place of their own."""
    known = ~np.isnan(values)
    ranks = np.full(len(values), -1.0)
    ranks[known] = np.unique(values[known], return_inverse=True)[1].ravel()
    return _tree(ranks[:, None], z, folds)


def line_alone(values: np.ndarray, z: np.ndarray, folds: np.ndarray) -> Share:
    """What a number tells by its rank alone, along a straight line: it goes on where a tree saw nothing.

    >>> rising = np.arange(40.0)
    >>> line_alone(rising, contrasts(rising, "regression", 0, Seed(0)), np.arange(40) // 20).left < 0.001
    True
    """
    known = np.isfinite(values)
    place = np.zeros(len(values))
    place[known] = ranks(values[known]) / len(values)
    x = np.stack([place, known, np.ones(len(values))], axis=1)
    predicted = np.zeros_like(z)
    for fold in range(int(folds.max()) + 1):
        held, rest = folds == fold, folds != fold
        predicted[held] = x[held] @ np.linalg.lstsq(x[rest], z[rest], rcond=None)[0]
    return Share.of(((z - predicted) ** 2).sum(axis=1))


def words_alone(words: np.ndarray, z: np.ndarray, folds: np.ndarray) -> Share:
    """What the presence of words tells, bool (rows, words): a small tree out of fold."""
    return _tree(words, z, folds)


def _tree(x: np.ndarray, z: np.ndarray, folds: np.ndarray) -> Share:
    make = optional("sklearn.tree", extra="tables", purpose="Checking a table").DecisionTreeRegressor
    predicted = np.zeros_like(z)
    x = x.astype(np.float32)
    for fold in range(int(folds.max()) + 1):
        held, rest = folds == fold, folds != fold
        least = max(3, int(rest.sum()) // 2000)
        tree = make(max_leaf_nodes=32, min_samples_leaf=least, random_state=0)
        predicted[held] = tree.fit(x[rest], z[rest]).predict(x[held]).reshape(-1, z.shape[1])
    return Share.of(((z - predicted) ** 2).sum(axis=1))


def level_alone(codes: np.ndarray, z: np.ndarray, folds: np.ndarray) -> Share:
    """What levels tell: means out of fold, drawn to the overall mean by one row. Missing is a level.

    >>> y = contrasts(np.arange(60) % 2, "binary", 2, Seed(0))
    >>> level_alone(np.arange(60) % 2, y, np.arange(60) // 2 % 3).left < 0.01
    True
    """
    _, codes = np.unique(codes, return_inverse=True)
    codes = codes.ravel()
    count = int(codes.max(initial=-1)) + 1
    predicted = np.zeros_like(z)
    for fold in range(int(folds.max()) + 1):
        held, rest = folds == fold, folds != fold
        sizes = np.bincount(codes[rest], minlength=count)
        for output in range(z.shape[1]):
            mean = z[rest, output].mean()
            sums = np.bincount(codes[rest], weights=z[rest, output], minlength=count)
            predicted[held, output] = ((sums + mean) / (sizes + 1.0))[codes[held]]
    return Share.of(((z - predicted) ** 2).sum(axis=1))
