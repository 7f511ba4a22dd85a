"""What may stand beside ``plan=``: what the first call said, and nothing that a plan does not carry out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.tasks.learners import Learner, names
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.request.asked import Asked
from modelwright.tasks.search.chosen import KNOWN_ROWS

#: How a search is carried out, and what ``mw.fit`` has by default.
_USUAL: dict[str, Any] = {
    "preset": "good", "seconds": None, "trials": None, "monotone": None, "target_score": None, "min_gain": "noise",
    "folds": None, "max_rows": None, "drop_suspected": False, "name": None,
}  # fmt: skip


def how(asked: Asked, folds: int | None) -> dict[str, Any]:
    """How the search was carried out that a plan is from: what differs from the usual, as plain values.

    >>> how(Asked(seconds=60.0, monotone={"age": 1}), None)
    {'seconds': 60.0, 'monotone': {'age': 1}}
    """
    said = {name: folds if name == "folds" else getattr(asked, name) for name in _USUAL}
    if asked.monotone:
        said["monotone"] = {name: int(sign) for name, sign in asked.monotone.items()}
    return {name: value for name, value in said.items() if value != _USUAL[name]}


def refuse_beside(plan: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse arguments that would do nothing, or that the plan contradicts.

    Args:
        plan: that is carried out again.
        given: the arguments of ``mw.fit``.

    Raises:
        ArgumentError: which one, and what it was in the call that the plan is from.
    """
    kept = plan.get("how", {})
    for name, usual in _USUAL.items():
        now, was = given.get(name, usual), kept.get(name, usual)
        if now in (usual, was):
            continue
        said = f"no {name}=" if name not in kept and usual is None else f"{name}={was!r:.60}"
        raise ArgumentError(
            f"the plan is from a fit with {said}, and now {name}={now!r:.60} is asked for", where="fit, plan",
            hint=f"A plan fits its members as they were, and searches nothing. Leave {name}= out, or search anew "
            "without plan=.",
        )  # fmt: skip
    members = {str(entry["learner"]) for entry in plan["members"]}
    if plan.get("known_rows") is not None:
        members.add(KNOWN_ROWS)
    _refuse_learners(members, given.get("models") or (), given.get("block") or ())


def _refuse_learners(members: set[str], models: Iterable[Any], block: Iterable[str]) -> None:
    """Refuse names by which learners of the plan would have no part."""
    hint = "A plan fits its own members. Search anew without plan=."
    for name in block:
        if name in members:
            raise ArgumentError(f"block has {name!r:.60}, which is in the plan", where="fit, plan", hint=hint)
    called = {one if isinstance(one, str) else one.name for one in models if isinstance(one, str | Learner)}
    left = members & ({*names(), KNOWN_ROWS} - {CONSTANT}) - called
    if called and left:  # estimators alone are passed since a plan does not keep them
        raise ArgumentError(f"models is without {min(left)!r}, which is in the plan", where="fit, plan", hint=hint)
