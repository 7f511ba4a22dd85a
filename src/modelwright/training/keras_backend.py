"""Which Keras runs, and how it is set up: the default backend, seeds, JAX's compilation cache.

Imports keras only when asked to. Never overrides what the user chose.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from modelwright.core.backend import choose_backend, configured_backend
from modelwright.core.errors import MissingPackageError
from modelwright.core.optional import optional

_PACKAGES = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch", "openvino": "openvino"}
_PURPOSE = "training Keras models"


def ensure_backend() -> ModuleType:
    """Import keras and return it; on JAX where nobody chose a backend and JAX is installed.

    A choice is ``KERAS_BACKEND``, an edited ``keras.json`` (in ``~/.keras`` or ``$KERAS_HOME``), or keras being
    imported already. JAX's persistent compilation cache is switched on unless it is configured.

    Raises:
        MissingPackageError: keras, or the package of the backend chosen, is not installed.
    """
    if "keras" not in sys.modules:
        chosen = choose_backend()
        package = _PACKAGES.get(chosen or "")
        if package and importlib.util.find_spec("keras") is not None and importlib.util.find_spec(package) is None:
            hint = "Run: pip install 'modelwright[keras]'"
            raise MissingPackageError(
                f"Keras is set to the backend {chosen!r}, but the package {package!r} is not installed",
                where=_PURPOSE,
                hint=hint if package == "jax" else f"Run: pip install {package}. Or: KERAS_BACKEND=jax, and {hint[5:]}",
            )
    try:
        keras = optional("keras", extra="keras", purpose=_PURPOSE)
    except MissingPackageError as error:
        if "'keras'" in error.what or importlib.util.find_spec("keras") is None:
            raise
        raise MissingPackageError(
            f"{error.what} by Keras' backend {os.environ.get('KERAS_BACKEND') or configured_backend()!r}",
            hint="Run: pip install 'modelwright[keras]', or set KERAS_BACKEND to a backend that is installed",
        ) from error
    if keras.backend.backend() == "jax":
        enable_compilation_cache()
    return keras


def on_an_accelerator() -> bool:
    """Whether JAX computes on something else than the processor; its device is opened by that."""
    import jax

    return jax.default_backend() != "cpu"


def cache_folder() -> Path:
    """Where compiled programs are kept: ``MODELWRIGHT_CACHE``, or a folder in the user's cache directory."""
    given = os.environ.get("MODELWRIGHT_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "modelwright")


def enable_compilation_cache() -> str | None:
    """Keep JAX's compiled programs on disk, in a folder only this user may read; returns it, or None.

    Nothing happens when a cache folder is configured already, the cache is switched off, ``MODELWRIGHT_CACHE`` is
    ``off``, or the folder is not private. Compiled programs are code: a folder that others can write is refused.
    """
    import jax

    settings: Any = jax.config
    given = os.environ.get("MODELWRIGHT_CACHE", "").lower()
    if settings.jax_compilation_cache_dir or not settings.jax_enable_compilation_cache or given == "off":
        return None
    folder = cache_folder() / "jax"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    if not _private(folder):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    _prune(folder)
    return str(folder)


def _prune(folder: Path, limit: int = 1 << 30) -> None:
    """Drop the programs used longest ago once they take more than ``limit`` bytes; JAX would need a package for it."""
    with contextlib.suppress(OSError):
        files = sorted(((f.stat().st_mtime, f.stat().st_size, f.path) for f in os.scandir(folder)), reverse=True)
        total = 0
        for _, size, path in files:
            total += size
            if total > limit // 2 and sum(f[1] for f in files) > limit:
                os.unlink(path)


def _private(folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    if os.name == "nt":
        return True
    return found.st_uid == os.getuid() and not found.st_mode & 0o077 and os.access(folder, os.W_OK)


def light_compilation() -> contextlib.AbstractContextManager[None]:
    """Within: what runs once is compiled with few optimisations; for building a model. Nothing but JAX on a CPU gains.

    Drawing the initial weights of a new shape takes up to a second to compile with all of them, a sixth with few.
    """
    import keras

    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    from modelwright.training import keras_programs

    return keras_programs.light_compilation()


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and the backend, as ``keras.utils.set_random_seed``, importing no other backend.

    What training of a user's model draws from global generators is decided here and nowhere else. A package that is
    loaded though it is not the backend may bring the data, and shuffle them: it is seeded too.
    """
    random.seed(seed)
    np.random.seed(seed % (1 << 32))
    with contextlib.suppress(ImportError, AttributeError):
        from keras.src.backend.common import global_state

        # A new one is drawn from Python's generator as soon as somebody needs it.
        global_state.set_global_attribute("global_seed_generator", None)
    torch, tensorflow = (_loaded(name) for name in ("torch", "tensorflow"))
    if torch is not None:
        torch.manual_seed(seed)
    if tensorflow is not None:
        tensorflow.random.set_seed(seed)


def _loaded(name: str) -> Any:
    """A package that was imported as a whole already, or is the backend; None otherwise."""
    import keras

    if keras.backend.backend() == name:
        return importlib.import_module(name)
    found = sys.modules.get(name)
    return found if hasattr(found, "__version__") and hasattr(found, "random") else None


@contextlib.contextmanager
def kept_generators() -> Iterator[None]:
    """Give Python's, numpy's and torch's global generators back as they were. TensorFlow's cannot be read."""
    torch: Any = sys.modules.get("torch")
    torch = torch if hasattr(torch, "get_rng_state") else None
    state: tuple[Any, ...] = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
        if torch is not None:
            torch.set_rng_state(state[2])


#: What a user sets, in what Keras clears.
_SETTINGS = ("dtype_policy", "distribution", "flash_attention", "interactive_logging", "traceback_filtering")
#: Bytes by which the process may grow before JAX's caches are emptied; where its size is not known, calls.
_GROWTH, _CALLS = 160 << 20, 12
_base = {"bytes": 0, "calls": 0}


def release(*, everything: bool = False) -> None:
    """Let go of what Keras and JAX keep of models that are gone; call it between trials.

    JAX keeps several megabytes for each new shape, for ever. They are given back once the process has grown by 160 MB;
    the programs of the last few shapes stay, so that the next model of the same shape finds them.

    Args:
        everything: give back all of it now, those programs and the data on the device too.
    """
    import keras

    with _kept_settings():
        keras.utils.clear_session(free_memory=False)
    gc.collect()
    if keras.backend.backend() != "jax":
        return
    now, _base["calls"] = _resident(), _base["calls"] + 1
    _base["bytes"] = _base["bytes"] or now
    grown = now - _base["bytes"] > _GROWTH if now else _base["calls"] >= _CALLS
    if not (grown or everything):
        return
    import jax

    if everything:
        from modelwright.training.keras_programs import release_programs

        release_programs()
    jax.clear_caches()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    left, _base["calls"] = _resident(), 0
    if left > _base["bytes"] + _GROWTH // 2:
        _base["bytes"] = left


@contextlib.contextmanager
def _kept_settings() -> Iterator[None]:
    """What the user has set stays as it is, though Keras clears it with the rest."""
    try:
        from keras.src.backend.common import global_state
    except ImportError:
        yield
        return
    before = {name: global_state.get_global_attribute(name) for name in _SETTINGS}
    yield
    for name, value in before.items():
        if value is not None:
            global_state.set_global_attribute(name, value)


def _resident() -> int:
    """Resident bytes of this process, or 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0
