"""Moments: dates that cannot be, dates in the wrong order, and columns that ask for a split by time or by group."""

from __future__ import annotations

import datetime
import itertools

import numpy as np

from modelwright.core.wording import counted, quoted
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.record import Check, percent, settled

_DAY = 86_400.0
#: Share of rows in which one date must come first for the others to be in the wrong order, and rows needed to say so.
_ORDERED, _PAIRS = 0.95, 20
#: Columns of dates that are compared in pairs.
_MOST = 12
#: Share of dates that may be impossible, and years between which dates are ordinary.
_SHARE, _YEARS = 0.2, (1905, 2100)
#: Seconds from 1970 to the first and the last day that have a date.
_FIRST, _LAST = -62_135_596_800.0, 253_402_214_400.0


def impossible_dates(evidence: Evidence) -> list[Check]:
    """Dates centuries off, dates apart from all others, and ends before their beginnings."""
    names = [column.name for column in evidence.schema.used if column.kind == "datetime"]
    columns = {name: evidence.frame.numbers[name] for name in names}
    newest = [np.quantile(known, 0.95) for cells in columns.values() if len(known := cells[np.isfinite(cells)])]
    found = []
    for name, cells in columns.items():
        known = cells[np.isfinite(cells)]
        odd = _impossible(known, max(newest, default=0.0))
        if odd.any():
            shown = ", ".join(sorted({_day(value) for value in known[odd]})[:3])
            rest = known[~odd]
            found.append(
                Check(
                    name="impossible dates",
                    status="alert",
                    column=name,
                    count=int(odd.sum()),
                    message=f"{counted(int(odd.sum()), 'date')} such as {shown}; the others lie between "
                    f"{_day(rest.min())} and {_day(rest.max())}",
                    done="kept as they are",
                    undo="mend or empty those cells before fitting",
                )
            )
    for first, second in itertools.combinations(names[:_MOST], 2):
        found += _disordered(first, second, columns[first], columns[second])
    return settled("impossible dates", found, "no date lies apart" if names else "there are no dates")


def _impossible(known: np.ndarray, newest: float) -> np.ndarray:
    """Which dates lie far outside the others, or in years that stand for nothing, bool."""
    odd = np.zeros(len(known), dtype=bool)
    years = known / (365.2425 * _DAY) + 1970
    strange = (years < _YEARS[0]) | (years > _YEARS[1])
    usual = known[~strange & (known != 0)]  # many cells of nothing must not pass for the first of the others
    if len(usual) < 10 or len(usual) < _SHARE * len(known):
        return odd
    low, high = np.quantile(usual, [0.01, 0.99])
    width = max(high - low, 30 * _DAY)
    outside = (known < low - width) | (known > high + width) | (known > max(high + width / 2, newest))
    nothing = strange | ((known == 0) & (low > 365 * _DAY))
    outside &= ~nothing
    return nothing | outside if outside.mean() <= _SHARE else nothing


def _disordered(first: str, second: str, a: np.ndarray, b: np.ndarray) -> list[Check]:
    both = np.isfinite(a) & np.isfinite(b)
    ahead, behind = int((a[both] < b[both]).sum()), int((a[both] > b[both]).sum())
    wrong = min(ahead, behind)
    if behind > ahead:
        first, second = second, first
    count = int(both.sum())
    if not wrong or count < _PAIRS or wrong > (1 - _ORDERED) * count or max(ahead, behind) < 0.2 * count:
        return []
    return [
        Check(
            name="impossible dates",
            status="alert",
            column=second,
            count=wrong,
            message=f"it is before {quoted(first)} in {counted(wrong, 'row')}, and not before it in "
            f"{percent(1 - wrong / count)} of the rows",
            done="kept as they are",
            undo="look whether the two were mixed up in those rows",
        )
    ]


def _day(seconds: float) -> str:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=min(max(seconds, _FIRST), _LAST))
    return moment.date().isoformat()


def time_order(evidence: Evidence) -> list[Check]:
    """Whether the target follows the order of the rows or of a column of dates, so that a split by time is fairer."""
    found = []
    dates = [column.name for column in evidence.schema.used if column.kind == "datetime"]
    for name in dates:
        cells = evidence.frame.numbers[name]
        order = np.argsort(cells, kind="stable")[: int(np.isfinite(cells).sum())]
        if len(order) >= 50 and _recorded(cells) and _follows(evidence, order):
            message = (
                "rows that are near in time are alike in the target: rows of a later time are harder than they look"
            )
            found.append(_proposal(name, message, f"time={name!r} splits by time"))
    if not found and evidence.rows >= 50 and _follows(evidence, np.arange(evidence.rows)):
        message = (
            "rows that follow each other are alike in the target: they are in an order, of time or of something else"
        )
        proposal = "if it is time, name a column that holds it: time='...'; if rows belong together, groups='...'"
        found.append(_proposal(None, message, proposal))
    passed = "the target does not follow the order of the rows"
    return settled("time order", found, passed + (", nor that of a column of dates" if dates else ""))


def _proposal(name: str | None, message: str, undo: str) -> Check:
    done = "nothing: rows are divided by chance unless you say otherwise"
    return Check(name="time order", status="alert", column=name, message=message, done=done, undo=undo)


def _recorded(seconds: np.ndarray) -> bool:
    """Whether moments look like those of a record, and not like a property of persons or things, such as birthdays:
    the rows are stored in their order, or the moments tick evenly, or they are as dense at their beginning as later."""
    known = seconds[np.isfinite(seconds)]
    distinct = np.unique(known)
    if len(distinct) < 20:
        return False
    forward = float((np.diff(known) >= 0).mean())
    steps = np.diff(distinct)
    even = float((steps <= 3 * np.median(steps)).mean()) > 0.95
    share = float(np.mean(known < (distinct[0] + distinct[-1]) / 2))
    return forward > 0.95 or (even and 0.25 < share < 0.75)


def _follows(evidence: Evidence, order: np.ndarray) -> bool:
    """Whether neighbours in an order are nearer in the target than chance has them (von Neumann's ratio)."""
    from modelwright.tasks.checks.alone import contrasts

    z = contrasts(evidence.y[order], evidence.task, len(evidence.classes), evidence.seed)
    _, first = np.unique(evidence.twins[order], return_index=True)
    z = z[np.sort(first)]
    count = len(z)
    if count < 50:
        return False
    variance = float((z**2).sum(axis=1).mean())
    ratio = float((np.diff(z, axis=0) ** 2).sum(axis=1).mean()) / max(variance, 1e-12)
    # The mean of neighbours' squared differences is twice the variance, give or take 2 / sqrt(rows) of it.
    return ratio < 2 - 10 / np.sqrt(count) and ratio < 1.9
