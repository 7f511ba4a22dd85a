"""Which learners take part: those that are there, allowed, and can do the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from modelwright.api.naming import checked_name
from modelwright.core.errors import ArgumentError, MissingPackageError, StudyError
from modelwright.core.wording import did_you_mean, kind_of
from modelwright.space.domain import ChoiceDomain
from modelwright.space.parameter import Parameter
from modelwright.store.base import open_store
from modelwright.tasks.account.decisions import Decision, began_without, not_there
from modelwright.tasks.learners import Learner, all_names, learner, names, own
from modelwright.tasks.learners.called import called
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.request.asked import Asked
from modelwright.tasks.search.estimation import MODEL
from modelwright.tasks.search.portfolio import FAST_WITHOUT, INTERPRETABLE

#: What is named as learners are, and joins what the others predict: see ``known_rows``.
KNOWN_ROWS = "known_rows"


def chosen_learners(models: Sequence[Any] | None, block: Sequence[str], preset: str, task: str) -> dict[str, Learner]:
    """Learners by name.

    Raises:
        ArgumentError: a name is unknown, one in ``models`` is for other tasks, or nothing is left.
        MissingPackageError: the package of one in ``models`` is not installed.

    >>> list(chosen_learners(["linear"], [], "good", "binary"))
    ['linear']
    """
    known = [*names(), KNOWN_ROWS]
    for name in (*block, *(m for m in models or () if isinstance(m, str))):
        if name not in known and name not in all_names():
            raise ArgumentError(
                f"there is no learner {name!r}", where="fit", allowed=", ".join(known),
                hint=did_you_mean(str(name), [*all_names(), KNOWN_ROWS]),
            )  # fmt: skip
    for one in models or ():
        if not isinstance(one, str | Learner) and not (hasattr(one, "fit") and hasattr(one, "get_params")):
            allowed = f"{', '.join(known)}, or an estimator of scikit-learn"
            raise ArgumentError(f"models holds {kind_of(one)}", where="fit", allowed=allowed)
    if preset == "interpretable":
        _refuse_black_boxes(models or ())
    asked: Sequence[Any] = known if models is None else models
    if models is None and preset == "interpretable":
        asked = [name for name in known if name in INTERPRETABLE]
    elif models is None and preset == "fast":
        asked = [name for name in known if name not in FAST_WITHOUT]
    found: dict[str, Learner] = {}
    own_names = _names_of(asked)
    for one in asked:
        if isinstance(one, str) and (one in block or one == KNOWN_ROWS):
            continue
        try:
            made = learner(one) if isinstance(one, str) else one
            made = made if isinstance(made, Learner) else own(made, own_names[id(one)])
        except MissingPackageError:
            if models is not None:
                raise
            continue
        if models is not None and isinstance(one, str) and not _is_installed(made):
            made.load()  # which says what installs it
        if task in made.tasks:
            found[made.name] = made
        elif models is not None:
            raise ArgumentError(
                f"models has {made.name!r}, which is for {' and '.join(made.tasks)} tasks; the target is {task}",
                where="fit", hint="Leave it out, or say task= where the target is of another one.",
            )  # fmt: skip
    if not found:
        raise ArgumentError("no learner is left", where="fit", hint=f"There are {', '.join(known)}.")
    return found


def _names_of(asked: Sequence[Any]) -> dict[int, str]:
    """Names of the estimators of the user's own, by what Python tells them apart by: no learner has any of them.

    Raises:
        ArgumentError: learners that are not the same have one name.
    """
    given = list({id(one): one for one in asked if not isinstance(one, str)}.values())
    made = [one.name for one in given if isinstance(one, Learner)]
    counts = Counter([*made, *{one for one in asked if isinstance(one, str)}])
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise ArgumentError(f"models has several learners {repeated[0]!r}", where="fit", allowed="one of each name")
    estimators = [one for one in given if not isinstance(one, Learner)]
    return dict(zip(map(id, estimators), called(estimators, {*all_names(), KNOWN_ROWS, *made}), strict=True))


def _refuse_black_boxes(models: Sequence[Any]) -> None:
    """Refuse names that ``preset="interpretable"`` rules out; who brings an estimator says what it is.

    Raises:
        ArgumentError: there is one.
    """
    for one in models:
        name = one.name if isinstance(one, Learner) and one.name in all_names() else one
        if isinstance(name, str) and name not in (*INTERPRETABLE, KNOWN_ROWS):
            raise ArgumentError(
                f"models has {name!r}, which preset='interpretable' is without", where="fit",
                allowed=f"{', '.join(INTERPRETABLE)}, or an estimator of your own", hint="Leave one of both out.",
            )  # fmt: skip


def _is_installed(made: Learner) -> bool:
    return all(find_spec(package.partition(".")[0]) is not None for package in made.needs)


def may_recall(models: Sequence[Any] | None, block: Sequence[str], preset: str) -> bool:
    """Whether known answers for a row that comes again may count.

    >>> may_recall(None, [], "good"), may_recall(["linear"], [], "good")
    (True, False)
    """
    if models is None:
        return preset != "interpretable" and KNOWN_ROWS not in block
    return any(isinstance(one, str) and one == KNOWN_ROWS for one in models) and KNOWN_ROWS not in block


def learners_before(asked: Asked) -> list[str] | None:
    """Names of the learners that the fit began with which goes on, in the order of the decision; None for a new one."""
    name = checked_name(asked.name)
    record = None if name is None else open_store(asked.store).find(name)
    if record is None or record.definition.get("kind") != "table":
        return None
    for spec in record.definition.get("parameters") or ():
        domain = Parameter.from_spec(spec).domain if spec.get("name") == MODEL else None
        if isinstance(domain, ChoiceDomain):
            return [str(value) for value in domain.values]
    return None


def as_begun(
    found: Mapping[str, Learner], asked: Asked, before: Sequence[str]
) -> tuple[dict[str, Learner], tuple[str, ...], list[Decision]]:
    """The learners of a fit that goes on: those it began with, whatever is there now. The decision names no others.

    Args:
        found: those that would take part in a new fit.
        before: names of those it began with.

    Returns:
        Learners by name, the names of those that have no part any more, and what is to be said of it.

    Raises:
        StudyError: one was asked for that the fit did not begin with, or an estimator of the user's own is not passed.
    """
    where, began = f"study {asked.name!r}", f"the fit began with {', '.join(before)}"
    told = [name for name in found if name not in before]
    if told and (asked.models is not None or len(told) == len(found)):
        raise StudyError(
            f"{began}; {', '.join(map(repr, told))} cannot join it", where=where,
            hint="Leave models= as it was, or use another name= for a new fit. Nothing was changed.",
        )  # fmt: skip
    there = names()
    try:
        learners = {name: found.get(name) or learner(name) for name in before}
    except ArgumentError:
        gone = [name for name in before if name not in found and name not in there]
        raise StudyError(
            f"{began}; {', '.join(map(repr, gone))} is not among the learners now", where=where,
            hint="Pass models=[...] with your own estimators again. Nothing was changed.",
        ) from None  # fmt: skip
    barred = tuple(name for name in before if name not in found)
    said = [began_without(told)] if told else []
    return learners, barred, said + [not_there(name) for name in barred if name not in there]


def constrained(learners: Mapping[str, Learner]) -> tuple[dict[str, Learner], list[str]]:
    """Those of ``learners`` that take monotone constraints, and the names of those that do not.

    Raises:
        ArgumentError: none does.
    """
    able = {name: one for name, one in learners.items() if one.monotone}
    if set(able) <= {CONSTANT} and set(learners) != {CONSTANT}:  # it holds to anything, and learns nothing
        known = [name for name in names() if learner(name).monotone and name != CONSTANT]
        raise ArgumentError(
            f"no learner that takes part can hold to it: {', '.join(learners)}", where="fit, monotone",
            allowed=", ".join(known), hint="models=, block= and preset= say which take part.",
        )  # fmt: skip
    return able, [name for name in learners if name not in able]
