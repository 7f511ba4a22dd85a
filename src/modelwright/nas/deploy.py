"""The model that comes out: stock layers from the raw input to probabilities, with the weights that were learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.optional import optional
from modelwright.nas import weights
from modelwright.nas.build import connect
from modelwright.nas.front import Front
from modelwright.nas.graph import Graph
from modelwright.nas.task import Task


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
    own units). It is compiled, so that ``evaluate`` and ``fit`` work.

    Args:
        factor: by how much images were shrunk when it learned; they are shrunk in the model then.
    """
    keras = optional("keras", extra="keras", purpose="building networks")
    layers = keras.layers
    starts, tensors = [], []
    for i, front in enumerate(fronts):
        label = "inputs" if len(fronts) == 1 else f"inputs_{i}"
        x = start = keras.Input(front.shape, name=label)
        if front.first:
            x = layers.Permute((2, 3, 1), name=f"{label}_channels_last")(x)
        if tuple(x.shape[1:]) != front.inner:
            x = layers.Reshape(front.inner, name=f"{label}_shape")(x)
        starts.append(start)
        x = _scaled(layers, x, front, label)
        if factor > 1 and len(front.inner) == 3:
            x = layers.AveragePooling2D(factor, padding="same", name=f"{label}_smaller")(x)
        tensors.append(x)
    ends = connect(graph, tensors)
    out = ends[0]
    if task.kind == "regression":
        out = _unscaled(layers, task)(out)
    else:
        out = layers.Activation("softmax" if task.kind == "multiclass" else "sigmoid", name="probabilities")(out)
    model = keras.Model(starts[0] if len(starts) == 1 else starts, out, name=name)
    weights.write(model, {**learned, **_fixed(model, learned)})
    return compiled(model, task)


def compiled(model: Any, task: Task) -> Any:
    """``model``, such that it can be evaluated and trained on."""
    loss, metric = {
        "regression": ("mse", "mae"),
        "multilabel": ("binary_crossentropy", "binary_accuracy"),
        "binary": ("binary_crossentropy", "accuracy"),
        "multiclass": ("sparse_categorical_crossentropy", "accuracy"),
    }[task.kind]
    # An optimizer with state of its own would be saved before it has any, and Keras would warn at each loading.
    model.compile(optimizer="sgd", loss=loss, metrics=[metric])
    return model


def _scaled(layers: Any, x: Any, front: Front, label: str) -> Any:
    """Inputs with mean 0 and variance 1; first lifted to where the normalisation does not clip them."""
    mean, variance, lift = front.mean, front.variance, front.lift
    if lift is not None:
        x = layers.Rescaling(list(lift), name=f"{label}_lift")(x)
        mean = tuple(m * by for m, by in zip(mean, lift, strict=True))
        variance = tuple(v * by * by for v, by in zip(variance, lift, strict=True))
    return layers.Normalization(axis=-1, mean=mean, variance=variance, name=f"{label}_scale")(x)


def _unscaled(layers: Any, task: Task) -> Any:
    """From standardised numbers to their own units; one pair for each output."""
    if task.outputs == 1:
        return layers.Rescaling(task.spread[0], offset=task.center[0], name="units")
    return layers.Rescaling(list(task.spread), offset=list(task.center), name="units")


def _fixed(model: Any, learned: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """What the layers in front and behind hold, which nobody learned."""
    own = weights.read(model)
    return {name: found for name, found in own.items() if name not in learned}
