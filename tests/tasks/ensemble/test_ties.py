"""Rows that belong together choose nothing for each other, and are no more witnesses than there are of them apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright as mw
from modelwright.tasks.ensemble.selection import selected
from modelwright.tasks.learners.judged import Halves, dealt
from modelwright.tasks.scoring.validation import Ties, make_split
from modelwright.tasks.search.gathered import Said, gather

pytest.importorskip("lightgbm")
QUIET = {"verbose": 0, "store": ":memory:"}


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=80),
    st.integers(0, 2**32 - 1),
)
def test_halves_never_divide_what_belongs_together(ties, seed):
    ties = np.array(ties)
    y = np.random.default_rng(seed).integers(0, 2, len(ties))
    other = dealt(y, ties) == 1
    assert all(len(set(other[ties == tie])) == 1 for tie in set(ties.tolist()))
    if len(set(ties.tolist())) > 1:
        assert 0 < other.sum() < len(ties)


def test_halves_of_groups_have_the_same_classes_and_sizes():
    rng = np.random.default_rng(0)
    ties = np.repeat(np.arange(100), rng.integers(1, 30, 100))
    y = (rng.random(100) < 0.3)[ties].astype(int)
    halves = Halves.of(y, 2, None, ties)
    assert halves is not None
    one, other = (y[places] for places in halves.places)
    assert len(one) == pytest.approx(len(other), rel=0.25)
    assert one.mean() == pytest.approx(other.mean(), abs=0.1)


def test_groups_and_rows_that_are_alike_are_ties_of_the_split():
    y = np.arange(40) % 2
    groups, twins = np.repeat(np.arange(10), 4), np.arange(40) // 2
    for ties in (Ties(groups=groups), Ties(twins=twins)):
        split = make_split(y, "binary", seed=0, ties=ties, folds=4)
        assert split.ties is not None
        same = twins if ties.groups is None else groups
        assert len(np.unique(split.ties)) == len(np.unique(same))
        assert all(len(np.unique(split.ties[same == one])) == 1 for one in np.unique(same))
    assert make_split(y, "binary", seed=0, folds=4).ties is None


def test_copies_stay_in_one_fold_whatever_their_cells_are_spelled_like():
    rng = np.random.default_rng(0)
    columns = {"town": ["rome", "rome "] * 60, "b": np.repeat(rng.normal(size=60), 2), "y": np.arange(120) // 2 % 2}
    for place in gather(columns, Said(target="y", folds=4)).split.place:
        assert (place[::2] == place[1::2]).all()


def test_copies_stay_in_one_fold_where_a_column_that_told_them_apart_was_left_out(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 150)
    columns = {
        "a": np.repeat(rng.integers(0, 12, 150), 2),
        "b": np.repeat(rng.normal(size=150), 2),
        "y": np.repeat(y, 2),
    }
    columns["told"] = columns["y"] + rng.normal(scale=0.05, size=300)
    asked = {**QUIET, "models": ["linear"], "folds": 4, "store": tmp_path / "s.db"}
    for trials in (1, 2):
        made = mw.fit(columns, "y", drop_suspected=True, trials=trials, name="s", **asked)
        said = {one["name"]: (one["message"], one["done"]) for one in made.checks}
        assert said["duplicate rows"] == (
            "150 rows (50 %) repeat another one",
            "kept, with all that are alike in one fold",
        )
    plain = mw.fit(columns, "y", without=["told"], trials=2, **asked)
    assert made.score == plain.score


def test_a_fold_has_two_groups_unless_somebody_asks_for_one():
    y, groups = np.arange(80) % 2, np.repeat(np.arange(8), 10)
    assert make_split(y, "binary", seed=0, ties=Ties(groups=groups), folds=8).folds == 4
    assert make_split(y, "binary", seed=0, ties=Ties(groups=groups), folds=8, alone=True).folds == 8


def test_moments_that_are_close_are_ties():
    split = make_split(np.zeros(320), "regression", seed=0, ties=Ties(time=np.arange(320)), folds=4)
    for unit in range(split.units):
        ties = split.tied(split.rows(unit)[1])
        assert len(np.unique(ties)) == 8 and (np.diff(ties) >= 0).all()


def test_rows_of_a_group_choose_no_weights_for_each_other():
    """Candidates that know the answer of some groups look good to these groups, and to nobody else."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), 20)
    y = rng.integers(0, 2, 60)[groups].astype(float)
    predictions = []
    for _ in range(25):
        own = rng.normal(0.5, 0.25, 60)[groups]
        predictions.append(own + 0.01 * rng.normal(size=len(y)))

    def merit(y, p, w):
        return -float(np.mean((y - p) ** 2))

    tied = selected(predictions, y, merit, seed=0, ties=groups)
    loose = selected(predictions, y, merit, seed=0)
    assert loose.selected - loose.honest < 0.5 * (tied.selected - tied.honest)


@pytest.mark.parametrize("learner", ["lightgbm", "linear"])
def test_a_score_by_groups_is_that_of_new_groups(learner):
    """Nothing tells the target, but a customer's rows are alike: half of them must not choose for the other half."""
    scores, spreads = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        customer = np.repeat(np.arange(100), 20)
        data = {f"x{k}": rng.normal(size=100)[customer] + 0.05 * rng.normal(size=2000) for k in range(5)}
        data |= {"customer": customer, "y": rng.integers(0, 2, 100)[customer]}
        model = mw.fit(data, "y", groups="customer", models=[learner], trials=1, folds=5, seed=seed, **QUIET)
        scores.append(model.score)
        spreads.append(model.leaderboard()[0]["spread"])
    assert np.mean(scores) == pytest.approx(0.5, abs=0.05)
    assert min(spreads) > 0.03
