"""Tells TensorBoard: a folder of event files, one for each trial, with its curves and its row in the HParams table.

Writes the files itself: neither TensorFlow nor TensorBoard nor protobuf is needed to write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelwright.trackers.base import TrackedStudy, TrackedTrial
from modelwright.trackers.event_file import EventFile

#: How a session ends in TensorBoard's words.
_SUCCESS, _FAILURE = 1, 2


class TensorBoard:
    """A tracker for TensorBoard, with its HParams dashboard. Look at it with ``tensorboard --logdir FOLDER``.

    Args:
        folder: where the event files go; ``tensorboard`` in the study's own folder by default.
    """

    def __init__(self, folder: str | Path | None = None):
        self._folder = Path(folder) if folder is not None else None
        self._study: TrackedStudy | None = None
        self._files: dict[int, EventFile] = {}

    def start(self, study: TrackedStudy) -> None:
        """Make the folder."""
        self._study = study
        self._folder = self._folder or study.folder / "tensorboard"
        self._folder.mkdir(parents=True, exist_ok=True)

    def started(self, trial: TrackedTrial) -> None:
        """Begin the trial's file with its hyperparameters."""
        self._file(trial)

    def _file(self, trial: TrackedTrial) -> EventFile:
        assert self._folder is not None and self._study is not None
        file = self._files.get(trial.number)
        if file is None:
            file = self._files[trial.number] = EventFile(self._folder / f"trial-{trial.number:05d}", trial.at)
            file.hparams(trial.config, f"trial-{trial.number:05d}", trial.at)
        return file

    def reported(self, trial: TrackedTrial, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics of a step."""
        self._file(trial).scalars(metrics, step, trial.at)

    def finished(self, trial: TrackedTrial) -> None:
        """The hyperparameters again, all of them now; the values of the best step; and the end."""
        assert self._study is not None
        file = self._file(trial)
        file.hparams(trial.config, f"trial-{trial.number:05d}", trial.at)
        best = dict(trial.metrics)
        if trial.values is not None:
            best |= {name: value for (name, _), value in zip(self._study.objectives, trial.values)}
        file.scalars(trial.named(best), 0, trial.at)
        ended_well = trial.state in ("complete", "pruned", "paused")
        file.ended(_SUCCESS if ended_well else _FAILURE, trial.at)
        file.close()
        del self._files[trial.number]

    def close(self) -> None:
        """Close what trials that did not end left open."""
        for file in self._files.values():
            file.close()
        self._files.clear()
