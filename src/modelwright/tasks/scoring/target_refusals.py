"""What a target is refused for: cells that are no values or no classes, as its task or its metric needs them.

Does not know how a task is told.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted
from modelwright.tasks.data import numerals
from modelwright.tasks.data.labels import Labels
from modelwright.tasks.data.readers import LARGEST
from modelwright.tasks.scoring.scorers import refuse_other_task, title


def refuse_no_values(found: Labels, name: str, where: str, metric: Any, *, led: bool) -> None:
    """A target of numbers has to have different ones that the metric is defined for.

    Args:
        led: whether it was the metric that told the task.
    """
    if found.type == "text":
        wrong = next(cell for cell, gone in zip(found.cells, found.missing) if not gone and _no_number(cell))
        row = found.cells.tolist().index(wrong)
        what, counts = f"{wrong!r:.60} in row {row} is no number", list(found.counts().values())
        if led and len(_words(found)) >= 0.5 * sum(counts) and 2 * counts.count(1) < sum(counts):
            refuse_other_task(metric, name, "binary" if len(counts) == 2 else "multiclass", what)
        what += f", and {title(metric)} is for numbers" if led else ""
        raise ArgumentError(what, where=where, allowed="numbers, to predict values (regression)")
    with np.errstate(invalid="ignore"):
        bad = ~found.missing & ~(np.abs(found.values) < LARGEST)
    if bad.any():
        rows, infinite = np.flatnonzero(bad), ~np.isfinite(found.values[bad])
        what = "infinite" if infinite.all() else f"{LARGEST:g} or more in size"
        raise ArgumentError(
            f"{counted(len(rows), 'value')} {'is' if len(rows) == 1 else 'are'} {what}, the first in row {rows[0]}",
            where=where,
            allowed=f"numbers below {LARGEST:g}",
            hint="Leave such rows out, or clip them." if infinite.all() else "Divide the target by a power of ten.",
        )
    known = found.known
    if len(known) < 2 or known.min() == known.max():
        raise ArgumentError(f"every value is {known[0]:g}", where=where, allowed="at least two different values")
    if title(metric) in ("rmsle", "neg_root_mean_squared_log_error") and known.min() < 0:
        row = int(np.flatnonzero(found.values == known.min())[0])
        raise ArgumentError(
            f"{known.min():g} in row {row} is below 0",
            where=where,
            allowed="0 and more for rmsle",
            hint="Use rmse or mae.",
        )


def refuse_words_among_numbers(found: Labels, where: str) -> None:
    """Name the few cells that keep a column from being one of numbers."""
    if found.type != "text":
        return
    words = _words(found)
    known = int((~found.missing).sum())
    if words and len(words) < 0.5 * known:
        raise ArgumentError(
            f"{counted(len(words), 'cell')} of {known:,} {'is' if len(words) == 1 else 'are'} no number, the first "
            f"{found.cells[words[0]]!r:.60} in row {words[0]}",
            where=where,
            allowed="numbers throughout, or classes that repeat",
            hint="Mend or empty such cells: rows without a target are left out.",
        )


def refuse_no_classes(found: Labels, name: str, metric: Any, most: int) -> None:
    """Numbers of which most occur once, or that are too many, are no classes, whatever metric would have them be some.

    Args:
        most: classes that there may be.
    """
    counts = list(found.counts().values())
    alone, rows = counts.count(1), sum(counts)
    if 2 * alone > rows:
        refuse_other_task(metric, name, "regression", f"{alone:,} of {counted(rows, 'row')} have a value of their own")
    if len(counts) - alone > most:
        refuse_other_task(metric, name, "regression", f"there are {len(counts):,} different values")


def refuse_probabilities(task: str, name: str) -> None:
    """Of a target that is a number there are no probabilities."""
    if task == "regression":
        raise ArgumentError(f"{name!r:.80} is a number, it has no classes", where="predict_proba", hint="Use predict.")


def _words(found: Labels) -> list[int]:
    """The rows whose cell is no number."""
    cells = zip(found.cells.tolist(), found.missing.tolist(), strict=True)
    return [row for row, (cell, gone) in enumerate(cells) if not gone and _no_number(cell)]


def _no_number(cell: Any) -> bool:
    return cell is not None and numerals.notation([cell.strip()])[0].value(cell.strip()) is None
