"""The state of a study that is kept beside its events is the fold of them, and worth nothing where it is not."""

import sqlite3

import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.snapshot import FORM
from modelwright.space import Tree
from modelwright.store.base import open_store
from modelwright.store.sqlite import SqliteStore
from modelwright.strategy import resolve
from modelwright.strategy.random import Random
from modelwright.study import folded
from modelwright.study.journal import Journal
from modelwright.study.machine import Machine, Setup


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(folded, "EVERY", 24)


def function(hp, trial):
    deep = hp.Boolean("deep")
    layers = hp.Int("layers", 1, 3) if deep else 1
    total = sum(hp.Float(f"w{i}", 0.0, 1.0) for i in range(layers))
    shape = hp.Choice("shape", [1, 2, "three"])
    if trial.number == 5:
        raise mw.InfeasibleError("too large")
    if trial.number == 7:
        return float("nan")
    for step in range(1, 10):
        trial.report(step, total + 1 / step, size=float(layers))
        if trial.should_stop():
            return None
    return total + (shape == "three")


def search(path, trials, strategy, **options):
    return mw.tune(
        function, objective="minimize", strategy=strategy, steps=9, trials=trials, store=path, name="s", verbose=0,
        seed=3, constraints=["size <= 2"], **options,
    )  # fmt: skip


def state(journal):
    """All that was folded, events aside."""
    history = dict(vars(journal.machine.history))
    for own in ("touched", "base", "_events", "_times", "_away", "_fetch", "_wanted", "_latest"):
        del history[own]
    space = journal.machine.space
    return repr(history), repr(space.specs()), repr(space.learned())


def opened(path, *, forget=False, strategy="random"):
    store = open_store(path)
    record = store.find("s")
    if forget:
        store.forget(record.id)
    objectives = mw.load_study("s", path).objectives
    setup = Setup(space=Tree(), strategy=resolve(strategy, steps=9), objectives=objectives, seed=3)
    journal = Journal(Machine(setup), store, record)
    journal.sync()
    return journal


@pytest.mark.parametrize("strategy", ["random", "hyperband", "evolution"])
def test_what_is_kept_is_what_the_events_say(tmp_path, strategy):
    path = tmp_path / "s.db"
    for trials in (4, 12, 13, 31):
        search(path, trials, strategy)
        quick = opened(path, strategy=strategy)
        assert quick.machine.history.base > 0, "nothing was kept"
        whole = opened(path, forget=True, strategy=strategy)
        assert whole.machine.history.base == 0
        assert state(quick) == state(whole)
        assert repr(list(quick.machine.history)) == repr(list(whole.machine.history))
        assert [quick.machine.history.time_of(i) for i in range(len(quick.machine.history))] == [
            whole.machine.history.time_of(i) for i in range(len(whole.machine.history))
        ]
        assert repr(quick.machine.propose()) == repr(whole.machine.propose())


def test_a_search_goes_on_from_it_as_from_the_events(tmp_path):
    ends = []
    for name, forget in (("a", False), ("b", True)):
        path = tmp_path / f"{name}.db"
        for trials in (9, 20, 33):
            search(path, trials, "random")
            if forget:
                store = open_store(path)
                store.forget(store.find("s").id)
                store.close()
        ends.append([(t.config, t.state, repr(t.value)) for t in mw.load_study("s", path).trials])
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE kept SET body = substr(body, 1, 9) || 'x' || substr(body, 11) WHERE name = 'rows/0'",
        "UPDATE kept SET body = substr(body, 1, 20) || 'x' || substr(body, 22) WHERE name = 'head'",
        "UPDATE kept SET body = '' WHERE name = 'rows/0'",
        "DELETE FROM kept WHERE name = 'rows/0'",
        "UPDATE events SET body = replace(body, '0.', '1.') WHERE seq = {last}",
        "DELETE FROM events WHERE seq >= {last}",
    ],
)
def test_damage_or_other_events_and_it_is_thrown_away_and_made_again(tmp_path, harm):
    path = tmp_path / "s.db"
    search(path, 14, "random")
    count = open_store(path).kept_count(1, FORM)
    with sqlite3.connect(path) as raw:
        raw.execute(harm.format(last=count - 1))
    if "events" not in harm:
        quick = opened(path)
        assert quick.machine.history.base == 0 and len(quick.machine.history.rows) == 14
        search(path, 30, "random")
        assert opened(path).machine.history.base > count
        assert state(opened(path)) == state(opened(path, forget=True))
    else:
        assert opened(path).machine.history.base == 0


def test_a_page_of_trials_is_read_without_opening_the_study(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    search(path, 230, "random")
    store = SqliteStore(path)
    rows = opened(path).machine.history.rows
    record = store.find("s")
    assert record is not None
    kept = folded.trials(store, record, 0, 1000)
    assert kept is not None and len(kept) > 200 and repr(kept) == repr(rows[: len(kept)])
    assert repr(folded.trials(store, record, 95, 10)) == repr(rows[95:105])
    assert folded.trials(store, record, 10_000, 10) is None


def test_readers_write_nothing(tmp_path):
    path = tmp_path / "s.db"
    search(path, 14, "random")
    store = open_store(path)
    store.forget(1)
    mw.load_study("s", path)
    assert store.kept(1, FORM) == []


def test_a_strategy_that_folds_events_itself_gets_all_of_them(tmp_path):
    class Counting(Random):
        def observe(self, state, events):
            self.seen = getattr(self, "seen", 0) + len(events)
            return state

    path = tmp_path / "s.db"
    search(path, 14, "random")
    counting = Counting()
    store = open_store(path)
    record = store.find("s")
    assert record is not None
    setup = Setup(space=Tree(), strategy=counting, objectives=mw.load_study("s", path).objectives)
    journal = Journal(Machine(setup), store, record)
    journal.sync()
    assert counting.seen == len(journal.machine.history) == len(list(store.load(1)))


def test_another_form_is_left_alone(tmp_path):
    path = tmp_path / "s.db"
    search(path, 14, "random")
    store = open_store(path)
    assert store.keep(1, "of another version", {"head": "not ours"}, count=3, since=0)
    assert opened(path).machine.history.base > 0
    assert dict(store.kept(1, "of another version")) == {"head": "not ours"}


def test_a_member_that_was_overtaken_keeps_nothing(tmp_path):
    path = tmp_path / "s.db"
    search(path, 14, "random")
    store = open_store(path)
    count = store.kept_count(1, FORM)
    before = store.kept(1, FORM)
    assert not store.keep(1, FORM, {"head": "late"}, count=count + 1, since=count - 1)
    assert store.kept(1, FORM) == before


def test_events_that_were_put_away_are_there_when_asked_for(tmp_path):
    search(tmp_path / "s.db", 14, "random")
    journal = opened(tmp_path / "s.db")
    history = journal.machine.history
    journal.write([r.Noted(kind="x", data={})])
    assert isinstance(history[-1], r.Noted) and history.latest is history[-1]
    assert len(list(history)) == len(history) and isinstance(history[0], r.Event)
