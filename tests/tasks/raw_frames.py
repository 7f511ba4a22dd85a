"""Frames to fit features on, made by hand."""

from __future__ import annotations

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features import Matrix


def mixed(rows=300, seed=0):
    """A frame with every kind of column: missing values, a constant, many levels."""
    rng = np.random.default_rng(seed)
    number = rng.normal(size=rows)
    number[rng.random(rows) < 0.1] = np.nan
    numbers = {
        "number": number,
        "skewed": np.exp(2 * rng.normal(size=rows)),
        "flag": (rng.random(rows) < 0.3).astype(float),
        "when": 1.5e9 + np.floor(rng.random(rows) * 1e8),
        "until": 1.6e9 + np.floor(rng.random(rows) * 1e8),
        "empty": np.full(rows, np.nan),
        "same": np.full(rows, 7.0),
    }
    many = np.minimum((rng.pareto(1.0, rows) * 5).astype(np.int32), 60)
    codes = {
        "few": rng.integers(-1, 4, rows).astype(np.int32),
        "many": many,
        "grade": rng.integers(-1, 5, rows).astype(np.int32),
    }
    words = np.array(["senior clerk", "clerk", "police officer", "bus driver", "Bus operator", "nurse", ""], object)
    spelled = np.empty(rows, object)
    spelled[:] = [f"level {code}" for code in many]
    kinds = dict.fromkeys(numbers, "number") | {"flag": "boolean", "when": "datetime", "until": "datetime"}
    return Frame(
        rows,
        numbers,
        codes,
        {"title": words[rng.integers(0, len(words), rows)]},
        kinds=kinds | {"few": "category", "many": "category", "grade": "ordinal", "title": "text"},
        levels={
            "few": tuple("abcd"),
            "many": tuple(f"level {n}" for n in range(60)),
            "grade": ("low", "fair", "good", "high", "top"),
        },
        spellings={"many": spelled},
    )


def target(frame, task, seed=0):
    """A target that the columns say something about."""
    rng = np.random.default_rng(seed)
    score = np.nan_to_num(frame.numbers["number"]) + 0.6 * (frame.codes["few"] == 1) + 0.02 * frame.codes["many"]
    score = score + 0.5 * rng.normal(size=frame.rows)
    if task == "regression":
        return score * 3 + 10
    if task == "binary":
        return (score > np.median(score)).astype(np.int64)
    return np.digitize(score, np.quantile(score, [0.4, 0.75])).astype(np.int64)


def simple(values):
    """A matrix of these values, each column a feature."""
    values = np.asarray(values, np.float32)
    names = tuple(f"x{k}" for k in range(values.shape[1]))
    return Matrix(values=values, names=names, sources=tuple((name,) for name in names))
