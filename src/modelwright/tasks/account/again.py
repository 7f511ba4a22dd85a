"""How a fit is done again, and how its model is used, as commands that can be copied."""

from __future__ import annotations

import csv
import inspect
import io
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

#: Arguments of ``fit`` that the command line has, most by the same name.
_OPTIONS = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "metric", "task", "groups", "time", "seed", "seconds", "trials", "preset", "without", "block", "target_score",
        "min_gain", "memory", "max_rows", "drop_suspected", "workers", "positive", "sample_weight", "class_weight",
        "folds", "monotone",
    )
} | {"models": "--model", "kinds": "--kind"}  # fmt: skip
#: What is no part of how a fit is done: where its study is.
_ASIDE = ("store", "name")


def commands(target: str, body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What to say, and the command, of each."""
    asked = body.get("asked") or {}
    table = str(asked.get("table") or "table.csv")
    found = [
        ("From Python, once it was saved:", 'model = mw.load("model.mw")\nmodel.predict("new.csv")'),
        ("From a shell:", "modelwright predict model.mw new.csv"),
    ]
    if not asked:
        return found
    given = _given(asked)
    call = ", ".join([repr(table), repr(target), *(f"{name}={value!r}" for name, value in given.items())])
    found.append(("The fit, again:", f"mw.fit({call})"))
    lost = asked.get("again") or []
    if lost:
        found[-1] = (f"The fit, again; pass {', '.join(f'{name}=' for name in lost)} too:", found[-1][1])
    if not lost and set(given) <= set(_OPTIONS):
        command = ["modelwright", "fit", shlex.quote(table), "--target", shlex.quote(target), *options(given)]
        found.append(("The same from a shell:", " ".join(command)))
    exact = (
        "The same members, fitted in the same way on the same rows, to the same predictions (a search that is limited "
        "by seconds need not find them again):"
        if "seconds" in given
        else "The same members without the search, fitted in the same way:"
    )
    found.append((exact, f'mw.fit({table!r}, {target!r}, plan=mw.load("model.mw").plan)'))
    return found


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that differ from what ``fit`` has by default."""
    from modelwright.tasks.fit import fit

    usual = {name: one.default for name, one in inspect.signature(fit).parameters.items()}
    given = {**asked.get("arguments", {}), **asked.get("budget", {})}
    given = {name: given[name] for name in usual if name in given}
    return {name: value for name, value in given.items() if value != usual[name] and name not in _ASIDE}


def options(given: Mapping[str, Any], named: Mapping[str, str] = _OPTIONS) -> list[str]:
    """Arguments of ``fit``, or of what ``named`` has the options of, as a command line has them, ready to be copied.

    >>> options({"metric": "f1", "kinds": {"medal": ["low", "very high"]}, "monotone": {"age": 1}})
    ['--metric', 'f1', '--kind', "'medal=low,very high'", '--monotone', 'age=1']
    """
    parts = []
    for name, value in given.items():
        if value is True:
            parts.append(named[name])
            continue
        if isinstance(value, Mapping):
            pairs = [f"{key}={_line(one) if isinstance(one, list | tuple) else one}" for key, one in value.items()]
            parts += [part for pair in pairs for part in (named[name], shlex.quote(pair))]
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            parts += [
                named[name],
                shlex.quote("none" if one is None else f"{one:g}" if isinstance(one, float) else str(one)),
            ]
    return parts


def _line(levels: Sequence[Any]) -> str:
    """Levels as the command line takes them."""
    told = io.StringIO()
    csv.writer(told, lineterminator="").writerow(levels)
    return told.getvalue()
