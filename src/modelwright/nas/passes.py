"""Forward and backward through a graph, node by node, with executables that graphs share.

One executable is compiled for an operation and its shapes; the next graph that has both uses it. Going back computes
what a node needs again from its inputs. Knows what is computed, not what for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.nas.functions import Function, Values, draw, function
from modelwright.nas.graph import INPUT, Graph, Node
from modelwright.nas.operations import Attributes, Shape

#: Executables that are kept: those used least recently are dropped.
_KEPT = 4096
#: A node's operation, its attributes and the shapes of its inputs.
_Kind = tuple[str, tuple[tuple[str, Any], ...], tuple[Shape, ...]]


class Passes:
    """A graph with weights drawn from a seed.

    Args:
        graph: what is computed; every node of it is.
        seed: the weights of a node follow from it and from the node's name.
    """

    def __init__(self, graph: Graph, seed: int = 0):
        self.graph, self.nodes = graph, graph.nodes
        self._kinds = [self._kind(node) for node in self.nodes]
        self.weights = [self._drawn(place, seed) for place in range(len(self.nodes))]

    def forward(
        self, inputs: Sequence[Any], run: Callable[[int, Sequence[Any]], Any] | None = None, kept: bool = False
    ) -> list[Any]:
        """The values of all nodes.

        Args:
            run: what gives the value of the node at a place from those of its inputs; ``self.run`` by default.
            kept: whether values are kept that no later node needs; they are None otherwise.
        """
        values: list[Any] = [None] * len(self.nodes)
        last = {i: place for place, node in enumerate(self.nodes) for i in node.inputs}
        starts, run = iter(inputs), run or self.run
        for place, node in enumerate(self.nodes):
            values[place] = next(starts) if node.op == INPUT else run(place, [values[i] for i in node.inputs])
            for i in () if kept else node.inputs:
                if last[i] == place and i not in self.graph.outputs:
                    values[i] = None
        return values

    def run(self, place: int, taken: Sequence[Any]) -> Any:
        """What a node puts out."""
        return _forward(self._kinds[place])(self.weights[place], list(taken))

    def run_coded(self, place: int, taken: Sequence[Any]) -> tuple[Any, Any]:
        """The same, and for each pair of examples the number of units whose input is positive in both."""
        return _coded(self._kinds[place])(self.weights[place], list(taken))

    def back(self, place: int, taken: Sequence[Any], gradient: Any) -> list[Any]:
        """The gradients of a node's inputs, given that of its output."""
        return _backward(self._kinds[place])(self.weights[place], list(taken), gradient)

    def back_salient(self, place: int, taken: Sequence[Any], gradient: Any) -> tuple[list[Any], Any]:
        """The same, and the sum over the node's weights of the size of weight times gradient."""
        return _salient(self._kinds[place])(self.weights[place], list(taken), gradient)

    def backward(
        self, values: Sequence[Any], gradients: Mapping[int, Any], salient: bool = False
    ) -> tuple[list[Any], float]:
        """From gradients of some values to those of the inputs of the graph.

        Args:
            values: of all nodes.
            salient: whether weights count; their saliency is 0 otherwise.

        Returns:
            the gradients of the inputs, zeros for one that nothing depends on, and the saliency of all weights.
        """
        pending, found, saliency = dict(gradients), [], 0.0
        for place in reversed(range(len(self.nodes))):
            node, gradient = self.nodes[place], pending.pop(place, None)
            if node.op == INPUT:
                found.append(np.zeros_like(values[place]) if gradient is None else gradient)
            if node.op == INPUT or gradient is None:
                continue
            taken = [values[i] for i in node.inputs]
            if salient and self.weights[place]:
                back, flow = self.back_salient(place, taken, gradient)
                saliency += float(flow)
            else:
                back = self.back(place, taken, gradient)
            for i, part in zip(node.inputs, back, strict=True):
                pending[i] = part if i not in pending else pending[i] + part
        return found[::-1], saliency

    def _kind(self, node: Node) -> _Kind:
        shapes = tuple(self.nodes[i].shape for i in node.inputs)
        return node.op, tuple(sorted((k, _frozen(v)) for k, v in node.attributes.items())), shapes

    def _drawn(self, place: int, seed: int) -> dict[str, np.ndarray]:
        node, (op, attributes, shapes) = self.nodes[place], self._kinds[place]
        if op == INPUT:
            return {}
        sizes = _function(self._kinds[place]).weights(shapes, dict(attributes))
        return draw(sizes, node.name, seed, by_channel=op == "depthwise")


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


@lru_cache(maxsize=_KEPT)
def _function(kind: _Kind) -> Function:
    op, attributes, shapes = kind
    return function(op, shapes, dict(attributes))


def _call(kind: _Kind) -> Any:
    attributes: Attributes = dict(kind[1])
    found = _function(kind)
    return lambda weights, inputs: found.call(weights, inputs, attributes)


@lru_cache(maxsize=_KEPT)
def _forward(kind: _Kind) -> Any:
    return _jax().jit(_call(kind))


@lru_cache(maxsize=_KEPT)
def _coded(kind: _Kind) -> Any:
    call = _call(kind)

    def coded(weights: Values, inputs: list[Any]) -> Any:
        positive = (inputs[0] > 0).reshape(len(inputs[0]), -1).astype("float32")
        return call(weights, inputs), positive @ positive.T

    return _jax().jit(coded)


@lru_cache(maxsize=_KEPT)
def _backward(kind: _Kind) -> Any:
    call, jax = _call(kind), _jax()
    return jax.jit(lambda weights, inputs, g: jax.vjp(lambda x: call(weights, x), inputs)[1](g)[0])


@lru_cache(maxsize=_KEPT)
def _salient(kind: _Kind) -> Any:
    call, jax = _call(kind), _jax()

    def salient(weights: Values, inputs: list[Any], g: Any) -> Any:
        to_weights, to_inputs = jax.vjp(call, weights, inputs)[1](g)
        sizes = [abs(to_weights[name] * w).sum() for name, w in weights.items() if w.ndim > 1]
        return to_inputs, sum(sizes)

    return jax.jit(salient)


def _jax() -> Any:
    return optional("jax", extra="keras", purpose="computing with networks")


def batch(graph: Graph, x: Any, size: int) -> list[np.ndarray]:
    """The first examples for each input of a graph, each input's channels brought to mean 0 and variance 1.

    Raises:
        ArgumentError: there are none or one, they have another shape, or hold NaN.
    """
    wanted = [node.shape for node in graph.nodes if node.op == INPUT]
    given = list(x) if isinstance(x, (list, tuple)) and len(wanted) > 1 else [x]
    if len(given) != len(wanted):
        raise ArgumentError(f"{len(given)} inputs are given", where="x", allowed=f"{len(wanted)} arrays, in a list")
    return [_examples(one, shape, size) for one, shape in zip(given, wanted, strict=True)]


def _examples(x: Any, shape: Shape, size: int) -> np.ndarray:
    try:
        found = np.asarray(x[:size], np.float32)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"it is no array of numbers: {error}", where="x", allowed=f"(examples, {shape})") from None
    if found.shape[1:] != shape:
        channels = (*found.shape[1:], 1) == shape
        raise ArgumentError(
            f"it has the shape {found.shape}",
            where="x",
            allowed=f"(examples, {', '.join(map(str, shape))})",
            hint="Add the axis of channels: x[..., None]." if channels else "",
        )
    if len(found) < 2:
        raise ArgumentError(f"{len(found)} example", where="x", allowed="2 or more; 32 is usual")
    if not np.isfinite(found).all():
        raise ArgumentError("it holds NaN or infinite numbers", where="x", allowed="finite numbers")
    axes = tuple(range(found.ndim - 1))
    spread = found.std(axes)
    return (found - found.mean(axes)) / np.where(spread > 0, spread, 1.0).astype(np.float32)
