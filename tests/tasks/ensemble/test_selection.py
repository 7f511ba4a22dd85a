"""How much each candidate counts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelwright.tasks.ensemble.selection import LEAST, MEMBERS, Level, mixture, selected
from modelwright.tasks.scoring import calibration
from modelwright.tasks.scoring.draws import Draws


def accuracy_of_squares(y, predicted, weight):
    return -float(np.average((y - predicted) ** 2, weights=weight))


def noisy(seed, rows, spreads):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=rows)
    return y, [y + rng.normal(scale=spread, size=rows) for spread in spreads]


@given(st.integers(0, 30), st.integers(20, 300), st.integers(1, 6))
def test_weights_are_shares_and_hardly_worse_than_the_best_alone(seed, rows, count):
    y, predictions = noisy(seed, rows, np.linspace(0.5, 2.0, count))
    found = selected(predictions, y, accuracy_of_squares, seed=0)
    assert np.isclose(found.weights.sum(), 1)
    assert (found.weights >= 0).all()
    assert found.selected >= 1.05 * found.best
    assert np.isclose(found.best, max(accuracy_of_squares(y, p, None) for p in predictions))


def test_independent_errors_are_averaged_out():
    y, predictions = noisy(0, 2000, [1.0] * 4)
    found = selected(predictions, y, accuracy_of_squares, seed=0)
    assert (found.weights > 0.1).all()
    assert found.honest > 0.5 * found.best


def test_what_few_rows_speak_for_counts_beside_what_many_do():
    y, predictions = noisy(1, 900, [1.0] * 4)
    few = np.arange(300)
    for late in predictions[2:]:
        late[300:] = np.nan  # judged by the first 300 rows alone
    levels = [
        Level([0, 1], np.arange(900), predictions[:2]),
        Level([0, 1, 2, 3], few, [one[few] for one in predictions]),
    ]
    found = selected(predictions, y, accuracy_of_squares, seed=0, levels=levels)
    assert (found.weights > 0.08).all() and np.isclose(found.weights.sum(), 1)
    assert found.weights[:2].sum() > found.weights[2:].sum()
    mixed = found.mixed(predictions)
    assert np.isfinite(mixed).all()
    pair = (predictions[0] + predictions[1]) / 2
    assert accuracy_of_squares(y[few], mixed[few], None) > accuracy_of_squares(y[few], pair[few], None)


def test_one_poor_candidate_that_all_rows_judged_does_not_outweigh_good_ones():
    y, predictions = noisy(2, 900, [3.0, 0.5, 0.6])
    few = np.arange(300)
    for late in predictions[1:]:
        late[300:] = np.nan
    levels = [Level([0], np.arange(900), predictions[:1]), Level([0, 1, 2], few, [one[few] for one in predictions])]
    found = selected(predictions, y, accuracy_of_squares, seed=0, levels=levels)
    assert found.weights[0] < 0.1
    mixed = found.mixed(predictions)
    assert accuracy_of_squares(y[few], mixed[few], None) > -0.3


def test_every_row_is_judged_by_a_member():
    # Many that all rows judged count for little each, beside two better ones that few rows judged.
    y, predictions = noisy(3, 900, [1.0] * 14 + [0.6] * 2)
    few = np.arange(300)
    for late in predictions[14:]:
        late[300:] = np.nan
    levels = [
        Level(range(14), np.arange(900), predictions[:14]),
        Level(range(16), few, [one[few] for one in predictions]),
    ]
    found = selected(predictions, y, accuracy_of_squares, seed=0, levels=levels)
    assert np.isfinite(mixture(found.weights, predictions)[levels[found.level].rows]).all()
    assert np.isfinite(found.mixed(predictions)[levels[found.level].rows]).all()
    assert np.isfinite(found.selected)


def test_others_stand_in_for_who_judged_no_such_row():
    both = mixture(np.array([0.5, 0.5]), [np.array([[0.2, 0.8]] * 2), np.array([[0.6, 0.4], [np.nan, np.nan]])])
    assert np.allclose(both, [[0.4, 0.6], [0.2, 0.8]])
    assert np.isnan(mixture(np.array([1.0, 0.0]), [np.array([np.nan]), np.array([1.0])])).all()


@given(st.integers(0, 20), st.integers(2, 40))
def test_members_are_few_and_none_counts_for_hardly_anything(seed, count):
    y, predictions = noisy(seed, 200, [1.0] * count)
    weights = selected(predictions, y, accuracy_of_squares, seed=seed).weights
    assert np.count_nonzero(weights) <= MEMBERS
    assert weights[weights > 0].min() >= LEAST


def test_of_noise_alone_weights_of_some_rows_are_worth_nothing_on_others():
    honest = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=240)
        predictions = [0.3 * rng.normal(size=240) for _ in range(12)]
        for late in predictions[4:]:
            late[80:] = np.nan
        levels = [
            Level(range(4), np.arange(240), predictions[:4]),
            Level(range(12), np.arange(80), [one[:80] for one in predictions]),
        ]
        mixed = selected(predictions, y, accuracy_of_squares, seed=seed, levels=levels).mixed(predictions)
        honest.append(np.corrcoef(mixed, y)[0, 1])
    assert abs(np.mean(honest)) < 0.06


def test_the_honest_score_of_noise_is_below_the_selected_one():
    gaps = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=60)
        found = selected([rng.normal(size=60) for _ in range(30)], y, accuracy_of_squares, seed=seed)
        gaps.append(found.selected - found.honest)
    assert np.mean(gaps) > 0


def test_the_optimism_of_noise_is_seen_by_a_score_that_is_no_mean_of_rows_too():
    def less_the_root(y, predicted, weight):
        return -float(np.sqrt(np.mean((y - predicted) ** 2)))

    seen = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = np.exp(1.2 * rng.normal(size=300))
        found = selected([0.4 * y + 0.8 * rng.normal(size=300) for _ in range(30)], y, less_the_root, seed=0)
        seen.append(found.optimism)
    assert min(seen) > 0 and 0.04 < np.mean(seen) < 0.1


def test_the_best_of_many_that_is_deployed_alone_is_known_to_look_too_good():
    def hit(y, predicted, weight):
        return float(np.mean(predicted == y))

    looks, expected = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 200).astype(float)
        # Each is right for half of the rows by chance; two that are mixed are right where both are.
        found = selected([np.where(rng.random(200) < 0.5, y, y + 2 + k) for k in range(30)], y, hit, seed=seed)
        assert np.count_nonzero(found.weights) == 1
        looks.append(found.selected)
        expected.append(found.selected - max(0.0, found.optimism))
        assert [np.count_nonzero(own) for own in found.crossed] == [1, 1]
    assert np.mean(looks) > 0.55
    assert abs(np.mean(expected) - 0.5) < 0.02


def test_of_few_rows_what_most_draws_choose_alone_keeps_most_of_the_weight():
    gained = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y, common = rng.normal(size=5000), rng.normal(size=5000)
        predictions = [y + 0.6 * common]
        spreads = rng.uniform(0.72, 0.94, 12)
        predictions += [y + spread * (0.8 * common + 0.6 * rng.normal(size=5000)) for spread in spreads]
        weights = selected([one[:120] for one in predictions], y[:120], accuracy_of_squares, seed=seed).weights
        half = np.where(weights > 0.5, 0.5, weights * 0.5 / max(1e-9, weights[weights <= 0.5].sum()))
        new = slice(120, None)
        if 0.5 < weights.max() < 1:
            mixed = [mixture(own, [one[new] for one in predictions]) for own in (weights, half)]
            found, capped = (accuracy_of_squares(y[new], one, None) for one in mixed)
            gained.append(found - capped)
    assert gained and np.mean(gained) > 0


def test_where_only_some_rows_are_looked_at_those_of_rare_classes_are():
    rng = np.random.default_rng(0)
    y = (np.arange(60_000) % 600 == 0).astype(int)
    looked = []

    def merit(y, predicted, weight):
        looked.append((int(y.sum()), float(np.average(y, weights=weight))))
        return -float(np.average((y - predicted[:, 1]) ** 2, weights=weight))

    predictions = [np.column_stack([1 - one, one]) for one in rng.random((3, len(y)))]
    selected(predictions, y, merit, seed=0, draws=Draws(by_class=True))
    assert looked[0][0] == 100 and abs(looked[0][1] - 1 / 600) < 1e-9
    looked.clear()
    selected(predictions, y, merit, seed=0)
    assert looked[0][0] < 40, "a metric that weighs no rows sees them as often as they are"


def test_weights_of_rows_count():
    y = np.array([0.0] * 50 + [1.0] * 50)
    low, high = np.zeros(100), np.ones(100)
    found = selected([low, high], y, accuracy_of_squares, seed=0, sample_weight=np.where(y == 1, 1.0, 0.01))
    assert found.weights[1] > 0.9


def test_a_candidate_without_a_finite_score_is_left_out():
    y, (good,) = noisy(0, 100, [0.5])
    found = selected([np.full(100, np.nan), good], y, accuracy_of_squares, seed=0)
    assert found.weights.tolist() == [0.0, 1.0]


def test_a_temperature_makes_overconfident_probabilities_right():
    rng = np.random.default_rng(0)
    true = rng.uniform(0.05, 0.95, 20_000)
    y = (rng.random(20_000) < true).astype(int)
    logit = 2.5 * np.log(true / (1 - true))
    sure = 1 / (1 + np.exp(-logit))
    heat = calibration.temperature(np.column_stack([1 - sure, sure]), y)
    assert 2.2 < heat < 2.8
    cooled = calibration.tempered(np.column_stack([1 - sure, sure]), heat)
    assert np.abs(cooled[:, 1] - true).max() < 0.05


def test_few_rows_keep_their_probabilities():
    assert calibration.temperature(np.full((100, 2), 0.5), np.zeros(100, int)) == 1.0
