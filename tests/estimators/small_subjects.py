"""Estimators and reporters that the tests of the scikit-learn side share."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import modelwright as mw


def bayes(hp):
    return GaussianNB(var_smoothing=hp.Float("smooth", 1e-9, 1.0, sampling="log"))


def tree(hp):
    return DecisionTreeClassifier(max_depth=hp.Int("depth", 1, 8), splitter="random")


def tune(subject, *data, **options):
    """A short quiet search that keeps nothing."""
    given = {"trials": 3, "strategy": "random", "store": ":memory:", "verbose": 0, "cv": 3, **options}
    return mw.tune(subject, *data, **given)


class Seen(ClassifierMixin, BaseEstimator):
    """Remembers, in a list that all copies share, what it was fitted and scored on."""

    log: list = []

    def __init__(self, depth=1):
        self.depth = depth

    def fit(self, X, y, sample_weight=None, flavour=None):
        self.classes_ = np.unique(y)
        X[:] = X  # an estimator that writes into its rows
        Seen.log.append(("fit", np.asarray(X)[:, 0].copy(), sample_weight, flavour))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y, sample_weight=None):
        X[:] = X
        Seen.log.append(("score", np.asarray(X)[:, 0].copy(), sample_weight, None))
        return 0.5


class Reports:
    """A reporter that keeps what it is told, and answers "go" until ``pause_at``."""

    def __init__(self, pause_at=None):
        self.pause_at, self.told = pause_at, []

    def traced(self, config, parameters):
        self.config = dict(config)

    def report(self, step, metrics, fidelity=None):
        self.told.append((step, dict(metrics), fidelity))
        return "pause" if step == self.pause_at else "go"
