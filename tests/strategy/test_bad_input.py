"""Every strategy, by name, on spaces and values that nobody would wish it: none raises, none falls back in silence."""

import importlib.util
import math

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import StrategyError, StudyError
from modelwright.strategy import NAMES, resolve

STEPS = 9
#: What each strategy's proposals say of themselves while it works as meant.
OWN = {
    "random": {"random"},
    "grid": {"grid"},
    "sobol": {"sobol"},
    "local": {"design", "local"},
    "evolution": {"design", "evolution"},
    "reinforce": {"reinforce"},
    "tpe": {"design", "tpe"},
    "cma-es": {"cma-es"},
    "bayesian": {"design", "gp", "forest"},
}
RUNNABLE = [name for name in NAMES if name != "cma-es" or importlib.util.find_spec("cmaes") is not None]
#: These draw at random and mean to.
DRAWN = {"random"} | {n for n in RUNNABLE if getattr(resolve(n, steps=STEPS), "sampler", "") == "random"}
#: These propose the same configurations whatever the values are.
BLIND = DRAWN | {"grid", "sobol"}


@pytest.fixture(params=RUNNABLE)
def name(request):
    return request.param


def steps_of(name):
    """Steps for the strategies that do not work without, else None."""
    try:
        resolve(name)
    except StrategyError:
        return STEPS
    return None


def search(name, declare, function, trials, *, objective="minimize", seed=0):
    """Ask and tell until ``trials`` are told or nothing is left; ``function`` returns a value or a final state."""
    steps = steps_of(name)
    study = mw.Study(declare, strategy=name, objective=objective, store=":memory:", seed=seed, steps=steps)
    for _ in range(trials):
        try:
            trial = study.ask()
        except StudyError as ended:
            assert "nothing to ask for" in str(ended)
            break
        outcome = function(trial.config)
        if isinstance(outcome, str):
            study.tell(trial, state=outcome)
        elif steps is None or goes_to_the_end(trial, outcome, steps):
            study.tell(trial, outcome)
        else:
            study.tell(trial, state="pruned")
    assert all(trial.state != "running" for trial in study.trials)
    explained(study.trials, name)
    return study


def goes_to_the_end(trial, outcome, steps):
    """Report on the way, where one number is reported and it is finite."""
    if not isinstance(outcome, float) or not math.isfinite(outcome):
        return True
    return all(trial.report(step, outcome + 1.0 / step) == "go" for step in range(1, steps))


def explained(trials, name):
    """Every proposal says where it came from, and each fallback why."""
    for trial in trials:
        assert trial.note.get("by"), trial.note
        assert trial.note["by"] != "fallback" or trial.note.get("reason"), trial.note
        if name not in DRAWN:
            assert trial.note["by"] != "random", f"{name} drew at random and did not say why"


def mostly_its_own(study, name):
    """Most proposals are what the strategy is for."""
    by = [trial.note["by"] for trial in study.trials[1:]]
    if name in OWN:
        assert sum(b in OWN[name] for b in by) >= 0.8 * len(by), by
    assert sum(b == "fallback" for b in by) <= 0.2 * len(by), by


def floats(count):
    def declare(hp):
        for i in range(count):
            hp.Float(f"x{i}", 0.0, 1.0)

    return declare


def valley(config):
    return float(sum((x - 0.3) ** 2 for x in config.values()))


def chance(declare, function, trials):
    """The 90 % quantile of what random search would reach: who is worse than that is worse than chance."""
    hp = mw.HyperParameters()
    declare(hp)
    rng = np.random.default_rng(0)
    values = np.array([function(hp.tree.sample(rng)) for _ in range(300)])
    return float(np.quantile(rng.choice(values, (500, trials)).min(axis=1), 0.9))


def distinct(study):
    keys = [tuple(sorted(trial.config.items())) for trial in study.trials]
    assert len(set(keys)) == len(keys)


# --- few, failed, equal, not finite ----------------------------------------------------------------


def test_with_fewer_than_two_finished_trials_it_still_answers(name):
    study = mw.Study(floats(3), strategy=name, store=":memory:", steps=steps_of(name))
    asked = [study.ask() for _ in range(4)]
    assert len({tuple(trial.config.values()) for trial in asked}) == 4
    study.tell(asked[2], 0.5)
    trial = study.ask()
    assert trial.number == 4 or trial.number in {t.number for t in asked}


@pytest.mark.parametrize("state", ["failed", "infeasible"])
def test_when_nothing_works_it_goes_on_looking_elsewhere(name, state):
    study = search(name, floats(3), lambda config: state, 25)
    assert len(study.trials) == 25
    distinct(study)
    if name not in BLIND:
        assert study.trials[-1].note["by"] == "fallback", "nothing to learn from, and the note does not say so"


def test_equal_values_teach_nothing_and_do_no_harm(name):
    study = search(name, floats(3), lambda config: 1.0, 25)
    distinct(study)
    assert study.best.value == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_infeasible_and_the_others_still_count(name, value):
    study = search(name, floats(2), lambda config: value if config["x0"] > 0.5 else valley(config), 40)
    assert {trial.state for trial in study.trials if trial.config["x0"] > 0.5} <= {"infeasible"}
    assert math.isfinite(study.best.value)
    mostly_its_own(study, name)
    if name not in BLIND:
        late = [trial.config["x0"] > 0.5 for trial in study.trials[20:]]
        assert sum(late) < 0.5 * len(late), "it did not learn where trials fail"


# --- small, large and odd spaces -------------------------------------------------------------------


def test_one_parameter(name):
    study = search(name, floats(1), valley, 30)
    mostly_its_own(study, name)
    assert study.best.value <= chance(floats(1), valley, 11)


def test_a_space_of_one_point_is_searched_with_one_trial(name):
    def declare(hp):
        hp.Choice("a", ["x"])
        hp.Int("b", 3, 3)

    study = search(name, declare, lambda config: 1.0, 5)
    assert [trial.config for trial in study.trials] == [{"a": "x", "b": 3}]


def test_parameters_with_one_value_do_not_disturb_the_others(name):
    def declare(hp):
        hp.Choice("a", ["x"])
        hp.Float("x", 0.0, 1.0)
        hp.Int("b", 3, 3)

    study = search(name, declare, lambda config: abs(config["x"] - 0.3), 25)
    mostly_its_own(study, name)
    assert study.best.value < 0.2


def test_categories_only(name):
    def declare(hp):
        for i in range(6):
            hp.Choice(f"c{i}", ["a", "b", "c", "d"], ordered=False)

    def wrong(config):
        return float(sum(value != "cabdab"[i] for i, value in enumerate(config.values())))

    study = search(name, declare, wrong, 60)
    distinct(study)
    if name != "cma-es":
        mostly_its_own(study, name)
    if name != "grid":  # which begins in a corner
        assert study.best.value <= chance(declare, wrong, 45)


@pytest.mark.parametrize("ordered", [True, False])
def test_ten_thousand_choices(name, ordered):
    def declare(hp):
        hp.Choice("c", list(range(10_000)), ordered=ordered)
        hp.Float("x", 0.0, 1.0)

    def function(config):
        return abs(config["c"] - 6123) / 1e4 + (config["x"] - 0.3) ** 2

    study = search(name, declare, function, 30)
    mostly_its_own(study, name)
    if name != "grid":
        assert study.best.value <= chance(declare, function, 12)


def deep(hp):
    for parent, child in (("", "a"), ("a", "b"), ("b", "c")):
        if not parent:
            hp.Choice("a", ["p", "q"])
            continue
        with hp.conditional_scope("a", ["q"]):
            if child == "b":
                hp.Choice("b", ["p", "q"])
                continue
            with hp.conditional_scope("b", ["q"]):
                hp.Choice("c", ["p", "q"])
                with hp.conditional_scope("c", ["q"]):
                    hp.Float("x", 0.0, 1.0)


def test_conditions_three_levels_deep(name):
    def function(config):
        return sum(value == "p" for value in config.values()) + (config.get("x", 2.0) - 0.7) ** 2

    study = search(name, deep, function, 40)
    for trial in study.trials:
        assert ("x" in trial.config) == (trial.config.get("c") == "q")
    distinct(study)
    mostly_its_own(study, name)
    assert study.best.value < 0.1
    if name not in BLIND:
        assert sum("x" in trial.config for trial in study.trials[20:]) >= 10


def test_two_hundred_parameters(name):
    study = search(name, floats(200), valley, 15 if name in ("auto", "bayesian", "cma-es") else 40)
    mostly_its_own(study, name)
    if name not in BLIND:
        assert study.best.value <= chance(floats(200), valley, len(study.trials) // 2)


def test_a_space_that_grows_in_mid_study(name):
    """A branch shows its parameters when it is first entered; what is learned before is not lost."""

    def function(hp, trial=None):
        value = abs(hp.Float("x", 0.0, 1.0) - 0.3)
        if hp.Choice("kind", ["plain", "rich"]) == "rich":
            value += abs(hp.Float("y", 0.0, 1.0) - 0.6) - 0.5
            if hp.Boolean("more"):
                value += 0.1 * hp.Int("n", 1, 5)
        return value

    def stepping(hp, trial):
        value = function(hp)
        for step in range(1, STEPS + 1):
            trial.report(step, loss=value + 1.0 / step)
            if trial.should_stop():
                break

    common = {"strategy": name, "trials": 30, "store": ":memory:", "seed": 1, "verbose": 0}
    if steps_of(name):
        study = mw.tune(stepping, objective=mw.Minimize("loss"), steps=STEPS, **common)
    else:
        study = mw.tune(function, objective="minimize", **common)
    assert {trial.state for trial in study.trials} <= {"complete", "pruned", "paused"}
    explained(study.trials, name)
    assert any("y" in trial.config for trial in study.trials)
    assert study.best.value < 1.0 if steps_of(name) else study.best.value < 0.0


# --- scales of values ------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "offset"), [(1e-12, 0.0), (1e12, 0.0), (1e300, 0.0), (1.0, 1e9)])
def test_the_scale_of_values_does_not_matter(name, scale, offset):
    study = search(name, floats(3), lambda config: scale * valley(config) + offset, 30)
    mostly_its_own(study, name)
    best = valley(study.best.config)
    if name not in BLIND and name != "reinforce":
        assert best <= chance(floats(3), valley, 25)
    if name == "reinforce":
        assert study.trials[-1].note["entropy"] < 0.97, "the policy has not moved"
    assert study.trials[0].config == {"x0": 0.0, "x1": 0.0, "x2": 0.0}


def test_objectives_on_wildly_different_scales(name):
    def both(config):
        other = (config["x2"] - 0.3) ** 2
        return [1e12 * (config["x0"] + other), 1e-12 * (1.0 - config["x0"] + config["x1"] + other)]

    objectives = [mw.Minimize("a"), mw.Minimize("b")]
    study = search(name, floats(3), both, 30, objective=objectives)
    assert len(study.front) >= 1
    mostly_its_own(study, name)
    if name not in BLIND:
        assert len(study.front) >= 4, "one objective drowned the other"
