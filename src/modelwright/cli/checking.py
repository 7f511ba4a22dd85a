"""``modelwright check``: what is wrong with a table before a model is trained on it, and does another one fit to it?"""

from __future__ import annotations

import textwrap
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.cli.output import Exit, Output
from modelwright.core.wording import counted
from modelwright.report import text

if TYPE_CHECKING:
    from modelwright.tasks.checks import Check

_TITLES = {"alert": "Alerts", "skipped": "Not looked at", "fixed": "Fixed", "passed": "Passed"}
_WIDTH = 120


def check(args: Namespace, out: Output) -> int:
    """Check a table, and a second one for drift; exit code 1 when something needs a look."""
    from modelwright.tasks.checks import alerts_of, drift
    from modelwright.tasks.checks import check as checked
    from modelwright.tasks.checks.written import TOLD
    from modelwright.tasks.context import around
    from modelwright.tasks.metrics import Metric
    from modelwright.tasks.reading import read
    from modelwright.tasks.schema import Schema
    from modelwright.tasks.target import Target

    table = read(args.table, where=args.table)
    column = table.column(args.target, where=f"{args.table}, --target")
    kinds: dict[str, Any] = dict(args.kind or ())
    said = {"declared": table.declared.get(args.target), "context": around(table, args.target, kinds)}
    target = Target.of(column, name=args.target, task=args.task, metric=args.metric, **said)
    Metric.of(args.metric, target)  # refuses what is none
    schema = Schema.of(table, target=args.target, kinds=kinds, where=args.table)
    out.say(f"{counted(table.rows, 'row')}, {counted(len(schema.columns), 'column')}; {target.task}: {target.why}")
    found = checked(table, schema, target, seed=args.seed, seconds=args.seconds, where=args.table)
    if args.test is not None:
        other = read(args.test, where=args.test)
        found += drift(table, other, schema, target=target, seed=args.seed, seconds=args.seconds, where=args.test)
    alerts = alerts_of(found)
    noted = (*table.notes, *target.notes)
    if out.as_json:
        notes = [note.message for note in noted]
        body = {"rows": table.rows, "task": target.task, "why": target.why, "alerts": alerts, "notes": notes}
        out.document({**body, "checks": [one.to_json() for one in found]})
    else:
        notes = [f"Note: {text.clean(note.message)}" for note in noted if note.kind not in TOLD]
        out.data("\n".join([*notes, *_told(found, out.spoken)]))
    return Exit.INTERNAL if alerts else Exit.OK


def _told(found: Sequence[Check], spoken: Callable[[str], str]) -> list[str]:
    """The findings as a table: alerts, what is taken care of, what passed."""
    lines: list[str] = []
    for status, title in _TITLES.items():
        here = [one for one in found if one.status == status]
        if status == "skipped" and not here:
            continue
        lines += [f"{title} ({len(here)})"]
        wide = max((len(one.name) for one in here), default=0)
        for one in here:
            lines += _entry(one, wide, spoken)
        lines.append("")
    return lines[:-1]


def _entry(one: Check, wide: int, spoken: Callable[[str], str]) -> list[str]:
    where = f"{text.name(one.column)}: " if one.column is not None else ""
    parts = [f"{where}{text.clean(spoken(one.message))}"]
    if one.done:
        parts.append(f"done: {text.clean(spoken(one.done))}")
    if one.undo:
        parts.append(f"{'else' if one.status == 'fixed' else 'next'}: {text.clean(spoken(one.undo))}")
    margin = " " * (wide + 4)
    lines: list[str] = []
    for place, part in enumerate(parts):
        first = f"  {one.name:<{wide}}  " if place == 0 else margin
        lines += textwrap.wrap(part, _WIDTH, initial_indent=first, subsequent_indent=margin, break_on_hyphens=False)
    return lines
