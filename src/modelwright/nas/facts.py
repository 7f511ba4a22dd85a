"""Facts about a network's tensors that its graph and weights tell without running it: bounds, means, variances."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from modelwright.nas.carry import Facts
from modelwright.nas.graph import INPUT, Graph, Node

_ANY = (-math.inf, math.inf)
#: Between which an activation's values are, whatever comes in.
_RANGES = {
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
}
#: What gives values between the least and the largest that come in.
_WITHIN = ("max_pool", "avg_pool", "global_max_pool", "global_avg_pool", "flatten", "dropout", "concat")
_Moments = tuple[np.ndarray, np.ndarray]


def facts(graph: Graph, weights: Mapping[str, Mapping[str, np.ndarray]]) -> list[Facts]:
    """What is known of each node's output.

    Args:
        weights: for each node by its name, where it has any.
    """
    bounds: list[tuple[float, float]] = []
    moments: list[_Moments | None] = []
    for node in graph.nodes:
        bounds.append(_bounds(node, [bounds[i] for i in node.inputs]))
        moments.append(_moments(node, [moments[i] for i in node.inputs], weights.get(node.name, {})))
    for node in graph.nodes:
        statistics = weights.get(node.name, {})
        if node.op == "batch_norm" and "moving_mean" in statistics:
            moments[node.inputs[0]] = statistics["moving_mean"], statistics["moving_variance"]
    found = []
    for node, between, both in zip(graph.nodes, bounds, moments, strict=True):
        mean, variance = both or (None, None)
        found.append(Facts(shape=node.shape, bounds=between, mean=mean, variance=variance))
    return found


def _bounds(node: Node, taken: list[tuple[float, float]]) -> tuple[float, float]:
    if node.op == INPUT:
        return _ANY
    if node.op == "activation":
        return _RANGES.get(node.attributes.get("kind", "relu"), _ANY)
    if node.op in _WITHIN:
        return min(low for low, _ in taken), max(high for _, high in taken)
    if node.op == "add":
        return sum(low for low, _ in taken), sum(high for _, high in taken)
    return _ANY


def _moments(node: Node, taken: list[_Moments | None], weights: Mapping[str, np.ndarray]) -> _Moments | None:
    """Mean and variance of each channel, as if values were normal and branches independent."""
    if node.op == "batch_norm" and "gamma" in weights:
        return weights["beta"], np.square(weights["gamma"])
    known = [both for both in taken if both is not None]
    if not known or len(known) < len(taken):
        return None
    means, variances = [mean for mean, _ in known], [variance for _, variance in known]
    if node.op == "activation" and node.attributes.get("kind", "relu") in ("relu", "relu6"):
        return _rectified(*known[0])
    if node.op == "dropout":
        return known[0]
    if node.op == "add":
        return np.sum(means, axis=0), np.sum(variances, axis=0)
    if node.op == "concat":
        return np.concatenate(means), np.concatenate(variances)
    return None


def _rectified(mean: np.ndarray, variance: np.ndarray) -> _Moments:
    """Of the positive part of a normal distribution."""
    std = np.sqrt(np.maximum(variance, 1e-12))
    z = mean / std
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    below = 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(z / math.sqrt(2)))
    first = mean * below + std * density
    second = (mean * mean + variance) * below + mean * std * density
    return first, np.maximum(second - first * first, 0.0)
