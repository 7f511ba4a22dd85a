"""Studies in a database, through SQLAlchemy Core: tables, transactions, migrations, records.

What differs between databases (how events are appended, locks, leases, what an error means) is in the file of each.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc

from modelwright.core.codec import dumps, encode_event, loads
from modelwright.core.errors import ConflictError, StoreError
from modelwright.core.records import Event
from modelwright.core.wording import counted
from modelwright.store import schema
from modelwright.store.base import Store, StudyRecord

_T = TypeVar("_T")

#: (number in the study, time, kind, body): an event as text.
Line = tuple[int, float, str, str]


class SqlStore(Store):
    """What the stores in databases share. ``_do`` gives a connection, and explains what goes wrong."""

    #: How an error names the store.
    _where: str = ""
    keeps = True

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @abstractmethod
    def _do(self, work: Callable[[sa.Connection], _T]) -> _T:
        """``work`` with a connection, in a transaction of its own; where that may pass, again after an error."""

    def find(self, name: str) -> StudyRecord | None:
        found = self._records(sa.select(schema.studies).where(schema.studies.c.name == name))
        return found[0] if found else None

    def studies(self) -> list[StudyRecord]:
        return self._records(sa.select(schema.studies).order_by(schema.studies.c.id))

    def _records(self, query: sa.Select) -> list[StudyRecord]:
        rows = self._do(lambda connection: connection.execute(query).all())
        return [StudyRecord(id=r.id, name=r.name, created=r.created, definition=loads(r.definition)) for r in rows]

    def create(self, name: str, definition: Mapping[str, Any], created: float) -> StudyRecord:
        row = {"name": name, "created": created, "definition": dumps(dict(definition))}
        tries: list[int] = []

        def insert(connection: sa.Connection) -> int:
            tries.append(1)
            made = connection.execute(sa.insert(schema.studies).values(row)).inserted_primary_key
            assert made is not None
            return made[0]

        try:
            number = self._do(insert)
        except sqlalchemy.exc.IntegrityError:
            found = self.find(name)
            # A connection that broke while it committed: was it this very study that was made?
            if found is None or len(tries) < 2 or found.created != created:
                raise StoreError(f"a study named {name!r} exists already", where=self.location) from None
            number = found.id
        return StudyRecord(id=number, name=name, created=created, definition=dict(definition))

    def redefine(self, study: int, definition: Mapping[str, Any]) -> None:
        changed = sa.update(schema.studies).where(schema.studies.c.id == study)

        def change(connection: sa.Connection) -> None:
            self._known(connection, study)
            connection.execute(changed.values(definition=dumps(dict(definition))))

        self._do(change)

    def keep(self, study: int, form: str, parts: Mapping[str, str], *, count: int, since: int) -> bool:
        table = schema.kept
        rows = [{"study": study, "form": form, "name": n, "count": count, "body": body} for n, body in parts.items()]

        def write(connection: sa.Connection) -> bool:
            self._alone(connection, study)
            if (connection.execute(_KEPT_COUNT, {"study": study, "form": form}).scalar() or 0) != since:
                return False
            mine = sa.and_(table.c.study == study, table.c.form == form, table.c.name == sa.bindparam("old"))
            connection.execute(sa.delete(table).where(mine), [{"old": name} for name in parts])
            connection.execute(sa.insert(table), rows)
            return True

        return self._do(write)

    def kept_count(self, study: int, form: str) -> int:
        return self._do(lambda c: c.execute(_KEPT_COUNT, {"study": study, "form": form}).scalar()) or 0

    def kept(self, study: int, form: str, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
        table = schema.kept
        query = sa.select(table.c.name, table.c.body).where(table.c.study == study, table.c.form == form)
        if names is not None:
            query = query.where(table.c.name.in_(list(names)))
        return [(name, body) for name, body in self._do(lambda connection: connection.execute(query).all())]

    def forget(self, study: int) -> None:
        self._do(lambda connection: connection.execute(sa.delete(schema.kept).where(schema.kept.c.study == study)))

    @abstractmethod
    def _alone(self, connection: sa.Connection, study: int) -> None:
        """Within a transaction: until it ends, nobody else keeps anything for the study."""

    def _stored(self, connection: sa.Connection, study: int, after: int) -> list[Line]:
        """The events in the database behind the first ``after``."""
        self._known(connection, study)
        table = schema.events
        query = sa.select(table.c.seq, table.c.at, table.c.kind, table.c.body)
        rows = connection.execute(query.where(table.c.study == study, table.c.seq >= after).order_by(table.c.seq))
        return [(seq, at, kind, body) for seq, at, kind, body in rows]

    def _count(self, connection: sa.Connection, study: int) -> int:
        """Events in the database."""
        last = connection.execute(_LAST, {"study": study}).scalar()
        return 0 if last is None else last + 1

    def _insert(self, connection: sa.Connection, study: int, lines: Sequence[Line]) -> None:
        rows = [{"study": study, "seq": n, "at": at, "kind": kind, "body": body} for n, at, kind, body in lines]
        connection.execute(_INSERT, rows)

    def _remove(self, study: int) -> None:
        def remove(connection: sa.Connection) -> None:
            self._known(connection, study)
            for table in (schema.events, schema.leases, schema.kept):
                connection.execute(sa.delete(table).where(table.c.study == study))
            connection.execute(sa.delete(schema.studies).where(schema.studies.c.id == study))

        self._do(remove)

    def _known(self, connection: sa.Connection, study: int) -> None:
        if connection.execute(sa.select(schema.studies.c.id).where(schema.studies.c.id == study)).first() is None:
            raise StoreError("the study is gone: it was deleted", where=self.location)

    def _migrate(self, connection: sa.Connection) -> None:
        """Bring the tables to this version; refuse what is newer, or somebody else's."""
        newest, found = len(schema.MIGRATIONS), 0
        tables = sa.inspect(connection).get_table_names()
        if tables and schema.version.name not in tables:
            raise StoreError(
                f"the database holds something else ({', '.join(sorted(tables)[:3])})",
                where=self._where,
                hint="Choose another place with store=... Nothing was changed.",
            )
        if tables:
            found = connection.execute(sa.select(schema.version.c.version)).scalar() or 0
        if found > newest:
            raise StoreError(
                f"the store was written by a newer version of Modelwright (schema {found}, known {newest})",
                where=self._where,
                hint="Upgrade: pip install -U modelwright. Nothing was changed.",
            )
        if 0 < found < newest:
            self._back_up(found)
        for step in schema.MIGRATIONS[found:]:
            step(connection)
        if found < newest:
            connection.execute(sa.delete(schema.version))
            connection.execute(sa.insert(schema.version).values(version=newest))

    def _back_up(self, version: int) -> None:
        """Called in the transaction that is about to change the tables of an older ``version``.

        Where there is nothing to copy, the transaction alone sees to it that all steps are taken, or none.
        """
        return


def encoded(events: Sequence[Event], after: int, at: float) -> list[Line]:
    """Events as lines, numbered from ``after``."""
    return [(after + i, at, *encode_event(event)) for i, event in enumerate(events)]


def conflict(location: str, after: int) -> ConflictError:
    return ConflictError(
        f"the study does not hold the {counted(after, 'event')} that this process knows",
        where=location,
        hint="Another process wrote it: load the study again. Or its files were removed or replaced.",
    )


_LAST = sa.select(sa.func.max(schema.events.c.seq)).where(schema.events.c.study == sa.bindparam("study"))
_INSERT = sa.insert(schema.events)
_KEPT_COUNT = sa.select(schema.kept.c.count).where(
    schema.kept.c.study == sa.bindparam("study"),
    schema.kept.c.form == sa.bindparam("form"),
    schema.kept.c.name == "head",
)
