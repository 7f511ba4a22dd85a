"""``modelwright doctor`` finds each kind of damage, names the invariant, and says nothing of what is sound."""

import json
import sqlite3
import subprocess
import sys

import pytest

import modelwright as mw
from modelwright.cli import environment
from modelwright.cli.main import main
from modelwright.core import records as r
from modelwright.core.objective import Objective
from modelwright.space import Tree
from modelwright.store import examine
from modelwright.store.memory import MemoryStore
from modelwright.store.sqlite import SqliteStore
from modelwright.strategy.random import Random
from modelwright.study.invariants import check_events, check_store, differences
from modelwright.study.machine import Machine, Setup


def function(hp, trial):
    x = hp.Float("x", 0.0, 1.0)
    for step in range(1, 4):
        trial.report(step, loss=x + 1 / step)


@pytest.fixture
def path(tmp_path):
    """A store with one study of eight trials."""
    mw.tune(
        function, objective=mw.Minimize("loss"), strategy="random", trials=8, store=tmp_path / "s.db", name="lab",
        verbose=0,
    )  # fmt: skip
    return tmp_path / "s.db"


def examined(path, capsys, *words):
    """Exit code and findings of the store, without those of the machine."""
    code = main(["doctor", str(path), "--json", *words])
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] == (code == 0)
    return code, [(f["level"], f["check"], f["what"]) for f in document["findings"] if f["check"] != "sqlite"]


def changed(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_a_sound_store_has_nothing_wrong(path, capsys):
    assert examined(path, capsys, "--strict") == (0, [])
    assert main(["doctor", str(path)]) == 0
    assert "1 study checked" in capsys.readouterr().out


def test_it_changes_nothing(path, capsys):
    before = path.read_bytes()
    examined(path, capsys)
    assert path.read_bytes() == before


def test_without_a_store_the_machine_is_examined(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert facts["cores"] >= 1 and facts["sqlite"] == sqlite3.sqlite_version
    assert main(["doctor", "nothing.db"]) == 5


def test_a_lost_event_is_found(path, capsys):
    changed(path, "DELETE FROM events WHERE seq = 7")
    code, found = examined(path, capsys)
    assert code == 1 and {check for _, check, _ in found} == {"I1"}
    assert "missing in the database" in found[0][2]


def test_a_damaged_page_is_found(path, capsys):
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 600] = b"\xff" * 600
    path.write_bytes(content)
    code, found = examined(path, capsys)
    assert code == 1 and {check for _, check, _ in found} >= {"I5"}


def test_a_row_of_no_study_is_found(path, capsys):
    changed(path, "INSERT INTO events (study, seq, at, kind, body) VALUES (77, 0, 0.0, 'Noted', '{}')")
    code, found = examined(path, capsys)
    assert code == 1 and ("error", "I5", "1 row of events belong to a study that is not there") in found


def test_the_newest_events_are_examined_too(path, capsys):
    tail = next(path.parent.glob("s.db.files/*")) / "events.log"
    store = SqliteStore(path)
    record = store.find("lab")
    count = len(list(store.load(record.id)))
    for i in range(3):
        store.append(record.id, [r.Noted(kind="test", data={"i": i})], after=count + i)
    whole = tail.read_bytes()
    assert check_store(store) == []
    tail.write_bytes(whole[:-5])
    (cut,) = check_store(store)
    assert (cut.level, cut.check) == ("note", "I1") and "cut short" in cut.what
    tail.write_bytes(whole.replace(b'"i":0', b'"i":9', 1))
    assert [(f.level, f.check) for f in check_store(store)] == [("error", "I1")]
    tail.write_bytes(b"".join(whole.splitlines(keepends=True)[1:]))
    assert "neither in the database" in check_store(store)[0].what
    tail.write_bytes(whole)


PROPOSED = [r.Proposed(number=0, config={"x": 0.5}), r.Started(number=0, worker="runs 1")]
DONE = r.Finished(number=0, state="complete", values=(1.0,))
PAUSED = r.Finished(number=0, state="paused")


@pytest.mark.parametrize(
    ("events", "check"),
    [
        ([r.Proposed(number=1, config={})], "I2"),
        ([*PROPOSED, r.Proposed(number=0, config={})], "I2"),
        ([r.Started(number=3)], "I2"),
        ([*PROPOSED, DONE, DONE], "I3"),
        ([*PROPOSED, DONE, r.Reported(number=0, step=1, metrics={})], "I3"),
        ([*PROPOSED, DONE, r.Started(number=0, attempt=1)], "I3"),
        ([*PROPOSED, r.Started(number=0, worker="runs 2")], "I3"),
        ([*PROPOSED, DONE, r.Continued(number=0, fidelity=1.0)], "I3"),
        ([r.Proposed(number=n, config={}) for n in range(4)], "I4"),
    ],
)
def test_what_may_not_happen_in_a_study_is_found(events, check):
    store = MemoryStore()
    record = store.create("a", {"budget": {"trials": 3}}, 0.0)
    assert [finding.check for finding in check_events(events, record)] == [check]


@pytest.mark.parametrize(
    "events",
    [
        [*PROPOSED, r.Started(number=0, attempt=1, worker="runs 2"), DONE],
        [*PROPOSED, r.Finished(number=0, state="failed"), r.Started(number=0, segment=1), DONE],
        [*PROPOSED, PAUSED, r.Continued(number=0, fidelity=1.0), r.Started(number=0, segment=1), DONE],
        [r.Proposed(number=0, config={}, note={"by": r.GIVEN}), DONE],
    ],
    ids=["taken over", "mended", "continued", "given"],
)  # fmt: skip
def test_what_may_happen_is_not(events):
    store = MemoryStore()
    record = store.create("a", {"budget": {"trials": 1}}, 0.0)
    assert list(check_events(events, record)) == []


def test_a_budget_that_was_made_smaller_is_not_overspent(path, capsys):
    mw.tune(function, objective=mw.Minimize("loss"), strategy="random", trials=3, store=path, name="lab", verbose=0)
    assert examined(path, capsys, "--strict") == (0, [])


def test_states_that_differ_are_told_apart():
    def machine(value):
        made = Machine(Setup(space=Tree(), strategy=Random(), objectives=(Objective("value", "min"),)))
        made.apply([*PROPOSED, r.Finished(number=0, state="complete", values=(value,))])
        return made

    assert differences(machine(1.0), machine(1.0)) == []
    assert differences(machine(1.0), machine(2.0)) == ["trial 0 differs"]


def test_a_checkpoint_that_was_altered_counts_when_strict(path, capsys):
    store = SqliteStore(path)
    record = store.find("lab")
    count = len(list(store.load(record.id)))
    folder = store.folder(record.id)
    (folder / "a.ckpt").write_bytes(b"right")
    good = "af3f5cbcd75faf56f2b6e7a1bd79f8ce1f3d3b2b6c0b9ac2c4f2d3c0f4a7a9a1"
    artifact = r.Artifact(path="a.ckpt", sha256=good, size=5)
    events = [
        r.Proposed(number=8, config={"x": 0.5}),
        r.Started(number=8),
        r.Finished(number=8, state="paused", values=(1.0,), fidelity=0.5, artifacts={"checkpoint": artifact}),
    ]
    store.append(record.id, events, after=count)
    store.redefine(record.id, {**record.definition, "budget": {"trials": 9}})
    store.close()
    assert examined(path, capsys)[0] == 0
    code, found = examined(path, capsys, "--strict")
    assert code == 1 and [f[:2] for f in found] == [("warning", "files")] and "was altered" in found[0][2]


def test_folders_that_belong_to_nothing_are_found(path, capsys):
    files = path.with_name("s.db.files")
    (files / "99").mkdir()
    (next(files.glob("1")) / "trial-00077").mkdir()
    code, found = examined(path, capsys, "--strict")
    assert code == 1 and [f[:2] for f in found] == [("warning", "files")] * 2


def test_a_session_that_died_is_a_note(path, capsys):
    code = f"""
import os
from modelwright.store.sqlite import SqliteStore
from modelwright.study.crew import Crew
store = SqliteStore({str(path)!r})
Crew(store, store.find("lab").id).__enter__()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    code, found = examined(path, capsys, "--strict")
    assert code == 0 and [f[:2] for f in found] == [("note", "leases")]


def test_a_network_file_system_is_an_error(path, capsys, monkeypatch):
    monkeypatch.setattr(environment, "network_kind", lambda place: "nfs4")
    code, found = examined(path, capsys)
    assert code == 1 and "nfs4" in found[0][2]


def test_wal_under_a_library_that_may_damage_it_is_an_error(path, monkeypatch):
    monkeypatch.setattr(examine, "wal_is_safe", lambda: False)
    changed(path, "PRAGMA journal_mode=WAL")
    assert [f.check for f in examine.examine_files(path)] == ["sqlite"]


def test_a_backend_that_is_not_there_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "no-such")
    assert any(f.check == "keras" and f.level == "error" for f in environment.examine(tmp_path))


def test_a_database_of_another_program_is_not_called_damaged(tmp_path, capsys):
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        connection.execute("CREATE TABLE studies (theirs)")
    assert main(["doctor", str(tmp_path / "theirs.db")]) == 1
    said = capsys.readouterr().out
    assert "the database holds something else" in said and ".recover" not in said
