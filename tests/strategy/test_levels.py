"""Scores from short and from long training are compared on one scale, so a search is not led away by the short ones."""

import numpy as np
import pytest

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.estimation.lookup import LookupTable
from modelwright.execute.serial import SerialExecutor
from modelwright.space import HyperParameters
from modelwright.store.memory import MemoryStore
from modelwright.strategy import resolve
from modelwright.strategy.levels import gains
from modelwright.study.budget import Budget
from modelwright.study.journal import Journal
from modelwright.study.loop import Loop
from modelwright.study.machine import Machine, Setup

STEPS = 9


def ended(history, number, losses, state="complete"):
    """A trial that reported ``losses``, one a step, and ended with the best of them."""
    fidelity = len(losses) / STEPS
    events = [r.Proposed(number=number, config={}), r.Started(number=number)]
    events += [r.Reported(number=number, step=i + 1, metrics={"loss": v}) for i, v in enumerate(losses)]
    finished = r.Finished(number=number, state=state, values=(min(losses),), fidelity=fidelity, steps=len(losses))
    history.extend([*events, finished])


def test_what_training_on_brings_is_the_median_over_trials_seen_at_both_levels():
    history = History((Objective("loss", "min"),))
    for number, floor in enumerate([0.1, 0.2, 0.9]):
        ended(history, number, [floor + 1.0 / step for step in range(1, STEPS + 1)])
    for number, floor in enumerate([0.5, 0.6], start=3):
        ended(history, number, [floor + 1.0], state="pruned")
    for number, floor in enumerate([0.3, 0.4], start=5):
        ended(history, number, [floor + 1.0 / step for step in range(1, 4)], state="pruned")
    found = gains(history)
    assert found[1.0] == pytest.approx([0.0])
    assert found[round(3 / STEPS, 9)] == pytest.approx([1 / 3 - 1 / 9])
    assert found[round(1 / STEPS, 9)] == pytest.approx([1 - 1 / 9])


def test_reports_that_are_not_finite_are_no_gain():
    history = History((Objective("loss", "min"),))
    for number, floor in enumerate([0.1, 0.2]):
        ended(history, number, [floor + 1.0 / step for step in range(1, STEPS + 1)])
    for number in range(2, 4):
        ended(history, number, [1.0, 0.9, 0.8], state="pruned")
    ended(history, 4, [-np.inf] * STEPS, state="infeasible")
    with np.errstate(all="raise"):
        found = gains(history)
    assert found[round(3 / STEPS, 9)] == pytest.approx([1 / 3 - 1 / 9])


def test_with_one_level_or_none_there_is_nothing_to_add():
    history = History((Objective("loss", "min"), Objective("size", "min")))
    assert gains(history) == {}
    history.extend([r.Proposed(number=0, config={})])
    history.extend([r.Finished(number=0, state="complete", values=(1.0, 2.0), fidelity=1.0)])
    assert [v.tolist() for v in gains(history).values()] == [[0.0, 0.0]]


def test_a_level_nobody_passed_adds_nothing():
    history = History((Objective("loss", "min"),))
    for number in range(2):
        ended(history, number, [1.0], state="pruned")
    for number in range(2, 4):
        history.extend([r.Proposed(number=number, config={})])
        history.extend([r.Finished(number=number, state="complete", values=(0.2,), fidelity=1.0)])
    assert [v.tolist() for v in gains(history).values()] == [[0.0], [0.0]]


@pytest.mark.parametrize("resumable", [True, False], ids=["paused", "stopped"])
def test_short_training_does_not_lead_auto_away_from_the_optimum(resumable):
    """Every trial gains as much by training on; where bad ones were only seen briefly must not look promising."""

    def distance(config):
        return sum((config[name] - 0.3) ** 2 for name in "abc")

    def searched(name, seed):
        hp = HyperParameters()
        for axis in "abc":
            hp.Float(axis, 0.0, 1.0)
        strategy = resolve(name, steps=STEPS, resumable=resumable)
        setup = Setup(space=hp.tree, strategy=strategy, objectives=(Objective("value", "min"),), seed=seed)
        store = MemoryStore()
        journal = Journal(Machine(setup), store, store.create("s", {}, 0.0))
        executor = SerialExecutor()
        executor.open(LookupTable(lambda c: [distance(c) + 1.0 / s for s in range(1, STEPS + 1)], steps=STEPS))
        Loop(journal, executor, Budget(trials=30), resumable=resumable).run()
        best = journal.machine.history.best()
        assert best is not None
        return distance(best.config)

    led = [searched("auto", seed) for seed in range(3)]
    chance = [searched("random", seed) for seed in range(3)]
    assert np.median(led) < 0.2 * np.median(chance)
    assert max(led) < 0.01
