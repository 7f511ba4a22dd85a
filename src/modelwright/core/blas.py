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
#: The libraries that are loaded, with how many modules were imported when they were looked for; what sets them back,
#: from the last to the first.
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
        before, modules = min(_ASKED, default=0), len(sys.modules)
        asked(number)
        now = min(_ASKED, default=0)
        if not now:
            while _BEFORE:
                _BEFORE.pop().restore_original_limits()
        elif not before or not _FOUND or _FOUND[1] != modules:
            # What was imported since has libraries of its own, with as many threads as there are cores.
            _FOUND[:] = _libraries(modules)
            _BEFORE.append(_FOUND[0].limit(limits=now, user_api="blas"))
        elif now != before:
            _FOUND[0].limit(limits=now, user_api="blas")
        else:
            return
        _let_go()


def _libraries(modules: int) -> list[Any]:
    """Those of so many modules: looking for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    if _FOUND and _FOUND[1] == modules:
        return list(_FOUND)
    return [ThreadpoolController().select(user_api="blas"), modules]


def _let_go() -> None:
    """From its version 3.8 on threadpoolctl lets only the first thread that set a number set others."""
    import threadpoolctl

    let_go = getattr(getattr(threadpoolctl, "OpenBLASController", None), "clear_controlling_thread", None)
    if let_go is not None:
        let_go()
