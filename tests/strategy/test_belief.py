"""Priors as densities, PriorBand's odds, and how much an earlier study counts."""

import numpy as np
import pytest

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.strategy.belief import KIND, Belief, believed
from modelwright.strategy.fresh import Known
from modelwright.strategy.halving import Hyperband
from modelwright.strategy.prior_band import prior_band
from modelwright.strategy.transfer import Earlier, standard_scores
from modelwright.testing.strategy import StrategyContract


def space():
    hp = mw.HyperParameters()
    hp.Float("lr", 1e-5, 1e-1, sampling="log")
    hp.Choice("kind", ["a", "b", "c"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("depth", 1, 10)
    return hp.tree


SAID = {"lr": (1e-4, 1e-3), "kind": {"weights": [("b", 3.0), ("a", 1.0)]}, "depth": 8}


class TestPriorBand(StrategyContract):
    make = staticmethod(lambda steps: Hyperband(steps=steps, sampler="prior"))


def test_a_density_over_even_draws_has_mean_one():
    belief = Belief.read(SAID, space())
    assert belief is not None
    cube = np.random.default_rng(0).random((100_000, 3))
    assert np.exp(belief.value(cube)).mean() == pytest.approx(1.0, abs=0.03)


def test_draws_follow_the_density_and_nothing_is_ruled_out():
    tree = space()
    belief = Belief.read(SAID, tree)
    assert belief is not None
    drawn = [tree.decode(row) for row in belief.draw(tree, np.random.default_rng(0), 1000)]
    likely = np.mean([1e-4 <= config["lr"] <= 1e-3 for config in drawn])
    assert 0.6 < likely < 0.75
    shares = [np.mean([config["kind"] == kind for config in drawn]) for kind in "abc"]
    assert shares == pytest.approx([0.25, 0.73, 0.02], abs=0.04) and shares[2] > 0
    assert all(("depth" in config) == (config["kind"] == "b") for config in drawn)


def test_the_gradient_is_that_of_the_density():
    belief = Belief.read(SAID, space())
    assert belief is not None
    x = np.array([[0.3, 0.5, 0.55], [0.9, 1 / 6, np.nan]])
    value, slope = belief.slopes(x)
    step = np.array([1e-6, 0.0, 1e-6])
    moved = belief.value(x + step)
    assert moved - value == pytest.approx((slope * step).sum(axis=1), rel=1e-3)
    assert slope[:, 1].tolist() == [0.0, 0.0] and slope[1, 2] == 0.0


def test_what_is_in_no_domain_says_nothing():
    assert Belief.read({"lr": 7.0, "kind": "z", "other": 1}, space()) is None


def history_with(notes=(), told=()):
    history = History((Objective("value", "min"),))
    history.extend(notes)
    for number, (config, value) in enumerate(told):
        ended = r.Finished(number=number, state="complete", values=(value,))
        history.extend([r.Proposed(number=number, config=config), ended])
    return history


def test_the_weight_of_a_belief_falls_with_the_trials_known():
    history = history_with([r.Noted(kind=KIND, data={"beliefs": SAID})])
    weights = [believed(history, space(), np.zeros((n, 3)), np.zeros(n))[0].weight for n in (4, 40)]
    assert weights[0] == pytest.approx(10 * weights[1])
    assert believed(history_with(), space(), np.zeros((4, 3)), np.zeros(4)) == []


def test_a_belief_that_the_best_trials_contradict_loses_its_share_to_the_incumbent():
    prior = [r.Noted(kind=KIND, data={"beliefs": {"lr": 1e-4}})]
    shares = []
    for best in (1e-4, 8e-2):
        told = [({"lr": best * f, "kind": "a"}, abs(f - 1)) for f in (1.0, 1.01, 0.99, 0.98, 0.97, 0.96)]
        state = Known(Seed(0), history_with(prior, told))
        _, note = prior_band(state, space(), 6)
        shares.append(note["odds"]["belief"])
        assert note["odds"]["even"] == 0.5 and sum(note["odds"].values()) == pytest.approx(1.0)
    assert shares[0] > 0.2 > 0.05 > shares[1]


def test_an_earlier_study_counts_as_much_as_it_predicts():
    tree, rng = space(), np.random.default_rng(0)
    points = tree.sample_vectors(rng, 40)
    scores = -abs(points[:, 0] - 0.5)
    old = [tree.decode(row) for row in points[:20]]
    study = {"name": "old", "configs": old, "scores": standard_scores(scores[:20]).tolist()}
    earlier = Earlier.of(history_with([r.Noted(kind="transfer", data={"studies": [study]})]), tree)
    assert earlier is not None
    here = (scores[20:] - scores[20:].mean()) / scores[20:].std()
    found = []
    for values in (here, rng.normal(size=20), -here):
        earlier.weigh(points[20:], values)
        found.append(earlier.weights[0])
    assert found[0] > 0.7 > found[1] >= found[2] == 0.0
