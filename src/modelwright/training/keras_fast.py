"""A faster ``model.fit`` with the same numbers, for one model at a time. To be filled."""

from __future__ import annotations

import contextlib
from typing import Any


def accelerated(model: Any, *, total: int | None = None) -> contextlib.AbstractContextManager[Any]:
    """Swap ``model.fit`` for a faster one."""
    return contextlib.nullcontext(model)
