"""Fidelity in words: how far trials were trained, and why one stands above another whose value is better.

Owns what is said about it, for the tables, the notebook card and the HTML report alike. Ranks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from modelwright.core.history import Row
from modelwright.core.wording import counted
from modelwright.report import audit, text
from modelwright.report.stages import Stage, reached, stage_at, step_in
from modelwright.report.view import StudyView, ranked

#: A trial is trained in full from here on; what is missing is rounding.
FULL = 1 - 1e-9


def trained(row: Row, stages: Sequence[Stage] = ()) -> str:
    """How far a trial was trained: "3 of 10" steps, "10", a stage, or a bare fidelity where trials have no steps.

    "" for a trial that came to nothing.

    >>> trained(Row(number=0, config={}, steps=3, fidelity=0.3)), trained(Row(number=0, config={}, steps=7, fidelity=1))
    ('3 of 10', '7')
    """
    if stages and row.values and (there := reached(stages, row)):
        return there
    if not row.steps:
        return text.number(row.fidelity, 3) if row.values else ""
    return f"{row.steps} of {whole(row)}" if 0 < row.fidelity < FULL else str(row.steps)


def whole(row: Row) -> int:
    """The steps after which a trial would have been trained in full; those it ran when it was."""
    return round(row.steps / row.fidelity) if 0 < row.fidelity < FULL else row.steps


def after(row: Row, view: StudyView) -> str:
    """The same with the unit, "3 of 10 epochs"; "" for a trial that was trained in full or has no steps."""
    if not (row.steps and 0 < row.fidelity < FULL):
        return ""
    return (reached(view.stages, row) if view.stages else "") or f"{trained(row)} {view.unit}s"


def at_step(step: int, row: Row, view: StudyView) -> str:
    """Where a trial was when it reported: "epoch 3", "confirmation, 67 %"."""
    return (step_in(view.stages, row, step) if view.stages else "") or f"{view.unit} {step}"


def level_text(view: StudyView, level: float) -> str:
    """A fidelity in steps where all trials mean the same by it: "after 3 of 10 epochs"; "" for trials in full.

    >>> from modelwright.core.history import History
    >>> level_text(StudyView(name="s", history=History(())), 0.25)
    'at fidelity 0.25'
    """
    if level >= FULL:
        return ""
    if (there := stage_at(view.stages, level)) is not None:
        return f"after {there.of()}"
    totals = {whole(row) for row in view.history.rows if row.steps and 0 < row.fidelity < FULL}
    if len(totals) != 1:
        return f"at fidelity {text.number(level, 3)}"
    total = totals.pop()
    return f"after {round(level * total)} of {counted(total, view.unit)}"


def uneven(rows: Sequence[Row]) -> bool:
    """Whether some of ``rows`` were trained further than others."""
    return len({round(row.fidelity, 9) for row in rows if row.values}) > 1


def heading(rows: Sequence[Row], view: StudyView) -> str:
    """What a column of ``trained`` is called."""
    return "trained to" if view.stages else f"{view.unit}s" if any(row.steps for row in rows) else "fidelity"


def explanation(view: StudyView, shown: Sequence[Row] | None = None) -> list[str]:
    """What somebody has to know who wonders about the order of the trials and about their states; may be empty.

    Says it of the trials that there are: nothing about pausing when none was paused.

    Args:
        shown: the trials that are listed, in their order; the order is explained by these alone. None means all.
    """
    rows = ranked(view)
    part = [row for row in rows if row.fidelity < FULL]
    listed = rows if shown is None else shown
    said = [text.PRICES] if any(made.name in row.priced for row in listed for made in view.objectives) else []
    if not part:
        return said + audit.told(view)
    if uneven(listed):
        where = "of different phases" if view.stages else f"after different numbers of {view.unit}s"
        said.append(
            f"Trials that were trained for longer stand first: values {where} do not compare.{_overtaken(listed, view)}"
        )
    said += [line for line in (_paused(part, view), _pruned(part, view)) if line]
    return said + audit.told(view)


def _overtaken(rows: Sequence[Row], view: StudyView) -> str:
    """The first trial that stands below one that was trained for longer although its own value is better."""
    made = view.objectives[0]
    if len(view.objectives) > 1 or view.history.confirmed:
        return ""
    above: Row | None = None  # the worst of those that were trained for longer than ``level``
    worst, level = rows[0], rows[0].fidelity
    for row in rows:
        if row.state == "pruned":
            break
        if row.fidelity < level - 1e-9:
            above, level = worst, row.fidelity
        if above is not None and made.better(_first(row), _first(above)):
            return (
                f" That is why trial {above.number} ({_value(above)} {_there(above, view)}) is above "
                f"trial {row.number} ({_value(row)} {_there(row, view)})."
            )
        worst = row if made.better(_first(worst), _first(row)) else worst
    return ""


def _first(row: Row) -> float:
    return row.values[0] if row.values else float("nan")


def _value(row: Row) -> str:
    return text.number(row.values[0] if row.values else None)


def _there(row: Row, view: StudyView) -> str:
    if view.stages and (there := reached(view.stages, row)):
        return f"after {there}"
    return f"after {counted(row.steps, view.unit)}" if row.steps else f"at fidelity {text.number(row.fidelity, 3)}"


def _paused(part: Sequence[Row], view: StudyView) -> str:
    rows = [row for row in part if row.state == "paused"]
    if not rows:
        return ""
    halves = any("rung" in row.note or "bracket" in row.note for row in rows)
    why = f"; the strategy, {text.clean(view.strategy, 40)}, trains the better ones further" if halves else ""
    kept = "with what is needed to go on" if _resumable(rows, view) else "to start over if they are to go on"
    many = f"{counted(len(rows), 'trial')} {'is' if len(rows) == 1 else 'are'}"
    return (
        f"{many} paused: set aside {_levels(rows, view)}, {kept}{why}. "
        "Paused is no failure: a search that goes on may take such a trial up again."
    )


def _resumable(rows: Sequence[Row], view: StudyView) -> bool:
    """Whether trials that were put aside go on from where they were."""
    return not view.plan or any("checkpoint" in row.artifacts for row in rows)


def _pruned(part: Sequence[Row], view: StudyView) -> str:
    rows = [row for row in part if row.state == "pruned"]
    if not rows:
        return ""
    many = f"{counted(len(rows), 'trial')} {'was' if len(rows) == 1 else 'were'}"
    return f"{many} pruned: given up {_levels(rows, view)}, because others were better at that point; they stand last."


def _levels(rows: Sequence[Row], view: StudyView, most: int = 4) -> str:
    """After how many steps, where that can be said briefly."""
    if view.stages:
        named = {row.fidelity: reached(view.stages, row) for row in sorted(rows, key=lambda row: row.fidelity)}
        listed = list(dict.fromkeys(name for name in named.values() if name))
        return f"after {_or(listed)}" if listed else "before they were trained in full"
    if not all(row.steps for row in rows):
        return "before they were trained in full"
    ends = sorted({row.steps for row in rows})
    totals = Counter(whole(row) for row in rows)
    total = "".join(f"of {steps} " for steps in totals) if len(totals) == 1 else ""
    if len(ends) > most:
        return f"after {ends[0]} to {ends[-1]} {total}{view.unit}s"
    return f"after {_or([*map(str, ends)])} {total}{view.unit}{'' if ends == [1] and not total else 's'}"


def _or(listed: Sequence[str]) -> str:
    return " or ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else listed[0]
