"""Phases of a plan: why they end, what a finish that fails leaves, and what follows where a race ranks wrongly."""

import numpy as np
import pytest
from planned import Run

from modelwright.api.explaining import _before_finish, _lineage
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.nas.division import Division, shares_in
from modelwright.nas.ladder import STEPS, ladder
from modelwright.nas.phases import BETWEEN, ENDED, FINISH, MORE, PREPARE, SCREEN, clocked
from modelwright.nas.plan import AGAIN, Plan
from modelwright.nas.proposer import SCREENED
from modelwright.nas.stale import agreement, noise, stale
from modelwright.strategy.audit import lowest
from modelwright.strategy.random import Random

LADDER = ladder(50_000, 28)
TOP = round(0.09 * STEPS)


def within(trials):
    return lambda run: len(run.history.rows) < trials


def noted(run, name):
    return [event.note[name] for event in run.history if isinstance(event, r.Continued) and name in event.note]


# --- why the race ends -----------------------------------------------------------------------------


def at_the_top(values, name="val_accuracy", parents=()):
    made, parents = History((Objective(name, "max"),)), dict(parents)
    for number, value in enumerate(values):
        made.extend([r.Proposed(number=number, config={}, parent=parents.get(number)), r.Started(number=number),
                     r.Finished(number=number, state="paused", values=(value,), fidelity=0.09)])  # fmt: skip
    return made


def test_a_race_that_brings_nothing_more_than_noise_is_over():
    early = [0.5, 0.6, 0.7, 0.8, 0.82, 0.9]
    same = 0.9 + 0.001 * np.arange(12) / 12
    assert "within the noise" in stale(at_the_top([*early, *same]), TOP, kept=9000)
    assert stale(at_the_top([*early, *same[:-1]]), TOP, kept=9000) == ""
    assert stale(at_the_top([*early, *same[:-1], 0.92]), TOP, kept=9000) == ""
    # With few rows to judge by, 0.92 is not told from 0.9.
    assert "within the noise" in stale(at_the_top([*early, *same[:-1], 0.92]), TOP, kept=100)
    assert "none was better" in stale(at_the_top([*early, *([0.7] * 12)]), TOP, kept=9000)


def test_of_many_networks_half_must_bring_nothing():
    rising = list(np.linspace(0.5, 0.9, 20))
    assert stale(at_the_top([*rising, *([0.9] * 12)]), TOP, kept=9000) == ""
    assert stale(at_the_top([*rising, *([0.9] * 20)]), TOP, kept=9000)


def test_values_that_are_not_finite_say_nothing():
    assert stale(at_the_top([float("-inf")] * 30), TOP) == ""


def test_what_children_inherit_does_not_keep_a_race_going():
    early = [0.5, 0.6, 0.7, 0.8, 0.82, 0.9]
    line, parents = [0.9 + 0.005 * i for i in range(1, 13)], [(i, i - 1) for i in range(6, 18)]
    assert "within the noise" in stale(at_the_top([*early, *line], parents=parents), TOP, kept=9000)
    # Without parents, and where a child gains more than children do, they are better networks.
    assert stale(at_the_top([*early, *line]), TOP, kept=9000) == ""
    assert stale(at_the_top([*early, *line[:-1], 0.99], parents=parents), TOP, kept=9000) == ""


@pytest.mark.parametrize(("best", "kept"), [(0.9, 100), (1.0, 100), (0.5, 10)])
def test_the_noise_of_an_accuracy_is_that_of_its_rows(best, kept):
    found = noise("val_accuracy", best, 0.0, kept)
    assert found >= 1 / kept and found == pytest.approx(max(np.sqrt(best * (1 - best) / kept), 1 / kept))


def test_of_several_labels_the_noise_is_what_is_known_of_it():
    early, same = [0.5, 0.6, 0.7, 0.8, 0.82, 0.96], [0.95] * 11 + [0.964]
    assert "within the noise" in stale(
        at_the_top([*early, *same]), TOP, kept=900
    )  # as if labels stood and fell together
    told = at_the_top([*early, *same])
    for row in told.rows:
        row.facts["doubts"] = {"val_accuracy": 0.002}
    assert stale(told, TOP, kept=900) == ""
    assert noise("val_exact", 0.5, 0.0, 100) == pytest.approx(0.05)


def test_a_race_with_seconds_ends_early_and_says_so():
    run = Run(Plan(LADDER, race=Random(), inherit=False, seconds=9000.0, kept=9000), lambda number, fidelity: 0.8)
    run.all()
    assert "within the noise" in noted(run, ENDED)[0]
    race = [event for event in run.history if isinstance(event, r.Continued) and event.note["phase"] == "confirm"]
    first = next(i for i, event in enumerate(run.history) if event is race[0])
    assert run.history.time_of(first) < 0.8 * Plan(LADDER, seconds=9000.0).shares[0] * 9000


def test_a_race_with_a_budget_in_trials_has_them_all():
    run = Run(Plan(LADDER, race=Random(), inherit=False), lambda number, fidelity: 0.8)
    run.all(new=within(60))
    assert len(run.history.rows) == 60 and noted(run, ENDED)[0] == "its networks are used up"


def test_a_race_that_time_ends_says_so():
    rng = np.random.default_rng(0)
    run = Run(
        Plan(LADDER, race=Random(), inherit=False, seconds=1000.0),
        lambda number, fidelity: 0.5 + 0.01 * number + rng.random() / 100,
    )
    run.all()
    assert "time" in noted(run, ENDED)[0]


def test_a_race_has_what_two_minutes_would_leave_it_however_long_the_search():
    rng = np.random.default_rng(0)
    slow = lambda row: 20.0 if row.number == 0 and row.target < 0.03 else 2.0  # noqa: E731
    took = []
    for seconds in (60.0, 119.0, 121.0, 150.0, 300.0, 600.0, 900.0, 3600.0):
        run = Run(Plan(LADDER, seconds=seconds, inherit=False), lambda *_: rng.random(), slow)
        run.spent = lambda row, seconds: {"start": seconds - 2.0, "train": 2.0}
        run.all()
        assert len(run.history.rows) > 3
        race, confirm = run.machine.setup.strategy.ends(run.history)
        assert race < confirm < seconds
        took.append(race)
    assert took == sorted(took) and took[0] == pytest.approx(20 + 0.25 * 40)
    assert took[2] - took[1] < 1.0 and took[-2:] == pytest.approx([90.0, 0.22 * 3600], abs=1.0)


@pytest.mark.parametrize("best", [0, 3])
def test_in_a_short_search_the_anchor_is_confirmed_only_beside_another_network(best):
    run = Run(
        Plan(LADDER, race=Random(), inherit=False, seconds=300.0), lambda number, _: 0.9 if number == best else 0.5
    )
    ended = run.all()
    confirmed = {row.number for row in run.history.rows if row.note.get("phase") == "confirm"}
    assert confirmed == ({0, 3} if best else set())
    assert ("nothing to confirm" in ended.why) == (not best)
    if not best:
        race, nothing = _before_finish(ended.why, confirmed=False, raced=False)
        assert race.startswith("  The race ended: ") and nothing.startswith("  There was no confirmation: the default")
    assert run.machine.setup.strategy.winner(run.history).number == best


@pytest.mark.parametrize(("seconds", "count"), [(1000.0, 2), (None, 3)])
def test_where_children_lead_the_best_that_began_at_chance_is_confirmed_beside_them(seconds, count):
    def worth(number, fidelity):
        inherits = run.history.rows[number].parent is not None
        return (0.8 if inherits else 0.5) + 0.01 * ((7 * number) % 23) / 23 + 0.1 * fidelity

    run = Run(Plan(LADDER, seconds=seconds), worth, lambda row: 2.0)
    run.all(new=within(40))
    rows, plan = run.history.rows, run.machine.setup.strategy
    top = {row.number: row.segments[0.09][0] for row in rows if 0.09 in row.segments}
    children = sorted((n for n in top if rows[n].parent is not None), key=lambda n: -top[n])
    fresh = max((n for n in top if rows[n].parent is None), key=lambda n: top[n])
    assert len(children) > 3 and fresh != 0
    assert plan.finalists(run.history) == [*children[: count - 1], fresh, 0]
    confirmed = {row.number: row.segments[0.3][0] for row in rows if 0.3 in row.segments}
    assert {*children[: count - 1], fresh, 0} == set(confirmed)
    best = run.history.best()
    (said,) = _lineage(run.history, best)
    assert best.number == children[0] and f"weights of trial {best.parent}" in said
    assert f"trial {max((fresh, 0), key=confirmed.get)}, the best there" in said
    assert _lineage(run.history, rows[0]) == []


@pytest.mark.parametrize(
    ("compiling", "rows", "confirmed"), [(2.0, 2_500, True), (12.0, 2_500, False), (2.0, 500_000, True)]
)
def test_a_confirmation_that_would_hardly_train_is_left_out_and_the_race_decides(compiling, rows, confirmed):
    """With epochs of 3 seconds, or with so many rows that a part of an epoch is enough."""
    made = ladder(rows, None, batch=32)
    epoch = 3.0 if rows < 10_000 else 60.0
    run = Run(Plan(made, race=Random(), inherit=False, seconds=200.0), lambda number, _: 0.5 + 0.01 * number)

    def spent(row, seconds):
        rung = made.at(row.target)
        return {"train": epoch * rung.epochs * (rung.rows or rows) / rows, "compile": compiling}

    run.spent = spent
    ended = run.all()
    turns = {row.note["seconds"] for row in run.history.rows if row.note.get("phase") == "confirm"}
    assert bool(turns) == confirmed
    plan = run.machine.setup.strategy
    assert ("its values decide" in ended.why) == (not confirmed)
    assert plan.winner(run.history).number != 0


@pytest.mark.parametrize(("rows", "side"), [(51_000, 28), (8_000, 96)])
@pytest.mark.parametrize("shrunk", [True, False])
def test_an_epoch_of_networks_that_saw_images_as_they_are_takes_as_long_as_theirs(rows, side, shrunk):
    """Two epochs of the lowest rung took 20 seconds, of smaller images or not."""
    made = ladder(rows, side)
    rung = made.rungs[0]
    history = History((Objective("val_accuracy", "max"),))
    note = {"spent": {"train": 20.0}, **({} if shrunk else {"full_size": True})}
    ended = r.Finished(number=0, state="paused", values=(0.5,), fidelity=rung.fidelity, note=note)
    history.extend([r.Proposed(number=0, config={}), r.Started(number=0), ended])
    time = Division(ladder=made, seconds=900.0, shares=shares_in(900.0))
    expected = 20.0 / rung.epochs * rows / (rung.rows or rows) * (rung.factor**2 if shrunk else 1)
    assert rung.factor > 1 and time.epoch(history) == pytest.approx(expected)
    assert time.least(history) == pytest.approx(min(1.0, 10_000 / rows) * expected)


# --- whether the race's ranking holds --------------------------------------------------------------


def turned(number, fidelity):
    """What the race ranks first is worst in full."""
    value = 0.5 + 0.3 * ((7 * number) % 23) / 23
    return value if fidelity < 0.2 else 1.0 - value


def held(number, fidelity):
    return 0.5 + 0.3 * ((7 * number) % 23) / 23 + 0.1 * fidelity


def test_more_networks_are_confirmed_where_the_race_ranked_them_wrongly():
    run = Run(Plan(LADDER, race=Random(), inherit=False), turned)
    run.all(new=within(40))
    more = noted(run, MORE)
    assert len(more) == AGAIN and more[0]["tau"] <= 0 and more[0]["pairs"] >= 3
    lots = [event.note for event in run.history if isinstance(event, r.Continued) and MORE in event.note]
    assert "audited" not in lots[0] and lots[1]["audited"][-1] == pytest.approx(0.09)
    assert sum(0.3 in row.segments for row in run.history.rows) == 4 + AGAIN


def test_no_more_are_confirmed_where_it_held():
    run = Run(Plan(LADDER, race=Random(), inherit=False), held)
    run.all(new=within(40))
    tau, pairs = agreement(run.history, TOP, 0.3)
    assert tau > 0 and pairs in (3, 4) and not noted(run, MORE)


def test_more_are_confirmed_only_while_there_is_time():
    run = Run(Plan(LADDER, race=Random(), inherit=False, seconds=3000.0), turned)
    run.all()
    assert run.at <= run.machine.setup.strategy.latest(run.history) + 30
    assert len({event.note["seconds"] for event in run.history
                if isinstance(event, r.Continued) and event.note["phase"] == "confirm"}) == 1  # fmt: skip
    short = Run(Plan(LADDER, seconds=900.0), turned)
    short.all()
    assert not noted(short, MORE) and short.machine.setup.strategy.latest(short.history) == pytest.approx(0.17 * 900)


def test_a_lowest_rung_that_says_nothing_is_given_up():
    rng = np.random.default_rng(1)
    plan = Plan(LADDER, race=Random(), inherit=False)
    run = Run(plan, lambda number, fidelity: held(number, fidelity) if fidelity > 0.03 else rng.random())
    run.all(2000, new=within(250))
    given_up = lowest(run.history)
    assert given_up == pytest.approx(0.05)
    since = next(row.number for row in run.history.rows if "raised" in row.note)
    assert all(min(row.segments) >= 0.05 - 1e-9 for row in run.history.rows[since:])
    assert all(row.note["rung"] >= 1 for row in run.history.rows[since:])


class Watched(Run):
    """Each segment reports more than it ends with: it is watched by few rows, under a high learning rate."""

    def __init__(self, plan, watched, ended):
        super().__init__(plan, ended)
        self.watched = watched

    def reported(self, number, target):
        told = {target - 0.01: self.watched(number, target), target: self.worth(number, target)}
        for fidelity, value in told.items():
            metrics = {"val_accuracy": value}
            self.machine.apply([r.Reported(number=number, step=round(fidelity * STEPS), metrics=metrics)], self.at)


def test_the_winner_and_the_agreement_are_by_what_confirmations_ended_with():
    watched = lambda number, fidelity: 0.95 - 0.001 * ((7 * number) % 23)  # noqa: E731
    run = Watched(Plan(LADDER, race=Random(), inherit=False), watched, held)
    run.all(new=within(40))
    full = {row.number: row.segments[0.3][0] for row in run.history.rows if 0.3 in row.segments}
    plan = run.machine.setup.strategy
    assert plan.winner(run.history).number == max(full, key=full.get) == run.history.best().number
    race = {row.number: row.segments[0.09][0] for row in run.history.rows if 0.09 in row.segments}
    assert plan.finalists(run.history)[:3] == sorted(race, key=lambda n: (-race[n], n))[:3]
    assert agreement(run.history, TOP, 0.3)[0] == pytest.approx(1.0) and not noted(run, MORE)


# --- a finish that comes to nothing ----------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "infeasible"])
def test_a_finish_that_fails_leaves_the_winner_as_it_was(state):
    run = Run(Plan(LADDER, race=Random(), inherit=False), held)
    run.all(new=within(12))
    plan = run.machine.setup.strategy
    winner = plan.winner(run.history)
    before = winner.values, winner.fidelity, dict(winner.metrics), dict(winner.artifacts)
    run.open_finish(winner.number)
    error = r.Failure(kind="error", message="it broke")
    run.step(r.Outcome(state=state, error=error, metrics={}, fidelity=1.0, stepwise=False))
    assert (winner.values, winner.fidelity, winner.metrics, winner.artifacts) == before
    assert winner.state == "paused" and winner.error is None
    assert winner.facts[FINISH]["failed"] == "it broke" and winner.facts[FINISH]["kept"] == "before"
    assert run.history.best() is winner
    assert isinstance(run.machine.propose(False), r.Exhausted)


def test_a_finish_whose_process_dies_again_leaves_the_winner_as_it_was():
    run = Run(Plan(LADDER, race=Random(), inherit=False), held)
    run.all(new=within(12))
    winner = run.machine.setup.strategy.winner(run.history)
    values = winner.values
    run.open_finish(winner.number)
    answer = run.machine.propose(False)
    run.machine.apply([*answer, *run.machine.start(winner.number)], run.at)
    run.machine.apply([r.Reported(number=winner.number, step=500, metrics={"val_accuracy": 0.1}, fidelity=0.5)])
    gone = r.Failure(kind="signal", message="its process was ended by signal 9")
    again = run.machine.lose(winner.number, gone)
    assert isinstance(again[0], r.Started)  # once more
    run.machine.apply(again)
    run.machine.apply(run.machine.lose(winner.number, gone))
    assert winner.state == "paused" and winner.values == values and winner.fidelity == pytest.approx(0.3)
    assert "signal 9" in winner.facts[FINISH]["failed"] and run.history.best() is winner


def test_what_fails_before_the_finish_has_failed():
    run = Run(Plan(LADDER, race=Random(), inherit=False), held)
    run.step()
    run.step(r.Outcome(state="failed", error=r.Failure(kind="error", message="it broke"), stepwise=False))
    assert run.history.rows[1].state == "failed"


# --- what phases took ----------------------------------------------------------------------------------


def test_phases_share_the_time_of_the_search_by_the_clock():
    made = History((Objective("val_accuracy", "max"),))
    made.extend([r.Noted(kind=SCREENED, data={"seconds": 2.0, "scores": {}})], 12.0)
    for number, phase in enumerate(["anchor", "race", "race"]):
        made.extend([r.Proposed(number=number, config={}, note={"phase": phase})], 12.0)
    done = [r.Finished(number=n, state="paused", values=(0.5,), fidelity=0.01, duration=10.0) for n in range(3)]
    together = [r.Started(number=0), r.Started(number=1)]
    for at, events in [(12.0, together), (32.0, done[:2]), (40.0, [r.Started(number=2)]), (50.0, done[2:])]:
        made.extend(events, at)
    made.extend([r.Noted(kind="measured latency", data={"trial": 2})], 55.0)
    found = clocked(made)
    assert found == {PREPARE: 10.0, SCREEN: 2.0, "anchor": 10.0, "race": 20.0, BETWEEN: 13.0}
    assert sum(found.values()) == made.elapsed


# --- epochs ----------------------------------------------------------------------------------------


def test_epochs_bound_each_phase():
    made = ladder(1200, 28, 3, batch=32, bounded=True)
    assert sum(rung.epochs for rung in made.of("race")) == pytest.approx(3)
    assert [rung.epochs for rung in made.rungs[-2:]] == [3, 3]
    free = ladder(1200, 28, 3, batch=32)
    assert sum(rung.epochs for rung in free.of("race")) > 3 and free.of("finish")[0].epochs == 3
    many = ladder(50_000, 28, 20, bounded=True)
    assert [rung.epochs for rung in many.rungs] == [rung.epochs for rung in ladder(50_000, 28, 20).rungs]
