"""Targets: what is to be predicted, told from its column: the task, the classes, and numbers for learners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, did_you_mean
from modelwright.tasks.data.kinds import Context
from modelwright.tasks.data.labels import MEASURED, Labels, column_of, is_large, places_of, refuse_several, some_of
from modelwright.tasks.data.readers import reader
from modelwright.tasks.data.table import Declared, Note, is_missing
from modelwright.tasks.scoring.positive_class import positive_class, rarer_class
from modelwright.tasks.scoring.scorers import tasks_of, title
from modelwright.tasks.scoring.scores import DEFAULTS, RARER
from modelwright.tasks.scoring.target_refusals import refuse_no_classes, refuse_no_values, refuse_words_among_numbers

TASKS = ("binary", "multiclass", "regression")
#: Whole numbers with up to so many different values are classes, unless somebody says otherwise.
FEW = 10
_MOST_CLASSES = 2000
Class = bool | int | float | str


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Args:
        name: the column.
        task: ``"binary"``, ``"multiclass"`` or ``"regression"``.
        why: what told the task.
        metric: the name of the metric to go by.
        classes: the classes, sorted, as they are in the data; () for regression.
        counts: how many rows each class has.
        positive: the class that the metric of the fit looks at; None unless binary.
        looked_for: the one that ``average_precision``, ``f1`` and their like look at, whatever the fit went by.
        details: how text is read as numbers, where the cells are text; what durations are measured in.
        notes: rows without a target, classes of one row, and what was made of them.

    >>> target = Target.of(np.array(["yes", "no", "no", None, "yes"], dtype=object), name="bought")
    >>> target.task, target.classes, target.metric, target.notes[0].message
    ('binary', ('no', 'yes'), 'roc_auc', "1 row has no 'bought' and is left out")
    >>> target.encode(["no", "yes"]).tolist(), target.decode(np.array([1, 0])).tolist()
    ([0, 1], ['yes', 'no'])
    """

    name: str
    task: str
    why: str
    metric: str
    classes: tuple[Class, ...] = ()
    counts: tuple[int, ...] = ()
    positive: Class | None = None
    looked_for: Class | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(
        cls,
        column: Any,
        *,
        name: str = "target",
        task: str | None = None,
        positive: Any = None,
        metric: Any = None,
        typed: bool = False,
        declared: Declared | None = None,
        context: Callable[[], Context] = Context,
    ) -> Target:
        """The target that a column holds.

        Args:
            column: the cells, one a row; rows without one are left out of everything.
            name: what the column is called.
            task: where the user says it; else it is told from the cells and from ``metric``.
            positive: one of two classes; default the rarer one for ``average_precision`` and ``f1``, else the second.
            metric: as ``Metric.of`` takes it; default ``roc_auc`` for binary, ``log_loss`` for multiclass and ``rmse``
                for regression.
            typed: whether text is text, even where it consists of digits. False for what comes from a file of text:
                there, classes such as 0 and 1 are numbers. Text such as "$1,149.24" is a number in either case, unless
                only a few different ones are there.
            declared: what the source says of the column, where ``column`` are raw cells of a table.
            context: gives what other columns of the table tell of how numbers are written.

        Raises:
            ArgumentError: there is nothing to learn: no cell, one value, a different text in each row, infinite
                numbers, or arguments that do not go with the cells.
        """
        where = f"target {name!r:.80}"
        if task is not None and task not in TASKS:
            raise ArgumentError(
                f"task={task!r:.60}", where=where, allowed=", ".join(TASKS), hint=did_you_mean(str(task), TASKS)
            )
        held = tasks_of(metric)
        if task is not None and held and task not in held:
            raise ArgumentError(
                f"metric={title(metric)!r} with task={task!r}", where=where, allowed=f"task={held[0]!r}"
            )
        cells, own = column_of(column, name)
        declared = declared or own
        refuse_several(declared, where)
        wanted = task or (held[0] if len(held) == 1 else "")
        found = Labels.of(cells, typed=typed, wanted=wanted, declared=declared, context=context)
        if found.written and not _are_quantities(found, held, task):
            found = found.spelled()
        notes = missing_notes(found, name, where)
        chosen, why = (task, "it was said") if task else _task(found, held, title(metric))
        if chosen == "regression":
            refuse_no_values(found, name, where, metric, led=task is None)
            notes += _two_values(found, name, title(metric)) if task is None else []
            if positive is not None:
                raise ArgumentError(f"positive={positive!r:.60} where numbers are predicted", where=where)
            why += f", counted in {found.details[MEASURED]}" if MEASURED in found.details else ""
            return cls(name, chosen, why, title(metric) or DEFAULTS[chosen], details=found.details, notes=tuple(notes))
        if task is None and _told(found)[0] == "regression":
            refuse_no_classes(found, name, metric, _MOST_CLASSES)
        classes, counts = _classes(found, notes, name, where, held)
        if len(classes) != 2 and chosen == "binary":
            raise ArgumentError(
                f"there are {len(classes)} classes", where=where, allowed="two", hint="Give task='multiclass'."
            )
        if task is None:
            chosen = "binary" if len(classes) == 2 else "multiclass"
        called = title(metric) or DEFAULTS[chosen]
        two = chosen == "binary"
        one = positive_class(positive, classes, counts, called, where, found.details) if two else None
        rare = None if not two else one if positive is not None else rarer_class(classes, counts)
        if positive is not None and chosen != "binary":
            raise ArgumentError(
                f"positive={positive!r:.60} for {len(classes)} classes", where=where, allowed="two classes"
            )
        return cls(name, chosen, why, called, classes, counts, one, rare, found.details, tuple(notes))

    def looks_at(self, metric: str) -> Class | None:
        """The class of two that a metric is about; None unless binary."""
        return self.looked_for if metric in RARER else self.positive

    @property
    def is_classes(self) -> bool:
        """Whether classes are predicted, not values."""
        return self.task != "regression"

    def present(self, column: Any) -> np.ndarray:
        """Mask of the rows that can be learned from: they have a target, of a class that is known."""
        coded = self._coded(column_of(column, self.name)[0])
        return coded >= 0 if self.is_classes else ~np.isnan(coded)

    def encode(self, column: Any, *, where: str = "table") -> np.ndarray:
        """Places in ``classes`` as int64, or values as float64, of cells that are all present.

        Raises:
            ArgumentError: a cell is missing or not known; with its row.
        """
        cells, _ = column_of(column, self.name)
        coded = self._coded(cells)
        wrong = coded < 0 if self.is_classes else np.isnan(coded)
        if wrong.any():
            row, more = int(np.flatnonzero(wrong)[0]), int(wrong.sum()) - 1
            cell = cells[row]
            what = "there is none" if is_missing(cells[row : row + 1])[0] else f"{cell!r:.60} is not known"
            raise ArgumentError(
                f"{what} in row {row}" + (f" and {counted(more, 'row')} more" if more else ""),
                where=f"{where}, target {self.name!r:.80}",
                allowed=some_of(self.classes, 12) if self.is_classes else "numbers",
                hint="target.present(column) tells which rows can be used.",
            )
        return coded

    def decode(self, predicted: Any) -> np.ndarray:
        """Classes for their places, of the type they have in the data; values stay what they are."""
        if not self.is_classes:
            return np.asarray(predicted, dtype=np.float64)
        types = {type(known) for known in self.classes}
        one = len(types) == 1 and str not in types
        # What no int64 holds stays Python's own.
        one = one and not any(isinstance(known, int) and abs(known) >= 2**63 for known in self.classes)
        made = np.empty(len(self.classes), dtype=np.array(self.classes).dtype if one else object)
        made[:] = self.classes
        return made[np.asarray(predicted, dtype=np.intp)]

    def to_json(self) -> dict[str, Any]:
        """What ``json.dumps`` takes."""
        return {
            "name": self.name,
            "task": self.task,
            "why": self.why,
            "metric": self.metric,
            "classes": list(self.classes),
            "counts": list(self.counts),
            "positive": None if self.positive is None else self.classes.index(self.positive),
            "looked_for": None if self.looked_for is None else self.classes.index(self.looked_for),
            "details": dict(self.details),
            "notes": [[note.kind, note.message, dict(note.data)] for note in self.notes],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Target:
        """The inverse of ``to_json``.

        >>> target = Target.of(np.array([1, 2, 1, 2]))
        >>> Target.from_json(target.to_json()) == target
        True
        """
        classes = tuple(body["classes"])
        places = body["positive"], body.get("looked_for", body["positive"])
        positive, rare = (None if place is None else classes[place] for place in places)
        rest = {key: body[key] for key in ("name", "task", "why", "metric", "details")}
        notes = tuple(Note(*note) for note in body["notes"])
        counts = tuple(body["counts"])
        return cls(**rest, classes=classes, counts=counts, positive=positive, looked_for=rare, notes=notes)

    def _coded(self, cells: np.ndarray) -> np.ndarray:
        """Places of classes, -1 where there is none; values, NaN where there is none."""
        if not self.is_classes:
            return reader(self.name, "number", self.details).many(cells)[0]
        types = {type(known) for known in self.classes}
        if str in types or (bool in types and len(types) > 1):
            levels = [str(known).strip() for known in self.classes]
            codes, _ = reader(self.name, "category", {"levels": levels}).many(cells)
            return np.where(codes == len(levels), -1, codes).astype(np.int64)
        kind = "boolean" if isinstance(self.classes[0], bool) else "number"
        values, _ = reader(self.name, kind, self.details).many(cells)
        if is_large(self.classes):
            return places_of(self.classes, cells, values)
        known = np.array([float(one) for one in self.classes])
        places = np.minimum(np.searchsorted(known, values), len(known) - 1)
        return np.where(known[places] == values, places, -1).astype(np.int64)


def missing_notes(found: Labels, name: str, where: str) -> list[Note]:
    """Notes on what is missing."""
    if found.type == "date":
        raise ArgumentError(
            "it holds dates", where=where, allowed="classes or numbers", hint="Predict the days until then."
        )
    count = int(found.missing.sum())
    if count == len(found.missing):
        raise ArgumentError("every cell is missing" if count else "there are no rows", where=where)
    if not count:
        return []
    has, is_ = ("has", "is") if count == 1 else ("have", "are")
    message = f"{counted(count, 'row')} {has} no {name!r:.80}{_as_nothing(found)} and {is_} left out"
    data = {"count": count, "rows": np.flatnonzero(found.missing)[:20].tolist(), "tokens": _tokens(found)}
    return [Note("no target", message, data)]


def _tokens(found: Labels) -> dict[str, int]:
    """What was read as no value and is no blank."""
    return {text: count for text, count in found.tokens.items() if text}


def _as_nothing(found: Labels) -> str:
    """Where cells without a value say something all the same, that they do; else ""."""
    shown = ", ".join(f"{text!r} in {counted(count, 'row')}" for text, count in list(_tokens(found).items())[:3])
    return f" ({shown}, which stands for a missing cell)" if shown else ""


def _task(found: Labels, held: tuple[str, ...], metric: str) -> tuple[str, str]:
    """The task, and what told it."""
    told, why = _told(found)
    if held and told not in held and not (held[0] == "binary" and told == "multiclass"):
        return ("regression" if held == ("regression",) else "multiclass"), f"{metric} is a metric of such tasks"
    return told, why


def _are_quantities(found: Labels, held: tuple[str, ...], task: str | None) -> bool:
    """Whether numbers as people write them are values, not names of classes."""
    if task is not None or (held and "regression" not in held):
        return task == "regression"
    different, rows = len(np.unique(found.known)), len(found.known)
    return _told(found)[0] == "regression" and (different > FEW or 2 * different > rows)


def _told(found: Labels) -> tuple[str, str]:
    if found.type == "bool":
        return "binary", "the cells are true and false"
    if found.type == "text":
        return "multiclass", "the cells are text"
    distinct, counts = np.unique(found.known, return_counts=True)
    whole = found.exact is not None or bool((distinct == np.floor(distinct)).all())
    if len(distinct) == 2 and (whole or counts.min() > 1):
        return "binary", "there are two different values"
    if MEASURED in found.details:
        return "regression", "the cells are durations"
    if not whole:
        written = f", such as {found.written!r:.40}" if found.written else ""
        return "regression", f"the cells are numbers with fractions{written}"
    many = len(found.known)
    if len(distinct) <= FEW and many >= 3 * len(distinct):
        return "multiclass", f"there are {len(distinct)} different whole numbers in {counted(many, 'row')}"
    in_row = distinct[0] in (0, 1) and distinct[-1] - distinct[0] == len(distinct) - 1
    even = counts.min() >= max(3, 0.3 * counts.mean()) and counts.max() <= 3 * counts.mean()
    if in_row and even and len(distinct) <= 100 and counts.mean() >= 10:
        return "multiclass", f"whole numbers from {distinct[0]:.0f} to {distinct[-1]:.0f}, each about as often"
    return "regression", f"there are {counted(len(distinct), 'different whole number')}"


def _two_values(found: Labels, name: str, metric: str) -> list[Note]:
    """The note that two values, which are classes otherwise, are predicted as numbers because of the metric."""
    if _told(found)[0] != "binary":
        return []
    low, high = np.unique(found.known).tolist()
    values = f"{low:g} and {high:g}"
    message = (
        f"{name!r:.80} has the values {values} alone, which are predicted as numbers since {metric} is for numbers"
    )
    return [Note("two values", message, {"values": [low, high]})]


def _classes(
    found: Labels, notes: list[Note], name: str, where: str, held: tuple[str, ...]
) -> tuple[tuple[Class, ...], tuple[int, ...]]:
    """The classes with two rows or more; those of one row are left out and named."""
    counts = found.counts()
    rows = sum(counts.values())
    if len(counts) == 1:
        nothing = _as_nothing(found)
        what = "class" if found.type in ("bool", "text") else "value"
        raise ArgumentError(
            f"every row has the {what} {next(iter(counts))!r:.60}"
            + (f", but for those without{nothing}" * bool(nothing)),
            where=where,
            allowed="at least two classes",
            hint="If that is a class, give it another name." if nothing else "",
        )
    alone = [known for known, count in counts.items() if count == 1]
    kept = {known: count for known, count in counts.items() if count > 1}
    if len(alone) == rows or len(alone) > 0.5 * rows:
        refuse_words_among_numbers(found, where)
        raise ArgumentError(
            f"{len(alone):,} of {counted(rows, 'row')} have a class of their own, such as {alone[0]!r:.60}",
            where=where,
            allowed="classes that repeat, or numbers",
            hint="Is it an id or a text?" + ("" if held else " Give task='regression' if they are numbers."),
        )
    if len(kept) < 2:
        raise ArgumentError(
            f"the class {alone[0]!r:.60} has a single row",
            where=where,
            allowed="two rows of each class",
            hint="Add rows of it.",
        )
    if len(kept) > _MOST_CLASSES:
        raise ArgumentError(f"there are {len(kept):,} classes", where=where, allowed=f"up to {_MOST_CLASSES:,}")
    if alone:
        notes.append(single_rows(alone))
    types = {type(one) for one in kept}
    known = sorted(kept, key=str) if str in types and len(types) > 1 else sorted(kept)
    return tuple(known), tuple(kept[one] for one in known)


def single_rows(alone: Sequence[Any]) -> Note:
    """The note that classes of one row were left out."""
    message = (
        f"{counted(len(alone), 'class', 'classes')} with a single row left out: {some_of(alone)}; "
        "one row cannot be both learned from and judged by"
    )
    return Note("single rows", message, {"count": len(alone), "classes": list(alone[:50])})
