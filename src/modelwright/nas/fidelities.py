"""How alike the fidelities of a search rank its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from modelwright.core.history import History
from modelwright.strategy.audit import agreement


@dataclass(frozen=True, slots=True)
class Fidelities:
    """How alike two fidelities rank trials.

    Attributes:
        rho: Spearman's correlation over the trials that ended at both.
        trials: how many these are, from two; below four they say next to nothing.
        tau: Kendall's tau over all trials, from audits; None without them. ``rho`` is of the trials that were let go
            on, which are the better ones, and understates.
        named: what the two are called; "" where they have no names.
    """

    low: float
    high: float
    rho: float
    trials: int
    tau: float | None = None
    named: tuple[str, str] = ("", "")


def fidelities_of(history: History, names: Mapping[float, str] | None = None) -> list[Fidelities]:
    """Each pair of fidelities at which at least two of the same trials ended, in order.

    Args:
        names: what fidelities are called.
    """
    said = {round(fidelity, 6): name for fidelity, name in (names or {}).items()}
    objective = history.objectives[0]
    ended: dict[float, dict[int, float]] = {}
    for row in history.rows:
        for fidelity, values in row.segments.items():
            if values is not None and np.isfinite(objective.score(values[0])):
                ended.setdefault(fidelity, {})[row.number] = objective.score(values[0])
    levels = sorted(ended)
    compared = [level for level in levels if len(ended[level]) > 3]
    audited = any(row.note.get("audited") for row in history.rows)
    found = []
    for low, high in combinations(levels, 2):
        both = sorted(ended[low].keys() & ended[high].keys())
        if len(both) < 2:
            continue
        one, two = ([ended[level][n] for n in both] for level in (low, high))
        rho = float(np.corrcoef(_ranks(one), _ranks(two))[0, 1]) if np.ptp(one) > 0 and np.ptp(two) > 0 else 0.0
        named = said.get(round(low, 6), ""), said.get(round(high, 6), "")
        shown = agreement(history, compared, low, high) if audited and {low, high} <= {*compared} else None
        found.append(Fidelities(low, high, rho, len(both), None if shown is None else shown.tau, named))
    return found


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Places in order; equal values share theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - counts / 2)[inverse]
