"""What every learner promises, whatever is behind it."""

import json
import time

import numpy as np
import pytest
from raw_frames import mixed, simple, target

from modelwright.core.codec import dumps, loads
from modelwright.space import HyperParameters
from modelwright.tasks import learners
from modelwright.tasks.learners.base import SETTLED
from modelwright.tasks.learners.judged import merit

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")

#: What makes a learner quick enough for a test.
QUICK = {
    "lightgbm": {"learning_rate": 0.2, "num_leaves": 8},
    "xgboost": {"learning_rate": 0.3, "max_depth": 3},
    "catboost": {"learning_rate": 0.3, "depth": 3},
    "random_forest": {"trees": 12},
    "extra_trees": {"trees": 12},
    "mlp": {"epochs": 16, "width": 32, "layers": 2},
}
ALL = [
    (name, task)
    for name in learners.names()
    for task in ("binary", "multiclass", "regression")
    if task in learners.learner(name).tasks
]
#: The least rounds of those that need many. Learners that look at nothing, and those that are ready at once.
SLOW = {"lightgbm": 10, "xgboost": 7, "random_forest": 8, "extra_trees": 8, "linear": 8}
BLIND, READY = ("constant",), ("constant", "naive_bayes")
ROWS = 240


def made(name, task, rows=ROWS, seed=0):
    """The learner, its features fitted on a frame, their matrix, the target, and a matrix of other rows."""
    frame, learner = mixed(rows + 80, seed), learners.learner(name)
    y = target(frame, task)
    on, off = np.arange(rows), np.arange(rows, rows + 80)
    features, matrix = learner.features(frame, {}).fit(frame.take(on), y[on], task, seed=seed)
    return learner, features, matrix, y[on], features.transform(frame.take(off)), y[off]


def fit(name, task, matrix, y, settled=None, **more):
    config = QUICK.get(name, {}) | (settled or {})
    return learners.learner(name).fit(matrix, y, task, config=config, **{"seed": 3, **more})


def shape(task, rows, classes=None):
    return (rows,) if task == "regression" else (rows, classes or {"binary": 2, "multiclass": 3}[task])


def well_formed(found, task, rows, classes=None):
    assert found.shape == shape(task, rows, classes)
    assert np.isfinite(found).all()
    if task != "regression":
        assert (found >= 0).all()
        assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("name", "task"), ALL)
class TestContract:
    def test_predicts_rows_it_has_not_seen_better_than_a_constant(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        model = fit(name, task, matrix, y, valid=(held, truth, None))
        found = model.predict(held)
        well_formed(found, task, held.rows)
        if task == "regression":
            constant = np.full(held.rows, y.mean())
        else:
            constant = np.tile(np.bincount(y, minlength=3 if task == "multiclass" else 2) / len(y), (held.rows, 1))
        if name == "constant":
            assert merit(truth, found, None) == pytest.approx(merit(truth, constant, None))
        elif name != "naive_bayes":  # too sure by nature
            assert merit(truth, found, None) > merit(truth, constant, None)
        assert model.facts["rounds"] >= 1 and model.facts["ended"] in ("rounds", "patience", "deadline")

    def test_the_same_seed_and_rounds_give_the_same_model(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        rounds = fit(name, task, matrix, y, valid=(held, truth, None)).facts["rounds"]
        one, two = (fit(name, task, matrix, y, rounds=rounds) for _ in range(2))
        assert np.array_equal(one.predict(held), two.predict(held))

    def test_restored_it_predicts_the_same_bit_for_bit(self, name, task):
        _, _, matrix, y, held, _ = made(name, task)
        model = fit(name, task, matrix, y, rounds=4)
        body, arrays = model.state()
        assert json.loads(json.dumps(loads(dumps(body)))) is not None
        assert all(isinstance(value, np.ndarray | bytes) for value in arrays.values())
        again = learners.restore(model.kind, loads(dumps(body)), arrays)
        assert np.array_equal(again.predict(held), model.predict(held))
        assert again.facts["rounds"] == model.facts["rounds"]

    def test_one_row_is_predicted_as_in_a_batch(self, name, task):
        _, _, matrix, y, held, _ = made(name, task)
        model = fit(name, task, matrix, y, rounds=4)
        batch = model.predict(held)
        for row in (0, 17):
            assert np.allclose(model.predict(held.take([row])), batch[[row]], rtol=1e-5, atol=1e-6)

    def test_ends_at_the_deadline_with_what_it_has(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        model = fit(name, task, matrix, y, valid=(held, truth, None), deadline=time.monotonic() - 1)
        well_formed(model.predict(held), task, held.rows)
        if name not in READY:  # before they could look at a clock
            assert model.facts["ended"] == "deadline"

    def test_is_the_same_when_a_fit_that_the_clock_ended_is_done_again(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        ended = fit(name, task, matrix, y, valid=(held, truth, None), deadline=time.monotonic() - 1)
        settled = {fact: ended.facts[fact] for fact in SETTLED if fact in ended.facts}
        model = fit(name, task, matrix, y, settled, rounds=ended.facts["rounds"], again=True)
        assert np.array_equal(model.predict(held), ended.predict(held))

    def test_goes_on_to_its_limit_where_it_has_come_to_nothing_by_the_deadline(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        late, more = time.monotonic() - 1, {"valid": (held, truth, None)}
        short, model = (fit(name, task, matrix, y, deadline=late, limit=end, **more) for end in (late, late + 600))
        if name in SLOW:
            assert short.facts["rounds"] <= 1 < SLOW[name] - 1 <= model.facts.get("grown", model.facts["rounds"]) < 60

    def test_one_feature_constant_features_and_none_that_helps(self, name, task):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3 if task == "multiclass" else 2, 60)
        y = y + rng.normal(size=60) if task == "regression" else y
        for values in (rng.normal(size=(60, 1)), np.ones((60, 3)), np.c_[np.ones(60), rng.normal(size=60)]):
            matrix = simple(values)
            well_formed(fit(name, task, matrix, y, rounds=3).predict(matrix), task, 60)

    def test_two_rows_of_each_class_are_enough(self, name, task):
        y = np.repeat([0, 1, 2] if task == "multiclass" else [0, 1], 2)
        matrix = simple(np.random.default_rng(1).normal(size=(len(y), 2)))
        y = y * 1.5 if task == "regression" else y
        well_formed(fit(name, task, matrix, y, valid=(matrix, y, None)).predict(matrix), task, len(y))

    def test_classes_that_are_not_among_the_rows_have_their_column(self, name, task):
        if task != "multiclass":
            pytest.skip("two classes are always there")
        _, _, matrix, y, held, truth = made(name, task)
        own = y < 2
        model = fit(name, task, matrix.take(own), y[own], classes=4, valid=(held, truth, None))
        found = model.predict(held)
        well_formed(found, task, held.rows, 4)
        assert (found[:, 3] < 0.2).all()

    def test_it_says_which_features_it_relies_on(self, name, task):
        if name in BLIND:
            pytest.skip("it looks at no feature")
        rng = np.random.default_rng(2)
        x = rng.normal(size=(300, 3))
        y = np.digitize(x[:, 1], [-0.4, 0.4] if task == "multiclass" else [0]) * 1
        matrix = simple(x)
        model = fit(name, task, matrix, y.astype(float) if task == "regression" else y, rounds=8)
        shares = model.shares()
        assert shares.shape == (3,) and shares.sum() == pytest.approx(1) and shares.argmax() == 1

    def test_weights_count(self, name, task):
        if name in BLIND:
            pytest.skip("it looks at no feature")
        rng = np.random.default_rng(2)
        x = rng.normal(size=(300, 2))
        true = (x[:, 0] > 0).astype(int) if task != "regression" else np.sign(x[:, 0])
        wrong = 1 - true if task != "regression" else -true
        y = np.concatenate([true, wrong])
        y[0] = 2 if task == "multiclass" else y[0]
        matrix = simple(np.concatenate([x, x + 1e-3]))
        weight = np.r_[np.ones(300), np.full(300, 0.02)]
        found = fit(name, task, matrix, y, weight=weight, rounds=8).predict(simple(x))
        said = np.sign(found) if task == "regression" else found.argmax(axis=1)
        assert (said == true)[1:].mean() > 0.8

    def test_rows_of_weight_0_are_as_if_they_were_not_there(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        classes = {"binary": 2, "multiclass": 3}.get(task)
        out = np.random.default_rng(0).random(len(y)) < 0.3
        wrong = np.where(out, (y + 1) % classes if classes else y + 20 * y.std(), y)
        how = {"weight": np.where(out, 0.0, 2.0), "valid": (held, truth, None), "classes": classes}
        found, other = (fit(name, task, matrix, targets, **how).predict(held) for targets in (y, wrong))
        well_formed(found, task, held.rows)
        assert np.array_equal(found, other)

    def test_a_class_or_all_rows_of_weight_0_leave_a_model(self, name, task):
        _, _, matrix, y, held, truth = made(name, task)
        weight = np.zeros(len(y)) if task == "regression" else (y != 1).astype(float)
        well_formed(fit(name, task, matrix, y, weight=weight, valid=(held, truth, None)).predict(held), task, held.rows)

    def test_declares_a_space_whose_default_can_be_fitted(self, name, task):
        hp = HyperParameters()
        learner = learners.learner(name)
        learner.space(hp, task, 1000, 10)
        config = {**hp.values, **QUICK.get(name, {})}
        frame = mixed(120)
        y = target(frame, task)
        features, matrix = learner.features(frame, config).fit(frame, y, task, seed=0)
        model = learner.fit(matrix, y, task, config=config, rounds=2, seed=0)
        well_formed(model.predict(features.transform(frame)), task, 120)
        assert 0 < learner.cost(1000, 10, config) < learner.cost(100_000, 10, config)

    def test_levels_and_gaps_that_were_never_seen_are_no_obstacle(self, name, task):
        _, features, matrix, y, _, _ = made(name, task)
        other = mixed(30, seed=9)
        for codes, levels in ((other.codes[c], other.levels[c]) for c in other.codes):
            codes[:] = len(levels)
        for numbers in other.numbers.values():
            numbers[:] = np.nan
        other.texts["title"][:] = ""
        model = fit(name, task, matrix, y, rounds=3)
        well_formed(model.predict(features.transform(other)), task, 30)


MONOTONE = [name for name in learners.names() if learners.learner(name).monotone]


@pytest.mark.parametrize("metric", ["rmse", "mae"])
@pytest.mark.parametrize("name", MONOTONE)
def test_monotone_constraints_hold(name, metric):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2)).astype(np.float32)
    y = np.sin(3 * x[:, 0]) + 0.5 * x[:, 0] + x[:, 1]
    learner = learners.learner(name)
    config = {**QUICK.get(name, {}), "monotone": {"x0": 1}}
    model = learner.fit(simple(x), y, "regression", config=config, rounds=60, seed=0, metric=metric)
    for other in (-1.5, 0.0, 1.5):
        line = np.c_[np.linspace(-2, 2, 200), np.full(200, other)]
        assert (np.diff(model.predict(simple(line))) >= -1e-6).all()


@pytest.mark.parametrize("monotone", [{}, {"x0": 1}])
@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "mlp", "constant"])
def test_the_absolute_error_is_what_is_made_small_where_it_is_the_metric(name, monotone):
    if monotone and name not in MONOTONE:
        pytest.skip("it takes no constraint")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(900, 3))
    y = np.where(rng.random(900) < 0.7, 0.0, np.exp(2 + x[:, 0] + rng.normal(size=900)))
    on, off = simple(x[:600]), simple(x[600:])
    errors = {}
    for metric in ("mae", "rmse"):
        more = {"valid": (off, y[600:], None), "metric": metric, "classes": None}
        found = fit(name, "regression", on, y[:600], {"monotone": monotone}, **more).predict(off)
        errors[metric] = float(np.abs(found - y[600:]).mean())
    assert errors["mae"] < 0.95 * errors["rmse"]
    if not monotone:
        assert errors["mae"] < 1.05 * float(np.abs(y[600:]).mean())  # what the median misses


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [name for name, task in ALL if task == "regression"])
def test_a_constant_that_is_added_to_the_target_is_added_to_the_predictions(name, weighted):
    _, _, matrix, y, held, truth = made(name, "regression")
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y)) if weighted else None
    found = {}
    for off in (0.0, 1.7e9):
        how = {"weight": weight, "valid": (held, truth + off, None)}
        found[off] = fit(name, "regression", matrix, y + off, **how).predict(held) - off
    near, far = (np.sqrt(np.mean(np.square(found[off] - truth))) for off in found)
    assert far == pytest.approx(near, rel=0.05)
    assert abs(np.mean(found[1.7e9] - found[0.0])) < 0.05 * truth.std()


def test_an_unknown_learner_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="Did you mean 'lightgbm'"):
        learners.learner("lightgmb")
