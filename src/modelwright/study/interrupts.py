"""Ctrl-C, of which the first one is a wish to stop and the second one an order; and an alarm. Knows no study."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
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


class OverTime(BaseException):
    """Raised in a trial that runs in the main thread when there is no time left; no ``except Exception`` takes it."""


#: Seconds after which code that swallowed the exception gets it again; and until the next try at a bad moment.
_AGAIN, _BUSY = 2.0, 0.02


@contextmanager
def alarm(left: Callable[[], float] | None, busy: Callable[[], bool]) -> Iterator[None]:
    """Within: ``OverTime`` is raised in the main thread once ``left()``, in seconds, is no longer positive.

    Python code is interrupted between two of its steps, a sleep at once, a call into C when it returns. Nothing
    happens where that cannot be done: in another thread, without such signals, or when the program has an alarm of its
    own; nor when ``left`` is None.

    Args:
        busy: whether this is a bad moment, since facts are being written.
    """
    if left is None or not _may_alarm():
        yield
        return
    armed = True

    def received(*_: Any) -> None:
        if not armed:
            return
        remaining = left()
        if remaining > 0 or busy():
            signal.setitimer(signal.ITIMER_REAL, max(remaining, _BUSY))
            return
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        raise OverTime

    before = signal.signal(signal.SIGALRM, received)
    signal.setitimer(signal.ITIMER_REAL, max(left(), _BUSY))
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _may_alarm() -> bool:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return False
    return signal.getsignal(signal.SIGALRM) == signal.SIG_DFL and signal.getitimer(signal.ITIMER_REAL)[0] == 0
