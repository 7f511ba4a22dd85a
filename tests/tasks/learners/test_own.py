"""A user's own estimator takes part, and is unpickled only on the user's word."""

import warnings

import numpy as np
import pytest
from raw_frames import mixed, target

import modelwright as mw
from modelwright.core.errors import ArgumentError, SubjectError
from modelwright.space import HyperParameters
from modelwright.tasks import learners

sklearn = pytest.importorskip("sklearn")


def estimator(task):
    from sklearn.linear_model import Ridge
    from sklearn.tree import DecisionTreeClassifier

    return Ridge() if task == "regression" else DecisionTreeClassifier(max_depth=3)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_takes_part(task):
    frame = mixed(200)
    y = target(frame, task)
    learner = learners.own(estimator(task))
    features, matrix = learner.features(frame, {}).fit(frame, y, task, seed=0)
    model = learner.fit(matrix, y, task, config={}, seed=0, classes=4 if task == "multiclass" else None)
    found = model.predict(features.transform(frame))
    assert found.shape == ((200,) if task == "regression" else (200, 4 if task == "multiclass" else 2))
    body, arrays = model.state()
    with pytest.raises(ArgumentError, match="trust=True"):
        learners.restore(model.kind, body, arrays)
    again = learners.restore(model.kind, body, arrays, trust=True)
    assert np.array_equal(again.predict(matrix), model.predict(matrix))


def test_says_which_tasks_it_can_do_and_what_it_is_called():
    assert learners.own(estimator("regression")).tasks == ("regression",)
    assert learners.own(estimator("binary")).name == "decisiontreeclassifier"
    assert learners.own(estimator("binary"), "mine").name == "mine"


def test_what_is_no_estimator_is_refused():
    from sklearn.linear_model import Ridge

    with pytest.raises(SubjectError, match="the class Ridge is no estimator"):
        learners.own(Ridge)
    with pytest.raises(SubjectError, match="an int is no estimator"):
        learners.own(3)


def test_a_scale_is_tried_only_of_what_it_means_something_to():
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def decides(one):
        hp = HyperParameters()
        learners.own(one).space(hp, "binary", 100, 3)
        return set(hp.tree.default())

    by_order = [estimator("binary"), HistGradientBoostingRegressor(), RandomForestClassifier()]
    assert [decides(one) for one in by_order] == [set()] * 3
    other = [LogisticRegression(), ExtraTreesClassifier(), make_pipeline(LogisticRegression())]
    assert [decides(one) for one in other] == [{"scale"}] * 3


def test_what_has_nothing_to_decide_is_tried_once():
    import modelwright as mw

    frame = {"a": np.arange(60.0), "y": np.where(np.arange(60) % 7 > 2, "yes", "no")}
    made = mw.fit(frame, "y", models=[estimator("binary"), "linear"], trials=4, folds=2, store=":memory:", verbose=0)
    tried = [row["model"].split()[0] for row in made.leaderboard()[1:]]
    assert sorted(tried) == ["decisiontreeclassifier", "linear", "linear", "linear"]


def kept(estimator, weight=None, seed=0, **config):
    """Probabilities of an estimator fitted to rows of chance, half of each class."""
    frame = mixed(200)
    y = (np.arange(200) % 2).astype(np.int64)
    learner = learners.own(estimator)
    _, matrix = learner.features(frame, {}).fit(frame, y, "binary", seed=0)
    model = learner.fit(matrix, y, "binary", config=config, weight=weight, seed=seed, classes=2)
    return model.predict(matrix)[:, 1], model.facts


def weighed():
    """Estimators that are made of others, which are fitted by weights."""
    from sklearn.ensemble import StackingClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    one = LogisticRegression()
    pipe = make_pipeline(StandardScaler(), one)
    return [
        one, pipe, make_pipeline(StandardScaler(), pipe), VotingClassifier([("a", one)], voting="soft"),
        StackingClassifier([("a", estimator("binary"))], final_estimator=one),
        GridSearchCV(pipe, {"logisticregression__C": [1.0]}, cv=2),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(6))
def test_weights_reach_what_is_within_an_estimator(place):
    weight = np.where(np.arange(200) % 2, 1.8, 0.2)
    found, facts = kept(weighed()[place], weight)
    assert found.mean() > 0.7 and "warned" not in facts


def test_it_is_said_where_weights_do_not_count():
    from sklearn.ensemble import VotingClassifier
    from sklearn.neighbors import KNeighborsClassifier

    weight = np.where(np.arange(200) % 2, 1.8, 0.2)
    for one in (KNeighborsClassifier(), VotingClassifier([("a", weighed()[1])], voting="soft")):
        found, facts = kept(one, weight)
        assert found.mean() < 0.6 and facts["warned"] == [
            "its fit takes no sample_weight, so that all rows count alike in it"
        ]
        assert "warned" not in kept(one)[1] and "warned" not in kept(one, np.ones(200))[1]


def test_a_seed_settles_what_is_within_an_estimator_too():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.pipeline import make_pipeline

    forest = RandomForestClassifier(5)
    search = GridSearchCV(forest, {"max_depth": [2, 9]}, cv=KFold(2, shuffle=True))
    for one in (forest, make_pipeline(forest), search):
        assert np.array_equal(kept(one, seed=3)[0], kept(one, seed=3)[0])
        assert not np.array_equal(kept(one, seed=3)[0], kept(one, seed=4)[0])
    assert np.array_equal(kept(forest, seed=3)[0], kept(RandomForestClassifier(5, random_state=3))[0])
    assert search.cv.random_state is None and forest.random_state is None


class Nearest:
    """Knows nothing of scikit-learn but the names of some methods."""

    def get_params(self, deep=True):
        return {}

    def fit(self, rows, answers):
        self.rows, self.answers = rows, answers
        return self

    def predict(self, rows):
        return self.answers[((rows[:, None] - self.rows[None]) ** 2).sum(axis=2).argmin(axis=1)]


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_what_does_not_say_what_it_is_for_is_for_either(task):
    rng = np.random.default_rng(0)
    a = rng.normal(size=80)
    y = a if task == "regression" else np.where(a > 0, "high", "low")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = mw.fit({"a": a, "y": y}, "y", models=[Nearest()], trials=1, verbose=0, store=":memory:")
    assert model.task == task
    assert model.predict({"a": [2.0]})[0] in (y if task == "regression" else ["high"])


def test_what_has_its_predictions_from_another_one_is_an_estimator():
    from sklearn.ensemble import StackingClassifier
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(0)
    a = rng.normal(size=80)
    stack = StackingClassifier([("tree", DecisionTreeClassifier(max_depth=2, random_state=0))])
    asked = {"models": [stack], "trials": 1, "folds": 2, "verbose": 0, "store": ":memory:"}
    model = mw.fit({"a": a, "y": np.where(a > 0, "high", "low")}, "y", **asked)
    assert model.predict({"a": [2.0, -2.0]}).tolist() == ["high", "low"]
