"""Building: a graph becomes a functional Keras model of stock layers, which saves and loads without Modelwright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.core.optional import optional
from modelwright.nas.canonical import pruned
from modelwright.nas.graph import INPUT, Graph, Node, check_graph
from modelwright.nas.initial import drawn_here, sow
from modelwright.nas.keras_settings import channels_last
from modelwright.nas.operations import operation
from modelwright.nas.weights import layer_name


def build(graph: Graph, *, name: str | None = None, whole: bool = False, seed: int = 0) -> Any:
    """A ``keras.Model`` that is not compiled yet; its layers are named after the graph's nodes.

    Args:
        whole: whether nodes are built that cannot matter (what leads nowhere, or adds zeros), as published networks
            have them; by default they are left out.
        seed: decides the first weights, node by node: those of equal names and shapes are equal; and what dropout
            leaves out.

    >>> from modelwright.nas.graph import trace
    >>> model = build(trace(lambda x: x.conv(4, 3).relu().global_avg_pool().dense(2), (8, 8, 1)))
    >>> model.count_params(), model.output_shape
    (46, (None, 2))
    """
    check_graph(graph, "nas.build")
    keras = optional("keras", extra="keras", purpose="building networks")
    starts = [keras.Input(node.shape, name=layer_name(node.name)) for node in graph.nodes if node.op == INPUT]
    outputs = connect(graph, starts, whole=whole, seed=seed)
    ends = starts[0] if len(starts) == 1 else starts
    return keras.Model(ends, outputs[0] if len(outputs) == 1 else outputs, name=name)


def connect(graph: Graph, starts: Sequence[Any], *, whole: bool = False, seed: int = 0) -> list[Any]:
    """The outputs of a graph's layers on Keras tensors, one for each input; see ``build``."""
    graph = graph if whole else pruned(graph)
    tensors: list[Any] = []
    left = iter(starts)
    for node in graph.nodes:
        if node.op == INPUT:
            tensors.append(next(left))
            continue
        tensors.append(_applied(node, [tensors[i] for i in node.inputs], seed))
    return [tensors[i] for i in graph.outputs]


def _applied(node: Node, taken: Sequence[Any], seed: int) -> Any:
    """What the node's layer puts out.

    Raises:
        SpaceError: the operation's layer does not take what its shape says, or puts out something else.
    """
    shapes = [tuple(tensor.shape[1:]) for tensor in taken]
    try:
        with channels_last():
            layer = operation(node.op).layer(shapes, node.attributes, layer_name(node.name))
            with drawn_here(layer, seed):
                made = layer(taken[0] if len(taken) == 1 else taken)
        sow(layer, seed)
        found = tuple(made.shape[1:])
    except (ValueError, TypeError, AttributeError) as error:
        raise SpaceError(
            f"its layer cannot be made for inputs of {shapes}: {error}",
            where=f"operation {node.op!r}, node {node.name!r}",
            hint="Correct layer=... of its nas.Operation, or shape=..., which let this through."
            if operation(node.op).options is None
            else "Look at its options.",
        ) from error
    if found != node.shape:
        raise SpaceError(
            f"its layer puts out {found} for inputs of {shapes}, and its shape says {node.shape}",
            where=f"operation {node.op!r}, node {node.name!r}",
            hint="Correct shape=... of its nas.Operation.",
        )
    return made
