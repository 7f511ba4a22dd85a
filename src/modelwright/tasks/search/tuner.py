"""Where new candidates come from once the portfolio is tried: near the best, and where a model expects improvement.

For each family of models a Gaussian process on ranks; the family itself is drawn by how good its best is. Decides by
stored facts alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from modelwright.core.history import History
from modelwright.core.records import Config
from modelwright.strategy.acquisition import log_ei
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.gp import GP
from modelwright.strategy.surrogate import one_thread

#: Values of a family before it has a model; neighbours of each of the best; draws; families that are drawn from.
_ENOUGH, _NEAR, _DRAWN, _FAMILIES = 4, 10, 40, 4
_TRIES = 60


def proposed(
    history: History,
    space: SearchSpace,
    merits: Mapping[int, float],
    rng: np.random.Generator,
    family: str,
    only: Collection[str] | None = None,
    standing: Mapping[int, float] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A configuration that was not tried, and how it was found; None when none is left.

    Args:
        merits: trial -> merit, all of the same units; higher is better.
        family: the decision that names the kind of model.
        only: the kinds that it may be of; None for all.
        standing: the same where some were judged by more units; what a kind of model is drawn by and what is looked at
            nearby. None for the merits.
    """
    tried = {space.key(row.config) for row in history.rows}
    standing = merits if standing is None else standing
    if only is not None:
        merits = {n: merit for n, merit in merits.items() if history.rows[n].config.get(family) in only}
    chosen = _family(history, {n: standing[n] for n in merits}, rng, family)
    if chosen is None:
        return _drawn(space, rng, tried, family, only)
    own = sorted((n for n in merits if history.rows[n].config.get(family) == chosen), key=lambda n: -standing[n])
    pool = _pool(space, rng, [history.rows[n].config for n in own[:3]], chosen, family, tried)
    if not pool:
        return _drawn(space, rng, tried, family, only)
    if len(own) < _ENOUGH:
        return pool[int(rng.integers(len(pool)))], {"by": "near the best", "family": chosen}
    ranks = ndtri((_ranks([merits[n] for n in own]) - 0.5) / len(own))
    table = np.array([space.encode(history.rows[n].config) for n in own])
    points = np.array([space.encode(config) for config in pool])
    varied: np.ndarray = np.asarray(~np.isnan(table).any(axis=0) & ~np.isnan(points).any(axis=0))
    kinds = [axis.kind for axis, used in zip(space.axes, varied, strict=True) if used]
    if not kinds:
        return pool[0], {"by": "near the best", "family": chosen}
    try:
        with one_thread():
            gp = GP(kinds).fit(table[:, varied], ranks)
            mean, std = gp.predict(points[:, varied])
            incumbent = float(gp.predict(table[:, varied])[0].max())
    except np.linalg.LinAlgError:
        return pool[0], {"by": "near the best", "family": chosen}
    best = int(log_ei(mean, std, incumbent).argmax())
    note = {"by": "gp", "family": chosen, "mean": round(float(mean[best]), 4), "std": round(float(std[best]), 4)}
    return pool[best], note


def _family(history: History, merits: Mapping[int, float], rng: np.random.Generator, family: str) -> str | None:
    """A family by the rank of its best, among those that have anything to decide."""
    best: dict[str, float] = {}
    for number, merit in merits.items():
        row = history.rows[number]
        if math.isfinite(merit) and len(row.config) > 1:
            name = str(row.config.get(family))
            best[name] = max(best.get(name, -math.inf), merit)
    ranked = sorted(best, key=lambda name: -best[name])[:_FAMILIES]
    if not ranked:
        return None
    weight = 0.5 ** np.arange(len(ranked))
    return ranked[int(rng.choice(len(ranked), p=weight / weight.sum()))]


def _pool(
    space: SearchSpace, rng: np.random.Generator, tops: list[Config], chosen: str, family: str, tried: set[str]
) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for config in tops:
        near = space.neighbours(config, rng, _NEAR)
        second = [one for first in near[:4] for one in space.neighbours(first, rng, 3)]
        for one in (*near, *second):
            if one.get(family) == chosen:
                found.setdefault(space.key(one), dict(one))
    for _ in range(_DRAWN):
        one = space.sample(rng)
        if one.get(family) == chosen:
            found.setdefault(space.key(one), one)
    return [config for key, config in found.items() if key not in tried]


def _drawn(
    space: SearchSpace, rng: np.random.Generator, tried: set[str], family: str, only: Collection[str] | None
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    for _ in range(_TRIES):
        config = space.sample(rng)
        if space.key(config) not in tried and (only is None or config.get(family) in only):
            return config, {"by": "random"}
    return None


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks from 1, those of equal values their mean.

    >>> _ranks([0.5, 0.1, 0.5])
    array([2.5, 1. , 2.5])
    """
    # That of scipy.stats takes longer to be imported than most fits have for a first model.
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]
