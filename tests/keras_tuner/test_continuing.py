"""Promoted trials of Hyperband: they train on as if nothing had stopped them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from modelwright.training.keras_state import read_state

keras = pytest.importorskip("keras")
if keras.backend.backend() != "jax":
    pytest.skip("bit-equality is promised for JAX", allow_module_level=True)

CALLBACKS = [
    keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.05),
    keras.callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True),
]


def build(hp):
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(hp.Choice("units", [6, 7]), activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


class Recorder(keras.callbacks.Callback):
    """What every epoch measured, and the whole state of the model behind the last one, before training ends."""

    def __init__(self, last):
        super().__init__()
        self.last, self.logs, self.state = last, {}, {}

    def on_epoch_end(self, epoch, logs=None):
        self.logs[epoch] = dict(logs or {})
        if epoch + 1 == self.last:
            self.state = read_state(self.model)


@pytest.fixture
def watched(kt, tmp_path):
    """Hyperband with 3 epochs, then 10; each trial's epochs and final state are recorded."""

    class Watched(kt.Hyperband):
        def __init__(self, hypermodel, **kwargs):
            self.seen = {}
            plan = {"max_epochs": 10, "factor": 4, "seed": 2, "objective": "val_loss", "directory": tmp_path}
            super().__init__(hypermodel, **{**plan, **kwargs})

        def on_epoch_begin(self, trial, model, epoch, logs=None):
            self.seen.setdefault(trial.trial_id, (Recorder(trial.hyperparameters["tuner/epochs"]), epoch, []))
            self.seen[trial.trial_id][2].append(int(model.optimizer.iterations))

        def on_epoch_end(self, trial, model, epoch, logs=None):
            recorder = self.seen[trial.trial_id][0]
            recorder.set_model(model)
            recorder.on_epoch_end(epoch, logs)

    return Watched


def promoted(tuner):
    """The trial that went on, and the one it stems from."""
    trials = tuner.oracle.trials
    (found,) = [t for t in trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    return found, trials[found.hyperparameters["tuner/trial_id"]]


def in_one_go(trial, data, **arguments):
    """The same model trained without a stop."""
    model, recorder = build(trial.hyperparameters), Recorder(10)
    callbacks = [*copy.deepcopy(CALLBACKS), recorder]
    model.fit(*data, epochs=10, callbacks=callbacks, validation_split=0.25, batch_size=8, verbose=0, **arguments)
    return recorder


def search(tuner, data, callbacks=CALLBACKS, **arguments):
    tuner.search(*data, validation_split=0.25, batch_size=8, callbacks=callbacks, verbose=0, **arguments)


def assert_goes_on_exactly(tuner, data):
    trial, before = promoted(tuner)
    recorder, first, _ = tuner.seen[trial.trial_id]
    assert (first, sorted(recorder.logs)) == (3, list(range(3, 10)))
    expected = in_one_go(trial, data)
    assert tuner.seen[before.trial_id][0].logs == {epoch: expected.logs[epoch] for epoch in range(3)}
    assert recorder.logs == {epoch: expected.logs[epoch] for epoch in range(3, 10)}
    assert set(recorder.state) == set(expected.state)
    for name, array in expected.state.items():
        np.testing.assert_array_equal(recorder.state[name], array, err_msg=name)


def test_three_and_seven_epochs_are_ten(watched, tiny):
    tuner = watched(build)
    search(tuner, tiny)
    assert_goes_on_exactly(tuner, tiny)


def test_so_they_are_with_a_fit_of_ones_own_that_trains_once(kt, watched, tiny):
    class Own(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            return model.fit(*args, shuffle=True, **kwargs)

    tuner = watched(Own())
    search(tuner, tiny)
    assert_goes_on_exactly(tuner, tiny)


def test_so_they_are_when_the_search_was_ended_between(watched, tiny):
    class Ended(BaseException):
        pass

    class Once(watched):
        def on_trial_begin(self, trial):
            if "tuner/trial_id" in trial.hyperparameters.values:
                raise Ended

    with pytest.raises(Ended):
        search(Once(build), tiny)
    np.random.seed(1)
    tuner = watched(build)
    search(tuner, tiny)
    trial, _ = promoted(tuner)
    expected = in_one_go(trial, tiny)
    assert tuner.seen[trial.trial_id][0].logs == {epoch: expected.logs[epoch] for epoch in range(3, 10)}


def test_nothing_is_left_of_it_and_the_generators_are_the_users(watched, tiny, tmp_path):
    states = {}

    class Looks(watched):
        def on_trial_begin(self, trial):
            states[trial.trial_id] = np.random.get_state()[1].tolist()

        def on_trial_end(self, trial):
            if "tuner/trial_id" in trial.hyperparameters.values:
                assert np.random.get_state()[1].tolist() == states[trial.trial_id]
            else:
                assert list((tmp_path / "untitled_project" / f"trial_{trial.trial_id}").glob("continue*"))
            super().on_trial_end(trial)

    search(Looks(build), tiny)
    assert not list(tmp_path.rglob("continue*"))


@pytest.mark.parametrize("kind", ["stopped early", "trained twice", "a damaged file"])
def test_where_there_is_no_such_end_the_best_epoch_is_where_it_begins(kt, watched, tiny, tmp_path, kind):
    class Twice(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            if kind == "trained twice":
                model.fit(*args, **kwargs)
            return model.fit(*args, **kwargs)

    class Damages(watched):
        def on_trial_end(self, trial):
            for file in tmp_path.rglob("continue*"):
                file.write_bytes(file.read_bytes()[:-9] if kind == "a damaged file" else file.read_bytes())
            super().on_trial_end(trial)

    stopper = keras.callbacks.EarlyStopping("val_loss", patience=0, baseline=-1.0)
    tuner = Damages(Twice())
    if kind == "a damaged file":
        with pytest.warns(UserWarning, match="best epoch instead"):
            search(tuner, tiny)
    else:
        search(tuner, tiny, callbacks=[stopper] if kind == "stopped early" else [])
    trial, before = promoted(tuner)
    steps = tuner.seen[trial.trial_id][2]
    offset = 9 if kind == "trained twice" else 0
    assert steps[0] in (3 * (before.best_step + 1), 3 * (before.best_step + 1) + offset)
    assert trial.status == "COMPLETED"
