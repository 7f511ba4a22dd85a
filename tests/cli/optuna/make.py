"""Writes the SQL text of a small storage as the installed Optuna makes it: ``python make.py optuna-5.0.sql``.

Run by hand in an environment of each Optuna version; the tests read the texts and need no Optuna.
"""

import sqlite3
import sys
import tempfile
from pathlib import Path

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def mixed(trial):
    lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
    units = trial.suggest_int("units", 8, 64, step=8)
    kind = trial.suggest_categorical("kind", ["a", None, 1.5, True])
    trial.suggest_int("width", 1, 64, log=True)
    trial.suggest_float("drop", 0.0, 0.5, step=0.1)
    if kind == "a":
        trial.suggest_float("only a", 0.0, 1.0 + trial.number)
    for step in range(4):
        trial.report(lr * (step + 1), step)
        if trial.number == 2 and step == 1:
            raise optuna.TrialPruned()
    if trial.number == 3:
        raise ValueError("boom")
    trial.set_user_attr("tag", [1, {"x": "y"}])
    return float("inf") if trial.number == 5 else lr * units


def main(target):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optuna.db"
        url = f"sqlite:///{path}"
        sampler = optuna.samplers.RandomSampler(seed=1)
        study = optuna.create_study(storage=url, study_name="mixed", direction="maximize", sampler=sampler)
        study.enqueue_trial({"kind": "a", "lr": 0.5})
        study.optimize(mixed, n_trials=8, catch=(ValueError,))
        study.enqueue_trial({"lr": 0.25})
        study.set_user_attr("who", "me")
        two = optuna.create_study(storage=url, study_name="two", directions=["minimize", "maximize"], sampler=sampler)
        two.optimize(lambda trial: (trial.suggest_float("x", 0, 1), float(trial.number)), n_trials=3)
        if hasattr(two, "set_metric_names"):
            two.set_metric_names(["cost", "gain"])
        running = optuna.create_study(storage=url, study_name="running")
        running.ask().suggest_int("n", 1, 3)
        connection = sqlite3.connect(path)
        dump = "\n".join(connection.iterdump()).replace(",Inf", ",9e999")  # the text of a number that SQLite reads
        Path(target).write_text(dump + "\n", encoding="utf-8")


main(sys.argv[1])
