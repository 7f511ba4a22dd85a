"""Transfer: what earlier studies with overlapping spaces say about this one. Learns from stored facts alone.

A study that starts with ``transfer=`` keeps a copy of what it may learn from in a note: configurations, and how each
compared with the others of its own study, as standard scores, so that scales and metrics' ranges do not matter. A
Gaussian process over each study's copy is the mean of this study's own process, which then only has to learn how this
task differs. How much an earlier study counts is found anew at each proposal, from how well it predicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from modelwright.core.history import History
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.gp import GP

#: The kind of the note that holds the copies.
KIND = "transfer"
#: What an earlier study's prediction counts before anything is known, and how sure that is.
_TRUST, _SURE = 0.7, 0.7
#: What counts less is left out, and costs no time.
_SILENT = 0.02
#: Trials of this study that its own process needs before its fit is better than none.
ENOUGH = 3


def standard_scores(scores: np.ndarray) -> np.ndarray:
    """Ranks as quantiles of a normal distribution; larger stays better, equal stays equal.

    >>> standard_scores(np.array([3.0, 1.0, 2.0])).round(2).tolist()
    [0.97, -0.97, 0.0]
    """
    from scipy.stats import rankdata  # takes half a second to load, and few searches come here

    return ndtri((rankdata(scores) - 0.5) / len(scores))


class Earlier:
    """The models of the studies in a note, as one mean for this study.

    Attributes:
        weights, offset: what each model counts, and what is added; set by ``weigh``.
    """

    def __init__(self, models: Sequence[GP], names: Sequence[str]):
        self.models, self.names = tuple(models), tuple(names)
        self.weights = np.full(len(models), _TRUST / max(len(models), 1))
        self.offset = 0.0

    @staticmethod
    def of(history: History, space: SearchSpace, memory: Any = None) -> Earlier | None:
        """The models for this space; None where no note says anything about it.

        Args:
            memory: an object with ``earlier``, in which they are kept while the space stays the same; a cache.
        """
        notes = [note for note in history.notes if note.kind == KIND]
        if not notes:
            return None
        held = getattr(memory, "earlier", None)
        mark = (id(space), len(notes))
        if held is not None and held[0] is space and held[1] == mark:
            return held[2]
        studies = [study for note in notes for study in note.data["studies"]]
        models = [(model, study["name"]) for study in studies if (model := _model(space, study)) is not None]
        found = Earlier([m for m, _ in models], [n for _, n in models]) if models else None
        if memory is not None:
            memory.earlier = (space, mark, found)
        return found

    def weigh(self, points: np.ndarray, values: np.ndarray) -> None:
        """Set the weights by how well each model predicts ``values`` (standardised) at ``points``.

        A linear model with a normal belief about its slopes, cut at 0: what predicts nothing fades as trials come in.
        Its noise is what the prediction leaves, so that a model that is right keeps its say.
        """
        guesses = np.array([model.predict(points)[0] for model in self.models]).T
        count = len(self.models)
        start = np.full(count, _TRUST / count)
        left = values - guesses @ start
        noise = max(float(left @ left) / max(len(values), 1), 0.05)
        precision = np.eye(count) / _SURE**2 + guesses.T @ guesses / noise
        moved = np.linalg.solve(precision, guesses.T @ left / noise)
        weights = np.clip(start + moved, 0.0, 1.0)
        self.weights = np.where(weights < _SILENT, 0.0, weights)
        self.offset = float(np.mean(values - guesses @ self.weights))

    def mean(self, x: np.ndarray) -> np.ndarray:
        """What the earlier studies expect at ``x`` (points, axes), in this study's standard units."""
        return sum((w * m.predict(x)[0] for w, m in zip(self.weights, self.models) if w), np.full(len(x), self.offset))

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``mean``, and its gradient by the coordinates of ``x``."""
        from modelwright.strategy.terms import predicted

        mean, slope = np.full(len(x), self.offset), np.zeros(x.shape)
        for weight, model in zip(self.weights, self.models):
            if weight:
                value, _, by_mean, _ = predicted(model, x)
                mean, slope = mean + weight * value, slope + weight * by_mean
        return mean, slope

    def note(self) -> dict[str, float]:
        """Study -> what it counts, for a proposal's note."""
        return {name: round(float(w), 3) for name, w in zip(self.names, self.weights)}


class Shifted:
    """A model of what is left, with what earlier studies expect added to it again."""

    def __init__(self, model: Any, earlier: Earlier):
        self.model, self.earlier = model, earlier

    @property
    def bend(self) -> Any:
        return self.model.bend

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std = self.model.predict(x)
        return mean + self.earlier.mean(x), std

    def slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        from modelwright.strategy.terms import rate

        mean, std, by_mean, by_std = self.model.slopes(x)
        more, slope = self.earlier.slopes(x)
        return mean + more, std, by_mean + slope / np.maximum(rate(self.bend, x), 1e-9), by_std


def _model(space: SearchSpace, study: Mapping[str, Any]) -> GP | None:
    """A process over one earlier study, in this space; None when it has too little to say."""
    points = np.array([space.encode(config) for config in study["configs"]], dtype=float)
    points = points.reshape(len(study["configs"]), len(space.axes))
    inside = ~np.isnan(points).all(axis=0)
    if len(points) < ENOUGH or not inside.any():
        return None
    points = space.snap(points)
    scores = np.asarray(study["scores"], dtype=float)
    try:
        return GP([axis.kind for axis in space.axes]).fit(points, scores, steps=30)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return None
