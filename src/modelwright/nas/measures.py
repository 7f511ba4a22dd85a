"""What a graph costs, under the names that constraints and objectives use; known before anything is built."""

from __future__ import annotations

from modelwright.core.wording import did_you_mean
from modelwright.nas.graph import Graph, check_graph

_BYTES, _MEGA = 4, 1e6
#: What each measure is.
MEASURES = {
    "params": "numbers in the network, those that are not trained included",
    "trainable": "numbers that are trained",
    "macs": "multiplications with an addition, for one example",
    "operations": "two for each multiplication with an addition",
    "size_mb": "megabytes of the weights, four bytes a number",
    "activations": "numbers that all nodes put out for one example",
    "peak_mb": "megabytes of weights, and of the numbers that are alive at once for one example",
}


def measures(graph: Graph) -> dict[str, float]:
    """Every measure of a graph by name, see ``MEASURES``.

    >>> from modelwright.nas.graph import trace
    >>> found = measures(trace(lambda x: x.conv(4, 3).relu().global_avg_pool().dense(2), (8, 8, 1)))
    >>> found["params"], found["macs"], found["size_mb"]
    (46.0, 2312.0, 0.000184)
    """
    cost = check_graph(graph, "nas.measures").cost
    return {
        "params": float(cost.parameters),
        "trainable": float(cost.trainable),
        "macs": float(cost.macs),
        "operations": 2.0 * cost.macs,
        "size_mb": _BYTES * cost.parameters / _MEGA,
        "activations": float(graph.activations),
        "peak_mb": _BYTES * (cost.parameters + graph.peak) / _MEGA,
    }


def suggestion(name: str) -> str:
    """What may have been meant by a name that is no measure."""
    return did_you_mean(name, MEASURES)
