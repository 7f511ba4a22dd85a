"""New networks for a race: from a model of what trials have shown, or as children of good ones.

The model is a Gaussian process on ranks within each rung, over decisions, operations and rung, with a mark for weights
that were inherited: such scores are never taken for those of networks that began at chance. Candidates are one or two
edits from the best, and draws: what makes model-based architecture search work is where it looks (White et al.,
"BANANAS", AAAI 2021, section 5.1).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata

from modelwright.core.history import History, Row
from modelwright.core.records import Config
from modelwright.nas.canonical import pruned
from modelwright.nas.inherited import giver
from modelwright.nas.ladder import STEPS
from modelwright.strategy.acquisition import log_ei
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.gp import GP
from modelwright.strategy.halving import Rungs
from modelwright.strategy.surrogate import one_thread

#: Kind of the note with the configurations that a screen by zero-cost scores kept, and the keys of the networks that it
#: did not; see ``key_in``.
SCREENED = "screened"
#: Values before the model is asked; candidates at chance; how many of the best are edited, and edits of each.
ENOUGH, _DRAWN, _TOP, _EDITS = 8, 60, 5, 12
#: Draws to find one that is new.
_TRIES = 200


def fresh(
    state: Rungs, space: SearchSpace, rng: np.random.Generator, number: int, levels: Sequence[int]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """A network that was never proposed, to be trained from the start, and how it was found; None when none is left.

    One that a screen rejected is proposed where no other is found.
    """
    known = _Known(space, state.tried.keys(state.history, space), _rejected(state.history))
    config, note = _fresh(state.history, known, rng, number, levels)
    return (config, note) if config is not None else _drawn(replace(known, rejected=frozenset()), rng)


def _fresh(
    history: History, known: _Known, rng: np.random.Generator, number: int, levels: Sequence[int]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    space, screened = known.space, _screened(history)
    model = _Model.of(history, space, levels)
    if model is None:
        # The default was made with care: what is one edit from it is as good a guess as what a screen of draws kept.
        if number % 2:
            for config in space.neighbours(space.default(), rng, _EDITS):
                if config not in known:
                    return dict(config), {"by": "edit of the default"}
        for config in screened:
            if config not in known:
                return dict(config), {"by": "screen"}
        return _drawn(known, rng)
    pool = _new(_candidates(space, rng, model.best(_TOP), screened), known)
    if not pool:
        return _drawn(known, rng)
    mean, std = model.predict(pool, inherited=False)
    worth = log_ei(mean, std, model.incumbent)
    chosen = int(worth.argmax())
    note = {"by": "gp", "mean": round(float(mean[chosen]), 4), "std": round(float(std[chosen]), 4), "pool": len(pool)}
    return pool[chosen], note


def child(
    state: Rungs, space: SearchSpace, rng: np.random.Generator, top: int
) -> tuple[dict[str, Any], int, dict[str, Any]] | None:
    """A network one edit from a good one, whose weights it takes over; None while there is no parent.

    Args:
        top: the step that a parent must have come to.
    """
    history = state.history
    able = [row for row in history.rows if row.state in ("paused", "complete") and row.fidelity * STEPS >= top - 1e-6]
    able = [row for row in able if "checkpoint" in row.artifacts and row.values]
    if not able:
        return None
    score = history.objectives[0].score
    ranked = sorted(able, key=lambda row: -score(_at(row, top)))[:_TOP]
    weight = 1.0 / (1.0 + np.arange(len(ranked)))
    parent = ranked[int(rng.choice(len(ranked), p=weight / weight.sum()))]
    known = _Known(space, state.tried.keys(history, space), _rejected(history))
    pool = _new(iter(space.neighbours(parent.config, rng, 2 * _EDITS)), known)
    if not pool:
        return None
    model = _Model.of(history, space, [top])
    chosen = 0
    if model is not None:
        mean, std = model.predict(pool, inherited=True)
        chosen = int((mean + std * rng.normal(size=len(mean))).argmax())
    edit = getattr(space, "edit", None)
    said = edit(parent.config, pool[chosen]) if edit is not None else ""
    return pool[chosen], parent.number, {"by": "child", "parent": parent.number, **({"edit": said} if said else {})}


@dataclass(frozen=True, slots=True)
class _Known:
    """Configurations that were tried, and those of networks that a screen rejected."""

    space: SearchSpace
    tried: Set[str]
    rejected: Set[str]

    def __contains__(self, config: Config) -> bool:
        return self.space.key(config) in self.tried or key_in(self.rejected, self.space, config) is not None


def key_in(found: Collection[str], space: SearchSpace, config: Config) -> str | None:
    """The key by which a screen's note has the network of a configuration; None where it does not have it.

    In notes of earlier versions keys have in them what was searched beside the network.
    """
    network = getattr(space, "network", space.key)
    return next((key for key in (network(config), space.key(config)) if key in found), None) if found else None


class _Model:
    """What trials have shown, as a Gaussian process.

    Attributes:
        incumbent: the best prediction among what was tried.
    """

    def __init__(self, space: SearchSpace, rows: Sequence[Row], table: np.ndarray, values: np.ndarray, top: float):
        self.space, self.rows, self.top = space, rows, top
        kinds = [axis.kind for axis in space.axes] + ["numeric"] * 3
        with one_thread():
            self.gp = GP(kinds).fit(table, values)
            own = table.copy()
            own[:, -2], own[:, -1] = top, 0.0
            self.means = self.gp.predict(own)[0]
        self.incumbent = float(self.means.max())

    @classmethod
    def of(cls, history: History, space: SearchSpace, levels: Sequence[int]) -> _Model | None:
        """None while there are too few values, or all are equal."""
        rows: list[Row] = []
        table, values = [], []
        score = history.objectives[0].score
        for level in levels:
            here = [row for row in history.rows if _shown(row, level)]
            if not here:
                continue
            ranks = norm.ppf((rankdata([score(_at(row, level)) for row in here]) - 0.5) / len(here))
            rows += here
            values += ranks.tolist()
            table += [_point(space, row.config, row.facts, _height(level), giver(row) is not None) for row in here]
        if len({row.number for row in rows}) < ENOUGH or not np.any(values):
            return None
        try:
            return cls(space, rows, np.array(table), np.array(values), _height(levels[-1]))
        except np.linalg.LinAlgError:
            return None

    def best(self, count: int) -> list[Config]:
        """The configurations with the best predictions among those that were tried, each once."""
        found: dict[int, Config] = {}
        for place in np.argsort(-self.means):
            found.setdefault(self.rows[place].number, self.rows[place].config)
        return list(found.values())[:count]

    def predict(self, pool: Sequence[Config], *, inherited: bool) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the highest rung."""
        points = np.array([_point(self.space, config, None, self.top, inherited) for config in pool])
        with one_thread():
            return self.gp.predict(points)


def _shown(row: Row, level: int) -> bool:
    """Whether a trial has a value at a rung."""
    return any(abs(f * STEPS - level) < 1e-6 and values is not None for f, values in row.segments.items())


def _at(row: Row, level: int) -> float:
    for fidelity, values in row.segments.items():
        if abs(fidelity * STEPS - level) < 1e-6 and values is not None:
            return values[0]
    return row.values[0] if row.values else math.nan


def _height(level: int) -> float:
    return math.log(level) / math.log(STEPS)


def _point(space: SearchSpace, config: Config, facts: Any, height: float, inherited: bool) -> np.ndarray:
    """Decisions, multiplications on a logarithmic scale, rung, and whether weights were inherited."""
    macs = (facts or {}).get("macs")
    if macs is None:
        macs = _macs(space, config)
    return np.concatenate([space.encode(config), [min(1.0, math.log10(1.0 + macs) / 12), height, float(inherited)]])


def _macs(space: Any, config: Config) -> float:
    known = getattr(space, "space", None)
    return float(pruned(known.graph(config)).cost.macs) if known is not None else 0.0


def _screened(history: History) -> list[Config]:
    return next((list(note.data["kept"]) for note in reversed(history.notes) if note.kind == SCREENED), [])


def _rejected(history: History) -> frozenset[str]:
    """The keys of what a screen scored and did not keep."""
    found = (note.data.get("rejected", ()) for note in reversed(history.notes) if note.kind == SCREENED)
    return frozenset(next(found, ()))


def _candidates(
    space: SearchSpace, rng: np.random.Generator, tops: Sequence[Config], screened: Sequence[Config]
) -> Iterator[Config]:
    for config in tops:
        near = space.neighbours(config, rng, _EDITS)
        yield from near
        if near:
            yield from space.neighbours(near[int(rng.integers(len(near)))], rng, _EDITS // 3)
    if screened:
        for place in rng.permutation(len(screened))[: _DRAWN // 2]:
            yield screened[place]
    for _ in range(_DRAWN // 2 if screened else _DRAWN):
        yield space.sample(rng)


def _new(found: Iterator[Config], known: _Known) -> list[dict[str, Any]]:
    """Each configuration once that is not known."""
    pool: dict[str, dict[str, Any]] = {}
    for config in found:
        if config not in known:
            pool.setdefault(known.space.key(config), dict(config))
    return list(pool.values())


def _drawn(known: _Known, rng: np.random.Generator) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    for _ in range(_TRIES):
        config = known.space.sample(rng)
        if config not in known:
            return config, {"by": "random"}
    return None, {"by": "random", "reason": f"{_TRIES} draws, all of them tried before"}
