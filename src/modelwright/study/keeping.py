"""Which files of a study stay on disk: the models of the best few, the checkpoints of trials that may go on."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from modelwright.core import records as r
from modelwright.core.history import History, Row, usable

#: Models that stay, besides those of trials that are not over.
MODELS = 5


class Keeping:
    """An observer that removes what nobody will ask for again.

    A model goes when ``models`` trials are better at the same or a higher fidelity; a checkpoint goes when its trial
    is over or has a newer one. Facts are never removed, only files.

    Args:
        folder: the study's folder, to which the paths of artifacts are relative.
    """

    def __init__(self, history: History, folder: Path, models: int = MODELS):
        self._history, self._folder, self._models = history, folder, models
        self._with_model = {row.number for row in history.rows if "model" in row.artifacts and self._is(row, "model")}

    def events(self, events: Sequence[r.Event]) -> None:
        """Tidy up after each segment that ended."""
        for event in events:
            if isinstance(event, r.Finished):
                self._after(self._history.rows[event.number], event)

    def _after(self, row: Row, event: r.Finished) -> None:
        checkpoint = row.artifacts.get("checkpoint")
        trial = self._folder / f"trial-{row.number:05d}"
        current = self._folder / checkpoint.path if checkpoint is not None and not row.terminal else None
        for path in trial.glob("*.ckpt") if trial.exists() else ():
            if path != current:
                _remove(path)
        if "model" in event.artifacts:
            self._with_model.add(row.number)
        rows = [self._history.rows[n] for n in self._with_model]
        made = self._history.objectives[0]
        ranked = sorted(
            rows, key=lambda t: (usable(t), t.fidelity, made.score(t.values[0]) if t.values else 0.0), reverse=True
        )
        for row in ranked[self._models :]:
            _remove(self._folder / row.artifacts["model"].path)
            self._with_model.discard(row.number)

    def _is(self, row: Row, name: str) -> bool:
        return (self._folder / row.artifacts[name].path).exists()


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
