"""Checks: what was looked at, what was found, what was done about it and what undoes that. Finds nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from modelwright.core.wording import counted, quoted

Status = Literal["passed", "fixed", "alert", "skipped"]
#: Entries of one name and status that are shown one by one; the rest is counted in a last one.
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding of one check.

    Attributes:
        name: the check: ``"missing values"``, ``"near-certain"``, ...
        status: ``"passed"``: nothing was found; ``"fixed"``: it is taken care of, nobody has to act; ``"alert"``:
            somebody should look at it; ``"skipped"``: it was not looked at, or not at all of it; ``message`` has why.
        column: the column concerned; None for rows, the target or the table.
        columns: the columns that one entry stands for, where that is more than one.
        count: how many cells, rows or levels; None where there is nothing to count.
        message: what was found, as a sentence.
        done: what was done about it.
        undo: what undoes that, or what to do next: an argument of ``fit`` where there is one.

    >>> print(Check(name="constants", status="fixed", column="unit", message="every cell is the same", done="left out"))
    constants, 'unit': every cell is the same; left out
    """

    name: str
    status: Status
    column: str | None = None
    count: int | None = None
    message: str
    done: str = ""
    undo: str = ""
    columns: Sequence[str] = ()

    def __str__(self) -> str:
        where = f"{self.name}, {quoted(self.column)}" if self.column is not None else self.name
        return f"{where}: {self.message}" + (f"; {self.done}" if self.done else "")

    def to_json(self) -> dict[str, Any]:
        """What ``json.dumps`` takes."""
        return {
            "name": self.name,
            "status": self.status,
            "column": self.column,
            "count": self.count,
            "message": self.message,
            "done": self.done,
            "undo": self.undo,
            "columns": list(self.columns),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it concerns."""
        return tuple(self.columns) or (() if self.column is None else (self.column,))


def skipped(names: Iterable[str], why: str) -> list[Check]:
    """Checks that were not made: what is not known is not good news.

    >>> [str(one) for one in skipped(["ids"], "the time was up")]
    ['ids: not looked at: the time was up']
    """
    return [Check(name=name, status="skipped", message=f"not looked at: {why}") for name in names]


def settled(name: str, found: Iterable[Check], passed: str) -> list[Check]:
    """The findings of one check, none of them drowning the rest; that it passed where there are none.

    Args:
        name: of the check.
        found: what it found, the worst first; may hold findings under other names.
        passed: what is said where nothing was found under ``name``.
    """
    kept: list[Check] = []
    more: dict[tuple[str, Status], list[Check]] = {}
    seen: dict[tuple[str, Status], int] = {}
    for check in found:
        key = (check.name, check.status)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= SHOWN:
            kept.append(check)
        else:
            more.setdefault(key, []).append(check)
    for rest in more.values():
        names = tuple(check.column for check in rest if check.column is not None)
        message = f"the same of {counted(len(rest), 'more column')}: {named(names)}"
        count = sum(check.count or 0 for check in rest) or None
        kept.append(replace(rest[0], column=None, count=count, message=message, columns=names))
    if not any(check.name == name for check in kept):
        kept.append(Check(name=name, status="passed", message=passed))
    return kept


def alerts_of(found: Iterable[Check | Mapping[str, Any]]) -> int:
    """How many alerts there are, those that were put together counted one by one.

    >>> one = Check(name="x", status="alert", message="found", columns=("a", "b", "c"))
    >>> alerts_of([one, one.to_json()])
    6
    """
    said = (one.to_json() if isinstance(one, Check) else one for one in found)
    return sum(max(1, len(one.get("columns") or ())) for one in said if one["status"] == "alert")


def named(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence, the first few of them.

    >>> named(["a"]), named(["a", "b", "c"], most=2)
    ("'a'", "'a', 'b' and 1 more")
    """
    shown = [quoted(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""


def percent(share: float) -> str:
    """A share in words that are never rounded to nothing or all.

    >>> percent(0.5), percent(0.00001), percent(0.99999)
    ('50 %', 'under 0.1 %', 'over 99.9 %')
    """
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{100 * share:.1f} %" if share < 0.1 or share > 0.99 else f"{100 * share:.0f} %"
