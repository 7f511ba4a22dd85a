"""Layered layout of a directed graph: boxes in rows, edges from above to below. Knows nothing of what is drawn.

Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures", IEEE Trans. Systems,
Man, and Cybernetics 11(2), 1981: rows by longest paths, stand-ins where an edge passes a row, rows ordered by the mean
place of their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Between boxes of a row, between rows, and what an edge needs that passes a row, in pixels.
_GAP, _ROWS, _PASS = 24.0, 38.0, 12.0
_SWEEPS = 8

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, in pixels from the upper left.

    Attributes:
        centres: of the boxes.
        routes: for each edge the points that it passes, from the lower side of a box to the upper side of another.
        width, height: of the whole.
    """

    centres: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layered(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Boxes of these (width, height), joined by these (from, to) without a circle.

    >>> found = layered([(10, 10), (10, 10), (10, 10)], [(0, 1), (1, 2), (0, 2)])
    >>> found.centres[0][1] < found.centres[1][1] < found.centres[2][1], len(found.routes[2])
    (True, 3)
    """
    if not sizes:
        return Layout((), (), 0.0, 0.0)
    row = _rows(len(sizes), edges)
    widths = [width for width, _ in sizes]
    chains: list[list[int]] = []
    for a, b in edges:
        chain = [a]
        for between in range(row[a] + 1, row[b]):
            row.append(between)
            widths.append(_PASS)
            chain.append(len(row) - 1)
        chains.append([*chain, b])
    above: list[list[int]] = [[] for _ in row]
    below: list[list[int]] = [[] for _ in row]
    for chain in chains:
        for a, b in pairwise(chain):
            above[b].append(a)
            below[a].append(b)
    rows: list[list[int]] = [[] for _ in range(max(row) + 1)]
    for i, r in enumerate(row):
        rows[r].append(i)
    x = _across(rows, widths, above, below)
    left = min(x[i] - widths[i] / 2 for i in range(len(x)))
    x = [value - left for value in x]
    tall = [max((sizes[i][1] for i in line if i < len(sizes)), default=0.0) for line in rows]
    tops = [sum(tall[:r]) + _ROWS * r for r in range(len(rows))]
    centres = tuple((x[i], tops[row[i]] + tall[row[i]] / 2) for i in range(len(sizes)))
    routes = []
    for chain in chains:
        a, b = chain[0], chain[-1]
        middle = [(x[i], tops[row[i]] + tall[row[i]] / 2) for i in chain[1:-1]]
        start, end = centres[a][1] + sizes[a][1] / 2, centres[b][1] - sizes[b][1] / 2
        routes.append(((x[a], start), *middle, (x[b], end)))
    width = max(x[i] + widths[i] / 2 for i in range(len(x)))
    return Layout(centres, tuple(routes), width, tops[-1] + tall[-1])


def _rows(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest way to each box from one that nothing leads to."""
    row, waiting = [0] * count, [0] * count
    follow: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        follow[a].append(b)
        waiting[b] += 1
    ready = [i for i in range(count) if not waiting[i]]
    while ready:
        i = ready.pop()
        for j in follow[i]:
            row[j] = max(row[j], row[i] + 1)
            waiting[j] -= 1
            if not waiting[j]:
                ready.append(j)
    return row


def _across(
    rows: list[list[int]], widths: Sequence[float], above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]
) -> list[float]:
    """Centres from left to right: ordered, then drawn to their neighbours as far as there is room."""
    x = [0.0] * len(widths)
    for line in rows:
        _spread(line, [0.0] * len(line), widths, x)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for line in rows if down else rows[::-1]:
            near = above if down else below
            wanted = {i: _mean([x[j] for j in near[i]], x[i]) for i in line}
            if sweep < _SWEEPS - 2:
                line.sort(key=lambda i: wanted[i])
            _spread(line, [wanted[i] for i in line], widths, x)
    return x


def _spread(line: Sequence[int], wanted: Sequence[float], widths: Sequence[float], x: list[float]) -> None:
    """As near to where they are wanted as their widths allow, in this order: by merging what would overlap."""
    blocks: list[tuple[float, float, list[int]]] = []  # (mean of wanted starts, width, members)
    for i, want in zip(line, wanted, strict=True):
        start, width, members = want - widths[i] / 2, widths[i] + _GAP, [i]
        while blocks and blocks[-1][0] + blocks[-1][1] > start:
            before, wide, others = blocks.pop()
            count = len(others) + len(members)
            start = (before * len(others) + (start - wide) * len(members)) / count
            width, members = wide + width, others + members
        blocks.append((start, width, members))
    for start, _, members in blocks:
        at = start
        for i in members:
            x[i] = at + widths[i] / 2
            at += widths[i] + _GAP


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
