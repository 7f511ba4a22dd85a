"""The contract of a strategy, walked through the real engine with a lookup table as the estimation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwright.core import records as r
from modelwright.core.codec import decode_event, encode_event
from modelwright.core.objective import Objective
from modelwright.estimation.lookup import LookupTable
from modelwright.execute.serial import SerialExecutor
from modelwright.space import HyperParameters, Tree
from modelwright.store.memory import MemoryStore
from modelwright.strategy.base import Strategy
from modelwright.study.budget import Budget
from modelwright.study.journal import Journal
from modelwright.study.loop import Loop
from modelwright.study.machine import Machine, Setup

STEPS = 9


def conditional(hp: HyperParameters) -> None:
    """A space with every kind of parameter, and conditions two deep."""
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Int("layers", 1, 3)
    kind = hp.Choice("kind", ["a", "b", "c"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("width", 8, 64, step=8)
        hp.Boolean("norm")
        with hp.conditional_scope("norm", [True]):
            hp.Float("momentum", 0.1, 0.9, step=0.1)
    assert kind == "a"


def small(hp: HyperParameters) -> None:
    """Twelve candidates."""
    hp.Int("a", 1, 4)
    hp.Choice("b", ["x", "y", "z"])


def curve(config: Any) -> list[float]:
    """A loss that falls with steps, to a floor that depends on every parameter."""
    floor = sum((hash_free(name, value)) for name, value in sorted(config.items()))
    return [floor + 1.0 / (step + 1) for step in range(STEPS)]


def hash_free(name: str, value: Any) -> float:
    """A number in [0, 1] for a parameter and its value, the same in every process."""
    text = f"{name}={value!r}"
    return sum(ord(c) * (i + 1) for i, c in enumerate(text)) % 97 / 97


def declared(function: Callable[[HyperParameters], None]) -> Tree:
    """The tree that ``function`` declares."""
    hp = HyperParameters()
    function(hp)
    return hp.tree


class StrategyContract:
    """Set ``make``: a function of the number of steps of a full trial that returns a new strategy."""

    make: Callable[[int], Strategy]

    def setup_of(self, space: Tree, seed: int = 0) -> Setup:
        objective = Objective("value", "min")
        return Setup(space=space, strategy=self.make(STEPS), objectives=(objective,), seed=seed)

    def search(self, space: Tree, trials: int | None, seed: int = 0, curves: Any = curve) -> Machine:
        """A whole study, in memory."""
        store = MemoryStore()
        journal = Journal(Machine(self.setup_of(space, seed)), store, store.create("s", {}, 0.0))
        executor = SerialExecutor()
        executor.open(LookupTable(curves, steps=STEPS))
        budget = Budget(trials=trials) if trials else Budget(seconds=60)
        Loop(journal, executor, budget, resumable=True).run()
        return journal.machine

    @pytest.mark.parametrize("space", [conditional, small])
    def test_the_first_trial_is_the_defaults_and_all_are_valid(self, space):
        tree = declared(space)
        machine = self.search(tree, 10)
        assert machine.history.rows[0].config == tree.default()
        for row in machine.history.rows:
            assert tree.decode(tree.encode(row.config)) == row.config
            assert row.state in ("complete", "paused", "pruned")

    def test_the_same_seed_gives_the_same_search_and_another_a_different_one(self):
        runs = [[row.config for row in self.search(declared(conditional), 12, seed).history.rows] for seed in (3, 3, 4)]
        assert runs[0] == runs[1]
        assert runs[0] != runs[2] or self.make(STEPS).name == "grid"

    def test_a_finite_space_is_searched_once_and_then_the_study_ends(self):
        machine = self.search(declared(small), 100)
        keys = [machine.space.key(row.config) for row in machine.history.rows]
        assert len(keys) == len(set(keys)) == 12

    @pytest.mark.parametrize("cut", [1, 5, 11, 20])
    def test_a_study_folded_from_stored_events_goes_on_as_if_nothing_had_happened(self, cut):
        whole = self.search(declared(conditional), 14)
        stored = [encode_event(event) for event in whole.history]
        again = Machine(self.setup_of(declared(conditional)))
        again.apply([decode_event(*event) for event in stored[:cut]])
        for event in (decode_event(*e) for e in stored[cut:]):
            if isinstance(event, (r.Proposed, r.Continued)) and not again.unfinished():
                assert again.propose(new_allowed=len(again.history.rows) < 14) == [event]
            again.apply([event])
        assert [row.config for row in again.history.rows] == [row.config for row in whole.history.rows]

    def test_asking_changes_nothing(self):
        machine = self.search(declared(conditional), 8)
        assert machine.propose() == machine.propose() == machine.propose()

    def test_pending_trials_are_not_proposed_again(self):
        machine = Machine(self.setup_of(declared(small)))
        for _ in range(6):
            answer = machine.propose()
            if isinstance(answer, r.Wait):
                break
            assert isinstance(answer, list)
            machine.apply(answer)
            machine.apply(machine.start(answer[-1].number))
        keys = [machine.space.key(row.config) for row in machine.history.rows]
        assert keys and len(set(keys)) == len(keys)

    def test_trials_that_cannot_be_run_teach_and_do_not_end_the_search(self):
        def curves(config):
            if config["kind"] == "b":
                raise KeyError(config["kind"])
            return curve(config)

        machine = self.search(declared(conditional), 15, curves=curves)
        assert len(machine.history.rows) == 15
        assert all((row.state == "infeasible") == (row.config["kind"] == "b") for row in machine.history.rows)

    @pytest.mark.parametrize("value", [0.0, float("nan"), float("inf"), -1e308])
    def test_equal_and_strange_values_do_no_harm(self, value):
        machine = self.search(declared(conditional), 9, curves=lambda config: [value] * STEPS)
        assert len(machine.history.rows) == 9

    def test_a_space_that_nobody_knows_yet_is_asked_for_without_error(self):
        machine = Machine(self.setup_of(Tree()))
        answer = machine.propose()
        assert isinstance(answer, list) and isinstance(answer[-1], r.Proposed) and answer[-1].config == {}
        machine.apply(answer)
        machine.apply(machine.start(0))
        specs = declared(small).specs()
        machine.apply(machine.trace(0, {"a": 1, "b": "x"}, specs))
        machine.apply(machine.finish(0, r.Outcome(metrics={"value": 1.0})))
        following = machine.propose()
        assert isinstance(following, list)
        new = following[-1]
        if isinstance(new, r.Proposed):
            assert machine.space.key(new.config) != machine.space.key({"a": 1, "b": "x"})

    def test_no_proposal_goes_beyond_full_fidelity_or_back(self):
        machine = self.search(declared(conditional), 20)
        for event in machine.history:
            if isinstance(event, (r.Proposed, r.Continued)):
                assert 0 < event.fidelity <= 1
        for row in machine.history.rows:
            assert list(row.segments) == sorted(row.segments)

    def test_with_the_budget_of_trials_used_up_nothing_new_is_started(self):
        machine = self.search(declared(conditional), 12)
        answer = machine.propose(new_allowed=False)
        assert isinstance(answer, (r.Wait, r.Exhausted))
