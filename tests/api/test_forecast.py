"""Trial.forecast: what a user sees of a trial on its way."""

from __future__ import annotations

import modelwright as mw


def test_a_trial_on_its_way_says_where_it_will_end_and_one_that_ended_does_not():
    study = mw.Study(objective="loss", strategy="asha", steps=10, store=":memory:")
    trial = study.ask()
    trial.hp.Float("x", 0.0, 1.0)
    assert trial.forecast is None
    for step in range(1, 5):
        trial.report(step, loss=1.0 / step)
    found = trial.forecast
    assert found is not None and found.low <= found.expected <= found.high
    assert found.expected < 0.25 + 1e-12, "a trial is worth its best step"
    assert found.completed == 0 and found.chance is None and not found.stop
    study.tell(trial, 0.2)
    assert trial.forecast is None
