"""Users' models as graphs: the same function and names, or the layer that prevents it; the space around one."""

import keras
import numpy as np
import pytest
from keras import layers

import modelwright as mw
from modelwright import nas
from modelwright.core.errors import SpaceError
from modelwright.core.rng import Seed
from modelwright.nas import canonical
from modelwright.training.keras_backend import light_compilation

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module", autouse=True)
def quickly():
    """Each shape's first weights are compiled once: with few optimisations."""
    with light_compilation():
        yield


def shaken(model):
    """With weights and statistics as if it had been trained."""
    for variable in model.weights:
        if np.dtype(variable.dtype).kind == "f":
            variable.assign(np.abs(RNG.normal(0.4, 0.3, variable.shape)) * (1 if "variance" in variable.path else 0.5))
    return model


def as_before(model, *shapes):
    """The graph, after the check that the network built from it is the same function."""
    found = nas.from_model(shaken(model))
    inputs = [RNG.normal(size=(3, *shape)).astype("float32") for shape in shapes]
    x = inputs[0] if len(inputs) == 1 else inputs
    before, after = model(x), found.build()(x)
    for one, two in zip(*(([y] if not isinstance(y, (list, tuple)) else y) for y in (before, after))):
        scale = float(np.abs(one).max()) + 1e-6
        np.testing.assert_allclose(np.asarray(two) / scale, np.asarray(one) / scale, atol=1e-5)
    return found


def convolutional():
    x = keras.Input((12, 10, 2), name="image")
    y = layers.Rescaling(1 / 127.5, -1.0)(x)
    y = layers.ZeroPadding2D(((1, 0), (0, 2)))(y)
    y = layers.Conv2D(6, 3, padding="valid", activation="relu", name="first")(y)
    y = layers.BatchNormalization(scale=False, epsilon=1e-3)(y)
    y = layers.MaxPooling2D(2)(y)
    side = layers.Conv2D(8, 1, use_bias=False, name="side")(y)
    y = layers.SeparableConv2D(8, 3, padding="same", activation="gelu", name="separable")(y)
    y = layers.Conv2D(8, 3, padding="same", dilation_rate=2, kernel_initializer="he_normal")(y)
    y = layers.LayerNormalization()(y)
    y = layers.LeakyReLU(negative_slope=0.1)(layers.Add(name="sum")([y, side]))
    y = layers.Concatenate()([y, layers.DepthwiseConv2D(3, padding="same", use_bias=False)(side)])
    y = layers.SpatialDropout2D(0.2)(layers.AveragePooling2D(3, strides=1, padding="same")(y))
    y = layers.GlobalMaxPooling2D()(y)
    y = layers.Dropout(0.3)(layers.Dense(5, activation="tanh", name="dense")(y))
    return keras.Model(x, layers.Dense(3, activation="softmax", name="logits")(y))


def test_a_functional_network_is_the_same_function_under_the_same_names():
    model = convolutional()
    found = as_before(model, (12, 10, 2))
    names = [node.name for node in found.graph.nodes]
    assert {layer.name for layer in model.layers} <= set(names)
    assert {"first.activation", "separable.depthwise", "logits.activation"} <= set(names)
    # A normalisation without a scale has one now.
    assert found.graph.cost.parameters == model.count_params() + 6


def test_a_sequential_network_in_one_dimension():
    model = keras.Sequential(
        [
            keras.Input((20, 3)),
            layers.Conv1D(4, 5, strides=2, padding="same", groups=1, name="a"),
            layers.ReLU(max_value=6),
            layers.MaxPooling1D(3, strides=2, padding="same"),
            layers.ZeroPadding1D(1),
            layers.SeparableConv1D(6, 3, name="b"),
            layers.ELU(),
            layers.Flatten(),
            layers.Dense(4),
            layers.Softmax(),
        ]
    )
    found = as_before(model, (20, 3))
    assert found.graph.cost.parameters == model.count_params()


def test_several_inputs_outputs_and_models_within_models():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="relu", name="dense")], name="inner")
    a, b = keras.Input((6,), name="a"), keras.Input((4, 4, 1), name="b")
    flat = layers.Dense(5, name="dense")(layers.Flatten()(b))
    joined = layers.Average()([inner(a), flat])
    many = layers.Maximum()([joined, flat]) + flat
    model = keras.Model([a, b], [layers.Dense(2, name="two")(many), layers.Dense(1, name="one")(joined)])
    found = as_before(model, (6,), (4, 4, 1))
    assert {"inner.dense", "inner.dense.activation", "dense", "two", "one"} <= {n.name for n in found.graph.nodes}
    assert len(found.graph.outputs) == 2 and set(found.weights) == {"inner.dense", "dense", "two", "one"}


def test_a_table_with_adapted_normalisation():
    normalization = layers.Normalization()
    normalization.adapt(RNG.normal(3.0, 2.0, size=(50, 4)).astype("float32"))
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(1)(layers.Reshape((4,))(normalization(x))))
    found = nas.from_model(model)
    data = RNG.normal(3.0, 2.0, size=(7, 4)).astype("float32")
    np.testing.assert_allclose(found.build()(data), model(data), rtol=1e-4, atol=1e-5)


def test_a_layer_without_weights_may_be_used_twice():
    relu, x = layers.ReLU(name="relu"), keras.Input((5,))
    model = keras.Model(x, relu(layers.Dense(4)(relu(layers.Dense(4)(x)))))
    assert [n.name for n in as_before(model, (5,)).graph.nodes if n.op == "activation"] == ["relu", "relu_1"]


class Own(layers.Layer):
    def call(self, x):
        return x * 2


class Subclassed(keras.Model):
    def call(self, x):
        return x


def of(*made, shape=(8, 8, 2)):
    x = y = keras.Input(shape)
    for layer in made:
        y = layer(y)
    return keras.Model(x, y)


def twice():
    dense, x = layers.Dense(5, name="shared"), keras.Input((5,))
    return keras.Model(x, dense(dense(x)))


def frozen():
    model = of(layers.Conv2D(2, 3, name="stem"), layers.Flatten())
    model.get_layer("stem").trainable = False
    return model


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: of(layers.Lambda(lambda x: x, name="magic")), "'magic' (Lambda)"),
        (lambda: of(Own(name="mine")), "'mine' (Own): it is a layer of your own"),
        (lambda: of(layers.Conv2D(2, (1, 3), name="flat")), "'flat' (Conv2D): kernel_size=(1, 3)"),
        (lambda: of(layers.Conv2D(2, 3, kernel_regularizer="l2", name="c")), "kernel_regularizer"),
        (
            lambda: of(layers.Conv2D(2, 3, bias_constraint="non_neg", name="c")),
            "'c' (Conv2D): it has a bias_constraint",
        ),
        (lambda: of(layers.DepthwiseConv2D(3, depthwise_regularizer="l2")), "depthwise_regularizer"),
        (lambda: of(layers.SeparableConv2D(2, 3, pointwise_regularizer="l2")), "pointwise_regularizer"),
        (lambda: of(layers.SeparableConv2D(2, 3, depthwise_constraint="max_norm")), "depthwise_constraint"),
        (lambda: of(layers.BatchNormalization(gamma_regularizer="l2")), "gamma_regularizer"),
        (lambda: of(layers.LayerNormalization(beta_constraint="non_neg")), "beta_constraint"),
        (lambda: of(layers.Dropout(0.3, noise_shape=(None, 1, 1, 1), name="d")), "noise_shape=(None, 1, 1, 1)"),
        (lambda: of(layers.Conv2D(2, 3, dtype="mixed_float16", name="c")), "it computes in float16"),
        (lambda: of(layers.Conv2DTranspose(2, 3, name="up")), "'up' (Conv2DTranspose)"),
        (lambda: of(layers.ReLU(threshold=1.0, name="r")), "threshold=1.0"),
        (lambda: of(layers.BatchNormalization(axis=1, name="b")), "axis=1"),
        (lambda: of(layers.GlobalAveragePooling2D(keepdims=True, name="g")), "keepdims=True"),
        (lambda: of(layers.DepthwiseConv2D(3, depth_multiplier=2, name="d")), "depth_multiplier=2"),
        (lambda: of(layers.Dense(3, activation=lambda x: x, name="d")), "'d' (Dense): activation="),
        (lambda: of(layers.LSTM(3, name="memory"), shape=(8, 2)), "'memory' (LSTM)"),
        (lambda: of(layers.Conv1D(3, 3, padding="causal", name="c"), shape=(8, 2)), "padding='causal'"),
        (lambda: keras.Model(x := keras.Input((3,)), keras.ops.sin(x)), "it is an operation on tensors"),
        (lambda: of(layers.Conv2D(2, 3), shape=(None, None, 3)), "shape (None, None, 3)"),
        (lambda: keras.Sequential([layers.Dense(3)]), "no input shape yet"),
        (lambda: Subclassed(name="sub"), "'sub' is a subclass of keras.Model"),
        (twice, "'shared' (Dense): it is used twice"),
        (frozen, "'stem' (Conv2D): it is frozen"),
        (lambda: keras.Model(x := keras.Input((3,)), x), "outputs are its inputs"),
        (lambda: "model.keras", "str is no Keras model"),
    ],
)
def test_what_a_graph_cannot_say_is_named(make, said):
    with pytest.raises(SpaceError) as raised:
        nas.from_model(make())
    assert said in str(raised.value)


# --- the space around a network ----------------------------------------------------------------------------


def residual():
    x = keras.Input((8, 8, 1), name="image")
    y = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(x)
    y = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_norm")(y))
    z = layers.ReLU(name="a_relu")(layers.Conv2D(8, 3, padding="same", name="a")(y))
    z = layers.Conv2D(8, 3, padding="same", name="b")(z)
    y = layers.Activation("relu", name="block_relu")(layers.Add(name="block")([y, z]))
    y = layers.Conv2D(12, 3, strides=2, padding="same", activation="silu", name="c")(y)
    y = layers.Flatten()(layers.Concatenate()([y, layers.AveragePooling2D(2)(layers.Conv2D(3, 1, name="d")(x))]))
    y = layers.Dense(6, activation="relu", name="hidden")(y)
    return keras.Model(x, layers.Dense(6, name="logits")(layers.Dense(6, activation="relu", name="same")(y)))


@pytest.fixture(scope="module")
def around():
    return nas.around(shaken(residual()))


def test_its_default_is_the_network_and_its_decisions_are_named_after_layers(around):
    default = around.tree.default()
    assert canonical.key(around.graph(default)) == canonical.key(around.origin.graph)
    assert {name for name in default if name.endswith("width")} == {
        "stem/width", "a/width", "c/width", "d/width", "hidden/width", "same/width",
    }  # fmt: skip
    # The stem and the block's last convolution are added: they have one width.
    assert default["stem/width"] == 8 and "logits/width" not in default
    assert {n for n in default if n.endswith("keep")} == {"a/keep", "same/keep"}
    assert default["c/kernel"] == 3 and "d/kernel" not in default
    weights = {**around.origin.weights}
    model = nas.build(around.graph(default))
    nas.weights.write(model, weights)
    x = RNG.normal(size=(2, 8, 8, 1)).astype("float32")
    np.testing.assert_allclose(model(x), around.origin.build()(x), rtol=1e-4, atol=1e-4)


def test_every_network_around_it_fits_and_decisions_are_there_where_they_count(around):
    rng = np.random.default_rng(0)
    for _ in range(120):
        config = around.tree.sample(rng)
        graph, hp = around._traced(config, draw=Seed(1))
        assert hp.ran == config and around.tree.grow(hp.trace) is around.tree
        assert graph.nodes[graph.outputs[0]].shape == (6,)
    for config in around.tree.neighbours(around.tree.default(), rng, 60):
        assert around.key(config) != around.key(around.tree.default())


def test_layers_are_left_out_put_in_and_connected(around):
    default = around.tree.default()

    def names(**change):
        return [n.name for n in around.graph({**default, **{k.replace("__", "/"): v for k, v in change.items()}}).nodes]

    assert not {"a", "a_relu"} & set(names(a__keep=False)) and "b" in names(a__keep=False)
    assert "block_relu/deeper1/conv" in names(block_relu__deeper=2)
    assert "block_relu/skip/gate" in names(block_relu__skip="a_relu")
    wide = {n.name: n.shape for n in around.graph({**default, "stem/width": 16}).nodes}
    assert wide["b"] == wide["stem"] == wide["block"] == (8, 8, 16)


@pytest.mark.slow
def test_networks_around_it_are_built_and_counted(around):
    rng = np.random.default_rng(1)
    for _ in range(12):
        graph = around.graph(around.tree.sample(rng))
        assert nas.build(graph).count_params() == graph.cost.parameters


def test_growing_begins_as_the_function_that_it_was(around):
    default = around.tree.default()
    grown = {**default, "stem/width": 12, "a_relu/deeper": 1, "block_relu/skip": "stem_relu", "a/kernel": 5}
    parent, child = around.graph(default), around.graph(grown)
    found = nas.inherit(parent, around.origin.weights, child)
    model = nas.build(child)
    nas.weights.write(model, found.weights)
    x = RNG.normal(size=(2, 8, 8, 1)).astype("float32")
    expected = np.asarray(around.origin.build()(x))
    assert found.exact
    np.testing.assert_allclose(model(x), expected, atol=1e-4 * np.abs(expected).max())


def test_nothing_to_change_is_told():
    x = keras.Input((3,))
    with pytest.raises(SpaceError, match="nothing of"):
        nas.around(keras.Model(x, layers.Dense(2)(x)))
    grouped = keras.Sequential([
        keras.Input((8, 8, 3)), layers.Conv2D(6, 3, groups=3, name="thirds"), layers.Flatten(), layers.Dense(2),
    ])  # fmt: skip
    with pytest.raises(SpaceError, match="groups of channels in 'thirds'; no activation within it.*Put an activation"):
        nas.around(grouped)
    with pytest.raises(SpaceError, match="insert"):
        nas.around(keras.Model(x, layers.Dense(2)(x)), insert=-1)


@pytest.mark.slow
def test_a_search_starts_from_what_the_network_has_learned():
    """Though the search scales its inputs, and the network was trained on rows as they are."""
    (x, y), (other, truth) = mw.datasets.digits()
    x, other = (np.asarray(part, "float32").reshape(-1, 8, 8, 1) for part in (x, other))
    model = of(
        layers.Rescaling(1 / 16),
        layers.Conv2D(12, 3, padding="same", activation="relu", name="a"),
        layers.Conv2D(12, 3, strides=2, padding="same", activation="relu", name="b"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
        shape=(8, 8, 1),
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=12, verbose=0)
    before = model.evaluate(other, truth, verbose=0)[1]
    study = nas.search(
        nas.around(model), x, y, objective="val_accuracy", plan=None, strategy="random", trials=1, epochs=1,
        recipe=nas.Recipe(rate=1e-5), store=":memory:", seed=0, verbose=0,
    )  # fmt: skip
    assert before > 0.9
    assert study.best.config == nas.around(model).tree.default() and study.best.value > 0.9
    assert study.best_model().evaluate(other, truth, verbose=0)[1] == pytest.approx(before, abs=0.02)
