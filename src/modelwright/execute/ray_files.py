"""Files of trials that run on another host: what a trial needs goes there, what it leaves comes back.

Does not know which files those are: whatever lies in a trial's folder, and the artifacts that its task names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.files import is_draft, replace_file
from modelwright.core.records import Task

Mark = tuple[int, int]


def mark_of(folder: str) -> Mark | None:
    """What tells a folder from one of the same name on another host; None where there is none."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def needed(task: Task) -> dict[str, Path]:
    """Relative name -> file of all that a task may read, as far as it is there."""
    folder = Path(task.folder)
    root = folder.parent
    names = {kept.path for kept in (task.checkpoint, *task.artifacts.values(), *task.inherit.values()) if kept}
    found = {name: root / name for name in names if name and (root / name).is_file()}
    return found | dict(_files(folder, root))


def _files(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file() and not is_draft(path.name):
            yield path.relative_to(root).as_posix(), path


def put_back(root: Path, files: Mapping[str, Any]) -> None:
    """Write what came back to the study's folder.

    Raises:
        StoreError: a file cannot be written (a ``MediumError`` where the disk is full).
    """
    for name, content in files.items():
        target = root / name
        if not target.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"a worker named a file outside the study's folder: {name!r}")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(target, memoryview(content))


class Mirror:
    """A folder on this host that stands for the study's on another one."""

    def __init__(self, root: Path):
        self.root = root
        self._seen: dict[str, Mark] = {}

    def begin(self, task: Task, files: Mapping[str, Any]) -> Task:
        """The task, to be run here with ``files``."""
        folder = self.root / Path(task.folder).name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        put_back(self.root, files)
        self._seen = dict(self._marks())
        return replace(task, folder=str(folder))

    def left(self) -> dict[str, Path]:
        """Relative name -> file of what the task wrote."""
        return {name: self.root / name for name, mark in self._marks() if self._seen.get(name) != mark}

    def clear(self) -> None:
        """Forget all files."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self.root)

    def _marks(self) -> Iterator[tuple[str, Mark]]:
        for name, path in _files(self.root, self.root):
            mark = mark_of(str(path))
            if mark is not None:
                yield name, mark
