"""The Gaussian process with several objectives."""

import numpy as np

import modelwright as mw
from modelwright.strategy.pareto import hypervolume


def both(hp):
    """A front from (0, 1e6) to (1, 0): objectives on scales a million apart."""
    x, y, z = (hp.Float(name, 0.0, 1.0, default=0.5) for name in "xyz")
    g = 1 + 4 * (y + z)
    return {"a": x, "b": 1e6 * g * (1 - np.sqrt(x / g))}


def tune(subject=both, **options):
    given = {"strategy": "bayesian", "trials": 24, "store": ":memory:", "verbose": 0}
    names = [mw.Minimize("a"), mw.Minimize("b")]
    return mw.tune(subject, **{"objective": names, **given, **options})


def volume(study):
    points = [(-t.metrics["a"], -t.metrics["b"] / 1e6) for t in study.trials if t.state == "complete"]
    return hypervolume(np.array(points), (-1.1, -1.1))


def test_it_beats_chance_by_far_whatever_the_scales():
    assert volume(tune()) > 0.6  # of 0.88 in all
    assert volume(tune(strategy="random")) < 0.5


def test_failed_trials_and_an_objective_that_never_varies_do_not_stop_it():
    def fails(hp):
        values = both(hp)
        if values["a"] > 0.8:
            raise mw.InfeasibleError("too large")
        return {**values, "c": 1.0}

    study = tune(fails, objective=[mw.Minimize("a"), mw.Minimize("b"), mw.Minimize("c")])
    assert not any(t._row.note.get("by") == "fallback" for t in study.trials)
    assert volume(study) > 0.5


def test_pending_trials_are_not_proposed_again():
    hp = mw.HyperParameters()
    for name in "xyz":
        hp.Float(name, 0.0, 1.0, default=0.5)
    study = mw.Study(hp, objective=[mw.Minimize("a"), mw.Minimize("b")], strategy="bayesian", store=":memory:")
    for _ in range(10):
        trial = study.ask()
        study.tell(trial, both(trial.hp))
    waiting = np.array([list(study.ask().config.values()) for _ in range(4)])
    apart = np.abs(waiting[:, None] - waiting[None]).max(axis=2)[np.triu_indices(4, 1)]
    assert apart.min() > 0.01
