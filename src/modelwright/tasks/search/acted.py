"""What a fit did about what the data checks found: where it differs from the usual, their texts are put right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from modelwright.core.wording import counted
from modelwright.tasks.checks import Check, by_status, row_groups
from modelwright.tasks.checks.rows import LEFT_OUT
from modelwright.tasks.scoring.validation import OUT
from modelwright.tasks.search.gathered import Gathered, Said, ungrouped

#: Rows up to which it is looked at where rows that are alike went; a fit keeps no more of them together.
_LOOKED = 500_000


def acted(found: Sequence[Check], data: Gathered, said: Said, dropped: Sequence[str]) -> list[Check]:
    """The findings as they are true of a fit.

    Args:
        dropped: columns that were left out because they leak.
    """
    changes: dict[str, Callable[[Check], Check]] = {
        "duplicate rows": lambda one: _alike(one, data, said),
        "contradicting rows": lambda one: _alike(one, data, said),
        "too few rows": lambda one: replace(one, done=f"judged by {data.split.said}"),
        "rare classes": lambda one: _rare(one, data, said),
        "near-certain": lambda one: _leaks(one, dropped),
        "time order": lambda one: _divided(one, data, said),
        "groups": lambda one: _divided(one, data, said),
    }
    settled = ("passed", "skipped")
    made = [changes[one.name](one) if one.status not in settled and one.name in changes else one for one in found]
    return sorted([*_ungrouped(data, said), *made], key=by_status)


def _ungrouped(data: Gathered, said: Said) -> list[Check]:
    """Rows that ``groups=`` says nothing of."""
    if said.groups is None or not (alone := int(ungrouped(data.table.columns[said.groups]).sum())):
        return []
    have = "has" if alone == 1 else "have"
    return [
        Check(
            name="missing groups",
            status="alert",
            column=said.groups,
            count=alone,
            message=f"{counted(alone, 'row')} of {data.table.rows:,} {have} no group: if some belong together in "
            "truth, they may be fitted on and judged by at once, which flatters the score",
            done="each is a group of its own",
            undo="fill the cells, or leave those rows out of the table",
        )
    ]


def _by(said: Said) -> str:
    """The arguments that say how rows are divided, as they were given; "" where chance divides them."""
    return " and ".join(
        f"{name}={column!r}" for name, column in (("groups", said.groups), ("time", said.time)) if column is not None
    )


def _alike(one: Check, data: Gathered, said: Said) -> Check:
    if "by nature" in one.done:
        return one
    if said.groups is None and said.time is None and _together(data):
        side = "on one side of the holdout" if data.split.kind == "holdout" else "in one fold"
        return replace(one, done=f"kept, with all that are alike {side}")
    why = f"rows are divided by {_by(said)}" if _by(said) else "they could not be kept together"
    return replace(one, done=f"kept; copies may be fitted on and judged by at once: {why}")


def _together(data: Gathered) -> bool:
    """Whether no rows that are alike are on different sides."""
    if data.table.rows > _LOOKED:
        return False
    alike = row_groups(data.frame)
    for place in data.split.place:
        used = place > OUT
        groups, sides = alike[used], place[used]
        first = np.zeros(int(alike.max()) + 1, sides.dtype)
        first[groups[::-1]] = sides[::-1]
        if (first[groups] != sides).any():
            return False
    return True


def _rare(one: Check, data: Gathered, said: Said) -> Check:
    if one.done == LEFT_OUT:
        return one
    if _by(said):
        return replace(one, done=f"kept; rows are divided by {_by(said)}, and a part of them may have none")
    side = "both sides of the holdout get" if data.split.kind == "holdout" else "every fold gets"
    return replace(one, done=f"{side} some of them as far as they go")


def _leaks(one: Check, dropped: Sequence[str]) -> Check:
    if not one.names or not set(one.names) <= set(dropped):
        return one
    return replace(one, done="left out", undo="drop_suspected=False keeps it")


def _divided(one: Check, data: Gathered, said: Said) -> Check:
    if not _by(said):
        return one
    asked = (one.column is not None and one.column in (said.groups, said.time)) or (
        one.name == "time order" and said.time is not None
    )
    done = f"rows are divided by {_by(said)}"
    if asked:
        return replace(one, status="fixed", done=done, undo=f"leave {'time' if said.time else 'groups'}= out")
    return replace(one, done=done)
