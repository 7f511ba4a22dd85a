"""The best trial so far: one that goes on counts with what it was worth before, and what breaks a limit never is it."""

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.constraint import LIMITS
from modelwright.core.history import History, has_value, usable
from modelwright.core.objective import Objective
from modelwright.report.view import StudyView, front, ranked, without_value


def paused(number, value, fidelity=0.3, **metrics):
    return [
        r.Proposed(number=number, config={"x": number}, fidelity=fidelity),
        r.Started(number=number),
        r.Finished(number=number, state="paused", values=(value,), metrics={"loss": value, **metrics},
                   fidelity=fidelity, artifacts={"model": r.Artifact(path=f"{number}")}),
    ]  # fmt: skip


def going_on(number, step=500, loss=9.0):
    return [
        r.Continued(number=number, fidelity=1.0),
        r.Started(number=number, segment=1),
        r.Reported(number=number, step=step, metrics={"loss": loss}, fidelity=0.65),
    ]


def history(*events, limits=()):
    made = History((Objective("loss", "min"),))
    made.extend([r.Noted(kind=LIMITS, data={"texts": list(limits)})] if limits else [])
    for some in events:
        made.extend(some)
    return made


def test_a_trial_that_goes_on_stays_the_best_by_its_last_value():
    known = history(paused(0, 1.0), paused(1, 2.0), going_on(0))
    best = known.best()
    assert best.number == 0 and best.values == (1.0,) and best.valued == 0.3 and best.fidelity == 0.65
    # Reports of what runs are of a later fidelity than its value, and do not put it before equals that rest.
    known.extend(paused(2, 0.5))
    assert known.best().number == 2


def test_one_that_was_never_measured_is_not_the_best():
    fresh = [r.Proposed(number=0, config={}), r.Started(number=0), r.Reported(number=0, step=1, metrics={"loss": 1.0})]
    assert history(fresh).best() is None


def test_strategies_do_not_take_what_runs_for_ended():
    known = history(paused(0, 1.0), paused(1, 2.0), going_on(0))
    assert has_value(known.rows[0]) and not usable(known.rows[0])
    assert known.best(ended=True).number == 1


def test_the_reports_begin_with_the_best_while_it_runs_on():
    view = StudyView(name="s", history=history(paused(0, 1.0), paused(1, 2.0), going_on(0)), space=None, strategy="x")
    assert [row.number for row in ranked(view)] == [0, 1]
    assert [row.number for row in front(view)] == [0]


def test_what_was_measured_below_full_fidelity_breaks_limits_too():
    known = history(paused(0, 0.1, size=9.0), paused(1, 0.5, size=2.0), limits=["size <= 3"])
    assert known.rows[0].state == "paused"
    assert known.best().number == 1


def test_where_all_break_a_limit_none_is_best_and_the_closest_is_named():
    known = history(paused(0, 0.1, size=9.0), paused(1, 0.5, size=4.0), limits=["size <= 3"])
    assert known.best() is None
    said = without_value(StudyView(name="s", history=known, space=None, strategy="x"))
    assert "trial 1" in said and "size is 4, too large by 1" in said


def test_a_study_that_was_cut_in_the_last_segment_has_a_best_trial(tmp_path):
    study = mw.Study(lambda hp: hp.Float("x", 0, 1), objective="minimize", store=str(tmp_path / "s.db"), name="s")
    study._journal.begin()
    study._journal.write([*paused(0, 1.0), *going_on(0)[:2]])
    assert study.best.number == 0 and study.best.value == 1.0
    del study
    assert mw.load_study("s", store=str(tmp_path / "s.db")).best.value == 1.0
