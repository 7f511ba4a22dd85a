"""Studies that move: copied from one store to another, or read out of Optuna's file. Changes no source."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from modelwright.api.load import load_study, study_of
from modelwright.api.optuna_file import read_optuna
from modelwright.api.study import Study
from modelwright.core.clock import SystemClock
from modelwright.core.errors import StoreError, StudyError
from modelwright.core.records import Event
from modelwright.store.base import Store, StudyRecord, open_store

#: Mark in the definition of a study whose copy was not finished; the next copy under its name replaces it.
_PARTIAL = "copying"

#: Files in a study's folder that belong to its store, not to its trials.
_OF_THE_STORE = ("lock", "events.log", "events.new")


def copy_study(name: str, *, to: Any, store: Any = None, new_name: str | None = None) -> Study:
    """Copy a study with its events and files to another store; it goes on there as it would have here.

    A study that another process is running is copied as it is at this moment. Trials that were running then start
    again when the copy is resumed.

    Args:
        name: the study.
        to: the store to copy to: a path (made when absent) or a store.
        store: where the study is: None (``./.modelwright/studies.db``), a path, or a store.
        new_name: name of the copy; the same when None.

    Returns:
        The copy.

    Raises:
        StudyError: there is no such study, or the name is taken at the other store.
        StoreError: a store cannot be opened, read or written; what the target held before is unchanged.

    >>> import modelwright as mw
    >>> from modelwright.store.memory import MemoryStore
    >>> here, there = MemoryStore(), MemoryStore()
    >>> _ = mw.tune(lambda hp: hp.Float("x", 0, 1), objective="minimize", trials=3, store=here, name="a", verbose=0)
    >>> copy = copy_study("a", store=here, to=there, new_name="b")
    >>> copy.name, len(copy.trials)
    ('b', 3)
    """
    source, target = open_store(store), open_store(to)
    record = load_record(source, name)
    chosen = new_name or name
    events = list(source.load(record.id))
    made = _create(target, chosen, dict(record.definition), record.created)
    with _whole_or_nothing(target, made):
        _copy_files(source, record.id, target.folder(made.id))
        _append(target, made, events)
        target.redefine(made.id, dict(record.definition))
    return load_study(chosen, target)


def import_optuna(
    source: str | os.PathLike[str], *, study: str | None = None, store: Any = None, name: str | None = None
) -> Study:
    """Read a study out of an SQLite file that Optuna 2.4 to 5 wrote; Optuna itself is not needed.

    The study can be looked at, and gone on with: ``mw.tune(function, name=..., objective=..., trials=...)`` counts and
    learns from what Optuna ran. The trials keep their order; those that were only queued are left out, those that
    were running are lost. Intermediate values become reports with steps counted from 1. A pruned trial has the
    fidelity of its last step among the steps of complete ones.

    Args:
        source: the file, or its ``sqlite:///`` URL.
        study: name of the study there; may be left out when there is one only.
        store: where to: None (``./.modelwright/studies.db``), a path, or a store.
        name: name of the study here; the same when None.

    Raises:
        StudyError: no such study there, or its name is taken here.
        StoreError: the file cannot be read or is not Optuna's.
        SpaceError: a distribution that has no counterpart.
    """
    found = read_optuna(source, study)
    target = open_store(store)
    made = _create(target, name or found.name, found.definition, SystemClock().wall())
    with _whole_or_nothing(target, made):
        _append(target, made, found.events)
        target.redefine(made.id, found.definition)
    record = target.find(made.name)
    assert record is not None
    return study_of(target, record)


def load_record(store: Store, name: str) -> StudyRecord:
    """The record of the study ``name``; a StudyError without one."""
    record = store.find(name)
    if record is None:
        raise StudyError(f"there is no study {name!r}", where=store.location)
    return record


def _create(target: Store, name: str, definition: dict[str, Any], created: float) -> StudyRecord:
    taken = target.find(name)
    if taken is not None and _PARTIAL in taken.definition:
        with target.writer(taken.id):  # nobody is copying it any more
            target.delete(taken.id)
    elif taken is not None:
        raise StudyError(
            f"there is a study {name!r} already", where=target.location, hint="Give the new one another name."
        )
    return target.create(name, {**definition, _PARTIAL: True}, created)


@contextmanager
def _whole_or_nothing(target: Store, record: StudyRecord) -> Iterator[None]:
    """Hold the right to write the new study, and remove it when something goes wrong."""
    with target.writer(record.id):
        try:
            yield
        except BaseException:
            with suppress(StoreError):  # what went wrong says more; the mark lets the next copy replace what is left
                target.delete(record.id)
            raise


def _append(target: Store, record: StudyRecord, events: list[tuple[Event, float]]) -> None:
    """Store events in the batches of equal time in which they were written: strategies fold them so."""
    count = 0
    for batch, at in _batches(events):
        target.append(record.id, batch, after=count, at=at, durable=count + len(batch) == len(events))
        count += len(batch)


def _batches(events: list[tuple[Event, float]]) -> Iterator[tuple[list[Event], float]]:
    for at, group in groupby(events, key=lambda pair: pair[1]):
        yield [event for event, _ in group], at


# --- files --------------------------------------------------------------------------------------------


def _copy_files(store: Store, study: int, target: Path) -> None:
    """Copy a study's folder without following links; a file that its running study removes meanwhile is left out."""
    try:
        source = store.folder(study)
    except StoreError:  # a store that cannot be written, and where the study left no files
        return
    for folder, names, files in os.walk(source):
        place = target / Path(folder).relative_to(source)
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                (place / name).mkdir(mode=0o700, exist_ok=True)
        for name in files:
            path = Path(folder, name)
            if path.is_symlink() or (name in _OF_THE_STORE and Path(folder) == source):
                continue
            try:
                shutil.copy2(path, place / name)
            except FileNotFoundError:
                if path.exists():
                    raise
            except OSError as error:
                raise StoreError(f"cannot be copied: {error.strerror or error}", where=str(path)) from error


__all__ = ["copy_study", "import_optuna"]
