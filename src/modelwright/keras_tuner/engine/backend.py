"""Keras under the names of KerasTuner's inner module ``backend``, imported when it is asked for."""

from __future__ import annotations

import sys
from typing import Any

#: KerasTuner has these functions in a module below this one, which is one by another name.
config = sys.modules[__name__]
__path__: list[str] = []


def backend() -> str:
    """The name of Keras' backend."""
    return __getattr__("keras").backend.backend()


def multi_backend() -> bool:
    """Whether Keras is version 3, as it always is here."""
    return True


def __getattr__(name: str) -> Any:
    if name not in ("keras", "ops", "random"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from modelwright.training.keras_backend import ensure_backend

    keras = ensure_backend()
    return keras if name == "keras" else getattr(keras, name)
