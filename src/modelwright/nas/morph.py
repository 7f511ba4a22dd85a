"""Morphism: a new network begins with the weights of an old one, as the same function where that can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.nas.align import Alignment, matches
from modelwright.nas.build import build
from modelwright.nas.canonical import pruned
from modelwright.nas.carry import Values
from modelwright.nas.facts import facts
from modelwright.nas.follow import Following, Move, Step
from modelwright.nas.graph import Graph
from modelwright.nas.keras_settings import in_32_bits
from modelwright.nas.weights import Weights, count, layer_name, read


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a new network begins with.

    Attributes:
        weights: for all of its layers.
        exact: whether it computes, outside training, what the old one did.
        edits: what tells it from the old one, and how each was bridged.
        share: of its weights, those that are the old one's; 0 to 1.
    """

    weights: Weights
    exact: bool
    edits: tuple[Step, ...]
    share: float
    _moves: Mapping[str, Move] = field(repr=False, default_factory=dict)

    def map(self, slots: Mapping[str, Mapping[str, np.ndarray]]) -> Weights:
        """What an optimizer keeps for each of the old weights (momentum, or Adam's two), for the new ones.

        Args:
            slots: shaped like the old weights; variables may be missing.

        What has no old counterpart is zero, as it is before the first step.
        """
        zeros = {layer: {n: np.zeros_like(v) for n, v in own.items()} for layer, own in self.weights.items()}
        return {layer: self._moves[layer](slots, own) if layer in self._moves else own for layer, own in zeros.items()}


def inherit(
    parent: Graph,
    weights: Mapping[str, Mapping[str, np.ndarray]],
    child: Graph,
    *,
    seed: int = 0,
    fresh: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Inherited:
    """The weights with which ``child`` begins where ``parent`` ended.

    Nodes are matched by their names, and by structure where names do not tell. What can be the same function is:
    layers put in (as identities, or as branches whose output is zero), more channels, larger kernels, skips through a
    gate or a concatenation. Elsewhere weights are inherited by position, of a narrower tensor those of the channels
    that count most, and ``exact`` is False.

    Args:
        weights: of the parent, as ``weights.read`` gives them.
        seed: of what is drawn anew, as for ``build``.
        fresh: weights of the child to take where nothing is inherited, if it is built already.

    Raises:
        ArgumentError: the weights are not those of the parent.

    >>> from modelwright.nas import build, trace, weights
    >>> small = trace(lambda x: x.conv(4, 3).batch_norm().relu().global_avg_pool().dense(2), (8, 8, 1))
    >>> large = trace(lambda x: x.conv(6, 5).batch_norm().relu().global_avg_pool().dense(2), (8, 8, 1))
    >>> found = inherit(small, weights.read(build(small)), large)
    >>> found.exact, [str(edit) for edit in found.edits]
    (True, ['wider, larger kernel: conv'])
    """
    old, new = pruned(parent), pruned(child)
    own = {node.name: dict(weights.get(layer_name(node.name), {})) for node in old.nodes}
    _check(old, own, "weights")
    if fresh is None:
        with in_32_bits():
            fresh = read(build(child, seed=seed))
    start = {layer: dict(held) for layer, held in fresh.items()}
    _check(new, {node.name: start.get(layer_name(node.name), {}) for node in new.nodes}, "fresh weights")
    known = facts(old, own)
    best: Inherited | None = None
    for match in matches(old, new):
        alignment = Alignment(old, new, match, known)
        pass_ = Following(alignment, own, start, known)
        pass_.run()
        found = Inherited(pass_.made, pass_.exact, tuple(pass_.steps), pass_.share, pass_.moves)
        if best is None or (found.exact, found.share) > (best.exact, best.share):
            best = found
        if best.exact:
            break
    assert best is not None
    return best


def _check(graph: Graph, weights: Mapping[str, Values], what: str) -> None:
    for place, node in enumerate(graph.nodes):
        found, expected = count({node.name: weights[node.name]}), graph.cost_of(place).parameters
        if found != expected:
            raise ArgumentError(
                f"the {what} have {found} numbers for the layer {layer_name(node.name)!r}, and its node has {expected}",
                where="nas.inherit",
                allowed="weights of the network that the graph describes",
                hint="Read them from the model that was built from it: nas.weights.read(model).",
            )
