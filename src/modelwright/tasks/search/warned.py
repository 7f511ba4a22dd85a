"""What estimators of the user's own warned of while they were fitted: said once a fit, not once a fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelwright.core.history import Row
from modelwright.core.wording import counted, each_once, warn_caller
from modelwright.tasks.account.decisions import Decision, decision
from modelwright.tasks.learners.base import WARNED
from modelwright.tasks.search.estimation import MODEL


def warned(rows: Iterable[Row]) -> list[Decision]:
    """What candidates warned of: a decision for each of their learners, and one warning.

    Warns:
        UserWarning: one of them did.
    """
    by: dict[str, list[list[str]]] = {}
    for row in rows:
        last: dict[str, Any] = row.facts.get("refit") or {}
        if said := [*row.facts.get(WARNED, ()), *last.get(WARNED, ())]:
            by.setdefault(str(row.config[MODEL]), []).append(said)
    told = {name: each_once(one for said in found for one in said) for name, found in by.items()}
    say(told)
    return [
        decision(
            "learner",
            f"{name} is used as it is, though {counted(len(by[name]), 'candidate')} of it warned",
            "; ".join(said),
            "models=",
        )
        for name, said in told.items()
    ]


def say(told: dict[str, list[str]]) -> None:
    """One warning of all that learners, by their names, warned of."""
    said = [f"{name} warned: {'; '.join(each_once(one))}" for name, one in told.items() if one]
    if said:
        warn_caller(f"fit: {'; '.join(said)}")
