"""``modelwright check``: what is wrong with a table before a model is trained on it, and does another one fit to it?"""

from __future__ import annotations

import textwrap
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modelwright.cli.output import Exit, Output
from modelwright.report import text

if TYPE_CHECKING:
    from modelwright.tasks.checks import Check

_TITLES = {"alert": "Alerts", "skipped": "Not looked at", "fixed": "Fixed", "passed": "Passed"}
_WIDTH = 120


def check(args: Namespace, out: Output) -> int:
    """Check a table, and a second one for drift; exit code 1 when something needs a look."""
    from modelwright.tasks.checks import alerts_of
    from modelwright.tasks.checks.examination import Examination
    from modelwright.tasks.checks.written import TOLD

    asked = {"metric": args.metric, "task": args.task, "kinds": dict(args.kind or ())}
    seen = Examination.of(args.table, args.target, where=args.table, **asked)
    out.say(seen.said)
    found = seen.found(
        args.test, seed=args.seed, seconds=args.seconds, where=args.table, where_second=args.test or args.table
    )
    alerts = alerts_of(found)
    if out.as_json:
        notes = [note.message for note in seen.notes]
        body = {"rows": seen.table.rows, "task": seen.target.task, "why": seen.target.why, "alerts": alerts}
        out.document({**body, "notes": notes, "checks": [one.to_json() for one in found]})
    else:
        notes = [f"Note: {text.clean(note.message)}" for note in seen.notes if note.kind not in TOLD]
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
