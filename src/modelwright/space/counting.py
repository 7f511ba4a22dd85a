"""Counting and walking a space: how many candidates there are, and each of them in turn. Does not know vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelwright.space.hints import Hint
from modelwright.space.parameter import Parameter
from modelwright.space.value import exact

#: Give up counting when so many combinations of parents would have to be told apart, or a parent has more values.
_STATES = 20_000


class Rule:
    """A parameter with its conditions in the form in which they are tested.

    Attributes:
        needs: (parent, tokens of its values); all must hold.
        hint: what is known about presence beyond the conditions, or None.
        axis: the parameter's column, or None when it is fixed.
    """

    __slots__ = ("axis", "domain", "hint", "name", "needs", "parameter")

    def __init__(
        self, parameter: Parameter, needs: Sequence[tuple[str, frozenset]], hint: Hint | None, axis: int | None
    ):
        self.parameter, self.name, self.domain = parameter, parameter.name, parameter.domain
        self.needs, self.hint, self.axis = tuple(needs), hint, axis

    def holds(self, chosen: Mapping[str, Any], hinted: bool = True) -> bool:
        """Whether the parameter is active when ``chosen`` are the active ones before it."""
        for parent, tokens in self.needs:
            if parent not in chosen or exact(chosen[parent]) not in tokens:
                return False
        hint = self.hint
        if hint is None or not hinted:
            return True
        return hint.parent in chosen and hint.holds(chosen[hint.parent])


def walk(rules: Sequence[Rule], every: bool = False) -> Iterator[dict[str, Any]]:
    """Every combination of grid values (``every``: of all values), the last parameter fastest. Each dict is fresh."""
    grids: dict[int, list[Any]] = {}
    chosen: dict[str, Any] = {}
    stack: list[tuple[int, str, Iterator[Any]]] = []
    i = 0
    while True:
        while i < len(rules):
            rule = rules[i]
            if rule.name not in chosen and rule.holds(chosen):
                if i not in grids:
                    grids[i] = list(rule.domain.every()) if every else rule.domain.grid()
                values = iter(grids[i])
                chosen[rule.name] = next(values)
                stack.append((i, rule.name, values))
            i += 1
        yield dict(chosen)
        while stack:
            i, name, values = stack[-1]
            try:
                chosen[name] = next(values)
            except StopIteration:
                stack.pop()
                del chosen[name]
            else:
                i += 1
                break
        else:
            return


def count(rules: Sequence[Rule]) -> int | None:
    """Number of combinations, or None when it is infinite or too costly to know.

    Works left to right over the values of those parents that still matter, so it does not list the candidates.
    """
    if any(rule.domain.size is None for rule in rules):
        return None
    needed: list[set[str]] = [set()]
    for rule in reversed(rules):
        later = needed[-1] | {parent for parent, _ in rule.needs} | {rule.name}
        needed.append(later | {rule.hint.parent} if rule.hint else later)
    needed.reverse()
    states: dict[Any, tuple[dict[str, Any], int]] = {(): ({}, 1)}
    for i, rule in enumerate(rules):
        classes: list[tuple[Any, int]] | None = None
        after: dict[Any, tuple[dict[str, Any], int]] = {}
        for chosen, many in states.values():
            if rule.name in chosen or not rule.holds(chosen):
                _add(after, chosen, many, needed[i + 1])
                continue
            if classes is None:
                classes = _classes(rule, rules[i + 1 :])
                if classes is None:
                    return None
            for value, times in classes:
                _add(after, {**chosen, rule.name: value}, many * times, needed[i + 1])
        if len(after) > _STATES:
            return None
        states = after
    return sum(many for _, many in states.values())


def _add(states: dict, chosen: dict[str, Any], many: int, needed: set[str]) -> None:
    kept = {name: value for name, value in chosen.items() if name in needed}
    key = tuple((name, exact(value)) for name, value in kept.items())
    states[key] = (kept, many + (states[key][1] if key in states else 0))


def _classes(rule: Rule, later: Sequence[Rule]) -> list[tuple[Any, int]] | None:
    """Values that no later parameter can tell apart, as (one of them, how many)."""
    tests = [tokens for other in later for parent, tokens in other.needs if parent == rule.name]
    hints = [other.hint for other in later if other.hint is not None and other.hint.parent == rule.name]
    size = rule.domain.size
    assert size is not None
    if not tests and not hints:
        return [(rule.domain.default_value, size)]
    if size > _STATES:
        return None
    groups: dict[Any, list[Any]] = {}
    for value in rule.domain.every():
        token = exact(value)
        sign = (*(token in tokens for tokens in tests), *(hint.holds(value) for hint in hints))
        groups.setdefault(sign, []).append(value)
    return [(values[0], len(values)) for values in groups.values()]
