"""The door of ``tune``: keywords it does not have, numbers nobody can use, what a function gives, how it ends."""

import inspect
import signal
import subprocess
import sys
import textwrap

import pytest

import modelwright as mw

HUGE = 10**400


def tune(function, **options):
    options = {"objective": "minimize", "trials": 3, "store": ":memory:", "verbose": 0, "strategy": "random", **options}
    return mw.tune(function, **options)


def square(hp):
    return hp.Float("x", -1.0, 1.0) ** 2


def never(hp):
    raise AssertionError("it ran")


# --- keywords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("max_trials", "trials=..."),
        ("n_trials", "trials=..."),
        ("timeout", "seconds=..."),
        ("n_jobs", "workers=..."),
        ("max_epochs", "epochs=..."),
        ("metric", "objective=..."),
        ("direction", "objective=..."),
        ("random_state", "seed=..."),
        ("project_name", "name=..."),
        ("search_space", "space=..."),
        ("x", "mw.tune(build, x, y, ...)"),
        ("hypermodel", "mw.tune(build, x, y, ...)"),
        ("trails", "Did you mean 'trials'?"),
        ("Seed", "Did you mean 'seed'?"),
        ("shuffle", "fit={...}"),
    ],
)
def test_a_keyword_that_tune_lacks_is_answered_with_the_one_that_was_meant(word, meant):
    with pytest.raises(mw.ArgumentError) as caught:
        tune(never, **{word: 3})
    assert isinstance(caught.value, TypeError)
    assert f"tune: there is no argument {word!r}. Allowed: objective, strategy, trials" in str(caught.value)
    assert meant in str(caught.value)


def test_the_signature_is_that_of_a_plain_function():
    names = list(inspect.signature(mw.tune).parameters)
    assert names[:3] == ["subject", "data", "objective"] and "kwargs" not in names
    with pytest.raises(TypeError, match="subject"):
        mw.tune()


def test_resume_answers_unknown_keywords_in_the_same_way():
    study = tune(square)
    with pytest.raises(mw.ArgumentError, match=r"'n_jobs'.*n_jobs= is written workers="):
        study.resume(n_jobs=2)
    with pytest.raises(mw.ArgumentError, match=r"'max_trials'.*is written trials="):
        study.resume(square, max_trials=9)


# --- numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"trials": HUGE},
        {"seconds": HUGE},
        {"seed": HUGE},
        {"steps": HUGE},
        {"verbose": -1},
        {"confirm": -1},
        {"confirm": "all"},
        {"executions": 0},
        {"max_model_size": "small"},
    ],
)
def test_numbers_that_nobody_can_use_are_named_before_anything_runs(options):
    with pytest.raises(mw.ArgumentError, match=next(iter(options))):
        tune(never, **options)


@pytest.mark.parametrize(
    "function",
    [
        lambda hp: hp.Int("a", 0, HUGE),
        lambda hp: hp.Float("a", -HUGE, 1.0),
        lambda hp: hp.Float("a", 0, 1, step=HUGE),
        lambda hp: hp.Int("a", 0, 5, default=HUGE),
    ],
)
def test_bounds_that_no_float_can_hold_are_an_error_at_the_first_trial(function):
    with pytest.raises(mw.SpaceError, match=r"'a'.*too large"):
        tune(function)


@pytest.mark.parametrize("returned", [HUGE, {"value": HUGE}, [HUGE]])
def test_a_result_that_no_float_can_hold_is_an_error_at_the_first_trial(returned):
    with pytest.raises(mw.SubjectError, match="too large for a float"):
        tune(lambda hp: returned)


def test_huge_numbers_are_values_like_others():
    study = tune(lambda hp: 1.0 * (hp.Choice("a", [1, HUGE]) > 1), strategy="grid")
    assert study.best.config == {"a": 1} and study.trials[1].config == {"a": HUGE}


def test_a_told_or_reported_number_that_no_float_can_hold_is_refused_and_the_trial_goes_on():
    study = mw.Study(lambda hp: hp.Float("x", 0, 1), strategy="random", store=":memory:")
    trial = study.ask()
    with pytest.raises(mw.ArgumentError, match="float can hold.*still running"):
        study.tell(trial, HUGE)
    for step, value in [(1, HUGE), (1, "low"), ("one", 1.0), (HUGE, 1.0), (True, 1.0)]:
        with pytest.raises(mw.ArgumentError, match=r"trial\.report"):
            trial.report(step, value)
    with pytest.raises(mw.ArgumentError, match="nothing was measured"):
        trial.report(1)
    assert study.tell(trial, 1.0).state == "complete" and study.best.history == []
    for number in ("first", True, 9, -1):
        with pytest.raises(mw.StudyError, match="there is no trial"):
            study.tell(number, 1.0)
    with pytest.raises(mw.ArgumentError, match="is no step"):
        tune(lambda hp, trial: trial.report(HUGE, 1.0))


# --- what a function gives -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "value", "step"),
    [
        (None, 1.0, 2),
        ({"loss": 3.0, "size": 7.0}, 1.0, 2),  # worse than the best report
        ({"loss": 0.5, "size": 7.0}, 0.5, None),  # better than all reports
        (2.0, 1.0, 2),
        ({"size": 7.0}, 1.0, 2),
    ],
)
def test_the_value_of_a_trial_is_its_best_report_unless_what_it_returns_is_better(returned, value, step):
    def curve(hp, trial):
        for at, loss in enumerate([4.0, 1.0, 2.0], 1):
            trial.report(at, loss=loss, accuracy=1 - loss / 10)
        return returned

    trial = tune(curve, objective="loss", trials=1).best
    assert (trial.value, trial.best_step) == (value, step)
    if step == 2:
        assert trial.metrics["accuracy"] == 0.9  # all metrics are those of the best step
    if isinstance(returned, dict):
        assert trial.metrics["size"] == 7.0


def test_a_result_that_is_not_finite_makes_the_trial_infeasible_whatever_was_reported():
    def diverging(hp, trial):
        trial.report(1, loss=1.0)
        return {"loss": float("nan")}

    assert tune(diverging, objective="loss").trials[0].state == "infeasible"


def test_minimize_takes_the_only_number_of_a_dict_and_asks_for_a_name_otherwise():
    study = tune(lambda hp: {"loss": hp.Float("x", 1.0, 2.0)})
    assert study.best.value == study.best.metrics["loss"] >= 1.0
    with pytest.raises(mw.ObjectiveError, match=r"'acc', 'loss' by name.*mw\.Maximize\('acc'\)"):
        tune(lambda hp: {"acc": 1.0, "loss": 2.0}, objective="maximize")
    with pytest.raises(mw.ObjectiveError, match=r"'loss' by name.*mw\.Minimize\('loss'\)"):
        tune(lambda hp, trial: trial.report(1, loss=1.0) and None)


def test_minimize_and_maximize_in_one_list_say_that_metrics_have_names():
    with pytest.raises(mw.ObjectiveError, match=r"one number.*mw\.Minimize\('loss'\)"):
        tune(never, objective=["minimize", "maximize"])


def test_arguments_of_models_without_data_say_that_data_is_missing():
    def build(hp):
        raise AssertionError("it ran")

    with pytest.raises(mw.ArgumentError, match=r"epochs given, but no data.*mw\.tune\(build, x, y, epochs=\.\.\.\)"):
        tune(build, epochs=3)
    with pytest.raises(mw.ArgumentError, match="validation_split, epochs given, but no data"):
        tune(build, epochs=3, validation_split=0.2)


def test_a_function_leaves_no_model_and_says_what_to_do_instead():
    study = tune(square)
    with pytest.raises(mw.StudyError, match=r"plain function.*study\.best\.config"):
        study.best_model()
    with pytest.raises(mw.StudyError, match=r"plain function.*study\.best\.config"):
        study.refit()


# --- the end ---------------------------------------------------------------------------------------------


def test_a_search_without_a_value_offers_the_errors_and_no_best_one(capfd, tmp_path):
    def bad(hp):
        raise ValueError(f"no {hp.Int('x', 0, 9)}")

    with pytest.raises(ValueError):
        tune(bad, verbose=1, store=tmp_path / "s.db", name="s")
    told = capfd.readouterr().err.partition("Next:")[2]
    assert "study.best" not in told and "print(study.trials[0].error.traceback)" in told
    assert f"mw.load_study('s', '{tmp_path}/s.db')" in told


def test_a_search_of_one_trial_speaks_of_one_trial(capfd):
    tune(square, trials=1, verbose=1)
    told = capfd.readouterr().err
    assert "1 trials" not in told and "1 of 1 trial," in told


SCRIPT = """
import sys, time
import modelwright as mw
def slow(hp):
    x = hp.Float("x", 0, 1)
    print("running", flush=True)
    time.sleep(0.5)
    return x
mw.tune(slow, objective="minimize", strategy="random", trials=50, store=sys.argv[1], name="s", verbose=1)
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_with_the_way_to_go_on(tmp_path, times):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, "script.py", "s.db"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    for _ in range(2):
        assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    if times == 2:
        signal.sigtimedwait([], 0.1)
        process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    resume = "mw.tune(..., name='s', store='s.db')"
    assert resume in told.partition("Next:")[2]
    if times == 2:
        last = told.strip().splitlines()[-1]
        assert last.startswith("KeyboardInterrupt: stopped at once; 1 finished trial of study 's' is kept")
        assert resume in last
        assert "loop.py" not in told and "serial.py" not in told
    kept = mw.load_study("s", tmp_path / "s.db")
    assert [t.state for t in kept.trials] == ["complete", "complete" if times == 1 else "running"]


def test_an_objective_that_is_no_number_is_named():
    with pytest.raises(mw.SubjectError, match="loss is 'low'"):
        tune(lambda hp: {"loss": "low", "note": "kept out"}, objective="loss")
