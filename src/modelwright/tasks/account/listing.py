"""Listings: lists of findings, decisions, columns and reasons that print as tables. Changes nothing in the list."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.wording import counted
from modelwright.report.text import clean

#: What questions are called that a fit leaves open.
LEFT = "left to you"
#: Signs in a line; in columns that are not the widest, and in the widest of these, at most.
_WIDTH, _NARROW, _SECOND = 120, 28, 44
_MARGIN = "  "
#: Columns of a table that are printed at most.
_COLUMNS = 200


class Checks(list):
    """What was found in the data, each a dict; prints as a table, alerts first.

    Keys: ``status`` (alert, fixed, skipped, passed), ``name`` of the check, ``column``, ``count``, ``message``,
    ``done``, ``undo``; ``columns`` of an entry that stands for many.

    >>> print(Checks([{"name": "ids", "status": "passed", "message": "none", "column": None},
    ...               {"name": "outliers", "status": "alert", "message": "1 cell", "column": "x", "done": "kept"}]))
    status  check     column  found
    alert   outliers  x       1 cell; done: kept
    passed  ids
    """

    def __str__(self) -> str:
        order = {"alert": 0, "fixed": 1, "skipped": 2, "passed": 3}
        found = sorted(self, key=lambda one: order.get(one["status"], 2))
        lines = [
            [one["status"], one["name"], one.get("column") or "", _said(one)]
            for one in found
            if one["status"] != "passed"
        ]
        passed = ", ".join(dict.fromkeys(one["name"] for one in found if one["status"] == "passed"))
        return _table(["status", "check", "column", "found"], lines, {"passed": passed} if passed else {})

    __repr__ = __str__


class Decisions(list):
    """What was decided without being asked, and what was left to the user, each a dict; prints as two tables.

    Keys: ``what``; ``decided``; ``why``; ``bought``: what it brought by what the fit had measured, or that this was not
    measured; ``undo``: the argument that decides otherwise. Where ``what`` is "left to you", ``decided`` is the
    question and ``undo`` says how it is answered.

    >>> print(Decisions([{"what": "task", "decided": "binary", "why": "two classes", "undo": "task=", "bought": "-"},
    ...                  {"what": "left to you", "decided": "whether rows are in order", "why": "", "undo": "time="}]))
    what  decided                      bought  else
    task  binary, because two classes  -       task=
    <BLANKLINE>
    left to you                say it by
    whether rows are in order  time=
    """

    def __str__(self) -> str:
        made = [one for one in self if one.get("what") != LEFT]
        tables = []
        if made or not self:
            keys = ["bought"] if any(one.get("bought") for one in made) else []
            lines = [
                [_text(one, "what"), _because(one), *(_text(one, k) for k in keys), _text(one, "undo")] for one in made
            ]
            tables.append(_table(["what", "decided", *keys, "else"], lines, {}))
        asked = [[_because(one), _text(one, "undo")] for one in self if one.get("what") == LEFT]
        if asked:
            tables.append(_table([LEFT, "say it by"], asked, {}))
        return "\n\n".join(tables)

    __repr__ = __str__


class Features(list):
    """What became of each raw column, each a dict; prints as a table, what the members rely on most first.

    Keys: see ``Predictor.features``. Of very many columns the table shows those with the largest shares.

    >>> print(Features([{"column": "id", "kind": "id", "share": 0.0, "became": "left out: id"},
    ...                 {"column": "age", "kind": "number", "share": 1.0, "became": "1 feature of every member"}]))
    column  kind    share   became
    age     number  100.0%  1 feature of every member
    id      id        0.0%  left out: id
    """

    def __str__(self) -> str:
        found = sorted(self, key=lambda one: -one["share"])
        lines = [[one["column"], one["kind"], f"{one['share']:6.1%}", one["became"]] for one in found[:_COLUMNS]]
        beneath = {}
        if rest := found[_COLUMNS:]:
            beneath["..."] = f"{counted(len(rest), 'more column')} of {rest[0]['share']:.1%} at most"
        return _table(["column", "kind", "share", "became"], lines, beneath)

    __repr__ = __str__


class Explanations(list):
    """Why rows have their answers, each a dict; prints as a table: what the cells of one row add, or of several.

    Keys: see ``Predictor.explain``.

    >>> print(Explanations([{"of": "yes", "answer": 0.5, "base": 0.3, "because": [
    ...     {"column": "plan", "value": "pro", "adds": 0.25, "error": 0.01},
    ...     {"column": "age", "value": None, "adds": -0.05, "error": 0.0}]}]))
    'yes' has 0.5000, ordinary rows have 0.3000
    column  value    adds     error
    plan    pro      +0.2500  0.0100
    age     missing  -0.0500  0.0000
    """

    def __str__(self) -> str:
        if not self:
            return "no rows"
        digits = self._digits()
        if len(self) > 1:
            return self._many(digits)
        one = self[0]
        about, have = (
            (f"{one['of']!r:.60} has", "ordinary rows have") if "of" in one else ("predicted is", "of ordinary rows")
        )
        head = f"{about} {one['answer']:,.{digits}f}, {have} {one['base']:,.{digits}f}"
        lines = [
            [
                shown(of["column"], 60),
                shown(of["value"], 44),
                f"{of['adds']:+,.{digits}f}",
                f"{of['error']:,.{digits}f}",
            ]
            for of in one["because"][:_COLUMNS]
        ]
        if not lines:
            return f"{head}; no column has a part in it"
        return f"{head}\n{_table(['column', 'value', 'adds', 'error'], lines, {})}"

    def _many(self, digits: int) -> str:
        """How much each column moves the answers of many rows."""
        adds: dict[str, list[float]] = {}
        for one in self:
            for of in one["because"]:
                adds.setdefault(of["column"], []).append(of["adds"])
        mean = {name: sum(map(abs, own)) / len(self) for name, own in adds.items()}
        lines = [
            [shown(name, 60), *(f"{one:,.{digits}f}" for one in (mean[name], min(adds[name]), max(adds[name])))]
            for name in sorted(mean, key=lambda name: -mean[name])[:_COLUMNS]
        ]
        head = f"{counted(len(self), 'row')}: how far each column moves the answer"
        return f"{head}\n{_table(['column', 'in the mean', 'from', 'to'], lines, {})}"

    def _digits(self) -> int:
        """How many decimals show four digits of what matters most."""
        most = max((abs(of["adds"]) for one in self for of in one["because"]), default=1.0)
        return min(9, max(0, 3 - math.floor(math.log10(most)))) if 0 < most < math.inf else 4

    __repr__ = __str__


def shown(cell: Any, most: int) -> str:
    """A cell of a row in so many characters at most; None is one that is missing."""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return "missing" if cell is None else clean(cell, most)


def _text(one: Mapping[str, Any], key: str) -> str:
    return str(one.get(key) or "")


def _because(one: Mapping[str, Any]) -> str:
    why = f", because {one['why']}" if one.get("why") else ""
    return f"{_text(one, 'decided')}{why}"


def _said(one: Mapping[str, Any]) -> str:
    """What was found, what was done about it, and what undoes that or comes next."""
    undo = "else" if one["status"] == "fixed" else "next"
    parts = (("", "message"), ("done: ", "done"), (f"{undo}: ", "undo"))
    return "; ".join(f"{head}{one[key]}" for head, key in parts if one.get(key))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], beneath: Mapping[str, str]) -> str:
    """Columns side by side, the widest of them wrapped."""
    lines = [[clean(cell) for cell in line] for line in (heads, *rows)]
    whole = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    widths = [min(_NARROW, width) for width in whole]
    second, wide = sorted(range(len(heads)), key=lambda place: whole[place])[-2:]
    if whole[second] > 2 * _NARROW:
        widths[second] = _SECOND
    others = sum(widths) - widths[wide] + len(_MARGIN) * (len(heads) - 1)
    widths[wide] = min(whole[wide], max(_NARROW, _WIDTH - others))
    if sum(whole) + len(_MARGIN) * (len(heads) - 1) <= _WIDTH:
        widths = whole
    text = [one for line in lines for one in _wrapped(line, widths)]
    first = max(widths[0], *map(len, beneath), 0) if beneath else widths[0]
    indent = " " * (first + len(_MARGIN))
    for head, said in beneath.items():
        begin = f"{head:<{first}}{_MARGIN}"
        text += textwrap.wrap(
            clean(said), _WIDTH, initial_indent=begin, subsequent_indent=indent, break_on_hyphens=False
        )
    return "\n".join(text)


def _wrapped(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    parts = [
        textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(cells, widths, strict=True)
    ]
    made = []
    for place in range(max(map(len, parts))):
        line = [part[place] if place < len(part) else "" for part in parts]
        made.append(_MARGIN.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return made
