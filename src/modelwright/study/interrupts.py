"""Ctrl-C, of which the first one is a wish to stop and the second one an order; and an alarm. Knows no study."""

from __future__ import annotations

import math
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


class Interrupts:
    """Ctrl-C over work that has several parts: a wish to stop is told to the part that runs, and holds for the others.

    Attributes:
        heard: whether the first one came.
        first: called then, after the part that runs; in the signal's handler.

    >>> interrupts, told = Interrupts(), []
    >>> with interrupts.guarded(), interrupts.told(lambda: told.append("a part")):
    ...     signal.raise_signal(signal.SIGINT)
    >>> with interrupts.told(lambda: told.append("the next part")):
    ...     told, interrupts.heard
    (['a part', 'the next part'], True)
    """

    def __init__(self) -> None:
        self.heard = False
        self.first: Callable[[], None] = _nothing
        self._part: Callable[[], None] = _nothing

    def guarded(self) -> AbstractContextManager[None]:
        """Around all parts; see ``one_interrupt``."""
        return one_interrupt(self._received)

    @contextmanager
    def told(self, part: Callable[[], None]) -> Iterator[None]:
        """Within: ``part`` is called at the first Ctrl-C, and at once where that came before."""
        self._part = part
        if self.heard:
            part()
        try:
            yield
        finally:
            self._part = _nothing

    def _received(self) -> None:
        self.heard = True
        self._part()
        self.first()


def _nothing() -> None:
    pass


class OverTime(BaseException):
    """Raised in a trial that runs in the main thread when there is no time left; no ``except Exception`` takes it."""


#: Seconds after which code that swallowed the exception gets it again; and until the next try at a bad moment.
_AGAIN, _BUSY = 2.0, 0.02
#: As long as a timer is set for at most: infinity is none.
_LONG = 1e6


@contextmanager
def alarm(left: Callable[[], float] | None, busy: Callable[[], bool]) -> Iterator[Callable[[], None]]:
    """Within: ``OverTime`` is raised in the main thread once ``left()``, in seconds, is no longer positive.

    What is handed over has ``left`` looked at again, when it became less than it was; from any thread.

    Python code is interrupted between two of its steps, a sleep at once, a call into C when it returns. Nothing
    happens where that cannot be done: in another thread, without such signals, or when the program has an alarm of its
    own; nor when ``left`` is None.

    Args:
        busy: whether this is a bad moment, since facts are being written.
    """
    if left is None or not may_alarm():
        yield lambda: None
        return
    armed, tearing = True, threading.Lock()

    def wind() -> None:
        with tearing:
            if armed and (remaining := left()) < math.inf:
                signal.setitimer(signal.ITIMER_REAL, max(min(remaining, _LONG), _BUSY))

    def received(*_: Any) -> None:
        if not armed:
            return
        remaining = left()
        if remaining > 0 or busy():
            signal.setitimer(signal.ITIMER_REAL, max(min(remaining, _LONG), _BUSY))
            return
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        raise OverTime

    before = signal.signal(signal.SIGALRM, received)
    wind()
    try:
        yield wind
    finally:
        with tearing:
            armed = False
        if signal.getsignal(signal.SIGALRM) is received:  # else the trial has made the alarm its own
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def may_alarm() -> bool:
    """Whether what runs in this thread can be interrupted by ``alarm``."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return False
    return signal.getsignal(signal.SIGALRM) == signal.SIG_DFL and signal.getitimer(signal.ITIMER_REAL)[0] == 0
