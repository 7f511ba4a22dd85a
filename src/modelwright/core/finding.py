"""What an examination found: what is wrong, where, and how to mend it. Plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, or that is worth knowing.

    Attributes:
        level: "error": something is lost, or will be; "warning": it may be; "note": it is dealt with already.
        check: which one found it: "I1" to "I6" for the invariants of a store, else a word such as "disk".
        what: what was found.
        where: the study, trial, file or setting concerned; may be empty.
        fix: what to do; may be empty.

    >>> print(Finding(level="warning", check="disk", what="40 MB are free", where="/data", fix="Make room."))
    warning disk: /data: 40 MB are free. Make room.
    """

    level: Level
    check: str
    what: str
    where: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{self.level} {self.check}: {place}{self.what}{f'. {self.fix}' if self.fix else ''}"

    def plain(self) -> dict[str, Any]:
        """As a dict of text."""
        return asdict(self)
