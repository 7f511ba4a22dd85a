"""Resizing: the graph of an architecture with other widths, more or fewer blocks, and inputs of another size.

Knows no budget and trains nothing; ``scaling`` chooses how much of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from modelwright.core.errors import SpaceError
from modelwright.nas.graph import INPUT, Graph, Node, Tensor
from modelwright.nas.grow import rewritten
from modelwright.nas.layout import groups
from modelwright.nas.operations import operation

#: The attribute by which an operation says how many channels it makes.
_WIDTHS = {"conv": "filters", "dense": "units"}
#: What belongs to the layer before it.
_ALONG = ("batch_norm", "layer_norm", "activation", "leaky_relu", "dropout", "spatial_dropout")


# --- width ------------------------------------------------------------------------------------------------


def widened(graph: Graph, factor: float) -> Graph:
    """All channels times ``factor``, but for those of inputs and outputs.

    Channels that sums tie together stay equal. Where a sum joins a concatenation with something else, the channels
    that meet there grow in steps in which all of them stay whole.

    >>> from modelwright.nas.graph import trace
    >>> graph = trace(lambda x: x.conv(8, 3).relu().global_avg_pool().dense(2), (8, 8, 3))
    >>> [node.shape[-1] for node in widened(graph, 2.0).nodes]
    [3, 16, 16, 16, 2]
    """
    tied = _Tied.of(graph)
    change = {}
    for place, node in enumerate(graph.nodes):
        group = tied.group[place]
        if node.op in _WIDTHS and group not in tied.fixed:
            width = _linear(node.shape[-1], factor, tied.step) if group in tied.linear else 0
            change[place] = {_WIDTHS[node.op]: width or _rounded(node.shape[-1], factor, tied.multiple(group))}
    return rewritten(graph, change, {})


def widths(graph: Graph) -> dict[str, int]:
    """The channels of each layer that ``widened`` may give others, by its name."""
    tied = _Tied.of(graph)
    free = [n for n, group in zip(graph.nodes, tied.group, strict=True) if n.op in _WIDTHS and group not in tied.fixed]
    return {node.name: node.shape[-1] for node in free}


@dataclass(slots=True)
class _Tied:
    """Groups of nodes that share channels, and what may become of their number.

    Attributes:
        group: of each node.
        fixed: groups whose width is that of an input or an output, or made by something that cannot be told a width.
        linear: groups that meet as parts of one concatenation what is summed with it.
        step: the largest number that divides all widths of linear groups.
        divisors: group -> what its width has to be a multiple of.
    """

    group: list[int]
    fixed: set[int]
    linear: set[int]
    step: int
    divisors: dict[int, int]

    def multiple(self, group: int) -> int:
        return self.divisors.get(group, 1)

    @staticmethod
    def of(graph: Graph) -> _Tied:
        group, nodes = groups(graph), graph.nodes
        fixed = {group[i] for i in graph.outputs} | {group[i] for i, n in enumerate(nodes) if n.op == INPUT}
        derived: dict[int, list[int]] = {}
        divisors: dict[int, int] = {}
        for place, node in enumerate(nodes):
            kind = "" if node.op == INPUT else operation(node.op).channels
            if kind in ("joined", "spread"):
                derived.setdefault(group[place], []).append(place)
            elif kind == "own" and node.op not in (*_WIDTHS, "depthwise"):
                fixed |= {group[place]} | {group[i] for i in node.inputs}
            for at in (place, *node.inputs) if node.attributes.get("groups", 1) > 1 else ():
                divisors[group[at]] = math.lcm(divisors.get(group[at], 1), node.attributes["groups"])
        linear: set[int] = set()
        made = {group[i] for i, n in enumerate(nodes) if n.op in _WIDTHS}
        while True:
            before = len(fixed), len(linear)
            for members, places in derived.items():
                several = len(places) > 1 or members in made or members in linear
                for place in places:
                    inputs = {group[i] for i in nodes[place].inputs}
                    spread = operation(nodes[place].op).channels == "spread"
                    if members in fixed or (inputs & fixed and several) or (several and spread):
                        fixed |= inputs | ({members} if several else set())
                    elif several:
                        linear |= inputs | {members}
            if (len(fixed), len(linear)) == before:
                break
        widths = [n.shape[-1] for i, n in enumerate(nodes) if n.op in _WIDTHS and group[i] in linear - fixed]
        step = math.gcd(*widths) if widths else 1
        return _Tied(group, fixed, linear - fixed, step, divisors)


def _linear(width: int, factor: float, step: int) -> int:
    return width // step * max(1, round(step * factor))


def _rounded(width: int, factor: float, multiple: int) -> int:
    """To multiples of 8 where channels are many, of less where they are few."""
    wanted = width * factor
    grain = 8 if wanted >= 256 else 4 if wanted >= 128 else 2 if wanted >= 48 else 1
    grain = math.lcm(grain, multiple)
    return width if factor == 1.0 else max(grain, round(wanted / grain) * grain)


# --- depth ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """Equal blocks that follow each other.

    Attributes:
        begin: the place of the node before the first.
        length: nodes of one block.
        count: how many there are.
    """

    begin: int
    length: int
    count: int


def stretches(graph: Graph) -> list[Stretch]:
    """Blocks that keep their shape, and how often each follows itself.

    A block takes from one node alone, and only its last one is used behind it; it has weights, and the shape it takes
    is the one it puts out.
    """
    cuts = _cuts(graph)
    blocks = []
    for a, b in pairwise(cuts):
        inside = range(a + 1, b + 1)
        weights = any(graph.nodes[i].op in (*_WIDTHS, "depthwise") for i in inside)
        if weights and graph.nodes[a].shape == graph.nodes[b].shape and b not in graph.outputs:
            blocks.append((a, b))
    found: list[Stretch] = []
    for a, b in blocks:
        last = found[-1] if found else None
        if (
            last
            and last.begin + last.length * last.count == a
            and last.length == b - a
            and _same(graph, last.begin, a, b - a)
        ):
            found[-1] = Stretch(last.begin, last.length, last.count + 1)
        else:
            found.append(Stretch(a, b - a, 1))
    return found


def deepened(graph: Graph, factor: float) -> Graph:
    """``factor`` times as many blocks that keep their shape, spread evenly; each kind stays at least once.

    Copies are named after the block that they repeat. The graph comes back as it is where it has no such block.

    >>> from modelwright.nas.graph import trace
    >>> graph = trace(lambda x: x.conv(8, 3).relu().conv(8, 3).relu().global_avg_pool().dense(2), (8, 8, 3))
    >>> sum(node.op == "conv" for node in deepened(graph, 2.0).nodes)
    3
    """
    found = stretches(graph)
    counts = _counts([stretch.count for stretch in found], factor)
    after = {}
    gone: set[int] = set()
    for stretch, count in zip(found, counts, strict=True):
        end = stretch.begin + stretch.length * stretch.count
        if count > stretch.count:
            after[end] = _repeating(graph, stretch, count - stretch.count)
        for block in range(count, stretch.count):
            begin = stretch.begin + stretch.length * block
            gone |= set(range(begin + 1, begin + stretch.length + 1))
    grown = rewritten(graph, {}, after)
    return _without(graph, gone) if gone else grown


def _cuts(graph: Graph) -> list[int]:
    """Places that everything passes, and behind which a new layer begins."""
    reach = -1
    ends: list[int] = []
    far, users = [-1] * len(graph.nodes), [0] * len(graph.nodes)
    for place, node in enumerate(graph.nodes):
        for i in node.inputs:
            far[i], users[i] = max(far[i], place), users[i] + 1
    for i in graph.outputs:
        far[i] = len(graph.nodes)
    inputs = [i for i, node in enumerate(graph.nodes) if node.op == INPUT]
    for place in range(len(graph.nodes)):
        along = place + 1 < len(graph.nodes) and graph.nodes[place + 1].op in _ALONG and users[place] == 1
        if place >= inputs[-1] and reach <= place and not along:
            ends.append(place)
        reach = max(reach, far[place])
    return ends


def _same(graph: Graph, one: int, other: int, length: int) -> bool:
    """Whether the blocks behind two nodes are alike."""
    for i in range(1, length + 1):
        a, b = graph.nodes[one + i], graph.nodes[other + i]
        if (a.op, dict(a.attributes), a.shape) != (b.op, dict(b.attributes), b.shape):
            return False
        if [one + i - j for j in a.inputs] != [other + i - j for j in b.inputs]:
            return False
    return True


def _counts(counts: Sequence[int], factor: float) -> list[int]:
    """Each about ``factor`` times what it was and at least 1; together as near to it as whole blocks can be."""
    total = max(len(counts), round(sum(counts) * factor))
    made = [max(1, math.floor(count * factor)) for count in counts]
    while counts and sum(made) < total:
        i = max(range(len(made)), key=lambda i: counts[i] * factor - made[i])
        made[i] += 1
    return made


def _repeating(graph: Graph, stretch: Stretch, times: int) -> Callable[[Tensor, list[Tensor]], Tensor]:
    begin = stretch.begin + stretch.length * (stretch.count - 1)

    def more(x: Tensor, made: list[Tensor]) -> Tensor:
        for again in range(1, times + 1):
            here = {begin: x}
            for place in range(begin + 1, begin + stretch.length + 1):
                node = graph.nodes[place]
                taken = [here[i] for i in node.inputs]
                here[place] = _applied(node, taken, f"{node.name}/again{again}")
            x = here[begin + stretch.length]
        return x

    return more


def _applied(node: Node, taken: Sequence[Tensor], name: str) -> Tensor:
    return taken[0].draft.apply(node.op, taken, {**node.attributes, "name": name})


def _without(graph: Graph, gone: set[int]) -> Graph:
    """The graph without whole blocks: who took from one takes from what it took."""
    stands: list[int] = []
    kept: list[Node] = []
    for place, node in enumerate(graph.nodes):
        if place in gone:
            first = place
            while first in gone:
                first -= 1
            stands.append(stands[first])
            continue
        inputs = tuple(stands[i] for i in node.inputs)
        kept.append(Node(node.op, inputs, node.attributes, node.shape, node.name))
        stands.append(len(kept) - 1)
    return Graph(tuple(kept), tuple(stands[i] for i in graph.outputs))


# --- resolution -------------------------------------------------------------------------------------------


def resized(graph: Graph, factor: float) -> Graph:
    """Inputs with ``factor`` times the positions along each side, rounded to even numbers.

    Raises:
        SpaceError: the network takes no other size: its inputs have no positions, or it cuts them by a fixed shape.
    """
    shapes = {}
    for place, node in enumerate(graph.nodes):
        if node.op == INPUT and len(node.shape) > 1:
            sides = tuple(_side(n, factor) for n in node.shape[:-1])
            shapes[place] = (*sides, node.shape[-1])
    if not shapes:
        raise SpaceError("its inputs have no positions", where="nas.resized", allowed="images or sequences")
    return rewritten(graph, {}, {}, shapes)


def _side(length: int, factor: float) -> int:
    return length if factor == 1.0 else max(2, round(length * factor / 2) * 2)
