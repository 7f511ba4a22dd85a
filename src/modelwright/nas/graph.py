"""Graphs: an architecture as plain values, with shapes and costs known before anything is built.

A graph is written like a functional Keras model, on tensors that hold nothing. Knows operations; knows neither Keras
nor where decisions come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import prod
from typing import Any, cast

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.core.wording import did_you_mean, kind_of
from modelwright.nas.operations import Cost, Shape, names, operation
from modelwright.nas.options import check_options

#: The operation of a node that is an input.
INPUT = "input"


@dataclass(frozen=True, slots=True)
class Node:
    """One operation in its place.

    Attributes:
        op: the operation's name.
        inputs: the places of the nodes that it takes.
        attributes: its settings, as plain values.
        shape: of its output for one example.
        name: unique in the graph; two graphs' nodes of one name are the same part of a network.
    """

    op: str
    inputs: tuple[int, ...]
    attributes: Mapping[str, Any]
    shape: Shape
    name: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which they can be computed.

    Attributes:
        nodes: inputs first; a node takes those before it.
        outputs: the places of the nodes that are the result.

    >>> graph = trace(lambda x: x.conv(8, 3).relu().global_avg_pool().dense(10), (28, 28, 1))
    >>> [node.op for node in graph.nodes], graph.cost.parameters, graph.cost.macs
    (['input', 'conv', 'activation', 'global_avg_pool', 'dense'], 162, 56528)
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    @property
    def cost(self) -> Cost:
        """Of all nodes, for one example."""
        return reduce(Cost.__add__, (self.cost_of(i) for i in range(len(self.nodes))), Cost())

    def cost_of(self, place: int) -> Cost:
        """Of one node."""
        node = self.nodes[place]
        if node.op == INPUT:
            return Cost()
        return operation(node.op).cost([self.nodes[i].shape for i in node.inputs], node.attributes, node.shape)

    @property
    def activations(self) -> int:
        """Numbers that all nodes put out for one example: what training keeps, in multiples of their width."""
        return sum(prod(node.shape) for node in self.nodes)

    @property
    def peak(self) -> int:
        """The most numbers that are alive at once for one example, when each is dropped after its last use."""
        last = {i: place for place, node in enumerate(self.nodes) for i in node.inputs}
        last |= dict.fromkeys(self.outputs, len(self.nodes))
        alive, most = 0, 0
        for place, node in enumerate(self.nodes):
            alive += prod(node.shape)
            most = max(most, alive)
            alive -= sum(prod(self.nodes[i].shape) for i in set(node.inputs) if last[i] == place)
            alive -= 0 if place in last else prod(node.shape)
        return most

    def _repr_svg_(self) -> str:
        """The drawing that notebooks show."""
        from modelwright.nas.draw import draw

        return draw(self)


class Draft:
    """A graph that is being written."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._names: set[str] = set()
        #: What names begin with: the scopes of whoever writes.
        self.scope: Callable[[], str] = lambda: ""

    def input(self, shape: Shape, name: str = INPUT) -> Tensor:
        return self._put(Node(INPUT, (), {}, tuple(shape), self._unique(name)))

    def apply(self, op: str, inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
        """Add a node.

        Raises:
            SpaceError: the operation does not take these inputs.
        """
        kind = operation(op)
        for other in inputs:
            if not isinstance(other, Tensor):
                raise SpaceError(
                    f"{other!r:.60} is {kind_of(other)}",
                    where=op,
                    allowed="tensors of the network",
                    hint="Constants are added and multiplied by x.apply('rescaling', scale=2.0, offset=1.0).",
                )
            if other.draft is not self:
                raise SpaceError("its inputs are parts of two graphs", where=op)
        if kind.inputs is None and len(inputs) == 1:
            return inputs[0]
        if len(inputs) != (kind.inputs or len(inputs)) or not inputs:
            raise SpaceError(f"{len(inputs)} inputs", where=op, allowed=str(kind.inputs or "one or more"))
        called = attributes.get("name") or op
        if not isinstance(called, str):
            raise SpaceError(f"name={called!r:.60}", where=op, allowed="a text")
        plain = {key: _plain(value) for key, value in attributes.items() if key != "name" and value is not None}
        check_options(op, kind.options, plain)
        name = self._unique("/".join(filter(None, (self.scope(), called))))
        try:
            shape = kind.shape([x.shape for x in inputs], plain)
        except SpaceError:
            raise
        except Exception as error:
            raise SpaceError(
                f"its shape raised {type(error).__name__}: {error}, for inputs of {[x.shape for x in inputs]}",
                where=f"operation {op!r}",
                hint="Correct shape=... of its nas.Operation; or raise SpaceError there, to refuse such inputs.",
            ) from error
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n > 0 for n in shape) or not shape:
            raise SpaceError(
                f"its shape is {shape!r} for inputs of {[x.shape for x in inputs]}",
                where=f"operation {op!r}",
                allowed="a tuple of integers from 1, without the batch",
                hint="Correct shape=... of its nas.Operation.",
            )
        return self._put(Node(op, tuple(x.place for x in inputs), plain, shape, name))

    def _put(self, node: Node) -> Tensor:
        self.nodes.append(node)
        return Tensor(self, len(self.nodes) - 1)

    def _unique(self, name: str) -> str:
        found, count = name, 0
        while found in self._names:
            count += 1
            found = f"{name}_{count}"
        self._names.add(found)
        return found


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's."""
    return value.item() if isinstance(value, np.generic) else value


class _Missing(SpaceError, AttributeError):
    """A tensor has no such operation."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a node puts out; every operation on it adds a node to the graph.

    Operations that are not methods are applied by name: ``x.apply("depthwise", kernel=3)``.
    """

    draft: Draft = field(repr=False)
    place: int

    @property
    def shape(self) -> Shape:
        """For one example, channels last."""
        return self.draft.nodes[self.place].shape

    @property
    def channels(self) -> int:
        return self.shape[-1]

    def apply(self, op: str, *others: Tensor, **attributes: Any) -> Tensor:
        """``op`` of this tensor (and others); see ``nas.operation`` for what there is."""
        return self.draft.apply(op, (self, *others), attributes)

    def conv(self, filters: int, kernel: int = 1, *, stride: int = 1, **attributes: Any) -> Tensor:
        """A convolution with padding "same", without bias unless ``bias=True``."""
        return self.apply("conv", filters=filters, kernel=kernel, stride=stride, **attributes)

    def depthwise(self, kernel: int = 3, *, stride: int = 1, **attributes: Any) -> Tensor:
        return self.apply("depthwise", kernel=kernel, stride=stride, **attributes)

    def dense(self, units: int, **attributes: Any) -> Tensor:
        return self.apply("dense", units=units, **attributes)

    def batch_norm(self, **attributes: Any) -> Tensor:
        return self.apply("batch_norm", **attributes)

    def activation(self, kind: str = "relu", **attributes: Any) -> Tensor:
        """``kind`` "linear" adds nothing."""
        return self if kind == "linear" else self.apply("activation", kind=kind, **attributes)

    def relu(self) -> Tensor:
        return self.activation("relu")

    def dropout(self, rate: float) -> Tensor:
        """Nothing where ``rate`` is 0."""
        return self.apply("dropout", rate=rate) if rate else self

    def max_pool(self, size: int = 2, *, stride: int | None = None) -> Tensor:
        return self.apply("max_pool", size=size, stride=size if stride is None else stride)

    def avg_pool(self, size: int = 2, *, stride: int | None = None) -> Tensor:
        return self.apply("avg_pool", size=size, stride=size if stride is None else stride)

    def global_avg_pool(self) -> Tensor:
        return self.apply("global_avg_pool")

    def global_max_pool(self) -> Tensor:
        return self.apply("global_max_pool")

    def flatten(self) -> Tensor:
        """Nothing where there are channels alone."""
        return self.apply("flatten") if len(self.shape) > 1 else self

    def zero(self) -> Tensor:
        """Zeros of this shape: a connection that is not there."""
        return self.apply("zero")

    def __add__(self, other: Tensor) -> Tensor:
        return self.apply("add", other)

    def __radd__(self, other: Any) -> Tensor:
        """Of 0 and a tensor it is that tensor, so that ``sum([x, y])`` is a sum."""
        nothing = type(other) is int and other == 0
        # What is no tensor either is refused by the operation, which says what it takes.
        return self if nothing else self.apply("add", cast("Tensor", other))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        near = f"Write x.apply({name!r}, ...)." if name in names() else did_you_mean(name, _METHODS)
        raise _Missing(f"it has no {name!r}", where="a tensor", allowed=", ".join(_METHODS), hint=near)


_METHODS = tuple(name for name in vars(Tensor) if not name.startswith("_") and name not in ("draft", "place"))


def add(tensors: Sequence[Tensor]) -> Tensor:
    """The sum; of one tensor it is that tensor."""
    first, *others = _some(tensors, "nas.add")
    return first.apply("add", *others)


def concat(tensors: Sequence[Tensor]) -> Tensor:
    """Channels one after another; of one tensor it is that tensor."""
    first, *others = _some(tensors, "nas.concat")
    return first.apply("concat", *others)


def _some(tensors: Any, where: str) -> list[Tensor]:
    found = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
    if not found or not isinstance(found[0], Tensor):
        said = f"{found[0]!r:.60} is {kind_of(found[0])}" if found else "the list is empty"
        raise SpaceError(said, where=where, allowed="a list of tensors")
    return found


def check_graph(given: Any, where: str) -> Graph:
    """The graph, if it is one.

    Raises:
        SpaceError: it is something else.
    """
    if isinstance(given, Graph):
        return given
    hint = "A space has one for each configuration." if hasattr(given, "tree") else ""
    raise SpaceError(
        f"{kind_of(given)} is no graph", where=where, allowed="space.graph(config), nas.trace(...)", hint=hint
    )


def trace(
    define: Callable[..., Tensor | Sequence[Tensor]], *inputs: Shape, scope: Callable[[], str] | None = None
) -> Graph:
    """The graph that ``define`` writes on inputs of these shapes.

    Args:
        scope: what the names of new nodes begin with.

    Raises:
        SpaceError: something does not fit.
    """
    draft = Draft()
    draft.scope = scope or draft.scope
    starts = [draft.input(shape, INPUT if len(inputs) == 1 else f"{INPUT}{i}") for i, shape in enumerate(inputs)]
    found = define(*starts)
    ends: list[Any] = list(found) if isinstance(found, (list, tuple)) else [found]
    if not ends or not all(isinstance(end, Tensor) and end.draft is draft for end in ends):
        raise SpaceError(
            "an architecture's function returned no tensor of its graph",
            where="nas",
            allowed="a tensor that was made from its input, or several",
        )
    graph = Graph(tuple(draft.nodes), tuple(end.place for end in ends))
    _refuse_unused(graph)
    return graph


def _refuse_unused(graph: Graph) -> None:
    """Raise where an input leads to no output: the graph is not connected."""
    needed, left = set[int](), list(graph.outputs)
    while left:
        place = left.pop()
        if place not in needed:
            needed.add(place)
            left += graph.nodes[place].inputs
    for place, node in enumerate(graph.nodes):
        if node.op == INPUT and place not in needed:
            raise SpaceError(
                f"the input {node.name!r} leads to no output",
                where="nas",
                allowed="a connected network",
                hint="Join what is made of each input, with nas.concat, say.",
            )
