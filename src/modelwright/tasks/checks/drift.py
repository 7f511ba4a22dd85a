"""Drift: does a second table come from where the first came from? Columns one by one, then all together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.tasks.checks.alike import frame_keys, numbered, row_keys
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.features import CLOSELY, features
from modelwright.tasks.checks.record import Check, named, percent, settled
from modelwright.tasks.checks.two_samples import Shift, Told, levels_shift, numbers_shift, told_apart
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.kinds import canonical, profile
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import Table
from modelwright.tasks.scoring.target import Target

#: Chance of any false alert in two halves of one table, and rows of each that are looked at.
_CHANCE, _ROWS = 0.001, 20_000
#: What matters of a shift that is no chance: an index of stability of 0.1 is the usual line, or a tenth of the rows.
_STABLE, _SIZE, _AUC = 0.1, 0.1, 0.55
_TOLD = 5_000
#: Share of the second table's rows that training may have, or so many times the share that repeats within training.
_SHARED, _AS_MANY = 0.01, 1.5
_UNDO = "look what changed; train on rows like the new ones, or judge with time='...'"


def drift(
    first: Table,
    second: Table,
    schema: Schema,
    *,
    target: Target | None = None,
    seed: int = 0,
    seconds: float | None = None,
    where: str = "test",
) -> list[Check]:
    """How a second table differs from the first.

    Columns that are not there, rows that both have, columns whose distribution shifted, and whether a classifier can
    tell on which side a row is. Two random parts of one table pass, but for one time in a thousand.

    Args:
        first: the table that models are trained on.
        second: new rows. Columns that the first lacks are named and left out; the target may be missing.
        schema: of the first.
        target: compared too, if the second table has it.
        seed: of samples and folds. Without ``seconds`` the same seed gives the same findings.
        seconds: time to spend; what is not reached is said.
        where: what the second table is called in messages.

    Raises:
        ArgumentError: the second table has no rows, or a column that holds something else than in the first.

    >>> import numpy as np
    >>> from modelwright.tasks.data.reading import read
    >>> x = np.sqrt(np.arange(200.0))
    >>> a, b = read({"x": x, "y": [0, 1] * 100}), read({"x": x + 5.3})
    >>> found = drift(a, b, Schema.of(a, target="y"))
    >>> [(check.name, check.column) for check in found if check.status == "alert"]
    [('drift', 'x'), ('drift', None)]
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    chance = Seed(seed).child("drift")
    frames = schema.frame(first), schema.frame(second, where=where, absent="missing")
    found = _columns_there(first, second, schema, frames[1])
    named_alike = _levels_of_both(first, second, frames)
    found += _overlap(named_alike, second, schema, where)
    if not schema.used or min(first.rows, second.rows) < 20:
        return [*found, *settled("drift", [], "there are too few rows to compare the two")]
    parts = tuple(_part(frame, chance.child(side)) for side, frame in enumerate(named_alike))
    gone = {column.name for column in schema.used if column.name not in second.columns}
    limit = _CHANCE / max(1, len(schema.used))
    shifts = dict(_shifts(parts, schema, gone, deadline))
    drifted = [_shifted(name, shift) for name, shift in shifts.items() if shift.p < limit and _matters(shift)]
    drifted.sort(key=lambda at: -at[0])
    alerts = [*_target_shift(first, second, target), *(check for _, check in drifted)]
    passed = "no column shifted, and no classifier can tell the two apart"
    if deadline is not None and time.monotonic() >= deadline:
        return [*found, *settled("drift", alerts, "no column shifted; the time was up before all together were tried")]
    told = _classifier(parts, schema, gone, chance)
    if told is not None and told.p < _CHANCE and told.auc >= _AUC:
        alerts.append(_told_check(told))
    return [*found, *settled("drift", alerts, passed)]


# --- what is there ----------------------------------------------------------------------------------


def _columns_there(first: Table, second: Table, schema: Schema, frame: Frame) -> list[Check]:
    gone = [column for column in schema.columns if column.name not in second.columns and column.used]
    found = [
        Check(
            name="columns",
            status="alert",
            column=column.name,
            message="it is not there",
            done="taken as missing throughout",
            undo="add the column; prediction refuses a table without it",
        )
        for column in gone
    ]
    found += [
        Check(
            name="columns",
            status="alert",
            column=note.data["column"],
            message=note.data["said"].replace("those of the fit", "those of training"),
            done="read as it stands",
            undo="write its cells as those of training are",
        )
        for note in frame.notes
        if note.kind == "otherwise written"
    ]
    more = [name for name in second.columns if name not in first.columns]
    if more:
        message = f"{counted(len(more), 'column')} that training has not seen: {named(more)}"
        found.append(Check(name="columns", status="fixed", count=len(more), message=message, done="left out"))
    return settled("columns", found, "every column is there")


def _overlap(frames: tuple[Frame, ...], second: Table, schema: Schema, where: str) -> list[Check]:
    names = [column.name for column in schema.used]
    if not names or not all(name in second.columns for name in names):
        return []
    here, there = map(frame_keys, frames)
    count = int(np.isin(there, here).sum())
    share = count / max(1, second.rows)
    own = float((np.bincount(twins := numbered(here))[twins] > 1).mean())
    said = f"{counted(count, 'row')} ({percent(share)}) of the {where} table are in training too"
    if share <= max(_SHARED, _AS_MANY * own):
        more = f", as {percent(own)} of training repeat other rows of it" if count and own else ""
        message = said + more if count else "the two tables share no row"
        return [Check(name="shared rows", status="passed", count=count, message=message)]
    undo = "a score on them says what was memorized: leave them out of it"
    return [Check(name="shared rows", status="alert", count=count, message=said, done="nothing", undo=undo)]


# --- columns one by one ------------------------------------------------------------------------------


def _levels_of_both(first: Table, second: Table, frames: tuple[Frame, Frame]) -> tuple[Frame, ...]:
    """The frames with one code for each level of either: a schema of the first alone would tell the two apart by the
    levels that it has not seen."""
    codes: tuple[dict[str, np.ndarray], ...] = (dict(frames[0].codes), dict(frames[1].codes))
    for name, levels in frames[0].levels.items():
        new = [coded[name] == len(levels) for coded in codes]
        texts = [
            _texts(table.columns[name][rows]) if rows.any() else np.array([], dtype=str)
            for table, rows in zip((first, second), new, strict=True)
        ]
        place = np.unique(np.concatenate(texts), return_inverse=True)[1].ravel() + len(levels)
        for coded, rows, own in zip(codes, new, np.split(place, [len(texts[0])]), strict=True):
            if rows.any():
                coded[name] = coded[name].copy()
                coded[name][rows] = own
    return tuple(replace(frame, codes=coded) for frame, coded in zip(frames, codes, strict=True))


def _texts(cells: np.ndarray) -> np.ndarray:
    """Raw cells as text without outer blanks; whole numbers are written without a point."""
    if cells.dtype.kind == "O":
        return np.array(["" if cell is None else str(cell).strip() for cell in cells.tolist()], dtype=object).astype(
            str
        )
    values, place = np.unique(cells, return_inverse=True)
    return np.array([_text(value) for value in values.tolist()], dtype=str)[place.ravel()]


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else canonical(value)
    return str(value)


def _part(frame: Frame, seed: Seed) -> Frame:
    if frame.rows <= _ROWS:
        return frame
    return frame.take(np.sort(seed.generator().permutation(frame.rows)[:_ROWS]))


def _shifts(
    parts: tuple[Frame, ...], schema: Schema, gone: set[str], deadline: float | None
) -> Iterator[tuple[str, Shift]]:
    a, b = parts
    for column in schema.used:
        name = column.name
        if name in gone or (deadline is not None and time.monotonic() >= deadline):
            continue
        if name in a.numbers:
            few = column.kind == "boolean"
            pair = (np.nan_to_num(a.numbers[name], nan=-1.0), np.nan_to_num(b.numbers[name], nan=-1.0))
            yield name, levels_shift(*pair) if few else numbers_shift(a.numbers[name], b.numbers[name])
        elif name in a.codes:
            yield name, levels_shift(a.codes[name], b.codes[name])
        else:
            lengths = [np.array([len(text) for text in part.texts[name].tolist()], dtype=float) for part in parts]
            yield name, numbers_shift(lengths[0], lengths[1])


def _target_shift(first: Table, second: Table, target: Target | None) -> list[Check]:
    if target is None or target.name not in second.columns:
        return []
    parts, found = [], _new_classes(second.columns[target.name], target) if target.is_classes else []
    for table in (first, second):
        cells = table.columns[target.name]
        parts.append(target.encode(cells[target.present(cells)]))
    if min(map(len, parts)) < 20:
        return found
    shift = (levels_shift if target.is_classes else numbers_shift)(*parts)
    return [*found, _shifted(target.name, shift)[1]] if shift.p < _CHANCE and _matters(shift) else found


def _new_classes(cells: np.ndarray, target: Target) -> list[Check]:
    """Classes that the first table lacks."""
    new = ~target.present(cells)
    counts = profile(cells[new]).counts
    if not counts:
        return []
    rows = sum(counts.values())
    message = (
        f"{counted(rows, 'row')} ({percent(rows / len(cells))}) of {counted(len(counts), 'class', 'classes')} that "
        f"training lacks: {named(sorted(counts, key=lambda text: -counts[text]))}; no model can name them"
    )
    undo = "add rows of these classes to the table that models are trained on"
    alert = Check(
        name="drift", status="alert", column=target.name, count=rows, message=message, done="nothing", undo=undo
    )
    return [alert]


def _matters(shift: Shift) -> bool:
    return shift.psi >= _STABLE or shift.size >= _SIZE


def _shifted(name: str, shift: Shift) -> tuple[float, Check]:
    measure = "distance" if shift.test == "KS" else "difference of shares"
    message = (
        f"its distribution shifted: stability index {shift.psi:.2f}, {shift.test} {measure} {shift.size:.2f}, "
        f"p {_chance(shift.p)}"
    )
    return shift.psi, Check(name="drift", status="alert", column=name, message=message, done="nothing", undo=_UNDO)


def _chance(p: float) -> str:
    return "under 1e-12" if p < 1e-12 else f"{p:.1g}"


# --- all together ------------------------------------------------------------------------------------


def _classifier(parts: tuple[Frame, ...], schema: Schema, gone: set[str], seed: Seed) -> Told | None:
    """Whether a row tells which table it is from. Moments are left out: later rows are later."""
    names = tuple(column for column in schema.used if column.name not in gone and column.kind != "datetime")
    if not names:
        return None
    # Chosen by chance where there are very many: those that shifted most would make the test dishonest.
    names = tuple(
        names[place] for place in np.sort(seed.child("columns").generator().permutation(len(names))[:CLOSELY])
    )
    less = Schema(names, schema.target)
    small = [
        part.take(np.sort(seed.child("told", side).generator().permutation(part.rows)[:_TOLD]))
        for side, part in enumerate(parts)
    ]
    both = _joined(small[0], small[1])
    empty = Table({}, both.rows)
    rows = np.arange(both.rows)
    evidence = Evidence(empty, less, both, "binary", (0, 1), (rows >= small[0].rows).astype(int), seed, most=both.rows)
    made = features(evidence)
    groups = numbered(row_keys(made.values.T, both.rows))
    if groups.max() + 1 < 0.5 * both.rows:
        groups = rows
    return told_apart(made, rows >= small[0].rows, seed.child("folds"), groups)


def _joined(a: Frame, b: Frame) -> Frame:
    def both(one: object, two: object) -> dict[str, np.ndarray]:
        return {name: np.concatenate([one[name], two[name]]) for name in one}  # type: ignore[index,attr-defined]

    return Frame(a.rows + b.rows, both(a.numbers, b.numbers), both(a.codes, b.codes), both(a.texts, b.texts))


def _told_check(told: Told) -> Check:
    top = sorted(told.gains, key=lambda name: -told.gains[name])[:3]
    message = (
        f"a classifier tells the two tables apart with an AUC of {told.auc:.2f} out of fold (0.5 is not at all), "
        f"p {_chance(told.p)}; most by {named(top, most=3)}"
    )
    return Check(name="drift", status="alert", message=message, done="nothing", undo=_UNDO)
