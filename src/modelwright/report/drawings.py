"""Drawings and reasons that a study keeps of its result, for the page and the notebook card. Draws nothing itself.

A drawing is a stored fact: an SVG text in a note, by whoever knew what was searched. It may be written by anybody
who can write the store, so it is shown as an image: in an image nothing runs, and nothing is fetched.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from modelwright.report.svg import esc
from modelwright.report.view import StudyView

#: Kind of the note: ``trial``, and ``drawings``, of each its ``title`` and its ``svg``.
DRAWN = "drawn"
#: Drawings and characters of one that are shown at most.
_MOST, _LONGEST = 4, 1_000_000


def drawings(view: StudyView, *, first: bool = False) -> str:
    """Safe markup of the drawings of the best trial; "" where there are none.

    Args:
        first: the first one alone.
    """
    best = view.history.best()
    if best is None:
        return ""
    notes = (note.data for note in reversed(view.history.notes) if note.kind == DRAWN)
    data: Mapping[str, Any] = next((data for data in notes if data.get("trial") == best.number), {})
    kept = data.get("drawings")
    shown = [one for one in kept if _is_drawing(one)][:_MOST] if isinstance(kept, (list, tuple)) else []
    return "".join(_figure(str(one["title"]), one["svg"]) for one in shown[: 1 if first else None])


def reasons(view: StudyView) -> str:
    """Safe markup of the reasons for the result, as they stand in ``view.reasons``."""
    if not view.reasons:
        return ""
    lines = "\n".join(esc(line) for line in view.reasons.splitlines())
    return f'<pre tabindex="0" role="group" aria-label="Reasons">{lines}</pre>'


def _is_drawing(given: Any) -> bool:
    svg = given.get("svg") if isinstance(given, Mapping) else None
    return isinstance(svg, str) and svg.startswith("<svg") and len(svg) <= _LONGEST and "title" in given


def _figure(title: str, svg: str) -> str:
    # Line breaks in an alternative text are of no use to anybody.
    content = base64.b64encode(svg.encode()).decode()
    name = esc(" ".join(title.split()), 200)
    return (
        f'<figure><figcaption>{name}</figcaption><div style="overflow-x:auto">'
        f'<img alt="{name}" style="max-width:100%" src="data:image/svg+xml;base64,{content}"></div></figure>'
    )
