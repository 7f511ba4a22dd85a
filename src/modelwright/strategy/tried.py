"""Which candidates of a study were proposed already: a cache over the history that may be thrown away."""

from __future__ import annotations

from modelwright.core.history import History
from modelwright.strategy.base import SearchSpace


class Tried:
    """The keys of all rows, brought up to date at each look; keys are computed anew when the space changes."""

    def __init__(self) -> None:
        self._space: SearchSpace | None = None
        self._keys: list[str] = []
        self._settled: list[bool] = []

    def keys(self, history: History, space: SearchSpace) -> set[str]:
        """Keys of everything proposed so far, as proposed or, once known, as it really ran."""
        if space is not self._space:
            self._space, self._keys, self._settled = space, [], []
        for i, row in enumerate(history.rows):
            if i >= len(self._keys):
                self._keys.append(space.key(row.config))
                self._settled.append(row.ran)
            elif not self._settled[i]:
                self._keys[i], self._settled[i] = space.key(row.config), row.ran
        return set(self._keys)
