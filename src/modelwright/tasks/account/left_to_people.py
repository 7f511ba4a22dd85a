"""What a fit leaves to people: what no table tells, and what the data checks found and nobody acted on.

Decides nothing and measures nothing; each entry has the argument by which it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.core.wording import counted, quoted
from modelwright.tasks.account.again import options
from modelwright.tasks.account.decisions import Decision
from modelwright.tasks.account.listing import LEFT
from modelwright.tasks.checks.record import Check, alerts_of, named

if TYPE_CHECKING:
    from modelwright.tasks.search.gathered import Gathered, Said

#: Metrics that look at one of two classes.
_ONE_SIDED = ("average_precision", "f1")
_NAMED = 4


def left(data: Gathered, said: Said, found: Sequence[Check], dropped: Sequence[str] = ()) -> list[Decision]:
    """What is the user's to decide and was not said.

    Args:
        found: what the data checks found, as it is true of the fit.
        dropped: columns that were left out because they leak: that was said.
    """
    alerts = [one for one in found if one.status == "alert" and not set(dropped).issuperset(one.names or [None])]
    made = [*_asked(data, said), *_in_time(data, alerts)]
    told = {"time order"}
    for name, ask in (("dominant", _known), ("near-certain", _known), ("groups", _grouped), ("row numbers", _counts)):
        told.add(name)
        made += [ask(one) for one in alerts if one.name == name]
    rest = list(dict.fromkeys(one.name for one in alerts if one.name not in told))
    if rest:
        count = alerts_of(one for one in alerts if one.name in rest)
        shown = ", ".join(rest[:_NAMED]) + (f" and {len(rest) - _NAMED} more kinds" if len(rest) > _NAMED else "")
        why = "a fit changes no data on account of these"
        made.append(
            _entry(f"what to do about {counted(count, 'alert')} in the data: {shown}", why, "print(model.checks)")
        )
    why = "a model is as good as it was judged where new rows are like these; no new table was there to compare"
    asked = {"metric": said.metric if isinstance(said.metric, str) else None, "task": said.task, "kinds": said.kinds}
    read = " ".join(["", *options({name: one for name, one in asked.items() if one})])
    undo = f"modelwright check TRAIN --target {data.target.name!r} --test NEW{read}"
    return [*made, _entry("whether new rows are like these", why, undo)]


def _entry(question: str, why: str, undo: str) -> Decision:
    return {"what": LEFT, "decided": question, "why": why, "undo": undo, "bought": ""}


def _asked(data: Gathered, said: Said) -> list[Decision]:
    """What is asked of the model."""
    target, metric, made = data.target, data.metric.name, []
    if said.metric is None:
        why = "it is the usual one for the task; no table says what is wanted"
        made.append(_entry(f"whether {metric} is what counts", why, "metric="))
    if target.task == "binary" and said.positive is None and metric in _ONE_SIDED:
        why = f"{metric} looks at one class, and takes the rarer one unless it is said"
        made.append(_entry(f"which class is looked for: it is {target.positive!r:.60}", why, "positive="))
    if target.is_classes and said.class_weight is None and said.sample_weight is None:
        why = "all errors count alike, unless what each kind of them costs is said"
        undo = "sample_weight=, or a metric of your own; predict_proba leaves the decision to you"
        made.append(_entry("what a wrong answer costs, and whether some cost more", why, undo))
    return made


def _in_time(data: Gathered, alerts: Sequence[Check]) -> list[Decision]:
    """Whether order in time is kept."""
    if data.split.kind == "time":
        return []
    what = "whether new rows come later than these, and models are judged by later rows"
    seen = [one for one in alerts if one.name == "time order"]
    if seen:
        return [_entry(what, one.message, one.undo or "time=") for one in seen]
    if any(column.kind == "datetime" for column in data.schema.columns):
        why = "there is a column of dates; chance divides the rows, so that models are judged by earlier ones too"
        return [_entry(what, why, "time=")]
    return []


def _known(one: Check) -> Decision:
    return _entry(f"whether {_column(one)} is known when predictions are made", one.message, one.undo)


def _grouped(one: Check) -> Decision:
    what = f"whether rows with the same {_column(one)} are to be judged together"
    return _entry(what, one.message, one.undo or "groups=")


def _counts(one: Check) -> Decision:
    return _entry(f"whether {_column(one)} means something for new rows", one.message, one.undo)


def _column(one: Check) -> str:
    if one.columns:
        return f"each of {named(one.columns)}"
    return "each of the columns" if one.column is None else quoted(one.column)
