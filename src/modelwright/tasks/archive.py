"""One file that holds a predictor: a zip of JSON and of arrays that are read without pickle. Runs nothing it reads."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import codec
from modelwright.core.errors import ArgumentError
from modelwright.core.files import draft_of, put_in_place
from modelwright.core.medium import cannot_write

FORMAT = 1
_BODY = "model.json"
_HINT = "It is no file that model.save(path) wrote."


def write(path: str | os.PathLike[str], body: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write a predictor; what was there stays whole until the new file is.

    Raises:
        StoreError: it cannot be written.
    """
    target = Path(path)
    draft = draft_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                text = json.dumps(codec.to_plain({"format": FORMAT, **body}), allow_nan=False)
                archive.writestr(_BODY, text)
                for name, array in arrays.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(draft, target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise cannot_write(target, error) from error
    return target


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What ``write`` wrote.

    Raises:
        ArgumentError: there is no such file, it is damaged, or a newer version wrote it.
    """
    where = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            body = codec.from_plain(json.loads(archive.read(_BODY)))
            arrays = {}
            for name in archive.namelist():
                if name.endswith(".npy"):
                    held = io.BytesIO(archive.read(name))
                    arrays[name[:-4]] = np.lib.format.read_array(held, allow_pickle=False)
    except FileNotFoundError:
        raise ArgumentError("there is no such file", where=where) from None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ArgumentError(f"it cannot be read: {error}", where=where, hint=_HINT) from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise ArgumentError(
            f"its format is {found!r}", where=where, allowed=str(FORMAT), hint="Upgrade Modelwright to read it."
        )
    return body, arrays
