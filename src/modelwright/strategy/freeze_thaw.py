"""Freeze-thaw: trials are paused at rungs, and those go on of which a model of their curves expects most.

Owns what is believed of the full value of a trial that was trained a part of the way, and who is let go on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Decision, Proposal
from modelwright.strategy.asha import ASHA
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.gp import GP
from modelwright.strategy.halving import Rungs, let_go, rungs_text
from modelwright.strategy.sampling import sample
from modelwright.strategy.shown import SAME, Shown, merits_at
from modelwright.strategy.surrogate import one_thread
from modelwright.strategy.warp import standardise, warp

#: Points of a curve that the model sees, its latest ones: earlier ones say little that these do not.
_POINTS = 3
#: More points of curves than this are thinned: the best and the latest stay.
_MOST = 250
#: Fewer trials with a value are ranked by what they have shown.
_ENOUGH = 4
#: At most this part of all steps goes into the last stretch to full fidelity, which teaches least.
_SHARE = 0.5
#: With no new trials left to begin, so many of the most promising are trained in full.
_FINALISTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What trials are expected to be worth in full, on the model's own scale, larger is better.

    Attributes:
        mean, std: one for each trial, by its number.
        best: the mean of the best trial that is already there; None while none is.
    """

    mean: np.ndarray
    std: np.ndarray
    best: float | None


class FreezeThaw(ASHA):
    """Freeze-thaw Bayesian optimisation: a surrogate over configuration and budget pauses and resumes trials.

    One Gaussian process sees the curves of all trials, thinned to steps that grow by Fibonacci's ratio; its kernel is
    the product of one over configurations and one over the logarithm of the budget, so that what a curve will do is
    read from its own course and from those of similar configurations. Of each rung the better ``1 / eta`` by their
    *expected full value* go on, instead of by what they have shown; the last stretch is for the most promising trial,
    if it is expected to beat the best one that is there, and takes at most half of all steps. New configurations come
    from the process of ``bayesian``. At the end of a budget of trials the best three are trained in full.

    It keeps the guard rails of ``ASHA``: audits, by which a rung that says nothing is given up, and ranking by what
    was shown while there are few trials, with several objectives, and where the model cannot be fitted (the note of
    who went on then has ``ranked: "shown"``).

    Trials that cannot be resumed are stopped at a rung unless they lead it, and start over when it is their turn.

    Sources: Swersky, Snoek and Adams, "Freeze-Thaw Bayesian Optimization", arXiv 1406.3896, 2014; Klein et al.,
    "Model-based Asynchronous Hyperparameter and Neural Architecture Search", arXiv 2003.10865, 2020; Rakotoarison et
    al., "In-Context Freeze-Thaw Bayesian Optimization", ICML 2024 (new and paused trials compared by one model).

    Args:
        steps: what full fidelity means in steps, or None for trials without steps: then every trial is run in full.
        resumable: whether a paused trial goes on from a checkpoint; if not it starts over.
        eta: one of ``eta`` trials passes a rung.
        depth: rungs below full fidelity; None for as many as there are.
        first_in_full: whether trial 0, the declared defaults, is trained in full, to compare with.

    Raises:
        StrategyError: an argument makes no sense.

    >>> FreezeThaw(steps=52).levels
    [2, 6, 17, 52]
    """

    name: ClassVar[str] = "freeze-thaw"

    def __init__(
        self,
        *,
        steps: int | None = None,
        resumable: bool = False,
        eta: float = 3.0,
        depth: int | None = 3,
        first_in_full: bool = False,
    ):
        super().__init__(steps=steps, resumable=True, eta=eta, depth=depth, sampler="bayesian")
        self.restarts, self.first_in_full = not resumable, first_in_full
        #: Whether the model has a say; without it this is ``ASHA``.
        self.thaws = True
        self.grid = fibonacci(steps) if steps else [1]

    def plan(self, unit: str = "step") -> str:
        if len(self.levels) < 2 or not self.thaws:
            return super().plan(unit)
        ends = f"after {rungs_text(self.levels)} {unit}s; those go on that are expected to be best in full"
        if self.restarts:
            return f"trials cannot pause: they are stopped {ends}, from the start"
        return f"trials pause {ends}"

    def ask(self, state: Rungs, space: SearchSpace, number: int | None) -> Answer:
        resting = [row for row in state.history.rows if row.state == "paused" and row.fidelity < 1 - SAME]
        believed = None
        if self.thaws and self.steps is not None and resting and len(state.history.objectives) == 1:
            believed = expected(state.history, space, state, self.steps, self.grid)
        if believed is None:
            return super().ask(state, space, number)
        if number is None:
            return self._finished(believed, resting, state) or self._end(state.history, "the finalists are trained")
        for i in range(len(self.levels) - 2, -1, -1):
            going = self._passes(state, believed, resting, i)
            if going is not None:
                return self._on(state, believed, going, resting, i)
        config, note = sample(state, space, number, self.sampler)
        if config is None:
            return self._finished(believed, resting, state) or self._end(state.history, note["reason"])
        return self.place(state, space, number, config, note)

    def judge(self, state: Rungs, trial: Row) -> Decision:
        """Stop a trial that would have to start over at a rung that it does not lead; it may be asked for again."""
        decided = super().judge(state, trial)
        if decided != "go" or not self.restarts or self.steps is None or not trial.reports or trial.target < 1 - SAME:
            return decided
        step = trial.reports[-1][0]
        before = trial.reports[-2][0] if len(trial.reports) > 1 else 0
        passed = [i for i, level in enumerate(self.levels[:-1]) if before < level <= step]
        if not passed or passed[-1] < trial.note.get("rung", 0):
            return "go"
        merit = merits_at(state.history, step / self.steps, self.steps, state.known)
        if trial.number not in merit:
            return "go"
        leads = len(merit) >= self.eta and merit[trial.number] >= max(merit.values())
        return "go" if leads else "pause"

    def place(self, state: Rungs, space: SearchSpace, number: int, config: Mapping[str, Any], note: Any) -> Proposal:
        made = super().place(state, space, number, config, note)
        if not self.restarts or made.fidelity >= 1 - SAME:
            return made
        # It runs on from the rung where it leads: starting over would cost what it had.
        return Proposal(config=made.config, fidelity=1.0, note=made.note)

    # --- who goes on -----------------------------------------------------------------------------

    def _passes(self, state: Rungs, believed: Expected, resting: list[Row], rung: int) -> Row | None:
        steps, level = self.steps or 1, self.levels[rung]
        rows = state.history.rows
        merit = merits_at(state.history, level / steps, steps, state.known)
        ranked = sorted((n for n in merit if merit[n] > -math.inf), key=lambda n: (-believed.mean[n], n))
        here = {row.number for row in resting if self._rung(row) == rung}
        if rung < len(self.levels) - 2:
            return next((rows[n] for n in ranked[: math.floor(len(merit) / self.eta)] if n in here), None)
        cost = steps - level
        spent, last = sum(row.steps for row in rows), sum(max(0, row.steps - level) for row in rows)
        if last + cost > _SHARE * (spent + cost):
            return None
        top = next((rows[n] for n in ranked if n in here), None)
        promising = top is not None and (believed.best is None or believed.mean[top.number] > believed.best)
        return top if promising else None

    def _rung(self, row: Row) -> int:
        """The highest rung that a paused trial has reached; -1 below all."""
        return sum(row.fidelity * (self.steps or 1) >= level - 1e-6 for level in self.levels) - 1

    def _on(self, state: Rungs, believed: Expected, row: Row, resting: list[Row], rung: int) -> Proposal:
        steps = self.steps or 1
        passed = [other for other in resting if self._rung(other) == rung and other.number != row.number]
        mean = believed.mean[row.number]
        passed = [other for other in passed if believed.mean[other.number] <= mean]
        note = {"rung": rung + 1, "expected": round(float(mean), 4), "std": round(float(believed.std[row.number]), 4)}
        made = let_go(state, row, passed, self.levels[rung] / steps, self.levels[rung + 1] / steps, note)
        if not self.restarts:
            return made
        return Proposal(trial=made.trial, fidelity=1.0, note=made.note)

    def _finished(self, believed: Expected, resting: list[Row], state: Rungs) -> Proposal | None:
        """Of the finalists the best that is not there yet; None when all are, or on their way."""
        known = [row for row in state.history.rows if row.values is not None]
        order = sorted(known, key=lambda row: (-believed.mean[row.number], row.number))
        going = next((row for row in order[:_FINALISTS] if row in resting), None)
        if going is None:
            return None
        return Proposal(trial=going.number, fidelity=1.0, note={"rung": len(self.levels) - 1, "why": "finalist"})

    def _onward(self, state: Rungs, number: int | None, used_up: bool = False) -> Proposal | None:
        """By what was shown, as ``ASHA``: for where the model has no say."""
        last = number is None or used_up
        if self.thaws and self.restarts and not last and len(state.history.objectives) == 1:
            return None  # to start over is dear: it waits for the model, which has its say from four trials on
        made = super()._onward(state, number, used_up)
        if made is None or not self.thaws:
            return made
        return Proposal(
            trial=made.trial, fidelity=1.0 if self.restarts else made.fidelity, note={**made.note, "ranked": "shown"}
        )


def fibonacci(steps: int) -> list[int]:
    """Steps at which curves are looked at: 1, 2, 3, 5, 8 ... and the last.

    >>> fibonacci(52)
    [1, 2, 3, 5, 8, 13, 21, 34, 52]
    """
    found, following = [1], 2
    while following < 0.8 * steps:
        found.append(following)
        following += found[-2]
    return sorted({*found, steps})


# --- what is expected ----------------------------------------------------------------------------


def expected(history: History, space: SearchSpace, state: Rungs, steps: int, grid: list[int]) -> Expected | None:
    """What each trial is expected to be worth in full; None when there is too little to tell.

    Scores on the way are first moved by what the later steps brought to those trials that were there (the median of
    paired differences). The kernel's shapes are those that the latest proposal of a new configuration was made with.
    """
    rows = history.rows
    table = shown_on(history, steps, grid, state.known)
    known = np.isfinite(table)
    if known.any(axis=1).sum() < _ENOUGH or not len(space.axes):
        return None
    vectors = state.memory.look_up(space, rows)[1]
    trial, point = np.nonzero(known & (np.cumsum(known[:, ::-1], axis=1)[:, ::-1] <= _POINTS))
    bad = [row.number for row in rows if row.state in ("failed", "infeasible")]
    depth = np.concatenate([_depth(np.array(grid) / steps)[point], np.ones(len(bad))])
    points = np.column_stack([vectors[[*trial, *bad]], depth])
    values = warp(np.concatenate([(table + _gains(table))[trial, point], np.full(len(bad), np.nan)]))
    if not values.any():
        return None
    if len(values) > _MOST:
        latest = np.append(trial[1:] != trial[:-1], True)
        worth = values + np.concatenate([np.where(latest, 100.0, 0.0), np.zeros(len(bad))])
        keep = np.sort(np.argsort(-worth, kind="stable")[:_MOST])
        points, values = points[keep], values[keep]
    model = GP([axis.kind for axis in space.axes] + ["numeric"])
    theta = _shapes(rows, [axis.name for axis in space.axes] + ["fidelity"], model)
    try:
        with one_thread():
            model.fit(points, standardise(values), [theta], steps=0)
            mean, std = model.predict(np.column_stack([vectors, np.ones(len(rows))]))
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return None
    there = known[:, -1]
    return Expected(mean=mean, std=std, best=float(mean[there].max()) if there.any() else None)


def shown_on(history: History, steps: int, grid: list[int], seen: Shown) -> np.ndarray:
    """First objective's score of each trial by each step of the grid, (trials, grid); NaN where it was not yet."""
    table = np.full((len(history.rows), len(grid)), np.nan)
    for row in history.rows:
        for k, step in enumerate(grid):
            score = seen.at(row, history, step / steps, steps)
            if score is None:
                break
            table[row.number, k] = score[0]
    return np.where(np.isfinite(table), table, np.nan)


def _gains(table: np.ndarray) -> np.ndarray:
    """What is to be added to scores at each step of the grid."""
    added = np.zeros(table.shape[1])
    for low, high in reversed(list(pairwise(range(table.shape[1])))):
        moved = table[:, high] - table[:, low]
        both = moved[np.isfinite(moved)]
        added[low] = added[high] + (np.median(both) if len(both) else 0.0)
    return added


def _depth(fidelity: np.ndarray) -> np.ndarray:
    return np.clip(1.0 + np.log10(np.maximum(fidelity, 1e-9)) / 2.0, 0.0, 1.0)


def _shapes(rows: list[Row], names: list[str], model: GP) -> np.ndarray:
    """The kernel's parameters as stored with the latest fit; at the prior where there is none."""
    theta = model.theta.copy()
    shapes = theta[:-2].reshape(3, -1)
    for row in reversed(rows):
        fit = row.note.get("fit")
        if isinstance(fit, Mapping) and "axes" in fit:
            for i, name in enumerate(names):
                shapes[:, i] = fit["axes"].get(name, shapes[:, i])
            theta[-2:] = fit["noise"], fit["scale"]
            break
    return theta
