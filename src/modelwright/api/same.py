"""Whether a study that is resumed is still the same search: its settings, and the space that its trials asked for.

Says every difference in words. Does not store anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from modelwright.core.errors import SpaceError, StudyError
from modelwright.core.history import Row, usable
from modelwright.core.objective import Objective
from modelwright.report.text import goal
from modelwright.space.parameter import Parameter
from modelwright.space.value import exact
from modelwright.store.base import StudyRecord

#: Numbers with more values than this are compared by their range, not value by value.
_FEW = 16


def refuse_other_search(record: StudyRecord, definition: Mapping[str, Any]) -> None:
    """Refuse to mix two searches under one name; say what differs.

    Raises:
        StudyError: objective, seed, strategy, number of steps, or the data of a search for a network, how they are
            divided or how it trains all networks, is another than the stored one.
    """
    unit = f"{definition.get('unit', 'step')}s"
    changed = []
    for key, label in (
        ("objectives", "objective"),
        ("seed", "seed"),
        ("strategy", "strategy"),
        ("steps", unit),
        ("data", "data"),
    ):
        before, now = record.definition.get(key), definition.get(key)
        if key == "data" and isinstance(before, str) and "validation" not in record.definition:
            # Digests of earlier versions were of the rows as they had been divided.
            before, now = (str(told).rpartition(", ")[0] for told in (before, now))
        if before is not None and _said(key, before) != _said(key, now):
            changed.append(f"{label} was {_said(key, before)}, now {_said(key, now)}")
    if definition.get("kind") == "nas":
        changed += training_changes(record.definition, definition)
    if changed:
        raise StudyError(
            f"the study exists and was another search: {'; '.join(changed)}",
            where=f"study {record.name!r}",
            hint="Use the old arguments to resume it, or another name= for a new search. Nothing was changed.",
        )


def _said(key: str, value: Any) -> str:
    if key == "objectives":
        return goal([Objective(str(name), direction) for name, direction in value])
    return repr(value)


def training_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In what two definitions of a search for a network train or judge all networks otherwise, in words.

    What one of them does not say is passed over: a study of an earlier version, or one that is no such search.

    >>> training_changes({"recipe": {"rate": 0.1, "batch": 32}}, {"recipe": {"rate": 0.2, "batch": 32}})
    ['recipe was rate=0.1, now rate=0.2']
    """
    found = []
    if "recipe" in before and "recipe" in now:
        old, new = before["recipe"], now["recipe"]
        other = [name for name in old if name in new and old[name] != new[name]]
        if other:
            said = (", ".join(f"{name}={fields[name]!r}" for name in other) for fields in (old, new))
            found.append("recipe was {}, now {}".format(*said))
    for key, (label, none) in _TRAINING.items():
        if key in before and key in now and before[key] != now[key]:
            first, second = (none if d[key] is None else _written(d[key]) for d in (before, now))
            found.append(f"{label} was {first}, now {second}")
    return found


#: Of a search for a network: what it is called, and what it means that there is none.
_TRAINING = {
    "task": ("task", "none"),
    "validation": ("validation", "none"),
    "stem": ("stem", "none"),
    "race": ("strategy", "the plan's own model"),
    "class_weight": ("class_weight", "none"),
    "epochs": ("epochs", "none, or none that counts beside seconds="),
}


def _written(given: Any) -> str:
    """Weights of classes, which are kept as pairs, or a number, as a user would write them."""
    if not isinstance(given, (list, tuple)):
        return f"{given:g}" if isinstance(given, float) else repr(given)
    listed = ", ".join(f"{label!r}: {weight:g}" for label, weight in given[:_FEW])
    return f"{{{listed}{', ...' * (len(given) > _FEW)}}}"


def refuse_other_space(
    record: StudyRecord, known: Sequence[Parameter], now: Sequence[Parameter], before: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse a declared space, or that of a model's defaults, that is not the one the study began with.

    Args:
        known: all parameters that the study has seen.
        now: those declared now; empty where nothing is known before a trial runs.
        before: specifications of those that were declared then.

    Raises:
        StudyError: a parameter has another domain or is gone; parameters that are new besides are named too.
    """
    names = {p.name for p in now}
    gone = [p for p in map(Parameter.from_spec, _parameters(before)) if p.name not in names] if now else []
    said = _changes(known, now, gone)
    if said:
        raise StudyError(
            f"the space changed since the study was started: {said}",
            where=f"study {record.name!r}",
            hint="Give the search another name=, or put the space back as it was. Nothing was changed.",
        )


def _parameters(specs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [spec for spec in specs if spec.get("kind") != "constraint"]


def _changes(known: Iterable[Parameter], now: Iterable[Parameter], gone: Sequence[Parameter]) -> str:
    """Every difference; "" when no parameter changed its domain and none is gone."""
    old = {p.identity: p for p in known}
    names = {p.name for p in old.values()}
    asked = list(now)
    said = []
    for p in asked:
        was = old.get(p.identity)
        if was is not None and was.domain != p.domain:
            first, second = was.domain.describe(), p.domain.describe()
            if first == second:  # they differ in what a short description leaves out, such as the default
                first, second = repr(was.domain), repr(p.domain)
            said.append(f"{p.name}: {first} -> {second}")
    said += [f"{p.name}: {p.domain.describe()} -> gone" for p in gone]
    new = [p for p in asked if p.name not in names] if said else []
    said += [f"{p.name}: new, {p.domain.describe()}" for p in new]
    return "; ".join(said)


class SameSpace:
    """Holds the trials of a resumed session to the space of the trials before it.

    A space that shows itself only while trials run may grow, and may have parameters that are there under some values
    of others. So a parameter counts as gone when every earlier trial had it, this one did not ask for it, and no
    value of this one's is new in a way that explains it: two choices that were never taken together, a number outside
    the range seen so far. Where nothing is new in the space besides, all its few-valued parameters must agree with
    those of one earlier trial.

    Args:
        rows: the trials of earlier sessions.
        known: the parameters known before this session.
    """

    def __init__(self, rows: Iterable[Row], known: Iterable[Parameter]):
        self._known = tuple(known)
        self._named = {p.name: p for p in self._known}
        self._configs = [dict(row.config) for row in rows if usable(row)]
        always = set.intersection(*map(set, self._configs)) if self._configs else set()
        self._always = [p for p in self._known if p.name in always]
        self._together: dict[int, set[tuple[Any, ...]]] = {}
        self._seen = {name: [c[name] for c in self._configs if name in c] for name in self._named}

    def check(self, config: Mapping[str, Any], specs: Iterable[Mapping[str, Any]], *, ended: bool = False) -> None:
        """Raise unless what a trial asked for fits.

        Args:
            config: values of what it asked for, so far.
            specs: what it asked for, inactive parameters included; may be empty when it ended.
            ended: whether it will ask for nothing more.

        Raises:
            SpaceError: it does not fit; the message has every difference.
        """
        asked = [Parameter.from_spec(spec) for spec in _parameters(specs)]
        names = {p.name for p in asked} | set(config)
        new = [p for p in asked if p.name not in self._named]
        gone = [p for p in {p.name: p for p in self._always}.values() if p.name not in names]
        if gone and not (new or ended):
            gone = []  # it may still ask for them
        if gone and self._explained(config, joint=not new):
            gone = []
        said = _changes(self._known, asked, gone)
        if said:
            raise SpaceError(said)

    def _explained(self, config: Mapping[str, Any], joint: bool) -> bool:
        many = [name for name in config if name in self._named and not self._is_few(name)]
        if any(self._beyond(name, config[name]) for name in many):
            return True
        tokens = self._tokens(config)
        if joint:
            return not any(tokens <= found for found in map(self._tokens, self._configs))
        size = min(2, len(tokens))
        if size not in self._together:
            groups = [combinations(sorted(self._tokens(c), key=repr), size) for c in self._configs]
            self._together[size] = {group for several in groups for group in several}
        return any(group not in self._together[size] for group in combinations(sorted(tokens, key=repr), size))

    def _tokens(self, config: Mapping[str, Any]) -> set[tuple[str, Any]]:
        """The values of parameters that have few."""
        return {(name, exact(v)) for name, v in config.items() if name in self._named and self._is_few(name)}

    def _is_few(self, name: str) -> bool:
        levels = self._named[name].domain.levels
        return levels is not None and (levels <= _FEW or not self._named[name].domain.numeric)

    def _beyond(self, name: str, value: Any) -> bool:
        numbers = [v for v in self._seen[name] if isinstance(v, (int, float))]
        return not isinstance(value, (int, float)) or not numbers or not min(numbers) <= value <= max(numbers)
