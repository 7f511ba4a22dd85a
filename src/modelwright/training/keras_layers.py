"""A Keras model as text: every layer with its shape and its parameters, on lines as long as they have to be.

Keras' own table is cut to the width of a terminal, and a trial often has none: then the last column is lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

#: Layers that are listed; of more, the first and the last.
FIRST, LAST = 120, 20


def describe(model: Any) -> str:
    """One line for each layer: name, type, output shape, parameters; what it follows, where layers are no chain.

    Layers of nested models are indented below them. What a layer does not know is a question mark.
    """
    layers = list(_layers(model))
    chained = _is_chain(layers)
    heads = ["layer", "type", "output shape", "parameters", *([] if chained else ["follows"])]
    lines = [_line(layer, depth, chained) for depth, layer in layers]
    if len(lines) > FIRST + LAST:
        gap = [f"... {len(lines) - FIRST - LAST} more layers", *[""] * (len(heads) - 1)]
        lines = [*lines[:FIRST], gap, *lines[-LAST:]]
    trained, rest = _count(model.trainable_weights), _count(model.non_trainable_weights)
    total = f"{trained + rest:,} parameters" + (f", {rest:,} of them not trained" if rest else "")
    return "\n".join([f"{model.name}: {total}", "", *_aligned([heads, *lines])])


def _layers(model: Any, depth: int = 0) -> Iterator[tuple[int, Any]]:
    for layer in getattr(model, "operations", None) or model.layers:
        yield depth, layer
        if hasattr(layer, "layers") and hasattr(layer, "trainable_weights"):
            yield from _layers(layer, depth + 1)


def _line(layer: Any, depth: int, chained: bool) -> list[str]:
    name = "  " * depth + str(layer.name)
    return [name, type(layer).__name__, _shape(layer), _parameters(layer), *([] if chained else [_follows(layer)])]


def _shape(layer: Any) -> str:
    try:
        return _shapes_of(layer.output)
    except Exception:  # never called on symbolic inputs: a layer of a subclassed model
        pass
    try:
        return str(tuple(layer.compute_output_shape(layer.get_build_config()["input_shape"])))
    except Exception:  # as many ways to say that it is not known as there are layers
        return "?"


def _shapes_of(tensors: Any) -> str:
    import keras

    return " ".join(str(tuple(tensor.shape)) for tensor in keras.tree.flatten(tensors))


def _parameters(layer: Any) -> str:
    if not hasattr(layer, "count_params"):
        return "0"
    try:
        return f"{layer.count_params():,}"
    except ValueError:
        return "not built"


def _sources(layer: Any) -> list[str]:
    """Names of the layers whose outputs this one was given."""
    names: dict[str, None] = {}
    for node in getattr(layer, "_inbound_nodes", ()):
        for tensor in node.input_tensors:
            names[str(tensor._keras_history.operation.name)] = None
    return list(names)


def _follows(layer: Any) -> str:
    return ", ".join(_sources(layer))


def _is_chain(layers: Sequence[tuple[int, Any]]) -> bool:
    """Whether each layer takes what the one before it gives, as far as they know."""
    top = [layer for depth, layer in layers if depth == 0]
    return all(_sources(layer) in ([], [str(before.name)]) for before, layer in itertools.pairwise(top))


def _count(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines)]
    number = lines[0].index("parameters")
    made = []
    for line in [lines[0], ["-" * width for width in widths], *lines[1:]]:
        cells = [c.rjust(w) if i == number else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths))]
        made.append("  ".join(cells).rstrip())
    return made
