"""Feasibility: how likely a configuration is to be allowed, learnt from what was measured and from what broke.

Knows limits and models; proposes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.constraint import KIND
from modelwright.core.history import History, Row
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.facts import Facts
from modelwright.strategy.surrogate import fit_values
from modelwright.strategy.terms import Below, Term

#: Trials without a measurement that ended badly, as the note calls them.
RUNS = "runs at all"


def feasibility(space: SearchSpace, history: History, vectors: np.ndarray) -> tuple[list[Term], dict[str, Any]]:
    """The logarithm of the probability of being allowed, as terms of an acquisition, and what the next fits start from.

    Each limit that was ever broken has a Gaussian process over its excess, whose probability to be at most 0 is known
    (Gardner et al., "Bayesian optimization with inequality constraints", ICML 2014); the excess is put on a scale that
    is fine near 0 and coarse far off (Eriksson and Poloczek, "Scalable constrained Bayesian optimization", AISTATS
    2021, section 3). Trials that ended badly without a measurement (out of memory, refused, not finite) are told from
    those that ran by one more, over -1 and 1. Limits are taken to be independent.

    Args:
        vectors: of every row, in order, shape (rows, axes).
    """
    terms: list[Term] = []
    note: dict[str, Any] = {}
    blank = (np.nan,) * len(history.limits)
    excess = np.array([row.excess or blank for row in history.rows]).reshape(len(history.rows), -1)
    for limit, column in zip(history.limits, excess.T):
        known = ~np.isnan(column)
        if known.sum() < 2 or not any(limit.broken(by) for by in column[known]):
            continue
        values = _fine_near_zero(column[known])
        middle, width = values.mean(), values.std()
        if width > 1e-9:
            fitted = fit_values(space, history.rows, _at(vectors[known]), (values - middle) / width, key=limit.text)
            terms.append(Below(fitted.model, float(-middle / width)))
            note |= fitted.note
    bad = np.array([_broke(row) for row in history.rows], dtype=bool)
    ran = np.array([row.values is not None and not _broke(row) for row in history.rows], dtype=bool)
    if bad.any() and ran.any():
        told = bad | ran
        values = np.where(bad[told], 1.0, -1.0)
        fitted = fit_values(space, history.rows, _at(vectors[told]), values, key=RUNS)
        terms.append(Below(fitted.model))
        note |= fitted.note
    return terms, note


def _broke(row: Row) -> bool:
    """Whether a trial ended badly, and not by a measurement."""
    return row.state in ("failed", "infeasible") and (row.error is None or row.error.kind != KIND)


def _at(points: np.ndarray) -> Facts:
    none = np.empty((0, points.shape[1]))
    return Facts(points, np.empty((len(points), 1)), none, False, np.ones(len(points), dtype=bool))


def _fine_near_zero(excess: np.ndarray) -> np.ndarray:
    """Logarithms on both sides of 0; what is infinite is twice as far as what is not."""
    finite = np.abs(excess[np.isfinite(excess)])
    far = 2 * float(finite.max(initial=0.0)) or 1.0
    held = np.clip(excess, -far, far)
    scale = float(np.median(finite)) if len(finite) else 1.0
    return np.sign(held) * np.log1p(np.abs(held) / (scale or 1.0))
