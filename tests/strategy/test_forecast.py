"""Forecasts: when a trial is hopeless, when nobody can say, and what is written down."""

from __future__ import annotations

import pytest

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective, parse_objective
from modelwright.core.rng import Seed
from modelwright.strategy.asha import ASHA
from modelwright.strategy.forecast import hopeless, outlook
from modelwright.strategy.portfolio import Auto

STEPS = 20


def curve(floor: float, sign: float = 1.0) -> list[float]:
    return [sign * (floor + 0.5 / step) for step in range(1, STEPS + 1)]


LOSS = parse_objective("loss")


def study(floors: list[float], objectives=LOSS, sign: float = 1.0, state: r.State = "complete") -> History:
    """Trials that ran in full, each with its floor."""
    history = History(objectives)
    for number, floor in enumerate(floors):
        begin(history, curve(floor, sign))
        best = {o.name: sign * floor + sign * 0.5 / STEPS for o in objectives}
        history.extend(
            [r.Finished(number=number, state=state, values=tuple(best.values()), metrics=best, step=STEPS, steps=STEPS)]
        )
    return history


def begin(history: History, values: list[float]) -> int:
    """A trial that is running and has reported ``values``."""
    number = len(history.rows)
    names = [o.name for o in history.objectives]
    reports = [
        r.Reported(number=number, step=i + 1, metrics=dict.fromkeys(names, v), fidelity=(i + 1) / STEPS)
        for i, v in enumerate(values)
    ]
    history.extend([r.Proposed(number=number, config={}), r.Started(number=number), *reports])
    return number


FLOORS = [0.1, 0.15, 0.12, 0.2, 0.11, 0.18]


@pytest.mark.parametrize("objective", ["loss", "score"])
def test_a_trial_far_behind_is_hopeless_and_the_numbers_say_why(objective):
    made, sign = parse_objective(objective), 1.0 if objective == "loss" else -1.0
    history = study(FLOORS, made, sign)
    number = begin(history, curve(2.0, sign)[:8])
    found = hopeless(history, history.rows[number], STEPS)
    assert found is not None and found.stop
    assert found.chance is not None and found.chance < 0.05
    assert found.best == pytest.approx(sign * 0.125)
    assert found.low <= found.expected <= found.high
    assert found.completed == len(FLOORS)
    assert str(found).startswith("hopeless: ") and "to beat" in str(found)


@pytest.mark.parametrize("objective", ["loss", "score"])
def test_a_trial_ahead_goes_on(objective):
    made, sign = parse_objective(objective), 1.0 if objective == "loss" else -1.0
    history = study(FLOORS, made, sign)
    number = begin(history, curve(0.05, sign)[:8])
    assert hopeless(history, history.rows[number], STEPS) is None
    found = outlook(history, history.rows[number])
    assert found is not None and found.chance is not None and found.chance > 0.5


@pytest.mark.parametrize("completed", [0, 1, 4])
def test_with_too_few_trials_to_compare_none_is_hopeless(completed):
    history = study(FLOORS[:completed])
    number = begin(history, curve(50.0)[:10])
    assert hopeless(history, history.rows[number], STEPS) is None
    found = outlook(history, history.rows[number])
    assert found is not None and not found.stop and (found.best is None) == (completed == 0)


def test_trials_that_were_cut_short_are_none_to_compare_with():
    history = study(FLOORS, state="pruned")
    number = begin(history, curve(50.0)[:10])
    assert hopeless(history, history.rows[number], STEPS) is None


def test_several_objectives_are_left_alone():
    history = study(FLOORS, (Objective("loss", "min"), Objective("size", "min")))
    number = begin(history, curve(50.0)[:10])
    assert outlook(history, history.rows[number]) is None
    assert hopeless(history, history.rows[number], STEPS) is None


def test_a_trial_is_looked_at_ten_times_and_not_at_its_first_or_last_report():
    history = study(FLOORS)
    values = curve(2.0)
    stops = []
    for seen in range(1, STEPS + 1):
        number = begin(history, values[:seen])
        if hopeless(history, history.rows[number], STEPS) is not None:
            stops.append(seen)
    assert stops and set(stops) <= {step for step in range(2, STEPS) if step % 2 == 0}


def test_a_diverged_trial_is_hopeless_once_there_are_others():
    history = study(FLOORS)
    number = begin(history, [0.6, 0.5, float("nan"), float("nan")])
    found = hopeless(history, history.rows[number], STEPS)
    assert found is not None and found.chance == 0


def test_reports_at_other_steps_are_lined_up():
    history = study(FLOORS)
    number = len(history.rows)
    reports = [r.Reported(number=number, step=s, metrics={"loss": 2 + 0.5 / s}, fidelity=s / STEPS) for s in (3, 6, 9)]
    history.extend([r.Proposed(number=number, config={}), r.Started(number=number), *reports])
    found = hopeless(history, history.rows[number], STEPS)
    assert found is not None and found.completed == len(FLOORS)


@pytest.mark.parametrize("resumable", [False, True])
def test_between_rungs_a_hopeless_trial_is_stopped_and_the_strategy_says_why(resumable):
    strategy, history = ASHA(steps=STEPS, resumable=resumable), study(FLOORS)
    state = strategy.init(Seed(0), history)
    bad = history.rows[begin(history, curve(2.0)[:10])]
    assert 10 not in strategy.levels and strategy.judge(state, bad) == "stop"
    assert strategy.why(state, bad).startswith("hopeless: ")
    good = history.rows[begin(history, curve(0.05)[:10])]
    assert strategy.judge(state, good) == "go"


def test_where_a_model_learns_from_what_was_reached_trials_end_at_rungs_alone():
    history = study(FLOORS)
    bad = history.rows[begin(history, curve(2.0)[:10])]
    for strategy in (Auto(steps=STEPS), ASHA(steps=STEPS, sampler="bayesian")):
        assert strategy.judge(strategy.init(Seed(0), history), bad) == "go"


def test_trials_that_can_pause_are_not_stopped_before_they_passed_a_rung():
    strategy, history = ASHA(steps=STEPS, resumable=True, depth=1), study(FLOORS)
    state = strategy.init(Seed(0), history)
    assert strategy.levels[0] > 4
    assert strategy.judge(state, history.rows[begin(history, curve(2.0)[:4])]) == "go"


def test_audits_run_as_far_as_they_were_meant_to():
    strategy, history = ASHA(steps=STEPS), study(FLOORS)
    state = strategy.init(Seed(0), history)
    bad = history.rows[begin(history, curve(2.0)[:10])]
    bad.note["audited"] = [strategy.levels[-2] / STEPS]
    assert strategy.judge(state, bad) == "go"
