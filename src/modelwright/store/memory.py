"""A store that lives and dies with its process; the reference that other stores are compared with."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.errors import StoreError
from modelwright.core.records import Event
from modelwright.core.wording import counted
from modelwright.store.base import Store, StudyRecord


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
        self._held: set[int] = set()
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
                raise StoreError(
                    f"the study has {counted(len(held), 'event')} where the writer knew {after}",
                    hint="Somebody else wrote it.",
                )
            held.extend((event, at) for event in events)

    def load(self, study: int, after: int = 0) -> Iterator[tuple[Event, float]]:
        return iter(self._known(study)[after:])

    def delete(self, study: int) -> None:
        with self._lock:
            self._known(study)
            del self._studies[study], self._events[study]
            if self._root is not None:
                shutil.rmtree(self._root / str(study), ignore_errors=True)

    def folder(self, study: int) -> Path:
        self._known(study)
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="modelwright-"))
            weakref.finalize(self, shutil.rmtree, str(self._root), ignore_errors=True)
        path = self._root / str(study)
        path.mkdir(exist_ok=True)
        return path

    @contextmanager
    def writer(self, study: int) -> Iterator[None]:
        with self._lock:
            self._known(study)
            if study in self._held:
                raise StoreError(f"the study {self._studies[study].name!r} is being run already", where=self.location)
            self._held.add(study)
        try:
            yield
        finally:
            self._held.discard(study)

    def close(self) -> None:
        """Files stay until the store is garbage, since a study may still be read."""

    def _known(self, study: int) -> list[tuple[Event, float]]:
        if study not in self._events:
            raise StoreError("the study is gone: it was deleted", where=self.location)
        return self._events[study]
