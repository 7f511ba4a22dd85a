"""Spaces with published tables, for checks without training: NAS-Bench-201.

Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.errors import SpaceError
from modelwright.core.records import Config
from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Tensor, add
from modelwright.nas.operations import Shape
from modelwright.nas.spaces.maker import space_maker
from modelwright.space import HyperParameters

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
#: (to, from) of each edge of a cell, in the order of the published strings.
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))


@space_maker
def nasbench201(shape: Shape = (32, 32, 3), classes: int = 10, *, width: int = 16, cells: int = 5) -> Architecture:
    """The 15,625 cells of NAS-Bench-201, each stacked ``cells`` times in three stages of rising width.

    Decisions are the operations of the six edges, named ``edge1<0`` and so on.

    >>> space = nasbench201()
    >>> space.tree.size
    15625
    """

    def sketch(hp: HyperParameters, x: Tensor) -> Tensor:
        return _cell(hp, x.conv(width, 3), _decisions(hp))

    def define(hp: HyperParameters, x: Tensor) -> Tensor:
        ops = _decisions(hp)
        x = _named(hp, "stem", lambda: x.conv(width, 3).batch_norm())
        for stage in range(3):
            if stage:
                x = _named(hp, f"reduction{stage}", lambda x=x, to=width << stage: _reduction(x, to))
            for i in range(cells):
                with hp.name_scope(f"stage{stage}"), hp.name_scope(f"cell{i}"):
                    x = _cell(hp, x, ops)
        return _named(hp, "head", lambda: x.batch_norm().relu().global_avg_pool().dense(classes))

    return Architecture(define, shape, name="nasbench201", sketch=sketch, levels=_levels())


def _levels() -> list[dict[str, str]]:
    """Cells of one, two and three nodes: the last node that a cell has is passed on to its end."""
    held = {f"edge{to}<{source}": "skip_connect" if source == to - 1 else "none" for to, source in EDGES}
    return [{name: op for name, op in held.items() if name > f"edge{nodes}~"} for nodes in (1, 2)]


def published(config: Config) -> str:
    """A cell as the tables write it: ``|nor_conv_3x3~0|+|...|+|...|``."""
    ops = [config[f"edge{to}<{source}"] for to, source in EDGES]
    parts = [
        [f"{op}~{source}" for op, (to, source) in zip(ops, EDGES, strict=True) if to == node] for node in (1, 2, 3)
    ]
    return "+".join(f"|{'|'.join(part)}|" for part in parts)


def configuration(text: str) -> dict[str, str]:
    """The inverse of ``published``.

    >>> published(configuration("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"))
    '|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|'

    Raises:
        SpaceError: it is no such cell.
    """
    found = {}
    for node, part in enumerate(text.split("+"), 1):
        for item in part.strip("|").split("|"):
            op, _, source = item.partition("~")
            found[f"edge{node}<{source}"] = op
    if set(found) != {f"edge{to}<{source}" for to, source in EDGES} or not set(found.values()) <= set(OPERATIONS):
        raise SpaceError(f"{text!r} is no cell", where="nasbench201", allowed=f"operations {', '.join(OPERATIONS)}")
    return found


def isomorphic(config: Config) -> str:
    """The table's own canonical form: skips followed, sums sorted, and zeros marked but not worked out.

    It gives 6,466 texts for 15,625 cells. It does not tell two convolutions of one input from one that is used twice,
    as ``Architecture.key`` does, which in turn drops zeros from sums.
    """
    nodes = ["0"]
    for to in (1, 2, 3):
        terms = []
        for source in range(to):
            op, taken = config[f"edge{to}<{source}"], nodes[source]
            if op == "none" or taken == "#":
                terms.append("#")
            else:
                terms.append(taken if op == "skip_connect" else f"({taken})@{op}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def _decisions(hp: HyperParameters) -> list[str]:
    return [hp.Choice(f"edge{to}<{source}", list(OPERATIONS), default="nor_conv_3x3") for to, source in EDGES]


def _cell(hp: HyperParameters, x: Tensor, ops: Sequence[str]) -> Tensor:
    nodes = [x]
    for node in (1, 2, 3):
        terms = []
        for op, (to, source) in zip(ops, EDGES, strict=True):
            if to == node:
                with hp.name_scope(f"edge{to}<{source}".replace("<", "_")):
                    terms.append(_edge(nodes[source], op))
        nodes.append(add(terms))
    return nodes[-1]


def _edge(x: Tensor, op: str) -> Tensor:
    if op == "none":
        return x.zero()
    if op == "skip_connect":
        return x
    if op == "avg_pool_3x3":
        return x.avg_pool(3, stride=1)
    return _conv(x, x.channels, 3 if op == "nor_conv_3x3" else 1)


def _conv(x: Tensor, filters: int, kernel: int, stride: int = 1) -> Tensor:
    return x.relu().conv(filters, kernel, stride=stride).batch_norm()


def _reduction(x: Tensor, filters: int) -> Tensor:
    """A residual block of stride 2."""
    inner = _conv(_conv(x, filters, 3, 2), filters, 3)
    return inner + x.avg_pool(2).conv(filters, 1)


def _named(hp: HyperParameters, name: str, write) -> Tensor:
    with hp.name_scope(name):
        return write()
