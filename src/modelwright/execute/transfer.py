"""How a user's code and data travel to this study's own worker processes: by value, arrays by memory map.

Only ever used over an inherited pipe between a parent and the children it started: no trust boundary is crossed.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cloudpickle
import numpy as np

#: Arrays from this many bytes on are shared through a file instead of being copied into each worker.
SHARED_FROM = 1 << 18


def _code(code: CodeType) -> tuple[Any, ...]:
    make, parts, *_ = cloudpickle.Pickler.dispatch_table[CodeType](code)
    return _code_of, (code.co_filename, make, parts)


def _code_of(filename: str, make: Any, parts: tuple[Any, ...]) -> CodeType:
    return make(*parts).replace(co_filename=filename)


class _Pickler(cloudpickle.Pickler):
    # cloudpickle 3.1.3 puts "<dynamic-code>" in place of the file: a traceback would not show the user's lines
    dispatch_table = {**cloudpickle.Pickler.dispatch_table, CodeType: _code}

    def __init__(self, file: io.BytesIO, folder: Path):
        super().__init__(file, protocol=5)
        self._folder, self._seen = folder, {}

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is not np.ndarray or obj.nbytes < SHARED_FROM or obj.dtype.hasobject:
            return None
        if id(obj) not in self._seen:
            path = self._folder / f"array-{len(self._seen)}.npy"
            np.save(path, obj, allow_pickle=False)
            self._seen[id(obj)] = (str(path), obj)
        return "npy", self._seen[id(obj)][0]


class _Unpickler(cloudpickle.pickle.Unpickler):
    def __init__(self, file: io.BytesIO, folder: str | os.PathLike[str] | None):
        super().__init__(file)
        self._folder = folder

    def persistent_load(self, pid: Any) -> Any:
        kind, path = pid
        assert kind == "npy"
        if self._folder is not None:
            path = Path(self._folder) / Path(path).name
        return np.load(path, mmap_mode="r", allow_pickle=False)


def pack(value: Any, folder: Path) -> bytes:
    """``value`` as bytes for ``unpack`` in another process; large arrays are written to ``folder`` once each.

    Functions and classes of ``__main__`` and of modules that are not installed packages go by value.
    """
    local = [m for m in list(sys.modules.values()) if is_local(m)]
    registered = []
    for module in local:
        try:
            cloudpickle.register_pickle_by_value(module)
            registered.append(module)
        except (ValueError, TypeError):
            continue
    try:
        buffer = io.BytesIO()
        _Pickler(buffer, folder).dump(value)
        return buffer.getvalue()
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


def unpack(data: bytes, folder: str | os.PathLike[str] | None = None) -> Any:
    """The inverse of ``pack``; shared arrays come back as read-only memory maps.

    Args:
        folder: where the files of shared arrays lie now, when that is not where they were written.
    """
    return _Unpickler(io.BytesIO(data), folder).load()


def is_local(module: ModuleType) -> bool:
    """Whether a module is the user's own file, which a worker may not be able to import."""
    name, file = getattr(module, "__name__", ""), getattr(module, "__file__", None)
    if not isinstance(file, str) or not name or name == "__main__" or name.split(".")[0] == "modelwright":
        return False
    roots = (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__))
    return file.endswith(".py") and not file.startswith(roots) and "site-packages" not in file
