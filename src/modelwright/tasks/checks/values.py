"""Values: numbers and words that stand for nothing, and numbers far from all others."""

from __future__ import annotations

import numpy as np

from modelwright.core.wording import counted
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, named, percent, settled
from modelwright.tasks.checks.shape import far_away, spikes
from modelwright.tasks.data.kinds import NO_VALUE

_NUMBERS = ("number",)
#: Rows beyond which shapes are looked at in a sample.
_LOOKED = 200_000


def sentinels(evidence: Evidence) -> list[Check]:
    """Values that stand for "nothing here": spikes of numbers far outside the rest, words such as "unknown"."""
    found: list[Check] = []
    for column in evidence.schema.used:
        if column.kind == "number":
            found += _spikes(column.name, evidence.frame.numbers[column.name])
        elif column.name in evidence.frame.codes:
            found += _words(column.name, column.levels, evidence.frame.codes[column.name])
    found.sort(key=lambda check: check.status != "alert")
    return settled("sentinel values", found, "no column has a value that seems to stand for nothing")


def _spikes(name: str, values: np.ndarray) -> list[Check]:
    finite = values[np.isfinite(values)]
    found = []
    for spike in spikes(finite):
        where = f"the others lie between {spike.low:.6g} and {spike.high:.6g}"
        found.append(
            Check(
                name="sentinel values",
                status="alert",
                column=name,
                count=spike.count,
                message=f"{spike.value:.10g} in {counted(spike.count, 'row')} ({percent(spike.count / len(finite))}): "
                f"{where}. It seems to stand for something else than a quantity",
                done="kept as a number; trees can tell it apart",
                undo="empty those cells before fitting if nothing was measured there",
            )
        )
    return found


def _words(name: str, levels: tuple[str, ...], codes: np.ndarray) -> list[Check]:
    counts = np.bincount(codes[(codes >= 0) & (codes < len(levels))], minlength=len(levels))
    empty = [place for place, level in enumerate(levels) if _says_nothing(level) and counts[place]]
    if not empty or len(empty) == len(levels):
        return []
    count = int(counts[empty].sum())
    return [
        Check(
            name="sentinel values",
            status="fixed",
            column=name,
            count=count,
            message=f"{named([levels[place] for place in empty])} in {counted(count, 'row')} "
            f"({percent(count / max(1, len(codes)))}) seems to say that there is nothing, or that nothing is known",
            done="kept as a level of its own, which serves as a mark of absence",
            undo="empty those cells before fitting to have them read as missing",
        )
    ]


def _says_nothing(level: str) -> bool:
    """Whether a level is one of the usual words for nothing, or has neither letters nor digits."""
    bare = level.strip().casefold()
    return bare in NO_VALUE or not any(sign.isalnum() for sign in bare)


def outliers(evidence: Evidence) -> list[Check]:
    """Single numbers so far from all others that they look like slips."""
    found = []
    for column in evidence.schema.used:
        if column.kind not in _NUMBERS or evidence.late:
            continue
        values = evidence.frame.numbers[column.name]
        finite = values[np.isfinite(values)][:_LOOKED]
        known = {spike.value for spike in spikes(finite)}
        odd = far_away(finite[~np.isin(finite, list(known))]) if known else far_away(finite)
        rest = finite[~np.isin(finite, list(known))] if known else finite
        if odd.any():
            found.append(_odd("column", column.name, rest, odd))
    if evidence.task == "regression":
        odd = far_away(evidence.y)
        if odd.any():
            found.append(_odd("target", evidence.schema.target or None, evidence.y, odd))
    return settled("outliers", found, "no number lies far from all others")


def _odd(what: str, name: str | None, values: np.ndarray, odd: np.ndarray) -> Check:
    extremes = sorted({float(value) for value in values[odd]}, key=abs, reverse=True)
    shown = ", ".join(f"{value:.6g}" for value in extremes[:3]) + (" ..." if len(extremes) > 3 else "")
    rest = values[~odd]
    verb = "lies" if odd.sum() == 1 else "lie"
    return Check(
        name="outliers",
        status="alert",
        column=name,
        count=int(odd.sum()),
        message=f"{counted(int(odd.sum()), 'value')} of the {what} {verb} far from all others: {shown}; "
        f"those are between {rest.min():.6g} and {rest.max():.6g}",
        done="kept: models that would follow them see a scale by ranks or by the middle of the values",
        undo="mend or empty those cells before fitting, if they are slips",
    )
