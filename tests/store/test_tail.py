"""The file of newest events: what a crash or a cut at any byte leaves of it, and what readers see."""

import shutil
import subprocess
import sys
import textwrap

import pytest

from modelwright.core import records as r
from modelwright.core.errors import ConflictError
from modelwright.store.sqlite import SqliteStore
from modelwright.store.tail import Tail

LINES = [(i, 0.5 * i, "Noted", f'{{"kind":"ü{i}","data":{{}}}}') for i in range(4)]


def numbers(store):
    return [event.number for event, _ in store.load(1)]


def started(store, numbers, after):
    store.append(1, [r.Started(number=n) for n in numbers], after=after)


def test_a_file_cut_at_any_byte_keeps_every_whole_append_and_no_part_of_one(tmp_path):
    path, ends = tmp_path / "t", []
    tail = Tail(path)
    for lines in (LINES[:1], LINES[1:3], LINES[3:]):
        with tail.locked():
            tail.append(lines)
        ends.append((path.stat().st_size, lines[-1][0] + 1))
    tail.sync()
    tail.close()
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = max((count for end, count in ends if end <= cut), default=0)
        assert Tail.read(path) == LINES[:kept]
        again = Tail(path)
        with again.locked() as found:
            assert found.another and found.lines == LINES[:kept]
        again.close()


@pytest.mark.parametrize("position", [0, 3, 30, -2])
def test_a_changed_byte_ends_what_counts(tmp_path, position):
    path = tmp_path / "t"
    tail = Tail(path)
    for line in LINES:
        with tail.locked():
            tail.append([line])
    tail.close()
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    again = Tail(path)
    with again.locked() as found:
        kept = found.lines
        assert kept == LINES[: len(kept)] and len(kept) < len(LINES)
        again.append([LINES[3]])
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
    with pytest.raises(ConflictError, match="[Aa]nother process"):
        started(one, [2], after=1)
    assert numbers(two) == [0, 1]
    started(one, [2], after=2)
    assert numbers(two) == [0, 1, 2]


def test_a_writer_goes_on_behind_what_another_one_had_the_database_take_over(tmp_path):
    one, two = SqliteStore(tmp_path / "s.db"), SqliteStore(tmp_path / "s.db")
    one.create("a", {}, 0.0)
    started(one, range(3), after=0)
    started(two, range(3, 700), after=3)
    with pytest.raises(ConflictError):
        started(one, [9], after=3)
    started(one, [700], after=700)
    two.close()
    started(one, [701], after=701)
    assert numbers(SqliteStore(tmp_path / "s.db")) == list(range(702))


@pytest.mark.parametrize("processes", [4])
def test_processes_that_append_at_the_same_time_lose_and_mix_nothing(tmp_path, processes):
    """Each adds 200 events in its own order, reading what it missed whenever it is refused."""
    store = SqliteStore(tmp_path / "s.db")
    store.create("a", {}, 0.0)
    script = textwrap.dedent(f"""
        import sys
        from modelwright.core import records as r
        from modelwright.core.errors import ConflictError
        from modelwright.store.sqlite import SqliteStore
        store, me, known = SqliteStore({str(tmp_path / "s.db")!r}), int(sys.argv[1]), 0
        for i in range(200):
            while True:
                try:
                    store.append(1, [r.Started(number=i, worker=str(me))], after=known, durable=i % 50 == 0)
                    break
                except ConflictError:
                    known += len(list(store.load(1, after=known)))
            known += 1
        store.close()
    """)
    running = [subprocess.Popen([sys.executable, "-c", script, str(i)]) for i in range(processes)]
    assert [process.wait(100) for process in running] == [0] * processes
    events = [event for event, _ in store.load(1)]
    for me in range(processes):
        assert [e.number for e in events if e.worker == str(me)] == list(range(200))
    assert len(events) == 200 * processes


def test_what_a_dead_writer_left_is_taken_over(tmp_path):
    store = SqliteStore(tmp_path / "s.db")
    store.create("a", {}, 0.0)
    started(store, range(7), after=0)
    del store
    again = SqliteStore(tmp_path / "s.db")
    started(again, [7], after=7)
    again.close()
    assert numbers(SqliteStore(tmp_path / "s.db")) == list(range(8))
