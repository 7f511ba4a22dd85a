"""The crew of a study: which sessions run trials of it at the same time, and which of them are still there.

Owns leases and their renewal. Writes no event and decides nothing about trials.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from modelwright.core.clock import SystemClock
from modelwright.core.errors import ArgumentError, StoreError
from modelwright.core.presence import gone_here, is_gone, session
from modelwright.store.base import Store

#: Seconds for which a session that says nothing counts as there; the environment variable of this name changes it.
LASTS, SETTING = 60.0, "MODELWRIGHT_LEASE_SECONDS"
#: Seconds for which one member may think about what to propose while the others do not.
_ASKING = 15.0


class Crew:
    """The sessions of one study, as one of them sees them.

    A process that dies on this host is missed at once; one on another host when its lease has run out. A member that
    was stopped for longer than its lease finds, at its next write, that its trials went to others.

    Args:
        me: the mark of this session; a new one by default.
        lasts: seconds for which a member that does not renew its lease counts as there; it does so six times as often.
        facts: what this session tells of itself with each sign of life, besides its host, process and beginning.

    >>> from modelwright.store.memory import MemoryStore
    >>> store = MemoryStore(); study = store.create("a", {}, 0.0).id
    >>> one, two = Crew(store, study), Crew(store, study)
    >>> with one, two:
    ...     one.look() == {two.me}, one.alive(two.me)
    (True, True)
    >>> one.look()
    set()
    """

    def __init__(
        self,
        store: Store,
        study: int,
        me: str | None = None,
        *,
        lasts: float | None = None,
        facts: Callable[[], Mapping[str, Any]] | None = None,
    ):
        self.store, self.study, self.me = store, study, me or session()
        self._facts, self._since = facts or dict, SystemClock().wall()
        self.lasts = lasts or _setting()
        self._others: set[str] = set()
        self._looked = float("-inf")
        self._ending = threading.Event()
        self._beat: threading.Thread | None = None

    def __enter__(self) -> Crew:
        self.store.hold(self.study, self.me, self.me, self.lasts, self._told())
        self._beat = threading.Thread(target=self._renew, name="modelwright-lease", daemon=True)
        self._beat.start()
        self.look()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ending.set()
        if self._beat is not None:
            self._beat.join(5.0)
        with contextlib.suppress(StoreError):  # it runs out by itself
            self.store.release(self.study, self.me, self.me)

    def _renew(self) -> None:
        while not self._ending.wait(self.lasts / 6):
            with contextlib.suppress(StoreError):  # a server that is away: the next sign of life may reach it
                self.store.hold(self.study, self.me, self.me, self.lasts, self._told())

    def _told(self) -> Mapping[str, Any]:
        known = {"host": platform.node(), "pid": os.getpid(), "since": self._since, "lasts": self.lasts}
        return {**known, **self._facts()}

    def due(self, age: float) -> bool:
        """Whether the last look is longer than ``age`` seconds ago."""
        return time.monotonic() - self._looked > age

    def look(self, age: float = 0.0) -> set[str]:
        """The other sessions that are there; as seen up to ``age`` seconds ago."""
        if self.due(age):
            self._others = {
                lease.holder
                for lease in self.store.leases(self.study)
                if lease.what == lease.holder != self.me and lease.left > 0 and not gone_here(lease.holder)
            }
            self._looked = time.monotonic()
        return self._others

    def alive(self, mark: str) -> bool:
        """Whether whoever left ``mark`` in a trial is still there: a session, or a process that asked by hand."""
        if mark == self.me:
            return True
        if mark.startswith("asked"):
            return not is_gone(mark)
        if gone_here(mark):
            return False
        # A session that came after the last look has its lease before its first trial: look again before it is missed.
        return mark in self._others or mark in self.look()

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether it is this member's turn to ask; others wait until it has. Without others it always is.

        Two that ask at once do no harm, since the slower one's answer is refused: turns only spare its work.
        """
        if not self._others:
            yield True
            return
        mine = self.store.hold(self.study, "ask", self.me, _ASKING) is not None or self._after_a_dead_one()
        try:
            yield mine
        finally:
            if mine:
                self.store.release(self.study, "ask", self.me)

    def _after_a_dead_one(self) -> bool:
        held = next((lease for lease in self.store.leases(self.study) if lease.what == "ask"), None)
        if held is None or not gone_here(held.holder):
            return False
        self.store.release(self.study, "ask", held.holder)
        return self.store.hold(self.study, "ask", self.me, _ASKING) is not None


def _setting() -> float:
    given = os.environ.get(SETTING, "")
    try:
        found = float(given) if given else LASTS
    except ValueError:
        found = math.nan
    if not 0.5 <= found < math.inf:
        raise ArgumentError(f"{SETTING}={given!r}", where="environment", allowed="seconds from 0.5")
    return found
