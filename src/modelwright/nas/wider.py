"""What a space left out: a few networks that are larger than the winner, trained beside it. Stores nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modelwright.core.objective import infer_direction
from modelwright.core.records import Config
from modelwright.nas.graph import INPUT, Graph
from modelwright.nas.job import Job
from modelwright.nas.refit import begun
from modelwright.nas.scaling import beyond
from modelwright.nas.stale import noise
from modelwright.nas.task import METRICS

#: Kind of the note that has them.
BEYOND = "beyond"
#: Two values of one training each differ by chance, by the root of two times the noise of one: they are told apart
#: where they are further from each other than twice that.
_APART = 2.0 * math.sqrt(2.0)


def trained_beyond(job: Job, config: Config, *, seed: int) -> dict[str, Any]:
    """The network of a configuration, and those of ``scaling.beyond``, all trained anew and alike.

    They train as long as a network of the race, or in full where there is none. One that needs larger images than there
    are is left out.

    Returns:
        As data for a note: ``metric``, by which they are compared; ``networks``, of each ``what`` is different (nothing
        in the first, that of the configuration), ``value`` (None where training came to nothing), ``params`` and
        ``macs``; ``noise``, one standard deviation of a value, 0 where it is not known.
    """
    rungs = job.ladder.of("race") or (job.ladder.at(1.0),)
    data, graph = job.at(rungs[-1], config)
    wider = [(what, made) for what, made in beyond(graph) if _inputs(made) == _inputs(graph)]
    name = job.objectives[0].name
    metric = name if name in METRICS[data.task.kind] else data.task.objective
    networks, doubts = list[dict[str, Any]](), list[float]()
    for what, made in [("", graph), *wider]:
        trainer = begun(job, config, made, data, seed)
        trained = trainer.fit(
            sum(rung.epochs for rung in rungs),
            seed % (1 << 32),
            lambda done, loss: True,
            rows=rungs[-1].rows,
            going_on=job.space.origin is not None,
        )
        value = trainer.judge()[metric] if trained.finite else math.nan
        doubts += [trainer.doubts[metric]] if metric in trainer.doubts else []
        networks.append({
            "what": what,
            "value": value if math.isfinite(value) else None,
            "params": made.cost.parameters,
            "macs": made.cost.macs,
        })  # fmt: skip
    values = [one["value"] for one in networks if one["value"] is not None]
    return {
        "metric": metric,
        "networks": networks,
        "noise": noise(metric, max(values), 0.0, len(data.kept), max(doubts, default=None)) if values else 0.0,
    }


def _inputs(graph: Graph) -> list[tuple[int, ...]]:
    return [node.shape for node in graph.nodes if node.op == INPUT]


def told(found: Mapping[str, Any]) -> str:
    """What ``trained_beyond`` found, in words."""
    own, *wider = found["networks"]
    if not wider:
        return "Nothing larger could be made of the winner's network."
    sign = 1.0 if infer_direction(found["metric"]) == "max" else -1.0
    lines, gains = list[str](), list[float]()
    for one in (own, *wider):
        value = "no value" if one["value"] is None else f"{found['metric']} {one['value']:.4g}"
        if one is not own and None not in (one["value"], own["value"]):
            gains.append(sign * (one["value"] - own["value"]))
            value += f" ({gains[-1]:+.3g})"
        lines.append(f"  {one['what'] or 'as it is'}: {value}, {one['params']:,} parameters, {one['macs']:,} macs")
    noise = found["noise"]
    bound = _APART * noise
    doubt = (
        f" A single value is uncertain by {noise:.2g} (one standard deviation), so that two differ by more than chance "
        f"from {bound:.2g} on."
        if noise
        else ""
    )
    head = (
        f"The winner's network, and wider ones that the space does not have, all trained anew, as in the race.{doubt}"
    )
    return "\n".join([head, *lines, f"  {_verdict(gains, bound)}"])


def _verdict(gains: list[float], bound: float) -> str:
    """What follows from how much better networks were, which one training each tells."""
    if not gains:
        return "Nothing could be compared."
    if not bound:
        return "How uncertain a single value is, is not known: take the differences as hints."
    if any(gain > bound for gain in gains):
        return "One is better by more than that: a wider space may hold a better network."
    if all(gain < -bound for gain in gains):
        return "None is as good: a wider space promises little."
    return "One training each does not tell apart whether a wider space holds a better network."
