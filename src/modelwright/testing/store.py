"""The contract of a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.core import records as r
from modelwright.core.errors import ConflictError, StoreError
from modelwright.store.base import Store

_EVENTS: list[r.Event] = [
    r.Grew(parameters=({"name": "x", "kind": "float"},)),
    r.Proposed(number=0, config={"x": 0.5, "act": "relu", "none": None, "pair": (3, 3), "$odd": True}),
    r.Started(number=0, worker="w1"),
    r.Configured(number=0, config={"x": 0.25}),
    r.Reported(number=0, step=1, metrics={"loss": float("nan"), "acc": float("inf")}, fidelity=0.1),
    r.Judged(number=0, step=1, decision="pause", why="strategy"),
    r.Finished(
        number=0,
        state="failed",
        values=(1e308, -0.0),
        error=r.Failure(kind="exception", message='it\'s "quoted" 🌋'),
        artifacts={"checkpoint": r.Artifact(path="trial-00000/a", sha256="0f", size=3)},
    ),
    r.Continued(number=0, fidelity=1.0),
    r.Noted(kind="session", data={"at": 1.5}),
]


class StoreContract:
    """Set ``make``: a function of a folder that opens a store there; opening twice must see the same studies,
    unless ``volatile``."""

    make: Callable[[Path], Store]
    volatile = False

    @pytest.fixture
    def store(self, tmp_path):
        opened = self.make(tmp_path)
        yield opened
        opened.close()

    def test_every_kind_of_event_comes_back_as_it_went_in(self, store):
        study = store.create("a", {"seed": 1}, 12.5)
        store.append(study.id, _EVENTS, after=0, at=3.25)
        back = list(store.load(study.id))
        assert repr([e for e, _ in back]) == repr(_EVENTS)
        assert [at for _, at in back] == [3.25] * len(_EVENTS)

    def test_events_keep_their_order_over_many_appends(self, store):
        study = store.create("a", {}, 0.0)
        for i in range(25):
            store.append(study.id, [r.Started(number=i)], after=i, durable=i % 2 == 0)
        assert [e.number for e, _ in store.load(study.id)] == list(range(25))
        assert [e.number for e, _ in store.load(study.id, after=20)] == list(range(20, 25))

    def test_a_writer_that_missed_events_is_refused_and_nothing_is_added(self, store):
        study = store.create("a", {}, 0.0)
        store.append(study.id, _EVENTS[:2], after=0)
        for wrong in (0, 1, 3):
            with pytest.raises(ConflictError):
                store.append(study.id, _EVENTS[2:4], after=wrong)
        assert len(list(store.load(study.id))) == 2

    def test_studies_are_found_by_name_and_listed_oldest_first(self, store):
        names = ["zeta", "alpha; DROP TABLE studies", "ünï/../code"]
        for i, name in enumerate(names):
            store.create(name, {"i": i, "nested": {"a": [1, None]}}, float(i))
        assert [s.name for s in store.studies()] == names
        assert store.find(names[1]).definition == {"i": 1, "nested": {"a": [1, None]}}
        assert store.find("nobody") is None

    def test_a_name_is_given_once(self, store):
        store.create("a", {}, 0.0)
        with pytest.raises(StoreError, match="exists"):
            store.create("a", {}, 0.0)

    def test_a_definition_can_be_replaced(self, store):
        study = store.create("a", {"trials": 3}, 0.0)
        store.redefine(study.id, {"trials": 9})
        assert store.find("a").definition == {"trials": 9}

    def test_deleting_a_study_leaves_the_others_and_its_name_free(self, store):
        first, second = store.create("a", {}, 0.0), store.create("b", {}, 0.0)
        store.append(first.id, _EVENTS, after=0)
        store.append(second.id, _EVENTS, after=0)
        (store.folder(first.id) / "file").write_text("x")
        folder = store.folder(first.id)
        store.delete(first.id)
        assert store.find("a") is None and not folder.exists()
        assert len(list(store.load(second.id))) == len(_EVENTS)
        with pytest.raises(StoreError, match="gone"):
            store.append(first.id, [r.Started(number=0)], after=len(_EVENTS))
        assert list(store.load(store.create("a", {}, 0.0).id)) == []

    def test_only_one_writer_at_a_time(self, store):
        study = store.create("a", {}, 0.0)
        with store.writer(study.id), pytest.raises(StoreError, match="being run"), store.writer(study.id):
            pass
        with store.writer(study.id):
            pass

    def test_members_write_beside_each_other_and_never_beside_a_writer(self, store):
        study = store.create("a", {}, 0.0)
        beside = store.member(study.id), store.member(study.id)
        with beside[0], beside[1], pytest.raises(StoreError, match="being run"), store.writer(study.id):
            pass
        with store.writer(study.id), pytest.raises(StoreError, match="being run"), store.member(study.id):
            pass
        with store.member(study.id):
            pass

    def test_a_lease_belongs_to_one_holder_until_it_runs_out(self, store):
        study = store.create("a", {}, 0.0).id
        first = store.hold(study, "ask", "one", 30.0, {"host": "h", "at": 1})
        assert first is not None and 29 < first.left <= 30
        assert store.hold(study, "ask", "two", 30.0) is None
        assert store.hold(study, "other", "two", 30.0) is not None
        again = store.hold(study, "ask", "one", 0.05)
        assert again is not None and again.token == first.token, "renewing is no passing on"
        time.sleep(0.1)
        assert {lease.what: lease.left < 0 for lease in store.leases(study)} == {"ask": True, "other": False}
        taken = store.hold(study, "ask", "two", 30.0)
        assert taken is not None and taken.token == first.token + 1
        store.release(study, "ask", "one")
        assert store.hold(study, "ask", "one", 30.0) is None, "what somebody else has by now cannot be given back"
        store.release(study, "ask", "two")
        assert [lease.what for lease in store.leases(study)] == ["other"]
        last = store.hold(study, "ask", "one", 30.0)
        assert last is not None and last.token == taken.token + 1

    def test_what_a_holder_tells_of_itself_can_be_read(self, store):
        study = store.create("a", {}, 0.0).id
        store.hold(study, "me", "me", 30.0, {"host": "h", "trial": 3})
        (held,) = store.leases(study)
        assert held.holder == "me" and dict(held.facts) == {"host": "h", "trial": 3}
        store.release(study, "me", "me")
        assert store.leases(study) == []

    def test_the_folder_is_private_and_stays(self, store):
        study = store.create("a", {}, 0.0)
        folder = store.folder(study.id)
        (folder / "model").write_text("weights")
        assert (store.folder(study.id) / "model").read_text() == "weights"
        assert folder.stat().st_mode & 0o077 == 0 or self.volatile

    def test_what_was_stored_is_there_after_reopening(self, store, tmp_path):
        if self.volatile:
            pytest.skip("this store keeps nothing")
        study = store.create("a", {"seed": 3}, 1.0)
        store.append(study.id, _EVENTS, after=0, durable=True)
        store.close()
        again = self.make(tmp_path)
        assert again.find("a") == study
        assert len(list(again.load(study.id))) == len(_EVENTS)
        again.close()
        again.close()
