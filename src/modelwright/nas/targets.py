"""Targets: which task they show, and the form in which losses take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.nas.task import Kind, Task

#: Different whole numbers that count as classes in any case, and rows of a class from which more of them do.
_FEW, _OFTEN = 20, 20
#: Labels that a message lists at most.
_LISTED = 5
#: Steps between numbers of 32 bits in one standard deviation of what is predicted: fewer are too few to be of any use,
#: and fewer than the second are told of.
_USELESS, _COARSE = 10, 1000


def with_own(y: np.ndarray, own: np.ndarray, where: str) -> np.ndarray:
    """The targets, and behind them those of the rows to judge by that the user picked.

    Raises:
        ArgumentError: they are not of one kind.
    """
    if y.shape[1:] != own.shape[1:]:
        said = " and ".join(f"{of}y has the shape {part.shape}" for of, part in (("", y), ("validation's ", own)))
        raise ArgumentError(said, where=where, allowed="targets that are written alike")
    texts = [part.dtype.kind == "U" for part in (y, own)]
    if texts[0] != texts[1]:
        one, other = ("y", "validation's y") if texts[0] else ("validation's y", "y")
        raise ArgumentError(
            f"{one} holds texts, {other} numbers", where=where, allowed="targets that are written alike"
        )
    return np.concatenate([y, own])


def task_of(
    y: np.ndarray,
    kind: Kind | None,
    notes: list[str],
    where: str,
    rows: int | None = None,
    outputs: int | None = None,
) -> tuple[Task, np.ndarray]:
    """The task that targets show, and the targets: places of classes, or rows of numbers.

    Args:
        kind: what it is, where the targets leave it open.
        rows: how many of them are y's, where validation's stand behind them.
        notes: what a user should know is added to it.
        outputs: of the networks, where that is known: with one of them, two classes are told apart by it; with one for
            each label that there is, none is left for labels that no row has.

    Raises:
        ArgumentError: they show none, or not that one.
    """
    if kind not in (None, "multiclass", "multilabel", "regression"):
        raise ArgumentError(f"task={kind!r:.60}", where=where, allowed="'multiclass', 'multilabel', 'regression'")
    if y.ndim == 2 and y.shape[1] > 1:
        return _of_rows(y, kind, where, rows, outputs)
    y = y.ravel()
    texts = y.dtype.kind == "U"
    broken = np.flatnonzero(y != np.round(y)) if y.dtype.kind == "f" else np.empty(0, int)
    if kind == "multilabel":
        raise ArgumentError(
            "task='multilabel', and y has one value a row", where=where, allowed="rows of 0 and 1, a column for a label"
        )
    if kind == "regression" and texts:
        raise ArgumentError("y holds texts, which are no numbers to be learned", where=where)
    if kind == "multiclass" and len(broken):
        of, at = _at(broken[0], rows)
        raise ArgumentError(
            f"task='multiclass', and {of}y[{at}] is {y[broken[0]]:g}", where=where, allowed="texts or whole numbers"
        )
    if kind == "regression" or (kind is None and not texts and (len(broken) or _measured(y, notes))):
        return Task(kind="regression", outputs=1), y.reshape(-1, 1).astype(np.float64)
    return _classes(y, notes, where, outputs)


def _measured(y: np.ndarray, notes: list[str]) -> bool:
    """Whether whole numbers are so many different ones that they measure something, and name no classes."""
    different = np.unique(y)
    count = len(different)
    if count <= max(_FEW, len(y) // _OFTEN):
        return False
    # Labels are often numbered without gaps, and hardly ever occur once each.
    numbered = different[0] in (0, 1) and different[-1] - different[0] == count - 1 and len(y) >= 2 * count
    if y.dtype.kind in "iub" and numbered:
        notes.append(f"the {count:,} whole numbers of y are taken as classes; task='regression' predicts them")
        return False
    notes.append(
        f"y has {count:,} different whole numbers in {len(y):,} rows, which are predicted as numbers; "
        "task='multiclass' takes them as classes"
    )
    return True


def _classes(y: np.ndarray, notes: list[str], where: str, outputs: int | None) -> tuple[Task, np.ndarray]:
    exact = y.dtype.kind in "ib" or (y.dtype.kind in "uf" and float(np.abs(y).max()) < 2**53)
    labels = y.astype(np.int64) if exact and y.dtype.kind != "b" else y
    classes, encoded = np.unique(labels, return_inverse=True)
    names: tuple[Any, ...] = tuple(classes.tolist())
    if len(classes) < 2:
        _refuse_one(names[0], where)
    if outputs == 1 and len(classes) == 2:
        if names != (0, 1):
            notes.append(
                f"the one output stands for the label {names[1]!r}, against {names[0]!r}; study.classes has both"
            )
        return _by_one_output(names, encoded)
    near = labels.dtype.kind == "i" and names[0] >= 0 and names[-1] < 2 * len(names) + 10
    if near and outputs != len(names):
        missing = sorted(set(range(names[-1] + 1)) - set(names))
        encoded, names = labels, tuple(range(names[-1] + 1))
        if missing:
            listed = ", ".join(map(str, missing[:_LISTED])) + (" ..." if len(missing) > _LISTED else "")
            notes.append(
                f"no row has {'the label' if len(missing) == 1 else 'one of the labels'} {listed}; there is an output "
                f"for it all the same, so that output i stands for label i, from 0 to {names[-1]}"
            )
    elif labels.dtype.kind not in "Ub" and names != tuple(range(len(names))):
        notes.append(
            f"the outputs stand for the {len(names)} labels in rising order, from {names[0]} to {names[-1]}; "
            "study.classes has them"
        )
    return Task(kind="multiclass", outputs=len(names), classes=names), encoded


def _by_one_output(names: tuple[Any, ...], places: np.ndarray) -> tuple[Task, np.ndarray]:
    """Two classes, told apart by the probability of the second."""
    return Task(kind="binary", outputs=1, classes=names), places.reshape(-1, 1).astype(np.float32)


def _at(row: Any, rows: int | None) -> tuple[str, int]:
    """Whose target it is, and its row there."""
    return ("validation's ", int(row) - rows) if rows is not None and row >= rows else ("", int(row))


def _of_rows(
    y: np.ndarray, kind: Kind | None, where: str, rows: int | None, outputs: int | None
) -> tuple[Task, np.ndarray]:
    if y.dtype.kind not in "fiub":
        raise ArgumentError("y holds rows of texts", where=where, allowed="one text a row, or rows of 0 and 1")
    flags = bool(np.isin(y, (0, 1)).all())
    if kind in ("multiclass", "multilabel") and not flags:
        row, column = np.argwhere(~np.isin(y, (0, 1)))[0]
        of, at = _at(row, rows)
        allowed = "rows of 0 and 1" if kind == "multilabel" else "one label a row, or rows of 0 with a single 1"
        raise ArgumentError(
            f"task={kind!r}, and {of}y[{at}, {column}] is {y[row, column]:g}", where=where, allowed=allowed
        )
    if kind == "regression" or not flags:
        return Task(kind="regression", outputs=y.shape[1]), y.astype(np.float64)
    several = np.flatnonzero(y.sum(axis=1) != 1)
    if kind == "multiclass" and len(several):
        of, at = _at(several[0], rows)
        raise ArgumentError(
            f"task='multiclass', and row {at} of {of}y has {int(y[several[0]].sum())} labels",
            where=where,
            allowed="one in each row",
            hint="task='multilabel' is for several at once.",
        )
    made: Kind = kind or ("multilabel" if len(several) else "multiclass")
    task = Task(kind=made, outputs=y.shape[1], classes=tuple(range(y.shape[1])), one_hot=made == "multiclass")
    if made == "multilabel":
        return task, y.astype(np.float32)
    places = y.argmax(axis=1)
    if len(np.unique(places)) < 2:
        _refuse_one(int(places[0]), where)
    if y.shape[1] == 2 and outputs == 1:
        return _by_one_output((0, 1), places)
    return task, places


def standardised(
    task: Task, y: np.ndarray, chosen: np.ndarray, notes: list[str], where: str
) -> tuple[Task, np.ndarray]:
    """Numbers to be predicted with mean 0 and deviation 1 over the rows to train on, and the task that knows of it.

    Raises:
        ArgumentError: in the 32 bits in which a model puts them out they would hardly differ.
    """
    center, spread = y[chosen].mean(axis=0), y[chosen].std(axis=0)
    # A deviation that is rounding of the mean is none.
    spread = np.where(spread > 1e-14 * np.abs(center), spread, 0.0)
    steps = np.spacing(np.abs(center).astype(np.float32)).astype(np.float64)
    for column in np.flatnonzero((spread > 0) & (spread < _COARSE * steps)):
        of = f"column {column} of y" if len(spread) > 1 else "y"
        lies = (
            f"{of} varies by {spread[column]:.3g} around {center[column]:.6g}, where the numbers of 32 bits that "
            f"models put out are {steps[column]:.3g} apart"
        )
        if spread[column] < _USELESS * steps[column]:
            hint = "Subtract its mean from y, and add it to what the model predicts."
            raise ArgumentError(lies, where=where, hint=hint)
        notes.append(f"{lies}: predictions are rounded to that; subtract the mean from y for finer ones")
    spread = np.where(spread > 0, spread, 1.0)
    scaled = ((y - center) / spread).astype(np.float32)
    return replace(task, center=tuple(map(float, center)), spread=tuple(map(float, spread))), scaled


def unlearned(y: np.ndarray, chosen: np.ndarray, kept: np.ndarray, task: Task) -> list[int]:
    """The places of labels that rows have that networks are judged by, and no row to train on."""
    if task.kind == "regression":
        return []
    if task.one_class:
        return np.setdiff1d(task.places(y[kept]), task.places(y[chosen])).tolist()
    return np.flatnonzero(y[kept].any(axis=0) & ~y[chosen].any(axis=0)).tolist()


def tell_unlearned(y: np.ndarray, chosen: np.ndarray, kept: np.ndarray, task: Task, notes: list[str]) -> None:
    """Add a note where networks are judged by labels that no row to train on has."""
    if lost := unlearned(y, chosen, kept, task):
        names = [repr(task.classes[place]) for place in lost]
        listed = ", ".join(names[:_LISTED]) + (" ..." if len(names) > _LISTED else "")
        which = "the label" if len(names) == 1 else f"one of the {len(names):,} labels"
        notes.append(
            f"no row to train on has {which} {listed}, and some that networks are judged by have: they are counted, "
            "though nothing is learned of them"
        )


def _refuse_one(label: Any, where: str) -> None:
    raise ArgumentError(
        f"all rows have the label {label!r}", where=where, allowed="two classes or more", hint="Look at y."
    )
