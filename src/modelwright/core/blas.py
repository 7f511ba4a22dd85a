"""How many threads linear algebra has: one number for the whole process, whichever of our threads asks for one.

Knows nothing of what is computed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOCK = threading.Lock()
#: What those that are within ask for.
_ASKED: list[int] = []
#: The libraries that are loaded, with how many modules were imported when they were looked for; what sets them back.
_FOUND: list[Any] = []
_BEFORE: list[Any] = []


@contextmanager
def blas_threads(number: int) -> Iterator[None]:
    """Within, linear algebra has so many threads, or the fewest that any of our threads asks for at the same time.

    Libraries have one number for all. If each set what it wants and then what it found, two that overlap would leave
    the one's number for good: so the first to enter notes what was there, and the last to leave sets it back.

    >>> import numpy as np
    >>> with blas_threads(2), blas_threads(1):
    ...     float(np.ones(3) @ np.ones(3))
    3.0
    """
    _change(_ASKED.append, number)
    try:
        yield
    finally:
        _change(_ASKED.remove, number)


def _change(asked: Any, number: int) -> None:
    with _LOCK:
        before = min(_ASKED, default=0)
        asked(number)
        now = min(_ASKED, default=0)
        if now == before:
            return
        if not now:
            _BEFORE.pop().restore_original_limits()
        elif before:
            _FOUND[0].limit(limits=now, user_api="blas")
        else:
            _FOUND[:] = _libraries()
            _BEFORE[:] = [_FOUND[0].limit(limits=now, user_api="blas")]
        _let_go()


def _libraries() -> list[Any]:
    """Looking for them takes milliseconds, and they come with modules."""
    from threadpoolctl import ThreadpoolController

    modules = len(sys.modules)
    if _FOUND and _FOUND[1] == modules:
        return list(_FOUND)
    return [ThreadpoolController().select(user_api="blas"), modules]


def _let_go() -> None:
    """From its version 3.8 on threadpoolctl lets only the first thread that set a number set others."""
    import threadpoolctl

    let_go = getattr(getattr(threadpoolctl, "OpenBLASController", None), "clear_controlling_thread", None)
    if let_go is not None:
        let_go()
