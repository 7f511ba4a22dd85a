"""Constraints: expressions, forbidden combinations, shares; what is proposed satisfies them."""

import itertools

import numpy as np
import pytest

from modelwright.core.codec import dumps, loads
from modelwright.core.errors import InfeasibleError, SpaceError
from modelwright.core.rng import Seed
from modelwright.space import HyperParameters, Require, Tree
from modelwright.space.constraints import names_in


def attention(hp):
    hp.Int("units", 8, 128, step=8)
    hp.Int("heads", 1, 8)
    hp.require("units % heads == 0")


def tree_of(function):
    hp = HyperParameters()
    function(hp)
    return hp.tree


def test_everything_proposed_satisfies_the_expression():
    tree, rng = tree_of(attention), np.random.default_rng(0)
    ok = lambda c: c["units"] % c["heads"] == 0  # noqa: E731
    assert all(ok(tree.sample(rng)) for _ in range(200))
    assert all(ok(tree.decode(row)) for row in tree.sample_vectors(rng, 200))
    assert all(ok(tree.decode(row)) for row in tree.snap(rng.random((200, 2))))
    assert all(ok(c) for c in tree.neighbours({"units": 8, "heads": 1}, rng, 20))
    walked = list(tree.enumerate())
    expected = sum(u % h == 0 for u, h in itertools.product(range(8, 129, 8), range(1, 9)))
    assert tree.size == len(walked) == expected and all(map(ok, walked))


def test_snapping_moves_a_row_no_further_than_the_constraint_asks():
    def declare(hp):
        hp.Float("free", 0, 1)
        attention(hp)

    tree, rng = tree_of(declare), np.random.default_rng(0)
    rows = rng.random((100, 3))
    np.testing.assert_array_equal(tree.snap(rows)[:, 0], rows[:, 0])


def test_a_trial_that_violates_is_infeasible_and_says_why():
    hp = HyperParameters.bind({"units": 24, "heads": 5})
    with pytest.raises(InfeasibleError, match=r"units % heads == 0.*units=24, heads=5"):
        attention(hp)
    assert [spec.get("kind") for spec in hp.trace] == ["int", "int", "constraint"]
    assert hp.ran == {"units": 24, "heads": 5}


def test_a_declared_constraint_counts_although_the_function_never_says_it():
    hp = HyperParameters.bind({"units": 24, "heads": 5}, declared=tree_of(attention))
    with pytest.raises(InfeasibleError, match="units=24, heads=5"):
        hp.Int("units", 8, 128, step=8)


def test_draws_for_what_is_missing_respect_declared_constraints():
    tree = tree_of(attention)
    for i in range(50):
        hp = HyperParameters.bind({"heads": 7}, declared=tree, draw=Seed(i))
        assert hp.get("units") % 7 == 0


def test_forbidden_combinations():
    def declare(hp):
        hp.Choice("optimizer", ["sgd", "adam", "rms"])
        hp.Choice("momentum", [0.0, 0.9])
        hp.forbid(optimizer=["adam", "rms"], momentum=0.9)

    tree = tree_of(declare)
    assert tree.size == 4
    with pytest.raises(InfeasibleError, match=r"optimizer='adam', momentum=0\.9"):
        declare(HyperParameters.bind({"optimizer": "adam", "momentum": 0.9}))
    with pytest.raises(SpaceError, match=r"'sdg' is not a choice.*'sgd'"):
        HyperParameters.bind({}, declared=tree).forbid(optimizer="sdg")


def test_constraints_do_not_count_where_a_name_is_inactive():
    def declare(hp):
        hp.Choice("kind", ["flat", "deep"])
        hp.Int("a", 1, 3)
        with hp.conditional_scope("kind", "deep"):
            hp.Int("b", 1, 3)
            hp.require("a < b")
        return hp

    tree = tree_of(declare)
    assert tree.size == 3 + 3
    declare(HyperParameters.bind({"kind": "flat", "a": 3}))
    assert all(tree.violated(tree.decode(v)) is None for v in tree.sample_vectors(np.random.default_rng(0), 50))


def test_names_are_looked_for_from_the_inner_scope_outwards():
    hp = HyperParameters()
    hp.Int("a", 1, 3)
    with hp.name_scope("block"):
        hp.Int("b", 1, 3)
        hp.require("a <= b and hp['block/b'] < 3")
    assert hp.constraints[0].parameters == ("a", "block/b")
    assert hp.tree.size == 1 + 2


def test_constraints_survive_json_and_growth():
    def declare(hp):
        attention(hp)
        hp.Choice("a", [1, (1, 2), True])
        hp.forbid(a=[(1, 2), True], heads=3)

    tree = tree_of(declare)
    back = Tree().grow(loads(dumps(tree.specs())))
    assert back.specs() == tree.specs() and back.size == tree.size
    assert back.grow(tree.specs()) is back


@pytest.mark.parametrize(
    "expression, word",
    [
        ("units %", "parse"),
        ("__import__('os').system('x')", "called"),
        ("units.real > 1", "Attribute"),
        ("[u for u in (1, 2)]", "ListComp"),
        ("units if", "parse"),
        ("lambda: 1", "Lambda"),
        ("(units := 3) > 1", "NamedExpr"),
        ("units[0] > 1", "brackets"),
        ("open('x')", "called"),
        ("f'{units}' == '1'", "JoinedStr"),
        ("", "not an expression"),
        ("unit > 3", "'unit' was declared"),
    ],
)
def test_what_is_not_an_allowed_expression_is_refused(expression, word):
    hp = HyperParameters()
    hp.Int("units", 1, 8)
    with pytest.raises(SpaceError, match=word):
        hp.require(expression)


@pytest.mark.parametrize("given, kind", [(lambda c: c["units"] < 3, "function"), (True, "bool"), (None, "NoneType")])
def test_what_is_no_text_is_answered_with_how_to_write_it(given, kind):
    hp = HyperParameters()
    hp.Int("units", 1, 8)
    with pytest.raises(SpaceError) as found:
        hp.require(given)
    assert f"not a {kind}" in found.value.what and 'Write it as text: hp.require("a + b <= 6")' in str(found.value)
    assert hp.constraints == [] and " at 0x" not in str(found.value)


@pytest.mark.parametrize(
    "expression, config, expected",
    [
        ("a ** 2 + b ** 2 <= 25", {"a": 3, "b": 4}, True),
        ("1 < a < 3", {"a": 3}, False),
        ("kind in ('x', 'y') or a > 2", {"kind": "z", "a": 3}, True),
        ("not (kind == 'x')", {"kind": "x"}, False),
        ("a // b == 0 if b else True", {"a": 1, "b": 0}, True),
        ("a % b == 0", {"a": 1, "b": 0}, False),
        ("max(a, b, abs(-9)) == 9 and round(b) == 2", {"a": 1, "b": 2.2}, True),
        ("b is None or b > 3", {"b": None}, True),
        ("9 ** 9 ** 9 ** 9 > a", {"a": 1}, False),
        ("hp['s/x'] == 1", {"s/x": 1}, True),
    ],
)
def test_expressions_mean_what_python_means(expression, config, expected):
    assert Require(expression).holds(config) is expected


def test_values_that_cannot_be_compared_are_named():
    with pytest.raises(SpaceError, match=r"a > 1.*a='x'"):
        Require("a > 1").holds({"a": "x"})


def test_names_in_an_expression():
    assert names_in("a + min(b, 2) * hp['c/d']") == ["a", "b", "c/d"]


def test_an_empty_space_says_so():
    def declare(hp):
        hp.Float("x", 0, 1)
        hp.require("x > 2")

    tree = tree_of(declare)
    for act in (
        lambda: tree.sample(np.random.default_rng(0)),
        lambda: tree.sample_vectors(np.random.default_rng(0), 3),
        lambda: tree.snap(np.array([[0.5]])),
    ):
        with pytest.raises(SpaceError, match=r"x > 2.*200,000 draws"):
            act()
    assert list(tree.enumerate()) == []


def test_a_needle_in_a_small_space_is_found():
    def declare(hp):
        hp.Int("x", 1, 300)
        hp.Int("y", 1, 300)
        hp.require("x == 77 and y == 3")

    tree, rng = tree_of(declare), np.random.default_rng(0)
    assert tree.size == 1 and tree.sample(rng) == {"x": 77, "y": 3}
    assert {tuple(tree.decode(v).values()) for v in tree.sample_vectors(rng, 5)} == {(77, 3)}


@pytest.mark.parametrize("count, low", [(2, 0.0), (3, 0.0), (5, 0.1), (4, 0.25)])
def test_shares_sum_to_one(count, low):
    for i in range(50):
        hp = HyperParameters.bind({}, draw=Seed(i))
        found = hp.Simplex("mix", count, min=low)
        assert len(found) == count and abs(sum(found.values()) - 1) < 1e-12 and min(found.values()) >= low - 1e-12
        again = HyperParameters.bind(loads(dumps(hp.ran))).Simplex("mix", count, min=low)
        assert again == found
        tree = Tree().grow(hp.trace)
        assert tree.decode(tree.encode(hp.ran)) == hp.ran


def test_shares_are_even_by_default_and_uniform_when_drawn():
    assert HyperParameters().Simplex("mix", 4) == pytest.approx(dict.fromkeys("0123", 0.25))
    drawn = np.array([list(HyperParameters.bind({}, draw=Seed(i)).Simplex("m", 3).values()) for i in range(1500)])
    # Uniform on the simplex: every share has mean 1/3 and variance 1/18, and pairs the covariance -1/36.
    np.testing.assert_allclose(drawn.mean(axis=0), 1 / 3, atol=0.025)
    np.testing.assert_allclose(np.cov(drawn.T), np.full((3, 3), -1 / 36) + np.eye(3) / 12, atol=0.008)


@pytest.mark.parametrize("parts, low", [(["a"], 0), (["a", "a"], 0), ("ab", 0), (3, 0.4), (3, -0.1), ([1, 2], 0)])
def test_shares_that_make_no_sense(parts, low):
    with pytest.raises(SpaceError, match="mix"):
        HyperParameters().Simplex("mix", parts, min=low)


def test_a_large_space_of_which_a_constraint_leaves_little_is_spread_over():
    def declare(hp):
        hp.Int("a", 0, 999), hp.Int("b", 0, 999), hp.Float("c", 0, 1)
        hp.require("a + b <= 20")  # 231 of a million pairs

    tree, rng = tree_of(declare), np.random.default_rng(0)
    drawn = [tree.decode(row) for row in tree.sample_vectors(rng, 400)] + [tree.sample(rng) for _ in range(20)]
    assert all(tree.violated(config) is None for config in drawn)
    pairs = [(config["a"], config["b"]) for config in drawn]
    assert len(set(pairs)) > 150
    # Uniform on the triangle: either number has mean 20 / 3.
    np.testing.assert_allclose(np.mean(pairs, axis=0), 20 / 3, atol=1.0)
    assert np.std([config["c"] for config in drawn]) == pytest.approx(12**-0.5, abs=0.03)


def test_a_large_space_that_a_constraint_leaves_empty_is_said_to_be_so():
    def declare(hp):
        hp.Int("a", 0, 9999), hp.Int("b", 0, 9999)
        hp.require("a > b + 20_000")

    with pytest.raises(SpaceError, match="nothing satisfies the constraints .*a > b"):
        tree_of(declare).sample_vectors(np.random.default_rng(0), 5)
