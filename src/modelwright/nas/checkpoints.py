"""Checkpoints of networks: weights by layer and variable, and what is said of them, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.nas.weights import Weights
from modelwright.store.artifacts import Sink
from modelwright.training.checkpoint import read_checkpoint, save_checkpoint

_SLASH = "/"


def save(sink: Sink, learned: Weights, state: Mapping[str, Any]) -> None:
    """Write weights and what is said of them."""
    flat = {f"{layer}{_SLASH}{name}": value for layer, held in learned.items() for name, value in held.items()}
    save_checkpoint(sink, flat, state)


def read(path: Path, sha256: str) -> tuple[Weights, dict[str, Any]]:
    """Weights and what was said of them."""
    arrays, state = read_checkpoint(path, sha256=sha256)
    found: Weights = {}
    for key, value in arrays.items():
        layer, _, name = key.partition(_SLASH)
        found.setdefault(layer, {})[name] = np.asarray(value)
    return found, state
