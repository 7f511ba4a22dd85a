"""Latency around a search: prices before it, and no model out of it that was not measured where a limit is on that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core import records as r
from modelwright.core.constraint import undecided
from modelwright.core.errors import StudyError
from modelwright.core.history import Row
from modelwright.core.wording import counted, warn_caller
from modelwright.store.base import Store

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.nas.plan import Plan

#: Share of the seconds that measuring latencies before the search may take.
_PRICING = 0.08


def priced(
    store: Store, name: str | None, found: list[Any], seed: int, seconds: float | None, meter: Any, tree: Any
) -> None:
    """Give networks prices: from what an earlier session measured, or by measuring some, which are put in ``found``."""
    from modelwright.nas.metered import SAMPLED, price, recall

    record = store.find(name) if name is not None else None
    if record is not None:
        events = (event for event, _ in store.load(record.id))
        notes = (event.data for event in events if isinstance(event, r.Noted) and event.kind == SAMPLED)
        recall(meter, tree.space, list(notes))
    found += price(meter, tree, seed=seed, seconds=None if seconds is None else _PRICING * seconds)


def store_measured(study: Study, found: Sequence[Any], began: float | None) -> None:
    """Keep what was measured for prices, and take in what is known of trials of earlier sessions."""
    from modelwright.nas.metered import SAMPLED, recall, unmeasured

    job = _job(study)
    if job is None or job.meter is None:
        return
    rows = study._machine.history.rows if job.meter.here else []
    known = [row for row in rows if not unmeasured(row, job.meter)]
    recall(job.meter, job.space, [{"config": row.config, "ms": row.facts} for row in known])
    if found:
        study._journal.begin(began)
        study._journal.write([r.Noted(kind=SAMPLED, data=one) for one in found])


def tell_workers(study: Study) -> bool:
    """Say to the meter whether what trials measure holds: with others beside them, or elsewhere, it does not.

    Returns:
        whether there is a meter.
    """
    job, settings = _job(study), study._settings
    if job is None or job.meter is None or settings is None:
        return False
    job.meter.alone = settings.workers == 1 and settings.executor in (None, "serial", "processes")
    return True


def measure(study: Study, foremost: Callable[[], Sequence[Row]]) -> None:
    """Measure those that come first, until all of them were: what breaks a limit is ruled out, and others come first.

    Nothing else may run meanwhile.
    """
    from modelwright.nas.metered import measured, unmeasured

    job = _job(study)
    if job is None or job.meter is None:
        return
    while rows := [row for row in foremost() if unmeasured(row, job.meter)]:
        study._journal.begin()
        study._journal.write(measured(rows, job.meter, job.space))


def measured_winner(study: Study, plan: Plan, before: int | None) -> Row | None:
    """Who goes on to the finish of a plan: the trial that it was opened for ``before``, or the best, by measurement."""
    history = study._machine.history

    def foremost() -> list[Row]:
        if before is not None and history.rows[before].state != "infeasible":
            return [history.rows[before]]
        row = plan.winner(history)
        return [] if row is None else [row]

    measure(study, foremost)
    return next(iter(foremost()), None)


def winners(study: Study) -> list[Row]:
    """What a search hands out: its best trial, or its whole front."""
    from modelwright.report.view import front

    history = study._machine.history
    best = history.best()
    if best is None or len(study.objectives) == 1:
        return [] if best is None else [best]
    return front(study._view())


def in_doubt(study: Study, row: Row) -> list[str]:
    """The metrics of a trial that limits concern and that have a price alone."""
    concerned = {name for limit in study._machine.history.limits for name in limit.names}
    return [name for name in undecided(row.facts) if name in concerned]


def settle(study: Study, row: Row) -> None:
    """See that a trial whose model is wanted keeps within the limits on latency by what was measured.

    Raises:
        StudyError: it breaks one; or it was not measured, and this process does not know the space.
    """
    if not in_doubt(study, row):
        return
    measure(study, lambda: [row])
    missing = in_doubt(study, row)
    if missing:
        raise StudyError(
            f"trial {row.number} has a price for {missing[0]}, {row.metrics.get(missing[0], 0.0):.4g}, and was not "
            "measured, so that nobody knows whether it keeps within the constraints",
            where=f"study {study.name!r}",
            hint="study.resume(space, x, y, ...) measures it, even where the budget is used up.",
        )
    broken = study._machine.history.measured(row).broken
    if broken is not None:
        raise StudyError(
            f"trial {row.number} breaks a constraint: {broken.message}",
            where=f"study {study.name!r}",
            hint="study.best is another one now.",
        )


def tell_unlisted(study: Study) -> None:
    """Warn of networks that were passed over since a table of a device lacks them."""
    passed = getattr(study._machine.space, "unlisted", ())
    if passed:
        warn_caller(
            f"{counted(len(passed), 'network')} that came up in the search {'is' if len(passed) == 1 else 'are'} in no "
            "table of a device, and could not be proposed: a device_table has to cover the space. "
            "LatencyTable.fit prices all of one from about 30 of its networks."
        )


def _job(study: Study) -> Any:
    """What all trials of a search share; None where this process does not know it, or it is no such search."""
    estimation: Any = study._settings.estimation if study._settings is not None else None
    return getattr(estimation, "job", None) if study._record.definition.get("kind") == "nas" else None
