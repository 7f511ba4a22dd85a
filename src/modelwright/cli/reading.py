"""Opening stores for commands that only look: nothing is made, nothing is run, no strategy and no model is needed."""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from modelwright.core import records as r
from modelwright.core.errors import ModelwrightError, StoreError, StudyError
from modelwright.core.history import History, Row
from modelwright.core.objective import Objective
from modelwright.report.stages import stages_of
from modelwright.report.view import StudyView
from modelwright.store.base import Store, StudyRecord, open_store
from modelwright.study.folded import UNUSABLE, recalled

_DEFAULT = Path(".modelwright") / "studies.db"


@contextmanager
def existing_store(given: str | None) -> Iterator[Store]:
    """The store that ``--store`` names, open until the end of the block; it must exist and hold studies.

    Raises:
        StoreError: there is none, or it is something else. Nothing has been made or changed then.
    """
    _check_existing(given)
    store = open_store(given)
    try:
        yield store
    finally:
        store.close()


def definition_of(given: str | None, name: str | None) -> Mapping[str, Any]:
    """The definition of the study that a command would go on with; empty where it begins one. Makes no store."""
    path = store_file(given)
    if name is None or given == ":memory:" or (path is not None and not path.is_file()):
        return {}
    with closing(open_store(given)) as store:
        record = store.find(name)
    return {} if record is None else record.definition


def check_target(given: str | None) -> None:
    """Refuse to write studies into a database of somebody else's; a store that does not exist yet is fine.

    Raises:
        StoreError: the file is something else. Nothing has been changed then.
    """
    path = store_file(given)
    if path is not None and path.is_file() and path.stat().st_size:
        _check_ours(path)


def store_file(given: str | None) -> Path | None:
    """The file that ``--store`` names; None when it names something else, which ``open_store`` knows."""
    if given is None:
        return _DEFAULT
    if given == ":memory:" or ("://" in given and not given.startswith("sqlite:///")):
        return None
    return Path(given.removeprefix("sqlite:///")).expanduser()


def _check_existing(given: str | None) -> None:
    if given == ":memory:":
        raise StoreError("a store in memory has nothing to look at", where="--store", hint="Name a file.")
    path = store_file(given)
    if path is None:
        return
    shown = str(path)
    if not path.exists():
        if given is None:
            hint = "Go to the folder where you tuned, or name a store with --store. modelwright tune makes one."
            raise StoreError("there is no store here", where=shown, hint=hint)
        raise StoreError("there is no store", where=shown, hint="Check the path given with --store.")
    if not path.is_file():
        raise StoreError("this is not a file", where=shown, hint="A store is an SQLite file: FOLDER/studies.db.")
    _check_ours(path)


def _check_ours(path: Path) -> None:
    tables = _tables(path)
    if "modelwright_schema" in tables:
        return
    if {"studies", "trial_params"} <= tables:
        raise StoreError("this file belongs to Optuna", where=str(path), hint="Run: modelwright import-optuna FILE")
    raise StoreError("this file holds no studies of Modelwright", where=str(path), hint="Name another file.")


def _tables(path: Path) -> set[str]:
    """Names of the tables in an SQLite file, read without leaving a trace."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        hint = "Check the path and its permissions."
        raise StoreError(f"cannot be read: {error}", where=str(path), hint=hint) from error


def find_study(store: Store, name: str) -> StudyRecord:
    """The study of that name.

    Raises:
        StudyError: there is none; the message names those that are alike, or the latest ones.
    """
    found = store.find(name)
    if found is not None:
        return found
    known = [record.name for record in store.studies()]
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    guess = " or ".join(repr(folded[other]) for other in near)
    latest = ", ".join(map(repr, known[-5:]))
    hint = f"Did you mean {guess}?" if near else f"The latest are {latest}." if known else "The store is empty."
    raise StudyError(f"there is no study {name!r}", where=store.location, hint=hint)


def view_of(store: Store, record: StudyRecord, *, space: bool = True) -> StudyView:
    """What is known of a stored study: the state that is kept, and what was added since; use it while it is open.

    Args:
        space: whether to fold the space too; listings do without.

    Raises:
        StoreError: its events are not understood.
    """
    definition = record.definition
    history, tree = _folded(store, record, space)
    best = history.best()
    budget = definition.get("budget") or {}
    return StudyView(
        name=record.name,
        history=history,
        space=tree,
        strategy=str(definition.get("strategy", "")),
        trials=budget.get("trials"),
        seconds=budget.get("seconds"),
        seed=definition.get("seed"),
        store=store.location,
        subject=str(definition.get("subject", "")),
        unit=str(definition.get("unit", "step")),
        stages=stages_of(definition.get("stages")),
        by_default=definition.get("kind") == "nas",
        model=str(best.facts.get("summary", "")) if best is not None else "",
    )


def _folded(store: Store, record: StudyRecord, space: bool) -> tuple[History, Any]:
    history, tree = _kept(store, record, space)
    try:
        for event, at in store.load(record.id, after=len(history)):
            history.extend([event], at)
            if tree is not None:
                tree = _grown(tree, event)
    except StoreError:
        raise
    except (ModelwrightError, ValueError, TypeError, KeyError, IndexError, AssertionError) as error:
        where = f"study {record.name!r} in {store.location}"
        hint = error.hint if isinstance(error, ModelwrightError) else "It was written by another version, or damaged."
        what = error.what if isinstance(error, ModelwrightError) else f"{type(error).__name__}: {error}"
        raise StoreError(f"cannot be read: {what}", where=where, hint=hint) from error
    return history, tree


def _kept(store: Store, record: StudyRecord, space: bool) -> tuple[History, Any]:
    """The state that is kept in the store; an empty one where there is none, or it is of no use.

    Its events are got when somebody asks for them: as long as the store is open.
    """
    history = History(objectives_of(record.definition))
    history.fetch_from(lambda: store.load(record.id))
    tree: Any = _empty_tree() if space else None
    try:
        learned = recalled(store, record.id, history)
        if tree is not None and learned is not None:
            for parameters in history.grown:
                tree = tree.grow(parameters)
            tree = tree.recall(learned)
    except UNUSABLE:
        return History(history.objectives), _empty_tree() if space else None
    return history, tree


def best_of(view: StudyView) -> Row | None:
    """The trial that ``Study.best`` is: confirmed values count before others."""
    return view.history.best()


def objectives_of(definition: Any) -> tuple[Objective, ...]:
    """The objectives that a study's definition names."""
    named = tuple(Objective(name, direction) for name, direction in definition.get("objectives") or ())
    return named or (Objective("value", "min"),)


def _empty_tree() -> Any:
    from modelwright.space import Tree

    return Tree()


def _grown(tree: Any, event: r.Event) -> Any:
    """The space after ``event``; None once something in it is not understood: the trials still are."""
    try:
        if isinstance(event, r.Grew):
            return tree.grow(event.parameters)
        if isinstance(event, r.Configured):
            return tree.learn(event.config)
    except ModelwrightError:
        return None
    return tree
