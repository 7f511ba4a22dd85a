"""Strategies on the published tables: none below what is known of it, in a few short searches.

``benchmarks/nas/tables.py`` has more seeds and all tables.
"""

import csv
import gzip
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.core import records as r
from modelwright.core.objective import Objective
from modelwright.nas.nasbench import published
from modelwright.strategy.asha import ASHA
from modelwright.strategy.halving import Hyperband
from modelwright.strategy.progressive import Progressive
from modelwright.study.machine import Machine, Setup

#: By table, queries and strategy: the test accuracy of the best by validation, mean and standard deviation, of 100 runs
#: of another program where it has the strategy (0 where its spread is not known), else of ten runs of ours.
KNOWN = {
    ("c100", 100, "random"): (71.49, 0.87, 100),
    ("c100", 100, "evolution"): (72.52, 0.86, 100),
    ("c100", 100, "reinforce"): (72.17, 0.0, 100),
    ("c100", 100, "controller"): (72.17, 0.0, 100),
    ("c100", 100, "local"): (73.24, 0.50, 100),
    ("c100", 100, "bayesian"): (73.24, 0.43, 100),
    ("c100", 100, "progressive"): (73.38, 0.14, 10),
    ("c100", 100, "auto"): (73.48, 0.14, 10),
    ("c10", 200, "evolution"): (94.10, 0.0, 100),
    ("c10", 200, "local"): (94.17, 0.0, 100),
    ("c10", 200, "bayesian"): (94.24, 0.0, 100),
    ("in16", 200, "evolution"): (46.42, 0.0, 100),
    ("in16", 200, "local"): (46.40, 0.0, 100),
    ("in16", 200, "bayesian"): (46.42, 0.0, 100),
}
#: Searches of each strategy: fewer where they are twice as long.
SEEDS = {100: 10, 200: 5}
#: Epochs of the short trainings and of the long ones.
SHORT, LONG = 12, 200


@cache
def problem(name="c100"):
    """The space, and by cell its accuracies: by validation after 12 and 200 epochs, and by test after 200."""
    folder = os.environ.get("MODELWRIGHT_DATA")
    path = Path(folder or "") / "nas" / "nb201_full.csv.gz"
    if not folder or not path.exists():
        pytest.skip("MODELWRIGHT_DATA names no folder with nas/nb201_full.csv.gz")
    columns = [f"{name}_val_e12", f"{name}_val_e200", f"{name}_test_e200"]
    with gzip.open(path, "rt", newline="") as file:
        cells = {row["arch"]: tuple(float(row[column]) for column in columns) for row in csv.DictReader(file)}
    return nas.nasbench201((8, 8, 3), 2, width=4, cells=1).tree, cells


def searched(strategy, queries, seed, name="c100"):
    tree, cells = problem(name)
    study = mw.Study(tree, objective="maximize", strategy=strategy, store=":memory:", seed=seed)
    for _ in range(queries):
        trial = study.ask()
        study.tell(trial, cells[published(trial.config)][1])
    return study, cells[published(study.best.config)][2]


def no_less(found, mean, spread, runs):
    """Whether the mean of what was found is less than another one by no more than two standard errors."""
    error = np.sqrt(np.var(found, ddof=1) / len(found) + spread**2 / runs)
    return np.mean(found) >= mean - 2 * error


@pytest.mark.slow
@pytest.mark.parametrize(("name", "queries", "strategy"), KNOWN)
def test_no_strategy_is_below_what_is_known_of_it(name, queries, strategy):
    found = [searched(strategy, queries, seed, name)[1] for seed in range(SEEDS[queries])]
    assert no_less(found, *KNOWN[name, queries, strategy]), (np.mean(found), np.std(found, ddof=1))


# --- strategies with rungs: 12 epochs or 200 ------------------------------------------------------------


def raced(strategy, trainings, seed, name="c100"):
    """The test accuracy of the best by validation among those that were trained in full, for so many full trainings."""
    tree, cells = problem(name)
    setup = Setup(space=tree, strategy=strategy, objectives=(Objective("value", "max"),), seed=seed)
    machine, left = Machine(setup), trainings * LONG
    rows = machine.history.rows
    while left > 0:
        events = machine.propose()
        assert isinstance(events, list), events
        number = events[-1].number
        began = rows[number].fidelity if number < len(rows) else 0.0
        machine.apply([*events, *machine.start(number)], 0.0)
        row = rows[number]
        left -= LONG * (row.target - began)
        short, long, _ = cells[published(row.config)]
        told = r.Outcome(metrics={"value": long if row.target == 1.0 else short}, fidelity=row.target,
                         artifacts={"checkpoint": r.Artifact(path="")}, stepwise=False)  # fmt: skip
        machine.apply(machine.finish(number, told), 0.0)
    full = [row for row in rows if 1.0 in row.segments]
    best = max(full, key=lambda row: row.segments[1.0][0])
    return cells[published(best.config)][2], rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "trainings", "mean", "seeds"), [("c100", 25, 71.83, 8), ("c100", 100, 72.70, 8), ("in16", 200, 46.55, 4)]
)
def test_asha_is_not_below_a_screen_by_short_training(name, trainings, mean, seeds):
    """The screen trains half of its budget for 12 epochs, and the best of them for 200; so does ASHA, as it goes."""
    runs = [raced(ASHA(steps=LONG, eta=LONG / SHORT, resumable=True), trainings, seed, name) for seed in range(seeds)]
    assert no_less([found for found, _ in runs], mean, 0.0, 100), [found for found, _ in runs]
    rows = runs[0][1]
    assert {fidelity for row in rows for fidelity in row.segments} == {SHORT / LONG, 1.0}
    short = SHORT * len(rows) / (trainings * LONG)
    assert 0.4 < short < 0.65


@pytest.mark.slow
def test_hyperband_is_not_below_random_search_nor_the_published_bohb():
    """BOHB's published figure is of another budget, in seconds, so it is no more than a floor."""
    found = [raced(Hyperband(steps=LONG, eta=LONG / SHORT), 100, seed)[0] for seed in range(8)]
    assert no_less(found, 71.49, 0.87, 100) and no_less(found, 70.85, 1.28, 100), found


# --- growing cells --------------------------------------------------------------------------------------


def test_progressive_search_climbs_the_nodes_of_a_cell_and_ends_above_chance():
    study, best = searched("progressive", 100, 0)
    levels = [t.note["level"] for t in study.trials if t.note["by"] == "progressive"]
    assert levels == sorted(levels) and set(levels) == {1, 2, 3}
    for trial in study.trials:
        if trial.note.get("level") == 1:
            rest = {name: op for name, op in trial.config.items() if name != "edge1<0"}
            assert rest == dict(problem()[0].levels[0])
    assert best > 72.5


def test_progressive_search_grows_cells_block_by_block():
    """What is wanted: many additions of convolutions; larger cells have more."""
    space = nas.cells((16, 16, 3), 4, blocks=(1, 3), cells=1, stages=2, width=8)
    study = mw.Study(space.tree, objective="maximize", strategy=Progressive(keep=8), store=":memory:", seed=0)
    for _ in range(40):
        trial = study.ask()
        study.tell(trial, float(np.log(space.graph(trial.config).cost.macs)))
    grown = [t for t in study.trials if t.note.get("level", 0) < 3 and t.note["by"] == "progressive"]
    assert {t.config["blocks"] for t in grown} == {1, 2} and all(t.config["blocks"] == t.note["level"] for t in grown)
    assert study.best.config["blocks"] == 3
    first = [t.config for t in study.trials if t.config["blocks"] == 1]
    names = [name for name in first[0] if "block0" in name]
    for trial in grown:
        if trial.note["level"] == 2:
            assert {name: trial.config[name] for name in names} in [{name: c[name] for name in names} for c in first]
