"""An older store is brought up to date: after a copy, all steps or none, whenever the process is killed."""

import shutil
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from kept_version import lay_out

from modelwright.core.errors import StoreError
from modelwright.store import schema
from modelwright.store.sqlite import SqliteStore

NEWEST = len(schema.MIGRATIONS)
#: Ends the process by SIGKILL at the n-th of the moments that may matter while an old store is opened.
_KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from modelwright.store import schema, sqlite, sql
    at, met = int(sys.argv[2]), [0]

    def may_die():
        met[0] += 1
        if met[0] > at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function):
        def called(*args, **kwargs):
            may_die()
            found = function(*args, **kwargs)
            may_die()
            return found
        return called

    schema.MIGRATIONS = tuple(around(step) for step in schema.MIGRATIONS)
    os.replace, sqlite.settled, sqlite.SqliteStore._back_up = map(
        around, (os.replace, sqlite.settled, sqlite.SqliteStore._back_up)
    )
    sqlite.SqliteStore(sys.argv[1])
    may_die()
    """
)


def version(path):
    raw = sqlite3.connect(path)
    try:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return raw.execute("SELECT version FROM modelwright_schema").fetchone()[0]
    finally:
        raw.close()


def contents(path):
    store = SqliteStore(path)
    found = {record.name: [repr(pair) for pair in store.load(record.id)] for record in store.studies()}
    store.close()
    return found


@pytest.mark.parametrize("old", range(1, NEWEST))
def test_killed_at_any_step_it_is_of_the_old_version_or_of_the_new_and_opens_again(tmp_path, old):
    (tmp_path / "whole").mkdir()
    expected = contents(lay_out(old, tmp_path / "whole"))
    at, ended, seen = 0, -9, set()
    while ended == -9:
        folder = tmp_path / str(at)
        folder.mkdir()
        path = lay_out(old, folder)
        ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), str(at)], timeout=60).returncode
        found = version(path)
        seen.add(found)
        assert found in (old, NEWEST), f"killed at moment {at}"
        copy = path.with_name(f"s.db.version-{old}")
        assert found == old or copy.exists(), "changed without a copy"
        assert not copy.exists() or version(copy) == old
        assert contents(path) == expected
        assert version(path) == NEWEST
        shutil.rmtree(folder)
        at += 1
    assert ended == 0 and seen == {old, NEWEST} and at > 2 * (NEWEST - old) + 4


def test_the_copy_is_the_store_as_it_was_and_private(tmp_path):
    path = lay_out(1, tmp_path)
    before = sqlite3.connect(path)
    said = list(before.iterdump())
    before.close()
    SqliteStore(path).close()
    copy = tmp_path / "s.db.version-1"
    again = sqlite3.connect(copy)
    assert list(again.iterdump()) == said
    again.close()
    assert copy.stat().st_mode & 0o077 == 0
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".new")]


def test_a_new_store_needs_no_copy(tmp_path):
    SqliteStore(tmp_path / "s.db").close()
    assert not list(tmp_path.glob("*version*"))


def test_where_no_copy_can_be_made_nothing_is_changed(tmp_path):
    path = lay_out(1, tmp_path)
    (tmp_path / "s.db.version-1.new").mkdir()
    with pytest.raises(StoreError, match=r"s\.db\.version-1"):
        SqliteStore(path)
    assert version(path) == 1
