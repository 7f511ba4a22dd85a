"""The folded state of a study, kept in its store: opening a long study need not fold every event again.

The events remain the only truth. What is kept is a function of them, is checked against them, and is thrown away
whenever it does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.errors import ModelwrightError, StoreError
from modelwright.core.history import PAGE, History, Row
from modelwright.core.snapshot import FORM, head_of, restored, rows_of, texts
from modelwright.store.base import Store, StudyRecord
from modelwright.strategy.base import Strategy
from modelwright.study.machine import Machine

#: The state is kept anew after so many events.
EVERY = 2048


#: What is raised by what is kept and cannot be used.
UNUSABLE = (ValueError, KeyError, TypeError, IndexError, ModelwrightError)


class Folded:
    """Keeps the state of ``machine`` in ``store`` from time to time, and gets it back.

    A strategy that folds events itself (one that overrides ``Strategy.observe``) has them all folded again instead.
    """

    def __init__(self, machine: Machine, store: Store, study: int):
        self._machine, self._store, self._study = machine, store, study
        space: Any = machine.space
        own = type(machine.setup.strategy).observe is not Strategy.observe
        self._able = store.keeps and not own and hasattr(space, "learned")
        self._at = 0
        #: What lies in the store was found to be unusable: all of it is written again.
        self._spoilt = False

    def recall(self) -> None:
        """Put what is kept into a machine that has folded nothing yet; nothing where it does not fit the events."""
        history = self._machine.history
        history.fetch_from(lambda: self._store.load(self._study))
        if not self._able:
            return
        try:
            learned = recalled(self._store, self._study, history)
            if learned is not None:
                self._machine.recall(learned)
                self._at = len(history)
        except UNUSABLE:
            self._spoilt = True

    def keep(self, *, ending: bool = False) -> None:
        """Keep the state when there are ``EVERY`` new events since it was kept last, by whomever; a few when ending.

        A store that refuses is asked again later: facts that it refuses are told, a cache need not be.
        """
        history, least = self._machine.history, EVERY // 4 if ending else EVERY
        if not self._able or len(history) - self._at < least:
            return
        self._at = len(history)
        space: Any = self._machine.space
        try:
            since = self._store.kept_count(self._study, FORM)
            if len(history) - since < least:
                self._at = since
                return
            parts = texts(history, 0 if self._spoilt else since, learned=space.learned())
            kept = self._store.keep(self._study, FORM, parts, count=len(history), since=since)
        except StoreError:
            return
        if kept:
            self._spoilt = False
            history.put_away(len(history))


def recalled(store: Store, study: int, history: History) -> Mapping[str, Any] | None:
    """Put what is kept into a history that has folded nothing yet; events behind it are the caller's to fold.

    Returns:
        What the space had learned, for ``Tree.recall``; None when nothing is kept.

    Raises:
        UNUSABLE: what is kept is damaged, or not of these events.
    """
    parts = dict(store.kept(study, FORM))
    if not parts:
        return None
    count = int(head_of(parts)["count"])
    last = next(iter(store.load(study, after=count - 1)), (None, 0.0))[0]
    return restored(history, parts, last)["learned"]


def trials(store: Store, record: StudyRecord, first: int = 0, count: int = PAGE) -> list[Row] | None:
    """Trials ``first`` to ``first + count`` of a stored study as they were when its state was kept last.

    Returns:
        None when nothing is kept, or what is kept is damaged: then the study has to be opened.
    """
    pages = range(first // PAGE, (first + count - 1) // PAGE + 1)
    found = dict(store.kept(record.id, FORM, [f"rows/{page}" for page in pages]))
    if not found:
        return None
    try:
        rows = [row for page in pages if (text := found.get(f"rows/{page}")) for row in rows_of(text)]
    except (ValueError, TypeError):
        return None
    return [row for row in rows if first <= row.number < first + count]
