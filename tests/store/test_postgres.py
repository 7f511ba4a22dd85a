"""A real PostgreSQL server: the contract, restarts in mid-study, members on several connections."""

import itertools
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from modelwright.core import records as r
from modelwright.core.errors import ConflictError, StoreError
from modelwright.store import open_store
from modelwright.store.postgres import PostgresStore
from modelwright.testing.store import StoreContract

_names = (f"test{i}" for i in itertools.count())


@pytest.fixture
def url(postgres, tmp_path):
    return f"{postgres.make(next(_names))}?files={tmp_path / 'files'}"


class TestPostgres(StoreContract):
    @pytest.fixture(autouse=True)
    def _database(self, url):
        self.make = lambda folder: PostgresStore(url)


def numbers(store):
    return [event.number for event, _ in store.load(1)]


def test_the_password_is_shown_nowhere(postgres):
    made = postgres.make(next(_names)).replace("tester@", "tester:s3cret@")
    store = PostgresStore(made)
    store.create("a", {}, 0.0)
    assert "s3cret" not in store.location
    with pytest.raises(StoreError) as error:
        store.create("a", {}, 0.0)
    assert "s3cret" not in str(error.value)


def test_a_server_that_is_not_there_is_named():
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/db.*cannot be used"):
        open_store("postgresql://somebody@127.0.0.1:1/db")


def test_a_database_of_something_else_is_left_alone(url):
    import sqlalchemy as sa

    engine = sa.create_engine(url.split("?")[0].replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE invoices (a integer)"))
    with pytest.raises(StoreError, match="invoices"):
        PostgresStore(url)
    assert sa.inspect(engine).get_table_names() == ["invoices"]
    engine.dispose()


def test_opened_by_many_at_once_it_is_set_up_once(url):
    opened, wrong = [], []

    def run():
        try:
            opened.append(PostgresStore(url))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong and len({id(s) for s in opened}) == 6
    opened[0].create("a", {}, 0.0)
    assert all(store.find("a") for store in opened)
    [store.close() for store in opened]


def test_a_restart_of_the_server_loses_and_doubles_nothing(postgres, url):
    store = PostgresStore(url)
    store.create("a", {}, 0.0)
    done, wrong = [], []

    def write():
        try:
            for i in range(300):
                store.append(1, [r.Started(number=i)], after=i, durable=True)
                done.append(i)
                time.sleep(0.005)
        except Exception as error:
            wrong.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        time.sleep(0.7)
        postgres.stop("immediate")
        time.sleep(0.2)
        postgres.start()
    writer.join()
    assert not wrong and numbers(store) == list(range(300))
    store.close()


def test_an_idle_connection_that_was_cut_is_made_again(postgres, url):
    store = PostgresStore(url)
    store.create("a", {}, 0.0)
    store.append(1, [r.Started(number=0)], after=0)
    postgres.stop("fast")
    postgres.start()
    store.append(1, [r.Started(number=1)], after=1)
    assert numbers(store) == [0, 1]
    store.close()


def test_processes_that_append_at_the_same_time_lose_and_mix_nothing(url):
    store = PostgresStore(url)
    store.create("a", {}, 0.0)
    script = textwrap.dedent(f"""
        import sys
        from modelwright.core import records as r
        from modelwright.core.errors import ConflictError
        from modelwright.store.postgres import PostgresStore
        store, me, known = PostgresStore({url!r}), int(sys.argv[1]), 0
        for i in range(60):
            while True:
                try:
                    store.append(1, [r.Started(number=i, worker=str(me))], after=known, durable=i % 20 == 0)
                    break
                except ConflictError:
                    known += len(list(store.load(1, after=known)))
            known += 1
        store.close()
    """)
    running = [subprocess.Popen([sys.executable, "-c", script, str(i)]) for i in range(3)]
    assert [process.wait(100) for process in running] == [0] * 3
    events = [event for event, _ in store.load(1)]
    assert len(events) == 180
    for me in range(3):
        assert [e.number for e in events if e.worker == str(me)] == list(range(60))
    with pytest.raises(ConflictError):
        store.append(1, [r.Started(number=0)], after=7)
    store.close()
