"""Many at once: processes on one SQLite file, 64 members on one PostgreSQL, and what the server then says."""

import itertools
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.errors import ConflictError, StoreError
from modelwright.store import sqlite
from modelwright.store.postgres import PostgresStore

_names = (f"many{i}" for i in itertools.count())


@pytest.fixture
def url(postgres, tmp_path):
    return f"{postgres.make(next(_names))}?files={tmp_path / 'files'}"


def engine(url):
    driver = url.split("?")[0].replace("postgresql:", "postgresql+pg8000:")
    return sa.create_engine(driver, isolation_level="AUTOCOMMIT")


def joined(place, processes, trials):
    script = textwrap.dedent(
        """
        import sys
        import modelwright as mw
        def f(hp, trial):
            x = hp.Float("x", 0.0, 1.0)
            for step in range(1, 6):
                trial.report(step, x / step)
        options = {"objective": "minimize", "strategy": "random", "name": "s", "verbose": 0}
        mw.tune(f, trials=int(sys.argv[2]), store=sys.argv[1], **options)
        """
    )
    command = [sys.executable, "-c", script, place, str(trials)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(processes)]
    for process in running:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0 and "locked" not in told, told
    store = mw.load_study("s", place)._store
    events = [event for event, _ in store.load(1)]
    assert [e.number for e in events if isinstance(e, r.Proposed)] == list(range(trials)), "I2, I4"
    ended = [e.number for e in events if isinstance(e, r.Finished)]
    assert sorted(ended) == list(range(trials)), "I3"
    return events


def test_processes_that_join_by_the_same_call_share_the_trials(tmp_path):
    joined(str(tmp_path / "s.db"), 3, 60)


@pytest.mark.faults
@pytest.mark.parametrize("processes", [8, 16])
def test_many_processes_on_one_file_see_no_lock_error(tmp_path, processes):
    workers = {e.worker for e in joined(str(tmp_path / "s.db"), processes, 600) if isinstance(e, r.Started)}
    assert len(workers) > processes // 2


def test_many_processes_on_one_server(url):
    joined(url, 2, 20)


@pytest.mark.faults
def test_64_members_use_few_connections_and_lose_nothing(url):
    stores = [PostgresStore(url) for _ in range(4)]
    stores[0].create("a", {}, 0.0)
    most, done = [0], threading.Event()

    def watch():
        with engine(url).connect() as connection:
            count = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            while not done.wait(0.05):
                most[0] = max(most[0], connection.execute(count).scalar())

    def work(me):
        store, known = stores[me % 4], 0
        with store.member(1):
            for i in range(6):
                while True:
                    try:
                        store.append(1, [r.Started(number=i, worker=str(me))], after=known, durable=i % 3 == 2)
                        known += 1
                        break
                    except ConflictError:
                        known += sum(1 for _ in store.load(1, after=known))

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))
    done.set()
    watching.join()
    events = [event for event, _ in stores[0].load(1)]
    assert all([e.number for e in events if e.worker == str(me)] == list(range(6)) for me in range(64))
    assert len(events) == 64 * 6
    assert most[0] <= 4 * 9 + 1, "each store has eight connections at most, and one for its lock"
    [store.close() for store in stores]


def test_members_of_one_store_share_a_lock_that_ends_with_the_last(url):
    one, other = PostgresStore(url), PostgresStore(url)
    one.create("a", {}, 0.0)
    with one.member(1):
        with one.member(1):
            pass
        with pytest.raises(StoreError, match="being run"), other.writer(1):
            pass
    with other.writer(1):
        pass
    one.close(), other.close()


def test_connections_that_the_server_ends_are_made_again(url):
    store = PostgresStore(url)
    store.create("a", {}, 0.0)
    with engine(url).connect() as connection:
        for i in range(5):
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            store.append(1, [r.Started(number=i)], after=i, durable=True)
    assert [event.number for event, _ in store.load(1)] == list(range(5))
    store.close()


def test_a_server_without_room_is_waited_for_and_then_said(url):
    database = url.split("?")[0].rpartition("/")[2]
    store = PostgresStore(url, patience=1.0)
    store.create("a", {}, 0.0)
    store.close()
    with engine(url).connect() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {database} CONNECTION LIMIT 0"))
        # A superuser is let in all the same: what counts is somebody who is none.
        connection.execute(sa.text("DROP ROLE IF EXISTS plain"))
        connection.execute(sa.text("CREATE ROLE plain LOGIN"))
        began = time.monotonic()
        with pytest.raises(StoreError, match="cannot be used.*too many connections"):
            PostgresStore(url.replace("tester@", "plain@"), patience=1.0)
        assert time.monotonic() - began < 20
        connection.execute(sa.text(f"ALTER DATABASE {database} CONNECTION LIMIT -1"))


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_deadlocks_and_serialisation_failures_are_tried_again(url, code):
    """The server says so twice, as it does to one of two transactions that are in each other's way."""
    store = PostgresStore(url)
    store.create("a", {}, 0.0)
    with engine(url).connect() as connection:
        for text in (
            "CREATE SEQUENCE met",
            f"""CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('met') <= 2 THEN RAISE EXCEPTION 'in each other''s way' USING ERRCODE = '{code}'; END IF;
            RETURN NEW; END $$""",
            "CREATE TRIGGER twice BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION twice()",
        ):
            connection.execute(sa.text(text))
        store.append(1, [r.Started(number=0)], after=0, durable=True)
        assert connection.execute(sa.text("SELECT last_value FROM met")).scalar() == 3
    assert [event.number for event, _ in store.load(1)] == [0]
    store.close()


def journal_mode(path):
    store = sqlite.SqliteStore(path)
    with store._transaction() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    store.close()
    return mode, level


def test_the_journal_mode_goes_by_the_version_and_changes_with_it(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    for safe, mode in ((False, "truncate"), (True, "wal"), (False, "truncate")):
        monkeypatch.setattr(sqlite, "wal_is_safe", lambda safe=safe: safe)
        assert journal_mode(path) == (mode, 2), "synchronous is FULL in both"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
@pytest.mark.parametrize("harm", ["folder", "file"])
def test_a_store_that_may_not_be_written_is_named(tmp_path, harm):
    path = tmp_path / "own" / "s.db"
    sqlite.SqliteStore(path).close()
    path.parent.chmod(0o700 if harm == "folder" else 0o755)
    path.chmod(0o444)
    script = textwrap.dedent(
        """
        import os, sys
        import modelwright as mw
        from modelwright.store.base import open_store
        from modelwright.store.sqlite import SqliteStore
        from modelwright.core.errors import StoreError
        SqliteStore(sys.argv[2]).close()  # all that is imported when it is needed is there now
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
        try:
            open_store(sys.argv[1]).create("a", {}, 0.0)
        except StoreError as error:
            print(error)
        """
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.name.startswith(("test_", "pytest-")):
            folder.chmod(0o755)
    command = [sys.executable, "-c", script, str(path), str(tmp_path / "other.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert str(path) in done.stdout and "Traceback" not in done.stderr, done
