"""What this machine is like, as far as a search depends on it, and what of it is not as it should be."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modelwright
from modelwright.core.clock import SystemClock
from modelwright.core.finding import Finding
from modelwright.execute.cgroup import memory_allowed, memory_there
from modelwright.execute.threads import available_cores
from modelwright.store.filesystem import network_kind
from modelwright.store.sqlite import wal_is_safe

#: Packages that something here may use, besides those that are always installed.
_OPTIONAL = (
    "keras jax tensorflow torch scikit-learn pandas pyarrow rich cmaes pg8000 psycopg ray fsspec mlflow mlflow-skinny "
    "tensorboard"
).split()
_ALWAYS = ("numpy", "scipy", "sqlalchemy", "cloudpickle", "threadpoolctl")
#: Bytes below which a disk counts as nearly full, and seconds by which its clock may differ from this machine's.
_LEAST, _SKEW = 500 << 20, 5.0


def facts(place: Path) -> dict[str, Any]:
    """What a report of a mistake should say: versions, cores, memory, disk."""
    cores, limit, there = available_cores(), memory_allowed(), memory_there()
    memory = min((m for m in (limit, there) if m is not None), default=None)
    return {
        "modelwright": modelwright.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "sqlite": sqlite3.sqlite_version,
        "journal": "WAL" if wal_is_safe() else "TRUNCATE",
        "cores": len(cores),
        "memory": memory,
        "disk_free": shutil.disk_usage(_existing(place)).free,
        "backend": _backend(),
        "packages": {name: version for name in (*_ALWAYS, *_OPTIONAL) if (version := _version(name))},
    }


def examine(place: Path) -> Iterator[Finding]:
    """What is not as it should be.

    Args:
        place: where the store is, or would be.
    """
    if not wal_is_safe():
        what = f"SQLite {sqlite3.sqlite_version} may damage a database in WAL mode; a rollback journal is used"
        yield Finding(level="note", check="sqlite", what=what, fix="SQLite 3.51.3 or newer would commit faster")
    kind = network_kind(place)
    if kind:
        fix = "Use a local disk, or PostgreSQL for several hosts"
        what = f"a network file system ({kind}), on which locks do not hold"
        yield Finding(level="error", check="files", what=what, where=str(place), fix=fix)
    yield from _disk(place)
    yield from _clock(place)
    yield from _keras()


def _disk(place: Path) -> Iterator[Finding]:
    folder = _existing(place)
    free = shutil.disk_usage(folder).free
    if free < _LEAST:
        what = f"{free >> 20} MB are free, and checkpoints are large"
        yield Finding(level="warning", check="disk", what=what, where=str(folder), fix="Make room")
    if not os.access(folder, os.W_OK):
        fix = "Check its permissions, or choose another place with store="
        yield Finding(level="error", check="files", what="it cannot be written", where=str(folder), fix=fix)


def _clock(place: Path) -> Iterator[Finding]:
    """The clock of this machine, against itself and against that of the file system."""
    now = SystemClock().wall()
    if now < 1_735_689_600:  # 2025-01-01
        what = "the clock says that it is before 2025"
        yield Finding(level="warning", check="clock", what=what, fix="Set it: dates of studies come from it")
    try:
        with tempfile.NamedTemporaryFile(dir=_existing(place), prefix=".modelwright-") as file:
            differs = os.stat(file.name).st_mtime - SystemClock().wall()
    except OSError:
        return  # told as a place that cannot be written
    if abs(differs) > _SKEW:
        what = f"the file system's clock differs from this machine's by {differs:.0f} s"
        fix = "Set both by a time server. Leases do not depend on it"
        yield Finding(level="warning", check="clock", what=what, where=str(place), fix=fix)


def _keras() -> Iterator[Finding]:
    if importlib.util.find_spec("keras") is None:
        return
    backend = _backend()
    package = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch", "openvino": "openvino"}.get(backend)
    if package is None and backend != "numpy":
        fix = "Set KERAS_BACKEND to jax, tensorflow or torch"
        yield Finding(level="error", check="keras", what=f"Keras has no backend {backend!r}", fix=fix)
    elif package is not None and importlib.util.find_spec(package) is None:
        fix = f"Run pip install {package}, or set KERAS_BACKEND"
        yield Finding(level="warning", check="keras", what=f"Keras' backend {backend} is not installed", fix=fix)
    version = _version("keras")
    if version and tuple(map(int, re.findall(r"\d+", version)[:2])) < (3, 5):
        yield Finding(level="error", check="keras", what=f"Keras {version}", fix="pip install 'keras>=3.5'")


def _backend() -> str:
    """The backend that Keras would take, without importing it."""
    if importlib.util.find_spec("keras") is None:
        return ""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((home / "keras.json").read_text("utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "jax" if importlib.util.find_spec("jax") is not None else "tensorflow"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _existing(place: Path) -> Path:
    """The nearest folder that is there."""
    place = place.expanduser().absolute()
    return next(folder for folder in (place, *place.parents) if folder.is_dir())
