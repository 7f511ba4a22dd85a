"""nas.search behind a frozen model: rows pass it once, and what comes out takes rows as they are."""

import numpy as np
import pytest

import modelwright as mw
from modelwright import nas
from modelwright.api import stems
from modelwright.core.errors import ArgumentError, StudyError

keras = pytest.importorskip("keras")
rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def stem():
    """A convolution whose features tell rows from columns, and a scaling that the user's rows need."""
    layers = keras.layers
    kernels = np.zeros((3, 3, 1, 2), "float32")
    kernels[1, :, 0, 0] = kernels[:, 1, 0, 1] = 1 / 3
    made = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Rescaling(1 / 255), layers.Conv2D(2, 3, name="lines"),
        layers.GlobalMaxPooling2D(),
    ], name="eye")  # fmt: skip
    made.get_layer("lines").set_weights([kernels, np.zeros(2, "float32")])
    return made


def bars(rows=200):
    x, y = rng.random((rows, 8, 8, 1)) * 40, np.arange(rows) % 2
    for image, label in zip(x, y, strict=True):
        at = rng.integers(1, 7)
        image[(at, slice(None)) if label else (slice(None), at)] += 200
    return x, y


def searched(x, y, stem, **options):
    def head(hp, x):
        return x.dense(hp.Int("units", 4, 16)).relu().dense(2)

    options = {
        "trials": 3,
        "epochs": 20,
        "plan": None,
        "strategy": "random",
        "verbose": 0,
        "store": ":memory:",
        **options,
    }
    return mw.nas.search(nas.Architecture(head, (2,)), x, y, stem=stem, **options)


def test_the_model_that_comes_out_takes_rows_as_they_are(stem, tmp_path):
    before = [value.copy() for value in stem.get_weights()]
    study = searched(*bars(), stem)
    model = study.best_model()
    x, y = bars(100)
    assert model.input_shape == (None, 8, 8, 1)
    assert model.evaluate(x, y, verbose=0)[1] > 0.9
    frozen = model.get_layer("eye")
    assert not frozen.trainable_weights and model.get_layer("network").trainable_weights
    for found, kept, mine in zip(frozen.get_weights(), before, stem.get_weights(), strict=True):
        np.testing.assert_array_equal(found, kept)
        np.testing.assert_array_equal(mine, kept)
    assert stem.trainable
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    together = study.ensemble(2)
    assert together.input_shape == (None, 8, 8, 1) and together.evaluate(x, y, verbose=0)[1] > 0.9


def test_one_hot_rows_are_what_the_whole_is_evaluated_with(stem):
    x, y = bars()
    study = searched(x, np.eye(2)[y], stem)
    for model in (study.best_model(), study.ensemble(2)):
        assert model.evaluate(x, np.eye(2)[y], verbose=0)[1] > 0.9


def test_rows_to_judge_by_pass_it_too(stem):
    x, y = bars(60)
    study = searched(x, y, stem, validation=bars(40), trials=1, epochs=1)
    assert len(study._settings.estimation.job.data.kept) == 40


def test_it_is_kept_once_and_a_loaded_study_has_it_too(stem, tmp_path):
    store = str(tmp_path / "s.db")
    study = searched(*bars(60), stem, trials=2, epochs=1, store=store, name="s")
    (kept,) = tmp_path.glob("**/stem/*.keras")
    left = [keras.saving.load_model(path) for path in tmp_path.glob("**/trial-*/*.keras")]
    assert len(left) == 2 and all(model.input_shape == (None, 2) for model in left)
    x, loaded = bars(20)[0], mw.load_study("s", store=store)
    for made in (lambda study: study.best_model(), lambda study: study.ensemble(2)):
        assert made(loaded).input_shape == (None, 8, 8, 1)
    found = [one.best_model().predict(x, verbose=0) for one in (study, loaded)]
    np.testing.assert_array_equal(*found)
    kept.unlink()
    with pytest.raises(StudyError, match="the file of its stem is gone"):
        loaded.best_model()
    assert study.best_model() is not None  # this process has it


def test_what_is_done_with_one_model_does_not_change_the_next(stem):
    study = searched(*bars(60), stem, trials=1, epochs=1)
    study.best_model().get_layer("eye").set_weights([np.ones((3, 3, 1, 2)), np.ones(2)])
    np.testing.assert_array_equal(study.best_model().get_layer("eye").get_weights()[0], stem.get_weights()[0])


def test_a_model_of_an_earlier_version_has_its_stem_already(stem):
    study = searched(*bars(60), stem, trials=1, epochs=1)
    whole = study.best_model()
    assert stems.whole(study, whole) is whole


def test_what_is_no_stem(stem):
    x, y = bars(60)
    two = keras.Model(stem.inputs, [stem.outputs[0], stem.layers[0].output])
    for wrong, said in (("eye", "stem is a str"), (keras.Sequential([keras.layers.Dense(2)]), "not one known input"),
                        (two, "not one known input")):  # fmt: skip
        with pytest.raises(ArgumentError, match=said):
            searched(x, y, wrong)
    with pytest.raises(ArgumentError, match=r"the shape \(6, 6, 1\), and the stem 'eye' takes \(8, 8, 1\)"):
        searched(x[:, :6, :6], y, stem)
    x[3, 2, 2, 0] = np.nan
    with pytest.raises(ArgumentError, match=r"not finite, the first at \(3, 2, 2, 0\)"):
        searched(x, y, stem)
