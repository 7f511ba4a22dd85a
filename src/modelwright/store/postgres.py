"""Studies in a PostgreSQL database, for members on several hosts.

Owns locks, leases by the database's clock, and what a lost connection means: a statement is tried again for a while,
and what may or may not have been written is looked up before it is written again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from getpass import getuser
from pathlib import Path
from random import SystemRandom
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc

from modelwright.core.codec import decode_event, dumps, loads
from modelwright.core.errors import MissingPackageError, StoreError
from modelwright.core.medium import cannot_write
from modelwright.core.records import Event
from modelwright.store import schema
from modelwright.store.base import Lease
from modelwright.store.sql import SqlStore, conflict, encoded

_T = TypeVar("_T")

#: A server that was restarted is waited for so long, in seconds.
_PATIENCE = 60.0
#: And so long when a store is opened: then a wrong address is more likely.
_AT_FIRST = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
#: Advisory locks of ours begin with this number, so that they meet nobody else's.
_SPACE = 0x4D57
#: Classes of SQLSTATE after which the same transaction may succeed: connection lost, deadlock or serialisation, no
#: room, the server is stopping or starting.
_PASSING = ("08", "40", "53", "57P")

#: Members that lost the server at the same instant do not come back at the same instant.
_jitter = SystemRandom()


class PostgresStore(SqlStore):
    """Studies in a database; trials' files lie in a folder of each host, or in one that all of them share.

    Args:
        url: ``postgresql://user:password@host/database``; with ``?files=/shared/folder`` trials' files are kept there,
            with ``?files=s3://bucket/folder`` checkpoints and models are; else all of them in
            ``./.modelwright/<database>.files``, and a trial that goes on at another host starts over.
        patience: seconds for which a server that is away is waited for.

    Raises:
        MissingPackageError: no driver is installed.
        StoreError: the database cannot be reached or used.
    """

    def __init__(self, url: str, *, patience: float = _PATIENCE):
        super().__init__()
        made = _parsed(url)
        files = made.query.get("files")
        made = made.difference_update_query(["files"])
        self.location = self._where = made.render_as_string(hide_password=True)
        self.patience = patience
        #: Study -> the lock of the members that use this store, and how many they are.
        self._members: dict[int, tuple[ExitStack, int]] = {}
        default = Path(".modelwright") / f"{made.database or 'studies'}.files"
        if files and "://" in str(files):
            self.place, files = str(files).rstrip("/"), None
        self._files = Path(str(files)).expanduser() if files else default.absolute()
        # A connection for each thread that works at the same time: the loop, its heartbeat, its lock.
        self._engine = sa.create_engine(made, pool_size=4, max_overflow=4, pool_timeout=30, pool_pre_ping=False)
        self._again(self._set_up, min(patience, _AT_FIRST))

    # --- events ------------------------------------------------------------------------------------

    def load(self, study: int, after: int = 0) -> Iterator[tuple[Event, float]]:
        lines = self._again(lambda connection: self._stored(connection, study, after))
        return ((decode_event(kind, body), at) for _, at, kind, body in lines)

    def append(
        self, study: int, events: Sequence[Event], *, after: int, at: float = 0.0, durable: bool = False
    ) -> None:
        lines = encoded(events, after, at)
        tries = 0

        def write(connection: sa.Connection) -> None:
            nonlocal tries
            tries += 1
            if not durable:
                connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
            # Writers of one study come one after another; each sees what the others did.
            locked = connection.execute(_LOCKED, {"study": study}).first()
            if locked is None:
                raise StoreError("the study is gone: it was deleted", where=self.location)
            if self._count(connection, study) != after:
                # A connection that broke while it committed: were these very lines written after all?
                if tries > 1 and self._stored(connection, study, after)[: len(lines)] == lines:
                    return
                raise conflict(self.location, after)
            self._insert(connection, study, lines)

        self._again(write)

    def delete(self, study: int) -> None:
        import shutil

        self._remove(study)
        shutil.rmtree(self._files / str(study), ignore_errors=True)

    # --- files, locks, leases ----------------------------------------------------------------------

    def folder(self, study: int) -> Path:
        path = self._files / str(study)
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path

    @contextmanager
    def writer(self, study: int) -> Iterator[None]:
        with self._locked(study, "pg_try_advisory_lock"):
            yield

    @contextmanager
    def member(self, study: int) -> Iterator[None]:
        """All members that use this store share one connection for their lock."""
        with self._lock:
            if study not in self._members:
                held = ExitStack()
                held.enter_context(self._locked(study, "pg_try_advisory_lock_shared"))
                self._members[study] = (held, 0)
            held, count = self._members[study]
            self._members[study] = (held, count + 1)
        try:
            yield
        finally:
            with self._lock:
                held, count = self._members.pop(study)
                if count > 1:
                    self._members[study] = (held, count - 1)
                else:
                    held.close()

    @contextmanager
    def _locked(self, study: int, function: str) -> Iterator[None]:
        """Hold an advisory lock on a connection of its own. With the server it ends; ``append`` still guards."""

        def take(connection: sa.Connection) -> bool:
            self._known(connection, study)
            return bool(connection.execute(sa.text(f"SELECT {function}({_SPACE}, {int(study)})")).scalar())

        holding = self._again(lambda _: self._engine.connect())
        try:
            holding = holding.execution_options(isolation_level="AUTOCOMMIT")
            with self._explained():
                got = take(holding)
            if not got:
                raise StoreError(
                    "the study is being run already, by another process",
                    where=self.location,
                    hint="Wait for it, stop it, or use another name=.",
                )
            yield
        finally:
            with suppress(sqlalchemy.exc.DBAPIError):
                holding.invalidate()  # the lock goes with its connection
            holding.close()

    def hold(
        self, study: int, what: str, holder: str, seconds: float, facts: Mapping[str, Any] | None = None
    ) -> Lease | None:
        table = schema.leases
        new = {"study": study, "what": what, "holder": holder, "token": 1, "facts": dumps(dict(facts or {}))}

        def take(connection: sa.Connection) -> int | None:
            from sqlalchemy.dialects.postgresql import insert

            until = _NOW + seconds
            passes = sa.case((table.c.holder == holder, table.c.token), else_=table.c.token + 1)
            free = sa.or_(table.c.holder == holder, table.c.holder == "", table.c.until <= _NOW)
            made = insert(table).values(**new, until=until)
            made = made.on_conflict_do_update(
                index_elements=[table.c.study, table.c.what],
                set_={"holder": holder, "token": passes, "until": until, "facts": new["facts"]},
                where=free,
            )
            return connection.execute(made.returning(table.c.token)).scalar()

        try:
            token = self._again(take)
        except sqlalchemy.exc.IntegrityError:
            raise StoreError("the study is gone: it was deleted", where=self.location) from None
        if token is None:
            return None
        return Lease(what=what, holder=holder, token=token, left=seconds, facts=facts or {})

    def release(self, study: int, what: str, holder: str) -> None:
        table = schema.leases
        mine = sa.and_(table.c.study == study, table.c.what == what, table.c.holder == holder)
        done = sa.delete(table) if what == holder else sa.update(table).values(holder="", until=0.0, facts="{}")
        self._again(lambda connection: connection.execute(done.where(mine)))

    def leases(self, study: int) -> list[Lease]:
        table = schema.leases
        query = sa.select(table, (table.c.until - _NOW).label("left"))
        query = query.where(table.c.study == study, table.c.holder != "")
        rows = self._again(lambda connection: connection.execute(query).all())
        return [Lease(what=r.what, holder=r.holder, token=r.token, left=r.left, facts=loads(r.facts)) for r in rows]

    def close(self) -> None:
        self._engine.dispose()

    # --- transactions ------------------------------------------------------------------------------

    def _set_up(self, connection: sa.Connection) -> None:
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_SPACE}, 0)"))  # two may open a new database at once
        ours = {table.name for table in (schema.version, schema.studies, schema.events, schema.leases, schema.kept)}
        others = set(sa.inspect(connection).get_table_names()) - ours
        if others and not sa.inspect(connection).has_table(schema.version.name):
            raise StoreError(
                f"the database holds something else ({', '.join(sorted(others)[:3])})",
                where=self._where,
                hint="Make one of its own (createdb modelwright). Nothing was changed.",
            )
        self._migrate(connection)

    def _alone(self, connection: sa.Connection, study: int) -> None:
        if connection.execute(_LOCKED, {"study": study}).first() is None:
            raise StoreError("the study is gone: it was deleted", where=self.location)

    def _do(self, work: Callable[[sa.Connection], _T]) -> _T:
        return self._again(work)

    def _again(self, work: Callable[[sa.Connection], _T], patience: float | None = None) -> _T:
        """``work`` in a transaction; after what passes (a restart, a deadlock) in another one, for a while."""
        patience = self.patience if patience is None else patience
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except sqlalchemy.exc.IntegrityError:
                raise
            except (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError, OSError) as error:
                if not _passes(error) or time.monotonic() - began > patience:
                    raise self._explain(error) from error
                if isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated:
                    self._engine.dispose()
            time.sleep(pause * _jitter.uniform(0.5, 1.5))
            pause = min(2 * pause, _LONGEST_PAUSE)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlalchemy.exc.IntegrityError:
            raise
        except (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError, OSError) as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> StoreError:
        text = _text(error)
        hint = "Nothing that was stored before is lost. Is the server running, and may this user use the database?"
        return StoreError(f"the database cannot be used: {text}", where=self.location, hint=hint)


def _parsed(url: str) -> sa.URL:
    try:
        made = sa.make_url(url)
    except sqlalchemy.exc.ArgumentError:
        shown = url.split("://")[0]
        raise StoreError(
            f"{shown}://... is no address", where="store", allowed="postgresql://user:password@host:5432/database"
        ) from None
    if made.drivername in ("postgres", "postgresql"):
        made = made.set(drivername="postgresql+pg8000", username=made.username or os.environ.get("PGUSER") or getuser())
        try:
            import pg8000  # noqa: F401
        except ImportError:
            raise MissingPackageError(
                "PostgreSQL needs a driver", where="store", hint="pip install 'modelwright[postgres]'"
            ) from None
    return made


def _state(error: Exception) -> str:
    """SQLSTATE of what the server said; "" when it said nothing."""
    found = getattr(error, "orig", None)
    code = getattr(found, "sqlstate", None) or getattr(found, "pgcode", None)
    if code is None and found is not None and found.args and isinstance(found.args[0], dict):
        code = found.args[0].get("C")
    return str(code or "")


def _text(error: Exception) -> str:
    found = getattr(error, "orig", None) or error
    if found.args and isinstance(found.args[0], dict):
        return str(found.args[0].get("M", found))
    return str(found)


def _passes(error: Exception) -> bool:
    """Whether the same may succeed a little later."""
    code = _state(error)
    if code:
        return code.startswith(_PASSING)
    return True  # no word from the server: the connection broke, or could not be made


#: Seconds since 1970 by the database's clock, the same for every host that asks.
_NOW = sa.func.extract("epoch", sa.func.clock_timestamp()).cast(sa.Float)
_LOCKED = sa.select(schema.studies.c.id).where(schema.studies.c.id == sa.bindparam("study")).with_for_update()
