"""What a user's function meets: KerasTuner's names and rules, traces, and clear errors."""

import json

import pytest

from modelwright.core.errors import SpaceError
from modelwright.core.rng import Seed
from modelwright.space import Condition, FloatDomain, HyperParameters, IntDomain, Parameter, Tree


def model(hp):
    kind = hp.Choice("kind", ["mlp", "cnn"])
    with hp.conditional_scope("kind", ["mlp"]):
        units = hp.Int("units", 32, 64, step=32)
    with hp.conditional_scope("kind", ["cnn"]), hp.name_scope("conv"):
        filters = hp.Int("filters", 8, 16, step=8)
        norm = hp.Boolean("norm")
        with hp.conditional_scope("norm", [True]):
            momentum = hp.Float("momentum", 0.5, 0.99)
    return kind, units, filters, norm, momentum


def test_unbound_it_is_a_declared_space_that_answers_with_defaults():
    hp = HyperParameters()
    assert model(hp) == ("mlp", 32, None, None, None)
    assert hp.values == {"kind": "mlp", "units": 32}
    assert [p.name for p in hp.space] == ["kind", "units", "conv/filters", "conv/norm", "conv/momentum"]
    assert hp.tree.size is None and hp.tree.default() == hp.values


def test_bound_it_answers_with_the_configuration():
    hp = HyperParameters.bind({"kind": "cnn", "conv/filters": 16, "conv/norm": True, "conv/momentum": 0.75})
    assert model(hp) == ("cnn", None, 16, True, 0.75)
    assert hp.ran == {"kind": "cnn", "conv/filters": 16, "conv/norm": True, "conv/momentum": 0.75}
    assert [s["name"] for s in hp.trace] == ["kind", "units", "conv/filters", "conv/norm", "conv/momentum"]
    assert Tree().grow(hp.trace).specs() == HyperParameters.bind({}, declared=Tree().grow(hp.trace)).tree.specs()


def test_what_the_configuration_does_not_cover_is_drawn_by_name():
    def first(hp):
        return hp.Float("a", 0, 1), hp.Float("b", 0, 1)

    def second(hp):
        return tuple(reversed((hp.Float("b", 0, 1), hp.Float("a", 0, 1))))

    one = first(HyperParameters.bind({}, draw=Seed(5)))
    assert one == second(HyperParameters.bind({}, draw=Seed(5)))
    assert one != first(HyperParameters.bind({}, draw=Seed(6))) and one[0] != one[1]
    assert first(HyperParameters.bind({"a": 0.25}, draw=Seed(5))) == (0.25, one[1])
    assert first(HyperParameters.bind({})) == (0.0, 0.0)


def test_a_value_outside_the_domain_is_drawn_instead():
    for wrong in (99, "x", None, 33, 32.5):
        hp = HyperParameters.bind({"units": wrong}, draw=Seed(1))
        assert hp.Int("units", 32, 64, step=32) in (32, 64)
        assert HyperParameters.bind({"units": wrong}).Int("units", 32, 64, step=32) == 32


def test_declared_domains_win_and_can_be_read_without_being_asked_for():
    declared = HyperParameters()
    declared.Float("lr", 0.1, 0.2)
    declared.Int("rest", 1, 3)
    hp = HyperParameters.bind({"lr": 0.15, "rest": 2}, declared=declared.tree)
    assert hp.get("rest") == 2 and hp["rest"] == 2 and "rest" in hp
    assert hp.Float("lr", 1e-5, 1e-1, sampling="log") == 0.15
    assert hp.ran == {"lr": 0.15, "rest": 2} and [s["name"] for s in hp.trace] == ["lr"]
    assert hp.trace[0]["high"] == 0.2


def test_reading_follows_the_scope_and_says_what_is_missing():
    hp = HyperParameters()
    model(hp)
    with hp.name_scope("conv"):
        assert "filters" not in hp
        with pytest.raises(ValueError, match=r"conv/filters.*not active"):
            hp.get("filters")
    with pytest.raises(KeyError, match="'momentum' is not among"):
        hp.get("momentum")
    assert "nothing" not in hp and hp.get("kind") == "mlp"


def test_scopes_are_remembered_by_whether_they_held():
    hp = HyperParameters()
    model(hp)
    assert hp.active_scopes == [(Condition("kind", ("mlp",)),)]
    assert hp.inactive_scopes == [
        (Condition("kind", ("cnn",)),),
        (Condition("kind", ("cnn",)), Condition("conv/norm", (True,))),
    ]
    assert hp.is_active("units") and not hp.is_active("conv/norm") and not hp.is_active(hp.space[2])


def test_parent_name_and_parent_values_make_one_parameter_conditional():
    hp = HyperParameters.bind({"kind": "b"})
    hp.Choice("kind", ["a", "b"])
    assert hp.Int("x", 1, 3, parent_name="kind", parent_values=["a"]) is None
    assert hp.Int("y", 1, 3, parent_name="kind", parent_values="b") == 1
    assert hp.Fixed("z", 7, parent_name="kind", parent_values=["b"]) == 7
    assert hp.Boolean("w", default=True, parent_name="kind", parent_values=["a", "b"]) is True
    assert hp.ran == {"kind": "b", "y": 1, "z": 7, "w": True}


def test_the_same_name_under_exclusive_conditions():
    hp = HyperParameters.bind({"kind": "b", "x": 0.5})
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        assert hp.Int("x", 1, 3) is None
    with hp.conditional_scope("kind", ["b"]):
        assert hp.Float("x", 0, 1) == 0.5
    tree = Tree().grow(hp.trace)
    assert len(tree.axes) == 3 and tree.decode(tree.encode(hp.ran)) == hp.ran
    assert tree.key({"kind": "a", "x": 1}) != tree.key({"kind": "b", "x": 1.0})


def test_one_name_with_two_domains_is_an_error_that_shows_both():
    hp = HyperParameters()
    assert hp.Int("units", 1, 8) == 1
    assert hp.Int("units", 1, 8) == 1
    with pytest.raises(SpaceError, match=r"'units': declared as Int 1..8 and again as Int 1..9"):
        hp.Int("units", 1, 9)
    with pytest.raises(SpaceError, match="default=2"):
        hp.Int("units", 1, 8, default=2)


def test_one_name_active_under_two_conditions_needs_one_domain():
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    hp.Int("x", 1, 3)
    with hp.conditional_scope("kind", ["a"]):
        assert hp.Int("x", 1, 3) == 1
    with hp.conditional_scope("kind", ["b"]):
        assert hp.Int("x", 1, 4) is None
    with hp.conditional_scope("kind", ["a", "b"]), pytest.raises(SpaceError, match=r"Int 1..3 and again as Float"):
        hp.Float("x", 0, 1)


def test_without_strictness_the_first_declaration_wins():
    hp = HyperParameters(strict=False)
    assert hp.Int("units", 4, 8) == 4
    assert hp.Int("units", 1, 9) == 4
    assert len(hp.space) == 1


def test_a_tree_refuses_another_domain_for_a_known_parameter():
    tree = Tree([Parameter("lr", FloatDomain(0, 1))])
    with pytest.raises(SpaceError, match=r"'lr': declared as Float 0.0..1.0 and again as Float 0.0..2.0"):
        tree.grow([Parameter("lr", FloatDomain(0, 2)).spec()])


@pytest.mark.parametrize(
    "act, words",
    [
        (lambda hp: hp.Int("n", 5, 1), ["'n'", "min_value=5"]),
        (lambda hp: hp.Choice("c", []), ["'c'", "nothing to choose"]),
        (lambda hp: hp.Choice("c", [{}]), ["'c'", "not hashable"]),
        (lambda hp: hp.Float("f", 0, 1, sampling="log"), ["'f'", "min_value > 0"]),
        (lambda hp: hp.conditional_scope("kin", ["a"]).__enter__(), ["'kin'", "'kind'"]),
        (lambda hp: hp.Int("kind", 1, 2, parent_name="kind", parent_values=["a"]), ["'kind'", "own condition"]),
        (lambda hp: hp.Int("", 1, 2), ["not a name"]),
        (lambda hp: hp.conditional_scope("kind", []).__enter__(), ["without values"]),
        (lambda hp: hp.forbid(), ["no combination"]),
    ],
)
def test_errors_name_the_parameter(act, words):
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with pytest.raises(SpaceError) as caught:
        act(hp)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_condition_is_written_as_the_parent_writes_its_values():
    hp = HyperParameters.bind({"flag": True, "x": 1.0})
    hp.Boolean("flag")
    hp.Float("x", 0, 2, step=1)
    assert hp.Int("a", 1, 2, parent_name="flag", parent_values=[1]) == 1
    assert hp.Int("b", 1, 2, parent_name="x", parent_values=[1]) == 1
    tree = Tree().grow(hp.trace)
    assert set(tree.complete({"flag": True, "x": 1.0})) == {"flag", "x", "a", "b"}


def test_config_round_trip():
    hp = HyperParameters.bind({"kind": "cnn", "t": (1, (2, "a"))})
    model(hp)
    hp.Choice("t", [1, (1, (2, "a")), None])
    hp.require("kind == 'cnn'")
    for config in (hp.get_config(), json.loads(json.dumps(hp.get_config()))):
        back = HyperParameters.from_config(config)
        assert back.values == hp.values and back.tree.specs() == hp.tree.specs()
        assert back.get("t") == (1, (2, "a"))


def test_a_copy_is_independent():
    hp = HyperParameters()
    hp.Int("a", 1, 3)
    other = hp.copy()
    other.Int("b", 1, 3)
    other.values["a"] = 3
    assert hp.values == {"a": 1} and len(hp.space) == 1 and other.get("a") == 3 and other.Int("a", 1, 3) == 3


def test_merge():
    hp, other = HyperParameters(), HyperParameters()
    hp.Int("a", 1, 3)
    hp.values["a"] = 2
    other.Int("a", 1, 9, default=5)
    other.Int("b", 1, 3)
    kept = hp.copy()
    kept.merge(other, overwrite=False)
    assert kept.values == {"a": 2, "b": 1} and kept.space[0].domain == IntDomain(1, 3)
    hp.merge(other)
    assert hp.values == {"a": 5, "b": 1} and [p.name for p in hp.space] == ["a", "b"]
    assert hp.space[0].domain == IntDomain(1, 9, default=5)


def test_ensure_active_values():
    hp = HyperParameters()
    model(hp)
    hp.values["kind"] = "cnn"
    hp.ensure_active_values()
    assert hp.values == {"kind": "cnn", "conv/filters": 8, "conv/norm": False}
    hp.values["conv/norm"] = True
    hp.ensure_active_values(Seed(0))
    assert 0.5 <= hp.values["conv/momentum"] <= 0.99


def test_a_trial_that_stops_half_way_leaves_what_it_asked():
    hp = HyperParameters.bind({}, draw=Seed(0))
    hp.Int("a", 1, 9)
    with pytest.raises(SpaceError):
        hp.Int("b", 9, 1)
    assert list(hp.ran) == ["a"] and len(hp.trace) == 1


def test_the_repr_is_for_people():
    hp = HyperParameters()
    assert repr(hp) == "HyperParameters()"
    model(hp)
    text = repr(hp)
    assert "kind = 'mlp'    [Choice 'mlp', 'cnn']" in text and "units = 32    [Int 32..64 step 32]" in text
    assert "conv/momentum (inactive: needs kind is 'cnn' and conv/norm is True)" in text
