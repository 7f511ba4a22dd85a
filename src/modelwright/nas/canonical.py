"""Canonical forms: what of a graph counts, and a text that is equal for equal networks.

Two graphs have the same key when one can be turned into the other by renaming nodes: both compute the same function
once their weights are the same. Branches of zeros, nodes that lead nowhere, sums of sums and repeated operations
without weights are worked out first.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelwright.nas.graph import INPUT, Graph, Node
from modelwright.nas.operations import operation, zero_stays


def pruned(graph: Graph, *, flat: bool = True, blank: bool = False) -> Graph:
    """The graph without what cannot matter: zeros in sums, what follows from zeros alone, nodes that lead nowhere.

    Sums of sums become one sum. An operation that turns zeros into something else (a normalisation, a bias) is not left
    out, and neither is a channel of zeros in a concatenation.

    Args:
        flat: whether sums of sums become one sum.
        blank: whether what makes zeros of another shape than its input's is only said to be zeros, for comparisons. It
            cannot be built then; otherwise it stays as it is.

    >>> from modelwright.nas.graph import trace
    >>> pruned(trace(lambda x: (x.zero().conv(3, 1) + x).relu(), (4, 4, 3))).nodes[-1].inputs
    (0,)
    """
    nodes, zeros, stands = list(graph.nodes), set[int](), list(range(len(graph.nodes)))
    for place, node in enumerate(nodes):
        inputs = [stands[i] for i in node.inputs]
        if node.op == "zero" or (inputs and all(i in zeros for i in inputs) and zero_stays(node.op, node.attributes)):
            zeros.add(place)
            continue
        if node.op == "add":
            kept = [i for i in inputs if i not in zeros]
            inputs = [j for i in kept for j in (nodes[i].inputs if flat and nodes[i].op == "add" else [i])]
            if len(inputs) == 1:
                stands[place] = inputs[0]
                continue
        nodes[place] = _taking(node, tuple(inputs))
    for place in zeros:
        node = nodes[place]
        if blank or node.shape == graph.nodes[node.inputs[0]].shape:
            nodes[place] = replace(node, op="zero", inputs=node.inputs[:1], attributes={})
        else:
            nodes[place] = _taking(node, tuple(stands[i] for i in node.inputs))
    return reached(nodes, [stands[i] for i in graph.outputs])


def reached(nodes: Sequence[Node], outputs: Sequence[int]) -> Graph:
    """What the outputs need, in the same order. Inputs stay."""
    needed = {i for i, node in enumerate(nodes) if node.op == INPUT}
    left = list(outputs)
    while left:
        place = left.pop()
        if place not in needed:
            needed.add(place)
            left += nodes[place].inputs
    order = sorted(needed)
    at = {place: i for i, place in enumerate(order)}
    kept = [_taking(nodes[place], tuple(at[i] for i in nodes[place].inputs)) for place in order]
    return Graph(tuple(kept), tuple(at[place] for place in outputs))


def _taking(node: Node, inputs: tuple[int, ...]) -> Node:
    """The node with these inputs; ``dataclasses.replace`` would take most of a key's time."""
    return node if inputs == node.inputs else Node(node.op, inputs, node.attributes, node.shape, node.name)


def key(graph: Graph) -> str:
    """Equal for networks that are the same up to the names and the order of their nodes; 32 hexadecimal digits.

    >>> from modelwright.nas.graph import trace
    >>> one = trace(lambda x: x.conv(4, 3) + x.conv(4, 1), (8, 8, 3))
    >>> two = trace(lambda x: x.conv(4, 1) + x.conv(4, 3), (8, 8, 3))
    >>> key(one) == key(two), key(one) == key(trace(lambda x: x.conv(4, 3), (8, 8, 3)))
    (True, False)
    """
    found = pruned(graph, blank=True)
    # Zeros are zeros whatever they were made of.
    blank = [replace(node, inputs=()) if node.op == "zero" else node for node in found.nodes]
    return hashlib.blake2b(form(reached(blank, found.outputs)).encode(), digest_size=16).hexdigest()


def form(graph: Graph) -> str:
    """The canonical text of a graph as it is: nodes numbered by what they are, not by where they stand."""
    return _text(_told_apart(_Labels.of(graph)))


@dataclass(slots=True)
class _Labels:
    """A colour for each node, finer and finer, until equal colours mean that nodes may be exchanged.

    Colours are refined from what a node takes and from who takes it (Weisfeiler and Leman 1968), once down and once up
    the graph in a pass. Where several nodes share one, one of them is made the first (McKay 1981), and the search
    goes on. A colour is a digest, so that it does not depend on the order of the nodes.
    """

    graph: Graph
    users: list[list[tuple[int, int]]]
    colours: list[str]

    @classmethod
    def of(cls, graph: Graph) -> _Labels:
        merged = _merged(graph)
        texts = [
            [n.op, sorted(n.attributes.items()), n.shape, i if n.op == INPUT else -1]
            for i, n in enumerate(merged.nodes)
        ]
        for position, place in enumerate(merged.outputs):
            texts[place].append(f"output {position}")
        return cls(merged, _users(merged), [_digest(text) for text in texts]).refined()

    def refined(self) -> _Labels:
        colours, nodes = list(self.colours), self.graph.nodes
        count = len(set(colours))
        while True:
            for place, node in enumerate(nodes):
                taken = [colours[i] for i in node.inputs]
                colours[place] = _digest([colours[place], sorted(taken) if _unordered(node) else taken])
            if len(set(colours)) == len(nodes):
                return _Labels(self.graph, self.users, colours)
            for place in reversed(range(len(nodes))):
                colours[place] = _digest([colours[place], sorted((colours[u], slot) for u, slot in self.users[place])])
            found = len(set(colours))
            if found == count:
                return _Labels(self.graph, self.users, colours)
            count = found

    def first(self, place: int) -> _Labels:
        """With one node told from the others of its colour."""
        colours = list(self.colours)
        colours[place] = _digest([colours[place], "first"])
        return _Labels(self.graph, self.users, colours).refined()


def _told_apart(labels: _Labels) -> _Labels:
    """Every node with a colour of its own.

    Of nodes that share one, the first is that whose choice gives the least colours to all. Several that give the same
    can be exchanged; were there some that cannot, equal networks could get two keys, and never two networks one.
    """
    while True:
        counted = Counter(labels.colours)
        ties = sorted(colour for colour, count in counted.items() if count > 1)
        if not ties:
            return labels
        tied = [i for i, colour in enumerate(labels.colours) if colour == ties[0]]
        labels = min(map(labels.first, tied), key=lambda found: sorted(found.colours))


def _text(labels: _Labels) -> str:
    order = sorted(range(len(labels.colours)), key=labels.colours.__getitem__)
    rank = {place: i for i, place in enumerate(order)}
    lines = []
    for place in order:
        node = labels.graph.nodes[place]
        taken = [rank[i] for i in node.inputs]
        lines.append(
            [node.op, sorted(node.attributes.items()), sorted(taken) if _unordered(node) else taken, node.shape]
        )
    return json.dumps([lines, [rank[i] for i in labels.graph.outputs]], default=str)


def _merged(graph: Graph) -> Graph:
    """Operations without weights that do the same to the same are one, but for what is left to chance."""
    seen: dict[str, int] = {}
    stands: list[int] = []
    nodes = list(graph.nodes)
    for place, node in enumerate(nodes):
        inputs = [stands[i] for i in node.inputs]
        nodes[place] = _taking(node, tuple(sorted(inputs) if _unordered(node) else inputs))
        free = node.op != INPUT and not operation(node.op).chance and not graph.cost_of(place).parameters
        # Zeros have no inputs left that would tell their shapes apart.
        alike = [node.op, sorted(node.attributes.items()), nodes[place].inputs, node.shape]
        said = json.dumps(alike, default=str) if free else ""
        stands.append(seen.setdefault(said, place) if free else place)
    return reached(nodes, [stands[i] for i in graph.outputs])


def _users(graph: Graph) -> list[list[tuple[int, int]]]:
    """For each node who takes it, and as which input; -1 where the order does not matter."""
    users: list[list[tuple[int, int]]] = [[] for _ in graph.nodes]
    for place, node in enumerate(graph.nodes):
        for slot, i in enumerate(node.inputs):
            users[i].append((place, -1 if _unordered(node) else slot))
    return users


def _unordered(node: Node) -> bool:
    return node.op != INPUT and operation(node.op).commutes


def _digest(label: object) -> str:
    return hashlib.blake2b(repr(label).encode(), digest_size=8).hexdigest()
