"""How a user's own ``build`` and ``model.fit`` are made faster without the user noticing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def faster_fit(model: Any) -> AbstractContextManager[Any]:
    """Within: ``model.fit`` runs faster where the backend can, with the same results and callbacks."""
    from modelwright.training.keras_fast import accelerated

    return accelerated(model)


def faster_build() -> AbstractContextManager[Any]:
    """Within: what runs only once, such as drawing a layer's first weights, is compiled with less effort."""
    import keras

    if keras.backend.backend() != "jax":
        return nullcontext()
    from modelwright.training.keras_programs import light_compilation

    return light_compilation()
