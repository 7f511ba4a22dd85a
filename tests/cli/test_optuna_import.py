"""Studies out of files that Optuna itself wrote: versions 2.10, 3.1 and 5.0, see ``optuna/make.py``."""

import json
import math
import sqlite3
from pathlib import Path

import pytest
from cli_process import run

import modelwright as mw
from modelwright.api.transfer import import_optuna
from modelwright.core.errors import SpaceError, StoreError, StudyError
from modelwright.store.memory import MemoryStore

TEXTS = sorted((Path(__file__).parent / "optuna").glob("*.sql"))


@pytest.fixture(params=TEXTS, ids=lambda path: path.stem)
def file(request, tmp_path):
    path = tmp_path / "optuna.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(request.param.read_text(encoding="utf-8"))
    return path


def test_trials_states_and_values(file):
    before = file.read_bytes()
    study = import_optuna(file, study="mixed", store=MemoryStore())
    with sqlite3.connect(file) as connection:
        rows = connection.execute(
            "SELECT number, state, param_value FROM trials JOIN trial_params USING (trial_id) "
            "WHERE param_name = 'lr' AND study_id = 1 ORDER BY number"
        ).fetchall()
    words = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    expected = [(n, words[s] if n != 5 else "infeasible", lr) for n, s, lr in rows]
    assert [(t.number, t.state, t.config["lr"]) for t in study.trials] == expected
    assert study.objectives == (mw.Maximize("value"),) and study.best.number == 0
    assert study.trials[0].value == 0.5 * study.trials[0].config["units"]
    assert study.trials[5].value == math.inf and file.read_bytes() == before


def test_values_have_their_types(file):
    study = import_optuna(file, study="mixed", store=MemoryStore())
    kinds = {repr(t.config["kind"]) for t in study.trials}
    assert kinds <= {"'a'", "None", "1.5", "True"} and len(kinds) == 4
    for trial in study.trials:
        assert type(trial.config["units"]) is type(trial.config["width"]) is int
        assert trial.config["drop"] in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert ("only a" in trial.config) == (trial.config["kind"] == "a")
    by_name = {p.name: p.domain for p in study.space.parameters}
    assert by_name["lr"].spec()["sampling"] == "log" and by_name["units"].spec()["step"] == 8
    assert by_name["only a"].spec()["high"] == 7.0  # the widest of 1 + trial.number


def test_intermediate_values_become_reports(file):
    study = import_optuna(file, study="mixed", store=MemoryStore())
    first, pruned = study.trials[0], study.trials[2]
    assert first.history == [(step, {"value": 0.5 * step}) for step in (1, 2, 3, 4)]
    assert pruned.steps == 2 and pruned.fidelity == 0.5 and first.fidelity == 1.0
    assert first.facts["user_attrs"] == {"tag": [1, {"x": "y"}]} and first.duration > 0
    assert study.elapsed >= max(t.duration for t in study.trials)


def test_several_objectives(file):
    study = import_optuna(file, study="two", store=MemoryStore())
    assert [o.direction for o in study.objectives] == ["min", "max"]
    assert [o.name for o in study.objectives] in (["cost", "gain"], ["value_0", "value_1"])
    assert [t.values for t in study.trials] == [(t.config["x"], float(t.number)) for t in study.trials]


def test_a_trial_that_was_running_is_lost_and_queued_ones_are_left_out(file):
    study = import_optuna(file, study="running", store=MemoryStore())
    assert [t.state for t in study.trials] == ["lost"]
    record = import_optuna(file, study="mixed", store=study._store)._record
    assert record.definition["imported"]["left_out"] == 1
    assert record.definition["imported"]["user_attrs"] == {"who": "me"}


def again(hp):
    lr = hp.Float("lr", 1e-4, 1.0, sampling="log")
    return lr * hp.Int("units", 8, 64, step=8)


@pytest.mark.parametrize("strategy", ["random", "bayesian"])
def test_it_goes_on_here(file, strategy):
    store = MemoryStore()
    import_optuna(file, study="mixed", store=store)
    study = mw.tune(again, objective="maximize", name="mixed", trials=11, strategy=strategy, store=store, verbose=0)
    assert len(study.trials) == 11 and all(t.state == "complete" for t in study.trials[8:])
    assert all({"lr", "units"} <= set(t.config) for t in study.trials[8:])


def test_which_study(file):
    with pytest.raises(StudyError, match=r"3 studies.*'mixed', 'two', 'running'"):
        import_optuna(file, store=MemoryStore())
    with pytest.raises(StudyError, match=r"no study 'three'.*'mixed'"):
        import_optuna(file, study="three", store=MemoryStore())
    store = MemoryStore()
    import_optuna(f"sqlite:///{file}", study="two", store=store, name="second")
    with pytest.raises(StudyError, match="already"):
        import_optuna(file, study="two", store=store, name="second")


def _edit(file, *statements):
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_file_that_is_spoilt_or_unknown(file):
    spec = json.dumps({"name": "MysteryDistribution", "attributes": {}})
    _edit(file, f"UPDATE trial_params SET distribution_json = '{spec}' WHERE param_id = 1")
    with pytest.raises(SpaceError, match="MysteryDistribution"):
        import_optuna(file, study="mixed", store=MemoryStore())
    _edit(file, "UPDATE trial_params SET distribution_json = '{' WHERE param_id = 1")
    store = MemoryStore()
    with pytest.raises(StoreError, match="cannot be read"):
        import_optuna(file, study="mixed", store=store)
    assert store.studies() == []


def test_a_choice_that_is_a_number_elsewhere(file):
    spec = json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": [1, 2]}})
    _edit(file, f"UPDATE trial_params SET distribution_json = '{spec}', param_value = 0 WHERE param_id = 1")
    with pytest.raises(SpaceError, match=r"'lr'.*choice"):
        import_optuna(file, study="mixed", store=MemoryStore())


@pytest.mark.parametrize("file", TEXTS[-1:], indirect=True, ids=["newest"])
def test_from_the_command_line(file):
    folder = file.parent
    done = run("import-optuna", file, "--study", "mixed", "--as", "old", folder=folder)
    assert done.code == 0 and done.out == "old\n" and "8 trials" in done.err and "1 that were only queued" in done.err
    assert run("show", "old", folder=folder).code == 0
    ambiguous = run("import-optuna", file, folder=folder)
    assert ambiguous.code == 3 and "--study NAME" in ambiguous.err
    ours = run("studies", "--store", file, folder=folder)
    assert ours.code == 5 and "import-optuna" in ours.err
