"""Which members are too dear for what they bring."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright as mw
from modelwright.tasks.ensemble import pruning
from modelwright.tasks.ensemble.pruning import Prices, cheaper, pruned
from modelwright.tasks.ensemble.selection import selected
from modelwright.tasks.scoring.draws import Draws

pytest.importorskip("lightgbm")


def squares(y, predicted, weight):
    return -float(np.average((y - predicted) ** 2, weights=weight))


def noisy(spreads, rows=4000):
    rng = np.random.default_rng(0)
    y = rng.normal(size=rows)
    return y, [y + rng.normal(scale=spread, size=rows) for spread in spreads]


def priced(*nanoseconds):
    return Prices(lambda place, weight: float(nanoseconds[place]))


def lighter(spreads, prices, **draws):
    y, predictions = noisy(spreads)
    found = replace(selected(predictions, y, squares, seed=0), weights=np.array([0.5, 0.46, 0.04]))
    return found, cheaper(found, predictions, y, squares, prices, seed=0, draws=Draws(**draws))


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 50_000), st.floats(0, 0.1)), min_size=1, max_size=8),
    st.floats(0, 0.1),
)
def test_no_more_is_lost_than_is_bearable_and_no_more_goes_than_has_to(members, bearable):
    parts, costs, brings = (np.array(one) for one in zip(*members, strict=True))
    weights = parts / parts.sum()

    def merit(given):
        return float(brings[given > 0].sum())

    less = pruned(weights, priced(*costs), merit, bearable=bearable, enough=25_000.0)
    if less is None:
        each_loss = brings <= bearable
        dear = costs > 0.05 * costs.sum()
        assert costs.sum() <= 25_000 or len(costs) == 1 or not (each_loss & dear).any()
        return
    assert np.isclose(less.weights.sum(), 1) and (less.weights[less.gone] == 0).all()
    assert merit(weights) - merit(less.weights) == pytest.approx(less.lost) and less.lost <= bearable
    assert less.before == pytest.approx(costs.sum()) and less.before > 25_000
    assert less.after == pytest.approx(costs[less.weights > 0].sum())
    last = less.gone[-1]
    assert less.after + costs[last] > 25_000 - 1e-6
    kept = less.weights[less.weights > 0] / weights[less.weights > 0]
    assert np.allclose(kept, kept[0])  # the others share what it had


def test_a_dear_member_that_brings_little_goes_and_one_that_is_needed_stays():
    found, less = lighter([0.5, 0.5, 4.0], priced(1000, 1000, 90_000))
    assert less is not None and less.gone == [2]
    without = less.without(found)
    assert np.isclose(without.crossed.sum(axis=1), 1).all() and not without.crossed[:, 2].any()
    assert without.selected == pytest.approx(found.selected - less.lost)
    assert lighter([0.5, 0.5, 4.0], priced(1000, 90_000, 1000))[1] is None


def test_what_is_quick_enough_stays_whole_and_so_does_what_there_is_no_time_to_look_at():
    assert lighter([0.5, 0.5, 4.0], priced(1000, 1000, 20_000))[1] is None
    assert lighter([0.5, 0.5, 4.0], priced(1000, 1000, 90_000), until=0.0)[1] is None


def test_a_part_of_the_rows_whose_only_members_went_has_the_others():
    found, less = lighter([0.5, 0.5, 4.0], priced(1000, 1000, 90_000))
    alone = replace(found, crossed=np.array([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]]))
    assert less.without(alone).crossed == pytest.approx(np.array([less.weights, [0.5, 0.5, 0.0]]))


@pytest.mark.parametrize("preset", ["good", "best"])
def test_a_fit_tells_what_it_left_out_and_the_best_preset_leaves_out_nothing(preset, monkeypatch):
    monkeypatch.setattr(pruning, "ENOUGH", 1.0)
    monkeypatch.setattr(pruning, "SHARE", 5.0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    y = x[:, 0] + x[:, 1] ** 2 + 0.3 * rng.normal(size=300)
    table = {f"x{k}": x[:, k] for k in range(4)} | {"y": y}
    asked = {"trials": 8, "models": ["lightgbm", "linear", "extra_trees"], "store": ":memory:", "verbose": 0}
    model = mw.fit(table, target="y", preset=preset, **asked)
    told = [one for one in model.decisions if one["what"] == "speed"]
    members = model.plan["members"]
    if preset == "best":
        assert not told and len(members) > 1
        return
    (one,) = told
    assert "left out of the ensemble" in one["decided"] and one["undo"] == "preset='best'"
    assert "rmse" in one["bought"] and "us of a core" in one["why"]
    assert not any(member["name"] in one["decided"] for member in members)
    again = mw.fit(table, target="y", plan=model.plan, store=":memory:", verbose=0)
    assert np.array_equal(again.predict(table), model.predict(table))
