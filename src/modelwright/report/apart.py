"""How trials are told apart on one line: by their configurations, or by what differs from the default.

Owns which decisions are named there; ``text`` owns how they look.
"""

from __future__ import annotations

from modelwright.core.history import Row
from modelwright.report import text
from modelwright.report.view import StudyView


def configured(row: Row, view: StudyView, limit: int | None = None) -> str:
    """The configuration of a trial on one line, cut to ``limit`` characters.

    >>> from modelwright.core.history import History
    >>> view = StudyView(name="s", history=History(()), by_default=True)
    >>> view.history.rows += [Row(number=0, config={"width": 16, "kernel": 3}, note={"by": "default"}),
    ...                       Row(number=1, config={"width": 16, "kernel": 5}, facts={"params": 43594})]
    >>> [configured(row, view) for row in view.history.rows]
    ['the default', '43,594 params, kernel=5']
    """
    rows = view.history.rows if view.by_default else []
    first = next((other for other in rows if other.note.get("by") == "default"), None)
    if first is None:
        return text.config_text(row.config, limit)
    params = row.facts.get("params")
    size = f"{text.grouped(text.number(params))} params, " if params is not None else ""
    return text.clean(f"{size}{_beside(row, first)}", limit)


def _beside(row: Row, first: Row) -> str:
    other = {name: value for name, value in row.config.items() if (name, value) not in first.config.items()}
    if other:
        return text.config_text(other)
    gone = [name for name in first.config if name not in row.config]
    return f"without {text.clean(', '.join(gone))}" if gone else "the default"
