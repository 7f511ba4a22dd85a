"""Layouts: which channel of an old network's tensor each channel of a new one's is to be.

Tensors that are joined channel by channel (through sums, normalisations, activations, pooling) share one layout, so
that they are widened and narrowed together. Old channels come first, but for what a concatenation fixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from modelwright.nas.align import Alignment
from modelwright.nas.carry import NEW
from modelwright.nas.graph import INPUT, Graph
from modelwright.nas.operations import operation


class Layouts:
    """The layouts of an alignment.

    Args:
        weights: the old ones, for each node by its name: where a tensor becomes narrower, the channels of the largest
            scale, or the largest weights, are kept.
    """

    def __init__(self, alignment: Alignment, weights: Mapping[str, Mapping[str, np.ndarray]]):
        self.alignment, self.weights = alignment, weights
        self._groups = groups(alignment.new)
        self._members: dict[int, list[int]] = {}
        for place, group in enumerate(self._groups):
            self._members.setdefault(group, []).append(place)
        self._found: dict[tuple[int, int], np.ndarray] = {}

    def of(self, place: int) -> np.ndarray:
        """For each channel of a node's output, the channel of the old tensor that it hands on, or ``NEW``."""
        new = self.alignment.new.nodes[place]
        q = self.alignment.carried[place]
        if q is None:
            return np.full(new.shape[-1], NEW)
        kind = "" if new.op == INPUT else operation(new.op).channels
        if kind == "joined":
            return self._joined(place, q)
        if kind == "spread":
            return spread(self.of(new.inputs[0]), new.shape[-1], self._channels(q), self._taken(q))
        return self._of_group(self._groups[place], self._channels(q))

    def _channels(self, q: int) -> int:
        return self.alignment.old.nodes[q].shape[-1]

    def _taken(self, q: int) -> int:
        """Channels of what the old node takes."""
        return self._channels(self.alignment.old.nodes[q].inputs[0])

    def _joined(self, place: int, q: int) -> np.ndarray:
        new = self.alignment.new.nodes[place]
        parts = [np.full(self.alignment.new.nodes[i].shape[-1], NEW) for i in new.inputs]
        if place in self.alignment.main:
            slot = self.alignment.main[place]
            parts[slot] = self.of(new.inputs[slot])
            return np.concatenate(parts)
        begin = 0
        for slot, old in zip(self.alignment.slots[place], self.alignment.old.nodes[q].inputs, strict=True):
            if slot is not None:
                part = self.of(new.inputs[slot])
                fits = self.alignment.carried[new.inputs[slot]] == old
                parts[slot] = np.where(part >= 0, part + begin, NEW) if fits else parts[slot]
            begin += self._channels(old)
        return np.concatenate(parts)

    def _of_group(self, group: int, channels: int) -> np.ndarray:
        key = group, channels
        if key not in self._found:
            width = self.alignment.new.nodes[self._members[group][0]].shape[-1]
            self._found[key] = prefix(width, channels)  # what a circle through this group would find
            self._found[key] = self._decided(group, channels, width)
        return self._found[key]

    def _decided(self, group: int, channels: int, width: int) -> np.ndarray:
        nodes, carried = self.alignment.new.nodes, self.alignment.carried
        outer = set(self.alignment.new.outputs)
        old = []
        for place in self._members[group]:
            q = carried[place]
            if q is None or self._channels(q) != channels:
                continue
            if nodes[place].op != INPUT and operation(nodes[place].op).channels in ("joined", "spread"):
                return self.of(place)
            old.append(q)
        ends = any(nodes[place].op == INPUT or place in outer for place in self._members[group])
        if width >= channels or ends:
            return prefix(width, channels)
        return np.sort(np.argsort(-self._weight(old, channels), kind="stable")[:width])

    def _weight(self, places: list[int], channels: int) -> np.ndarray:
        """How much each channel of some old tensors counts: by the scales that they get, or by their weights."""
        scales, sizes = np.zeros(channels), np.zeros(channels)
        for q in places:
            found = self.weights.get(self.alignment.old.nodes[q].name, {})
            if "gamma" in found:
                scales += np.abs(found["gamma"]) / (np.abs(found["gamma"]).mean() + 1e-12)
            elif "kernel" in found and found["kernel"].shape[-1] == channels:
                norms = np.sqrt(np.square(found["kernel"]).reshape(-1, channels).sum(0))
                sizes += norms / (norms.mean() + 1e-12)
        return scales if scales.any() else sizes


def prefix(width: int, channels: int) -> np.ndarray:
    """The old channels in their order, as many as there is room for."""
    return np.where(np.arange(width) < channels, np.arange(width), NEW)


def spread(channels: np.ndarray, width: int, old_width: int, old_channels: int) -> np.ndarray:
    """A layout for each position: what flattening makes of it."""
    positions, before = width // max(1, len(channels)), old_width // max(1, old_channels)
    each = np.arange(positions)[:, None]
    found = np.where((channels >= 0) & (each < before), each * old_channels + channels, NEW)
    return found.reshape(prod(found.shape))


def groups(graph: Graph) -> list[int]:
    """For each node the first of those that share its channels (union-find)."""
    nodes = graph.nodes
    parents = list(range(len(nodes)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for place, node in enumerate(nodes):
        if node.op != INPUT and operation(node.op).channels == "kept":
            for i in node.inputs:
                if nodes[i].shape[-1] == node.shape[-1]:
                    one, other = sorted((root(i), root(place)))
                    parents[other] = one
    return [root(place) for place in range(len(nodes))]
