"""Problems: what reading the cells of a column came to besides their values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


class Unreadable(Exception):
    """A cell that is not missing and cannot be read."""


@dataclass(slots=True)
class Problems:
    """What reading a column came to: texts with how often each occurred."""

    tokens: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    infinite: int = 0
    #: Why a whole column cannot be read; "" where it can.
    refused: str = ""

    def plain(self) -> dict[str, Any]:
        """What is not empty, as plain JSON; ``tokens`` and ``examples`` are the most frequent ones."""
        found: dict[str, Any] = {}
        if self.tokens:
            found["tokens"] = dict(self.tokens.most_common(20))
        if self.unreadable:
            found |= {"unreadable": sum(self.unreadable.values()), "examples": self._examples()}
        if self.infinite:
            found["infinite"] = self.infinite
        return found

    def _examples(self) -> list[str]:
        return [text[:80] for text, _ in self.unreadable.most_common(5)]
