"""Growing a graph by one edit: what changes, what keeps its name, and what is refused."""

import pytest

from modelwright.core.errors import SpaceError
from modelwright.nas import concat, trace
from modelwright.nas.grow import deepen, larger_kernel, skip, widen


def network(x):
    x = x.conv(4, 3, name="stem").relu()
    y = x.conv(4, 3, name="a").batch_norm(name="norm").apply("depthwise", kernel=3, name="depthwise")
    x = x.apply("add", y, name="add").activation("tanh", name="tanh").conv(6, 3, stride=2, name="b")
    return concat([x, x.max_pool(2, stride=1)]).flatten().dense(8, name="hidden").relu().dense(3, name="head")


GRAPH = trace(network, (8, 8, 1))


def shapes(graph):
    return {node.name: node.shape for node in graph.nodes}


def named(graph, name):
    return next(node for node in graph.nodes if node.name == name)


@pytest.mark.parametrize(
    "child",
    [deepen(GRAPH, "add"), widen(GRAPH, "a"), larger_kernel(GRAPH, "depthwise"), skip(GRAPH, "stem", "tanh")],
)
def test_every_node_keeps_its_name_and_its_place(child):
    kept = [node.name for node in child.nodes if node.name in shapes(GRAPH)]
    assert kept == [node.name for node in GRAPH.nodes]


def test_a_layer_is_put_in_plainly_only_where_nothing_is_below_zero():
    assert [node.op for node in deepen(GRAPH, "activation").nodes[3:6]] == ["conv", "batch_norm", "activation"]
    assert named(deepen(GRAPH, "tanh"), "tanh/deeper/add").shape == (8, 8, 4)
    assert named(deepen(GRAPH, "tanh", residual=False, kernel=5), "tanh/deeper/conv").attributes["kernel"] == 5
    assert named(deepen(GRAPH, "hidden"), "hidden/deeper/dense").attributes["units"] == 8
    twice = deepen(deepen(GRAPH, "tanh"), "tanh")
    assert {"tanh/deeper/conv", "tanh/deeper2/conv"} <= set(shapes(twice))


def test_all_that_is_tied_by_sums_is_widened_together():
    wide = shapes(widen(GRAPH, "a", 1.5))
    assert [wide[name][-1] for name in ("stem", "a", "norm", "depthwise", "add", "b")] == [6, 6, 6, 6, 6, 6]
    assert shapes(widen(GRAPH, "b", 1.01))["b"][-1] == 7
    assert shapes(widen(GRAPH, "hidden"))["hidden"] == (16,)


def test_a_kernel_grows_by_two_positions_or_to_what_is_said():
    assert named(larger_kernel(GRAPH, "a"), "a").attributes["kernel"] == 5
    assert named(larger_kernel(GRAPH, "a", 4), "a").attributes["kernel"] == 4


def test_a_skip_is_brought_to_the_shape_of_what_it_joins():
    child = skip(GRAPH, "stem", "b")
    assert named(child, "b/skip/pool").shape == (4, 4, 4)
    assert named(child, "b/skip/conv").shape == named(child, "b/skip/gate").shape == (4, 4, 6)
    joined = skip(GRAPH, "stem", "tanh", join="concat")
    assert named(joined, "tanh/skip/concat").shape == (8, 8, 8) and named(joined, "b").shape == (4, 4, 6)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda: deepen(GRAPH, "nowhere"), "no node 'nowhere'.*stem"),
        (lambda: widen(GRAPH, "head"), "an output"),
        (lambda: widen(GRAPH, "input"), "input"),
        (lambda: widen(GRAPH, "concat"), "those of concat"),
        (lambda: widen(GRAPH, "a", 1.0), "factor=1.0"),
        (lambda: widen(GRAPH, "a", float("nan")), "factor=nan"),
        (lambda: larger_kernel(GRAPH, "hidden"), "of the operation dense"),
        (lambda: larger_kernel(GRAPH, "a", 3), "kernel=3"),
        (lambda: skip(GRAPH, "b", "a"), "'b' does not come before 'a'"),
        (lambda: skip(GRAPH, "a", "a"), "does not come before"),
        (lambda: skip(GRAPH, "a", "hidden"), "has the shape"),
        (lambda: skip(GRAPH, "a", "b", join="mix"), "join='mix'"),
        (lambda: skip(GRAPH, "hidden", "head", join="concat"), "is an output"),
    ],
)
def test_what_cannot_be_is_refused_by_name(edit, said):
    with pytest.raises(SpaceError, match=said):
        edit()
