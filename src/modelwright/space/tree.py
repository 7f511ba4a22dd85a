"""Tree: the space of configurations, which may grow while it is searched. Immutable; knows no trials.

A configuration is a dict of the active parameters by name. Conditions are explicit (``conditional_scope``) or
learned from configurations that ran (see ``hints``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import SpaceError
from modelwright.core.records import Config
from modelwright.core.rng import Seed
from modelwright.space import counting
from modelwright.space.axis import Axis
from modelwright.space.constraints import Constraint, constraint_from_spec
from modelwright.space.counting import Rule
from modelwright.space.hints import Evidence, Hint
from modelwright.space.learning import Learning
from modelwright.space.mutate import difference, neighbours
from modelwright.space.parameter import Parameter, conflict
from modelwright.space.repair import LISTED, Repair
from modelwright.space.value import exact
from modelwright.space.vectors import Vectors

#: Draws before the valid points of a space under constraints count as rare.
TRIES = 1000


class Tree(Learning):
    """Parameters with their conditions and constraints. Satisfies ``strategy.base.SearchSpace``.

    Args:
        parameters: parents before their children; a name may occur again under other conditions.
        constraints: ``Require`` and ``Forbid``.

    Attributes:
        version: counts how often the tree grew or learned a condition.
        hints: name of a parameter -> the condition that was learned for it.

    Raises:
        SpaceError: a parameter twice, or a condition on a parameter that does not stand before it.

    >>> from modelwright.space.domain import ChoiceDomain, IntDomain
    >>> tree = Tree([Parameter("kind", ChoiceDomain(["a", "b"])), Parameter("units", IntDomain(1, 3))])
    >>> tree.size, tree.default(), tree.encode({"kind": "b", "units": 2})
    (6, {'kind': 'a', 'units': 1}, array([0.75, 0.5 ]))
    """

    def __init__(self, parameters: Iterable[Parameter] = (), constraints: Iterable[Constraint] = ()):
        self.parameters = tuple(parameters)
        self.constraints = tuple(constraints)
        self.version = 0
        self.hints: dict[str, Hint] = {}
        self._evidence = Evidence()
        self._known = {p.identity: p for p in self.parameters}
        if len(self._known) < len(self.parameters):
            twice = next(p for p in self.parameters if self._known[p.identity] is not p)
            raise SpaceError("declared twice under the same conditions", where=repr(twice.name))
        self._check_parents()
        self._compile()

    def _check_parents(self) -> None:
        before: set[str] = set()
        for p in self.parameters:
            for c in p.conditions:
                if c.parent not in before:
                    raise SpaceError(
                        f"its condition names {c.parent!r}, which was not declared before it",
                        where=repr(p.name),
                        hint="Declare the parent first.",
                    )
            before.add(p.name)

    def _compile(self) -> None:
        self._vectors = Vectors(self.parameters, self.hints)
        domains: dict[str, list[Any]] = {}
        self._rules: list[Rule] = []
        for p in self.parameters:
            needs = []
            for c in p.conditions:
                tokens = {exact(v) for v in c.values}
                tokens |= {exact(d.canonical(v)) for d in domains[c.parent] for v in c.values}
                needs.append((c.parent, frozenset(tokens)))
            hint = None if p.conditions else self.hints.get(p.name)
            self._rules.append(Rule(p, needs, hint, self._vectors.column.get(p.identity)))
            domains.setdefault(p.name, []).append(p.domain)
        self._names = frozenset(domains)
        self._texts = frozenset(map(repr, self.specs()))
        self._size: int | bool | None = False
        self._repair: Repair | None = None

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for cache in ("_vectors", "_rules", "_names", "_texts", "_size", "_repair"):
            del state[cache]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._compile()

    # --- growing -----------------------------------------------------------------------------------

    def specs(self) -> list[dict[str, Any]]:
        """Plain data from which ``Tree().grow`` builds this tree, without what was learned."""
        return [part.spec() for part in (*self.parameters, *self.constraints)]

    def grow(self, specs: Iterable[Mapping[str, Any]]) -> Tree:
        """This tree with what ``specs`` add; itself when they add nothing.

        Raises:
            SpaceError: a known parameter with another domain; the message shows both.
        """
        parameters: dict[Any, Parameter] = {}
        constraints: list[Constraint] = []
        for spec in specs:
            if repr(spec) in self._texts:
                continue
            if spec.get("kind") == "constraint":
                found = constraint_from_spec(spec)
                if repr(found) not in map(repr, (*self.constraints, *constraints)):
                    constraints.append(found)
                continue
            p = Parameter.from_spec(spec)
            old = self._known.get(p.identity) or parameters.get(p.identity)
            if old is None:
                parameters[p.identity] = p
            elif old.domain != p.domain:
                raise conflict(old, p)
        if not parameters and not constraints:
            return self
        grown = self._made((*self.parameters, *parameters.values()), (*self.constraints, *constraints))
        grown.version, grown.hints, grown._evidence = self.version + 1, self.hints, self._evidence.copy()
        grown._compile()
        return grown

    def learn(self, config: Config) -> Tree:
        """Take note of a configuration that really ran: exactly the parameters that were asked for.

        Returns this tree while what it knows about presence stays the same (only the newest tree of a lineage may
        learn). Cost does not grow with the number of configurations.
        """
        if not self.parameters or not self._evidence.add(config, self.parameters):
            return self
        hints = self._evidence.hints(self.parameters)
        if hints == self.hints:
            return self
        learned = type(self).__new__(type(self))
        learned.__dict__.update(self.__dict__)
        learned.hints, learned.version, learned._evidence = hints, self.version + 1, self._evidence.copy()
        learned._compile()
        return learned

    # --- configurations ----------------------------------------------------------------------------

    def walk(self, choose: Callable[[Rule], Any], keep: Config | None = None) -> dict[str, Any]:
        """A configuration whose values ``choose`` gives, for each active parameter in order.

        Args:
            keep: names in it are taken in although a hint says that they are not there.
        """
        chosen: dict[str, Any] = {}
        for rule in self._rules:
            name = rule.name
            if name not in chosen and rule.holds(chosen, hinted=keep is None or name not in keep):
                chosen[name] = choose(rule)
        return chosen

    def active(self, config: Config) -> list[Parameter]:
        """The parameters that are active under ``config``, in order; one whose parent has no value is not."""
        found: list[Parameter] = []
        chosen: dict[str, Any] = {}
        for rule in self._rules:
            if rule.name not in chosen and rule.holds(chosen):
                found.append(rule.parameter)
                if rule.name in config:
                    chosen[rule.name] = config[rule.name]
        return found

    def default(self) -> dict[str, Any]:
        """The configuration of declared defaults (which may violate a constraint)."""
        return self.walk(lambda rule: rule.domain.default_value)

    def complete(self, config: Config, rng: np.random.Generator | Seed | None = None) -> dict[str, Any]:
        """All active values: those of ``config`` that are in their domains, and draws for the rest.

        Args:
            rng: a generator, a seed (each parameter draws from its child by name), or None for defaults.

        Names that are unknown or inactive are left out. Draws avoid violating constraints; given values are never
        changed, so a configuration that violates one by itself comes back as it is.
        """
        attempt = 0

        def choose(rule: Rule) -> Any:
            if rule.name in config:
                try:
                    return rule.domain.coerce(config[rule.name])
                except SpaceError:
                    pass
            if rng is None:
                return rule.domain.default_value
            drawn.append(rule.name)
            if isinstance(rng, np.random.Generator):
                return rule.domain.sample(rng)
            names = (rule.name,) if attempt == 0 else (rule.name, attempt)
            return rule.domain.sample(rng.child(*names).generator())

        drawn: list[str] = []
        first = full = self.walk(choose, keep=config)
        while drawn and attempt < 100 and self.violated(full) is not None:
            attempt += 1
            full = self.walk(choose, keep=config)
        return first if attempt == 100 else full

    def violated(self, config: Config) -> Constraint | None:
        """The first constraint that a complete configuration violates, or None."""
        return next((c for c in self.constraints if not c.holds(config)), None)

    def validate(self, config: Config) -> None:
        """Raise a SpaceError unless ``config`` is a valid configuration of this tree.

        Values of inactive parameters are passed over; a parameter whose presence is only a guess may be missing.
        """
        unknown = [name for name in config if name not in self._names]
        if unknown:
            raise SpaceError(f"unknown parameter {unknown[0]!r}", allowed=", ".join(map(repr, sorted(self._names))))
        chosen: dict[str, Any] = {}
        for rule in self._rules:
            if rule.name in chosen or not rule.holds(chosen):
                continue
            if rule.name in config:
                try:
                    chosen[rule.name] = rule.domain.coerce(config[rule.name])
                except SpaceError as error:
                    raise SpaceError(error.what, where=repr(rule.name), allowed=error.allowed) from None
            elif rule.hint is None:
                raise SpaceError("it is active and has no value", where=repr(rule.name), hint="See Tree.complete.")
        broken = self.violated(chosen)
        if broken is not None:
            raise SpaceError(f"violated by {broken.values(chosen)}", where=f"constraint '{broken}'")

    def key(self, config: Config) -> str:
        """Equal keys are the same candidate. Fixed and inactive parameters do not count; values are exact."""
        parts = [
            f"{p.name}={p.domain.canonical(config[p.name])!r}"
            for p in self.active(config)
            if p.name in config and not p.fixed
        ]
        parts += [f"{name}={config[name]!r}" for name in config if name not in self._names]
        return "; ".join(sorted(parts))

    def sample(self, rng: np.random.Generator | Seed) -> dict[str, Any]:
        """One valid configuration, each parameter uniform on its sampling scale.

        Args:
            rng: a generator, or a seed: each parameter draws from its child by name, as in ``complete``.

        Raises:
            SpaceError: nothing satisfies the constraints, as far as can be seen.
        """
        if isinstance(rng, Seed):
            found = self.complete({}, rng)
            if self.violated(found) is None:
                return found
            rng = rng.generator()
        for _ in range(TRIES if self.constraints else 1):
            found = self.walk(lambda rule: rule.domain.sample(rng))
            if self.violated(found) is None:
                return found
        return self.decode_freely(self._repairer().rare(rng, 1)[0])

    def neighbours(self, config: Config, rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
        """Up to ``count`` different valid configurations that differ in one decision (and what hangs on it)."""
        return neighbours(self, config, rng, count)

    def edit(self, before: Config, after: Config) -> str:
        """What differs, in words; "" for equal ones.

        >>> from modelwright.space.domain import IntDomain
        >>> Tree([Parameter("units", IntDomain(1, 3))]).edit({"units": 1}, {"units": 3})
        'units 1 -> 3'
        """
        return difference(before, after)

    @property
    def levels(self) -> Sequence[Config]:
        """What progressive search holds where, level by level; a tree of parameters does not say."""
        return ()

    # --- counting ----------------------------------------------------------------------------------

    @property
    def size(self) -> int | None:
        """Number of different candidates; None when infinite, not known, or more than 100,000 under constraints."""
        if self._size is False:
            found = counting.count(self._rules)
            if found is not None and self.constraints:
                small = found <= LISTED
                walked = counting.walk(self._rules, every=True) if small else ()
                found = sum(self.violated(c) is None for c in walked) if small else None
            self._size = found
        return self._size

    def enumerate(self, every: bool = False) -> Iterator[dict[str, Any]]:
        """Each candidate once: the defaults, then all others in order, the last parameter fastest.

        Continua are walked by ten values evenly spaced on their sampling scale, and so are integers on a log scale
        with more than 100 values unless ``every`` is set.
        """
        first = self.default()
        key = self.key(first)
        fruitless = 0
        if self.violated(first) is None:
            yield first
        for config in counting.walk(self._rules, every):
            if self.violated(config) is not None:
                fruitless += 1
                if fruitless == LISTED:
                    self._repairer().rare(np.random.default_rng(0), 1)
            elif self.key(config) != key:
                fruitless = -1 << 62
                yield config

    # --- vectors -----------------------------------------------------------------------------------

    @property
    def axes(self) -> Sequence[Axis]:
        """What each column of a vector means."""
        return self._vectors.axes

    def _repairer(self) -> Repair:
        if self._repair is None:
            self._repair = Repair(self._vectors, self._rules, self.constraints, self.decode_freely, self.encode)
        return self._repair

    def sample_vectors(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` valid points as rows, on the lattice, NaN where inactive.

        Raises:
            SpaceError: nothing satisfies the constraints.
        """
        if not self.constraints:
            return self._vectors.snap(rng.random((count, len(self.axes))))
        return self._repairer().draw(rng, count, TRIES)

    def snap(self, vectors: np.ndarray) -> np.ndarray:
        """Rows on the lattice, inactive ones NaN, newly active ones at their defaults, constraints satisfied."""
        rows = self._vectors.snap(vectors)
        if not self.constraints or not len(rows):
            return rows
        return self._repairer().repair(rows, lambda n: self.sample_vectors(Seed(0).child("repair").generator(), n))

    def encode(self, config: Config) -> np.ndarray:
        """The row of a configuration: positions in [0, 1], NaN where inactive, missing or not in its domain."""
        row = np.full(len(self.axes), np.nan)
        chosen: dict[str, Any] = {}
        for rule in self._rules:
            name = rule.name
            if name in chosen or name not in config or not rule.holds(chosen):
                continue
            chosen[name] = config[name]
            if rule.axis is not None:
                try:
                    row[rule.axis] = rule.domain.to_unit(rule.domain.coerce(config[name]))
                except SpaceError:
                    continue
        return row

    def decode(self, vector: np.ndarray) -> dict[str, Any]:
        """The valid configuration nearest to ``vector``; ``decode(encode(c))`` is ``c`` for all that were drawn.

        A float given by hand with more than ten significant digits comes back rounded; its key stays the same.
        """
        found = self.decode_freely(vector)
        if self.constraints and self.violated(found) is not None:
            found = self.decode_freely(self.snap(np.asarray(vector, dtype=float))[0])
        return found

    def decode_freely(self, vector: np.ndarray) -> dict[str, Any]:
        """``decode`` without regard to constraints."""
        row = [float(u) for u in vector]
        if len(row) != len(self.axes):
            raise SpaceError(f"the vector has {len(row)} numbers", allowed=f"{len(self.axes)} numbers")

        def choose(rule: Rule) -> Any:
            unit = row[rule.axis] if rule.axis is not None else np.nan
            return rule.domain.default_value if unit != unit else rule.domain.from_unit(unit)

        return self.walk(choose)

    def __repr__(self) -> str:
        inside = ", ".join(str(p) for p in self.parameters[:20])
        return f"Tree({inside}{', ...' if len(self.parameters) > 20 else ''})"
