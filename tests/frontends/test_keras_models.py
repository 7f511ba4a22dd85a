"""Keras models through ``tune``: what is built, trained, measured, kept and refused."""

import numpy as np
import pytest

import modelwright as mw

keras = pytest.importorskip("keras", reason="keras is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 6)).astype("float32")
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype("int32")


def build(hp):
    model = keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Dense(hp.Int("units", 4, 16, step=4), activation="relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log"))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def tune(subject=build, *data, **options):
    options = {
        "objective": "val_accuracy", "validation_split": 0.25, "epochs": 4, "trials": 3, "strategy": "random",
        "store": ":memory:", "verbose": 0, "batch_size": 30, **options,
    }  # fmt: skip
    return mw.tune(subject, *(data or (X, Y)), **options)


def test_every_epoch_is_kept_and_the_best_one_is_the_value_and_the_model():
    study = tune()
    for trial in study.trials:
        curve = [metrics["val_accuracy"] for _, metrics in trial.history]
        assert len(curve) == trial.steps == 4
        assert trial.value == max(curve) and trial.best_step == curve.index(max(curve)) + 1
        assert set(trial.config) == {"units", "rate"} and trial.facts["params"] > 0
    model = study.best_model()
    held = slice(180, None)
    assert model.evaluate(X[held], Y[held], verbose=0, return_dict=True)["accuracy"] == pytest.approx(study.best.value)
    assert model.layers[0].units == study.best.config["units"]


def test_the_same_seed_gives_the_same_scores():
    runs = [[(t.config, t.history) for t in tune(seed=3, trials=2).trials] for _ in range(2)]
    assert runs[0] == runs[1]


def test_trials_pause_at_rungs_and_go_on_from_their_checkpoint():
    study = tune(strategy="hyperband", trials=9, epochs=9)
    full = [t for t in study.trials if t.fidelity == 1]
    assert full and all([step for step, _ in t.history] == list(range(1, 10)) for t in full)
    assert all(t.facts["exact_resume"] and not t.facts["restarts"] for t in full)
    assert {t.steps for t in study.trials} == {1, 3, 9}


def test_two_workers_find_what_one_finds():
    alone, together = tune(trials=4), tune(trials=4, workers=2)
    assert [t.config for t in together.trials] == [t.config for t in alone.trials]
    assert together.best_model().count_params() > 0


def test_a_stored_study_gives_its_model_back_without_the_code_that_built_it(tmp_path):
    made = tune(store=tmp_path / "s.db", name="s")
    model = mw.load_study("s", tmp_path / "s.db").best_model()
    np.testing.assert_array_equal(model.predict(X, verbose=0), made.best_model().predict(X, verbose=0))


def test_only_the_models_of_the_best_trials_stay_on_disk(tmp_path):
    tune(store=tmp_path / "s.db", name="s", trials=12, epochs=1)
    assert 1 <= len(list((tmp_path).rglob("*.keras"))) <= 5
    assert not list(tmp_path.rglob("*.ckpt"))


def test_batch_size_and_epochs_can_be_tuned():
    study = tune(batch_size=lambda hp: hp.Choice("batch", [16, 48]), epochs=lambda hp: hp.Int("epochs", 1, 3), trials=6)
    assert {t.steps == t.config["epochs"] for t in study.trials} == {True}
    assert {t.config["batch"] for t in study.trials} == {16, 48}


def test_a_hypermodel_with_a_fit_of_its_own_is_followed_epoch_by_epoch():
    class Model(mw.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, x, y, **kwargs):
            return model.fit(x, y, batch_size=hp.Choice("batch", [20, 60]), **kwargs)

    study = tune(Model(), batch_size=None)
    assert all(t.steps == 4 and "batch" in t.config for t in study.trials)


def test_a_fit_that_returns_a_number_gives_the_value():
    class Model(mw.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, x, y, **kwargs):
            model.fit(x, y, **kwargs)
            return hp.get("units") * 1.0

    study = tune(Model(), objective=mw.Minimize("size"))
    assert [t.value for t in study.trials] == [t.config["units"] for t in study.trials]


def test_several_executions_keep_every_value_and_their_spread():
    study = tune(executions=3, trials=2)
    for trial in study.trials:
        values = [run["val_accuracy"] for run in trial.facts["executions"]]
        assert len(values) == 3 and trial.value == pytest.approx(np.mean(values))
        assert trial.facts["spread"]["val_accuracy"] == pytest.approx(np.std(values, ddof=1))


def test_cross_validation_trains_on_each_fold():
    study = tune(cv=3, validation_split=None, trials=2)
    assert all(len(t.facts["executions"]) == 3 for t in study.trials)


def test_data_may_come_as_a_dataset_object():
    class Rows(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return X[i * 45 : (i + 1) * 45], Y[i * 45 : (i + 1) * 45]

    study = tune(build, Rows(), validation_split=None, validation_data=(X[180:], Y[180:]), batch_size=None)
    assert all(t.state == "complete" and t.steps == 4 for t in study.trials)


def test_refit_trains_on_all_rows_for_as_many_epochs_as_the_best():
    study = tune()
    model = study.refit()
    assert int(model.optimizer.iterations) == study.best.best_step * 8
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"] > 0.5


def test_early_stopping_ends_a_trial_and_each_trial_has_its_own():
    stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=1)
    study = tune(callbacks=[stop], epochs=30, trials=4)
    assert all(t.state == "complete" and t.fidelity == 1 for t in study.trials)
    assert any(t.steps < 30 for t in study.trials)
    assert stop.model is None


def test_models_that_are_too_large_or_lose_their_numbers_are_infeasible():
    def exploding(hp):
        model = build(hp)
        if hp.Boolean("explode"):
            model.compile(keras.optimizers.SGD(1e30), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    study = tune(exploding, trials=12, max_model_size=140, epochs=2)
    kinds = {t.error.kind for t in study.trials if t.error}
    assert kinds == {"nan", "size"}
    assert all(t.state == "infeasible" for t in study.trials if t.error)
    assert study.best.facts["params"] <= 140


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda hp: None, "returned None.*return model"),
        (lambda hp: 3.0, "3.0.*close over it"),
        (lambda hp: keras.Sequential([keras.layers.Dense(1)]), "not compiled.*compile"),
    ],
)
def test_a_build_that_returns_no_compiled_model_is_an_error_at_once(broken, message):
    with pytest.raises(mw.SubjectError, match=f"(?s){message}"):
        tune(broken)


def test_an_objective_that_no_epoch_reports_is_found_after_the_first_epoch():
    epochs = []

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            epochs.append(epoch)

        def __deepcopy__(self, memo):
            return self

    with pytest.raises(mw.ObjectiveError, match=r"'val_auc'.*accuracy, loss, val_accuracy"):
        tune(objective="val_auc", callbacks=[Count()], epochs=5)
    assert len(epochs) <= 1


def test_a_validation_metric_without_validation_data_is_said_before_training():
    with pytest.raises(mw.ObjectiveError, match="validation_split=0.2"):
        tune(validation_split=None)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((X, Y[:-3]), {}, "240, 237"),
        ((X[:0], Y[:0]), {}, "no rows"),
        ((X, Y), {"validation_split": 1.5}, "between 0 and 1"),
        ((X, Y), {"validation_data": (X, Y)}, "both given"),
        ((X, Y), {"epochs": 0}, "epochs=0"),
        ((X, Y), {"cv": 1}, "cv=1"),
        ((X, Y), {"steps": 3}, "steps"),
    ],
)
def test_data_and_arguments_that_cannot_be_are_named(data, options, message):
    with pytest.raises(mw.ArgumentError, match=message):
        tune(build, *data, **options)


def test_a_build_that_fails_later_fails_its_trial_only():
    def sometimes(hp):
        model = build(hp)
        if hp.get("units") == 16:
            raise ValueError("sixteen")
        return model

    study = tune(sometimes, strategy="random", trials=10, epochs=1)
    states = {t.config.get("units"): t.state for t in study.trials}
    assert states[16] == "failed" and set(states.values()) == {"failed", "complete"}


def test_keras_models_without_data_are_told_to_bring_some():
    with pytest.raises(mw.SubjectError, match="no data was given"):
        mw.tune(build, objective="minimize", trials=2, store=":memory:", verbose=0)


def test_a_build_that_returns_the_same_model_again_is_refused():
    model = build(mw.HyperParameters())
    study = tune(lambda hp: (hp.Int("x", 0, 9), model)[1], trials=3)
    assert [t.state for t in study.trials] == ["complete", "failed", "failed"]
    assert "same model object" in study.trials[1].error.message


def test_text_generators_and_missing_targets_are_named():
    for data, message in [
        ((X, Y.astype(str)), "y holds text"),
        ((X,), "y is missing"),
        ((iter([(X, Y)]),), "generator"),
    ]:
        with pytest.raises(mw.ArgumentError, match=message):
            tune(build, *data)


def test_a_constraint_on_the_size_saves_the_training_and_one_on_a_metric_decides_at_the_end():
    study = tune(trials=5, epochs=2, constraints=["params <= 90", "val_loss <= 100"])
    assert {t.state for t in study.trials} == {"complete", "infeasible"}
    for trial in study.trials:
        small = trial.facts["params"] <= 90
        assert (trial.state, trial.steps) == (("complete", 2) if small else ("infeasible", 0))
        assert small or trial.error.message.startswith(f"params is {trial.facts['params']}, too large by")


def test_a_constraint_on_what_no_epoch_reports_is_refused_in_the_first():
    with pytest.raises(mw.ModelwrightError, match=r"constraints: no epoch reports 'val_acc'.*val_accuracy"):
        tune(constraints=["val_acc >= 0.3"])
    with pytest.raises(mw.ModelwrightError, match=r"no epoch reports 'parms'.*params.*Did you mean 'params'"):
        tune(constraints=["parms <= 90"])
