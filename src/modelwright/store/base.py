"""The contract of a store: studies by name, each an append-only sequence of events, and a folder for files.

Does not know what the events mean. ``modelwright.testing.StoreContract`` checks every promise made here.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.records import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """What a store knows of a study besides its events.

    Attributes:
        id: the store's own number; stays the same for ever.
        name: unique in the store.
        created: seconds since 1970 UTC.
        definition: plain values: objectives, strategy, seed, budget, what was tuned, versions.
    """

    id: int
    name: str
    created: float
    definition: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Something that one holder has for a while, unless it is renewed.

    Attributes:
        what: "ask", or the mark of a session that runs trials.
        holder: who has it.
        token: grows each time that it passes to another holder.
        left: seconds until it runs out, by the store's own clock; negative when it has.
        facts: what the holder tells of itself.
    """

    what: str
    holder: str
    token: int
    left: float
    facts: Mapping[str, Any] = field(default_factory=dict)


class Store(ABC):
    """Keeps studies.

    ``append`` is atomic: all of the events or none. With ``durable=True`` they survive a power failure once the
    call has returned; otherwise they survive the death of the process. Any process may read at any time. Several may
    write a study, each with ``member``: who missed what another one wrote is refused, and decides again. ``writer``
    keeps all others out.
    """

    #: For people: a path, a URL without its password, or ":memory:".
    location: str = ""
    #: URL of a folder for artifacts that all hosts reach, or "".
    place: str = ""
    #: Whether ``keep`` keeps anything.
    keeps: bool = False

    @abstractmethod
    def create(self, name: str, definition: Mapping[str, Any], created: float) -> StudyRecord:
        """Add an empty study. Raises ``StoreError`` when the name is taken."""

    @abstractmethod
    def find(self, name: str) -> StudyRecord | None:
        """The study of that name, or None."""

    @abstractmethod
    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""

    @abstractmethod
    def redefine(self, study: int, definition: Mapping[str, Any]) -> None:
        """Replace a study's definition (its budget grew, say)."""

    @abstractmethod
    def append(
        self, study: int, events: Sequence[Event], *, after: int, at: float = 0.0, durable: bool = False
    ) -> None:
        """Add ``events`` behind the ``after`` events that the writer knows of.

        Args:
            at: the study's running time in seconds, stored with each event.

        Raises:
            ConflictError: there are more or fewer than ``after`` events: somebody else wrote.
            StoreError: the study is gone, or the medium refused. In either case nothing has been added.
        """

    @abstractmethod
    def load(self, study: int, after: int = 0) -> Iterator[tuple[Event, float]]:
        """The events behind the first ``after``, in order, each with its time."""

    def keep(self, study: int, form: str, parts: Mapping[str, str], *, count: int, since: int) -> bool:
        """Keep texts that were made of a study's first ``count`` events: a cache, which a store may do without.

        Args:
            form: which texts these are; those of another form stay beside them.
            parts: name -> text, one of them "head"; replaces those of the same names, and leaves the others.
            since: what ``kept_count`` said; when it says something else by now, nothing is kept.

        Returns:
            Whether they were kept.
        """
        return False

    def kept_count(self, study: int, form: str) -> int:
        """Of how many events the texts of that form were made; 0 when there are none."""
        return 0

    def kept(self, study: int, form: str, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """What was kept, by name; all of it is of the same ``keep`` or of earlier ones."""
        return []

    def forget(self, study: int) -> None:
        """Throw away what was kept, in whatever form: it is made again from the events."""
        return

    @abstractmethod
    def delete(self, study: int) -> None:
        """Remove a study, its events and its folder."""

    @abstractmethod
    def folder(self, study: int) -> Path:
        """An existing private folder for the study's files."""

    @abstractmethod
    def writer(self, study: int) -> AbstractContextManager[None]:
        """Hold the right to write the study alone; raises ``StoreError`` when another process writes it.

        The right ends with the process, however it ends.
        """

    @abstractmethod
    def member(self, study: int) -> AbstractContextManager[None]:
        """Hold the right to write the study beside other members; raises ``StoreError`` when a ``writer`` is there.

        The right ends with the process, however it ends.
        """

    @abstractmethod
    def hold(
        self, study: int, what: str, holder: str, seconds: float, facts: Mapping[str, Any] | None = None
    ) -> Lease | None:
        """Take a lease, or renew it; None while somebody else's has not run out.

        Time is the store's own: no holder's clock matters. A lease is no lock: who sleeps past it is told by
        ``append`` that others went on.
        """

    @abstractmethod
    def release(self, study: int, what: str, holder: str) -> None:
        """Give a lease back; harmless when it is somebody else's by now."""

    @abstractmethod
    def leases(self, study: int) -> list[Lease]:
        """All leases that were taken and not given back, those that ran out too."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections. Closing twice is harmless."""


def open_store(given: object, *, create: bool = True) -> Store:
    """The store that a user named: None, ":memory:", a path, a ``sqlite:///`` or ``postgresql://`` URL, or a ``Store``.

    Args:
        create: whether a file that is not there is made; otherwise that is a ``StoreError``.

    >>> open_store(":memory:").location
    ':memory:'
    """
    from modelwright.core.errors import StoreError

    if isinstance(given, Store):
        return given
    if isinstance(given, str) and given == ":memory:":
        from modelwright.store.memory import MemoryStore

        return MemoryStore()
    if given is None or isinstance(given, (str, Path)):
        from modelwright.store.sqlite import SqliteStore

        text = str(given) if given is not None else str(Path(".modelwright") / "studies.db")
        if text.startswith(("postgresql://", "postgres://", "postgresql+")):
            from modelwright.store.postgres import PostgresStore

            return PostgresStore(text)
        if text.startswith(("postgres:", "postgresql:")):
            raise StoreError("the address lacks a slash", where="store", allowed="'postgresql://user@host/database'")
        if "://" in text and not text.startswith("sqlite:///"):
            raise StoreError(
                f"this version cannot open {text.split('://')[0]}:// stores",
                where="store",
                allowed="None, ':memory:', the path of an SQLite file, 'sqlite:///path' or 'postgresql://...'",
            )
        path = Path(text.removeprefix("sqlite:///"))
        _check_path(path)
        if not create and not os.path.exists(path.expanduser()):
            raise StoreError("there is no store", where=str(path), hint="Name the one you mean with store=...")
        return SqliteStore(path)
    allowed = "None, ':memory:', a path, a URL, or a Store"
    raise StoreError(f"cannot open {given!r} as a store", where="store", allowed=allowed)


def _check_path(path: Path) -> None:
    """Refuse a path that cannot be a file."""
    from modelwright.core.errors import StoreError

    if "\0" in str(path):
        raise StoreError(f"{str(path)!r} has a NUL character", where="store", allowed="the path of an SQLite file")
    if os.path.isdir(path.expanduser()):
        raise StoreError(
            "it is a folder",
            where=f"store {str(path)!r}",
            allowed="the path of an SQLite file, which is made when it is not there",
            hint=f"Write store={str(path / 'studies.db')!r}.",
        )
