"""Importance: right where the answer is known, and modest where trials do not tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_studies import lab, trial, view_of

from modelwright.core.objective import Objective
from modelwright.report.importance import importance


def study(function, count: int, seed: int = 0, **more):
    rng = np.random.default_rng(seed)
    trials = []
    for i in range(count):
        config = {name: float(rng.random()) for name in "abc"}
        trials.append(trial(i, config, (function(config, rng),)))
    return view_of(*trials, **more)


def shares(found) -> dict[str, float]:
    return {effect.name: effect.share for effect in found.effects}


def test_an_additive_function_gives_its_analytic_shares():
    found = importance(study(lambda c, rng: 2 * c["a"] + c["b"], 300))
    got = shares(found)
    assert got["a"] == pytest.approx(0.8, abs=0.06) and got["b"] == pytest.approx(0.2, abs=0.06)
    assert got["c"] < 0.03 and found.reliable and found.explained > 0.9
    first = found.effects[0]
    assert first.name == "a" and first.low <= first.share <= first.high


def test_what_only_combinations_explain_is_no_main_effect():
    got = shares(importance(study(lambda c, rng: float((c["a"] > 0.5) ^ (c["b"] > 0.5)), 400)))
    assert sum(got.values()) < 0.3


def test_noise_is_said_to_be_noise():
    found = importance(study(lambda c, rng: float(rng.normal()), 80))
    assert not found.reliable and "may be chance" in found.message


def test_few_trials_are_said_to_be_few():
    found = importance(study(lambda c, rng: c["a"], 7))
    assert not found.reliable and "Too few" in found.message and found.trials == 7
    wide = next(effect for effect in found.effects if effect.name == "a")
    assert wide.high - wide.low > 0.3
    assert "about 12 are needed" in importance(study(lambda c, rng: c["a"], 2)).message


def test_intervals_shrink_with_trials():
    def spread(count):
        return max(e.high - e.low for e in importance(study(lambda c, rng: 2 * c["a"] + c["b"], count)).effects)

    assert spread(300) < spread(15) / 2


def test_a_conditional_parameter_does_not_inherit_the_effect_of_its_switch():
    rng = np.random.default_rng(1)
    trials = []
    for i in range(200):
        config = {"switch": bool(rng.random() < 0.5), "x": float(rng.random())}
        if config["switch"]:
            config["inner"] = float(rng.random())
        trials.append(trial(i, config, (float(config["switch"]) + 0.2 * config["x"],)))
    found = importance(view_of(*trials))
    got = shares(found)
    assert got["switch"] > 0.8 and got["inner"] < 0.03
    assert next(e.active for e in found.effects if e.name == "inner") == pytest.approx(0.5, abs=0.1)


def test_a_diverged_trial_does_not_decide():
    view = study(lambda c, rng: c["a"], 60, objectives=(Objective("loss", "min"),))
    row = min(view.history.rows, key=lambda r: r.config["c"])
    row.values = (1e12,)
    assert importance(view).effects[0].name == "a"


def test_trials_are_compared_at_the_highest_fidelity_that_enough_reached():
    few = [trial(i, {"x": i}, (float(i),), fidelity=1.0) for i in range(5)]
    many = [trial(i, {"x": i}, (float(-i),), fidelity=0.1, state="pruned") for i in range(5, 45)]
    assert importance(view_of(*few, *many)).fidelity == pytest.approx(0.1)
    more = [trial(i, {"x": i}, (float(i),), fidelity=1.0) for i in range(45, 65)]
    found = importance(view_of(*few, *many, *more))
    assert found.fidelity == 1.0 and found.trials == 25


def test_the_same_study_gives_the_same_answer():
    assert importance(lab(40)) == importance(lab(40))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                st.sampled_from("abcd"),
                st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=3), st.none()),
            ),
            st.floats(),
        ),
        max_size=30,
    )
)
def test_shares_are_shares_whatever_the_trials_hold(made):
    found = importance(view_of(*(trial(i, config, (value,)) for i, (config, value) in enumerate(made))))
    for effect in found.effects:
        assert -1e-9 <= effect.low <= effect.high <= 1 + 1e-6 and not math.isnan(effect.share)
    assert found.message


# --- against published indices --------------------------------------------------------------------


def ishigami(x: np.ndarray) -> np.ndarray:
    """Ishigami and Homma 1990, a = 7 and b = 0.1: indices .3139, .4424 and 0, and .2437 for the first with the last."""
    angle = 2 * np.pi * x - np.pi
    return np.sin(angle[:, 0]) + 7 * np.sin(angle[:, 1]) ** 2 + 0.1 * angle[:, 2] ** 4 * np.sin(angle[:, 0])


def sobol_g(x: np.ndarray) -> np.ndarray:
    """Saltelli and Sobol's g-function with a = (0, 1, 4.5, 9, 99, 99): indices .7165, .1791, .0237, .0072, 0, 0."""
    a = np.array([0, 1, 4.5, 9, 99, 99])
    return np.prod((abs(4 * x - 2) + a) / (1 + a), axis=1)


def of_points(points: np.ndarray, values: np.ndarray, **more):
    made = [{f"x{j}": float(v) for j, v in enumerate(row)} for row in points]
    return view_of(*(trial(i, config, (float(value),)) for i, (config, value) in enumerate(zip(made, values))), **more)


@pytest.mark.parametrize("count, tolerance", [(200, 0.2), (500, 0.12)])
def test_ishigami_has_its_indices_and_its_one_interaction(count, tolerance):
    points = np.random.default_rng(count).random((count, 3))
    found = importance(of_points(points, ishigami(points)))
    got = shares(found)
    for name, known in {"x0": 0.3139, "x1": 0.4424, "x2": 0.0}.items():
        assert got[name] == pytest.approx(known, abs=tolerance)
    first = found.pairs[0]
    assert (first.first, first.second) == ("x0", "x2") and first.share == pytest.approx(0.2437, abs=tolerance)


@pytest.mark.parametrize("count, tolerance", [(200, 0.15), (500, 0.12)])
def test_the_g_function_has_its_indices(count, tolerance):
    points = np.random.default_rng(count).random((count, 6))
    got = shares(importance(of_points(points, sobol_g(points))))
    for name, known in zip(["x0", "x1", "x2", "x3", "x4", "x5"], [0.7165, 0.1791, 0.0237, 0.0072, 0.0001, 0.0001]):
        assert got[name] == pytest.approx(known, abs=tolerance)


def test_trials_that_crowd_around_the_best_keep_the_order():
    rng = np.random.default_rng(3)
    wide = rng.random((120, 6))
    best = wide[np.argmax(sobol_g(wide))]
    points = np.vstack([wide, np.clip(best + 0.08 * rng.normal(size=(180, 6)), 0, 1)])
    found = importance(of_points(points, sobol_g(points)))
    assert [effect.name for effect in found.effects][:2] == ["x0", "x1"]
    assert shares(found)["x0"] == pytest.approx(0.7165, abs=0.2)


def test_two_that_matter_only_together_are_a_pair():
    found = importance(study(lambda c, rng: float((c["a"] > 0.5) ^ (c["b"] > 0.5)), 400))
    first = found.pairs[0]
    assert (first.first, first.second) == ("a", "b") and first.share > 0.6 and first.low <= first.share <= first.high
    assert max((pair.share for pair in found.pairs[1:]), default=0) < 0.15


def test_an_additive_function_has_no_pair():
    found = importance(study(lambda c, rng: 2 * c["a"] + c["b"], 300))
    assert max(pair.share for pair in found.pairs) < 0.03


def test_a_conditional_parameter_has_its_share_where_it_is_active_too():
    rng = np.random.default_rng(1)
    trials = []
    for i in range(240):
        config = {"kind": str(rng.choice(["a", "b", "c", "d"])), "x": float(rng.random())}
        value = 0.3 * config["x"] + 2.0 * (config["kind"] == "b")
        if config["kind"] == "a":
            config["inner"] = float(rng.random())
            value += config["inner"]
        trials.append(trial(i, config, (value,)))
    effect = next(e for e in importance(view_of(*trials)).effects if e.name == "inner")
    assert effect.share < 0.1 and effect.inside == pytest.approx(1 / 1.09, abs=0.1)


# --- to be among the best --------------------------------------------------------------------------


def top(found) -> dict[str, float]:
    return {effect.name: effect.share for effect in found.top}


def test_one_parameter_that_decides_alone_has_all_of_the_top():
    for function in (lambda c, rng: c["a"], lambda c, rng: -abs(c["a"] - 0.4)):
        got = top(importance(study(function, 400)))
        assert got["a"] > 0.7 and got["b"] < 0.03 and got["c"] < 0.03


def test_a_box_has_the_shares_of_its_sides():
    """The best tenth of max(|a - .5|, |b - .5| / 2) is a box: its shares are known, and come out smoothed."""
    got = top(importance(study(lambda c, rng: -max(abs(c["a"] - 0.5), abs(c["b"] - 0.5) / 2), 500)))
    side = math.sqrt(0.1 / 2)
    for name, width in {"a": side, "b": 2 * side}.items():
        assert got[name] == pytest.approx((1 / width - 1) * 0.1 / 0.9, abs=0.12)
    assert got["c"] < 0.03


def test_the_top_of_noise_is_nobodys():
    assert max(top(importance(study(lambda c, rng: float(rng.normal()), 200))).values()) < 0.06


def test_what_rules_out_the_worst_half_is_not_what_makes_the_best():
    """``a`` decides between bad and fair, ``b`` between fair and good: the variance sees a, the best tenth sees b."""
    found = importance(study(lambda c, rng: 10.0 * (c["a"] > 0.4) + c["b"], 400))
    assert shares(found)["a"] > 0.9 and found.effects[0].name == "a"
    assert found.top[0].name == "b" and top(found)["b"] > 2 * top(found)["a"]


def test_it_prints_as_a_table_and_has_rows():
    points = np.random.default_rng(0).random((200, 3))
    found = importance(of_points(points, ishigami(points)))
    said = str(found)
    assert "90 % interval" in said and "x0 x x2" in said and "to be in the best 10%" in said
    kinds = [row["kind"] for row in found.rows()]
    assert kinds == ["own"] * 3 + ["pair"] * 3 + ["top"] * 3
    assert list(found.frame()["share"]) == [row["share"] for row in found.rows()]


@pytest.mark.parametrize("width", [1, 200])
def test_one_parameter_and_two_hundred(width):
    points = np.random.default_rng(0).random((120, width))
    found = importance(of_points(points, points[:, 0]))
    assert found.effects[0].name == "x0" and len(found.effects) == width
    assert found.reliable == (width == 1)
