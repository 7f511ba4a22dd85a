"""How predictions for rows that models were not fitted on went: confusion, calibration, residuals. Fits nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelwright.tasks.learners.judged import part
from modelwright.tasks.scoring.calibration import tempered
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.scores import log_loss
from modelwright.tasks.scoring.thresholds import MOST_PROBABLE, Cut

#: Classes up to which all pairs are counted; of more, so many pairs that are mixed up most.
_PAIRS, _WORST = 30, 30
#: Parts of equal size in which calibration and residuals are looked at, and rows that each has at least.
_BINS, _ROWS = 10, 20


def judged(
    y: np.ndarray, predicted: np.ndarray, *, task: str, cut: Cut = MOST_PROBABLE, stands: np.ndarray | None = None
) -> dict[str, Any]:
    """What a report says of predictions besides their score.

    Args:
        y: classes from 0, or values, (rows,).
        predicted: probabilities (rows, classes) as they are deployed, or values (rows,).
        task: "binary", "multiclass" or "regression".
        cut: which class is named.
        stands: for how many each row stands, where some classes have more rows than their share.

    Returns:
        ``rows``; for classes ``confusion``, rows of true by columns of predicted classes (``mixed_up`` instead, the
        most frequent pairs, where there are many classes), and ``calibration``: for parts of the rows, by the
        probability of the second class or else of the named one, its mean, how often it was so, and rows. For values
        ``residuals``: for parts by the predicted value its mean, the quantiles 0.1, 0.5 and 0.9 of true - predicted,
        and rows; ``r2``, and ``within``: the quantiles 0.5 and 0.9 of how far predictions are off.

    >>> found = judged(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]]), task="binary")
    >>> found["confusion"]
    [[1, 0], [1, 1]]
    """
    if task == "regression":
        return {"rows": len(y), **_values(np.asarray(y, np.float64), np.asarray(predicted, np.float64))}
    classes = predicted.shape[1]
    named = cut.named(predicted)
    found: dict[str, Any] = {"rows": len(y)}
    if classes <= _PAIRS:
        counts = np.bincount(y * classes + named, stands, minlength=classes * classes).round().astype(np.int64)
        found["confusion"] = counts.reshape(classes, classes).tolist()
    else:
        pairs, which = np.unique((y * classes + named)[y != named], return_inverse=True)
        counts = np.bincount(which, part(stands, y != named), len(pairs)).round().astype(np.int64)
        top = np.argsort(-counts, kind="stable")[:_WORST]
        found["mixed_up"] = [[int(pairs[i] // classes), int(pairs[i] % classes), int(counts[i])] for i in top]
    found["right"] = float(np.average(named == y, weights=stands))
    said, true = (predicted[:, 1], y == 1) if task == "binary" else (predicted.max(axis=1), named == y)
    found["calibration"] = [
        [*(_short(np.average(one[rows], weights=part(stands, rows))) for one in (said, true)), len(rows)]
        for rows in _parts(said)
    ]
    return found


def as_deployed(
    y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None, *, task: str, metric: Metric,
    temperature: float = 1.0, cut: Cut = MOST_PROBABLE, stands: np.ndarray | None = None,
) -> dict[str, Any]:  # fmt: skip
    """``judged`` of predictions before calibration; with ``constant``, the score of always the same prediction.

    That is the best one that needs no column: the share of each class, or the class that scores best where classes are
    named; the mean, the median for ``mae``, or the mean of the logarithm for ``rmsle``. It is left out where the metric
    is somebody's own. Where they were chosen: ``log_loss``, before and after the temperature, and ``thresholds``, the
    score of the most probable class and of the one that is named; both on the rows that they were chosen on.
    """
    sure = predicted if task == "regression" else tempered(predicted, temperature)
    found = judged(y, sure, task=task, cut=cut, stands=stands)
    if temperature != 1.0:
        found["log_loss"] = [_short(log_loss(y, one, weight)) for one in (predicted, sure)]
    if cut != MOST_PROBABLE:
        found["thresholds"] = [_short(metric.score(y, one.named(sure), weight)) for one in (MOST_PROBABLE, cut)]
    if metric.own is not None:
        merits = [metric.merit(y, one, weight) for one in _constants(y, predicted.shape, weight, metric)]
        best = max((one for one in merits if math.isfinite(one)), default=None)
        found |= {} if best is None else {"constant": best if metric.higher else -best}
    return found


def _constants(
    y: np.ndarray, shape: tuple[int, ...], weight: np.ndarray | None, metric: Metric
) -> Iterator[np.ndarray]:
    """Predictions that are the same for all rows, of which one is the best."""
    if len(shape) == 1:
        if metric.own == "mae":
            order = np.argsort(y, kind="stable")
            share = np.cumsum(np.ones(len(y)) if weight is None else weight[order])
            middle = float(y[order][min(int(np.searchsorted(share, share[-1] / 2)), len(y) - 1)])
        elif metric.link == "log1p":
            middle = float(np.expm1(np.average(np.log1p(y), weights=weight)))
        else:
            middle = float(np.average(y, weights=weight))
        yield np.full(len(y), middle)
    elif metric.needs == "labels":
        usual = int(np.bincount(y, weights=weight, minlength=shape[1]).argmax())
        for one in (0, 1) if shape[1] == 2 else (usual,):
            yield np.full(len(y), one, np.int64)
    else:
        counts = np.bincount(y, weights=weight, minlength=shape[1])
        yield np.tile(counts / counts.sum(), (len(y), 1))


def _values(y: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    off = y - predicted
    spread = float(np.mean((y - y.mean()) ** 2))
    return {
        "residuals": [
            [_short(predicted[part].mean()), *map(_short, np.quantile(off[part], [0.1, 0.5, 0.9])), len(part)]
            for part in _parts(predicted)
        ],
        "r2": _short(1 - float(np.mean(off**2)) / spread) if spread > 0 else None,
        "within": [_short(value) for value in np.quantile(np.abs(off), [0.5, 0.9])],
    }


def _parts(by: np.ndarray) -> list[np.ndarray]:
    """Rows in parts of equal size, in the order of ``by``."""
    return np.array_split(np.argsort(by, kind="stable"), max(1, min(_BINS, len(by) // _ROWS)))


def _short(value: Any) -> float:
    return float(f"{float(value):.5g}")
