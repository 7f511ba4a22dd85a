"""Drawings: an architecture, or the difference between two, as one SVG that needs nothing else.

Blocks are filled and their text is inside, so that they can be read on dark and on light pages. Differences are told by
a word in the block and by the kind of line, beside their colour. Owns lines and colours; ``blocks`` owns what is drawn,
``layered`` where.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from modelwright.nas.blocks import Block, blocks
from modelwright.nas.graph import Graph, check_graph
from modelwright.nas.layered import Layout, Point, layered

#: Width of a letter and height of a line, the room around text and around all, in pixels; letters of a line at most.
_LETTER, _LINE, _PAD, _MARGIN, _WRAP = 6.7, 16.0, 10.0, 14.0, 46
#: State of a block -> (fill, border, dashes, word).
_STATES = {
    "same": ("#e6edf5", "#5b6b7c", "", ""),
    "input": ("#f4f1e4", "#5b6b7c", "", ""),
    "added": ("#bfe8c5", "#1f7a33", "", "+ added"),
    "removed": ("#f5c3c0", "#b3261e", "6 3", "- removed"),
    "changed": ("#fbdf9d", "#9a6700", "2 2", "~ changed"),
}
_INK, _EDGE = "#15202b", "#7a8794"


def draw(graph: Graph, *, before: Graph | None = None, title: str = "", fold: bool = True) -> str:
    """The network as SVG text; what cannot matter in it is left out.

    Args:
        before: another network: then what was added, removed or changed since is marked.
        title: above the drawing.
        fold: whether groups of layers that follow themselves are drawn once, with how often.

    >>> from modelwright.nas.graph import trace
    >>> svg = draw(trace(lambda x: x.conv(8, 3).batch_norm().relu().global_avg_pool().dense(10), (28, 28, 1)))
    >>> svg[:4], "conv 3x3, 8 filters, BN, relu" in svg, svg.count("<rect")
    ('<svg', True, 4)
    """
    for one in (graph,) if before is None else (graph, before):
        check_graph(one, "nas.draw")
    found = blocks(graph, before, fold)
    lines = [_lines(block) for block in found]
    sizes = [(max(map(len, text)) * _LETTER + 2 * _PAD, len(text) * _LINE + _PAD) for text in lines]
    edges = [(i, place) for place, block in enumerate(found) for i in block.inputs]
    layout = layered(sizes, edges)
    top = _MARGIN + (_LINE + _PAD if title else 0.0)
    inside = max(layout.width, len(title) * _LETTER + 2 * _PAD)
    left = _MARGIN + (inside - layout.width) / 2 + _frames_room(found)
    parts = [_title(title)] if title else []
    body = [
        *(_edge(layout.routes[k], found[b].marks.get(a, _kind(found, a, b))) for k, (a, b) in enumerate(edges)),
        *(_frame(found, i, layout, sizes) for i in range(len(found)) if found[i].repeats > 1),
        *(_box(block, layout.centres[i], sizes[i], lines[i]) for i, block in enumerate(found)),
    ]
    parts.append(f'<g transform="translate({left:.1f} {top:.1f})">{"".join(body)}</g>')
    width, height = inside + 2 * _MARGIN + 2 * _frames_room(found), layout.height + top + _MARGIN
    said = _said(found, title or ("Architecture" if before is None else "Difference between two architectures"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(said)} width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" font-family="system-ui, sans-serif" '
        f'font-size="12"><title>{escape(said)}</title>{"".join(parts)}</svg>'
    )


def _said(found: Sequence[Block], title: str) -> str:
    """The drawing in a sentence, for those who cannot see it."""
    count = {state: sum(block.state == state for block in found) for state in ("added", "removed", "changed")}
    marked = ", ".join(f"{n} {state}" for state, n in count.items() if n)
    return f"{title}: {len(found)} blocks{f', {marked}' if marked else ''}"


def _lines(block: Block) -> list[str]:
    shape = "x".join(map(str, block.shape))
    size = f"{shape}, {block.parameters:,} weights" if block.parameters else shape
    word = _STATES[block.state][3]
    return [*([word] if word else []), *textwrap.wrap(block.text, _WRAP, break_long_words=True), size]


def _kind(found: Sequence[Block], a: int, b: int) -> str:
    """A connection is as new, or as lost, as what it joins."""
    states = (found[a].state, found[b].state)
    return "removed" if "removed" in states else "added" if "added" in states else "same"


def _edge(route: Sequence[Point], kind: str) -> str:
    colour = _EDGE if kind == "same" else _STATES[kind][1]
    dashes = ' stroke-dasharray="6 3"' if kind == "removed" else ""
    path = f"M{route[0][0]:.1f} {route[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(route):
        half = (y + to_y) / 2
        path += f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}"
    x, y = route[-1]
    head = f'<path d="M{x - 4:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y - 7:.1f}" fill="none" stroke="{colour}"/>'
    line = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'
    return f'<g class="edge {kind}">{line}{head}{_sign(route, kind)}</g>'


def _sign(route: Sequence[Point], kind: str) -> str:
    """A plus or a minus on what is new or lost."""
    if kind == "same":
        return ""
    (x, y), (to_x, to_y) = route[len(route) // 2 - 1], route[len(route) // 2]
    at, down, colour = (x + to_x) / 2, (y + to_y) / 2, _STATES[kind][1]
    sign = "+" if kind == "added" else "\u2212"
    return (
        f'<circle cx="{at:.1f}" cy="{down:.1f}" r="7" fill="{colour}"/><text x="{at:.1f}" y="{down + 4:.1f}" '
        f'text-anchor="middle" fill="#ffffff" font-weight="700">{sign}</text>'
    )


def _box(block: Block, centre: Point, size: tuple[float, float], lines: Sequence[str]) -> str:
    fill, border, dashes, word = _STATES[block.state]
    x, y = centre[0] - size[0] / 2, centre[1] - size[1] / 2
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    texts = []
    for i, line in enumerate(lines):
        weight = ' font-weight="600"' if i == 0 or (word and i == 1) else ""
        at = y + _PAD / 2 + (i + 0.75) * _LINE
        texts.append(
            f'<text x="{centre[0]:.1f}" y="{at:.1f}" text-anchor="middle" fill="{_INK}"{weight}>{escape(line)}</text>'
        )
    return (
        f'<g class="block {block.state}"><title>{escape(", ".join(block.names))}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" rx="6" fill="{fill}" '
        f'stroke="{border}" stroke-width="1.5"{dashed}/>{"".join(texts)}</g>'
    )


def _frames_room(found: Sequence[Block]) -> float:
    return 40.0 if any(block.repeats > 1 for block in found) else 0.0


def _frame(found: Sequence[Block], first: int, layout: Layout, sizes: Sequence[tuple[float, float]]) -> str:
    """Around a group that follows itself, with how often."""
    inside = range(first, first + found[first].group)
    left = min(layout.centres[i][0] - sizes[i][0] / 2 for i in inside) - 8
    right = max(layout.centres[i][0] + sizes[i][0] / 2 for i in inside) + 8
    top = min(layout.centres[i][1] - sizes[i][1] / 2 for i in inside) - 8
    bottom = max(layout.centres[i][1] + sizes[i][1] / 2 for i in inside) + 8
    times = f"\u00d7 {found[first].repeats}"
    return (
        f'<g class="repeat"><rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
        f'rx="9" fill="none" stroke="{_EDGE}" stroke-dasharray="3 3"/>'
        f'<rect x="{right - 16:.1f}" y="{top - 9:.1f}" width="36" height="18" rx="9" fill="{_INK}"/>'
        f'<text x="{right + 2:.1f}" y="{top + 4:.1f}" text-anchor="middle" fill="#ffffff" font-weight="600">'
        f"{times}</text></g>"
    )


def _title(title: str) -> str:
    width = len(title) * _LETTER + 2 * _PAD
    return (
        f'<g class="title"><rect x="{_MARGIN}" y="{_MARGIN / 2}" width="{width:.1f}" height="{_LINE + 6:.1f}" rx="4" '
        f'fill="{_INK}"/><text x="{_MARGIN + _PAD:.1f}" y="{_MARGIN / 2 + _LINE:.1f}" fill="#ffffff" '
        f'font-weight="600">{escape(title)}</text></g>'
    )
