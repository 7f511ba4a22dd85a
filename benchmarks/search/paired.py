"""Paired comparison of two methods that ran on the same problems with the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

Runs = Mapping[tuple[str, int], Sequence[float]]
#: Differences of regret below this count as ties.
TIE = 1e-3


@dataclass(frozen=True)
class Paired:
    """How one method differs from another after a mark; negative is better.

    Attributes:
        pairs: runs that both did.
        mean: mean difference of regret.
        low, high: its 95 % interval, by resampling the pairs within each problem.
        p: two-sided Wilcoxon signed-rank test of the pairs; 1 when all are equal.
        wins, ties, losses: of the pairs.
        lost: problems whose mean difference is above the tie, with it, worst first.
    """

    pairs: int
    mean: float
    low: float
    high: float
    p: float
    wins: int
    ties: int
    losses: int
    lost: tuple[tuple[str, float], ...]


def compare(ours: Runs, theirs: Runs, mark: int, draws: int = 4000) -> Paired | None:
    """The comparison at the ``mark``-th number of each run; None when no run is common to both."""
    common = sorted(set(ours) & set(theirs))
    if not common:
        return None
    gaps = np.array([ours[key][mark] - theirs[key][mark] for key in common])
    names = np.array([name for name, _ in common])
    each = {str(name): gaps[names == name] for name in np.unique(names)}
    rng = np.random.default_rng(0)
    sums = sum(rng.choice(g, (draws, len(g))).sum(axis=1) for g in each.values())
    low, high = np.quantile(np.asarray(sums) / len(gaps), (0.025, 0.975))
    p = float(wilcoxon(gaps).pvalue) if np.abs(gaps).max() > 0 else 1.0
    lost = sorted(
        ((n, round(float(g.mean()), 4)) for n, g in each.items() if g.mean() > TIE), key=lambda pair: -pair[1]
    )
    return Paired(
        len(gaps),
        float(gaps.mean()),
        float(low),
        float(high),
        p,
        int((gaps < -TIE).sum()),
        int((np.abs(gaps) <= TIE).sum()),
        int((gaps > TIE).sum()),
        tuple(lost),
    )
