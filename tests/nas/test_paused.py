"""Trainings that end before their end: how far they count, and that they go on from there."""

import numpy as np
import pytest

from modelwright import nas
from modelwright.core.clock import SystemClock
from modelwright.core.objective import Objective
from modelwright.core.records import FELL_BACK
from modelwright.nas import train, watched
from modelwright.nas.dataset import dataset
from modelwright.nas.estimate import ArchitectureEstimation
from modelwright.nas.job import Job
from modelwright.nas.ladder import ladder, straight
from modelwright.nas.phases import PlainlyLed, PlanLeads
from modelwright.nas.plan import Plan
from modelwright.strategy.random import Random
from modelwright.study.machine import Machine, Setup

keras = pytest.importorskip("keras")
GOALS = (Objective("val_accuracy", "max"),)


def small(hp, x):
    return x.dense(hp.Int("units", 4, 64, step=4)).relu().dense(2)


SPACE = nas.Architecture(small, (4,))


def job(made):
    x = np.random.default_rng(0).normal(size=(600, 4))
    return Job(space=SPACE, data=dataset(x, x[:, 0] * x[:, 1] > 0), ladder=made, objectives=GOALS)


class Says:
    """Whoever runs a trial: says ``word`` at the report of that number, and counts questions without a value."""

    def __init__(self, word="go", at=0):
        self.word, self.at, self.told, self.asked = word, at, [], 0

    def traced(self, config, unknown):
        pass

    def report(self, step, metrics, fidelity):
        self.asked += not metrics
        self.told += [step] if metrics else []
        return self.word if self.word != "go" and len(self.told) + self.asked > self.at else "go"


def run(machine, made, says, folder, until=None):
    """The next segment of trial 0."""
    estimation = ArchitectureEstimation(job(made))
    estimation.until = until
    outcome = estimation.estimate(machine.task(0, str(folder)), says)
    machine.apply(machine.finish(0, outcome))
    return outcome, machine.history.rows[0]


@pytest.fixture
def machine():
    found = Machine(Setup(space=SPACE.tree, strategy=Random(), objectives=GOALS))
    found.apply(found.propose())
    found.apply(found.start(0))
    return found


@pytest.mark.parametrize("at", [0, 2])
def test_a_training_that_pauses_has_come_as_far_as_it_was_trained_and_goes_on_from_there(machine, tmp_path, at):
    made = straight(510, 40.0, batch=32)
    outcome, row = run(machine, made, Says("pause", at), tmp_path / "0")
    share = outcome.note["epochs"] / 40
    assert 0 < share < 0.7 and outcome.fidelity == pytest.approx(share, abs=0.01)
    assert row.state == "paused" and set(row.artifacts) == {"checkpoint", "model"} and "cut" not in row.facts
    machine.apply([*machine.propose(), *machine.start(1)])
    assert machine.put_aside() == []  # nobody said that it was the time
    row.facts["why"] = "budget"
    assert machine.put_aside() == [0]
    machine.apply(machine.start(0))
    outcome, row = run(machine, made, Says(), tmp_path / "0")
    assert row.state == "complete" and row.fidelity == 1.0 and row.facts["epochs"] == pytest.approx(40, abs=0.1)


def test_one_that_is_stopped_is_pruned_where_it_was(machine, tmp_path):
    outcome, row = run(machine, straight(510, 12.0, batch=32), Says("stop"), tmp_path / "0")
    assert row.state == "pruned" and outcome.fidelity < 0.8
    assert outcome.fidelity == pytest.approx(outcome.note["epochs"] / 12, abs=0.01)
    assert set(row.artifacts) == {"model"}


def test_where_looks_are_far_apart_it_is_asked_whether_to_go_on(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "_ASKED", 0.0)
    monkeypatch.setattr(train, "_ASKED", 1e9)  # on a slow machine it is asked within an epoch, too
    made = straight(510, 3.0, batch=32)
    assert made.steps == 1  # so that there is no step to report on the way
    says = Says("pause", 1)
    outcome, row = run(machine, made, says, tmp_path / "0")
    assert says.asked == 2 and says.told == []
    assert row.state == "paused" and outcome.fidelity == pytest.approx(2 / 3, abs=0.05)


def test_what_a_strategy_paused_at_its_rung_does_not_go_on_since_a_budget_ended_once(machine, tmp_path):
    machine.history.rows[0].target = 0.5
    _, row = run(machine, straight(510, 12.0, batch=32), Says(), tmp_path / "0")
    row.facts["why"] = "budget"  # of an earlier segment
    assert row.state == "paused" and row.fidelity == 0.5 and machine.put_aside() == []


def test_a_training_that_the_time_cuts_short_goes_on_where_there_is_more(machine, tmp_path):
    made = straight(510, 40.0, batch=32)
    machine.proposer = PlainlyLed()
    outcome, row = run(machine, made, Says(), tmp_path / "0", until=0.0)
    assert row.state == "paused" and outcome.fidelity == pytest.approx(1 / (40 * 15), rel=0.1)  # one batch of fifteen
    assert row.facts["why"] == "budget" and machine.put_aside() == [0]
    assert machine.propose().why == "the seconds are used up"  # there is none for another one either
    before = row.fidelity, row.values, row.facts["epochs"]
    loss = row.metrics["loss"]
    machine.apply(machine.start(0))
    _, row = run(machine, made, Says(), tmp_path / "0", until=0.0)  # what has a value is not spoiled by a last step
    assert (row.fidelity, row.values, row.facts["epochs"]) == before and machine.put_aside() == [0]
    assert row.metrics["loss"] == loss  # an objective or a limit may be on it
    machine.apply(machine.start(0))
    outcome, row = run(machine, made, Says(), tmp_path / "0", until=SystemClock().wall() + 1e4)
    assert row.state == "complete" and row.facts["epochs"] == pytest.approx(40, abs=0.1)
    assert isinstance(machine.propose(), list)


def test_a_confirmation_that_is_ended_on_its_way_leaves_its_network_as_it_was_and_comes_again(tmp_path):
    made = ladder(510, None, 4, batch=32)
    plan = Plan(made, race=Random(), inherit=False)
    machine = Machine(Setup(space=SPACE.tree, strategy=plan, objectives=GOALS), PlanLeads())
    machine.apply(machine.propose())
    for _ in range(3):
        machine.apply(machine.start(0))
        _, row = run(machine, made, Says(), tmp_path / "0")
        before = row.values, row.fidelity, dict(row.artifacts), row.facts["epochs"]
        answer = machine.propose(False)
        machine.apply(answer)
    assert row.note["phase"] == "confirm" and row.target == pytest.approx(0.3)
    machine.apply(machine.start(0))
    outcome, row = run(machine, made, Says("pause"), tmp_path / "0")
    assert row.fidelity < outcome.fidelity < 0.3
    assert (row.values, row.fidelity, row.artifacts) == before[:3] and row.state == "paused"
    assert 0.3 not in row.segments and plan.winner(machine.history) is row
    again = machine.propose(False)
    assert again[0].number == 0 and again[0].note["phase"] == "confirm"
    machine.apply([*again, *machine.start(0)])
    outcome, row = run(machine, made, Says(), tmp_path / "0")
    assert row.fidelity == pytest.approx(0.3) and row.segments[0.3] == row.values
    assert row.facts["epochs"] == pytest.approx(before[3] + made.at(0.3).epochs, rel=0.02)


def test_where_no_checkpoint_can_be_read_a_training_begins_again_and_has_all_its_epochs(machine, tmp_path):
    made = straight(510, 40.0, batch=32)
    outcome, row = run(machine, made, Says("pause", 2), tmp_path / "0")
    assert 0.05 < outcome.fidelity < 0.7
    machine.apply([*machine.propose(), *machine.start(1)])
    row.facts["why"] = "budget"
    machine.put_aside()
    machine.apply(machine.start(0))
    for path in (tmp_path / "0").glob("*.ckpt"):
        path.write_bytes(b"torn")
    outcome, row = run(machine, made, Says(), tmp_path / "0")
    assert row.state == "complete" and row.fidelity == 1.0
    assert outcome.note["epochs"] == pytest.approx(40, abs=0.1) and row.facts[FELL_BACK]["to"] == ""
