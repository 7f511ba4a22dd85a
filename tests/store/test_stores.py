"""All stores keep every promise of the contract; SQLite keeps some more."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from modelwright.core import records as r
from modelwright.core.errors import StoreError
from modelwright.store import open_store
from modelwright.store.filesystem import network_kind
from modelwright.store.memory import MemoryStore
from modelwright.store.sqlite import SqliteStore
from modelwright.testing.store import StoreContract


class TestMemory(StoreContract):
    make = staticmethod(lambda folder: MemoryStore())
    volatile = True


class TestSqlite(StoreContract):
    make = staticmethod(lambda folder: SqliteStore(folder / "deep" / "studies.db"))


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "s.db"
    SqliteStore(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE modelwright_schema SET version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version.*schema 99.*Upgrade"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "s.db"
    path.write_bytes(b"a,b\n1,2\n" * 200)
    with pytest.raises(StoreError, match="not an SQLite database"):
        SqliteStore(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file.*store=':memory:'"):
        SqliteStore(tmp_path / "file" / "s.db")


def test_a_full_disk_is_said_and_what_was_stored_stays(tmp_path):
    """The file may not grow beyond a limit that the operating system enforces."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from modelwright.core import records as r
        from modelwright.core.errors import StoreError
        from modelwright.store.sqlite import SqliteStore
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = SqliteStore(sys.argv[1])
        study = store.create("a", {}, 0.0)
        store.append(study.id, [r.Started(number=0)], after=0, durable=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        count = 1
        try:
            while True:
                store.append(study.id, [r.Noted(kind="x", data={"t": "y" * 5000})], after=count, durable=True)
                count += 1
        except StoreError as error:
            print(count, str(error))
        """
    )
    path = tmp_path / "s.db"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120)
    count, message = done.stdout.split(" ", 1)
    assert "full" in message and "Free some space and run again" in message, done
    assert len(list(SqliteStore(path).load(1))) == int(count) > 3


def test_a_killed_writer_leaves_everything_it_had_appended(tmp_path):
    script = textwrap.dedent(
        """
        import sys
        from modelwright.core import records as r
        from modelwright.store.sqlite import SqliteStore
        store = SqliteStore(sys.argv[1])
        study = store.create("a", {}, 0.0)
        for i in range(100000):
            store.append(study.id, [r.Reported(number=0, step=i, metrics={"a": 1.0})], after=i)
            print(i, flush=True)
        """
    )
    path = tmp_path / "s.db"
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    last = -1
    for line in process.stdout:
        last = int(line)
        if last == 150:
            process.kill()
            break
    last = max([last, *(int(line) for line in process.stdout.read().split())])
    process.wait()
    kept = len(list(SqliteStore(path).load(1)))
    assert kept >= last + 1


def test_a_second_process_cannot_run_the_same_study_and_a_dead_one_does_not_block(tmp_path):
    script = textwrap.dedent(
        """
        import sys, time
        from modelwright.store.sqlite import SqliteStore
        store = SqliteStore(sys.argv[1])
        with store.writer(1):
            print("held", flush=True)
            time.sleep(60)
        """
    )
    store = SqliteStore(tmp_path / "s.db")
    store.create("a", {}, 0.0)
    process = subprocess.Popen([sys.executable, "-c", script, str(store.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(StoreError, match=f"by process {process.pid}"), store.writer(1):
        pass
    process.kill()
    process.wait()
    with store.writer(1):
        assert store.find("a") is not None


def test_a_reader_sees_a_study_while_it_is_written(tmp_path):
    writer, reader = SqliteStore(tmp_path / "s.db"), SqliteStore(tmp_path / "s.db")
    study = writer.create("a", {}, 0.0)
    for i in range(20):
        writer.append(study.id, [r.Started(number=i)], after=i)
        assert len(list(reader.load(study.id))) == i + 1


def test_the_database_is_private(tmp_path):
    mask = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "new" / "s.db")
        files = store.folder(store.create("a", {}, 0.0).id)
    finally:
        os.umask(mask)
    assert files.stat().st_mode & 0o077 == 0
    assert files.parent.stat().st_mode & 0o077 == 0
    assert store.path.stat().st_mode & 0o077 == 0
    assert store.path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("wrong", ["mysql://host/db", 7, object()])
def test_a_store_that_cannot_be_opened_is_named(wrong):
    with pytest.raises(StoreError, match="Allowed"):
        open_store(wrong)


def test_a_database_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE invoices (a)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="invoices"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_new_database_does_not_inherit_the_files_of_a_deleted_one(tmp_path):
    store = SqliteStore(tmp_path / "s.db")
    (store.folder(store.create("a", {}, 0.0).id) / "old").write_text("")
    store.close()
    store.path.unlink()
    store = SqliteStore(tmp_path / "s.db")
    assert list(store.folder(store.create("a", {}, 0.0).id).iterdir()) == []


MOUNTS = """22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/lab\\040share rw - nfs4 server:/lab rw,vers=4.2
31 30 8:2 / /mnt/lab\\040share/fast rw - xfs /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/x/s.db", ""), ("/mnt/lab share/s.db", "nfs4"), ("/mnt/lab share/fast/s.db", ""), ("/mnt/labs/s.db", "")],
)
def test_the_file_system_of_a_path_is_that_of_its_innermost_mount(path, kind):
    assert network_kind(Path(path), MOUNTS) == kind


def test_a_network_file_system_is_refused_and_postgresql_advised(tmp_path, monkeypatch):
    monkeypatch.setattr("modelwright.store.sqlite.network_kind", lambda path: "nfs4")
    with pytest.raises(StoreError, match=r"network file system \(nfs4\).*postgresql://"):
        SqliteStore(tmp_path / "s.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_file_that_is_removed_under_a_store_is_called_gone(tmp_path):
    store = SqliteStore(tmp_path / "s.db")
    (tmp_path / "s.db").unlink()
    with pytest.raises(StoreError, match="the file is gone"):
        store.create("a", {}, 0.0)
    store.close()


def test_an_address_that_lacks_a_slash_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="lacks a slash") as caught:
        open_store("postgresql:/ann:s3cret@host/db")
    assert "s3cret" not in str(caught.value) and not list(tmp_path.iterdir())
