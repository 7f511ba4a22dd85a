"""Whether the cells of a column suit its kind, or the order of its levels: refuses those that do not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, did_you_mean
from modelwright.tasks.data.problems import Problems
from modelwright.tasks.data.readers import NOUNS
from modelwright.tasks.data.table import is_missing

if TYPE_CHECKING:
    from modelwright.tasks.data.schema import Column

#: Chance below which cells that cannot be read are no longer those that a column has now and then.
_RARE = 0.01


def usual(seen: Mapping[str, Any], unreadable: Mapping[str, int], known: int) -> bool:
    """Whether cells that cannot be read are of the fit, or no more than come by chance, as often as it had such.

    Args:
        seen: of the column in the fit; see ``Column``.
        unreadable: text -> how often it occurs.
        known: how many cells hold anything.

    >>> usual({"rows": 200, "missing": 1, "unreadable": 1, "examples": ["?x"]}, {"Anna": 1}, 1)
    False
    >>> usual({"rows": 200, "missing": 9, "unreadable": 9, "examples": ["?x"]}, {"Anna": 1}, 1)
    True
    """
    before = seen.get("unreadable", 0)
    examples = set(seen.get("examples", ()))
    new = sum(count for text, count in unreadable.items() if text[:80] not in examples)
    had = before / max(1, seen.get("rows", 0) - seen.get("missing", 0) + before)
    share = new / max(1, known)
    if share <= had:
        return True
    if not had:
        return False
    rest = 0.0 if share >= 1.0 else (1 - share) * math.log((1 - share) / (1 - had))
    # Chernoff's bound, which is the chance itself where no cell can be read.
    return known * (share * math.log(share / had) + rest) <= -math.log(_RARE)


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
