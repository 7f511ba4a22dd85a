"""Spaces of architectures: a function that writes a graph under decisions, as a space for every strategy."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.core.wording import did_you_mean, kind_of, warn_caller
from modelwright.nas import canonical, edits
from modelwright.nas.graph import Graph, Tensor, trace
from modelwright.nas.inputs import check_shapes
from modelwright.nas.operations import Shape, bring
from modelwright.nas.own import own
from modelwright.space import HyperParameters, Tree
from modelwright.space.constraints import Constraint
from modelwright.space.mutate import difference
from modelwright.space.parameter import Parameter

#: What writes a graph: ``define(hp, x)`` returns the tensor that is the result.
Define = Callable[..., Tensor | Sequence[Tensor]]
#: Runs at chance without anything new after which all parameters of a space count as known, and the most of them.
_ENOUGH, _MOST = 200, 5000
#: Names that a message lists at most.
_LISTED = 20
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
        SpaceError: ``define`` returned no tensor, its default decisions do not fit the inputs, equal decisions make
            different networks, or ``levels`` name no decisions. Where others than the default do not fit, it warns.

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
        self._refuse_chance()
        self._refuse_levels()

    def __getstate__(self) -> tuple[Any, ...]:
        """With the operations of the user's own, by which alone ``define`` can be called in another process."""
        return own(), self.__dict__

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        operations, held = state
        for operation in operations:
            bring(operation)
        self.__dict__.update(held)

    def graph(self, config: Config, *inputs: Shape) -> Graph:
        """The graph of a configuration; decisions that it lacks are at their defaults.

        Args:
            inputs: other shapes than the space's own: those of smaller images, say.

        Raises:
            SpaceError: the network cannot be: too small an input for its reductions, say; or a decision has a value
                that it cannot have. Names of no decision may be those of parameters beside the network's.
        """
        if not isinstance(config, Mapping):
            raise SpaceError(
                f"{config!r:.60} is {kind_of(config)}", where=f"nas.{self.name}", allowed="a dict of decisions"
            )
        graph, hp = self._traced(config, inputs=inputs)
        for name, value in config.items():
            if name in hp.ran and not _same(hp.ran[name], value):
                self._check(name, value)
        return graph

    def _check(self, name: str, value: Any) -> None:
        """Raise where ``value`` is none that the decision can have."""
        domains = [p.domain for p in self.tree.parameters if p.name == name]
        for domain in domains:
            try:
                domain.coerce(value)
            except SpaceError as error:
                if domain is domains[-1]:
                    where = f"nas.{self.name}, decision {name!r}"
                    raise SpaceError(error.what, where=where, allowed=error.allowed) from None
            else:
                return

    def _traced(
        self, config: Config, draw: Seed | None = None, define: Define | None = None, inputs: Sequence[Shape] = ()
    ) -> tuple[Graph, HyperParameters]:
        hp, write = HyperParameters.bind(config, draw=draw), define or self.define
        graph = trace(lambda *x: write(hp, *x), *(inputs or self.inputs), scope=lambda: "/".join(hp._scopes))
        if draw is None:
            self._tell_misspelt(config, hp.ran)
        return graph, hp

    def _tell_misspelt(self, config: Config, ran: Config) -> None:
        """Warn of names that are nearly those of decisions which were asked for and are not given.

        Others are let be: they may be those of parameters beside the network, or of decisions it does not ask for.
        """
        missing = [name for name in ran if name not in config]
        if not missing or not config:
            return
        for name in config:
            known = name in ran or name in self.tree._names
            if not known and (near := did_you_mean(str(name), missing, 1)):
                warn_caller(f"nas.{self.name} has no decision {name!r}, so that it counts for nothing. {near}")

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

    def _refuse_chance(self) -> None:
        """Raise where equal decisions make different networks."""
        rng = Seed(0).child("again").generator()
        for config in (self.tree.default(), *(self.tree.sample(rng) for _ in range(2 if self.tree.parameters else 0))):
            try:
                once, again = (self._traced(config)[0] for _ in range(2))
            except SpaceError:  # a network that cannot be
                continue
            if once != again:
                raise SpaceError(
                    "it writes another network for the same decisions",
                    where=f"nas.Architecture({self.name})",
                    hint="Decide by hp alone: hp.Choice and the like, not by chance or by what changes between calls.",
                )

    def _refuse_levels(self) -> None:
        for place, level in enumerate(self.levels):
            where = f"levels[{place}] of nas.Architecture({self.name})"
            if not isinstance(level, Mapping):
                raise SpaceError(f"{level!r:.60} is {kind_of(level)}", where=where, allowed="a dict of decisions")
            for name, value in level.items():
                if name not in self.tree._names:
                    known = sorted(self.tree._names)
                    raise SpaceError(
                        f"there is no decision {name!r}",
                        where=where,
                        allowed=", ".join(known[:_LISTED]) + " ..." * (len(known) > _LISTED),
                        hint=did_you_mean(str(name), known),
                    )
                self._check(name, value)

    def _discovered(self) -> Tree:
        """All parameters, found by running ``define``: with the defaults, with each value of each, and at chance."""
        tree: Tree = ArchitectureTree(self)
        self._broken: list[SpaceError] = []
        tree = self._ran(tree, {})
        seed, quiet, runs = Seed(0).child("discover"), 0, 0
        while quiet < _ENOUGH and runs < _MOST:
            before = len(tree.parameters)
            config = tree.sample(seed.child(runs).generator()) if tree.parameters else {}
            tree = self._ran(tree, config, seed.child("new", runs))
            quiet, runs = (quiet + 1 if len(tree.parameters) == before else 0), runs + 1
            if not tree.parameters:
                break
        if self._broken:
            warn_caller(
                f"{len(self._broken)} of {runs} networks of nas.Architecture({self.name}) cannot be, for example: "
                f"{self._broken[0]}"
            )
        return tree

    def _ran(self, tree: Tree, config: Config, draw: Seed | None = None) -> Tree:
        try:
            _, hp = self._traced(config, draw)
        except SpaceError as error:
            if not config:
                raise
            self._broken.append(error)
            return tree
        return tree.grow(hp.trace).learn(hp.ran)


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # an array
        return False


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

    def network(self, config: Config) -> str:
        """The key of the network alone, whatever else the configuration says."""
        try:
            return self.space.told(config)[0]
        except SpaceError:  # a network that cannot be
            return super().key(config)


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
