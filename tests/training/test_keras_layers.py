"""A model's description: every layer with its shape and its parameters, however long their names are."""

import pytest

keras = pytest.importorskip("keras", reason="keras is not installed")

from modelwright.training.keras_layers import FIRST, LAST, describe  # noqa: E402


def test_long_names_cost_no_column():
    name = "a_layer_whose_name_says_all_that_it_does_and_a_little_more_than_that"
    model = keras.Sequential(
        [
            keras.layers.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(512, name=name),
            keras.layers.Dense(10),
        ]
    )
    text = describe(model)
    line = next(line for line in text.split("\n") if name in line)
    assert line.split() == [name, "Dense", "(None,", "512)", "401,920"]
    assert text.startswith(f"{model.name}: 407,050 parameters\n") and "follows" not in text


def test_branches_say_what_they_follow_and_nested_models_are_indented():
    given = keras.Input((4,), name="given")
    left, right = keras.layers.Dense(3, name="left")(given), keras.layers.Dense(3, name="right")(given)
    inner = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, name="deep")], name="inner")
    model = keras.Model(given, inner(keras.layers.Add(name="sum")([left, right])))
    lines = {line.split()[0]: line for line in describe(model).split("\n")[2:]}
    assert lines["sum"].endswith("left, right") and lines["left"].endswith("given")
    assert lines["deep"].startswith("  deep") and "(None, 2)" in lines["deep"]


def test_weights_that_are_not_trained_are_counted_apart():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.BatchNormalization()])
    assert "16 parameters, 8 of them not trained" in describe(model)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(3), keras.layers.Dense(2)

    def call(self, x):
        return self.second(self.first(x))


def test_a_subclassed_model_is_described_before_and_after_it_was_built():
    model = Own()
    assert describe(model).count("not built") == 2
    model(keras.ops.ones((1, 4)))
    assert "23 parameters" in describe(model) and "(1, 2)" in describe(model)


def test_of_many_layers_the_first_and_the_last_are_listed():
    layers = [keras.layers.Activation("relu", name=f"step_{i}") for i in range(FIRST + LAST + 30)]
    text = describe(keras.Sequential([keras.layers.Input((2,)), *layers]))
    assert "... 30 more layers" in text and "step_0 " in text and f"step_{FIRST + LAST + 29} " in text
    assert f"step_{FIRST} " not in text
