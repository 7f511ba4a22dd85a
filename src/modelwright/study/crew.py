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
from modelwright.core.errors import ArgumentError, StoreError, StudyError
from modelwright.core.presence import gone_here, is_gone, session
from modelwright.store.base import Lease, Store, StudyRecord

#: Seconds for which a session that says nothing counts as there; the environment variable of this name changes it.
LASTS, SETTING = 60.0, "MODELWRIGHT_LEASE_SECONDS"
#: Seconds for which one member may think about what to propose while the others do not.
_ASKING = 15.0
#: What who leads a study holds.
_LEAD = "lead"


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
        self._beat: _Beat | None = None

    def __enter__(self) -> Crew:
        self._hold()
        self._beat = _Beat(self._hold, self.lasts)
        self.look()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._beat is not None:
            self._beat.end()
        with contextlib.suppress(StoreError):  # it runs out by itself
            self.store.release(self.study, self.me, self.me)

    def _hold(self) -> None:
        told = {**_here(self._since, self.lasts), **self._facts()}
        self.store.hold(self.study, self.me, self.me, self.lasts, told)

    def due(self, age: float) -> bool:
        """Whether the last look is longer than ``age`` seconds ago."""
        return time.monotonic() - self._looked > age

    def look(self, age: float = 0.0) -> set[str]:
        """The other sessions that are there; as seen up to ``age`` seconds ago."""
        if self.due(age):
            self._others = {lease.holder for lease in members(self.store, self.study)} - {self.me}
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
        return _freed(self.store, self.study, "ask") and (
            self.store.hold(self.study, "ask", self.me, _ASKING) is not None
        )


def members(store: Store, study: int) -> list[Lease]:
    """What the sessions hold that run trials of a study now."""
    found = (lease for lease in store.leases(study) if lease.what == lease.holder)
    return [lease for lease in found if lease.left > 0 and not gone_here(lease.holder)]


class Lead:
    """The right to lead a study whose phases follow one another: one session has it, until it ends or is gone.

    A context that gives back what was taken within it. Members of a crew are not held up: who leads sees to it that
    there are no others.

    Args:
        store: where the studies are.
        lasts: as a ``Crew`` has it.

    >>> from modelwright.store.memory import MemoryStore
    >>> store = MemoryStore(); record = store.create("a", {}, 0.0)
    >>> with Lead(store) as one, Lead(store) as two:
    ...     one.take(record)
    ...     two.take(record)
    Traceback (most recent call last):
        ...
    modelwright.core.errors.StudyError: study 'a': it is being run ...
    """

    def __init__(self, store: Store, *, lasts: float | None = None):
        self.store, self.me, self.lasts = store, session(), lasts or _setting()
        self._since, self._study = SystemClock().wall(), -1
        self._beat: _Beat | None = None

    def __enter__(self) -> Lead:
        return self

    def take(self, record: StudyRecord) -> None:
        """Lead this study from here on; nothing where it is led already.

        Raises:
            StudyError: another session leads it.
        """
        if self._study == record.id:
            return
        if not self._held(record.id) and not (_freed(self.store, record.id, _LEAD) and self._held(record.id)):
            raise self._taken(record)
        self._study = record.id
        self._beat = _Beat(lambda: self._held(record.id), self.lasts)

    def __exit__(self, *_: Any) -> None:
        if self._beat is not None:
            self._beat.end()
            with contextlib.suppress(StoreError):  # it runs out by itself
                self.store.release(self._study, _LEAD, self.me)

    def _held(self, study: int) -> bool:
        facts = _here(self._since, self.lasts)
        return self.store.hold(study, _LEAD, self.me, self.lasts, facts) is not None

    def _taken(self, record: StudyRecord) -> StudyError:
        held = next((lease for lease in self.store.leases(record.id) if lease.what == _LEAD), None)
        facts = held.facts if held is not None else {}
        by = f" by process {facts['pid']} of {facts['host']}" if "pid" in facts else ""
        away = held is not None and facts.get("host") != platform.node()
        return StudyError(
            f"it is being run{by}, and one process leads such a search",
            where=f"study {record.name!r}",
            hint="Wait for it or stop it; then the same call goes on with it. workers= gives it more processes."
            + (f" If that process is gone, try again in {held.left:.0f} s." if away and held is not None else ""),
        )


def led(store: Store, study: int) -> bool:
    """Whether a session leads a study now."""
    return any(lease.what == _LEAD and lease.left > 0 and not gone_here(lease.holder) for lease in store.leases(study))


class _Beat:
    """Renews a lease from a thread of its own until it is told to end."""

    def __init__(self, renew: Callable[[], object], lasts: float):
        self._renew, self._pause, self._ending = renew, lasts / 6, threading.Event()
        self._thread = threading.Thread(target=self._run, name="modelwright-lease", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._ending.wait(self._pause):
            with contextlib.suppress(StoreError):  # a server that is away: the next sign of life may reach it
                self._renew()


def _here(since: float, lasts: float) -> dict[str, Any]:
    """What a session tells of itself."""
    return {"host": platform.node(), "pid": os.getpid(), "since": since, "lasts": lasts}


def _freed(store: Store, study: int, what: str) -> bool:
    """Whether a lease was that of a process of this host that has ended; it is given back then."""
    held = next((lease for lease in store.leases(study) if lease.what == what), None)
    if held is None or not gone_here(held.holder):
        return False
    store.release(study, what, held.holder)
    return True


def _setting() -> float:
    given = os.environ.get(SETTING, "")
    try:
        found = float(given) if given else LASTS
    except ValueError:
        found = math.nan
    if not 0.5 <= found < math.inf:
        raise ArgumentError(f"{SETTING}={given!r}", where="environment", allowed="seconds from 0.5")
    return found
