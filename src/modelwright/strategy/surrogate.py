"""The surrogate: a Gaussian process, or a forest, fitted to facts. Proposes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.blas import blas_threads
from modelwright.core.history import Row
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.facts import Facts, thin
from modelwright.strategy.forest import Forest
from modelwright.strategy.gp import GP, Bend
from modelwright.strategy.transfer import Earlier, Shifted
from modelwright.strategy.warp import evened, standardise, warp

#: The kernel is fitted anew when the observations have grown by this part, and always while they are few.
_REFIT = 20
#: From so many observations on fits are shorter and more frequent, so that no single proposal takes long.
_LARGE = 150
#: Trees of a forest.
_TREES = 25


@dataclass(slots=True)
class Fitted:
    """A model of the objective at full fidelity.

    Attributes:
        model: predicts warped, standardised scores; larger is better.
        points: what it was fitted to, pending points included, shape (n, axes).
        lengths: how far one has to go along each axis until values differ, in bent coordinates.
        note: what the next fit starts from; to be stored with the proposal.
    """

    model: Any
    points: np.ndarray
    lengths: np.ndarray
    note: dict[str, Any] = field(default_factory=dict)


def fit_gp(
    space: SearchSpace, rows: list[Row], facts: Facts, earlier: Earlier | None = None, key: str = "fit"
) -> Fitted:
    """The Gaussian process over what is known of an objective; pending points turn out as predicted.

    Args:
        earlier: the mean of the process, from earlier studies; how much each counts is set here.
        key: under which the fit is noted.

    Raises:
        ValueError: all values are equal.
        numpy.linalg.LinAlgError: the kernel matrix cannot be factorised.
    """
    # A warp would make much of the front's ends, and the volume that a front dominates is not counted in warped units.
    values = warp(facts.scores) if facts.table.shape[1] == 1 else evened(facts.scores)
    if not values.any():
        raise ValueError("all values are equal")
    keep = thin(facts.points, values)
    kept = replace(facts, points=facts.points[keep], table=facts.table[keep])
    return fit_values(space, rows, kept, standardise(values[keep]), earlier, key, len(facts.scores))


def fit_values(
    space: SearchSpace,
    rows: list[Row],
    facts: Facts,
    values: np.ndarray,
    earlier: Earlier | None = None,
    key: str = "fit",
    count: int | None = None,
) -> Fitted:
    """The Gaussian process over ``values``, one for each of the facts' points, about 0 and of about unit variance.

    Args:
        key, earlier: see ``fit_gp``.
        count: of how many observations these are what was kept.

    Raises:
        numpy.linalg.LinAlgError: the kernel matrix cannot be factorised.
    """
    points, count = facts.points, len(values) if count is None else count
    axes = len(space.axes)
    if earlier is not None:
        earlier.weigh(points[:, :axes], values)
        values = values - earlier.mean(points[:, :axes])
    names = [axis.name for axis in space.axes] + ["fidelity"] * facts.fidelities
    model = GP([axis.kind for axis in space.axes] + ["numeric"] * facts.fidelities)
    start, since = _start(rows, names, model, key)
    starts = [model.theta if start is None else start]
    large = count >= _LARGE
    rare = 100 if large else 10
    if max(since, 0) // rare < count // rare:
        starts.append(model.noisy())
    fresh = count - since >= max(1, count // (2 * _REFIT if large else _REFIT)) or count < since
    steps = 40 if since <= 0 else 4 if large else 10
    model.fit(points, values, starts, steps=steps if fresh else 0)
    model.extend(facts.pending)
    note: dict[str, Any] = {}
    if fresh:
        noise, scale = (round(float(t), 3) for t in model.theta[-2:])
        shapes = model.theta[:-2].reshape(3, -1).T.round(3).tolist()
        note[key] = {"n": count, "axes": dict(zip(names, shapes)), "noise": noise, "scale": scale}
    surrogate: Any = _Full(model) if facts.fidelities else model
    if earlier is not None:
        surrogate, note["transfer"] = Shifted(surrogate, earlier), earlier.note()
    return Fitted(surrogate, model.x[:, :axes], model.lengths[:axes], note)


def fit_forest(space: SearchSpace, facts: Facts, rng: np.random.Generator) -> Fitted:
    """A forest over what is known; pending points turn out as predicted. It has no slopes.

    Raises:
        ValueError: all values are equal.
    """
    values = warp(facts.scores)
    if not values.any():
        raise ValueError("all values are equal")
    keep = thin(facts.points, values)
    points, values = facts.points[keep], standardise(values[keep])
    model = Forest.fit(points, values, rng, trees=_TREES)
    if len(facts.pending):
        values = np.concatenate([values, model.predict(facts.pending)[0]])
        points = np.vstack([points, facts.pending])
        model = Forest.fit(points, values, rng, trees=_TREES)
    axes = len(space.axes)
    return Fitted(_Trees(model, facts.fidelities, axes), points[:, :axes], np.full(axes, 0.4))


class _Trees:
    """A forest asked about full fidelity; moves are made in the coordinates as they are."""

    def __init__(self, forest: Forest, fidelities: bool, axes: int):
        self.forest, self.fidelities = forest, fidelities
        self.bend = Bend(np.ones(axes), np.ones(axes), np.zeros(axes, dtype=bool))

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.forest.predict(np.column_stack([x, np.ones(len(x))]) if self.fidelities else x)

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return *self.predict(x), np.zeros(x.shape), np.zeros(x.shape)


class _Full:
    """A model with a fidelity axis, asked only about full fidelity."""

    def __init__(self, model: GP):
        self.model = model
        self.bend = Bend(model.bend.a[:-1], model.bend.b[:-1], model.numeric[:-1])

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.model.predict(np.column_stack([x, np.ones(len(x))]))

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        mean, std, by_mean, by_std = self.model.slopes(np.column_stack([x, np.ones(len(x))]))
        return mean, std, by_mean[:, :-1], by_std[:, :-1]


def _start(rows: list[Row], names: list[str], model: GP, key: str) -> tuple[np.ndarray | None, int]:
    """Where the fit begins: the shapes stored with the latest fitted proposal, and how many values it had.

    An axis that was not there then begins at the prior; a fit that lacks one is due again at once.
    """
    for row in reversed(rows):
        fit = row.note.get(key)
        if isinstance(fit, Mapping) and "axes" in fit:
            theta = model.theta.copy()
            shapes = theta[:-2].reshape(3, -1)
            for i, name in enumerate(names):
                shapes[:, i] = fit["axes"].get(name, shapes[:, i])
            theta[-2:] = fit["noise"], fit["scale"]
            return theta, int(fit["n"]) if set(names) <= set(fit["axes"]) else -len(rows)
    return None, 0


def one_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra to one thread: on matrices this small several only get in each other's way."""
    return blas_threads(1)
