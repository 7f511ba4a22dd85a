"""Who decides: the engine by default, the strategy or a policy of one's own where a study is told so."""

import pytest

from modelwright.core import records as r
from modelwright.core.objective import Objective
from modelwright.estimation.base import Estimation
from modelwright.execute.serial import SerialExecutor
from modelwright.space import HyperParameters
from modelwright.store.memory import MemoryStore
from modelwright.strategy.base import Strategy
from modelwright.study import Budget, Journal, Loop, Machine, Setup, StrategyLeads
from modelwright.study.policy import Ending


class Countdown(Strategy):
    """Proposes ``limit`` trials whatever anybody else says; trial ``again`` goes on once all were proposed."""

    name = "countdown"

    def __init__(self, limit, again=None):
        self.limit, self.again = limit, again

    def ask(self, state, space, number):
        if number is not None and number < self.limit:
            return r.Proposal(config={"x": number})
        row = state.history.rows[self.again] if self.again is not None else None
        if row is not None and row.state == "paused":
            return r.Proposal(trial=self.again)
        return r.Exhausted(why="counted down")


class Fails(Estimation):
    """Trials named in ``numbers`` fail, each with its own error; the others are worth their number."""

    def __init__(self, *numbers):
        self.numbers, self.ran = numbers, []

    def estimate(self, task, reporter):
        self.ran.append(task.number)
        reporter.traced(task.config, [])
        if task.number in self.numbers:
            failure = r.Failure(kind="exception", type="ValueError", message="no", where=f"x.py:{task.number}")
            return r.Outcome(state="failed", error=failure, exception=ValueError(f"trial {task.number}"))
        return r.Outcome(metrics={"value": float(task.number)})


def journal_of(strategy, proposer=None):
    hp = HyperParameters()
    hp.Int("x", 0, 99)
    store = MemoryStore()
    machine = Machine(Setup(space=hp.tree, strategy=strategy, objectives=(Objective("value", "min"),)), proposer)
    return Journal(machine, store, store.create("s", {}, 0.0))


def run(journal, estimation, budget=None, failures=None):
    executor = SerialExecutor()
    executor.open(estimation)
    loop = Loop(journal, executor, budget or Budget(), needs_folder=False, failures=failures)
    return loop.run(), estimation.ran


def test_a_strategy_that_leads_is_asked_past_the_budget_and_the_engine_is_not():
    assert run(journal_of(Countdown(5), StrategyLeads()), Fails(), Budget(trials=2)) == (
        "the budget of trials is used up",
        [0, 1, 2, 3, 4],
    )
    assert run(journal_of(Countdown(5)), Fails(), Budget(trials=2))[1] == [0, 1]


def test_where_the_strategy_leads_nothing_runs_again_unless_it_says_so():
    def half_done(proposer):
        journal = journal_of(Countdown(2, again=0), proposer)
        journal.write([r.Proposed(number=0, config={"x": 0}), r.Started(number=0)])
        journal.write([r.Finished(number=0, state="paused", fidelity=0.0, note={"why": "budget"})])
        journal.write([r.Proposed(number=1, config={"x": 1}), r.Started(number=1)])
        return journal

    assert half_done(StrategyLeads()).machine.unfinished() == half_done(StrategyLeads()).machine.put_aside() == []
    assert run(half_done(StrategyLeads()), Fails())[1] == [0]
    assert half_done(None).machine.unfinished() == [1] and half_done(None).machine.put_aside() == [0]
    assert run(half_done(None), Fails())[1] == [1, 0]


def test_the_engines_own_policy_ends_a_study_whose_first_trial_failed():
    journal = journal_of(Countdown(5))
    with pytest.raises(ValueError, match="trial 0"):
        run(journal, Fails(0))
    assert [row.state for row in journal.machine.history.rows] == ["failed"]


def test_a_policy_of_ones_own_is_asked_after_every_trial_and_ends_the_study_with_its_error():
    class Third:
        def __init__(self):
            self.seen = []

        def after(self, view, number, outcome):
            self.seen.append((number, view.history.rows[number].state))
            return Ending("three are enough", RuntimeError("as agreed")) if number == 2 else None

    policy, journal = Third(), journal_of(Countdown(5))
    with pytest.raises(RuntimeError, match="as agreed"):
        run(journal, Fails(0), failures=policy)
    assert policy.seen == [(0, "failed"), (1, "complete"), (2, "complete")], "each was stored before it was asked"
