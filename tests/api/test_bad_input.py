"""Each mistake gives one clear message, and leaves what was found before as it was."""

import copy
import pickle

import numpy as np
import pytest

import modelwright as mw


def tune(function, **options):
    options = {"objective": "minimize", "trials": 3, "store": ":memory:", "verbose": 0, "strategy": "random", **options}
    return mw.tune(function, **options)


def square(hp):
    return hp.Float("x", -1.0, 1.0) ** 2


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"trials": None}, mw.ArgumentError, "neither trials nor seconds.*trials=30"),
        ({"trials": 0}, mw.ArgumentError, "trials=0"),
        ({"trials": 2.5}, mw.ArgumentError, "trials=2.5"),
        ({"seconds": -1}, mw.ArgumentError, "seconds"),
        ({"seconds": float("nan")}, mw.ArgumentError, "seconds"),
        ({"objective": "my_metric"}, mw.ObjectiveError, r"'my_metric'.*mw.Minimize\('my_metric'\)"),
        ({"objective": "val_acuracy"}, mw.ObjectiveError, "Did you mean val_accuracy"),
        ({"objective": None}, mw.ObjectiveError, "objective='minimize'"),
        ({"objective": 3}, mw.ObjectiveError, "cannot read 3"),
        ({"objective": {"loss": "sideways"}}, mw.ObjectiveError, "sideways"),
        ({"strategy": "bayesain"}, mw.StrategyError, "Did you mean 'bayesian'"),
        ({"strategy": "hyperband"}, mw.StrategyError, "no steps"),
        ({"workers": 0}, mw.ArgumentError, "^tune: workers=0. Allowed: 1, 2, 3"),
        ({"verbose": -1}, mw.ArgumentError, "verbose=-1. Allowed: 0, 1 or 2$"),
        ({"confirm": 0.5}, mw.ArgumentError, "confirm=0.5. Allowed: 0, 1, 2, ...$"),
        ({"verbose": None}, mw.ArgumentError, "verbose=None. Allowed: 0, 1 or 2$"),
        ({"pickled": "yes"}, mw.ArgumentError, "pickled='yes'. Allowed: True, False"),
        ({"log": 1.5}, mw.ArgumentError, "log=1.5. Allowed: True, False, None"),
        ({"seed": np.array([1, 2])}, mw.ArgumentError, "seed=array.*a whole number"),
        ({"results": "a\0b.csv"}, mw.ArgumentError, "results.*cannot be read"),
        ({"objective": max}, mw.ObjectiveError, "scores estimators on data, and there are none.*'minimize'"),
        ({"executor": np.array([1, 2])}, mw.ArgumentError, "'serial', 'processes'"),
        ({"store": np.array([1, 2])}, mw.StoreError, "cannot open array"),
        ({"executor": "cluster"}, mw.ArgumentError, "'serial', 'processes'"),
        ({"epochs": 3}, mw.ArgumentError, "epochs given.*plain function"),
        ({"steps": -3}, mw.ArgumentError, "steps=-3"),
        ({"store": 7}, mw.StoreError, "cannot open 7"),
        ({"space": [1, 2]}, mw.SpaceError, "list"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named_before_anything_runs(options, kind, message):
    def never(hp):
        raise AssertionError("it ran")

    with pytest.raises(kind, match=message):
        tune(never, **options)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (3, "an int cannot be tuned"),
        (None, "NoneType"),
        (mw.HyperModel, "hand over an instance"),
        (lambda: 1, "function\\(hp\\)"),
        (lambda a, b, c: 1, "functools.partial"),
    ],
)
def test_what_cannot_be_tuned_is_refused(subject, message):
    with pytest.raises(mw.SubjectError, match=message):
        tune(subject)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda hp: hp.Int("a", 5, 2), "'a'.*5.*2"),
        (lambda hp: hp.Float("a", 0, 1, sampling="log"), "'a'.*log"),
        (lambda hp: hp.Float("a", 0.1, 1, sampling="cubic"), "cubic"),
        (lambda hp: hp.Choice("a", []), "'a'"),
        (lambda hp: hp.Choice("a", [[1], [2]]), "'a'"),
        (lambda hp: hp.Int("a", 1, 3) + hp.Int("a", 1, 4), "'a'"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_an_error_at_the_first_trial(function, message):
    with pytest.raises(mw.SpaceError, match=message):
        tune(function)


@pytest.mark.parametrize("returned", ["text", object(), 1j, [1, 2]])
def test_what_is_no_number_is_an_error_at_the_first_trial(returned):
    with pytest.raises(mw.SubjectError):
        tune(lambda hp: returned)


def test_nothing_returned_and_nothing_reported_fails_with_the_way_out():
    with pytest.raises(mw.ObjectiveError, match="gave no value.*Return a number"):
        tune(lambda hp: None)


def test_an_objective_that_is_not_among_the_metrics_lists_those_there_are():
    with pytest.raises(mw.ObjectiveError, match="'f2'.*acc, loss"):
        tune(lambda hp: {"acc": 1.0, "loss": 2.0}, objective=mw.Maximize("f2"))


def test_an_objective_that_later_trials_lack_is_said_with_what_to_do_next():
    with pytest.raises(mw.StudyError, match=r"ObjectiveError ended 3 .*Allowed: one of what it gave: b\. Mend it"):
        tune(lambda hp: {"a" if hp.Float("x", 0.0, 1.0) == 0.0 else "b": 1.0}, objective=mw.Minimize("a"), trials=9)


@pytest.mark.parametrize("what", ["is it so?", "it is so", "it is so."])
def test_sentences_of_an_error_are_joined_by_one_sign(what):
    sign = "?" if what.endswith("?") else "."
    assert str(mw.ModelwrightError(what, hint="Mend it.")) == f"{what.rstrip('?.')}{sign} Mend it."


def test_the_first_trial_raises_what_the_code_raised():
    with pytest.raises(ZeroDivisionError):
        tune(lambda hp: 1 / 0)


def test_a_later_failure_is_kept_with_its_traceback_and_the_search_goes_on():
    def sometimes(hp):
        if hp.Int("x", 0, 9) == 7:
            raise ValueError("seven")
        return 1.0

    study = tune(sometimes, strategy="grid", trials=20)
    failed = [t for t in study.trials if t.state == "failed"]
    assert [t.config for t in failed] == [{"x": 7}] and len(study.trials) == 10
    assert failed[0].error.message == "seven" and failed[0].error.type == "ValueError"
    assert "raise ValueError" in failed[0].error.traceback and __file__ in failed[0].error.where


def test_the_same_error_in_three_configurations_stops_the_search_and_keeps_the_rest(tmp_path):
    def mostly(hp):
        if hp.Int("x", 0, 9) > 3:
            raise KeyError("layers")
        return 1.0

    store = tmp_path / "s.db"
    with pytest.raises(mw.StudyError, match="KeyError at .*test_bad_input.py.*3 different"):
        tune(mostly, strategy="grid", trials=20, store=store, name="s")
    kept = mw.load_study("s", store)
    assert [t.state for t in kept.trials] == ["complete"] * 4 + ["failed"] * 3


def test_infeasible_trials_and_strange_losses_never_count_as_failures():
    def strange(hp):
        x = hp.Int("x", 0, 29)
        if x % 3 == 1:
            raise mw.InfeasibleError("too large")
        if x % 3 == 2:
            raise MemoryError
        return float("nan") if x > 15 else float("inf") if x > 9 else x

    study = tune(strange, strategy="grid", trials=30)
    assert {t.state for t in study.trials} == {"complete", "infeasible"}
    assert study.best.value == 0
    kinds = {t.error.kind for t in study.trials if t.error}
    assert kinds == {"infeasible", "memory", "nan"}


def test_the_same_name_with_another_domain_in_a_later_trial_is_said_with_both():
    calls = []

    def drifting(hp):
        calls.append(1)
        return hp.Int("x", 0, 10 + len(calls))

    with pytest.raises(mw.StudyError, match=r"(?s)'x'.*11.*12"):
        tune(drifting)


def test_a_resumed_study_whose_space_changed_shows_the_difference_and_loses_nothing(tmp_path):
    store = tmp_path / "s.db"
    tune(square, store=store, name="s")
    with pytest.raises(mw.StudyError, match=r"x: Float .*1\.0 -> Float .*2\.0"):
        tune(lambda hp: hp.Float("x", -1.0, 2.0), store=store, name="s", trials=6)
    assert [t.state for t in mw.load_study("s", store).trials][:3] == ["complete"] * 3
    resumed = tune(square, store=store, name="s", trials=6)
    assert [t.state for t in resumed.trials].count("complete") >= 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"objective": "maximize"}, "objective was"),
        ({"seed": 9}, "seed was 0, now 9"),
        ({"strategy": "grid"}, "strategy"),
    ],
)
def test_a_resumed_study_that_is_another_search_shows_the_difference(tmp_path, changed, message):
    store = tmp_path / "s.db"
    tune(square, store=store, name="s")
    with pytest.raises(mw.StudyError, match=message):
        tune(square, store=store, name="s", **changed)
    assert len(mw.load_study("s", store).trials) == 3


def test_a_study_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    tune(square, store=tmp_path / "s.db", name="mine")
    with pytest.raises(mw.StudyError, match="'yours'.*mine"):
        mw.load_study("yours", tmp_path / "s.db")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": float("nan")}, "trials=nan"),
        ({"trials": "many"}, "trials='many'"),
        ({"seed": "a"}, "seed='a'"),
        ({"seed": None}, "seed=None"),
        ({"verbose": "x"}, "verbose='x'"),
    ],
)
def test_arguments_of_the_wrong_type_are_named(options, message):
    with pytest.raises(mw.ArgumentError, match=message):
        tune(square, **options)


def test_a_told_value_that_lacks_an_objective_is_refused_and_the_trial_goes_on():
    def space(hp):
        hp.Float("x", 0, 1)

    study = mw.Study(space, objective=["loss", "latency_ms"], strategy="random", store=":memory:")
    trial = study.ask()
    for wrong in (3.0, {"loss": 1.0}, [1.0]):
        with pytest.raises(mw.ArgumentError):
            study.tell(trial, wrong)
    assert trial.state == "running"
    assert study.tell(trial, [1.0, 2.0]).state == "complete"


def test_a_start_that_failed_is_tried_again_when_the_code_is_mended(tmp_path):
    store = tmp_path / "s.db"
    with pytest.raises(ZeroDivisionError):
        tune(lambda hp: hp.Float("x", 0, 1) / 0, store=store, name="s", trials=1)
    mended = tune(lambda hp: hp.Float("x", 0, 1), store=store, name="s", trials=1)
    assert [t.state for t in mended.trials] == ["complete"] and mended.best.value == 0.0


def test_a_study_without_a_value_says_how_its_trials_ended_and_why():
    def never(hp):
        hp.Float("x", 0, 1)
        raise mw.InfeasibleError("a model has 9 parameters, max_model_size=3")

    study = mw.tune(never, objective="minimize", trials=2, store=":memory:", verbose=0)
    with pytest.raises(mw.StudyError) as raised:
        _ = study.best
    said = str(raised.value)
    assert "2 of 2 trials infeasible: InfeasibleError: a model has 9 parameters, max_model_size=3" in said
    assert "yet" not in said and "yet" not in study.summary()


def test_a_build_that_wants_the_data_is_told_how_either_is_written():
    def three(hp, x, y):
        raise AssertionError("never called")

    with pytest.raises(mw.SubjectError, match=r"three\(hp, x, y\) cannot be called with hp alone.*build\(hp\).*lambda"):
        mw.tune(three, [[1.0]], [1.0], trials=1, store=":memory:", verbose=0)
    with pytest.raises(mw.SubjectError, match="one argument, hp"):
        mw.tune(lambda: None, [[1.0]], [1.0], trials=1, store=":memory:", verbose=0)


def test_a_report_without_its_step_says_where_the_step_goes():
    def forgetful(hp, trial):
        trial.report(loss=0.5)

    with pytest.raises(mw.ArgumentError, match=r"the step is missing.*trial.report\(1, loss=0.5\)"):
        tune(forgetful)
    asked = mw.Study(lambda hp: hp.Float("x", 0, 1), store=":memory:").ask()
    with pytest.raises(mw.ArgumentError, match="the step is missing"):
        asked.report(value=0.5)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("suggest_float", r"hp.Float\("),
        ("suggest_int", r"hp.Int\("),
        ("suggest_categorical", r"hp.Choice\("),
        ("suggest_loguniform", r"hp.Float\(.*sampling='log'"),
        ("randint", r"hp.Int\(.*both included"),
        ("float", "Did you mean 'Float'"),
    ],
)
def test_what_other_tools_call_a_question_is_answered_with_its_name_here(name, meant):
    hp = mw.HyperParameters()
    assert not hasattr(hp, name)
    with pytest.raises(AttributeError, match=meant):
        getattr(hp, name)
    assert copy.deepcopy(hp).values == pickle.loads(pickle.dumps(hp)).values == {}


def test_cancelling_what_nobody_runs_names_a_trial_that_can_be_cancelled_if_there_is_one():
    study = mw.Study(square, store=":memory:")
    with pytest.raises(mw.StudyError, match="nobody runs it, so there is nothing to cancel$"):
        study.cancel()
    waiting = study.ask()
    with pytest.raises(mw.StudyError, match=f"name it, such as {waiting.number}\\.$"):
        study.cancel()
