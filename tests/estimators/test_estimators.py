"""Estimators as subjects of tune: rows, folds, weights, scorers, chance, pauses."""

import re

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer, mean_squared_error
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_subjects import Reports, Seen, bayes, tree, tune

import modelwright as mw
from modelwright.core.records import Task
from modelwright.frontends.subject import Request, prepare
from modelwright.strategy.halving import Hyperband

X, Y = load_iris(return_X_y=True)
XB, YB = load_breast_cancer(return_X_y=True)
XD, YD = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def nothing_seen():
    Seen.log.clear()


def seen(hp):
    return Seen(depth=hp.Int("depth", 1, 3))


def ridge(hp):
    return Ridge(alpha=hp.Float("alpha", 0.01, 10.0, sampling="log"))


# --- values --------------------------------------------------------------------------------------


def test_a_value_is_the_mean_over_the_users_folds():
    cv = KFold(4, shuffle=True, random_state=3)
    best = tune(bayes, X, Y, cv=cv).best
    expected = cross_val_score(GaussianNB(var_smoothing=best.config["smooth"]), X, Y, cv=cv)
    assert best.value == pytest.approx(expected.mean())
    assert best.facts["folds"]["score"] == pytest.approx(list(expected))
    assert best.facts["spread"]["score"] == pytest.approx(expected.std(ddof=1))
    assert [step for step, _ in best.history] == [1, 2, 3, 4]


def test_folds_of_a_classifier_are_stratified_and_shuffled_with_the_seed():
    studies = [tune(seen, X, Y, trials=1, cv=5, seed=seed) for seed in (0, 0, 1)]
    rows = [rows.tolist() for kind, rows, *_ in Seen.log if kind == "score"]
    first, same, other = rows[:5], rows[5:10], rows[10:]
    assert first == same != other
    assert all(len(fold) == 30 for fold in first)
    assert all(study.best.value == 0.5 for study in studies)


def test_without_an_objective_the_estimators_own_score_is_made_large():
    (objective,) = tune(ridge, XD, YD).objectives
    assert (objective.name, objective.direction) == ("score", "max")


def test_metrics_that_are_better_small_are_positive():
    study = tune(ridge, XD, YD, objective=["rmse", "neg_root_mean_squared_error", mw.Minimize("val_max_error")])
    assert [o.direction for o in study.objectives] == ["min", "max", "min"]
    for trial in study.trials:
        rmse, negative, largest = trial.values
        assert 0 < rmse < largest and negative == pytest.approx(-rmse)


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc_ovr", "neg_log_loss", "matthews_corrcoef", "val_accuracy"])
def test_any_scorer_of_scikit_learn_is_an_objective(name):
    best = tune(bayes, X, Y, objective=name).best
    assert name in best.metrics and np.isfinite(best.value)


def test_scorers_of_the_users_are_all_kept():
    def worst(estimator, X, y):
        return float(np.abs(estimator.predict(X) - y).max())

    scoring = {"worst": worst, "mse": make_scorer(mean_squared_error, greater_is_better=False), "r2": "r2"}
    best = tune(ridge, XD, YD, objective=mw.Minimize("worst"), fit={"scoring": scoring}).best
    assert set(best.metrics) == {"worst", "mse", "r2"}
    assert best.metrics["mse"] < 0 < best.metrics["worst"] == best.value


def test_a_scorer_may_give_several_numbers():
    def both(estimator, X, y):
        return {"hits": float((estimator.predict(X) == y).sum()), "rows": len(y)}

    best = tune(bayes, X, Y, objective=mw.Maximize("hits"), fit={"scoring": both}).best
    assert best.metrics["rows"] == 50 and best.value <= 50


def test_an_estimator_without_targets():
    def build(hp):
        return KMeans(n_clusters=hp.Int("k", 2, 5), n_init=1)

    study = tune(build, X, trials=4)
    assert study.best.config["k"] >= 3 and study.best.value < 0


def test_a_score_that_is_no_number_is_infeasible():
    def build(hp):
        hp.Int("i", 0, 100)
        return GaussianNB()

    def sometimes(estimator, X, y):
        return float("nan") if len(calls) < 3 and not calls.append(1) else 1.0

    calls: list = []
    study = tune(build, X, Y, fit={"scoring": sometimes})
    assert [trial.state for trial in study.trials] == ["infeasible", "complete", "complete"]


# --- rows ----------------------------------------------------------------------------------------


def test_groups_stay_together():
    groups = np.arange(150) % 10
    rows = np.column_stack([groups, X])
    for cv in (3, GroupKFold(3)):
        Seen.log.clear()
        tune(seen, rows, Y, groups=groups, cv=cv, trials=1)
        fitted = [set(rows) for kind, rows, *_ in Seen.log if kind == "fit"]
        scored = [set(rows) for kind, rows, *_ in Seen.log if kind == "score"]
        assert all(not (a & b) for a, b in zip(fitted, scored, strict=True))
        assert set.union(*scored) == set(range(10))


def test_weights_and_arguments_are_divided_with_the_rows():
    number = np.arange(150.0)
    rows = np.column_stack([number, X])
    tune(seen, rows, Y, sample_weight=number, fit={"flavour": "sweet"}, trials=1)
    assert len(Seen.log) == 6
    for kind, rows, weight, flavour in Seen.log:
        assert weight.tolist() == rows.tolist()
        assert flavour == ("sweet" if kind == "fit" else None)


def test_weights_of_nothing_are_as_if_the_rows_were_not_there():
    weight = (YB == 1).astype(float) * 0.999 + 0.001
    even, skewed = (tune(bayes, XB[:, :5], YB, objective="accuracy", sample_weight=w) for w in (None, weight))
    assert skewed.best.value > even.best.value
    assert (skewed.refit().predict(XB[:, :5]) == 1).mean() > (even.refit().predict(XB[:, :5]) == 1).mean()


def test_a_pipeline_hands_weights_to_its_last_step():
    def build(hp):
        return make_pipeline(StandardScaler(), bayes(hp))

    weight = np.where(Y == 0, 5.0, 1.0)
    study, by_name = (
        tune(build, X, Y, **given)
        for given in ({"sample_weight": weight}, {"fit": {"gaussiannb__sample_weight": weight}})
    )
    assert np.array_equal(study.refit()[-1].theta_, by_name.refit()[-1].theta_)


def test_weights_go_where_metadata_routing_sends_them():
    weight = np.arange(150.0)

    def build(hp):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        return make_pipeline(scaler, seen(hp).set_fit_request(sample_weight=True))

    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        best = tune(build, X, Y, sample_weight=weight, fit={"scoring": scorer}, trials=1).best
    assert len(Seen.log) == 3
    assert all(weight is not None and len(weight) == len(rows) for _, rows, weight, _ in Seen.log)
    assert best.value < 0.2  # one class in three is right, and it has the light rows


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, np.asarray, list])
def test_kinds_of_rows(kind):
    assert tune(tree, kind(X), Y, trials=3).best.value > 0.8


def test_frames_keep_their_columns():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(150) + 1000)
    study = tune(bayes, frame, pd.Series(Y, index=frame.index))
    assert study.best_model().feature_names_in_.tolist() == list("abcd")


def test_one_holdout_instead_of_folds():
    share = tune(seen, X, Y, cv=None, validation_split=0.2, trials=1)
    assert [len(rows) for _, rows, *_ in Seen.log] == [120, 30]
    assert "spread" in share.best.facts and not share.best.facts["spread"]
    Seen.log.clear()
    given = tune(seen, X[:100], Y[:100], cv=None, validation_data=(X[100:], Y[100:]), trials=1)
    assert [len(rows) for _, rows, *_ in Seen.log] == [100, 50]
    Seen.log.clear()
    given.refit()
    assert [len(rows) for _, rows, *_ in Seen.log] == [150]


def test_rows_that_may_not_be_written_to(tmp_path):
    np.save(tmp_path / "x.npy", X)
    rows = np.load(tmp_path / "x.npy", mmap_mode="r")
    for way in ({"cv": 3}, {"cv": None, "validation_data": (rows[:30], Y[:30])}):
        study = tune(seen, rows, Y, trials=1, **way)
        assert study.best.state == "complete"


# --- chance --------------------------------------------------------------------------------------


def test_same_seed_same_search():
    first, again, other = (tune(tree, XB, YB, trials=4, seed=seed) for seed in (0, 0, 1))
    assert [(t.config, t.value) for t in first.trials] == [(t.config, t.value) for t in again.trials]
    assert [t.value for t in first.trials] != [t.value for t in other.trials]
    assert first.best_model().random_state == again.best_model().random_state is not None


def test_a_seed_that_was_chosen_stays():
    def build(hp):
        return tree(hp).set_params(random_state=7)

    assert tune(build, X, Y).best_model().random_state == 7


def test_several_executions_shuffle_anew():
    best = tune(tree, XB, YB, executions=2, trials=2).best
    folds = best.facts["folds"]["score"]
    assert len(folds) == 6 and len(best.history) == 6
    assert [run["score"] for run in best.facts["executions"]] == pytest.approx([np.mean(folds[:3]), np.mean(folds[3:])])
    assert best.facts["executions"][0] != best.facts["executions"][1]
    assert best.value == pytest.approx(np.mean(folds))


def test_no_fold_is_the_best_step_of_a_trial(tmp_path):
    study = tune(tree, X, Y, trials=4, cv=4, executions=2)
    assert [t.best_step for t in study.trials] == [None] * 4 and len(study.best.history) == 8
    page = study.report(tmp_path / "study.html").read_text("utf-8")
    assert "Running mean over the folds" in page and "Learning curves" not in page
    assert not re.search("(at|best) fold", page + study.summary())


def test_confirming_runs_have_folds_of_their_own():
    def build(hp):
        return KNeighborsClassifier(hp.Int("k", 1, 60))

    study = tune(build, XB, YB, confirm=2, trials=4)
    notes = [note.data for note in study._machine.history.notes if note.kind == "confirm"]
    assert len(notes) == 4
    # Shares of 570 rows may be equal by chance: but not those of both runs.
    for number in {note["number"] for note in notes}:
        again = [note["value"] for note in notes if note["number"] == number]
        assert len(set(again)) == 2 and set(again) != {study.trials[number].value}


# --- parts of a trial ----------------------------------------------------------------------------


def estimation(**options):
    request = Request(subject=tree, data=(XB, YB), options={"cv": 4, **options})
    return prepare(request).estimation


def test_a_trial_pauses_between_folds_and_goes_on_with_the_rest(tmp_path):
    made, folder = estimation(), tmp_path / "trial-00003"
    folder.mkdir()
    task = Task(number=3, config={"depth": 3}, seed=11, folder=str(folder))
    whole = made.estimate(task, Reports())
    half = made.estimate(task, Reports(pause_at=2))
    assert (half.state, half.fidelity) == ("paused", 0.5)
    onward = Reports()
    checkpoint = half.artifacts["checkpoint"]
    assert (tmp_path / checkpoint.path).exists()
    rest = made.estimate(
        Task(number=3, segment=1, config={"depth": 3}, seed=11, folder=str(folder), start=0.5, checkpoint=checkpoint),
        onward,
    )
    assert [step for step, *_ in onward.told] == [3, 4]
    assert rest.metrics == whole.metrics and rest.note["folds"] == whole.note["folds"]


def test_a_checkpoint_that_is_gone_means_all_folds_again(tmp_path):
    made, folder = estimation(), tmp_path / "trial-00000"
    folder.mkdir()
    task = Task(number=0, config={"depth": 3}, seed=1, folder=str(folder))
    half = made.estimate(task, Reports(pause_at=2))
    (tmp_path / half.artifacts["checkpoint"].path).unlink()
    reports = Reports()
    made.estimate(
        Task(number=0, config={"depth": 3}, folder=str(folder), start=0.5, checkpoint=half.artifacts["checkpoint"]),
        reports,
    )
    assert len(reports.told) == 4


def test_a_strategy_object_may_race_folds():
    study = tune(tree, XB, YB, cv=4, trials=6, strategy=Hyperband(steps=4, eta=2))
    assert {trial.fidelity for trial in study.trials} > {1.0}
    assert study.best.fidelity == 1.0
    assert study.best.value == pytest.approx(np.mean(study.best.facts["folds"]["score"]))


def test_no_rungs_by_default():
    study = tune(tree, XB, YB, strategy="auto", trials=5)
    assert [trial.fidelity for trial in study.trials] == [1.0] * 5
    with pytest.raises(mw.StrategyError, match="no steps"):
        tune(tree, XB, YB, strategy="hyperband")


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"objective": "roc_auc"}, mw.ObjectiveError, "two classes.*roc_auc_ovr"),
        ({"objective": mw.Maximize("acuracy")}, mw.ObjectiveError, "no scorer 'acuracy'.*Allowed: accuracy"),
        ({"objective": "acuracy"}, mw.ObjectiveError, "Did you mean accuracy"),
        ({"objective": mw.Minimize("neg_log_loss")}, mw.ObjectiveError, "better large"),
        ({"objective": mw.Maximize("log_loss")}, mw.ObjectiveError, "better small"),
        ({"objective": "minimize"}, mw.ObjectiveError, "better large"),
        ({"fit": {"scoring": 3}}, mw.ObjectiveError, "cannot score with 3"),
        ({"cv": 1}, mw.ArgumentError, "cv=1"),
        ({"cv": "many"}, mw.ArgumentError, "cannot divide rows by 'many'"),
        ({"cv": 60}, mw.ArgumentError, "150 rows cannot be divided"),
        ({"cv": [([0, 1], [999])]}, mw.ArgumentError, "row 999"),
        ({"cv": [1, 2]}, mw.ArgumentError, "no pair"),
        ({"cv": []}, mw.ArgumentError, "no folds"),
        ({"cv": 3, "validation_split": 0.2}, mw.ArgumentError, "cv and validation_split"),
        ({"cv": None, "validation_split": 2}, mw.ArgumentError, "between 0 and 1"),
        ({"groups": [1, 2]}, mw.ArgumentError, "groups.*inconsistent"),
        ({"groups": np.zeros(150)}, mw.ArgumentError, "cannot be divided|fold is empty"),
        ({"epochs": 3}, mw.ArgumentError, "epochs given"),
    ],
)
def test_mistakes_are_named_before_anything_runs(options, kind, says):
    with pytest.raises(kind, match=says):
        tune(bayes, X, Y, **options)


def test_an_estimator_that_takes_no_weights():
    def build(hp):
        return make_pipeline(StandardScaler(), KNeighborsClassifier(hp.Int("k", 1, 5)))

    with pytest.raises(mw.ArgumentError, match=r"KNeighborsClassifier.fit takes none.*step__sample_weight"):
        tune(build, X, Y, sample_weight=np.ones(150))


def test_builds_that_return_no_estimator():
    with pytest.raises(mw.SubjectError, match="class LogisticRegression"):
        tune(lambda hp: LogisticRegression, X, Y)
    with pytest.raises(mw.SubjectError, match="Did you forget 'return"):
        tune(lambda hp: None, X, Y)
    with pytest.raises(mw.ArgumentError, match="requires y"):
        tune(bayes, X)


def test_a_build_that_fails_later_fails_its_trial():
    def build(hp):
        return None if hp.Int("wrong", 0, 40) > 20 else tree(hp)

    study = tune(build, X, Y, trials=5, seed=1, strategy="auto")
    assert {"failed", "complete"} == {trial.state for trial in study.trials}
    assert "return estimator" in next(t.error.message for t in study.trials if t.error)


def test_errors_inside_fit_are_told_apart_by_their_line():
    def build(hp):
        return GaussianNB(var_smoothing=hp.Float("smooth", -1.0, 1.0, default=0.1))

    failed = [t.error for t in tune(build, XB, YB, trials=4, strategy="auto").trials if t.error]
    assert failed and all("sklearn" in error.where for error in failed)


def test_shuffle_split_without_a_seed_is_the_same_every_time():
    cv = ShuffleSplit(2, test_size=0.3)
    first, again = (tune(bayes, X, Y, cv=cv) for _ in range(2))
    assert [t.value for t in first.trials] == [t.value for t in again.trials]
    assert cv.random_state is None


# --- runs that are asked for again -----------------------------------------------------------------


@pytest.mark.parametrize("options", [{"confirm": 2}, {"executions": 2}])
def test_repeating_what_cannot_differ_is_warned_of_before_it_runs(options):
    with pytest.warns(UserWarning, match=r"=2: further runs of .*\(Ridge\) come out the same.*KFold.*shuffle"):
        study = tune(ridge, XD, YD, cv=KFold(3), trials=2, **options)
    assert len(study.trials) == 2


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (ridge, {"cv": 3, "confirm": 1}),
        (lambda hp: Ridge(hp.Float("alpha", 0.1, 1), solver="saga"), {"cv": KFold(3), "executions": 2}),
        (lambda hp: Seen(depth=hp.Int("depth", 1, 3)), {"cv": KFold(3), "confirm": 1}),
        (ridge, {"cv": KFold(3)}),
    ],
)
def test_runs_that_may_differ_are_not_warned_of(build, options, recwarn):
    tune(build, XB, YB, trials=1, **options)
    assert not [w for w in recwarn if "come out the same" in str(w.message)]


def test_negative_weights_are_warned_of_once(recwarn):
    weight = np.ones(len(X))
    weight[[3, 7]] = -1.0
    tune(tree, X, Y, sample_weight=weight, trials=1)
    said = [str(w.message) for w in recwarn if "negative" in str(w.message)]
    assert len(said) == 1 and said[0].startswith("sample_weight holds 2 negative values, the first at row 3")
