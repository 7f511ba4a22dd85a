"""Examines the files of an SQLite store: the database itself, and the newest events beside it. Changes nothing."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from modelwright.core.finding import Finding
from modelwright.core.wording import counted
from modelwright.store.sqlite import wal_is_safe
from modelwright.store.tail import Tail

_RESTORE = "Restore it from a copy; 'sqlite3 FILE .recover' may bring back most of it"


def examine_files(path: Path) -> list[Finding]:
    """What is wrong with the database at ``path`` and the folder of files beside it: invariants I1 and I5.

    >>> import tempfile; from modelwright.store.sqlite import SqliteStore
    >>> place = Path(tempfile.mkdtemp()) / "s.db"; SqliteStore(place).close()
    >>> examine_files(place)
    []
    """
    files = path.with_name(path.name + ".files")
    folders = sorted(f for f in files.iterdir() if f.is_dir() and f.name.isdigit()) if files.is_dir() else []
    tails = {int(folder.name): _Newest(folder / "events.log") for folder in folders}  # before the database: see load
    found: list[Finding] = []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            found += _database(connection, path)
            studies = dict(connection.execute("SELECT id, name FROM studies"))
            counted_rows = "SELECT study, count(*), max(seq) FROM events GROUP BY study"
            counts = {study: (rows, last + 1) for study, rows, last in connection.execute(counted_rows)}
    except sqlite3.Error as error:
        if "no such" in str(error):  # table, or column
            what, fix = "the database holds something else, no studies", "Name the file that holds them"
            return [*found, Finding(level="error", check="I5", what=what, where=str(path), fix=fix)]
        what = f"it cannot be read: {error}"
        return [*found, Finding(level="error", check="I5", what=what, where=str(path), fix=_RESTORE)]
    for study, name in studies.items():
        where = f"study {name!r}"
        rows, expected = counts.get(study, (0, 0))
        if rows != expected:
            what = f"{counted(expected - rows, 'event')} of {expected} are missing in the database"
            found.append(Finding(level="error", check="I1", what=what, where=where, fix=_RESTORE))
        if study in tails:
            found += tails[study].findings(expected, where)
    for folder in folders:
        if int(folder.name) not in studies:
            what = "a folder of files that belongs to no study"
            fix = "Remove it when nothing in it is needed"
            found.append(Finding(level="warning", check="files", what=what, where=str(folder), fix=fix))
    return found


def _database(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    damage = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    if damage != ["ok"]:
        yield Finding(level="error", check="I5", what=f"it is damaged: {damage[0]}", where=str(path), fix=_RESTORE)
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        what = f"{counted(len(broken), 'row')} of {broken[0][0]} belong to a study that is not there"
        yield Finding(level="error", check="I5", what=what, where=str(path), fix=_RESTORE)
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == "wal" and not wal_is_safe():
        yield Finding(
            level="error",
            check="sqlite",
            what=f"it is in WAL mode, and SQLite {sqlite3.sqlite_version} may damage it when two processes write",
            where=str(path),
            fix="Let no other program set journal_mode, or use a Python with SQLite 3.51.3 or newer",
        )


class _Newest:
    """The newest events of a study, as they are in the file: whole lines, and what is left behind them."""

    def __init__(self, path: Path):
        raw = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        self.path, self.lines = path, Tail.read(path)
        self.left = raw[len(self.lines) :]

    def findings(self, stored: int, where: str) -> Iterator[Finding]:
        """What is wrong, where the database holds ``stored`` events."""
        lines, name, left = self.lines, self.path.name, self.left
        missing = ""
        if lines and lines[0][0] > stored:
            missing = f"events {stored} to {lines[0][0] - 1} are neither in the database nor in {name}"
        gap = next((i for i, line in enumerate(lines) if line[0] != lines[0][0] + i), None)
        if gap is not None:
            missing = f"event {lines[0][0] + gap} is missing in {name}"
        if missing:
            yield Finding(level="error", check="I1", what=missing, where=where, fix=_RESTORE)
        broken = [i for i, line in enumerate(left) if not _whole(line)]
        if broken and any(_whole(line) for line in left[broken[0] :]):
            what = (
                f"line {len(lines) + 1} of {name} is damaged: {counted(len(left), 'line')} from there on do not count"
            )
            yield Finding(
                level="error", check="I1", what=what, where=where, fix="Keep a copy of the file, and report it"
            )
        elif broken:
            what = f"the last {counted(len(left), 'line')} of {name} were cut short and do not count"
            yield Finding(level="note", check="I1", what=what, where=where, fix="The next session removes them")


def _whole(line: bytes) -> bool:
    text, _, check = line[:-1].rpartition(b"\t")
    return line.endswith(b"\n") and check[-8:] == b"%08x" % zlib.crc32(text)
