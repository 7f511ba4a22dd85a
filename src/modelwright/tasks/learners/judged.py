"""How good predictions are on a hold-out, for learners that stop by it. Higher is better.

Whoever stops where rows are predicted best, and then is judged by these rows, is judged too well: by some hundredths of
an area under the curve where there is nothing to learn. So the rows are halved: what each half is predicted with is
chosen by the other. Rows that belong together, as those of one customer do, are in the same half: what suits one of
them suits the others, and says nothing of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")
#: Rows that a half has at least. Of fewer nothing is chosen by them: see ``learners.nested``.
_FEWEST = 8

_SMALL = 1e-7
#: Metrics by which probabilities that differ are often as good as each other.
_COARSE = ("roc_auc", "accuracy")
_NOTHING = (-np.inf, -np.inf)


def merit(y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None, metric: str | None = None) -> float:
    """Less the log loss, or less the squared error; by ``metric`` for "roc_auc", "accuracy" and "mae".

    >>> merit(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), None, "accuracy")
    1.0
    """
    if weight is None or not weight.any():
        weight = np.ones(len(y))
    share = weight / max(1e-300, weight.sum())
    if predicted.ndim == 1:
        error = np.abs(predicted - y) if metric == "mae" else np.square(predicted - y)
        return -float(share @ error)
    if metric == "accuracy":
        return float(share @ (predicted.argmax(axis=1) == y))
    if metric == "roc_auc" and predicted.shape[1] == 2:
        return _area(y, predicted[:, 1], share)
    own = predicted[np.arange(len(y)), y.astype(np.int64)]
    return float(share @ np.log(np.maximum(own, _SMALL)))


def _area(y: np.ndarray, scores: np.ndarray, share: np.ndarray) -> float:
    """Area under the ROC curve; 0.5 where one class is missing."""
    order = np.argsort(scores, kind="stable")
    ordered, positive = scores[order], y[order] == 1
    weight = share[order]
    low = np.where(positive, 0.0, weight)
    up = weight - low
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else np.zeros(0, int)
    below, above = np.cumsum(low)[ends], np.cumsum(up)[ends]
    total = (below[-1] * above[-1]) if len(ends) else 0.0
    if total <= 0:
        return 0.5
    gained = np.diff(np.append(0.0, above))
    beaten = (below + np.append(0.0, below[:-1])) / 2
    return float(gained @ beaten / total)


def dealt(y: np.ndarray, ties: np.ndarray | None = None, parts: int = 2) -> np.ndarray:
    """In which of some parts each row is, int (rows,): with the same classes, or with numbers of the same range.

    Args:
        ties: integers (rows,): rows of the same one are in the same part. None where each row stands for itself.

    >>> dealt(np.array([0, 0, 1, 1]))
    array([0, 1, 0, 1])
    >>> dealt(np.array([0, 1, 0, 1, 0, 1]), np.array([7, 7, 7, 7, 9, 9]))
    array([0, 0, 0, 0, 1, 1])
    """
    turns = np.arange(parts)
    if ties is not None:
        which, sizes = np.unique(ties, return_inverse=True, return_counts=True)[1:]
        if len(sizes) < len(y):
            # Neighbours in this order are of like size and alike in the target: one goes here, the other one there.
            mean = np.bincount(which, np.asarray(y, np.float64), len(sizes)) / sizes
            order = np.lexsort((mean, -np.floor(np.log2(sizes))))
            place = np.zeros(len(sizes), np.int64)
            place[order] = np.resize(np.append(turns, turns[::-1]), len(sizes))
            return place[which]
    found = np.zeros(len(y), np.int64)
    found[np.argsort(y, kind="stable")] = np.resize(turns, len(y))
    return found


@dataclass(frozen=True, slots=True)
class Halves:
    """Rows that judge, in two halves; see ``dealt``.

    Attributes:
        places: of the rows of each half.

    >>> halves = Halves.of(np.arange(32.0), classes=0)
    >>> [len(half) for half in halves.places]
    [16, 16]
    """

    places: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls, y: np.ndarray, classes: int, weight: np.ndarray | None = None, ties: np.ndarray | None = None
    ) -> Halves | None:
        """The halves; None where rows are too few, or a half would lack weight or, of two, a class."""
        half = dealt(y, ties)
        places = (np.flatnonzero(half == 0), np.flatnonzero(half == 1))
        for half in places:
            if len(half) < _FEWEST or (weight is not None and not weight[half].any()):
                return None
            if classes == 2 and len(np.unique(y[half])) < 2:
                return None
        return cls(places)

    def crossed(self, predicted: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
        """Predictions for all rows.

        Args:
            predicted: of (half, places): predictions for these rows by what the *other* half chose.
        """
        first = predicted(0, self.places[0])
        found = np.empty((sum(map(len, self.places)), *first.shape[1:]), first.dtype)
        found[self.places[0]], found[self.places[1]] = first, predicted(1, self.places[1])
        return found


class Choice(Generic[T]):
    """The best of what comes along, for all rows and for each half of them.

    >>> y = np.tile([0.0, 1.0], 16)
    >>> choice = Choice(y, 0)
    >>> for answer in (0.4, 0.5, 0.9):
    ...     _ = choice.offer(answer, np.full(32, answer))
    >>> choice.best
    0.5
    """

    def __init__(
        self,
        y: np.ndarray,
        classes: int,
        weight: np.ndarray | None = None,
        metric: str | None = None,
        ties: np.ndarray | None = None,
    ) -> None:
        self._y, self._weight, self._metric = y, weight, metric
        self.halves = Halves.of(y, classes, weight, ties)
        self.best: T | None = None
        self.value = _NOTHING
        self._values = [_NOTHING, _NOTHING]
        self._held: list[np.ndarray | None] = [None, None]
        self._whole: np.ndarray | None = None

    def offer(self, one: T, predicted: np.ndarray) -> bool:
        """Take note of what predicts so; whether it is the best for all rows so far."""
        for half, other in ((0, 1), (1, 0)) if self.halves is not None else ():
            assert self.halves is not None
            value = self._merit(self.halves.places[half], predicted)
            if value > self._values[half]:
                self._values[half], self._held[other] = value, predicted[self.halves.places[other]]
        value = self._merit(slice(None), predicted)
        if self.best is None or value > self.value:
            self.best, self.value, self._whole = one, value, predicted
            return True
        return False

    def _merit(self, rows: np.ndarray | slice, predicted: np.ndarray) -> tuple[float, float]:
        """By the metric, then by the log loss: classes that are told without error still differ in probabilities."""
        y, predicted = self._y[rows], predicted[rows]
        weight = None if self._weight is None else self._weight[rows]
        value = merit(y, predicted, weight, self._metric)
        return value, merit(y, predicted, weight) if self._metric in _COARSE and predicted.ndim > 1 else value

    @property
    def held(self) -> np.ndarray | None:
        """Predictions for the rows, each by what was best for the half it is not in."""
        if self.halves is None:
            return self._whole
        own = self._held
        return self.halves.crossed(lambda half, _: np.asarray(own[half])) if own[0] is not None else self._whole


def judges(
    valid: tuple[Any, np.ndarray, np.ndarray | None], classes: int, ties: np.ndarray | None = None
) -> list[np.ndarray]:
    """Places of the rows that judge: two halves, or all of them where they are few."""
    halves = Halves.of(valid[1], classes, valid[2], ties)
    return [np.arange(len(valid[1]))] if halves is None else list(halves.places)


def part(weight: np.ndarray | None, places: np.ndarray) -> np.ndarray | None:
    """Weights of some rows, where there are weights."""
    return None if weight is None else weight[places]
