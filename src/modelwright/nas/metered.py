"""Latency in a search: what is measured before it, so that networks have prices, and who is ruled out after it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelwright.core import records as r
from modelwright.core.constraint import KIND, Limit
from modelwright.core.errors import SpaceError
from modelwright.core.history import Row
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.nas.architecture import Architecture
from modelwright.nas.canonical import pruned
from modelwright.nas.hardware import Meter, is_latency
from modelwright.nas.latency_table import FEWEST
from modelwright.nas.limited import LimitedTree

#: Kind of the note with what was measured: configurations and their latencies.
MEASURED = "measured latency"
#: Measurements that a table is fitted to.
ENOUGH = 30


def meter_for(
    limits: Sequence[Limit], objectives: Sequence[Objective], devices: Mapping[str, Any] | None = None
) -> Meter | None:
    """A meter for the latencies that limits and objectives name; None where they name none."""
    names = [name for limit in limits for name in limit.names] + [made.name for made in objectives]
    wanted = [name for name in dict.fromkeys(names) if is_latency(name)]
    return Meter(wanted, devices=devices, enough=ENOUGH) if wanted else None


def price(meter: Meter, tree: LimitedTree, *, seed: int, seconds: float | None = None) -> list[dict[str, Any]]:
    """Measure networks of a space at chance until a table has enough, while nothing else runs.

    Args:
        seconds: it ends after so many with what it has, if that is enough for a table at all.

    Returns:
        the configurations and what was measured, to be stored.
    """
    began, rng = time.perf_counter(), Seed(seed).child("latency").generator()
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for _ in range(20 * ENOUGH):
        if len(found) >= ENOUGH or meter.price(_graph(tree.space, tree.default()), tree.default()) is not None:
            break
        if seconds is not None and len(found) >= FEWEST and time.perf_counter() - began > seconds:
            meter.enough = len(found)
        config = tree.sample(rng) if found else tree.default()
        if tree.key(config) in seen:
            continue
        seen.add(tree.key(config))
        try:
            values = meter.measure(_graph(tree.space, config), config)
        except SpaceError:
            continue
        found.append({"config": dict(config), "ms": values})
    if FEWEST <= len(found) < meter.enough:  # a small space, or little time
        recall(meter, tree.space, found)
    return found


def recall(meter: Meter, space: Architecture, measured: Iterable[Mapping[str, Any]]) -> None:
    """Take in what an earlier session measured."""
    several = list(measured)
    meter.enough = min(meter.enough, max(FEWEST, len(several)))
    for one in several:
        meter.learn(_graph(space, one["config"]), one["ms"])


def held(rows: Sequence[Row], meter: Meter, space: Architecture, limits: Sequence[Limit]) -> list[r.Event]:
    """Measure networks that were trained, and rule out those that break a limit: prices are not exact.

    Returns:
        events: what was measured, and the end of each trial that is ruled out.
    """
    events: list[r.Event] = []
    for row in rows:
        values = meter.measure(_graph(space, row.config), row.config)
        events.append(r.Noted(kind=MEASURED, data={"trial": row.number, "config": dict(row.config), "ms": values}))
        metrics = {**row.metrics, **values}
        over = [limit for limit in limits if limit.broken(limit.excess(metrics))]
        if over:
            message = "; ".join(limit.said(metrics) for limit in over)
            events.append(
                r.Finished(
                    number=row.number,
                    state="infeasible",
                    values=row.values,
                    metrics=metrics,
                    fidelity=row.fidelity,
                    steps=row.steps,
                    error=r.Failure(kind=KIND, message=message),
                )
            )
    return events


def _graph(space: Architecture, config: Mapping[str, Any]) -> Any:
    return pruned(space.graph(config))
