"""The plan of a fit, with candidates whose scores are a formula: what comes first, who goes on, and when it ends."""

import numpy as np
import pytest

from modelwright.core import records as r
from modelwright.core.objective import Objective
from modelwright.space import HyperParameters
from modelwright.study.machine import Machine, Setup
from modelwright.tasks.search.milestones import MEMBERS, REOPENED, PlanLeads
from modelwright.tasks.search.plan import STARTING, TablePlan
from modelwright.tasks.search.timing import Timing

UNITS = 5


def space():
    hp = HyperParameters()
    hp.Choice("model", ["tree", "line", "slow", "constant"], ordered=False)
    for name in ("tree", "line", "slow"):
        with hp.conditional_scope("model", [name]), hp.name_scope(name):
            hp.Float("rate", 0.01, 1.0, sampling="log", default=0.1)
    return hp.tree


TREE = space()
PORTFOLIO = [TREE.complete({"model": name}) for name in ("tree", "line", "slow")]
COSTS = {"tree": 1.0, "line": 0.1, "slow": 50.0, "constant": 0.01}
WORTH = {"tree": 0.9, "line": 0.8, "slow": 0.95, "constant": 0.5}


def merit(config, worth=WORTH):
    if config["model"] == "constant":
        return worth["constant"]
    return worth[config["model"]] - 0.02 * abs(np.log10(config[f"{config['model']}/rate"] / 0.3))


class Fits:
    """Runs what the plan proposes, by itself, on a clock that goes on by what candidates cost."""

    def __init__(
        self, *, first=1, units=UNITS, only=None, portfolio=PORTFOLIO, tunes=True, worth=WORTH, luck=None, **timing
    ):
        #: Kind of model -> what its score on the first unit is too good by.
        self.luck = luck or {}
        self.units, self.worth = units, worth
        timing["whole"] = np.broadcast_to(timing.get("whole", 1.0), units).tolist()
        self.plan = TablePlan(
            portfolio,
            tunes=tunes,
            units=units,
            first=first,
            cost=lambda config: COSTS[config["model"]],
            timing=Timing(**timing),
            only=only,
        )
        setup = Setup(space=TREE, strategy=self.plan, objectives=(Objective("auc", "max"),))
        self.machine = Machine(setup, PlanLeads())
        self.now, self.asked = 0.0, []
        #: Number of a candidate -> the units after which the clock ends it, and whether in the middle of a fit.
        self.ends = {}
        #: Number of a candidate -> rounds of its fit on all rows, which is not its last one.
        self.reaches = {}

    @property
    def rows(self):
        return self.machine.history.rows

    def step(self, new=True):
        """One segment; what there was instead when there is none."""
        answer = self.machine.propose(new)
        if not isinstance(answer, list):
            return answer
        number = answer[-1].number
        self.machine.apply([*answer, *self.machine.start(number)], self.now)
        row = self.rows[number]
        before, until = len(row.facts.get("scores") or ()), round(row.target * (self.units + 1))
        until, cut = self.ends.pop(number, (until, False))
        self.asked.append((number, row.note["phase"], before, until))
        cost = COSTS[row.config["model"]]
        refit = row.note["phase"] == "refit"
        done = 1 if refit else until - before
        self.now += cost * done
        scores = [merit(row.config, self.worth) + 0.001 * unit for unit in range(before if refit else until)]
        scores[:1] = [scores[0] + self.luck.get(row.config["model"], 0.0)]
        note = {"scores": scores, "fit_seconds": cost, "rounds": [100] * len(scores), "phase": row.note["phase"]}
        note["ended"] = ["deadline" if cut else None] * len(scores)
        state = "paused" if refit and number in self.reaches else "complete"
        note |= {"reaches": self.reaches[number]} if state == "paused" else {}
        kept = {"model" if refit else "checkpoint": r.Artifact(path="x")}
        told = r.Outcome(
            state=state, metrics={"auc": float(np.mean(scores))}, fidelity=until / (self.units + 1),
            duration=cost * done, note=note, artifacts=kept, stepwise=False,
        )  # fmt: skip
        self.machine.apply(self.machine.finish(number, told), self.now)
        return None

    def run(self, steps):
        for _ in range(steps):
            if (ended := self.step()) is not None:
                return ended
        return None

    def note(self, kind, data=None):
        self.machine.apply([r.Noted(kind=kind, data=data or {})], self.now)


def test_the_portfolio_comes_first_in_its_order_and_then_what_is_near_the_best():
    fits = Fits(first=UNITS)
    fits.run(8)
    assert [row.config for row in fits.rows[:3]] == PORTFOLIO
    assert all(row.note["phase"] == "tune" for row in fits.rows[3:])
    assert len({TREE.key(row.config) for row in fits.rows}) == 8


def test_the_better_of_the_first_unit_are_judged_by_all():
    fits = Fits(first=1)
    fits.run(40)
    judged = [len(row.facts["scores"]) for row in fits.rows]
    assert set(judged) == {1, UNITS}
    full = [row.config for row, units in zip(fits.rows, judged, strict=True) if units == UNITS]
    short = [row.config for row, units in zip(fits.rows, judged, strict=True) if units == 1]
    assert np.mean(list(map(merit, full))) > np.mean(list(map(merit, short)))
    assert {config["model"] for config in full} >= {"slow", "tree"}


def test_where_there_are_many_units_candidates_wait_at_some_of_them_until_the_portfolio_is_tried():
    fits = Fits(first=1, units=8, seconds=10_000.0)
    fits.run(60)
    steps = [(before, until) for _, _, before, until in fits.asked]
    assert {until for _, until in steps} == {1, 3, 8}
    last = max(place for place, (number, *_) in enumerate(fits.asked) if number == 2 and steps[place][0] == 0)
    assert 8 not in {until for _, until in steps[:last]}
    assert (0, 8) not in steps
    assert (1, 8) not in steps


def test_candidates_end_in_time_and_leave_some_for_the_fits_on_all_rows():
    fits = Fits(first=1, seconds=100.0, workers=1)
    ended = fits.run(500)
    assert isinstance(ended, r.Exhausted)
    assert 40 < fits.now < 100
    assert all(row.note["seconds"] <= 100 for row in fits.rows)


def test_what_cannot_end_in_time_is_passed_over_once_it_is_known_what_things_take():
    fits = Fits(first=1, seconds=30.0)
    fits.run(500)
    assert "slow" not in {row.config["model"] for row in fits.rows[2:]}


@pytest.mark.parametrize("only", [("tree", "line", "slow"), None])
def test_time_that_is_too_short_for_the_best_kind_of_model_is_had_by_quicker_ones(only):
    fits = Fits(first=1, units=1, seconds=150.0, refits=False, only=only)
    ended = fits.run(500)
    assert isinstance(ended, r.Exhausted)
    tuned = [row.config["model"] for row in fits.rows if row.note["phase"] == "tune"]
    assert fits.now > 140 and len(tuned) > 10 and "slow" not in tuned[-10:]


def test_a_first_model_is_alone_until_it_is_there():
    fits = Fits(first=1, seconds=100.0)
    fits.plan.first_model = (PORTFOLIO[1], 1.0, 5.0)
    fits.step()
    assert fits.rows[0].note["phase"] == "first"
    assert fits.rows[0].note["seconds"] == 1.0
    assert isinstance(fits.step(), r.Exhausted)
    fits.plan.first_model = None
    fits.step()
    assert len(fits.rows) == 2


def test_members_are_fitted_on_all_rows_once_and_nothing_else_is():
    fits = Fits(first=UNITS)
    fits.run(4)
    members = [{"trial": n, "value": 0.5, "rounds": 105} for n in (2, 0)]
    fits.note(MEMBERS, {"number": 1, "members": members})
    ended = fits.run(10)
    assert isinstance(ended, r.Exhausted)
    assert [(n, phase) for n, phase, _, _ in fits.asked[4:]] == [(2, "refit"), (0, "refit")]
    assert fits.rows[2].note["rounds"] == 105
    assert {fits.rows[n].state for n in (0, 2)} == {"complete"}


def test_a_member_of_which_more_rounds_are_wanted_now_is_fitted_on_all_rows_again():
    fits = Fits(first=1)
    while len(fits.rows) < 4:
        fits.step()
    fits.reaches, fits.asked = {0: 60, 1: 60, 2: None}, []  # the clock has cut the last one
    for number in (1, 2):
        members = [{"trial": n, "value": 0.5, "rounds": wanted} for n, wanted in ((0, 60 * number), (1, 60), (2, 60))]
        fits.note(MEMBERS, {"number": number, "members": members})
        assert isinstance(fits.run(10), r.Exhausted)
    assert [(n, phase) for n, phase, _, _ in fits.asked] == [(n, "refit") for n in (0, 1, 2, 0, 2)]
    fits.note(REOPENED)
    fits.run(30)
    assert {n for n, *_ in fits.asked[5:]}.isdisjoint({0, 1, 2}), "what was fitted on all rows is judged no further"


def test_after_it_was_opened_again_candidates_are_tried_again():
    fits = Fits(first=UNITS)
    fits.run(4)
    fits.note(MEMBERS, {"number": 1, "members": [{"trial": 2, "value": 0.5, "rounds": None}]})
    fits.run(3)
    fits.note(REOPENED)
    fits.run(2)
    assert len(fits.rows) == 6
    assert fits.rows[-1].note["phase"] == "tune"


@pytest.mark.parametrize("reserved", [5.0, 60.0])
def test_what_is_kept_for_the_end_is_what_it_is_said_to_be(reserved):
    fits = Fits(first=1, seconds=100.0)
    fits.plan.reserved = reserved
    assert fits.plan.until(fits.machine.history) == 100.0 - reserved


def test_no_time_is_kept_for_fits_on_all_rows_that_would_not_end_in_it():
    few, many = Fits(first=UNITS, seconds=100.0, whole=4.0), Fits(first=UNITS, seconds=100.0, whole=4000.0)
    for fits in (few, many):
        fits.run(2)
    assert few.plan.until(few.machine.history) < many.plan.until(many.machine.history)
    assert many.plan.last.possible(many.rows, 30.0) == []
    assert [row.config["model"] for row in few.plan.last.possible(few.rows, 3.0)] == ["line"]
    assert few.plan.last.possible(few.rows, 40.0) == few.rows


def test_time_is_kept_for_a_fit_of_what_lost_its_models_while_it_may_be_a_member():
    fits, all_there = (Fits(first=UNITS, seconds=100.0, refits=False) for _ in range(2))
    for one in (fits, all_there):
        one.run(2)
    fits.plan.bare = {0}
    kept = all_there.plan.until(all_there.machine.history) - fits.plan.until(fits.machine.history)
    assert kept == pytest.approx(1.1 * fits.plan.last.seconds(fits.rows[0]))


def test_workers_share_the_time_for_fits_on_all_rows_but_no_fit_is_divided():
    fits = Fits(first=UNITS, seconds=1000.0, workers=2, whole=20.0)
    fits.run(1)
    (row,) = fits.rows
    assert fits.plan.last.together([]) == 0
    assert [fits.plan.last.together([row] * number) for number in (1, 2, 3)] == [20.0, 20.0, 40.0]
    assert fits.plan.last.possible([row, row, row], 24.0) == [row, row]
    assert fits.plan.last.possible([row, row, row], 36.0) == [row, row], "the third would begin at 20 and end at 40"
    assert fits.plan.last.possible([row, row, row], 48.0) == [row, row, row]
    assert fits.plan.last.possible([row], 15.0) == []


def test_fits_on_all_rows_that_have_no_room_side_by_side_are_reckoned_one_after_the_other():
    alone, two = (
        Fits(first=UNITS, seconds=100.0, workers=2, whole=8.0, beside=lambda rows, most=most: min(most, len(rows)))
        for most in (1, 2)
    )
    for fits in (alone, two):
        fits.run(4)
    members = alone.rows[:1] * 2
    assert alone.plan.last.together(members) == 2 * two.plan.last.together(members)
    assert alone.plan.last.possible(members, 12.0) == members[:1] and two.plan.last.possible(members, 12.0) == members
    assert alone.plan.until(alone.machine.history) < two.plan.until(two.machine.history)


def test_what_a_fit_on_all_rows_takes_goes_by_the_units_that_judged_its_candidate():
    fits = Fits(first=1, units=3, seconds=1000.0, whole=[2.0, 1.6, 1.4])
    fits.run(5)
    for row in fits.rows:
        judged = len(row.facts["scores"])
        assert fits.plan.last.seconds(row) == COSTS[row.config["model"]] * {1: 2.0, 2: 1.6, 3: 1.4}[judged]
    assert {len(row.facts["scores"]) for row in fits.rows} == {1, 3}


def test_fits_on_all_rows_are_begun_at_once_only_where_all_rows_take_little():
    for whole, begins in ((1.0, 0.0), (29.0, STARTING)):  # in this process, or in others
        fits = Fits(first=UNITS, seconds=1000.0, workers=2, whole=whole)
        fits.run(2)
        assert fits.plan.last.begins(fits.rows[1:2]) == begins


def test_nothing_is_tried_of_a_kind_that_has_no_part():
    fits = Fits(first=1)
    fits.run(6)
    fits.plan.only = ("line",)
    fits.plan.portfolio = list(PORTFOLIO[1:2])
    before = len(fits.asked)
    fits.run(40)
    went = {fits.rows[number].config["model"] for number, *_ in fits.asked[before:]}
    assert went == {"line"}


def test_who_would_take_much_of_what_all_have_left_goes_on_only_as_the_best(monkeypatch):
    monkeypatch.setitem(COSTS, "line", 20.0)  # the best of its family, behind others
    hurried, patient = (Fits(units=4, seconds=seconds, refits=False) for seconds in (180.0, 1800.0))
    for fits in (hurried, patient):
        fits.run(8)
    went = [
        {fits.rows[n].config["model"] for n, phase, *_ in fits.asked if phase == "race"} for fits in (hurried, patient)
    ]
    assert "line" not in went[0] and "line" in went[1]


def test_no_quick_and_weak_candidate_is_judged_by_all_units_where_there_is_no_time_for_the_best(monkeypatch):
    monkeypatch.setitem(COSTS, "slow", 20.0)
    hurried, patient = (Fits(units=8, seconds=seconds, refits=False) for seconds in (110.0, 400.0))
    for fits in (hurried, patient):
        fits.run(40)
    judged = [
        {
            name: max(len(row.facts["scores"]) for row in fits.rows if row.config["model"] == name)
            for name in ("tree", "line", "slow")
        }
        for fits in (hurried, patient)
    ]
    assert set(judged[0].values()) == {3}
    assert judged[1]["slow"] == 8 and judged[1]["tree"] == 8


def test_the_constant_is_judged_by_the_first_units_alone_unless_it_is_the_best(monkeypatch):
    for worth, units in ((0.5, 1), (0.99, UNITS)):
        monkeypatch.setitem(WORTH, "constant", worth)
        fits = Fits(first=1, portfolio=[*PORTFOLIO, {"model": "constant"}])
        fits.run(30)
        assert len(fits.rows[3].facts["scores"]) == units


def test_what_the_clock_of_an_earlier_call_left_goes_on_or_is_tried_anew():
    fits = Fits(first=3, units=8)
    fits.ends = {0: (1, False), 1: (1, True), 2: (2, False)}
    fits.run(3)
    fits.note(MEMBERS, {"number": 1, "members": [{"trial": 2, "value": 0.5, "rounds": None}]})
    fits.run(2)
    fits.note(REOPENED)
    assert [len(row.facts["scores"]) for row in fits.rows[:2]] == [1, 1]
    fits.plan.earlier = range(len(fits.rows))
    before = len(fits.asked)
    fits.run(8)
    assert fits.asked[before] == (0, "race", 1, 3)  # goes on from where it was
    again = [fits.rows[number].config for number, _, done, _ in fits.asked[before + 1 :] if not done]
    assert again[:2] == PORTFOLIO[1:]  # a fit that was cut short, or a member that is of all rows by now
    fits.run(40)
    assert sum(TREE.key(row.config) == TREE.key(PORTFOLIO[1]) for row in fits.rows) == 2
    assert {len(row.facts["scores"]) for row in fits.rows[3:]} <= {3, 8}


def test_what_the_clock_of_an_earlier_call_left_between_two_rungs_is_not_left_there():
    fits = Fits(first=1, units=8)
    fits.ends = {0: (2, False)}
    fits.run(3)
    assert len(fits.rows[0].facts["scores"]) == 2
    fits.plan.earlier = range(3)
    fits.run(3)
    assert len(fits.rows[0].facts["scores"]) >= 3


class Behind:
    """Fits of which a kind of model that is dear is far behind after its first unit."""

    FIRST, AGAIN = PORTFOLIO[2], TREE.complete({"model": "slow", "slow/rate": 0.5})

    @staticmethod
    def fits(*portfolio, **settings):
        fits = Fits(first=1, portfolio=[PORTFOLIO[0], *portfolio], worth=WORTH | {"slow": 0.6}, **settings)
        fits.run(60)
        return fits

    @staticmethod
    def slow(fits):
        """Units of each of its candidates."""
        return [len(row.facts["scores"]) for row in fits.rows if row.config["model"] == "slow"]


CONSTANT = {"model": "constant"}


def test_a_dear_kind_that_is_far_behind_gets_no_more_of_the_time():
    fits = Behind.fits(CONSTANT, Behind.FIRST, PORTFOLIO[1], Behind.AGAIN, seconds=2000.0)
    assert Behind.slow(fits) == [1]
    assert len(fits.rows) > 20


@pytest.mark.parametrize(
    "settings",
    [{"seconds": 30_000.0}, {"seconds": 2000.0, "worth": WORTH | {"slow": 0.895}}, {}],
    ids=["there is much time", "hardly behind", "no clock"],
)
def test_otherwise_the_best_of_each_kind_goes_on_and_the_next_one_is_tried(settings):
    worth = settings.pop("worth", WORTH | {"slow": 0.6})
    portfolio = [PORTFOLIO[0], CONSTANT, Behind.FIRST, PORTFOLIO[1], Behind.AGAIN]
    fits = Fits(first=1, portfolio=portfolio, worth=worth, **settings)
    fits.run(60)
    assert len(Behind.slow(fits)) > 1
    assert max(Behind.slow(fits)) > 1


def test_how_far_a_kind_is_behind_is_not_known_without_the_constant():
    fits = Behind.fits(Behind.FIRST, PORTFOLIO[1], Behind.AGAIN, seconds=2000.0)
    assert len(Behind.slow(fits)) > 1


def test_where_nothing_is_tuned_what_was_put_off_comes_last():
    fits = Behind.fits(CONSTANT, Behind.FIRST, Behind.AGAIN, PORTFOLIO[1], seconds=2000.0, tunes=False)
    assert [row.config["model"] for row in fits.rows] == ["tree", "constant", "slow", "line", "slow"]


def test_one_unit_of_few_rows_does_not_tell_how_far_a_kind_is_behind():
    fits = Fits(
        first=1, portfolio=[PORTFOLIO[0], CONSTANT, *PORTFOLIO[1:]], worth=WORTH | {"slow": 0.6}, seconds=2000.0
    )
    fits.plan.tells = False
    fits.run(60)
    assert Behind.slow(fits) == [2]  # by two it is known


def test_a_kind_that_was_ahead_on_the_first_unit_alone_is_tuned_less():
    fits = Fits(first=1, portfolio=[PORTFOLIO[1], PORTFOLIO[0]], luck={"line": 0.3})
    fits.run(80)
    kinds = [row.config["model"] for row in fits.rows[4:]]
    assert kinds.count("tree") > 1.5 * kinds.count("line")
