"""scikit-learn estimators through ``SklearnTuner``."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import ensemble, linear_model, metrics, model_selection, pipeline, preprocessing


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 3))
    return x, (x[:, 0] + 0.1 * rng.normal(size=60) > 0).astype(int)


def build(hp):
    if hp.Choice("kind", ["forest", "ridge"]) == "forest":
        with hp.conditional_scope("kind", ["forest"]):
            return ensemble.RandomForestClassifier(n_estimators=hp.Int("trees", 2, 4), random_state=0)
    with hp.conditional_scope("kind", ["ridge"]):
        return linear_model.RidgeClassifier(alpha=hp.Float("alpha", 1e-3, 1, sampling="log"))


def tuner_of(kt, tmp_path, hypermodel=build, **kwargs):
    oracle = kt.oracles.RandomSearchOracle(objective=kt.Objective("score", "max"), max_trials=3, seed=2)
    return kt.SklearnTuner(oracle=oracle, hypermodel=hypermodel, directory=tmp_path, project_name="p", **kwargs)


def test_estimators_are_cross_validated_and_come_back_fitted(kt, data, tmp_path):
    tuner = tuner_of(kt, tmp_path)
    tuner.search(*data)
    assert len(tuner.oracle.trials) == 3
    best = tuner.oracle.get_best_trials()[0]
    (model,) = tuner.get_best_models()
    assert best.score > 0.7 and model.score(*data) > 0.7
    assert (tmp_path / "p" / f"trial_{best.trial_id}" / "model.pickle").exists()


def test_scorers_further_metrics_and_folds(kt, data, tmp_path):
    tuner = tuner_of(
        kt,
        tmp_path,
        scoring=metrics.make_scorer(metrics.balanced_accuracy_score),
        metrics=[metrics.recall_score],
        cv=model_selection.StratifiedKFold(3),
    )
    tuner.search(*data)
    assert all({"score", "recall_score"} == set(t.metrics.metrics) for t in tuner.oracle.trials.values())


def test_weights_groups_frames_and_pipelines(kt, data, tmp_path):
    pd = pytest.importorskip("pandas")

    def build_pipeline(hp):
        model = linear_model.LogisticRegression(C=hp.Float("C", 0.1, 10))
        return pipeline.make_pipeline(preprocessing.StandardScaler(), model)

    frame = pd.DataFrame(data[0], columns=list("abc"))
    tuner = tuner_of(kt, tmp_path, build_pipeline, cv=model_selection.GroupKFold(3))
    tuner.search(frame, data[1], groups=np.arange(60) % 6)
    assert tuner.get_best_models()[0].score(frame, data[1]) > 0.7
    weighted = tuner_of(kt, tmp_path / "w")
    weighted.search(*data, sample_weight=np.linspace(0.1, 1, 60))
    assert {t.status for t in weighted.oracle.trials.values()} == {"COMPLETED"}


def test_data_of_other_kinds_are_refused(kt, data, tmp_path):
    tuner = tuner_of(kt, tmp_path)
    with pytest.raises(RuntimeError, match="TypeError"):
        tuner.search([[1.0], [2.0], [3.0], [4.0], [5.0]], [0, 1, 0, 1, 0])
