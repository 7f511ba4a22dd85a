"""The space around a network that exists: layers wider or narrower, more or fewer of them, skips between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.architecture import Architecture
from modelwright.nas.canonical import reached
from modelwright.nas.facts import facts
from modelwright.nas.genotype import Genotype, from_model
from modelwright.nas.graph import INPUT, Graph, Tensor
from modelwright.nas.layout import groups
from modelwright.nas.operations import operation
from modelwright.nas.spaces.maker import space_maker
from modelwright.nas.spaces.units import check_number, check_values
from modelwright.space import HyperParameters

#: The attribute by which an operation says how many channels it makes.
WIDTHS = {"conv": "filters", "dense": "units"}
#: Where a unit ends, and another may be put in.
_ENDS = ("activation", "leaky_relu")
#: What belongs to the unit of the layer before it.
_FOLLOWING = ("batch_norm", "layer_norm", "dropout", "spatial_dropout", *_ENDS)
_PROBABILITIES = ("softmax", "sigmoid", "log_softmax")
NONE = "none"
#: Layers that a message lists at most.
_LISTED = 3


@space_maker
def around(
    model: Any,
    *,
    widths: float | Sequence[float] = (0.5, 0.75, 1.25, 1.5, 2.0),
    insert: int = 2,
    remove: bool = True,
    skips: int = 3,
    kernels: bool = True,
    logits: bool = True,
) -> Architecture:
    """The networks that come from one by edits; the default is the network itself, with its names.

    Layers may be wider or narrower (those that are added to each other together), layers may be put in behind each
    activation, layers that change no shape may be left out, outputs of earlier units may be added, and kernels may be
    larger. Decisions are named after the layer: ``conv1/width``, ``relu1/deeper``, ``conv2/keep``, ``relu3/skip``,
    ``conv1/kernel``. Whatever becomes wider or deeper, or gets a skip connection or a larger kernel, can begin as the
    function that it was (see ``nas.inherit``).

    Args:
        model: a Keras model that ``nas.from_model`` can read, or what it made of one.
        widths: multiples of each layer's width that may be chosen beside its own; () for none.
        insert: layers that may be put in at one place; 0 for none.
        remove: whether layers may be left out.
        skips: the units before another's input from which a skip connection may come; 0 for none.
        kernels: whether kernels may be larger, by two positions.
        logits: whether a softmax or sigmoid at the end is left out, as the training expects it for labels. A search
            for numbers to be predicted puts it back.

    Raises:
        SpaceError: the model cannot be read, or nothing of it can be changed.

    >>> import keras
    >>> layers = keras.layers
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3, padding="same", name="conv"),
    ...     layers.ReLU(name="relu"), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    >>> space = around(model)
    >>> space.tree.default()
    {'conv/width': 4, 'conv/kernel': 3, 'relu/deeper': 0}
    """
    where = "nas.around"
    none = isinstance(widths, (list, tuple)) and not widths
    factors = () if none else check_values(where, least=0.01, whole=False, widths=widths)[0]
    check_number(where, least=0, insert=insert, skips=skips)
    found = model if isinstance(model, Genotype) else from_model(model)
    found = _without_probabilities(found) if logits else found
    define = Around.of(found.graph, factors, (insert, remove, skips, kernels))
    space = Architecture(define, *_inputs(found.graph), name=f"around {found.name}")
    if not space.tree.parameters:
        raise SpaceError(
            f"nothing of {found.name!r} can be changed: {_why_nothing(found.graph, factors, insert)}",
            where=where,
            allowed="a layer before the last one without groups, or with an activation behind it",
            hint="Put an activation behind a layer, or search a ready space, such as nas.chain().",
        )
    space.origin = found
    return space


def _why_nothing(graph: Graph, factors: Sequence[float], insert: int) -> str:
    """Why no layer of a network may become wider, and none may be put in."""
    shape, said = _Shape(graph), list[str]()
    layers = [node for i, node in enumerate(graph.nodes) if node.op in WIDTHS and shape._inside(i)]
    grouped = [repr(node.name) for node in layers if _grouped(node.attributes)]
    if not layers:
        said.append("its only layers are those that put out the result")
    elif grouped:
        said.append(f"groups of channels in {', '.join(grouped[:_LISTED])}")
    elif not factors:
        said.append("widths=() leaves all widths")
    if not shape.ends():
        said.append("no activation within it, behind which a layer could be put in")
    elif not insert:
        said.append("insert=0 puts no layer in")
    return "; ".join(said) or "no edit fits it"


def rescaled(
    space: Architecture, inputs: Sequence[tuple[Any, Any]], outputs: tuple[Any, Any] | None = None
) -> Architecture:
    """The same networks for inputs and targets in other units, so that what was learned in the old ones still holds.

    Args:
        space: one that was made around a network.
        inputs: for each input, the scale and the offset (numbers, or one for each channel) that give the old units.
        outputs: the scale and the offset that give the new units of the targets, if these are numbers to be predicted.
            An activation that was left out of the space for the loss of labels is put back before them.

    >>> from modelwright.nas import build
    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1)])
    >>> space = rescaled(around(model), [([2.0, 4.0], [1.0, 0.0])], (0.5, -1.0))
    >>> found = space.origin.build()(np.array([[1.0, 1.0]]))
    >>> bool(np.allclose(found, model(np.array([[3.0, 4.0]])) * 0.5 - 1.0, atol=1e-5))
    True
    """

    def between(write: Callable[..., Any]) -> Callable[..., Any]:
        def define(hp: HyperParameters, *x: Tensor) -> Any:
            old = [
                one.apply("rescaling", scale=_listed(scale), offset=_listed(offset), name=f"old_units{i}")
                for i, (one, (scale, offset)) in enumerate(zip(x, inputs, strict=True))
            ]
            found = write(hp, *old)
            if outputs is None or not isinstance(found, Tensor):
                return found
            for last in filter(None, () if space.origin is None else space.origin.left_out):
                found = found.apply(last.op, **last.attributes, name=last.name)
            return found.apply("rescaling", scale=_listed(outputs[0]), offset=_listed(outputs[1]), name="new_units")

        return define

    made = Architecture(between(space.define), *space.inputs, name=space.name)
    if space.origin is not None:
        left_out = space.origin.left_out if outputs is None else ()
        made.origin = replace(space.origin, graph=made.graph(made.tree.default()), left_out=left_out)
    return made


def _listed(value: Any) -> Any:
    """A number, or a list of them, as graphs keep them."""
    found = [float(n) for n in value] if isinstance(value, (list, tuple)) else [float(value)]
    return found[0] if len(set(found)) == 1 else found


def _inputs(graph: Graph) -> list[Any]:
    return [node.shape for node in graph.nodes if node.op == INPUT]


def _without_probabilities(found: Genotype) -> Genotype:
    """The network whose outputs are what they were before a last softmax or sigmoid."""
    graph = found.graph
    ends = [graph.nodes[place] for place in graph.outputs]
    last = [e if e.op == "activation" and e.attributes.get("kind") in _PROBABILITIES else None for e in ends]
    before = [place if end is None else end.inputs[0] for end, place in zip(last, graph.outputs, strict=True)]
    return replace(found, graph=reached(graph.nodes, before), left_out=tuple(last))


@dataclass(frozen=True, slots=True)
class Around:
    """What ``around`` writes: the network, with what may become of each node by the node's place.

    Attributes:
        widths: of the nodes that make channels: the place whose decision it is, and what may be chosen.
        ends: of the ends of units: whether another unit there is added to what it takes.
        units: of the layers that may be left out: what goes with them.
        sources: of the ends of units: the places from which a skip connection may come.
        kernels: of convolutions: the larger kernel.
    """

    graph: Graph
    widths: Mapping[int, tuple[int, tuple[int, ...]]]
    ends: Mapping[int, bool]
    units: Mapping[int, tuple[int, ...]]
    sources: Mapping[int, tuple[int, ...]]
    kernels: Mapping[int, int]
    insert: int

    @classmethod
    def of(cls, graph: Graph, factors: tuple[float, ...], options: tuple[int, bool, int, bool]) -> Around:
        insert, remove, skips, kernels = options
        shape = _Shape(graph)
        ends = {place: least < 0.0 for place, least in shape.ends().items()}
        return cls(
            graph,
            shape.widths(factors),
            ends,
            shape.removable() if remove else {},
            shape.sources(list(ends), skips),
            shape.kernels() if kernels else {},
            insert,
        )

    def __call__(self, hp: HyperParameters, *inputs: Tensor) -> Tensor | list[Tensor]:
        made: list[Tensor] = []
        left, gone = iter(inputs), set[int]()
        for place, node in enumerate(self.graph.nodes):
            if node.op == INPUT:
                made.append(next(left))
                continue
            if place in self.units and not self._scoped(hp, place, lambda: hp.Boolean("keep", default=True)):
                gone |= {place, *self.units[place]}
            taken = [made[i] for i in node.inputs]
            if place in gone:
                made.append(taken[0])
                continue
            attributes = {**node.attributes, **self._changed(hp, place), "name": node.name}
            x = taken[0].draft.apply(node.op, taken, attributes)
            if place in self.ends:
                x = self._scoped(hp, place, lambda x=x, place=place: self._after(hp, x, place, made))
            made.append(x)
        outputs = [made[i] for i in self.graph.outputs]
        return outputs[0] if len(outputs) == 1 else outputs

    def _scoped(self, hp: HyperParameters, place: int, ask: Callable[[], Any]) -> Any:
        """Asked under the node's name, and only where the node is there."""
        first = next((i for i, unit in self.units.items() if place in unit), None)
        kept = nullcontext() if first is None else hp.conditional_scope(f"{self.graph.nodes[first].name}/keep", True)
        with kept, hp.name_scope(self.graph.nodes[place].name):
            return ask()

    def _changed(self, hp: HyperParameters, place: int) -> dict[str, Any]:
        node, change = self.graph.nodes[place], {}
        if place in self.widths:
            leader, sizes = self.widths[place]
            # Of a layer that may be left out the channels are its own.
            change[WIDTHS[node.op]] = self._asked(hp, leader, "width", sizes, node.shape[-1])
        if place in self.kernels:
            larger = self.kernels[place]
            change["kernel"] = self._asked(hp, place, "kernel", (larger - 2, larger), larger - 2)
        return change

    def _asked(self, hp: HyperParameters, place: int, decision: str, values: Sequence[int], usual: int) -> Any:
        name = self.graph.nodes[place].name
        kept = hp.conditional_scope(f"{name}/keep", True) if place in self.units else nullcontext()
        with kept, hp.name_scope(name):
            return hp.Choice(decision, list(values), default=usual)

    def _after(self, hp: HyperParameters, x: Tensor, place: int, made: list[Tensor]) -> Tensor:
        if self.insert:
            for i in range(hp.Int("deeper", 0, self.insert, default=0)):
                x = _unit(x, f"deeper{i}", self.ends[place])
        sources = {self.graph.nodes[i].name: i for i in self.sources.get(place, ())}
        if not sources:
            return x
        source = hp.Choice("skip", [NONE, *sources], default=NONE)
        return x if source == NONE else _gated(x, made[sources[source]], "skip")


def _unit(x: Tensor, name: str, residual: bool) -> Tensor:
    """A layer that can begin as one that changes nothing: see ``nas.deepen``."""
    if len(x.shape) == 1:
        y = x.dense(x.channels, bias=False, name=f"{name}/dense")
    else:
        y = x.conv(x.channels, 3, name=f"{name}/conv")
    y = y.batch_norm(name=f"{name}/batch_norm")
    return x.apply("add", y, name=f"{name}/add") if residual else y.activation("relu", name=f"{name}/relu")


def _gated(x: Tensor, y: Tensor, name: str) -> Tensor:
    """``y`` added through a normalisation, whose scale can begin at zero: see ``nas.skip``."""
    if y.channels != x.channels:
        one = {"units": x.channels, "bias": False} if len(x.shape) == 1 else {"filters": x.channels, "kernel": 1}
        y = y.apply("dense" if len(x.shape) == 1 else "conv", **one, name=f"{name}/conv")
    return x.apply("add", y.batch_norm(name=f"{name}/gate"), name=f"{name}/add")


class _Shape:
    """What of a graph can be changed without the rest not fitting any more."""

    def __init__(self, graph: Graph):
        self.graph, self.nodes = graph, graph.nodes
        self.tied = groups(graph)
        self.users: list[list[int]] = [[] for _ in graph.nodes]
        for place, node in enumerate(graph.nodes):
            for i in node.inputs:
                self.users[i].append(place)
        self.members: dict[int, list[int]] = {}
        for place, group in enumerate(self.tied):
            self.members.setdefault(group, []).append(place)

    def widths(self, factors: Sequence[float]) -> dict[int, tuple[int, tuple[int, ...]]]:
        found = {}
        for members in self.members.values():
            makers = [i for i in members if self.nodes[i].op in WIDTHS and not _grouped(self.nodes[i].attributes)]
            others = [i for i in members if i not in makers and self._kind(i) != "kept"]
            if not makers or others or not factors or not self._may_change(members):
                continue
            now = self.nodes[makers[0]].shape[-1]
            sizes = tuple(sorted({now, *(max(1, floor(now * factor + 0.5)) for factor in factors)}))
            found |= dict.fromkeys(makers, (makers[0], sizes))
        return found

    def _may_change(self, members: Sequence[int]) -> bool:
        """Whether all that take these channels take any number of them."""
        if any(i in self.graph.outputs or _fixed(self.nodes[i]) for i in members):
            return False
        takers = {user for i in members for user in self.users[i] if self.tied[user] != self.tied[i]}
        return all(self._takes_any(user) for user in takers)

    def _takes_any(self, place: int) -> bool:
        node = self.nodes[place]
        if node.op in WIDTHS:
            return not _grouped(node.attributes)
        if self._kind(place) not in ("joined", "spread"):
            return False
        members = self.members[self.tied[place]]
        plain = [i for i in members if i != place and self._kind(i) == "kept"]
        return len(plain) == len(members) - 1 and self._may_change(members)

    def ends(self) -> dict[int, float]:
        """Where another unit may follow -> the least that its values may be."""
        known = facts(self.graph, {})
        inner = [i for i, node in enumerate(self.nodes) if node.op in _ENDS and self._inside(i)]
        return {i: known[i].bounds[0] for i in inner}

    def _inside(self, place: int) -> bool:
        """Whether the channels are not those of an output."""
        return all(i not in self.graph.outputs for i in self.members[self.tied[place]])

    def removable(self) -> dict[int, tuple[int, ...]]:
        found = {}
        for place, node in enumerate(self.nodes):
            if node.op not in WIDTHS or not self._inside(place) or self.nodes[node.inputs[0]].shape != node.shape:
                continue
            if self.nodes[node.inputs[0]].op == INPUT or _grouped(node.attributes):
                continue
            alone = all(len(self.nodes[i].inputs) < 2 for i in self.members[self.tied[place]])
            if alone and self._may_change(self.members[self.tied[place]]):
                found[place] = self._following(place)
        return found

    def _following(self, place: int) -> tuple[int, ...]:
        """What goes with a layer: its normalisation, its activation."""
        found: list[int] = []
        while len(self.users[place]) == 1 and self.nodes[self.users[place][0]].op in _FOLLOWING:
            place = self.users[place][0]
            found.append(place)
        return tuple(found)

    def sources(self, ends: Sequence[int], count: int) -> dict[int, tuple[int, ...]]:
        found = {}
        for number, place in enumerate(ends):
            near = [i for i in ends[:number] if self.nodes[i].shape[:-1] == self.nodes[place].shape[:-1]]
            if near and count:
                found[place] = tuple(near[-count:])
        return found

    def kernels(self) -> dict[int, int]:
        usual = {"conv": 1, "depthwise": 3}
        return {
            place: node.attributes.get("kernel", usual[node.op]) + 2
            for place, node in enumerate(self.nodes)
            if node.op in usual
            and node.attributes.get("kernel", usual[node.op]) % 2
            and node.attributes.get("kernel", usual[node.op]) > 1
            and node.attributes.get("padding", "same") == "same"
        }

    def _kind(self, place: int) -> str:
        node = self.nodes[place]
        return "" if node.op == INPUT else operation(node.op).channels


def _grouped(attributes: Mapping[str, Any]) -> bool:
    return attributes.get("groups", 1) > 1


def _fixed(node: Any) -> bool:
    """Whether its settings say how many channels there are."""
    return any(isinstance(value, (list, tuple)) for key, value in node.attributes.items() if key != "padding")
