"""Numbering: whole numbers that count the rows, and go with the target all the same."""

from __future__ import annotations

from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, settled

NAME = "row numbers"


def row_numbers(evidence: Evidence) -> list[Check]:
    """Columns that may be the places of rows, or a quantity that no two rows share."""
    found = []
    for column in evidence.schema.columns:
        if column.details.get("sorted"):
            message = "it counts the rows of a table that had been sorted by the target, and so tells each row's target"
            done, undo = "left out: new rows have no such place", f"kinds={{{column.name!r}: 'number'}} uses it"
        elif column.details.get("counts_rows"):
            message = (
                "each row has its own, which goes with the target: that helps only where new rows get theirs alike"
            )
            done, undo = "used as a number", f"kinds={{{column.name!r}: 'id'}} leaves it out"
        else:
            continue
        found.append(Check(name=NAME, status="alert", column=column.name, message=message, done=done, undo=undo))
    return settled(NAME, found, "no column that counts the rows goes with the target")
