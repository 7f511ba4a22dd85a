"""Stems: a trained Keras model in front of a space. Rows pass through it once, and networks see what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import kind_of
from modelwright.nas.deploy import compiled, takes_one_hot
from modelwright.nas.keras_settings import in_32_bits
from modelwright.nas.rows import read_rows
from modelwright.nas.task import Kind
from modelwright.training.keras_backend import ensure_backend

#: Rows that pass at a time.
_BATCH = 256
#: The name of what was found, within the model that is handed out.
NETWORK = "network"


def frozen(stem: Any, where: str) -> Any:
    """A copy of a model that is not trained any more; the user's own stays as it is.

    Raises:
        ArgumentError: it is no Keras model, or has several inputs or outputs.
    """
    keras = ensure_backend()
    if not isinstance(stem, keras.Model):
        raise ArgumentError(f"stem is {kind_of(stem)}", where=where, allowed="a keras.Model, or None")
    if not stem.built or len(stem.inputs or ()) != 1 or len(stem.outputs or ()) != 1:
        raise ArgumentError(
            f"the stem {stem.name!r} has not one known input and one output",
            where=where,
            allowed="a functional or sequential model from one input to one output",
            hint="Call it once on a keras.Input.",
        )
    made = keras.models.clone_model(stem)
    made.set_weights(stem.get_weights())
    made.trainable = False
    return made


def passed(stem: Any, x: Any, y: Any, where: str, of: str = "") -> np.ndarray:
    """What ``stem`` makes of rows, as (rows, ...) of 32-bit numbers.

    Raises:
        ArgumentError: the rows are none, or not those that it takes.
    """
    inputs, _ = read_rows(x, y, where, of)
    wanted, rows = tuple(stem.inputs[0].shape[1:]), inputs[-1]
    shape = rows.shape[1:]
    fits = len(shape) == len(wanted) and all(n is None or n == m for n, m in zip(wanted, shape, strict=True))
    if len(inputs) > 1 or not fits:
        given = f"{len(inputs)} inputs" if len(inputs) > 1 else f"the shape {shape}"
        raise ArgumentError(
            f"rows of {of}x have {given}, and the stem {stem.name!r} takes {wanted}",
            where=where,
            hint="Put resizing and scaling into the stem, as layers.",
        )
    return np.asarray(stem.predict(rows, batch_size=_BATCH, verbose=0), np.float32)


def behind(stem: Any, model: Any, kind: Kind) -> Any:
    """One model of both: it takes rows as the stem does, and puts out what ``model`` does, compiled alike."""
    keras = ensure_backend()
    start = keras.Input(stem.inputs[0].shape[1:], dtype=stem.inputs[0].dtype, name="inputs")
    model.name = NETWORK
    with in_32_bits():
        made = keras.Model(start, model(stem(start, training=False)))
        return compiled(made, kind, one_hot=takes_one_hot(model))


def network_of(model: Any) -> Any:
    """The network of a model that ``behind`` made; the model itself where it is none."""
    import keras

    found = next((layer for layer in model.layers if layer.name == NETWORK), None)
    return found if isinstance(found, keras.Model) else model
