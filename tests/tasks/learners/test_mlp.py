"""The network: its gradients are those of its loss, and it learns smooth functions."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_frames import simple

from modelwright.core.rng import Seed
from modelwright.tasks.learners import learner
from modelwright.tasks.learners.embedding import WAYS, Embedding
from modelwright.tasks.learners.mlp import cycle_ends, epochs_for, schedule
from modelwright.tasks.learners.network import Network

rng = np.random.default_rng(0)


@pytest.mark.parametrize("activation", ["selu", "mish"])
def test_gradients_are_those_of_the_loss(activation):
    x = rng.normal(size=(40, 3)).astype(np.float32)
    y = rng.normal(size=(40, 2)).astype(np.float32)
    network = Network([3, 6, 5, 2], activation, Seed(0).generator())
    network.values += rng.normal(size=len(network.values)).astype(np.float32) * 0.3
    start = network.values.copy()

    def loss(values):
        network.values[:] = values
        return float(np.square(network.forward(x).astype(np.float64) - y).sum() / 2)

    network.train(x, lambda outputs: outputs - y, 0.0)
    found, step = network.slopes.copy(), 1e-2
    for place in range(0, len(start), 3):
        moved = np.zeros_like(start)
        moved[place] = step
        expected = (loss(start + moved) - loss(start - moved)) / (2 * step)
        assert abs(found[place] - expected) < 0.02 * max(1.0, abs(expected))


@pytest.mark.parametrize("way", WAYS)
def test_it_learns_what_is_smooth(way):
    x = rng.uniform(-1, 1, (1200, 3))
    y = np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2
    config = {"epochs": 40, "width": 48, "layers": 2, "embedding": way}
    matrix, held = simple(x[:900]), simple(x[900:])
    model = learner("mlp").fit(matrix, y[:900], "regression", config=config, valid=(held, y[900:], None), seed=1)
    assert np.square(model.predict(held) - y[900:]).mean() < 0.05 * y.var()


def test_the_learning_rate_comes_down_four_times():
    assert cycle_ends(256) == [17, 51, 119, 256]
    assert cycle_ends(2) == [1, 2]


def test_rounds_from_other_fits_are_kept_and_end_where_the_learning_rate_has_come_down():
    x = rng.normal(size=(300, 2))
    config = {"epochs": 30, "width": 8, "layers": 1}
    model = learner("mlp").fit(simple(x), x[:, 0], "regression", config=config, rounds=12, seed=0)
    assert model.facts["rounds"] == 12
    assert 12 in cycle_ends(model.facts["epochs"])


@given(st.integers(1, 600), st.sampled_from([16, 32, 64, 128, 256]))
def test_a_schedule_has_a_cycle_that_ends_with_the_rounds(rounds, usual):
    epochs = schedule(rounds, usual)
    assert rounds in cycle_ends(epochs)
    assert epochs == usual or rounds not in cycle_ends(usual)
    assert abs(np.log(epochs / usual)) <= max(abs(np.log(rounds / usual)), np.log(15.5))


def test_a_network_sees_all_rows_as_often_as_those_it_was_judged_with():
    """From 33,942 rows on a network that is not told anything has half as many epochs."""
    x = rng.normal(size=(34_100, 1)).astype(np.float32)
    config = {"width": 8, "layers": 1, "embedding": "plain"}
    judged = learner("mlp").fit(
        simple(x[:33_000]),
        x[:33_000, 0],
        "regression",
        config=config,
        seed=0,
        valid=(simple(x[33_000:]), x[33_000:, 0], None),
    )
    whole = learner("mlp").fit(simple(x), x[:, 0], "regression", config=config, seed=0, rounds=judged.facts["rounds"])
    assert whole.facts["rounds"] == judged.facts["rounds"]


@pytest.mark.parametrize("judged", [300, 1750, 6000, 40_000])
@pytest.mark.parametrize("times", [1.2, 2.0, 3.0, 20.0, 200.0])
def test_many_times_the_rows_are_seen_no_more_often_than_is_usual(judged, times):
    whole = round(times * judged)
    for rounds in cycle_ends(epochs_for(judged)):
        now = rounds * learner("mlp").longer(rounds, judged, whole)
        most = np.inf if times <= 2.0 else epochs_for(whole)
        assert now == pytest.approx(min(1.05 * rounds, most)), "else as often as those that it was judged with"
        if now == most:
            assert schedule(round(now), most) == most


def test_features_with_few_values_are_not_unfolded():
    values = np.column_stack([rng.normal(size=200), rng.integers(0, 2, 200)]).astype(np.float32)
    for way in WAYS:
        made = Embedding.of(values, way, Seed(0).generator())
        assert made(values).shape[1] == 2 + made.added
        assert 1 not in made.own


def test_an_epoch_that_was_broken_off_is_trained_again_as_far():
    x = rng.normal(size=(3000, 3)).astype(np.float32)
    config = {"width": 16, "layers": 1, "embedding": "plain"}
    cut = learner("mlp").fit(simple(x), x[:, 0], "regression", config=config, seed=0, deadline=time.monotonic() - 1)
    assert (cut.facts["ended"], cut.facts["rounds"], cut.facts["grown"]) == ("deadline", 1, 0)
    known = {name: cut.facts[name] for name in ("epochs", "batches")}
    again = learner("mlp").fit(simple(x), x[:, 0], "regression", config=config | known, seed=0, rounds=1, again=True)
    assert np.array_equal(again.predict(simple(x)), cut.predict(simple(x)))


def test_what_is_unfolded_and_between_which_numbers_is_taken_from_the_whole_table():
    rising = np.arange(60_000, dtype=np.float32)[:, None]
    for way in WAYS[1:]:
        made = Embedding.of(np.floor(rising / 6000), way, Seed(0).generator())
        assert list(made.own) == [0]
    assert Embedding.of(rising, "piecewise", Seed(0).generator()).first[0, -1] > 59_000
