"""Rows and how they are divided for validation. Does not know what is fitted on them, nor how it is scored."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.rng import Seed
from modelwright.core.wording import counted

#: Folds when nothing was said.
DEFAULT_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows with everything that belongs to them.

    Attributes:
        X: numpy array, pandas frame, sparse matrix or list; rows first.
        y: targets, or None.
        weight: one number a row, or None.
        groups: one label a row, or None.
        params: further arguments of ``fit``; what has one entry a row is divided with the rows.
    """

    X: Any
    y: Any = None
    weight: Any = None
    groups: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return _rows(self.X)

    def described(self) -> str:
        """What the table holds, in words."""
        parts = [("X", self.X), ("y", self.y), ("sample_weight", self.weight)]
        return ", ".join(f"{name} {_shape(part)}" for name, part in parts if part is not None)

    def take(self, index: Any) -> Table:
        """The rows at ``index``, as copies that whoever is fitted on them may write to."""
        from sklearn.utils import _safe_indexing

        count = self.count

        def part(value: Any) -> Any:
            return value if value is None else _safe_indexing(value, index)

        params = {k: part(v) if _one_a_row(v, count) else v for k, v in self.params.items()}
        return replace(
            self, X=part(self.X), y=part(self.y), weight=part(self.weight), groups=part(self.groups), params=params
        )

    def whole(self) -> Table:
        """All rows as copies that may be written to."""
        return self.take(np.arange(self.count))

    def joined(self, other: Table) -> Table:
        """These rows, then those of ``other``; a weight that only one side has is 1 on the other."""
        mine, theirs = self.weight, other.weight
        if mine is not None or theirs is not None:
            mine = np.ones(self.count) if mine is None else np.asarray(mine)
            theirs = np.ones(other.count) if theirs is None else np.asarray(theirs)
            mine = np.concatenate([mine, theirs])
        y = None if self.y is None else _stacked(self.y, other.y)
        return replace(self, X=_stacked(self.X, other.X), y=y, weight=mine, groups=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """The ways in which a table is divided into a part to fit on and a part to score on.

    Attributes:
        splitter: a scikit-learn splitter, a list of (fit rows, score rows), or a ``Table`` that is scored while
            all rows are fitted on.
        first: the parts under ``seed``, found once; every trial is compared on the same parts.
        chance: whether another seed gives other parts.
    """

    splitter: Any
    seed: Seed
    first: list[tuple[Any, Any]]
    chance: bool = False

    @property
    def count(self) -> int:
        return len(self.first)

    def parts(self, table: Table, seed: Seed | None = None) -> list[tuple[Any, Any]]:
        """(rows to fit on, rows to score on) of each fold; ``seed`` shuffles anew where the splitter has chance."""
        if seed is None or seed == self.seed or not self.chance:
            return self.first
        return _split(self.splitter, table, seed)

    def divided(self, table: Table, part: tuple[Any, Any]) -> tuple[Table, Table]:
        """The tables of one part."""
        if isinstance(self.splitter, Table):
            return table.whole(), self.splitter.whole()
        return table.take(part[0]), table.take(part[1])


def make_folds(splitter: Any, table: Table, seed: Seed) -> Folds:
    """Divide ``table``.

    Raises:
        ArgumentError: it cannot be divided so: too few rows, too few of a class or group, rows that do not exist.
    """
    if isinstance(splitter, Table):
        return Folds(splitter=splitter, seed=seed, first=[(None, None)])
    try:
        parts = _split(splitter, table, seed)
    except ArgumentError:
        raise
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            f"{counted(table.count, 'row')} cannot be divided: {error}",
            where="cv",
            hint="Give fewer folds, or other groups.",
        ) from error
    if not parts:
        raise ArgumentError("it holds no folds", where="cv", allowed="at least one pair (fit rows, score rows)")
    for fitted, scored in parts:
        if not len(fitted) or not len(scored):
            raise ArgumentError("a fold is empty", where="cv", hint="Give fewer folds, or fewer groups to a fold.")
    return Folds(splitter=splitter, seed=seed, first=parts, chance=_has_chance(splitter))


def make_splitter(cv: Any, table: Table, *, classifier: bool) -> Any:
    """What ``cv`` means: None and a number are shuffled folds, stratified for classes, whole groups kept together.

    Raises:
        ArgumentError: it is nothing that divides rows.
    """
    from sklearn import model_selection as ms

    cv = DEFAULT_FOLDS if cv is None else cv
    if isinstance(cv, bool) or (isinstance(cv, (int, np.integer)) and cv < 2):
        raise ArgumentError(
            f"cv={cv!r}", where="tune", allowed="a number of folds from 2, a splitter, a list of splits"
        )
    if isinstance(cv, (int, np.integer)):
        strata = classifier and has_classes(table.y)
        if table.groups is not None:
            made = ms.StratifiedGroupKFold if strata else ms.GroupKFold
        else:
            made = ms.StratifiedKFold if strata else ms.KFold
        return made(int(cv), shuffle=True)
    if callable(getattr(cv, "split", None)) and not isinstance(cv, str):
        return copy.deepcopy(cv)
    if isinstance(cv, Iterable) and not isinstance(cv, (str, Mapping)):
        return [_pair(item) for item in cv]
    raise ArgumentError(
        f"cannot divide rows by {cv!r:.60}",
        where="cv",
        allowed="a number of folds from 2, a splitter, a list of splits",
    )


def holdout_splitter(share: float, table: Table, *, classifier: bool) -> Any:
    """One part of the rows, ``share`` of them, is scored; stratified for classes, whole groups kept together."""
    from sklearn import model_selection as ms

    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise ArgumentError(f"validation_split={share!r}", where="tune", allowed="a number between 0 and 1")
    if table.groups is not None:
        return ms.GroupShuffleSplit(1, test_size=share)
    if classifier and has_classes(table.y):
        return ms.StratifiedShuffleSplit(1, test_size=share)
    return ms.ShuffleSplit(1, test_size=share)


def has_classes(y: Any) -> bool:
    """Whether targets are labels of two or more classes, one a row.

    Raises:
        ArgumentError: a target is missing, or they are no targets at all.
    """
    from sklearn.utils.multiclass import type_of_target

    try:
        return y is not None and type_of_target(y) in ("binary", "multiclass")
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"scikit-learn cannot read it as targets: {error}", where="y", hint="Leave out rows without a target."
        ) from error


def _split(splitter: Any, table: Table, seed: Seed) -> list[tuple[Any, Any]]:
    if isinstance(splitter, list):
        return [_known(pair, table.count) for pair in splitter]
    made = copy.deepcopy(splitter)
    if _has_chance(made):
        made.random_state = seed.integer()
    parts = made.split(table.X, table.y, table.groups) if table.groups is not None else made.split(table.X, table.y)
    return [_pair(part) for part in parts]


def _has_chance(splitter: Any) -> bool:
    """Whether a splitter draws, and nobody fixed what it draws."""
    return getattr(splitter, "random_state", 0) is None and bool(getattr(splitter, "shuffle", True))


def _pair(item: Any) -> tuple[Any, Any]:
    try:
        fitted, scored = item
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{item!r:.60} is no pair (fit rows, score rows)", where="cv", allowed="[(fit rows, score rows), ...]"
        ) from None
    return _numbers(fitted), _numbers(scored)


def _numbers(index: Any) -> np.ndarray:
    found = np.asarray(index)
    return np.flatnonzero(found) if found.dtype == bool else found.astype(np.intp)


def _known(pair: tuple[Any, Any], count: int) -> tuple[Any, Any]:
    for index in pair:
        if len(index) and not (-count <= index.min() and index.max() < count):
            raise ArgumentError(f"row {index.max()} is asked for, of {counted(count, 'row')}", where="cv")
    return pair


def _rows(X: Any) -> int:
    return int(X.shape[0]) if getattr(X, "shape", ()) else len(X)


def _shape(part: Any) -> str:
    if getattr(part, "shape", None) is None:
        return f"({_rows(part)},) {type(part).__name__}"
    return f"{tuple(part.shape)} {getattr(part, 'dtype', type(part).__name__)}"


def _one_a_row(value: Any, count: int) -> bool:
    if isinstance(value, (str, bytes, Mapping)) or not (hasattr(value, "shape") or hasattr(value, "__len__")):
        return False
    return bool(getattr(value, "shape", True)) and _rows(value) == count


def _stacked(first: Any, second: Any) -> Any:
    if hasattr(first, "iloc"):
        import pandas as pd

        if not hasattr(second, "iloc"):
            second = type(first)(second, columns=first.columns) if first.ndim == 2 else type(first)(second)
        return pd.concat([first, second], ignore_index=True)
    if hasattr(first, "tocsr"):
        from scipy import sparse

        return sparse.vstack([first, second]).tocsr()
    return np.concatenate([np.asarray(first), np.asarray(second)])
