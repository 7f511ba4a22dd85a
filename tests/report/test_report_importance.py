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
