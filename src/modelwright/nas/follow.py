"""Following: the values of an old network through the graph of a new one, channel by channel.

Each node of the new graph gets its weights in one pass, and of each tensor it is known what it is: so whether the new
network computes what the old one did is a result, and not a belief.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from modelwright.nas.align import Alignment
from modelwright.nas.carry import NEW, TINY, Facts, Fit, Values
from modelwright.nas.graph import INPUT, Node
from modelwright.nas.layout import Layouts, prefix, spread
from modelwright.nas.operations import Operation, operation
from modelwright.nas.weights import Weights, count, layer_name

_UNKNOWN = "no rule makes it the same"


@dataclass(frozen=True, slots=True)
class Step:
    """What was done with one node of the new network.

    Attributes:
        node: its name; of the old network for one that is gone.
        rule: wider, narrower, larger kernel, smaller kernel, changed; of new nodes: identity (it changes nothing),
            silent (its output is zero), free (it does not matter), unlike (it changes what it hands on); gone.
        exact: whether what it gives is what the old network gave there.
        why: where it is not, the reason.
    """

    node: str
    rule: str
    exact: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.node}{'' if self.exact else f' ({self.why})'}"


@dataclass(frozen=True, slots=True)
class Move:
    """How the weights of a layer come from those of an old one."""

    op: str
    layer: str
    fit: Fit
    cut: Fit | None

    def __call__(self, old: Mapping[str, Values], new: Values) -> dict[str, np.ndarray]:
        return self.whole(old.get(self.layer, {}), new)[0]

    def whole(self, old: Values, new: Values) -> tuple[dict[str, np.ndarray], bool]:
        kind = operation(self.op)
        if self.cut is not None and kind.slice is not None:
            old = kind.slice(old, self.cut)
        return kind.embed(old, new, self.fit)


@dataclass(slots=True)
class Content:
    """What a new tensor is: channels of an old tensor, or zeros, or something else."""

    source: int | None
    channels: np.ndarray
    exact: bool = False
    zero: bool = False


class Following:
    """One pass over the new graph, in which each node gets its weights and each tensor its content."""

    def __init__(self, alignment: Alignment, weights: Mapping[str, Values], fresh: Weights, known: list[Facts]):
        self.alignment, self.weights, self.known = alignment, weights, known
        self.old, self.new = alignment.old, alignment.new
        self.layouts = Layouts(alignment, weights)
        self.made: Weights = {layer: dict(values) for layer, values in fresh.items()}
        self.moves: dict[str, Move] = {}
        self.steps: list[Step] = []
        self.contents: list[Content] = []

    def run(self) -> None:
        for place, node in enumerate(self.new.nodes):
            q = self.alignment.carried[place]
            if q is not None and place in self.alignment.slots:
                content = self._matched(place, node, q)
            elif q is not None:
                content = self._handed_on(place, node, q)
            elif place in self.alignment.hushed:
                content = self._silent(place, node)
            else:
                content = Content(None, np.full(node.shape[-1], NEW))
                self._step(node, "free", True)
            self.contents.append(content)
        there, same = set(self.alignment.carried), self.exact
        for q, node in enumerate(self.old.nodes):
            if q not in there:
                self._step(node, "gone", same, "what it did is lost")
        for place, q in zip(self.new.outputs, self.old.outputs, strict=False):
            if self.contents[place].exact and not self._is(place, q):
                self._step(self.new.nodes[place], "changed", False, "the output has other channels")

    @property
    def exact(self) -> bool:
        """Whether the outputs are the old ones."""
        pairs = zip(self.new.outputs, self.old.outputs, strict=False)
        return len(self.new.outputs) == len(self.old.outputs) and all(self._is(place, q) for place, q in pairs)

    def _is(self, place: int, q: int) -> bool:
        content = self.contents[place]
        whole = np.array_equal(content.channels, np.arange(self.old.nodes[q].shape[-1]))
        return content.exact and content.source == q and whole

    @property
    def share(self) -> float:
        """Of the weights of the new network, those that are the old one's."""
        zeros = {layer: {n: np.zeros(v.shape) for n, v in self.made[layer].items()} for layer in self.moves}
        ones: Weights = {}
        for move in self.moves.values():
            values = self.weights[self._names[move.layer]]
            ones[move.layer] = {name: np.ones(value.shape) for name, value in values.items()}
        taken = sum(
            float(value.sum()) for layer, move in self.moves.items() for value in move(ones, zeros[layer]).values()
        )
        built = {layer_name(node.name) for node in self.new.nodes}
        total = count({layer: values for layer, values in self.made.items() if layer in built})
        return taken / total if total else 1.0

    @property
    def _names(self) -> dict[str, str]:
        return {layer_name(node.name): node.name for node in self.old.nodes}

    def _step(self, node: Node, rule: str, exact: bool, why: str = "") -> None:
        self.steps.append(Step(node.name, rule, exact, "" if exact else why))

    # --- nodes that both networks have -----------------------------------------------------------

    def _matched(self, place: int, node: Node, q: int) -> Content:
        old = self.old.nodes[q]
        if node.op == INPUT:
            exact = node.shape == old.shape
            if not exact:
                self._step(node, "changed", False, f"its shape was {old.shape}")
            return Content(q, prefix(node.shape[-1], old.shape[-1]), exact)
        kind = operation(node.op)
        inputs, exact, why = self._taken(place, node, q, kind)
        output = self._output(place, node, q, kind, inputs)
        if kind.channels == "kept" and len(_there(output)) < len(_there(_first(inputs, output))):
            exact, why, output = False, why or "channels of its inputs do not meet", _first(inputs, output)
        fit = self._fit(node, old, inputs, output)
        layer = layer_name(node.name)
        cut = self._cut(fit, old, kind, self.made.get(layer, {}))
        move = Move(node.op, layer_name(old.name), _within(fit, cut) if cut else fit, cut)
        values, same = move.whole(self.weights[old.name], self.made.get(layer, {}))
        same = same and (cut is None or not _lessened(cut))
        if layer in self.made:
            self.made[layer], self.moves[layer] = values, move
        if rule := _rule(old, node):
            self._step(node, rule, exact and same, why or _UNKNOWN)
        elif why or (exact and not same):
            self._step(node, "changed", False, why or ("channels that it took are gone" if not fit.whole else _UNKNOWN))
        return Content(q, output, exact and same)

    def _taken(self, place: int, node: Node, q: int, kind: Operation) -> tuple[list[np.ndarray | None], bool, str]:
        """For each input, the old channels that come in by it; whether they are what the old node got, or why not."""
        inputs: list[np.ndarray | None] = [None] * len(node.inputs)
        exact, why = True, ""
        for slot, p in zip(self.alignment.slots[place], self.old.nodes[q].inputs, strict=True):
            if slot is None:
                exact, why = False, f"{self.old.nodes[p].name} is no input any more"
                continue
            content = self.contents[node.inputs[slot]]
            fits = content.source == p
            width = self.new.nodes[node.inputs[slot]].shape[-1]
            inputs[slot] = content.channels if fits else prefix(width, self.old.nodes[p].shape[-1])
            exact = exact and fits and content.exact
            why = why if fits else f"{self.old.nodes[p].name} is not what comes in"
        for slot, i in enumerate(node.inputs):
            if inputs[slot] is None and kind.channels != "joined" and not (node.op == "add" and self.contents[i].zero):
                exact, why = False, why or f"{self.new.nodes[i].name} comes in, too"
        return inputs, exact, why

    def _output(self, place: int, node: Node, q: int, kind: Operation, inputs: list[np.ndarray | None]) -> np.ndarray:
        old = self.old.nodes[q]
        if kind.channels == "own":
            return self.layouts.of(place)
        if kind.channels == "spread":
            first = self.old.nodes[old.inputs[0]]
            return spread(self._or_new(node, inputs)[0], node.shape[-1], old.shape[-1], first.shape[-1])
        if kind.channels == "kept":
            first = _first(inputs, np.full(node.shape[-1], NEW))
            alike = [np.asarray(part) == first for part in inputs if part is not None]
            return np.where(np.all(alike, axis=0), first, NEW) if alike else first
        parts, begin = self._or_new(node, inputs), 0
        for slot, p in zip(self.alignment.slots[place], old.inputs, strict=True):
            if slot is not None:
                parts[slot] = np.where(parts[slot] >= 0, parts[slot] + begin, NEW)
            begin += self.old.nodes[p].shape[-1]
        return np.concatenate(parts)

    def _or_new(self, node: Node, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        widths = [self.new.nodes[i].shape[-1] for i in node.inputs]
        return [np.full(w, NEW) if part is None else part for part, w in zip(inputs, widths, strict=True)]

    def _fit(self, node: Node, old: Node, inputs: list[np.ndarray | None], output: np.ndarray) -> Fit:
        came = {int(channel) for part in inputs if part is not None for channel in part if channel >= 0}
        return Fit(
            inputs=tuple(self._or_new(node, inputs)),
            output=output,
            shapes=tuple(self.new.nodes[i].shape for i in node.inputs),
            old_shapes=tuple(self.old.nodes[i].shape for i in old.inputs),
            attributes=node.attributes,
            old_attributes=old.attributes,
            bounds=self.known[old.inputs[0]].bounds,
            whole=len(came) >= max(self.old.nodes[i].shape[-1] for i in old.inputs),
        )

    def _cut(self, fit: Fit, old: Node, kind: Operation, new: Values) -> Fit | None:
        """What is cut from the old weights before they lie within the new ones; None for nothing."""
        values = self.weights[old.name]
        larger = any(
            np.any(np.array(value.shape) > np.array(new[name].shape))
            for name, value in values.items()
            if name in new and value.ndim == new[name].ndim
        )
        output = _there(fit.output)
        if kind.slice is None or not values or (fit.whole and len(output) == old.shape[-1] and not larger):
            return None
        smaller = {
            key: min(value, fit.attributes[key])
            if isinstance(value, int) and isinstance(fit.attributes.get(key), int)
            else value
            for key, value in old.attributes.items()
        }
        return replace(fit, inputs=tuple(map(_there, fit.inputs)), output=output, attributes=smaller)

    # --- nodes that only the new network has -----------------------------------------------------

    def _silent(self, place: int, node: Node) -> Content:
        """Weights of zeros, or what follows from zeros."""
        silent = place in self.alignment.silent
        if silent:
            layer = layer_name(node.name)
            names = operation(node.op).silent
            # Behind what passes no gradient at zero, a little more than zero learns.
            scale = np.float32(TINY if self.alignment.silent[place] else 0.0)
            self.made[layer] = {
                name: value * scale if name in names else value for name, value in self.made[layer].items()
            }
        zero = silent or node.op == "zero"
        inputs = [self.contents[i].zero for i in node.inputs]
        zero = zero or all(inputs) or (node.op == "multiply" and any(inputs))
        self._step(node, "silent" if silent else "free", zero, "what comes in is not zero")
        return Content(None, np.full(node.shape[-1], NEW), zero=zero)

    def _handed_on(self, place: int, node: Node, p: int) -> Content:
        """A new node that gives an old tensor as it came."""
        kind, slot = operation(node.op), self.alignment.main[place]
        content = self.contents[node.inputs[slot]]
        others = [self.contents[i] for other, i in enumerate(node.inputs) if other != slot]
        fits = content.source == p
        width = self.new.nodes[node.inputs[slot]].shape[-1]
        channels = content.channels if fits else prefix(width, self.known[p].shape[-1])
        exact, output = fits and content.exact, channels
        if kind.channels == "joined":
            parts = [np.full(self.new.nodes[i].shape[-1], NEW) for i in node.inputs]
            parts[slot] = channels
            output = np.concatenate(parts)
        elif node.op == "add":
            exact = exact and all(other.zero for other in others)
        else:
            output, same = self._identity(place, node, p, channels, kind)
            exact = exact and same and not others
        self._step(node, "identity" if exact else "unlike", exact, "no rule makes it change nothing")
        return Content(p, output, exact)

    def _identity(
        self, place: int, node: Node, p: int, channels: np.ndarray, kind: Operation
    ) -> tuple[np.ndarray, bool]:
        output = {"kept": channels, "own": self.layouts.of(place)}.get(kind.channels)
        if output is None:
            output = prefix(node.shape[-1], self.known[p].shape[-1])
        found = None if kind.identity is None else kind.identity(self.known[p], node.attributes)
        if found is None or len(node.inputs) != 1:
            return output, False
        values, attributes = found
        fit = Fit(
            inputs=(channels,),
            output=output,
            shapes=(self.new.nodes[node.inputs[0]].shape,),
            old_shapes=(self.known[p].shape,),
            attributes=node.attributes,
            old_attributes=attributes,
            bounds=self.known[p].bounds,
            whole=len(_there(channels)) >= self.known[p].shape[-1],
        )
        layer = layer_name(node.name)
        if not values:
            return output, kind.embed({}, {}, fit)[1]
        if not fit.whole:
            return output, False
        self.made[layer], same = kind.embed(values, self.made[layer], fit)
        return output, same


def _lessened(cut: Fit) -> bool:
    """Whether more was cut off than channels."""
    was, now = cut.old_attributes, cut.attributes
    return any(was[key] != now[key] for key in was if key not in ("filters", "units"))


def _first(inputs: list[np.ndarray | None], otherwise: np.ndarray) -> np.ndarray:
    return next((part for part in inputs if part is not None), otherwise)


def _there(channels: np.ndarray) -> np.ndarray:
    """The old channels that are there, each once, in their order."""
    return np.unique(channels[channels >= 0])


def _within(fit: Fit, cut: Fit) -> Fit:
    """The fit over what was cut out: old channels are counted among those that are left."""

    def counted(channels: np.ndarray, left: np.ndarray) -> np.ndarray:
        return np.where(channels >= 0, np.searchsorted(left, channels), NEW)

    return replace(
        fit,
        inputs=tuple(counted(a, b) for a, b in zip(fit.inputs, cut.inputs, strict=True)),
        output=counted(fit.output, cut.output),
        old_attributes=cut.attributes,
    )


def _rule(old: Node, new: Node) -> str:
    """What tells two nodes of one operation apart; "" for nothing."""
    said = []
    if old.shape[-1] != new.shape[-1]:
        said.append("wider" if new.shape[-1] > old.shape[-1] else "narrower")
    was, now = old.attributes, new.attributes
    for key in dict.fromkeys((*was, *now)):
        if was.get(key) == now.get(key) or key in ("filters", "units", "rate", "momentum", "init"):
            continue
        grows = key == "kernel" and now.get(key, 1) > was.get(key, 1)
        said.append(("larger kernel" if grows else "smaller kernel") if key == "kernel" else f"changed {key}")
    return ", ".join(said) if said and (new.op in ("conv", "dense") or said[0] not in ("wider", "narrower")) else ""
