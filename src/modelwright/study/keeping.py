"""Which files of a study stay: models of the best few, checkpoints of trials that may go on, and what a user pinned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelwright.core import records as r
from modelwright.core.history import History, Row, has_value
from modelwright.store.artifacts import Artifacts

#: Models that stay, besides those of trials that are not over.
MODELS = 5
#: Seconds for which a file that no event names is left alone: its trial may be about to end.
GRACE = 3600.0


@dataclass(frozen=True, slots=True)
class Waste:
    """A file that nobody will ask for again: where it lies, its bytes, and why it goes."""

    path: str
    size: int
    why: str


class Keeping:
    """An observer that removes what nobody will ask for again. Facts are never removed, only files.

    A model goes when ``models`` trials are better at the same or a higher fidelity. Of a trial that may go on, the last
    two checkpoints stay; those of one that is over go. What is pinned stays. Over ``limit`` bytes more goes: first
    checkpoints before the last, then models from the worst, then checkpoints of paused trials from the worst; but never
    the best model, what is pinned, or the last checkpoint of a trial that is running.

    Args:
        artifacts: the study's files.
        limit: bytes that all of them may take, or None.
    """

    def __init__(self, history: History, artifacts: Artifacts, *, limit: int | None = None, models: int = MODELS):
        self._history, self._artifacts, self._limit, self._models = history, artifacts, limit, models
        #: Files that are there, of each trial that has any.
        self._known: dict[int, set[str]] = {}
        there = artifacts.stored()
        for row in history.rows:
            self._take(row.number, {name: kept for name, kept in row.artifacts.items() if kept.path in there})

    def events(self, events: Sequence[r.Event]) -> None:
        """Tidy up after each segment that ended."""
        for event in events:
            if isinstance(event, r.Finished):
                self._take(event.number, event.artifacts)
                self._drop()

    def unneeded(self, grace: float = GRACE) -> list[Waste]:
        """All files that are not needed; those that no event names only when they are older than ``grace`` seconds."""
        stored, live = self._artifacts.stored(), self._live()
        named = {kept.path for row in self._history.rows for kept in row.artifacts.values()}
        found = []
        for path, one in stored.items():
            if path in live or (path not in named and one.age < grace):
                continue
            why = "never finished" if one.draft else "no longer needed" if path in named else "no trial names it"
            found.append(Waste(path, one.size, why))
        return found

    def sweep(self, grace: float = GRACE) -> list[Waste]:
        """Remove all files that are not needed; which those were."""
        found = self.unneeded(grace)
        for one in found:
            self._artifacts.remove(one.path)
        return found

    # --- what is needed ----------------------------------------------------------------------------

    def _take(self, number: int, artifacts: Mapping[str, r.Artifact]) -> None:
        paths = {kept.path for kept in artifacts.values() if kept.path}
        if paths:
            self._known.setdefault(number, set()).update(paths)

    def _drop(self) -> None:
        """Remove what the end of a segment made superfluous: of its trial, and models of others."""
        live = self._live()
        for number, paths in list(self._known.items()):
            for path in paths - live.keys():
                self._artifacts.remove(path)
            paths &= live.keys()
            if not paths:
                del self._known[number]

    def _live(self) -> dict[str, r.Artifact]:
        """What stays, by path."""
        stays_anyway, ranked = pinned(self._history), self._ranked()
        best = {row.number for row in ranked[: self._models]}
        live: dict[str, r.Artifact] = {}
        for row in self._rows():
            for name, kept in row.artifacts.items():
                stays = row.number in best if name == "model" else not row.terminal
                if kept.path and (stays or row.number in stays_anyway):
                    live[kept.path] = kept
        if self._limit is not None:
            self._shrink(live, stays_anyway, ranked)
        return live

    def _rows(self) -> list[Row]:
        """Trials that have files."""
        return [self._history.rows[number] for number in sorted(self._known)]

    def _shrink(self, live: dict[str, r.Artifact], fixed: set[int], ranked: Sequence[Row]) -> None:
        total = sum(kept.size for kept in live.values())
        for kept in self._dispensable(fixed, ranked):
            if total <= (self._limit or 0):
                return
            if live.pop(kept.path, None) is not None:
                total -= kept.size

    def _dispensable(self, fixed: set[int], ranked: Sequence[Row]) -> Iterator[r.Artifact]:
        """What may go for want of room, the least needed first."""
        rows = [row for row in self._rows() if row.number not in fixed]
        yield from (row.artifacts[r.EARLIER] for row in rows if r.EARLIER in row.artifacts)
        worst = [row for row in reversed(ranked[1:]) if row.number not in fixed]
        yield from (row.artifacts["model"] for row in worst)
        paused = sorted((row for row in rows if row.state == "paused"), key=self._merit)
        yield from (row.artifacts["checkpoint"] for row in paused if "checkpoint" in row.artifacts)

    def _ranked(self) -> list[Row]:
        """Trials whose model is there, the best first."""
        there = [
            row
            for row in self._rows()
            if "model" in row.artifacts and row.artifacts["model"].path in self._known[row.number]
        ]
        return sorted(there, key=self._merit, reverse=True)

    def _merit(self, row: Row) -> tuple[bool, float, float]:
        made = self._history.objectives[0]
        return has_value(row), row.valued, made.score(row.values[0]) if row.values else 0.0


def pinned(history: History) -> set[int]:
    """Trials whose files stay, by the word of the user."""
    last = {int(note.data["number"]): bool(note.data["pinned"]) for note in history.notes if note.kind == r.PIN}
    return {number for number, stays in last.items() if stays}
