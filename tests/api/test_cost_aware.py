"""Cost-aware search: a target for less, and the same proposals after a resume."""

import numpy as np
import pytest

import modelwright as mw


def trained(hp):
    """A width that matters little and costs up to thirty times as much."""
    x, y, w = (hp.Float(name, 0.0, 1.0, default=0.5) for name in ("x", "y", "width"))
    return {"loss": 4 * (x - 0.3) ** 2 + 4 * (y - 0.7) ** 2 + 0.1 * (w - 0.4) ** 2, "duration": 30.0**w}


def tune(**options):
    given = {"objective": mw.Minimize("loss"), "strategy": "bayesian", "trials": 25, "store": ":memory:", "verbose": 0}
    return mw.tune(trained, **{**given, **options})


def spent(study, target):
    best = np.minimum.accumulate([t.value for t in study.trials])
    cost = np.cumsum([t.metrics["duration"] for t in study.trials])
    return cost[np.argmax(best <= target)] if best[-1] <= target else np.inf


def test_the_search_costs_less_and_finds_as_much():
    plain, aware = ([tune(cost_aware=c, seed=s) for s in range(3)] for c in (False, True))
    total = [np.mean([sum(t.metrics["duration"] for t in study.trials) for study in runs]) for runs in (plain, aware)]
    assert total[1] < total[0]
    assert max(study.best.value for study in aware) < 0.05
    assert np.median([spent(s, 0.05) for s in aware]) <= np.median([spent(s, 0.05) for s in plain])


def test_a_resumed_search_goes_on_as_it_would_have(tmp_path):
    options = {"cost_aware": True, "trials": 16}
    store = tmp_path / "s.db"
    whole = tune(store=store, name="whole", **options)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(11, store=store, name="part", **options)
    part = tune(store=store, name="part", **options)
    assert [t.config for t in part.trials] == [t.config for t in whole.trials]


def _interrupted(after, **options):
    count = []

    def stops(hp):
        count.append(1)
        if len(count) > after:
            raise KeyboardInterrupt
        return trained(hp)

    given = {"objective": mw.Minimize("loss"), "strategy": "bayesian", "verbose": 0}
    mw.tune(stops, **{**given, **options})


def test_a_strategy_without_a_model_refuses():
    with pytest.raises(mw.ModelwrightError, match="no model of costs"):
        tune(cost_aware=True, strategy="random")
