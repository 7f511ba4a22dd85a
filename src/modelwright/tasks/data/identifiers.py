"""Naming: whether columns that name each row say something of the target all the same. Looks at no name of a column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.tasks.data.kinds import Context, Finding, described
from modelwright.tasks.data.labels import Labels
from modelwright.tasks.data.readers import reader
from modelwright.tasks.data.table import Declared, is_missing
from modelwright.tasks.data.whole_numbers import told_apart

#: Least share of the target that has to go with a column, and the largest probability of that by chance. Ids go a
#: little with most things, by the order in which rows were collected.
SHARE, CHANCE = 0.03, 0.01
#: Rows that are looked at, at most.
_ROWS = 20_000
#: Whole numbers with more different values are ranked, those with fewer are classes.
_FEW = 10
_CLASSES = 10
_GROUPS = 30
_PARTS = re.compile(r"[^\W\d_]+|\d+")
#: Share of neighbours in order from which a table is sorted, and how uneven the steps of what is no function are.
_SORTED, _UNEVEN = 0.98, 0.4
#: A count of rows begins at 0 or 1; of a table that is a part of another one, at most so many gaps later.
_BEGINS = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """The target as columns that any association shows in.

    Args:
        name: the target.
        rows: places of the rows that have one, at most some thousands.
        columns: (rows, k): ranks of a number, or one column for each frequent class; each with mean 0 and variance 1.
        values: (rows,): the numbers, or the places of the classes.
        classes: how many classes there are; 0 for numbers.
    """

    name: str
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    classes: int

    @classmethod
    def of(
        cls,
        cells: np.ndarray,
        name: str,
        declared: Declared | None = None,
        context: Callable[[], Context] = Context,
    ) -> Outcome | None:
        """The outcome in a target's cells; None where nothing can go with them."""
        found = Labels.of(cells, typed=False, wanted="", declared=declared, context=context)
        rows = np.flatnonzero(~found.missing)
        if found.type == "date" or len(rows) < 2 * _FEW:
            return None
        rows = rows[:: -(-len(rows) // _ROWS)]
        if found.type in ("int", "float") and len(np.unique(found.values[rows])) > _FEW:
            values = found.values[rows]
            order = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
            _, same, times = np.unique(values, return_inverse=True, return_counts=True)
            return cls(name, rows, _unit((np.bincount(same, order) / times)[same][:, None]), values, 0)
        listed = [str(cell).strip() for cell in cells[rows].tolist()]
        levels = [level for level, _ in Counter(listed).most_common()]
        if len(levels) < 2:
            return None
        places = {level: place for place, level in enumerate(levels)}
        codes = np.array([places[one] for one in listed])
        shown = codes[:, None] == np.arange(min(len(levels), _CLASSES))
        return cls(name, rows, _unit(shown.astype(np.float64)), codes, len(levels))


def settled(
    findings: Mapping[str, Finding], columns: Mapping[str, np.ndarray], outcome: Outcome | None, *, others: bool
) -> dict[str, Finding]:
    """What columns are that name the rows by their cells alone: ids only where they say nothing of the target.

    Args:
        findings: column -> the finding that it is an id.
        columns: column -> its raw cells.
        others: whether there are other columns to learn from.

    Returns:
        Ids, numbers with ``counts_rows`` in their details, and texts. An id has ``sorted`` in its details where it goes
        with the target because rows were numbered after they had been sorted by the target.
    """
    made = {name: _settled(one, columns[name], outcome, others) for name, one in findings.items()}
    if others or any(one.kind != "id" for one in made.values()):
        return made
    for name, one in findings.items():  # nothing else is there: a number is better than nothing
        values = _numbers(columns[name])
        if values is not None:
            return {**made, name: _number(columns[name], "whole numbers, and there is no other column", one)}
    return made


def _settled(finding: Finding, cells: np.ndarray, outcome: Outcome | None, others: bool) -> Finding:
    if outcome is None:
        return finding
    values = _numbers(cells)
    if values is None:
        return _of_codes(finding, cells, outcome)
    there = ~np.isnan(values[outcome.rows])
    x, columns, y = values[outcome.rows][there], outcome.columns[there], outcome.values[there]
    order = np.argsort(x, kind="stable")
    if len(x) < 2 * _FEW or not _goes_with(columns[order]):
        return Finding("id", f"{finding.why}, and they say nothing of {outcome.name!r:.60}", {})
    if others and _counts(x) and _is_sorted(x[order], y[order], outcome.classes):
        why = f"{finding.why}, and the rows had been sorted by {outcome.name!r:.60} when they were counted"
        return Finding("id", why, {"sorted": True})
    return _number(cells, f"{finding.why}, but they go with {outcome.name!r:.60}", finding)


def _number(cells: np.ndarray, why: str, finding: Finding) -> Finding:
    found = described(cells, "number", Context())
    return Finding("number", why, {**found.details, "whole": True, "counts_rows": finding.why})


def _numbers(cells: np.ndarray) -> np.ndarray | None:
    """The cells as numbers; None where they are others, or longer ones than a float holds."""
    if cells.dtype.kind in "if":
        values = cells.astype(np.float64)
        large = cells.dtype.kind == "i" and (np.abs(values) > 2.0**53).any()
        return None if large and not told_apart(Counter(cells.tolist())) else values
    if cells.dtype.kind != "O":
        return None
    values, problems = reader("", "number", described(cells, "number", Context()).details).many(cells)
    if problems.unreadable or not (np.abs(values[~np.isnan(values)]) < 2.0**53).all():
        return None
    return values


def _unit(columns: np.ndarray) -> np.ndarray:
    spread = columns.std(axis=0)
    return (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _goes_with(columns: np.ndarray) -> bool:
    """Whether columns of unit variance change along the order of their rows: by and by, or from row to row."""
    count, width = columns.shape
    bins = min(20, max(2, count // 10))
    near = (columns[:-1] * columns[1:]).mean(axis=0)
    line = _unit(np.arange(count, dtype=np.float64)[:, None])
    along = np.abs((columns * line).mean(axis=0))
    from scipy.special import ndtr

    # Neighbours that differ more than chance has them differ, as even and odd rows may, help no model.
    chances = [*ndtr(-near * np.sqrt(count)), *(2 * ndtr(-along * np.sqrt(count - 1)))]
    shares = [*near, *along**2]
    share, chance = _by_groups(columns, np.arange(count) * bins // count)
    allowed = CHANCE / (3 * width)
    return _any(shares, chances, allowed) or _any(share, chance, allowed)


def _any(shares: Iterable[float], chances: Iterable[float], allowed: float) -> bool:
    return any(share >= SHARE and chance < allowed for share, chance in zip(shares, chances, strict=True))


def _by_groups(columns: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each column of unit variance the share that differs between groups, less what chance gives, and the
    probability of the difference by chance (F test)."""
    from scipy.special import fdtrc

    rows, kinds = len(groups), int(groups.max()) + 1
    sizes = np.bincount(groups, minlength=kinds).astype(np.float64)
    sums = np.stack([np.bincount(groups, weights=column, minlength=kinds) for column in columns.T], axis=1)
    between = (sums**2 / np.maximum(sizes, 1)[:, None]).sum(axis=0) / rows
    between = np.clip(between, 0.0, 1.0)
    inside = np.maximum(1.0 - between, 1e-12)
    ratio = (between / (kinds - 1)) / (inside / (rows - kinds))
    return 1 - inside * (rows - 1) / (rows - kinds), fdtrc(kinds - 1, rows - kinds, ratio)


def _counts(values: np.ndarray) -> bool:
    """Whether whole numbers begin where one begins to count."""
    low, high = float(values.min()), float(values.max())
    return 0 <= low <= 1 + _BEGINS * (high - low + 1) / len(values)


def _is_sorted(x: np.ndarray, y: np.ndarray, classes: int) -> bool:
    """Whether the target stands sorted in the order of ``x`` as no function of a quantity is: in blocks of classes, or
    rising all the time in steps of every size."""
    if classes:
        return int((y[1:] != y[:-1]).sum()) <= 2 * (classes - 1)
    steps = np.diff(y) / np.maximum(np.diff(x), 1e-300)
    rising = max(float((steps >= 0).mean()), float((steps <= 0).mean()))
    return rising >= _SORTED and float(np.abs(np.diff(steps)).sum()) > _UNEVEN * float(np.abs(steps).sum())


# --- codes -----------------------------------------------------------------------------------------


def _of_codes(finding: Finding, cells: np.ndarray, outcome: Outcome) -> Finding:
    """Codes are texts where a part of them, such as the domain of an address, goes with the target."""
    rows = outcome.rows[~is_missing(cells)[outcome.rows]]
    columns = outcome.columns[~is_missing(cells)[outcome.rows]]
    split = [_PARTS.findall(str(cell).casefold()) for cell in cells[rows].tolist()]
    places = (0, 1, -3, -2, -1)
    for place in places:
        groups = _grouped([parts[place] if -len(parts) <= place < len(parts) else "" for parts in split])
        if groups is None:
            continue
        share, chance = _by_groups(columns, groups)
        if _any(share, chance, CHANCE / (len(places) * columns.shape[1])):
            why = f"{finding.why}, but parts of them go with {outcome.name!r:.60}"
            return Finding("text", why, {})
    return Finding("id", f"{finding.why}, and no part of them says anything of {outcome.name!r:.60}", {})


def _grouped(parts: list[str]) -> np.ndarray | None:
    """The frequent ones among parts of codes as groups; None where nearly each is different, or all are the same."""
    counts: Counter[Any] = Counter(parts)
    if not 2 <= len(counts) <= len(parts) / 3:
        return None
    places = {part: place for place, (part, _) in enumerate(counts.most_common(_GROUPS))}
    return np.array([places.get(part, _GROUPS - 1) for part in parts])
