"""A store that lives and dies with its process; the reference that other stores are compared with."""

from __future__ import annotations

import shutil
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConflictError, StoreError
from modelwright.core.passing import PassingFolder
from modelwright.core.records import Event
from modelwright.core.wording import counted
from modelwright.store.base import Lease, Store, StudyRecord


class MemoryStore(Store):
    """Keeps nothing on disk but the files that trials leave, in a temporary folder that goes with the store.

    >>> store = MemoryStore()
    >>> store.create("a", {}, created=0.0).id
    1
    """

    def __init__(self) -> None:
        self.location = ":memory:"
        self._studies: dict[int, StudyRecord] = {}
        self._events: dict[int, list[tuple[Event, float]]] = {}
        self._next = 1
        self._lock = threading.RLock()
        #: Study -> how many members write it, or minus one for a writer who keeps them out.
        self._held: dict[int, int] = {}
        self._leases: dict[tuple[int, str], tuple[str, int, float, dict[str, Any]]] = {}
        self._root: Path | None = None

    def create(self, name: str, definition: Mapping[str, Any], created: float) -> StudyRecord:
        with self._lock:
            if self.find(name) is not None:
                raise StoreError(f"a study named {name!r} exists already", where=self.location)
            made = StudyRecord(id=self._next, name=name, created=created, definition=dict(definition))
            self._next += 1
            self._studies[made.id], self._events[made.id] = made, []
            return made

    def find(self, name: str) -> StudyRecord | None:
        return next((s for s in self._studies.values() if s.name == name), None)

    def studies(self) -> list[StudyRecord]:
        return list(self._studies.values())

    def redefine(self, study: int, definition: Mapping[str, Any]) -> None:
        self._known(study)
        self._studies[study] = replace(self._studies[study], definition=dict(definition))

    def append(
        self, study: int, events: Sequence[Event], *, after: int, at: float = 0.0, durable: bool = False
    ) -> None:
        with self._lock:
            held = self._known(study)
            if len(held) != after:
                raise ConflictError(
                    f"the study has {counted(len(held), 'event')} where the writer knew {after}",
                    hint="Somebody else wrote it: load the study again.",
                )
            held.extend((event, at) for event in events)

    def load(self, study: int, after: int = 0) -> Iterator[tuple[Event, float]]:
        return iter(self._known(study)[after:])

    def delete(self, study: int) -> None:
        with self._lock:
            self._known(study)
            del self._studies[study], self._events[study]
            self._leases = {key: value for key, value in self._leases.items() if key[0] != study}
            if self._root is not None:
                shutil.rmtree(self._root / str(study), ignore_errors=True)

    def folder(self, study: int) -> Path:
        self._known(study)
        if self._root is None:
            folder = PassingFolder("modelwright-store-")
            weakref.finalize(self, folder.close)
            self._root = folder.path
        path = self._root / str(study)
        path.mkdir(exist_ok=True)
        return path

    @contextmanager
    def writer(self, study: int) -> Iterator[None]:
        with self._writing(study, alone=True):
            yield

    @contextmanager
    def member(self, study: int) -> Iterator[None]:
        with self._writing(study, alone=False):
            yield

    @contextmanager
    def _writing(self, study: int, alone: bool) -> Iterator[None]:
        with self._lock:
            self._known(study)
            held = self._held.get(study, 0)
            if held < 0 or (alone and held > 0):
                raise StoreError(f"the study {self._studies[study].name!r} is being run already", where=self.location)
            self._held[study] = -1 if alone else held + 1
        try:
            yield
        finally:
            with self._lock:
                self._held[study] = 0 if alone else self._held[study] - 1

    def hold(
        self, study: int, what: str, holder: str, seconds: float, facts: Mapping[str, Any] | None = None
    ) -> Lease | None:
        with self._lock:
            now, had = time.monotonic(), self._leases.get((study, what))
            if had and had[0] not in ("", holder) and had[2] > now:
                return None
            token = had[1] + (had[0] != holder) if had else 1
            self._leases[study, what] = (holder, token, now + seconds, dict(facts or {}))
            return Lease(what=what, holder=holder, token=token, left=seconds, facts=facts or {})

    def release(self, study: int, what: str, holder: str) -> None:
        with self._lock:
            had = self._leases.get((study, what))
            if had and had[0] == holder:
                self._leases[study, what] = ("", had[1], 0.0, {})

    def leases(self, study: int) -> list[Lease]:
        now = time.monotonic()
        return [
            Lease(what=what, holder=holder, token=token, left=until - now, facts=facts)
            for (of, what), (holder, token, until, facts) in list(self._leases.items())
            if of == study and holder
        ]

    def close(self) -> None:
        """Files stay until the store is garbage, since a study may still be read."""

    def _known(self, study: int) -> list[tuple[Event, float]]:
        if study not in self._events:
            raise StoreError("the study is gone: it was deleted", where=self.location)
        return self._events[study]
