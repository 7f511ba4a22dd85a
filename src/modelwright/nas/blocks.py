"""What a drawing of an architecture shows: layers with what belongs to them, differences marked, repetitions folded.

Owns blocks; knows neither places nor colours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelwright.nas.canonical import pruned
from modelwright.nas.edits import difference
from modelwright.nas.graph import INPUT, Graph, Node

#: What is written into the block of the layer before it.
_ALONG = ("batch_norm", "layer_norm", "activation", "dropout", "spatial_dropout")
_SHORT = {"batch_norm": "BN", "layer_norm": "LN", "global_avg_pool": "global average", "global_max_pool": "global max"}


@dataclass(slots=True)
class Block:
    """One box: a layer with what belongs to it.

    Attributes:
        text: its operations.
        inputs: places of blocks.
        state: "same", "input", "added", "removed" or "changed".
        parameters: of all its nodes, once.
        names: of its nodes.
        marks: input -> "added" or "removed", where only the connection is.
        repeats: how often the group that it begins follows itself; the group is ``group`` blocks long.
    """

    text: str
    inputs: list[int]
    state: str
    parameters: int
    names: list[str]
    shape: tuple[int, ...]
    marks: dict[int, str] = field(default_factory=dict)
    repeats: int = 1
    group: int = 1


@dataclass(frozen=True, slots=True)
class _Part:
    """A node with all that makes it look as it does."""

    node: Node
    state: str
    text: str
    parameters: int
    lost: tuple[int, ...] = ()
    won: tuple[int, ...] = ()

    def like(self, other: _Part, here: int, there: int) -> bool:
        one, two = self.node, other.node
        return (
            (one.op, dict(one.attributes), one.shape) == (two.op, dict(two.attributes), two.shape)
            and (self.state, self.text) == (other.state, other.text)
            and [here - i for i in one.inputs] == [there - i for i in two.inputs]
        )


def blocks(graph: Graph, before: Graph | None = None, fold: bool = True) -> list[Block]:
    """The blocks of a network, or of two, in an order in which each takes those before it."""
    parts, outputs = _parts(pruned(graph, flat=False)) if before is None else _compared(before, graph)
    frames: dict[int, tuple[int, int]] = {}
    if fold:
        parts, outputs, frames = _folded(parts, outputs)
    return _blocks(parts, outputs, frames)


def _parts(graph: Graph) -> tuple[list[_Part], list[int]]:
    made = [
        _Part(node, "input" if node.op == INPUT else "same", _told(node), graph.cost_of(i).parameters)
        for i, node in enumerate(graph.nodes)
    ]
    return made, list(graph.outputs)


def _compared(before: Graph, after: Graph) -> tuple[list[_Part], list[int]]:
    """The nodes of both, those of the later one first where there is a choice, as one graph without circles."""
    found = difference(before, after)
    old = {n.name: (i, n) for i, n in enumerate(found.before.nodes)}
    new = {n.name: (i, n) for i, n in enumerate(found.after.nodes)}
    taken_old = {name: [found.before.nodes[j].name for j in n.inputs] for name, (_, n) in old.items()}
    taken_new = {name: [found.after.nodes[j].name for j in n.inputs] for name, (_, n) in new.items()}
    order = _merged([n.name for n in found.before.nodes], [n.name for n in found.after.nodes])
    place = {name: i for i, name in enumerate(order)}
    made = []
    for i, name in enumerate(order):
        was, now = taken_old.get(name), taken_new.get(name)
        graph, (at, node) = (found.after, new[name]) if name in new else (found.before, old[name])
        inputs = list(dict.fromkeys([*(now or ()), *(was or ())]))
        # What would lead upward is where two networks have parts in another order: it is not drawn.
        inputs = [j for j in inputs if place[j] < i]
        state = "added" if was is None else "removed" if now is None else "input" if node.op == INPUT else "same"
        text = _told(node)
        if name in found.changed or (state == "same" and old[name][1].op != node.op):
            state, text = "changed", _both(_told(old[name][1]), _told(new[name][1]))
        lost = tuple(place[j] for j in inputs if was is not None and now is not None and j not in now)
        won = tuple(place[j] for j in inputs if was is not None and now is not None and j not in was)
        node = replace(node, inputs=tuple(place[j] for j in inputs))
        made.append(_Part(node, state, text, graph.cost_of(at).parameters, lost, won))
    ends = [found.after.nodes[i].name for i in found.after.outputs]
    return made, [place[name] for name in ends]


def _merged(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Names of both: those of ``after`` in their order, each of the others behind what stood before it."""
    order = list(after)
    held = set(after)
    last = -1
    for name in before:
        if name in held:
            last = order.index(name)
        else:
            last += 1
            order.insert(last, name)
    return order


def _told(node: Node) -> str:
    """An operation and its settings: ``conv 3x3, 16 filters, stride 2``."""
    if node.op == INPUT:
        return "input"
    known = dict(node.attributes)
    said = _SHORT.get(node.op, node.op.replace("_", " "))
    window = known.pop("kernel", known.pop("size", None) if node.op.endswith("pool") else None)
    if isinstance(window, int):
        said += " " + "x".join([str(window)] * max(len(node.shape) - 1, 1))
    if node.op == "activation":
        said = str(known.pop("kind", "relu"))
    for key, word in (("filters", "filters"), ("units", "units")):
        said += f", {known.pop(key)} {word}" if key in known else ""
    plain = {"stride": 1, "groups": 1, "dilation": 1, "bias": False, "padding": "same"}
    rest = [f"{key} {value}" for key, value in known.items() if plain.get(key) != value]
    return ", ".join([said, *rest])


def _both(was: str, now: str) -> str:
    return f"{was} \u2192 {now}" if was != now else now


# --- folding ----------------------------------------------------------------------------------------------


def _folded(parts: list[_Part], outputs: list[int]) -> tuple[list[_Part], list[int], dict[int, tuple[int, int]]]:
    """Without repetitions; and where a group begins -> (how many parts it has, how often it follows itself)."""
    frames: dict[int, tuple[int, int]] = {}
    start = 1
    while start < len(parts):
        found = _repetition(parts, outputs, start)
        if found is None:
            start += 1
            continue
        length, times = found
        cut = length * (times - 1)
        moved = _shift(start + length * times - 1, cut)
        kept = [*parts[: start + length], *parts[start + length * times :]]
        for at in range(start + length, len(kept)):
            part = kept[at]
            node = replace(part.node, inputs=tuple(map(moved, part.node.inputs)))
            kept[at] = replace(part, node=node, lost=tuple(map(moved, part.lost)), won=tuple(map(moved, part.won)))
        parts, outputs = kept, list(map(moved, outputs))
        frames[start] = (length, times)
        start += length
    return parts, outputs, frames


def _shift(end: int, cut: int) -> Callable[[int], int]:
    return lambda i: i - cut if i >= end else i


def _repetition(parts: Sequence[_Part], outputs: Sequence[int], start: int) -> tuple[int, int] | None:
    """The group that begins here and follows itself most often, in parts covered; None when there is none."""
    best, most = None, 1
    for length in range(1, (len(parts) - start) // 2 + 1):
        end = start + length
        while end < len(parts) and parts[end].like(parts[end - length], end, end - length):
            end += 1
        times = (end - start) // length
        while times > 1 and not _closed(parts, outputs, start, length, times):
            times -= 1
        if times > 1 and times * length > most:
            best, most = (length, times), times * length
    return best


def _closed(parts: Sequence[_Part], outputs: Sequence[int], start: int, length: int, times: int) -> bool:
    """Whether each repetition takes from the last part of the one before alone, and gives its own last part alone."""
    for at in range(start, start + length * times):
        begin = start + (at - start) // length * length
        if any(i < begin - 1 for i in parts[at].node.inputs):
            return False
    end = start + length * times
    inside = range(start, end - 1)
    if any(i in inside for i in outputs):
        return False
    return not any(i in inside for part in parts[end:] for i in part.node.inputs)


# --- blocks -----------------------------------------------------------------------------------------------


def _blocks(parts: Sequence[_Part], outputs: Sequence[int], frames: Mapping[int, tuple[int, int]]) -> list[Block]:
    """A layer and the normalisation and activation that only it feeds are one block."""
    users = [0] * len(parts)
    for i in [*(i for part in parts for i in part.node.inputs), *outputs]:
        users[i] += 1
    ends = {*frames, *(start + length for start, (length, _) in frames.items())}
    found: list[Block] = []
    at: list[int] = []
    for place, part in enumerate(parts):
        node = part.node
        follows = node.op in _ALONG and node.inputs == (place - 1,) and users[place - 1] == 1 and place not in ends
        if follows and parts[place - 1].state == part.state:
            block = found[at[place - 1]]
            block.text += f", {part.text}"
            block.parameters += part.parameters
            block.names.append(node.name)
            at.append(at[place - 1])
            continue
        inputs = list(dict.fromkeys(at[i] for i in node.inputs))
        marks = dict.fromkeys((at[i] for i in part.lost), "removed") | dict.fromkeys((at[i] for i in part.won), "added")
        found.append(Block(part.text, inputs, part.state, part.parameters, [node.name], node.shape, marks))
        at.append(len(found) - 1)
    for start, (length, times) in frames.items():
        found[at[start]].repeats, found[at[start]].group = times, at[start + length - 1] - at[start] + 1
    return found
