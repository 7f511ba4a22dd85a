"""What was found while the target was read: rows without one, and classes that are predicted as numbers."""

from __future__ import annotations

from modelwright.core.wording import counted
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, settled

NAME, TWO_VALUES = "rows without a target", "two values"


def unlabelled(evidence: Evidence) -> list[Check]:
    """Rows that were left out, with the text that was taken for nothing."""
    found = []
    for note in evidence.notes:
        if note.kind != "no target":
            continue
        tokens = note.data.get("tokens", {})
        shown = ", ".join(f"{text!r:.40} in {counted(count, 'row')}" for text, count in list(tokens.items())[:3])
        found.append(
            Check(
                name=NAME,
                status="alert" if shown else "fixed",
                count=int(note.data["count"]),
                message=f"{counted(int(note.data['count']), 'row')} have none" + (f": {shown}" if shown else ""),
                done="left out",
                undo="if that is a class, write its name in other letters" if shown else "",
            )
        )
    return settled(NAME, found, "every row has a target")


def two_values(evidence: Evidence) -> list[Check]:
    """Two values that are predicted as numbers because of the metric, and may be classes."""
    found = [
        Check(
            name=TWO_VALUES,
            status="alert",
            message=note.message,
            done="numbers are predicted",
            undo="metric='roc_auc' predicts classes; task='regression' says that numbers are meant",
        )
        for note in evidence.notes
        if note.kind == TWO_VALUES
    ]
    return settled(TWO_VALUES, found, "no two classes are predicted as numbers because of the metric")
