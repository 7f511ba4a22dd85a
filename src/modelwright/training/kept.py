"""Models that trials left on disk: reading them back, after their hash was checked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modelwright.core.errors import StudyError
from modelwright.core.records import Artifact


def artifact_of(path: Path, root: Path) -> Artifact:
    """The record of a finished file below ``root``, the study's folder."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return Artifact(path=str(path.relative_to(root)), sha256=digest.hexdigest(), size=path.stat().st_size)


def load_model(path: Path, kept: Artifact) -> Any:
    """The Keras model in ``path``; needs neither the user's code nor Modelwright's, except for custom layers.

    Raises:
        StudyError: the file is gone or is not what was written.
    """
    if not path.exists():
        raise StudyError("the model's file is gone", where=str(path), hint="study.refit() trains it again.")
    if kept.sha256 and artifact_of(path, path.parent).sha256 != kept.sha256:
        raise StudyError(
            "the model's file was altered since it was written", where=str(path), hint="study.refit() trains it again."
        )
    from modelwright.training.keras_backend import ensure_backend

    keras = ensure_backend()
    return keras.saving.load_model(path)
