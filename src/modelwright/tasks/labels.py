"""Labels: the cells of a target as numbers, booleans or text. Does not know what is predicted from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.tasks import kinds, numerals
from modelwright.tasks.cells import raw
from modelwright.tasks.readers import reader
from modelwright.tasks.table import is_missing


@dataclass(slots=True)
class Labels:
    """The cells of a target as one type.

    Args:
        type: bool, int, float, text or date.
        values: float64, NaN where there is none and throughout of text.
        cells: as they were given.
        missing: mask of the cells without a value.
        details: how text is read as numbers.
    """

    type: str
    values: np.ndarray
    cells: np.ndarray
    missing: np.ndarray
    details: dict[str, Any]

    @classmethod
    def of(cls, cells: np.ndarray, *, typed: bool, wanted: str) -> Labels:
        """The labels in raw cells; ``wanted`` is a task that is sure already, or ""."""
        if cells.dtype.kind == "M":
            return cls("date", np.full(len(cells), np.nan), cells, is_missing(cells), {})
        if cells.dtype.kind != "O":
            kind = {"b": "bool", "i": "int"}.get(cells.dtype.kind, "float")
            return cls(kind, cells.astype(np.float64), cells, is_missing(cells), {})
        found = kinds.profile(cells)
        nothing = is_missing(cells) | np.fromiter(
            (cell is not None and cell.strip() in found.tokens for cell in cells.tolist()), bool, len(cells)
        )
        texts = found.counts
        if not typed or wanted == "regression":
            folded = {text.casefold() for text in texts}
            if folded and folded <= {"true", "false"} and wanted != "regression":
                values, _ = reader("", "boolean", {}).many(cells)
                return cls("bool", values, cells, nothing, {})
            filled = found.less(kinds.NO_VALUE) if wanted == "regression" else found
            written, _ = numerals.notation(filled.counts)
            if filled.counts and all(_is_number(text, written, wanted) for text in filled.counts):
                details = {"decimal": written.decimal, "unit": written.unit}
                values, _ = reader("", "number", details).many(cells)
                lost = nothing | np.fromiter(
                    (cell is not None and cell.strip() not in filled.counts for cell in cells.tolist()),
                    bool,
                    len(cells),
                )
                known = values[~lost]
                whole = bool((known == np.floor(known)).all()) and not any("." in text for text in texts)
                return cls("int" if whole else "float", values, cells, lost, details)
        return cls("text", np.full(len(cells), np.nan), cells, nothing, {})

    @property
    def known(self) -> np.ndarray:
        """The values that are there."""
        return self.values[~self.missing]

    def counts(self) -> dict[Any, int]:
        """Class -> rows. Texts that differ only in outer blanks are one class, called as it is most often."""
        if self.type != "text":
            distinct, times = np.unique(self.known, return_counts=True)
            make = {"bool": bool, "int": int, "float": float}[self.type]
            return {
                make(value): int(count) for value, count in zip(distinct.tolist(), times.tolist()) if value == value
            }
        raws = Counter(cell for cell, gone in zip(self.cells.tolist(), self.missing.tolist()) if not gone)
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for text, count in raws.most_common():
            bare = names.setdefault(text.strip(), text)
            counts[bare] += count
        return dict(counts)


def _is_number(text: str, written: numerals.Notation, wanted: str) -> bool:
    """Whether a text is a number for sure: labels such as "007", "3+" and "5 kg" are none unless values are wanted."""
    if wanted == "regression":
        return written.value(text) is not None
    if text[:1] == "0" and text[1:2].isdigit():
        return False
    return text[-1:].isdigit() and text[:1] in "-0123456789." and written.value(text) is not None


def column_of(column: Any, name: str) -> np.ndarray:
    """The raw cells of whatever holds a target."""
    if isinstance(column, np.ndarray) and column.ndim == 1:
        plain = column.dtype.kind == "O" and all(cell is None or type(cell) is str for cell in column)
        if plain or column.dtype in (np.float64, np.int64, bool):
            return column
    return raw(column, name, f"target {name!r:.80}", [])[0]
