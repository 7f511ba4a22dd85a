"""The finish of a plan: when it was opened, how many seconds it has, and in which process it trains."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelwright.api.running import RunSettings
from modelwright.core import records as r
from modelwright.core.backend import choose_backend
from modelwright.core.clock import SystemClock
from modelwright.core.errors import WorkerError
from modelwright.core.history import History, Row
from modelwright.core.wording import warn_caller
from modelwright.execute.base import Executor
from modelwright.study.budget import Budget

if TYPE_CHECKING:
    from modelwright.api.study import Study

#: Seconds at the end that are kept free for saving, and the share of all.
SAVING, _SAVING_SHARE = 3.0, 0.012
#: Seconds below which the winner is not trained on, for it would hardly be compiled; and those from which a process of
#: its own, which has every core, wins back the time that it takes to start.
LEAST, _WORTH_A_PROCESS = 2.0, 60.0
#: Cores that a batch is divided among at most: batches are of 128 rows (see ``nas.steps.sharers``).
_DEVICES = 4
#: Why a plan ends that came to its end.
CARRIED_OUT = "the plan is carried out"


def opened(history: History) -> list[r.Noted]:
    """The notes by which finishes were opened, this session's and others'."""
    from modelwright.nas.phases import FINISH

    return [note for note in history.notes if note.kind == FINISH]


def left(study: Study, budget: Budget) -> float | None:
    """Seconds for the finish; None without a deadline."""
    if budget.seconds is None:
        return None
    return budget.seconds - study.elapsed - max(SAVING, _SAVING_SHARE * budget.seconds)


def carried_out(history: History, winner: Row) -> str:
    """Why nothing is left to do, where the winner was finished: Ctrl-C cut short no more than that, if anything."""
    from modelwright.nas.finished import EARLY

    if not winner.terminal or history.best() is not winner:
        return ""
    return f"{CARRIED_OUT}; its finish was ended early" if EARLY in winner.facts else CARRIED_OUT


def finish(study: Study, whole: RunSettings, winner: Row) -> None:
    """Train the winner with what is left.

    A process of its own that cannot have what it is to run is a loss of time and no more: then it is this one.
    """
    executor = _executor(left(study, whole.budget))
    try:
        _trained(study, replace(whole, workers=1, executor=executor, began=None), winner)
    except WorkerError as error:
        if executor is None:
            raise
        warn_caller(f"the finish trains in this process, since no other one can: {error.what}")
        _trained(study, replace(whole, workers=1, executor=None, began=None), winner)


def _trained(study: Study, settings: RunSettings, winner: Row) -> None:
    from modelwright.nas.phases import FINISH

    history, seconds = study._machine.history, left(study, settings.budget)
    known = opened(history)
    why = known[0].data.get("why", "") if known else study._stopped  # why what was before the first one ended
    data: dict[str, Any] = {"trial": winner.number, "why": why}
    if seconds is not None:
        seconds = _within(seconds, winner, settings.limits.seconds)
        data |= {"seconds": round(seconds, 3), "until": SystemClock().wall() + seconds}

    def open_it() -> list[r.Event] | None:
        """Nothing where another session was faster: its finish is the one that is waited for."""
        note = r.Noted(kind=FINISH, data={**data, "number": len(known) + 1})
        return [note] if len(opened(history)) == len(known) else None

    study._journal.begin()
    study._journal.commit(open_it)
    study._settings = replace(settings, carried_out=lambda: carried_out(history, winner))
    study._run()


def _within(left: float, winner: Row, limit: float | None) -> float:
    """Seconds for the finish where a trial may take so many: it is to end by itself, not to be ended."""
    return left if limit is None else max(0.0, min(left, 0.9 * (limit - winner.duration) - SAVING))


def _executor(seconds: float | None) -> Executor | None:
    """One process in which JAX shows each core as a device, among which batches are divided; None where none is won."""
    from modelwright.execute.processes import ProcessExecutor
    from modelwright.execute.threads import available_cores

    cores, keras = min(len(available_cores()), _DEVICES), sys.modules.get("keras")
    backend = choose_backend() if keras is None else keras.backend.backend()
    if seconds is None or seconds < _WORTH_A_PROCESS or cores < 2 or backend != "jax":
        return None
    from modelwright.training.keras_backend import on_an_accelerator

    if on_an_accelerator():  # this process may hold its memory, and cores win nothing beside it
        return None
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={cores}".strip()
    return ProcessExecutor(1, environment={"XLA_FLAGS": flags})
