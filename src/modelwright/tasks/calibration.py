"""What is done to probabilities after the ensemble: a temperature, and the threshold of a decision.

Both are fitted on predictions for rows that the models were not fitted on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelwright.tasks.learners.judged import Halves
from modelwright.tasks.metrics import Metric

#: Rows from which a temperature is fitted, and from which a threshold is.
ENOUGH, ENOUGH_FOR_THRESHOLD = 500, 100
_TINY = 1e-7
#: Thresholds among which the best is looked for while ensembles are chosen: even steps of the logarithm of the odds.
_CUTS = 1 / (1 + np.exp(-np.linspace(-7.0, 7.0, 113)))
#: From true and false positives and negatives, all by threshold: merits of metrics that name classes.
_BY_COUNTS: dict[str, Callable[..., np.ndarray]] = {
    "accuracy": lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
    "balanced_accuracy": lambda tp, fp, fn, tn: 0.5 * (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)),
    "f1": lambda tp, fp, fn, tn: _ratio(2 * tp, 2 * tp + fp + fn),
}


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (rows, classes) with their logarithms divided by ``temperature``: above 1 they are less sure.

    >>> tempered(np.array([[0.9, 0.1]]), 2.0).round(3)
    array([[0.75, 0.25]])
    """
    if temperature == 1.0:
        return probabilities
    logs = np.log(np.clip(probabilities, _TINY, 1.0)) / temperature
    logs -= logs.max(axis=1, keepdims=True)
    found = np.exp(logs)
    return found / found.sum(axis=1, keepdims=True)


def temperature(probabilities: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The temperature with the least log loss, drawn towards 1 where rows are few; 1 below 500 rows.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        probabilities: (rows, classes).
        y: class of each row, from 0.
    """
    if len(y) < ENOUGH:
        return 1.0
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(y))

    def loss(log_temperature: float) -> float:
        picked = np.log(np.clip(tempered(probabilities, float(np.exp(log_temperature)))[rows, y], _TINY, 1.0))
        return -float(np.average(picked, weights=weight)) + log_temperature**2 / len(y)

    found = minimize_scalar(loss, bounds=(-1.0, 1.0), method="bounded", options={"xatol": 1e-3})
    gained = loss(0.0) - loss(float(found.x))
    return float(np.exp(found.x)) if gained > 0 else 1.0


def threshold(scores: np.ndarray, y: np.ndarray, merit: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """From which probability on the second class is named, with the highest merit; the middle of where it is highest.

    Args:
        scores: probability of the second class, (rows,).
        y: 0 or 1 for each row.
        merit: of named classes for ``y``; higher is better.

    >>> scores = np.linspace(0, 1, 200)
    >>> threshold(scores, (scores > 0.3).astype(int), lambda y, named: float((y == named).mean()))
    0.3...
    """
    if len(y) < ENOUGH_FOR_THRESHOLD:
        return 0.5
    grid = np.unique(np.append(np.quantile(scores, np.linspace(0.005, 0.995, 199)), 0.5))
    merits = np.array([merit(y, (scores >= at).astype(int)) for at in grid])
    # One lucky row makes a peak; a threshold must be good together with its neighbours.
    smooth = np.convolve(np.pad(merits, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    best = smooth.max()
    if best <= smooth[int(np.searchsorted(grid, 0.5))] + 1e-12:
        return 0.5
    close = grid[smooth >= best - 1e-12]
    return float((close[0] + close[-1]) / 2)


def names_by_threshold(metric: Metric, predicted: np.ndarray) -> bool:
    """Whether a metric looks at which of two classes is named, so that a threshold decides."""
    return metric.needs == "labels" and predicted.ndim == 2 and predicted.shape[1] == 2


def attained(metric: Metric, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The score with the threshold that will be deployed, chosen for each half of the rows by the other.

    Args:
        y: class of each row, from 0, or values.
        predicted: probabilities (rows, classes), or values (rows,).
    """
    halves = Halves.of(y, 2, weight) if names_by_threshold(metric, predicted) else None
    if halves is None:
        return metric.score(y, predicted, weight)
    scores = predicted[:, 1]
    cuts = [
        best_threshold(metric, y[own], scores[own], None if weight is None else weight[own]) for own in halves.places
    ]
    named = halves.crossed(lambda half, own: (scores[own] >= cuts[1 - half]).astype(np.int64))
    return metric.score(y, named, weight)


def best_threshold(metric: Metric, y: np.ndarray, scores: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The threshold by which a metric is best."""

    def merit(y: np.ndarray, named: np.ndarray) -> float:
        return metric.merit(y, named, weight)

    return threshold(scores, y, merit)


def attainable(metric: Metric, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The merit at the best of some thresholds, quickly, for choosing between predictions for the same rows."""
    count = _BY_COUNTS.get(metric.name) if names_by_threshold(metric, predicted) else None
    if count is None:
        return metric.merit(y, predicted, weight)
    place, positive = np.searchsorted(_CUTS, predicted[:, 1], side="right"), metric.positive
    true = y == 1
    share = np.ones(len(y)) if weight is None else weight
    above = [np.bincount(place[own], share[own], len(_CUTS) + 1)[::-1].cumsum()[::-1][1:] for own in (true, ~true)]
    whole = [float(share[own].sum()) for own in (true, ~true)]
    counts = above[0], above[1], whole[0] - above[0], whole[1] - above[1]
    if positive == 0:
        counts = counts[3], counts[2], counts[1], counts[0]
    return float(np.max(count(*counts)))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=np.asarray(whole) > 0)
