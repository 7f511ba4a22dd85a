"""Scaling a found architecture to a budget: depth, width and resolution together, or width first.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; Dollar, Singh and
Girshick, "Fast and Accurate Model Scaling", CVPR 2021. Owns how much of each; ``resize`` owns the graphs. Trains
nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.core.records import Config
from modelwright.nas.architecture import Architecture, ArchitectureTree
from modelwright.nas.canonical import pruned
from modelwright.nas.genotype import Genotype
from modelwright.nas.graph import INPUT, Graph
from modelwright.nas.resize import deepened, resized, stretches, widened, widths

#: Of depth, width and resolution.
_Each = tuple[float, float, float]
#: Shares of a growth in cost that go into each. EfficientNet multiplies the depth by 1.2, the width by 1.1 and the
#: resolution by 1.15; the latter two cost their squares. That is (0.28, 0.29, 0.43).
_WHOLE = math.log(1.2 * 1.1**2 * 1.15**2)
_PAPER = (math.log(1.2) / _WHOLE, math.log(1.1**2) / _WHOLE, math.log(1.15**2) / _WHOLE)
_WIDTH_FIRST = (0.1, 0.8, 0.1)
_GRID: tuple[_Each, ...] = (
    (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.5, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), _PAPER,
)  # fmt: skip
#: Splits that differ by less in every share are one: a network need not be trained for each.
_ALIKE = 0.05
HOW = ("compound", "width")
#: What a budget may be of, by the names of measures and by those of a graph's cost: the latter.
BUDGETS = {"params": "parameters", "macs": "macs", "parameters": "parameters"}
#: Doublings of the cost that are looked at, and how often an interval is halved.
_FAR, _HALVINGS, _FINER = 16.0, 12, 20


@dataclass(frozen=True, slots=True)
class Scaled:
    """A scaled network.

    Attributes:
        graph: the network; for a search space's configuration it is no longer one of the space.
        depth, width, resolution: how many times as many blocks, channels (in the mean of all layers) and positions on
            a side of the inputs it has. Blocks and positions come whole: this is what came of the shares.
        shares: what part of the growth was meant for each of them.
        tried: (shares, score) of each network that was trained to fit them; minus infinity for one without a finite
            score.
        parameters, macs: of the network.
        said: what was done, and what could not be.
    """

    graph: Graph
    depth: float
    width: float
    resolution: float
    shares: _Each
    tried: tuple[tuple[_Each, float], ...]
    parameters: int
    macs: int
    said: str

    def __str__(self) -> str:
        return self.said


def scale(
    network: Graph | Genotype | Architecture | ArchitectureTree,
    config: Config | None = None,
    *,
    budget: Mapping[str, int],
    score: Callable[[Graph], float] | None = None,
    how: str = "compound",
    resolution: bool = True,
) -> Scaled:
    """The largest network of the found one's kind within a budget; a smaller one where the budget is less than it has.

    A growth is split between depth (blocks that keep their shape are repeated), width (all channels but those of
    inputs and outputs) and resolution (sides of the inputs; the images have to be resized before they are trained on).
    How it is split is found by a small grid at twice the cost, or at the budget if that is nearer: seven networks with
    resolution, three without. Where the budget is less than the network has, splits that cannot reach it are left out:
    fewer blocks alone, or a lower resolution, which changes no number of parameters. The split is then kept up to the
    budget, which is met from below.

    Args:
        network: a graph, what ``nas.from_model`` made of a model, or a space with the ``config`` of a network of it.
        budget: the most of ``{"params": ..., "macs": ...}``, one or both, finite numbers.
        score: ``score(graph)`` trains a network on the user's own data and says how good it is, larger is better.
            Without it, or where no score is a finite number, the split is that of the EfficientNet paper.
        how: "compound", or "width": four fifths into width, for where activations, not arithmetic, bound the speed:
            they grow with the square root of the cost then, which is the least that is possible.
        resolution: whether the inputs may become larger; only where the budget has macs, which bound it.

    Raises:
        ArgumentError: an argument makes no sense, or nothing is that small; the message has the least.
        SpaceError: ``config`` is no network of the space.

    >>> from modelwright.nas.graph import trace
    >>> found = trace(lambda x: x.conv(8, 3).relu().conv(8, 3).relu().global_avg_pool().dense(2), (8, 8, 3))
    >>> larger = scale(found, budget={"params": 10_000}, resolution=False)
    >>> larger.parameters, round(larger.depth, 1), round(larger.width, 1)
    (9682, 4.0, 2.0)
    """
    graph = _graph(network, config)
    _check(budget, how, score)
    budget = {BUDGETS[name]: most for name, most in budget.items()}
    images = any(node.op == INPUT and len(node.shape) > 1 for node in graph.nodes)
    bounded = "macs" in budget
    able = (bool(stretches(graph)), True, resolution and images and bounded and _resizable(graph))
    sizer = _Sizer(graph, dict(budget))
    shares = _allowed(_WIDTH_FIRST if how == "width" else _PAPER, able)
    tried: list[tuple[_Each, float]] = []
    if score is not None and how == "compound":
        near = _Sizer(graph, {name: min(most, 2 * max(getattr(graph.cost, name), 1)) for name, most in budget.items()})
        tried = [(one, _scored(score, made)) for one in _grid(able) if (made := near.within(one)) is not None]
        if any(value > -math.inf for _, value in tried):
            shares = max(tried, key=lambda pair: pair[1])[0]
    found, depth = sizer.largest(shares)
    factors, cost = (_deeper(graph, depth), *_larger(graph, found)), found.cost
    said = _said(found, factors, able, resolution and images, budget)
    over = [f"{own:,} {name}" for name, most in budget.items() if (own := getattr(graph.cost, name)) > most]
    if over:
        said += f" It was made smaller: the network that was given has {' and '.join(over)}."
    if tried and all(value == -math.inf for _, value in tried):
        said += " No score was a finite number, so that the split is that of the EfficientNet paper."
    return Scaled(found, *factors, shares, tuple(tried), cost.parameters, cost.macs, said)


def beyond(
    network: Graph | Genotype | Architecture | ArchitectureTree, config: Config | None = None
) -> list[tuple[str, Graph]]:
    """A few networks that are wider than the space of a found one: what the space left out.

    Trained beside the winner, they say whether a wider space is worth a search. Those that the network has no place
    for are left out.

    Returns:
        (what is different, the graph), each about half as large again in one respect.

    >>> from modelwright.nas.graph import trace
    >>> found = trace(lambda x: x.conv(8, 3).relu().conv(8, 3).relu().global_avg_pool().dense(2), (8, 8, 3))
    >>> [what for what, _ in beyond(found)]
    ['1.5 times the channels', '2 times the blocks', '1.5 times the resolution']
    """
    graph = _graph(network, config)
    made = [("1.5 times the channels", widened(graph, 1.5))]
    if stretches(graph):
        made.append(("2 times the blocks", deepened(graph, 2.0)))
    if any(node.op == INPUT and len(node.shape) > 1 for node in graph.nodes) and _resizable(graph):
        made.append(("1.5 times the resolution", resized(graph, 1.5)))
    return [(what, larger) for what, larger in made if larger != graph]


def _graph(network: Any, config: Config | None) -> Graph:
    if isinstance(network, (Graph, Genotype)):
        return network if isinstance(network, Graph) else network.graph
    space = network.space if isinstance(network, ArchitectureTree) else network
    if not isinstance(space, Architecture):
        raise ArgumentError(f"{network!r} is no network", where="nas.scale", allowed="a graph, or a space and a config")
    return pruned(space.graph(space.tree.default() if config is None else config))


def _check(budget: Mapping[str, int], how: str, score: object) -> None:
    where = "nas.scale"
    if how not in HOW:
        raise ArgumentError(f"how={how!r}", where=where, allowed=", ".join(map(repr, HOW)))
    if not isinstance(budget, Mapping) or not budget or not set(budget) <= set(BUDGETS):
        raise ArgumentError(f"budget={budget!r:.80}", where=where, allowed="{'params': ...}, {'macs': ...}, or both")
    numbers = [not isinstance(m, bool) and isinstance(m, Real) and 0 < m < math.inf for m in budget.values()]
    wrong = [f"{name}={most!r}" for (name, most), fine in zip(budget.items(), numbers, strict=True) if not fine]
    if wrong:
        raise ArgumentError(f"budget {wrong[0]}", where=where, allowed="a finite number above 0")
    if score is not None and not callable(score):
        raise ArgumentError(f"score={score!r}", where=where, allowed="a function of a graph, or None")


def _scored(score: Callable[[Graph], float], graph: Graph) -> float:
    given: Any = score(graph)
    try:
        value = None if isinstance(given, str) else float(given)
    except (TypeError, ValueError):
        value = None
    if value is None:
        raise ArgumentError(
            f"score returned {given!r:.60}", where="nas.scale", allowed="a number that is larger for a better network"
        )
    return value if math.isfinite(value) else -math.inf


def _resizable(graph: Graph) -> bool:
    try:
        resized(graph, 2.0)
    except SpaceError:
        return False
    return True


def _grid(able: tuple[bool, bool, bool]) -> list[_Each]:
    """The splits to try, of what can grow."""
    found: list[_Each] = []
    for shares in _GRID:
        one = _allowed(shares, able)
        if not any(max(abs(a - b) for a, b in zip(one, other, strict=True)) < _ALIKE for other in found):
            found.append(one)
    return found


def _deeper(graph: Graph, factor: float) -> float:
    """How many times as many blocks a network has when it was asked for ``factor`` times: blocks come whole."""
    before, after = (sum(stretch.count for stretch in stretches(one)) for one in (graph, deepened(graph, factor)))
    return after / before if before else 1.0


def _larger(before: Graph, after: Graph) -> tuple[float, float]:
    """How many times the channels and the sides of one network those of another are."""
    kept = {node.name: node for node in after.nodes}
    channels = [(width, kept[name].shape[-1]) for name, width in widths(before).items() if name in kept]
    inputs = [node for node in before.nodes if node.op == INPUT]
    sides = [pair for node in inputs for pair in zip(node.shape[:-1], kept[node.name].shape[:-1], strict=True)]
    return _times(channels), _times(sides)


def _times(pairs: Sequence[tuple[int, int]]) -> float:
    """How many times the first numbers the second ones are, together."""
    return sum(after for _, after in pairs) / sum(before for before, _ in pairs) if pairs else 1.0


def _allowed(shares: _Each, able: tuple[bool, bool, bool]) -> _Each:
    """The shares of what can grow, made up to 1; all into width where nothing else is left."""
    left = [share if can else 0.0 for share, can in zip(shares, able, strict=True)]
    total = sum(left)
    depth, width, sides = [round(share / total, 6) for share in left] if total > 0 else (0.0, 1.0, 0.0)
    return depth, width, sides


class _Sizer:
    """The largest network within a budget, for shares of growth."""

    def __init__(self, graph: Graph, budget: Mapping[str, float]):
        self.graph, self.budget = graph, budget

    def made(self, factors: _Each) -> Graph | None:
        """The network with these factors of depth, width and resolution; None where it cannot be, or is too large."""
        depth, width, sides = factors
        try:
            graph = widened(deepened(self.graph, depth), width)
            graph = graph if sides == 1.0 else resized(graph, sides)
        except SpaceError:
            return None
        return graph if all(getattr(graph.cost, name) <= most for name, most in self.budget.items()) else None

    def within(self, shares: _Each) -> Graph | None:
        """The largest network; None where nothing of these shares is that small."""
        try:
            return self.largest(shares)[0]
        except ArgumentError:
            return None

    def largest(self, shares: _Each) -> tuple[Graph, float]:
        """By halving the doublings of the cost.

        Returns:
            the network, and the factor of depth that was asked for.

        Raises:
            ArgumentError: nothing is that small.
        """
        depth, width, sides = shares

        def factors(doublings: float) -> _Each:
            return 2.0 ** (doublings * depth), 2.0 ** (doublings * width / 2), 2.0 ** (doublings * sides / 2)

        doublings = _most(lambda d: self.made(factors(d)) is not None)
        if doublings is None:
            raise ArgumentError(
                f"no network of this kind is within {dict(self.budget)}",
                where="nas.scale",
                hint=f"The found one has {self.graph.cost.parameters:,} parameters and {self.graph.cost.macs:,} macs.",
            )
        deep, wide, tall = factors(doublings)
        # Depth comes in whole blocks and resolution in whole positions: width closes the gap.
        more = _most(lambda d: self.made((deep, wide * 2.0**d, tall)) is not None, far=2.0)
        wide *= 2.0 ** (more or 0.0)
        # Widths are whole numbers too, so that a little more may cost less.
        finer = [wide * (1.0 + 0.004 * k) for k in range(_FINER)]
        wide = max((w for w in finer if self.made((deep, w, tall)) is not None), default=wide)
        graph = self.made((deep, wide, tall))
        assert graph is not None
        return graph, deep


def _most(fits: Callable[[float], bool], far: float = _FAR) -> float | None:
    """About the largest number up to ``far`` that fits, upward from 0 or, where 0 does not fit, downward."""
    low, step = 0.0, 0.25
    while not fits(low):
        low, step = low - step, 2 * step
        if low < -far:
            return None
    high, step = low + 0.25 if low == 0.0 else low + step / 2, 0.25
    while low == 0.0 and fits(high):
        step *= 2
        if high >= far:
            return high
        high += step
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _said(
    found: Graph,
    factors: _Each,
    able: tuple[bool, bool, bool],
    wanted: bool,
    budget: Mapping[str, int],
) -> str:
    depth, width, sides = factors
    cost = found.cost
    used = ", ".join(f"{getattr(cost, name):,} of {most:,} {name}" for name, most in budget.items())
    said = [f"Depth times {depth:.2f}, width times {width:.2f}, resolution times {sides:.2f}: {used}."]
    if not able[0]:
        said.append("No block of it keeps its shape, so that none could be repeated.")
    if wanted and not able[2] and "macs" not in budget:
        said.append("The resolution stays: only a budget of macs bounds it.")
    elif wanted and not able[2]:
        said.append("The resolution stays: the network takes no other.")
    return " ".join(said)
