"""Latency in a search: what is measured before it, so that networks have prices, and what is measured after it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelwright.core import records as r
from modelwright.core.constraint import MEASURED, Limit
from modelwright.core.errors import SpaceError
from modelwright.core.history import Row
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.nas.architecture import Architecture
from modelwright.nas.canonical import key, pruned
from modelwright.nas.graph import Graph
from modelwright.nas.hardware import Meter, is_latency
from modelwright.nas.latency_table import FEWEST, UnlistedError
from modelwright.nas.limited import LimitedTree

#: Kind of the note with what was measured for prices: a configuration and its latencies.
SAMPLED = "measured latency"
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
    """Measure networks of a space at chance until there are enough for a table, while nothing else runs.

    Decisions beside the network do not count: what is measured is so many different networks.

    Args:
        seconds: it ends after so many with what it has, if that is enough for a table at all.

    Returns:
        the configurations and what was measured, to be stored.
    """
    began, rng = time.perf_counter(), Seed(seed).child("latency").generator()
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    if meter.prices(_graph(tree.space, tree.default())):
        return found
    for _ in range(20 * ENOUGH):
        late = seconds is not None and time.perf_counter() - began > seconds
        if len(found) >= (FEWEST if late else ENOUGH):
            break
        config = tree.sample(rng) if seen else tree.default()
        try:
            graph = _graph(tree.space, config)
            if (known := key(graph)) in seen:
                continue
            seen.add(known)
            found.append({"config": dict(config), "ms": meter.measure(graph, config)})
        except (SpaceError, UnlistedError):
            continue
    meter.fit()
    return found


def recall(meter: Meter, space: Architecture, measured: Iterable[Mapping[str, Any]]) -> None:
    """Take in what an earlier session measured."""
    for one in measured:
        meter.learn(_graph(space, one["config"]), one["ms"])
    if not meter.tables:
        meter.fit()


def unmeasured(row: Row, meter: Meter) -> bool:
    """Whether a trial has a latency that could be measured here and was not, alone and while nothing else ran."""
    return any(name not in row.facts for name in meter.here)


def measured(rows: Iterable[Row], meter: Meter, space: Architecture) -> list[r.Event]:
    """Measure networks that were trained, for prices are not exact; what breaks a limit by that is ruled out."""
    found = [(row.number, meter.measure(_graph(space, row.config), row.config)) for row in rows]
    return [r.Noted(kind=MEASURED, data={"number": number, "metrics": values}) for number, values in found]


def _graph(space: Architecture, config: Mapping[str, Any]) -> Graph:
    return pruned(space.graph(config))
