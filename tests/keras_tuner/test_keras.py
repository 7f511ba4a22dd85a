"""Keras models: training, callbacks, hooks, the best epoch, and models that cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest

keras = pytest.importorskip("keras")


def search(tuner, data, **kwargs):
    kwargs.setdefault("epochs", 2)
    tuner.search(*data, verbose=0, validation_split=0.25, **kwargs)


def test_the_best_model_comes_back_with_the_weights_of_its_best_epoch(kt, build, tiny, tmp_path):
    seen = {}

    class Watched(kt.RandomSearch):
        def on_epoch_end(self, trial, model, epoch, logs=None):
            seen.setdefault(trial.trial_id, []).append((logs["val_loss"], model.get_weights()))

    tuner = Watched(build, objective="val_loss", max_trials=2, seed=3, directory=tmp_path, project_name="p")
    search(tuner, tiny, epochs=4)
    best = tuner.oracle.get_best_trials()[0]
    epochs = seen[best.trial_id]
    losses = [value for value, _ in epochs]
    assert best.score == pytest.approx(min(losses)) and best.best_step == int(np.argmin(losses))
    (model,) = tuner.get_best_models()
    for kept, there in zip(model.get_weights(), epochs[best.best_step][1], strict=True):
        np.testing.assert_array_equal(kept, there)
    x, y = tiny
    assert model.evaluate(x[24:], y[24:], verbose=0)[0] == pytest.approx(best.score, rel=1e-4)
    assert len(tuner.get_best_models(2)) == 2


def test_the_files_of_a_trial(kt, build, tiny, tmp_path):
    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    search(tuner, tiny)
    folder = tmp_path / "p" / "trial_0"
    assert {"trial.json", "build_config.json", "checkpoint.weights.h5"} == {f.name for f in folder.iterdir()}
    assert "input_shape" in json.loads((folder / "build_config.json").read_text())
    observed = json.loads((folder / "trial.json").read_text())["metrics"]["metrics"]
    assert {"loss", "acc", "val_loss", "val_acc"} <= set(observed)


def test_each_execution_has_its_own_callbacks_and_their_mean_counts(kt, build, tiny, tmp_path):
    made, finals = [], []

    class Note(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.trained = 0

        def on_train_begin(self, logs=None):
            self.trained += 1
            made.append(self.trained)

        def on_epoch_end(self, epoch, logs=None):
            finals.append(logs["val_loss"])

    given = Note()
    tuner = kt.RandomSearch(
        build, objective="val_loss", max_trials=2, executions_per_trial=2, directory=tmp_path, project_name="p"
    )
    search(tuner, tiny, epochs=1, callbacks=[given])
    assert made == [1, 1, 1, 1] and given.trained == 0
    scores = [t.score for t in tuner.oracle.trials.values()]
    assert scores == pytest.approx([np.mean(finals[:2]), np.mean(finals[2:])])
    observations = tuner.oracle.trials["0"].metrics.get_history("val_loss")
    assert len(observations) == 1


def test_callbacks_that_cannot_be_copied_are_refused(kt, sub, build, tiny, tmp_path):
    class Stubborn(keras.callbacks.Callback):
        def __deepcopy__(self, memo):
            raise RuntimeError("mine")

    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    with pytest.raises(sub("errors").FatalValueError, match="copy"):
        search(tuner, tiny, callbacks=[Stubborn()])


def test_hooks_of_epochs_and_batches(kt, build, tiny, tmp_path):
    calls = []

    class Watched(kt.RandomSearch):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            calls.append(("epoch", epoch))

        def on_batch_begin(self, trial, model, batch, logs):
            calls.append(("begin", batch))

        def on_batch_end(self, trial, model, batch, logs=None):
            assert isinstance(model, keras.Model) and "loss" in logs
            calls.append(("end", batch))

        def on_epoch_end(self, trial, model, epoch, logs=None):
            assert "val_loss" in logs
            calls.append(("done", epoch))

    tuner = Watched(build, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    search(tuner, tiny, epochs=1, batch_size=12)
    assert calls == [("epoch", 0), ("begin", 0), ("end", 0), ("begin", 1), ("end", 1), ("done", 0)]


def test_early_stopping_and_the_history_of_a_fit(kt, build, tiny, tmp_path):
    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    stopper = keras.callbacks.EarlyStopping(monitor="val_loss", patience=0, min_delta=10.0, restore_best_weights=True)
    search(tuner, tiny, epochs=50, callbacks=[stopper])
    assert tuner.oracle.trials["0"].status == "COMPLETED"


def test_a_hypermodel_trains_its_own_way(kt, build, tiny, tmp_path):
    class Own(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, x, y, **kwargs):
            model.fit(x, y, batch_size=hp.Choice("batch", [8, 16]), **kwargs)
            return {"mine": float(model.evaluate(x, y, verbose=0)[0])}

    tuner = kt.RandomSearch(
        Own(), objective=kt.Objective("mine", "min"), max_trials=2, directory=tmp_path, project_name="p", seed=1
    )
    tuner.search(*tiny, epochs=1, verbose=0)
    assert all({"mine"} == set(t.metrics.metrics) for t in tuner.oracle.trials.values())
    assert all(t.hyperparameters.get("batch") in (8, 16) for t in tuner.oracle.trials.values())
    # The objective is known only after training: the last epoch is the one that is kept.
    (model,) = tuner.get_best_models()
    assert model.evaluate(*tiny, verbose=0)[0] == pytest.approx(tuner.oracle.get_best_trials()[0].score, rel=1e-4)


def test_a_training_loop_of_ones_own(kt, build, tiny, tmp_path):
    class Loop(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, x, y, callbacks=None, **kwargs):
            for callback in callbacks:
                callback.set_model(model)
            best = float("inf")
            for epoch in range(2):
                loss = float(model.train_on_batch(x, y)[0])
                best = min(best, loss)
                for callback in callbacks:
                    callback.on_epoch_end(epoch, logs={"my_metric": loss})
            return best

    tuner = kt.RandomSearch(
        Loop(), objective=kt.Objective("my_metric", "min"), max_trials=1, directory=tmp_path, project_name="p"
    )
    tuner.search(*tiny)
    assert len(tuner.get_best_models()) == 1


def test_batch_size_and_epochs_may_be_tuned_in_run_trial(kt, build, tiny, tmp_path):
    class Own(kt.RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 8, 16, step=8)
            return super().run_trial(trial, *args, **kwargs)

    tuner = Own(build, objective="val_loss", max_trials=2, directory=tmp_path, project_name="p")
    search(tuner, tiny, epochs=1)
    assert all("batch_size" in t.hyperparameters.values for t in tuner.oracle.trials.values())


def test_what_compile_was_given_can_be_overridden(kt, tiny, tmp_path):
    optimizer = keras.optimizers.SGD(0.125)

    def build(hp):
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 1))])
        model.compile("adam", "mae")
        return model

    tuner = kt.RandomSearch(
        build,
        objective="val_mse",
        max_trials=1,
        optimizer=optimizer,
        loss="mse",
        metrics=["mse"],
        directory=tmp_path,
        project_name="p",
    )
    search(tuner, tiny)
    model = tuner._try_build(tuner.get_best_hyperparameters()[0])
    assert isinstance(model.optimizer, keras.optimizers.SGD) and model.optimizer is not optimizer
    assert float(model.optimizer.learning_rate) == 0.125 and model.loss == "mse"


def test_a_build_that_returns_no_model_is_fatal(kt, sub, tiny, tmp_path):
    tuner = kt.RandomSearch(lambda hp: 3, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    with pytest.raises(sub("errors").FatalTypeError, match="Keras"):
        search(tuner, tiny)


def test_models_that_are_too_large_fail(kt, build, tiny, tmp_path):
    hp = kt.HyperParameters()
    hp.Choice("units", [2, 3])
    # Two units: 4 * 2 + 2 + 2 + 1 = 13 parameters; three: 19.
    tuner = kt.GridSearch(
        build,
        objective="val_loss",
        hyperparameters=hp,
        tune_new_entries=False,
        max_model_size=15,
        directory=tmp_path,
        project_name="p",
    )
    search(tuner, tiny, epochs=1)
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert "Oversized" in tuner.oracle.trials["0001"].message


def test_hyperband_trains_as_planned_and_goes_on_with_trained_weights(kt, build, tiny, tmp_path):
    spans = {}

    class Watched(kt.Hyperband):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            spans.setdefault(trial.trial_id, []).append(epoch)

    tuner = Watched(build, objective="val_loss", max_epochs=4, factor=2, seed=0, directory=tmp_path, project_name="p")
    search(tuner, tiny, epochs=99)
    for trial_id, trial in tuner.oracle.trials.items():
        values = trial.hyperparameters.values
        assert spans[trial_id] == list(range(values["tuner/initial_epoch"], values["tuner/epochs"]))
    promoted = next(t for t in tuner.oracle.trials.values() if "tuner/trial_id" in t.hyperparameters.values)
    before = tuner.oracle.get_trial(promoted.hyperparameters["tuner/trial_id"])
    start = tuner._build_hypermodel(promoted.hyperparameters)
    for loaded, there in zip(start.get_weights(), tuner.load_model(before).get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, there)
    assert len(tuner.get_best_models()) == 1


def test_a_model_that_builds_itself_late_comes_back(kt, tiny, tmp_path):
    def build(hp):
        model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 3)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    search(tuner, tiny)
    (model,) = tuner.get_best_models()
    assert model.predict(tiny[0], verbose=0).shape == (32, 1)


def test_any_generator_of_data_will_do(kt, build, tiny, tmp_path):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return tiny[0][index * 8 : index * 8 + 8], tiny[1][index * 8 : index * 8 + 8]

    tuner = kt.RandomSearch(build, objective="val_loss", max_trials=1, directory=tmp_path, project_name="p")
    tuner.search(Batches(), validation_data=tiny, epochs=1, verbose=0)
    assert tuner.oracle.trials["0"].status == "COMPLETED"
