"""Random trees: round trips, keys, counting and growing hold for all of them."""

import itertools
import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from test_domains import choice_domains, float_domains, int_domains

from modelwright.core.codec import dumps, loads
from modelwright.space import (
    BooleanDomain,
    ChoiceDomain,
    Condition,
    FixedDomain,
    FloatDomain,
    IntDomain,
    Parameter,
    Tree,
)
from modelwright.space.mutate import moves
from modelwright.space.value import exact

SMALL = st.one_of(
    st.builds(IntDomain, st.just(1), st.integers(1, 5)),
    choice_domains(),
    st.builds(BooleanDomain, st.booleans()),
    st.integers(0, 3).map(FixedDomain),
)
ANY = st.one_of(SMALL, int_domains(), float_domains())


@st.composite
def trees(draw, domains=ANY, most=7):
    parameters: list[Parameter] = []
    for i in range(draw(st.integers(1, most))):
        conditions = []
        parents = [p for p in parameters if (p.domain.levels or 99) <= 6]
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            grid = parent.domain.grid()
            values = draw(st.lists(st.sampled_from(grid), min_size=1, max_size=3))
            # Nested: a child lives under its parent's own conditions too, as in nested scopes.
            nested = parent.conditions if draw(st.booleans()) else ()
            conditions = [*nested, Condition(parent.name, tuple(values))]
        reuse = [p.name for p in parameters if p.conditions and conditions]
        name = draw(st.sampled_from(reuse)) if reuse and draw(st.integers(0, 3)) == 0 else f"p{i}"
        p = Parameter(name, draw(domains), tuple(conditions)) if all(c.parent != name for c in conditions) else None
        if p is not None and p.identity not in [q.identity for q in parameters]:
            parameters.append(p)
    return Tree(parameters)


def same(a, b):
    return exact(tuple(sorted(a.items()))) == exact(tuple(sorted(b.items())))


@given(trees(), st.integers(0, 2**32 - 1))
def test_sample_vector_sample(tree, seed):
    rng = np.random.default_rng(seed)
    for config in [tree.default(), tree.sample(rng), tree.sample(rng)]:
        tree.validate(config)
        assert {p.name for p in tree.active(config)} == set(config)
        row = tree.encode(config)
        assert same(tree.decode(row), config)
        np.testing.assert_allclose(tree.snap(row)[0], row, atol=1e-12)
        assert same(tree.complete(config, rng), config)
        back = loads(dumps(config))
        assert same(back, config) and tree.key(back) == tree.key(config)


@given(trees(), st.integers(0, 2**32 - 1))
def test_the_vector_rules_and_the_configuration_rules_agree(tree, seed):
    rng = np.random.default_rng(seed)
    for row in tree.sample_vectors(rng, 8):
        config = tree.decode(row)
        tree.validate(config)
        back = tree.encode(config)
        np.testing.assert_array_equal(np.isnan(back), np.isnan(row))
        assert same(tree.decode(back), config)


@given(trees(SMALL, most=5))
def test_the_size_is_the_number_of_different_keys(tree):
    configs = list(itertools.islice(tree.enumerate(every=True), 5000))
    keys = [tree.key(c) for c in configs]
    assert tree.size == len(keys) == len(set(keys)) or (tree.size or 0) > 5000
    assert same(configs[0], tree.default())


@given(trees(), st.integers(0, 2**32 - 1))
def test_inactive_values_do_not_count(tree, seed):
    rng = np.random.default_rng(seed)
    config = tree.sample(rng)
    more = {**{p.name: p.default for p in tree.parameters if p.name not in config}, **config}
    assert tree.key(more) == tree.key(config)
    assert same(tree.complete(more), config)


@given(trees())
def test_growing_again_changes_nothing_and_specs_survive_json(tree):
    specs = tree.specs()
    assert tree.grow(specs) is tree
    grown = Tree().grow(specs)
    for text, load in ((dumps(specs), loads), (json.dumps(specs), json.loads)):
        again = load(text)
        assert grown.grow(again) is grown
        other = Tree().grow(again)
        assert dumps(other.specs()) == dumps(specs) and other.size == tree.size and other.axes == tree.axes


@given(trees(), st.integers(0, 2**32 - 1))
def test_growth_one_parameter_at_a_time_comes_to_the_same_space(tree, seed):
    grown = Tree()
    for i, spec in enumerate(tree.specs()):
        grown = grown.grow([spec])
        assert grown.version == i + 1
    first, second = (t.sample(np.random.default_rng(seed)) for t in (tree, grown))
    assert same(first, second) and tree.key(first) == grown.key(second)


@given(trees(), st.integers(0, 2**32 - 1))
def test_neighbours_differ_in_one_decision_and_what_hangs_on_it(tree, seed):
    rng = np.random.default_rng(seed)
    config = tree.sample(rng)
    for other in tree.neighbours(config, rng, 5):
        tree.validate(other)
        changed = [n for n in config if n in other and exact(other[n]) != exact(config[n])]
        hanging = {p.name for p in tree.active(other) for c in p.conditions if c.parent in changed}
        assert tree.key(other) != tree.key(config)
        if all(sum(p.name == n for p in tree.parameters) == 1 for n in config):
            assert len(set(changed) - hanging) == 1


@given(trees(SMALL), st.integers(0, 2**32 - 1))
def test_moves_are_each_other_value_of_each_decision_once(tree, seed):
    config = tree.sample(np.random.default_rng(seed))
    found = moves(tree, config)
    movable = [p for p in tree.active(config) if not p.fixed]
    assert len(found) == sum(len(p.domain.grid()) - 1 for p in movable)
    if all(sum(p.name == n for p in tree.parameters) == 1 for n in config):
        told = set()
        for other in found:
            tree.validate(other)
            (name,) = (n for n in config if n in other and exact(other[n]) != exact(config[n]))
            told.add((name, exact(other[name])))
            assert all(other[p.name] == p.default for p in tree.active(other) if p.name not in config)
        assert len(told) == len(found)


def test_numbers_of_many_values_are_moved_a_little_and_some_way():
    tree = Tree([Parameter("n", IntDomain(1, 101)), Parameter("x", FloatDomain(0.0, 1.0))])
    found = moves(tree, {"n": 41, "x": 0.1})
    assert sorted(other["n"] for other in found if other["x"] == 0.1) == [16, 31, 40, 42, 51, 66]
    assert sorted(other["x"] for other in found if other["n"] == 41) == [0.0, 0.2, 0.35]


def test_keys_tell_one_from_true():
    tree = Tree([Parameter("a", ChoiceDomain([1, 1.0, True, "1"]))])
    assert len({tree.key({"a": v}) for v in tree.parameters[0].domain.grid()}) == 4
