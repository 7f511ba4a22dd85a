"""Hints: conditions that users wrote as plain ``if`` and ``for``, inferred from configurations that ran.

A hint is a guess. It decides what is proposed, never what is valid: where it is wrong, one value is drawn at call
time, the next configuration that contradicts it removes it, and that is all.

A parameter is explained by one earlier parameter (a boolean, a choice, an integer, a stepped number) whose values
where it was present and where it was absent never overlap; among several explanations the shortest to write down
wins (bits of the parent's values, then the nearest parent). Numbers are split by a threshold where one fits, so the
hint also speaks of values that were never tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelwright.space.domain import BooleanDomain, ChoiceDomain, FixedDomain, FloatDomain, IntDomain
from modelwright.space.parameter import Parameter
from modelwright.space.value import exact

#: Numeric parents with more values are split by a threshold only.
_LISTED = 16
#: A run that broke off half way looks like absence. When nothing explains a child any more, its past is forgotten,
#: so often at most.
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Hint:
    """Present when ``parent`` is active and: one of ``values``, or at least ``least``, or at most ``most``.

    >>> Hint("layers", least=2).holds(3), Hint("kind", values=frozenset({exact("a")})).holds("b")
    (True, False)
    """

    parent: str
    values: frozenset[Any] | None = None
    least: float | None = None
    most: float | None = None

    def plain(self) -> list[Any]:
        """Plain values, for ``of``."""
        return [self.parent, None if self.values is None else sorted(self.values, key=repr), self.least, self.most]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> Hint:
        """The inverse of ``plain``."""
        parent, values, least, most = plain
        return cls(parent, None if values is None else frozenset(values), least, most)

    def holds(self, value: Any) -> bool:
        if self.values is not None:
            return exact(value) in self.values
        if isinstance(value, (str, tuple)) or value is None:
            return False
        return value >= self.least if self.least is not None else value <= (self.most or 0)


@dataclass(slots=True)
class _Seen:
    """Which values a parent had: tokens while they are few, and the ends of the range. ``absent`` counts as none."""

    tokens: set[Any] = field(default_factory=set)
    low: float = math.inf
    high: float = -math.inf
    absent: bool = False

    def add(self, known: bool, value: Any, listed: bool, ordered: bool) -> None:
        if not known:
            self.absent = True
            return
        if listed:
            self.tokens.add(exact(value))
        if ordered:
            self.low, self.high = min(self.low, value), max(self.high, value)

    def plain(self) -> list[Any]:
        return [sorted(self.tokens, key=repr), self.low, self.high, self.absent]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> _Seen:
        tokens, low, high, absent = plain
        return cls(set(tokens), low, high, absent)

    def copy(self) -> _Seen:
        return _Seen(set(self.tokens), self.low, self.high, self.absent)

    @property
    def any(self) -> bool:
        return bool(self.tokens) or self.low <= self.high


class Evidence:
    """What the configurations that ran say about presence. Cost per configuration does not grow with their number.

    One lineage of trees shares it, as a fold does: only the newest tree may learn.
    """

    def __init__(self) -> None:
        self.count = 0
        self._seen: dict[str, _Seen] = {}
        #: child -> parent -> (where present, where absent); a parent that cannot explain the child is dropped.
        self._splits: dict[str, dict[str, tuple[_Seen, _Seen]]] = {}
        self._always: set[str] = set()
        self._restarts: dict[str, int] = {}

    def copy(self) -> Evidence:
        other = Evidence()
        other.count = self.count
        other._seen = {k: v.copy() for k, v in self._seen.items()}
        other._splits = {c: {p: (a.copy(), b.copy()) for p, (a, b) in s.items()} for c, s in self._splits.items()}
        other._always, other._restarts = set(self._always), dict(self._restarts)
        return other

    def plain(self) -> dict[str, Any]:
        """What is remembered as plain values, for ``of``."""
        return {
            "count": self.count,
            "seen": {name: seen.plain() for name, seen in self._seen.items()},
            "splits": {c: {p: [a.plain(), b.plain()] for p, (a, b) in s.items()} for c, s in self._splits.items()},
            "always": sorted(self._always),
            "restarts": self._restarts,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Evidence:
        """The inverse of ``plain``."""
        made = cls()
        made.count = plain["count"]
        made._seen = {name: _Seen.of(seen) for name, seen in plain["seen"].items()}
        made._splits = {
            c: {p: (_Seen.of(a), _Seen.of(b)) for p, (a, b) in s.items()} for c, s in plain["splits"].items()
        }
        made._always, made._restarts = set(plain["always"]), dict(plain["restarts"])
        return made

    def add(self, config: Mapping[str, Any], parameters: Sequence[Parameter]) -> bool:
        """Fold one configuration in; True when a hint may have changed."""
        parents = [(p.name, *traits) for p in parameters if (traits := _traits(p)) is not None]
        changed = False
        for place, p in enumerate(parameters):
            if p.conditions:
                continue
            name, here = p.name, p.name in config
            if name not in self._splits:
                if here and (name in self._always or self.count == 0):
                    self._always.add(name)
                    continue
                if not here and name not in self._always:
                    continue
                self._splits[name] = self._start(name in self._always, _earlier(parameters, place, parents))
                self._always.discard(name)
            splits = self._splits[name]
            had = bool(splits)
            changed |= self._fold(splits, config, parents, here)
            if had and not splits and self._restarts.get(name, 0) < _RESTARTS:
                self._restarts[name] = self._restarts.get(name, 0) + 1
                splits.update({q: (_Seen(), _Seen()) for q in _earlier(parameters, place, parents)})
                self._fold(splits, config, parents, here)
        for name, listed, ordered in parents:
            self._seen.setdefault(name, _Seen(absent=self.count > 0)).add(
                name in config, config.get(name), listed, ordered
            )
        self.count += 1
        return changed

    def _start(self, was_present: bool, before: Sequence[str]) -> dict[str, tuple[_Seen, _Seen]]:
        """Until now the child was always there, or never."""
        unseen = _Seen(absent=self.count > 0)
        past = {q: self._seen.get(q, unseen).copy() for q in before}
        return {q: (seen, _Seen()) if was_present else (_Seen(), seen) for q, seen in past.items()}

    def _fold(self, splits: dict, config: Mapping[str, Any], parents: Sequence[tuple], here: bool) -> bool:
        changed = False
        for name, listed, ordered in parents:
            split = splits.get(name)
            if split is None:
                continue
            side = split[0 if here else 1]
            before = (len(side.tokens), side.low, side.high, side.absent)
            side.add(name in config, config.get(name), listed, ordered)
            if (len(side.tokens), side.low, side.high, side.absent) != before:
                changed = True
                if _overlap(*split):
                    del splits[name]
        return changed

    def hints(self, parameters: Sequence[Parameter]) -> dict[str, Hint]:
        """The best explanation of each parameter that was sometimes absent, where there is one."""
        traits = {p.name: (place, p) for place, p in enumerate(parameters) if _traits(p) is not None}
        found: dict[str, Hint] = {}
        for child, splits in self._splits.items():
            best: tuple[float, int] | None = None
            for parent, (present, absent) in splits.items():
                if parent not in traits or not (present.any and absent.any):
                    continue
                place, p = traits[parent]
                hint, bits = _explain(p, present, absent)
                if best is None or (bits, -place) < best:
                    best, found[child] = (bits, -place), hint
        return found


def _earlier(parameters: Sequence[Parameter], place: int, parents: Sequence[tuple]) -> list[str]:
    """The possible parents of the parameter at ``place``."""
    names = {q.name for q in parameters[:place]}
    return [q for q, *_ in parents if q in names]


def _traits(p: Parameter) -> tuple[bool, bool] | None:
    """(values are listed, values are ordered) for a parameter that may explain others, else None."""
    domain = p.domain
    if isinstance(domain, FixedDomain):
        return None
    if isinstance(domain, BooleanDomain):
        return True, False
    if isinstance(domain, ChoiceDomain):
        return True, all(type(v) in (int, float) for v in domain.values)
    levels = domain.levels
    if domain.kind == "float" and levels is None:
        return None
    return levels is not None and levels <= _LISTED, True


def _overlap(present: _Seen, absent: _Seen) -> bool:
    """Whether the parent cannot explain the child."""
    if present.absent:
        return True
    ranged = present.low <= present.high and absent.low <= absent.high
    if ranged and (present.low > absent.high or present.high < absent.low):
        return False
    if present.tokens and absent.tokens:
        return not present.tokens.isdisjoint(absent.tokens)
    return ranged


def _explain(p: Parameter, present: _Seen, absent: _Seen) -> tuple[Hint, float]:
    """The hint, and how many bits it takes to write down."""
    levels = p.domain.levels or 1000
    if isinstance(p.domain, BooleanDomain):
        return Hint(p.name, values=frozenset(present.tokens)), 1.0
    if present.low <= present.high and absent.low <= absent.high:
        if present.low > absent.high:
            return Hint(p.name, least=_between(p, absent.high, present.low)), math.log2(levels + 1)
        if present.high < absent.low:
            return Hint(p.name, most=present.high), math.log2(levels + 1) + 1
    single = min(len(present.tokens), len(absent.tokens)) == 1
    return Hint(p.name, values=frozenset(present.tokens)), math.log2(levels + 1) if single else float(levels)


def _between(p: Parameter, absent: float, present: float) -> float:
    """The least value said to bring the child: just above the highest without it."""
    return p.domain.above(absent) if isinstance(p.domain, (IntDomain, FloatDomain)) else present
