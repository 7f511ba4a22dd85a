"""Data of Keras studies: every kind that ``fit`` takes, functions that make it, and what is refused."""

import numpy as np
import pytest

import modelwright as mw

keras = pytest.importorskip("keras", reason="keras is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int32")
HELD = X[90:], Y[90:]
QUIET = {"strategy": "random", "store": ":memory:", "verbose": 0, "objective": "val_loss", "trials": 2, "epochs": 2}


def build(hp):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def tune(*data, subject=build, **options):
    return mw.tune(subject, *data, **{**QUIET, **options})


def curves(study):
    return [[metrics["val_loss"] for _, metrics in trial.history] for trial in study.trials]


class Rows(keras.utils.PyDataset):
    """Batches of 30 rows; without an end when asked."""

    def __init__(self, x=X[:90], y=Y[:90], endless=False):
        super().__init__()
        self.x, self.y, self.endless = x, y, endless

    @property
    def num_batches(self):
        return None if self.endless else len(self.x) // 30

    def __getitem__(self, index):
        at = index % 3 * 30
        return self.x[at : at + 30], self.y[at : at + 30]


def batches():
    for start in (0, 30, 60):
        yield X[start : start + 30], Y[start : start + 30]


def held_batches():
    yield HELD


UNSHUFFLED = {"shuffle": False}


@pytest.fixture(scope="module")
def expected():
    """The curves that arrays give."""
    return curves(tune(X[:90], Y[:90], validation_data=HELD, batch_size=30, fit=UNSHUFFLED))


@pytest.mark.parametrize(
    ("source", "held", "options"),
    [
        (Rows(), Rows(*HELD), {}),
        (Rows, lambda: Rows(*HELD), {}),
        (batches, held_batches, {}),
        (lambda: (X[:90], Y[:90]), lambda: HELD, {"batch_size": 30}),
    ],
    ids=["sets", "sets made", "batches", "arrays made"],
)
def test_the_same_rows_give_the_same_curves_wherever_they_come_from(source, held, options, expected):
    found = curves(tune(source, validation_data=held, fit=UNSHUFFLED, **options))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_generator_function_is_read_anew_for_every_pass_without_warnings(recwarn):
    passes = []

    def counted():
        passes.append(0)
        for batch in batches():
            passes[-1] += 1
            yield batch

    study = tune(counted, validation_data=HELD, epochs=3, trials=2)
    assert passes.count(3) == 6, "three epochs of two trials"
    assert not [w for w in recwarn if "ran out of data" in str(w.message)]
    assert all(not t.facts["exact_resume"] and "makes a generator" in t.facts["why_not_exact"] for t in study.trials)


def test_a_function_is_called_once_in_each_process():
    calls = []

    def made():
        calls.append(1)
        return X, Y

    study = tune(made, validation_split=0.25, trials=3)
    assert len(calls) == 1 and all(t.facts["exact_resume"] for t in study.trials)


def test_what_a_function_draws_is_decided_by_the_seed():
    def made():
        order = np.random.permutation(len(X))
        return X[order], Y[order]

    assert curves(tune(made, validation_split=0.25)) == curves(tune(made, validation_split=0.25))


def test_functions_make_the_data_of_each_worker():
    alone = tune(batches, validation_data=held_batches)
    together = tune(batches, validation_data=held_batches, workers=2)
    np.testing.assert_allclose(curves(together), curves(alone), rtol=1e-5)


def test_an_endless_set_takes_as_many_steps_as_it_is_told():
    study = tune(Rows(endless=True), validation_data=HELD, fit={"steps_per_epoch": 5})
    assert int(study.best_model().optimizer.iterations) == 10
    with pytest.raises(mw.ArgumentError, match="never ends.*steps_per_epoch"):
        tune(Rows(endless=True), validation_data=HELD)
    with pytest.raises(mw.ArgumentError, match="never ends.*validation_steps"):
        tune(X, Y, validation_data=Rows(endless=True))


def two_inputs(hp):
    a, b = keras.layers.Input((4,), name="a"), keras.layers.Input((2,), name="b")
    h = keras.layers.Concatenate()([keras.layers.Dense(hp.Int("units", 2, 4))(a), b])
    outputs = {"p": keras.layers.Dense(2, activation="softmax", name="p")(h), "q": keras.layers.Dense(1, name="q")(h)}
    model = keras.Model({"a": a, "b": b}, outputs)
    model.compile("adam", {"p": "sparse_categorical_crossentropy", "q": "mse"}, metrics={"p": ["accuracy"]})
    return model


@pytest.mark.parametrize("split", [{"validation_split": 0.25}, {"cv": 2}], ids=lambda split: next(iter(split)))
def test_several_inputs_and_outputs_are_dicts_of_arrays(split):
    x, y = {"a": X, "b": X[:, :2]}, {"p": Y, "q": X[:, :1]}
    study = tune(x, y, subject=two_inputs, objective="val_p_accuracy", trials=1, **split)
    assert 0 <= study.best.value <= 1
    epochs = study.best.best_step or 2
    assert int(study.refit().optimizer.iterations) == epochs * 4, "120 rows in batches of 32"


def test_pandas_frames_are_split_and_put_together_by_rows(expected):
    pandas = pytest.importorskip("pandas")
    x, y = pandas.DataFrame(X, index=RNG.permutation(120)), pandas.Series(Y)
    frames = tune(x[:90], y[:90], validation_data=(x[90:], y[90:]), batch_size=30, fit=UNSHUFFLED)
    np.testing.assert_allclose(curves(frames), expected, rtol=1e-6)
    assert int(frames.refit().optimizer.iterations) == frames.best.best_step * 4
    assert tune(x, y, cv=3, trials=1).best.value > 0
    x["name"] = "text"
    with pytest.raises(mw.ArgumentError, match="x holds .*no numbers"):
        tune(x, y, validation_split=0.25)


def test_refit_puts_sets_of_one_kind_together_and_says_what_it_leaves_out():
    study = tune(Rows(), validation_data=Rows(*HELD))
    assert int(study.refit().optimizer.iterations) == study.best.best_step * 4
    study = tune(Rows(), validation_data=HELD)
    with pytest.warns(UserWarning, match="leaves the validation data out: a keras.utils.PyDataset and arrays"):
        assert int(study.refit().optimizer.iterations) == study.best.best_step * 3


def test_refit_trains_without_callbacks_that_watch_the_validation(recwarn):
    stop = [lambda: keras.callbacks.EarlyStopping("val_loss", patience=1)]
    tune(X, Y, validation_split=0.25, callbacks=stop).refit()
    assert not [w for w in recwarn if "val_loss" in str(w.message)]


def test_a_model_with_steps_of_its_own_needs_no_targets():
    class Coder(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(4)

        def call(self, inputs):
            return self.layer(inputs)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(keras.ops.square(x - y_pred))

    def coder(hp):
        model = Coder()
        model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1)))
        return model

    study = tune(X, subject=coder, objective="loss", epochs=3, strategy="hyperband", trials=3)
    assert all(t.state in ("complete", "paused") for t in study.trials) and study.best_model() is not None


class Plain(keras.Model):
    """It can be trained, but not saved: it has no ``get_config``."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs)


@pytest.mark.parametrize("save_whole", [False, True], ids=["its weights are kept", "its file is unknown elsewhere"])
def test_models_that_keras_cannot_make_by_itself_are_built_by_their_own_code(tmp_path, save_whole):
    class Local(keras.Sequential):
        pass

    def custom(hp):
        dense = keras.layers.Dense(hp.Choice("classes", [2, 3]), activation="softmax")
        model = Local([keras.layers.Input((4,)), dense]) if save_whole else Plain(dense)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    study = tune(
        X, Y, subject=custom, validation_data=HELD, objective="val_accuracy", store=tmp_path / "s.db", name="s"
    )
    assert all(t.state == "complete" for t in study.trials)
    found = study.best_model().evaluate(*HELD, verbose=0, return_dict=True)["accuracy"]
    assert found == pytest.approx(study.best.value)
    with pytest.raises(mw.StudyError, match="get_config"):
        mw.load_study("s", tmp_path / "s.db").best_model()


def test_a_model_that_waits_for_its_first_batch_is_measured_then():
    def lazy(hp):
        model = keras.Sequential([keras.layers.Dense(hp.Choice("units", [2, 50])), keras.layers.Dense(2)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    study = tune(X, Y, subject=lazy, validation_split=0.25, strategy="grid", max_model_size=100)
    assert {t.config["units"]: t.state for t in study.trials} == {2: "complete", 50: "infeasible"}
    assert {t.error.kind for t in study.trials if t.error} == {"size"}


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((batches(),), {"validation_data": HELD}, "data: x is a generator.*without calling it"),
        ((X, Y), {"validation_data": held_batches()}, "validation_data: x is a generator"),
        ((X, Y), {"validation_data": (X, Y[:7])}, "validation_data: .*different numbers of rows: .120, 7"),
        (({"a": X, "b": X[:9]}, Y), {}, "120, 9, 120"),
        (([object()] * 9, Y[:9]), {}, "x is a list of plain values.*np.array"),
        ((3, Y), {}, "x is an int.*torch DataLoader"),
        ((Rows(), Y), {}, "y given beside a keras.utils.PyDataset"),
        ((Rows(),), {"batch_size": 8}, "batch_size has no effect on a keras.utils.PyDataset"),
        ((Rows(),), {"validation_split": 0.2}, "needs arrays, got a keras.utils.PyDataset"),
        ((Rows(X[:0], Y[:0]),), {}, "holds no batches"),
        ((Rows(),), {"cv": 2, "validation_data": None}, "cross-validation needs arrays"),
        ((X, Y), {"validation_split": "half"}, "validation_split='half'"),
        ((X.astype("datetime64[s]"), Y), {}, "x holds dates"),
        ((lambda: None,), {"validation_data": HELD}, "returned None"),
        ((lambda: iter(()),), {"validation_data": HELD}, "the generator yields nothing"),
        ((lambda: iter([X, X]),), {"validation_data": HELD}, "yields ndarray.*sample_weight"),
        ((lambda: (X, Y[:5]),), {"validation_data": HELD}, "120, 5"),
        ((lambda: (X, Y),), {"batch_size": 0}, "batch_size=0"),
    ],
)
def test_data_that_cannot_be_read_are_named(data, options, message):
    split = {} if "validation_data" in options else {"validation_split": 0.25}
    if data and isinstance(data[0], Rows) and "validation_split" not in options:
        split = {"validation_data": HELD}
    with pytest.raises(mw.ArgumentError, match=message):
        tune(*data, **{**split, **options})
