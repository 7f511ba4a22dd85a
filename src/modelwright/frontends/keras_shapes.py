"""Shapes and labels of the data of a Keras study, held against the first model before it is trained.

Only what is certain is refused: arrays, and models whose inputs, outputs and loss are Keras' own. Everything else is
left to the first epoch, whose error is put in our words there (see ``training.refused``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, kind_of
from modelwright.training.refused import in_our_words

_SPARSE = ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
_ONE_HOT = ("categorical_crossentropy", "CategoricalCrossentropy")


def check_validation(held: Any) -> None:
    """Refuse validation data that are no pair.

    Raises:
        ArgumentError: one array, or a tuple of another length than two or three.
    """
    if held is None or not (hasattr(held, "shape") or isinstance(held, (tuple, list, Mapping))):
        return
    allowed = "(x, y), (x, y, sample_weight), or a data set"
    if not isinstance(held, (tuple, list)):
        shape = getattr(held, "shape", None)
        what = f"one array of shape {tuple(shape)}" if shape is not None else kind_of(held)
        raise ArgumentError(
            f"validation_data is {what}",
            where="tune",
            allowed=allowed,
            hint="Targets are needed too: validation_data=(x_val, y_val).",
        )
    if len(held) not in (2, 3):
        raise ArgumentError(
            f"validation_data has {len(held)} part{'' if len(held) == 1 else 's'}", where="tune", allowed=allowed
        )


def check_weight(data: Sequence[Any], weight: Any) -> None:
    """Refuse weights of another number of rows than x.

    Raises:
        ArgumentError: with both numbers.
    """
    shapes = [getattr(part, "shape", None) for part in (data[0] if data else None, weight)]
    if all(shapes) and shapes[0][0] != shapes[1][0]:  # pyright: ignore[reportOptionalSubscript]
        rows, weights = counted(shapes[0][0], "row"), counted(shapes[1][0], "entry", "entries")  # pyright: ignore
        raise ArgumentError(f"x has {rows}, sample_weight {weights}", where="data", allowed="one entry a row")


def check_shapes(model: Any, data: Sequence[Any], held: Any = None) -> None:
    """Refuse arrays that do not fit the model built with the defaults.

    Args:
        held: ``validation_data``.

    Raises:
        ArgumentError: with the shapes, and what would fit.
    """
    if not _is_plain(model):
        return
    parts = [("", tuple(data))]
    if isinstance(held, (tuple, list)):
        parts.append(("validation_data's ", tuple(held)))
    for label, arrays in parts:
        if arrays:
            _check_inputs(model, arrays[0], f"{label}x")
        if len(arrays) > 1:
            _check_targets(model, arrays[1], f"{label}y")


def explained(session: Any) -> AbstractContextManager[None]:
    """Within, what Keras refuses while it trains is said with the shapes of data and model."""

    def facts() -> str:
        model, held = model_shapes(session.model), session.arguments.get("validation_data")
        said = shapes_of(session.data)
        if isinstance(held, (tuple, list)):
            said += f", validation_data ({shapes_of(held)})"
        return said + (f", for a model that {model}" if model else "")

    hint = "Let the model's input, its last layer, its loss and the data agree."
    return in_our_words("model.fit", facts, hint)


def shapes_of(data: Sequence[Any]) -> str:
    """The arrays of a study in words: ``x (240, 6) float32, y (240,) int32``."""
    said = []
    for name, part in zip(("x", "y", "sample_weight"), data):
        if getattr(part, "shape", None) is not None:
            said.append(f"{name} {tuple(part.shape)} {getattr(part, 'dtype', type(part).__name__)}")
        elif isinstance(part, (Mapping, list, tuple)):
            pairs = part.items() if isinstance(part, Mapping) else enumerate(part)
            said += [f"{name}[{key!r}] {tuple(v.shape)}" for key, v in pairs if getattr(v, "shape", None) is not None]
        elif part is not None:
            said.append(f"{name} {kind_of(part)}")
    return ", ".join(said)


def model_shapes(model: Any) -> str:
    """What a model takes and gives, and its loss, in words; "" where it is not built yet."""
    said = []
    for name, verb in (("input_shape", "takes"), ("output_shape", "gives")):
        try:
            said.append(f"{verb} {getattr(model, name)}")
        except (AttributeError, ValueError, RuntimeError):
            continue
    loss = _loss_name(model)
    return " and ".join(said) + (f", with the loss {loss}" if said and loss else "")


# --- inputs ---------------------------------------------------------------------------------------------


def _is_plain(model: Any) -> bool:
    """Whether a model is trained the way Keras trains, on inputs that are known."""
    return bool(getattr(model, "built", False)) and type(model).__module__.startswith("keras.")


def _check_inputs(model: Any, x: Any, name: str) -> None:
    inputs = list(getattr(model, "inputs", None) or ())
    if isinstance(x, Mapping):
        named = {tensor.name.split(":")[0]: tensor for tensor in inputs}
        pairs = [(x[key], tensor, f"{name}[{key!r}]") for key, tensor in named.items() if key in x]
    elif isinstance(x, (list, tuple)):
        pairs = [(part, tensor, f"{name}[{i}]") for i, (part, tensor) in enumerate(zip(x, inputs))]
    else:
        pairs = [(x, inputs[0], name)] if len(inputs) == 1 else []
    for array, tensor, label in pairs:
        wanted, found = tuple(tensor.shape), getattr(array, "shape", None)
        if found is not None and not _fits(tuple(found), wanted):
            raise ArgumentError(
                f"{label} has the shape {tuple(found)}, and the model takes {_rows(wanted)}",
                where="data",
                hint=f"Begin the model with keras.layers.Input({tuple(found)[1:]}), or bring {label} into its shape.",
            )


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether Keras takes an array for an input; it adds or drops a last axis of length one by itself."""
    if len(found) == len(wanted) + 1 and found[-1] == 1:
        found = found[:-1]
    elif len(found) == len(wanted) - 1 and wanted[-1] in (1, None):
        wanted = wanted[:-1]
    return len(found) == len(wanted) and all(w is None or w == f for f, w in zip(found, wanted))


def _rows(shape: Sequence[int | None]) -> str:
    return f"({', '.join(['rows', *('any' if n is None else str(n) for n in shape[1:])])}{',' * (len(shape) == 1)})"


# --- targets --------------------------------------------------------------------------------------------


def _loss_name(model: Any) -> str:
    loss = getattr(model, "loss", None)
    if isinstance(loss, str):
        return loss
    if loss is None or isinstance(loss, (list, tuple, Mapping)):
        return ""
    return getattr(loss, "__name__", "") or type(loss).__name__


def _check_targets(model: Any, y: Any, name: str) -> None:
    outputs = list(getattr(model, "outputs", None) or ())
    shape, loss = getattr(y, "shape", None), _loss_name(model)
    if len(outputs) != 1 or shape is None or not len(shape) or loss not in (*_SPARSE, *_ONE_HOT):
        return
    given, gives = tuple(shape), tuple(outputs[0].shape)
    classes = gives[-1]
    if classes is None or len(gives) < 2:
        return
    one_hot = len(given) == len(gives) and given[-1] == classes and classes > 1
    if loss in _SPARSE and one_hot:
        raise ArgumentError(
            f"{name} has the shape {given}, one column a class, and {loss} takes one number a row",
            where="data",
            hint=f"Use the loss 'categorical_crossentropy', or {name.split()[-1]}.argmax(-1).",
        )
    if loss in _ONE_HOT and classes > 1 and not one_hot and len(given) in (len(gives), len(gives) - 1):
        raise ArgumentError(
            f"{name} has the shape {given}, and {loss} takes one column a class: {_rows(gives)}",
            where="data",
            hint=f"Use the loss 'sparse_categorical_crossentropy', or keras.utils.to_categorical(y, {classes}).",
        )
    if loss in _SPARSE and getattr(model.loss, "ignore_class", None) is None:
        _check_labels(y, name, classes)


def _check_labels(y: Any, name: str, classes: int) -> None:
    kinds = getattr(getattr(y, "dtype", None), "kind", "")
    if kinds not in ("i", "u", "f", "b"):
        return
    labels = np.asarray(y)
    low, high = labels.min(), labels.max()
    if low != low or high != high or (low >= 0 and high < classes):
        return
    start = " Labels begin at 0: subtract 1." if low == 1 and high == classes else ""
    raise ArgumentError(
        f"{name} holds labels from {low} to {high}, and the model gives {classes} classes",
        where="data",
        allowed=f"whole numbers from 0 to {classes - 1}",
        hint=f"Give the last layer {int(high) + 1} units, or renumber the labels.{start}"
        if low >= 0
        else f"Renumber the labels.{start}",
    )
