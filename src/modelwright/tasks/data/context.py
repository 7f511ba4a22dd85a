"""Contexts: what columns that are sure tell of those that leave open how they write decimals and dates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from modelwright.tasks.data import kinds as kinds_of
from modelwright.tasks.data.kinds import Context
from modelwright.tasks.data.table import Table


class Told(Protocol):
    """A finding, or a column of a schema."""

    @property
    def kind(self) -> str:
        """See ``Finding``."""
        ...

    @property
    def details(self) -> Mapping[str, Any]:
        """See ``Finding``."""
        ...


def context_of(columns: Iterable[Told]) -> Context:
    """What the columns that are sure tell those that are not."""
    comma, first = 0, []
    for column in columns:
        if not column.details.get("sure"):
            continue
        if column.kind == "number":
            comma += 1 if column.details["decimal"] == "," else -1
        if column.kind == "datetime" and column.details.get("day_first") is not None:
            first.append(column.details["day_first"])
    return Context(comma > 0, None if not first else sum(first) * 2 > len(first))


def beside(table: Table, names: Iterable[str], kinds: Mapping[str, Any]) -> list[kinds_of.Finding]:
    """What columns are of which nothing is learned: they are written as the others.

    Args:
        kinds: name -> kind, where somebody said it.
    """
    found = []
    for name in names:
        said, cells = kinds.get(name), table.columns[name]
        if said is None:
            found.append(kinds_of.infer(cells, Context()))
        elif isinstance(said, str) and said in ("number", "datetime"):
            found.append(kinds_of.described(cells, said, Context()))
    return found


def around(table: Table, name: str, kinds: Mapping[str, Any] | None = None) -> Callable[[], Context]:
    """What all other columns tell of one, found out when it is asked for: reading them takes its time.

    >>> from modelwright.tasks.data.reading import read
    >>> around(read({"price": ["1,5", "2,25"], "y": ["1.250", "900"]}), "y")()
    Context(comma=True, day_first=None)
    """

    @functools.cache
    def told() -> Context:
        said = {table.called(one): kind for one, kind in (kinds or {}).items()}
        return context_of(beside(table, (one for one in table.names if one != name), said))

    return told
