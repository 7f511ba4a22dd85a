"""Naive Bayes: numbers are normal within a class, features of two values are coins. A round is a step of temperature.

Features that depend on each other make naive Bayes too sure; scores are divided by a temperature from a short list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import Arrays, Fitted, Learner, Lesson, shared, softmax
from modelwright.tasks.learners.judged import Choice
from modelwright.tasks.learners.recipes import for_smooth

TEMPERATURES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)
_USUAL = 3
#: Nanoseconds of one core for each coefficient of a row that is predicted among many.
_ROW_NS = 6.0


class NaiveBayes(Learner):
    """See the module."""

    name: ClassVar[str] = "naive_bayes"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass")

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_smooth(frame, config, how="quantile")

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Float("smoothing_rows", 0.1, 20.0, sampling="log", default=1.0)
        hp.Choice("scale", ["quantile", "robust"])

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        return 0.01 + rows * columns * 1e-7

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, config, weight, valid = lesson.matrix, lesson.y, lesson.config, lesson.weight, lesson.valid
        rounds, metric = lesson.rounds, lesson.metric
        number = lesson.classes
        more = float(config.get("smoothing_rows", 1.0))
        x = matrix.values.astype(np.float64)
        share = (y[:, None] == np.arange(number)) * (np.ones(len(y)) if weight is None else weight)[:, None]
        rows = share.sum(axis=0)[:, None]
        everything = share.sum(axis=1, keepdims=True) / max(share.sum(), 1e-12)
        middle = (everything * x).sum(axis=0)
        spread = (everything * np.square(x - middle)).sum(axis=0)
        coin = ((x == 0) | (x == 1)).all(axis=0)
        mean = (share.T @ x + more * middle) / (rows + more)
        square = (share.T @ np.square(x) + more * (spread + middle**2)) / (rows + more)
        variance = np.maximum(square - mean**2, 1e-3 * spread + 1e-9)
        constant = spread <= 1e-12
        # Each score is a + b x + c x^2, summed over features.
        bounded = np.clip(mean, 1e-6, 1 - 1e-6)
        c = np.where(coin | constant, 0.0, -0.5 / variance)
        b = np.where(coin, np.log(bounded / (1 - bounded)), mean / variance)
        a = np.where(coin, np.log(1 - bounded), -0.5 * (mean**2 / variance + np.log(variance)))
        prior = np.log((rows[:, 0] + 1e-3) / (rows.sum() + 1e-3 * number))
        own = {"a": np.where(constant, 0.0, a).sum(axis=1) + prior, "b": np.where(constant, 0.0, b), "c": c}
        model = FittedNaiveBayes(own, number, {"rounds": rounds or _USUAL, "ended": "rounds"})
        if valid is not None and rounds is None:
            choice: Choice[int] = Choice(valid[1], number, valid[2], metric, lesson.ties)
            scores = model.scores(valid[0])
            for step, temperature in enumerate(TEMPERATURES, 1):
                choice.offer(step, softmax(scores / temperature))
            model.facts["rounds"], model.held = choice.best or _USUAL, choice.held
        model.facts["temperature"] = TEMPERATURES[min(model.facts["rounds"], len(TEMPERATURES)) - 1]
        return model


class FittedNaiveBayes(Fitted):
    """Coefficients of the features and their squares."""

    kind: ClassVar[str] = "naive_bayes"

    def __init__(self, own: dict[str, np.ndarray], classes: int, facts: dict[str, Any]):
        self._own, self._classes, self.facts = own, classes, facts

    def scores(self, matrix: Matrix) -> np.ndarray:
        """Logarithms of the joint densities, (rows, classes), before a temperature divides them."""
        x = matrix.values.astype(np.float64)
        return self._own["a"] + x @ self._own["b"].T + np.square(x) @ self._own["c"].T

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        return softmax(self.scores(matrix) / TEMPERATURES[min(int(self.facts["rounds"]), len(TEMPERATURES)) - 1])

    def shares(self) -> np.ndarray:
        return shared(np.ptp(self._own["b"], axis=0) + np.ptp(self._own["c"], axis=0))

    @property
    def row_ns(self) -> float:
        return _ROW_NS * self._own["b"].size

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"classes": self._classes, "facts": self.facts}, dict(self._own)

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedNaiveBayes:
        return cls({name: np.asarray(arrays[name]) for name in "abc"}, json["classes"], dict(json["facts"]))
