"""One file that holds a predictor: a zip of JSON and of arrays that are read without pickle. Runs nothing it reads.

Knows sizes and types, not what they are of.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from modelwright.core import codec
from modelwright.core.errors import ArgumentError, StoreError
from modelwright.core.files import behind, drafted, put_in_place
from modelwright.core.medium import cannot_write
from modelwright.core.wording import kind_of

FORMAT = 1
#: Bytes that any file may claim to hold, times its own size that a larger one may, and the end of that. Arrays of text
#: features are mostly 0 and shrink a hundredfold: what is refused shrinks more, and would fill the memory.
ALWAYS, MOST_RATIO, MOST = 256 * 2**20, 200, 16 * 2**30
#: The same of the JSON, which takes twenty times its size in memory; how deep it may be nested; axes of an array.
ALWAYS_JSON, MOST_JSON_RATIO, MOST_JSON = 2**20, 50, 64 * 2**20
MOST_DEPTH, MOST_AXES = 64, 4
#: Parts of a file: a thousand models of folds have some tens of arrays each. And how the entry of one begins.
MOST_PARTS, _ENTRY = 100_000, b"PK\1\2"
_BODY, _ARRAY = "model.json", ".npy"
#: The header of an array as ``write`` leaves it; numpy's own reader lets more through, and asks Python to read it.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][biuf][1248])', 'fortran_order': (True|False), "
    rb"'shape': \((|\d{1,18},|\d{1,18}(?:, \d{1,18}){1,15})\), \} *\n",
    re.DOTALL,
)
_NAME = re.compile(
    r"\d{1,6}/(features|model)/[^/\\].{0,200}\.npy|known_rows/(keys|counts|answers|starts)\.npy"
    r"|baseline/(numbers|codes)\.npy",
    re.DOTALL,
)
_ELSEWHERE = "Free some space, or save to another place: the model is still there as long as this process is."
_HINT = "model.save(path) and modelwright fit write such files; this one is damaged, or another one."
#: What every file begins with that ``write`` wrote, whatever became of the rest; and where its first part is named.
_BEGINS, _NAMED = b"PK\3\4", 30


def write(path: str | os.PathLike[str], body: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write a predictor; what was there stays whole until the new file is, and for good unless it is one too.

    Raises:
        ArgumentError: ``path`` is no path.
        StoreError: it cannot be written, or would take the place of a file that is no predictor.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is {kind_of(path)}", where="save", allowed="the path of a file, such as 'model.mw'")
    target = Path(path)
    if not target.name or target.is_dir():
        what, hint = "it is a folder", "Name a file in it, such as model.mw."
        raise StoreError(what, where=repr(os.fspath(path)), hint=hint)
    if is_foreign(target):
        hint = "Remove that file first, or name another one."
        raise StoreError("there is a file that is no model, and it was left as it is", where=str(target), hint=hint)
    try:
        place = behind(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        with drafted(place) as draft:
            with open(draft, "wb") as file:
                _pack(file, body, arrays)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(draft, place)
    except OSError as error:
        raise cannot_write(target, error, onward=_ELSEWHERE) from error
    return target


def _pack(file: BinaryIO, body: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        text = json.dumps(codec.to_plain({"format": FORMAT, **body}), allow_nan=False)
        archive.writestr(_BODY, text)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def is_model(path: Path) -> bool:
    """Whether there is a file that ``write`` wrote, by what it says of itself."""
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _BODY in archive.NameToInfo
    except (OSError, ValueError, RuntimeError, MemoryError, *_ODD):
        return False


def is_foreign(path: Path) -> bool:
    """Whether there is a file with something in it that ``write`` has not written: a damaged or torn model is none."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            begins = file.read(_NAMED + len(_BODY))
    except (OSError, ValueError):  # whoever writes there says what is wrong
        return False
    begun = begins.startswith(_BEGINS) and _BODY.encode().startswith(begins[_NAMED:])
    return bool(begins) and not begun and not is_model(path)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What ``write`` wrote. What the file claims to hold is held against its size before any of it is read.

    Raises:
        ArgumentError: there is no such file, it is damaged, claims more than it can hold, or a newer version wrote it.
    """
    where = os.fspath(path)
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            _check_number(file)
        with zipfile.ZipFile(path) as archive:
            parts = _allowed(archive.infolist(), size)
            body = codec.from_plain(_json(_bytes(archive, parts.pop(_BODY))))
            arrays = {name[: -len(_ARRAY)]: _array(_bytes(archive, part), name) for name, part in parts.items()}
    except FileNotFoundError:
        raise ArgumentError("there is no such file", where=where) from None
    except IsADirectoryError:
        raise ArgumentError("it is a folder", where=where, hint="Name the file of a model in it.") from None
    except (OSError, MemoryError, RecursionError, RuntimeError, SyntaxError, *_ODD) as error:
        if not isinstance(error, _Refused) and is_foreign(Path(where)):
            what, hint = "it is no model", "model.save(path) and modelwright fit write files of models."
            raise ArgumentError(what, where=where, hint=hint) from None
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        said = why if isinstance(error, _Refused) else f"it cannot be read: {why:.200}"
        raise ArgumentError(said, where=where, hint=_HINT) from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise ArgumentError(
            f"its format is {found!r:.60}", where=where, allowed=str(FORMAT), hint="Upgrade Modelwright to read it."
        )
    return body, arrays


class _Refused(ValueError):
    """What a file claims is more than is allowed."""


#: What reading a file that is something else comes to.
_ODD = (
    KeyError,
    ValueError,
    AttributeError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    EOFError,
)


def _check_number(file: BinaryIO) -> None:
    """Refuse more parts than a model has, before a list of them is made: each has an entry that begins alike."""
    entries, rest = 0, b""
    while content := file.read(1 << 20):
        content = rest + content
        entries += content.count(_ENTRY)
        rest = content[1 - len(_ENTRY) :]
        if entries > MOST_PARTS:
            raise _Refused(f"it has more than {MOST_PARTS:,} parts")


def _allowed(parts: Sequence[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    """The parts by their names, once what they claim is no more than a file of this size may hold."""
    claimed, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    most = min(max(ALWAYS, MOST_RATIO * size), MOST)
    if claimed > most or packed > size:
        raise _Refused(f"it claims to hold {claimed:,} bytes; a file of {size:,} bytes may hold {most:,}")
    found = {part.filename: part for part in parts}
    odd = [part.filename for part in parts if not _known(part)]
    if odd or len(found) != len(parts) or _BODY not in found:
        raise _Refused(f"it holds {odd[0]!r:.60}" if odd else "its parts are others")
    body = found[_BODY]
    most = min(max(ALWAYS_JSON, MOST_JSON_RATIO * body.compress_size), MOST_JSON)
    if body.file_size > most:
        raise _Refused(f"its {_BODY} claims to hold {body.file_size:,} bytes; {most:,} are allowed")
    return found


def _known(part: zipfile.ZipInfo) -> bool:
    plain = part.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not part.flag_bits & 1
    return plain and (part.filename == _BODY or _NAME.fullmatch(part.filename) is not None)


def _bytes(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    with archive.open(part) as member:
        found = member.read(part.file_size)
        if len(found) != part.file_size or member.read(1):
            raise _Refused(f"{part.filename!r:.60} is not as long as it claims")
    return found


def _json(content: bytes) -> Any:
    """JSON that is neither deep nor has numbers that JSON does not know."""
    found = json.loads(content.decode(), parse_constant=_no_number)
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise _Refused(f"its {_BODY} is nested more than {MOST_DEPTH} deep")
        inner = [one.values() if type(one) is dict else one for one in level if type(one) in (dict, list)]
        level = [one for held in inner for one in held if type(one) in (dict, list)]
    return found


def _no_number(name: str) -> Any:
    raise _Refused(f"its {_BODY} has {name}")


def _array(content: bytes, name: str) -> np.ndarray:
    """An array of numbers; what its header claims has to be what follows it."""
    head = _HEADER.match(content)
    if head is None or head.end() != 10 + int.from_bytes(content[8:10], "little"):
        raise _Refused(f"{name!r:.60} is no array of numbers")
    kind, fortran, lengths = np.dtype(head[1].decode()), head[2] == b"True", head[3].split(b",")
    shape = tuple(int(length) for length in lengths if length.strip())
    if len(shape) > MOST_AXES:
        raise _Refused(f"{name!r:.60} has {len(shape)} axes")
    claimed, there = math.prod(shape) * kind.itemsize, len(content) - head.end()
    if claimed != there:
        raise _Refused(f"{name!r:.60} claims {claimed:,} bytes and has {there:,}")
    made = np.frombuffer(content, kind, offset=head.end()).reshape(shape, order="F" if fortran else "C")
    return made.astype(kind.newbyteorder("="), order="C")
