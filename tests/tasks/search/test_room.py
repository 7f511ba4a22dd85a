"""How many rows candidates see and how many run side by side: what time and memory allow, and what is said of it."""

import bz2
import gzip
import json
import lzma
import re
import tracemalloc
import warnings

import numpy as np
import pytest

import modelwright as mw
from modelwright.study.limits import checked_size
from modelwright.tasks.data import reading
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.learners.embedding import WAYS, Embedding
from modelwright.tasks.scoring.sampling import sample, sampled
from modelwright.tasks.scoring.validation import make_split
from modelwright.tasks.search import room as room_of
from modelwright.tasks.search.gathered import Said, _left, gather
from modelwright.tasks.search.room import BASE, bytes_of, planned

pytest.importorskip("lightgbm")
GB = 10**9


def frame(rows, columns=30):
    return Frame(rows, numbers=dict.fromkeys(map(str, range(columns)), np.zeros(0)))


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(room_of, "crowding", lambda: 1.0)


def asked(rows, **how):
    """Room for a table whose usual candidate takes 10 s a million rows."""
    return planned(frame(rows), cost=lambda n: n / 1e5, **how)


# --- time ------------------------------------------------------------------------------------------


def test_a_table_whose_candidates_end_in_time_is_seen_whole():
    assert asked(50_000, seconds=120.0).rows == 50_000
    assert asked(10_000_000).rows == 10_000_000, "with a budget in trials time is nothing to decide by"


def test_of_a_large_table_as_many_rows_are_seen_as_time_allows():
    made = asked(10_000_000, seconds=120.0)
    assert 20_000 <= made.rows < 1_000_000
    assert asked(10_000_000, seconds=1200.0).rows > 5 * made.rows
    (said,) = [one for one in made.said if one["what"] == "rows"]
    assert f"{made.rows:,} of 10,000,000 rows" in said["decided"]
    assert said["undo"] == "max_rows=10000000"


def test_a_machine_that_others_use_too_has_time_for_fewer(monkeypatch):
    made = asked(10_000_000, seconds=120.0)
    monkeypatch.setattr(room_of, "crowding", lambda: 3.0)
    assert asked(10_000_000, seconds=120.0).rows == pytest.approx(made.rows / 3, abs=1)


def test_of_many_classes_candidates_take_as_many_times_as_long():
    rng = np.random.default_rng(0)
    rows = 60_000
    table = {str(name): rng.normal(size=rows) for name in range(8)}
    for some, seen in ((rows, 20_000), (4_000, 4_000)):
        cells = {name: column[:some] for name, column in table.items()}
        few, many = (
            gather(cells | {"y": rng.integers(0, classes, some).astype(str)}, Said(target="y", seconds=30.0))
            for classes in (2, 40)
        )
        assert (few.room.rows, many.room.rows) == (some, seen)
    assert many.split.folds == 1 < few.split.folds


def test_how_crowded_it_is_is_measured(monkeypatch):
    monkeypatch.undo()
    assert 1 <= room_of.crowding() <= 5


def test_reading_that_takes_long_leaves_less_time_for_candidates():
    assert _left(100.0, 5.0) == 100
    assert _left(100.0, 60.0) == 40
    assert _left(100.0, 130.0) == 10


def test_who_says_how_many_rows_gets_them():
    assert asked(10_000_000, seconds=120.0, max_rows=10_000_000).rows == 10_000_000
    assert asked(1_000, max_rows=300).rows == 300
    assert asked(1_000, max_rows=5_000).rows == 1_000


# --- memory ----------------------------------------------------------------------------------------


@pytest.fixture
def holds_nothing(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: 0)


def test_what_fits_runs_side_by_side(holds_nothing):
    made = asked(1_000_000, workers=4, memory=100 * GB)
    assert (made.rows, made.workers, made.said) == (1_000_000, 4, ())
    assert 24 * GB < made.each < 25 * GB


def test_fewer_run_side_by_side_before_rows_are_left_out(holds_nothing):
    needs = bytes_of("lightgbm", 1_000_000, frame(9))
    made = asked(1_000_000, workers=4, memory=int(2.7 * needs))
    assert (made.rows, made.workers) == (1_000_000, 2)
    (said,) = made.said
    assert said["what"] == "memory" and said["decided"] == "2 of 4 workers"


def test_where_not_even_one_fits_it_sees_fewer_rows(holds_nothing):
    made = asked(10_000_000, workers=4, memory=2 * GB)
    assert made.workers == 1
    left = 2 * GB - made.own
    assert bytes_of("lightgbm", made.rows, frame(9)) <= left < bytes_of("lightgbm", made.rows + 1_000, frame(9))
    assert {one["what"] for one in made.said} == {"rows", "memory"}


def test_too_little_for_any_candidate_is_refused_with_what_it_takes(holds_nothing):
    with pytest.raises(mw.ArgumentError, match=r"memory='(\d+MB)' or more") as caught:
        asked(1_000_000, memory=BASE)
    enough = checked_size(re.search(r"'(\d+MB)'", str(caught.value))[1], "memory", "fit")
    assert asked(1_000_000, memory=enough).rows >= 1_000
    with pytest.raises(mw.ArgumentError, match="or more"):
        asked(1_000_000, memory=int(0.9 * enough))


def test_what_this_process_holds_counts(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: 3 * GB)
    assert asked(1_000_000, workers=2, seconds=1e6, memory=5 * GB).workers == 1
    assert asked(1_000_000, workers=2, seconds=1e6, memory=8 * GB).workers == 2


def test_with_a_budget_in_trials_it_does_not_matter_what_this_process_did_before(monkeypatch):
    seen = Frame(1_000_000, numbers={"x": np.zeros(1_000_000)})
    made = []
    for holds in (0, GB, 3 * GB):
        monkeypatch.setattr(room_of, "held", lambda processes, holds=holds: holds)
        made.append(planned(seen, cost=lambda n: 1.0, memory=2 * GB, workers=2))
    assert made[0] == made[1] == made[2]
    assert made[0].own > BASE + 8_000_000, "the table counts"


def test_the_predictions_that_an_ensemble_is_chosen_from_count(holds_nothing):
    assert asked(1_000_000, workers=2, memory=4 * GB).workers == 2
    assert asked(1_000_000, workers=2, memory=4 * GB, outputs=20).workers == 1


def test_where_many_numbers_are_predicted_rows_are_left_out_for_them_too(holds_nothing):
    made = asked(1_000_000, memory=4 * GB, outputs=100)
    assert 500 < made.rows < 200_000
    assert made.own + bytes_of("lightgbm", made.rows, frame(9)) <= 4 * GB
    assert asked(50_000, memory=4 * GB, outputs=100).rows == 50_000


def test_what_is_not_held_yet_takes_no_part_in_what_may_be_held(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: GB)
    monkeypatch.setattr(room_of, "free_memory", lambda: 8 * GB)
    assert asked(100_000, seconds=1e5, outputs=100).limit == 7 * GB


def test_numbers_that_a_network_unfolds_are_foreseen():
    rows = 20_000
    values = np.random.default_rng(0).normal(size=(rows, 60)).astype(np.float32)
    for way in WAYS:
        unfolded = Embedding.of(values, way, np.random.default_rng(0))
        tracemalloc.start()
        kept = unfolded(values).nbytes if way != "plain" else 0
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept + values.nbytes < bytes_of("mlp", rows, frame(rows, 60)) - BASE
        assert peak < 1.5 * kept + 1e6


def test_nobody_is_refused_for_want_of_memory_that_nobody_limited(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: GB)
    monkeypatch.setattr(room_of, "free_memory", lambda: 10**6)
    assert asked(200, seconds=60.0, workers=2).rows == 200
    made = asked(1_000_000, seconds=60.0, workers=2)
    assert (made.rows, made.workers) == (500, 1)


def test_a_file_that_takes_more_to_be_read_than_there_is_is_refused_before(tmp_path, monkeypatch):
    path = tmp_path / "large.csv"
    path.write_text("x,y\n" + "1,2\n" * 1000)
    with pytest.raises(mw.ArgumentError, match="reading it takes"):
        mw.fit(path, "y", memory=10_000, **QUICK)
    monkeypatch.setattr(reading, "free_memory", lambda: 10_000)
    with pytest.raises(mw.ArgumentError, match="free memory"):
        mw.fit(str(path), "y", **QUICK)
    with pytest.raises(mw.ArgumentError, match="free memory"):
        reading.read(path)


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_what_counts_of_a_compressed_file_is_what_is_unpacked(tmp_path, packed):
    path = tmp_path / "small.csv.packed"
    text = b"x,y\n" + b"1,2\n" * 200_000
    path.write_bytes(packed(text))
    assert path.stat().st_size * 100 < len(text)
    with pytest.raises(mw.ArgumentError, match="reading it takes about"):
        reading.read(path, memory=10 * len(text))
    assert reading.read(path, memory=20 * len(text)).rows == 200_000


def test_by_default_it_is_a_share_of_what_is_free(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: GB)
    monkeypatch.setattr(room_of, "free_memory", lambda: 4 * GB)
    monkeypatch.setattr(room_of, "available_memory", lambda: 8 * GB)
    assert asked(1_000, seconds=60.0).limit == pytest.approx(4 * GB, rel=0.001)
    assert asked(1_000).limit == 6 * GB, "with a budget in trials nothing depends on the moment"
    monkeypatch.setattr(room_of, "free_memory", lambda: None)
    assert asked(1_000, seconds=60.0).limit is None


# --- the sample ------------------------------------------------------------------------------------


def test_a_sample_has_classes_in_proportion_and_keeps_rare_ones():
    y = np.repeat([0, 1, 2], [9_000, 990, 10])
    chosen = sample(y, "multiclass", 1_000, seed=0)
    counts = np.bincount(y[chosen])
    assert (np.diff(chosen) > 0).all()
    assert abs(counts[0] - 900) <= 1 and abs(counts[1] - 99) <= 1 and counts[2] == 10


def test_of_rare_classes_no_row_is_given_away_where_rows_are_weighed():
    y = np.repeat([0, 1, 2], [90_000, 9_800, 200])
    chosen, stands = sampled(y, "multiclass", 10_000, seed=0)
    counts = np.bincount(y[chosen])
    assert len(chosen) == len(set(chosen)) == 10_000 and (np.diff(chosen) > 0).all()
    assert counts[2] == 200 and stands.mean() == pytest.approx(1)
    assert np.bincount(y[chosen], stands) / 10_000 == pytest.approx(np.bincount(y) / len(y), rel=0.01)
    again, _ = sampled(y, "multiclass", 10_000, seed=0)
    assert (again == chosen).all()
    many, _ = sampled(np.repeat([0, 1], [200_000, 50_000]), "binary", 20_000, seed=0)
    assert len(many) == 20_000
    assert sampled(np.arange(1_000) % 2, "binary", 100, seed=0)[1] is None, "none is rare"
    assert sampled(np.arange(1_000.0), "regression", 100, seed=0)[1] is None


def test_a_sample_of_numbers_has_all_of_their_range():
    y = np.random.default_rng(0).exponential(size=10_000)
    chosen = sample(y, "regression", 500, seed=1)
    assert len(chosen) == 500
    assert np.allclose(np.quantile(y[chosen], [0.1, 0.5, 0.9]), np.quantile(y, [0.1, 0.5, 0.9]), rtol=0.02)


def test_rows_outside_the_sample_are_neither_fitted_on_nor_judged_by():
    y = np.arange(1_000) % 2
    chosen = sample(y, "binary", 200, seed=0)
    split = make_split(y[chosen], "binary", seed=0, folds=4, repeats=1).among(chosen, 1_000)
    for unit in range(4):
        on, off = split.rows(unit)
        assert set(on) | set(off) == set(chosen) and not set(on) & set(off)
    assert split.to_json()["rows"] == 200


# --- fits ------------------------------------------------------------------------------------------


def table(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return {"x": x, "z": rng.normal(size=rows), "y": np.where(x + rng.normal(size=rows) > 0, "a", "b").astype(object)}


QUICK = {"trials": 2, "folds": 2, "models": ["linear"], "store": ":memory:", "verbose": 0}


def test_members_are_fitted_on_all_rows_though_candidates_saw_some():
    model = mw.fit(table(600), "y", max_rows=200, **QUICK)
    assert {one["whole"] for one in model.plan["members"]} == {True}
    assert any("200 of 600 rows" in one["decided"] for one in model.decisions)
    assert "200 rows that stand for 600" in next(o["decided"] for o in model.decisions if o["what"] == "validation")
    whole = mw.fit(table(600), "y", **QUICK)
    new = table(200, seed=1)
    off = np.abs(model.predict_proba(new) - whole.predict_proba(new)).mean()
    some = mw.fit({name: cells[:100] for name, cells in table(600).items()}, "y", **QUICK)
    assert off < np.abs(some.predict_proba(new) - whole.predict_proba(new)).mean()


def test_rows_that_are_more_than_was_asked_for_are_told():
    with pytest.warns(UserWarning, match=r"max_rows=3 was raised to 60: a sample has 30 rows of each class"):
        model = mw.fit(table(600), "y", max_rows=3, **QUICK)
    (said,) = [one for one in model.decisions if one["what"] == "rows"]
    assert said["decided"].startswith("candidates see 60 of 600 rows")
    assert said["why"].startswith("it was asked for; with 3 there are too few of some class")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mw.fit({**table(600), "y": np.arange(600.0)}, "y", max_rows=30, **QUICK)


def test_a_plan_of_a_sample_is_carried_out_to_the_same_predictions():
    model = mw.fit(table(600), "y", max_rows=200, preset="best", **QUICK)
    again = mw.fit(table(600), "y", plan=model.plan, verbose=0)
    assert np.array_equal(again.predict_proba(table(50, seed=1)), model.predict_proba(table(50, seed=1)))


def test_a_fit_that_goes_on_sees_the_same_rows(tmp_path):
    how = {**QUICK, "folds": 3, "store": tmp_path / "s.db", "name": "some"}
    mw.fit(table(600), "y", max_rows=200, **how)
    del how["folds"]
    more = mw.fit(table(600), "y", **{**how, "trials": 4})
    assert more.plan["split"]["rows"] == 200 and more.plan["split"]["folds"] == 3
    assert len(more.leaderboard()) == 5


def few_of_some(rows=600, seed=0):
    """Two of three classes have a handful of rows."""
    return {**table(rows, seed), "y": np.repeat(["a", "b", "c"], [rows - 40, 25, 15])}


@pytest.mark.parametrize("metric", ["log_loss", lambda true, found: float((true == found).mean())])
@pytest.mark.parametrize("asked", [40, 70, 100, 300])
def test_a_sample_is_drawn_again_by_the_number_that_was_asked_for(asked, metric):
    said = {"target": "y", "folds": 3, "metric": metric}
    first = gather(few_of_some(), Said(**said, max_rows=asked)).split
    told = json.loads(json.dumps(first.to_json()))
    assert told["asked"] == asked and told["rows"] == first.used
    again = gather(few_of_some(), Said(**{**said, "folds": None}, divided=told)).split
    assert np.array_equal(again.place, first.place) and again.to_json() == told
    assert (first.stands is None) == (again.stands is None)
    assert first.stands is None or np.array_equal(first.stands, again.stands)


def test_how_an_earlier_version_drew_a_sample_is_still_read():
    told = {"kind": "folds", "folds": 3, "repeats": 1, "said": "3 folds", "rows": 300}
    assert gather(few_of_some(), Said(target="y", divided=told)).split.used == 300


def test_a_fit_of_a_sample_with_more_rows_than_were_asked_for_goes_on_and_its_plan_is_exact(tmp_path):
    how = {**QUICK, "store": tmp_path / "s.db", "name": "some", "preset": "best"}
    with pytest.warns(UserWarning, match="was raised"):
        model = mw.fit(few_of_some(), "y", max_rows=69, **how)
    assert model.plan["split"]["rows"] > 69
    with pytest.warns(UserWarning, match="was raised"):
        more = model.fit(few_of_some(), trials=2)
    assert more.plan["split"] == model.plan["split"] and len(more.leaderboard()) == 5
    new = few_of_some(50, seed=1)
    again = mw.fit(few_of_some(), "y", plan=more.plan, verbose=0)
    assert np.array_equal(again.predict_proba(new), more.predict_proba(new))


def test_learners_without_room_are_left_out_and_it_is_said(monkeypatch):
    monkeypatch.setattr(room_of, "held", lambda processes: 0)
    monkeypatch.setitem(room_of._TREES, "extra_trees", 1e9)
    model = mw.fit(table(120), "y", **{**QUICK, "models": ["linear", "extra_trees"], "memory": "20GB"})
    assert {row["model"].split()[0] for row in model.leaderboard()[1:]} == {"linear"}
    assert any(one["what"] == "memory" and "extra_trees" in one["decided"] for one in model.decisions)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"memory": "lots"}, "2GB"),
        ({"memory": 0}, "memory"),
        ({"memory": "1MB"}, r"memory='\d+MB' or more"),
        ({"max_rows": 1}, "max_rows"),
        ({"max_rows": 2.5}, "max_rows"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(mw.ArgumentError, match=match):
        mw.fit(table(60), "y", **{**QUICK, **wrong})
