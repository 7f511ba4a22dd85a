"""Which candidates of a study were proposed already: a cache over the history that may be thrown away."""

from __future__ import annotations

from collections import Counter
from collections.abc import KeysView

from modelwright.core.history import History, Row
from modelwright.strategy.base import SearchSpace


class Tried:
    """The keys of all rows, brought up to date at each look; keys are computed anew when the space changes.

    A look costs what is new, and what has not run yet, however long the study is.
    """

    def __init__(self) -> None:
        self._space: SearchSpace | None = None
        self._looked = 0
        #: Key -> how many rows have it.
        self._counts: Counter[str] = Counter()
        #: Row that has not run yet -> its key, which may change.
        self._open: dict[int, str] = {}

    def keys(self, history: History, space: SearchSpace) -> KeysView[str]:
        """Keys of everything proposed so far, as proposed or, once known, as it really ran."""
        if space is not self._space:
            self.__init__()
            self._space = space
        rows = history.rows
        for number, key in list(self._open.items()):
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]
            self._add(number, rows[number], space)
        for number in range(self._looked, len(rows)):
            self._add(number, rows[number], space)
        self._looked = len(rows)
        return self._counts.keys()

    def _add(self, number: int, row: Row, space: SearchSpace) -> None:
        key = space.key(row.config)
        self._counts[key] += 1
        if row.ran:
            self._open.pop(number, None)
        else:
            self._open[number] = key
