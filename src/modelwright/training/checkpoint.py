"""Checkpoints: arrays and plain values in one file that is whole or absent. Does not know what they mean.

A file is a line that names the format, the SHA-256 of everything after it, and an ``npz`` archive read without
pickle. It is written beside its place, flushed to the disk and renamed, so a reader never sees half of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import codec
from modelwright.core.errors import StoreError
from modelwright.core.medium import cannot_write
from modelwright.core.records import Artifact

_MAGIC = b"modelwright checkpoint 1\n"
_STATE = "__state__"


def write_checkpoint(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], state: Any) -> Artifact:
    """Write ``arrays`` and ``state`` (plain values, see ``core.codec``) to ``path``, all or nothing.

    Returns:
        The file's name as given, the SHA-256 of its content, and its size in bytes.

    Raises:
        StoreError: the file cannot be written (a ``MediumError`` where the disk is full). What was there is unchanged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = write_checkpoint(f"{folder}/a.ckpt", {"w": np.arange(3)}, {"epoch": 4})
    ...     arrays, state = read_checkpoint(f"{folder}/a.ckpt", sha256=made.sha256)
    >>> arrays["w"], state
    (array([0, 1, 2]), {'epoch': 4})
    """
    target = Path(path)
    stored, kinds = {}, {}
    for name, array in arrays.items():
        stored[name], kinds[name] = _storable(np.asarray(array))
    text = json.dumps({"state": codec.to_plain(state), "dtypes": kinds}, allow_nan=False)
    stored[_STATE] = np.frombuffer(text.encode(), np.uint8)
    body = io.BytesIO()
    np.savez(body, **stored)
    payload = body.getbuffer()
    digest = hashlib.sha256(payload).hexdigest().encode() + b"\n"
    content = hashlib.sha256(_MAGIC + digest)
    content.update(payload)
    replace_file(target, _MAGIC + digest, payload)
    return Artifact(path=os.fspath(path), sha256=content.hexdigest(), size=len(_MAGIC) + len(digest) + len(payload))


def read_checkpoint(path: str | os.PathLike[str], *, sha256: str = "") -> tuple[dict[str, np.ndarray], Any]:
    """Read what ``write_checkpoint`` wrote.

    Args:
        path: the file.
        sha256: hash that the whole file must have, or "" to rely on the one inside.

    Raises:
        StoreError: the file is missing, cut short, altered, or not a checkpoint of this version. The caller may
            fall back on an earlier one or begin again.
    """
    where = f"checkpoint {os.fspath(path)!r}"
    hint = "Train the trial again from its start, or from an earlier checkpoint."
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"cannot be read ({error.strerror or error})", where=where, hint=hint) from error
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError("was changed or cut short since it was written", where=where, hint=hint)
    start = len(_MAGIC) + 65
    if not content.startswith(_MAGIC) or len(content) < start:
        raise StoreError("is not a checkpoint that this version can read", where=where, hint=hint)
    payload = memoryview(content)[start:]
    if hashlib.sha256(payload).hexdigest().encode() != content[len(_MAGIC) : start - 1]:
        raise StoreError("is damaged: its content does not match its hash", where=where, hint=hint)
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            stored = {name: archive[name] for name in archive.files}
        head = json.loads(stored.pop(_STATE).tobytes())
        arrays = {name: _restored(array, head["dtypes"][name]) for name, array in stored.items()}
        return arrays, codec.from_plain(head["state"])
    except (ValueError, KeyError, zipfile.BadZipFile, TypeError) as error:
        raise StoreError(f"is damaged ({error})", where=where, hint=hint) from error


def replace_file(target: Path, *parts: Any) -> None:
    """Write ``parts`` (bytes) to ``target`` so that after a crash it holds the old content or the new one."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(draft, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
        sync_folder(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise cannot_write(target, error) from error


def replace_by(save: Callable[[Any], None], target: Path) -> None:
    """Let ``save`` (Keras' own ways of saving) make a file in memory, then put it at ``target`` like ``replace_file``.

    So HDF5 meets no full disk: what it could not flush there ends the process later, by a segmentation fault.
    """
    file = _InMemory(target.name)
    save(file)
    replace_file(target, file.getbuffer())


class _InMemory(io.BytesIO):
    """Keras looks at a file's name, even where it takes one in memory."""

    def __init__(self, name: str):
        super().__init__()
        self._name = name

    def __str__(self) -> str:
        return self._name


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power failure, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _storable(array: np.ndarray) -> tuple[np.ndarray, str]:
    """npz knows numpy's own types only: others (bfloat16, float8) travel as integers of their width."""
    name = array.dtype.name
    if array.dtype.kind in "biufcSU":
        return array, name
    if array.dtype.kind == "V" and array.dtype.fields is None and array.dtype.itemsize in (1, 2):
        return array.view(f"u{array.dtype.itemsize}"), name
    raise StoreError(f"an array of type {array.dtype} cannot be stored", where="checkpoint")


def _restored(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.name == name:
        return array
    import ml_dtypes

    return array.view(np.dtype(getattr(ml_dtypes, name)))
