"""What a user knows before a search: configurations to try first, results to start from. Pure folds over notes.

A study stores both as notes. A configuration to try first becomes a trial when its turn comes; a result becomes a
finished trial as soon as the space is known, and counts against no budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modelwright.core import records as r
from modelwright.core.errors import SpaceError, StudyError
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.core.wording import did_you_mean
from modelwright.strategy.belief import KIND as PRIOR
from modelwright.strategy.belief import mode, shape_of, stated, weights_of

#: Kinds of notes: ``configs`` to try ``by`` whom; ``rows`` of config and metrics; an ``entry`` of these that does not
#: fit the space; the ``names`` that a trial was to have and did not ask for.
FIRST, RESULTS, REFUSED, UNUSED = "first", "results", "refused", "unused"


class Wish(NamedTuple):
    """A configuration that somebody wants tried; ``by`` is "first", "prior", "transfer" or "preset"."""

    entry: int
    config: Mapping[str, Any]
    by: str


class Result(NamedTuple):
    """What somebody measured elsewhere; ``metrics`` is None for a configuration that could not be run."""

    entry: int
    config: Mapping[str, Any]
    metrics: Mapping[str, float] | None


class Settled(NamedTuple):
    """What has to be stored now that more of the space is known, and what is wrong with what was given."""

    events: list[r.Event]
    problems: list[str]


def wishes(history: History) -> list[Wish]:
    """All configurations to try first, in order."""
    listed = [(c, n.data.get("by", FIRST)) for n in history.notes if n.kind == FIRST for c in n.data["configs"]]
    return [Wish(i, config, by) for i, (config, by) in enumerate(listed)]


def results(history: History) -> list[Result]:
    """All results that were handed over, in order."""
    listed = [(row["config"], row["metrics"]) for n in history.notes if n.kind == RESULTS for row in n.data["rows"]]
    return [Result(i, config, metrics) for i, (config, metrics) in enumerate(listed)]


def problem(space: Any, config: Mapping[str, Any], *, closed: bool = False) -> SpaceError | None:
    """What is wrong with a configuration that need not be whole; None when nothing is.

    Args:
        closed: whether a name that the space does not know is wrong; a space that shows itself only while trials run
            may still come to know it.
    """
    domains: dict[str, list[Any]] = {}
    for p in space.parameters:
        domains.setdefault(p.name, []).append(p.domain)
    for name, value in config.items():
        if name not in domains:
            if closed:
                listed = ", ".join(map(repr, domains)) or "nothing varies"
                return SpaceError(f"unknown parameter {name!r}", allowed=listed, hint=did_you_mean(name, domains))
        elif not any(d.contains(value) or _coerced(d, value) for d in domains[name]):
            return _outside(domains[name][0], name, value)
    full = completed(space, config, Seed(0))
    broken = space.violated(full) if set(full) <= set(domains) else None
    if broken is not None:
        return SpaceError(f"violated by {broken.values(full)}", where=f"constraint '{broken}'")
    return None


def _coerced(domain: Any, value: Any) -> bool:
    try:
        domain.coerce(value)
    except SpaceError:
        return False
    return True


def _outside(domain: Any, name: str, value: Any) -> SpaceError:
    try:
        domain.coerce(value)
    except SpaceError as error:
        return SpaceError(error.what, where=repr(name), allowed=error.allowed or domain.describe(), hint=error.hint)
    return SpaceError(f"{value!r} is outside", where=repr(name), allowed=domain.describe())


def completed(space: Any, config: Mapping[str, Any], seed: Seed) -> dict[str, Any]:
    """``config`` with defaults for what it lacks; draws where the defaults would violate a constraint.

    Names that the space does not know yet stay.
    """
    known = {p.name for p in space.parameters}
    full = space.complete(config)
    if space.violated(full) is not None:
        full = space.complete(config, seed)
    return {**full, **{name: value for name, value in config.items() if name not in known}}


def due(history: History, space: Any, seed: Seed) -> tuple[Wish | None, list[int]]:
    """The next configuration to try, whole, and the entries before it that were tried already.

    Each is asked for once; one that cannot be used is passed over.
    """
    listed = wishes(history)
    if not listed:
        return None, []
    done = {row.note["entry"] for row in history.rows if "entry" in row.note} | _refused(history, FIRST)
    known = {entry for row in history.rows for entry in row.note.get("known", ())}
    left = [wish for wish in listed if wish.entry not in done | known]
    if not left:
        return None, []
    tried = {space.key(row.config) for row in history.rows}
    skipped: list[int] = []
    names = {p.name for p in space.parameters}
    for wish in left:
        if wish.by != FIRST and names and not names & set(wish.config):
            skipped.append(wish.entry)  # of an earlier study that turns out to have nothing in common with this one
            continue
        full = completed(space, wish.config, seed.child(FIRST, wish.entry))
        if space.key(full) not in tried:
            return wish._replace(config=full), skipped
        skipped.append(wish.entry)
    return None, skipped


def misbelief(space: Any, said: Mapping[str, Any], *, closed: bool = False) -> SpaceError | None:
    """What is wrong with a prior, as far as the space is known; None when nothing is."""
    domains: dict[str, list[Any]] = {}
    for p in space.parameters:
        domains.setdefault(p.name, []).append(p.domain)
    for name, belief in said.items():
        listed = list(weights_of(belief)) if isinstance(belief, Mapping) else None
        listed = belief if isinstance(belief, list) else listed
        if name not in domains:
            if closed:
                known = ", ".join(map(repr, domains)) or "nothing varies"
                return SpaceError(f"unknown parameter {name!r}", allowed=known, hint=did_you_mean(name, domains))
            continue
        domain = domains[name][0]
        if listed is None:
            listed = list(belief) if isinstance(belief, tuple) and domain.numeric else [belief]
        for value in listed:
            if not any(_coerced(d, value) for d in domains[name]):
                return _outside(domain, name, value)
        if shape_of(domain, belief, domain.numeric) is None:
            told = f"{belief!r:.60} says nothing about {domain.describe()}"
            return SpaceError(told, where=repr(name), allowed=BELIEFS)
    return None


#: What may be said of a parameter.
BELIEFS = "a value, a pair of numbers as the likely range, a list of values, or a dict of values and weights"


def settle(history: History, space: Any, objectives: Sequence[Objective]) -> Settled:
    """Given results as trials, now that the space is known, and a refusal of what does not fit it."""
    events: list[r.Event] = []
    problems: list[str] = []
    if not space.parameters or not any(n.kind in (FIRST, RESULTS, PRIOR) for n in history.notes):
        return Settled(events, problems)
    events += _likely(history, space, problems)
    for kind, entry, config, found in _unfit(history, space):
        word = f"{kind}[{entry}] ({', '.join(f'{k}={v!r}' for k, v in config.items())})"
        problems.append(f"{word}: {found}")
        events.append(r.Noted(kind=REFUSED, data={"of": kind, "entry": entry, "why": str(found)}))
    notes = [event.data for event in events if isinstance(event, r.Noted)]
    refused = {data["entry"] for data in notes if data.get("of") == RESULTS}
    number = len(history.rows)
    for result in _open_results(history):
        if result.entry in refused:
            continue
        config = completed(space, result.config, Seed(0))
        config = {name: _canonical(space, name, value) for name, value in config.items()}
        events += _finished(number, result, config, objectives)
        number += 1
    return Settled(events, problems)


def _likely(history: History, space: Any, problems: list[str]) -> list[r.Event]:
    """The likeliest configuration of the latest prior as one to try first, once the space is known.

    A prior that does not fit the space is refused, and says nothing from then on.
    """
    said = stated(history)
    latest = sum(n.kind == PRIOR for n in history.notes)
    if not said or any(n.kind == FIRST and n.data.get("prior") == latest for n in history.notes):
        return []
    found = misbelief(space, said)
    if found is not None:
        problems.append(f"prior: {found}")
        refusal = r.Noted(kind=REFUSED, data={"of": PRIOR, "entry": latest - 1, "why": str(found)})
        return [refusal, r.Noted(kind=PRIOR, data={"beliefs": {}})]
    likeliest = mode(said, space)
    if not likeliest:
        return []
    return [r.Noted(kind=FIRST, data={"configs": [likeliest], "by": PRIOR, "prior": latest})]


def _finished(number: int, result: Result, config: r.Config, objectives: Sequence[Objective]) -> Iterable[r.Event]:
    yield r.Proposed(number=number, config=config, note={"by": r.GIVEN, "result": result.entry})
    if result.metrics is None:
        why = r.Failure(kind="infeasible", message="given as a configuration that could not be run")
        yield r.Finished(number=number, state="infeasible", error=why)
        return
    values = tuple(result.metrics[o.name] for o in objectives)
    yield r.Finished(number=number, state="complete", values=values, metrics=result.metrics, note={"given": True})


def _unfit(history: History, space: Any) -> Iterable[tuple[str, int, Mapping[str, Any], SpaceError]]:
    """What does not fit the space as far as it is known, and was not refused before."""
    asked = {row.note["entry"] for row in history.rows if "entry" in row.note} | _refused(history, FIRST)
    open_wishes = [(FIRST, wish) for wish in wishes(history) if wish.by == FIRST and wish.entry not in asked]
    for kind, item in [*open_wishes, *((RESULTS, result) for result in _open_results(history))]:
        found = problem(space, item.config)
        if found is not None:
            yield kind, item.entry, item.config, found


def _open_results(history: History) -> list[Result]:
    taken = {row.note["result"] for row in history.rows if row.given} | _refused(history, RESULTS)
    return [result for result in results(history) if result.entry not in taken]


def _refused(history: History, kind: str) -> set[int]:
    return {n.data["entry"] for n in history.notes if n.kind == REFUSED and n.data["of"] == kind}


def _canonical(space: Any, name: str, value: Any) -> Any:
    for p in space.parameters:
        if p.name == name and _coerced(p.domain, value):
            return p.domain.coerce(value)
    return value


def unused(history: History, space: Any, number: int) -> r.Noted | None:
    """What a configuration to try first named and its trial, which ended, did not ask for; None when it used all."""
    row = history.rows[number]
    entry = row.note.get("entry")
    if row.note.get("by") != FIRST or entry is None or row.segment > 0 or not row.ran or row.state == "failed":
        return None
    known = {p.name for p in space.parameters}
    wish = wishes(history)[entry].config
    names = [n for n, v in wish.items() if (row.config[n] != v if n in row.config else n not in known)]
    return r.Noted(kind=UNUSED, data={"number": number, "entry": entry, "names": names}) if names else None


def refusal(problems: Sequence[str]) -> StudyError:
    """The error for what was given ahead and does not fit the space that showed itself."""
    return StudyError(
        "; ".join(problems),
        hint="Mend it and run again with the same name: what was finished is kept, what was refused is passed over.",
    )
