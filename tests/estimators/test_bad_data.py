"""Rows, targets and metrics that do not belong together, in scikit-learn searches: one clear message each."""

import warnings

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from small_subjects import bayes, tune

import modelwright as mw

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X[:, 0] + RNG.normal(size=40) / 9
LABELS = (Y > 0).astype(int)
HOLED = X.copy()
HOLED[7, 1] = np.nan


def ridge(hp):
    return Ridge(alpha=hp.Float("alpha", 0.01, 10.0))


@pytest.mark.parametrize("objective", ["accuracy", "f1", "roc_auc", "log_loss"])
def test_a_metric_of_classes_for_a_regressor_is_refused_before_fitting(objective):
    with pytest.raises(
        mw.ObjectiveError, match=rf"'{objective}' scores classes, and Ridge is a regressor.*'r2', 'rmse'"
    ):
        tune(ridge, X, Y, objective=objective)


def test_what_only_scikit_learn_finds_is_said_in_our_words_and_kept_in_full(tmp_path):
    with (
        pytest.warns(UserWarning, match=r"x holds 1 value that is not finite \(1 NaN\), the first at row 7, column 1"),
        pytest.raises(
            ValueError, match=r"GaussianNB\.fit: it refused .*X \(2\d, 3\) float64, y .*contains NaN"
        ) as caught,
    ):
        tune(bayes, HOLED, LABELS, store=tmp_path / "s.db", name="s")
    assert isinstance(caught.value, mw.ModelwrightError) and caught.value.__cause__ is None
    assert "sklearn" in mw.load_study("s", tmp_path / "s.db").trials[0].error.traceback


def test_a_scorer_that_cannot_score_says_which_and_of_what():
    with pytest.raises(mw.ModelwrightError, match=r"scoring GaussianNB by 'neg_mean_poisson_deviance'"):
        tune(bayes, X, LABELS, objective="neg_mean_poisson_deviance")


def test_an_error_of_an_estimator_of_the_users_own_stays_what_it_is():
    class Mine(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        tune(lambda hp: Mine(var_smoothing=hp.Float("s", 1e-9, 1e-3)), X, LABELS)


@pytest.mark.parametrize(
    "subject",
    [
        lambda hp: HistGradientBoostingRegressor(max_iter=hp.Int("rounds", 1, 3)),
        lambda hp: make_pipeline(SimpleImputer(), Ridge(alpha=hp.Float("alpha", 0.1, 1.0))),
    ],
)
def test_missing_values_are_no_reason_to_warn_where_they_are_welcome(subject):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert tune(subject, HOLED, Y).best.state == "complete"


def test_nested_lists_are_data_like_arrays_and_ragged_ones_are_refused():
    study = tune(ridge, X.tolist(), Y.tolist())
    assert study.best.value == pytest.approx(tune(ridge, X, Y).best.value)
    with pytest.raises(mw.ArgumentError, match=r"x is ragged: row 0 has 3 values, row 2 has 1 value"):
        tune(ridge, [[1.0, 2.0, 3.0], [1, 2, 3], [4.0]], [1, 2, 3])


def test_lists_of_text_stay_lists():
    from sklearn.feature_extraction.text import CountVectorizer

    words = ["good day", "bad day", "good night", "bad night"] * 6
    subject = lambda hp: make_pipeline(CountVectorizer(binary=hp.Boolean("binary")), Ridge())  # noqa: E731
    assert tune(subject, words, [1, 0] * 12).best.value > 0.9


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"alpha": [0.1, 1.0]}, r"space is a dict.*function of hp.*'alpha': hp\.Choice\('alpha', \[0\.1, 1\.0\]\)"),
        ([("alpha", 1)], r"space is a list.*function of hp"),
        (mw.HyperParameters(), r"space is a HyperParameters.*function of hp"),
    ],
)
def test_a_space_of_tunedcv_that_is_no_function_is_answered_with_one(space, message):
    with pytest.raises(mw.SubjectError, match=message):
        mw.TunedCV(Ridge(), space, trials=2).fit(X, Y)


def test_what_is_given_twice_is_named():
    with pytest.raises(mw.ArgumentError, match="sample_weight given twice"):
        tune(ridge, X, Y, sample_weight=np.ones(40), fit={"sample_weight": np.ones(40)})


@pytest.mark.parametrize("how", [{"cv": 3}, {"cv": None, "validation_split": 0.2}])
def test_a_target_that_is_missing_is_said_before_fitting(how):
    holed = LABELS.astype(float)
    holed[3] = np.nan
    with warnings.catch_warnings(), pytest.raises(mw.ArgumentError, match="^y: .*contains NaN.*Leave out rows"):
        warnings.simplefilter("ignore")
        tune(bayes, X, holed, **how)
