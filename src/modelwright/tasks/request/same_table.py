"""Whether a fit that goes on is about the table that it began with: a digest of what is learned from, and what differs.

Reads every cell once; stores no cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.api.naming import checked_name
from modelwright.core.errors import StudyError
from modelwright.core.wording import counted
from modelwright.store.base import StudyRecord, open_store
from modelwright.tasks.checks.record import named
from modelwright.tasks.request.asked import Asked
from modelwright.tasks.search.gathered import Gathered

#: Under which fact of a study its digest is.
FACT = "table"
#: Columns up to which each has its own digest; more share so many, by the digest of their names.
_COLUMNS = 500
_WORDS = 16_384
#: Odd factors, so that no change of one word goes unnoticed; and bits by which words are shifted besides, so that the
#: highest bits of two words, the signs of numbers, do not make up for each other.
_FACTORS = np.random.default_rng(0).integers(0, 1 << 63, _WORDS, dtype=np.uint64) | np.uint64(1)
_SHIFT = np.uint64(29)


def digest(data: Gathered) -> dict[str, Any]:
    """What tells tables apart: rows, and digests of columns, target, weights and split; plain values."""
    frame, columns = data.frame, {}
    for column in data.schema.used:
        held = [cells[column.name] for cells in (frame.numbers, frame.codes, frame.texts) if column.name in cells]
        told = hashlib.sha256("\x00".join(column.levels).encode())
        for cells in held:
            told.update(_cells(cells))
        columns[column.name] = [column.kind, told.hexdigest()[:12]]
    if len(columns) > _COLUMNS:
        whole = hashlib.sha256(repr(columns).encode()).hexdigest()[:12]
        columns = {"": [counted(len(columns), "column"), whole]}
    return {
        "rows": frame.rows,
        "columns": columns,
        "target": [data.target.name, _short(data.y, repr(data.target.classes))],
        "weights": None if data.weight is None else _short(data.weight),
        "split": _short(data.split.place, data.split.kind),
    }


def dropped_before(asked: Asked) -> list[str] | None:
    """Columns that an earlier part of the same fit left out because they leak; None for a new one."""
    name = checked_name(asked.name)
    record = None if name is None else open_store(asked.store).find(name)
    return None if record is None else list(record.definition.get(FACT, {}).get("dropped", ()))


def refuse_other_table(record: StudyRecord, now: Mapping[str, Any]) -> None:
    """Refuse to go on with a fit of another table; say what differs.

    Args:
        now: the digest of the table at hand.

    Raises:
        StudyError: it is another one.
    """
    before = record.definition.get(FACT)
    if before is None:
        return
    said, folds = differences(before, now), now.get("folds")
    held = record.definition.get("split", {}).get("folds")
    if folds is not None and folds not in (before.get("folds"), held):
        said.append(f"it is judged by {counted(held, 'fold')}, now {folds} (folds=, preset=)")
    if said:
        raise StudyError(
            f"the study is about another table: {'; '.join(said)}",
            where=f"study {record.name!r}",
            hint="Use the same table and arguments to go on, or another name= for a new fit. Nothing was changed.",
        )


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two digests, in words; empty where nothing does.

    >>> kept = {"rows": 3, "columns": {"a": ["number", "0"]}, "target": ["y", "0"], "weights": None, "split": "0"}
    >>> differences(kept, {**kept, "columns": {"a": ["number", "1"], "b": ["text", "0"]}, "weights": "0"})
    ["the column 'b' is new", "the cells of 'a' are others", 'there are weights now']
    """
    old, new = before["columns"], now["columns"]
    said = []
    if before["rows"] != now["rows"]:
        said.append(f"it had {counted(before['rows'], 'row')}, now {now['rows']:,}")
    for names, what in (([n for n in new if n not in old], "new"), ([n for n in old if n not in new], "gone")):
        if names:
            said.append(f"the {'column' if len(names) == 1 else 'columns'} {named(names)} {_is(names)} {what}")
    both = [name for name in new if name in old]
    kinds = [name for name in both if new[name][0] != old[name][0]]
    said += [f"{name!r:.60} was {old[name][0]}, now {new[name][0]}" for name in kinds[:4]]
    if before["target"][0] != now["target"][0]:
        said.append(f"the target was {before['target'][0]!r:.60}, now {now['target'][0]!r:.60}")
    if before["rows"] != now["rows"]:
        return said
    cells = [name for name in both if name not in kinds and new[name] != old[name]]
    if cells:
        said.append(f"the cells of {named(cells)} are others" if cells != [""] else "the cells are others")
    if before["target"][0] == now["target"][0] and before["target"] != now["target"]:
        said.append(f"the cells of the target {now['target'][0]!r:.60} are others")
    if before["weights"] != now["weights"]:
        gone, first = now["weights"] is None, before["weights"] is None
        said.append("there were weights" if gone else "there are weights now" if first else "the weights are others")
    if not said and before["split"] != now["split"]:
        said.append("its rows are divided otherwise (groups=, time=, folds=, max_rows=)")
    return said


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _short(cells: np.ndarray, more: str = "") -> str:
    return hashlib.sha256(more.encode() + _cells(cells)).hexdigest()[:12]


def _cells(cells: np.ndarray) -> bytes:
    """A digest of an array: as fast as memory is read, for no enemy."""
    if cells.dtype.kind == "O":
        return hashlib.sha256("\x00".join(map(str, cells.tolist())).encode(errors="surrogatepass")).digest()
    held = np.ascontiguousarray(cells).reshape(-1).view(np.uint8)
    whole = len(held) // (8 * _WORDS) * (8 * _WORDS)
    words = held[:whole].view(np.uint64).reshape(-1, _WORDS)
    sums, shifted = np.empty((2, len(words)), np.uint64), np.empty(_WORDS, np.uint64)
    for place, row in enumerate(words):
        sums[0, place] = np.dot(row, _FACTORS)
        sums[1, place] = np.dot(np.right_shift(row, _SHIFT, out=shifted), _FACTORS)
    told = hashlib.sha256(sums.tobytes())
    told.update(held[whole:].tobytes())
    told.update(str((cells.dtype, cells.shape)).encode())
    return told.digest()
