"""Edits of a network, as a model of the trials predicts them and as trials measured them.

Owns the model and what it is asked; ``explain`` says what it is asked for. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.history import Row
from modelwright.core.records import Config
from modelwright.nas.inherited import giver
from modelwright.nas.limited import LimitedTree
from modelwright.space import Tree
from modelwright.space.mutate import difference, moves
from modelwright.strategy.ensemble import Ensemble

#: Trials that the model takes at most, and edits that are looked at.
_MOST, _LOOKED_AT = 400, 400
#: Share by which trainings may differ in length and still count as equally long.
_ALIKE = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One edit, of the winner or on the way to it.

    Attributes:
        edit: what becomes of the network, in words.
        decisions: the decisions that differ: ``depth 1 -> 2``.
        config: the configuration after it.
        change: predicted, in the objective's unit; above 0 is better whichever its direction. None where no model
            predicts, of too few trials.
        spread: one standard deviation of that change: two networks that are alike are known alike, so it is mostly
            less than that of what either is worth.
        measured: the same from trials, None where one of the two was not tried.
        trial: number of the trial that has this configuration, or None.
        unequal: what else differed between the two trials that were measured: for how long they were trained, and
            whether one of them began with another network's weights; "" where nothing did.
    """

    edit: str
    decisions: str
    config: dict[str, Any]
    change: float | None
    spread: float | None
    measured: float | None
    trial: int | None
    unequal: str = ""


@dataclass(slots=True)
class Learned:
    """The model, and what it is asked about; without a model only what was measured is known."""

    space: Tree
    rows: list[Row]
    scores: np.ndarray
    model: Ensemble | None
    tried: dict[str, int]
    #: Whether the model knows of each trial if it inherited weights; then it is asked of those that did not.
    marked: bool = False

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What networks would be worth that begin at chance, like and like compared."""
        assert self.model is not None, "there is none"
        return self.model.predict(self._asked(points))

    def _asked(self, points: np.ndarray) -> np.ndarray:
        return np.column_stack([points, np.zeros(len(points))]) if self.marked else points

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
        if (giver(one) is None) != (giver(two) is None):
            said.append("with inherited weights" if giver(two) is not None else "against inherited weights")
        return ", ".join(said)

    def measured(self, config: Config) -> tuple[int | None, float | None]:
        """The trial of a configuration, and its score."""
        place = self.tried.get(self.space.key(config))
        return (None, None) if place is None else (self.rows[place].number, float(self.scores[place]))

    def steps(self, before: Config, after: Sequence[Config]) -> list[Step]:
        """From one configuration to each of others."""
        if not after:
            return []
        _, here = self.measured(before)
        found = []
        for config, (change, spread) in zip(after, self._changes(before, after), strict=True):
            trial, there = self.measured(config)
            gain = None if here is None or there is None else there - here
            edit, said = self.space.edit(before, config), difference(before, config)
            unequal = "" if gain is None else self.unequal(before, config)
            found.append(Step(edit, said, dict(config), change, spread, gain, trial, unequal))
        return found

    def _changes(self, before: Config, after: Sequence[Config]) -> list[tuple[float | None, float | None]]:
        """What is predicted of each, and by how much that may be off."""
        if self.model is None:
            return [(None, None)] * len(after)
        points = self._asked(np.array([self.space.encode(config) for config in (before, *after)]))
        changes, spreads = self.model.difference(points[1:], points[0])
        return list(zip(changes.tolist(), spreads.tolist(), strict=True))


def learned(space: Tree, rows: list[Row], scores: np.ndarray) -> Learned:
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
    inherited = np.array([float(giver(rows[i]) is not None) for i in keep])
    marked = bool(inherited.any())
    if marked:
        points, categorical = np.column_stack([points, inherited]), [*categorical, False]
    return Learned(
        space, rows, scores, Ensemble(points, kept, categorical, ranks=False), _tried(space, rows, scores), marked
    )


def unmodelled(space: Tree, rows: list[Row], scores: np.ndarray) -> Learned:
    """The trials alone, where they are too few for a model."""
    return Learned(space, rows, scores, None, _tried(space, rows, scores))


def _tried(space: Tree, rows: Sequence[Row], scores: np.ndarray) -> dict[str, int]:
    """Key of a network -> place of its best trial."""
    tried: dict[str, int] = {}
    for place, row in enumerate(rows):
        key = space.key(row.config)
        if key not in tried or scores[place] > scores[tried[key]]:
            tried[key] = place
    return tried


def around(learnt: Learned, config: Config) -> tuple[list[Step], int, int]:
    """Every edit of one decision, the best first: one for each network that comes of it and keeps within the limits.

    Of very many only some are looked at, evenly spread over the decisions. Without a model those that were tried.

    Returns:
        The edits, how many were looked at, and how many there are: edits that leave the network as it is, that make one
        which others make too, or that a limit forbids count.
    """
    space, every = learnt.space, moves(learnt.space, config)
    looked = len(every) if learnt.model is None else min(len(every), _LOOKED_AT)
    chosen = np.linspace(0, len(every) - 1, looked).round().astype(int)
    worth_a_look = _worth_a_look(learnt)
    found: dict[str, dict[str, Any]] = {}
    for place in chosen:
        if worth_a_look(every[place]):
            found.setdefault(space.key(every[place]), every[place])
    found.pop(space.key(config), None)
    steps = learnt.steps(config, list(found.values()))
    return sorted(steps, key=_gain, reverse=True), len(chosen), len(every)


def _worth_a_look(learnt: Learned) -> Callable[[Config], bool]:
    """Tells edits of which something can be said: those within the limits, without a model those that were tried."""
    space = learnt.space
    if learnt.model is None:
        return lambda config: space.key(config) in learnt.tried
    return space.allows if isinstance(space, LimitedTree) else lambda config: True


def _gain(step: Step) -> float:
    return step.change if step.change is not None else step.measured or 0.0


def path(learnt: Learned, start: Config, winner: Config) -> list[Step]:
    """From the default to the winner by one decision at a time, each time the one that is predicted to bring most.

    What a decision switches on comes along with the winner's values. Decisions that leave the network as it is are
    taken together with the next. Without a model nothing puts them in an order: all are one edit.
    """
    space, here = learnt.space, dict(start)
    if learnt.model is None:
        return [] if space.key(start) == space.key(winner) else learnt.steps(start, [winner])
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
