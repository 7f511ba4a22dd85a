"""In parallel chance decides who ends first; but the same events give the same state, and the same next proposal."""

import random
import time

import pytest

import modelwright as mw
from modelwright.space import Tree
from modelwright.store.base import open_store
from modelwright.strategy import resolve
from modelwright.study.invariants import differences
from modelwright.study.journal import Journal
from modelwright.study.machine import Machine, Setup


def function(hp, trial):
    total = sum(hp.Float(f"w{i}", 0.0, 1.0) for i in range(hp.Int("layers", 1, 3)))
    for step in range(1, 10):
        time.sleep(0.003 * random.SystemRandom().random())  # so that no two runs end their trials in the same order
        trial.report(step, total + 1 / step)
        if trial.should_stop():
            return


SOME = ["asha", "bayesian"]
MORE = [pytest.param(name, marks=pytest.mark.slow) for name in ("random", "hyperband", "evolution", "tpe")]


@pytest.mark.parametrize("strategy", SOME + MORE)
def test_the_same_events_give_the_same_state_and_the_same_next_step(tmp_path, strategy):
    study = mw.tune(
        function, objective="minimize", strategy=strategy, steps=9, trials=16, workers=3, seed=3, name="s", verbose=0,
        store=tmp_path / "s.db",
    )  # fmt: skip
    lived = study._machine
    store = open_store(tmp_path / "s.db")
    record = store.find("s")
    assert record is not None
    setup = Setup(
        space=Tree(), strategy=resolve(strategy, steps=9, resumable=False), objectives=study.objectives, seed=3
    )
    events = list(store.load(record.id))
    one_by_one, at_once, twice = Machine(setup), Machine(setup), Journal(Machine(setup), store, record)
    for event, at in events:
        one_by_one.apply([event], at)
    at_once.apply([event for event, _ in events], events[-1][1])
    twice.sync()
    for folded in (at_once, twice.machine, lived):
        assert not differences(one_by_one, folded)
    turns = [repr(machine.propose()) for machine in (one_by_one, at_once, twice.machine, one_by_one)]
    assert len(set(turns)) == 1
    assert repr(list(lived.history)) == repr([event for event, _ in events])
    store.close()
