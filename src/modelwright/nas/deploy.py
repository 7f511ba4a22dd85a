"""The model that comes out: stock layers from the raw input to probabilities, with the weights that were learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from modelwright.core.optional import optional
from modelwright.nas import weights
from modelwright.nas.build import connect
from modelwright.nas.front import Front
from modelwright.nas.graph import INPUT, Graph
from modelwright.nas.keras_settings import channels_last, in_32_bits
from modelwright.nas.task import Kind, Task

#: The loss of classes that come as one-hot rows.
_ONE_HOT = "categorical_crossentropy"


@in_32_bits()
def deployable(
    graph: Graph,
    learned: Mapping[str, Mapping[str, np.ndarray]],
    fronts: Sequence[Front],
    task: Task,
    *,
    factor: int = 1,
    name: str | None = None,
) -> Any:
    """A ``keras.Model`` that takes rows as the user has them, and saves and loads without Modelwright.

    It moves channels behind where they come first, scales the inputs, and puts out probabilities (or numbers, in their
    own units). It is compiled, so that ``evaluate`` and ``fit`` work: with one-hot rows where the search had such, else
    with classes by their places (0 or 1 for a single output). Inputs that came with names have them, and no layer has
    one of these.

    Args:
        factor: by how much images were shrunk when it learned; they are shrunk in the model then.
    """
    keras = optional("keras", extra="keras", purpose="building networks")
    layers = keras.layers
    labels = ["inputs"] if len(fronts) == 1 else [f"inputs_{i}" for i in range(len(fronts))]
    starts = [keras.Input(f.shape, name=f.name or label) for f, label in zip(fronts, labels, strict=True)]
    names = Names(start.name for start in starts)
    graph, learned = _apart(graph, learned, names)
    tensors = []
    for x, front, label in zip(starts, fronts, labels, strict=True):
        if front.first:
            x = layers.Permute((2, 3, 1), name=names.free(f"{label}_channels_last"))(x)
        if tuple(x.shape[1:]) != front.inner:
            x = layers.Reshape(front.inner, name=names.free(f"{label}_shape"))(x)
        x = _scaled(layers, x, front, label, names)
        if factor > 1 and len(front.inner) == 3:
            x = _smaller(layers, x, factor, label, names)
        tensors.append(x)
    ends = connect(graph, tensors)
    out = ends[0]
    if task.kind == "regression":
        out = _unscaled(layers, out, task, names)
    else:
        kind = "softmax" if task.kind == "multiclass" else "sigmoid"
        out = layers.Activation(kind, name=names.free("probabilities"))(out)
    # A model of one tensor takes rows by name, but Keras warns of it.
    model = keras.Model(starts if len(starts) > 1 or fronts[0].name else starts[0], out, name=name)
    weights.write(model, {**learned, **_fixed(model, learned)})
    return compiled(model, task.kind, one_hot=task.one_hot)


def compiled(model: Any, kind: Kind, *, one_hot: bool = False) -> Any:
    """``model``, such that it can be evaluated and trained on.

    Args:
        one_hot: whether classes come as rows of 0 with a single 1, and not by their places.
    """
    loss, metric = {
        "regression": ("mse", "mae"),
        "multilabel": ("binary_crossentropy", "binary_accuracy"),
        "binary": ("binary_crossentropy", "accuracy"),
        "multiclass": (_ONE_HOT if one_hot else "sparse_categorical_crossentropy", "accuracy"),
    }[kind]
    # An optimizer with state of its own would be saved before it has any, and Keras would warn at each loading.
    model.compile(optimizer="sgd", loss=loss, metrics=[metric])
    return model


def takes_one_hot(model: Any) -> bool:
    """Whether a model was ``compiled`` for one-hot rows."""
    return getattr(model, "loss", None) == _ONE_HOT


class Names:
    """Names of the layers of one model, each of which is there once."""

    def __init__(self, taken: Iterable[str]):
        self.taken = set(taken)

    def free(self, name: str) -> str:
        """``name``, or one like it where that is taken; it is then."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def _apart(
    graph: Graph, learned: Mapping[str, Mapping[str, np.ndarray]], names: Names
) -> tuple[Graph, Mapping[str, Mapping[str, np.ndarray]]]:
    """The network with other names for the layers whose names are taken, and what they learned."""
    own = [None if node.op == INPUT else weights.layer_name(node.name) for node in graph.nodes]
    twice = names.taken.intersection(filter(None, own))
    names.taken |= set(filter(None, own))
    other = {name: names.free(name) for name in sorted(twice)}
    nodes = [replace(n, name=other[name]) if name in other else n for n, name in zip(graph.nodes, own, strict=True)]
    found = {other.get(name, name): held for name, held in learned.items()}
    return (replace(graph, nodes=tuple(nodes)), found) if other else (graph, learned)


def _scaled(layers: Any, x: Any, front: Front, label: str, names: Names) -> Any:
    """Inputs with mean 0 and variance 1; first lifted to where the normalisation does not clip them."""
    mean, variance, lift = front.mean, front.variance, front.lift
    if lift is not None:
        x = _rescaled(layers, x, lift, [0.0] * len(lift), f"{label}_lift", names)
        mean = tuple(m * by for m, by in zip(mean, lift, strict=True))
        variance = tuple(v * by * by for v, by in zip(variance, lift, strict=True))
    return layers.Normalization(axis=-1, mean=mean, variance=variance, name=names.free(f"{label}_scale"))(x)


def _smaller(layers: Any, x: Any, factor: int, label: str, names: Names) -> Any:
    """Images as ``Dataset.shrunk`` has them: means of ``factor`` x ``factor`` pixels, the last row and column repeated.

    What Keras takes for pixels beyond an edge (padding "same") depends on its backend, but not of two pixels.
    """
    with channels_last():
        for axis, word in ((1, "rows"), (2, "columns")) if factor > 2 else ():
            size, more = x.shape[axis], -x.shape[axis] % factor
            if more:
                left = ((size - 1, 0), (0, 0)) if axis == 1 else ((0, 0), (size - 1, 0))
                edge = layers.Cropping2D(left, name=names.free(f"{label}_last_{word}"))(x)
                x = layers.Concatenate(axis=axis, name=names.free(f"{label}_more_{word}"))([x, *[edge] * more])
        return layers.AveragePooling2D(factor, padding="same", name=names.free(f"{label}_smaller"))(x)


def _unscaled(layers: Any, out: Any, task: Task, names: Names) -> Any:
    """From standardised numbers to their own units; one pair for each output."""
    if task.outputs > 1:
        return _rescaled(layers, out, task.spread, task.center, "units", names)
    return layers.Rescaling(task.spread[0], offset=task.center[0], name=names.free("units"))(out)


def _rescaled(layers: Any, x: Any, scale: Sequence[float], offset: Sequence[float], label: str, names: Names) -> Any:
    """Each channel by its own scale and offset."""
    keras = optional("keras", extra="keras", purpose="building networks")
    if keras.config.image_data_format() == "channels_last":
        return layers.Rescaling(list(scale), offset=list(offset), name=names.free(label))(x)
    # Where channels come first Keras turns a list for them, whatever x is, and leaves alone what has three axes.
    whole, flat = tuple(x.shape[1:]), len(x.shape) == 2
    if flat:
        x = layers.Reshape((1, 1, *whole), name=names.free(f"{label}_as_image"))(x)
    x = layers.Rescaling([[list(scale)]], offset=[[list(offset)]], name=names.free(label))(x)
    return layers.Reshape(whole, name=names.free(f"{label}_as_before"))(x) if flat else x


def _fixed(model: Any, learned: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """What the layers in front and behind hold, which nobody learned."""
    own = weights.read(model)
    return {name: found for name, found in own.items() if name not in learned}
