"""What a resumed, loaded or deleted study says, and that nothing is lost by asking."""

import os
import subprocess
import sys
import textwrap

import pytest

import modelwright as mw
from modelwright.store.base import open_store


def tune(function, **options):
    options = {"objective": "minimize", "trials": 4, "verbose": 0, "strategy": "random", "name": "s", **options}
    return mw.tune(function, **options)


def one(hp):
    return hp.Float("x", -1.0, 1.0) ** 2


def states(store, name="s"):
    return [trial.state for trial in mw.load_study(name, store).trials]


def branching(hp):
    if hp.Choice("kind", ["linear", "tree"]) == "tree":
        return hp.Int("depth", 1, 3) / 10
    return 1.0 + hp.Boolean("bias")


# --- another space ---------------------------------------------------------------------------------------


def with_renamed(hp):
    return hp.Float("z", -1.0, 1.0) ** 2


def with_renamed_beside_others(hp):
    return hp.Float("z", -1.0, 1.0) ** 2 + hp.Boolean("flag")


def beside_others(hp):
    return hp.Float("x", -1.0, 1.0) ** 2 + hp.Boolean("flag")


def without(hp):
    return float(hp.Boolean("flag"))


def wider(hp):
    return hp.Float("x", -1.0, 2.0) ** 2


def reporting(hp, trial):
    trial.report(1, hp.Float("z", -1.0, 1.0))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (one, wider, r"x: Float -1\.0\.\.1\.0 -> Float -1\.0\.\.2\.0"),
        (one, with_renamed, r"x: Float -1\.0\.\.1\.0 -> gone; z: new, Float -1\.0\.\.1\.0"),
        (one, reporting, r"x: .* -> gone; z: new"),
        (beside_others, with_renamed_beside_others, r"x: .* -> gone; z: new"),
        (beside_others, without, r"x: Float -1\.0\.\.1\.0 -> gone"),
    ],
)
def test_a_function_that_asks_for_another_space_is_refused_with_every_difference(tmp_path, before, after, message):
    store = tmp_path / "s.db"
    tune(before, store=store)
    with pytest.raises(mw.StudyError, match=message):
        tune(after, store=store, trials=8)
    assert states(store)[:4] == ["complete"] * 4
    names = {p.name for p in mw.load_study("s", store).space.parameters}
    assert "z" not in names
    again = tune(before, store=store, trials=8)
    assert {t.state for t in again.trials} == {"complete"} and len(again.trials) == 8
    assert all("z" not in trial.config for trial in again.trials)


def layered(hp):
    return float(sum(hp.Int(f"units_{i}", 8, 64) for i in range(hp.Int("layers", 1, 4))))


def by_threshold(hp):
    return hp.Int("a", 1, 9) * 1.0 if hp.Float("x", 0.0, 1.0) > 0.5 else hp.Float("b", 0.0, 1.0)


def by_two(hp):
    return float(hp.Int("c", 1, 3) if hp.Boolean("one") != hp.Boolean("two") else hp.Int("d", 1, 3))


def scoped(hp):
    kind = hp.Choice("kind", ["a", "b", "c"])
    for name, values in (("first", ["a"]), ("second", ["b", "c"])):
        with hp.conditional_scope("kind", values):
            hp.Float(name, 0.0, 1.0)
    return float(ord(kind))


@pytest.mark.parametrize("function", [branching, layered, by_threshold, by_two, scoped])
@pytest.mark.parametrize("first", [1, 2, 4])
def test_a_space_with_branches_is_never_taken_for_another_one(function, first):
    for seed in range(8):
        store = open_store(":memory:")
        tune(function, store=store, trials=first, seed=seed)
        assert tune(function, store=store, trials=first + 8, seed=seed).best.state == "complete"


def test_a_branch_that_no_earlier_trial_took_is_no_other_space(tmp_path):
    store = tmp_path / "s.db"
    first = tune(branching, store=store, trials=1, strategy="grid")
    assert set(first.best.config) == {"kind", "bias"}
    assert len(tune(branching, store=store, trials=10, strategy="grid").trials) == 5


def test_a_parameter_more_lets_the_space_grow(tmp_path):
    store = tmp_path / "s.db"
    tune(one, store=store)
    study = tune(lambda hp: one(hp) + hp.Float("y", 0.0, 1.0), store=store, trials=6)
    assert len(study.trials) == 6 and "y" in study.trials[5].config


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (lambda hp: hp.Int("units", 32, 1024), r"units: Int 32\.\.512 -> Int 32\.\.1024"),
        (lambda hp: hp.Int("width", 32, 512), r"units: Int 32\.\.512 -> gone; width: new, Int 32\.\.512"),
    ],
)
def test_a_declared_space_is_compared_before_anything_runs_or_is_written(tmp_path, space, message):
    store = tmp_path / "s.db"
    tune(lambda hp: hp["units"], store=store, space=lambda hp: hp.Int("units", 32, 512))

    def never(hp):
        raise AssertionError("it ran")

    before = mw.load_study("s", store)._record.definition
    with pytest.raises(mw.StudyError, match=message):
        tune(never, store=store, space=space, trials=99)
    assert mw.load_study("s", store)._record.definition == before


def test_another_objective_is_said_in_words(tmp_path):
    store = tmp_path / "s.db"
    tune(one, store=store)
    with pytest.raises(mw.StudyError, match="objective was minimize value, now maximize loss"):
        tune(one, store=store, objective=mw.Maximize("loss"))


# --- a study that is gone --------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    return open_store(":memory:" if request.param == "memory" else tmp_path / "s.db")


def test_a_study_that_was_deleted_says_so_whatever_is_asked_of_it(store):
    study = mw.Study(lambda hp: hp.Float("x", 0, 1), strategy="random", store=store, name="s")
    trial, asked = study.ask(), study.ask()
    study.tell(trial, 1.0)
    store.delete(study._record.id)
    for use in (
        study.ask,
        study.best_model,
        study.resume,
        lambda: study.resume(one, trials=3),
        lambda: study.tell(asked, 2.0),
        lambda: asked.report(1, 0.5),
    ):
        with pytest.raises(mw.StudyError, match=r"'s' was deleted.*study\.frame\(\)"):
            use()
    assert study.best.value == 1.0 and len(study.frame()) == 2  # what it knew it still knows
    assert store.studies() == []


def test_a_study_deleted_by_another_process_says_so(tmp_path):
    store = tmp_path / "s.db"
    study = tune(one, store=store)
    command = [sys.executable, "-m", "modelwright", "delete", "s", "--store", str(store), "--yes"]
    assert subprocess.run(command, capture_output=True).returncode == 0
    with pytest.raises(mw.StudyError, match=r"'s' was deleted.*study\.frame\(\)"):
        study.resume(trials=9)
    assert not open_store(store).studies()


# --- asked, and never told -------------------------------------------------------------------------------


def test_what_a_dead_process_asked_for_is_handed_out_first(tmp_path):
    store = tmp_path / "s.db"
    code = textwrap.dedent(
        """
        import sys
        import modelwright as mw
        study = mw.Study(lambda hp: hp.Int("x", 0, 99), strategy="random", store=sys.argv[1], name="s")
        trials = [study.ask() for _ in range(3)]
        study.tell(trials[1], 1.0)
        print([trial.config["x"] for trial in trials])
        """
    )
    done = subprocess.run([sys.executable, "-c", code, str(store)], capture_output=True, text=True, cwd=tmp_path)
    asked = eval(done.stdout)
    assert states(store) == ["running", "complete", "running"]
    study = mw.load_study("s", store)
    study.tell(2, 5.0)  # somebody knows after all
    again, new = study.ask(), study.ask()
    assert (again.number, again.config["x"], new.number) == (0, asked[0], 3)
    study.tell(again, 3.0)
    study.tell(new, 4.0)
    assert states(store) == ["complete"] * 4


def test_what_a_living_process_asked_for_is_left_to_it(tmp_path):
    store = tmp_path / "s.db"
    first = mw.Study(lambda hp: hp.Int("x", 0, 99), strategy="random", store=store, name="s")
    first.ask()
    assert mw.load_study("s", store).ask().number == 1


def test_what_another_process_runs_is_left_to_it_while_it_lives(tmp_path):
    store = tmp_path / "s.db"
    code = textwrap.dedent(
        """
        import sys, time
        import modelwright as mw
        def slow(hp):
            print("running", flush=True)
            time.sleep(60)
        mw.tune(slow, objective="minimize", strategy="random", trials=1, store=sys.argv[1], name="s", verbose=0)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(store)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "running\n"
        assert mw.load_study("s", store).ask().number == 1
    finally:
        process.kill()
        process.communicate()
    assert mw.load_study("s", store).ask().number == 0
    assert os.path.exists(store)


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "two\nlines", " s", "x" * 500, 5, b"s", "\ud800"])
def test_what_cannot_be_a_name_is_refused_before_anything_runs(tmp_path, name):
    def never(hp):
        raise AssertionError("it ran")

    with pytest.raises(mw.ArgumentError, match="name=.*Allowed: text of 1 to 200"):
        tune(never, store=tmp_path / "s.db", name=name)
    with pytest.raises(mw.ArgumentError, match="name="):
        mw.Study(store=":memory:", name=name)
    with pytest.raises(mw.StudyError, match="there is no study"):
        mw.load_study(name, open_store(":memory:"))


def test_an_unknown_name_is_answered_with_near_ones_and_a_short_list(tmp_path):
    store = open_store(tmp_path / "s.db")
    for i in range(30):
        store.create(f"lab-{i}", {}, created=0.0)
    with pytest.raises(mw.StudyError) as caught:
        mw.load_study("Lab-7", store)
    said = str(caught.value)
    assert "Did you mean 'lab-7'" in said and "'lab-24'" not in said
    assert "'lab-25', 'lab-26', 'lab-27', 'lab-28', 'lab-29' (the latest of 30 studies)" in said


@pytest.mark.parametrize("given", ["folder", "", "a\0b"])
def test_a_store_that_cannot_be_a_file_is_named(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(mw.StoreError, match=r"path of an SQLite file"):
        tune(one, store=given)
    with pytest.raises(mw.StoreError, match=r"path of an SQLite file"):
        mw.load_study("s", given)
