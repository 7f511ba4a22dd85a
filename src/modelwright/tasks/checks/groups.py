"""Groups: columns that name persons or things of which there are many rows each, and ask for grouped folds."""

from __future__ import annotations

import re

import numpy as np

from modelwright.core.wording import counted
from modelwright.tasks.checks.alike import numbered
from modelwright.tasks.checks.alone import Share, contrasts, level_alone, number_alone
from modelwright.tasks.checks.evidence import FOLDS, Evidence
from modelwright.tasks.checks.record import Check, settled
from modelwright.tasks.data.schema import Column

#: Values a column must have to name things, and rows for each of them, on average.
_VALUES, _ROWS = 20, 2.0
#: By how much a value itself must tell more than its place among the others; less where other columns depend on it.
_MORE, _MORE_WITH = 0.1, 0.03
#: Share of names that hold a digit, for words that are codes.
_CODES = 0.8


def groups(evidence: Evidence) -> list[Check]:
    """Columns whose values stand for persons or things with many rows each."""
    found = []
    for column in evidence.schema.used:
        if evidence.late:
            break
        values = _values(evidence, column)
        if values is None:
            continue
        names = numbered(values)
        count = int(names.max()) + 1
        if count < _VALUES or evidence.rows < _ROWS * count or not _belong(evidence, column.name, values, names):
            continue
        found.append(
            Check(
                name="groups",
                status="alert",
                column=column.name,
                count=count,
                message=f"{counted(count, 'value')} with {evidence.rows / count:.1f} rows each, and rows of one value "
                "are alike in the target: a score on values that were trained on is too good for new ones",
                done="nothing: rows are divided by chance unless you say otherwise",
                undo=f"groups={column.name!r} keeps each value on one side, if the model will see new ones",
            )
        )
    return settled("groups", found, "no column names things that have many rows each")


def _values(evidence: Evidence, column: Column) -> np.ndarray | None:
    """A column as values that may be names: whole numbers, or words with digits in them."""
    frame, name, levels = evidence.frame, column.name, column.levels
    if name in frame.codes:
        coded = [bool(re.search(r"\d", level)) and " " not in level for level in levels]
        return frame.codes[name] if len(levels) >= _VALUES and np.mean(coded) >= _CODES else None
    if column.kind != "number":
        return None
    values = frame.numbers[name]
    known = values[np.isfinite(values)]
    whole = len(known) >= 0.9 * len(values) and bool((known == np.floor(known)).all())
    return np.where(np.isfinite(values), values, -1.0) if whole else None


def _belong(evidence: Evidence, name: str, values: np.ndarray, names: np.ndarray) -> bool:
    rows = _of_whole_groups(evidence, names)
    z = contrasts(evidence.y[rows], evidence.task, len(evidence.classes), evidence.seed)
    draw = evidence.seed.child("groups").generator()
    together = numbered(evidence.twins[rows])
    folds = draw.permutation(np.arange(int(together.max(initial=0)) + 1) % FOLDS)[together]
    itself = level_alone(names[rows], z, folds)
    order = number_alone(values[rows].astype(float), z, folds) if name in evidence.frame.numbers else None
    place = Share.of((z**2).sum(axis=1)) if order is None or order.left > 1 else order
    more = place.losses - itself.losses
    least = _MORE if _dependents(evidence, name, names[rows], rows) < 2 else _MORE_WITH
    return float(more.mean()) > max(least, 4 * float(more.std()) / np.sqrt(len(more)))


def _of_whole_groups(evidence: Evidence, names: np.ndarray) -> np.ndarray:
    """Rows of as many whole groups as a sample holds."""
    if len(names) <= evidence.most:
        return np.arange(len(names))
    sizes = np.bincount(names)
    order = evidence.seed.child("of groups").generator().permutation(len(sizes))
    taken = order[: int(np.searchsorted(np.cumsum(sizes[order]), evidence.most)) + 1]
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[taken] = True
    return np.flatnonzero(chosen[names])[: 2 * evidence.most]


def _dependents(evidence: Evidence, name: str, names: np.ndarray, rows: np.ndarray) -> int:
    """How many other columns have one value for each value of this one, but several in all."""
    frame = evidence.frame
    _, names = np.unique(names, return_inverse=True)
    names = names.ravel()
    first = np.zeros(int(names.max(initial=0)) + 1, dtype=np.intp)
    first[names[::-1]] = np.arange(len(names))[::-1]
    several = np.bincount(names)[names] > 1
    count = 0
    for other, cells in {**frame.numbers, **frame.codes}.items():
        part = np.nan_to_num(cells[rows].astype(float), nan=-1.5)
        same = part == part[first[names]]
        if other != name and several.any() and same[several].mean() > 0.98 and len(np.unique(part)) > 1:
            usual = float((part == np.median(part)).mean())
            count += usual < 0.9
    return count
