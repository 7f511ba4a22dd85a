"""A Keras trial in segments: what callbacks see, what a pause keeps, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")
from modelwright.core.errors import ArgumentError, ObjectiveError, StoreError, SubjectError
from modelwright.core.objective import Objective
from modelwright.training.keras import KerasSession, Plan, keras

LOSS = (Objective("val_loss", "min"),)


def go(epoch, logs):
    return "go"


def data(rows=96):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6)).astype("float32")
    return x, (x.sum(1) > 0).astype("int32")


def build(rate=0.01, norm=True):
    keras.utils.set_random_seed(7)
    layers = [keras.layers.Input((6,)), keras.layers.Dense(8, activation="relu")]
    layers += [keras.layers.BatchNormalization()] if norm else []
    model = keras.Sequential([*layers, keras.layers.Dropout(0.3), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def session(model=None, *, epochs=6, objectives=LOSS, fit_arguments=(), **kwargs):
    arguments = {"validation_split": 0.25, "batch_size": 16, **dict(fit_arguments)}
    plan = Plan(epochs=epochs, fit_arguments=arguments, **kwargs)
    return KerasSession(model or build(), data(), objectives=objectives, plan=plan, seed=3)


class Witness(keras.callbacks.Callback):
    """Writes down what a callback sees."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append(("begin", self.params["epochs"]))

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append((epoch, self.params["epochs"], self.params["steps"], self.model is not None))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, sorted(logs)))


def test_reports_every_epoch_from_one_and_keeps_the_best_weights():
    trial, seen = session(), []
    segment = trial.train(0, 4, lambda epoch, logs: seen.append((epoch, logs["val_loss"])) or "go")
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
    best = min(seen, key=lambda pair: pair[1])
    assert segment.best_epoch == best[0] and segment.metrics["val_loss"] == best[1]
    trial.load_best()
    x, y = data()
    again = trial.model.evaluate(x[72:], y[72:], batch_size=16, return_dict=True, verbose=0)
    assert again["val_loss" if "val_loss" in again else "loss"] == pytest.approx(best[1], rel=1e-6)


def test_callbacks_see_one_fit_that_goes_on():
    trial = session(fit_arguments={"callbacks": [Witness]}, epochs=5)
    trial.train(0, 2, go)
    trial.train(2, 5, go)
    seen = trial.callbacks[0].seen
    logs = ["accuracy", "loss", "val_accuracy", "val_loss"]
    rows = [row for row in seen if row[0] != "begin"]
    assert rows == [row for epoch in range(5) for row in ((epoch, 5, 5, True), (epoch, logs))]
    history = trial.model.history
    assert history.epoch == [0, 1, 2, 3, 4] and len(history.history["loss"]) == 5


def test_decisions_end_a_segment():
    for decision, state in (("pause", "paused"), ("stop", "pruned")):
        segment = session().train(0, 6, lambda epoch, logs, d=decision: d if epoch == 2 else "go")
        assert (segment.state, segment.stopped_by, segment.epochs) == (state, "decision", 2)


def test_a_callback_that_stops_early_completes_the_trial():
    stopper = keras.callbacks.EarlyStopping("val_loss", min_delta=100.0, patience=1)
    segment = session(fit_arguments={"callbacks": [stopper]}).train(0, 6, go)
    assert (segment.state, segment.stopped_by, segment.epochs) == ("complete", "callback", 2)
    assert getattr(stopper, "_model", None) is None, "the user's own instance is left alone"


def test_a_missing_objective_is_said_after_the_first_epoch():
    asked = []
    trial = session(objectives=(Objective("val_f1", "max"),))
    with pytest.raises(ObjectiveError, match=r"'val_f1'.*accuracy, loss, val_accuracy, val_loss"):
        trial.train(0, 6, lambda epoch, logs: asked.append(epoch) or "go")
    assert asked == []
    without = KerasSession(build(), data(), objectives=LOSS, plan=Plan(epochs=3))
    with pytest.raises(ObjectiveError, match="validation_split"):
        without.train(0, 3, go)


def test_an_objective_measured_elsewhere_is_not_missed():
    trial = session(objectives=(LOSS[0], Objective("latency_ms", "min")), elsewhere=["latency_ms"])
    assert trial.train(0, 1, go).state == "complete"


def test_nan_ends_the_trial_as_infeasible():
    x, y = data()
    x[5, 2] = np.nan
    trial = KerasSession(build(), (x, y), objectives=(Objective("loss", "min"),), plan=Plan(epochs=5))
    segment = trial.train(0, 5, go)
    assert segment.state == "infeasible" and segment.epochs == 1
    assert segment.error is not None and segment.error.kind == "nan"


def test_an_argument_that_fit_does_not_know_is_refused():
    with pytest.raises(ArgumentError, match=r"^fit: .*'batchsize'.*batch_size"):
        session(fit_arguments={"batchsize": 3})


@pytest.mark.parametrize("accelerate", [True, False])
def test_watchers_are_used_as_they_are(accelerate):
    watcher = Witness()
    trial = session(watchers=[watcher], epochs=4, accelerate=accelerate)
    trial.train(0, 2, go)
    assert watcher.seen[0] == ("begin", 4) and len(watcher.seen) == 5 and not trial.exact_resume


def test_models_that_cannot_be_trained_are_refused():
    with pytest.raises(SubjectError, match="not compiled"):
        session(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(SubjectError, match="NoneType"):
        KerasSession(None, data(), objectives=LOSS, plan=Plan())


def test_a_segment_starts_where_the_last_one_ended():
    trial = session()
    trial.train(0, 2, go)
    with pytest.raises(ArgumentError, match="from 2"):
        trial.train(3, 4, go)


def test_a_callback_that_cannot_be_copied_is_named():
    class Stubborn(keras.callbacks.Callback):
        def __deepcopy__(self, memo):
            raise TypeError("it holds a lock")

    with pytest.raises(ArgumentError, match=r"callbacks\[0\]: Stubborn .*lambda: Stubborn"):
        session(fit_arguments={"callbacks": [Stubborn()]})


def test_a_fit_of_its_own_is_served():
    def fit(model, *args, **kwargs):
        kwargs["callbacks"] = [*kwargs["callbacks"], keras.callbacks.TerminateOnNaN()]
        return model.fit(*args, batch_size=24, **{k: v for k, v in kwargs.items() if k != "batch_size"})

    trial = session(fit=fit, epochs=4)
    first = trial.train(0, 2, go)
    second = trial.train(2, 4, go)
    assert (first.epochs, second.epochs, second.state) == (2, 4, "complete")
    assert isinstance(second.returned, keras.callbacks.History)
    assert second.note["exact_resume"] is False and "fit of its own" in second.note["why_not_exact"]


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    trial = session()
    trial.train(0, 1, go)
    trial.save(tmp_path / "a.ckpt")
    other = session(build(norm=False))
    with pytest.raises(StoreError, match="other shapes"):
        other.restore(tmp_path / "a.ckpt")
        other.train(1, 2, go)


def test_the_best_model_is_a_plain_keras_file(tmp_path):
    trial = session()
    trial.train(0, 3, go)
    trial.save_model(tmp_path / "best.keras")
    loaded = keras.saving.load_model(tmp_path / "best.keras")
    x, _ = data()
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), trial.model.predict(x, verbose=0))
