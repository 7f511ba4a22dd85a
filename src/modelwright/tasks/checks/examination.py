"""An examination: a table as a fit would read it, and all checks of it and of a second one. Keeps no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.wording import counted
from modelwright.tasks.checks.drift import drift
from modelwright.tasks.checks.record import Check
from modelwright.tasks.checks.run import by_status, check
from modelwright.tasks.data.context import around
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import Note, Table
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target


@dataclass(frozen=True, slots=True)
class Examination:
    """See the module."""

    table: Table
    schema: Schema
    target: Target

    @classmethod
    def of(
        cls,
        source: Any,
        target: str,
        *,
        metric: Any = None,
        task: str | None = None,
        kinds: Mapping[str, str | Sequence[Any]] | None = None,
        where: str = "check",
    ) -> Examination:
        """Read what is to be looked at; arguments as those of ``mw.check``.

        Raises:
            ArgumentError: what is wrong, with the column.
        """
        table = read(source, where=where)
        column, kinds = table.column(target, where=where), dict(kinds or {})
        name = target if target in table.columns else target.strip()
        goal = Target.of(
            column,
            name=name,
            task=task,
            metric=metric,
            typed=not table.of_text,
            declared=table.declared.get(name),
            context=around(table, name, kinds),
        )
        Metric.of(metric, goal)  # refuses what is none
        return cls(table, Schema.of(table, target=name, kinds=kinds, where=where), goal)

    @property
    def said(self) -> str:
        """What is looked at, in words."""
        size = f"{counted(self.table.rows, 'row')}, {counted(len(self.schema.columns), 'column')}"
        return f"{size}; {self.target.task}: {self.target.why}"

    @property
    def notes(self) -> tuple[Note, ...]:
        """What reading the table and its target had to say."""
        return (*self.table.notes, *self.target.notes)

    def found(
        self,
        second: Any = None,
        *,
        seed: int = 0,
        seconds: float | None = None,
        where: str = "check",
        where_second: str = "check",
    ) -> list[Check]:
        """All checks, alerts first; with a second table, whether it comes from where the first one came from.

        Args:
            second: rows from elsewhere, in whatever holds a table.
            seed: of samples and folds.
            seconds: for the checks of each table.
            where: what the first table is called in messages, and the second one.

        Raises:
            ArgumentError: the second table is none.
        """
        found = check(self.table, self.schema, self.target, seed=seed, seconds=seconds, where=where)
        if second is not None:
            other = read(second, where=where_second)
            more = {"target": self.target, "seed": seed, "seconds": seconds, "where": where_second}
            found += drift(self.table, other, self.schema, **more)
        return sorted(found, key=by_status)
