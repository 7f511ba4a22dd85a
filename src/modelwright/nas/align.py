"""Alignment: which part of a new network is which of an old one, and what the parts that are new have to do.

Knows two graphs; no weights. A new part either hands on a tensor of the old network, or is silent, or does as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from modelwright.nas.carry import Facts
from modelwright.nas.graph import INPUT, Graph, Node
from modelwright.nas.operations import operation, zero_stays

#: For each node of the new graph the place of the old one that it is, or None.
Match = list[int | None]
#: What it costs where a tensor gets through with its channels, but not with its values, and where it does not.
APART, FAR = 1_000, 1_000_000
#: In place of an input by which something is handed on: by all of them.
SUM = -1


# --- which is which --------------------------------------------------------------------------------


def matches(old: Graph, new: Graph) -> Iterator[Match]:
    """Ways to see the nodes of one graph in another: by names; by names and structure; by their sequence."""
    named = by_name(old, new)
    yield named
    both = by_structure(old, new, named)
    if both != named:
        yield both
    alone = by_sequence(old, new)
    if alone not in (named, both):
        yield alone


def by_name(old: Graph, new: Graph) -> Match:
    places = {node.name: place for place, node in enumerate(old.nodes)}
    found: Match = []
    for node in new.nodes:
        place = places.get(node.name)
        found.append(place if place is not None and old.nodes[place].op == node.op else None)
    return found


def by_structure(old: Graph, new: Graph, known: Match) -> Match:
    """Grow a match: nodes that do the same to what is matched, and nodes of which what is matched takes the same."""
    found, taken = list(known), {place for place in known if place is not None}
    users: dict[object, list[int]] = {}
    for q, other in enumerate(old.nodes):
        users.setdefault(_sources(other, list(other.inputs)), []).append(q)
    for place, node in enumerate(new.nodes):
        if found[place] is None and node.op != INPUT:
            sources = _sources(node, [found[i] for i in node.inputs])
            if sources is not None:
                _choose(old, new, place, users.get(sources, ()), found, taken)
    for place, q in zip(new.outputs, old.outputs, strict=False):
        if found[place] is None:
            _choose(old, new, place, (q,), found, taken)
    for place in reversed(range(len(new.nodes))):
        q = found[place]
        if q is None or _arity(old.nodes[q]) != _arity(new.nodes[place]):
            continue
        for here, there in zip(new.nodes[place].inputs, old.nodes[q].inputs, strict=False):
            if found[here] is None:
                others = old.nodes[q].inputs if _any_order(new.nodes[place]) else (there,)
                _choose(old, new, here, others, found, taken)
    return found


def _arity(node: Node) -> int | None:
    return 0 if node.op == INPUT else operation(node.op).inputs


def _choose(old: Graph, new: Graph, place: int, options: Sequence[int], found: Match, taken: set[int]) -> None:
    """Match a node with the most similar of some, if one does the same."""
    node = new.nodes[place]
    fitting = [q for q in options if q not in taken and old.nodes[q].op == node.op and node.op != INPUT]
    if fitting:
        best = max(fitting, key=lambda q: (_likeness(old.nodes[q], node), -q))
        found[place] = best
        taken.add(best)


def _likeness(one: Node, other: Node) -> int:
    same = sum(one.attributes.get(key) == value for key, value in other.attributes.items())
    return same + (one.shape == other.shape)


def _sources(node: Node, places: list[int | None]) -> tuple[object, ...] | None:
    if node.op == INPUT or None in places:
        return None
    ordered = [place for place in places if place is not None]
    return (node.op, *(sorted(ordered) if _any_order(node) else ordered))


def _any_order(node: Node) -> bool:
    return node.op != INPUT and operation(node.op).commutes


def by_sequence(old: Graph, new: Graph) -> Match:
    """The longest common sequence of operations, in which those with equal settings count more; earliest first."""
    rows, columns = len(new.nodes), len(old.nodes)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    worth = [[_worth(node, other) for other in old.nodes] for node in new.nodes]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            both = worth[i][j] + best[i + 1][j + 1] if worth[i][j] else 0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    found: Match = [None] * rows
    i = j = 0
    while i < rows and j < columns:
        if worth[i][j] and best[i][j] == worth[i][j] + best[i + 1][j + 1]:
            found[i] = j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return found


def _worth(node: Node, other: Node) -> int:
    if node.op != other.op:
        return 0
    return 1 + 3 * (node.attributes == other.attributes and node.op != "activation")


# --- what new parts have to do ------------------------------------------------------------------------


@dataclass(slots=True)
class Alignment:
    """A match, and the part that each node plays in giving the old network's values.

    Attributes:
        carried: for each node the old tensor that it hands on: its own, for a matched one.
        main: for a new node, the input by which it does.
        slots: for a matched node, and for a sum that gives the same as an old one, the input here that stands for each
            input of the old one.
        silent: nodes whose own weights make their output zero; True where their gradient would be cut off at zero.
        hushed: all nodes whose output has to be zero.
    """

    old: Graph
    new: Graph
    match: Match
    facts: Sequence[Facts]
    carried: Match = field(default_factory=list)
    main: dict[int, int] = field(default_factory=dict)
    slots: dict[int, list[int | None]] = field(default_factory=dict)
    silent: dict[int, bool] = field(default_factory=dict)
    hushed: set[int] = field(default_factory=set)
    _costs: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)
    _silence: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.carried = list(self.match)
        self._silence = self._silences()
        wants: dict[int, list[int]] = {}
        hush: dict[int, bool] = {}
        for place, q in zip(self.new.outputs, self.old.outputs, strict=False):
            wants.setdefault(place, []).append(q)
        for place in reversed(range(len(self.new.nodes))):
            node = self.new.nodes[place]
            if (own := self.match[place]) is not None:
                self._ask_matched(place, node, own, wants, hush)
            elif place in wants:
                self._ask_carrying(place, node, wants, hush)
            elif place in hush and self._silence[place] < FAR:
                self._ask_silent(place, node, hush[place], hush)

    def cost(self, place: int, q: int) -> tuple[int, int]:
        """What it takes for a node to hand on the old tensor ``q``, and by which input."""
        if (own := self.match[place]) is not None:
            return (0 if own == q else FAR), 0
        if q not in self._costs:
            self._costs[q] = {}
            for i, node in enumerate(self.new.nodes):
                if self.match[i] is None:
                    self._costs[q][i] = self._cost(i, node, q)
        return self._costs[q][place]

    def _cost(self, place: int, node: Node, q: int) -> tuple[int, int]:
        """Of a new node; those before it are known."""
        if node.op == INPUT:
            return FAR, 0
        best = (FAR, 0)
        for slot, i in enumerate(node.inputs):
            got = self.cost(i, q)[0] if self.match[i] is not None else self._costs[q][i][0]
            others = [j for other, j in enumerate(node.inputs) if other != slot]
            if node.op == "add":
                got += sum(min(APART, self._silence[j]) for j in others)
            elif operation(node.op).channels != "joined":
                got += APART * len(others)
            got += 1 if self._passes(node, i, q) else APART
            best = min(best, (min(got, FAR), slot))
        if node.op == self.old.nodes[q].op == "add":
            best = min(best, (self._cost_of_sum(node, q), SUM))
        return best

    def _cost_of_sum(self, node: Node, q: int) -> int:
        """Of a new sum that gives what the old sum ``q`` gave, term by term."""
        slots = self._assigned(node, q)
        if None in slots:
            return FAR
        terms = zip(slots, self.old.nodes[q].inputs, strict=True)
        cost = sum(self.cost(node.inputs[slot], p)[0] for slot, p in terms if slot is not None)
        more = [i for slot, i in enumerate(node.inputs) if slot not in slots]
        return min(FAR, 1 + cost + sum(min(APART, self._silence[i]) for i in more))

    def _passes(self, node: Node, taken: int, q: int) -> bool:
        """Whether a new node can change nothing of the old tensor."""
        kind, facts = operation(node.op), self.facts[q]
        if kind.channels == "joined" or node.op == "add":
            return True
        if node.shape[:-1] != self.new.nodes[taken].shape[:-1] or node.shape[-1] < facts.shape[-1]:
            return False
        return kind.identity is not None and kind.identity(facts, node.attributes) is not None

    def _silences(self) -> dict[int, int]:
        """What it takes for each node to give zeros."""
        found: dict[int, int] = {}
        for place, node in enumerate(self.new.nodes):
            taken = [found[i] for i in node.inputs]
            if node.op == "zero":
                found[place] = 0
            elif self.match[place] is not None or node.op == INPUT:
                found[place] = FAR
            elif operation(node.op).silent:
                found[place] = 1
            elif node.op == "multiply":
                found[place] = min(taken)
            else:
                found[place] = min(FAR, sum(taken)) if zero_stays(node.op, node.attributes) else FAR
        return found

    def _assigned(self, node: Node, q: int) -> list[int | None]:
        """For each input of an old node the input here that can hand it on at the least cost."""
        old = self.old.nodes[q]
        slots: list[int | None] = [None] * len(old.inputs)
        free = list(range(len(node.inputs)))
        ordered = node.op != INPUT and not _any_order(node) and operation(node.op).channels != "joined"
        for s, p in enumerate(old.inputs):
            options = [slot for slot in free if slot == s] if ordered else free
            if options:
                near = min(options, key=lambda slot: (self.cost(node.inputs[slot], p)[0], abs(slot - s)))
                slots[s] = near
                free.remove(near)
        return slots

    def _ask_matched(self, place: int, node: Node, q: int, wants: dict[int, list[int]], hush: dict[int, bool]) -> None:
        """Each input of the old node is to come from one here; what is more is to be silent in a sum."""
        self.slots[place] = slots = self._assigned(node, q)
        for slot, p in zip(slots, self.old.nodes[q].inputs, strict=True):
            if slot is not None:
                wants.setdefault(node.inputs[slot], []).append(p)
        if node.op == "add":
            for slot, i in enumerate(node.inputs):
                if slot not in slots:
                    hush.setdefault(i, False)

    def _ask_carrying(self, place: int, node: Node, wants: dict[int, list[int]], hush: dict[int, bool]) -> None:
        """One of its inputs is to hand on the tensor that is wanted; in a sum, the others are to be silent."""
        q = min(wants[place], key=lambda wanted: self.cost(place, wanted)[0])
        cost, slot = self.cost(place, q)
        if cost >= FAR:
            return
        self.carried[place] = q
        if slot == SUM:
            self._ask_matched(place, node, q, wants, hush)
            return
        self.main[place] = slot
        wants.setdefault(node.inputs[slot], []).append(q)
        if node.op == "add":
            for other, i in enumerate(node.inputs):
                if other != slot:
                    hush.setdefault(i, False)

    def _ask_silent(self, place: int, node: Node, cut: bool, hush: dict[int, bool]) -> None:
        """Its own weights make it silent, or what it takes is silent."""
        self.hushed.add(place)
        if node.op == "zero":
            return
        if operation(node.op).silent:
            self.silent[place] = cut
            return
        cuts = node.op == "activation" and node.attributes.get("kind", "relu") in ("relu", "relu6")
        inputs = node.inputs
        if node.op == "multiply":
            inputs = (min(inputs, key=lambda i: self._silence[i]),)
        for i in inputs:
            hush[i] = hush.get(i, False) or cut or cuts
