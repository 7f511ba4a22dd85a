"""Cost: what a configuration is expected to take, learnt from what trials took. Knows models; proposes nothing.

Measured seconds are stored facts, so that a study that is resumed from its events proposes what it would have. Two runs
of one search measure different seconds, and go different ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.constraint import DURATION
from modelwright.core.history import History, Row
from modelwright.strategy.base import SearchSpace

if TYPE_CHECKING:
    from modelwright.strategy.terms import Term

#: The kind of the note that asks for it, with the budget in ``trials`` and ``seconds``, or with ``off``.
KIND = "cost"
#: Costs that differ by less than this factor are taken for equal.
_ALIKE = 2.0


def cost(space: SearchSpace, history: History, vectors: np.ndarray) -> tuple[list[Term], dict[str, Any]]:
    """Minus the logarithm of the expected cost, weighted by what is left of the budget, and a note.

    Improvement is divided by cost to the power of alpha, which falls from 1 to 0 as the budget is used up: cheap trials
    first, and near the end what is best whatever it takes (Lee et al., "Cost-aware Bayesian optimization", AutoML
    workshop at ICML 2020, section 3.2). Costs are modelled by their logarithm, for full training: a part of it counts
    as that part. Nothing where the study did not ask for it, while fewer than three costs are known, or where all are
    alike.

    Args:
        vectors: of every row, in order, shape (rows, axes).
    """
    from modelwright.strategy.facts import Facts  # models take long to load, and every search knows ``KIND``
    from modelwright.strategy.surrogate import fit_values
    from modelwright.strategy.terms import Mean

    alpha = weight(history)
    spent = np.array([_spent(row) for row in history.rows])
    known = np.isfinite(spent)
    if alpha is None or alpha <= 0 or known.sum() < 3 or np.ptp(spent[known]) < np.log(_ALIKE):
        return [], {}
    middle, width = float(spent[known].mean()), float(spent[known].std())
    points = vectors[known]
    nothing = np.empty((0, points.shape[1]))
    facts = Facts(points, spent[known, None], nothing, False, np.ones(len(points), dtype=bool))
    fitted = fit_values(space, history.rows, facts, (spent[known] - middle) / width, key="fit cost")
    return [Mean(fitted.model, -alpha * width)], {"alpha": round(alpha, 4), **fitted.note}


def weight(history: History) -> float | None:
    """How much cost counts now: the share of the budget that is left, 1 without a budget; None when it does not."""
    for note in reversed(history.notes):
        if note.kind == KIND:
            break
    else:
        return None
    if note.data.get("off"):
        return None
    trials, seconds = note.data.get("trials"), note.data.get("seconds")
    used = [history.started / trials] if trials else []
    used += [history.elapsed / seconds] if seconds else []
    return float(np.clip(1.0 - max(used, default=0.0), 0.0, 1.0))


def _spent(row: Row) -> float:
    """Logarithm of the seconds that full training would take; NaN where nothing is known.

    A metric ``duration`` counts before what was measured: some trials are run elsewhere, or stand for others.
    """
    took = row.metrics.get(DURATION, row.duration)
    if row.values is None or row.pending or not (took > 0 and row.fidelity > 0):
        return np.nan
    return float(np.log(took / row.fidelity))
