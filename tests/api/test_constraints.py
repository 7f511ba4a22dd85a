"""Outcome constraints from end to end: what breaks one, what is kept of it, and how a search learns."""

import warnings

import numpy as np
import pytest

import modelwright as mw
from modelwright.core.errors import ArgumentError


def valley(hp):
    """Best at x = 0.9, where it costs 9."""
    x = hp.Float("x", 0.0, 1.0, default=0.1)
    return {"loss": (x - 0.9) ** 2, "cost": 10 * x}


def tune(subject=valley, **options):
    given = {"objective": mw.Minimize("loss"), "trials": 15, "strategy": "random", "store": ":memory:", "verbose": 0}
    return mw.tune(subject, **{**given, **options})


def test_a_trial_that_breaks_one_is_infeasible_keeps_its_values_and_says_by_how_much():
    study = tune(constraints=["cost <= 5"])
    broke = [t for t in study.trials if t.state == "infeasible"]
    assert broke and all(t.metrics["cost"] > 5 and t.value == pytest.approx((t.config["x"] - 0.9) ** 2) for t in broke)
    assert all(t.metrics["cost"] <= 5 for t in study.trials if t.state == "complete")
    assert study.best.state == "complete" and study.best.value == min(t.value for t in study.trials if t not in broke)
    first = broke[0]
    assert first.error.kind == "constraint"
    assert f"cost is {first.metrics['cost']:.5g}, too large by" in first.error.message
    assert "cost <= 5" in first.error.message
    text = study.summary()
    assert f"{len(broke)} infeasible: cost is" in text


def test_it_is_never_on_the_front():
    def two(hp):
        x = hp.Float("x", 0.0, 1.0, default=0.1)
        return {"a": x, "b": 1 - x, "cost": x}

    study = tune(two, objective=[mw.Minimize("a"), mw.Minimize("b")], constraints="cost <= 0.5")
    assert study.front and all(t.metrics["cost"] <= 0.5 for t in study.front)
    assert len(study.front) == sum(t.state == "complete" for t in study.trials)


def narrow(hp):
    """Gardner et al. 2014, their first problem, with a limit that few configurations satisfy."""
    x, y = hp.Float("x", 0.0, 6.0), hp.Float("y", 0.0, 6.0)
    loss = np.cos(2 * x) * np.cos(y) + np.sin(x)
    return {"loss": float(loss), "limited": float(np.cos(x + y))}


@pytest.mark.parametrize("strategy", ["bayesian", "auto"])
def test_the_model_learns_what_is_allowed_and_finds_the_best_of_it(strategy):
    study = tune(narrow, strategy=strategy, trials=30, constraints=["limited <= -0.9"])
    chance = tune(narrow, strategy="random", trials=30, constraints=["limited <= -0.9"])
    allowed = [[t for t in s.trials if t.state == "complete"] for s in (study, chance)]
    assert len(allowed[0]) > len(allowed[1])
    assert study.best.value < -1.1 and study.best.value <= chance.best.value


def test_it_learns_from_trials_that_could_not_be_run_at_all():
    def disk(hp):
        x, y = hp.Float("x", 0.0, 6.0), hp.Float("y", 0.0, 6.0)
        if (x - 4) ** 2 + (y - 1) ** 2 > 2:
            raise mw.InfeasibleError("too large")
        return float(np.cos(2 * x) * np.cos(y) + np.sin(x))

    study = tune(disk, objective="minimize", strategy="bayesian", trials=35)
    late = [t.state for t in study.trials[20:]]
    assert late.count("complete") > 8  # a disk of a sixth of the square


@pytest.mark.parametrize("strategy", ["evolution", "tpe", "local", "reinforce"])
def test_other_strategies_rank_by_violation(strategy):
    def far(hp):
        x = hp.Float("x", 0.0, 1.0, default=1.0)
        return {"loss": 1.0 - x, "cost": 100 * x}

    study = tune(far, strategy=strategy, trials=40, constraints=["cost <= 8"])
    late = [t.config["x"] for t in study.trials[25:]]
    assert np.median(late) < 0.4 and any(t.state == "complete" for t in study.trials)


def test_a_name_that_nothing_measures_ends_the_search_with_what_there_is_and_loses_nothing(tmp_path):
    store = tmp_path / "s.db"
    with pytest.raises(ArgumentError, match=r"no 'costs'.*cost, duration, loss.*Did you mean 'cost'"):
        tune(constraints=["costs <= 5"], store=store, name="s")
    kept = mw.load_study("s", store=store).trials
    assert len(kept) == 1 and kept[0].metrics["cost"] == pytest.approx(1.0)
    with pytest.warns(UserWarning, match=r"constraints were costs <= 5, now cost <= 5: 1 trial more"):
        study = tune(constraints=["cost <= 5"], store=store, name="s", trials=4)
    assert study.trials[0].state == "complete" and len(study.trials) == 4


def test_a_metric_that_only_some_trials_give_fails_those_that_lack_it():
    def sometimes(hp):
        x = hp.Float("x", 0.0, 1.0, default=0.1)
        return {"loss": x, "cost": x} if x < 0.9 else {"loss": x}

    study = tune(sometimes, constraints=["cost <= 1"], trials=14)
    assert [t.state == "failed" for t in study.trials] == [t.config["x"] >= 0.9 for t in study.trials]
    assert {t.state for t in study.trials} == {"failed", "complete"}


@pytest.mark.parametrize(
    "given, said",
    [
        (["cost <"], "does not parse"),
        (["cost = 5"], "does not parse"),
        (["cost == 5"], "give a range"),
        (["cost"], "no comparison"),
        (["1 <= 2"], "names no metric"),
        ([3], "as text, not an? int"),
        (5, "is no constraint"),
        (["__import__('os').system('true') <= 1"], "only abs, min, max and round|not allowed"),
        (["cost <= 5", "cost >= 6"], "cannot both hold"),
        (["5 < cost < 5"], "cannot both hold"),
    ],
)
def test_bad_constraints_are_refused_before_anything_runs(given, said):
    ran = []

    def never(hp):
        ran.append(1)
        return 1.0

    with pytest.raises(ArgumentError, match=said):
        tune(never, objective="minimize", constraints=given)
    assert not ran


def test_a_constraint_that_nothing_satisfies_is_told_once_with_the_closest_miss():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study = tune(constraints=["cost <= -1"], trials=30)
    told = [str(w.message) for w in caught if "satisfied" in str(w.message)]
    assert len(told) == 1 and "none of 20 trials" in told[0] and "The closest miss is trial" in told[0]
    closest = min(study.trials[:20], key=lambda t: t.metrics["cost"])
    assert f"trial {closest.number}: cost is {closest.metrics['cost']:.5g}" in told[0]
    assert "none of 20 trials satisfied" in study.summary()
    with pytest.raises(mw.ModelwrightError, match="infeasible"):
        _ = study.best


@pytest.mark.parametrize("strategy", ["bayesian", "evolution", "random"])
def test_searches_go_on_whatever_is_infeasible(strategy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = tune(strategy=strategy, constraints=["cost <= -1", "loss >= 5"], trials=25)
    assert [t.state for t in study.trials] == ["infeasible"] * 25


def test_values_that_are_no_numbers_break_a_constraint():
    study = tune(lambda hp: {"loss": hp.Float("x", 0, 1), "cost": float("nan")}, constraints=["cost < 1"], trials=3)
    assert {t.state for t in study.trials} == {"infeasible"}
    assert "cannot be held against" in study.trials[0].error.message


def test_a_resumed_search_goes_on_as_it_would_have(tmp_path):
    options = {"strategy": "bayesian", "constraints": ["limited <= -0.5"]}
    whole = tune(narrow, trials=18, **options)
    store = tmp_path / "s.db"
    tune(narrow, trials=11, store=store, name="s", **options)
    study = mw.load_study("s", store=store).resume(narrow, trials=18, verbose=0)
    assert [t.config for t in study.trials] == [t.config for t in whole.trials]
    assert [t.state for t in study.trials] == [t.state for t in whole.trials]


def test_constraints_may_be_loosened_and_dropped_and_trials_are_judged_anew(tmp_path):
    store = tmp_path / "s.db"
    first = tune(store=store, name="s", constraints=["cost <= 2"])
    few = sum(t.state == "complete" for t in first.trials)
    with pytest.warns(UserWarning, match="constraints were cost <= 2, now cost <= 6"):
        second = tune(store=store, name="s", constraints=["cost <= 6"])
    more = [t for t in second.trials if t.state == "complete"]
    assert len(more) > few and all(t.metrics["cost"] <= 6 and t.error is None for t in more)
    with pytest.warns(UserWarning, match="now none"):
        tune(store=store, name="s")
    assert all(t.state == "complete" for t in mw.load_study("s", store=store).trials)


def test_ask_and_tell():
    hp = mw.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    study = mw.Study(hp, objective=mw.Minimize("loss"), strategy="random", store=":memory:", constraints=["ms <= 5"])
    trial = study.ask()
    with pytest.raises(ArgumentError, match=r"'ms' of the constraint ms <= 5 was not told"):
        study.tell(trial, 0.5)
    assert study.tell(trial, {"loss": 0.5, "ms": 7.0}).state == "infeasible"
    assert study.tell(study.ask(), {"loss": 0.5, "ms": 5.0}).state == "complete"


def test_what_a_trial_took_is_a_metric_too():
    study = tune(constraints=["duration <= 1e6"], trials=2)
    assert all(t.state == "complete" for t in study.trials)


def test_a_metric_may_say_what_it_was_measured_on():
    name, other = "latency_ms@onnxruntime,b1", "latency_ms@jax,b64"

    def measured(hp):
        x = hp.Float("x", 0.0, 1.0, default=0.1)
        return {"loss": -x, name: 10 * x, other: 5.0}

    limits = [f"{name} <= 5", f"0.5 * {name} + {other} < 7.4", f"metrics['{other}'] <= 9"]
    study = tune(measured, constraints=limits)
    broke = [t for t in study.trials if t.state == "infeasible"]
    assert broke and all(t.metrics[name] > 4.8 for t in broke) and study.best.metrics[name] <= 4.8
    over = max(broke, key=lambda trial: trial.metrics[name])
    assert (
        f"too large by {over.metrics[name] - 5:.5g}" in over.error.message and f"for {limits[0]}" in over.error.message
    )
    with pytest.raises(ArgumentError, match="cannot both hold"):
        tune(measured, constraints=[f"{name} <= 5", f"{name} >= 6"])
    front = tune(measured, objective=["loss", name]).front
    assert len(front) == 15
