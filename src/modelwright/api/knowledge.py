"""What a user hands over with a study: configurations to try first, results to start from. Reads and checks; no search.

What fits no space is refused before anything is stored; where the space shows itself only while trials run, as soon as
it does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.api.tables import table_rows
from modelwright.core import records as r
from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.core.objective import Objective
from modelwright.core.wording import counted, kind_of
from modelwright.frontends.shown import is_told_by_building, shown_by
from modelwright.frontends.subject import Prepared, Request
from modelwright.space.value import plain
from modelwright.strategy.belief import stated
from modelwright.study import given as g
from modelwright.study.journal import Journal

#: So many results are taken at most: a strategy reads each at every proposal.
MOST = 10_000


def read_first(first: Any, where: str = "first") -> list[dict[str, Any]]:
    """Configurations as plain dicts.

    Raises:
        ArgumentError: it is no list of dicts of names and values.

    >>> read_first([{"lr": 1e-3}])
    [{'lr': 0.001}]
    """
    if first is None:
        return []
    if isinstance(first, (str, bytes)) or not isinstance(first, Iterable) or isinstance(first, Mapping):
        hint = f"Write {where}=[{{...}}]." if isinstance(first, Mapping) else ""
        raise ArgumentError(
            f"{first!r:.60} is {kind_of(first)}",
            where=where,
            allowed="a list of dicts, such as [{'lr': 0.001}, {'lr': 0.01, 'units': 64}]",
            hint=hint,
        )
    return [_config(config, f"{where}[{i}]") for i, config in enumerate(first)]


def read_prior(prior: Any) -> dict[str, Any]:
    """What is believed of each parameter, in plain values that a note can hold.

    Raises:
        ArgumentError: it cannot be read.

    >>> read_prior({"lr": (1e-4, 1e-2), "optimizer": {"adam": 3, "sgd": 1}})
    {'lr': (0.0001, 0.01), 'optimizer': {'weights': [('adam', 3.0), ('sgd', 1.0)]}}
    """
    if prior is None:
        return {}
    if not isinstance(prior, Mapping) or not all(isinstance(name, str) for name in prior):
        allowed = "a dict of names and beliefs: {'lr': (1e-4, 1e-2), 'optimizer': {'adam': 0.8, 'sgd': 0.2}}"
        raise ArgumentError(f"{prior!r:.60} is {kind_of(prior)}", where="prior", allowed=allowed)
    return {str(name): _belief(said, f"prior, {name!r}") for name, said in prior.items()}


def _belief(said: Any, where: str) -> Any:
    try:
        if isinstance(said, Mapping):
            weights = [(plain(value), _number(weight, where)) for value, weight in said.items()]
            usable = all(w >= 0 and math.isfinite(w) for _, w in weights) and any(w for _, w in weights)
            if not usable:
                raise ArgumentError(f"{said!r:.60}", where=where, allowed="weights from 0, not all of them 0")
            return {"weights": weights}
        if isinstance(said, list):
            if not said:
                raise ArgumentError("an empty list", where=where, allowed=g.BELIEFS)
            return [plain(value) for value in said]
        return plain(said)
    except SpaceError as error:
        raise ArgumentError(error.what, where=where, allowed=g.BELIEFS, hint=error.hint) from None


def read_results(results: Any, objectives: Sequence[Objective], space: Any) -> list[dict[str, Any]]:
    """Results as rows with ``config`` and ``metrics``, which is None for what could not be run.

    Args:
        results: pairs of a configuration and a number, a dict of metrics, a list with one number for each objective, or
            None; or a pandas frame or the path of a CSV file with a column for each parameter and each objective.
        space: the space as far as it is known; it says what the columns of a table mean.

    Raises:
        ArgumentError: a row cannot be read, or a value is missing or not finite.
    """
    if results is None:
        return []
    listed = table_rows(results, objectives, space)
    if listed is None:
        if isinstance(results, (str, bytes, Mapping)) or not isinstance(results, Iterable):
            raise ArgumentError(f"{results!r:.60} is {kind_of(results)}", where="results", allowed=_RESULTS)
        listed = list(results)
    if len(listed) > MOST:
        raise ArgumentError(f"{counted(len(listed), 'result')}", where="results", allowed=f"at most {MOST:,}")
    return [_result(item, objectives, f"results[{i}]") for i, item in enumerate(listed)]


_RESULTS = (
    "pairs of a configuration and what it gave, [({'lr': 0.001}, 0.91), ...], a pandas frame, or the path of a CSV file"
)


def _config(config: Any, where: str) -> dict[str, Any]:
    if not isinstance(config, Mapping) or not all(isinstance(name, str) for name in config):
        raise ArgumentError(
            f"{config!r:.60} is {kind_of(config)}", where=where, allowed="a dict of names and values: {'lr': 0.001}"
        )
    try:
        return {str(name): plain(value) for name, value in config.items()}
    except SpaceError as error:
        raise ArgumentError(error.what, where=where, allowed=error.allowed, hint=error.hint) from None


def _result(item: Any, objectives: Sequence[Objective], where: str) -> dict[str, Any]:
    if isinstance(item, (str, Mapping)) or not isinstance(item, Sequence) or len(item) != 2:
        raise ArgumentError(f"{item!r:.60} is {kind_of(item)}", where=where, allowed="({'lr': 0.001}, 0.91)")
    config, value = item
    return {"config": _config(config, where), "metrics": None if value is None else _metrics(value, objectives, where)}


def _metrics(value: Any, objectives: Sequence[Objective], where: str) -> dict[str, float]:
    names = [o.name for o in objectives]
    if isinstance(value, (list, tuple)) and len(value) == len(names):
        value = dict(zip(names, value))
    elif not isinstance(value, Mapping) and len(names) == 1:
        value = {names[0]: value}
    if not isinstance(value, Mapping):
        many = f"{value!r:.60} for {counted(len(names), 'objective')}"
        raise ArgumentError(many, where=where, allowed=f"a dict or a list of {', '.join(names)}")
    missing = [name for name in names if name not in value]
    if missing:
        raise ArgumentError(
            f"{', '.join(map(repr, missing))} is not among {', '.join(map(repr, value)) or 'nothing'}", where=where
        )
    found = {str(name): _number(v, f"{where}: {name}") for name, v in value.items() if v is not None or name in names}
    for name in names:
        if not math.isfinite(found[name]):
            raise ArgumentError(
                f"{name}={found[name]} is not finite",
                where=where,
                hint="Leave it out, or write None for a configuration that could not be run.",
            )
    return found


def _number(value: Any, where: str) -> float:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{value!r:.60} is no number", where=where) from None


# --- into the study -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What was given, read and checked."""

    first: list[dict[str, Any]]
    results: list[dict[str, Any]]
    prior: dict[str, Any]

    @classmethod
    def read(
        cls,
        space: Any,
        objectives: Sequence[Objective],
        *,
        first: Any = None,
        results: Any = None,
        prior: Any = None,
        closed: bool,
    ) -> Knowledge:
        """Read and check what was given.

        Args:
            space: as far as it is known.
            closed: whether it is known in full.

        Raises:
            ArgumentError: something cannot be read.
            SpaceError: a configuration does not fit the space.
        """
        made = cls(first=read_first(first), results=read_results(results, objectives, space), prior=read_prior(prior))
        refuse_misfits(space, made.first, made.results, closed=closed)
        found = g.misbelief(space, made.prior, closed=closed) if space.parameters else None
        if found is not None:
            where = f"prior, {found.where}" if found.where else "prior"
            raise SpaceError(found.what, where=where, allowed=found.allowed, hint=found.hint)
        return made

    @classmethod
    def of_request(cls, request: Request, prepared: Prepared, **given: Any) -> Knowledge:
        """``read`` for what ``tune`` is given; a model is built where a configuration names what it has not shown."""
        subject, space = request.subject, prepared.tree
        told = is_told_by_building(subject, prepared.kind, request.options)
        first, results, prior = (given.get(name) for name in ("first", "results", "prior"))
        if told and any(part is not None for part in (first, results, prior)):
            build = subject.build if callable(getattr(subject, "build", None)) else subject
            listed = results if isinstance(results, (list, tuple)) else ()
            configs = [item[0] for item in listed if isinstance(item, (list, tuple)) and len(item) == 2]
            configs = [c for c in configs if isinstance(c, Mapping)]
            space = shown_by(build, space, [*read_first(first), *configs, read_prior(prior)])
        closed = told or (prepared.kind == "function" and request.space is not None)
        return cls.read(space, prepared.objectives, closed=closed, **given)

    def hand_over(self, journal: Journal, preset: Sequence[Mapping[str, Any]] = ()) -> None:
        """Store what is not stored yet, so that the same call goes on with a study without saying it twice.

        Args:
            preset: configurations to try after those that were given.
        """
        if self.prior and self.prior != stated(journal.machine.history):
            journal.write([r.Noted(kind=g.PRIOR, data={"beliefs": self.prior})])
        _store(journal, self.first, self.results, g.FIRST)
        if preset:
            _store(journal, preset, (), "preset")


def _store(journal: Journal, first: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], by: str) -> None:
    machine = journal.machine
    wished = [dict(wish.config) for wish in g.wishes(machine.history)]
    told = [(dict(result.config), result.metrics) for result in g.results(machine.history)]
    new_first = [dict(config) for config in first if dict(config) not in wished]
    new_results = [dict(row) for row in results if (row["config"], row["metrics"]) not in told]
    events: list[r.Event] = []
    if new_results:
        events.append(r.Noted(kind=g.RESULTS, data={"rows": new_results}))
    if new_first:
        events.append(r.Noted(kind=g.FIRST, data={"configs": new_first, "by": by}))
    journal.write(events)
    journal.write(machine.settle().events)


def refuse_misfits(
    space: Any, first: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], *, closed: bool
) -> None:
    """Raise a SpaceError for the first configuration that does not fit what is known of the space."""
    if not space.parameters:
        return
    for where, config in [
        *((f"first[{i}]", config) for i, config in enumerate(first)),
        *((f"results[{i}]", row["config"]) for i, row in enumerate(results)),
    ]:
        found = g.problem(space, config, closed=closed)
        if found is not None:
            place = f"{where}, {found.where}" if found.where else where
            raise SpaceError(found.what, where=place, allowed=found.allowed, hint=found.hint)
