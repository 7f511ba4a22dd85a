"""Trees of every kind against the contract that strategies rely on."""

from modelwright.space import HyperParameters, Tree
from modelwright.testing.space import SpaceContract


def declared(function):
    hp = HyperParameters()
    function(hp)
    return hp.tree


def mixed(hp):
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Float("tail", 0.5, 0.999, sampling="reverse_log")
    hp.Int("layers", 1, 3)
    hp.Int("width", 8, 2981, sampling="log")
    hp.Int("wide", 8, 2981, sampling="reverse_log")
    hp.Fixed("loss", "mse")
    kind = hp.Choice("kind", ["a", None, 1, 1.0, True, (64, 64)])
    assert kind == "a"
    with hp.conditional_scope("kind", ["a", 1]):
        hp.Int("width_a", 8, 64, step=8)
        hp.Boolean("norm")
        with hp.conditional_scope("norm", [True]):
            hp.Float("momentum", 0.1, 0.9, step=0.1)
    with hp.conditional_scope("kind", [True]):
        hp.Float("width_a", 0, 1)


def finite(hp):
    hp.Int("a", 1, 4)
    hp.Choice("b", ["x", "y", "z"], default="y")
    with hp.conditional_scope("b", ["x"]):
        hp.Fixed("mode", 3)
        hp.Int("c", 1, 64, step=4, sampling="log")
    with hp.conditional_scope("b", ["y"]):
        hp.Float("c", 0, 0.5, step=0.25)
        hp.Boolean("d", default=True)
        with hp.conditional_scope("d", [True]):
            hp.Choice("e", [16, 32, 64])


def constrained(hp):
    hp.Int("units", 8, 64, step=8)
    hp.Int("heads", 1, 8)
    hp.Choice("optimizer", ["sgd", "adam"])
    hp.Choice("momentum", [0.0, 0.9])
    hp.require("units % heads == 0 and units / heads >= 4")
    hp.forbid(optimizer="adam", momentum=0.9)


def shares(hp):
    hp.Simplex("mix", ["a", "b", "c"], min=0.1)
    hp.Float("x", 0, 1)
    hp.Float("y", 0, 1)
    hp.require("x + y <= 1")


def hidden(hp):
    layers = hp.Int("layers", 1, 4)
    for i in range(layers):
        hp.Int(f"units_{i}", 8, 32, step=8)
    if hp.Choice("optimizer", ["adam", "sgd"]) == "sgd":
        hp.Choice("momentum", [0.0, 0.5, 0.9])


def learned():
    tree = Tree()
    for layers in (1, 2, 3, 4):
        for optimizer in ("adam", "sgd"):
            hp = HyperParameters.bind({"layers": layers, "optimizer": optimizer})
            hidden(hp)
            tree = tree.grow(hp.trace).learn(hp.ran)
    return tree


class TestMixed(SpaceContract):
    make = staticmethod(lambda: declared(mixed))


class TestFinite(SpaceContract):
    make = staticmethod(lambda: declared(finite))


class TestConstrained(SpaceContract):
    make = staticmethod(lambda: declared(constrained))


class TestShares(SpaceContract):
    make = staticmethod(lambda: declared(shares))


class TestLearned(SpaceContract):
    make = staticmethod(learned)


class TestSinglePoint(SpaceContract):
    make = staticmethod(lambda: declared(lambda hp: [hp.Fixed("a", 1), hp.Int("b", 3, 3)]))
