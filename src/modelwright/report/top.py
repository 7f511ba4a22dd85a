"""What it takes to be among the best trials: one parameter at a time, by how differently the best are spread.

PED-ANOVA (S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
Subspaces", IJCAI 2023, section 4): the variance of "is among the best" that a parameter explains on its own is the
Pearson divergence of its density among the best from that among all, in closed form. All means all trials here, not the
space: where a search looked more often counts on both sides, and so cancels.
"""

from __future__ import annotations

import numpy as np

from modelwright.report.landscape import Compared

#: Part of the trials that are "the best".
GAMMA = 0.1
#: Of trials and of best trials, those that tell something.
ENOUGH, FEW = 30, 5
#: Places at which densities are compared, and draws of the trials for the interval.
PLACES, DRAWS = 64, 40


def top_shares(
    data: Compared, rng: np.random.Generator, gamma: float = GAMMA
) -> list[tuple[str, float, float, float, float]]:
    """(name, share, low, high, active) of each parameter, the largest share first; empty where trials are too few.

    A share is the part of the variance of "is among the best" that the parameter explains on its own, in [0, 1]: 1
    when it decides alone. What chance would show is taken off. A parameter that was inactive in some trials is compared
    among those in which it was active, the best of them being the best.

    Args:
        gamma: which part of the trials counts as the best.
    """
    found = []
    known: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    for j in data.varied():
        active = np.isfinite(data.points[:, j])
        if active.sum() < ENOUGH:
            continue
        mask = active.tobytes()
        if mask not in known:
            known[mask] = _drawn(data.scores[active], rng, gamma)
        shares = _shares(*known[mask], _kernel(data.points[active, j], int(data.levels[j])))
        reach = 1.645 * float(shares[1:].std(ddof=1))
        share, low, high = (float(v) for v in np.clip([shares[0], shares[0] - reach, shares[0] + reach], 0.0, 1.0))
        found.append((data.names[j], share, low, high, float(active.mean())))
    return sorted(found, key=lambda line: (-line[1], line[0]))


def _drawn(scores: np.ndarray, rng: np.random.Generator, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """How often each trial counts, and how much of that is among the best: (draws, trials), as they are and drawn."""
    count = len(scores)
    draws = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(DRAWS)]
    weights = np.vstack([np.ones(count), *draws])
    # Ties share what is left of the best at the edge, so that the order of trials does not matter.
    _, level = np.unique(-scores, return_inverse=True)
    sizes = np.stack([np.bincount(level, line) for line in weights])
    before = np.cumsum(sizes, axis=1) - sizes
    wanted = max(gamma * count, FEW)
    part = np.clip(wanted - before, 0.0, sizes) / np.maximum(sizes, 1)
    return weights, weights * part[:, level]


def _shares(weights: np.ndarray, best: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The share of the parameter with this kernel in each draw."""
    total, wanted = weights.sum(axis=1, keepdims=True), best.sum(axis=1, keepdims=True)
    among, everywhere = best @ kernel / wanted, weights @ kernel / total
    known = everywhere > 1e-12
    over = np.where(known, 1 / np.where(known, everywhere, 1.0), 0.0)
    part = (wanted / total)[:, 0]
    gap = ((among - everywhere) ** 2 * over).sum(axis=1)
    # What the gap would be by chance, exactly: the variance of a mean of ``wanted`` drawn from ``total``.
    square = weights @ (kernel * kernel) / total - everywhere**2
    chance = (square * over).sum(axis=1) * (1 - part) / wanted[:, 0]
    return (gap - chance) * part / (1 - part)


def _kernel(points: np.ndarray, levels: int) -> np.ndarray:
    """How much each trial counts at each place, rows summing to one: levels as they are, else a normal density.

    Densities are reflected at the ends of the range, so that an optimum there is not smoothed away. They are narrow,
    for what chance adds is known exactly and taken off: a tenth of the range shows as such with 40 best trials.
    """
    if 1 < levels <= PLACES:
        return np.eye(levels)[np.clip(np.floor(points * levels).astype(int), 0, levels - 1)]
    width = np.clip(0.02 * np.sqrt(40 / max(GAMMA * len(points), FEW)), 1 / PLACES, 0.1)
    at = (np.arange(PLACES) + 0.5) / PLACES
    density = np.zeros((len(points), PLACES))
    for mirrored in (points, -points, 2 - points):
        density += np.exp(-0.5 * ((at - mirrored[:, None]) / width) ** 2)
    return density / density.sum(axis=1, keepdims=True)
