"""Growing: graphs made from graphs by one edit, after which the network can begin as the same function.

Nodes keep their names, and new ones get names of their own, so that ``inherit`` finds the weights. Knows no weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas.facts import facts
from modelwright.nas.graph import INPUT, Draft, Graph, Tensor
from modelwright.nas.layout import groups
from modelwright.nas.operations import Shape, operation

#: The attribute by which an operation says how many channels it makes.
_WIDTHS = {"conv": "filters", "dense": "units"}


def deepen(graph: Graph, at: str, *, kernel: int = 3, residual: bool | None = None) -> Graph:
    """One more layer behind the node ``at``: a convolution, or a dense layer where there are no positions.

    Args:
        kernel: of the convolution.
        residual: whether its output is added to what it takes; otherwise it is followed by a normalisation and ReLU.
            None: only where values may be below zero, which ReLU would cut off.

    Raises:
        SpaceError: there is no such node.

    >>> from modelwright.nas import trace
    >>> graph = trace(lambda x: x.conv(4, 3).relu().global_avg_pool().dense(2), (8, 8, 1))
    >>> [node.name for node in deepen(graph, "activation").nodes[3:6]]
    ['activation/deeper/conv', 'activation/deeper/batch_norm', 'activation/deeper/relu']
    """
    place = _place(graph, at, "nas.deepen")
    if residual is None:
        residual = facts(graph, {})[place].bounds[0] < 0.0
    name = _free(graph, f"{at}/deeper")

    def more(x: Tensor, made: list[Tensor]) -> Tensor:
        if len(x.shape) == 1:
            y = x.dense(x.channels, bias=False, name=f"{name}/dense")
        else:
            y = x.conv(x.channels, kernel, name=f"{name}/conv")
        y = y.batch_norm(name=f"{name}/batch_norm")
        return x.apply("add", y, name=f"{name}/add") if residual else y.activation("relu", name=f"{name}/relu")

    return rewritten(graph, {}, {place: more})


def widen(graph: Graph, at: str, factor: float = 2.0) -> Graph:
    """More channels for the node ``at``, and for all whose channels are tied to its own by sums.

    Raises:
        SpaceError: there is no such node, or its channels are tied to an input, an output or a concatenation.

    >>> from modelwright.nas import trace
    >>> graph = trace(lambda x: x.conv(4, 3, name="a").relu().conv(4, 3, name="b").flatten().dense(2), (8, 8, 1))
    >>> [node.shape[-1] for node in widen(graph, "a", 1.5).nodes]
    [1, 6, 6, 4, 256, 2]
    """
    place, where = _place(graph, at, "nas.widen"), f"nas.widen {at!r}"
    if not factor > 1.0:
        raise SpaceError(f"factor={factor!r}", where=where, allowed="more than 1")
    tied = groups(graph)
    members = [i for i in range(len(graph.nodes)) if tied[i] == tied[place]]
    change = {}
    for i in members:
        node = graph.nodes[i]
        kind = None if node.op == INPUT else operation(node.op).channels
        if i in graph.outputs or (kind != "kept" and node.op not in _WIDTHS):
            what = "an output" if i in graph.outputs else node.op
            raise SpaceError(
                f"its channels are those of {what} ({node.name!r})",
                where=where,
                allowed="channels that convolutions or dense layers within the network make",
                hint="Name a layer that is not tied to it, or widen what is concatenated.",
            )
        if node.op in _WIDTHS:
            change[i] = {_WIDTHS[node.op]: max(node.shape[-1] + 1, math.floor(node.shape[-1] * factor + 0.5))}
    return rewritten(graph, change, {})


def larger_kernel(graph: Graph, at: str, kernel: int | None = None) -> Graph:
    """A larger kernel for the convolution ``at``: by two positions when ``kernel`` is None.

    Raises:
        SpaceError: there is no such node, it is no convolution, or the kernel is not larger.
    """
    place, where = _place(graph, at, "nas.larger_kernel"), f"nas.larger_kernel {at!r}"
    node = graph.nodes[place]
    if node.op not in ("conv", "depthwise"):
        raise SpaceError(f"it is of the operation {node.op}", where=where, allowed="conv, depthwise")
    now = node.attributes.get("kernel", 1 if node.op == "conv" else 3)
    kernel = now + 2 if kernel is None else kernel
    if kernel <= now:
        raise SpaceError(f"kernel={kernel}", where=where, allowed=f"more than {now}")
    return rewritten(graph, {place: {"kernel": kernel}}, {})


def skip(graph: Graph, a: str, b: str, *, join: str = "add") -> Graph:
    """A connection from the node ``a`` into what ``b`` puts out.

    Where shapes differ, a convolution of kernel 1 brings ``a`` to that of ``b``, after pooling if need be.

    Args:
        join: "add" through a normalisation, whose scale may begin at zero; or "concat".

    Raises:
        SpaceError: there are no such nodes, ``a`` does not come before ``b``, or their positions cannot be brought
            together.

    >>> from modelwright.nas import trace
    >>> graph = trace(lambda x: x.conv(4, 3, name="a").relu().conv(4, 3, name="b").flatten().dense(2), (8, 8, 1))
    >>> [node.name for node in skip(graph, "a", "b").nodes]
    ['input', 'a', 'activation', 'b', 'b/skip/gate', 'b/skip/add', 'flatten', 'dense']
    """
    source, place = _place(graph, a, "nas.skip"), _place(graph, b, "nas.skip")
    if join not in ("add", "concat"):
        raise SpaceError(f"join={join!r}", where="nas.skip", allowed="add, concat")
    if source >= place:
        raise SpaceError(f"{a!r} does not come before {b!r}", where="nas.skip", hint="Exchange them.")
    if join == "concat" and place in graph.outputs:
        raise SpaceError(f"{b!r} is an output", where="nas.skip", hint='Use join="add", which keeps its channels.')
    stride = _stride(graph.nodes[source].shape, graph.nodes[place].shape)
    if stride is None:
        raise SpaceError(
            f"{a!r} has the shape {graph.nodes[source].shape}, and {b!r} {graph.nodes[place].shape}",
            where="nas.skip",
            allowed="as many positions, or a whole multiple of them",
        )
    name = _free(graph, f"{b}/skip")

    def joined(x: Tensor, made: list[Tensor]) -> Tensor:
        y = made[source]
        if stride > 1:
            y = y.apply("avg_pool", size=stride, stride=stride, name=f"{name}/pool")
        if join == "concat":
            return x.apply("concat", y, name=f"{name}/concat")
        if y.channels != x.channels:
            one = {"units": x.channels, "bias": False} if len(x.shape) == 1 else {"filters": x.channels, "kernel": 1}
            y = y.apply("dense" if len(x.shape) == 1 else "conv", **one, name=f"{name}/conv")
        return x.apply("add", y.batch_norm(name=f"{name}/gate"), name=f"{name}/add")

    return rewritten(graph, {}, {place: joined})


def _stride(source: tuple[int, ...], target: tuple[int, ...]) -> int | None:
    """By how much positions have to be reduced; None where no number does."""
    if len(source) != len(target):
        return None
    for stride in {1, *(round(n / m) for n, m in zip(source[:-1], target[:-1], strict=True))} - {0}:
        if tuple(math.ceil(n / stride) for n in source[:-1]) == target[:-1]:
            return stride
    return None


def _place(graph: Graph, name: str, where: str) -> int:
    for place, node in enumerate(graph.nodes):
        if node.name == name:
            return place
    known = ", ".join(node.name for node in graph.nodes[:12])
    raise SpaceError(f"there is no node {name!r}", where=where, allowed=f"{known}{', ...' * (len(graph.nodes) > 12)}")


def _free(graph: Graph, name: str) -> str:
    """A scope that no node is in."""
    names = {node.name for node in graph.nodes}
    found, count = name, 1
    while any(other == found or other.startswith(f"{found}/") for other in names):
        count += 1
        found = f"{name}{count}"
    return found


def rewritten(
    graph: Graph,
    change: Mapping[int, Mapping[str, Any]],
    after: Mapping[int, Callable[[Tensor, list[Tensor]], Tensor]],
    shapes: Mapping[int, Shape] | None = None,
) -> Graph:
    """The graph written anew, with other attributes of some nodes, more behind some, and other shapes of inputs.

    Raises:
        SpaceError: something does not fit any more.
    """
    draft, made = Draft(), list[Tensor]()
    for place, node in enumerate(graph.nodes):
        if node.op == INPUT:
            tensor = draft.input((shapes or {}).get(place, node.shape), node.name)
        else:
            taken = [made[i] for i in node.inputs]
            tensor = draft.apply(node.op, taken, {**node.attributes, **change.get(place, {}), "name": node.name})
        made.append(after[place](tensor, made) if place in after else tensor)
    return Graph(tuple(draft.nodes), tuple(made[i].place for i in graph.outputs))
