"""Edits: what became of a network, in the words of architecture search. Compares graphs; knows no trials.

Nodes of one name are the same part of both networks (see ``graph.Node``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.nas.canonical import pruned
from modelwright.nas.graph import INPUT, Graph, Node

#: What an edit may be called, in the order in which edits are told.
KINDS = (
    "added a layer",
    "removed a layer",
    "added a connection",
    "removed a connection",
    "changed an operation",
    "changed a size",
    "changed a setting",
)
JOINS = ("add", "concat", "multiply")
#: Attributes that make something larger or smaller.
SIZES = ("filters", "units", "kernel", "size", "stride", "groups", "dilation")
#: What comes along with a layer and is not named where something else is there.
_ALONG = ("batch_norm", "layer_norm", "activation", "dropout", "spatial_dropout", "zero")


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference between two networks.

    Attributes:
        kind: one of ``KINDS``.
        what: in a few words: ``filters 16 -> 32``.
        where: the name of the part, "" for the whole.
    """

    kind: str
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}{f' ({self.where})' if self.where else ''}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two pruned graphs, node by node.

    Attributes:
        removed, added: names of nodes that only one of them has.
        changed: names of nodes that both have with other operations, settings or shapes.
    """

    before: Graph
    after: Graph
    removed: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]


def difference(before: Graph, after: Graph) -> Difference:
    """What tells two networks apart, without what cannot matter in either."""
    before, after = pruned(before, flat=False), pruned(after, flat=False)
    old, new = _named(before), _named(after)
    changed = [
        n for n in new if n in old and (old[n].op, dict(old[n].attributes)) != (new[n].op, dict(new[n].attributes))
    ]
    return Difference(
        before, after, tuple(n for n in old if n not in new), tuple(n for n in new if n not in old), tuple(changed)
    )  # fmt: skip


def edits(before: Graph, after: Graph) -> list[Edit]:
    """The edits that turn one network into the other, those of most weight first; none for the same network.

    >>> from modelwright.nas.graph import trace
    >>> one = trace(lambda x: x.conv(4, 3).relu().global_avg_pool().dense(2), (8, 8, 3))
    >>> two = trace(lambda x: x.conv(8, 3).relu().max_pool(2).global_avg_pool().dense(2), (8, 8, 3))
    >>> [str(edit) for edit in edits(one, two)]
    ['added a layer: max_pool', 'changed a size: filters 4 -> 8 (conv)']
    """
    found = difference(before, after)
    old, new = _named(found.before), _named(found.after)
    made = [*_layers(found, old, new), *_connections(found)]
    for name in found.changed:
        if old[name].op != new[name].op:
            made.append(Edit("changed an operation", f"{old[name].op} -> {new[name].op}", name))
            continue
        was, now = old[name].attributes, new[name].attributes
        for key in {**was, **now}:
            if was.get(key) != now.get(key):
                kind = "changed a size" if key in SIZES else "changed a setting"
                made.append(Edit(kind, f"{key} {_said(was.get(key))} -> {_said(now.get(key))}", name))
    return sorted(made, key=lambda edit: KINDS.index(edit.kind))


def told(found: Iterable[Edit], most: int = 3) -> str:
    """Edits in one line; those of one kind and one content are told once, with how often.

    >>> told([Edit("changed a size", "filters 8 -> 16", "a"), Edit("changed a size", "filters 8 -> 16", "b")])
    'changed a size: filters 8 -> 16 (a and 1 more)'
    """
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for edit in found:
        grouped[edit.kind, edit.what].append(edit.where)
    lines = []
    for (kind, what), places in list(grouped.items())[:most]:
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        lines.append(str(Edit(kind, what, f"{places[0] or 'here'}{more}" if more else places[0])))
    rest = len(grouped) - most
    return "; ".join(lines) + (f"; and {rest} more edits" if rest > 0 else "")


def _named(graph: Graph) -> dict[str, Node]:
    """What is there; zeros stand for what is not."""
    return {node.name: node for node in graph.nodes if node.op != "zero"}


def _layers(found: Difference, old: Mapping[str, Node], new: Mapping[str, Node]) -> list[Edit]:
    """What stands in a place of its own: added, removed, or another in its stead.

    A place is the scope of a name. Joins are connections and no layers.
    """
    gone, come = _by_scope(found.removed, old), _by_scope(found.added, new)
    made: list[Edit] = []
    for scope in {**gone, **come}:
        was, now = _main(gone.get(scope, ())), _main(come.get(scope, ()))
        if was and now and scope:
            made.append(Edit("changed an operation", f"{was} -> {now}", scope))
            continue
        made += [Edit("removed a layer", was, scope)] if was else []
        made += [Edit("added a layer", now, scope)] if now else []
    return made


def _by_scope(names: Iterable[str], nodes: Mapping[str, Node]) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for name in names:
        if nodes[name].op not in (*JOINS, INPUT):
            found.setdefault(name.rpartition("/")[0], []).append(nodes[name])
    return found


def _main(nodes: Iterable[Node]) -> str:
    """The operations that make the layer, with their size."""
    listed = list(nodes)
    chosen = [node for node in listed if node.op not in _ALONG] or listed
    said = []
    for node in chosen:
        kernel = node.attributes.get("kernel")
        size = "x".join([str(kernel)] * max(len(node.shape) - 1, 1)) if isinstance(kernel, int) else ""
        said.append(f"{node.op} {size}".strip())
    return " + ".join(dict.fromkeys(said))


def _connections(found: Difference) -> list[Edit]:
    """Paths between nodes that both networks have, where only one of them has it."""
    same = {name for name, node in _named(found.before).items() if node.op not in JOINS}
    same &= {name for name, node in _named(found.after).items() if node.op not in JOINS}
    was, now = _paths(found.before, same), _paths(found.after, same)
    lost, won = [pair for pair in was if pair not in now], [pair for pair in now if pair not in was]
    return [
        *(Edit("removed a connection", f"{a} -> {b}") for a, b in lost),
        *(Edit("added a connection", f"{a} -> {b}") for a, b in won),
    ]


def _paths(graph: Graph, names: set[str]) -> dict[tuple[str, str], None]:
    """(from, to) of named nodes that are joined directly, or through nodes that have no name in ``names``."""
    sources: list[dict[str, None]] = []
    found: dict[tuple[str, str], None] = {}
    for node in graph.nodes:
        reached: dict[str, None] = {}
        for i in node.inputs:
            reached |= sources[i]
        if node.name in names:
            found |= {(source, node.name): None for source in reached}
            reached = {node.name: None}
        sources.append(reached)
    for place in graph.outputs:
        found |= {(source, "output"): None for source in sources[place]}
    return found


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
