"""Validation: which rows judge which models. Does not know what is fitted on them.

A split is a sequence of *units*: a model is fitted on a unit's training rows and predicts its validation rows. Repeated
folds, out-of-fold prediction and a holdout are the same thing with more or fewer units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.tasks.scoring.sampling import layers

#: Below so many rows folds are repeated with other divisions; above the second and third there are fewer of them.
SMALL, MIDDLE, LARGE = 2_000, 20_000, 200_000
#: Units that are worth their time while a candidate takes this share of it, and folds that are divisions at all.
_PATIENCE, _FEWEST = 0.12, 3
#: Share of the rows that a holdout keeps back.
HELD_BACK = 0.15
#: Parts of a period of which each has moments that are close to each other.
_SPANS = 8
#: Place of a row that is neither fitted on nor judged by.
OUT = -2


@dataclass(frozen=True, slots=True)
class Split:
    """Units of validation.

    Attributes:
        place: int16 array (repeats, rows): in which fold of a repeat a row is validated; -1 never, -2 nor fitted on.
        folds: folds of each repeat.
        kind: "repeated folds", "folds", "holdout" or "time"; "none" where nothing is judged.
        said: the split in words.
        grouped: whether rows of one group are always on the same side.
        ties: integers (rows,): rows of the same one belong together, so that what one of them chose says little of the
            others: of one group, alike in everything, or of neighbouring moments. None where each stands for itself.
        stands: float64 (rows,): of a sample with more rows of rare classes than their share, for how many each stands,
            with the mean 1 in the sample. None where all stand for equally many.
        asked: how many rows a sample was to have, which rare classes make more, and few rows of the others fewer. It is
            drawn again by that number alone. None where it is not known.

    >>> split = make_split(np.arange(9) % 2, "binary", seed=0, folds=3, repeats=1)
    >>> split.units, split.rows(0)[1].size
    (3, 3)
    """

    place: np.ndarray
    folds: int
    kind: str
    said: str
    grouped: bool = False
    ties: np.ndarray | None = None
    stands: np.ndarray | None = None
    asked: int | None = None

    @property
    def units(self) -> int:
        """How many models a candidate is judged by."""
        return 1 if self.kind == "holdout" else len(self.place) * self.folds

    def rows(self, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to fit on and rows to judge by, of unit ``unit``."""
        repeat, fold = divmod(unit, self.folds)
        place = self.place[repeat]
        if self.kind == "time":
            return np.flatnonzero((place < fold) & (place >= -1)), np.flatnonzero(place == fold)
        return np.flatnonzero((place != fold) & (place > OUT)), np.flatnonzero(place == fold)

    def growth(self) -> list[float]:
        """All rows, in units of the mean of those that the first unit, the first two, and so on are fitted on.

        >>> [round(times, 2) for times in make_split(np.arange(8), "regression", seed=0, folds=4, repeats=1).growth()]
        [1.33, 1.33, 1.33, 1.33]
        """
        fitted = [len(self.rows(unit)[0]) for unit in range(self.units)]
        means = np.cumsum(fitted) / np.arange(1, len(fitted) + 1)
        return [self.place.shape[1] / max(1.0, float(mean)) for mean in means]

    def tied(self, rows: np.ndarray) -> np.ndarray | None:
        """The ties of some rows."""
        return None if self.ties is None else self.ties[rows]

    @property
    def used(self) -> int:
        """How many rows candidates see."""
        return int((self.place[0] > OUT).sum())

    def among(self, rows: np.ndarray, total: int, stands: np.ndarray | None = None, asked: int | None = None) -> Split:
        """This split of some rows as one of all: the others are neither fitted on nor judged by.

        Args:
            rows: places of those that this one is about, in its order.
            total: how many there are in all.
            stands: for how many each of them stands; see ``sampling.sampled``.
            asked: how many they were to be.

        >>> split = make_split(np.arange(6) % 2, "binary", seed=0, folds=2, repeats=1).among(np.arange(0, 12, 2), 12)
        >>> split.used, split.rows(0)[0].size, split.said
        (6, 3, '2 folds, classes spread evenly, of 6 rows that stand for 12')
        """
        place = np.full((len(self.place), total), OUT, np.int16)
        place[:, rows] = self.place
        ties = None
        if self.ties is not None:
            ties = np.full(total, -1, np.int64)
            ties[rows] = self.ties
        said = f"{self.said}, of {len(rows):,} rows that stand for {total:,}"
        if stands is not None:
            said += ", more of rare classes, which count for less"
            stands, own = np.zeros(total), stands
            stands[rows] = own
        return replace(self, place=place, said=said, ties=ties, stands=stands, asked=asked)

    def to_json(self) -> dict[str, Any]:
        told = {"kind": self.kind, "folds": self.folds, "repeats": len(self.place), "said": self.said}
        if self.used == self.place.shape[1]:
            return told
        return told | {"rows": self.used} | ({} if self.asked is None else {"asked": self.asked})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What keeps rows together or in order.

    Attributes:
        groups: integer array (rows,): rows of one group are never divided.
        time: array (rows,) that sorts: a model is never judged by rows before those it was fitted on.
        twins: integer array (rows,): rows that are alike in everything; they stay together as groups do.
    """

    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    twins: np.ndarray | None = None


def make_split(
    y: np.ndarray,
    task: str,
    *,
    seed: int,
    ties: Ties | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    alone: bool = False,
) -> Split:
    """The split that fits the data.

    Args:
        y: classes as integers from 0, or numbers; (rows,).
        task: "binary", "multiclass" or "regression"; classes are spread evenly over the folds, and so are numbers.
        folds, repeats: how many; None lets the number of rows decide: three times 8 folds below 2,000 rows, 8 folds
            below 20,000, 5 below 200,000, else a holdout of 15 %.
        alone: whether a fold may be a single group. Else it has two, as far as there are four: what a model chooses
            for the rows of one, such as when to stop, is chosen by the other.

    Raises:
        ArgumentError: there are fewer groups or moments than folds.
    """
    ties, rows = ties or Ties(), len(y)
    if folds is None:
        folds = 8 if rows < MIDDLE else 5 if rows < LARGE else 1
    if repeats is None:
        repeats = 3 if rows < SMALL and folds > 1 else 1
    chance = Seed(seed).child("split")
    if (time := ties.time) is not None:
        return _judging(lambda fewer: _in_time(time, fewer), max(folds, 2), y, task, "time")
    together = _joined(ties, rows)
    if together is not None:
        there = int(together.max()) + 1
        if there < 2:
            if ties.groups is None:
                raise ArgumentError("all rows are alike", where="fit", allowed="two different rows or more")
            raise ArgumentError("all rows belong to one group", where="groups", hint="Groups need at least two.")
        most = there // 2 if ties.groups is not None and there >= 4 and not alone else there
        folds = min(folds, most) if folds > 1 else folds
    folds = min(folds, max(2, rows // 2)) if folds > 1 else 1
    if task == "binary" and folds > 1:
        rarer = int(np.bincount(y, minlength=2).min())
        folds = min(folds, max(2, rarer))
    if together is None:
        return _divided(y, task, folds, repeats, chance, None, ties)
    try:
        return _judging(lambda k: _divided(y, task, k, repeats, chance, together, ties), folds, y, task, "groups")
    except ArgumentError:
        if ties.groups is not None:
            raise
        return _divided(y, task, folds, repeats, chance, None, ties)  # all rows of a class are alike


def undivided(rows: int) -> Split:
    """All rows to fit on, and none to judge by.

    >>> split = undivided(5)
    >>> split.units, split.used, [len(part) for part in split.rows(0)]
    (1, 5, [5, 0])
    """
    return Split(np.full((1, rows), -1, np.int16), 1, "none", "no rows: nothing was judged")


def _divided(
    y: np.ndarray, task: str, folds: int, repeats: int, chance: Seed, together: np.ndarray | None, ties: Ties
) -> Split:
    if folds == 1:
        held = _dealt(y, task, round(1 / HELD_BACK), chance.child(0), together) == 0
        if held.all() or not held.any():  # so few groups or rows that no fold, or only this one, has any
            tie = np.arange(len(y)) if together is None else together
            held = tie == np.argmin(np.bincount(tie))
        kind, said = "holdout", f"a holdout of {np.mean(held):.0%} of the rows"
        held = np.where(held, 0, -1).astype(np.int16)[None]
        return Split(held, 1, kind, said, ties.groups is not None, together)
    dealt = [_dealt(y, task, folds, chance.child(i), together) for i in range(repeats)]
    if together is not None:
        dealt = [_none_empty(place, folds, together) for place in dealt]
    place = np.stack(dealt).astype(np.int16)
    kind = "folds" if repeats == 1 else "repeated folds"
    said = counted(folds, "fold") if repeats == 1 else f"{repeats} times {folds} folds"
    even = "" if task == "regression" else ", classes spread evenly"
    groups = ", groups kept together" if ties.groups is not None else ""
    return Split(place, folds, kind, said + even + groups, ties.groups is not None, together)


def _judging(made: Callable[[int], Split], folds: int, y: np.ndarray, task: str, where: str) -> Split:
    """The split with the most folds of which each can judge: it has both classes to fit on and to judge by.

    Raises:
        ArgumentError: no number of folds gives such a split.
    """
    split = made(folds)
    if task == "regression":
        return split
    for fewer in range(folds, 0 if folds == 1 else 1, -1):
        found = split if fewer == folds else made(fewer)
        units = [found.rows(unit) for unit in range(found.units)]
        if all(len(np.unique(y[on])) > 1 and (task != "binary" or len(np.unique(y[off])) > 1) for on, off in units):
            return found
    which = "rows of another time" if where == "time" else "other groups"
    raise ArgumentError(
        f"no class but one is among the rows that {which} would have to judge", where=f"fit, {where}",
        hint=f"Rows of each class are needed on both sides. Without {where}= the rows are divided by chance.",
    )  # fmt: skip


def over_units(scores: Iterable[float | None]) -> float:
    """Mean score of the units that could be judged; NaN where none could.

    >>> over_units([0.5, None, 0.75])
    0.625
    """
    known = [score for score in scores if score is not None and math.isfinite(score)]
    return float(np.mean(known)) if known else math.nan


def affordable(rows: int, fit_seconds: float, seconds: float) -> tuple[int, int]:
    """Folds and repeats for so many rows of which so many seconds of all cores leave time.

    Args:
        fit_seconds: of a usual candidate on the rows of a unit.

    >>> affordable(1_000, 0.05, 120.0), affordable(6_000, 1.5, 60.0), affordable(40_000, 20.0, 120.0)
    ((8, 3), (4, 1), (1, 1))
    """
    units = _PATIENCE * seconds / max(fit_seconds, 1e-3)
    most = 8 if rows < MIDDLE else 5 if rows < LARGE else 1
    folds = min(most, int(units))
    if folds < _FEWEST:
        return 1, 1
    return folds, max(1, min(3, int(units) // folds)) if rows < SMALL else 1


def _joined(ties: Ties, rows: int) -> np.ndarray | None:
    """One integer for rows that must stay together, by any of the ties; None where nothing ties rows."""
    kinds = [np.unique(tie, return_inverse=True)[1] for tie in (ties.groups, ties.twins) if tie is not None]
    if not kinds:
        return None
    if len(kinds) == 1:
        return kinds[0]
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b = kinds
    size = int(a.max()) + int(b.max()) + 2
    graph = coo_matrix((np.ones(rows), (a, b + int(a.max()) + 1)), shape=(size, size))
    return np.unique(connected_components(graph, directed=False)[1][a], return_inverse=True)[1]


def _dealt(y: np.ndarray, task: str, folds: int, seed: Seed, together: np.ndarray | None) -> np.ndarray:
    """A fold for each row: classes, or ranks of numbers, are dealt out evenly."""
    rng, rows = seed.generator(), len(y)
    if together is None:
        order = np.lexsort((rng.random(rows), layers(y, task, folds)))
        if task != "regression":  # so many neighbours in order, wherever they begin, meet every fold once
            place = np.empty(rows, np.int64)
            place[order] = np.resize(rng.permutation(folds), rows)
            return place
        place = np.empty(rows, np.int64)
        # Each block of so many neighbours in order meets every fold once, in an order of its own.
        blocks = -(-rows // folds)
        turns = rng.permuted(np.tile(np.arange(folds), (blocks, 1)), axis=1).ravel()[:rows]
        place[order] = turns
        return place
    return _dealt_together(y, task, folds, seed, together)


def _dealt_together(y: np.ndarray, task: str, folds: int, seed: Seed, together: np.ndarray) -> np.ndarray:
    """Groups from the largest to the smallest, each to the fold that is furthest from its share of classes and rows."""
    count, rng = int(together.max()) + 1, seed.generator()
    if task == "regression":
        kinds = np.minimum((layers(y, task, 1) * 4) // max(1, len(y)), 3)
    else:
        kinds = np.asarray(y, np.int64)
    width = int(kinds.max()) + 1
    # What each group holds of each class, but only of those that it has: groups are many, and so may classes be.
    pairs, times = np.unique(together.astype(np.int64) * width + kinds, return_counts=True)
    starts = np.searchsorted(pairs, np.arange(count + 1, dtype=np.int64) * width)
    size = np.bincount(together, minlength=count).astype(np.float64)
    share = np.bincount(kinds, minlength=width) / folds
    share[share == 0] = 1.0
    got, filled, place = np.zeros((folds, width)), np.zeros(folds), np.zeros(count, np.int64)
    held = np.zeros(width)
    for group in np.lexsort((rng.random(count), -size))[: int((size > 1).sum())]:
        own = slice(starts[group], starts[group + 1])
        held[:] = 0.0
        held[pairs[own] % width] = times[own]
        over = (np.maximum(0.0, got + held - share) / share).sum(axis=1)
        chosen = int(np.lexsort((rng.random(folds), filled, over))[0])
        place[group] = chosen
        got[chosen] += held
        filled[chosen] += size[group]
    found = place[together]
    alone = np.flatnonzero(size[together] == 1)
    if len(alone):
        found[alone] = _dealt(y[alone], task, folds, seed.child("alone"), None)
    return found


def _none_empty(place: np.ndarray, folds: int, together: np.ndarray) -> np.ndarray:
    """Folds of which each has rows, where there are as many groups: an empty one takes the smallest of the fold with
    most."""
    fold_of = np.zeros(int(together.max()) + 1, np.int64)
    fold_of[together] = place
    groups = np.bincount(fold_of, minlength=folds)
    for empty in np.flatnonzero(groups == 0):
        fullest = int(np.argmax(groups))
        own = np.flatnonzero(fold_of == fullest)
        fold_of[own[np.argmin(np.bincount(together)[own])]] = empty
        groups[[fullest, empty]] += (-1, 1)
    return fold_of[together]


def _in_time(time: np.ndarray, folds: int) -> Split:
    """Later rows judge models of all earlier ones; the first half of the rows judges nothing."""
    moments, order = np.unique(time, return_inverse=True)
    if len(moments) < 4:
        raise ArgumentError(
            f"the time column has {counted(len(moments), 'moment')}", where="time", allowed="at least 4 moments"
        )
    folds = min(folds, len(moments) // 2)
    ranks = np.empty(len(time), np.int64)
    ranks[np.argsort(order, kind="stable")] = np.arange(len(time))
    # Rows of one moment go by the first of them, so that none is divided.
    first = np.full(len(moments), len(time))
    np.minimum.at(first, order, ranks)
    late = (first[order] / len(time) - 0.5) * 2
    judging = late >= 0
    if not judging.any():
        raise ArgumentError(
            "more than half of the rows are of the last moment, and none come after them to judge", where="fit, time",
            hint="Moments are needed in the second half of the rows. Without time= the rows are divided by chance.",
        )  # fmt: skip
    place = np.full(len(time), -1, np.int16)
    # A moment of many rows may reach over a whole period, which none begins in then.
    periods, place[judging] = np.unique(np.floor(late[judging] * folds), return_inverse=True)
    folds, spans = len(periods), folds * _SPANS
    said = f"{counted(folds, 'period')} in order, each judged by models of the past"
    return Split(place[None], folds, "time", said, ties=np.floor(late * spans).astype(np.int64))
