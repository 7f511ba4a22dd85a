"""The data checks of a fit: the quick ones before training, those that fit models beside it. Says what was not made."""

from __future__ import annotations

import threading
from collections.abc import Callable

from modelwright.api.engine import Engine
from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.wording import warn_caller
from modelwright.tasks.account.decisions import Decision, decision
from modelwright.tasks.checks import COSTLY, LEAKS, NAMES, Check, by_status, skipped
from modelwright.tasks.search.gathered import Gathered, checked

#: Kind of the note that holds what an earlier part of the same fit found.
KIND = "checks"
_QUICK = tuple(name for name in NAMES if name not in COSTLY)
_LATE, _HURRIED = "the time was up", "the fit was to end"
#: Share of the seconds that checks may take, and the least of it that is worth beginning with those that fit models.
_SHARE, _WORTH = 0.05, 0.2
#: Seconds that those which fit models have beside the search, and such a share of all where that is less: leaks are
#: found in them, and a model that leaks is worth nothing.
_LEAST, _LEAST_SHARE = 1.5, 0.15
#: Share of what is left that looking for leaks may take where a candidate is almost without error; when it is that.
_SUSPICIOUS, _PERFECT = 0.5, 0.01
#: Seconds between two looks for the first candidate.
_PAUSE = 0.1
#: Seconds that the quick ones may keep the first model waiting; those that were not reached are made beside the search.
_BEFORE = 0.5


class Checking:
    """See the module.

    Args:
        seconds: for the whole fit; None where it is bounded by trials.
        left: seconds until the fit has to be ready.
    """

    def __init__(self, data: Gathered, seed: int, seconds: float | None, left: Callable[[], float]):
        self._data, self._seed, self._seconds, self._left = data, seed, seconds, left
        self._found: list[Check] = []
        self._beside: list[Check] = []
        self._broken: list[Exception] = []
        self._rest = COSTLY
        self._thread: threading.Thread | None = None
        self._history: History | None = None
        self._over = threading.Event()

    def begin(self, history: History) -> None:
        """What an earlier part of the same fit found, or else the quick checks; then the others beside the search."""
        self._history = history
        self._found = _earlier(history)
        if self._found:
            return
        share = self._share()
        self._found = self._checked(_QUICK, None if share is None else min(share, _BEFORE))
        if self._broken or (share is not None and share < _WORTH):
            self._found += skipped(COSTLY, _LATE)
            return
        late = {one.name for one in self._found if one.status == "skipped"}
        self._rest = tuple(name for name in NAMES if name in COSTLY or name in late)
        self._found = [one for one in self._found if one.name not in late]
        self._thread = threading.Thread(target=self._look, name="modelwright-checks", daemon=True)
        self._thread.start()

    def end(self, engine: Engine, *, hurried: bool = False) -> list[Check]:
        """All that was found, once the model is there; kept for a fit that goes on, if nothing is missing.

        Args:
            hurried: whether what is not there yet is left out: somebody wants the fit to end.
        """
        self._over.set()
        if self._thread is not None:
            self._thread.join(0.0 if hurried else None if self._seconds is None else max(0.0, self._left()))
            late = self._thread.is_alive()
            rest = skipped(self._rest, _HURRIED if hurried else _LATE) if late else self._beside
            self._found = sorted([*self._found, *rest], key=by_status)
            self._thread = None
            if not late and not any(one.status == "skipped" for one in self._found):
                engine.write([r.Noted(kind=KIND, data={"found": [one.to_json() for one in self._found]})])
        if self._broken:
            warn_caller(f"the data checks ended early: {self._broken[0]}")
        return self._found

    def _share(self) -> float | None:
        return None if self._seconds is None else max(0.0, min(_SHARE * self._seconds, self._left()))

    def _look(self) -> None:
        share = self._share()
        if self._seconds is not None and share is not None:
            share = max(share, _WORTH, min(_LEAST, _LEAST_SHARE * self._seconds))
        self._beside = self._checked(self._rest, share)
        late = [one.name for one in self._beside if one.status == "skipped" and one.name in LEAKS]
        if late and self._seconds is not None and not self._broken and self._suspicious():
            found = self._checked(LEAKS, max(_WORTH, _SUSPICIOUS * self._left()))
            self._beside = [*(one for one in self._beside if one.name not in LEAKS), *found]

    def _suspicious(self) -> bool:
        """Whether a candidate is almost without error, once there is one: seldom is that by merit."""
        best, history = float(self._data.metric.higher), self._history
        unit = float(self._data.y.std()) if self._data.target.task == "regression" and not best else 1.0
        while history is not None and not self._over.is_set():
            scores = [one for row in list(history.rows) for one in row.facts.get("scores") or () if one is not None]
            if scores:
                return any(abs(one - best) <= _PERFECT * unit for one in scores)
            self._over.wait(_PAUSE)
        return False

    def _checked(self, names: tuple[str, ...], seconds: float | None) -> list[Check]:
        if seconds == 0:
            return skipped(names, _LATE)
        try:
            return checked(self._data, names, seed=self._seed, seconds=seconds)
        except Exception as error:  # a fit does not end for a check; the warning at its end says so
            self._broken.append(error)
            return skipped(names, f"{type(error).__name__}: {error}")


def _earlier(history: History) -> list[Check]:
    """What the same fit found in a call before; nothing is missing in that."""
    for note in reversed(history.notes):
        if note.kind == KIND:
            return [Check(**one) for one in note.data["found"]]
    return []


def not_made(found: list[Check]) -> list[Decision]:
    """The decision not to wait for checks."""
    names = list(dict.fromkeys(one.name for one in found if one.status == "skipped"))
    if not names:
        return []
    said = f"{', '.join(names)} not looked at, or not at all of it"
    undo = "seconds=, or modelwright check TABLE --target ..."
    bought = "time for candidates; what they would have found nobody knows"
    return [decision("checks", said, "there was no time for it", undo, bought)]
