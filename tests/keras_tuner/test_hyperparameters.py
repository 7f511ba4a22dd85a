"""Hyperparameters: values, checks, scopes, conditions and configurations, as KerasTuner has them."""

from __future__ import annotations

import pytest


@pytest.fixture
def hp(kt):
    return kt.HyperParameters()


def test_first_values_are_the_defaults(hp):
    assert hp.Int("i", 3, 9) == 3
    assert hp.Int("j", 3, 9, default=7) == 7
    assert hp.Float("f", 0.5, 1) == 0.5
    assert hp.Choice("c", ["x", "y"]) == "x"
    assert hp.Choice("d", ["x", "y"], default="y") == "y"
    assert hp.Boolean("b") is False
    assert hp.Fixed("k", "v") == "v"
    assert hp.values == {"i": 3, "j": 7, "f": 0.5, "c": "x", "d": "y", "b": False, "k": "v"}
    assert [type(p).__name__ for p in hp.space] == ["Int", "Int", "Float", "Choice", "Choice", "Boolean", "Fixed"]


def test_the_first_declaration_wins(hp):
    assert hp.Choice("c", [1, 2, 3]) == 1
    assert hp.Choice("c", [7, 8]) == 1
    assert len(hp.space) == 1
    hp.values["c"] = 3
    assert hp.Int("c", 10, 20) == 3


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda hp: hp.Choice("c", []), ValueError),
        (lambda hp: hp.Choice("c", [1, "a"]), TypeError),
        (lambda hp: hp.Choice("c", [1, 2.0]), TypeError),
        (lambda hp: hp.Choice("c", [{}]), TypeError),
        (lambda hp: hp.Choice("c", [1, 2], default=3), ValueError),
        (lambda hp: hp.Choice("c", ["a", "b"], ordered=True), ValueError),
        (lambda hp: hp.Int("i", 5, 1), ValueError),
        (lambda hp: hp.Int("i", 1.5, 3), ValueError),
        (lambda hp: hp.Int("i", 1, 3, step=0.5), ValueError),
        (lambda hp: hp.Int("i", 0, 3, sampling="log"), ValueError),
        (lambda hp: hp.Int("i", 1, 8, step=1, sampling="log"), ValueError),
        (lambda hp: hp.Int("i", 1, 8, sampling="cubic"), ValueError),
        (lambda hp: hp.Float("f", -1, 1, sampling="reverse_log"), ValueError),
        (lambda hp: hp.Float("f", 2, 1), ValueError),
        (lambda hp: hp.Boolean("b", default=None), ValueError),
        (lambda hp: hp.Fixed("k", {}), ValueError),
        (lambda hp: hp["missing"], KeyError),
        (lambda hp: hp.get("missing"), KeyError),
        (lambda hp: hp.Int("i", 1, 2, parent_name="missing", parent_values=[1]), ValueError),
    ],
)
def test_mistakes_are_refused(hp, call, error):
    with pytest.raises(error):
        call(hp)


def test_values_of_each_kind(sub):
    kinds = sub("engine.hyperparameters")
    assert list(kinds.Int("i", 6, 13, step=3).values) == [6, 9, 12]
    assert list(kinds.Int("i", 2, 32, step=2, sampling="log").values) == [2, 4, 8, 16, 32]
    assert list(kinds.Int("i", 1, 4).values) == [1, 2, 3, 4]
    assert list(kinds.Boolean("b").values) == [True, False]
    assert list(kinds.Fixed("k", 7).values) == [7]
    assert len(list(kinds.Float("f", 0, 1).values)) == 10


@pytest.mark.parametrize("prob", [0.0, 0.1, 0.31, 0.5, 0.77, 0.999])
def test_a_probability_names_a_value(sub, prob):
    kinds = sub("engine.hyperparameters")
    assert kinds.Int("i", 10, 19).prob_to_value(prob) == 10 + int(prob * 10 + 1e-9)
    assert kinds.Choice("c", ["a", "b"]).prob_to_value(prob) == ("b" if prob >= 0.5 else "a")
    assert kinds.Float("f", 2, 4).prob_to_value(prob) == pytest.approx(2 + 2 * prob)
    assert kinds.Float("f", 1, 100, sampling="log").prob_to_value(prob) == pytest.approx(100**prob)
    backward = kinds.Float("f", 1, 100, sampling="reverse_log")
    assert backward.prob_to_value(prob) == pytest.approx(101 - 100 ** (1 - prob))
    assert kinds.Float("f", 1, 1000, step=10, sampling="log").prob_to_value(prob) == pytest.approx(10 ** int(prob * 4))
    assert kinds.Boolean("b").prob_to_value(prob) is bool(prob >= 0.5)


def test_a_value_names_the_middle_of_its_slice(sub):
    kinds = sub("engine.hyperparameters")
    assert kinds.Choice("c", [1, 2, 3, 4]).value_to_prob(2) == pytest.approx(0.375)
    assert kinds.Int("i", 1, 4).value_to_prob(4) == pytest.approx(0.875)
    assert kinds.Int("i", 1, 7, sampling="log").value_to_prob(7) == pytest.approx(0.9689, abs=1e-3)
    assert kinds.Float("f", 1, 100, sampling="log").value_to_prob(10) == pytest.approx(0.5)
    assert kinds.Boolean("b").value_to_prob(True) == 0.75
    assert kinds.Fixed("k", 1).value_to_prob(1) == 0.5


def test_a_seed_draws_the_same_value_here_and_there(sub):
    kinds = sub("engine.hyperparameters")
    drawn = [kinds.Int("i", 1, 1000).random_sample(seed) for seed in range(5)]
    # Python's generator seeded with 0, 1, 2 ...: a search with a seed tries what it tries under KerasTuner.
    assert drawn == [845, 135, 957, 238, 237]


def test_name_scopes_prefix_names(hp):
    hp.Choice("a", [1, 2])
    with hp.name_scope("outer"), hp.name_scope("inner"):
        hp.Choice("a", [3, 4])
        assert hp.get("a") == 3
    assert hp.values == {"a": 1, "outer/inner/a": 3}


def test_inactive_hyperparameters_are_none_and_have_no_value(hp):
    kind = hp.Choice("kind", ["cnn", "mlp"])
    assert kind == "cnn"
    with hp.conditional_scope("kind", ["mlp"]):
        assert hp.Int("depth", 1, 3) is None
        with hp.conditional_scope("depth", [2]):
            assert hp.Int("width", 1, 3) is None
    assert "depth" not in hp and "kind" in hp
    with pytest.raises(ValueError, match="inactive"):
        hp.get("depth")
    assert [p.name for p in hp.space] == ["kind", "depth", "width"]
    assert not hp.is_active("depth")
    hp.values["kind"] = "mlp"
    assert hp.is_active("depth") and hp.is_active(hp.space[1]) and not hp.is_active("width")
    assert len(hp.inactive_scopes) == 2 and hp.active_scopes == []


def test_parent_arguments_make_a_condition(hp):
    hp.Choice("kind", ["cnn", "mlp"])
    assert hp.Int("a", 1, 2, parent_name="kind", parent_values=["cnn"]) == 1
    assert hp.Int("b", 1, 2, parent_name="kind", parent_values=["mlp"]) is None
    assert hp.Boolean("c", parent_name="kind", parent_values="cnn") is False


def test_the_same_name_under_two_conditions_is_two_hyperparameters(hp):
    hp.Choice("kind", ["cnn", "mlp"])
    with hp.conditional_scope("kind", ["cnn"]):
        assert hp.Int("size", 1, 5) == 1
    with hp.conditional_scope("kind", ["mlp"]):
        assert hp.Int("size", 100, 500) is None
    assert len(hp.space) == 3


def test_nothing_can_be_its_own_parent(hp):
    hp.Choice("kind", ["a", "b"])
    with pytest.raises(ValueError), hp.conditional_scope("kind", ["a"]):
        hp.Choice("kind", ["a", "b"])


def test_ensure_active_values_adds_and_removes(hp):
    hp.Choice("kind", ["cnn", "mlp"])
    with hp.conditional_scope("kind", ["mlp"]):
        hp.Int("depth", 1, 3)
    with hp.conditional_scope("kind", ["cnn"]):
        hp.Int("filters", 1, 3)
    hp.values["kind"] = "mlp"
    hp.ensure_active_values()
    assert set(hp.values) == {"kind", "depth"} and hp.values["depth"] in (1, 2, 3)


def test_configurations_come_back(kt, hp):
    hp.Choice("kind", ["cnn", "mlp"])
    with hp.conditional_scope("kind", ["mlp"]):
        hp.Float("rate", 1e-3, 1, sampling="log", default=0.1)
    config = hp.get_config()
    assert config["space"][1] == {
        "class_name": "Float",
        "config": {
            "name": "rate",
            "default": 0.1,
            "conditions": [{"class_name": "Parent", "config": {"name": "kind", "values": ["mlp"]}}],
            "min_value": 0.001,
            "max_value": 1.0,
            "step": None,
            "sampling": "log",
        },
    }
    back = kt.HyperParameters.from_config(hp.get_config())
    assert back.values == hp.values and back.get_config() == config
    copied = hp.copy()
    copied.values["kind"] = "mlp"
    assert hp.values["kind"] == "cnn"


def test_serialize_and_deserialize_are_inverse(sub):
    kinds = sub("engine.hyperparameters")
    for made in (
        kinds.Int("i", 1, 9, step=2, default=3),
        kinds.Float("f", 1, 10, sampling="log"),
        kinds.Choice("c", [1.0, 2.0], ordered=False, default=2.0),
        kinds.Boolean("b", default=True),
        kinds.Fixed("k", 3),
    ):
        back = kinds.deserialize(kinds.serialize(made))
        assert repr(back) == repr(made) and back.get_config() == made.get_config()


def test_reprs_tell_everything(sub):
    kinds = sub("engine.hyperparameters")
    assert repr(kinds.Int("i", 1, 9)) == (
        "Int(name: 'i', min_value: 1, max_value: 9, step: 1, sampling: linear, default: 1)"
    )
    assert repr(kinds.Choice("c", ["a"])) == "Choice(name: 'c', values: ['a'], ordered: False, default: a)"
    assert repr(kinds.Fixed("k", 1)) == "Fixed(name: k, value: 1)"


def test_merge_adds_what_is_missing(kt, hp):
    hp.Int("i", 1, 5, default=4)
    other = kt.HyperParameters()
    other.Int("i", 10, 20)
    other.Int("j", 1, 5)
    hp.merge(other, overwrite=False)
    assert hp.get("i") == 4 and hp.get("j") == 1
    hp.merge(other)
    assert hp.get("i") == 10


def test_sampling_ignores_capital_letters(sub):
    kinds = sub("engine.hyperparameters")
    assert kinds.Float("f", 1, 10, sampling="LOG").sampling == "log"
    assert kinds.Float("f", 1, 10, sampling=None).sampling == "linear"
