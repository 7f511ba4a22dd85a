"""TunedCV: an estimator like any other, that finds its own hyperparameters."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from small_subjects import Seen, bayes

import modelwright as mw

X, Y = load_iris(return_X_y=True)
XD, YD = load_diabetes(return_X_y=True)


def smooth(hp):
    return {"var_smoothing": hp.Float("smooth", 1e-9, 1.0, sampling="log")}


def alpha(hp):
    return {"alpha": hp.Float("alpha", 0.01, 10.0, sampling="log")}


def tuned(estimator, space=None, **options):
    return mw.TunedCV(estimator, space, **{"trials": 3, "cv": 3, "strategy": "random", **options})


def test_what_is_fitted_is_the_best_configuration_on_all_rows():
    search = tuned(GaussianNB(), smooth).fit(X, Y)
    again = GaussianNB(**search.best_params_).fit(X, Y)
    assert np.array_equal(search.predict_proba(X), again.predict_proba(X))
    assert search.best_score_ == search.study_.best.value == search.cv_results_["mean_test_score"].max()
    assert search.cv_results_["rank_test_score"][search.best_index_] == 1
    assert search.classes_.tolist() == [0, 1, 2] and search.n_features_in_ == 4 and search.n_splits_ == 3
    assert search.score(X, Y) == pytest.approx((search.predict(X) == Y).mean())


def test_results_are_columns_over_the_trials():
    results = tuned(GaussianNB(), smooth, trials=4).fit(X, Y).cv_results_
    folds = np.array([results[f"split{i}_test_score"] for i in range(3)])
    assert folds.mean(axis=0) == pytest.approx(results["mean_test_score"])
    assert folds.std(axis=0) == pytest.approx(results["std_test_score"])
    assert [row["var_smoothing"] for row in results["params"]] == results["param_var_smoothing"].tolist()
    assert all(len(results[name]) == 4 for name in results)


def test_a_build_function_instead_of_parameters():
    search = tuned(bayes)
    assert is_classifier(search) and hasattr(search, "predict_proba") and not hasattr(search, "transform")
    assert set(search.fit(X, Y).best_params_) == {"smooth"}


def test_scores_are_better_large_whatever_the_objective():
    search = tuned(Ridge(), alpha, objective="rmse").fit(XD, YD)
    assert is_regressor(search)
    assert search.study_.best.value == -search.best_score_ > 0
    assert search.score(XD, YD) == pytest.approx(-np.sqrt(np.mean((search.predict(XD) - YD) ** 2)))
    assert search.cv_results_["mean_test_score"].max() == pytest.approx(search.best_score_)


def test_a_callable_is_an_objective():
    def hits(estimator, X, y):
        return int((estimator.predict(X) == y).sum())

    search = tuned(GaussianNB(), smooth, objective=hits).fit(X, Y)
    assert search.score(X, Y) == hits(search.best_estimator_, X, Y)


def test_searches_are_clones_of_each_other_and_pickles():
    search = tuned(GaussianNB(), smooth).fit(X, Y)
    fresh = clone(search)
    assert not hasattr(fresh, "best_estimator_")
    assert fresh.fit(X, Y).best_params_ == search.best_params_
    back = pickle.loads(pickle.dumps(search))
    assert np.array_equal(back.predict(X), search.predict(X))
    assert [t.config for t in back.study_.trials] == [t.config for t in search.study_.trials]
    assert back.study_.best.value == search.best_score_


def test_inside_a_pipeline_and_an_outer_cross_validation():
    pipeline = make_pipeline(StandardScaler(), tuned(GaussianNB(), smooth))
    found = cross_validate(pipeline, X, Y, cv=2, scoring=["accuracy", "roc_auc_ovr"])
    assert found["test_accuracy"].mean() > 0.8 and found["test_roc_auc_ovr"].mean() > 0.8
    assert pipeline.set_params(tunedcv__estimator__priors=[0.3, 0.3, 0.4])[-1].estimator.priors == [0.3, 0.3, 0.4]


def test_a_transformer_with_the_output_that_was_asked_for():
    pytest.importorskip("pandas")
    search = tuned(PCA(), lambda hp: {"n_components": hp.Int("n", 1, 3)}).set_output(transform="pandas")
    for made in (search, clone(search)):
        assert made.fit(X).transform(X).columns.tolist() == made.get_feature_names_out().tolist()


def test_names_of_columns_are_remembered():
    pd = pytest.importorskip("pandas")
    search = tuned(GaussianNB(), smooth)
    assert not hasattr(search, "feature_names_in_") and not hasattr(search, "n_features_in_")
    assert search.fit(pd.DataFrame(X, columns=list("abcd")), Y).feature_names_in_.tolist() == list("abcd")


def test_groups_and_weights():
    Seen.log.clear()
    number = np.arange(150.0)
    rows = np.column_stack([number, X])
    search = tuned(Seen(), lambda hp: {"depth": hp.Int("depth", 1, 3)}, cv=GroupKFold(3), trials=1)
    search.fit(rows, Y, groups=number % 5, sample_weight=number)
    assert len(Seen.log) == 7  # three folds are fitted and scored, and all rows fitted
    for _, rows, weight, _ in Seen.log:
        assert weight.tolist() == rows.tolist()
    fitted, scored = (set(Seen.log[i][1] % 5) for i in (0, 1))
    assert not fitted & scored


def test_metadata_routing_reaches_the_estimator():
    Seen.log.clear()
    with config_context(enable_metadata_routing=True):
        inner = Seen().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = tuned(inner, lambda hp: {"depth": hp.Int("depth", 1, 3)}, trials=1)
        cross_validate(search, X, Y, cv=2, params={"sample_weight": np.ones(150)})
    assert len(Seen.log) == 2 * 8
    inner = [entry for i, entry in enumerate(Seen.log) if i % 8 != 7]  # the last is the outer score
    assert all(weight is not None for _, _, weight, _ in inner)


def test_without_a_refit_there_is_nothing_to_predict_with():
    search = tuned(GaussianNB(), smooth, refit=False).fit(X, Y)
    assert search.best_params_ and not hasattr(search, "predict") and not hasattr(search, "best_estimator_")


def test_the_study_is_kept_where_it_is_said(tmp_path):
    path = tmp_path / "studies.db"
    tuned(GaussianNB(), smooth, store=path, name="mine").fit(X, Y)
    assert len(mw.load_study("mine", store=path).trials) == 3


def test_nothing_to_search_is_said():
    with pytest.raises(mw.SubjectError, match="nothing says what to search"):
        tuned(DecisionTreeClassifier()).fit(X, Y)
    with pytest.raises(mw.SubjectError, match=r"space\(hp\) returned"):
        tuned(GaussianNB(), lambda hp: None).fit(X, Y)
    with pytest.raises(mw.SubjectError, match="estimator has not.*var_smoothing"):
        tuned(GaussianNB(), lambda hp: {"depth": hp.Int("depth", 1, 3)}).fit(X, Y)


def test_a_class_in_place_of_an_estimator_is_named():
    for space in (None, smooth):
        with pytest.raises(mw.SubjectError, match=r"GaussianNB is a class.*TunedCV\(GaussianNB\(\)"):
            tuned(GaussianNB, space).fit(X, Y)


def test_a_method_that_is_not_there_says_why():
    search = tuned(GaussianNB(), smooth, refit=False)
    with pytest.raises(AttributeError, match="no 'predict' because refit=False"):
        search.predict(X)
    assert not hasattr(search.fit(X, Y), "predict_proba")
    with pytest.raises(AttributeError, match="no 'transform'.*GaussianNB"):
        tuned(GaussianNB(), smooth).transform(X)


def test_a_study_that_was_loaded_says_how_it_gets_its_model_back(tmp_path):
    store = tmp_path / "a.db"
    call = {"cv": 3, "trials": 2, "objective": "accuracy", "strategy": "random", "verbose": 0}
    mw.tune(bayes, X, Y, store=store, name="s", **call)
    loaded = mw.load_study("s", store)
    with pytest.raises(mw.StudyError, match=r"study.resume\(build, x, y, \.\.\.\)"):
        loaded.refit()
    resumed = loaded.resume(bayes, X, Y, cv=3, verbose=0)
    assert len(resumed.trials) == 2 and resumed.refit().score(X, Y) > 0.8
