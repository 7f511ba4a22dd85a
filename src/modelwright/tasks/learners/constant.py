"""The answer that looks at no column: what every other model has to be better than, and a brake in small ensembles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.numbers import Nothing
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import Arrays, Fitted, Learner, Lesson

#: What it is called.
CONSTANT = "constant"


class Constant(Learner):
    """Shares of the classes; the mean of numbers, or their median where the metric is the absolute error."""

    name: ClassVar[str] = CONSTANT
    monotone: ClassVar[bool] = True
    chooses: ClassVar[bool] = False

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return Recipe((Nothing(),))

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        """Nothing is to be decided."""

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        return 0.001 + rows * 1e-8

    def learn(self, lesson: Lesson) -> Fitted:
        y, count = lesson.y, lesson.classes
        weight = np.ones(len(y)) if lesson.weight is None else lesson.weight
        if count:
            answer = np.bincount(y, weights=weight, minlength=count) / weight.sum()
        elif lesson.metric == "mae":
            order = np.argsort(y, kind="stable")
            reached = np.cumsum(weight[order])
            answer = y[order][[int(np.searchsorted(reached, reached[-1] / 2))]]
        else:
            answer = np.array([np.average(y, weights=weight)])
        return FittedConstant(np.asarray(answer, np.float64), count, {"rounds": 1, "ended": "rounds"})


class FittedConstant(Fitted):
    """The answer."""

    kind: ClassVar[str] = CONSTANT

    def __init__(self, answer: np.ndarray, classes: int, facts: dict[str, Any]):
        self._answer, self._classes, self.facts = answer, classes, facts

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        if self._classes:
            return np.tile(self._answer, (matrix.rows, 1))
        return np.full(matrix.rows, self._answer[0])

    def shares(self) -> np.ndarray:
        return np.zeros(1)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"classes": self._classes, "facts": self.facts}, {"answer": self._answer}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedConstant:
        return cls(np.asarray(arrays["answer"]), int(json["classes"]), dict(json["facts"]))
