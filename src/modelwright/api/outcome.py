"""What the user should know of how a search for networks went, beside its summary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.api import finishing
from modelwright.core.history import Row
from modelwright.core.records import Finished
from modelwright.core.wording import warn_caller
from modelwright.study.budget import Budget

if TYPE_CHECKING:
    from modelwright.api.study import Study

#: Epochs of a finish from which it says anything about longer ones.
_TELLING = 5.0


def say(study: Study, budget: Budget) -> None:
    """Warn where there was no time to search, or the finish brought nothing."""
    from modelwright.nas.phases import FINISH

    history = study._machine.history
    best = history.best()
    others = [row for row in history.rows if row is not best and not row.pending]
    if best is not None and budget.seconds is not None and budget.trials != 1 and not others:
        whole = f", {100 * best.fidelity:.2g} % of its training" if best.fidelity < 1 and _plain(study) else ""
        warn_caller(
            f"seconds={budget.seconds:g} left time for one network alone, the space's default, which was trained for "
            f"{best.facts.get('epochs', 0.0):.3g} epochs{whole}: nothing was searched.{_used_up(study)} "
            "Give more seconds."
        )
    brought = best.facts.get(FINISH, {}) if best is not None else {}
    if best is not None and brought.get("kept") == "before" and {"before", "after"} <= brought.keys():
        warn_caller(
            f"the finish of trial {best.number} brought nothing, by the rows that were kept back: "
            f"{history.objectives[0].name} was {brought['before']:.4g} before it and {brought['after']:.4g} after it. "
            f"The network is as it was before{_of_no_use(study, best, brought)}."
        )
    if best is not None and (failed := brought.get("failed")):
        warn_caller(
            f"the finish of trial {best.number} came to nothing: {failed}. Its network is as it was before, with its "
            "value; the same call with a name= tries the finish again."
        )


def say_carried_out(study: Study, budget: Budget) -> None:
    """Warn where a plan had come to its end before, and there was a budget for more."""
    longer = (budget.seconds or 0.0) > 1.1 * study.elapsed + 2 * finishing.SAVING
    if (budget.trials or 0) > study._machine.history.started or longer:
        warn_caller(
            f"the plan of study {study.name!r} was carried out before, so nothing was run: its winner is trained in "
            "full. Use another name= for a search with a larger budget."
        )


def _of_no_use(study: Study, best: Row, brought: dict[str, Any]) -> str:
    """What a finish that brought nothing says of longer ones: nothing, where it was cut or by chance."""
    from modelwright.nas.finished import EARLY
    from modelwright.nas.stale import noise
    from modelwright.nas.task import DOUBTS

    history = study._machine.history
    if EARLY in best.facts:
        return ", for it was ended early"
    epochs = [
        float(event.note["epochs"])
        for event in history
        if isinstance(event, Finished) and event.number == best.number and "epochs" in event.note
    ]
    if len(epochs) < 2 or epochs[-1] - epochs[-2] < _TELLING:
        return ""
    settings, name = study._settings, history.objectives[0].name
    estimation: Any = None if settings is None else settings.estimation
    kept = None if estimation is None else len(estimation.job.data.kept)
    values = [row.values[0] for row in history.rows if row.values is not None and math.isfinite(row.values[0])]
    low, high = np.quantile(values, [0.25, 0.75])
    known = best.facts.get(DOUBTS, {}).get(name)
    # Both values have it.
    bound = math.sqrt(2) * noise(name, brought["before"], float(high - low), kept, known)
    surely = abs(brought["after"] - brought["before"]) > bound
    return ": longer training of this kind is of no use to it" if surely else ""


def _plain(study: Study) -> bool:
    """Whether it has no plan, but one strategy."""
    from modelwright.nas.plan import Plan

    return not isinstance(study._machine.setup.strategy, Plan)


def _used_up(study: Study) -> str:
    """Why a race had no network beside the default."""
    from modelwright.nas.phases import anchor_ended

    at = anchor_ended(study._machine.history)
    if at is None or _plain(study):
        return ""
    return f" Its first training had ended after {at:.0f} s, and what was left of the race's share was too short."
