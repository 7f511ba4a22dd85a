"""A folded history as texts, and back: a cache over the events that may be thrown away at any time.

Trials and notes are kept in pages, each with a checksum, so that what changed is written again and nothing else. Plain
data only. Knows no store and no space.
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from sys import intern
from typing import Any, cast

from modelwright.core import records as r
from modelwright.core.codec import decode_event, dumps, encode_event, loads
from modelwright.core.constraint import parse
from modelwright.core.history import PAGE, History, Row

_NAMES = tuple(spec.name for spec in fields(Row))
#: Which form the texts have: others are not read. It changes with the fields of a trial; raise its first number when
#: the fold changes.
FORM = f"3-{zlib.crc32(' '.join(_NAMES).encode()):08x}"
_HEAD = "head"


def texts(history: History, since: int = 0, **more: Any) -> dict[str, str]:
    """What changed behind the first ``since`` events, by name; with ``more`` plain values in the head.

    >>> from modelwright.core.objective import Objective
    >>> history = History((Objective("loss", "min"),)); history.extend([r.Proposed(number=0, config={"x": (1, 2)})])
    >>> again = History(history.objectives); restored(again, texts(history), history.latest)
    {}
    >>> again.rows == history.rows, len(again)
    (True, 1)
    """
    changed = sorted(key for key, at in history.touched.items() if at > since)
    if since <= 0 or since < history.base:
        changed = [(kind, page) for kind in ("notes", "rows") for page in range(_pages(getattr(history, kind)))]
    parts = {f"{kind}/{page}": _sealed(_page(history, kind, page)) for kind, page in changed}
    head = {
        "count": len(history),
        "last": _mark(history.latest) if len(history) else None,
        "rows": len(history.rows),
        "notes": len(history.notes),
        "elapsed": history.elapsed,
        "started": history.started,
        "limits": [limit.text for limit in history.limits],
        "confirmed": [[number, values] for number, values in history.confirmed.items()],
        "grown": [list(parameters) for parameters in history.grown],
        "more": more,
    }
    return {**parts, _HEAD: _sealed(head)}


def head_of(parts: Mapping[str, str]) -> dict[str, Any]:
    """The head of what ``texts`` made. Raises ``ValueError`` when it is damaged."""
    return _opened(parts[_HEAD])


def restored(history: History, parts: dict[str, str], last: r.Event | None) -> dict[str, Any]:
    """Put into an empty history what was kept; ``last`` is the stored event at the place of the last one folded.

    ``parts`` is emptied on the way: a long study fits into memory once.

    Returns:
        What was given to ``texts`` as ``more``.

    Raises:
        ValueError, KeyError, TypeError: it is damaged, incomplete, or not of these events. The history is as before.
    """
    head = head_of(parts)
    if head["count"] and (last is None or _mark(last) != head["last"]):
        raise ValueError("these are other events than those that were folded")
    with _no_collection():
        rows = [row for page in range(-(-head["rows"] // PAGE)) for row in rows_of(parts.pop(f"rows/{page}"))]
    notes = [note for page in range(-(-head["notes"] // PAGE)) for note in _notes_of(parts.pop(f"notes/{page}"))]
    if (len(rows), len(notes)) != (head["rows"], head["notes"]):
        raise ValueError("pages are missing")
    history.rows, history.notes = rows, notes
    history.elapsed, history.started = float(head["elapsed"]), int(head["started"])
    history.limits = parse(head["limits"])
    history.confirmed = {int(number): values for number, values in head["confirmed"]}
    history.grown = [tuple(parameters) for parameters in head["grown"]]
    history.begin_behind(head["count"], last)
    return head["more"]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing that is made within is garbage: to look through it again and again would double the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def rows_of(text: str) -> list[Row]:
    """The trials of one page. Raises ``ValueError`` when it is damaged."""
    return [_row(values) for values in _opened(text)]


def _pages(items: Sequence[Any]) -> int:
    return -(-len(items) // PAGE)


def _page(history: History, kind: str, page: int) -> list[Any]:
    span = slice(page * PAGE, (page + 1) * PAGE)
    if kind == "notes":
        return [list(encode_event(note)) for note in history.notes[span]]
    return [[_plain(name, getattr(row, name)) for name in _NAMES] for row in history.rows[span]]


def _plain(name: str, value: Any) -> Any:
    if name == "segments":
        return [[fidelity, None if values is None else list(values)] for fidelity, values in value.items()]
    if name == "reports":
        return [[step, metrics] for step, metrics in value]
    return list(value) if name in ("values", "excess") and value is not None else value


def _row(values: list[Any]) -> Row:
    row = Row(*values)
    row.state, row.worker = cast(r.State, intern(row.state)), intern(row.worker)
    row.values = None if row.values is None else tuple(row.values)
    row.excess = tuple(row.excess)
    row.reports = [(step, metrics) for step, metrics in row.reports]
    if row.reports and row.metrics == row.reports[-1][1]:
        row.metrics = row.reports[-1][1]
    segments: Any = row.segments
    row.segments = {fidelity: None if found is None else tuple(found) for fidelity, found in segments}
    return row


def _notes_of(text: str) -> list[Any]:
    return [decode_event(kind, body) for kind, body in _opened(text)]


def _mark(event: r.Event) -> str:
    return f"{zlib.crc32(repr(encode_event(event)).encode(errors='replace')):08x}"


def _sealed(value: Any) -> str:
    text = dumps(value)
    return f"{zlib.crc32(text.encode()):08x}{text}"


def _opened(text: str) -> Any:
    if text[:8] != f"{zlib.crc32(text[8:].encode()):08x}":
        raise ValueError("a page is damaged")
    return loads(text[8:])
