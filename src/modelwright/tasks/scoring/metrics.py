"""Metrics: what a search goes by, from a name, a scorer of scikit-learn or a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.wording import kind_of
from modelwright.tasks.scoring.bounds import bounds
from modelwright.tasks.scoring.sampling import sample
from modelwright.tasks.scoring.scorers import (
    ALLOWED,
    keywords,
    named,
    places,
    refuse_other_task,
    takes_weights,
    tasks_of,
    title,
)
from modelwright.tasks.scoring.scores import ABOVE_ZERO, ALIASES, FUNCTIONS, GUIDES, LINKS, SCORES
from modelwright.tasks.scoring.target import Target

_OF_SCORES = frozenset(
    {"roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss", "top_k_accuracy_score"}
)

#: Rows of classes by which it is looked at whether a metric can be computed; how unsure their predictions are.
_CHECKED, _UNSURE = 10_000, 0.1


@dataclass(frozen=True, slots=True)
class Metric:
    """How good predictions are.

    Args:
        name: as it was given; a function's own name.
        higher: whether higher is better, in its natural sign.
        needs: ``"labels"``, ``"scores"`` (probabilities) or ``"values"``.
        link: ``"log1p"`` where learners do best on log(1 + value), else ``"identity"``.
        measure: what ``score`` computes with, of (y, predicted, weight).
        positive: of two classes the place of the one that ``f1`` and ``average_precision`` look at.
        weighs: whether it takes weights of rows.
        above_zero: whether it may have no value for predictions of 0 and less.
        given: what it was made of.

    >>> target = Target.of(np.array(["no", "yes", "no", "yes"], dtype=object))
    >>> metric = Metric.of("log_loss", target)
    >>> metric.higher, round(metric.score(np.array([0, 1]), np.array([0.1, 0.8])), 4)
    (False, 0.1643)
    """

    name: str
    higher: bool
    needs: str
    link: str
    measure: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
    positive: int = 1
    weighs: bool = True
    above_zero: bool = False
    given: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Metric.of, self.given

    @classmethod
    def of(cls, metric: Any, target: Target) -> Metric:
        """The metric for a target.

        Args:
            metric: one of ``roc_auc average_precision log_loss accuracy balanced_accuracy f1 rmse rmsle mae r2``; the
                name of a scorer of scikit-learn, or such an object, or a callable of (estimator, X, y); or a function
                of (y, predicted) with labels as they are in the data, for which higher is better unless its name ends
                with ``_error`` or ``_loss``, or it has an attribute ``higher = False``. It gets probabilities, as
                (rows, classes), where it has an attribute ``needs = "scores"``. None: the target's own metric.
            target: what is predicted. Of two classes ``average_precision`` and ``f1`` look at ``target.looked_for``;
                of more than two ``roc_auc``, ``average_precision`` and ``f1`` are means over the classes.

        Raises:
            ArgumentError: there is no such metric, or it does not go with the target.
        """
        return replace(cls._of(metric, target), given=(metric, target))

    @classmethod
    def _of(cls, metric: Any, target: Target) -> Metric:
        metric = target.metric if metric is None else metric
        refuse_other_task(metric, target.name, target.task, target.why)
        if isinstance(metric, str) and (metric in SCORES or metric in ALIASES):
            return _own(cls, metric, target)
        if isinstance(metric, str):
            return _scorer(cls, metric, named(metric), target)
        if not callable(metric):
            raise ArgumentError(f"metric is {kind_of(metric)}", where="metric", allowed=ALLOWED)
        if hasattr(metric, "_score_func") or places(metric) == 3:
            return _scorer(cls, title(metric), metric, target)
        return _function(cls, metric, target)

    def score(self, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
        """The score in its natural sign.

        Args:
            y: as ``target.encode`` gives it: places of classes, or values.
            predicted: for scores, probabilities as (rows, classes), or of the second of two classes as (rows,); for
                labels places of classes, or probabilities, of which the highest counts; values for regression.
            weight: one for each row.

        Returns:
            NaN where it is not defined, as ROC AUC is not where all rows are of one class, and nothing is where all
            weights are 0; or where scikit-learn or a function says that there is no value for such rows.
        """
        try:
            return self.computed(y, predicted, weight)
        except ArgumentError as error:
            if isinstance(error.__cause__, ValueError):
                return float("nan")
            raise

    def computed(self, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
        """``score``, with why there is none.

        Raises:
            ArgumentError: scikit-learn or a function says that it cannot be computed for such rows.
        """
        if weight is not None:
            weight = np.asarray(weight)
            if not weight.any():
                return float("nan")
        return self.measure(np.asarray(y), np.asarray(predicted), weight)

    def check(self, y: np.ndarray, target: Target, weight: np.ndarray | None = None) -> None:
        """Refuse a metric of somebody else's that has no value even for predictions that are as good as can be.

        Raises:
            ArgumentError: it cannot be computed, or gives no number.
        """
        if self.own is not None:
            return
        if target.is_classes:
            rows = sample(y, target.task, _CHECKED, seed=0)
            best = np.full((len(rows), len(target.classes)), _UNSURE / len(target.classes))
            best[np.arange(len(rows)), y[rows]] += 1 - _UNSURE
            y, weight = y[rows], None if weight is None else np.asarray(weight)[rows]
        else:
            best = np.clip(y, *bounds(y, positive=self.above_zero))
        if weight is not None and not np.any(weight):
            return
        found = self.computed(y, best, weight)
        # What has no bound is infinite where all is right, and tells other predictions apart all the same.
        if math.isnan(found) or not (math.isfinite(found) or math.isfinite(self.score(y, np.roll(best, 1, 0), weight))):
            raise ArgumentError(
                f"it gives {found:g} for predictions that are as good as can be", where=f"metric {self.name!r}",
                allowed="a number", hint="Does it go with the target?",
            )  # fmt: skip

    @property
    def own(self) -> str | None:
        """Which of our own metrics it is, whatever it was called; None where it is somebody else's.

        >>> target = Target.of(np.array([1.0, 2.5, 3.25, 4.0]), task="regression")
        >>> Metric.of("neg_mean_absolute_error", target).own
        'mae'
        """
        given = self.given[0] if self.given else None
        name = ALIASES.get(self.name, self.name)
        return name if (given is None or isinstance(given, str)) and name in SCORES else None

    def check_goal(self, goal: float | None) -> None:
        """Refuse a score to be reached that no predictions have.

        Raises:
            ArgumentError: it is beyond what perfect predictions get by a metric of ours.
        """
        if goal is None or self.own is None:
            return
        best = 1.0 if SCORES[self.own].higher else 0.0
        if goal > best if self.higher else goal < best:
            raise ArgumentError(
                f"target_score={goal:g} is never reached", where="fit",
                allowed=f"at {'most' if self.higher else 'least'} {best:g}: what {self.name} is where all is right",
            )  # fmt: skip

    @property
    def guide(self) -> str | None:
        """The metric of ours by which learners stop, and to whose errors they are fitted; None: by their loss."""
        given = self.given[0] if self.given else None
        found = self.own or FUNCTIONS.get(_theirs(named(given) if isinstance(given, str) else given))
        # The average precision that they know is that of the second class.
        return None if found not in GUIDES or (found == "average_precision" and self.positive == 0) else found

    def merit(self, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
        """The score with the sign that makes higher better."""
        found = self.score(y, predicted, weight)
        return found if self.higher else -found


# --- one kind of metric each ---------------------------------------------------------------------


def _own(cls: type[Metric], name: str, target: Target) -> Metric:
    score = SCORES[ALIASES.get(name, name)]
    sign = -1.0 if name.startswith("neg_") else 1.0
    flipped = _flipped(target, name)

    def measure(y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None) -> float:
        if score.needs == "scores":
            predicted = _matrix(predicted)
            if target.task == "binary" and score.binary is not None:
                true, chosen = (1 - y, predicted[:, 0]) if flipped else (y, predicted[:, 1])
                return score.binary(true, chosen, weight)
        elif score.needs == "labels":
            predicted = _labels(predicted)
            if target.task == "binary" and score.binary is not None:
                y, predicted = (1 - y, 1 - predicted) if flipped else (y, predicted)
                return score.binary(y, predicted, weight)
        return sign * score.function(y, predicted, weight)

    higher = score.higher if sign > 0 else True
    return cls(name, higher, score.needs, score.link, measure, 0 if flipped else 1)


def _flipped(target: Target, name: str) -> bool:
    """Whether a metric is about the first of two classes."""
    return target.task == "binary" and target.looks_at(name) == target.classes[0]


def _matrix(predicted: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - predicted, predicted]) if predicted.ndim == 1 else predicted


def _labels(predicted: np.ndarray) -> np.ndarray:
    if predicted.ndim == 2:
        return predicted.argmax(axis=1)
    return (predicted > 0.5).astype(np.int64) if predicted.dtype.kind == "f" else predicted.astype(np.int64)


def _scorer(cls: type[Metric], name: str, scorer: Any, target: Target) -> Metric:
    response = getattr(scorer, "_response_method", "predict")
    needs = "values" if target.task == "regression" else "labels" if response == "predict" else "scores"
    if not hasattr(scorer, "_score_func") and needs == "labels":
        needs = "scores"  # it may ask for either: probabilities give both
    given = getattr(scorer, "_kwargs", {})
    plain = isinstance(name, str) and hasattr(scorer, "_score_func") and "pos_label" not in given
    flipped = _flipped(target, name)
    stand_in = _stand_in(target.task != "regression")
    theirs, weighs = _theirs(scorer), takes_weights(getattr(scorer, "_score_func", scorer))

    def measure(y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None) -> float:
        if target.task == "regression":
            made = stand_in(predicted, None, None)
        else:
            labels, matrix = _labels(predicted), _matrix(predicted) if needs == "scores" else None
            classes = target.decode(np.arange(len(target.classes)))
            if plain and target.task == "binary":  # scikit-learn's own look at class 1: let that be the positive one
                y, labels = (1 - y, 1 - labels) if flipped else (y, labels)
                matrix = matrix[:, ::-1] if flipped and matrix is not None else matrix
                made = stand_in(labels, matrix, np.array([0, 1]))
            else:
                y = target.decode(y)
                made = stand_in(target.decode(labels), matrix, classes)
        more = _weighted(weight) if weighs else {}
        return _called(name, lambda: scorer(made, np.empty((len(y), 0)), y, **more))

    link = LINKS.get(theirs, "identity")
    first = flipped if plain else target.task == "binary" and given.get("pos_label") == target.classes[0]
    return cls(name, True, needs, link, measure, 0 if first else 1, weighs, theirs in ABOVE_ZERO)


def _theirs(metric: Any) -> str:
    """The name of the function of scikit-learn that a metric is; "" where it is none."""
    function = getattr(metric, "_score_func", metric)
    is_theirs = str(getattr(function, "__module__", "")).startswith("sklearn.metrics")
    return str(getattr(function, "__name__", "")) if is_theirs else ""


def _stand_in(is_classes: bool) -> Callable[..., Any]:
    """What a scorer takes for an estimator: it answers with predictions that are there already."""
    base = optional("sklearn.base", extra="tables", purpose="a scorer of scikit-learn")
    mixin = base.ClassifierMixin if is_classes else base.RegressorMixin

    class Answered(mixin, base.BaseEstimator):
        def __init__(self, labels: Any = None, matrix: Any = None, classes: Any = None):
            self.labels, self.matrix, self.classes = labels, matrix, classes
            if classes is not None:
                self.classes_ = classes

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def fit(self, X: Any, y: Any) -> Answered:
            return self

        def predict(self, X: Any) -> Any:
            return self.labels

        def predict_proba(self, X: Any) -> Any:
            return self.matrix

    return Answered


def _weighted(weight: np.ndarray | None) -> dict[str, Any]:
    return {} if weight is None else {"sample_weight": weight}


def _function(cls: type[Metric], function: Callable[..., Any], target: Target) -> Metric:
    name = title(function)
    higher = bool(getattr(function, "higher", not name.endswith(("_error", "_loss"))))
    needs = "values" if target.task == "regression" else getattr(function, "needs", None)
    if needs is None:
        needs = "scores" if name in _OF_SCORES and tasks_of(function) else "labels"
    second = needs == "scores" and target.task == "binary" and bool(tasks_of(function)) and name != "log_loss"
    takes_weight = "sample_weight" in keywords(function)

    def measure(y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None) -> float:
        more = _weighted(weight) if takes_weight else {}
        if target.task == "regression":
            return _called(name, lambda: function(y, predicted, **more))
        if needs == "labels":
            return _called(name, lambda: function(target.decode(y), target.decode(_labels(predicted)), **more))
        matrix = _matrix(predicted)
        if second:
            place = target.classes.index(target.positive)
            return _called(name, lambda: function((y == place).astype(np.int64), matrix[:, place], **more))
        return _called(name, lambda: function(target.decode(y), matrix, **more))

    theirs, first = _theirs(function), second and target.positive == target.classes[0]
    link = LINKS.get(theirs, "identity")
    return cls(name, higher, needs, link, measure, 0 if first else 1, takes_weight, theirs in ABOVE_ZERO)


def _called(name: str, compute: Callable[[], Any]) -> float:
    try:
        found = compute()
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            f"it cannot be computed: {error}", where=f"metric {name!r}", hint="Does it go with the target?"
        ) from error
    try:
        return float(found)
    except (TypeError, ValueError):
        raise ArgumentError(f"it gave {kind_of(found)}", where=f"metric {name!r}", allowed="one number") from None
