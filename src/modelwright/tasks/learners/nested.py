"""How long to fit where the rows that judge are too few to say it: by folds of the rows that are fitted.

A fit that stops where a dozen rows are predicted best, and is judged by the same dozen, is judged by 0.15 of an area
under the curve too well where there is nothing to learn. Choosing within the training rows is nested cross-validation:
Varma and Simon, "Bias in error estimation when using cross-validation for model selection", 2006.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.learners.base import Fitted, How, Learner
from modelwright.tasks.learners.judged import Halves, dealt

#: Parts of the rows, each of which chooses once; and from how many rows on one of them is enough.
_PARTS, _MANY = 3, 1000


def fit_and_hold(
    learner: Learner,
    matrix: Matrix,
    y: np.ndarray,
    task: str,
    *,
    config: Mapping[str, Any],
    within: np.ndarray | None = None,
    **how: Unpack[How],
) -> tuple[Fitted, float]:
    """``learner.fit``, so that nothing is chosen by the rows of ``valid`` alone that they judge.

    Where these are enough, what each half of them is predicted with is chosen by the other: ``Fitted.held``. Where they
    are not, the rounds are the median of those that are best for parts of the rows of ``matrix``.

    Args:
        within: which rows of ``matrix`` belong together, as ``ties`` says it of those of ``valid``.

    Returns:
        The model, and seconds that other fits took which said how long to go on.
    """
    valid, classes = how.get("valid"), how.get("classes") or 0
    if valid is None or not learner.chooses or Halves.of(valid[1], classes, valid[2], how.get("ties")) is not None:
        return learner.fit(matrix, y, task, config=config, **how), 0.0
    began = time.perf_counter()
    own: How = {**how, "valid": None, "ties": None}
    rounds, ended = _rounds(learner, (matrix, y, task, config), own, within)
    seconds = time.perf_counter() - began
    fitted = learner.fit(matrix, y, task, config=config, **{**own, "rounds": rounds})
    if ended == "deadline":
        fitted.facts["ended"] = ended
    return fitted, seconds


def _rounds(
    learner: Learner,
    lesson: tuple[Matrix, np.ndarray, str, Mapping[str, Any]],
    how: How,
    within: np.ndarray | None,
) -> tuple[int | None, str]:
    """Rounds for all rows, and why the fits that say so ended; no rounds where no part can judge."""
    matrix, y, task, config = lesson
    weight, parts = how.get("weight"), dealt(y, within, _PARTS)
    found, ended = [], "patience"
    for part in range(_PARTS if len(y) < _MANY else 1):
        off, on = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
        if not _judges(y, off, on, task, weight):
            continue
        inner: How = {
            **how,
            "weight": None if weight is None else weight[on],
            "valid": (matrix.take(off), y[off], None if weight is None else weight[off]),
            "ties": None if within is None else within[off],
        }
        fitted = learner.fit(matrix.take(on), y[on], task, config=config, **inner)
        ended = "deadline" if fitted.facts.get("ended") == "deadline" else ended
        if rounds := fitted.facts.get("rounds"):
            found.append(rounds * learner.longer(rounds, len(on), len(y)))
    return (max(1, round(float(np.median(found)))) if found else None), ended


def _judges(y: np.ndarray, off: np.ndarray, on: np.ndarray, task: str, weight: np.ndarray | None) -> bool:
    if not len(off) or not len(on) or (weight is not None and not (weight[off].any() and weight[on].any())):
        return False
    return task == "regression" or min(len(np.unique(y[off])), len(np.unique(y[on]))) > 1
