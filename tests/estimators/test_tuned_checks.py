"""TunedCV passes scikit-learn's own estimator checks, for a classifier, a regressor, a transformer and a clusterer."""

import pytest

pytest.importorskip("sklearn")

from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import estimator_checks_generator

import modelwright as mw


def regularised(hp):
    return {"C": hp.Float("C", 0.1, 10.0, sampling="log", default=1.0)}


def shrunk(hp):
    return {"alpha": hp.Float("alpha", 0.01, 1.0, sampling="log", default=0.1)}


def projected(hp):
    return {"whiten": hp.Boolean("whiten")}


def clustered(hp):
    return {"max_iter": hp.Int("max_iter", 10, 20)}


def explained(estimator, X, y=None):
    """The variance that is kept; PCA's own score takes no sparse rows."""
    return float(estimator.transform(X).var())


def few(estimator, space, **options):
    return mw.TunedCV(estimator, space, trials=2, cv=2, strategy="random", **options)


ESTIMATORS = [
    few(LogisticRegression(), regularised),
    few(Ridge(), shrunk),
    few(PCA(n_components=1), projected, objective=explained),
    few(KMeans(n_clusters=2, n_init=1), clustered),
]


def named(case):
    """The same in every process, unlike scikit-learn's own ids, which hold the addresses of functions."""
    if hasattr(case, "get_params"):
        return type(case.estimator).__name__
    return case.func.__name__ if hasattr(case, "func") else None


@pytest.mark.parametrize(
    ("estimator", "check"),
    [case for one in ESTIMATORS for case in estimator_checks_generator(one)],  # none is expected to fail
    ids=named,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
