"""Stopping: what more trials can be expected to bring, and how much of a difference is noise. A pure look at the facts.

The idea is that of A. Makarova et al., "Automatic Termination for Hyperparameter Optimization" (AutoML 2022): a search
may end when what the model still hopes for is less than what a measurement is off by. What it hopes for is here the sum
of the expected improvements of the next trials, each one believing the one before (Ginsbourger et al. 2010): an upper
estimate of what they gain together, in the units of the objective. J. Wilson, "Stopping Bayesian Optimization with
Probabilistic Regret Bounds" (NeurIPS 2024) has the same aim in probabilities. Works for every strategy: the model is
fitted to the history, whoever proposed it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.history import History, Row, usable
from modelwright.core.rng import Seed
from modelwright.strategy.acquisition import candidates, log_ei
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.gp import GP
from modelwright.strategy.surrogate import one_thread
from modelwright.strategy.warp import clean, fit_power, power, standardise

#: Further trials whose gain is estimated, and those of them that are looked at one by one.
AHEAD, LOOKED = 20, 6
#: Trials with a value below which nothing is said; the rule waits for more, see ``least``.
ENOUGH = 12
#: Trials that the model is fitted to: the better half of them the best, the rest evenly chosen.
MOST = 160
#: A model that predicts less than this part of the variance in trials held back knows nothing yet; parts held back.
DEAF, PARTS = 0.2, 5
#: Below this part of the spread of all values, what the model takes for noise may as well be its own error.
SILENT = 0.02


@dataclass(frozen=True, slots=True)
class Noise:
    """How far a trial's value is off.

    Attributes:
        value: standard deviation of one trial's value, in the units of the objective.
        source: how that is known, in words.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What may still come.

    Attributes:
        gain: expected improvement of the best value in the next ``ahead`` trials, in the units of the objective.
        ahead: how many further trials are meant.
        trials: how many trials with a value the estimate rests on.
        noise: how far a value is off, or None where nothing tells.
        model: whether a model stands behind the gain; else it is the pace at which records fell so far.
    """

    gain: float
    ahead: int
    trials: int
    noise: Noise | None
    model: bool


# --- noise -----------------------------------------------------------------------------------------


def noise(history: History, objective: int = 0) -> Noise | None:
    """How far a trial's value is off, by the best source there is; None where the trials do not tell.

    In this order: several executions of a trial, runs that confirmed the best ones, folds of the best trial (with the
    correction of Nadeau and Bengio 2003, as folds share their training data), equal configurations that ran more than
    once.
    """
    name = history.objectives[objective].name
    rows = [row for row in history.rows if usable(row)]
    runs = [(found, len(found)) for row in rows if len(found := _numbers(row.facts.get("executions"), name)) > 1]
    spread = _pooled([found for found, _ in runs])
    if spread is not None:
        return Noise(spread / math.sqrt(np.mean([count for _, count in runs])), "the spread between executions")
    spread = _pooled(list(history.confirmed.values())) if objective == 0 else None
    if spread is not None:
        return Noise(spread, "the runs that confirmed the best")
    best = history.best(ended=True)
    folds = best.facts.get("folds") if best is not None else None
    if isinstance(folds, dict):
        values = _numbers(folds.get(name), name)
        if len(values) > 1 and np.ptp(values) > 0:
            count = len(values)
            return Noise(float(np.std(values, ddof=1)) * math.sqrt(1 / count + 1 / (count - 1)), "the folds")
    same: dict[str, list[float]] = {}
    for row in rows:
        if row.values is not None and math.isfinite(row.values[objective]):
            key = f"{round(row.fidelity, 9)} {sorted(row.config.items(), key=lambda item: item[0])!r}"
            same.setdefault(key, []).append(row.values[objective])
    spread = _pooled([values for values in same.values() if len(values) > 1])
    return None if spread is None else Noise(spread, "configurations that ran more than once")


def _numbers(given: Any, name: str) -> list[float]:
    """Finite numbers of a list, or those under a name in a list of dicts."""
    if not isinstance(given, (list, tuple)):
        return []
    values = [item.get(name) if isinstance(item, dict) else item for item in given]
    return [float(v) for v in values if isinstance(v, (int, float)) and math.isfinite(v)]


def _pooled(groups: list[list[float]]) -> float | None:
    """Standard deviation within groups; None where fewer than two values or no difference tell of it."""
    kept = [np.asarray(group, dtype=float) for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in kept)
    if not freedom:
        return None
    total = sum(float(((group - group.mean()) ** 2).sum()) for group in kept)
    return math.sqrt(total / freedom) if total > 0 else None


# --- gain ------------------------------------------------------------------------------------------


def prospect(
    history: History, space: SearchSpace, seed: Seed, objective: int = 0, *, checked: bool = True
) -> Prospect | None:
    """What the next trials may bring; None with fewer than twelve trials that compare, or without parameters.

    Trials of the highest fidelity count. Where the same estimate, made from the first half of them, was too low for
    what came after, this one is raised by as much. Chance comes from ``seed`` and the number of trials.

    Args:
        objective: place of the objective; others are left aside.
        checked: whether to look back like that, for another fit of the model.
    """
    rows, scores = _comparable(history, objective)
    if len(rows) < ENOUGH or not len(space.axes):
        return None
    known = noise(history, objective)
    if len({space.key(row.config) for row in rows}) >= (space.size or math.inf):
        return Prospect(0.0, 0, len(rows), known, True)
    if np.ptp(scores) == 0:
        return Prospect(0.0, AHEAD, len(rows), known, False)
    scale = max(float(np.abs(scores).max()), 1e-300)
    points, scores = np.array([space.encode(row.config) for row in rows], dtype=float), scores / scale
    gain, model = _estimate(points, scores, space, seed)
    half = len(rows) // 2
    if checked and half >= ENOUGH:
        said, _ = _estimate(points[:half], scores[:half], space, seed)
        came = float(scores.max() - scores[:half].max())
        gain *= max(1.0, min(came / max(said * max(half / AHEAD, 1.0), 1e-12), 100.0)) if came > 0 else 1.0
    if known is None and model is not None and model.hears and model.spread > SILENT:
        known = Noise(model.off() * scale, "by the model")
    return Prospect(gain * scale, AHEAD, len(rows), known, model is not None and model.hears)


def _estimate(points: np.ndarray, scores: np.ndarray, space: SearchSpace, seed: Seed) -> tuple[float, _Model | None]:
    """The gain by the model; where it knows nothing, what the pace of records so far promises."""
    try:
        with one_thread():
            model = _Model(points, scores, space)
            gain = model.gain(space, seed.child("prospect", len(scores)).generator())
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return _pace(scores), None
    return (gain if model.hears else _pace(scores)), model


def _comparable(history: History, objective: int) -> tuple[list[Row], np.ndarray]:
    rows = [row for row in history.rows if usable(row) and row.values and math.isfinite(row.values[objective])]
    top = max((row.fidelity for row in rows), default=0.0)
    rows = [row for row in rows if row.fidelity >= top - 1e-9]
    made = history.objectives[objective]
    return rows, np.array([made.score(row.values[objective]) for row in rows if row.values])


def _pace(scores: np.ndarray) -> float:
    """Expected gain where nothing but the values is known: an exponential tail, whose maximum grows with log n."""
    order = np.sort(scores)[::-1]
    top = max(int(math.sqrt(len(order))), 3)
    return float(order[:top].mean() - order[top]) * math.log1p(AHEAD / len(order))


class _Model:
    """A Gaussian process over warped scores, and the way back to scores."""

    def __init__(self, points: np.ndarray, scores: np.ndarray, space: SearchSpace):
        if len(scores) > MOST:
            order = np.argsort(-scores, kind="stable")
            rest = np.sort(order[MOST // 2 :])
            kept = np.concatenate([order[: MOST // 2], rest[np.linspace(0, len(rest) - 1, MOST // 2).astype(int)]])
            points, scores = points[np.sort(kept)], scores[np.sort(kept)]
        cleaned = clean(scores)
        self._shift, self._width = float(cleaned.mean()), float(cleaned.std())
        if not self._width > 1e-12 * max(1.0, abs(self._shift)):
            raise ValueError("all values are equal")
        values = standardise(cleaned)
        # Between none and the square: a warp with a pole would promise any gain beyond what was seen.
        self._shape = float(np.clip(fit_power(values), 0.0, 2.0)) if len(np.unique(values)) > 5 else 1.0
        warped = power(values, self._shape)
        self._middle, self._unit = float(warped.mean()), float(warped.std())
        self._fitted = (warped - self._middle) / self._unit
        self.gp = GP([axis.kind for axis in space.axes]).fit(points, self._fitted, steps=30)
        #: Part of the variance that the model takes for noise.
        self.spread = float(np.exp(self.gp.theta[-2]))
        self.hears = self._predicted(points) > DEAF
        self._mean, _ = self.gp.predict(points)

    def _predicted(self, points: np.ndarray) -> float:
        """Part of the variance that is predicted in trials held back, by the kernel that all of them chose."""
        part, wrong = np.arange(len(points)) % PARTS, np.zeros(len(points))
        for held in range(PARTS):
            out = part == held
            gp = GP(self.gp.kinds).fit(points[~out], self._fitted[~out], [self.gp.theta], steps=0)
            wrong[out] = gp.predict(points[out])[0] - self._fitted[out]
        return 1.0 - float(np.mean(wrong**2))

    def back(self, warped: np.ndarray) -> np.ndarray:
        """Scores from values of the model."""
        values, shape = warped * self._unit + self._middle, self._shape
        up, down = np.maximum(values, 0.0), np.maximum(-values, 0.0)
        above = np.expm1(up) if shape < 1e-9 else (1 + shape * up) ** (1 / shape) - 1
        below = np.expm1(down) if shape > 2 - 1e-9 else (1 + (2 - shape) * down) ** (1 / (2 - shape)) - 1
        return np.where(values >= 0, above, -below) * self._width + self._shift

    def off(self) -> float:
        """Noise around the best, as a standard deviation of scores."""
        top, reach = float(self._mean.max()), math.sqrt(self.spread)
        return float(self.back(np.array([top + reach]))[0] - self.back(np.array([top - reach]))[0]) / 2

    def gain(self, space: SearchSpace, rng: np.random.Generator) -> float:
        """Expected gain of the next ``AHEAD`` trials over the best that the model believes in."""
        gp, top = self.gp, float(self._mean.max())
        best = gp.x[np.argsort(-self._mean, kind="stable")[:5]]
        pool = candidates(space, rng, best, np.minimum(gp.lengths * 0.5, 0.3), gp.bend, 512)
        gains = []
        for _ in range(LOOKED):
            mean, std = gp.predict(pool)
            place = int(np.argmax(log_ei(mean, std, top)))
            gains.append(self._improvement(float(mean[place]), float(std[place]), top))
            top = max(top, float(mean[place]))
            gp = gp.extend(pool[place : place + 1])
        fall = min((gains[-1] / gains[0]) ** (1 / (LOOKED - 1)), 1.0) if gains[0] > 0 else 0.0
        return sum(gains) + gains[-1] * sum(fall**i for i in range(1, AHEAD - LOOKED + 1))

    def _improvement(self, mean: float, std: float, top: float) -> float:
        """Expected improvement in scores: the integral of how likely each gain is, over eight deviations."""
        steps = np.linspace(0.0, 8.0, 161)
        start = max((top - mean) / std, -8.0)
        at = start + steps * (8.0 - start) / 8.0 if start < 8 else start + steps / max(start, 1.0)
        density = np.exp(-0.5 * at * at) / math.sqrt(2 * math.pi)
        gained = np.maximum(self.back(mean + std * at) - self.back(np.array([top]))[0], 0.0)
        return float(np.trapezoid(gained * density, at))


# --- the rule ----------------------------------------------------------------------------------------


def least(axes: int) -> int:
    """Trials with a value below which a search never stops by this rule: six for each axis, from 25 to 60.

    >>> least(1), least(7), least(100)
    (25, 42, 60)
    """
    return min(max(25, 6 * axes), 60)


def due(count: int, axes: int) -> bool:
    """Whether the rule is looked at with so many trials: every few of them."""
    return count >= least(axes) and count % (5 if count < 100 else 10 if count < 300 else 25) == 0


def enough(history: History, space: SearchSpace, seed: Seed, min_gain: float | str) -> dict[str, Any] | None:
    """Why a search should end now, or None.

    It should when every objective's expected gain is below ``min_gain``, and so was the gain of the last quarter of the
    trials. Trials that no model predicts end a search no earlier than a hundred: a plateau of noise looks like that.

    Args:
        min_gain: in units of the objective, or "noise": whatever a trial's value is off by, where that is known.

    Returns:
        Plain values for an event: why (in words), gain, noise, ahead, trials, min_gain.
    """
    found: list[tuple[str, Prospect, float]] = []
    for place, made in enumerate(history.objectives):
        rows, scores = _comparable(history, place)
        if len(rows) < least(len(space.axes)):
            return None
        recent = float(scores.max() - scores[: -max(len(scores) // 4, 10)].max())
        if not isinstance(min_gain, str) and recent >= min_gain:
            return None
        for checked in (False, True):  # the second look costs another fit, and is only ever less sure of an end
            now = prospect(history, space, seed, place, checked=checked)
            if now is None or (not now.model and now.trials < 100):
                return None
            bound = min_gain if not isinstance(min_gain, str) else now.noise.value if now.noise is not None else 0.0
            if now.gain >= bound:
                return None
            if checked:
                found.append((made.name, now, bound))
    name, now, bound = found[0]
    than = f"the noise, {bound:.2g} ({now.noise.source})" if min_gain == "noise" and now.noise else f"{bound:g}"
    return {
        "why": f"{now.ahead} more trials would gain about {now.gain:.2g} in {name}, less than {than}",
        "gain": now.gain,
        "noise": None if now.noise is None else now.noise.value,
        "ahead": now.ahead,
        "trials": now.trials,
        "min_gain": min_gain,
    }
