import numpy as np
from small_space import Part, Small, end, floats, search

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.strategy.bayesian import Bayesian
from modelwright.strategy.portfolio import Auto, turns
from modelwright.strategy.region import MANY, box, width

MAX = (Objective("value", "max"),)


def plain(config):
    return -sum((x - 0.3) ** 2 for x in config.values())


def test_while_better_trials_are_found_the_process_proposes_them_all():
    history = search(Auto(), floats(3), plain, 16, seed=Seed(0))
    assert {row.note["by"] for row in history.rows} == {"default", "design", "gp"}
    assert [row.config for row in history.rows] == [
        row.config for row in search(Bayesian(), floats(3), plain, 16, seed=Seed(0)).rows
    ]


def test_on_a_plateau_others_take_turns_and_every_note_says_whose_it_was():
    history = search(Auto(), floats(3), lambda c: float(c["x0"] > 0.5) - 1e-9 * c["x1"], 60, seed=Seed(0))
    shown = [row.note for row in history.rows if "turn" in row.note]
    assert {note["by"] for note in shown} == {"gp", "forest", "tpe", "local"}
    for note in shown:
        assert note["turn"]["drought"] > 8
        assert abs(sum(note["turn"]["credit"].values()) - 1) < 0.01


def told(*trials):
    history = History(MAX)
    for by, value in trials:
        end(history, {"x0": 0.5}, value, note={"by": by})
    return history


def test_whoever_improves_in_a_drought_gets_more_turns_and_whoever_does_not_fewer():
    calm = told(("gp", 1.0), *[("gp", 0.5)] * 4)
    assert turns(calm, 3)[0] == 4
    before = turns(calm, 3)[1]
    assert abs(before["gp"] - 0.5) < 1e-9 and before["tpe"] == before["local"] == before["forest"]
    drought, won = turns(told(("gp", 1.0), *[("gp", 0.5)] * 4, ("tpe", 2.0)), 3)
    assert drought == 0 and won["tpe"] > before["tpe"] > won["local"]
    drought, lost = turns(told(("gp", 1.0), *[("gp", 0.5)] * 14), 3)
    assert drought == 14 and lost["gp"] < before["gp"]


def test_trials_on_their_way_end_no_drought_and_failures_belong_to_it():
    history = told(("gp", 1.0), *[("gp", None)] * 5)
    for row in history.rows[1:]:
        row.state = "failed"
    assert turns(history, 3)[0] == 5
    history.extend([r.Proposed(number=len(history.rows), config={"x0": 0.1})])
    assert turns(history, 3)[0] == 5


def test_a_finite_space_is_used_up_without_repeats():
    space = Small(Part("a", 5, "categorical"), Part("b", 4), Part("c", 2, "categorical", only_if=("a", 2)))
    history = search(Auto(), space, lambda c: float(c["a"] == 0 and c["b"] == 0), 100, seed=Seed(0))
    assert len(history.rows) == space.size == len({space.key(row.config) for row in history.rows})


def test_the_box_follows_success_and_failure():
    start = list(range(10))
    assert width(np.array(start)) == 0.2
    assert width(np.array([*start, 10, 11, 12])) == 0.4
    assert width(np.array([*start, *[0.0] * 10])) == 0.05
    assert width(np.array([*start, *[np.nan] * 10])) == 0.2
    assert width(np.array([*start, *[0.0] * 25])) == 0.2


def test_few_axes_have_no_box_and_many_have_one_around_the_best_longer_where_less_matters():
    scores = np.arange(10.0)
    assert box(scores, np.full(MANY - 1, 0.5), np.ones(MANY - 1)) is None
    lengths = np.ones(MANY)
    lengths[0], lengths[1] = 2.0, 0.5
    low, high = box(scores, np.r_[np.nan, np.full(MANY - 1, 0.5)], lengths)
    assert (high - low)[0] > (high - low)[2] > (high - low)[1] and low.min() >= 0 and high.max() <= 1


def test_in_many_dimensions_proposals_stay_in_the_box_and_the_note_has_its_width():
    history = search(Bayesian(), floats(20), plain, 30, seed=Seed(0))
    assert all(0 < row.note["region"] < 1 for row in history.rows if row.note["by"] == "gp")
    chance = np.random.default_rng(0).random((2000, 20))
    assert history.scores().max() > -((chance - 0.3) ** 2).sum(axis=1).min()
