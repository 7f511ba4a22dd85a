"""Explaining the result of an architecture search: what mattered, what else was near, and how the winner came about.

Owns what is computed from a space and the stored trials; ``reasons`` owns the words. Trains nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from modelwright.core.history import History, Row, has_value
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.nas.fidelities import Fidelities, fidelities_of
from modelwright.nas.limited import LimitedTree
from modelwright.nas.predicted import Learned, Step, around, learned, path, unmodelled
from modelwright.nas.variance import shares
from modelwright.nas.within import points_within
from modelwright.space import Tree
from modelwright.strategy.ensemble import alike
from modelwright.strategy.levels import gains
from modelwright.strategy.surrogate import one_thread

#: Points over which effects are taken, and from how many on also those of pairs, of which there are very many; trials
#: from which on the model is asked.
_DRAWN, _PAIRED, _ENOUGH = 3000, 1000, 8
#: Windows of the search's course, and points that tell how far apart random ones are.
_WINDOWS, _APART = 6, 120


class View(Protocol):
    """What is read of a study."""

    @property
    def history(self) -> History: ...


@dataclass(frozen=True, slots=True)
class Effect:
    """What one decision, or two together beyond each, explain.

    Attributes:
        decisions: one name or two.
        share: of the variance that the model predicts over the space, in [0, 1].
    """

    decisions: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Window:
    """Trials ``first`` to ``last``: how far apart they are, in relation to random ones (1)."""

    first: int
    last: int
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Reasons, as data.

    Attributes:
        objective, direction: what was searched for.
        winner: number of the best trial; ``config`` and ``value`` are its.
        lacking: why there is no model, and so no effects and no predicted changes; "" where there is one.
        trials, among: how many the model learned from, and of how many that have a value.
        explained: the share of the variance explained in trials left out; what follows is worth no more than that.
            None without a model.
        limits: the limits that can be told before training.
        drawn: points of the space that effects are taken over; ``kept`` says whether all of them keep within the
            limits, as only the space of the search itself can tell.
        effects, pairs: the largest first; no pairs where too few points were drawn.
        main, both: what all single decisions explain together, and with all pairs.
        noise: one standard deviation of a trial's value; ``noise_from`` says whence it is known. None where nothing
            tells.
        neighbours: every edit of one decision, the best first; what it switches on is at its defaults. Of ``edits``
            that there are ``looked`` were looked at. Several may make one network, and some none that is allowed.
            Without a model those that were tried.
        path: from the default to the winner, edit by edit; without a model as one.
        edges: decisions of the winner that are at an end of their range: ``filters = 64 (the largest)``.
        seconds: of all trials together; CPU-seconds (``unit``) as they say in their fact ``cpu_seconds``. One that does
            not counts by the clock, and ``unit`` says how many do; seconds of workers where none says it.
    """

    objective: str
    direction: str
    winner: int
    config: dict[str, Any]
    value: float
    lacking: str
    trials: int
    among: int
    explained: float | None
    limits: tuple[str, ...]
    drawn: int
    kept: bool
    effects: tuple[Effect, ...]
    pairs: tuple[Effect, ...]
    main: float
    both: float
    noise: float | None
    noise_from: str
    neighbours: tuple[Step, ...]
    looked: int
    edits: int
    path: tuple[Step, ...]
    fidelities: tuple[Fidelities, ...]
    diversity: tuple[Window, ...]
    edges: tuple[str, ...]
    seconds: float
    unit: str

    @property
    def data(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @property
    def text(self) -> str:
        """In words."""
        from modelwright.nas.reasons import told

        return told(self)

    def __str__(self) -> str:
        return self.text


def explained(space: Any, view: View) -> Explanation | None:
    """The reasons for a study's best trial; None while no trial has a value.

    Effects and predicted changes take eight trials that differ in value: of fewer there is what was measured, with
    ``lacking``. Trials at a lower fidelity count by what training on usually adds (see ``strategy.levels``). Only the
    first objective is explained.

    Args:
        space: an ``Architecture``, or a tree of decisions; of one with limits what keeps within them is spoken of.
        view: has the study's ``history``.
    """
    space = getattr(space, "tree", space)
    history = view.history
    rows, scores = _scored(history)
    best = history.best()
    if best is None or best.values is None:
        return None
    lacking = _lacking(space, scores)
    with one_thread():
        learnt = unmodelled(space, rows, scores) if lacking else learned(space, rows, scores)
        count = (_APART if lacking else _DRAWN) if len(space.axes) else 0
        drawn = points_within(space, Seed(0).child("explain").generator(), count) if count else np.zeros((0, 0))
        near, looked, edits = around(learnt, best.config)
        objective = history.objectives[0]
        limited = isinstance(space, LimitedTree)
        return Explanation(
            objective=objective.name,
            direction=objective.direction,
            winner=best.number,
            config=dict(best.config),
            value=best.values[0],
            lacking=lacking,
            among=len(rows),
            limits=tuple(limit.text for limit in (space.limits if limited else history.limits)),
            kept=limited,
            **_mattered(learnt, drawn),
            **_known(history, learnt),
            neighbours=tuple(near),
            looked=looked,
            edits=edits,
            path=tuple(path(learnt, space.default(), best.config)),
            fidelities=tuple(fidelities_of(history, {s.fidelity: s.name for s in getattr(view, "stages", ())})),
            diversity=tuple(_diversity(space, history, drawn)),
            edges=tuple(_edges(space, best.config)),
            **_cost(history),
        )  # fmt: skip


def _lacking(space: Tree, scores: np.ndarray) -> str:
    """Why no model can learn from these; "" where one can."""
    without = "there are no effects and no predicted changes"
    if len(scores) < _ENOUGH:
        return f"{counted(len(scores), 'trial')} with a value: {without}, which take {_ENOUGH} trials."
    if not len(space.axes):
        return f"The space has no decisions: {without}."
    return f"All {len(scores):,} trials have the same value: {without}." if np.ptp(scores) == 0 else ""


def _mattered(learnt: Learned, drawn: np.ndarray) -> dict[str, Any]:
    """What decisions explain of the differences that are predicted between networks."""
    if learnt.model is None:
        return {"drawn": 0, "effects": (), "pairs": (), "main": 0.0, "both": 0.0}
    axes = learnt.space.axes
    means = np.concatenate([learnt.predict(part)[0] for part in np.array_split(drawn, 12) if len(part)])
    found = shares(drawn, means, [axis.levels for axis in axes])
    single = sorted(zip((axis.name for axis in axes), found.single.tolist(), strict=True), key=lambda pair: -pair[1])
    told = len(drawn) >= _PAIRED
    pairs = sorted(found.pairs.items(), key=lambda pair: -pair[1])[: 20 if told else 0]
    return {
        "drawn": len(drawn),
        "effects": tuple(Effect((name,), share) for name, share in single),
        "pairs": tuple(Effect((axes[j].name, axes[k].name), share) for (j, k), share in pairs),
        "main": found.main,
        "both": found.both if told else found.main,
    }


def _scored(history: History) -> tuple[list[Row], np.ndarray]:
    """Trials with a value, and their scores as they would be in full; larger is better."""
    objective, added = history.objectives[0], gains(history)
    rows = [row for row in history.rows if has_value(row) and row.values is not None]
    found = []
    for row in rows:
        assert row.values is not None
        ends = [f for f, values in row.segments.items() if values is not None]
        found.append(objective.score(row.values[0]) + float(added[max(ends)][0] if ends else 0.0))
    scores = np.array(found)
    fine = np.isfinite(scores)
    return [row for row, ok in zip(rows, fine, strict=True) if ok], scores[fine]


def _known(history: History, learnt: Learned) -> dict[str, Any]:
    """How much the model knows, and how uncertain a value is."""
    model, noise, source = learnt.model, *_noise(history)
    if model is None:
        return {"trials": 0, "explained": None, "noise": noise, "noise_from": source}
    residual = model.centre + model.scale * model.values - model.left_out()
    if noise is None:
        noise, source = min(model.noise, float(residual.std())), "what the model does not explain"
    return {
        "trials": len(model.values),
        "explained": 1.0 - float(residual.var() / (model.scale**2 * model.values.var())),
        "noise": noise,
        "noise_from": source,
    }


def _noise(history: History) -> tuple[float | None, str]:
    """From runs of one trial with other seeds, where there are any."""
    groups = [np.array(values) for values in history.confirmed.values() if len(values) > 1]
    if not groups:
        return None, ""
    freedom = sum(len(values) - 1 for values in groups)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in groups)
    return float(np.sqrt(squares / freedom)), "runs with other seeds"


def _diversity(space: Tree, history: History, drawn: np.ndarray) -> list[Window]:
    """How far apart the trials of each part of the search were, where ``drawn`` are random points."""
    rows = [row for row in history.rows if row.config and not row.given]
    if len(rows) < 2 * _WINDOWS or not len(drawn):
        return []
    categorical = np.array([axis.kind == "categorical" for axis in space.axes], dtype=bool)
    some = np.unique(np.linspace(0, len(drawn) - 1, _APART).astype(int))
    unit = _distance(drawn[some], categorical) if len(some) > 1 else 0.0
    if unit <= 0:
        return []
    found = []
    for part in np.array_split(np.arange(len(rows)), min(_WINDOWS, len(rows) // 6)):
        points = np.array([space.encode(rows[i].config) for i in part])
        found.append(Window(rows[part[0]].number, rows[part[-1]].number, _distance(points, categorical) / unit))
    return found


def _distance(points: np.ndarray, categorical: np.ndarray) -> float:
    apart = 1.0 - alike(points, points, categorical)
    return float(apart[np.triu_indices(len(points), 1)].mean())


def _cost(history: History) -> dict[str, Any]:
    """Seconds of all trials, and what they are."""
    ran = [row for row in history.rows if row.ran or row.duration]
    told = [row for row in ran if "cpu_seconds" in row.facts]
    if not told:
        return {"seconds": float(sum(row.duration for row in ran)), "unit": "seconds of workers"}
    seconds = sum(float(row.facts.get("cpu_seconds", row.duration)) for row in ran)
    missing = [row for row in ran if "cpu_seconds" not in row.facts and row.duration]
    beside = f" ({counted(len(missing), 'trial')} by the clock)" if missing else ""
    return {"seconds": seconds, "unit": f"CPU-seconds{beside}"}


def _edges(space: Tree, config: Config) -> list[str]:
    """Numbers of which the winner has the least or the most that the space allows."""
    row = space.encode(config)
    found = []
    for place, axis in zip(row, space.axes, strict=True):
        if axis.kind == "categorical" or np.isnan(place) or (axis.levels or 3) < 3:
            continue
        margin = 0.5 / axis.levels + 1e-6 if axis.levels else 0.02
        word = "the smallest" if place <= margin else "the largest" if place >= 1 - margin else ""
        if word:
            found.append(f"{axis.name} = {config[axis.name]} ({word})")
    return found
