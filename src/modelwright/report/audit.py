"""The fidelity audit in words: whether short training ranks trials as longer training does, and what followed from it.

Owns what is said of it, for the tables, the notebook card and the HTML report alike. Estimates nothing itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.stages import stage_at
from modelwright.report.view import StudyView
from modelwright.strategy.audit import Agreement, agreement
from modelwright.strategy.forecast import foretold
from modelwright.strategy.shown import SAME, Shown

#: More pairs of fidelities than this are not listed.
_MOST = 5


def agreements(history: History) -> list[Agreement]:
    """How alike neighbouring fidelities, and the lowest and the highest, rank trials; of those where it is known.

    Empty for a study without audits.
    """
    if not any(row.note.get("audited") for row in history.rows):
        return []
    levels, steps = _levels(history), _steps(history)
    wanted = dict.fromkeys([*pairwise(levels), (levels[0], levels[-1])]) if len(levels) > 1 else {}
    known = Shown()
    found = [agreement(history, levels, low, high, steps=steps, known=known) for low, high in wanted]
    return [one for one in found if one is not None][:_MOST]


def told(view: StudyView) -> list[str]:
    """What the audits of a study showed, and which fidelity was given up for it; empty where there were none."""
    found = agreements(view.history)
    said = []
    if found:
        listed = "; ".join(alike(one, view) for one in found)
        said.append(
            f"{listed[:1].upper()}{listed[1:]} (Kendall's tau and its 90 % interval; {_by_lot(view)} by lot, so that "
            "it is not only the best that are compared)."
        )
    return said + [_raised(row.number, row.note["raised"], view) for row in view.history.rows if "raised" in row.note]


def alike(found: Agreement, view: StudyView) -> str:
    """One estimate: "epochs 1 and 10 rank trials alike: 0.71 [0.45, 0.88], 14 pairs"."""
    return _alike((found.low, found.high), (found.tau, *found.interval), found.pairs, view)


def _alike(levels: tuple[float, float], estimate: Iterable[float], pairs: int, view: StudyView) -> str:
    tau, low, high = (f"{0.0 if abs(value) < 0.005 else value:.2f}" for value in estimate)
    return f"{_named(levels, view)} rank trials alike: {tau} [{low}, {high}], {counted(pairs, 'pair')}"


def _named(levels: tuple[float, float], view: StudyView) -> str:
    stages = [stage_at(view.stages, level) for level in levels]
    if all(stages):
        return " and ".join(stage.name for stage in stages if stage is not None)
    steps = _steps(view.history)
    if steps is None:
        return f"fidelities {text.number(levels[0], 3)} and {text.number(levels[1], 3)}"
    return f"{view.unit}s {max(1, round(levels[0] * steps))} and {max(1, round(levels[1] * steps))}"


def _by_lot(view: StudyView) -> str:
    """How many trials owe it to the lot that they went on."""
    went = sum(isinstance(event, r.Continued) for event in view.history)
    audits = sum(len(row.note.get("audited", ())) for row in view.history.rows)
    if not went:
        return f"{counted(audits, 'trial')} of {len(view.history.rows)} {'was' if audits == 1 else 'were'} let go on"
    return f"{audits} of {counted(went, 'promotion')} {'was' if audits == 1 else 'were'} drawn"


def _raised(number: int, note: Mapping[str, Any], view: StudyView) -> str:
    steps, stage = _steps(view.history), stage_at(view.stages, note["to"])
    least = (
        f"up to the end of {stage.name} at least"
        if stage is not None
        else f"for at least {counted(max(1, round(note['to'] * steps)), view.unit)}"
        if steps is not None
        else f"to fidelity {text.number(note['to'], 3)} at least"
    )
    shown = _alike((note["from"], note["against"]), (note["tau"], note["low"], note["high"]), note["pairs"], view)
    return (
        f"From trial {number} on every new trial was trained {least}, because less says too little: "
        f"{shown}, which is below {note['bound']:g}."
    )


def _levels(history: History) -> list[float]:
    """The fidelities at which trials were compared: those that were aimed at, and those at which several ended."""
    aimed = {round(e.fidelity, 9) for e in history if isinstance(e, r.Proposed | r.Continued)}
    aimed |= {round(float(f), 9) for row in history.rows for f in row.note.get("audited", ())}
    aimed |= {round(float(row.note["first"]), 9) for row in history.rows if "first" in row.note}
    # A hopeless trial ends between rungs, where nobody is compared.
    off = {e.number for e in history if isinstance(e, r.Judged) and foretold(e.why)}
    rows = [row for row in history.rows if row.number not in off]
    ended = Counter(f for row in rows for f, values in row.segments.items() if values is not None)
    aimed |= {f for f, count in ended.items() if count > 1}
    far = [max(row.fidelity, *row.segments, 0.0) for row in history.rows]
    return [f for f in sorted(aimed) if sum(reached >= f - SAME for reached in far) > 1]


def _steps(history: History) -> int | None:
    """Steps of full fidelity, as trials show; None where they have no steps."""
    shown = Counter(round(row.steps / row.fidelity) for row in history.rows if row.steps and row.fidelity > 0)
    return shown.most_common(1)[0][0] if shown else None
