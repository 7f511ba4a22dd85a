"""Scores from short and from long training are compared on one scale, so a search is not led away by the short ones."""

import numpy as np
import pytest

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.estimation.lookup import LookupTable
from modelwright.execute.serial import SerialExecutor
from modelwright.space import HyperParameters
from modelwright.store.memory import MemoryStore
from modelwright.strategy import resolve
from modelwright.strategy.evolution import Evolution
from modelwright.strategy.levels import gains
from modelwright.strategy.local import Local
from modelwright.strategy.merit import merits
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


def four_choices():
    hp = HyperParameters()
    for name in "abcd":
        hp.Choice(name, [0, 1, 2])
    return hp.tree


def raced(space):
    """Twelve trials, each better than the one before at two epochs; the fourth was promoted when it was the best."""
    history, rng, tried = History((Objective("acc", "max"),)), np.random.default_rng(0), []
    while len(tried) < 12:
        config, number = space.sample(rng), len(tried)
        if config in tried:
            continue
        tried.append(config)
        first = r.Finished(number=number, state="paused", values=(0.80 + 0.004 * number,), fidelity=0.02, steps=20)
        history.extend([r.Proposed(number=number, config=config, fidelity=0.02), r.Started(number=number), first])
        if number == 3:
            on = r.Finished(number=3, state="paused", values=(0.87,), fidelity=0.05, steps=50)
            history.extend([r.Continued(number=3, fidelity=0.05), r.Started(number=3, segment=1), on])
    return history


@pytest.mark.parametrize(
    "strategy", [Local(initial=1), Evolution(population=12, sample=12)], ids=["local", "evolution"]
)
def test_a_trial_that_was_trained_for_longer_is_not_the_best_for_that(strategy):
    space = four_choices()
    history = raced(space)
    found = merits(history)
    assert np.argsort(found).tolist() == list(range(12)) and found[3] == 0.87
    assert strategy.ask(strategy.init(Seed(0), history), space, 12).note["from"] == 11


def test_a_trial_that_ended_by_itself_is_worth_what_it_was_worth():
    history = History((Objective("loss", "min"),))
    ended(history, 0, [1.0, 0.9, 0.8])
    for number in range(1, 3):
        ended(history, number, [1.0 - 0.1 * step for step in range(STEPS)])
    ended(history, 3, [0.9, 0.8, 0.7], state="pruned")
    assert merits(history) == pytest.approx([-0.8, -0.2, -0.2, -0.1])


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
