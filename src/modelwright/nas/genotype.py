"""A user's own network as a graph with its names and weights, from which a search can start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.core.optional import optional
from modelwright.nas import weights as stored
from modelwright.nas.build import build
from modelwright.nas.graph import INPUT, Draft, Graph, Node, Tensor
from modelwright.nas.keras_layers import Call, Refusal, parts
from modelwright.nas.weights import Weights


@dataclass(frozen=True, slots=True)
class Genotype:
    """A network that exists: its graph, and what it has learned.

    Attributes:
        graph: nodes are named as the model's layers are.
        weights: of its layers, by name.
        name: the model's.
        left_out: for each output, the activation that stood behind it in the model and is not in the graph; None where
            none was left out.
    """

    graph: Graph
    weights: Weights = field(repr=False)
    name: str = "model"
    left_out: tuple[Node | None, ...] = ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """Of the model's inputs, in their order."""
        return tuple(node.name for node in self.graph.nodes if node.op == INPUT)

    def build(self) -> Any:
        """The network as a Keras model of stock layers, with its weights."""
        model = build(self.graph, name=self.name)
        stored.write(model, self.weights)
        return model


def from_model(model: Any) -> Genotype:
    """A Keras model, functional or sequential, as a graph with the same names and weights.

    An activation within a layer becomes a node of its own, ``dense.activation``; a separable convolution becomes two; a
    model within the model becomes its layers, named ``inner.conv``; a normalisation without scale or offset gets one
    that changes nothing.

    Raises:
        SpaceError: it is neither functional nor sequential, has no input shape, or has a layer that a graph cannot say,
            which is named: a Lambda, a layer of your own, one that is used twice, settings that are not known.

    >>> import keras
    >>> x = keras.Input((8, 8, 1), name="image")
    >>> y = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    >>> y = keras.layers.Dense(2, name="logits")(keras.layers.GlobalAveragePooling2D(name="mean")(y))
    >>> found = from_model(keras.Model(x, y))
    >>> [node.name for node in found.graph.nodes]
    ['image', 'conv', 'conv.activation', 'mean', 'logits']
    >>> found.graph.cost.parameters, found.build().count_params()
    (50, 50)
    """
    keras = optional("keras", extra="keras", purpose="reading a model")
    if not isinstance(model, keras.Model):
        raise SpaceError(f"{type(model).__name__} is no Keras model", where="nas.from_model", allowed="a keras.Model")
    reading = _Reading(keras)
    starts = []
    for tensor in _ends(model, keras)[0]:
        shape = tuple(tensor.shape[1:])
        name = tensor._keras_history.operation.name
        if None in shape or not 1 <= len(shape) <= 3:
            raise SpaceError(
                f"its input {name!r} has the shape {shape}",
                where="nas.from_model",
                allowed="(features,), (length, channels) or (height, width, channels), each known",
            )
        starts.append(reading.draft.input(shape, name))
    outputs = reading.model(model, starts, "")
    graph = Graph(tuple(reading.draft.nodes), tuple(tensor.place for tensor in outputs))
    return Genotype(_connected(graph), reading.weights, model.name)


def _connected(graph: Graph) -> Graph:
    if all(graph.nodes[place].op == INPUT for place in graph.outputs):
        raise SpaceError("its outputs are its inputs", where="nas.from_model", allowed="a network with a layer")
    return graph


def _ends(model: Any, keras: Any) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs of a model whose layers can be followed."""
    from keras.src.models.functional import Functional  # what keras.Model(inputs, outputs) makes has no public name

    if not isinstance(model, (Functional, keras.Sequential)):
        raise SpaceError(
            f"{model.name!r} is a subclass of keras.Model, whose layers cannot be followed",
            where="nas.from_model",
            allowed="a functional or a sequential model",
            hint="Write it as keras.Model(inputs, outputs).",
        )
    inner = getattr(model, "_functional", model) if isinstance(model, keras.Sequential) else model
    if inner is None or not model.built:
        raise SpaceError(
            f"{model.name!r} has no input shape yet",
            where="nas.from_model",
            allowed="a model that was built",
            hint="Begin it with keras.Input(shape), or call it once.",
        )
    return list(inner.inputs), list(inner.outputs)


class _Reading:
    """A graph that is being read."""

    def __init__(self, keras: Any):
        self.keras, self.draft = keras, Draft()
        self.weights: Weights = {}
        #: Layers with weights, by identity: each may stand in one place.
        self._used: set[int] = set()

    def model(self, model: Any, starts: Sequence[Tensor], prefix: str) -> list[Tensor]:
        """Its layers on these tensors, and what it puts out."""
        inputs, outputs = _ends(model, self.keras)
        made: dict[int, Tensor] = {id(tensor): start for tensor, start in zip(inputs, starts, strict=True)}
        for node in _in_order(outputs, made):
            taken = [made[id(tensor)] for tensor in node.input_tensors]
            for tensor, found in zip(node.outputs, self._applied(node, taken, prefix), strict=True):
                made[id(tensor)] = found
        return [made[id(tensor)] for tensor in outputs]

    def _applied(self, node: Any, taken: Sequence[Tensor], prefix: str) -> list[Tensor]:
        layer = node.operation
        self._once(layer)
        if isinstance(layer, self.keras.Model):
            return self.model(layer, taken, f"{prefix}{layer.name}.")
        if not isinstance(layer, self.keras.layers.Layer):
            if type(layer).__name__ == "Add" and len(taken) == 2:
                return [self.draft.apply("add", taken, {"name": prefix + layer.name})]
            raise Refusal(
                layer, "it is an operation on tensors", allowed="layers", hint="keras.layers has most of them."
            )
        values = {variable.name: np.asarray(variable.numpy()) for variable in layer.weights}
        shapes = [tuple(tensor.shape[1:]) for tensor in node.input_tensors]
        found: Sequence[Tensor] = taken
        for part in parts(layer, Call(values, shapes, tuple(node.outputs[0].shape[1:]))):
            found = [self._put(layer, part.op, found, part.attributes, prefix + layer.name + part.suffix)]
            if part.weights:
                self.weights[stored.layer_name(self.draft.nodes[found[0].place].name)] = dict(part.weights)
        return list(found)

    def _put(self, layer: Any, op: str, taken: Sequence[Tensor], attributes: Mapping[str, Any], name: str) -> Tensor:
        try:
            return self.draft.apply(op, taken, {**attributes, "name": name})
        except SpaceError as error:
            raise Refusal(layer, error.what, allowed=error.allowed, hint=error.hint) from None

    def _once(self, layer: Any) -> None:
        if not getattr(layer, "weights", ()):
            return
        if id(layer) in self._used:
            raise Refusal(
                layer, "it is used twice, with the same weights", allowed="each layer in one place", hint="Make it two."
            )
        self._used.add(id(layer))


def _in_order(outputs: Iterable[Any], known: Mapping[int, Any]) -> list[Any]:
    """Calls of layers between what is known and the outputs, each after those that it takes from."""
    order: list[Any] = []
    seen: set[int] = set()
    left = [(tensor, False) for tensor in reversed(list(outputs))]
    while left:
        tensor, ready = left.pop()
        if id(tensor) in known:
            continue
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            left.append((tensor, True))
            left += [(other, False) for other in reversed(node.input_tensors)]
    return order
