"""A scikit-learn pipeline with a choice of models, tuned by cross-validation.

Learn here: how build(hp) chooses between models that have parameters of their own, how further scores are kept beside
the objective, what the folds of a trial say, and how TunedCV is an estimator like any other, to be judged by an outer
cross-validation that the search never sees.

    python examples/sklearn_pipeline.py
"""

import os

from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

import modelwright as mw

SMALL = bool(os.environ.get("MODELWRIGHT_SMALL"))


def build(hp):
    """A pipeline: how the columns are scaled, then one of three models. What is not chosen is not searched."""
    scaler = StandardScaler() if hp.Boolean("standardise", default=True) else MinMaxScaler()
    kind = hp.Choice("model", ["linear", "kernel", "trees"])
    if kind == "linear":
        model = LogisticRegression(C=hp.Float("C", 1e-3, 10.0, sampling="log", default=1.0), max_iter=2000)
    elif kind == "kernel":
        penalty = hp.Float("penalty", 1e-2, 1e3, sampling="log", default=1.0)
        model = SVC(C=penalty, gamma=hp.Float("gamma", 1e-4, 1.0, sampling="log", default=0.02))
    else:
        # Left alone, random_state gets a number that belongs to the trial: the same seed is the same search.
        model = ExtraTreesClassifier(n_estimators=40, max_features=hp.Float("share", 0.1, 1.0))
    return make_pipeline(scaler, model)


def kernel(hp):
    """For TunedCV: parameters that go to set_params."""
    penalty, gamma = hp.Float("C", 1e-2, 1e3, sampling="log"), hp.Float("gamma", 1e-4, 1.0, sampling="log")
    return {"svc__C": penalty, "svc__gamma": gamma}


def main():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, train_size=600, stratify=y, random_state=0)

    study = mw.tune(
        build,
        X,
        y,
        objective="accuracy",
        fit={"scoring": ["f1_macro"]},  # measured too, beside the objective
        cv=5,
        trials=6 if SMALL else 20,
        store=":memory:",
        verbose=0,
    )
    best = study.best
    spread, f1 = best.facts["spread"]["accuracy"], best.metrics["f1_macro"]
    print(f"best of {len(study.trials)}: accuracy {best.value:.4f} +- {spread:.4f}, F1 {f1:.4f}, {best.config}")

    model = study.best_model()  # a plain Pipeline, fitted on all the rows that the study was given
    plain = build(mw.HyperParameters()).fit(X, y)
    print(f"test accuracy: defaults {plain.score(X_test, y_test):.3f}, tuned {model.score(X_test, y_test):.3f}")

    # The best of many values flatters itself, so a search is judged from outside, as a whole.
    search = mw.TunedCV(make_pipeline(StandardScaler(), SVC()), kernel, cv=3, trials=4 if SMALL else 12)
    outer = cross_val_score(search, X, y, cv=3)
    print(f"TunedCV in an outer cross-validation: accuracy {outer.mean():.3f} +- {outer.std():.3f}")


if __name__ == "__main__":
    main()
