"""Killed at any moment, a study loses nothing that was told, doubles nothing, and goes on as if nothing had been."""

import collections
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from crashing import TRIALS, search

from modelwright.core import records as r
from modelwright.store.sqlite import SqliteStore

HERE = Path(__file__).parent


def outcome(path):
    return [(t.number, t.state, t.config, t.value) for t in search(str(path)).trials]


def check(path, told, whole):
    """I1 to I5, and the search ends as one that nobody killed."""
    if path.exists() and path.stat().st_size:
        with sqlite3.connect(path) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert not raw.execute("PRAGMA foreign_key_check").fetchall()
    assert outcome(path) == whole
    store = SqliteStore(path)
    events = [event for event, _ in store.load(1)]
    store.close()
    ends, attempt = collections.Counter(), {}
    for event in events:
        if isinstance(event, r.Started):
            attempt[event.number] = (event.segment, event.attempt)
        elif isinstance(event, r.Finished):
            ends[event.number, attempt[event.number]] += 1
            assert [event.number, event.state, list(event.values)] in told or event.number not in {t[0] for t in told}
    assert set(ends.values()) == {1}, "an attempt has two results"
    assert {number for number, *_ in told} <= {number for number, _ in ends}
    assert [e.number for e in events if isinstance(e, r.Proposed)] == list(range(TRIALS))


def kill_at(folder, first, step):
    command = [sys.executable, str(HERE / "crashing.py"), str(folder), str(first), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found and not found[-1]["killed"] and len(found[-1]["told"]) == TRIALS
    return found


def test_killed_at_some_of_the_calls_of_the_store(tmp_path):
    whole = outcome(tmp_path / "whole.db")
    for found in kill_at(tmp_path, 5, 67):
        check(Path(found["path"]), found["told"], whole)


@pytest.mark.faults
def test_killed_at_every_call_of_the_store(tmp_path):
    whole = outcome(tmp_path / "whole.db")
    found = kill_at(tmp_path, 0, 1)
    assert len(found) > 100
    for one in found:
        check(Path(one["path"]), one["told"], whole)


def cut(path, folder, rng):
    """A copy of the store as a power failure may leave it: the newest, unsynced bytes of its files are missing."""
    copy = folder / "s.db"
    shutil.copy(path, copy)
    for extra in ("s.db-wal", "s.db-journal"):
        if (path.parent / extra).exists():
            shutil.copy(path.parent / extra, folder / extra)
    shutil.copytree(path.parent / "s.db.files", folder / "s.db.files")
    log = folder / "s.db.files" / "1" / "events.log"
    size = log.stat().st_size
    with log.open("r+b") as file:
        file.truncate(rng.randint(0, size))
        if rng.random() < 0.5:  # a block that was allocated and never written
            file.seek(0, 2)
            file.write(b"\0" * rng.randint(1, 600))
    return copy


@pytest.mark.parametrize("seed", range(2))
def test_after_a_power_failure_a_whole_beginning_is_there_and_the_search_goes_on(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "s.db"
    script = "import os, sys; sys.path.insert(0, sys.argv[1]); from crashing import search; "
    script += "from modelwright.store.sqlite import SqliteStore; SqliteStore._end = lambda *_: None; "
    script += "search(sys.argv[2]); os._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(HERE), str(path)], check=True, timeout=120)
    store = SqliteStore(path)
    events = [repr(event) for event, _ in store.load(1)]
    whole = outcome(tmp_path / "whole.db")
    for i in range(8):
        folder = tmp_path / str(i)
        folder.mkdir()
        copy = cut(path, folder, rng)
        again = SqliteStore(copy)
        kept = [repr(event) for event, _ in again.load(1)]
        again.close()
        assert kept == events[: len(kept)]
        assert outcome(copy) == whole


def test_what_was_synced_is_a_whole_beginning_up_to_the_last_finished_trial(tmp_path, monkeypatch):
    """Only what reached the medium by the last sync counts: every finished trial is in it."""
    from modelwright.store import tail

    synced, path = [], tmp_path / "s.db"
    sync = tail.Tail.sync

    def noted(self):
        sync(self)
        synced.append(self.path.stat().st_size)

    monkeypatch.setattr(tail.Tail, "sync", noted)
    ended = []

    class Watch:
        def events(self, events):
            ended.extend((len(synced), e.number) for e in events if isinstance(e, r.Finished))

    from modelwright.study.journal import Journal

    take = Journal._take

    def taken(self, events, at):
        Watch().events(events)
        take(self, events, at)

    monkeypatch.setattr(Journal, "_take", taken)
    search(str(path))
    assert [number for _, number in ended] == list(range(TRIALS))
    assert all(count >= place + 1 for place, (count, _) in enumerate(ended)), "a result counted before it was synced"
