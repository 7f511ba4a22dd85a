"""Earlier studies of the same store: what of them a new study may learn from. Copies facts; knows no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.api.naming import found_study
from modelwright.core import records as r
from modelwright.core.errors import ArgumentError, SpaceError, StudyError
from modelwright.core.history import History, Row, usable
from modelwright.core.objective import Objective
from modelwright.core.wording import kind_of
from modelwright.report.text import goal
from modelwright.store.base import Store, StudyRecord
from modelwright.study import given as g
from modelwright.study.journal import Journal

#: Studies that are learned from at most, and trials of each: every one is stored again, and read at each proposal.
STUDIES, TRIALS = 5, 60
#: Configurations of earlier studies that are tried first.
_TOPS = 2


def read_earlier(
    store: Store, wanted: Any, name: str | None, space: Any, objectives: Sequence[Objective]
) -> list[dict[str, Any]]:
    """Copies of what a new study may learn from; none for one that exists, for it learned when it began.

    Args:
        wanted: None or False for nothing, True for what fits of the store, or names.
        name: the new study's, where it has one already.

    Raises:
        ArgumentError: ``wanted`` is none of these.
        StudyError: a study that is named is not there, or cannot be learned from.
    """
    if wanted is None or wanted is False:
        return []
    named = [wanted] if isinstance(wanted, str) else wanted
    if wanted is not True and (not isinstance(named, (list, tuple)) or not all(isinstance(n, str) for n in named)):
        allowed = "True, the name of a study of the same store, or a list of names"
        raise ArgumentError(f"{wanted!r:.60} is {kind_of(wanted)}", where="transfer", allowed=allowed)
    if name is not None and store.find(name) is not None:
        return []
    if wanted is not True:
        return [_named(store, other, name, space, objectives) for other in named][:STUDIES]
    copies = [_copied(store, record, space, objectives) for record in store.studies()]
    found = [copy for copy in copies if isinstance(copy, dict)]
    return sorted(found, key=lambda copy: -copy["shared"])[:STUDIES]


def learn_from_earlier(journal: Journal, found: Sequence[Mapping[str, Any]]) -> None:
    """Store copies of earlier studies, and have the best of each tried first."""
    if found:
        from modelwright.strategy.transfer import KIND  # with scipy, which a second is lost to where nothing transfers

        tops = r.Noted(kind=g.FIRST, data={"configs": _tops(found), "by": KIND})
        journal.write([r.Noted(kind=KIND, data={"studies": list(found)}), tops])


def _named(store: Store, other: str, name: str | None, space: Any, objectives: Sequence[Objective]) -> dict[str, Any]:
    if other == name:
        raise StudyError("a study cannot learn from itself", where=f"transfer={other!r}", hint="Name another one.")
    copy = _copied(store, found_study(store, other), space, objectives)
    if isinstance(copy, str):
        hint = "Name another study, or leave transfer out."
        raise StudyError(f"it cannot be learned from: {copy}", where=f"transfer={other!r}", hint=hint)
    return copy


def _copied(store: Store, record: StudyRecord, space: Any, objectives: Sequence[Objective]) -> dict[str, Any] | str:
    """The part of a study that another may learn from; or why there is none."""
    from modelwright.strategy.transfer import ENOUGH, standard_scores

    theirs = [Objective(name, direction) for name, direction in record.definition.get("objectives", ())]
    if [(o.name, o.direction) for o in theirs] != [(o.name, o.direction) for o in objectives]:
        return f"its objective is {goal(theirs) if theirs else 'unknown'}, this one's {goal(list(objectives))}"
    if len(objectives) > 1:
        return "it has several objectives, and what transfers is the order of trials by one"
    history = History(objectives)
    history.extend(event for event, _ in store.load(record.id))
    rows = [row for row in history.rows if usable(row) and row.state != "pruned"]
    top = max((row.fidelity for row in rows), default=0.0)
    rows = [row for row in rows if row.fidelity >= top - 1e-9]
    if len(rows) < ENOUGH:
        return f"it has {len(rows)} trials with a value, and {ENOUGH} are needed"
    kept, shared = _fitting(rows, space)
    if len(kept) < ENOUGH:
        return "its space has no parameter with such values in common with this one's"
    scores = np.array([objectives[0].score(row.values[0]) if row.values else np.nan for row, _ in kept])
    order = np.argsort(-scores, kind="stable")
    if len(order) > TRIALS:
        rest = order[TRIALS // 2 :]
        order = np.concatenate([order[: TRIALS // 2], rest[np.linspace(0, len(rest) - 1, TRIALS // 2).astype(int)]])
    standard = standard_scores(scores)
    return {
        "name": record.name,
        "shared": shared,
        "configs": [kept[i][1] for i in order],
        "scores": [round(float(standard[i]), 6) for i in order],
    }


def _fitting(rows: Sequence[Row], space: Any) -> tuple[list[tuple[Row, dict[str, Any]]], float]:
    """Rows whose values lie in this space, by what they share with it; and how large the share is, from 0 to 1.

    While nothing is known of the space everything fits. What a row lacks has its default.
    """
    names = {p.name for p in space.parameters if not p.fixed}
    if not names:
        return [(row, dict(row.config)) for row in rows], 0.0
    kept = []
    for row in rows:
        config = {name: value for name, value in row.config.items() if name in names}
        if config and g.problem(space, config) is None:
            kept.append((row, _whole(space, config)))
    used = {name for row, _ in kept for name in row.config} & names
    return kept, len(used) / len(names)


def _whole(space: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(space.complete(config))
    except SpaceError:
        return dict(config)


def _tops(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The best of each earlier study, the one that shares most first; of a single one the two best."""
    best = [dict(config) for copy in found for config in copy["configs"][: 1 if len(found) > 1 else _TOPS]]
    return best[: max(_TOPS, len(found))]
