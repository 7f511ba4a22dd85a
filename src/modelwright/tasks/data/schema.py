"""Schemas: the columns that a model was given, each with its kind and what is needed to read it again. Plain JSON."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, did_you_mean
from modelwright.tasks.data import identifiers, units, zones
from modelwright.tasks.data import kinds as kinds_of
from modelwright.tasks.data.context import beside, context_of
from modelwright.tasks.data.frame import Frame, framed, given, refuse_absent, refuse_repeated
from modelwright.tasks.data.readers import Reader, reader
from modelwright.tasks.data.suited import refuse_kind, refuse_levels, refuse_unlisted
from modelwright.tasks.data.table import Table, is_missing

#: Kinds that carry nothing to learn from.
UNUSED = ("id", "constant")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a schema.

    Args:
        name: its name.
        kind: number, category, ordinal, boolean, datetime, text, id or constant.
        details: plain JSON. Always ``why`` (what told the kind) and ``seen`` (of the rows it was told from: ``rows``,
            ``missing``, among them ``tokens`` that stood for nothing with their counts, ``unreadable`` with
            ``examples``, and ``infinite``). By kind: ``levels`` in order; ``decimal`` and ``unit`` of numbers,
            whether they were ``durations`` in the source, and whether any has a ``percent`` sign; ``day_first`` of
            dates, and ``zoned``, whether their times of day have a time zone; where some have one, ``zones``, how many
            do and do not. ``alike``, the columns of one name in the source, of each of them.
    """

    name: str
    kind: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def used(self) -> bool:
        """Whether there is something to learn from it."""
        return self.kind not in UNUSED

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of a category or an ordinal column, in order; () for other kinds."""
        return tuple(self.details.get("levels", ()))


@dataclass(frozen=True)
class Schema:
    """The columns to learn from, and how their cells are read.

    >>> from modelwright.tasks.data.reading import read
    >>> table = read({"size": ["1,5", "2,25", "?"], "size_band": ["< 2", "2 - 3", None], "y": [0, 1, 0]})
    >>> schema = Schema.of(table, target="y")
    >>> [(column.name, column.kind) for column in schema.columns]
    [('size', 'number'), ('size_band', 'ordinal')]
    >>> schema.frame({"size_band": "2 - 3", "size": "3,5"}).numbers["size"].tolist()
    [3.5]
    """

    columns: tuple[Column, ...]
    target: str = ""

    @classmethod
    def of(
        cls,
        table: Table,
        *,
        target: str = "",
        kinds: Mapping[str, str | Sequence[Any]] | None = None,
        without: Iterable[str] = (),
        where: str = "table",
    ) -> Schema:
        """The schema of a table.

        Args:
            table: the rows to learn from.
            target: the column that is no feature; "" for none.
            kinds: name -> kind, where the user knows better; levels from low to high make an ordinal column.
            without: more columns that are no features, such as weights or groups.

        Raises:
            ArgumentError: there are no rows or no columns but the target, or ``kinds`` has an unknown name or kind, or
                nothing tells the order of an ordinal column, or levels of it are not among those that were said, or
                it names the target; or a column cannot be read.
        """
        chosen = _chosen(table, kinds or {}, target, where)
        if target != "" and (called := table.called(target)) in chosen:
            raise ArgumentError(
                f"kinds names {called!r:.80}, which is the target",
                where=where,
                allowed="columns to learn from",
                hint="task='regression', 'binary' or 'multiclass' says what is predicted.",
            )
        left = [table.place(name, where=where) for name in (target, *without) if name != ""]
        if target != "":
            refuse_twice(table, left[0], where)
        names = [name for name in table.names if name not in left]
        table.check(names, hint="without=[{}] leaves it out." if where == "fit" else "")
        if not table.rows:
            raise ArgumentError("the table has columns and no rows", where=where)
        if not names:
            raise ArgumentError(
                f"there is no column but {', '.join(map(repr, left))}", where=where, hint="Add columns to learn from."
            )
        found = {name: _column(table, name, chosen.get(name), kinds_of.Context(), where) for name in names}
        unsure = [name for name, column in found.items() if column.details.get("sure") is False]
        others = beside(table, left, {name: one.kind for name, one in chosen.items()}) if unsure else ()
        context = context_of([*found.values(), *others])
        for name in unsure:
            found[name] = _column(table, name, chosen.get(name), context, where)
        if target != "":
            found |= _naming(table, found, left[0], chosen, context)
        return cls(
            tuple(_with_seen(column, table, where) for column in found.values()), left[0] if target != "" else ""
        )

    def kept(self) -> list[dict[str, Any]]:
        """The columns as ``again`` takes them: plain JSON, without what belongs to these rows alone."""
        own = {"why", "seen"}
        return [
            {
                "name": column.name,
                "kind": column.kind,
                "details": {
                    key: value
                    for key, value in column.details.items()
                    if key not in own and (key != "levels" or column.kind != "category")
                },
            }
            for column in self.columns
        ]

    @classmethod
    def again(cls, table: Table, kept: Iterable[Mapping[str, Any]], *, target: str, where: str = "table") -> Schema:
        """The same columns of other rows, read as they were: kinds, orders of levels and of day and month.

        Levels without an order are those of these rows. Columns that are new are left out.

        Args:
            kept: see ``kept``.

        Raises:
            ArgumentError: a column that is used is not there, or holds something else than it did.
        """
        refuse_twice(table, target, where)
        known = [Column(one["name"], one["kind"], one["details"]) for one in kept]
        refuse_absent([one.name for one in known if one.used], table, where)
        table.check(one.name for one in known if one.used)
        refuse_repeated({one.name: one.details for one in known if one.used}, table, where)
        found = []
        for column in known:
            if column.name not in table.columns:
                continue
            details = {"why": "as in the fit that the plan is from", **column.details}
            if column.kind == "category":
                cells = table.columns[column.name]
                details["levels"] = kinds_of.described(cells, column.kind, kinds_of.Context()).details["levels"]
            try:
                made = _with_seen(Column(column.name, column.kind, details), table, where, again=True)
            except ArgumentError as error:
                hint = f"For the model it is {column.kind}. mw.fit(...) without plan= searches anew."
                raise ArgumentError(error.what, where=error.where, allowed=error.allowed, hint=hint) from None
            found.append(made)
        return cls(tuple(found), target)

    def renewed(self, table: Table) -> Schema:
        """The same columns, which remember how the cells of these rows are written, in place of those of the fit.

        Args:
            table: the rows that ``again`` was told of.
        """
        found = []
        for column in self.columns:
            if column.kind == "number" and column.name in table.columns:
                written = units.remembered(table.columns[column.name], table.declared.get(column.name))
                column = replace(column, details={**column.details, **written})
                if column.name in table.typed:
                    table.typed[column.name] = (column.details, *table.typed[column.name][1:])
            found.append(column)
        return replace(self, columns=tuple(found))

    def __getitem__(self, name: str) -> Column:
        """The column of that name.

        Raises:
            ArgumentError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise ArgumentError(
            f"there is no column {name!r}", where="schema", hint=did_you_mean(name, [c.name for c in self.columns])
        )

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns there is something to learn from."""
        return tuple(column for column in self.columns if column.used)

    @property
    def context(self) -> kinds_of.Context:
        """What its columns tell of one that leaves open how it writes decimals and dates."""
        return context_of(self.columns)

    @functools.cached_property
    def readers(self) -> dict[str, Reader]:
        """Name -> what reads the cells of a column that is used."""
        return {column.name: reader(column.name, column.kind, column.details) for column in self.used}

    @functools.cached_property
    def _kinds(self) -> dict[str, str]:
        return {column.name: column.kind for column in self.used}

    @functools.cached_property
    def _levels(self) -> dict[str, tuple[str, ...]]:
        return {column.name: column.levels for column in self.used if column.kind in ("category", "ordinal")}

    def table(self, source: Any) -> Table:
        """The raw cells of any table, for those who show them beside what ``frame`` reads of it; see there."""
        return given(self.readers, source, where="table")

    def frame(self, source: Any, *, where: str = "table", absent: str = "refuse") -> Frame:
        """Typed columns of any table that has the columns of this schema.

        Other columns are left out, the order does not matter. Cells that cannot be read become missing, and are
        counted in ``notes``; where most of a column cannot be read, it is refused.

        Args:
            source: whatever ``read`` takes; a dict of cells or a frame of one row goes a fast way.
            where: the name of the argument, for messages.
            absent: what is done with columns that are not there: ``"refuse"``, or ``"missing"`` for cells that are all
                missing.

        Raises:
            ArgumentError: columns are not there, or hold something else than they did.
        """
        made = framed(self.readers, source, where=where, absent=absent)
        return replace(made, kinds=self._kinds, levels=self._levels)

    def to_json(self) -> dict[str, Any]:
        """What ``json.dumps`` takes."""
        columns = [{"name": c.name, "kind": c.kind, "details": dict(c.details)} for c in self.columns]
        return {"target": self.target, "columns": columns}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Schema:
        """The inverse of ``to_json``.

        >>> from modelwright.tasks.data.reading import read
        >>> schema = Schema.of(read({"a": [1.5, 2.0], "y": [0, 1]}), target="y")
        >>> Schema.from_json(schema.to_json()) == schema
        True
        """
        return cls(tuple(Column(c["name"], c["kind"], c["details"]) for c in body["columns"]), body["target"])


@dataclass(frozen=True, slots=True)
class _Said:
    """A kind that somebody said, with the levels from low to high where these were said too."""

    kind: str
    levels: tuple[str, ...] = ()


def _chosen(table: Table, kinds: Mapping[str, str | Sequence[Any]], target: str, where: str) -> dict[str, _Said]:
    found = {}
    for name, kind in kinds.items():
        if table.called(name) not in table.columns:
            others = table.without(target) if target in table.columns else table  # the target takes no kind
            raise others.lacks(name, where=f"{where}, kinds")
        table.column(name, where=f"{where}, kinds")
        if isinstance(kind, list | tuple | np.ndarray):
            found[table.called(name)] = _Said("ordinal", _levels(name, kind, where))
            continue
        if kind not in kinds_of.KINDS:
            raise ArgumentError(
                f"kinds[{name!r}]={kind!r:.60}",
                where=where,
                allowed=", ".join(kinds_of.KINDS) + ", or a list of levels from low to high",
                hint=did_you_mean(str(kind), kinds_of.KINDS),
            )
        found[table.called(name)] = _Said(kind)
    return found


def _levels(name: Any, given: Sequence[Any] | np.ndarray, where: str) -> tuple[str, ...]:
    """Levels as the cells of a column have them."""
    levels = tuple(kinds_of.level(one) for one in given)
    if len(levels) < 2 or len(set(levels)) < len(levels) or "" in levels:
        raise ArgumentError(
            f"kinds[{name!r}]={list(levels)!r:.80}",
            where=where,
            allowed="two levels or more from low to high, each once",
        )
    return levels


def refuse_twice(table: Table, target: str, where: str) -> None:
    """Refuse a second column of the target's name: it would give it away, and nobody can tell which of them is meant.

    Raises:
        ArgumentError: there is one.
    """
    if target in table.repeated:
        raise ArgumentError(
            f"there are several columns {target!r:.80}",
            where=f"{where}, target",
            allowed="one column of that name",
            hint="Leave out the others, or give them other names.",
        )


def _column(table: Table, name: str, chosen: _Said | None, context: kinds_of.Context, where: str) -> Column:
    cells, declared = table.columns[name], table.declared.get(name)
    order = declared.levels if declared is not None and declared.ordered else ()
    if chosen is not None:
        if chosen.kind == "ordinal":
            order = chosen.levels or order or _plain_order(name, cells, where)
        found = kinds_of.described(cells, chosen.kind, context, order)
    elif declared is not None and declared.kind:
        found = kinds_of.described(cells, declared.kind, context, order)
        found = kinds_of.Finding(found.kind, "the source says so", found.details)
    else:
        found = kinds_of.infer(cells, context)
    details = {"why": found.why, **found.details}
    if found.kind == "datetime" and cells.dtype.kind == "M":
        details.pop("zoned", None)
        if table.zoned(name) or zones.have_clocks(cells):
            details["zoned"] = table.zoned(name)
    if found.kind == "number":
        details |= units.remembered(cells, declared)
    return Column(name, found.kind, details)


def _plain_order(name: str, cells: np.ndarray, where: str) -> tuple[str, ...]:
    """An order that needs nobody to say it; no other one is made up, since models are held to it."""
    order = kinds_of.in_order(cells)
    if order is None:
        found = sorted(kinds_of.profile(cells).counts)
        shown = ", ".join(map(repr, found[:6])) + (", ..." if len(found) > 6 else "")
        raise ArgumentError(
            f"nothing tells the order of its {counted(len(found), 'level')}: {shown:.200}",
            where=f"{where}, column {name!r:.80}",
            allowed="ordinal for numbers, and for levels such as 'low' and 'high'",
            hint=f"kinds={{{name!r:.80}: [...]}} lists them from low to high; 'category' needs no order.",
        )
    return order


def _naming(
    table: Table, found: Mapping[str, Column], target: str, chosen: Collection[str], context: kinds_of.Context
) -> dict[str, Column]:
    """Columns that name the rows by their own cells, as what they are in view of the target."""
    said = {*chosen, *(name for name, one in table.declared.items() if one.kind)}
    ids = {
        name: kinds_of.Finding(column.kind, column.details["why"])
        for name, column in found.items()
        if column.kind == "id" and name not in said
    }
    if not ids:
        return {}
    others = any(column.used for column in found.values())
    outcome = identifiers.Outcome.of(table.columns[target], target, table.declared.get(target), lambda: context)
    made = identifiers.settled(ids, table.columns, outcome, others=others)
    return {name: Column(name, one.kind, {"why": one.why, **one.details}) for name, one in made.items()}


def _with_seen(column: Column, table: Table, where: str, *, again: bool = False) -> Column:
    """The column with what reading its own cells came to; the table remembers the values.

    Args:
        again: whether the column is of an earlier table, so that some levels may have no place in its order.
    """
    cells, said = table.columns[column.name], table.tokens.get(column.name)
    seen: dict[str, Any] = {"rows": len(cells), "missing": int(is_missing(cells).sum())}
    if said:
        seen["tokens"] = dict(said)
    details = {**column.details, "seen": seen}
    if not again:
        details |= next(({"alike": names} for names in table.repeated.values() if column.name in names), {})
    if column.used:
        values, problems = reader(column.name, column.kind, column.details).many(cells, zoned=table.zoned(column.name))
        lost = sum(problems.tokens.values()) + sum(problems.unreadable.values()) + problems.infinite
        refuse_kind(column, cells, problems, where)
        if again:
            refuse_levels(column, cells, problems, where)
        else:
            refuse_unlisted(column, problems, where)
        seen |= {"missing": seen["missing"] + lost, **problems.plain()}
        table.typed[column.name] = (details, values, problems)
    return Column(column.name, column.kind, details)
