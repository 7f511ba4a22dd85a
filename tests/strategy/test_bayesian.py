import math

import numpy as np
import pytest
from small_space import Part, Small, end, floats, search

from modelwright.core import codec
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.strategy.bayesian import Bayesian, propose

MAX = (Objective("value", "max"),)


def valley(config):
    return -sum((x - 0.3) ** 2 for x in config.values())


def how(history):
    return [row.note.get("by") for row in history.rows]


def test_finds_a_valley_far_better_than_chance():
    history = search(Bayesian(), floats(4), valley, 40, seed=Seed(0))
    draws = np.random.default_rng(0).random((4000, 4))
    assert history.scores().max() > -((draws - 0.3) ** 2).sum(axis=1).min()
    assert how(history)[0] == "default" and how(history)[1:8] == ["design"] * 7
    assert set(how(history)[8:]) == {"gp"}


def test_minimising_mirrors_maximising():
    up = search(Bayesian(), floats(2), valley, 14, seed=Seed(3))
    down = History((Objective("loss", "min"),))
    search(Bayesian(), floats(2), lambda c: -valley(c), 14, seed=Seed(3), history=down)
    assert [row.config for row in up.rows] == [row.config for row in down.rows]


def test_a_resumed_study_proposes_what_the_uninterrupted_one_would_have():
    space = Small(Part("kind", 3, "categorical"), Part("x"), Part("n", 9), Part("rate", only_if=("kind", 1)))

    def function(config):
        return config["x"] - abs(config["n"] - 4) + config.get("rate", 0.2)

    whole = search(Bayesian(), space, function, 30, seed=Seed(5))
    for cut in (3, 13, 21):
        events = [codec.decode_event(*codec.encode_event(e)) for e in whole[: 4 * cut]]
        half = History(MAX)
        half.extend(events)
        search(Bayesian(), space, function, 30, seed=Seed(5), history=half)
        assert [row.config for row in half.rows] == [row.config for row in whole.rows]


def test_asking_twice_answers_twice_the_same():
    history = search(Bayesian(), floats(3), valley, 15, seed=Seed(1))
    strategy = Bayesian()
    state = strategy.init(Seed(1), history)
    assert strategy.ask(state, floats(3), 15) == strategy.ask(state, floats(3), 15)
    assert strategy.ask(state, floats(3), 15) != strategy.ask(strategy.init(Seed(2), history), floats(3), 15)


def test_a_finite_space_is_searched_without_repeats_and_then_exhausted():
    space = Small(Part("a", 4, "categorical"), Part("b", 5), Part("c", 2, "categorical", only_if=("a", 2)))
    history = search(Bayesian(), space, lambda c: c["b"] + c.get("c", 0), 100, seed=Seed(0))
    assert len(history.rows) == space.size == 25
    assert len({space.key(row.config) for row in history.rows}) == 25


def test_pending_trials_are_not_proposed_again():
    space = floats(2)
    history = search(Bayesian(), space, valley, 10, seed=Seed(0))
    strategy, points = Bayesian(), []
    state = strategy.init(Seed(0), history)
    for number in range(10, 18):
        answer = strategy.ask(state, space, number)
        assert answer.note["by"] == "gp"
        points.append(space.encode(answer.config))
        history.extend([r.Proposed(number=number, config=answer.config, note=answer.note)])
    gaps = [np.abs(a - b).max() for i, a in enumerate(points) for b in points[:i]]
    assert min(gaps) > 5e-3


def test_failed_trials_are_avoided():
    def function(config):
        return None if config["x0"] > 0.5 else config["x0"] + config["x1"]

    history = search(Bayesian(), floats(2), function, 40, seed=Seed(0))
    late = history.rows[20:]
    assert sum(row.state == "failed" for row in late) <= len(late) / 2
    assert history.scores()[~np.isnan(history.scores())].max() > 1.35


@pytest.mark.parametrize("value", [0.5, math.nan, -math.inf, math.inf])
def test_values_that_teach_nothing_lead_to_a_recorded_fallback(value):
    history = search(Bayesian(), floats(2), lambda c: value, 16, seed=Seed(0))
    assert set(how(history)[4:]) == {"fallback"}
    assert all(row.note["reason"] for row in history.rows[4:])
    assert len({tuple(row.config.values()) for row in history.rows}) == 16


def test_all_failed_leads_to_a_recorded_fallback():
    history = search(Bayesian(), floats(2), lambda c: None, 12, seed=Seed(0))
    assert set(how(history)[4:]) == {"fallback"}


def test_some_values_that_are_not_numbers_do_not_disturb():
    values = iter([math.nan, math.inf, -math.inf, 1e300, -1e300] * 3 + [0.1 * i for i in range(15)])
    history = search(Bayesian(), floats(2), lambda c: next(values), 30, seed=Seed(0))
    assert len(history.rows) == 30


@pytest.mark.parametrize(
    "space, trials, made",
    [
        (Small(Part("a", 1), Part("b", 1, "categorical")), 5, 1),
        (floats(1), 25, 25),
        (floats(200), 14, 14),
        (Small(Part("a", 10_000, "categorical")), 15, 15),
        (Small(*[Part(f"c{i}", 3, "categorical") for i in range(4)]), 40, 40),
        (Small(Part("a", 2, "categorical"), Part("b", 2, only_if=("a", 1)), Part("c", only_if=("b", 1))), 40, 40),
    ],
    ids=["one point", "one parameter", "200 parameters", "10,000 choices", "categorical", "conditional"],
)
def test_odd_spaces(space, trials, made):
    history = search(Bayesian(), space, lambda c: sum(c.values()) % 7.3, trials, seed=Seed(0))
    assert len(history.rows) == made
    assert "fallback" not in how(history)


def test_categories_are_learned():
    space = Small(*[Part(f"c{i}", 4, "categorical") for i in range(5)])
    history = search(Bayesian(), space, lambda c: sum(v == 2 for v in c.values()), 45, seed=Seed(0))
    assert history.scores().max() == 5


def test_a_space_that_grows_in_mid_study():
    history, strategy = History(MAX), Bayesian()
    state = strategy.init(Seed(0), history)
    empty, small, large = Small(), floats(2), floats(4)
    assert strategy.ask(state, empty, 0).config == {}
    history.extend([r.Proposed(number=0, config={})])
    assert strategy.ask(state, empty, 1).config == {}
    history.extend([r.Started(number=0), r.Configured(number=0, config=small.default())])
    history.extend([r.Finished(number=0, state="complete", values=(0.3,))])
    for space in (small, large):
        for number in range(len(history.rows), len(history.rows) + 15):
            answer = strategy.ask(state, space, number)
            assert set(answer.config) == {axis.name for axis in space.axes}
            end(history, answer.config, valley(answer.config), note=dict(answer.note))
    assert "fallback" not in how(history)[1:]


def test_an_empty_space_that_was_run_is_exhausted():
    history = History(MAX)
    end(history, {}, 1.0)
    assert isinstance(Bayesian().ask(Bayesian().init(Seed(0), history), Small(), 1), r.Exhausted)


def test_several_objectives_spread_along_the_front():
    history = History((Objective("quality", "max"), Objective("cost", "min")))
    space = floats(2)

    def function(config):
        return config["x0"] - config["x1"] ** 2, config["x0"] ** 2 + config["x1"]

    search(Bayesian(), space, function, 40, seed=Seed(0), history=history)
    late = np.array([[row.config["x0"], row.config["x1"]] for row in history.rows[15:]])
    assert len(late) == 25
    assert np.median(late[:, 1]) < 0.1 and np.ptp(late[:, 0]) > 0.5


def test_lower_fidelities_teach_about_full_fidelity():
    history, space = History(MAX), floats(2)
    rng = np.random.default_rng(0)
    for _ in range(20):
        config = space.sample(rng)
        end(history, config, valley(config) - 0.5, state="paused", fidelity=0.1)
    for _ in range(4):
        config = space.sample(rng)
        end(history, config, valley(config))
    config, note = propose(history, space, Seed(0), 24)
    assert note["by"] == "gp" and "fidelity" in note["fit"]["axes"]
    assert abs(config["x0"] - 0.3) < 0.3 and abs(config["x1"] - 0.3) < 0.3


def test_hundreds_of_observations_are_thinned_and_still_fitted():
    history, space = History(MAX), floats(3)
    rng = np.random.default_rng(0)
    for _ in range(450):
        config = space.sample(rng)
        end(history, config, valley(config))
    config, note = propose(history, space, Seed(0), 450)
    assert note["by"] == "gp" and note["fit"]["n"] == 450
    assert max(abs(x - 0.3) for x in config.values()) < 0.1
