"""Projects on disk: KerasTuner's are taken up, ours survive being killed, and the store holds the truth."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from modelwright import keras_tuner as kt_module
from modelwright.api.load import load_study
from modelwright.core.errors import StoreError, StudyError
from modelwright.keras_tuner.engine.base_tuner import BaseTuner
from modelwright.keras_tuner.engine.facts import read_back

THEIRS = Path(__file__).parent / "kerastuner-1.4.8"


class Plain(BaseTuner):
    """Runs a function of the hyperparameters, and remembers which trials ran here."""

    def __init__(self, oracle, function, **kwargs):
        self.function, self.ran = function, []
        super().__init__(oracle, **kwargs)

    def run_trial(self, trial, *args, **kwargs):
        self.ran.append(trial.trial_id)
        return self.function(trial.hyperparameters)


class Killed(BaseException):
    """Ends a search as Ctrl-C does."""


@pytest.fixture
def projects(tmp_path):
    shutil.copytree(THEIRS, tmp_path / "theirs")
    return tmp_path / "theirs"


def square(hp):
    x = hp.Float("x", -1, 1)
    if hp.Choice("kind", ["a", "b"]) == "b":
        with hp.conditional_scope("kind", ["b"]):
            hp.Int("n", 1, 4)
    return {"val_loss": x * x}


def test_a_random_search_of_kerastuner_goes_on(kt, projects):
    before = {p.parent.name: p.read_text() for p in (projects / "random").glob("trial_*/trial.json")}
    oracle = kt.oracles.RandomSearchOracle(objective="val_loss", max_trials=6)
    tuner = Plain(oracle, square, directory=projects, project_name="random")
    assert [t.status for t in oracle.trials.values()] == ["COMPLETED"] * 3 + ["RUNNING"]
    tuner.search(verbose=0)
    assert tuner.ran == ["3", "4", "5"], "what was running when it stopped runs again, then the rest"
    assert all((projects / "random" / n / "trial.json").read_text() == before[n] for n in ("trial_0", "trial_2"))
    assert len({json.dumps(t.hyperparameters.values) for t in oracle.trials.values()}) == 6
    study = load_study("search", projects / "random" / "modelwright.db")
    assert [t.state for t in study.trials] == ["complete"] * 6
    assert study.best.value == tuner.oracle.get_best_trials()[0].score


def test_a_grid_search_of_kerastuner_goes_on(kt, projects):
    oracle = kt.oracles.GridSearchOracle()
    tuner = Plain(
        oracle, lambda hp: hp.Choice("a", [1, 2, 3]) + 10 * hp.Int("b", 0, 1), directory=projects, project_name="grid"
    )
    tuner.search(verbose=0)
    assert tuner.ran == ["0003", "0004", "0005"]
    assert [tuple(t.hyperparameters.values.values()) for t in oracle.trials.values()] == [
        (a, b) for a in (1, 2, 3) for b in (0, 1)
    ]


def test_a_hyperband_search_of_kerastuner_goes_on_with_its_weights(kt, projects):
    keras = pytest.importorskip("keras")

    def build(hp):
        model = keras.Sequential(
            [keras.layers.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 9)), keras.layers.Dense(1)]
        )
        model.compile(keras.optimizers.Adam(0.01), "mse")
        return model

    tuner = kt.Hyperband(
        build, objective="val_loss", max_epochs=2, factor=2, directory=projects, project_name="hyperband"
    )
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    tuner.search(x, x.sum(1), validation_split=0.25, verbose=0)
    trials = tuner.oracle.trials
    assert len(trials) == 5 and {t.status for t in trials.values()} == {"COMPLETED"}
    promoted = trials["0002"]
    source = promoted.hyperparameters["tuner/trial_id"]
    assert source == min(("0000", "0001"), key=lambda t: trials[t].score)
    model = tuner._build_hypermodel(promoted.hyperparameters)
    assert int(model.optimizer.iterations) > 0, "the optimizer goes on too"
    assert len(tuner.get_best_models()) == 1


# --- being killed ------------------------------------------------------------------------------------


SCRIPT = """
import os, sys
from modelwright import keras_tuner as kt
from modelwright.keras_tuner.engine.base_tuner import BaseTuner
from modelwright.keras_tuner.engine.facts import read_back

class Plain(BaseTuner):
    def run_trial(self, trial, *args, **kwargs):
        print("ran", trial.trial_id, flush=True)
        if trial.trial_id == sys.argv[2]:
            os.kill(os.getpid(), 9)
        return trial.hyperparameters.Choice("a", [1, 2, 3]) + 10 * trial.hyperparameters.Int("b", 0, 1)

oracle = getattr(kt.oracles, sys.argv[1])(max_trials=6, **({} if "Grid" in sys.argv[1] else {"seed": 4}))
tuner = Plain(oracle, directory=".", project_name="p")
tuner.search(verbose=0)
"""


@pytest.mark.parametrize("oracle", ["RandomSearchOracle", "GridSearchOracle"])
def test_a_search_that_was_killed_repeats_only_what_was_running(oracle, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)

    def go(dies_at):
        command = [sys.executable, "script.py", oracle, dies_at]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        return done.returncode, [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ran")]

    width = "{:04d}" if "None" in oracle else "{:d}"
    assert go(width.format(3)) == (-9, ["0", "1", "2", "3"])
    assert go("none") == (0, ["3", "4", "5"])
    state = json.loads((tmp_path / "p" / "oracle.json").read_text())
    assert state["start_order"] == state["end_order"] == ["0", "1", "2", "3", "4", "5"]
    study = load_study("search", tmp_path / "p" / "modelwright.db")
    assert [t.state for t in study.trials] == ["complete"] * 6


def run_some(kt, tmp_path, trials):
    oracle = kt.oracles.RandomSearchOracle(max_trials=trials, seed=8)
    tuner = Plain(oracle, lambda hp: hp.Float("x", 0, 1), directory=tmp_path, project_name="p")
    tuner.search(verbose=0)
    return tuner


def test_files_that_are_lost_or_damaged_are_read_from_the_store(kt, tmp_path):
    before = run_some(kt, tmp_path, 4).oracle.trials
    (tmp_path / "p" / "oracle.json").write_text('{"half": ')
    (tmp_path / "p" / "trial_1" / "trial.json").unlink()
    after = run_some(kt, tmp_path, 6)
    assert after.ran == ["4", "5"]
    assert {i: after.oracle.trials[i].score for i in before} == {i: t.score for i, t in before.items()}


def test_without_the_store_the_files_are_enough(kt, tmp_path):
    run_some(kt, tmp_path, 4)
    (tmp_path / "p" / "modelwright.db").unlink()
    assert run_some(kt, tmp_path, 6).ran == ["4", "5"]


def test_what_the_files_missed_of_the_end_is_not_run_again(kt, tmp_path):
    run_some(kt, tmp_path, 3)
    old = {f: f.read_text() for f in (tmp_path / "p").glob("**/*.json")}
    run_some(kt, tmp_path, 4)
    # As after a power failure that the trials survived and the files did not, nor the oracle's state.
    (tmp_path / "p" / "trial_3" / "trial.json").unlink()
    for file, text in old.items():
        file.write_text(text)
    with sqlite3.connect(tmp_path / "p" / "modelwright.db") as db:
        last = db.execute("select max(seq) from events where kind = 'Finished'").fetchone()
        db.execute("delete from events where seq > ?", last)
    again = run_some(kt, tmp_path, 5)
    assert again.ran == ["4"] and again.oracle.end_order == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("workers", [1, 2])
def test_after_each_trial_the_files_say_all_there_is(kt, tmp_path, workers):
    checked = []

    class Checked(kt.Hyperband):
        def run_trial(self, trial, *args, **kwargs):
            return {"val_loss": trial.hyperparameters.Float("x", 0, 1)}

        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            folder = tmp_path / "p"
            state = json.loads((folder / "oracle.json").read_text())
            assert state == json.loads(json.dumps(self.oracle.get_state()))
            assert json.loads((folder / "tuner0.json").read_text()) == {}
            told = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("trial_*/trial.json")}
            assert told == {f"trial_{name}": t.get_state() for name, t in self.oracle.trials.items()}
            assert set(state["ongoing_trials"].values()) == set(state["start_order"]) - set(state["end_order"])
            checked.append(len(state["ongoing_trials"]))

    tuner = Checked(objective="val_loss", max_epochs=4, factor=2, seed=1, directory=tmp_path, project_name="p")
    tuner.search(verbose=0, workers=workers)
    assert len(checked) == len(tuner.oracle.trials) > 8 and max(checked) == workers - 1


@pytest.mark.parametrize("workers", [1, 2])
def test_the_store_alone_knows_the_oracle_after_each_trial(kt, tmp_path, workers):
    """The plan of Hyperband survives where every JSON file is lost."""
    states = []

    class Noted(kt.Hyperband):
        def run_trial(self, trial, *args, **kwargs):
            return {"val_loss": trial.hyperparameters.Float("x", 0, 1)}

        def pre_create_trial(self):
            kept, _, state = read_back(str(tmp_path / "p"))
            if state is not None:
                states.append((len(kept), state))
                ended = [name for name, trial in self.oracle.trials.items() if trial.status == "COMPLETED"]
                assert sorted(kept) == sorted(ended) == sorted(state["end_order"])
                assert set(state) == set(self.oracle.get_state())

    tuner = Noted(objective="val_loss", max_epochs=4, factor=2, seed=1, directory=tmp_path, project_name="p")
    tuner.search(verbose=0, workers=workers)
    *_, last = read_back(str(tmp_path / "p"))
    assert last == json.loads(json.dumps(tuner.oracle.get_state())) and len(states) > 8


class Plan(kt_module.Hyperband):
    """Hyperband over a function; ``here`` is called with the tuner and the trial that is about to run."""

    def __init__(self, folder, here=lambda tuner, trial: None):
        self.here, self.ran = here, []
        super().__init__(objective="val_loss", max_epochs=4, factor=2, seed=1, directory=folder, project_name="p")

    def run_trial(self, trial, *args, **kwargs):
        x = trial.hyperparameters.Float("x", 0, 1)
        self.here(self, trial)
        self.ran.append(trial.trial_id)
        return {"val_loss": x / trial.hyperparameters["tuner/epochs"]}


def outcome(tuner):
    return [(t.trial_id, t.status, t.score, t.hyperparameters.values) for t in tuner.oracle.trials.values()]


@pytest.fixture(scope="module")
def whole_plan(tmp_path_factory):
    tuner = Plan(tmp_path_factory.mktemp("whole"))
    tuner.search(verbose=0)
    return outcome(tuner)


@pytest.mark.parametrize("at", [0, 3, 4, 7, 11])
def test_a_plan_goes_on_where_every_file_but_the_store_was_lost(whole_plan, tmp_path, at):
    def die(tuner, trial):
        if len(tuner.ran) == at:
            raise Killed

    first = Plan(tmp_path, die)
    with pytest.raises(Killed):
        first.search(verbose=0)
    for file in (tmp_path / "p").glob("**/*.json"):
        if file.name != "tuner0.json":
            file.unlink()
    second = Plan(tmp_path)
    second.search(verbose=0)
    assert outcome(second) == whole_plan
    assert first.ran + second.ran == [name for name, *_ in whole_plan]


@pytest.mark.parametrize("at", [2, 4, 5, 8])
def test_a_trial_whose_file_is_all_that_tells_of_its_end_is_not_run_again(whole_plan, tmp_path, at):
    def no_more_of_the_oracle(tuner, trial):
        def die():
            raise Killed

        if len(tuner.ran) == at:
            tuner.oracle.save = die

    first = Plan(tmp_path, no_more_of_the_oracle)
    with pytest.raises(Killed):
        first.search(verbose=0)
    second = Plan(tmp_path)
    second.search(verbose=0)
    assert first.ran + second.ran == [name for name, *_ in whole_plan]
    scores = {name: score for name, _, score, _ in outcome(second)}
    assert None not in scores.values() and second.oracle.start_order == second.oracle.end_order == sorted(scores)


def test_an_interrupt_keeps_everything_and_the_trial_runs_again(kt, tmp_path):
    def stops(hp):
        if len(tuner.ran) == 3:
            raise Killed
        return hp.Float("x", 0, 1)

    oracle = kt.oracles.RandomSearchOracle(max_trials=5, seed=8)
    tuner = Plain(oracle, stops, directory=tmp_path, project_name="p")
    with pytest.raises(Killed):
        tuner.search(verbose=0)
    assert run_some(kt, tmp_path, 5).ran == ["2", "3", "4"]


def test_another_kind_of_oracle_is_told_apart(kt, tmp_path):
    run_some(kt, tmp_path, 2)
    with pytest.raises(RuntimeError, match="overwrite=True"):
        Plain(kt.oracles.HyperbandOracle(), lambda hp: 1.0, directory=tmp_path, project_name="p")


def test_one_project_is_searched_by_one_process_at_a_time(kt, tmp_path):
    inner = []

    def function(hp):
        if not inner:
            inner.append(1)
            with pytest.raises(StoreError, match="being run already"):
                run_some(kt, tmp_path, 2)
        return hp.Float("x", 0, 1)

    oracle = kt.oracles.RandomSearchOracle(max_trials=1, seed=8)
    Plain(oracle, function, directory=tmp_path, project_name="p").search(verbose=0)
    assert inner == [1]


def test_the_study_in_the_store_knows_every_epoch(kt, build, tiny, tmp_path):
    plan = {"max_epochs": 2, "factor": 2, "seed": 1}
    tuner = kt.Hyperband(build, objective="val_loss", directory=tmp_path, project_name="p", **plan)
    tuner.search(*tiny, validation_split=0.25, verbose=0)
    study = load_study("search", tmp_path / "p" / "modelwright.db")
    rows = study._machine.history.rows
    for row, trial in zip(rows, tuner.oracle.trials.values(), strict=True):
        values = trial.hyperparameters.values
        first, last = values["tuner/initial_epoch"], values["tuner/epochs"]
        assert [step for step, _ in row.reports] == list(range(first + 1, last + 1))
        assert row.values == (pytest.approx(trial.score),)
        assert (row.parent is not None) == ("tuner/trial_id" in values)
    assert {p.name for p in study.space.parameters} >= {"units", "rate"}
    for ask in (study.best_model, study.refit):
        with pytest.raises(StudyError, match=r"project_name=.*tuner\.get_best_models\(\)"):
            ask()
