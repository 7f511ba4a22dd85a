"""A search from outside: results of each kind, hooks, failures, summaries, reloading. No Keras models."""

from __future__ import annotations

import pytest


def test_a_search_runs_to_its_end_and_ranks(kt, make_tuner):
    tuner = make_tuner(lambda hp: hp.Float("x", -1, 1) ** 2, max_trials=6)
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 6 and tuner.remaining_trials == 0
    scores = [t.score for t in tuner.oracle.get_best_trials(6)]
    assert scores == sorted(scores)
    assert tuner.get_best_hyperparameters()[0].get("x") ** 2 == scores[0]
    assert all(t.status == "COMPLETED" for t in tuner.oracle.trials.values())


@pytest.mark.parametrize(
    ("returned", "objective", "score", "step"),
    [
        (3, None, 3.0, 0),
        (2.5, None, 2.5, 0),
        ([1.0, 3.0], None, 2.0, 0),
        ({"val_loss": 4.0, "x": 1}, "val_loss", 4.0, 0),
        ([{"val_loss": 4.0}, {"val_loss": 2.0}], "val_loss", 3.0, 0),
        ({"default_objective": 7.0}, None, 7.0, 0),
    ],
)
def test_a_trial_may_return(make_tuner, returned, objective, score, step):
    tuner = make_tuner(lambda hp: returned, objective=objective, max_trials=1)
    tuner.search(verbose=0)
    (trial,) = tuner.oracle.trials.values()
    assert (trial.score, trial.best_step) == (score, step)


def test_a_history_counts_by_its_best_epoch(make_tuner):
    import keras

    history = keras.callbacks.History()
    history.history = {"val_accuracy": [0.1, 0.7, 0.5], "loss": [3.0, 2.0, 1.0]}
    tuner = make_tuner(lambda hp: [history, history], objective="val_accuracy", max_trials=1)
    tuner.search(verbose=0)
    (trial,) = tuner.oracle.trials.values()
    assert (trial.score, trial.best_step) == (0.7, 1)
    assert trial.metrics.get_best_value("loss") == 2.0


def test_a_history_may_serve_several_objectives(make_tuner):
    import keras

    history = keras.callbacks.History()
    history.history = {"val_accuracy": [0.1, 0.7, 0.5], "loss": [3.0, 2.0, 1.0]}
    tuner = make_tuner(lambda hp: history, objective=["loss", "val_accuracy"], max_trials=1)
    tuner.search(verbose=0)
    (trial,) = tuner.oracle.trials.values()
    assert (trial.score, trial.best_step) == (0.5, 2)


@pytest.mark.parametrize(
    ("returned", "objective", "error"),
    [
        (None, "val_loss", TypeError),
        ("text", "val_loss", TypeError),
        ({"loss": 1.0}, "val_loss", ValueError),
        ({"loss": 1.0}, None, TypeError),
        ([1.0, None], None, TypeError),
    ],
)
def test_what_cannot_be_understood_ends_the_search(sub, make_tuner, returned, objective, error):
    tuner = make_tuner(lambda hp: returned, objective=objective)
    with pytest.raises(error) as raised:
        tuner.search(verbose=0)
    assert isinstance(raised.value, sub("errors").FatalError)


def test_hooks_are_called_in_order(sub, make_tuner):
    calls = []

    class Watched(sub("engine.base_tuner").BaseTuner):
        def on_search_begin(self):
            calls.append("search begins")

        def on_search_end(self):
            calls.append("search ends")

        def pre_create_trial(self):
            calls.append("before creation")

        def on_trial_begin(self, trial):
            calls.append(f"{trial.trial_id} begins {trial.status}")

        def on_trial_end(self, trial):
            calls.append(f"{trial.trial_id} ends {trial.status}")
            super().on_trial_end(trial)

    def function(hp):
        calls.append("runs")
        return 1.0

    make_tuner(function, kind=Watched, max_trials=1).search(verbose=0)
    assert calls == [
        "search begins",
        "before creation",
        "0 begins RUNNING",
        "runs",
        "0 ends COMPLETED",
        "before creation",
        "search ends",
    ]


def test_arguments_of_search_reach_the_trial(kt, sub, tmp_path):
    seen = []

    class Plain(sub("engine.base_tuner").BaseTuner):
        def run_trial(self, trial, *args, **kwargs):
            seen.append((args, kwargs))
            return 1.0

    tuner = Plain(kt.oracles.RandomSearchOracle(max_trials=1), directory=tmp_path)
    tuner.search("x", "y", epochs=3, verbose=0)
    assert seen == [(("x", "y"), {"epochs": 3, "verbose": 0})]
    assert tuner.project_dir == str(tmp_path / "untitled_project")


def test_a_trial_that_raises_is_tried_again_and_then_given_up(make_tuner):
    calls = []

    def function(hp):
        hp.Int("x", 0, 99)
        calls.append(1)
        if len(calls) in (1, 3, 4):
            raise ValueError("no luck")
        return 1.0

    tuner = make_tuner(function, max_trials=3, max_retries_per_trial=1)
    tuner.search(verbose=0)
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert len(calls) == 5
    failed = tuner.oracle.trials["1"]
    assert "ValueError: no luck" in failed.message and failed.score is None


def test_a_failed_trial_is_not_tried_again(sub, make_tuner):
    calls = []

    def function(hp):
        hp.Int("x", 0, 99)
        calls.append(1)
        if len(calls) == 2:
            raise sub("errors").FailedTrialError("give up")
        return 1.0

    tuner = make_tuner(function, max_trials=3, max_retries_per_trial=5)
    tuner.search(verbose=0)
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED", "COMPLETED"]


def test_failures_in_a_row_end_the_search_with_the_reason(make_tuner):
    def function(hp):
        hp.Int("x", 0, 99)
        raise ValueError("always wrong")

    tuner = make_tuner(function, max_trials=20, max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match="limit of 2(.|\n)*always wrong"):
        tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 2


@pytest.mark.parametrize("name", ["FatalError", "FatalValueError", "FatalTypeError", "FatalRuntimeError"])
def test_a_fatal_error_ends_the_search_at_once(sub, make_tuner, name):
    error = getattr(sub("errors"), name)

    def function(hp):
        raise error("stop everything")

    with pytest.raises(error, match="stop everything"):
        make_tuner(function).search(verbose=0)


def test_what_a_tuner_refuses(kt, sub, tmp_path):
    base = sub("engine.base_tuner").BaseTuner
    with pytest.raises(ValueError, match="oracle"):
        base("random", lambda hp: None, directory=tmp_path)
    with pytest.raises(ValueError, match="nrecognized"):
        base(kt.oracles.RandomSearchOracle(), directory=tmp_path, nonsense=1)
    with pytest.raises(ValueError):
        base(kt.oracles.RandomSearchOracle(), hypermodel=3, directory=tmp_path)
    with pytest.raises(ValueError, match="hypermodel"):
        kt.RandomSearch(objective="val_loss", directory=tmp_path)


def test_the_summaries(make_tuner, capsys, tmp_path):
    def function(hp):
        return {"val_loss": hp.Int("n", 1, 3) + hp.Choice("c", [0.5, 0.25])}

    tuner = make_tuner(function, objective="val_loss", max_trials=2, seed=11)
    tuner.search(verbose=0)
    capsys.readouterr()
    tuner.search_space_summary()
    assert capsys.readouterr().out == (
        "Search space summary\nDefault search space size: 2\nn (Int)\n"
        "{'default': None, 'conditions': [], 'min_value': 1, 'max_value': 3, 'step': 1, 'sampling': 'linear'}\n"
        "c (Choice)\n{'default': 0.5, 'conditions': [], 'values': [0.5, 0.25], 'ordered': True}\n"
    )
    tuner.results_summary(1)
    best = tuner.oracle.get_best_trials()[0]
    assert capsys.readouterr().out == (
        f"Results summary\nResults in {tmp_path}/p\nShowing 1 best trials\n"
        f'Objective(name="val_loss", direction="min")\n\nTrial {best.trial_id} summary\nHyperparameters:\n'
        f"n: {best.hyperparameters['n']}\nc: {best.hyperparameters['c']}\nScore: {best.score}\n"
    )


def test_a_search_tells_of_each_trial(make_tuner, capsys):
    make_tuner(lambda hp: hp.Float("rate", 0.5, 1), max_trials=2).search()
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0] == "Search: Running Trial #1"
    assert lines[1] == "default configuration"
    assert lines[2].startswith("Trial 1 Complete [00h 00m 0")
    assert lines[3:5] == ["default_objective: 0.5", "Best default_objective So Far: 0.5"]
    assert lines[5].startswith("Total elapsed time: 00h 00m 0")
    assert lines[6] == "Search: Running Trial #2"
    assert lines[7] == "Value             |Best Value So Far |Hyperparameter"
    assert lines[8].split("|")[1:] == ["0.5               ", "rate"]


def test_a_project_that_is_there_goes_on(make_tuner, capsys):
    first = make_tuner(lambda hp: hp.Float("x", 0, 1), max_trials=3)
    first.search(verbose=0)
    capsys.readouterr()
    again = make_tuner(lambda hp: hp.Float("x", 0, 1), max_trials=5)
    assert "Reloading Tuner from" in capsys.readouterr().out
    assert len(again.oracle.trials) == 3 and again.remaining_trials == 2
    again.search(verbose=0)
    assert len(again.oracle.trials) == 5
    values = [t.hyperparameters.values["x"] for t in again.oracle.trials.values()]
    assert len(set(values)) == 5
    fresh = make_tuner(lambda hp: hp.Float("x", 0, 1), max_trials=5, overwrite=True)
    assert fresh.oracle.trials == {}


def test_the_files_are_kerastuners(make_tuner, tmp_path):
    import json

    make_tuner(lambda hp: hp.Float("x", 0, 1), max_trials=12).search(verbose=0)
    folder = tmp_path / "p"
    assert json.loads((folder / "tuner0.json").read_text()) == {}
    state = json.loads((folder / "oracle.json").read_text())
    assert set(state) == {
        "ongoing_trials",
        "hyperparameters",
        "start_order",
        "end_order",
        "run_times",
        "retry_queue",
        "seed",
        "seed_state",
        "tried_so_far",
        "id_to_hash",
        "display",
    }
    assert state["end_order"] == [f"{i:02d}" for i in range(12)] and state["ongoing_trials"] == {}
    assert set(state["display"]) == {"search_start", "trial_start", "trial_number"}
    trial = json.loads((folder / "trial_05" / "trial.json").read_text())
    assert set(trial) == {"trial_id", "hyperparameters", "metrics", "score", "best_step", "status", "message"}
    assert trial["metrics"]["metrics"]["default_objective"]["observations"] == [{"value": [trial["score"]], "step": 0}]


def test_an_own_oracle_and_the_old_way_to_report(kt, sub, tmp_path):
    class Halves(kt.Oracle):
        def populate_space(self, trial_id):
            if len(self.trials) == 3:
                return {"status": "STOPPED"}
            return {"status": "RUNNING", "values": {"x": 0.5 ** len(self.trials)}}

        def score_trial(self, trial):
            trial.score = -trial.metrics.get_best_value(self.objective.name)

    class Old(sub("engine.base_tuner").BaseTuner):
        def run_trial(self, trial):
            x = trial.hyperparameters.Float("x", 0, 1)
            self.oracle.update_trial(trial.trial_id, {"loss": x}, step=4)

    tuner = Old(Halves(objective=kt.Objective("loss", "min")), directory=tmp_path)
    with pytest.warns(DeprecationWarning):
        tuner.search()
    assert [t.score for t in tuner.oracle.trials.values()] == [-1.0, -0.5, -0.25]
    assert tuner.get_best_hyperparameters()[0]["x"] == 1.0


def test_conditional_scopes_are_all_found_before_the_first_trial(kt, sub, tmp_path):
    built = []

    def build(hp):
        built.append(dict(hp.values))
        kind = hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            if kind == "b":
                deep = hp.Boolean("deep")
                with hp.conditional_scope("deep", [True]):
                    if deep:
                        hp.Int("depth", 1, 3)
        return object()

    class Plain(sub("engine.base_tuner").BaseTuner):
        pass

    tuner = Plain(kt.oracles.RandomSearchOracle(seed=1), build, directory=tmp_path)
    assert [hp.name for hp in tuner.oracle.get_space().space] == ["kind", "deep", "depth"]
    assert len(built) == 3


def test_a_hypermodel_declares_and_may_keep_to_itself(kt, sub, tmp_path):
    class Declared(kt.HyperModel):
        def declare_hyperparameters(self, hp):
            hp.Int("first", 1, 2)

        def build(self, hp):
            return hp.Int("second", 1, 2)

    class Plain(sub("engine.base_tuner").BaseTuner):
        pass

    open_one = Plain(kt.oracles.RandomSearchOracle(), Declared(), directory=tmp_path / "a")
    assert [hp.name for hp in open_one.oracle.get_space().space] == ["first", "second"]
    closed = Plain(kt.oracles.RandomSearchOracle(), Declared(tunable=False), directory=tmp_path / "b")
    assert [hp.name for hp in closed.oracle.get_space().space] == ["first"]


def test_a_space_may_be_tailored(kt, make_tuner):
    hp = kt.HyperParameters()
    hp.Choice("x", [7, 8])
    tuner = make_tuner(lambda hp: hp.Int("x", 0, 100) + hp.Int("y", 5, 9), hyperparameters=hp, tune_new_entries=False)
    tuner.search(verbose=0)
    values = {(t.hyperparameters["x"], t.hyperparameters["y"]) for t in tuner.oracle.trials.values()}
    assert values == {(7, 5), (8, 5)}
