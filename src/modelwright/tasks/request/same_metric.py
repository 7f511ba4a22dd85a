"""Whether a fit that goes on is judged as it began: what a metric of the same name computes, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.errors import StudyError
from modelwright.store.base import StudyRecord
from modelwright.tasks.request.fingerprint import PYTHON, fingerprint
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.scorers import named
from modelwright.tasks.scoring.target import Target

#: Under which fact of a study it is what its metric computes.
METRIC = "metric"
#: Metrics of ours that are the same whichever of two classes they look at.
_EITHER = frozenset({"roc_auc", "log_loss", "accuracy", "balanced_accuracy"})
_SHORT = 60


def computes(metric: Metric, target: Target) -> dict[str, Any]:
    """What tells metrics of one name apart; plain values.

    >>> import numpy as np
    >>> target = Target.of(np.array(["no", "yes", "no", "yes"], dtype=object))
    >>> computes(Metric.of("f1", target), target)
    {'name': 'f1', 'is': 'a name', 'positive': 'yes'}
    """
    found: dict[str, Any] = {"name": metric.name, "is": "a name"}
    given = metric.given[0] if metric.given else None
    kwargs: Mapping[str, Any] = {}
    if metric.own is None:
        scorer = named(given) if isinstance(given, str) else given
        function = getattr(scorer, "_score_func", None)
        if function is None:
            found |= {"is": "a function", "needs": metric.needs, "weighs": metric.weighs, **_code(scorer, {})}
        else:
            kwargs = getattr(scorer, "_kwargs", {})
            found |= {
                "is": "a scorer",
                "sign": getattr(scorer, "_sign", 1),
                "response_method": repr(getattr(scorer, "_response_method", None)),
                "arguments": {str(name): _told(value) for name, value in kwargs.items()},
                **_code(function, kwargs),
            }
    if target.task == "binary" and metric.own not in _EITHER and "pos_label" not in kwargs:
        found["positive"] = str(target.classes[metric.positive])
    return found


def refuse_other_metric(record: StudyRecord, now: Mapping[str, Any]) -> None:
    """Refuse to go on with a fit that was judged otherwise; say what differs.

    Args:
        now: what the metric at hand computes.

    Raises:
        StudyError: it computes something else.
    """
    before = record.definition.get(METRIC)
    said = [] if before is None else differences(before, now)
    if said:
        raise StudyError(
            f"the study exists and was another search: {'; '.join(said)}", where=f"study {record.name!r}",
            hint="Use the old arguments to resume it, or another name= for a new search. Nothing was changed.",
        )  # fmt: skip


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In what two metrics of one name differ, in words; metrics of other names are other objectives.

    >>> kept = {"name": "f1", "is": "a name", "positive": "yes"}
    >>> differences(kept, {**kept, "positive": "no"}), differences(kept, {"name": "mae", "is": "a name"})
    (["the metric 'f1' looked at the class 'yes', now at 'no' (positive=)"], [])
    """
    if before["name"] != now["name"]:
        return []
    what = f"the metric {now['name']!r:.60}"
    if before["is"] != now["is"]:
        return [f"{what} was {before['is']}, now {now['is']}"]
    said = []
    if (was := before.get("positive")) != (looks := now.get("positive")) and None not in (was, looks):
        said.append(f"{what} looked at the class {was!r:.60}, now at {looks!r:.60} (positive=)")
    old, new = before.get("arguments", {}), now.get("arguments", {})
    other = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    said += [f"{name} of {what} was {_short(old.get(name))}, now {_short(new.get(name))}" for name in other[:4]]
    for key in ("sign", "response_method", "needs", "weighs"):
        if before.get(key) != now.get(key):
            said.append(f"{key} of {what} was {before.get(key)}, now {now.get(key)}")
    if before.get("python") == now.get("python") and before.get("code") != now.get("code") and not other:
        said.append(f"{what} computes something else: its code, or a value that it uses, is another one")
    return said


def _code(function: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """A digest of what is not told in words, and the Python that it is of: of another one nothing is known."""
    return {"python": PYTHON, "code": fingerprint((function, kwargs))}


def _told(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"


def _short(told: str | None) -> str:
    return "not given" if told is None else told[:_SHORT]
