"""Places that a command writes to: refused before time is spent where nothing can be written, or too much is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from modelwright.core.errors import ArgumentError
from modelwright.core.files import behind

#: What a file of SQLite begins with.
_DATABASE = b"SQLite format 3\0"


def check_place(target: Path, *, reads: Mapping[str, str | Path | None], model: bool) -> None:
    """Refuse a place that cannot be written to, one that is read, and one that holds something else.

    Args:
        reads: what the command reads or writes besides, by what it is: "the table" -> its path.
        model: whether a model is written, which replaces models alone; what is no model replaces anything but them and
            databases, in which studies may be.

    Raises:
        ArgumentError: what is there, and what to do.
    """
    from modelwright.tasks.result import archive

    folder = behind(target).parent
    if target.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        what = "it is a folder" if target.is_dir() else "its folder is not there, or cannot be written to"
        raise ArgumentError(what, where=str(target), hint="Name a file in a folder that exists.")
    check_apart(target, reads)
    if model and archive.is_foreign(target):
        _refuse("there is a file that is no model", target, "Remove that file first, or name another one.")
    if not model and archive.is_model(target):
        _refuse("there is a model", target, "Remove that file first, or name another one.")
    if not model and _is_database(target):
        _refuse("there is a database", target, "Remove that file first, or name another one.")


def check_apart(target: Path, reads: Mapping[str, str | Path | None]) -> None:
    """Refuse to write over what the command itself reads, or writes besides.

    Raises:
        ArgumentError: what it is.
    """
    for what, path in reads.items():
        if path is not None and _same(target, Path("/dev/stdin" if str(path) == "-" else path).expanduser()):
            _refuse(f"it is {what}, which would be lost", target, "Name another file.")


def _is_database(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with open(path, "rb") as file:
            return file.read(len(_DATABASE)) == _DATABASE
    except (OSError, ValueError):  # whoever writes there says what is wrong
        return False


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them is not there yet
        return os.path.abspath(one) == os.path.abspath(other)


def _refuse(what: str, target: Path, hint: str) -> None:
    raise ArgumentError(f"{what}, and nothing was written", where=str(target), hint=hint)
