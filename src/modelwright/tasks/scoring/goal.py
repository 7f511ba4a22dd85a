"""The goal of a plan on other rows: the task and the classes stay what they were. Infers neither from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, warn_caller
from modelwright.tasks.data.kinds import Context
from modelwright.tasks.data.labels import Labels, column_of, refuse_several, some_of
from modelwright.tasks.data.table import Declared, Note
from modelwright.tasks.scoring.positive_class import positive_class
from modelwright.tasks.scoring.scorers import title
from modelwright.tasks.scoring.scores import DEFAULTS
from modelwright.tasks.scoring.target import Target, missing_notes, single_rows

#: Share of the rows that may have a class that no other row has, and the plan does not know; see ``Target.of``.
_ALONE = 0.5


def kept_goal(target: Target) -> dict[str, Any]:
    """What a plan keeps of a target, as plain values.

    >>> kept_goal(Target.of(np.array(["yes", "no", "no", "yes"], dtype=object)))
    {'task': 'binary', 'classes': ['no', 'yes'], 'details': {}, 'looked_for': 'yes'}
    """
    kept = {"task": target.task, "classes": list(target.classes), "details": dict(target.details)}
    return kept if target.looked_for is None else {**kept, "looked_for": target.looked_for}


def same_goal(
    column: Any,
    goal: Mapping[str, Any],
    *,
    name: str,
    metric: Any = None,
    positive: Any = None,
    declared: Declared | None = None,
    context: Callable[[], Context] = Context,
) -> Target:
    """The target of a plan, with the rows of another table.

    Args:
        column: the cells, one a row.
        goal: what ``kept_goal`` has kept.
        metric, positive, declared, context: as ``Target.of`` takes them.

    Raises:
        ArgumentError: rows have classes that the plan does not know, or all of them one class; or the cells are no
            numbers, where numbers are predicted.

    Warns:
        UserWarning: a class that the plan knows has no row; or single rows with new classes are left out.

    >>> goal = {"task": "multiclass", "classes": ["a", "b", "c"], "details": {}}
    >>> same_goal(np.array(["b", "a", "b", "c"], dtype=object), goal, name="y").counts
    (1, 2, 1)
    """
    task, where = str(goal["task"]), f"fit, plan, target {name!r:.80}"
    if "classes" not in goal or task == "regression":  # a plan of an earlier version keeps no classes
        given: dict[str, Any] = {"positive": positive, "metric": metric, "declared": declared, "context": context}
        return Target.of(column, name=name, task=task, **given)
    cells, own = column_of(column, name)
    declared = declared or own
    refuse_several(declared, where)
    found = Labels.of(cells, typed=True, wanted="", declared=declared)
    notes, classes = missing_notes(found, name, where), tuple(goal["classes"])
    called = title(metric) or DEFAULTS[task]
    known = Target(name, task, "it is that of the plan", called, classes, details=dict(goal.get("details") or {}))
    present = known.present(cells)
    notes += _strange(cells[~present & ~found.missing].tolist(), int((~found.missing).sum()), classes, where)
    counts = np.bincount(known.encode(cells[present]), minlength=len(classes)).tolist()
    gone = [one for one, count in zip(classes, counts, strict=True) if not count]
    if len(gone) > len(classes) - 2:
        left = next((one for one in classes if one not in gone), None)
        what = "no row has a class that the plan knows" if left is None else f"every row has the class {left!r:.60}"
        raise ArgumentError(what, where=where, allowed="rows of at least two classes")
    if gone:
        word = counted(len(gone), "class that the plan knows", "classes that the plan knows")
        warn_caller(f"fit: no row has {word}: {some_of(gone)}; nothing is learned of it, and it is hardly predicted")
    rare = goal.get("looked_for", positive)
    one, rare = (
        positive_class(given, classes, counts, by, where, known.details) if task == "binary" else None
        for given, by in ((positive, called), (rare, "f1"))
    )
    return Target(name, task, known.why, called, classes, tuple(counts), one, rare, known.details, tuple(notes))


def _strange(cells: list[Any], rows: int, classes: tuple[Any, ...], where: str) -> list[Note]:
    """Refuse classes that the plan does not know; a class of one row is left out, as in any fit.

    Args:
        cells: of the rows with such a class.
        rows: how many have any class.
    """
    strange = Counter(str(cell).strip() for cell in cells)
    new = [text for text, count in strange.most_common() if count > 1]
    if new or len(strange) > _ALONE * rows:
        have = "row has" if len(cells) == 1 else "rows have"
        raise ArgumentError(
            f"{len(cells):,} {have} a class that the plan does not know: {some_of(new or list(strange))}",
            where=where,
            allowed=some_of(classes, 12),
            hint="Leave such rows out, or search anew without plan=: its members are for the classes that it knows.",
        )
    if not strange:
        return []
    note = single_rows(list(strange))
    warn_caller(f"fit: {note.message}")
    return [note]
