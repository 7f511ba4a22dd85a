"""Which rows judge which models."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import ArgumentError
from modelwright.tasks.scoring.validation import Ties, affordable, make_split


def sides(split):
    return [split.rows(unit) for unit in range(split.units)]


@given(
    rows=st.integers(8, 200),
    classes=st.integers(2, 4),
    folds=st.integers(2, 8),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_each_repeat_judges_every_row_once_by_a_model_that_did_not_see_it(rows, classes, folds, repeats, seed):
    y = np.random.default_rng(seed).integers(0, classes, rows)
    split = make_split(y, "multiclass", seed=seed, folds=folds, repeats=repeats)
    for repeat in range(repeats):
        judged = []
        for unit in range(repeat * split.folds, (repeat + 1) * split.folds):
            on, off = split.rows(unit)
            assert not set(on) & set(off)
            assert len(on) + len(off) == rows
            judged += off.tolist()
        assert sorted(judged) == list(range(rows))


def test_classes_are_spread_evenly():
    y = (np.arange(1000) % 10 == 0).astype(int)
    for on, off in sides(make_split(y, "binary", seed=0, folds=5, repeats=1)):
        assert len(off) == 200
        assert y[off].sum() == 20
        assert y[on].sum() == 80


def test_numbers_are_spread_evenly():
    y = np.random.default_rng(0).lognormal(size=1000)
    means = [y[off].mean() for _, off in sides(make_split(y, "regression", seed=0, folds=5, repeats=1))]
    by_chance = [part.mean() for part in np.array_split(y, 5)]
    assert np.std(means) < np.std(by_chance) / 2


@given(st.integers(0, 50))
def test_groups_and_twins_are_never_divided(seed):
    rng = np.random.default_rng(seed)
    groups, twins = rng.integers(0, 40, 120), rng.integers(0, 1500, 120)
    split = make_split(rng.integers(0, 2, 120), "binary", seed=seed, ties=Ties(groups=groups, twins=twins), folds=4)
    for on, off in sides(split):
        assert not set(groups[on]) & set(groups[off])
        assert not set(twins[on]) & set(twins[off])


@given(
    sizes=st.lists(st.integers(1, 3) | st.integers(1, 60), min_size=2, max_size=12),
    task=st.sampled_from(["binary", "multiclass", "regression"]),
    kind=st.sampled_from(["groups", "twins", "time"]),
    folds=st.none() | st.integers(1, 9),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_every_unit_has_rows_on_both_sides_or_is_refused(sizes, task, kind, folds, repeats, seed):
    y = np.random.default_rng(seed).integers(0, 2 if task == "binary" else 4, sum(sizes))
    tied = np.repeat(np.arange(len(sizes)), sizes)
    try:
        split = make_split(y, task, seed=seed, ties=Ties(**{kind: tied}), folds=folds, repeats=repeats)
    except ArgumentError:
        assert task != "regression" or kind == "time"
        return
    for on, off in sides(split):
        assert len(on) and len(off)
        if kind != "twins" or task == "regression":  # twins of classes are divided where nothing else is left
            assert not set(tied[on]) & set(tied[off])


@pytest.mark.parametrize("folds", [None, 1])
@pytest.mark.parametrize("sizes", [[299, 1], [200, 1, 1], [2, 1], [200_000, 1]])
def test_a_group_of_nearly_all_rows_is_judged_by_the_others_and_judges_them(sizes, folds):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for seed in range(5):
        split = make_split(np.arange(len(groups)), "regression", seed=seed, ties=Ties(groups=groups), folds=folds)
        assert all(len(on) and len(off) for on, off in sides(split))


def test_a_period_in_which_no_moment_begins_is_none():
    split = make_split(np.arange(100.0), "regression", seed=0, ties=Ties(time=np.repeat(np.arange(4), [97, 1, 1, 1])))
    assert [(len(on), len(off)) for on, off in sides(split)] == [(97, 3)]
    assert split.said == "1 period in order, each judged by models of the past"


def test_a_last_moment_of_most_rows_leaves_none_to_judge():
    time = np.repeat(np.arange(4), [1, 1, 1, 97])
    with pytest.raises(ArgumentError, match="more than half of the rows are of the last moment"):
        make_split(np.arange(100.0), "regression", seed=0, ties=Ties(time=time))


def test_later_rows_judge_models_of_earlier_ones():
    time = np.random.default_rng(0).permutation(100)
    split = make_split(np.zeros(100), "regression", seed=0, ties=Ties(time=time), folds=5)
    assert split.kind == "time"
    for on, off in sides(split):
        assert len(on) and len(off)
        assert time[on].max() < time[off].min()


def test_rows_of_one_moment_are_on_one_side():
    time = np.repeat(np.arange(10), 20)
    for on, off in sides(make_split(np.zeros(200), "regression", seed=0, ties=Ties(time=time), folds=4)):
        assert not set(time[on]) & set(time[off])


def test_how_many_rows_there_are_is_told_by_all_units_and_not_by_the_first():
    in_time = make_split(np.zeros(80), "regression", seed=0, ties=Ties(time=np.arange(80)), folds=4)
    assert in_time.growth() == pytest.approx([80 / 40, 80 / 45, 80 / 50, 80 / 55])
    half = np.where(np.arange(80) < 40, 0, np.arange(80))
    grouped = [make_split(np.zeros(80), "regression", seed=s, ties=Ties(groups=half), folds=4) for s in range(4)]
    assert {split.growth()[-1] for split in grouped} == {80 / 60}, "the large group is in one fold, whichever it is"


def test_the_number_of_rows_decides_how_many_models_judge():
    kinds = [make_split(np.arange(n) % 2, "binary", seed=0) for n in (500, 5_000, 50_000, 300_000)]
    assert [(split.kind, split.folds, split.units) for split in kinds] == [
        ("repeated folds", 8, 24),
        ("folds", 8, 8),
        ("folds", 5, 5),
        ("holdout", 1, 1),
    ]


def test_a_holdout_keeps_back_its_share_of_each_class():
    y = (np.arange(1000) % 10 == 0).astype(int)
    on, off = make_split(y, "binary", seed=0, folds=1).rows(0)
    assert 0.1 < len(off) / 1000 < 0.2
    assert abs(y[off].mean() - 0.1) < 0.02
    assert len(on) + len(off) == 1000


def test_less_time_means_fewer_folds():
    found = [affordable(5_000, 1.0, seconds) for seconds in (10, 30, 60, 600)]
    assert found == [(1, 1), (3, 1), (7, 1), (8, 1)]


@pytest.mark.parametrize("ties", [Ties(groups=np.zeros(10, int)), Ties(time=np.array([1, 2] * 5))])
def test_what_cannot_be_split_is_refused(ties):
    with pytest.raises(ArgumentError):
        make_split(np.arange(10) % 2, "binary", seed=0, ties=ties, folds=3)


@pytest.mark.parametrize("rare", range(2, 20))
def test_every_fold_judges_both_classes_however_few_there_are_of_one(rare):
    y = np.zeros(500, np.int64)
    y[np.random.default_rng(rare).permutation(500)[:rare]] = 1
    split = make_split(y, "binary", seed=rare)
    assert split.folds == min(8, rare)
    for unit in range(split.units):
        on, off = split.rows(unit)
        assert set(y[on]) == set(y[off]) == {0, 1}


def test_groups_of_one_class_each_leave_as_many_folds_as_the_rarer_class_has_groups():
    groups = np.repeat(np.arange(12), 30)
    y = (groups < 3).astype(np.int64)
    split = make_split(y, "binary", seed=0, ties=Ties(groups=groups))
    assert split.folds == 3
    assert all(len(set(y[split.rows(unit)[1]])) == 2 for unit in range(split.units))


def test_a_class_that_later_rows_lack_cannot_be_judged_in_time_order():
    y = (np.arange(3000) < 900).astype(np.int64)
    with pytest.raises(ArgumentError, match="Without time= the rows are divided by chance"):
        make_split(y, "binary", seed=0, ties=Ties(time=np.arange(3000)))


def test_rows_that_are_all_alike_within_a_class_are_divided_all_the_same():
    y = np.repeat([0, 1], 50)
    split = make_split(y, "binary", seed=0, ties=Ties(twins=y))
    assert all(set(y[on]) == set(y[off]) == {0, 1} for on, off in sides(split))
