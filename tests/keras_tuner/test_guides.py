"""The ways of working that KerasTuner's guides teach, on tiny data and in our own words."""

from __future__ import annotations

import os

import numpy as np
import pytest

keras = pytest.importorskip("keras")
layers = keras.layers


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(3)
    x = rng.random((40, 6, 6, 1)).astype("float32")
    y = keras.utils.to_categorical(rng.integers(0, 3, 40), 3)
    return (x[:30], y[:30]), (x[30:], y[30:])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(4)
    return {
        "x": rng.random((30, 5)),
        "y": rng.random((30, 1)),
        "validation_data": (rng.random((10, 5)), rng.random((10, 1))),
        "verbose": 0,
    }


class Classifier:
    """The model of the first guide: no input shape, layers and units by hyperparameters."""

    @staticmethod
    def build(hp):
        model = keras.Sequential([layers.Flatten()])
        for i in range(hp.Int("num_layers", 1, 2)):
            units = hp.Int(f"units_{i}", min_value=4, max_value=12, step=4)
            model.add(layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"])))
        if hp.Boolean("dropout"):
            model.add(layers.Dropout(rate=0.25))
        model.add(layers.Dense(3, activation="softmax"))
        rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
        return model


def regressor(hp, **compiled):
    model = keras.Sequential([layers.Dense(units=hp.Int("units", 4, 12, 4), activation="relu"), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mean_squared_error", **compiled)
    return model


def test_getting_started_tune_the_architecture(kt, images, capsys):
    train, validation = images
    Classifier.build(kt.HyperParameters())
    tuner = kt.RandomSearch(
        hypermodel=Classifier.build,
        objective="val_accuracy",
        max_trials=2,
        executions_per_trial=2,
        overwrite=True,
        directory="my_dir",
        project_name="helloworld",
    )
    tuner.search_space_summary()
    tuner.search(*train, epochs=2, validation_data=validation, verbose=0)
    models = tuner.get_best_models(num_models=2)
    models[0].summary()
    tuner.results_summary()
    assert "Results summary" in capsys.readouterr().out and len(models) == 2
    best = tuner.get_best_hyperparameters(5)
    Classifier.build(best[0]).fit(*train, epochs=1, verbose=0)
    assert os.path.isdir("my_dir/helloworld/trial_0")


def test_getting_started_tune_the_training_and_the_data(kt, images):
    train, validation = images

    class Cropping(kt.HyperModel):
        def build(self, hp):
            size = hp.Int("image_size", 3, 6)
            inputs = keras.Input(shape=(size, size, 1))
            x = layers.Dense(hp.Int("units", 4, 8, step=4), activation="relu")(layers.Flatten()(inputs))
            model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
            model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
            return model

        def fit(self, hp, model, x, y, validation_data=None, **kwargs):
            if hp.Boolean("normalize"):
                x = np.asarray(layers.Normalization(mean=0.5, variance=0.1)(x))
            size = hp.get("image_size")
            if validation_data:
                validation_data = (validation_data[0][:, :size, :size], validation_data[1])
            shuffle = hp.Boolean("shuffle")
            return model.fit(x[:, :size, :size], y, shuffle=shuffle, validation_data=validation_data, **kwargs)

    tuner = kt.RandomSearch(Cropping(), objective="val_accuracy", max_trials=3, overwrite=True, directory="my_dir")
    tuner.search(*train, epochs=1, validation_data=validation, verbose=0)
    best = tuner.get_best_hyperparameters()[0]
    assert {"normalize", "shuffle", "image_size", "units"} == set(best.values)
    hypermodel = Cropping()
    hypermodel.fit(best, hypermodel.build(best), *train, epochs=1, verbose=0)


def test_getting_started_objectives(kt, rows, tmp_path):
    class Custom(keras.metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(name="custom_metric", **kwargs)
            self.total = self.add_weight(name="total", initializer="zeros")
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(keras.ops.sum(keras.ops.square(y_pred - y_true)))
            self.count.assign_add(keras.ops.cast(keras.ops.shape(y_true)[0], "float32"))

        def result(self):
            return self.total / self.count

        def reset_state(self):
            self.total.assign(0)
            self.count.assign(0)

    for metric, objective in (
        (keras.metrics.MeanAbsoluteError, "val_mean_absolute_error"),
        (Custom, "val_custom_metric"),
    ):
        tuner = kt.RandomSearch(
            hypermodel=lambda hp, metric=metric: regressor(hp, metrics=[metric()]),
            objective=kt.Objective(objective, direction="min"),
            max_trials=2,
            directory="my_dir",
            project_name=objective,
        )
        tuner.search(**rows)
        assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED"] * 2


@pytest.mark.parametrize("objective", [None, ("metric_a", "max")])
def test_getting_started_values_of_ones_own(kt, rows, objective):
    class Regressor(kt.HyperModel):
        def build(self, hp):
            return regressor(hp)

        def fit(self, hp, model, x, y, validation_data, **kwargs):
            model.fit(x, y, **kwargs)
            error = model.predict(validation_data[0], verbose=0) - validation_data[1]
            if objective is None:
                return np.mean(np.abs(error))
            return {"metric_a": -np.mean(np.abs(error)), "metric_b": np.mean(np.square(error))}

    given = {} if objective is None else {"objective": kt.Objective(*objective)}
    tuner = kt.RandomSearch(hypermodel=Regressor(), max_trials=2, directory="my_dir", **given)
    tuner.search(**rows)
    tuner.results_summary()
    assert (tuner.oracle.get_best_trials()[0].score < 0) == (objective is not None)


def test_getting_started_tune_anything(kt):
    class Anything(kt.RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            x = trial.hyperparameters.Float("x", min_value=-1.0, max_value=1.0)
            return x * x + 1

    tuner = Anything(max_trials=20, overwrite=True, directory="my_dir", project_name="tune_anything")
    tuner.search()
    assert abs(tuner.get_best_hyperparameters()[0].get("x")) < 0.9


def test_getting_started_keep_the_code_apart(kt, rows):
    def existing(units, optimizer, saving_path):
        model = keras.Sequential([layers.Dense(units=units, activation="relu"), layers.Dense(units=1)])
        model.compile(optimizer=optimizer, loss="mean_squared_error")
        model.fit(rows["x"], rows["y"], verbose=0)
        model.save(saving_path)
        return np.mean(np.abs(model.predict(rows["x"], verbose=0) - rows["y"]))

    class Apart(kt.RandomSearch):
        def run_trial(self, trial, **kwargs):
            hp = trial.hyperparameters
            return existing(
                units=hp.Int("units", 4, 12, 4),
                optimizer=hp.Choice("optimizer", ["adam", "adadelta"]),
                saving_path=f"{trial.trial_id}.keras",
            )

    tuner = Apart(max_trials=2, overwrite=True, directory="my_dir", project_name="keep_code_separate")
    tuner.search()
    existing(**tuner.get_best_hyperparameters()[0].values, saving_path="best.keras")
    assert os.path.exists("0.keras") and os.path.exists("best.keras")


def build_with_limit(error):
    def build(hp):
        first, second = hp.Int("units_1", 10, 40, step=10), hp.Int("units_2", 10, 30, step=10)
        model = keras.Sequential([layers.Input((20,)), layers.Dense(first), layers.Dense(second), layers.Dense(1)])
        model.compile(loss="mse")
        if model.count_params() > 1200:
            raise error(f"{model.count_params()} parameters are too many")
        return model

    return build


@pytest.mark.parametrize("error", [ValueError, "FailedTrialError", "FatalError"])
def test_failed_trials(kt, sub, error, capsys):
    kind = error if isinstance(error, type) else getattr(sub("errors"), error)
    tuner = kt.GridSearch(
        build_with_limit(kind),
        objective="val_loss",
        overwrite=True,
        max_retries_per_trial=1,
        max_consecutive_failed_trials=8,
    )
    data = {"x": np.zeros((8, 20)), "y": np.zeros((8, 1)), "validation_data": (np.zeros((4, 20)), np.zeros((4, 1)))}
    if error == "FatalError":
        with pytest.raises(kind, match="too many"):
            tuner.search(**data, epochs=1, verbose=0)
        return
    tuner.search(**data, epochs=1, verbose=0)
    states = [t.status for t in tuner.oracle.trials.values()]
    assert (len(states), states.count("FAILED")) == (12, 5)
    assert set(tuner.oracle._run_times.values()) == ({1, 2} if error is ValueError else {1})


def test_tailor_the_search_space(kt, images):
    train, validation = images

    def build(hp):
        model = keras.Sequential([layers.Flatten(), layers.Dense(hp.Int("units", 4, 16, step=4, default=8))])
        if hp.Boolean("dropout"):
            model.add(layers.Dropout(rate=0.25))
        model.add(layers.Dense(3))
        rate = hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4])
        model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
        return model

    def search(**kwargs):
        tuner = kt.RandomSearch(build, max_trials=3, overwrite=True, directory="my_dir", seed=1, **kwargs)
        tuner.search(*train, epochs=1, validation_data=validation, verbose=0)
        return tuner

    few = kt.HyperParameters()
    few.Float("learning_rate", min_value=1e-4, max_value=1e-2, sampling="log")
    tuner = search(hyperparameters=few, tune_new_entries=False, objective="val_accuracy")
    assert [hp.name for hp in tuner.oracle.get_space().space] == ["learning_rate"]
    assert {t.hyperparameters.values["units"] for t in tuner.oracle.trials.values()} == {8}

    fixed = kt.HyperParameters()
    fixed.Fixed("learning_rate", value=1e-4)
    tuner = search(hyperparameters=fixed, tune_new_entries=True, objective="val_accuracy")
    assert {t.hyperparameters.values["learning_rate"] for t in tuner.oracle.trials.values()} == {1e-4}
    assert [type(hp).__name__ for hp in tuner.oracle.get_space().space] == ["Fixed", "Int", "Boolean"]

    tuner = search(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae"], objective="val_loss")
    assert tuner.get_best_models()[0].loss == "mse"


def test_a_hyperparameters_object_may_be_filled_by_hand(kt):
    hp = kt.HyperParameters()
    hp.values["model_type"] = "cnn"
    assert hp.Choice("model_type", ["mlp", "cnn"]) == "cnn"
    hp.values["model_type"] = "mlp"
    assert hp.Choice("model_type", ["mlp", "cnn"]) == "mlp"


def test_a_tuner_that_subclasses_may_put_the_space_off(kt, sub, images):
    """AutoKeras learns the space only when it has seen the data, and overrides the seams that are made for it."""
    train, validation = images
    calls = []

    class Late(kt.RandomSearch):
        def _populate_initial_space(self):
            calls.append("put off")

        def _build_and_fit_model(self, trial, *args, **kwargs):
            calls.append("own fit")
            return super()._build_and_fit_model(trial, *args, **kwargs)

        def _build_hypermodel(self, hp):
            with sub("engine.tuner").maybe_distribute(self.distribution_strategy):
                return super()._build_hypermodel(hp)

        def search(self, *args, **kwargs):
            super()._populate_initial_space()
            super().search(*args, **kwargs)

    tuner = Late(Classifier.build, objective="val_loss", max_trials=1, directory="my_dir")
    assert calls == ["put off"] and tuner.oracle.get_space().space == []
    tuner.search(*train, epochs=1, validation_data=validation, verbose=0)
    assert calls == ["put off", "own fit"]
    assert os.path.exists(tuner._get_checkpoint_fname("0"))
