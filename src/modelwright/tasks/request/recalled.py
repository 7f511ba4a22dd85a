"""What was said of a table in one call, kept in a model so that refits, plans and further searches go by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.tasks.search.gathered import Said

#: What says how rows are read, weighed and judged, besides the columns that are left out.
_KEPT = ("metric", "task", "positive", "kinds", "sample_weight", "class_weight", "groups", "time", "seed")


def recorded(said: Said, dropped: Sequence[str]) -> dict[str, Any]:
    """Plain values of what was said, and under ``again`` the names of what cannot be kept and has to be said again.

    Args:
        dropped: columns that were left out because they leak the target.

    >>> from modelwright.tasks.search.gathered import Said
    >>> recorded(Said(target="y", metric="mae", sample_weight=[1.0, 2.0]), ["told"])
    {'without': ['told'], 'again': ['sample_weight'], 'metric': 'mae', 'seed': 0}
    """
    found: dict[str, Any] = {"without": [*said.without, *dropped], "again": []}
    for name in _KEPT:
        value = getattr(said, name)
        if value is None:
            continue
        plain = _plain(value)
        if plain is None:
            found["again"].append(name)
        else:
            found[name] = plain
    return found


def arguments(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was recorded, as arguments of ``mw.fit``."""
    return {name: _back(value) for name, value in kept.items() if name != "again"}


def recalled(said: Said, kept: Mapping[str, Any]) -> Said:
    """What is said now, filled up with what was said then.

    Raises:
        ArgumentError: both speak of the same and differ, or what could not be kept is not said again.
    """
    usual, filled = Said(target=said.target), {}
    for name in _KEPT:
        now = getattr(said, name)
        silent = now is None or (name == "seed" and now == usual.seed)
        if name in kept.get("again", ()):
            if silent:
                what = "was a function" if name == "metric" else "was an array"
                raise ArgumentError(
                    f"{name}= {what}, which a model does not keep", where="fit, plan", hint=f"Pass {name}= again."
                )
        elif silent and name in kept:
            filled[name] = _back(kept[name])
        elif not silent and _unordered(_plain(now)) != _unordered(kept.get(name)):
            was = f"{name}={_back(kept[name])!r:.60}" if name in kept else f"no {name}="
            raise ArgumentError(
                f"the plan was carried out with {was}, and now {name}={now!r:.60} is asked for",
                where="fit, plan",
                hint=f"Leave {name}= out, or search anew without plan=.",
            )
    return replace(said, without=tuple(dict.fromkeys((*said.without, *kept.get("without", ())))), **filled)


def _plain(value: Any) -> Any:
    """A value as JSON has it, a mapping as pairs so that its keys keep their types; None for what is not plain."""
    if isinstance(value, Mapping):
        pairs = [[_plain(key), _levels(one)] for key, one in value.items()]
        return None if any(None in pair for pair in pairs) else {"pairs": pairs}
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, str | int | float) else None


def _unordered(plain: Any) -> Any:
    """A plain value, of which mappings are equal whatever the order of their keys is."""
    return sorted(plain["pairs"], key=repr) if isinstance(plain, Mapping) else plain


def _levels(value: Any) -> Any:
    """A value of a mapping, which may be a list of plain ones: the levels of a column."""
    if not isinstance(value, list | tuple):
        return _plain(value)
    listed = [_plain(one) for one in value]
    return None if None in listed else listed


def _back(value: Any) -> Any:
    return dict(map(tuple, value["pairs"])) if isinstance(value, Mapping) else value
