"""A plan over one study, with networks whose worth is a formula: phases, who goes on, and what a resumed one does."""

import numpy as np
import pytest

from modelwright import nas
from modelwright.core import records as r
from modelwright.core.constraint import parse
from modelwright.core.errors import ArgumentError, StrategyError
from modelwright.core.objective import Objective
from modelwright.estimation.base import Estimation
from modelwright.execute.serial import SerialExecutor
from modelwright.nas.ladder import STEPS, Ladder, ladder, straight
from modelwright.nas.limited import LimitedTree, broken_by, split
from modelwright.nas.measures import MEASURES, measures
from modelwright.nas.phases import FINISH, PlanLeads, shares
from modelwright.nas.plan import Plan
from modelwright.nas.proposer import SCREENED
from modelwright.space import HyperParameters
from modelwright.store.memory import MemoryStore
from modelwright.strategy.base import Strategy
from modelwright.strategy.random import Random
from modelwright.study.budget import Budget
from modelwright.study.journal import Journal
from modelwright.study.loop import Loop
from modelwright.study.machine import Machine, Setup


def define(hp, x):
    for i in range(hp.Int("depth", 1, 4)):
        x = x.conv(hp.Choice(f"filters{i}", [8, 16, 32]), hp.Choice(f"kernel{i}", [1, 3, 5])).relu()
    return x.global_avg_pool().dense(10)


SPACE = nas.Architecture(define, (28, 28, 1))
LADDER = ladder(50_000, 28)


def worth(config):
    """Deep networks with kernels of 3 are best."""
    kernels = [config[f"kernel{i}"] == 3 for i in range(config["depth"])]
    return 0.5 + 0.05 * config["depth"] + 0.2 * np.mean(kernels)


class Formula(Estimation):
    """A network is worth what ``worth`` says, once it is trained in full."""

    resumable, steps = True, STEPS

    def __init__(self, seconds=0.0, worth=worth):
        self.seconds, self.worth, self.ran = seconds, worth, []

    def estimate(self, task, reporter):
        reporter.traced(task.config, ())
        self.ran.append((task.number, task.start, task.stop, task.parent))
        value = self.worth(task.config) * (1 - 0.5 / (1 + task.stop * 100))
        kept = {"checkpoint": r.Artifact(path="x")} if task.stop < 1 else {}
        note = {"spent": {"train": self.seconds}, "phase": task.note["phase"]}
        return r.Outcome(metrics={"acc": value}, fidelity=task.stop, artifacts=kept, note=note, stepwise=False)


class Clock:
    """Time that passes by what trials take."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def wall(self):
        return 1e9 + self.now


def study(plan, tree=SPACE.tree):
    setup = Setup(space=tree, strategy=plan, objectives=(Objective("acc", "max"),))
    store = MemoryStore()
    journal = Journal(Machine(setup, PlanLeads()), store, store.create("s", {}, 0.0))
    return journal


def run(journal, estimation, trials=None):
    executor = SerialExecutor()
    executor.open(estimation)
    return Loop(journal, executor, Budget(trials=trials), needs_folder=False).run()


def finish(journal, plan, number=1):
    winner = plan.winner(journal.machine.history)
    data = {"trial": winner.number, "number": number, "seconds": None}
    journal.begin()
    journal.write([r.Noted(kind=FINISH, data=data)])


def test_the_phases_come_in_order_and_the_winner_is_trained_in_full():
    plan, estimation = Plan(LADDER), Formula()
    journal = study(plan)
    run(journal, estimation, trials=30)
    history = journal.machine.history
    finish(journal, plan)
    run(journal, estimation, trials=30)
    phases = [row.note["phase"] for row in history.rows]
    assert len(history.rows) == 30 and set(phases) == {"anchor", "race", "confirm", "finish"} - (
        {"anchor"} if phases[0] != "anchor" else set()
    )
    assert phases.count("finish") == 1
    best = history.best()
    assert best.fidelity == 1.0 and best.note["phase"] == "finish"
    # The anchor is compared with the others at full size, whatever it was worth in the race.
    assert 0.3 in history.rows[0].segments
    confirmed = [row for row in history.rows if 0.3 in row.segments]
    assert len(confirmed) in (3, 4)
    assert worth(best.config) == max(worth(row.config) for row in confirmed)
    assert worth(best.config) > worth(history.rows[0].config)


def test_a_third_of_a_rung_goes_on():
    plan, estimation = Plan(LADDER, race=Random(), inherit=False), Formula()
    journal = study(plan)
    run(journal, estimation, trials=27)
    reached = [max(row.segments) for row in journal.machine.history.rows]
    assert sum(f >= 0.05 for f in reached) in range(7, 16) and sum(f >= 0.09 for f in reached) in range(2, 8)


def test_children_begin_at_the_last_rung_with_the_weights_of_a_good_one():
    plan, estimation = Plan(LADDER), Formula()
    journal = study(plan)
    run(journal, estimation, trials=40)
    rows = journal.machine.history.rows
    children = [row for row in rows if row.parent is not None]
    assert len(children) > 5
    for row in children:
        assert row.note["parent"] == row.parent and row.note["edit"]
        assert min(row.segments) == pytest.approx(0.09)
        assert 0.09 in rows[row.parent].segments


def test_no_network_is_proposed_twice():
    journal = study(Plan(LADDER))
    run(journal, Formula(), trials=60)
    keys = [SPACE.tree.key(row.config) for row in journal.machine.history.rows]
    assert len(set(keys)) == len(keys) == 60


def test_the_model_finds_better_networks_than_chance():
    led, chance = [], []
    for seed in range(3):
        for found, race in ((led, None), (chance, Random())):
            plan = Plan(LADDER, race=race, inherit=False)
            setup = Setup(space=SPACE.tree, strategy=plan, objectives=(Objective("acc", "max"),), seed=seed)
            store = MemoryStore()
            journal = Journal(Machine(setup, PlanLeads()), store, store.create("s", {}, 0.0))
            run(journal, Formula(), trials=40)
            found.append(np.mean(sorted(worth(row.config) for row in journal.machine.history.rows)[-10:]))
    assert np.mean(led) > np.mean(chance)


def test_another_strategy_leads_the_race():
    journal = study(Plan(LADDER, race=Random()))
    run(journal, Formula(), trials=12)
    assert {row.note["by"] for row in journal.machine.history.rows} == {"default", "random"}


def test_what_a_screen_kept_comes_first_in_turn_with_edits_of_the_default():
    kept = [{"depth": 2, "filters0": 8, "kernel0": k, "filters1": 16, "kernel1": 5} for k in (1, 3, 5)]
    journal = study(Plan(LADDER, inherit=False))
    journal.begin()
    journal.write([r.Noted(kind=SCREENED, data={"kept": kept})])
    run(journal, Formula(), trials=7)
    rows = journal.machine.history.rows
    assert [row.config for row in rows[2::2]] == kept
    default = rows[0].config
    for row in rows[1::2]:
        assert row.note["by"] == "edit of the default"
        assert sum(row.config.get(name) != default.get(name) for name in {*row.config, *default}) <= 3


def of_filters(counts):
    return nas.Architecture(
        lambda hp, x: x.conv(hp.Choice("filters", counts)).relu().global_avg_pool().dense(2), (8, 8, 1)
    ).tree


def proposed(tree, rejected, trials):
    """The configurations of a race after a screen, in their order."""
    journal = study(Plan(LADDER), tree)
    journal.begin()
    journal.write([r.Noted(kind=SCREENED, data={"kept": [], "rejected": sorted(rejected)})])
    run(journal, Formula(worth=lambda config: config["filters"] / 10), trials=trials)
    return [row.config for row in journal.machine.history.rows]


def test_what_a_screen_rejected_comes_last():
    tree = of_filters([1, 2, 3, 4, 5, 6, 7, 8])
    rejected = {tree.key({"filters": filters}) for filters in (2, 4, 6, 8)}
    keys = [tree.key(config) for config in proposed(tree, rejected, 8)]
    assert len(set(keys)) == 8 and set(keys[4:]) == rejected


@pytest.mark.parametrize("old", [False, True])
def test_a_rejected_network_comes_last_whatever_is_searched_beside_it(old):
    """Notes of earlier versions, whose studies are gone on with, rejected what was drawn beside the network as well."""
    hp = HyperParameters()
    hp.Choice("rate", [0.1, 0.2])
    tree = of_filters([1, 2, 3, 4]).grow(hp.tree.specs())
    drawn = [{"filters": 2, "rate": 0.1}, {"filters": 4, "rate": 0.2}]
    configs = proposed(tree, {tree.key(config) if old else tree.network(config) for config in drawn}, 8)
    assert len({tree.key(config) for config in configs}) == 8
    if old:
        assert configs[6:] in (drawn, drawn[::-1])
    else:
        assert {config["filters"] for config in configs[4:]} == {2, 4}


def test_a_killed_plan_goes_on_where_it_was():
    plan, whole = Plan(LADDER), Formula()
    journal = study(plan)
    run(journal, whole, trials=20)
    again = study(plan)
    again.begin()
    again.write([event for event in journal.machine.history if not _of_a_session(event)])
    assert again.machine.propose(False) == journal.machine.propose(False)
    finish(again, plan)
    estimation = Formula()
    run(again, estimation, trials=20)
    assert len(estimation.ran) == 1 and estimation.ran[0][2] == 1.0


def test_the_finish_is_not_run_twice_and_may_be_opened_anew():
    plan = Plan(LADDER)
    journal = study(plan)
    run(journal, Formula(), trials=10)
    finish(journal, plan)
    first = Formula()
    run(journal, first, trials=10)
    second = Formula()
    run(journal, second, trials=10)
    assert len(first.ran) == 1 and not second.ran
    assert shares(journal.machine.history)["finish"]["trials"] == 1


def test_where_time_is_short_the_race_ends_in_time():
    plan = Plan(LADDER, seconds=1000.0)
    journal = study(plan)
    machine = journal.machine
    at = 0.0
    while True:
        answer = machine.propose(True)
        if not isinstance(answer, list):
            break
        number = answer[-1].number
        machine.apply([*answer, *machine.start(number)], at)
        row = machine.history.rows[number]
        seconds = row.note["seconds"] if row.note["phase"] == "confirm" else 4.0
        at += seconds
        note = {"spent": {"train": seconds}}
        told = r.Outcome(metrics={"acc": worth(machine.history.rows[number].config)}, duration=seconds, note=note,
                         artifacts={"checkpoint": r.Artifact(path="x")}, stepwise=False)  # fmt: skip
        machine.apply(machine.finish(number, told), at)
    assert at <= plan.shares[1] * 1000 + 4
    assert any(0.3 in row.segments for row in machine.history.rows)
    assert sum(max(row.segments) < 0.3 for row in machine.history.rows) > 2


def test_a_budget_shorter_than_one_training_leaves_the_anchor():
    plan = Plan(LADDER, seconds=10.0)
    journal = study(plan)
    machine = journal.machine
    answer = machine.propose(True)
    machine.apply([*answer, *machine.start(0)], 0.0)
    note = {"spent": {"train": 30.0}}
    told = r.Outcome(metrics={"acc": 0.5}, duration=30, note=note, artifacts={"checkpoint": r.Artifact(path="x")})
    machine.apply(machine.finish(0, told), 30.0)
    assert isinstance(machine.propose(True), r.Exhausted)
    assert plan.winner(machine.history).number == 0


@pytest.mark.parametrize("shares", [(0.5, 0.4), (0.0, 0.5), (0.5, 1.0)])
def test_shares_that_do_not_rise_are_refused(shares):
    with pytest.raises(StrategyError, match="shares"):
        Plan(LADDER, shares=shares)


def test_a_plan_says_what_it_does():
    assert isinstance(Plan(LADDER), Strategy)
    text = Plan(LADDER).plan("epoch")
    assert "race" in text and "confirm" in text and "finish" in text and "10,000 rows" in text


def _of_a_session(event):
    return isinstance(event, r.Noted) and event.kind == "session"


# --- ladders -------------------------------------------------------------------------------------


def test_few_rows_are_all_used_for_more_epochs():
    made = ladder(1200, 28, batch=32)
    assert {rung.rows for rung in made.rungs} == {None} and made.rungs[0].epochs > 1
    assert [rung.fidelity for rung in made.rungs] == sorted(rung.fidelity for rung in made.rungs)


@pytest.mark.parametrize(("image", "factor"), [(8, 1), (28, 2), (64, 2), (224, 7), (None, 1)])
def test_large_images_are_shrunk(image, factor):
    assert ladder(50_000, image).rungs[0].factor == factor


def test_a_trial_climbs_the_rungs_of_its_phase():
    assert [rung.epochs for rung in LADDER.between(0, 0.09)] == [2, 3, 4]
    assert [rung.epochs for rung in LADDER.between(0.02, 0.05)] == [3]
    assert [rung.name for rung in LADDER.between(0.09, 0.3)] == ["confirm"]
    assert [rung.name for rung in LADDER.between(0, 1)] == ["finish"]
    assert sum(rung.epochs for rung in straight(100, 9).between(1 / 3, 1)) == pytest.approx(6)
    with pytest.raises(ArgumentError, match="no rung"):
        LADDER.at(0.5)
    assert isinstance(LADDER, Ladder)


# --- limits --------------------------------------------------------------------------------------


def test_draws_neighbours_and_defaults_keep_within_limits():
    tree = LimitedTree.of(SPACE.tree, parse("params <= 3_000"))
    rng = np.random.default_rng(0)
    found = [tree.default(), *(tree.sample(rng) for _ in range(20))]
    found += tree.neighbours(found[3], rng, 20)
    for config in found:
        assert SPACE.graph(config).cost.parameters <= 3000


def test_the_default_is_brought_within_the_limits():
    large = nas.Architecture(
        lambda hp, x: x.conv(hp.Int("n", 1, 64, default=64), 3).global_avg_pool().dense(2), (8, 8, 3)
    )
    tree = LimitedTree.of(large.tree, parse("params <= 500"))
    assert SPACE.graph(SPACE.tree.default()).cost.parameters > 0
    assert large.graph(tree.default()).cost.parameters <= 500


def test_a_limit_that_nothing_satisfies_is_told_with_the_closest_miss():
    with pytest.raises(ArgumentError, match=r"params <= 10.*closest.*params is"):
        LimitedTree.of(SPACE.tree, parse("params <= 10"))


def test_an_infeasible_proposal_of_a_strategy_by_vectors_is_not_trained():
    tree = LimitedTree.of(SPACE.tree, parse("params <= 3_000"))
    assert not tree.allows({"depth": 4, **{f"filters{i}": 32 for i in range(4)}, **{f"kernel{i}": 5 for i in range(4)}})


def test_limits_that_need_training_are_left_to_the_study():
    known, others = split(parse(["params <= 5", "latency_ms < 3", "macs < 2 * params"]))
    assert [limit.text for limit in known] == ["params <= 5", "macs < 2 * params"]
    assert [limit.text for limit in others] == ["latency_ms < 3"]
    assert broken_by(known, {"params": 6.0, "macs": 1.0}) == pytest.approx(1 / 6)


def test_every_measure_is_measured():
    assert set(measures(SPACE.graph(SPACE.tree.default()))) == set(MEASURES)
