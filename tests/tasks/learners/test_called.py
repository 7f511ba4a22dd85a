"""Names of a user's own estimators: none stands for two, and none is that of a learner of ours."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier as Tree

from modelwright.core.errors import ArgumentError
from modelwright.tasks import learners
from modelwright.tasks.learners.called import called
from modelwright.tasks.search.chosen import chosen_learners


def names(*models):
    return list(chosen_learners(models, [], "good", "binary"))


def test_one_of_a_class_is_called_by_it():
    assert names(Tree(max_depth=3), LogisticRegression()) == ["decisiontreeclassifier", "logisticregression"]


def test_several_of_a_class_are_called_by_what_tells_them_apart_in_any_order():
    trees = [Tree(max_depth=1), Tree(max_depth=3), Tree(max_depth=3, min_samples_leaf=5)]
    found = names(*trees)
    pairs = (1, 1), (3, 1), (3, 5)
    assert found == [f"decisiontreeclassifier(max_depth={depth},min_samples_leaf={leaf})" for depth, leaf in pairs]
    assert names(*trees[::-1]) == found[::-1]
    assert names(Tree(), Tree(max_depth=3)) == [f"decisiontreeclassifier(max_depth={one})" for one in (None, 3)]


def test_what_is_within_them_tells_them_apart_too():
    made = [make_pipeline(StandardScaler(), one) for one in (LogisticRegression(), LogisticRegression(C=0.1), Tree())]
    assert names(*made[:2]) == [f"pipeline(logisticregression__C={one})" for one in (1.0, 0.1)]
    found = names(*made)
    assert len(set(found)) == 3 and "pipeline(decisiontreeclassifier=decisiontreeclassifier)" in found


def test_those_that_nothing_tells_apart_are_numbered_and_one_that_comes_twice_is_one():
    assert names(Tree(), Tree()) == ["decisiontreeclassifier_1", "decisiontreeclassifier_2"]
    assert names(Tree(criterion="gini"), Tree(criterion="entropy", max_features=["a"])) == [
        "decisiontreeclassifier(criterion=gini)", "decisiontreeclassifier(criterion=entropy)",
    ]  # fmt: skip
    one = Tree()
    assert names(one, one) == ["decisiontreeclassifier"]


def test_a_name_of_ours_is_not_taken_over():
    class Linear(LogisticRegression):
        pass

    assert names("linear", Linear()) == ["linear", "own_linear"]
    assert names(Linear()) == ["own_linear"]
    assert called([Linear(C=1.0), Linear(C=2.0)], ["linear"]) == ["own_linear(C=1.0)", "own_linear(C=2.0)"]


def test_learners_of_one_name_are_refused():
    with pytest.raises(ArgumentError, match="several learners 'mine'"):
        names(learners.own(Tree(), "mine"), learners.own(Tree(max_depth=2), "mine"))
