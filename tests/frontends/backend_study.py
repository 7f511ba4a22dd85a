"""What has to hold on every backend of Keras, as functions; run as a script by ``test_keras_backends``.

python backend_study.py FOLDER prints one JSON object: name -> "" when it held, "skip: ..." or a traceback.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

import modelwright as mw
from modelwright.core.objective import Objective
from modelwright.training.keras import KerasSession, keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6)).astype("float32")
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype("int32")
HELD = X[150:], Y[150:]
QUIET = {"objective": "val_accuracy", "store": ":memory:", "verbose": 0, "strategy": "random", "trials": 2, "epochs": 2}
BACKEND = keras.backend.backend()


class SkipError(Exception):
    """A package is missing."""


def need(package):
    if importlib.util.find_spec(package) is None:
        raise SkipError(f"{package} is not installed")
    return importlib.import_module(package)


def layers_of(hp, lazy=False):
    first = [] if lazy else [keras.layers.Input((6,))]
    hidden = keras.layers.Dense(hp.Int("units", 4, 16, step=4), activation="relu")
    last = keras.layers.Dense(2, activation="softmax")
    return [*first, hidden, keras.layers.BatchNormalization(), keras.layers.Dropout(0.2), last]


def build(hp, lazy=False):
    model = keras.Sequential(layers_of(hp, lazy))
    rate = keras.optimizers.schedules.ExponentialDecay(hp.Float("rate", 1e-3, 1e-1, sampling="log"), 20, 0.9)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Own(keras.Model):
    """A subclassed model, which exists only when it has seen a batch."""

    def __init__(self, units):
        super().__init__()
        self.hidden, self.drop = keras.layers.Dense(units, activation="relu"), keras.layers.Dropout(0.2)
        self.last = keras.layers.Dense(2, activation="softmax")

    def call(self, inputs, training=False):
        return self.last(self.drop(self.hidden(inputs), training=training))


def build_own(hp):
    model = Own(hp.Int("units", 4, 16, step=4))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def tune(*data, subject=build, **options):
    return mw.tune(subject, *data, **{**QUIET, **options})


def curves(study, name="val_loss"):
    return [[metrics[name] for _, metrics in trial.history] for trial in study.trials]


# --- searching -----------------------------------------------------------------------------------------


def paused_trials_go_on():
    for subject in (build, lambda hp: build(hp, lazy=True), build_own):
        study = tune(X, Y, subject=subject, strategy="hyperband", trials=7, epochs=9, validation_split=0.25)
        assert not [t.error for t in study.trials if t.error], study.trials
        full = [t for t in study.trials if t.fidelity == 1]
        assert full and all([step for step, _ in t.history] == list(range(1, 10)) for t in full)
        assert not any(t.facts["restarts"] for t in full)
        for trial in full:
            assert trial.value == max(m["val_accuracy"] for _, m in trial.history)
            exact, why = trial.facts["exact_resume"], trial.facts.get("why_not_exact", "")
            assert exact is (BACKEND == "jax") and (exact or BACKEND in why), why
        measured = study.best_model().evaluate(*HELD, verbose=0, return_dict=True)
        assert abs(measured["accuracy"] - study.best.value) < 1e-6


def a_checkpoint_keeps_optimizer_schedule_and_callbacks():
    folder = Path(tempfile.mkdtemp())
    for subject in (build, lambda hp: build(hp, lazy=True)):
        rows = []
        for _ in range(2):
            stop = keras.callbacks.EarlyStopping("val_loss", patience=50)
            session = KerasSession(
                subject(mw.HyperParameters()),
                (X, Y),
                objectives=(Objective("val_loss", "min"),),
                epochs=10,
                fit_arguments={"validation_split": 0.25, "batch_size": 30, "callbacks": [stop]},
            )
            if rows:
                session.restore(folder / "a.ckpt")
            segment = session.train(session.epochs, session.epochs + 3, lambda epoch, logs: "go")
            session.save(folder / "a.ckpt")
            rows.append((int(session.model.optimizer.iterations), segment.epochs))
            moments = [np.abs(keras.ops.convert_to_numpy(v)).sum() for v in session.model.optimizer.variables[2:]]
            assert all(moment > 0 for moment in moments)
            assert session.callbacks[0].best is not None and session.progress.best is not None
            assert len(session.model.history.epoch) == segment.epochs
        assert rows == [(15, 3), (30, 6)], rows


def two_workers_find_the_same_configurations():
    alone, together = (tune(X, Y, validation_split=0.25, trials=3, workers=n) for n in (1, 2))
    assert [t.config for t in together.trials] == [t.config for t in alone.trials]
    assert all(t.state == "complete" for t in together.trials)
    together.best_model().predict(X, verbose=0)


def the_same_seed_gives_the_same_scores():
    runs = [curves(tune(X, Y, validation_split=0.25, seed=4)) for _ in range(2)]
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-5)


def a_stored_study_is_resumed_refitted_and_reported():
    folder = Path(tempfile.mkdtemp())
    options = {"validation_split": 0.25, "store": folder / "s.db", "name": "s"}
    before = tune(X, Y, **options)
    study = tune(X, Y, **{**options, "trials": 4})
    assert [t.config for t in study.trials][:2] == [t.config for t in before.trials] and len(study.trials) == 4
    assert int(study.refit().optimizer.iterations) == study.best.best_step * 7
    assert study.report(folder / "s.html").stat().st_size > 10_000
    model = mw.load_study("s", folder / "s.db").best_model()
    np.testing.assert_allclose(model.predict(X, verbose=0), study.best_model().predict(X, verbose=0), rtol=1e-5)
    model.save(folder / "again.keras")
    again = keras.saving.load_model(folder / "again.keras")
    np.testing.assert_allclose(model.predict(X, verbose=0), again.predict(X, verbose=0), rtol=1e-5)


def a_plateau_lowers_the_rate():
    def plain(hp):
        model = build(hp)
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    watch = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=10.0)
    study = tune(X, Y, subject=plain, validation_split=0.25, epochs=4, callbacks=[watch], trials=1)
    assert study.best.history[-1][1]["learning_rate"] < 0.1


def models_too_large_for_memory_are_infeasible():
    def huge(hp):
        model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(1)])
        if hp.Boolean("huge"):
            model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(1 << 40), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    study = tune(X, Y, subject=huge, objective="loss", strategy="grid", epochs=1)
    states = {t.config["huge"]: t.state for t in study.trials}
    assert states == {False: "complete", True: "infeasible"}, [t.error for t in study.trials]


def the_drop_in_runs_hyperband():
    import modelwright.keras_tuner as kt

    for workers in (1, 2):
        tuner = kt.Hyperband(build, "val_accuracy", max_epochs=4, factor=2, directory=tempfile.mkdtemp(), seed=1)
        tuner.search(X, Y, validation_data=HELD, verbose=0, workers=workers)
        best = tuner.oracle.get_best_trials(1)[0]
        model = tuner.get_best_models()[0]
        assert abs(model.evaluate(*HELD, verbose=0, return_dict=True)["accuracy"] - best.score) < 1e-6
        promoted = [t for t in tuner.oracle.trials.values() if "tuner/trial_id" in t.hyperparameters.values]
        assert promoted and all(t.score is not None for t in promoted)


# --- data ----------------------------------------------------------------------------------------------


class Rows(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[index * 30 : index * 30 + 30], Y[index * 30 : index * 30 + 30]


def batches():
    for start in range(0, 150, 30):
        yield X[start : start + 30], Y[start : start + 30]


def expected():
    return curves(tune(X[:150], Y[:150], validation_data=HELD, batch_size=30, fit={"shuffle": False}))


def same(*data, expect=None, near=2e-4, **options):
    study = tune(*data, **{"validation_data": HELD, "fit": {"shuffle": False}, **options})
    np.testing.assert_allclose(curves(study), expected() if expect is None else expect, rtol=near)
    return study


def sets_and_generator_functions():
    expect = expected()
    same(Rows(), expect=expect)
    # Where its length is not known yet, TensorFlow draws a dropout mask for the batch that does not come.
    near = 2e-2 if BACKEND == "tensorflow" else 2e-4
    same(batches, expect=expect, near=near)
    same(batches, validation_data=lambda: iter([HELD]), epochs=2, expect=expect, near=near)
    same(lambda: (X[:150], Y[:150]), validation_data=lambda: HELD, batch_size=30, expect=expect)


def frames():
    pandas = need("pandas")
    same(pandas.DataFrame(X[:150]), pandas.Series(Y[:150]), batch_size=30)


def tensorflow_datasets():
    tf = need("tensorflow")

    def rows(x, y):
        return tf.data.Dataset.from_tensor_slices((x, y))

    train, held = rows(X[:150], Y[:150]).batch(30), rows(*HELD).batch(50)
    expect = expected()
    study = same(train, validation_data=held, expect=expect)
    assert int(study.refit().optimizer.iterations) == study.best.best_step * 6
    # Reading on where the last epoch ended takes another number from torch's generator than beginning anew.
    same(train.repeat(), validation_data=held, fit={"steps_per_epoch": 5}, expect=expect, near=2e-2)
    same(lambda: rows(X[:150], Y[:150]).batch(30), validation_data=lambda: rows(*HELD).batch(50), expect=expect)
    for data, options, message in [
        (rows(X, Y), {}, "not batched"),
        (train.repeat(), {}, "never ends"),
        (train, {"batch_size": 30}, "batch_size has no effect"),
        (train, {"workers": 2}, "cannot be sent to worker processes"),
        (train, {"validation_data": None, "validation_split": 0.2}, "needs arrays, got a tf.data.Dataset"),
    ]:
        try:
            tune(data, **{"validation_data": held, **options})
        except mw.ModelwrightError as error:
            assert message in str(error), error
        else:
            raise AssertionError(f"nothing raised: {message}")
    both = tune(
        lambda: rows(X[:150], Y[:150]).shuffle(150).batch(30),
        validation_data=lambda: rows(*HELD).batch(50),
        workers=2,
        trials=3,
    )
    assert all(t.state == "complete" for t in both.trials)


def tensors():
    x, y = keras.ops.convert_to_tensor(X[:150]), keras.ops.convert_to_tensor(Y[:150])
    same(x, y, batch_size=30)
    assert tune(x, y, cv=2, trials=1).best.value > 0
    assert tune(x, y, validation_split=0.25, trials=2, workers=2).best.value > 0


def torch_loaders():
    torch = need("torch")
    data = torch.utils.data
    train, held = (data.TensorDataset(torch.tensor(a), torch.tensor(b)) for a, b in ((X[:150], Y[:150]), HELD))
    loader, check = data.DataLoader(train, batch_size=30), data.DataLoader(held, batch_size=50)
    expect = expected()
    study = same(loader, validation_data=check, expect=expect)
    assert int(study.refit().optimizer.iterations) == study.best.best_step * 7
    same(lambda: loader, validation_data=check, expect=expect)
    shuffled = data.DataLoader(train, batch_size=30, shuffle=True)
    runs = [curves(tune(shuffled, validation_data=check)) for _ in range(2)]
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-5)
    assert tune(shuffled, validation_data=check, workers=2).best.value > 0


def several_inputs_and_outputs():
    def heads(hp):
        a, b = keras.layers.Input((6,), name="a"), keras.layers.Input((2,), name="b")
        h = keras.layers.Concatenate()([keras.layers.Dense(hp.Int("units", 2, 4))(a), b])
        p = keras.layers.Dense(2, activation="softmax", name="p")(h)
        model = keras.Model({"a": a, "b": b}, {"p": p, "q": keras.layers.Dense(1, name="q")(h)})
        model.compile("adam", {"p": "sparse_categorical_crossentropy", "q": "mse"}, metrics={"p": ["accuracy"]})
        return model

    x, y = {"a": X, "b": X[:, :2]}, {"p": Y, "q": X[:, :1]}
    study = tune(x, y, subject=heads, validation_split=0.25, objective="val_p_accuracy")
    assert study.refit() is not None


def text():
    if BACKEND != "tensorflow":
        raise SkipError("models take text on TensorFlow alone")
    words = np.array(["yes", "no", "maybe", "yes"] * 20, dtype=object)

    def reader(hp):
        lookup = keras.layers.TextVectorization(output_mode="multi_hot", vocabulary=["yes", "no", "maybe"])
        model = keras.Sequential([keras.layers.Input((), dtype="string"), lookup, keras.layers.Dense(2, "softmax")])
        model.compile(keras.optimizers.Adam(hp.Float("rate", 0.01, 0.1)), "sparse_categorical_crossentropy")
        return model

    study = tune(words, (words == "yes").astype("int32"), subject=reader, validation_split=0.25, objective="val_loss")
    assert study.best.value < 1


CHECKS = [
    paused_trials_go_on,
    a_checkpoint_keeps_optimizer_schedule_and_callbacks,
    two_workers_find_the_same_configurations,
    the_same_seed_gives_the_same_scores,
    a_stored_study_is_resumed_refitted_and_reported,
    a_plateau_lowers_the_rate,
    models_too_large_for_memory_are_infeasible,
    the_drop_in_runs_hyperband,
    sets_and_generator_functions,
    frames,
    tensorflow_datasets,
    tensors,
    torch_loaders,
    several_inputs_and_outputs,
    text,
]


def main(names):
    found = {}
    for check in CHECKS:
        if names and check.__name__ not in names:
            continue
        try:
            check()
            found[check.__name__] = ""
        except SkipError as reason:
            found[check.__name__] = f"skip: {reason}"
        except Exception:
            found[check.__name__] = traceback.format_exc()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
