"""Studies in an SQLite file.

Owns durability, the file lock of a running study and its leases. One connection, guarded by a lock. New events go to
a file beside the database first (see ``tail``), to which several processes may append, and are taken over in bulk.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.pool import StaticPool

from modelwright.core.codec import decode_event
from modelwright.core.errors import MediumError, StoreError
from modelwright.core.medium import GO_ON, cannot_write
from modelwright.core.records import Event
from modelwright.store.base import Lease, StudyRecord
from modelwright.store.filesystem import network_kind
from modelwright.store.leases import LeaseFile
from modelwright.store.sql import Line, SqlStore, conflict, encoded
from modelwright.store.tail import Change, Tail, settled

_T = TypeVar("_T")

_BUSY_SECONDS = 30
#: Events a tail may hold before the database takes them over.
_BULK = 512


def wal_is_safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite has the fix of the WAL-reset bug (3.7.0 to 3.51.2, mended in 3.51.3 and two backports).

    >>> wal_is_safe((3, 40, 1)), wal_is_safe((3, 51, 3)), wal_is_safe((3, 44, 6)), wal_is_safe((3, 50, 4))
    (False, True, True, False)
    """
    return version >= (3, 51, 3) or (3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0)


class SqliteStore(SqlStore):
    """Studies in one file; trials' files lie in the folder ``<path>.files`` beside it.

    Args:
        path: the database file; it and its folder are made, private to the user, when absent.

    Raises:
        StoreError: the file cannot be opened, is no database, is on a network file system, or was written by a newer
            version.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path).expanduser().absolute()
        self.location, self._where = str(path), str(self.path)
        self._writing: dict[int, _Writing] = {}
        _refuse_network(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(
                f"cannot write there: {error.strerror or error}",
                where=str(self.path),
                hint="Choose another place with store=..., or store=':memory:' to keep nothing.",
            ) from error
        self._engine = sa.create_engine(
            f"sqlite:///{self.path}",
            poolclass=StaticPool,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        )
        with self._wrapped():
            self._connection = self._engine.connect()
            self._set_up()
            with self._connection.begin():
                self._connection.exec_driver_sql("BEGIN IMMEDIATE")  # two may open a new file at once
                self._migrate(self._connection)

    # --- events ------------------------------------------------------------------------------------

    def create(self, name: str, definition: Mapping[str, Any], created: float) -> StudyRecord:
        made = super().create(name, definition, created)
        shutil.rmtree(self._artifacts(made.id), ignore_errors=True)  # left by a database that was here before
        return made

    def load(self, study: int, after: int = 0) -> Iterator[tuple[Event, float]]:
        with self._lock:
            found = self._at_hand(study, after)
        if found is None:
            newest = Tail.read(self._tail(study))  # first: what moves to the database meanwhile is found there
            with self._transaction() as connection:
                found = self._stored(connection, study, after)
            for line in newest:
                if line[0] == after + len(found):
                    found.append(line)
        return ((decode_event(kind, body), at) for _, at, kind, body in found)

    def _at_hand(self, study: int, after: int) -> list[Line] | None:
        """The events behind the first ``after`` when all of them are in the tail, without asking the database."""
        writing = self._writing.get(study)
        if writing is None or after < writing.taken:
            return None
        new = writing.tail.more()
        if new is None:
            return None
        writing.add(new)
        return writing.pending[after - writing.taken :]

    def append(
        self, study: int, events: Sequence[Event], *, after: int, at: float = 0.0, durable: bool = False
    ) -> None:
        lines = encoded(events, after, at)
        with self._lock:
            writing = self._writing.get(study)
            if writing is None or not writing.tail.path.exists():
                self._ask_for(study)
                writing = self._writing[study] = _Writing(Tail(self._tail(study)))
            with writing.tail.locked() as change:
                if change is not None:
                    self._catch_up(study, writing, change)
                if writing.count != after:
                    raise conflict(self.location, after)
                if len(writing.pending) >= _BULK:  # first: when the database refuses, nothing has been added
                    self._take_over(study, writing)
                writing.tail.append(lines)
                writing.pending += lines
                writing.count += len(lines)
            if durable:
                writing.tail.sync()

    def _ask_for(self, study: int) -> None:
        """Raise when the study is gone; its folder is there afterwards."""
        with self._transaction() as connection:
            self._known(connection, study)
        self.folder(study)

    def _catch_up(self, study: int, writing: _Writing, change: Change) -> None:
        """Count what others appended; anew where one of them had the database take lines over."""
        if change.another:
            with self._transaction() as connection:
                self._known(connection, study)
                writing.taken = writing.count = self._count(connection, study)
            writing.pending = []
        writing.add(change.lines)

    def _take_over(self, study: int, writing: _Writing) -> None:
        """Move the tail into the database; a crash on the way leaves lines that are skipped when they are read."""
        if writing.pending:
            try:
                with self._transaction() as connection:
                    self._insert(connection, study, writing.pending)
            except sqlalchemy.exc.IntegrityError:
                with self._transaction() as connection:
                    self._known(connection, study)
                raise conflict(self.location, writing.pending[0][0]) from None
        writing.taken = writing.count
        writing.tail.clear()
        writing.pending = []

    def _end(self, study: int) -> None:
        """Stop writing a study: the database takes over what it lacks."""
        writing = self._writing.pop(study, None)
        if writing is None:
            return
        try:
            if writing.tail.path.exists():
                with writing.tail.locked() as change:
                    if change is not None:
                        self._catch_up(study, writing, change)
                    if writing.pending:
                        self._take_over(study, writing)
        finally:
            writing.tail.close()

    def delete(self, study: int) -> None:
        with self._lock:
            if study in self._writing:
                self._writing.pop(study).tail.close()
            self._remove(study)
            shutil.rmtree(self._artifacts(study), ignore_errors=True)

    # --- files, locks, leases ----------------------------------------------------------------------

    def folder(self, study: int) -> Path:
        path = self._artifacts(study)
        try:
            path.parent.mkdir(exist_ok=True, mode=0o700)  # ``parents`` would give it the mode of all folders
            path.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path

    @contextmanager
    def writer(self, study: int) -> Iterator[None]:
        with self._locked(study, fcntl.LOCK_EX):
            yield

    @contextmanager
    def member(self, study: int) -> Iterator[None]:
        with self._locked(study, fcntl.LOCK_SH):
            yield

    @contextmanager
    def _locked(self, study: int, kind: int) -> Iterator[None]:
        path = self.folder(study) / "lock"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except OSError:
                owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                raise StoreError(
                    f"the study is being run already, by process {owner}",
                    where=self.location,
                    hint="Wait for it, stop it, or use another name=.",
                ) from None
            with suppress(OSError):  # on a full disk: it only tells others who holds the lock
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
            with self._lock:
                self._end(study)
        finally:
            os.close(descriptor)

    def hold(
        self, study: int, what: str, holder: str, seconds: float, facts: Mapping[str, Any] | None = None
    ) -> Lease | None:
        self.folder(study)
        return self._leases(study).hold(what, holder, seconds, facts or {})

    def release(self, study: int, what: str, holder: str) -> None:
        self._leases(study).release(what, holder)

    def leases(self, study: int) -> list[Lease]:
        return self._leases(study).all()

    def _leases(self, study: int) -> LeaseFile:
        return LeaseFile(self._artifacts(study) / "leases")

    def close(self) -> None:
        with self._lock:
            for study in list(self._writing):
                self._end(study)
            self._connection.close()
            self._engine.dispose()

    def _tail(self, study: int) -> Path:
        return self._artifacts(study) / "events.log"

    def _artifacts(self, study: int) -> Path:
        return self.path.with_name(self.path.name + ".files") / str(study)

    # --- transactions ------------------------------------------------------------------------------

    def _back_up(self, version: int) -> None:
        """Copy the database as it was, once, beside it; a copy that was cut short has another name."""
        copy = self.path.with_name(f"{self.path.name}.version-{version}")
        if copy.exists():
            return
        draft = copy.with_name(copy.name + ".new")
        try:
            draft.unlink(missing_ok=True)
            os.close(os.open(draft, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(self.path)) as old, closing(sqlite3.connect(draft)) as new:
                old.backup(new)
            settled(draft)
            os.replace(draft, copy)
            settled(copy.parent)
        except OSError as error:
            raise cannot_write(copy, error, "Nothing was changed.") from error

    def _alone(self, connection: sa.Connection, study: int) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        self._known(connection, study)

    def _do(self, work: Callable[[sa.Connection], _T]) -> _T:
        with self._transaction() as connection:
            return work(connection)

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._lock, self._wrapped():
            if self._connection.closed:
                self._connection = self._engine.connect()
                self._set_up()
            with self._connection.begin():
                yield self._connection

    def _set_up(self) -> None:
        journal = "WAL" if wal_is_safe() else "TRUNCATE"
        for pragma in ("foreign_keys=ON", f"journal_mode={journal}", "synchronous=FULL"):
            self._pragma(pragma)

    def _pragma(self, text: str) -> None:
        raw = self._connection.connection.cursor()
        try:
            raw.execute(f"PRAGMA {text}")
        finally:
            raw.close()

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except sqlalchemy.exc.IntegrityError:
            raise
        except (sqlalchemy.exc.DBAPIError, sqlite3.Error) as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> StoreError:
        text = str(getattr(error, "orig", None) or error)
        hint = "Nothing that was stored before is lost."
        if "full" in text:
            return MediumError("the disk is full", where=str(self.path), hint=f"{GO_ON} {hint}")
        if "disk I/O" in text:
            text = "the disk is full, or damaged, or a file may not grow so large (see ulimit -f): disk I/O error"
            return MediumError(text, where=str(self.path), hint=f"{GO_ON} {hint}")
        if not self.path.exists():
            return StoreError("the file is gone: it was removed or moved while it was in use", where=str(self.path))
        if "readonly" in text:
            text, hint = "the store is read-only", "Check its permissions, or choose another store=. " + hint
        elif "not a database" in text:
            text, hint = "the file is not an SQLite database", "Choose another path with store=..."
        elif "malformed" in text:
            text, hint = "the database file is damaged", "Restore it from a copy; 'sqlite3 FILE .recover' may help."
        elif "locked" in text:
            text = f"another process kept the store locked for {_BUSY_SECONDS} s"
        return StoreError(text, where=str(self.path), hint=hint)


def _refuse_network(path: Path) -> None:
    kind = network_kind(path)
    if kind:
        raise StoreError(
            f"the file would be on a network file system ({kind}), where locks do not hold and studies are damaged",
            where=str(path),
            hint="Use a local disk, or PostgreSQL for several hosts: store='postgresql://user@host/database'.",
        )


@dataclass(slots=True)
class _Writing:
    """A study that this store writes: how many events it has, how many of them are in the database, and the others."""

    tail: Tail
    count: int = 0
    taken: int = 0
    pending: list[Line] = field(default_factory=list)

    def add(self, lines: Sequence[Line]) -> None:
        """Lines of the tail that are not in the database; those it has taken over already are passed over."""
        for line in lines:
            if line[0] == self.count:
                self.pending.append(line)
                self.count += 1
