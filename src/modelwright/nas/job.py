"""What is the same for all trials of a search for an architecture: space, data, rungs, recipe, limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from modelwright.core.constraint import Limit
from modelwright.core.errors import SpaceError
from modelwright.core.objective import Objective
from modelwright.core.records import Config
from modelwright.nas import weights
from modelwright.nas.architecture import Architecture
from modelwright.nas.canonical import pruned
from modelwright.nas.dataset import Dataset
from modelwright.nas.graph import Graph
from modelwright.nas.hardware import Meter
from modelwright.nas.ladder import Ladder, Rung
from modelwright.nas.recipe import Recipe
from modelwright.space import HyperParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is the same for all trials.

    Attributes:
        limits: constraints that a graph alone decides, or a price of its latency.
        meter: prices latencies that are asked for.
        training: gives fields of the recipe from hyperparameters that are searched beside the architecture.
        class_weight: a weight for each class by the place of its output.
        stem: a frozen model that the rows of ``data`` have passed; it is put in front of what is handed out, by whoever
            hands it out, and is not sent to other processes.
    """

    space: Architecture
    data: Dataset
    ladder: Ladder
    objectives: tuple[Objective, ...]
    recipe: Recipe = field(default_factory=Recipe)
    limits: tuple[Limit, ...] = ()
    training: Callable[[HyperParameters], Mapping[str, Any]] | None = None
    class_weight: Mapping[int, float] | None = None
    meter: Meter | None = None
    stem: Any = None

    def at(self, rung: Rung, config: Config) -> tuple[Dataset, Graph]:
        """The rows of a rung and the network for them; as they are where smaller images would change its weights."""
        full = pruned(self.space.graph(config))
        if rung.factor == 1:
            return self.data, full
        data = self.data.shrunk(rung.factor)
        try:
            graph = pruned(self.space.graph(config, *data.shapes))
        except SpaceError:
            return self.data, full
        named = [n.name for n in graph.nodes] == [n.name for n in full.nodes]
        return (data, graph) if named and graph.cost.parameters == full.cost.parameters else (self.data, full)

    def deployed(self, graph: Graph, learned: weights.Weights, factor: int = 1) -> Any:
        """The model that a trial leaves; ``factor``: by how much images were shrunk when it was judged."""
        from modelwright.nas.deploy import deployable

        return deployable(graph, learned, self.data.fronts, self.data.task, factor=factor)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the stem: trials have no use for it, and its classes may be known to this process alone."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return partial(type(self), **held | {"stem": None}), ()
