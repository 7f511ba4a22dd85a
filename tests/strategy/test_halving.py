"""Brackets and rungs: the size of the space, several objectives, trials that cannot pause."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.errors import StrategyError
from modelwright.core.history import History, Row
from modelwright.core.objective import Objective
from modelwright.estimation.lookup import LookupTable
from modelwright.execute.serial import SerialExecutor
from modelwright.store.memory import MemoryStore
from modelwright.strategy import resolve
from modelwright.strategy.asha import ASHA
from modelwright.strategy.halving import Hyperband, SuccessiveHalving
from modelwright.strategy.portfolio import Auto
from modelwright.strategy.shown import merits_at, shown
from modelwright.study.budget import Budget
from modelwright.study.loop import Journal, Loop
from modelwright.study.machine import Machine, Setup
from modelwright.testing.strategy import declared, hash_free, small

STEPS = 81


def curve(config):
    floor = sum(hash_free(name, value) for name, value in sorted(config.items()))
    return [floor + 1.0 / (step + 1) for step in range(STEPS)]


def search(strategy, space=small, trials=None, curves=curve):
    setup = Setup(space=declared(space), strategy=strategy, objectives=(Objective("value", "min"),), seed=0)
    store = MemoryStore()
    journal = Journal(Machine(setup), store, store.create("s", {}, 0.0))
    executor = SerialExecutor()
    executor.open(LookupTable(curves, steps=STEPS))
    loop = Loop(journal, executor, Budget(trials=trials) if trials else Budget(seconds=60), resumable=True)
    return journal.machine.history, loop.run()


# --- a space with an end ---------------------------------------------------------------------------

EVERY = [
    lambda: Hyperband(steps=STEPS),
    lambda: Hyperband(steps=STEPS, sampler="bayesian"),
    lambda: SuccessiveHalving(steps=STEPS),
    lambda: ASHA(steps=STEPS, resumable=True),
    lambda: Auto(steps=STEPS, resumable=True),
]


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("trials", [None, 100])
def test_a_space_of_twelve_is_tried_once_finished_in_full_and_then_the_search_ends(make, trials):
    history, why = search(make(), trials=trials)
    assert len(history.rows) == 12 and "exhausted" in why
    full = [row for row in history.rows if row.state == "complete"]
    assert full and all(row.steps == STEPS for row in full)
    best = min(history.rows, key=lambda row: curve(row.config)[-1])
    assert best in full
    assert all(row.state in ("paused", "complete") for row in history.rows)


@pytest.mark.parametrize("make", EVERY[:4])
def test_brackets_and_rungs_are_no_deeper_than_a_small_space_fills(make):
    history, _ = search(make())
    assert min(row.steps for row in history.rows) >= 9  # 12 trials fill rungs of 12, 4 and 1
    assert sum(row.steps for row in history.rows) < 12 * STEPS


def test_a_bracket_notes_its_plan_and_asks_for_no_more_than_is_left():
    history, _ = search(Hyperband(steps=STEPS))
    plans = [row.note["plan"] for row in history.rows if "plan" in row.note]
    assert plans == [[[8, 27], [2, 81]], [[4, 81]]]


def test_a_space_without_end_gets_the_brackets_of_the_paper():
    def wide(hp):
        hp.Float("x", 0.0, 1.0)

    history, _ = search(Hyperband(steps=STEPS), wide, trials=143)
    assert [row.note["plan"][0] for row in history.rows if "plan" in row.note] == [
        [81, 1], [34, 3], [15, 9], [8, 27], [5, 81],
    ]  # fmt: skip


def test_a_space_that_shows_its_size_with_the_first_trial_is_planned_then():
    def function(hp, trial):
        value = hp.Int("a", 1, 4) + len(hp.Choice("b", ["x", "yy", "zzz"]))
        for step in range(1, 28):
            trial.report(step, value=value + 1 / step)
            if trial.should_stop():
                return

    study = mw.tune(
        function, objective="minimize", strategy="hyperband", steps=27, seconds=60, store=":memory:", verbose=0
    )
    assert len(study.trials) == 12 and study.best.config == {"a": 1, "b": "x"} and study.best.fidelity == 1


# --- successive halving ----------------------------------------------------------------------------


def test_successive_halving_is_the_deepest_bracket_over_and_over():
    def wide(hp):
        hp.Float("x", 0.0, 1.0)

    runs = [
        search(make, wide, trials=100)[0] for make in (SuccessiveHalving(steps=27), Hyperband(steps=27, brackets=1))
    ]
    assert [row.config for row in runs[0].rows] == [row.config for row in runs[1].rows]
    plans = [row.note["plan"] for row in runs[0].rows if "plan" in row.note]
    assert plans == [[[27, 1], [9, 3], [3, 9], [1, 27]]] * 4
    assert isinstance(resolve("successive-halving", steps=9, resumable=True), SuccessiveHalving)


@pytest.mark.parametrize("brackets", [0, -1, True, 1.5, "all"])
def test_a_number_of_brackets_that_is_none_is_refused(brackets):
    with pytest.raises(StrategyError, match="brackets=.*1, 2, 3"):
        Hyperband(steps=9, brackets=brackets)


# --- trials that cannot pause ----------------------------------------------------------------------


def reporting(hp, trial):
    x = hp.Float("x", -1.0, 1.0)
    for step in range(1, 10):
        trial.report(step, loss=x * x + 1 / step)
        if trial.should_stop():
            return


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("asha", "trials cannot pause: they are stopped early after 1 or 3 of 9 steps"),
        ("auto", "trials cannot pause: they are stopped early after 1 or 3 of 9 steps"),
        ("hyperband", "start over: they cannot pause"),
        ("successive-halving", "start over: they cannot pause"),
    ],
)
def test_the_plan_for_trials_that_cannot_pause_is_told_at_the_start_and_in_the_report(strategy, said, capsys, tmp_path):
    study = mw.tune(reporting, objective=mw.Minimize("loss"), strategy=strategy, steps=9, trials=8, store=":memory:")
    assert said in capsys.readouterr().err
    assert said in study.report(tmp_path / "report.html").read_text(encoding="utf-8")


def test_trials_that_are_trained_in_full_need_no_plan():
    assert resolve("auto").plan() == resolve("bayesian").plan() == resolve("asha", steps=1).plan() == ""
    assert resolve("auto", steps=10, resumable=True).plan("epoch").startswith("trials pause after 1 or 3 of 10 epochs")


def test_a_trial_that_reports_only_now_and_then_is_judged_at_its_next_report():
    def sparse(hp, trial):
        x = hp.Float("x", -1.0, 1.0)
        for step in range(2, 19, 4):
            trial.report(step, loss=x * x)
            if trial.should_stop():
                return

    study = mw.tune(
        sparse, objective=mw.Minimize("loss"), strategy="asha", steps=18, trials=30, store=":memory:", verbose=0
    )
    assert {trial.state for trial in study.trials} == {"complete", "pruned"}
    assert sum(trial.state == "pruned" for trial in study.trials) >= 15


# --- several objectives ----------------------------------------------------------------------------

BOTH = [mw.Maximize("acc"), mw.Minimize("latency")]


def traded(hp, trial):
    """Wide models are better and slower; a bad learning rate only harms."""
    width, lr = hp.Int("width", 1, 64), hp.Float("lr", 0.0, 1.0)
    for step in range(1, 10):
        trial.report(step, acc=(1 - np.exp(-width * step / 150)) * (1 - lr), latency=float(width))
        if trial.should_stop():
            return


@pytest.mark.parametrize("strategy", ["asha", "auto", "hyperband"])
def test_trials_with_two_objectives_are_cut_short_and_the_front_is_kept(strategy):
    study = mw.tune(traded, objective=BOTH, strategy=strategy, steps=9, trials=30, store=":memory:", verbose=0, seed=2)
    far = Counter(trial.steps for trial in study.trials)
    assert len(study.front) >= 2 and far[9] < 22 and far[1] + far[3] >= 8
    for trial in study.front:
        assert not any(
            other.values[0] > trial.values[0] and other.values[1] < trial.values[1]
            for other in study.trials
            if other.steps == 9
        )
    # By the first objective alone only wide models would go on.
    assert min(trial.config["width"] for trial in study.trials if trial.steps == 9) <= 24


def told(number, steps, *reports, state="paused", total=9):
    """A trial that reported (acc, latency) pairs; a None is not reported."""
    names = ("acc", "latency")
    rows = [
        (i, {n: v for n, v in zip(names, given, strict=True) if v is not None}) for i, given in enumerate(reports, 1)
    ]
    return Row(number=number, config={}, state=state, steps=steps, fidelity=steps / total, reports=rows)


def history_of(*rows):
    history = History(tuple(BOTH))
    history.rows = list(rows)
    return history


def test_a_rung_ranks_by_fronts_and_not_by_the_first_objective():
    history = history_of(
        told(0, 1, (0.9, 9.0)), told(1, 1, (0.1, 1.0)), told(2, 1, (0.8, 10.0)), told(3, 1, (0.2, 5.0))
    )
    merit = merits_at(history, 1 / 9, 9)
    assert min(merit[0], merit[1]) > max(merit[2], merit[3])


def test_an_objective_that_is_not_measured_yet_does_not_count():
    history = history_of(told(0, 1, (0.9, None)), told(1, 1, (0.1, 1.0)), told(2, 1, (0.8, 10.0)))
    merit = merits_at(history, 1 / 9, 9)
    assert merit[0] > merit[2] > merit[1]


def test_a_trial_that_was_stopped_does_not_stand_at_rungs_it_never_reached():
    row = told(0, 1, (0.9, 9.0), state="pruned")
    row.segments = {round(1 / 9, 9): (0.9, 9.0)}
    assert shown(row, history_of(row), 1 / 9, 9) is not None
    assert shown(row, history_of(row), 3 / 9, 9) is None


def test_trials_that_ended_badly_are_last_whatever_the_objectives():
    history = history_of(told(0, 1, (0.9, 9.0), state="failed"), told(1, 1, (0.1, 1.0)))
    assert merits_at(history, 1 / 9, 9)[0] == -np.inf
    assert merits_at(history_of(told(0, 1, (0.9, 9.0), state="failed")), 1 / 9, 9) == {0: -np.inf}


def test_a_result_that_was_handed_over_counts_in_full_alone():
    row = Row(number=0, config={}, state="complete", values=(0.9, 1.0), fidelity=1.0, note={"by": r.GIVEN})
    row.segments = {1.0: (0.9, 1.0)}
    assert shown(row, history_of(row), 1 / 9, 9) is None and shown(row, history_of(row), 1.0, 9) == (0.9, -1.0)


def test_what_a_segment_ended_with_counts_and_not_what_was_reported_on_its_way():
    row = told(0, 3, (0.6, 9.0), (0.8, 9.0), (0.7, 9.0))
    row.segments = {round(1 / 9, 9): (0.5, 9.0), round(3 / 9, 9): (0.7, 8.0)}
    history = history_of(row)
    assert [shown(row, history, level / 9, 9) for level in (1, 2, 3)] == [(0.5, -9.0), (0.8, -9.0), (0.7, -8.0)]
    row.segments.popitem()
    assert shown(row, history, 3 / 9, 9) == (0.8, -9.0)
