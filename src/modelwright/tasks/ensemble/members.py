"""Members: a fitted model with the features that it takes, kept as JSON and arrays. Knows no trial and no ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.tasks import learners
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features import recipe as recipes
from modelwright.tasks.features.matrix import Matrix
from modelwright.training.checkpoint import read_checkpoint, save_checkpoint

_FEATURES, _MODEL = "features/", "model/"
#: Marks an array that stands for bytes.
_BYTES = "bytes:"


@dataclass(frozen=True, slots=True)
class Member:
    """A model that can predict.

    Attributes:
        learner: its name.
        config: what was decided of it.
        features: the fitted recipe.
        model: the fitted model.
    """

    learner: str
    config: Mapping[str, Any]
    features: recipes.Fitted
    model: learners.Fitted

    def matrix(self, frame: Frame) -> Matrix:
        """The features of rows."""
        return self.features.transform(frame)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """JSON and arrays."""
        features, held = self.features.state()
        model, arrays = self.model.state()
        body = {
            "learner": self.learner,
            "config": dict(self.config),
            "kind": self.model.kind,
            "features": features,
            "model": model,
            "facts": dict(self.model.facts),
        }
        return body, {**_named(_FEATURES, held), **_named(_MODEL, arrays)}

    @classmethod
    def restore(cls, body: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, trust: bool = False) -> Member:
        """The inverse of ``state``; ``trust`` as in ``learners.restore``."""
        features = recipes.Fitted.restore(body["features"], under(_FEATURES, arrays))
        return cls.of(body, features, under(_MODEL, arrays), trust=trust)

    @classmethod
    def of(
        cls, body: Mapping[str, Any], features: recipes.Fitted, arrays: Mapping[str, Any], *, trust: bool = False
    ) -> Member:
        """A member with these features, and the arrays of its model alone."""
        model = learners.restore(body["kind"], body["model"], arrays, trust=trust)
        return cls(body["learner"], body["config"], features, model)


def _named(prefix: str, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    found = {}
    for name, value in arrays.items():
        if isinstance(value, bytes | bytearray):
            found[f"{prefix}{_BYTES}{name}"] = np.frombuffer(bytes(value), np.uint8)
        else:
            found[f"{prefix}{name}"] = np.asarray(value)
    return found


def under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The arrays whose names begin with ``prefix``, without it; bytes where they stand for such.

    >>> under("model/", {"model/bytes:raw": np.frombuffer(b"ab", np.uint8), "features/x": np.zeros(1)})
    {'raw': b'ab'}
    """
    found: dict[str, Any] = {}
    for name, value in arrays.items():
        if name.startswith(prefix):
            name = name[len(prefix) :]
            is_bytes = name.startswith(_BYTES)
            found[name[len(_BYTES) :] if is_bytes else name] = value.tobytes() if is_bytes else value
    return found


def save_member(sink: Any, member: Member) -> None:
    """Write a member to a file that is being kept."""
    body, arrays = member.state()
    save_checkpoint(sink, arrays, body)


def read_member(path: Path, sha256: str = "") -> Member:
    """The member in a file of a study that this user's own fit wrote.

    Raises:
        StoreError: the file is gone, or is not what was written.
    """
    arrays, body = read_checkpoint(path, sha256=sha256)
    return Member.restore(body, arrays, trust=True)
