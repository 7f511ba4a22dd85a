"""Networks with one output: two classes told apart by a probability, as Keras users write them, and numbers."""

import numpy as np
import pytest

from modelwright import nas
from modelwright.api.preparing import bound, prepare
from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.nas.dataset import balanced, dataset
from modelwright.nas.deploy import deployable

keras = pytest.importorskip("keras")
layers = keras.layers
rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3)).astype("float32")
Y = (X[:, 0] > 0.3).astype(int)


def model(last="sigmoid"):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), layers.Dense(5, "relu", name="hidden"), layers.Dense(1, last)])


def begins_as(space, data):
    """What is handed out for the default network of a space around a model, before any training."""
    made = bound(space, data)
    graph = made.graph(made.tree.default())
    learned = nas.inherit(made.origin.graph, made.origin.weights, graph)
    assert learned.exact
    return deployable(graph, learned.weights, data.fronts, data.task).predict(X, verbose=0)


def test_two_classes_are_told_apart_by_one_output_where_networks_have_one():
    made = dataset(X, Y, outputs=1)
    assert (made.task.kind, made.task.outputs, made.task.classes, made.notes) == ("binary", 1, (0, 1), ())
    assert np.array_equal(made.y, Y[:, None]) and made.y.dtype == np.float32
    assert made.y[made.kept].mean() == pytest.approx(Y.mean(), abs=0.1)  # each class in its share
    assert set(balanced(made)) == {0, 1} and balanced(made)[1] > balanced(made)[0]
    metrics = made.task.metrics(np.where(Y == 1, 3.0, -3.0)[:, None], made.y)
    assert metrics == {"val_accuracy": 1.0, "val_loss": pytest.approx(np.log1p(np.exp(-3)))}
    assert dataset(X, Y).task.kind == "multiclass"


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array(["no", "yes"])[Y], ("no", "yes")),
        (Y + 1, (1, 2)),
        (Y[:, None], (0, 1)),
        (np.eye(2)[Y], (0, 1)),
        (Y == 1, (0, 1)),
    ],
)
def test_whatever_the_two_labels_are(y, classes):
    made = dataset(X, y, outputs=1)
    assert made.task.classes == classes and np.array_equal(made.y[:, 0], Y)
    assert bool(made.notes) is (classes != (0, 1))  # which of the two the output stands for is said


@pytest.mark.parametrize("y", [Y + 1, np.array([2, 5])[Y]])
def test_as_many_outputs_as_there_are_labels_stand_for_these(y):
    made = dataset(X, y, outputs=2)
    assert made.task.classes == tuple(np.unique(y)) and np.array_equal(made.y, Y)
    assert "in rising order" in made.notes[0] and len(made.notes) == 1
    assert dataset(X, Y, outputs=2).notes == () and dataset(X, y).task.classes == tuple(range(y.max() + 1))
    two = nas.Architecture(lambda hp, x: x.dense(4).relu().dense(2), (3,))
    asked = dict.fromkeys(("stem", "epochs", "objective", "recipe", "plan", "training", "devices", "measured"))
    asked |= {"space": two, "x": X, "y": y, "validation": 0.2, "seed": 0, "task": None, "class_weight": {2: 3.0}}
    assert prepare({**asked, "seconds": None}, ()).facts["classes"] == np.unique(y).tolist()
    with pytest.raises(SpaceError, match=r"need \(3,\).* dense\(3\) .*; dense\(2\), an output for each label that"):
        bound(nas.chain((3,), 4), dataset(X, Y + 1, outputs=4))


@pytest.mark.parametrize("y", [Y == 1, (Y == 1).astype(object), (Y == 1).tolist()])
@pytest.mark.parametrize("outputs", [1, 2, None])
def test_labels_that_are_false_and_true_stay_so(y, outputs):
    made = dataset(X, y, outputs=outputs)
    assert repr(made.task.classes) == "(False, True)" and made.notes == ()
    assert np.array_equal(made.y.ravel(), Y) and made.digest == dataset(X, Y, outputs=outputs).digest
    assert dataset(X, np.stack([Y == 1, Y == 0], axis=1)).task.classes == (0, 1)


def test_one_output_is_too_few_for_three_classes_and_may_be_a_number():
    with pytest.raises(SpaceError, match=r"puts out \(1,\), and multiclass targets need \(3,\)"):
        bound(nas.chain((3,), 1), dataset(X, np.arange(80) % 3, outputs=1))
    assert dataset(X, Y, outputs=1, task="regression").task.kind == "regression"
    with pytest.raises(ArgumentError, match="one value a row"):
        dataset(X, Y, outputs=1, task="multilabel")


@pytest.mark.parametrize("space", [nas.chain((3,), 1), nas.chain(classes=1), nas.tabular(None, 1), nas.around(model())])
def test_a_space_says_that_it_has_one_output(space):
    asked = dict.fromkeys(("stem", "epochs", "objective", "recipe", "plan", "training", "devices", "measured"))
    asked |= {"space": space, "x": X, "y": Y, "validation": 0.2, "seed": 0, "task": None, "class_weight": "balanced"}
    prepared = prepare({**asked, "seconds": None}, ())
    assert prepared.facts["task"] == "binary" and prepared.facts["classes"] == [0, 1]
    assert prepared.objectives[0].name == "val_accuracy"


def test_a_search_around_a_classifier_with_a_sigmoid_begins_with_it():
    mine = model()
    assert np.allclose(begins_as(nas.around(mine), dataset(X, Y, outputs=1)), mine.predict(X, verbose=0), atol=1e-5)


@pytest.mark.parametrize("last", ["sigmoid", "linear"])
def test_so_does_one_around_a_network_for_numbers(last):
    mine, y = model(last), 3 + 2 * rng.random(80)
    assert np.allclose(begins_as(nas.around(mine), dataset(X, y)), mine.predict(X, verbose=0), atol=1e-5)
    scaled = bound(nas.around(mine), dataset(X, y))
    wide = scaled.graph({**scaled.tree.default(), "hidden/width": 8})
    assert nas.inherit(scaled.origin.graph, scaled.origin.weights, wide).exact


def test_a_search_finds_a_model_that_puts_out_a_probability(tmp_path):
    def define(hp, x):
        return x.dense(hp.Choice("units", [8, 16])).relu().dense(1)

    study = nas.search(
        nas.Architecture(define, (3,)), X, np.array(["no", "yes"])[Y], class_weight={"yes": 2.0}, plan=None,
        strategy="random", trials=2, epochs=30, recipe=nas.Recipe(rate=0.03, batch=16), store=":memory:", verbose=0,
    )  # fmt: skip
    assert study.classes == ("no", "yes")
    found = study.best_model()
    out = found.predict(X, verbose=0)
    assert out.shape == (80, 1) and ((out[:, 0] > 0.5) == Y).mean() > 0.85
    assert found.evaluate(X, Y, verbose=0)[1] == pytest.approx(((out[:, 0] > 0.5) == Y).mean())
    found.save(tmp_path / "m.keras")
    assert np.allclose(keras.saving.load_model(tmp_path / "m.keras").predict(X, verbose=0), out, atol=1e-6)
    together = study.ensemble(2)
    assert together.predict(X, verbose=0).shape == (80, 1) and together.loss == "binary_crossentropy"
    assert study.refit().predict(X, verbose=0).shape == (80, 1)
