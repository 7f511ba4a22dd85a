"""Columns that a command writes: as CSV, or in the form that the ending of the file's name says."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.cli.output import UsageError
from modelwright.core.optional import optional

_PARQUET, _PACKED = ".parquet", ".gz"
#: What stands between the cells of a text, by the ending of its file; a name without one is taken as meant.
_DELIMITERS = {".csv": ",", ".txt": ",", ".tsv": "\t", "": ","}


def check_form(target: Path) -> None:
    """Refuse a name that promises what is not written here, before anything is predicted.

    Raises:
        UsageError: the ending of the file is none that is known.
        MissingPackageError: what it takes to write such a file is not installed.
    """
    if target.exists() and not target.is_file():  # a pipe or a device may have any name
        return
    ending, _ = _ending(target)
    if ending == _PARQUET:
        _package("pyarrow")
    elif ending not in _DELIMITERS:
        texts = [name for name in _DELIMITERS if name]
        raise UsageError(
            f"{target.name!r} ends in {target.suffix!r}, which is not written here", where="--output",
            allowed=f"a name that ends in {', '.join(texts)}, the same with {_PACKED}, or {_PARQUET}",
            hint="Without --output CSV is printed; --json prints JSON.",
        )  # fmt: skip


def as_file(columns: Mapping[str, list[Any]], target: Path) -> bytes:
    """The columns as what is written to ``target``: packed CSV for ``new.csv.gz``, Parquet for ``new.parquet``."""
    ending, packed = _ending(target)
    if ending == _PARQUET:
        return _parquet(columns)
    raw = as_text(columns, _DELIMITERS.get(ending, ",")).encode("utf-8")
    return gzip.compress(raw, mtime=0) if packed else raw


def as_text(columns: Mapping[str, list[Any]], delimiter: str = ",") -> str:
    """The columns as delimited text, with their names in the first line.

    >>> as_text({"churned": ["yes", "no"], "churned=yes": [0.75, 0.5]})
    'churned,churned=yes\\nyes,0.75\\nno,0.5\\n'
    """
    told = io.StringIO()
    writer = csv.writer(told, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return told.getvalue()


def _ending(target: Path) -> tuple[str, bool]:
    """The ending that says the form, and whether the file is packed besides."""
    packed = target.suffix.lower() == _PACKED
    ending = (target.with_suffix("") if packed else target).suffix.lower()
    return (target.suffix.lower(), False) if packed and ending not in _DELIMITERS else (ending, packed)


def _package(name: str) -> Any:
    return optional(name, extra="parquet", purpose="writing Parquet")


def _parquet(columns: Mapping[str, list[Any]]) -> bytes:
    arrow, made = _package("pyarrow"), []
    for values in columns.values():
        try:
            made.append(arrow.array(values))
        except (arrow.ArrowException, OverflowError):  # labels of several types, or wider than 64 bits
            made.append(arrow.array([str(one) for one in values]))
    told = io.BytesIO()
    _package("pyarrow.parquet").write_table(arrow.Table.from_arrays(made, names=list(columns)), told)
    return told.getvalue()
