"""Ready spaces as they are called: one value in place of several, and what is told of arguments that make no sense."""

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from modelwright import nas
from modelwright.core.errors import SpaceError


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nas.chain((28, 28, 1), 10, dropouts=(0, 1.5)), "Allowed: numbers from 0, below 1"),
        (lambda: nas.tabular((5,), 1, dropouts=1), "dropouts=1"),
        (lambda: nas.chain((28, 28, 1), 10, width=(16, 32)), "a whole number from 1"),
        (lambda: nas.mobile((28, 28, 1), 10, kernels=(3, 4.5)), "whole numbers from 1"),
        (lambda: nas.cells((28, 28, 1), 10, blocks=(1, None)), "one number for both"),
        (lambda: nas.chain((28, 28, 1), 10, inits="he"), "'he_normal'"),
        (
            lambda: nas.chain((28, 28, 1), 10, filters=64),
            "no argument 'filters'. Allowed: shape, classes, stages",
        ),
        (lambda: nas.chain(filters=64), "filters= is written width=..."),
        (lambda: nas.tabular(width=16), "width= is written widths=..."),
        (lambda: nas.cells(layers=2, epochs=5), "no argument 'layers', 'epochs'"),
        (lambda: nas.mobile(staegs=2), "Did you mean 'stages'?"),
        (lambda: nas.nasbench201(stages=2), "help(nas.nasbench201) says what each is"),
    ],
)
def test_arguments_that_make_no_sense_are_told(make, said):
    with pytest.raises(SpaceError) as raised:
        make()
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("make", "alone", "listed"),
    [
        (nas.chain, {"kernels": 3, "activations": "gelu"}, {"kernels": (3,), "activations": ["gelu"]}),
        (nas.chain, {"depth": 2, "stride": 1}, {"depth": (2, 2), "stride": [1]}),
        (nas.cells, {"operations": "conv_3x3", "width": 8}, {"operations": ("conv_3x3",), "width": [8]}),
        (nas.mobile, {"depth": 2, "head": np.int64(16)}, {"depth": (2, 2), "head": [16]}),
        (nas.branches, {"nodes": 2, "widths": 8}, {"nodes": (2, 2), "widths": np.array([8])}),
        (nas.branches, {"dropouts": 0, "joins": "add"}, {"dropouts": (0,), "joins": ("add",)}),
    ],
)
def test_one_value_alone_is_a_list_of_one(make, alone, listed):
    one, several = (make((12, 12, 1), 3, **options) for options in (alone, listed))
    assert one.tree.specs() == several.tree.specs()
    assert one.graph({}) == several.graph({})


def test_one_block_alone_is_so_many_for_tables():
    space = nas.tabular((5,), 2, depth=1, widths=16, activations="gelu", kinds="plain", norms="none", dropouts=0.1)
    assert [p.name for p in space.tree.parameters] == ["initialisation"]
    assert [n.attributes["kind"] for n in space.graph({}).nodes if n.op == "activation"] == ["gelu", "gelu"]


DOCS = Path(__file__).parents[2] / "docs" / "nas.md"


@pytest.mark.parametrize(
    "make", [nas.chain, nas.branches, nas.cells, nas.mobile, nas.tabular, nas.nasbench201, nas.around]
)
def test_the_docs_list_the_arguments_of_each_space(make):
    table = DOCS.read_text(encoding="utf-8").partition("| space | arguments")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([^`]+)`", row) for row in table.splitlines()]
    listed = next(names[1:] for names in rows if names[:1] == [f"nas.{make.__name__}"])
    shared = next(names for names in rows if names[:1] == ["activations"])
    known = set(inspect.signature(make).parameters) - {"shape", "classes"}
    assert set(listed) - {"shape", "classes"} == known - set(shared)
    assert set(shared) <= known or make in (nas.nasbench201, nas.around)


def test_a_decision_that_is_misspelt_is_told_of():
    space = nas.Architecture(lambda hp, x: x.dense(hp.Int("units", 2, 8)).relu().dense(2), (3,), name="one")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        space.graph({"units": 4, "unit": 8}), space.key({"rate": 0.1}), space.graph({})
    for call in (space.graph, space.key, lambda config: nas.scale(space, config, budget={"params": 1000})):
        with pytest.warns(UserWarning, match="has no decision 'Unit', .*Did you mean 'units'"):
            call({"Unit": 4})
