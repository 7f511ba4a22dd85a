"""Drawings of architectures: valid on their own, whole, folded, and readable without colours."""

import xml.etree.ElementTree as ElementTree
from itertools import combinations

import numpy as np
import pytest

from modelwright import nas
from modelwright.nas.blocks import blocks
from modelwright.nas.draw import draw
from modelwright.nas.graph import add, concat, trace
from modelwright.nas.layered import layered

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ElementTree.fromstring(svg)


def texts(svg):
    return [text.text for text in parsed(svg).iter(f"{SVG}text")]


def groups(svg, name):
    return [g for g in parsed(svg).iter(f"{SVG}g") if name in (g.get("class") or "").split()]


def residual(x):
    x = x.conv(8, 3).batch_norm().relu()
    for _ in range(4):
        x = add([x, x.conv(8, 3).batch_norm().relu()])
    return concat([x, x.max_pool(2, stride=1)]).global_avg_pool().dense(10)


def test_a_network_is_drawn_with_shapes_weights_and_what_belongs_together():
    svg = draw(trace(residual, (28, 28, 1)), title="found")
    said = texts(svg)
    assert "found" in said and "conv 3x3, 8 filters, BN, relu" in said and "28x28x8, 104 weights" in said
    assert "dense, 10 units" in said and "max pool 2x2" in said


def test_groups_that_follow_themselves_are_drawn_once():
    graph = trace(residual, (28, 28, 1))
    assert "\u00d7 4" in texts(draw(graph)) and len(groups(draw(graph), "block")) == 8
    whole = draw(graph, fold=False)
    assert not groups(whole, "repeat") and len(groups(whole, "block")) == 14


def test_a_folded_network_counts_every_weight():
    space = nas.nasbench201()
    for seed in range(5):
        graph = space.graph(space.tree.sample(np.random.default_rng(seed)))
        whole = sum(block.parameters for block in blocks(graph, fold=False))
        folded = blocks(graph)
        times = [1] * len(folded)
        for i, block in enumerate(folded):
            for j in range(i, i + block.group):
                times[j] *= block.repeats
        assert sum(block.parameters * n for block, n in zip(folded, times, strict=True)) == whole
        assert sum(len(block.names) * n for block, n in zip(folded, times, strict=True)) == sum(
            len(block.names) for block in blocks(graph, fold=False)
        )


def test_a_group_whose_inside_is_used_elsewhere_is_not_folded():
    def dense(x):
        kept = [x.conv(4, 3)]
        for _ in range(4):
            kept.append(kept[-1].conv(4, 3).relu())
        return concat(kept).global_avg_pool()

    assert not groups(draw(trace(dense, (8, 8, 3))), "repeat")


def test_differences_are_told_by_words_and_lines():
    def before(x):
        x = x.conv(8, 3, name="a").relu().max_pool(2)
        return x.conv(8, 3, name="b").global_avg_pool().dense(2)

    def after(x):
        x = x.conv(16, 3, name="a").relu()
        return add([x.conv(8, 3, name="b"), x.conv(8, 1, name="new")]).global_avg_pool().dense(2)

    svg = draw(trace(after, (8, 8, 3)), before=trace(before, (8, 8, 3)))
    said = texts(svg)
    assert said.count("~ changed") == 1 and said.count("- removed") == 1 and said.count("+ added") == 2
    assert "conv 3x3, 8 filters \u2192 conv 3x3, 16 filters" in said
    removed = groups(svg, "removed")
    assert all(any(part.get("stroke-dasharray") for part in group.iter()) for group in removed) and "\u2212" in said
    label = parsed(svg).get("aria-label")
    assert label == "Difference between two architectures: 9 blocks, 2 added, 1 removed, 1 changed"


def test_a_network_does_not_differ_from_itself():
    graph = trace(residual, (28, 28, 1))
    svg = draw(graph, before=graph)
    assert not (groups(svg, "added") or groups(svg, "removed") or groups(svg, "changed"))


def test_parts_in_another_order_are_drawn_too():
    def order(first, second):
        return lambda x: x.conv(4, 3, name=first).conv(4, 3, name=second).global_avg_pool()

    svg = draw(trace(order("b", "a"), (8, 8, 4)), before=trace(order("a", "b"), (8, 8, 4)))
    assert len(groups(svg, "block")) == 4


def test_names_are_escaped():
    graph = trace(lambda x: x.conv(4, 3, name='<b>&"x').global_avg_pool(), (8, 8, 3))
    svg = draw(graph, title='<script>"&')
    assert '<script>"&' in texts(svg) and "<script>" not in svg
    assert any(title.text == '<b>&"x' for title in parsed(svg).iter(f"{SVG}title"))


def test_nothing_is_loaded_from_elsewhere_and_notebooks_show_it():
    graph = trace(residual, (28, 28, 1))
    svg = graph._repr_svg_()
    assert svg == draw(graph) and "href" not in svg and "url(" not in svg and "<style" not in svg
    assert svg.count("http") == 1


@pytest.mark.parametrize("seed", range(6))
def test_boxes_do_not_overlap_and_edges_lead_downward(seed):
    rng = np.random.default_rng(seed)
    count = 20
    sizes = [(float(rng.integers(20, 200)), float(rng.integers(10, 50))) for _ in range(count)]
    edges = [(int(rng.integers(i)), i) for i in range(1, count) for _ in range(int(rng.integers(1, 4)))]
    found = layered(sizes, sorted(set(edges)))
    for i, j in combinations(range(count), 2):
        pairs = zip(found.centres[i], found.centres[j], sizes[i], sizes[j], strict=True)
        apart = [abs(a - b) - (s + t) / 2 for a, b, s, t in pairs]
        assert max(apart) > -1e-6
    for (x, y), (width, height) in zip(found.centres, sizes, strict=True):
        assert width / 2 - 1e-6 <= x <= found.width - width / 2 + 1e-6
        assert height / 2 - 1e-6 <= y <= found.height - height / 2 + 1e-6
    for route in found.routes:
        heights = [y for _, y in route]
        assert heights == sorted(heights)
