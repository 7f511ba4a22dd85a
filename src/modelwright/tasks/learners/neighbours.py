"""Nearest neighbours, weighted by distance. A round is a neighbour; how many is chosen on rows that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.core.rng import Seed
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.features.relevance import binned, explained, standardised
from modelwright.tasks.learners.base import Arrays, Fitted, Learner, Lesson, Valid, shared
from modelwright.tasks.learners.blocks import in_blocks
from modelwright.tasks.learners.judged import Halves, merit
from modelwright.tasks.learners.recipes import for_smooth

#: Rows that are kept to be neighbours; rows that choose how many; rows compared at once.
_KEPT, _JUDGES, _AT_ONCE = 6000, 1500, 64
#: Groups of neighbours whose nearest ones say which are near enough to be looked at: so many, and for each asked for.
_GROUPS, _GROUPS_EACH = 240, 2
_COUNTS = (1, 2, 3, 5, 8, 12, 18, 28, 40, 60, 90)
#: As many times those asked for are looked at, at most, but where distances differ.
_CROWD = 2
#: Rows that a thread predicts at once.
_SHARED = 1024
#: The most a number may be for its square to be a number of single precision, with room for a sum of many.
_FAR = 1e15
#: The least share of the rows that a class counts for.
_TINY = 1e-6
#: Nanoseconds of one core that a row among many takes for each row that is kept, and for each of its columns.
_ROW_NS, _COLUMN_NS = 2.4, 0.015
#: Rows up to which products are made without BLAS.
_ALONE = 4


class Neighbours(Learner):
    """See the module."""

    name: ClassVar[str] = "neighbours"

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_smooth(frame, {"text": 10, "one_hot": 15, **config})

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Choice("scale", ["robust", "quantile"])
        hp.Boolean("relevance", default=True)

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        return 0.05 + min(rows, _KEPT) * (_JUDGES * 2e-8 + columns * 1e-6)

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, config, weight, valid = lesson.matrix, lesson.y, lesson.config, lesson.weight, lesson.valid
        rounds, seed, metric = lesson.rounds, lesson.seed, lesson.metric
        number, clock, rng = lesson.classes, lesson.clock, Seed(seed).generator()
        rows = np.sort(rng.permutation(matrix.rows)[:_KEPT])
        x, own = matrix.values[rows], y[rows]
        share = np.ones(len(rows)) if weight is None else weight[rows]
        factors = np.ones(matrix.features, np.float32)
        if config.get("relevance", True):
            factors = _relevance(x, own, number, share)
        model = FittedNeighbours(x * factors, own, share, factors, number, 10, {"rounds": 10, "ended": "rounds"})
        if rounds is not None:
            model.count = int(rounds)
        elif not clock.late():
            judges = valid or (matrix.take(rows), own, share)
            some = np.sort(rng.permutation(judges[0].rows)[:_JUDGES])
            halves = None if valid is None else Halves.of(valid[1], number, valid[2], lesson.ties)
            model.count = model.best(judges, some, None if valid is not None else some, metric)
            if halves is not None and valid is not None:
                counts = [model.best(judges, np.intersect1d(some, half), None, metric) for half in halves.places]
                model.held = halves.crossed(lambda i, held: model.answers(valid[0].take(held), counts[1 - i]))
        else:
            model.facts["ended"] = "deadline"
        model.facts["rounds"] = model.count
        return model


def _relevance(x: np.ndarray, y: np.ndarray, classes: int, weight: np.ndarray) -> np.ndarray:
    """How much each feature counts: more if it says more of the target by itself, but never nothing."""
    some = slice(0, None, max(1, len(x) // 3000))
    answers = (y[:, None] == np.arange(classes)).astype(np.float64) if classes else y[:, None]
    outputs, share = standardised(answers, weight=weight)[some], weight[some] / weight[some].mean()
    found = np.zeros(x.shape[1])
    for place in range(x.shape[1]):
        found[place] = max(0.0, explained(binned(x[some, place]), outputs, share))
    top = found.max(initial=0.0)
    return np.sqrt(0.05 + found / top if top > 0 else np.ones(x.shape[1])).astype(np.float32)


class FittedNeighbours(Fitted):
    """The rows themselves."""

    kind: ClassVar[str] = "neighbours"

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        factors: np.ndarray,
        classes: int,
        count: int,
        facts: dict[str, Any],
    ):
        self._x, self._y, self._weight, self._factors = np.clip(x, -_FAR, _FAR).astype(np.float32), y, weight, factors
        self._classes, self.count, self.facts = classes, count, facts
        # So that a product and a sum make a distance.
        self._columns = np.ascontiguousarray(-2 * self._x.T)
        self._squares = np.einsum("ij,ij->i", self._x, self._x)
        self._targets = (y[:, None] == np.arange(classes)).astype(np.float64) if classes else y[:, None]
        self._prior = np.average(self._targets, axis=0, weights=weight)
        if classes:  # nor is a class impossible that no row had
            self._prior = np.maximum(self._prior, _TINY)

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        if matrix.rows <= _SHARED:
            return self.answers(matrix, self.count)
        return in_blocks(lambda some: self.answers(matrix.over(some), self.count), matrix.values, _SHARED, threads)

    def answers(self, matrix: Matrix, count: int) -> np.ndarray:
        """Predictions by so many neighbours."""
        near, far = self._nearest(matrix.values * self._factors, count)
        return self._answer(near, far)

    def best(self, judges: Valid, some: np.ndarray, own: np.ndarray | None, metric: str | None) -> int:
        """How many neighbours predict rows ``some`` best; ``own`` are their places when they are neighbours too."""
        matrix, y, weight = judges
        most = min(_COUNTS[-1], max(1, len(self._x) - 1))
        near, far = self._nearest(matrix.values[some] * self._factors, min(most + 1, len(self._x)))
        if own is not None:
            order = np.argsort(near == own[:, None], axis=1, kind="stable")  # a row is no neighbour of its own
            near, far = np.take_along_axis(near, order, 1), np.take_along_axis(far, order, 1)
        share = None if weight is None else weight[some]
        counts = [count for count in _COUNTS if count <= most]
        if not len(some):
            return counts[len(counts) // 2]
        merits = [merit(y[some], self._answer(near[:, :k], far[:, :k]), share, metric) for k in counts]
        return counts[int(np.argmax(merits))]

    def _nearest(self, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Places of the nearest rows, the nearest first, and their squared distances: (rows, count).

        Of rows that are equally far the first is nearest.
        """
        count = min(count, len(self._x))
        nears, fars = [np.zeros((0, count), np.int64)], [np.zeros((0, count), np.float32)]
        x = np.clip(x, -_FAR, _FAR)
        for start in range(0, len(x), _AT_ONCE):
            some = x[start : start + _AT_ONCE]
            far = self._products(some)
            far += self._squares
            rows, near = np.divmod(np.flatnonzero(_looked_at(far, count)), far.shape[1])
            own = far[rows, near]
            order = np.lexsort((near, own, rows))
            first = np.searchsorted(rows, np.arange(len(some)))
            taken = order[first[:, None] + np.arange(count)]
            nears.append(near[taken])
            fars.append(np.maximum(own[taken] + np.einsum("ij,ij->i", some, some)[:, None], 0))
        return np.concatenate(nears), np.concatenate(fars)

    def _products(self, x: np.ndarray) -> np.ndarray:
        """-2 times the dot products of rows with all others."""
        if not 0 < len(x) <= _ALONE:
            return x @ self._columns
        # Threads of BLAS that wait for each other on a busy machine cost more than the work of one.
        return np.stack([np.einsum("i,ij->j", row, self._columns) for row in x])

    def _answer(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        starts = range(0, max(1, len(near)), _AT_ONCE)
        return np.concatenate([self._mean(near[k : k + _AT_ONCE], far[k : k + _AT_ONCE]) for k in starts])

    def _mean(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        width = far[:, -1:] + 1e-9
        share = self._weight[near] / (0.1 + far / width)
        found = np.einsum("rk,rko->ro", share, self._targets[near])
        # As if one more neighbour were like all rows: no probability is 0.
        more = share.mean(axis=1, keepdims=True) * (1.0 if self._classes else 0.0)
        found = (found + more * self._prior) / np.maximum(share.sum(axis=1, keepdims=True) + more, 1e-300)
        return found / found.sum(axis=1, keepdims=True) if self._classes else found[:, 0]

    def shares(self) -> np.ndarray:
        return shared(self._factors.astype(np.float64))

    @property
    def row_ns(self) -> float:
        return len(self._x) * (_ROW_NS + _COLUMN_NS * self._x.shape[1])

    def state(self) -> tuple[dict[str, Any], Arrays]:
        json = {"classes": self._classes, "count": self.count, "facts": self.facts}
        return json, {"x": self._x, "y": self._y, "weight": self._weight, "factors": self._factors}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedNeighbours:
        x, y, weight, factors = (np.asarray(arrays[name]) for name in ("x", "y", "weight", "factors"))
        return cls(x, y, weight, factors, json["classes"], json["count"], dict(json["facts"]))


def _looked_at(far: np.ndarray, count: int) -> np.ndarray:
    """Which are so near that the ``count`` nearest are among them, (rows, others); not many more, where many are equal.

    Each of some groups has one that is as near as the nearest of the group, so the ``count``-th of these is far enough.

    >>> _looked_at(np.array([[3.0, 1.0, 1.0, 1.0]]), 1)
    array([[False,  True, False, False]])
    """
    groups = min(far.shape[1], max(_GROUPS, _GROUPS_EACH * count))
    whole = far.shape[1] // groups * groups
    nearest = far[:, :whole].reshape(len(far), -1, groups).min(axis=1)
    limit = np.partition(nearest, count - 1, axis=1)[:, count - 1 : count]
    found = far <= limit
    crowded = np.flatnonzero(np.count_nonzero(found, axis=1) > _CROWD * count)
    if len(crowded):  # rows that are there many times
        near, equal = far[crowded] < limit[crowded], far[crowded] == limit[crowded]
        lacking = count - np.count_nonzero(near, axis=1)
        found[crowded] = near | (equal & (np.cumsum(equal, axis=1) <= lacking[:, None]))
    return found
