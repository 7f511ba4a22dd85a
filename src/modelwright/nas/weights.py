"""Weights as plain values: what a network has learned, by the names of its layers and of their variables.

Knows Keras models when it is given one, and files; does not know graphs.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError

#: For each layer with weights, the value of each of its variables, named as Keras names them.
Weights = dict[str, dict[str, np.ndarray]]


def read(model: Any) -> Weights:
    """A copy of the weights of a Keras model; layers without weights are left out.

    >>> from modelwright.nas.build import build
    >>> from modelwright.nas.graph import trace
    >>> model = build(trace(lambda x: x.conv(4, 3).batch_norm().relu().global_avg_pool().dense(2), (8, 8, 1)))
    >>> {layer: sorted(found) for layer, found in read(model).items()}
    {'conv': ['kernel'], 'batch_norm': ['beta', 'gamma', 'moving_mean', 'moving_variance'], 'dense': ['bias', 'kernel']}
    """
    found: Weights = {}
    for layer, name, variable in variables(model):
        found.setdefault(layer, {})[name] = _plain(variable)
    return found


def write(model: Any, weights: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Give a Keras model these weights. What it has no layer for is left aside.

    Raises:
        ArgumentError: a variable of the model has no value, or one of another shape; nothing is changed then.
    """
    pairs = []
    for layer, name, variable in variables(model):
        value = weights.get(layer, {}).get(name)
        if value is None:
            raise ArgumentError(
                f"there is no value for {name!r} of the layer {layer!r}",
                where="nas.weights.write",
                allowed="a value for each variable of the model",
                hint="Weights of another network are carried over with nas.inherit.",
            )
        if tuple(np.shape(value)) != tuple(variable.shape):
            raise ArgumentError(
                f"{name!r} of the layer {layer!r} has the shape {tuple(np.shape(value))}",
                where="nas.weights.write",
                allowed=str(tuple(variable.shape)),
                hint="Weights of another network are carried over with nas.inherit.",
            )
        pairs.append((variable, value))
    for variable, value in pairs:
        variable.assign(value)


def count(weights: Mapping[str, Mapping[str, np.ndarray]]) -> int:
    """How many numbers there are, also those that are not trained.

    >>> count({"dense": {"kernel": np.zeros((3, 2)), "bias": np.zeros(2)}})
    8
    """
    return sum(value.size for found in weights.values() for value in found.values())


def layer_name(node: str) -> str:
    """The name of a node's layer, as Keras and its file formats take it: no slashes.

    >>> layer_name("stage0/cell1/conv")
    'stage0.cell1.conv'
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", node.replace("/", "."))


def save(weights: Mapping[str, Mapping[str, np.ndarray]], path: str | os.PathLike[str]) -> None:
    """One ``.npz`` file, without pickle; it appears whole or not at all."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    flat: Any = {f"{layer}/{name}": value for layer, found in weights.items() for name, value in found.items()}
    try:
        with beside.open("wb") as file:
            np.savez(file, **flat)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Weights:
    """What ``save`` wrote.

    Raises:
        ArgumentError: the file is none, or broken.
    """
    found: Weights = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                layer, _, name = key.partition("/")
                found.setdefault(layer, {})[name] = file[key]
    except (OSError, EOFError, ValueError, TypeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ArgumentError(f"no weights can be read from it: {error}", where=str(path)) from error
    return found


def variables(model: Any) -> Iterator[tuple[str, str, Any]]:
    """Each weight of a Keras model once: its layer's name, its own name in there, and Keras' variable."""
    seen: set[int] = set()
    for layer in model.layers:
        taken: set[str] = set()
        for variable in layer.weights:
            if id(variable) in seen:  # of a layer that stands in two places
                continue
            seen.add(id(variable))
            name = _within(variable.path, layer.name)
            while name in taken:
                name += "_"
            taken.add(name)
            yield layer.name, name, variable


def slots(model: Any) -> dict[str, Weights]:
    """What a compiled model's optimizer keeps for each weight, by the names of its slots: ``momentum``, say.

    Each is shaped like the weights, so that ``Inherited.map`` takes it. There are none before the first step.
    """
    found: dict[str, Weights] = {}
    for slot, layer, name, variable in _slots(model):
        found.setdefault(slot, {}).setdefault(layer, {})[name] = _plain(variable)
    return found


def write_slots(model: Any, given: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]) -> None:
    """Give a compiled model's optimizer what another one kept; slots and weights that it lacks are left aside.

    Raises:
        ArgumentError: something has another shape than its weight; nothing is changed then.
    """
    model.optimizer.build(model.trainable_variables)
    pairs = []
    for slot, layer, name, variable in _slots(model):
        value = given.get(slot, {}).get(layer, {}).get(name)
        if value is not None and tuple(np.shape(value)) != tuple(variable.shape):
            raise ArgumentError(
                f"{slot!r} of {name!r} of the layer {layer!r} has the shape {tuple(np.shape(value))}",
                where="nas.weights.write_slots",
                allowed=str(tuple(variable.shape)),
                hint="Slots of another network are carried over with the map of what nas.inherit gave.",
            )
        pairs += [(variable, value)] if value is not None else []
    for variable, value in pairs:
        variable.assign(value)


def _slots(model: Any) -> Iterator[tuple[str, str, str, Any]]:
    """Each of an optimizer's variables that belongs to a weight: slot, layer, the weight's name, and the variable.

    Keras names them after the weight's path and the slot, joined by an underscore.
    """
    if getattr(model, "optimizer", None) is None:
        raise ArgumentError("the model has no optimizer", where="nas.weights", hint="Compile it first.")
    owners = {own.path.replace("/", "_"): (layer, name, own) for layer, name, own in variables(model)}
    for variable in model.optimizer.variables:
        said = variable.path.partition("/")[2]
        fitting = [path for path in owners if said.startswith(f"{path}_")]
        if fitting:
            path = max(fitting, key=len)
            layer, name, own = owners[path]
            if tuple(own.shape) == tuple(variable.shape):
                yield said[len(path) + 1 :], layer, name, variable


def _within(path: str, layer: str) -> str:
    """A variable's path from its layer on."""
    _, found, rest = f"/{path}".partition(f"/{layer}/")
    return rest if found else path


def _plain(variable: Any) -> np.ndarray:
    """As a type that files know: half precision of 8 exponent bits is kept as single precision, which holds it."""
    value = np.array(variable.numpy() if hasattr(variable, "numpy") else variable)
    return value if value.dtype.kind in "fiub" else value.astype(np.float32)
