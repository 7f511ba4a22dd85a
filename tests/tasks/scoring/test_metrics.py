"""Metrics: fast, weighted, the same as those of scikit-learn, and whatever a user hands over."""

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.scores import SCORES
from modelwright.tasks.scoring.target import Target

learn = pytest.importorskip("sklearn.metrics")
rng = np.random.default_rng(0)
ROWS = 400
BINARY = Target.of(np.array(["no", "yes", "no", "no"] * 2, dtype=object), name="y")
MANY = Target.of(np.array(["a", "b", "c"] * 3, dtype=object), name="y")
VALUES = Target.of(np.array([0.5, 1.5, 2.5]), name="y")
WEIGHTS = [None, rng.random(ROWS), np.r_[np.zeros(50), np.ones(ROWS - 50)]]


def probabilities(classes, *, rounded=False):
    made = rng.dirichlet(np.ones(classes), ROWS)
    made = np.round(made, 1) + 1e-3 if rounded else made
    return made / made.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("weight", WEIGHTS, ids=["none", "some", "zeros"])
@pytest.mark.parametrize("rounded", [False, True])
def test_binary_metrics_are_those_of_scikit_learn(weight, rounded):
    y, p = (rng.random(ROWS) < 0.3).astype(int), probabilities(2, rounded=rounded)
    more = {"sample_weight": weight}
    expected = {
        "roc_auc": learn.roc_auc_score(y, p[:, 1], **more),
        "average_precision": learn.average_precision_score(y, p[:, 1], **more),
        "log_loss": learn.log_loss(y, p, **more),
        "accuracy": learn.accuracy_score(y, p.argmax(axis=1), **more),
        "balanced_accuracy": learn.balanced_accuracy_score(y, p.argmax(axis=1), **more),
        "f1": learn.f1_score(y, p.argmax(axis=1), **more),
    }
    for name, value in expected.items():
        metric = Metric.of(name, BINARY)
        assert metric.score(y, p, weight) == pytest.approx(value, abs=1e-12), name
        assert metric.merit(y, p, weight) == pytest.approx(-value if name == "log_loss" else value), name
        if metric.needs == "scores":
            assert metric.score(y, p[:, 1], weight) == pytest.approx(value, abs=1e-9), name
        else:
            assert metric.score(y, p.argmax(axis=1), weight) == pytest.approx(value), name


@pytest.mark.parametrize("weight", WEIGHTS, ids=["none", "some", "zeros"])
def test_metrics_of_several_classes_are_those_of_scikit_learn(weight):
    y, p = rng.integers(0, 3, ROWS), probabilities(3)
    more = {"sample_weight": weight}
    expected = {
        "roc_auc": learn.roc_auc_score(y, p, multi_class="ovr", average="macro", **more),
        "average_precision": learn.average_precision_score(np.eye(3)[y], p, average="macro", **more),
        "log_loss": learn.log_loss(y, p, **more),
        "accuracy": learn.accuracy_score(y, p.argmax(axis=1), **more),
        "balanced_accuracy": learn.balanced_accuracy_score(y, p.argmax(axis=1), **more),
        "f1": learn.f1_score(y, p.argmax(axis=1), average="macro", **more),
    }
    for name, value in expected.items():
        assert Metric.of(name, MANY).score(y, p, weight) == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("weight", WEIGHTS, ids=["none", "some", "zeros"])
def test_metrics_of_values_are_those_of_scikit_learn(weight):
    y, p = rng.random(ROWS) * 9, rng.random(ROWS) * 9
    more = {"sample_weight": weight}
    expected = {
        "rmse": learn.root_mean_squared_error(y, p, **more),
        "rmsle": learn.root_mean_squared_log_error(y, p, **more),
        "mae": learn.mean_absolute_error(y, p, **more),
        "r2": learn.r2_score(y, p, **more),
    }
    for name, value in expected.items():
        metric = Metric.of(name, VALUES)
        assert metric.score(y, p, weight) == pytest.approx(value, abs=1e-12), name
        assert metric.link == ("log1p" if name == "rmsle" else "identity")
        assert (metric.merit(y, p) == metric.score(y, p)) == metric.higher


def test_the_first_class_may_be_the_positive_one():
    y, p = (rng.random(ROWS) < 0.7).astype(int), probabilities(2)
    for positive, true, column in (("no", 1 - y, 0), ("yes", y, 1)):
        target = Target.of(np.array(["no", "yes"] * 3, dtype=object), positive=positive)
        chosen = (p.argmax(axis=1) == column).astype(int)
        assert Metric.of("f1", target).score(y, p) == pytest.approx(learn.f1_score(true, chosen))
        assert Metric.of("precision", target).score(y, p) == pytest.approx(learn.precision_score(true, chosen))
        expected = learn.average_precision_score(true, p[:, column])
        assert Metric.of("average_precision", target).score(y, p) == pytest.approx(expected)
        assert Metric.of("roc_auc", target).score(y, p) == pytest.approx(learn.roc_auc_score(y, p[:, 1]))


def test_unless_a_class_was_said_the_rarer_one_is_looked_for_whatever_the_fit_went_by():
    cells, y, p = (
        np.array(["no"] * 2 + ["yes"] * 5, dtype=object),
        (rng.random(ROWS) < 0.7).astype(int),
        probabilities(2),
    )
    for said, column in ((None, 0), ("no", 0), ("yes", 1)):
        for metric in (None, "accuracy", "f1"):
            target = Target.of(cells, positive=said, metric=metric)
            for kept in (target, Target.from_json(target.to_json())):
                expected = learn.f1_score(y == column, p.argmax(axis=1) == column)
                assert Metric.of("f1", kept).score(y, p) == pytest.approx(expected)
                expected = learn.average_precision_score(y == column, p[:, column])
                assert Metric.of("average_precision", kept).score(y, p) == pytest.approx(expected)
                assert Metric.of("roc_auc", kept).score(y, p) == pytest.approx(learn.roc_auc_score(y, p[:, 1]))
    before = Target.of(cells).to_json()
    del before["looked_for"]  # in a file of an earlier version the second one was
    assert Target.from_json(before).looked_for == "yes"


def test_what_is_not_defined_is_nan():
    p = probabilities(2)
    assert np.isnan(Metric.of("roc_auc", BINARY).score(np.zeros(ROWS, int), p))
    assert np.isnan(Metric.of("average_precision", BINARY).score(np.zeros(ROWS, int), p))
    assert np.isnan(Metric.of("roc_auc", BINARY).score(np.zeros(0, int), np.zeros((0, 2))))
    for name in ("roc_auc", "log_loss", "accuracy"):
        assert np.isnan(Metric.of(name, BINARY).score(np.arange(ROWS) % 2, p, np.zeros(ROWS)))


def test_a_class_that_is_not_there_does_not_matter():
    y, p = np.array([0, 1, 0, 1]), rng.dirichlet(np.ones(3), 4)
    for name in ("roc_auc", "average_precision", "log_loss", "accuracy", "balanced_accuracy", "f1"):
        assert np.isfinite(Metric.of(name, MANY).score(y, p)), name


def test_probabilities_of_nothing_cost_much_but_not_everything():
    assert 30 < Metric.of("log_loss", BINARY).score(np.array([1]), np.array([[1.0, 0.0]])) < 40


@pytest.mark.parametrize(
    "name",
    ["neg_log_loss", "neg_brier_score", "matthews_corrcoef", "f1_weighted", "roc_auc_ovr", "precision", "recall"],
)
def test_names_of_scorers_of_scikit_learn(name):
    estimator = Answer(BINARY)
    y = np.array(["no", "yes"], dtype=object)[rng.integers(0, 2, ROWS)]
    codes = BINARY.encode(y)
    if name in ("precision", "recall", "neg_brier_score"):
        estimator.classes_, y, estimator.codes = np.array([0, 1]), codes, True
    expected = learn.get_scorer(name)(estimator, np.zeros((ROWS, 1)), y)
    metric = Metric.of(name, BINARY)
    assert metric.score(codes, estimator.p) == pytest.approx(expected) and metric.higher


class Answer(__import__("sklearn.base").base.ClassifierMixin, __import__("sklearn.base").base.BaseEstimator):
    """An estimator that knows its answers."""

    def __init__(self, target=None):
        self.target, self.p, self.codes = target, probabilities(2), False
        self.classes_ = np.array(target.classes, dtype=object)

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return self.p

    def predict(self, X):
        return self.classes_[self.p.argmax(axis=1)]


def test_objects_and_functions():
    y, p = rng.integers(0, 2, ROWS), probabilities(2)
    labels = p.argmax(axis=1)
    named = BINARY.decode(y), BINARY.decode(labels)
    scorer = learn.make_scorer(learn.f1_score, pos_label="no")
    assert Metric.of(scorer, BINARY).score(y, p) == pytest.approx(learn.f1_score(*named, pos_label="no"))
    brier = learn.make_scorer(
        learn.brier_score_loss, response_method="predict_proba", greater_is_better=False, pos_label="yes"
    )
    assert Metric.of(brier, BINARY).score(y, p) == pytest.approx(-learn.brier_score_loss(y, p[:, 1]))

    def agreement(true, found):
        return float(np.mean(true == found))

    metric = Metric.of(agreement, BINARY)
    assert (metric.name, metric.higher, metric.needs) == ("agreement", True, "labels")
    assert metric.score(y, p) == pytest.approx(np.mean(y == labels))

    def share_loss(true, found):
        return float(np.mean(true != found))

    assert Metric.of(share_loss, BINARY).merit(y, p) == pytest.approx(-np.mean(y != labels))

    def asked(estimator, X, true):
        return float(np.mean(estimator.predict_proba(X)[:, 1] * (true == "yes")))

    assert Metric.of(asked, BINARY).score(y, p) == pytest.approx(np.mean(p[:, 1] * y))

    def scored(true, found):
        return float(found[true == "yes", 1].sum())

    scored.needs = "scores"
    assert Metric.of(scored, BINARY).score(y, p) == pytest.approx(p[y == 1, 1].sum())


def test_functions_of_scikit_learn():
    y, p = rng.integers(0, 2, ROWS), probabilities(2)
    assert Metric.of(learn.roc_auc_score, BINARY).score(y, p) == pytest.approx(learn.roc_auc_score(y, p[:, 1]))
    loss = Metric.of(learn.log_loss, BINARY)
    assert loss.score(y, p) == pytest.approx(learn.log_loss(y, p)) and not loss.higher
    values, found = rng.random(ROWS), rng.random(ROWS)
    worst = Metric.of(learn.max_error, VALUES)
    assert worst.score(values, found) == pytest.approx(learn.max_error(values, found)) and not worst.higher
    assert Metric.of("explained_variance", VALUES).score(values, found) == pytest.approx(
        learn.explained_variance_score(values, found)
    )


@pytest.mark.parametrize(
    ("metric", "target", "said"),
    [
        ("auc", BINARY, "Did you mean .*'roc_auc'"),
        ("rmse", BINARY, "is for regression tasks.*allowed: roc_auc"),
        ("accuracy", VALUES, "allowed: rmse"),
        (learn.r2_score, BINARY, "is for regression tasks"),
        (7, BINARY, "metric is an int"),
    ],
)
def test_what_is_no_metric_for_the_target(metric, target, said):
    with pytest.raises(ArgumentError, match=f"(?i){said}"):
        Metric.of(metric, target)


def test_what_a_function_may_not_give():
    with pytest.raises(ArgumentError, match=r"metric '<lambda>'.*gave a str"):
        Metric.of(lambda y, p: "good", BINARY).score(np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(ArgumentError, match="metric 'precision_recall_curve'"):
        Metric.of(learn.precision_recall_curve, BINARY).computed(np.array([0, 1]), np.array([0, 1]))


def test_what_gives_no_number_where_all_is_right_is_no_metric():
    y, values = np.tile([0, 1], 20), np.arange(40.0)
    for function in (lambda y, p: float("nan"), lambda y, p: float("-inf")):
        for target, true in ((BINARY, y), (VALUES, values)):
            with pytest.raises(ArgumentError, match=r"metric '<lambda>': it gives (nan|-inf) for .* as good as can be"):
                Metric.of(function, target).check(true, target)

    def peak(y, p):
        return float(np.inf if np.allclose(y, p) else -np.log(np.mean((y - p) ** 2)))

    Metric.of(peak, VALUES).check(values, VALUES)  # it has no bound, and tells others apart
    Metric.of(lambda y, p, sample_weight: float("nan"), VALUES).check(values, VALUES, np.zeros(40))  # nobody judges


def test_every_metric_has_its_direction():
    assert {name for name, score in SCORES.items() if not score.higher} == {"log_loss", "rmse", "rmsle", "mae"}
