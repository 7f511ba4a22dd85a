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
    name: str | None = None,
) -> Any:
    """A ``keras.Model`` that takes rows as the user has them, and saves and loads without Modelwright.

    It moves channels behind where they come first, scales the inputs, and puts out probabilities (or numbers, in their
    own units). It is compiled, so that ``evaluate`` and ``fit`` work.
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
        tensors.append(_scaled(layers, x, front, label))
    ends = connect(graph, tensors)
    out = ends[0]
    if task.kind == "regression":
        out = _unscaled(layers, task)(out)
        compiled = {"loss": "mse", "metrics": ["mae"]}
    elif task.kind == "multilabel":
        out = layers.Activation("sigmoid", name="probabilities")(out)
        compiled = {"loss": "binary_crossentropy", "metrics": ["binary_accuracy"]}
    else:
        out = layers.Activation("softmax", name="probabilities")(out)
        compiled = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model = keras.Model(starts[0] if len(starts) == 1 else starts, out, name=name)
    weights.write(model, {**learned, **_fixed(model, learned)})
    # An optimizer with state of its own would be saved before it has any, and Keras would warn at each loading.
    model.compile(optimizer="sgd", **compiled)
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
