"""Whether what a file says about a predictor can be told and gone by: plan, checks, decisions, leaderboard, time.

What predicts is looked at elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.tasks.learners.base import SETTLED
from modelwright.tasks.request.arguments import checked_plan
from modelwright.tasks.stored.held import items, mapping, need, real, text, whole

_MOST, _SEED = 1 << 53, 1 << 64
#: Models of a member: a file has no more parts, and each has one at least.
_UNITS = 100_000
_PLAIN = (bool, int, float, str)
_STATUS = ("passed", "fixed", "alert", "skipped")
#: Keys of a leaderboard's rows that are printed as numbers.
_PRINTED = ("score", "spread", "test", "weight", "fit_seconds", "row_us", "mb")


def check_told(body: Mapping[str, Any], classes: int) -> None:
    """Refuse what no account can be given of.

    Args:
        classes: how many there are; 0 in regression.

    Raises:
        Damaged: something is of another type, or missing.
        ArgumentError: the plan is none.
    """
    need(body["score"] is not None, "score")
    _printed(body["score"], "score")
    _printed(body.get("spread"), "spread")
    whole(body.get("rows", 0), "rows", 0, _MOST)
    text(body.get("stopped", ""), "why the search ended")
    _check_plan(mapping(body["plan"], "plan"), classes)
    for one in items(body["checks"], "checks", Mapping):
        text(one["status"], "the status of a check", _STATUS)
        _texts(one, "a check", ("name", "message", "done", "undo"))
        need(one["column"] is None or isinstance(one["column"], str), "the column of a check")
        items(one.get("columns", ()), "columns of a check", str)
    for one in items(body["decisions"], "decisions", Mapping):
        _texts(one, "a decision", ("what", "decided"))
        for key in ("why", "bought", "undo"):
            text(one.get(key, ""), f"{key} of a decision")
    for row in items(body["leaderboard"], "leaderboard", Mapping):
        text(row["model"], "a model on the leaderboard")
        text(row.get("why", ""), "why a model is on the leaderboard")
        whole(row.get("units") or 0, "folds on the leaderboard", 0, _MOST)
        for key in _PRINTED:
            _printed(row.get(key), f"{key} on the leaderboard")
    _check_split(body.get("split"))
    _check_judged(mapping(body.get("judged") or {}, "how it was judged"), classes)
    _check_time(mapping(body.get("time") or {}, "the time that was spent"))
    if body.get("asked") is not None:
        _check_asked(body["asked"])


def _texts(one: Mapping[str, Any], what: str, keys: tuple[str, ...]) -> None:
    for key in keys:
        text(one[key], f"{key} of {what}")


def _printed(value: Any, what: str) -> None:
    """A number that can be printed, or None; one with fractions may be no number or infinite."""
    need(value is None or type(value) is float or (type(value) is int and abs(value) < _MOST), what)


def _check_plan(plan: Mapping[str, Any], classes: int) -> None:
    _check_said(mapping(plan.get("said", {}), "what was said"))
    if not plan.get("members"):  # a model that no fit has made
        return
    checked_plan(plan)
    _check_split(plan.get("split"))
    _texts(plan, "the plan", ("task", "metric"))
    if plan.get("columns") is not None:
        items(plan["columns"], "columns of the plan", Mapping)
    for key in ("temperature", "threshold"):
        real(plan[key], f"the plan's {key}")
    for key in ("score", "spread"):
        need(plan[key] is not None, f"the plan's {key}")
        _printed(plan[key], f"the plan's {key}")
    whole(plan["seed"], "the plan's seed", -_SEED, _SEED)
    whole(plan["threads"], "the plan's threads", 1, _MOST)
    mapping(plan.get("how", {}), "how the plan was carried out")
    need(len(plan.get("classes", [None] * classes)) == classes, "classes of the plan")
    factors = items(plan.get("factors") or (), "factors of the plan")
    need(len(factors) in (0, classes), "factors of other classes")
    for factor in factors:
        real(factor, "a factor of the plan", 0, 1)
    if plan.get("known_rows") is not None:
        real(plan["known_rows"]["strength"], "what a model counts for beside known rows", 1e-6, 1e9)
    for one in plan["members"]:
        _check_member(one)


def _check_member(one: Mapping[str, Any]) -> None:
    """A member of the plan, by what it says; whether its settings are in range is for its learner to say."""
    _texts(one, "a member of the plan", ("name", "learner"))
    real(one["weight"], "the weight of a member of the plan", 0, 1)
    for name, value in mapping(one["config"], "the settings of a member of the plan").items():
        if name == "monotone":
            for sign in mapping(value, "constraints of a member of the plan").values():
                whole(sign, "a constraint of a member of the plan", -1, 1)
        else:
            need(value is None or isinstance(value, _PLAIN), f"{name:.40} of a member of the plan is {value!r:.40}")
    need(isinstance(one["whole"], bool), "a member of the plan")
    whole(one["seed"], "the seed of a member of the plan", -_SEED, _SEED)
    whole(one["trial"], "trial of a member of the plan", 0, _MOST)
    units = whole(one["units"], "units of a member of the plan", 0 if one["whole"] else 1, _UNITS)
    whole(one["rounds"] or 0, "rounds of a member of the plan", 0, _MOST)
    if "fits" in one:
        for fit in items(one["fits"], "fits of a member of the plan", Mapping, max(1, units)):
            _check_fit(fit, one["whole"])
    elif "unit_rounds" in one:  # of an earlier version
        for rounds in items(one["unit_rounds"], "rounds of folds", count=1 if one["whole"] else units):
            whole(rounds or 0, "rounds of a member of the plan", 0, _MOST)


def _check_fit(fit: Mapping[str, Any], of_all: bool) -> None:
    """How one of a member's models was fitted: of all rows, or of a fold."""
    if of_all:
        text(fit["unit"], "the rows of a fit of the plan", ("all",))
    else:
        whole(fit["unit"], "the fold of a fit of the plan", 0, _MOST)
    whole(fit["rounds"] or 0, "rounds of a fit of the plan", 0, _MOST)
    whole(fit["threads"], "threads of a fit of the plan", 1, _MOST)
    whole(fit.get("rows", 1), "rows of a fit of the plan", 0, _MOST)
    for name in SETTLED:
        whole(fit.get(name, 1), f"{name} of a fit of the plan", 1, _MOST)


def _check_said(said: Mapping[str, Any]) -> None:
    """What was said of a table, as ``recalled.recorded`` has it."""
    for name, value in said.items():
        if name in ("again", "without"):
            items(value, name, str)
        elif name == "class_weight" and isinstance(value, Mapping):
            for key, one in items(value["pairs"], name):
                need(isinstance(key, _PLAIN), "a class that was weighed")
                real(one, "the weight of a class", 0, 1e308)
        elif isinstance(value, Mapping):
            for key, one in items(value["pairs"], name):
                need(isinstance(key, _PLAIN), f"what was said of {name:.40}")
                items(one if isinstance(one, list | tuple) else [one], name, _PLAIN)
        else:
            need(isinstance(value, _PLAIN), f"what was said of {name:.40}")


def _check_split(said: Any) -> None:
    """How rows were divided; None in what no fit has made."""
    if said is None:
        return
    split = mapping(said, "how rows were divided")
    _texts(split, "the division of the rows", ("kind", "said"))
    for key in ("folds", "repeats"):
        whole(split[key], key, 1, _MOST)
    whole(split.get("rows", 0), "rows that candidates saw", 0, _MOST)
    whole(split.get("asked", 0), "rows that candidates were to see", 0, _MOST)


def _check_judged(said: Mapping[str, Any], classes: int) -> None:
    """What charts are drawn of."""
    whole(said.get("rows", 0), "rows that judged", 0, _MOST)
    for key in ("single", "constant", "r2", "right"):
        _printed(said.get(key), key)
    table = items(said.get("confusion", []), "confusion")
    need(len(table) in (0, classes), "confusion of other classes")
    if table or said.get("mixed_up"):
        need(said["right"] is not None and "rows" in said, "how many rows are named rightly")
    for line in table:
        for count in items(line, "confusion", int, classes):
            whole(count, "confusion", 0, _MOST)
    for one, other, count in items(said.get("mixed_up", []), "classes that are mixed up"):
        whole(count, "classes that are mixed up", 0, _MOST)
        whole(one, "classes that are mixed up", 0, classes - 1)
        whole(other, "classes that are mixed up", 0, classes - 1)
    for key, width in (("calibration", 3), ("residuals", 5)):
        for line in items(said.get(key, []), key):
            for value in items(line, key, count=width):
                real(value, key)
    for value in items(said["within"] if said.get("residuals") else said.get("within", [0, 0]), "within", count=2):
        real(value, "within")


def _check_time(said: Mapping[str, Any]) -> None:
    for name, seconds in items(said.get("phases", []), "phases"):
        text(name, "a phase")
        real(seconds, "seconds of a phase")
    for key in ("seconds", "budget", "before"):
        _printed(said.get(key), key)
    whole(said.get("workers") or 0, "workers", 0, _MOST)


def _check_asked(said: Any) -> None:
    """What a search that goes on begins with."""
    asked = mapping(said, "what was asked")
    arguments = mapping(asked["arguments"], "arguments")
    mapping(asked.get("budget", {}), "the budget")
    for key in ("store", "name"):
        text(arguments.get(key, ""), key)
    items(asked.get("again", ()), "what is not kept", str)
    spent = mapping(asked["spent"], "what was spent")
    real(spent["seconds"], "seconds that were spent", 0)
    whole(spent["trials"], "candidates that were tried", 0, _MOST)
