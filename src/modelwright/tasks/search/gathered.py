"""What a fit starts from: rows, target, split and checks, from a raw table and what its user says of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, kind_of, listed, warn_caller
from modelwright.tasks.checks import NAMES, Check, by_status, check, row_groups
from modelwright.tasks.data import dates
from modelwright.tasks.data.context import around
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.kinds import NOTHING
from modelwright.tasks.data.plain_numbers import plain
from modelwright.tasks.data.reading import Time, read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import Table, is_missing
from modelwright.tasks.learners import learner
from modelwright.tasks.scoring.goal import same_goal
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.sampling import RARE, sample, sampled
from modelwright.tasks.scoring.target import Target
from modelwright.tasks.scoring.validation import Split, Ties, affordable, make_split, undivided
from modelwright.tasks.scoring.weights import given_weights, with_classes
from modelwright.tasks.search.room import Room, as_sampled, columns_of, planned

#: Rows up to which all duplicates are looked for.
_TWINS = 500_000
_LEAKS = ("near-certain",)
#: Share of the time from which on reading counts.
_READING = 0.1


@dataclass(frozen=True, slots=True)
class Gathered:
    """See the module.

    Attributes:
        y: classes as integers, or numbers, (rows,); rows without a target are gone.
        weight: of each row while models are fitted, or None.
        judging: of each row where it judges, or None: weights of classes are for fitting alone.
        room: rows and workers that fit.
    """

    table: Table
    schema: Schema
    target: Target
    metric: Metric
    frame: Frame
    y: np.ndarray
    weight: np.ndarray | None
    judging: np.ndarray | None
    split: Split
    room: Room

    def said(self) -> str:
        """What is learned from what, in words."""
        rows, columns = counted(self.frame.rows, "row"), counted(len(self.schema.used), "column")
        goal = f"{self.target.task} by {self.metric.name}"
        return f"Fit {self.target.name!r:.80}: {goal}, {rows}, {columns}, {self.split.said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a user says of a table; see ``mw.fit``."""

    target: str
    metric: Any = None
    task: str | None = None
    positive: Any = None
    kinds: Mapping[str, str | Sequence[Any]] | None = None
    without: Sequence[str] = ()
    sample_weight: Any = None
    class_weight: Any = None
    groups: str | None = None
    time: str | None = None
    folds: int | None = None
    seed: int = 0
    #: Of all cores, where time is what is limited.
    seconds: float | None = None
    workers: int = 1
    #: Bytes that the fit may hold, and rows that candidates may see.
    memory: int | None = None
    max_rows: int | None = None
    #: What an earlier part of the same search was divided into; see ``Split.to_json``.
    divided: Mapping[str, Any] | None = None
    #: What there is for reading a file.
    reading: Time | None = None
    #: Of a plan that is carried out again: the columns, see ``Schema.kept``; the target, see ``goal.kept_goal``; and
    #: whether any rows judge its members.
    columns: Sequence[Mapping[str, Any]] | None = None
    goal: Mapping[str, Any] | None = None
    judges: bool = True


def gather(source: Any, said: Said) -> Gathered:
    """Read a table and settle what is learned from it.

    Raises:
        ArgumentError: what is wrong, with the column.
    """
    clock = SystemClock()
    began = clock.monotonic()
    table = read(source, where="fit", time=said.reading, memory=said.memory)
    if not isinstance(said.target, str):
        raise ArgumentError(
            f"target is {kind_of(said.target)}", where="fit", allowed=f"the name of a column: {listed(table.names)}"
        )
    column = table.column(said.target, where="fit")
    name = said.target if said.target in table.columns else said.target.strip()
    target = _target(column, said, name, table=table)
    metric = Metric.of(said.metric, target)
    there = target.present(column)
    if not there.all():
        table = table.take(there)
    schema = _schema(table, said, name)
    if not schema.used:
        raise ArgumentError(
            "no column has anything to learn from",
            where="fit",
            hint="Each is an id or constant: kinds={'column': 'category'} makes an id a category.",
        )
    frame = schema.frame(table, where="fit")
    if said.columns is not None:  # only now: the frame tells what is written otherwise than in the fit
        schema = schema.renewed(table)
    y = target.encode(table.columns[name], where="fit")
    judging = given_weights(table, said.sample_weight, there, schema=schema, where="fit")
    if said.judges:
        metric.check(y, target, judging)
    weight = with_classes(judging, said.class_weight, target, y)
    seen = None if said.divided is None else min(frame.rows, _drawn(said.divided, frame.rows))
    outputs = max(1, len(target.classes))
    left = None if said.seconds is None else _left(said.seconds, said.workers * (clock.monotonic() - began))
    room = planned(
        frame,
        cost=lambda rows: _usual_seconds(rows, frame, outputs),
        outputs=outputs,
        seconds=left,
        workers=said.workers,
        memory=said.memory,
        max_rows=said.max_rows if seen is None else seen,
    )
    if seen is not None and room.rows != seen:  # scores of other rows are no scores of the same search
        room = replace(room, rows=seen, said=tuple(one for one in room.said if one["what"] != "rows"))
    split = _divided(table, schema, frame, y, target.task, replace(said, seconds=left), room, metric.weighs)
    told = as_sampled(room, split.used, frame.rows)
    _warn_of_more(said.max_rows, target, split.used)
    return Gathered(table, schema, target, metric, frame, y, weight, judging, split, told)


def _drawn(divided: Mapping[str, Any], rows: int) -> int:
    """By what number the rows of an earlier part are drawn; it has none where candidates saw all ``rows``.

    Those of earlier versions have only the one that came out.
    """
    return int(divided.get("asked", divided.get("rows", rows)))


def _warn_of_more(asked: int | None, target: Target, rows: int) -> None:
    """Warn where no sample is as small as was asked for; a few rows more for a rare class are a decision alone."""
    least = sum(min(RARE, count) for count in target.counts)
    if asked is not None and asked < least and asked < rows:
        warn_caller(
            f"max_rows={asked} was raised to {rows:,}: a sample has {RARE} rows of each class, or all there are"
        )


def _target(column: Any, said: Said, name: str, *, table: Table) -> Target:
    """What is predicted: that of the plan, or what the cells are."""
    given: dict[str, Any] = {"name": name, "metric": said.metric, "positive": said.positive}
    given |= {"declared": table.declared.get(name), "context": around(table, name, said.kinds)}
    if said.goal is not None:
        return same_goal(column, said.goal, **given)
    return Target.of(column, task=said.task, typed=not table.of_text, **given)


def _schema(table: Table, said: Said, target: str) -> Schema:
    """The columns that are learned from: those of the plan, or all but those that have another part."""
    weighs = [said.sample_weight] if isinstance(said.sample_weight, str) else []
    divides = [name for name in (said.groups, said.time) if name is not None and said.judges]
    for one in (*(said.without if said.columns is None else ()), *divides, *weighs):
        if one not in table.columns:
            raise table.without(target).lacks(one, where="fit")  # the target has its part
    table.check([*divides, *weighs])
    if said.columns is None:
        without = [*said.without, *([said.groups] if said.groups else []), *weighs]
        return Schema.of(table, target=target, kinds=said.kinds, without=without, where="fit")
    given = {column["name"] for column in said.columns}
    if target in given:  # it would give itself away
        was = "" if said.goal is None else f", and its target was {said.goal.get('target')!r:.80}"
        raise ArgumentError(
            f"the model was given the column {target!r:.80}{was}", where="fit, plan, target",
            hint="Name the target that the plan is for, or search anew without plan=.",
        )  # fmt: skip
    for name in said.without:
        if name in given:
            raise ArgumentError(
                f"without has {name!r:.80}, which the model was given", where="fit, plan",
                hint="Leave it out, or search anew without plan=.",
            )  # fmt: skip
    return Schema.again(table, said.columns, target=target, where="fit, plan")


def _left(seconds: float, spent: float) -> float:
    """Seconds of all cores that are left for candidates, where reading took a part that counts.

    What takes little counts as nothing, so that the same call on the same table divides its rows alike.
    """
    return seconds if spent < _READING * seconds else max(_READING * seconds, seconds - spent)


def _divided(
    table: Table, schema: Schema, frame: Frame, y: np.ndarray, task: str, said: Said, room: Room, weighs: bool
) -> Split:
    """The split of all rows, or of those that candidates see."""
    if not said.judges:
        return undivided(len(y))
    chosen, stands = sampled(y, task, room.rows, seed=said.seed) if weighs else (None, None)
    chosen = sample(y, task, room.rows, seed=said.seed) if chosen is None else chosen
    whole = len(chosen) == len(y)
    ties = _ties(table, schema, frame, None if whole else chosen, said)
    folds, repeats = said.folds, None
    if folds is not None and said.divided is None and folds > max(4, len(chosen) // 2):  # a few are made fewer
        raise ArgumentError(
            f"folds={folds} for {counted(len(chosen), 'row')}", where="fit",
            allowed=f"a whole number from 1 to {max(4, len(chosen) // 2):,}",
        )  # fmt: skip
    if said.divided is not None:
        folds, repeats = int(said.divided["folds"]), int(said.divided["repeats"])
    elif folds is None and said.seconds is not None:
        classes = 1 if task == "regression" else int(y.max()) + 1
        takes = room.slow * _usual_seconds(len(chosen), frame, classes)
        folds, repeats = affordable(len(chosen), takes, said.seconds)
    alone = said.folds is not None or said.divided is not None
    split = make_split(y[chosen], task, seed=said.seed, ties=ties, folds=folds, repeats=repeats, alone=alone)
    return split if whole else split.among(chosen, len(y), stands, room.rows)


def checked(data: Gathered, only: Collection[str] = NAMES, *, seed: int, seconds: float | None) -> list[Check]:
    """What the data checks find, those named in ``only``."""
    asked = {"seed": seed, "seconds": seconds, "where": "fit", "only": only, "split": data.split}
    return check(data.table, data.schema, data.target, **asked)


def without_suspects(
    data: Gathered, said: Said, found: Sequence[Check], before: Sequence[str] | None = None
) -> tuple[Gathered, list[str]]:
    """The same data without the columns that leak, divided anew by what is left, and which those were.

    Args:
        before: those that an earlier part of the same fit left out; None for a new one.
    """
    names = (
        list(before)
        if before is not None
        else sorted({name for one in found if one.status == "alert" and one.name in _LEAKS for name in one.names})
    )
    if not names:
        return data, []
    schema = replace(data.schema, columns=tuple(c for c in data.schema.columns if c.name not in names))
    if not schema.used:
        what = "without the columns that leak nothing is left"
        raise ArgumentError(what, where="fit", allowed="drop_suspected=False")
    frame, split = schema.frame(data.table, where="fit"), data.split
    if said.groups is None and said.time is None:  # more rows may be alike
        as_before = replace(said, divided=said.divided or split.to_json())
        task, weighs = data.target.task, data.metric.weighs
        split = _divided(data.table, schema, frame, data.y, task, as_before, data.room, weighs)
    return replace(data, schema=schema, frame=frame, split=split), names


def looked_again(data: Gathered, found: Sequence[Check], *, seed: int, seconds: float | None) -> list[Check]:
    """What was found before columns were left out, as it is without them: rows may be alike that were not."""
    rest = [one for one in found if one.name not in ("duplicate rows", "contradicting rows")]
    return sorted([*rest, *checked(data, ("duplicate rows",), seed=seed, seconds=seconds)], key=by_status)


def _usual_seconds(rows: int, frame: Frame, outputs: int) -> float:
    """What a usual candidate takes, by rows, columns and the numbers that are predicted for a row."""
    return learner("lightgbm").work(rows, columns_of(frame), {}, outputs)


def _ties(table: Table, schema: Schema, frame: Frame, chosen: np.ndarray | None, said: Said) -> Ties:
    """What keeps rows together or in order, of those that are chosen; of all for None."""
    if said.groups is None and said.time is None:
        count = frame.rows if chosen is None else len(chosen)
        if count > _TWINS:
            return Ties()
        return Ties(twins=row_groups(frame if chosen is None else frame.take(chosen)))
    groups = time = None
    table = table if chosen is None else table.take(chosen)
    if said.groups is not None:
        groups = _grouped(table.columns[said.groups], said.groups)
    if said.time is not None:
        time = _moments(table, schema, said.time, _kind_of(said, said.time))
    return Ties(groups=groups, time=time)


def _grouped(cells: np.ndarray, name: str) -> np.ndarray:
    """Rows of one value together; a row without a value, which goes with no other one that is known of, alone."""
    alone = ungrouped(cells)
    if alone.all():
        raise ArgumentError("every cell is missing", where=f"fit, groups={name!r:.60}", hint="Leave groups= out.")
    texts = np.array([str(cell).strip() for cell in cells.tolist()], dtype=object)
    groups = np.zeros(len(cells), np.int64)
    groups[~alone] = np.unique(texts[~alone], return_inverse=True)[1]
    groups[alone] = groups.max() + 1 + np.arange(alone.sum())
    return groups


def ungrouped(cells: np.ndarray) -> np.ndarray:
    """Which rows have no group: their cell is missing, or is a text that stands for nothing."""
    if cells.dtype.kind != "O":
        return is_missing(cells)
    return np.array([cell is None or cell.strip().casefold() in NOTHING for cell in cells.tolist()], dtype=bool)


def _kind_of(said: Said, name: str) -> dict[str, str | Sequence[Any]]:
    kind = (said.kinds or {}).get(name)
    return {} if kind is None else {name: kind}


def _moments(table: Table, schema: Schema, name: str, kinds: Mapping[str, str | Sequence[Any]]) -> np.ndarray:
    """A number for the place in time of each row."""
    if name not in {column.name for column in schema.columns}:  # it is no feature
        others = [one for one in table.names if one != name]
        schema = Schema.of(replace(table, typed={}), kinds=kinds, without=others, where="fit")
    column = schema[name]
    cells = table.columns[name]
    if (read := column.kind in ("datetime", "number")) or cells.dtype.kind in "ifM":
        found = schema.frame(table).numbers[name] if read else cells.astype(np.float64)
        if (gone := np.isnan(found) | is_missing(cells)).any():
            raise ArgumentError(
                f"{counted(int(gone.sum()), 'row')} without a moment", where=f"fit, time={name!r}",
                hint="Fill these cells, or take the rows out of the table. Without time= rows are divided by chance.",
            )  # fmt: skip
        return found
    there = [str(cell) for cell in cells.tolist() if cell is not None]
    numbers = plain(cells.tolist()) if cells.dtype.kind == "O" else None
    if numbers is not None and not np.isnan(numbers.values).any():
        return numbers.values.astype(np.float64)  # texts that count the rows, as those of a file do
    no_date = [text for text in there if dates.micros(text, day_first=False) is None]
    hint = f"kinds={{{name!r}: 'datetime'}} says that it holds dates."
    if 2 * len(no_date) > len(there):
        hint = f"{no_date[0]!r:.40} is read as none: write them such as 2016-04-05, or as numbers that grow with time."
    raise ArgumentError(
        f"{name!r} is {column.kind}", where="fit, time", allowed="a column of dates or numbers", hint=hint
    )
