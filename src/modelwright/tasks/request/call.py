"""One call of ``mw.fit``: its arguments in order, the table read, the session carried out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.clock import SystemClock
from modelwright.execute.threads import available_cores
from modelwright.study.limits import checked_size
from modelwright.tasks.data.reading import Time
from modelwright.tasks.request.arguments import checked_arguments
from modelwright.tasks.request.asked import USUAL, Asked, divided_before
from modelwright.tasks.request.beside_plan import refuse_beside
from modelwright.tasks.request.recalled import recalled
from modelwright.tasks.result.predictor import Predictor
from modelwright.tasks.search.gathered import Said, gather
from modelwright.tasks.search.session import Session

#: Arguments that say how a fit is carried out; the others say what the table means.
_HOW = (
    "preset", "trials", "models", "block", "monotone", "target_score", "min_gain", "max_rows", "drop_suspected",
    "workers", "store", "name", "verbose",
)  # fmt: skip
_WHAT = (
    "target", "metric", "task", "positive", "kinds", "without", "sample_weight", "class_weight", "groups", "time",
    "seed", "max_rows",
)  # fmt: skip


#: Share of the seconds that reading a file may take, and seconds that it may take in any case.
_READING, _LEAST = 0.3, 1.0


def fitted(table: Any, *, began: float, imported: float = 0.0, **given: Any) -> Predictor:
    """``mw.fit`` with all its arguments.

    Args:
        began: when the call began, in monotonic seconds.
        imported: seconds that importing this took.
    """
    opened = SystemClock().monotonic()
    found = checked_arguments(given)
    plan, seconds = found["plan"], found["seconds"]
    if plan is not None:
        refuse_beside(plan, found)
        found["drop_suspected"] = False  # which columns leak was decided: they are among those that are left out
        found |= {"store": ":memory:", "name": None}  # what searches nothing has no study
    asked = Asked(
        seconds=USUAL if seconds is None and found["trials"] is None and plan is None else seconds,
        memory=checked_size(found["memory"], "memory", where="fit"),
        began=began,
        imported=imported,
        opened=opened,
        **{name: found[name] for name in _HOW},
    )
    beside = asked.workers or len(available_cores())
    said = Said(
        **{name: found[name] for name in _WHAT},
        folds=found["folds"] if found["folds"] is not None or asked.preset != "fast" else 4,
        seconds=None if asked.seconds is None else asked.seconds * beside,
        workers=beside if asked.seconds is not None or asked.workers else 1,
        memory=asked.memory,
        divided=divided_before(asked, plan),
        reading=_time(asked),
    )
    if plan is not None:
        judges = not all(entry["whole"] for entry in plan["members"])
        kept = {"task": plan["task"], **plan.get("said", {})}
        said = replace(recalled(said, kept), columns=plan.get("columns"), goal=plan, judges=judges)
    data = gather(table, said)
    data.metric.check_goal(asked.target_score)
    session = Session(data, said, asked)
    session.course.source = Path(table).name if isinstance(table, str | os.PathLike) else None
    try:
        model = session.carried_out(plan) if plan is not None else session.searched()
        session.course.end(model.summary())
    except KeyboardInterrupt as error:
        session.course.end("The fit ended without a model: it was stopped at once.")
        raise KeyboardInterrupt(str(error) or session.farewell()) from None
    except BaseException:
        session.course.end("The fit ended without a model: an error came.")
        raise
    return model


def _time(asked: Asked) -> Time | None:
    """What there is for reading: a table that is read to its end too late is worth no model."""
    if asked.seconds is None:
        return None
    seconds = max(_LEAST, _READING * asked.seconds)
    return Time(until=SystemClock().monotonic() + seconds, seconds=seconds)
