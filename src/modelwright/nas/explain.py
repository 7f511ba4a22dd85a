"""Explaining the result of an architecture search: what mattered, what else was near, and how the winner came about.

Owns what is computed from a space and the stored trials; ``reasons`` owns the words. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from modelwright.core.history import History, Row, usable
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.nas.fidelities import Fidelities, fidelities_of
from modelwright.nas.variance import shares
from modelwright.space.mutate import difference
from modelwright.strategy.base import SearchSpace
from modelwright.strategy.ensemble import Ensemble, alike
from modelwright.strategy.levels import gains
from modelwright.strategy.surrogate import one_thread

#: Points over which effects are taken, trials that the model takes at most, trials from which on it is asked.
_DRAWN, _MOST, _ENOUGH = 3000, 400, 8
#: Neighbours of the winner that are looked for, and windows of the search's course.
_NEIGHBOURS, _WINDOWS = 400, 6
#: Share by which trainings may differ in length and still count as equally long.
_ALIKE = 0.1


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
class Step:
    """One edit, of the winner or on the way to it.

    Attributes:
        edit: what becomes of the network, in words.
        decisions: the decisions that differ: ``depth 1 -> 2``.
        config: the configuration after it.
        change: predicted, in the objective's unit; above 0 is better whichever its direction.
        spread: one standard deviation of that prediction.
        measured: the same from trials, None where one of the two was not tried.
        trial: number of the trial that has this configuration, or None.
        unequal: what else differed between the two trials that were measured: for how long they were trained, and
            whether one of them began with another network's weights; "" where nothing did.
    """

    edit: str
    decisions: str
    config: dict[str, Any]
    change: float
    spread: float
    measured: float | None
    trial: int | None
    unequal: str = ""


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
        trials: those that the model learned from.
        explained: the share of the variance explained in trials left out; what follows is worth no more than that.
        effects, pairs: the largest first.
        main, both: what all single decisions explain together, and with all pairs.
        noise: one standard deviation of a trial's value; ``noise_from`` says whence it is known.
        neighbours: every edit of one decision, the best first.
        path: from the default to the winner, edit by edit.
        edges: decisions of the winner that are at an end of their range: ``filters = 64 (the largest)``.
        seconds: of all trials together; CPU-seconds (``unit``) as they say in their fact ``cpu_seconds``. One that does
            not counts by the clock, and ``unit`` says how many do; seconds of workers where none says it.
    """

    objective: str
    direction: str
    winner: int
    config: dict[str, Any]
    value: float
    trials: int
    explained: float
    effects: tuple[Effect, ...]
    pairs: tuple[Effect, ...]
    main: float
    both: float
    noise: float
    noise_from: str
    neighbours: tuple[Step, ...]
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


@dataclass(slots=True)
class _Learnt:
    """The model, and what it is asked about."""

    space: SearchSpace
    history: History
    rows: list[Row]
    scores: np.ndarray
    model: Ensemble
    tried: dict[str, int]
    #: Whether the model knows of each trial if it inherited weights; then it is asked of those that did not.
    marked: bool = False

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What networks would be worth that begin at chance, like and like compared."""
        return self.model.predict(np.column_stack([points, np.zeros(len(points))]) if self.marked else points)

    def unequal(self, before: Config, after: Config) -> str:
        """What differed between two trials beside their networks."""
        places = [self.tried.get(self.space.key(config)) for config in (before, after)]
        if None in places:
            return ""
        one, two = (self.rows[place] for place in places if place is not None)
        said = []
        epochs = [float(row.facts.get("epochs", 0.0)) for row in (two, one)]
        if abs(epochs[0] - epochs[1]) > _ALIKE * max(epochs):
            said.append(f"{epochs[0]:.3g} epochs against {epochs[1]:.3g}")
        if (one.parent is None) != (two.parent is None):
            said.append("with inherited weights" if two.parent is not None else "against inherited weights")
        return ", ".join(said)

    def measured(self, config: Config) -> tuple[int | None, float | None]:
        """The trial of a configuration, and its score."""
        place = self.tried.get(self.space.key(config))
        return (None, None) if place is None else (self.rows[place].number, float(self.scores[place]))

    def steps(self, before: Config, after: Sequence[Config]) -> list[Step]:
        if not after:
            return []
        mean, std = self.predict(np.array([self.space.encode(c) for c in (before, *after)]))
        _, here = self.measured(before)
        found = []
        for config, value, spread in zip(after, mean[1:], std[1:], strict=True):
            trial, there = self.measured(config)
            gain = None if here is None or there is None else there - here
            change, edit, said = float(value - mean[0]), self.space.edit(before, config), difference(before, config)
            unequal = "" if gain is None else self.unequal(before, config)
            found.append(Step(edit, said, dict(config), change, float(spread), gain, trial, unequal))
        return found


def explained(space: Any, view: View) -> Explanation | None:
    """The reasons for a study's best trial; None while fewer than eight trials, or none that differ, have a value.

    Trials at a lower fidelity count by what training on usually adds (see ``strategy.levels``). Only the first
    objective is explained.

    Args:
        space: an ``Architecture``, its tree, or any space of strategies.
        view: has the study's ``history``.
    """
    space = getattr(space, "tree", space)
    history = view.history
    rows, scores = _scored(history)
    best = history.best()
    if len(rows) < _ENOUGH or best is None or best.values is None or np.ptp(scores) == 0 or not len(space.axes):
        return None
    with one_thread():
        learnt = _learnt(space, history, rows, scores)
        model = learnt.model
        residual = model.centre + model.scale * model.values - model.left_out()
        drawn = space.sample_vectors(Seed(0).child("explain").generator(), _DRAWN)
        means = np.concatenate([learnt.predict(part)[0] for part in np.array_split(drawn, 12)])
        found = shares(drawn, means, [axis.levels for axis in space.axes])
        noise, source = _noise(history, model, residual)
        names = [axis.name for axis in space.axes]
        single = sorted(zip(names, found.single.tolist(), strict=True), key=lambda pair: -pair[1])
        pairs = sorted(found.pairs.items(), key=lambda pair: -pair[1])
        around = space.neighbours(best.config, Seed(0).child("neighbours").generator(), _NEIGHBOURS)
        objective = history.objectives[0]
        return Explanation(
            objective=objective.name,
            direction=objective.direction,
            winner=best.number,
            config=dict(best.config),
            value=best.values[0],
            trials=len(learnt.rows),
            explained=1.0 - float(residual.var() / (model.scale**2 * model.values.var())),
            effects=tuple(Effect((name,), share) for name, share in single),
            pairs=tuple(Effect((names[j], names[k]), share) for (j, k), share in pairs[:20]),
            main=found.main,
            both=found.both,
            noise=noise,
            noise_from=source,
            neighbours=tuple(sorted(learnt.steps(best.config, around), key=lambda step: -step.change)),
            path=tuple(_path(learnt, space.default(), best.config)),
            fidelities=tuple(fidelities_of(history)),
            diversity=tuple(_diversity(space, history)),
            edges=tuple(_edges(space, best.config)),
            **_cost(history),
        )  # fmt: skip


def _scored(history: History) -> tuple[list[Row], np.ndarray]:
    """Trials with a value, and their scores as they would be in full; larger is better."""
    objective, added = history.objectives[0], gains(history)
    rows = [row for row in history.rows if usable(row) and row.values is not None]
    found = []
    for row in rows:
        assert row.values is not None
        ends = [f for f, values in row.segments.items() if values is not None]
        found.append(objective.score(row.values[0]) + float(added[max(ends)][0] if ends else 0.0))
    scores = np.array(found)
    fine = np.isfinite(scores)
    return [row for row, ok in zip(rows, fine, strict=True) if ok], scores[fine]


def _learnt(space: SearchSpace, history: History, rows: list[Row], scores: np.ndarray) -> _Learnt:
    """The model of at most so many trials: all of the best, and of the others some of every height.

    Values far below the others say that something broke; they are moved to the edge of the rest.
    """
    keep = np.arange(len(rows))
    if len(rows) > _MOST:
        order = np.argsort(-scores, kind="stable")
        rest = order[_MOST // 2 :]
        keep = np.sort(
            np.concatenate([order[: _MOST // 2], rest[np.linspace(0, len(rest) - 1, _MOST // 2).astype(int)]])
        )
    low, high = np.quantile(scores, [0.25, 0.75])
    kept = np.maximum(scores[keep], low - 3.0 * max(high - low, 1e-12))
    points = np.array([space.encode(rows[i].config) for i in keep])
    categorical = [axis.kind == "categorical" for axis in space.axes]
    inherited = np.array([float(rows[i].parent is not None) for i in keep])
    marked = bool(inherited.any())
    if marked:
        points, categorical = np.column_stack([points, inherited]), [*categorical, False]
    model = Ensemble(points, kept, categorical, ranks=False)
    tried: dict[str, int] = {}
    for place, row in enumerate(rows):
        key = space.key(row.config)
        if key not in tried or scores[place] > scores[tried[key]]:
            tried[key] = place
    return _Learnt(space, history, rows, scores, model, tried, marked)


def _noise(history: History, model: Ensemble, residual: np.ndarray) -> tuple[float, str]:
    """From runs of one trial with other seeds where there are any, else what the model does not explain."""
    groups = [np.array(values) for values in history.confirmed.values() if len(values) > 1]
    if groups:
        freedom = sum(len(values) - 1 for values in groups)
        squares = sum(float(((values - values.mean()) ** 2).sum()) for values in groups)
        return float(np.sqrt(squares / freedom)), "runs with other seeds"
    return min(model.noise, float(residual.std())), "what the model does not explain"


def _path(learnt: _Learnt, start: Config, winner: Config) -> list[Step]:
    """From the default to the winner by one decision at a time, each time the one that is predicted to bring most.

    What a decision switches on comes along with the winner's values. Decisions that leave the network as it is are
    taken together with the next.
    """
    space, here = learnt.space, dict(start)
    goal = space.encode(winner)
    found: list[Step] = []
    before, last = here, space.key(winner)
    for _ in range(2 * len(goal)):
        row = space.encode(here)
        apart = [j for j in range(len(goal)) if not np.isnan(goal[j]) and not abs(row[j] - goal[j]) < 1e-9]
        rows = np.where(np.isnan(row), goal, row)[None, :].repeat(len(apart), axis=0)
        rows[np.arange(len(apart)), apart] = goal[apart]
        rows = space.snap(rows)
        nearer = [r for r in rows if not np.array_equal(r, row, equal_nan=True)]
        if not nearer or space.key(here) == last:
            break
        means = learnt.predict(np.array(nearer))[0]
        here = space.decode(nearer[int(np.argmax(means))])
        if space.key(here) != space.key(before):
            found += learnt.steps(before, [here])
            before = here
    if space.key(before) != last:
        found += learnt.steps(before, [winner])
    return found


def _diversity(space: SearchSpace, history: History) -> list[Window]:
    """How far apart the trials of each part of the search were."""
    rows = [row for row in history.rows if row.config and not row.given]
    categorical = np.array([axis.kind == "categorical" for axis in space.axes], dtype=bool)
    drawn = space.sample_vectors(Seed(0).child("diversity").generator(), 120)
    unit = _distance(drawn, categorical)
    if len(rows) < 2 * _WINDOWS or unit <= 0:
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


def _edges(space: SearchSpace, config: Config) -> list[str]:
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
