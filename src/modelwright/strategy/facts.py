"""What a surrogate learns from: stored rows as points and scores. Knows no model, and proposes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.constraint import KIND
from modelwright.core.history import History, Row
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.levels import gains

#: More observations than this are thinned: asking stays under a tenth of a second.
_MOST = 300


@dataclass(slots=True)
class Memory:
    """What was computed from rows before, to be thrown away at any time: no proposal depends on it."""

    space: Any = None
    axes: tuple[Any, ...] = ()
    known: dict[int, tuple[Any, str, np.ndarray]] = field(default_factory=dict)
    earlier: Any = None

    def look_up(self, space: SearchSpace, rows: list[Row]) -> tuple[list[str], np.ndarray]:
        """Key and vector of every row."""
        if self.space is not space or self.axes != tuple(space.axes):
            self.space, self.axes, self.known = space, tuple(space.axes), {}
        for row in rows:
            held = self.known.get(row.number)
            if held is None or held[0] is not row.config:
                self.known[row.number] = (row.config, space.key(row.config), space.encode(row.config))
        found = [self.known[row.number] for row in rows]
        vectors = np.array([vector for _, _, vector in found], dtype=float).reshape(len(rows), len(self.axes))
        return [key for _, key, _ in found], vectors


@dataclass(slots=True)
class Facts:
    """Observations as arrays.

    Attributes:
        points: shape (n, axes); the fidelity is one more axis, the last, when there are several.
        table: (n, objectives), larger is better; NaN for trials that ended badly.
        pending: points that are on their way.
        allowed: which observations are of trials that count, as far as is known.
    """

    points: np.ndarray
    table: np.ndarray
    pending: np.ndarray
    fidelities: bool
    allowed: np.ndarray
    objective: int = 0

    @property
    def scores(self) -> np.ndarray:
        """Of the one objective that is looked at."""
        return self.table[:, self.objective]


def gather(history: History, vectors: np.ndarray) -> Facts | None:
    """Scores to learn from: every segment's values, failures as the worst seen; None without a usable value.

    A trial that broke a constraint has its true values.
    """
    observed: list[tuple[int, float, tuple[float, ...]]] = []
    pending: list[int] = []
    failed: list[int] = []
    for row in history.rows:
        ruled_out = row.error is not None and row.error.kind == KIND and row.values is not None
        if row.state in ("failed", "infeasible") and not ruled_out:
            failed.append(row.number)
            continue
        segments = [(f, values) for f, values in row.segments.items() if values is not None]
        observed += [(row.number, f, values) for f, values in segments]
        if row.pending and not segments:
            pending.append(row.number)
    if not observed:
        return None
    scores = np.array([[made.score(v) for made, v in zip(history.objectives, values)] for _, _, values in observed])
    if len({f for _, f, _ in observed}) > 1:
        added = gains(history)
        scores = scores + np.array([added[f] for _, f, _ in observed])
    scores = np.where(np.isfinite(scores), scores, np.nan)
    if not np.isfinite(scores).all(axis=1).any():
        return None
    fidelity = np.array([f for _, f, _ in observed] + [1.0] * len(failed))
    points = vectors[[n for n, _, _ in observed] + failed]
    scores = np.vstack([scores, np.full((len(failed), scores.shape[1]), np.nan)])
    several = bool(np.any(np.abs(fidelity - 1.0) > 1e-9))
    waiting = vectors[pending]
    if several:
        points = np.column_stack([points, _depth(fidelity)])
        waiting = np.column_stack([waiting, np.ones(len(waiting))])
    count = [row.state not in ("failed", "infeasible") for row in history.rows]
    allowed = np.array([count[n] for n, _, _ in observed] + [False] * len(failed))
    return Facts(points, scores, waiting, several, allowed)


def _depth(fidelity: np.ndarray) -> np.ndarray:
    """Fidelity as an axis: by its logarithm, a hundredth at 0 and the whole at 1."""
    return np.clip(1.0 + np.log10(np.maximum(fidelity, 1e-9)) / 2.0, 0.0, 1.0)


def thin(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rows to keep of very many: the best third, and of the rest those nearest to the best, and every few others."""
    if len(values) <= _MOST:
        return np.arange(len(values))
    order = np.argsort(-values, kind="stable")
    best, rest = order[: _MOST // 3], order[_MOST // 3 :]
    gaps = np.nan_to_num(points[rest], nan=-0.5) - np.nan_to_num(points[order[0]], nan=-0.5)
    near = rest[np.argsort((gaps * gaps).sum(axis=1), kind="stable")[: _MOST // 3]]
    others = np.setdiff1d(rest, near)
    spread = others[np.linspace(0, len(others) - 1, _MOST - len(best) - len(near)).astype(int)]
    return np.unique(np.concatenate([best, near, spread]))
