"""Studies by hand and by ``tune``: ask, tell, resume, stop, the same seed."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

import modelwright as mw


def bowl(hp):
    return (hp.Float("x", -5.0, 5.0) - 2) ** 2 + hp.Int("n", 0, 4)


def tune(function=bowl, **options):
    options = {"objective": "minimize", "trials": 12, "store": ":memory:", "verbose": 0, **options}
    return mw.tune(function, **options)


@pytest.mark.parametrize("strategy", ["random", "grid", "bayesian", "auto"])
def test_the_same_seed_gives_the_same_search(strategy):
    runs = [[(t.config, t.value) for t in tune(strategy=strategy, seed=s).trials] for s in (0, 0, 1)]
    assert runs[0] == runs[1]
    assert strategy == "grid" or runs[0] != runs[2]


def test_parameters_found_while_running_reach_strategies_and_summaries():
    def nested(hp):
        kind = hp.Choice("kind", ["linear", "tree"])
        if kind == "tree":
            return hp.Int("depth", 1, 3) / 10
        return 1.0 + hp.Boolean("bias")

    study = tune(nested, strategy="random", trials=50)
    assert len(study.trials) == 5 and study.space.size == 5
    assert all(("depth" in t.config) == (t.config["kind"] == "tree") for t in study.trials)
    assert study.best.config == {"kind": "tree", "depth": 1}


def test_ask_and_tell_with_numbers_dicts_lists_and_states():
    hp = mw.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    study = mw.Study(hp, objective=["loss", mw.Minimize("size")], strategy="random", store=":memory:")
    told = [[0.5, 3.0], {"loss": 0.4, "size": 9.0, "extra": 1.0}, [0.9, 9.0]]
    for value in told:
        study.tell(study.ask(), value)
    study.tell(study.ask(), "out of range", state="infeasible")
    study.tell(study.ask(), state="failed")
    assert [t.values for t in study.trials[:3]] == [(0.5, 3.0), (0.4, 9.0), (0.9, 9.0)]
    assert [t.state for t in study.trials] == ["complete"] * 3 + ["infeasible", "failed"]
    assert {t.number for t in study.front} == {0, 1}
    with pytest.raises(mw.StudyError, match="complete already"):
        study.tell(0, [1.0, 1.0])


def test_parameters_can_be_asked_of_a_trial():
    study = mw.Study(objective="maximize", strategy="random", store=":memory:")
    for _ in range(4):
        trial = study.ask()
        study.tell(trial, trial.hp.Int("a", 1, 4) * 1.0)
    assert study.best.config == {"a": 4}
    with pytest.raises(mw.StudyError, match="exhausted"):
        study.ask()


def test_reports_of_an_asked_trial_are_kept_and_the_best_step_is_its_value():
    study = mw.Study(objective="minimize", strategy="random", store=":memory:")
    trial = study.ask()
    for step, value in enumerate([3.0, 1.0, 2.0], 1):
        trial.report(step, value)
    study.tell(trial)
    assert study.best.value == 1.0 and study.best.best_step == 2 and len(study.best.history) == 3


def test_a_function_with_reports_is_stopped_where_it_is_worse_than_most():
    ran = {}

    def curve(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        for step in range(1, 10):
            trial.report(step, loss=x + 1 / step)
            ran[trial.number] = step
            if trial.should_stop():
                break

    study = tune(curve, objective="loss", strategy="auto", steps=9, trials=15)
    assert ran[0] == 9 and min(ran.values()) < 9
    assert {t.state for t in study.trials} <= {"complete", "pruned", "paused"}
    assert study.best.fidelity == 1


def test_totals_hold_over_a_resume_and_the_budget_can_grow(tmp_path):
    calls = []

    def counted(hp):
        calls.append(1)
        return bowl(hp)

    store = tmp_path / "s.db"
    first = tune(counted, store=store, name="s", trials=5)
    again = tune(counted, store=store, name="s", trials=5)
    assert len(calls) == 5 and [t.config for t in again.trials] == [t.config for t in first.trials]
    more = tune(counted, store=store, name="s", trials=9)
    whole = tune(trials=9)
    assert len(calls) == 9 and [t.config for t in more.trials] == [t.config for t in whole.trials]


def test_a_loaded_study_shows_everything_and_goes_on(tmp_path):
    store = tmp_path / "s.db"
    made = tune(store=store, name="s", trials=4, strategy="random")
    study = mw.load_study("s", store)
    assert [(t.config, t.value, t.state) for t in study.trials] == [(t.config, t.value, t.state) for t in made.trials]
    assert study.objectives == made.objectives and study.space.size == made.space.size
    with pytest.raises(mw.StudyError, match="does not know what is tuned"):
        study.resume()
    assert len(study.resume(bowl, trials=7, verbose=0).trials) == 7


def test_stop_from_the_tuned_code_ends_the_search_and_keeps_the_trial():
    box = {}

    class Strategy(mw.Strategy):
        name = "mine"

        def ask(self, state, space, number):
            from modelwright.core.records import Proposal

            return Proposal()

    def function(hp):
        x = hp.Float("x", 0.0, 1.0)
        if len(box.setdefault("seen", [])) == 3:
            box["study"].stop()
        box["seen"].append(x)
        return x

    import modelwright.api.study as module

    original = module.Study._run

    def remembering(self):
        box["study"] = self
        return original(self)

    module.Study._run = remembering
    try:
        study = tune(function, strategy=Strategy(), trials=50)
    finally:
        module.Study._run = original
    assert len(study.trials) == 4 and study.stopped == "stopped by study.stop()"
    study.stop()  # nothing runs: nothing happens, and nothing is remembered
    assert len(study.resume(trials=5).trials) == 5 and study.stopped == "the budget of trials is used up"


def test_ctrl_c_once_finishes_the_trial_and_twice_stops_now(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys, time
            import modelwright as mw
            def slow(hp):
                x = hp.Float("x", 0, 1)
                print("running", flush=True)
                time.sleep(0.5)
                return x
            study = mw.tune(slow, objective="minimize", strategy="random", trials=50, store=sys.argv[1], name="s",
                            verbose=0)
            print("after", study.stopped, len(study.trials), flush=True)
            """
        )
    )

    def start(store):
        process = subprocess.Popen(
            [sys.executable, str(script), str(store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "running\n"
        return process

    once = start(tmp_path / "a.db")
    once.send_signal(signal.SIGINT)
    out, _ = once.communicate(timeout=60)
    assert "after interrupted 1" in out and once.returncode == 0
    twice = start(tmp_path / "b.db")
    twice.send_signal(signal.SIGINT)
    signal.sigtimedwait([], 0.1)
    twice.send_signal(signal.SIGINT)
    out, _ = twice.communicate(timeout=60)
    assert "after" not in out and twice.returncode in (1, 130, -signal.SIGINT)
    resumed = tune(lambda hp: hp.Float("x", 0, 1), strategy="random", trials=3, store=tmp_path / "b.db", name="s")
    assert [t.state for t in resumed.trials] == ["complete"] * 3


@pytest.mark.parametrize("how", ["script", "stdin"])
def test_two_workers_need_no_main_guard_and_run_what_is_defined_in_main(how, tmp_path):
    code = textwrap.dedent(
        """
        import numpy as np
        import modelwright as mw
        data = np.ones((512, 1024))
        class Model:
            def __init__(self, x): self.x = x
            def loss(self): return (self.x - 0.5) ** 2 + float(data.sum()) * 0
        def objective(hp):
            return Model(hp.Float("x", 0, 1)).loss()
        study = mw.tune(objective, objective="minimize", strategy="random", trials=8, workers=2, store=":memory:",
                        verbose=0)
        print(len(study.trials), {t.state for t in study.trials})
        """
    )
    if how == "script":
        (tmp_path / "script.py").write_text(code)
        done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    else:
        done = subprocess.run(
            [sys.executable, "-"], input=code, capture_output=True, text=True, cwd=tmp_path, timeout=120,
            env={**os.environ},
        )  # fmt: skip
    assert done.stdout == "8 {'complete'}\n", done.stderr


def test_infeasible_in_a_worker_and_the_first_error_reach_the_user():
    def fails(hp):
        raise LookupError("in the worker")

    with pytest.raises(LookupError, match="in the worker") as caught:
        tune(fails, workers=2)
    assert any("Traceback" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("strategy", ["random", "grid", "bayesian", "auto"])
def test_declared_parameters_that_are_only_read_are_part_of_the_configuration(strategy):
    study = tune(lambda hp: hp["x"] * 1.0, space=lambda hp: hp.Int("x", 1, 4), strategy=strategy, trials=30)
    assert sorted(t.config["x"] for t in study.trials) == [1, 2, 3, 4]
    assert study.best.config == {"x": 1}


def test_workers_that_start_before_the_space_is_known_try_different_things():
    def slow(hp):
        import time

        time.sleep(0.2)
        return hp.Float("x", -5, 5) ** 2

    study = tune(slow, strategy="auto", trials=4, workers=2)
    assert len({t.config["x"] for t in study.trials}) == 4


def test_resume_takes_larger_totals_and_refuses_what_it_does_not_know():
    study = tune(trials=2)
    assert len(study.resume(trials=5).trials) == 5
    with pytest.raises(mw.ArgumentError, match="bogus"):
        study.resume(bogus=1)


def test_a_complete_trial_is_better_than_a_pruned_one_whatever_its_value():
    study = mw.Study(lambda hp: hp.Float("x", 0, 1), objective="minimize", strategy="random", store=":memory:")
    study.tell(study.ask(), 1.0, state="pruned")
    study.tell(study.ask(), 6.0)
    assert study.best.value == 6.0


def test_a_halving_strategy_can_be_driven_by_hand():
    study = mw.Study(
        lambda hp: hp.Float("x", 0, 1), objective="minimize", strategy="hyperband", steps=9, store=":memory:"
    )
    trial = study.ask()
    trial.report(1, 0.5)
    assert study.tell(trial).number == 0


def test_several_objectives_name_no_winner(capsys):
    def two(hp):
        x = hp.Float("x", 0, 1)
        return {"cost": x, "error": 1 - x}

    both = [mw.Minimize("cost"), mw.Minimize("error")]
    study = mw.tune(two, objective=both, strategy="random", trials=4, store=":memory:")
    said = capsys.readouterr().err
    assert "Front: 4 trials that no other beats" in said and "Best" not in said
    assert repr(study) == f"Study({study.name!r}, trials=4, front=4)"
    cost, error = study.trials[0].values
    assert f"values=({cost:.6g}, {error:.6g})" in repr(study.trials[0])
    card = study._repr_html_()
    assert "Front: <b>4 trials</b>" in card and "Best" not in card
