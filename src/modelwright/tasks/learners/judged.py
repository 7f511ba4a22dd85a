"""How good predictions are on a hold-out, for learners that stop by it. Higher is better."""

from __future__ import annotations

import numpy as np

_SMALL = 1e-7


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
