"""Checkpoints: arrays and plain values in one file that is whole or absent. Does not know what they mean.

A file is a line that names the format, an ``npz`` archive read without pickle, and the SHA-256 of both. It is hashed
while it is written, and no copy of it is made in memory. It is written beside its place, flushed to the disk and
renamed, so a reader never sees half of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import codec
from modelwright.core.errors import StoreError
from modelwright.core.files import drafted, put_in_place, replace_file
from modelwright.core.medium import cannot_write
from modelwright.core.records import Artifact
from modelwright.store.artifacts import Sink

_MAGIC = b"modelwright checkpoint 2\n"
#: The form before: the hash stood in front of the archive.
_OLD_MAGIC = b"modelwright checkpoint 1\n"
_DIGEST = 64
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
    try:
        with drafted(target) as draft:
            with open(draft, "wb") as file:
                sink = Sink(file)
                save_checkpoint(sink, arrays, state)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(draft, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    return Artifact(path=os.fspath(path), sha256=sink.sha256, size=sink.size)


def save_checkpoint(sink: Sink, arrays: Mapping[str, np.ndarray], state: Any) -> None:
    """Write ``arrays`` and ``state`` to a file that is being kept (see ``store.artifacts``).

    Raises:
        StoreError: an array is of a type that cannot be stored.
        OSError: what is behind ``sink`` cannot be written.
    """
    stored, kinds = {}, {}
    for name, array in arrays.items():
        stored[name], kinds[name] = _storable(np.asarray(array))
    text = json.dumps({"state": codec.to_plain(state), "dtypes": kinds}, allow_nan=False)
    stored[_STATE] = np.frombuffer(text.encode(), np.uint8)
    sink.write(_MAGIC)
    with _first_refusal(sink) as file:
        archive: Any = file  # it is written from its beginning to its end
        with zipfile.ZipFile(archive, "w") as members:
            for name, array in stored.items():
                with members.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    sink.write(sink.sha256.encode())


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
        content = memoryview(Path(path).read_bytes())
    except OSError as error:
        raise StoreError(f"cannot be read ({error.strerror or error})", where=where, hint=hint) from error
    if content[: len(_OLD_MAGIC)] == _OLD_MAGIC:
        digest, inside, payload = hashlib.sha256(content), *_old_parts(content)
        whole = hashlib.sha256(payload).hexdigest().encode() == inside
    else:
        payload, inside = content[len(_MAGIC) : -_DIGEST], content[-_DIGEST:]
        digest = hashlib.sha256(content[:-_DIGEST])
        whole = digest.hexdigest().encode() == inside
        digest.update(inside)
    if sha256 and digest.hexdigest() != sha256:
        raise StoreError("was changed or cut short since it was written", where=where, hint=hint)
    if not whole and content[: len(_MAGIC)] in (_MAGIC, _OLD_MAGIC):
        raise StoreError("is damaged: its content does not match its hash", where=where, hint=hint)
    if not whole:
        raise StoreError("is not a checkpoint that this version can read", where=where, hint=hint)
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            stored = {name: archive[name] for name in archive.files}
        head = json.loads(stored.pop(_STATE).tobytes())
        arrays = {name: _restored(array, head["dtypes"][name]) for name, array in stored.items()}
        return arrays, codec.from_plain(head["state"])
    except (ValueError, KeyError, zipfile.BadZipFile, TypeError) as error:
        raise StoreError(f"is damaged ({error})", where=where, hint=hint) from error


def _old_parts(content: memoryview) -> tuple[memoryview, memoryview]:
    start = len(_OLD_MAGIC) + _DIGEST + 1
    return content[len(_OLD_MAGIC) : start - 1], content[start:]


class _Watched:
    """A sink for ``zipfile``, which goes on writing after an error and then says something else."""

    def __init__(self, sink: Sink):
        self._sink = sink
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return self._sink.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        self._sink.flush()


@contextlib.contextmanager
def _first_refusal(sink: Sink) -> Iterator[_Watched]:
    """What is yielded writes to ``sink``; of all that goes wrong, the medium's first error comes out."""
    made = _Watched(sink)
    try:
        yield made
    except Exception as error:
        if made.error is not None and error is not made.error:
            raise made.error from error
        raise


def write_by(save: Callable[[Any], None], name: str, sink: Any) -> None:
    """Let ``save`` (Keras' own ways of saving) make a file called ``name`` in memory, then write it to ``sink``.

    So HDF5 meets no full disk: what it could not flush there ends the process later, by a segmentation fault.
    """
    file = _InMemory(name)
    save(file)
    sink.write(file.getbuffer())


def replace_by(save: Callable[[Any], None], target: Path) -> None:
    """Like ``write_by``, to ``target``, which is replaced as a whole."""
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
