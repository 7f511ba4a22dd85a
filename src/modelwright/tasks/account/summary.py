"""The end of a fit in a few lines: how good, what it is, how long it took, what to look at, what comes next."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.tasks.account.words import told_by_a_command
from modelwright.tasks.checks.record import alerts_of
from modelwright.tasks.checks.run import LEAKS
from modelwright.tasks.data.labels import MEASURED
from modelwright.tasks.result.evaluation import told

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

_MEMBERS, _ALERTS, _UNSEEN = 4, 3, 5
_NEXT = 'Next: model.predict(table), model.save("model.mw"), model.leaderboard("test.csv"), model.report("model.html")'


def summary(model: Predictor) -> str:
    """Five to nine lines for people."""
    body = model._body
    split = judged_by(body)
    by = f"expected of new rows ({text.clean(split, 160)})" if split else "expected of new rows"
    if body.get("carried_out"):
        by = "in the fit that the plan is from; nothing was judged here"
    lines = [
        f"Model for {text.clean(repr(model.target), 60)}, {model.task}{_unit(model)}:",
        f"  {text.clean(told(model, model.metric), 80)} {_score(model)}, {by}",
        f"  {_members(model)}",
    ]
    several = len(deployed(model)) > 1
    lines += [
        f"  {line}"
        for line in (
            _beside(body, several),
            _spent(body),
            _alerts(body.get("checks") or []),
            _unseen(body, model.target),
        )
        if line
    ]
    if not told_by_a_command():
        lines.append(_NEXT)
    return "\n".join(lines)


def _score(model: Predictor) -> str:
    known = math.isfinite(model.score)
    return f"{text.number(model.score, 5)} {spread(model._body)}".rstrip() if known else "has no value"


def spread(body: Mapping[str, Any]) -> str:
    """How sure the score is; "" where nothing says it."""
    found = body.get("spread")
    return f"± {text.number(found, 2)}" if found is not None and math.isfinite(found) else ""


def _unit(model: Predictor) -> str:
    """What predicted numbers are counted in, where the target says it."""
    details = model._target.details if model.task == "regression" else {}
    unit = details.get(MEASURED) or details.get("unit")
    # "*" is that of numbers with thousands and millions behind them, which are written out in predictions.
    return f", in {text.clean(unit, 20)}" if unit and unit != "*" else ""


def judged_by(body: Mapping[str, Any]) -> str:
    """How rows were divided, and by how much of that what is deployed was judged; "" where nothing says it."""
    split, board = body.get("split") or {}, body.get("leaderboard") or [{}]
    said, units = str(split.get("said") or ""), board[0].get("units")
    planned = 1 if split.get("kind") == "holdout" else split.get("folds", 1) * split.get("repeats", 1)
    if not said or not units or units >= planned:
        return said
    done, rows = (body.get("judged") or {}).get("rows", 0), split.get("rows") or body.get("rows", 0)
    return f"by {counted(units, 'fold')}, {done:,} of {rows:,} rows, of {said}"


def deployed(model: Predictor) -> list[dict[str, Any]]:
    """What is known of the members: by the plan, or of a model that no fit has made by what it holds."""
    if model.plan.get("members"):
        return [dict(one) for one in model.plan["members"]]
    rest = {"whole": True, "units": 1, "rounds": None}
    return [
        {"name": one.name, "weight": one.weight, "config": dict(one.member.config), **rest} for one in model._members
    ]


def _members(model: Predictor) -> str:
    body, entries = model._body, sorted(deployed(model), key=lambda one: -one["weight"])
    shown = ", ".join(_member(one) for one in entries[:_MEMBERS])
    more = f" and {len(entries) - _MEMBERS} more" if len(entries) > _MEMBERS else ""
    board = body.get("leaderboard") or []
    searched = len(board) > 1 and not body.get("carried_out")
    tried = f", of {counted(len(board) - 1, 'candidate')}" if searched else ""
    size = f"; {text.number(board[0]['mb'], 2)} MB" if board and board[0].get("mb") else ""
    kind = "one model" if len(entries) == 1 else f"{len(entries)} models"
    return f"{kind}: {shown}{more}{tried}{size}"


def _member(one: Mapping[str, Any]) -> str:
    cut = f" (cut short after {counted(one['rounds'] or 0, 'round')})" if one.get("cut") else ""
    return f"{one['weight']:.2f} {text.clean(one['name'], 40)}{cut}"


def _beside(body: Mapping[str, Any], several: bool) -> str:
    judged = body.get("judged") or {}
    parts = []
    if "single" in judged and several:
        parts.append(f"the best candidate alone {text.number(judged['single'], 5)}")
    if "constant" in judged:
        parts.append(f"one answer for every row {text.number(judged['constant'], 5)}")
    return f"for comparison, by the same score: {', '.join(parts)}" if parts else ""


def _spent(body: Mapping[str, Any]) -> str:
    spent = body.get("time") or {}
    if not spent.get("phases"):
        return ""
    longest = sorted(spent["phases"], key=lambda one: -one[1])[:3]
    parts = ", ".join(f"{text.duration(seconds)} {name}" for name, seconds in longest)
    return f"{took(spent)}: {parts}"


def took(spent: Mapping[str, Any]) -> str:
    """How long a fit took, of how much; seconds that are given are for all sessions of a study together.

    >>> took({"seconds": 31.5, "budget": 32}), took({"seconds": 7.6, "budget": 40, "before": 32.4})
    ('32 s of 32 s', '40 s of 40 s in all sessions, 7.6 s in this one')
    """
    own, before = float(spent.get("seconds") or 0.0), float(spent.get("before") or 0.0)
    said = text.duration(before + own) + (f" of {text.duration(spent['budget'])}" if spent.get("budget") else "")
    return f"{said} in all sessions, {text.duration(own)} in this one" if before else said


def _unseen(body: Mapping[str, Any], target: str) -> str:
    """Which checks of the data a search had no time for, and what makes them; "" where there are none."""
    skipped = [one["name"] for one in body.get("checks") or [] if one["status"] == "skipped"]
    names = list(dict.fromkeys(skipped))
    if not names or body.get("carried_out"):
        return ""
    # What would make the score worth nothing is said first.
    names.sort(key=lambda name: name not in LEAKS)
    shown = ", ".join(text.clean(name, 40) for name in names[:_UNSEEN])
    more = f" and {len(names) - _UNSEEN} more" if len(names) > _UNSEEN else ""
    made = f"modelwright check TABLE --target {shlex.quote(target)}"
    return f"not looked at, or not all of it, for lack of time: {shown}{more}; {text.clean(made, 120)} does"


def _alerts(found: Sequence[Mapping[str, Any]]) -> str:
    alerts = [one for one in found if one["status"] == "alert"]
    if not alerts:
        return ""
    shown = [
        one["name"] + ("" if one["column"] is None else f" of {text.name(repr(one['column']))}")
        for one in alerts[:_ALERTS]
    ]
    count = alerts_of(alerts)
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    where = "below" if told_by_a_command() else "model.checks"
    return f"{counted(count, 'alert')} in the data, see {where}: {', '.join(shown)}{more}"
