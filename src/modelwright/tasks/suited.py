"""Whether the cells of a column suit its kind, or the order of its levels: refuses those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, did_you_mean
from modelwright.tasks.readers import NOUNS, Problems
from modelwright.tasks.table import is_missing

if TYPE_CHECKING:
    from modelwright.tasks.schema import Column


def refuse_kind(column: Column, cells: np.ndarray, problems: Problems, where: str) -> None:
    """A kind that somebody said has to be one that the cells can be read as."""
    levels = column.details.get("levels", ())
    if column.kind == "boolean" and len(levels) not in (0, 2):
        shown = ", ".join(repr(level) for level in levels[:5])
        raise ArgumentError(
            f"it has {counted(len(levels), 'level')}: {shown}",
            where=f"{where}, column {column.name!r:.80}",
            allowed="two levels for a boolean",
        )
    count = sum(problems.unreadable.values())
    known = _known(cells, problems)
    if count > 0.5 * known:
        text = next(iter(problems.unreadable))
        raise ArgumentError(
            f"{counted(count, 'cell')} of {known:,} cannot be read as {NOUNS[column.kind]}, such as {text!r:.60}",
            where=f"{where}, column {column.name!r:.80}",
            hint="Leave its kind open, or say another one.",
        )


def refuse_unlisted(column: Column, problems: Problems, where: str) -> None:
    """Whoever says an order says all of it."""
    levels = column.details.get("levels", ())
    if column.kind == "ordinal" and problems.unseen:
        text = next(iter(problems.unseen))
        raise ArgumentError(
            f"{counted(sum(problems.unseen.values()), 'cell')} with levels that have no place in the order, such as "
            f"{text!r:.60}",
            where=f"{where}, column {column.name!r:.80}",
            allowed=", ".join(map(repr, levels[:20])) + (", ..." if len(levels) > 20 else ""),
            hint=did_you_mean(text, levels) or "List all levels, from low to high; cells may be missing.",
        )


def refuse_levels(column: Column, cells: np.ndarray, problems: Problems, where: str) -> None:
    """An order of levels has to be about the cells."""
    if column.kind != "ordinal":
        return
    new = sum(problems.unseen.values())
    known = _known(cells, problems)
    if new > 0.5 * known:
        such = next(iter(problems.unseen))
        raise ArgumentError(
            f"{counted(new, 'cell')} of {known:,} have no place in its order, such as {such!r:.60}",
            where=f"{where}, column {column.name!r:.80}",
            allowed=", ".join(column.levels[:20]),
        )


def _known(cells: np.ndarray, problems: Problems) -> int:
    """How many cells hold anything."""
    return int((~is_missing(cells)).sum()) - sum(problems.tokens.values())
