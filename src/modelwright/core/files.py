"""Files that are whole or absent, whatever ends the process that writes them. Does not know what is in them."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwright.core.medium import cannot_write


def draft_of(target: Path) -> Path:
    """A fresh name beside ``target`` for a file that is not finished yet; ``is_draft`` knows it again."""
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")


def is_draft(name: str) -> bool:
    """Whether a file's name is one of ``draft_of``.

    >>> is_draft(draft_of(Path("a/model.keras")).name), is_draft("model.keras")
    (True, False)
    """
    return name.startswith(".") and name.endswith(".tmp")


def behind(path: Path) -> Path:
    """The file that a symbolic link leads to, so that writing replaces that and not the link; else ``path``.

    >>> behind(Path("a/model.mw")).as_posix()
    'a/model.mw'
    """
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextlib.contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """A draft of ``target``, to be put in place by its writer; what ends that early, Ctrl-C too, leaves none of it."""
    draft = draft_of(target)
    try:
        yield draft
    except BaseException:
        with contextlib.suppress(OSError, ValueError):
            draft.unlink(missing_ok=True)
        raise


def replace_file(target: Path, *parts: Any) -> None:
    """Write ``parts`` (bytes) to ``target`` so that after a crash it holds the old content or the new one.

    Raises:
        StoreError: it cannot be written (a ``MediumError`` where the disk is full). What was there is unchanged.
    """
    try:
        with drafted(target) as draft:
            with open(draft, "wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(draft, target)
    except OSError as error:
        raise cannot_write(target, error) from error


def put_in_place(draft: Path, target: Path) -> None:
    """Give a finished and synced file its name, so that the name survives a power failure too.

    Raises:
        OSError: the name is that of a device, a pipe or a folder, which no file may take the place of.
    """
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "there is something that is no regular file", str(target))
    os.replace(draft, target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power failure, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
