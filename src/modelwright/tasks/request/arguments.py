"""The arguments of a fit, looked through before a table is read: types, ranges, and which of them go together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from modelwright.api.naming import checked_seed
from modelwright.core.errors import ArgumentError
from modelwright.core.wording import kind_of
from modelwright.tasks.data.kinds import KINDS

#: Whole numbers: the least and the most of each.
_WHOLE = {"trials": (1, 1 << 53), "folds": (1, 1 << 15), "max_rows": (2, 1 << 53), "workers": (1, 4096)}
#: What a plan has, and each of its members.
_PLAN = ("task", "metric", "seed", "threads", "temperature", "threshold", "score", "spread", "members")
_MEMBER = ("name", "trial", "learner", "config", "weight", "rounds", "seed", "whole", "units")


def checked_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``mw.fit`` as the rest takes them: one name is a list of one, numbers are Python's own.

    Raises:
        ArgumentError: one is of the wrong type, beyond its range, or two do not go together.

    >>> found = checked_arguments({"target": "y", "without": "zip", "models": "linear", "folds": 3})
    >>> found["without"], found["models"], found["folds"]
    (('zip',), ('linear',), 3)
    """
    found = {name: one.item() if isinstance(one, np.generic) else one for name, one in given.items()}
    for name, (least, most) in _WHOLE.items():
        _check_whole(name, found.get(name), least, most)
    _check_numbers(found)
    found |= checked_columns(found)
    for name in ("groups", "time"):
        found[name] = None if found.get(name) is None else _column(name, found[name])
    found["without"] = tuple(_column("without", one) for one in _several("without", found.get("without")))
    found["block"] = tuple(_several("block", found.get("block")))
    if found.get("models") is not None:
        found["models"] = tuple(_several("models", found["models"]))
        if not found["models"]:
            raise ArgumentError(
                "models is empty", where="fit", allowed="names of learners, estimators, or None for all"
            )
    if isinstance(found.get("sample_weight"), int | tuple):
        found["sample_weight"] = _column("sample_weight", found["sample_weight"])
    _check_class_weight(found.get("class_weight"))
    _check_together(found)
    return found


def checked_columns(given: Mapping[str, Any], where: str = "fit") -> dict[str, Any]:
    """The target, the seed, and what is said of single columns, as the rest takes them; names of columns are text.

    Raises:
        ArgumentError: one is of the wrong type.
    """
    found = {"seed": checked_seed(given.get("seed", 0)), "target": _column("target", given["target"], where)}
    for name, of in (("kinds", "a kind, or its levels from low to high"), ("monotone", "1 or -1")):
        one = given.get(name)
        if one is not None and not isinstance(one, Mapping):
            raise ArgumentError(f"{name} is {kind_of(one)}", where=where, allowed=f"a dict of column: {of}")
        found[name] = (
            None if one is None else {_column(name, column, where): _listed(said) for column, said in one.items()}
        )
    return found


def checked_budget(seconds: Any, trials: Any, where: str) -> tuple[float | None, int | None]:
    """Seconds and trials as Python's own numbers.

    Raises:
        ArgumentError: one of them is no number above 0.

    >>> checked_budget(np.float32(2), None, "fit")
    (2.0, None)
    """
    seconds, trials = (one.item() if isinstance(one, np.generic) else one for one in (seconds, trials))
    _check_whole("trials", trials, *_WHOLE["trials"], where)
    if seconds is not None and not (_is_finite(seconds) and seconds > 0):
        raise ArgumentError(f"seconds={seconds!r:.60}", where=where, allowed="a number above 0")
    return seconds, trials


def _check_whole(name: str, value: Any, least: int, most: int, where: str = "fit") -> None:
    if value is None:
        return
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        allowed = f"a whole number from {least}" + (f" to {most:,}" if most < 1 << 53 else "")
        raise ArgumentError(f"{name}={value!r:.60}", where=where, allowed=allowed)


def _check_numbers(found: Mapping[str, Any]) -> None:
    checked_budget(found.get("seconds"), None, "fit")
    score = found.get("target_score")
    if score is not None and not _is_finite(score):
        raise ArgumentError(f"target_score={score!r:.60}", where="fit", allowed="a number in units of the metric")
    verbose = found.get("verbose", 1)
    if verbose not in (0, 1, 2) or not isinstance(verbose, int):
        raise ArgumentError(f"verbose={verbose!r:.60}", where="fit", allowed="0, 1 or 2")
    dropped = found.get("drop_suspected", False)
    if not isinstance(dropped, bool):
        raise ArgumentError(f"drop_suspected={dropped!r:.60}", where="fit", allowed="True, False")


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _column(name: str, value: Any, where: str = "fit") -> str:
    """The name of a column; columns of a frame that are called by numbers are read under those as text."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, tuple) and value and all(isinstance(one, str | int) for one in value):
        return ".".join(map(str, value)).strip()  # a column under several headings
    if not isinstance(value, str):
        raise ArgumentError(f"{name} is {kind_of(value)}", where=where, allowed="the name of a column")
    return value


def _listed(value: Any) -> Any:
    """Levels as a list of plain values, which a plan can keep; anything else as it is."""
    if isinstance(value, tuple | list):
        return [one.item() if isinstance(one, np.generic) else one for one in value]
    return value.tolist() if hasattr(value, "tolist") and np.ndim(value) == 1 else value


def _several(name: str, value: Any) -> list[Any]:
    """One, or several, as a list."""
    if value is None:
        return []
    if isinstance(value, str | int) or hasattr(value, "fit"):
        return [value]
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise ArgumentError(f"{name} is {kind_of(value)}", where="fit", allowed="a name, or a list of them")
    return list(value)


def _check_class_weight(given: Any) -> None:
    if given is None or (isinstance(given, str) and given == "balanced"):
        return
    allowed = "'balanced', or {class: weight}"
    if not isinstance(given, Mapping):
        raise ArgumentError(f"class_weight={given!r:.60}", where="fit", allowed=allowed)
    for key, value in given.items():
        value = value.item() if isinstance(value, np.generic) else value
        if not _is_finite(value) or value < 0:
            raise ArgumentError(f"class_weight of {key!r:.40} is {value!r:.40}", where="fit", allowed="numbers from 0")


def _check_together(found: Mapping[str, Any]) -> None:
    target, groups, time, weight = (found.get(name) for name in ("target", "groups", "time", "sample_weight"))
    without = (("without", one) for one in found.get("without") or ())
    for name, one in (("groups", groups), ("time", time), ("sample_weight", weight), *without):
        if isinstance(one, str) and one == target:
            raise ArgumentError(f"{name}={one!r:.60} is the target", where="fit", hint="Name another column, or none.")
    if groups is not None and time is not None:
        raise ArgumentError(
            f"groups={groups!r:.60} and time={time!r:.60}", where="fit", allowed="one of them",
            hint="A group that has rows in several periods can be kept together, or in order, not both. time= never "
            "divides the rows of one moment.",
        )  # fmt: skip
    if found.get("plan") is not None:
        checked_plan(found["plan"])


def checked_plan(plan: Any) -> None:
    """Refuse what is no plan of a fit.

    Raises:
        ArgumentError: it is none; what it lacks.
    """
    allowed = "model.plan of an earlier fit"
    if not isinstance(plan, Mapping):
        raise ArgumentError(f"it is {kind_of(plan)}, not a plan", where="fit, plan", allowed=allowed)
    lacks = [name for name in _PLAN if name not in plan]
    members = plan.get("members")
    if lacks or not isinstance(members, list | tuple) or not members:
        what = f"it has no {lacks[0]!r}" if lacks else "it has no members"
        raise ArgumentError(f"it is no plan: {what}", where="fit, plan", allowed=allowed)
    for one in plan.get("columns") or ():
        named = isinstance(one, Mapping) and isinstance(one.get("name"), str)
        if not named or one.get("kind") not in KINDS or not isinstance(one.get("details"), Mapping):
            raise ArgumentError(f"it is no plan: a column is {one!r:.60}", where="fit, plan", allowed=allowed)
    classes, details = plan.get("classes", ()), plan.get("details", {})
    listed = isinstance(classes, list | tuple) and all(isinstance(one, bool | int | float | str) for one in classes)
    if not listed or not isinstance(details, Mapping):
        raise ArgumentError("it is no plan: its classes are none", where="fit, plan", allowed=allowed)
    for place, member in enumerate(members):
        lacks = [name for name in _MEMBER if not isinstance(member, Mapping) or name not in member]
        if lacks:
            what = f"its member {place} has no {lacks[0]!r}"
            raise ArgumentError(f"it is no plan: {what}", where="fit, plan", allowed=allowed)
