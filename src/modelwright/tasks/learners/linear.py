"""Linear and logistic regression with an elastic net, along a path of penalties from strong to weak.

A round is a step of the path, so that a hold-out chooses the penalty as it chooses the number of trees elsewhere.
Classes: minimisation of a quadratic bound with one fixed Gram matrix (Boehning, "Multinomial logistic regression
algorithm", 1992), with momentum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from modelwright.core.blas import blas_threads
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import Arrays, Clock, Fitted, Learner, Lesson, both, shared, softmax
from modelwright.tasks.learners.judged import Choice
from modelwright.tasks.learners.quadratic import curvature, minimum
from modelwright.tasks.learners.recipes import RICH, feature_space, for_smooth

#: Nanoseconds of one core for each weight of a row that is predicted among many.
_ROW_NS = 3.0
#: Penalties of the path, for standardised features and a mean loss.
PATH = np.logspace(0.5, -5.5, 19)
#: Steps without gain after which the path ends; steps of the optimiser at each penalty.
_PATIENCE, _ITERATIONS = 4, 40
#: The first of the path: penalties under which hardly anything is learned.
_STRONG = 8
#: Least spread that a feature is divided by: rare levels are not blown up.
_LEAST = 0.1


class Linear(Learner):
    """See the module."""

    name: ClassVar[str] = "linear"

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_smooth(frame, {**RICH, **config})

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Choice("l1_ratio", [0.0, 0.2, 0.5, 0.8, 1.0], ordered=True, default=0.0)
        hp.Choice("scale", ["robust", "quantile"])
        hp.Choice("one_hot", [10, 30, 100], ordered=True, default=30)
        feature_space(hp, rich=True)

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        wide = columns * 4
        return 0.02 + rows * wide * (wide * 5e-11 + 4e-7)

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, config, weight = lesson.matrix, lesson.y, lesson.config, lesson.weight
        number = lesson.classes
        # Products of finite numbers may raise the flag in lanes that a BLAS kernel fills up and throws away.
        with blas_threads(lesson.threads), np.errstate(invalid="ignore"):
            path = _Path(matrix.values, y, number, weight, float(config.get("l1_ratio", 0.0)))
            path.sources = matrix.sources
            path.broken = config.get("iterations")
            return path.run(lesson)


class _Path:
    """Rows, standardised, and the models along the path of penalties."""

    def __init__(self, x: np.ndarray, y: np.ndarray, classes: int, weight: np.ndarray | None, ratio: float):
        self.classes, self.ratio = classes, ratio
        share = np.full(len(x), 1.0 / len(x)) if weight is None else weight / weight.sum()
        self.share = share.astype(np.float32)[:, None]
        self.center = (self.share.T @ x)[0]
        spread = np.sqrt(np.maximum((self.share.T @ np.square(x - self.center))[0], 0.0))
        self.scale = np.where(spread > 1e-7, np.maximum(spread, _LEAST), np.inf).astype(np.float32)
        self.spread = spread / self.scale  # of what weights are for: below 1 for rare levels
        self.sources: Sequence[tuple[str, ...]] = [(str(place),) for place in range(x.shape[1])]
        self.x = (x - self.center) / self.scale
        self.gram = (self.x.T @ (self.x * self.share)).astype(np.float64)
        self.largest = curvature(self.gram)
        spectrum, self.axes = np.linalg.eigh(self.gram)
        self.spectrum = np.maximum(spectrum, 0.0)
        if classes == 0:
            # Shares in single precision have not quite the sum 1: that is off by more than a small spread.
            self.middle, reach = float(np.average(y, weights=weight)), float(y.max() - y.min())
            self.unit = float(np.sqrt(self.share[:, 0] @ np.square(y - self.middle))) or 1.0
            self.range = (float(y.min()) - reach / 2, float(y.max()) + reach / 2)
            self.targets = ((y - self.middle) / self.unit).astype(np.float32)[:, None]
        else:
            outputs = 1 if classes == 2 else classes
            self.middle, self.unit, self.range = 0.0, 1.0, (-np.inf, np.inf)
            hot = y[:, None] == (np.arange(classes) if outputs > 1 else np.array([1]))
            self.targets = hot.astype(np.float32)
        #: Iterations after which the first step was broken off.
        self.broken: int | None = None
        self.weights = np.zeros((x.shape[1], self.targets.shape[1]))
        self.bias = np.zeros(self.targets.shape[1])
        if classes:
            prior = np.clip((self.share.T @ self.targets)[0], 1e-6, 1 - 1e-6)
            self.bias = np.log(prior / (1 - prior)) if classes == 2 else np.log(prior)

    def run(self, lesson: Lesson) -> FittedLinear:
        ended, valid, rounds, clock = "rounds", lesson.valid, lesson.rounds, lesson.clock
        choice = None
        if valid is not None and rounds is None:
            choice = Choice(valid[1], self.classes, valid[2], lesson.metric, lesson.ties)
        last = min(rounds or (len(PATH) if valid is not None else self._usual()), len(PATH))
        done, broken = 0, None
        for place in range(last):
            enough = place >= _STRONG
            if clock.late(enough=enough) and place:
                ended = "deadline"
                break
            before = self.weights, self.bias
            if not self._solve(float(PATH[place]), clock, enough):
                ended = "deadline"
                if place:  # whole steps can be done again
                    self.weights, self.bias = before
                    break
                broken = self.broken
            done = place + 1
            if choice is None or valid is None:
                continue
            model = self._model(done, "rounds")
            better = choice.offer(model, model.predict(valid[0]))
            if not better and choice.best is not None and done - choice.best.facts["rounds"] >= _PATIENCE:
                ended = "patience"
                break
        model = choice.best if choice is not None and choice.best is not None else self._model(done, ended)
        model.held = None if choice is None else choice.held
        model.facts["ended"] = ended
        if broken is not None:
            model.facts["iterations"] = broken
        return model

    def _usual(self) -> int:
        """The penalty where nothing says better: weaker the more rows there are for each feature."""
        wanted = 0.1 * np.sqrt(max(1, self.x.shape[1]) / len(self.x))
        return int(np.argmin(np.abs(np.log(PATH / wanted)))) + 1

    def _solve(self, penalty: float, clock: Clock, enough: bool) -> bool:
        """Whether there was time for all of it; ``enough``: see ``Clock.left``."""
        l1, l2 = penalty * self.ratio, penalty * (1 - self.ratio)
        if self.classes == 0:
            target = (self.x.T @ (self.targets * self.share)).astype(np.float64)
            self.weights = self._least(target, l1, l2, 1.0)
            return True
        bound = 0.25 if self.classes == 2 else 0.5
        ahead, ahead_bias, momentum = self.weights, self.bias, 1.0
        for iteration in range(1, _ITERATIONS + 1):
            slope, bias_slope = self._slope(ahead, ahead_bias)
            new = self._least(bound * (self.gram @ ahead) - slope, l1, l2, bound)
            new_bias = ahead_bias - bias_slope / bound
            change, bias_change = new - self.weights, new_bias - self.bias
            if float(np.sum((ahead - new) * change) + np.sum((ahead_bias - new_bias) * bias_change)) > 0:
                momentum = 1.0
            faster = (1 + (1 + 4 * momentum * momentum) ** 0.5) / 2
            push = (momentum - 1) / faster
            ahead, ahead_bias, momentum = new + push * change, new_bias + push * bias_change, faster
            self.weights, self.bias = new, new_bias
            if float(np.abs(change).max(initial=0.0)) < 1e-3 * (0.01 + float(np.abs(new).max(initial=0.0))):
                break
            if iteration == self.broken or clock.late(enough=enough):
                self.broken = iteration
                return False
        return True

    def _least(self, target: np.ndarray, l1: float, l2: float, bound: float) -> np.ndarray:
        if l1 == 0:
            turned = self.axes.T @ target
            return self.axes @ (turned / (bound * self.spectrum + l2 + 1e-9)[:, None])
        return minimum(self.gram * bound, target, self.weights, l1=l1, l2=l2, largest=self.largest * bound)

    def _slope(self, weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = self.x @ weights.astype(np.float32) + bias.astype(np.float32)
        if self.classes == 2:
            expected = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
        else:
            expected = softmax(scores)
        residual = (expected - self.targets) * self.share
        return (self.x.T @ residual).astype(np.float64), residual.sum(axis=0, dtype=np.float64)

    def _model(self, rounds: int, ended: str) -> FittedLinear:
        weights = self.weights / self.scale[:, None].astype(np.float64)
        bias = self.bias - self.center.astype(np.float64) @ weights
        if self.classes == 0:
            weights, bias = weights * self.unit, bias * self.unit + self.middle
        facts = {"rounds": rounds, "ended": ended, "penalty": float(PATH[rounds - 1]) if rounds else None}
        facts["used"] = int(np.any(self.weights != 0, axis=1).sum())
        model = FittedLinear(weights, bias, self.classes, self.range, facts)
        model.relied = _relied(np.linalg.norm(self.weights, axis=1) * self.spread, self.sources)
        return model


def _relied(deviations: np.ndarray, sources: Sequence[tuple[str, ...]]) -> np.ndarray:
    """What each feature adds to the standard deviation of what its columns contribute: variances add up.

    >>> _relied(np.array([3.0, 4.0, 5.0]), [("a",), ("a",), ("b",)]).round(6).tolist()
    [1.8, 3.2, 5.0]
    """
    variance, groups = np.square(deviations), {source: place for place, source in enumerate(dict.fromkeys(sources))}
    own = np.array([groups[source] for source in sources], np.int64)
    whole = np.sqrt(np.bincount(own, variance, len(groups)))[own]
    return np.divide(variance, whole, out=np.zeros(len(variance)), where=whole > 0)


class FittedLinear(Fitted):
    """Weights and a bias."""

    kind: ClassVar[str] = "linear"

    def __init__(
        self, weights: np.ndarray, bias: np.ndarray, classes: int, range_: tuple[float, float], facts: dict[str, Any]
    ):
        self.weights, self.bias, self.facts = weights, bias, facts
        self._classes, self._range = classes, range_
        #: How much each feature contributes; None in models that were stored without it.
        self.relied: np.ndarray | None = None

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        scores = matrix.values @ self.weights + self.bias
        if self._classes == 0:
            return np.clip(scores[:, 0], *self._range)
        if self._classes == 2:
            return both(1 / (1 + np.exp(-np.clip(scores[:, 0], -60, 60))))
        return softmax(scores)

    def shares(self) -> np.ndarray:
        return shared(np.abs(self.weights).sum(axis=1) if self.relied is None else self.relied)

    @property
    def row_ns(self) -> float:
        return _ROW_NS * self.weights.size

    def state(self) -> tuple[dict[str, Any], Arrays]:
        json = {"classes": self._classes, "range": list(self._range) if self._classes == 0 else None}
        more = {} if self.relied is None else {"relied": self.relied}
        return json | {"facts": self.facts}, {"weights": self.weights, "bias": self.bias, **more}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedLinear:
        low, high = json["range"] or (-np.inf, np.inf)
        made = cls(
            np.asarray(arrays["weights"]), np.asarray(arrays["bias"]), json["classes"], (low, high), json["facts"]
        )
        made.relied = np.asarray(arrays["relied"]) if "relied" in arrays else None
        return made
