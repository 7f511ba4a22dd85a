"""A fit that another process runs already: this call joins it, and says so. Starts and stops nothing."""

from __future__ import annotations

import platform

from modelwright.core.clock import SystemClock
from modelwright.core.wording import counted, quoted, warn_caller
from modelwright.report import text
from modelwright.store.base import Store, StudyRecord
from modelwright.study.crew import members


def tell_joined(store: Store, record: StudyRecord | None) -> None:
    """Warn where others run the study that a call goes on with: the same command in a second terminal is mostly a slip.

    Args:
        record: the study as it was found; None where the call has made it.
    """
    found = [] if record is None else members(store, record.id)
    if record is None or not found:
        return
    facts = found[0].facts
    where = "" if facts.get("host") in (None, platform.node()) else f" of {text.clean(facts['host'], 60)}"
    who = f"process {facts.get('pid')}{where}" if len(found) == 1 else counted(len(found), "process", "processes")
    since = [float(one.facts["since"]) for one in found if one.facts.get("since")]
    long = f" for {text.duration(max(0.0, SystemClock().wall() - min(since)))} now" if since else ""
    warn_caller(
        f"fit: study {quoted(record.name)} is being run by {who}{long}: this call joins it, and what they spend "
        "together is one budget; another name= begins a fit of its own"
    )
