"""What is done to probabilities after the ensemble: a temperature, and the threshold of a decision.

Both are fitted on predictions for rows that the models were not fitted on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Rows from which a temperature is fitted, and from which a threshold is.
ENOUGH, ENOUGH_FOR_THRESHOLD = 500, 100
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
