"""Rows: those that repeat others or contradict them, how few there are, and classes with hardly any."""

from __future__ import annotations

import numpy as np

from modelwright.core.wording import counted
from modelwright.tasks.checks.alike import frame_keys, numbered, row_keys
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, percent, settled
from modelwright.tasks.scoring.validation import SMALL as REPEATED

#: Rows below which nothing that is measured is worth much, and below which a score is uncertain.
FEW, SMALL = 50, 200
#: Rows of a class below which it is rare.
RARE = 20
#: What is done with the row of a class that has no other.
LEFT_OUT = "left out"
_UNEVEN = 0.05


def duplicate_rows(evidence: Evidence) -> list[Check]:
    """Rows that repeat an earlier one, ids aside, and rows that are alike but for the target."""
    names = [column.name for column in evidence.schema.used]
    if not names or not evidence.rows:
        return settled("duplicate rows", [], "there are no columns to compare rows by")
    alike = numbered(frame_keys(evidence.frame))
    different = int(alike.max()) + 1
    truth = np.unique(evidence.y, return_inverse=True)[1].ravel()
    whole = numbered(alike * (int(truth.max()) + 1) + truth)
    same = evidence.rows - int(whole.max()) - 1
    natural = len(np.unique(evidence.twins)) > different
    found = []
    if same:
        # One row for each pair of features and target: features that are left more than once contradict each other.
        kept = np.unique(whole, return_index=True)[1]
        message = f"{counted(same, 'row')} ({percent(same / evidence.rows)}) {_repeat(same)} another one"
        if otherwise := same - _letter_by_letter(evidence, names, truth):
            message += f", {otherwise:,} of them written otherwise"
        done = "kept, with all that are alike in one fold"
        if natural:
            done = "kept: with so few different cells rows are alike by nature"
        found.append(
            Check(
                name="duplicate rows",
                status="fixed",
                count=same,
                message=message,
                done=done,
                undo="drop them before fitting, if one thing was recorded twice",
            )
        )
    else:
        kept = np.arange(evidence.rows)
    clash = np.bincount(alike[kept], minlength=different) > 1
    count = int(clash[alike].sum())
    if count and evidence.task != "regression" and not natural:
        found.append(
            Check(
                name="contradicting rows",
                status="alert",
                count=count,
                message=f"{counted(count, 'row')} are alike in every column but belong to different classes",
                done="kept, with all that are alike in one fold",
                undo="look whether some of them are labelled wrongly",
            )
        )
    return settled("duplicate rows", found, "no row repeats another one")


def _letter_by_letter(evidence: Evidence, names: list[str], truth: np.ndarray) -> int:
    """How many rows repeat another one as they are written."""
    columns = [*(evidence.table.columns[name] for name in names), truth]
    return evidence.rows - len(np.unique(row_keys(columns, evidence.rows)))


def few_rows(evidence: Evidence) -> list[Check]:
    """Too few rows to say much, or fewer rows than columns."""
    rows, columns = evidence.rows, len(evidence.schema.used)
    found = []
    if rows < FEW:
        message = f"there are only {counted(rows, 'row')}: a score of so few is mostly chance"
    elif rows < SMALL:
        message = (
            f"there are only {counted(rows, 'row')}: expect scores to be off by {percent(0.5 / rows**0.5)} or more"
        )
    elif columns > rows:
        message = f"there are more columns ({columns:,}) than rows ({rows:,}): some columns fit the target by chance"
    else:
        message = ""
    if message:
        found.append(
            Check(
                name="too few rows",
                status="alert",
                count=rows,
                message=message,
                done="folds are repeated, so that chance is averaged" if rows < REPEATED else "nothing",
                undo="collect more rows",
            )
        )
    return settled("too few rows", found, f"there are {counted(rows, 'row')}")


def rare_classes(evidence: Evidence) -> list[Check]:
    """Classes with hardly any rows."""
    if evidence.task == "regression":
        return settled("rare classes", [], "the target is a number")
    counts = np.bincount(evidence.y, minlength=len(evidence.classes))
    found = [*_single_rows(evidence)]
    found += [
        Check(
            name="rare classes",
            status="alert",
            count=int(counts[place]),
            message=f"class {evidence.classes[place]!r:.40} has {counted(int(counts[place]), 'row')}",
            done="every fold gets some of them as far as they go",
            undo="collect more of them, or merge classes before fitting",
        )
        for place in np.argsort(counts, kind="stable").tolist()
        if counts[place] < RARE
    ]
    share = float(counts.min()) / max(1, evidence.rows)
    said = f"the smallest class has {counted(int(counts.min()), 'row')} ({percent(share)})"
    if share < _UNEVEN:
        said += "; accuracy would hardly notice it"
    return settled("rare classes", found, said)


def _single_rows(evidence: Evidence) -> list[Check]:
    """Classes of one row, which were left out when the target was read."""
    return [
        Check(
            name="rare classes",
            status="alert",
            count=int(note.data["count"]),
            message=note.message.replace(" left out", ""),
            done=LEFT_OUT,
            undo="collect more of them, or merge classes before fitting",
        )
        for note in evidence.notes
        if note.kind == "single rows"
    ]


def _repeat(count: int) -> str:
    return "repeats" if count == 1 else "repeat"
