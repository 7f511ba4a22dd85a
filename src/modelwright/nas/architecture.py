"""Spaces of architectures: a function that writes a graph under decisions, as a space for every strategy."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.nas import canonical, edits
from modelwright.nas.graph import Graph, Tensor, trace
from modelwright.nas.inputs import check_shapes
from modelwright.nas.operations import Shape
from modelwright.space import HyperParameters, Tree
from modelwright.space.constraints import Constraint
from modelwright.space.mutate import difference
from modelwright.space.parameter import Parameter

#: What writes a graph: ``define(hp, x)`` returns the tensor that is the result.
Define = Callable[..., Tensor | Sequence[Tensor]]
#: Runs at chance without anything new after which all parameters of a space count as known, and the most of them.
_ENOUGH, _MOST = 200, 5000
#: Keys that are kept.
_KEPT = 20_000


class Architecture:
    """A space of architectures.

    Args:
        define: ``define(hp, x, ...)`` makes decisions as ``mw.tune``'s functions do (``hp.Choice``, ``hp.Int``, ...),
            writes a graph on the input tensors, and returns the output. It must do the same for the same decisions.
        inputs: the shape of each input for one example, channels last.
        name: for people; the function's name by default.
        sketch: writes a smaller graph, which is another one whenever the whole is another one: one cell in place of a
            stack, say. Networks are told apart by it, which takes less time.
        levels: for progressive search, from the smallest networks to the whole space: which decisions are held at which
            values on each level. The last level, on which all are free, need not be named.

    Attributes:
        tree: the space of decisions, closed: what any strategy or study of Modelwright takes. Two configurations that
            make the same network have the same key.
        origin: the ``Genotype`` that the space was made around, whose weights the default network can begin with; None
            where there is none.

    Raises:
        SpaceError: ``define`` returned no tensor, or its default decisions do not fit the inputs.

    >>> def small(hp, x):
    ...     for i in range(hp.Int("depth", 1, 3)):
    ...         x = x.conv(hp.Choice(f"filters{i}", [8, 16]), 3, stride=2).relu()
    ...     return x.global_avg_pool().dense(10)
    >>> space = Architecture(small, (28, 28, 1))
    >>> space.tree.size, space.graph({"depth": 1, "filters0": 8}).cost.parameters
    (14, 162)
    """

    def __init__(
        self,
        define: Define,
        *inputs: Shape,
        name: str | None = None,
        sketch: Define | None = None,
        levels: Sequence[Config] = (),
    ):
        self.sketch, self.levels = sketch or define, tuple(levels)
        self.name = name or getattr(define, "__name__", type(define).__name__)
        self.define, self.inputs = define, check_shapes(inputs, f"nas.Architecture({self.name})")
        self.origin: Any = None
        self._keys: OrderedDict[str, tuple[str, frozenset[str]]] = OrderedDict()
        _refuse_signature(define, len(self.inputs), self.name)
        self.tree = self._discovered()

    def graph(self, config: Config, *inputs: Shape) -> Graph:
        """The graph of a configuration; decisions that it lacks are at their defaults.

        Args:
            inputs: other shapes than the space's own: those of smaller images, say.

        Raises:
            SpaceError: the network cannot be: too small an input for its reductions, say.
        """
        return self._traced(config, inputs=inputs)[0]

    def _traced(
        self, config: Config, draw: Seed | None = None, define: Define | None = None, inputs: Sequence[Shape] = ()
    ) -> tuple[Graph, HyperParameters]:
        hp, write = HyperParameters.bind(config, draw=draw), define or self.define
        graph = trace(lambda *x: write(hp, *x), *(inputs or self.inputs), scope=lambda: "/".join(hp._scopes))
        return graph, hp

    def key(self, config: Config) -> str:
        """Equal for configurations that make the same network, whatever else they say."""
        return self.told(config)[0]

    def told(self, config: Config) -> tuple[str, frozenset[str]]:
        """The network's key, and the names of the decisions that made it."""
        text = repr(sorted(config.items(), key=lambda pair: pair[0]))
        found = self._keys.get(text)
        if found is None:
            graph, hp = self._traced(config, define=self.sketch)
            found = self._keys[text] = canonical.key(graph), frozenset(hp.ran)
            if len(self._keys) > _KEPT:
                self._keys.popitem(last=False)
        return found

    def asked(self, config: Config) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The decisions that a network asks for, with their values, and specifications of those that ``tree`` lacks.

        There are such in spaces without a bound, where a network is deeper than any before: ``tree.grow`` takes them.
        """
        hp = self._traced(config)[1]
        return hp.ran, [spec for spec in hp.trace if spec.get("name") not in self.tree._names]

    def __repr__(self) -> str:
        shapes = ", ".join(map(str, self.inputs))
        return f"Architecture({self.name}, {shapes}, {len(self.tree.parameters)} decisions)"

    def edit(self, before: Config, after: Config) -> str:
        """What became of the network, and which decisions beside it changed, in words."""
        (old, ran), (new, runs) = (self._traced(config, define=self.sketch) for config in (before, after))
        network = set(ran.ran) | set(runs.ran)
        beside = difference(*({n: v for n, v in c.items() if n not in network} for c in (before, after)))
        said = [edits.told(edits.edits(old, new)), f"changed {beside}" if beside else ""]
        return "; ".join(filter(None, said)) or difference(before, after)

    def _discovered(self) -> Tree:
        """All parameters, found by running ``define``: with the defaults, with each value of each, and at chance."""
        tree: Tree = ArchitectureTree(self)
        tree = self._ran(tree, {})
        seed, quiet, runs = Seed(0).child("discover"), 0, 0
        while quiet < _ENOUGH and runs < _MOST:
            before = len(tree.parameters)
            config = tree.sample(seed.child(runs).generator()) if tree.parameters else {}
            tree = self._ran(tree, config, seed.child("new", runs))
            quiet, runs = (quiet + 1 if len(tree.parameters) == before else 0), runs + 1
            if not tree.parameters:
                break
        return tree

    def _ran(self, tree: Tree, config: Config, draw: Seed | None = None) -> Tree:
        try:
            _, hp = self._traced(config, draw)
        except SpaceError:
            if not config:
                raise
            return tree
        return tree.grow(hp.trace).learn(hp.ran)


class ArchitectureTree(Tree):
    """Decisions of an architecture, perhaps beside other parameters: networks that are the same have one key."""

    def __init__(
        self, space: Architecture, parameters: Iterable[Parameter] = (), constraints: Iterable[Constraint] = ()
    ):
        self.space = space
        super().__init__(parameters, constraints)

    @property
    def levels(self) -> Sequence[Config]:
        return self.space.levels

    def edit(self, before: Config, after: Config) -> str:
        """That of the network, as far as both can be."""
        try:
            return self.space.edit(before, after)
        except SpaceError:  # a network that cannot be
            return super().edit(before, after)

    def _made(self, parameters: tuple[Any, ...], constraints: tuple[Any, ...]) -> ArchitectureTree:
        return ArchitectureTree(self.space, parameters, constraints)

    def key(self, config: Config) -> str:
        """That of the network, and of what else the configuration says."""
        try:
            network, decisions = self.space.told(config)
        except SpaceError:  # a network that cannot be
            return super().key(config)
        # Decisions that this network did not ask for do not count, though nothing says on what they hang.
        own = decisions | self.space.tree._names
        rest = super().key({name: value for name, value in config.items() if name not in own})
        return f"{network}; {rest}" if rest else network


def _refuse_signature(define: Define, inputs: int, name: str) -> None:
    """Refuse what cannot be called with decisions and the inputs."""
    if not callable(define):
        raise SpaceError(f"{define!r} is no function", where="nas.Architecture", allowed="define(hp, x)")
    try:
        inspect.signature(define).bind(None, *range(inputs))
    except TypeError as error:
        raise SpaceError(
            f"it cannot be called with hp and {inputs} inputs: {error}",
            where=f"nas.Architecture({name})",
            allowed="define(hp, x), with an x for each shape",
        ) from None
