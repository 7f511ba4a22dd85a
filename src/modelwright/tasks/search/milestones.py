"""Notes by which a fit turns from candidates to members and back, and what a later session does after them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.history import History
from modelwright.study.policy import EngineLeads

#: Kind of the note that opens the refit: which trials, with how many rounds, how long.
MEMBERS = "members"
#: Kind of the note by which candidates are tried again, after members were chosen: there is more time, or more trials.
REOPENED = "reopened"
#: Kind of the note that holds what a call deployed, where nobody broke it off.
DEPLOYED = "deployed"
#: Kind of the note by which no further candidates are tried: why, and by what that was asked for.
ENOUGH = "enough"


def chosen(history: History) -> Mapping[str, Any] | None:
    """The members that are fitted on all rows; None while candidates are tried."""
    last = next((note for note in reversed(history.notes) if note.kind in (MEMBERS, REOPENED)), None)
    return last.data if last is not None and last.kind == MEMBERS else None


def deployed(history: History) -> Mapping[str, Any] | None:
    """What the last call deployed; None where another one has begun to try candidates or to fit members since."""
    kinds = (MEMBERS, REOPENED, DEPLOYED)
    last = next((note for note in reversed(history.notes) if note.kind in kinds), None)
    return last.data if last is not None and last.kind == DEPLOYED else None


class PlanLeads(EngineLeads):
    """What a killed session left unfinished runs again while candidates are tried; a refit is proposed anew."""

    def unfinished(self, history: History) -> list[int]:
        return [] if chosen(history) is not None else super().unfinished(history)

    def takes_over(self, history: History) -> bool:
        return chosen(history) is None

    def put_aside(self, history: History) -> list[int]:
        return []
