"""Models that trials left on disk: reading them back, after their hash was checked."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
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


def load_model(path: Path, kept: Artifact, rebuild: Callable[[], Any] | None = None) -> Any:
    """The Keras model in ``path``; needs neither the user's code nor Modelwright's, except for classes of their own.

    Args:
        rebuild: makes a fresh model of the same configuration, for one that Keras cannot save or load by itself.

    Raises:
        StudyError: the file is gone or is not what was written, or the model's class is unknown and there is no
            ``rebuild``.
    """
    if not path.exists():
        raise StudyError("the model's file is gone", where=str(path), hint="study.refit() trains it again.")
    if kept.sha256 and artifact_of(path, path.parent).sha256 != kept.sha256:
        raise StudyError(
            "the model's file was altered since it was written", where=str(path), hint="study.refit() trains it again."
        )
    from modelwright.training.keras_backend import ensure_backend

    keras = ensure_backend()
    try:
        if path.suffix == ".keras":
            return keras.saving.load_model(path)
        why = "its class has no get_config, so its weights alone were kept"
    except (NotImplementedError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())[:300]
    if rebuild is not None:
        return _with_weights(rebuild(), path)
    raise StudyError(
        f"Keras cannot make the model by itself: {why}",
        where=str(path),
        hint="Ask in the process that tuned it, or after mw.tune(..., name=...) went on with the study: the model is "
        "built by your own code there. Classes marked with @keras.saving.register_keras_serializable() and a "
        "get_config load everywhere.",
    )


def _with_weights(model: Any, path: Path) -> Any:
    from modelwright.training import keras_state as st
    from modelwright.training.checkpoint import read_checkpoint

    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        st.build(model, config.get("build_config"))
        model.load_weights(path)
        return model
    arrays, state = read_checkpoint(path)
    st.build(model, state["build"])
    st.write_state(model, arrays, ("trainable", "non_trainable"))
    return model
