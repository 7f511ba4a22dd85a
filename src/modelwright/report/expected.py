"""Expected: where trials that are on their way will end, as their learning curves say. Forecasts nothing itself."""

from __future__ import annotations

import math

from modelwright.core.history import Row
from modelwright.core.objective import Objective
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.fidelity import FULL
from modelwright.report.view import StudyView
from modelwright.strategy.forecast import Outlook, outlook

#: Trials whose curves are looked at, the best so far, and those of them that are named.
_LOOKED, _NAMED = 12, 3


def expected(view: StudyView) -> str:
    """The most promising trials that run or are paused: what each would reach in full, with its 80 % interval.

    "" where nobody is on the way, or nothing can be said: several objectives, no reports, values of stages that are no
    one curve.
    """
    if len(view.objectives) != 1 or view.unit == "fold" or view.stages:
        return ""
    made = view.objectives[0]
    waiting = [row for row in view.history.rows if row.state in ("running", "paused") and 0 < row.fidelity < FULL]
    waiting.sort(key=lambda row: (-_shown(row, made), row.number))
    found = [(row, said) for row in waiting[:_LOOKED] if (said := outlook(view.history, row)) is not None]
    if not found:
        return ""
    found.sort(key=lambda item: -made.score(item[1].expected))
    listed = ", ".join(_named(row, said) for row, said in found[:_NAMED])
    known = found[0][1].completed
    by = (
        f"and {counted(known, 'trial')} in full"
        if known
        else "alone, for too few trials in full are there to compare with"
    )
    return f"Expected in full, with 80 % intervals, by these curves {by}: {listed}."


def _named(row: Row, said: Outlook) -> str:
    return f"trial {row.number} {text.number(said.expected)} ({text.number(said.low)} to {text.number(said.high)})"


def _shown(row: Row, made: Objective) -> float:
    return max((made.score(m[made.name]) for _, m in row.reports if made.name in m), default=-math.inf)
