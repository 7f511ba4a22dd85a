"""Studies in an SQLite file, through SQLAlchemy Core.

Owns transactions, durability and the file lock of a running study. One connection, guarded by a lock. New events go
to a file beside the database first (see ``tail``) and are taken over in bulk.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.pool import StaticPool

from modelwright.core.codec import decode_event, dumps, encode_event, loads
from modelwright.core.errors import MediumError, ModelwrightError, StoreError
from modelwright.core.medium import GO_ON, cannot_write
from modelwright.core.records import Event
from modelwright.core.wording import counted
from modelwright.store import schema
from modelwright.store.base import Store, StudyRecord
from modelwright.store.tail import Line, Tail

_BUSY_SECONDS = 30
#: Events a tail may hold before the database takes them over.
_BULK = 512


def wal_is_safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite has the fix of the WAL-reset bug (3.7.0 to 3.51.2, mended in 3.51.3 and two backports).

    >>> wal_is_safe((3, 40, 1)), wal_is_safe((3, 51, 3)), wal_is_safe((3, 44, 6)), wal_is_safe((3, 50, 4))
    (False, True, True, False)
    """
    return version >= (3, 51, 3) or (3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0)


class SqliteStore(Store):
    """Studies in one file; trials' files lie in the folder ``<path>.files`` beside it.

    Args:
        path: the database file; it and its folder are made, private to the user, when absent.

    Raises:
        StoreError: the file cannot be opened, is no database, or was written by a newer version.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser().absolute()
        self.location = str(path)
        self._lock = threading.RLock()
        self._writing: dict[int, _Writing] = {}
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
            self._migrate()

    # --- reading -----------------------------------------------------------------------------------

    def find(self, name: str) -> StudyRecord | None:
        found = self._records(sa.select(schema.studies).where(schema.studies.c.name == name))
        return found[0] if found else None

    def studies(self) -> list[StudyRecord]:
        return self._records(sa.select(schema.studies).order_by(schema.studies.c.id))

    def load(self, study: int, after: int = 0) -> Iterator[tuple[Event, float]]:
        newest = Tail.read(self._tail(study))  # first: what moves to the database meanwhile is found there
        table = schema.events
        query = sa.select(table.c.kind, table.c.body, table.c.at, table.c.seq)
        with self._transaction() as connection:
            self._known(connection, study)
            rows = connection.execute(query.where(table.c.study == study, table.c.seq >= after).order_by(table.c.seq))
            found = [(kind, body, at) for kind, body, at, _ in rows.all()]
        for number, at, kind, body in newest:
            if number == after + len(found):
                found.append((kind, body, at))
        return ((decode_event(kind, body), at) for kind, body, at in found)

    def _records(self, query: sa.Select) -> list[StudyRecord]:
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        return [StudyRecord(id=r.id, name=r.name, created=r.created, definition=loads(r.definition)) for r in rows]

    # --- writing -----------------------------------------------------------------------------------

    def create(self, name: str, definition: Mapping[str, Any], created: float) -> StudyRecord:
        body = dumps(dict(definition))
        try:
            with self._transaction() as connection:
                made = connection.execute(
                    sa.insert(schema.studies).values(name=name, created=created, definition=body)
                ).inserted_primary_key
        except sqlalchemy.exc.IntegrityError:
            raise StoreError(f"a study named {name!r} exists already", where=self.location) from None
        assert made is not None
        shutil.rmtree(self._artifacts(made[0]), ignore_errors=True)  # left by a database that was here before
        return StudyRecord(id=made[0], name=name, created=created, definition=dict(definition))

    def redefine(self, study: int, definition: Mapping[str, Any]) -> None:
        with self._transaction() as connection:
            self._known(connection, study)
            connection.execute(
                sa.update(schema.studies).where(schema.studies.c.id == study).values(definition=dumps(dict(definition)))
            )

    def append(
        self, study: int, events: Sequence[Event], *, after: int, at: float = 0.0, durable: bool = False
    ) -> None:
        lines: list[Line] = []
        for i, event in enumerate(events):
            kind, body = encode_event(event)
            lines.append((after + i, at, kind, body))
        with self._lock:
            writing = self._writing.get(study) or self._begin(study)
            if writing.count != after or not writing.tail.path.exists():
                with self._transaction() as connection:
                    self._known(connection, study)
                raise _conflict(self.location, after)
            writing.tail.append(lines, durable=durable)
            writing.pending += lines
            writing.count += len(lines)
            if len(writing.pending) >= _BULK:
                self._take_over(study, writing)

    def _begin(self, study: int) -> _Writing:
        """Open a study for writing: what an earlier process left in its tail is taken over first."""
        with self._transaction() as connection:
            self._known(connection, study)
            last = connection.execute(_LAST, {"study": study}).scalar()
        self.folder(study)
        writing = _Writing(Tail(self._tail(study)), 0 if last is None else last + 1)
        for line in writing.tail.open():
            if line[0] == writing.count:
                writing.pending.append(line)
                writing.count += 1
        self._take_over(study, writing)
        self._writing[study] = writing
        return writing

    def _take_over(self, study: int, writing: _Writing) -> None:
        """Move the tail into the database; a crash on the way leaves lines that are skipped when they are read."""
        if writing.pending:
            rows = [{"study": study, "seq": n, "at": at, "kind": k, "body": b} for n, at, k, b in writing.pending]
            try:
                with self._transaction() as connection:
                    connection.execute(_INSERT, rows)
            except sqlalchemy.exc.IntegrityError:
                with self._transaction() as connection:
                    self._known(connection, study)
                raise _conflict(self.location, writing.pending[0][0]) from None
        writing.tail.clear()
        writing.pending = []

    def _end(self, study: int) -> None:
        writing = self._writing.pop(study, None)
        if writing is not None:
            try:
                self._take_over(study, writing)
            finally:
                writing.tail.close()

    def delete(self, study: int) -> None:
        if study in self._writing:
            self._writing.pop(study).tail.close()
        with self._transaction() as connection:
            self._known(connection, study)
            connection.execute(sa.delete(schema.events).where(schema.events.c.study == study))
            connection.execute(sa.delete(schema.studies).where(schema.studies.c.id == study))
        shutil.rmtree(self._artifacts(study), ignore_errors=True)

    # --- files, locks ------------------------------------------------------------------------------

    def folder(self, study: int) -> Path:
        path = self._artifacts(study)
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path

    @contextmanager
    def writer(self, study: int) -> Iterator[None]:
        path = self.folder(study) / "lock"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                raise StoreError(
                    f"the study is being run already, by process {owner}",
                    where=self.location,
                    hint="Wait for it, stop it, or use another name=.",
                ) from None
            os.ftruncate(descriptor, 0)
            with suppress(OSError):  # on a full disk: it only tells others who holds the lock
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
            with self._lock:
                self._end(study)
        finally:
            os.close(descriptor)

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
        if "readonly" in text:
            text, hint = "the store is read-only", "Check its permissions, or choose another store=. " + hint
        elif "not a database" in text:
            text, hint = "the file is not an SQLite database", "Choose another path with store=..."
        elif "malformed" in text:
            text, hint = "the database file is damaged", "Restore it from a copy; 'sqlite3 FILE .recover' may help."
        elif "locked" in text:
            text = f"another process kept the store locked for {_BUSY_SECONDS} s"
        return StoreError(text, where=str(self.path), hint=hint)

    def _migrate(self) -> None:
        newest = len(schema.MIGRATIONS)
        with self._connection.begin():
            found = 0
            tables = sa.inspect(self._connection).get_table_names()
            if tables and schema.version.name not in tables:
                raise StoreError(
                    f"the file is a database of something else (it holds {', '.join(sorted(tables)[:3])})",
                    where=str(self.path),
                    hint="Choose another path with store=... Nothing was changed.",
                )
            if tables:
                found = self._connection.execute(sa.select(schema.version.c.version)).scalar() or 0
            if found > newest:
                raise StoreError(
                    f"the store was written by a newer version of Modelwright (schema {found}, known {newest})",
                    where=str(self.path),
                    hint="Upgrade: pip install -U modelwright. Nothing was changed.",
                )
            for step in schema.MIGRATIONS[found:]:
                step(self._connection)
            if found < newest:
                self._connection.execute(sa.delete(schema.version))
                self._connection.execute(sa.insert(schema.version).values(version=newest))

    def _known(self, connection: sa.Connection, study: int) -> None:
        if connection.execute(sa.select(schema.studies.c.id).where(schema.studies.c.id == study)).first() is None:
            raise StoreError("the study is gone: it was deleted", where=self.location)


@dataclass(slots=True)
class _Writing:
    """A study that this store writes: how many events it has, and those the database lacks."""

    tail: Tail
    count: int
    pending: list[Line] = field(default_factory=list)


_LAST = sa.select(sa.func.max(schema.events.c.seq)).where(schema.events.c.study == sa.bindparam("study"))
_INSERT = sa.insert(schema.events)


def _conflict(location: str, after: int) -> ModelwrightError:
    return StoreError(
        f"the study does not hold the {counted(after, 'event')} that this process knows",
        where=location,
        hint="Another process wrote it: load the study again.",
    )
