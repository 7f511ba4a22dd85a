"""Who gave a network the weights that it began with, as the facts of its trial tell."""

from __future__ import annotations

from modelwright.core.history import Row

#: The fact that says how much of a network's start was inherited, and from whom.
INHERITED = "inherited"


def giver(row: Row) -> int | None:
    """The trial whose weights a network began with; None where it began without, be it that they could not be read.

    Of one that has not begun yet it is the one whose weights it is to have.
    """
    told = row.facts.get(INHERITED)
    if row.parent is None or told is None:
        return row.parent
    return row.parent if told["from"] == row.parent and told["share"] > 0 else None
