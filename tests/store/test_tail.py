"""The file of newest events: what a crash or a cut at any byte leaves of it, and what readers see."""

import shutil

import pytest

from modelwright.core import records as r
from modelwright.core.errors import StoreError
from modelwright.store.sql import SqliteStore
from modelwright.store.tail import Tail

LINES = [(i, 0.5 * i, "Noted", f'{{"kind":"ü{i}","data":{{}}}}') for i in range(4)]


def numbers(store):
    return [event.number for event, _ in store.load(1)]


def started(store, numbers, after):
    store.append(1, [r.Started(number=n) for n in numbers], after=after)


def test_a_file_cut_at_any_byte_keeps_every_whole_line(tmp_path):
    path = tmp_path / "t"
    tail = Tail(path)
    tail.open()
    tail.append(LINES, durable=True)
    tail.close()
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        assert Tail.read(path) == LINES[:kept]


@pytest.mark.parametrize("position", [0, 3, 30, -2])
def test_a_changed_byte_ends_what_counts(tmp_path, position):
    path = tmp_path / "t"
    tail = Tail(path)
    tail.open()
    tail.append(LINES, durable=False)
    tail.close()
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    again = Tail(path)
    kept = again.open()
    assert kept == LINES[: len(kept)] and len(kept) < len(LINES)
    again.append([LINES[3]], durable=True)
    again.close()
    assert Tail.read(path) == [*kept, LINES[3]]


def test_readers_see_what_the_database_has_not_taken_over_yet(tmp_path):
    writer, reader = SqliteStore(tmp_path / "s.db"), SqliteStore(tmp_path / "s.db")
    writer.create("a", {}, 0.0)
    for i in range(0, 1500, 3):
        started(writer, range(i, i + 3), after=i)
        if i % 300 == 0:
            assert numbers(reader) == list(range(i + 3))
    assert [e.number for e, _ in reader.load(1, after=1490)] == list(range(1490, 1500))


def test_a_crash_between_the_database_and_the_file_counts_nothing_twice(tmp_path):
    store = SqliteStore(tmp_path / "s.db")
    study = store.create("a", {}, 0.0)
    log = store.folder(study.id) / "events.log"
    started(store, range(5), after=0)
    shutil.copy(log, tmp_path / "copy")
    store.close()
    shutil.copy(tmp_path / "copy", log)
    again = SqliteStore(tmp_path / "s.db")
    assert numbers(again) == list(range(5))
    started(again, [5], after=5)
    again.close()
    assert numbers(SqliteStore(tmp_path / "s.db")) == list(range(6))


def test_two_writers_that_know_the_same_number_of_events_do_not_mix(tmp_path):
    one, two = SqliteStore(tmp_path / "s.db"), SqliteStore(tmp_path / "s.db")
    one.create("a", {}, 0.0)
    started(one, [0], after=0)
    started(two, [1], after=1)
    with pytest.raises(StoreError, match="another process"):
        started(one, [2], after=1)
    assert numbers(two) == [0, 1]


def test_what_a_dead_writer_left_is_taken_over(tmp_path):
    store = SqliteStore(tmp_path / "s.db")
    store.create("a", {}, 0.0)
    started(store, range(7), after=0)
    del store
    again = SqliteStore(tmp_path / "s.db")
    started(again, [7], after=7)
    again.close()
    assert numbers(SqliteStore(tmp_path / "s.db")) == list(range(8))
