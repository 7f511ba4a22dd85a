"""Copying studies between stores: whole or not at all, and able to go on."""

import pytest

import modelwright as mw
from modelwright.api.transfer import copy_study
from modelwright.core.errors import StoreError, StudyError
from modelwright.store.memory import MemoryStore
from modelwright.store.sqlite import SqliteStore


def reporting(hp, trial):
    x = hp.Float("x", 0.0, 1.0)
    for step in range(1, 4):
        trial.report(step, value=x / step)
    return x


def tuned(store, trials=4, **more):
    return mw.tune(
        reporting, objective="minimize", trials=trials, strategy="random", store=store, name="a", verbose=0, **more
    )


def facts(study):
    return [(t.number, t.config, t.state, t.values, t.history, t.duration) for t in study.trials]


@pytest.fixture(params=["memory", "sqlite"])
def target(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "target" / "b.db")
    yield made
    made.close()


def test_a_copy_is_equal_and_the_source_stays(target, tmp_path):
    source = SqliteStore(tmp_path / "a.db")
    study = tuned(source)
    before = list(source.load(1))
    copy = copy_study("a", store=source, to=target)
    assert facts(copy) == facts(study) and copy.name == "a"
    assert list(target.load(target.find("a").id)) == before == list(source.load(1))
    assert target.find("a").definition == source.find("a").definition
    assert target.find("a").created == source.find("a").created


def test_files_go_along_and_links_do_not(target, tmp_path):
    source = SqliteStore(tmp_path / "a.db")
    tuned(source)
    folder = source.folder(1)
    (folder / "trial-00001" / "deep").mkdir(parents=True)
    (folder / "trial-00001" / "deep" / "model").write_bytes(b"weights")
    (tmp_path / "secret").write_text("elsewhere")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    copy_study("a", store=source, to=target)
    made = target.folder(target.find("a").id)
    assert (made / "trial-00001" / "deep" / "model").read_bytes() == b"weights"
    assert not (made / "link").exists() and not (made / "folder").exists()


def test_a_copy_goes_on_as_the_source_would(target, tmp_path):
    source = SqliteStore(tmp_path / "a.db")
    tuned(source)
    copy_study("a", store=source, to=target)
    here, there = tuned(source, 7), tuned(target, 7)
    assert [t.config for t in here.trials] == [t.config for t in there.trials] and len(there.trials) == 7


def test_a_new_name_in_the_same_store(tmp_path):
    store = SqliteStore(tmp_path / "a.db")
    study = tuned(store)
    assert facts(copy_study("a", store=store, to=store, new_name="b")) == facts(study)
    assert [s.name for s in store.studies()] == ["a", "b"]
    with pytest.raises(StudyError, match="already"):
        copy_study("a", store=store, to=store)
    with pytest.raises(StudyError, match="no study 'c'"):
        copy_study("c", store=store, to=MemoryStore())


class Failing(MemoryStore):
    """Refuses the third append, as a full disk would."""

    count = 0

    def append(self, *args, **kwargs):
        self.count += 1
        if self.count == 3:
            raise StoreError("the disk is full")
        super().append(*args, **kwargs)


def test_a_copy_that_fails_leaves_nothing():
    source, target = MemoryStore(), Failing()
    tuned(source)
    with pytest.raises(StoreError, match="full"):
        copy_study("a", store=source, to=target)
    assert target.studies() == []
    assert len(copy_study("a", store=source, to=target).trials) == 4


def test_what_a_killed_copy_left_is_replaced(tmp_path):
    source, target = MemoryStore(), SqliteStore(tmp_path / "b.db")
    tuned(source)
    left = target.create("a", {"copying": True}, 0.0)
    target.append(left.id, [event for event, _ in source.load(1)][:2], after=0)
    assert len(copy_study("a", store=source, to=target).trials) == 4
    assert "copying" not in target.find("a").definition
