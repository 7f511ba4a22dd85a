"""How a user's own call of ``model.fit`` is made faster without the user noticing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def faster_fit(model: Any) -> AbstractContextManager[Any]:
    """Within: ``model.fit`` runs faster where the backend can, with the same results and callbacks."""
    from modelwright.training.keras_fast import accelerated

    return accelerated(model)
