"""A space of architectures under limits on what a network may cost: what breaks one is never built."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from modelwright.core.constraint import Limit
from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.nas.architecture import Architecture, ArchitectureTree
from modelwright.nas.canonical import pruned
from modelwright.nas.graph import Graph
from modelwright.nas.hardware import Meter, is_latency
from modelwright.nas.latency_table import UnlistedError
from modelwright.nas.measures import MEASURES, measures
from modelwright.nas.reading import Reading
from modelwright.space import Tree
from modelwright.space.constraints import Constraint
from modelwright.space.parameter import Parameter

#: Draws before a space counts as having hardly anything that the limits allow; steps of a walk towards them.
_TRIES, _STEPS, _AROUND = 300, 60, 40
_KEPT = 20_000


class LimitedTree(ArchitectureTree):
    """Decisions whose networks keep within limits: draws, neighbours and the defaults are such.

    Vectors know nothing of limits, so a strategy that goes by them may propose a network that breaks one. It is
    infeasible then, unbuilt, and the strategy learns from it.

    A network whose latency has a price alone is within a limit while the price may be that far off; what a table of a
    device lacks is not.

    Args:
        limits: those that can be told before training; see ``split``.
        meter: prices latencies, where a limit is on one.

    Attributes:
        unlisted: what was looked at and is in no table of a device.
    """

    def __init__(
        self,
        space: Architecture,
        parameters: Iterable[Parameter] = (),
        constraints: Iterable[Constraint] = (),
        limits: Sequence[Limit] = (),
        meter: Meter | None = None,
    ):
        self.limits, self.meter = tuple(limits), meter
        self._excess: dict[str, float] = {}
        self.unlisted: set[str] = set()
        self._start: dict[str, Any] | None = None
        super().__init__(space, parameters, constraints)

    @classmethod
    def of(cls, tree: Tree, limits: Sequence[Limit], meter: Meter | None = None) -> LimitedTree:
        """``tree`` under limits, with all that it has learned.

        Raises:
            ArgumentError: nothing that was found satisfies them; the message has the closest miss.
        """
        assert isinstance(tree, ArchitectureTree)
        made = cls(tree.space, tree.parameters, tree.constraints, limits, meter)
        made.version, made.hints, made._evidence = tree.version, tree.hints, tree._evidence.copy()
        made._compile()
        made._start = made._nearest()
        return made

    def _made(self, parameters: tuple[Any, ...], constraints: tuple[Any, ...]) -> LimitedTree:
        made = LimitedTree(self.space, parameters, constraints, self.limits, self.meter)
        made._excess, made._start, made.unlisted = self._excess, self._start, self.unlisted
        return made

    def excess(self, config: Config) -> float:
        """By how much the network breaks its limits, as a share of them; 0 where it keeps within all."""
        text = repr(sorted(config.items(), key=lambda pair: pair[0]))
        found = self._excess.get(text)
        if found is None:
            if len(self._excess) > _KEPT:
                self._excess.clear()
            reading = self._read(config)
            found = math.inf if reading is None else broken_by(reading.broken(self.limits), reading.values)
            self._excess[text] = found
        return found

    def _read(self, config: Config) -> Reading | None:
        """What the network costs that would be built; None where there is none, or no table knows it."""
        try:
            return known(pruned(self.space.graph(config)), config, self.meter)
        except UnlistedError:
            self.unlisted.add(self.key(config))
        except SpaceError:
            pass
        return None

    def _miss(self, config: Config, measure: bool = True) -> float:
        """As ``excess``, but by prices as they are; with ``measure`` those near a limit are measured."""
        reading = self._read(config)
        if reading is None:
            return math.inf
        missed = broken_by(self.limits, reading.values)
        if not measure or missed or self.meter is None or not reading.open(self.limits):
            return missed
        self._excess.clear()
        values = self.meter.measure(pruned(self.space.graph(config)), config)
        return broken_by(self.limits, {**reading.values, **values})

    def allows(self, config: Config) -> bool:
        """Whether the network keeps within its limits, and can be at all."""
        return not self.excess(config)

    def default(self) -> dict[str, Any]:
        """The declared defaults, or what comes next to them within the limits."""
        return super().default() if self._start is None else dict(self._start)

    def sample(self, rng: np.random.Generator | Seed) -> dict[str, Any]:
        """One valid configuration within the limits, at chance; where they are hard to meet, near one that does."""
        if isinstance(rng, Seed):
            found = super().sample(rng)
            if self.allows(found):
                return found
            rng = rng.generator()
        for _ in range(_TRIES):
            found = super().sample(rng)
            if self.allows(found):
                return found
        near = self.neighbours(self.default(), rng, _AROUND)
        return near[int(rng.integers(len(near)))] if near else self.default()

    def neighbours(self, config: Config, rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
        found = super().neighbours(config, rng, 2 * count)
        return [one for one in found if self.allows(one)][:count]

    def _nearest(self) -> dict[str, Any]:
        """From the defaults, one decision at a time, to what keeps within the limits.

        Raises:
            ArgumentError: nowhere near, and neither among many draws.
        """
        rng = Seed(0).child("limits").generator()
        config = super().default()
        closest = config
        for start in (config, *(Tree.sample(self, rng) for _ in range(5))):
            config = start
            for _ in range(_STEPS):
                missed = self._miss(config)
                if not missed:
                    return config
                around = Tree.neighbours(self, config, rng, _AROUND)
                step = min(around, key=lambda one: self._miss(one, False), default=config)
                if self._miss(step, False) >= missed:
                    break
                config = step
            if self._miss(config, False) < self._miss(closest, False):
                closest = config
        raise self._nothing(closest)

    def _nothing(self, closest: Config) -> ArgumentError:
        try:
            found = known(pruned(self.space.graph(closest)), closest, self.meter)
            said = told([one for one in self.limits if one.broken(one.excess(found.values))], found)
        except (SpaceError, UnlistedError) as error:
            said = str(error)
        wanted = [f"that satisfies {' and '.join(limit.text for limit in self.limits)}"] if self.limits else []
        wanted += ["that the tables of devices list"] if self.unlisted else []
        return ArgumentError(
            f"no network of the space {self.space.name!r} was found {' and '.join(wanted)}. The closest: {said}",
            where="constraints",
            hint="Loosen a constraint, or search a space with smaller networks.",
        )


def known(graph: Graph, config: Config, meter: Meter | None = None) -> Reading:
    """What a network costs, as far as that is known before it is built: its measures, and latencies or their prices.

    Raises:
        UnlistedError: a table of a device lacks the network.
    """
    found = meter.told(graph, config) if meter is not None else Reading({})
    return replace(found, values={**measures(graph), **found.values})


def told(over: Sequence[Limit], found: Reading) -> str:
    """How limits are broken, in words; says where that is told by a price."""
    priced = [name for name in found.priced if any(name in limit.names for limit in over)]
    by = f" (a price, not a measurement: {', '.join(priced)})" if priced else ""
    return "; ".join(limit.said(found.values) for limit in over) + by


def split(limits: Sequence[Limit]) -> tuple[tuple[Limit, ...], tuple[Limit, ...]]:
    """Limits that a graph and a meter decide, and the others."""
    early = tuple(limit for limit in limits if all(name in MEASURES or is_latency(name) for name in limit.names))
    return early, tuple(limit for limit in limits if limit not in early)


def broken_by(limits: Sequence[Limit], found: Mapping[str, float]) -> float:
    """How much too much ``found`` is, summed over the limits that it breaks, each as a share of what was measured."""
    total = 0.0
    for limit in limits:
        over = limit.excess(found)
        if limit.broken(over):
            size = max((abs(found[name]) for name in limit.names if name in found), default=1.0)
            total += over / size if math.isfinite(over) and size else 1.0 if over else 1e-9
    return total
