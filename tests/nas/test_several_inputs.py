"""Networks with several inputs: their names and their order, and images of one row that belong together."""

import warnings

import numpy as np
import pytest

from modelwright import nas
from modelwright.api.preparing import _recipe
from modelwright.core.errors import ArgumentError
from modelwright.nas import weights
from modelwright.nas.augment import augmented
from modelwright.nas.dataset import dataset, mirrors
from modelwright.nas.deploy import deployable
from modelwright.nas.recipe import Recipe
from modelwright.nas.rows import in_order_of
from modelwright.nas.train import Trainer

keras = pytest.importorskip("keras")
rng = np.random.default_rng(0)
A, B = rng.normal(size=(60, 4)), rng.normal(size=(60, 4))
Y = (A[:, 0] > B[:, 0]).astype(int)


def two(hp, p, q):
    """Its layers have the names of the inputs, and of what stands before and behind the network."""
    left = p.dense(hp.Choice("units", [4, 8]), name="left").relu()
    return nas.concat([left, q.dense(4, name="inputs_0_scale").relu()]).dense(2, name="probabilities")


def space():
    return nas.Architecture(two, (4,), (4,))


# --- names ---------------------------------------------------------------------------------------


def test_named_inputs_to_judge_by_are_those_of_the_same_names():
    made = dataset({"left": A, "right": B}, Y, validation=({"right": B[:10], "left": A[:10]}, Y[:10]))
    assert np.array_equal(made.x[0][60:], A[:10]) and np.array_equal(made.x[1][60:], B[:10])
    assert [front.name for front in made.fronts] == ["left", "right"]
    assert [front.name for front in dataset([A, B], Y).fronts] == ["", ""]
    made = dataset({"left": A, "right": B}, Y, validation=([A[:10], B[:10]], Y[:10]))
    assert np.array_equal(made.x[0][60:], A[:10])


@pytest.mark.parametrize(
    ("x", "validation", "said"),
    [
        ({"left": A, "right": B}, {"left": A, "wrong": B}, "'left', 'wrong', and those of x are 'left', 'right'"),
        ({"left": A, "right": B}, {"left": A}, "validation's inputs are 'left', and"),
        ([A, B], {"left": A, "right": B}, "those of x have no names"),
        ({"left/0": A, "right": B}, None, "the name 'left/0'"),
        ({0: A, 1: B}, None, "the name 0"),
    ],
)
def test_names_that_do_not_fit_are_refused(x, validation, said):
    with pytest.raises(ArgumentError, match=said):
        dataset(x, Y, validation=0.2 if validation is None else (validation, Y))


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_the_model_that_comes_out_takes_inputs_by_their_names(tmp_path, kind):
    data = dataset({"left": A, "right": B}, Y if kind == "multiclass" else np.stack([A[:, 0], B[:, 0]], 1))
    graph = space().graph({"units": 8})
    network = nas.build(graph, seed=1)
    inner, _ = data._rows(np.arange(60))
    logits = np.asarray(network.predict(list(inner), verbose=0))
    if kind == "multiclass":
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    else:
        expected = logits * data.task.spread + data.task.center
    model = deployable(graph, weights.read(network), data.fronts, data.task)
    model.save(tmp_path / "m.keras")
    for made in (model, keras.saving.load_model(tmp_path / "m.keras")):
        for given in ({"right": B, "left": A}, [A, B]):
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                found = made.predict(given, verbose=0)
            assert np.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_search_and_an_ensemble_keep_the_names():
    study = nas.search(
        space(), {"left": A, "right": B}, Y, plan=None, strategy="random", trials=2, epochs=1, store=":memory:",
        verbose=0,
    )  # fmt: skip
    given = {"right": B, "left": A}
    best = study.best_model()
    assert np.allclose(best.predict(given, verbose=0), best.predict([A, B], verbose=0))
    together = study.ensemble(2)
    assert np.allclose(together.predict(given, verbose=0), together.predict([A, B], verbose=0))


def test_one_named_input_has_its_name():
    data = dataset({"table": A}, Y)
    network = nas.build(graph := nas.trace(lambda x: x.dense(2, name="table"), (4,)))
    model = deployable(graph, weights.read(network), data.fronts, data.task)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert np.allclose(model.predict({"table": A}, verbose=0), model.predict(A, verbose=0))


# --- networks that exist -------------------------------------------------------------------------


def subtracting(first="left", second="right"):
    """A model that tells whether the first column of one input is larger than that of the other."""
    one, two = keras.Input((4,), name=first), keras.Input((4,), name=second)
    joined = keras.layers.Concatenate(name="joined")([one, two])
    hidden = keras.layers.Dense(4, activation="relu", name="hidden")(joined)
    model = keras.Model([one, two], keras.layers.Dense(1, name="difference")(hidden))
    weights = np.zeros((8, 4))
    weights[0], weights[4] = [3, -3, 0, 0], [-3, 3, 0, 0]
    model.get_layer("hidden").set_weights([weights, np.zeros(4)])
    model.get_layer("difference").set_weights([np.array([[3.0], [-3.0], [0], [0]]), np.zeros(1)])
    return model


@pytest.mark.parametrize(
    "validation",
    [0.3, ({"left": A[:20], "right": B[:20]}, Y[:20]), ([B[:20], A[:20]], Y[:20])],
    ids=["share", "dict", "list"],
)
def test_named_inputs_in_another_order_are_those_of_the_model_with_these_names(validation):
    study = nas.search(
        nas.around(subtracting()), {"right": B, "left": A}, Y, plan=None, strategy="random", trials=1, epochs=0.01,
        validation=validation, recipe=Recipe(rate=1e-9), store=":memory:", verbose=0,
    )  # fmt: skip
    assert study.best.value > 0.95  # what it was, and not the opposite
    model = study.best_model()
    for given in ({"right": B, "left": A}, [A, B]):  # a list is in the order of the model that was given
        found = model.predict(given, verbose=0)[:, -1]
        assert ((found > 0.5) == Y).mean() > 0.95


def test_inputs_of_other_names_than_the_models_are_taken_in_their_order_with_a_warning():
    own = ([B[:5], A[:5]], Y[:5])
    with pytest.warns(UserWarning, match=r"'b', 'a', and those of the model 'left', 'right'.* the order that x has"):
        assert in_order_of(("left", "right"), {"b": B, "a": A}, own) == ({"b": B, "a": A}, own)
    assert in_order_of(("left", "right"), [A, B], own) == ([A, B], own)
    assert in_order_of((), {"b": B, "a": A}, own) == ({"b": B, "a": A}, own)  # a space of no model's
    assert in_order_of(("left",), {"table": A}, 0.15) == ({"table": A}, 0.15)


# --- images --------------------------------------------------------------------------------------


def test_images_of_one_row_are_moved_and_mirrored_alike():
    image, features = rng.random((40, 16, 16, 1)), rng.random((40, 3))
    recipe = Recipe(shift=2, mirror=True)
    one, two, kept = augmented((image, 2 * image, features), recipe, np.random.default_rng(0))
    assert np.array_equal(2 * one, two) and np.array_equal(kept, features)
    assert sum(not np.array_equal(before, after) for before, after in zip(image, one, strict=True)) > 30
    assert np.array_equal(one, augmented((image,), recipe, np.random.default_rng(0))[0])


def test_smaller_images_are_moved_by_as_much_less():
    bright = np.zeros((60, 32, 32, 1))
    bright[:, 8, 8] = 1.0
    small = np.zeros((60, 8, 8, 1))
    small[:, 4, 4] = 1.0
    large, moved = augmented((bright, small), Recipe(shift=2), np.random.default_rng(0))
    at, less = (np.argwhere(part)[:, 1:3] for part in (large, moved))
    assert np.array_equal(np.sign(at - 8) * (abs(at - 8) == 2), (less - 4) * (abs(at - 8) == 2))
    assert abs(less - 4).max() == 1 and abs(at - 8).max() == 2


def test_images_are_images_wherever_they_stand_among_the_inputs():
    image, features = rng.random((60, 30, 26)), rng.random((60, 3))
    for x in ([image, features], [features, image]):
        made = dataset(x, Y)
        assert made.task.images and made.images == ((30, 26, 1),)
    assert not dataset([features, A], Y).task.images


def test_mirroring_is_decided_by_all_images_of_a_row():
    rows = np.arange(400)
    noise = 0.1 * rng.random((400, 8, 8))
    left = np.zeros((400, 8, 8)) + noise
    left[rows % 2 == 0, :, :4] += 1
    left[rows % 2 == 1, :, 4:] += 1
    assert not mirrors(dataset([noise, left], rows % 2)) and not mirrors(
        dataset([rng.random((400, 2)), left], rows % 2)
    )


@pytest.mark.parametrize(("y", "shift"), [(Y, 2), (rng.random(60), 0), (rng.random((60, 2)), 0)])
def test_images_are_not_moved_where_numbers_are_predicted_unless_it_is_asked_for(y, shift):
    data = dataset(rng.random((60, 16, 16)), y)
    network = nas.build(nas.trace(lambda x: x.global_avg_pool().dense(data.task.outputs), (16, 16, 1)))
    assert Trainer(network, data, Recipe(rate=0.01)).recipe.shift == shift
    assert Trainer(network, data, Recipe(shift=1)).recipe.shift == 1
    assert _recipe(None, data).shift == _recipe(Recipe(rate=0.01), data).shift == shift
