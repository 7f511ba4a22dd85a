"""What became of each raw column: the features it was made into, what was dropped and why, and who relies on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.tasks.account.listing import Features
from modelwright.tasks.data.schema import Column
from modelwright.tasks.features.recipe import Fitted

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Weighted

#: Share of what a model relies on below which a feature counts as not used.
_NOTHING = 1e-12


def usage(columns: Sequence[Column], members: Sequence[Weighted], features: Sequence[Fitted]) -> Features:
    """One entry for each raw column; see ``Predictor.features``."""
    reports = [fitted.report() for fitted in features]
    amounts = _amounts(members, features)
    total = sum(amounts.values())
    found = Features()
    for column in columns:
        entry: dict[str, Any] = {
            "column": column.name, "kind": column.kind, "why": str(column.details.get("why", "")),
            "used": {}, "dropped": {},
        }  # fmt: skip
        for one in members:
            said = reports[one.features].get(column.name)
            if said is None:
                continue
            _add(entry["used"], one.name, said["features"])
            _add(entry["dropped"], one.name, said["dropped"])
        entry["share"] = amounts.get(column.name, 0.0) / total if total > 0 else 0.0
        entry["became"] = _became(column, entry, len({one.name for one in members}))
        found.append(entry)
    return found


def _add(to: dict[str, Any], name: str, more: Any) -> None:
    """Parts of a bag have the same name: what any of them has counts."""
    if not more:
        return
    if isinstance(more, Mapping):
        to[name] = {**to.get(name, {}), **more}
    else:
        to[name] = list(dict.fromkeys([*to.get(name, []), *more]))


def _amounts(members: Sequence[Weighted], features: Sequence[Fitted]) -> dict[str, float]:
    """Raw column -> how much the members rely on it; a feature's amount is split among its sources."""
    found: dict[str, float] = {}
    for one in members:
        shares = np.asarray(one.member.model.shares(), np.float64)
        sources = features[one.features].sources
        if len(shares) != len(sources):  # an estimator of somebody's own need not tell
            continue
        for amount, columns in zip(shares.tolist(), sources, strict=True):
            for column in columns:
                found[column] = found.get(column, 0.0) + one.weight * amount / len(columns)
    return found


def _became(column: Column, entry: Mapping[str, Any], members: int) -> str:
    """In words, for people."""
    if not column.used:
        return f"left out: {column.kind}"
    if not entry["used"]:
        reasons = list(dict.fromkeys(why for said in entry["dropped"].values() for why in said.values()))
        return f"dropped: {'; '.join(reasons[:3])}" if reasons else "no member takes it"
    made = max(len(names) for names in entry["used"].values())
    what = "1 feature" if made == 1 else f"up to {made} features"
    every = "every member" if len(entry["used"]) == members else f"{len(entry['used'])} of {members} members"
    ignored = "" if entry["share"] > _NOTHING else "; none relies on it"
    return f"{what} of {every}{ignored}"
