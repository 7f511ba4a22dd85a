"""How the table was written: what reading had to repair, and rows that it could not."""

from __future__ import annotations

from modelwright.core.wording import counted
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, settled
from modelwright.tasks.data.table import Note

NAME = "reading"
#: What reading notes of a file besides rows of another length, and what undoes that or comes next.
_REPAIRED = {
    "quotes": "close them, and each line that they went on over is one row",
    "mixed encodings": "save the file in UTF-8, if letters look wrong",
    "encoding": "save the file in UTF-8, if letters look wrong",
    "title": "take these lines out, or put them behind a header of their own",
    "header": "give the file a line of names",
    "blank names": "name them",
    "index": "frame.reset_index(), before it is saved, makes it a column",
    "duplicate names": "name them apart",
}
#: Kinds of notes that are findings.
TOLD = frozenset({"fields", "single rows", *_REPAIRED})


def written(evidence: Evidence) -> list[Check]:
    """Rows with another number of fields than the header, encodings, quotes and names that were made sense of."""
    found = []
    for note in evidence.table.notes:
        if note.kind == "fields":
            found.append(_uneven(note))
        elif note.kind in _REPAIRED:
            found.append(Check(name=NAME, status="fixed", message=note.message, undo=_REPAIRED[note.kind]))
    return settled(NAME, found, "nothing had to be repaired when it was read")


def _uneven(note: Note) -> Check:
    """Rows that are too short have missing cells; what stands in those that are too long is lost."""
    short, long = int(note.data["short"]), int(note.data["long"])
    parts = [f"{counted(short, 'short row')} filled up with missing cells"] if short else []
    parts += [f"all cells of {counted(long, 'long row')} taken as missing"] if long else []
    return Check(
        name=NAME,
        status="alert" if long else "fixed",
        count=short + long,
        message=f"{note.message.partition(': ')[0]}: {', '.join(parts)}",
        undo="look at these lines: a cell that holds the delimiter needs quotes",
    )
