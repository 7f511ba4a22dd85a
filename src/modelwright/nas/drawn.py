"""What a search keeps of how its result looks: drawings of the winner, and of its difference to the default.

They are stored with the study, so that a report has them which knows neither spaces nor networks.
"""

from __future__ import annotations

from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.core.history import History, Row
from modelwright.nas.architecture import Architecture
from modelwright.nas.canonical import pruned
from modelwright.nas.draw import draw

#: Kind of the note that has them.
DRAWN = "drawn"
#: Characters of a drawing that are kept; a larger one helps nobody.
_MOST = 400_000


def drawings(space: Architecture, history: History) -> dict[str, Any] | None:
    """Drawings of the best network, as data for a note; None where there is none, or it is drawn already.

    Returns:
        ``trial``, and ``drawings``: of each its ``title`` and its ``svg``.
    """
    best = history.best()
    if best is None or not best.config or any(_of(note, best) for note in history.notes):
        return None
    try:
        graph, default = (pruned(space.graph(config)) for config in (best.config, space.tree.default()))
    except SpaceError:  # a study that was brought in from elsewhere; its networks are not of this space
        return None
    found = [{"title": f"The network of trial {best.number}", "svg": draw(graph)}]
    if space.key(best.config) != space.key(space.tree.default()):
        title = "What became of the default network: added, removed and changed"
        found.append({"title": title, "svg": draw(graph, before=default)})
    kept = [one for one in found if len(one["svg"]) <= _MOST]
    return {"trial": best.number, "drawings": kept} if kept else None


def _of(note: Any, best: Row) -> bool:
    return note.kind == DRAWN and note.data.get("trial") == best.number
