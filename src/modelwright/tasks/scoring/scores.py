"""Scores: the usual measures of classification and regression as fast functions of arrays, with weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Weight = np.ndarray | None


@dataclass(frozen=True, slots=True)
class Score:
    """A measure.

    Args:
        higher: whether higher is better.
        needs: ``"labels"`` (places of classes), ``"scores"`` (probabilities) or ``"values"``.
        function: of (true, predicted, weight). For labels and scores the true ones are places of classes; scores are
            an array of (rows, classes), or, where ``binary`` is set, that of the positive class, and places 0 and 1.
        binary: the same for two classes, where it looks at the positive one.
        link: ``"log1p"`` where learners do best on the logarithm of the values.
    """

    higher: bool
    needs: str
    function: Callable[[np.ndarray, np.ndarray, Weight], float]
    binary: Callable[[np.ndarray, np.ndarray, Weight], float] | None = None
    link: str = "identity"


def _tied(scores: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[np.ndarray, np.ndarray]:
    """Weight of the negatives and of the positives at each distinct score, from the lowest to the highest."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    true = y[order] == 1
    if weight is None:
        positives = np.add.reduceat(true.astype(np.float64), starts)
        return np.diff(np.r_[starts, len(order)]) - positives, positives
    heavy = weight[order]
    return np.add.reduceat(np.where(true, 0.0, heavy), starts), np.add.reduceat(np.where(true, heavy, 0.0), starts)


def roc_auc(y: np.ndarray, scores: np.ndarray, weight: Weight = None) -> float:
    """Area under the ROC curve: how often a positive row is scored above a negative one, ties half. NaN of one class.

    >>> roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    if not len(y):
        return float("nan")
    negatives, positives = _tied(scores, y, weight)
    below = np.cumsum(negatives) - negatives / 2
    pairs = negatives.sum() * positives.sum()
    return float(positives @ below / pairs) if pairs > 0 else float("nan")


def average_precision(y: np.ndarray, scores: np.ndarray, weight: Weight = None) -> float:
    """Mean precision over the recall gained at each distinct score. NaN without a positive row.

    >>> round(average_precision(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    if not len(y):
        return float("nan")
    negatives, positives = _tied(scores, y, weight)
    hit, missed = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
    if not hit[-1] > 0:
        return float("nan")
    taken = hit + missed
    precision = np.divide(hit, taken, out=np.zeros_like(hit), where=taken > 0)
    return float(precision @ positives[::-1] / hit[-1])


def _one_against_rest(measure: Callable[[np.ndarray, np.ndarray, Weight], float]):
    def averaged(y: np.ndarray, scores: np.ndarray, weight: Weight = None) -> float:
        """The mean over the classes that are there, each against the rest."""
        found = [measure((y == k).astype(np.int64), scores[:, k], weight) for k in range(scores.shape[1])]
        known = [value for value in found if value == value]
        return float(np.mean(known)) if known else float("nan")

    return averaged


def log_loss(y: np.ndarray, scores: np.ndarray, weight: Weight = None) -> float:
    """Mean negative logarithm of the probability of the true class; rows are made to sum to one.

    >>> round(log_loss(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]])), 4)
    0.1643
    """
    chosen = np.asarray(scores, dtype=np.float64)
    small = np.finfo(scores.dtype if scores.dtype.kind == "f" else np.float64).eps
    sums = chosen.sum(axis=1)
    true = chosen[np.arange(len(y)), y] / np.where(sums > 0, sums, 1.0)
    return float(np.average(-np.log(np.clip(true, small, 1 - small)), weights=weight))


def accuracy(y: np.ndarray, labels: np.ndarray, weight: Weight = None) -> float:
    """Share of the rows with the true class."""
    return float(np.average(y == labels, weights=weight))


def balanced_accuracy(y: np.ndarray, labels: np.ndarray, weight: Weight = None) -> float:
    """Mean over the classes of the share found."""
    count = int(max(y.max(initial=0), labels.max(initial=0))) + 1
    there = np.bincount(y, weights=weight, minlength=count)
    hit = np.bincount(y[y == labels], weights=None if weight is None else weight[y == labels], minlength=count)
    return float(np.mean(hit[there > 0] / there[there > 0]))


def f1(y: np.ndarray, labels: np.ndarray, weight: Weight = None) -> float:
    """Harmonic mean of precision and recall of class 1; 0 where it is never there nor predicted."""
    return float(_f1s(y, labels, weight, 2)[1])


def macro_f1(y: np.ndarray, labels: np.ndarray, weight: Weight = None) -> float:
    """Mean of the F1 of the classes that are there or predicted."""
    count = int(max(y.max(initial=0), labels.max(initial=0))) + 1
    there = np.union1d(y, labels)
    return float(np.mean(_f1s(y, labels, weight, count)[there])) if len(there) else float("nan")


def _f1s(y: np.ndarray, labels: np.ndarray, weight: Weight, count: int) -> np.ndarray:
    right = y == labels
    hit = np.bincount(y[right], weights=None if weight is None else weight[right], minlength=count)
    both = np.bincount(y, weights=weight, minlength=count) + np.bincount(labels, weights=weight, minlength=count)
    return np.divide(2.0 * hit, both, out=np.zeros(len(both)), where=both > 0)


def rmse(y: np.ndarray, values: np.ndarray, weight: Weight = None) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.average((y - values) ** 2, weights=weight)))


def rmsle(y: np.ndarray, values: np.ndarray, weight: Weight = None) -> float:
    """Root of the mean squared error of log(1 + value); predictions below 0 count as 0."""
    return rmse(np.log1p(y), np.log1p(np.maximum(values, 0.0)), weight)


def mae(y: np.ndarray, values: np.ndarray, weight: Weight = None) -> float:
    """Mean absolute error."""
    return float(np.average(np.abs(y - values), weights=weight))


def r2(y: np.ndarray, values: np.ndarray, weight: Weight = None) -> float:
    """Share of the variance that is explained; of constant values 1 where all are met, else 0."""
    errors = np.average((y - values) ** 2, weights=weight)
    spread = np.average((y - np.average(y, weights=weight)) ** 2, weights=weight)
    if spread > 0:
        return float(1 - errors / spread)
    return 1.0 if errors == 0 else 0.0


CLASSES, VALUES = ("binary", "multiclass"), ("regression",)
SCORES: dict[str, Score] = {
    "roc_auc": Score(True, "scores", _one_against_rest(roc_auc), roc_auc),
    "average_precision": Score(True, "scores", _one_against_rest(average_precision), average_precision),
    "log_loss": Score(False, "scores", log_loss),
    "accuracy": Score(True, "labels", accuracy),
    "balanced_accuracy": Score(True, "labels", balanced_accuracy),
    "f1": Score(True, "labels", macro_f1, f1),
    "rmse": Score(False, "values", rmse),
    "rmsle": Score(False, "values", rmsle, link="log1p"),
    "mae": Score(False, "values", mae),
    "r2": Score(True, "values", r2),
}
#: Names of scikit-learn for what is here too; its values are negative where the name begins with ``neg_``.
ALIASES = {
    "neg_log_loss": "log_loss",
    "neg_root_mean_squared_error": "rmse",
    "neg_root_mean_squared_log_error": "rmsle",
    "neg_mean_absolute_error": "mae",
}
#: Metrics that learners can go by, and functions of scikit-learn's that are, or are near to, one of them.
GUIDES = frozenset({"roc_auc", "average_precision", "accuracy", "mae"})
FUNCTIONS = {
    "roc_auc_score": "roc_auc",
    "average_precision_score": "average_precision",
    "accuracy_score": "accuracy",
    "mean_absolute_error": "mae",
    "median_absolute_error": "mae",
}
#: Functions of scikit-learn's metrics that are about the logarithm of the values, and those that have no value for
#: predictions of 0 and less.
LINKS = {"mean_squared_log_error": "log1p", "root_mean_squared_log_error": "log1p"}
ABOVE_ZERO = frozenset({"mean_poisson_deviance", "mean_gamma_deviance", "mean_tweedie_deviance", "d2_tweedie_score"})
DEFAULTS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
#: These look at the rarer of two classes unless somebody says otherwise.
RARER = frozenset({"average_precision", "f1", "precision", "recall", "jaccard"})
