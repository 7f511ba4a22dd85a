"""Which backend Keras will run on, decided before Keras is imported. Imports nothing heavy; overrides no choice."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

#: What Keras itself writes to its settings when it is first imported: nobody's choice.
_UNTOUCHED = {"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow", "image_data_format": "channels_last"}

#: Variables by which a process takes a GPU's memory as it needs it: JAX takes three quarters of it at once, TensorFlow
#: all of it, and whoever comes next has none. Without an effect on a CPU.
AS_NEEDED = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def leave_room() -> None:
    """Have this process leave a GPU's memory to others that are to use it too; no effect once a backend has opened it.

    What the user has set stays.
    """
    for name, value in AS_NEEDED.items():
        os.environ.setdefault(name, value)


def configured_backend() -> str | None:
    """The backend in an edited ``keras.json`` (in ``~/.keras`` or ``$KERAS_HOME``), or None."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        found = json.loads(Path(home, "keras.json").read_text())
        return None if found == _UNTOUCHED else found.get("backend") or None
    except (OSError, ValueError, AttributeError):
        return None


def choose_backend(*, only_if_needed: bool = False) -> str | None:
    """Set ``KERAS_BACKEND=jax`` where nobody chose and JAX is installed; returns what is chosen, or None.

    A choice is ``KERAS_BACKEND``, an edited ``keras.json``, or keras being imported already.

    Args:
        only_if_needed: leave an environment alone in which Keras' own default, TensorFlow, is installed.
    """
    if "keras" in sys.modules:
        return None
    chosen = os.environ.get("KERAS_BACKEND") or configured_backend()
    if chosen is not None or (only_if_needed and _installed("tensorflow")) or not _installed("jax"):
        return chosen
    os.environ["KERAS_BACKEND"] = "jax"
    return "jax"


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
