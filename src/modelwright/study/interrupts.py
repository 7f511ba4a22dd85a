"""Ctrl-C: the first one is a wish to stop, the second one an order. Knows signals; knows no study."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any


def one_interrupt(first: Callable[[], None]) -> AbstractContextManager[None]:
    """Within: the first SIGINT calls ``first``, the second raises KeyboardInterrupt; only in the main thread."""

    @contextmanager
    def guard():
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        seen = []

        def received(*_: Any) -> None:
            if seen:
                raise KeyboardInterrupt
            seen.append(1)
            first()

        before = signal.signal(signal.SIGINT, received)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)

    return guard()
