"""What is done to probabilities after the ensemble: a temperature, fitted on rows that no member was fitted on."""

from __future__ import annotations

import numpy as np

#: Rows from which a temperature is fitted.
ENOUGH = 500
_TINY = 1e-7


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
