"""What mattered, in words: what the trials support, and silence where they support nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from report_studies import halved, lab, trial, view_of

from modelwright.core.objective import Objective
from modelwright.report.dependence import dependence, good_values, surface
from modelwright.report.diversity import collapse_text, diversity
from modelwright.report.effects import dependence_chart, diversity_chart, surface_chart
from modelwright.report.explain import _closing, closing, explained, findings, outlook, outlook_text
from modelwright.report.html import render
from modelwright.report.summary import final_block
from modelwright.space.hyperparameters import HyperParameters

LOSS = (Objective("val_loss", "min"),)


def declared() -> HyperParameters:
    hp = HyperParameters()
    hp.Float("lr", 1e-5, 1.0, sampling="log")
    hp.Choice("act", ["relu", "tanh", "gelu"])
    hp.Float("dropout", 0.0, 0.5)
    return hp


def loss(config) -> float:
    """A valley in lr around 1e-3, and tanh dearer by 0.1; dropout does nothing."""
    return 0.05 * (math.log10(config["lr"]) + 3) ** 2 + 0.1 * (config["act"] == "tanh")


def studied(count: int, function=loss, noise: float = 0.01, seed: int = 0, **more):
    hp, rng = declared(), np.random.default_rng(seed)
    configs = [hp.tree.sample(rng) for _ in range(count)]
    made = [trial(i, c, (function(c) + noise * float(rng.normal()),)) for i, c in enumerate(configs)]
    return view_of(*made, objectives=LOSS, space=hp.tree, **more)


def test_it_names_what_mattered_where_good_values_lie_and_what_did_not_matter():
    said = "\n".join(closing(studied(200)))
    assert "val_loss varied most with lr (" in said
    line = next(part for part in said.split("\n") if part.startswith("lr: best between"))
    low, high = (float(word.rstrip(";")) for word in (line.split()[3], line.split()[5]))
    assert 1e-5 < low < 1e-3 < high < 1e-1 and "above" in line and "costs about" in line
    assert "act: best relu or gelu; tanh costs about 0." in said or "act: best gelu or relu; tanh" in said
    assert "Little difference, over the ranges that were tried: dropout." in said
    assert "20 more trials: expected further gain" in said and len(closing(studied(200))) <= 6


def test_costs_are_about_right():
    found = findings(studied(300))
    assert found.land is not None
    act = good_values(dependence(found.land, "act", LOSS[0]))
    assert act is not None and dict(act.costs)["tanh"] == pytest.approx(0.1, abs=0.04)


def test_silence_where_trials_are_few_fail_or_do_not_differ():
    assert closing(studied(8)) == []
    assert closing(view_of(trial(0, {"x": 1.0}, (0.5,)))) == []
    assert closing(view_of(*(trial(i, {"x": i / 40}, None, state="failed") for i in range(40)))) == []
    assert closing(view_of(*(trial(i, {"x": i / 40}, (0.5,)) for i in range(40)))) == []
    assert closing(view_of()) == []


def test_noise_names_no_parameter():
    said = "\n".join(closing(studied(100, lambda config: 0.0, noise=1.0)))
    assert "varied most" not in said and "best between" not in said


def test_an_interaction_is_said():
    hp, rng = HyperParameters(), np.random.default_rng(0)
    hp.Float("a", 0.0, 1.0), hp.Float("b", 0.0, 1.0)
    configs = [hp.tree.sample(rng) for _ in range(300)]
    made = [trial(i, c, (float((c["a"] > 0.5) != (c["b"] > 0.5)),)) for i, c in enumerate(configs)]
    view = view_of(*made, objectives=LOSS, space=hp.tree)
    assert "Acting together: a and b" in "\n".join(closing(view))
    assert 'id="surface"' in render(view) or "a and b together" in render(view)


def test_the_final_block_and_explain_say_it():
    view = studied(120)
    assert "What the trials tell:" in final_block(view) and "lr: best" in final_block(view)
    assert explained(view).startswith("From 120 trials. The parameters predict")
    assert "Too few to rank" in explained(studied(8))


def test_each_of_several_objectives_is_explained():
    both = (Objective("loss", "min"), Objective("size", "min"))
    rng = np.random.default_rng(0)
    made = []
    for i in range(80):
        config = {"a": float(rng.random()), "b": float(rng.random())}
        made.append(trial(i, config, (config["a"], config["b"])))
    view = view_of(*made, objectives=both)
    assert "loss varied most with a" in explained(view) and "size varied most with b" in explained(view)
    page = render(view)
    assert "Importance: loss" in page and "Importance: size" in page


def test_outlook_says_gain_and_noise():
    view = studied(120, noise=0.05)
    for row in view.history.rows:
        row.facts["executions"] = [row.values[0] - 0.05, row.values[0] + 0.05]
    found = outlook(view)
    assert found is not None and found.noise is not None and found.noise.value == pytest.approx(0.05)
    assert "the noise 0.05 (the spread between executions)" in outlook_text(found)


@pytest.mark.parametrize("width, count", [(1, 1), (1, 40), (200, 60)])
def test_one_trial_one_parameter_and_two_hundred_are_no_trouble(width, count):
    hp, rng = HyperParameters(), np.random.default_rng(0)
    for i in range(width):
        hp.Float(f"x{i}", 0.0, 1.0)
    configs = [hp.tree.sample(rng) for _ in range(count)]
    view = view_of(*(trial(i, c, (c["x0"],)) for i, c in enumerate(configs)), objectives=LOSS, space=hp.tree)
    assert isinstance(_closing(view, None), list) and explained(view) and "</html>" in render(view)


@pytest.mark.parametrize("strange", [math.nan, math.inf, 1e308, -1e308, 5e-324])
def test_strange_values_are_no_trouble(strange):
    view = studied(60, lambda config: strange if config["act"] == "tanh" else config["dropout"], noise=0.0)
    assert isinstance(_closing(view, None), list) and explained(view) and "</html>" in render(view)


# --- partial dependence -----------------------------------------------------------------------------


def test_the_effect_is_on_the_parameters_own_scale_and_in_the_objectives_units():
    found = findings(studied(400, noise=0.0))
    assert found.land is not None
    curve = dependence(found.land, "lr", LOSS[0])
    assert curve is not None and curve.values[0] < 2e-5 and curve.values[-1] > 0.5
    at = int(np.argmin(curve.mean))
    assert 2e-4 < curve.values[at] < 5e-3 and (curve.low <= curve.mean).all() and (curve.mean <= curve.high).all()
    assert curve.mean[-1] - curve.mean[at] == pytest.approx(0.05 * 9, rel=0.4)


def test_categories_are_listed_once_each():
    found = findings(studied(200))
    assert found.land is not None
    curve = dependence(found.land, "act", LOSS[0])
    assert curve is not None and curve.listed and set(curve.values) == {"relu", "tanh", "gelu"}
    both = surface(found.land, "lr", "act", LOSS[0])
    assert both is not None and both.mean.shape == (len(both.values[0]), 3)
    chart = surface_chart(studied(200), both, LOSS[0])
    assert "tanh" in chart.svg and dependence_chart(studied(200), curve, LOSS[0], "k").rows


def test_the_page_has_the_effects_and_stays_whole():
    page = render(studied(150))
    assert "averaged over all other parameters" in page and "effect0" in page and "Diversity" in page
    for view in (lab(60), halved(), studied(3), view_of()):
        assert "</html>" in render(view)


# --- diversity ----------------------------------------------------------------------------------------


def wide(configs):
    hp = HyperParameters()
    for i in range(8):
        hp.Float(f"x{i}", 0.0, 1.0)
    return view_of(*(trial(i, c, (0.5 + 0.001 * i,)) for i, c in enumerate(configs)), space=hp.tree)


def points(start: int, copies: int, width: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    first = rng.random((start, 8))
    near = np.clip(first[-1] + width * rng.normal(size=(copies, 8)), 0, 1)
    return [{f"x{j}": float(v) for j, v in enumerate(row)} for row in np.vstack([first, near])]


def test_near_copies_from_early_on_are_warned_of():
    view = wide(points(10, 90, 0.01))
    found = diversity(view)
    assert found is not None and found.collapsed == 10
    assert "collapsed early: its last 90 trials, from trial 10" in collapse_text(view)
    assert "collapsed early" in final_block(view) and "collapsed early" in render(view)


@pytest.mark.parametrize("start, copies, width", [(100, 0, 0.01), (70, 30, 0.01), (10, 90, 0.2), (10, 15, 0.01)])
def test_a_search_that_homes_in_late_or_moderately_is_not(start, copies, width):
    assert collapse_text(wide(points(start, copies, width))) == ""


def test_a_small_space_is_not():
    hp = HyperParameters()
    hp.Choice("a", [1, 2, 3]), hp.Boolean("b")
    rng = np.random.default_rng(0)
    view = view_of(*(trial(i, hp.tree.sample(rng), (0.5,)) for i in range(60)), space=hp.tree)
    assert collapse_text(view) == ""
    same = view_of(*(trial(i, {"a": 1, "b": True}, (0.5,)) for i in range(60)), space=hp.tree)
    assert collapse_text(same) == "" and diversity(same) is None


def test_windows_count_what_is_different_and_random_is_one():
    found = diversity(wide(points(100, 0, 0.0)))
    assert found is not None and all(w.different == 10 for w in found.windows)
    assert np.mean([w.distance for w in found.windows]) == pytest.approx(1.0, abs=0.1)
    chart = diversity_chart(found)
    assert len(chart.rows) == 10 and "as far apart as random" in chart.summary
