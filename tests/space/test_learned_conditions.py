"""Conditions written as plain Python are learned from what ran, and a wrong guess costs no more than a draw."""

from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.rng import Seed
from modelwright.space import HyperParameters, Tree


def run(function, trials, seed=0, start=None):
    """A study in miniature: propose, run, grow, learn."""
    tree, ran = start or Tree(), []
    for i in range(trials):
        config = tree.sample(Seed(seed).child("ask", i).generator()) if i else tree.default()
        hp = HyperParameters.bind(config, draw=Seed(seed).child("draw", i) if i else None)
        function(hp)
        tree = tree.grow(hp.trace).learn(hp.ran)
        ran.append((config, hp.ran))
    return tree, ran


def layered(hp):
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    for i in range(hp.Int("layers", 1, 5)):
        hp.Int(f"units_{i}", 8, 32, step=8)


def branched(hp):
    hp.Int("early", 1, 100)
    kind = hp.Choice("kind", ["svm", "forest", "net"])
    if kind == "svm":
        hp.Choice("c", [0.1, 1.0])
    elif kind == "forest":
        hp.Choice("trees", [10, 100])
        if hp.Boolean("pruned"):
            hp.Choice("alpha", [0.1, 0.2, 0.3])


def test_loops_are_learned_as_thresholds():
    tree, _ = run(layered, 40)
    assert {n: (h.parent, h.least) for n, h in tree.hints.items()} == {
        f"units_{i}": ("layers", i + 1) for i in range(1, 5)
    }
    assert set(tree.complete({"layers": 3})) == {"lr", "layers", "units_0", "units_1", "units_2"}


def test_branches_are_learned_two_deep_and_the_size_is_known():
    tree, ran = run(branched, 60)
    assert {n: h.parent for n, h in tree.hints.items()} == {
        "c": "kind", "trees": "kind", "pruned": "kind", "alpha": "pruned"
    }  # fmt: skip
    assert tree.size == 100 * (2 + 2 * (1 + 3) + 1)
    assert all(dict(config) == dict(real) for config, real in ran[-10:])
    assert tree.key({"early": 1, "kind": "net", "c": 0.1}) == tree.key({"early": 1, "kind": "net"})


def test_a_space_of_plain_branches_is_walked_exactly_once():
    def small(hp):
        if hp.Choice("kind", ["a", "b"]) == "a":
            hp.Int("x", 1, 3)
        else:
            hp.Boolean("y")

    tree, _ = run(small, 10)
    assert tree.size == 5
    assert [tree.key(c) for c in tree.enumerate()] == [
        "kind='a'; x=1", "kind='a'; x=2", "kind='a'; x=3", "kind='b'; y=False", "kind='b'; y=True"
    ]  # fmt: skip


def test_the_tree_stays_the_same_object_while_nothing_new_is_learned():
    tree, _ = run(layered, 60)
    again, _ = run(layered, 60, seed=1, start=tree)
    assert again is tree and tree.version > 1


def test_a_wrong_hint_is_dropped_when_it_is_contradicted():
    tree = Tree().grow(HyperParameters.bind({}).trace)

    def ask(hp, here):
        hp.Choice("kind", ["a", "b"])
        if here:
            hp.Int("x", 1, 3)

    for kind, here in (("a", True), ("b", False)):
        hp = HyperParameters.bind({"kind": kind})
        ask(hp, here)
        tree = tree.grow(hp.trace).learn(hp.ran)
    assert tree.hints["x"].parent == "kind" and tree.complete({"kind": "b"}) == {"kind": "b"}
    # The function asks for x all the same: it gets a draw, and what was believed is corrected.
    hp = HyperParameters.bind(tree.complete({"kind": "b"}), draw=Seed(0))
    ask(hp, True)
    tree = tree.grow(hp.trace).learn(hp.ran)
    assert "x" not in tree.hints and tree.complete({"kind": "b"}) == {"kind": "b", "x": 1}


def test_a_given_value_is_kept_although_a_hint_denies_it():
    tree, _ = run(branched, 60)
    assert tree.complete({"early": 1, "kind": "net", "c": 1.0}) == {"early": 1, "kind": "net", "c": 1.0}
    tree.validate({"early": 1, "kind": "net", "c": 1.0})


def test_explicit_conditions_are_not_guessed_at():
    def explicit(hp):
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["a"]):
            hp.Int("x", 1, 3)

    tree, _ = run(explicit, 20)
    assert not tree.hints and tree.size == 4


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.booleans()), max_size=25))
def test_hints_never_contradict_what_ran(seen):
    """Whatever the order of configurations: every hint agrees with every configuration."""
    tree, ran = Tree(), []
    for layers, kind, flag in seen:
        hp = HyperParameters.bind({"layers": layers, "kind": kind, "flag": flag})
        hp.Int("layers", 1, 4)
        hp.Choice("kind", ["a", "b", "c"])
        if hp.Boolean("flag"):
            hp.Int("x", 1, 3)
        for i in range(layers):
            hp.Int(f"u{i}", 1, 3)
        tree = tree.grow(hp.trace).learn(hp.ran)
        ran.append(hp.ran)
    for config in ran:
        assert all(h.holds(config[h.parent]) == (n in config) for n, h in tree.hints.items() if h.parent in config)
        assert tree.decode(tree.encode(config)) == {**tree.decode(tree.encode(config)), **config}


def test_a_run_that_broke_off_does_not_spoil_what_is_learned_for_good():
    tree = Tree()
    for i in range(60):
        hp = HyperParameters.bind(tree.sample(Seed(3).child(i).generator()) if i else {}, draw=Seed(i))
        layers, kind = hp.Int("layers", 1, 4), hp.Choice("kind", ["a", "b", "c"])
        broken = i in (4, 9)
        if not broken:
            for k in range(layers):
                hp.Int(f"u{k}", 1, 3)
            if kind == "b":
                hp.Boolean("x")
        tree = tree.grow(hp.trace).learn(hp.ran)
    assert {n: h.parent for n, h in tree.hints.items()} == {
        "u1": "layers", "u2": "layers", "u3": "layers", "x": "kind"
    }  # fmt: skip
    assert tree.size == sum(3**k for k in range(1, 5)) * (1 + 2 + 1)


def test_what_no_single_parent_explains_gets_no_hint():
    def both(hp):
        kind = hp.Choice("kind", ["a", "b", "c"])
        if hp.Boolean("flag") and kind == "b":
            hp.Int("x", 1, 3)

    tree, _ = run(both, 80)
    assert not tree.hints and tree.size == 18
