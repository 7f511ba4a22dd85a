"""``modelwright show NAME --trial N``: one trial, with all that is known of it, and its log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from modelwright.cli.output import Output
from modelwright.core.errors import StudyError
from modelwright.core.history import Row
from modelwright.report import text
from modelwright.report.export import records
from modelwright.report.fidelity import at_step
from modelwright.report.view import StudyView


def show_trial(view: StudyView, number: int, log: Sequence[dict[str, Any]] | None, out: Output) -> int:
    """Print a trial, and its log unless that is None.

    Raises:
        StudyError: the study has no such trial.
    """
    rows = view.history.rows
    if number >= len(rows):
        allowed = f"0 to {len(rows) - 1}" if len(rows) else ""
        raise StudyError(f"there is no trial {number}", where=f"study {view.name!r}", allowed=allowed)
    row = rows[number]
    if out.as_json:
        reports = [{"step": step, "metrics": dict(metrics)} for step, metrics in row.reports]
        body = {"study": view.name, "trial": {**records(view)[number], "attempt": row.attempt, "reports": reports}}
        out.document(body if log is None else {**body, "log": list(log)})
        return 0
    out.data(_told(row, view))
    if log is not None:
        out.data("\nLog:\n" + ("\n".join(map(_line, log)) if log else "(there is none)"))
    return 0


def _told(row: Row, view: StudyView) -> str:
    lines = [f"trial {row.number} of {text.clean(view.name)}: {row.state}"]
    if row.values is not None:
        lines.append(f"  {text.values_text(row, view.objectives)}")
    lines.append(f"  {text.duration(row.duration)}, fidelity {row.fidelity:g}, segment {max(row.segment, 0)}, "
                 f"attempt {row.attempt}")  # fmt: skip
    lines += ["", "Configuration:"]
    lines += [f"  {text.clean(name)} = {text.clean(repr(value))}" for name, value in row.config.items()]
    facts = {**row.note, **row.facts}
    if facts:
        lines += ["", "Facts:", *(f"  {text.clean(k)} = {text.clean(repr(v), 200)}" for k, v in facts.items())]
    if row.reports:
        names = list(dict.fromkeys(name for _, metrics in row.reports for name in metrics))
        at = [at_step(step, row, view) if view.stages else str(step) for step, _ in row.reports]
        cells = [
            [place, *(text.number(m[n], 6) if n in m else "-" for n in names)]
            for place, (_, m) in zip(at, row.reports, strict=True)
        ]
        heads = ["phase" if view.stages else view.unit, *map(text.clean, names)]
        lines += ["", text.table(heads, cells, [not view.stages, *[True] * len(names)])]
    if row.error is not None:
        lines += ["", text.clean(f"{row.error.kind}: {row.error.message}"), text.clean_block(row.error.traceback)]
    return "\n".join(lines).rstrip()


def _line(entry: dict[str, Any]) -> str:
    """A line of a log for people: time, kind, what."""
    try:
        at = datetime.fromtimestamp(float(entry["at"])).strftime("%H:%M:%S.%f")[:-3]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        at = "-"
    rest = {key: value for key, value in entry.items() if key not in ("at", "kind", "text", "level", "logger")}
    words = [f"{entry.get('level')} {entry.get('logger')}:"] if entry.get("kind") == "log" else []
    words += [str(entry["text"])] if "text" in entry else []
    words += [f"{key}={value}" for key, value in rest.items() if key != "traceback"]
    return text.clean(f"{at} {entry.get('kind', ''):<10} {' '.join(words)}", 2000)
