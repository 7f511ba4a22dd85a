"""State that is kept as JSON: one base class, and files that are either old or new, never half."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import Any

import numpy as np

from modelwright.core.errors import StoreError
from modelwright.core.medium import cannot_write


class Stateful:
    """What can tell its state as plain values and take it back."""

    def get_state(self) -> dict[str, Any]:
        """The state, as values that JSON can hold."""
        raise NotImplementedError

    def set_state(self, state: dict[str, Any]) -> None:
        """The inverse of ``get_state``."""
        raise NotImplementedError

    def save(self, fname: str) -> str:
        """Write the state to a file; returns the text that was written."""
        return save_json(fname, self.get_state())

    def reload(self, fname: str) -> None:
        """Take the state from a file that ``save`` wrote."""
        self.set_state(load_json(fname))


def save_json(path: str | os.PathLike[str], obj: Any) -> str:
    """Write ``obj`` to ``path`` in one step: a reader, or a killed process, never leaves or sees half of it."""
    text = json.dumps(obj, default=plain)
    _replace(path, text)
    return text


def _replace(path: str | os.PathLike[str], text: str) -> None:
    folder, name = os.path.split(os.fspath(path))
    draft = os.path.join(folder, f".{name}.{os.getpid()}.new")
    try:
        with open(draft, "w") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise _cannot_write(path, error) from error


def load_json(path: str | os.PathLike[str]) -> Any:
    """Read what ``save_json`` wrote."""
    with open(path) as file:
        return json.load(file)


def make_folder(path: str) -> str:
    """The folder ``path``, which exists afterwards."""
    try:
        if not os.path.isdir(path):
            os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return path


def create_directory(path: str, remove_existing: bool = False) -> None:
    """Make the folder ``path``; with ``remove_existing`` it is empty afterwards."""
    if remove_existing:
        shutil.rmtree(path, ignore_errors=True)
    make_folder(path)


def to_list(values: Any) -> list[Any]:
    """A list from a list, a tuple or a single value."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _cannot_write(path: str | os.PathLike[str], error: OSError) -> StoreError:
    at = os.fspath(path)
    while at and not os.path.lexists(at):
        at = os.path.dirname(at)
    if isinstance(error, (NotADirectoryError, FileExistsError)) and at and not os.path.isdir(at):
        return StoreError(
            f"cannot be written: a folder is needed, and {at} is a file",
            where=os.fspath(path),
            hint="Choose another directory= or project_name=, or move the file away. Nothing was written.",
        )
    return cannot_write(path, error, "Choose another directory=. What was stored before is kept: run again to go on.")


def plain(value: Any) -> Any:
    """For ``json.dumps(..., default=plain)``: numpy's values, sets and tuples as what JSON has."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} is no JSON value")
