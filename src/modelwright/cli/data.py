"""``--data``: arrays from an npz file, a table of numbers from a CSV file, or what a function returns."""

from __future__ import annotations

import csv
import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.cli.output import UsageError
from modelwright.cli.subject import CodeError, load
from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted

#: Different numbers from which a target with some texts in it is one of numbers.
_FEW = 20
_NAMES = ("x", "x_train"), ("y", "y_train"), ("x_val", "x_valid", "x_validation"), ("y_val", "y_valid", "y_validation")


def load_data(
    given: str, target: str | None = None, *, texts: bool = False, folders: bool = False
) -> tuple[tuple[Any, ...], Any]:
    """The data that ``--data`` and ``--target`` name.

    Args:
        texts: whether the target of a CSV file may be texts.
        folders: whether the command reads folders of images, which are none of what is read here.

    Returns:
        What ``tune`` takes as positional data, and its ``validation_data`` or None.

    Raises:
        UsageError: ``given`` is neither a file of a known kind nor ``module:function``.
        ArgumentError: the content cannot be used.
    """
    ending = Path(given).suffix.lower()
    if target is not None and ending != ".csv":
        raise UsageError("only a CSV file has columns", where="--target", hint="Leave --target out.")
    if ending in (".npz", ".csv"):
        path = Path(given).expanduser()
        if not path.is_file():
            raise ArgumentError(f"there is no file {given!r}", where="--data", hint=f"Here is {os.getcwd()}")
        if ending == ".npz":
            return _npz(path)
        if target is None:
            raise UsageError("a CSV file needs --target COLUMN", where="--data")
        return read_csv(path, target, texts=texts), None
    if ":" not in given:
        raise _unreadable(given, "a folder of images per class, " * folders + "FILE.npz, FILE.csv or module:function")
    return _returned(given)


def _unreadable(given: str, allowed: str) -> UsageError:
    """That what ``--data`` names is not there, or is of no kind that is read."""
    path = Path(given).expanduser()
    if path.exists():
        what, hint = f"cannot read {'the folder ' * path.is_dir()}{given!r}", ""
    else:
        what, hint = f"there is no file or folder {given!r}", f"Here is {os.getcwd()}"
    return UsageError(what, where="--data", allowed=allowed, hint=hint)


def _npz(path: Path) -> tuple[tuple[Any, ...], Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile, zlib and numpy have many ways to say that a file is damaged
        hint = "Save plain arrays: np.savez(file, x=x, y=y)."
        raise ArgumentError(f"cannot be read: {error}", where=str(path), hint=hint) from error
    return _named(arrays, str(path))


def _named(arrays: Mapping[str, Any], where: str) -> tuple[tuple[Any, ...], Any]:
    """x and y, and what is meant for validation, under the names people give them."""
    found = [next((arrays[name] for name in names if name in arrays), None) for names in _NAMES]
    x, y, x_val, y_val = found
    if x is None or y is None:
        has = ", ".join(map(repr, arrays)) or "nothing"
        raise ArgumentError(f"it holds {has}", where=where, allowed="x and y, or x_train and y_train")
    _same_rows(x, y, where)
    if (x_val is None) != (y_val is None):
        raise ArgumentError("it holds only one of x_val and y_val", where=where)
    if x_val is not None:
        _same_rows(x_val, y_val, where)
    return (x, y), None if x_val is None else (x_val, y_val)


def _same_rows(x: Any, y: Any, where: str) -> None:
    if getattr(x, "shape", ()) and getattr(y, "shape", ()) and x.shape[0] != y.shape[0]:
        raise ArgumentError(f"x has {counted(x.shape[0], 'row')} and y has {y.shape[0]:,}", where=where)
    if getattr(x, "shape", None) and x.shape[0] == 0:
        raise ArgumentError("there are no rows", where=where)


def how_to_read(reference: str, target: str | None) -> dict[str, Any]:
    """What a study keeps of data that a command read."""
    path = Path(reference).expanduser()
    if path.suffix.lower() in (".npz", ".csv") and path.is_file():
        return {"from": str(path.absolute()), "target": target, "sha256": file_hash(path)}
    return {"from": reference, "target": target}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _returned(reference: str) -> tuple[tuple[Any, ...], Any]:
    function = load(reference, "--data")
    try:
        made = function() if callable(function) else function
    except (Exception, SystemExit) as error:
        raise CodeError(f"it raised {type(error).__name__}: {error}", where=reference) from error
    if made is None:
        raise ArgumentError("it returned None", where=reference, allowed="(x, y), or a dict with x and y")
    if isinstance(made, Mapping):
        return _named(made, reference)
    if isinstance(made, tuple) and len(made) == 2 and all(isinstance(part, tuple) for part in made):
        hint = "Return dict(x=..., y=..., x_val=..., y_val=...), and keep the test rows out of the search."
        raise ArgumentError("it returned a pair of pairs", where=reference, allowed="(x, y)", hint=hint)
    data = made if isinstance(made, tuple) else (made,)
    if len(data) == 2:
        _same_rows(*data, reference)
    return data, None


def read_csv(path: Path, target: str, *, texts: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Features and target of a CSV file of numbers with a header line.

    The separator is a comma, semicolon or tab, whichever the header has most of. A target of whole numbers becomes
    integers, so that it can name classes.

    Args:
        texts: whether the target may be texts; it is texts then as soon as one of its cells is no number.

    Raises:
        ArgumentError: no such column, text or a gap where a number should be, lines of different length.
    """
    where = str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            separator = max(",;\t", key=head.count)
            lines = csv.reader(itertools.chain([head], file), delimiter=separator, strict=True)
            names = [name.strip() for name in next(lines, [])]
            column = _column(names, target, where)
            labels = list[str]() if texts else None
            table = _numbers(lines, names, where, column, labels)
    except UnicodeDecodeError as error:
        raise ArgumentError("it is not UTF-8 text", where=where) from error
    except (OSError, csv.Error) as error:
        raise ArgumentError(f"cannot be read: {error}", where=where) from error
    y = table[:, column]
    if labels and np.isnan(y).any():
        _refuse_gaps(y, labels, target, where)
        return np.delete(table, column, axis=1), np.array(labels)
    whole = bool(np.all(y == np.round(y))) and bool(np.all(np.abs(y) < 2**53))
    return np.delete(table, column, axis=1), y.astype(np.int64) if whole else y


def _refuse_gaps(y: np.ndarray, labels: list[str], target: str, where: str) -> None:
    """Raise where a target measures something, and its texts stand for what was not measured."""
    texts = np.isnan(y)
    if texts.mean() < 0.5 and len(np.unique(y[~texts])) > _FEW:
        place = int(np.argmax(texts))
        raise _not_a_number(target, labels[place], f"{where}, row {place + 1} below the header")


def _column(names: list[str], target: str, where: str) -> int:
    if not any(names):
        raise ArgumentError("it is empty", where=where, allowed="a header line and rows of numbers")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ArgumentError(f"two columns are named {twice!r}", where=where)
    if target not in names:
        shown = ", ".join(map(repr, names[:30])) + (" ..." if len(names) > 30 else "")
        raise ArgumentError(f"there is no column {target!r} in {where}", where="--target", allowed=shown)
    if len(names) < 2:
        raise ArgumentError("the target is the only column", where=where)
    return names.index(target)


def _numbers(
    lines: Iterable[list[str]], names: list[str], where: str, column: int, labels: list[str] | None
) -> np.ndarray:
    rows = np.array(list(_rows(lines, names, where, column, labels)), dtype=np.float64)
    if not len(rows):
        raise ArgumentError("there are no rows below the header", where=where)
    return rows


def _rows(lines: Any, names: list[str], where: str, column: int, labels: list[str] | None) -> Iterator[list[float]]:
    """Cells as numbers. Where ``labels`` is a list, cells of ``column`` go there, and are NaN where they are texts."""
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(names):
            raise ArgumentError(f"line {lines.line_num} has {len(cells)} cells, the header {len(names)}", where=where)
        fine = list(map(_is_number, cells))
        wrong = [i for i, ok in enumerate(fine) if not ok]
        if labels is not None and cells[column].strip():
            labels.append(cells[column].strip())
            wrong = [i for i in wrong if i != column]
        if wrong:
            raise _not_a_number(names[wrong[0]], cells[wrong[0]], f"{where}, line {lines.line_num}")
        yield [float(cell) if ok else float("nan") for cell, ok in zip(cells, fine, strict=True)]


def _not_a_number(name: str, cell: str, where: str) -> ArgumentError:
    text = cell.strip()
    if not text:
        return ArgumentError(f"column {name!r} has a gap", where=where, hint="Fill gaps or leave such rows out.")
    hint = "Encode categories as numbers, or write a function: --data module:function."
    return ArgumentError(f"column {name!r} holds {text[:40]!r}", where=where, allowed="numbers", hint=hint)


def _is_number(cell: str) -> bool:
    try:
        value = float(cell)
    except ValueError:
        return False
    return value - value == 0 and "_" not in cell
