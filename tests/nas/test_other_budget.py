"""A plan that one session began by trials goes on by seconds in another, and the other way round."""

import pytest
from planned import Run

from modelwright.core import records as r
from modelwright.nas.ladder import ladder
from modelwright.nas.plan import Plan
from modelwright.strategy.random import Random

LADDER = ladder(50_000, 28)


def held(number, fidelity):
    return 0.5 + 0.3 * ((7 * number) % 23) / 23 + 0.1 * fidelity


def takes(row):
    """Two epochs of all rows at full size take twenty times as long as two of the race."""
    return 80.0 if row.target > 0.2 else 4.0


def begun(until, *, trials=12, **options):
    """A session that was killed when ``until`` was true of its history."""
    run = Run(Plan(LADDER, race=Random(), inherit=False, **options), held, takes)
    run.spent = lambda row, seconds: {"train": seconds, "judge": 0.5}
    while not until(run.history):
        assert run.step(new=len(run.history.rows) < trials) is None
    return run


def gone_on(before, worth=held, **options):
    """The same study in another session, with another budget."""
    run = Run(Plan(LADDER, race=Random(), inherit=False, **options), worth, takes)
    run.machine.apply(list(before.history), before.at)
    run.at, run.spent = before.at, before.spent
    return run


def confirmed(history):
    return [event for event in history if isinstance(event, r.Continued) and event.note["phase"] == "confirm"]


def trained(history):
    """Whether as many networks as that are at the fidelity of the confirmation."""
    return sum(0.3 in row.segments for row in history.rows)


def raced(count):
    return lambda history: len(history.rows) > count and history.rows[count].state == "paused"


def test_what_was_confirmed_by_trials_goes_on_by_seconds_for_as_long_as_those_trained():
    before = begun(lambda history: trained(history) == 1)
    run = gone_on(before, seconds=9000.0)
    run.all()
    first, *later = confirmed(run.history)
    assert later and first.note["seconds"] is None
    # In its own seconds the second session would have given each of them hundreds.
    assert {event.note["seconds"] for event in later} == {80.5}


def test_more_are_confirmed_by_seconds_where_the_race_of_trials_ranked_wrongly():
    turned = lambda number, fidelity: held(number, 0) if fidelity < 0.2 else 1.0 - held(number, 0)  # noqa: E731
    before = begun(lambda history: trained(history) == 1)
    run = gone_on(before, turned, seconds=9000.0)
    run.all()
    assert len([event for event in confirmed(run.history) if "more" in event.note]) == 2


def test_what_raced_by_seconds_goes_on_by_trials_in_epochs():
    before = begun(raced(5), seconds=900.0, trials=100)
    assert all(row.note["seconds"] > 0 for row in before.history.rows)
    run = gone_on(before)
    run.all(new=lambda run: len(run.history.rows) < 20)
    later = [event for event in list(run.history)[len(before.history) :] if isinstance(event, r.Continued)]
    assert len(confirmed(run.history)) == 4 and {event.note["phase"] for event in later} == {"race", "confirm"}
    assert all(event.note["seconds"] is None for event in later)
    assert all(run.history.rows[event.number].note["seconds"] is None for event in later)


def test_networks_are_confirmed_for_equally_long_whatever_the_budget_is_now():
    before = begun(lambda history: trained(history) == 1, seconds=3600.0, trials=100)
    run = gone_on(before)
    run.all(new=lambda run: False)
    assert len(confirmed(run.history)) == 4
    (seconds,) = {event.note["seconds"] for event in confirmed(run.history)}
    assert seconds == pytest.approx(confirmed(before.history)[0].note["seconds"]) and seconds > 0
