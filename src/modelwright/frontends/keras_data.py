"""Data of a Keras study: checks before the first epoch, folds, and all rows together for the final training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError

#: Data and further fit arguments of one fold.
Holdout = tuple[tuple[Any, ...], dict[str, Any]]


def _leaves(data: Any) -> list[Any]:
    if isinstance(data, Mapping):
        return [leaf for value in data.values() for leaf in _leaves(value)]
    if isinstance(data, (list, tuple)) and any(hasattr(v, "shape") for v in data):
        return [leaf for value in data for leaf in _leaves(value)]
    return [data] if hasattr(data, "shape") else []


def rows(data: Any) -> int | None:
    """Number of rows of arrays, or None for data that are no arrays."""
    leaves = _leaves(data)
    return int(leaves[0].shape[0]) if leaves and len(leaves[0].shape) else None


def take(data: Any, index: Any) -> Any:
    """The rows ``index`` of every array in ``data``."""
    if isinstance(data, Mapping):
        return {name: take(value, index) for name, value in data.items()}
    if isinstance(data, (list, tuple)) and any(hasattr(v, "shape") for v in data):
        return type(data)(take(value, index) for value in data)
    array: Any = data
    return array.iloc[index] if hasattr(array, "iloc") else array[index]


def join(first: Any, second: Any) -> Any:
    """The rows of both, in order."""
    if isinstance(first, Mapping):
        return {name: join(value, second[name]) for name, value in first.items()}
    if isinstance(first, (list, tuple)) and any(hasattr(v, "shape") for v in first):
        return type(first)(join(a, b) for a, b in zip(first, second, strict=True))
    return np.concatenate([np.asarray(first), np.asarray(second)])


def check_arrays(data: Sequence[Any], arguments: Mapping[str, Any]) -> None:
    """Refuse arrays that cannot be trained on, with the sizes and what was expected.

    Raises:
        ArgumentError: different numbers of rows, no rows, or a validation split that leaves nothing.
    """
    for part, name in zip(data, ("x", "y", "sample_weight"), strict=False):
        _check_kind(part, name)
    if len(data) == 1 and rows(data[0]) is not None and arguments.get("y") is None:
        raise ArgumentError("y is missing", where="data", hint="Pass the targets too: mw.tune(build, x, y, ...).")
    counts = [n for part in data[:3] for n in [rows(part)] if n is not None]
    if len(set(counts)) > 1:
        raise ArgumentError(f"x and y have different numbers of rows: {counts}", where="data", hint="Check the order.")
    if counts and counts[0] == 0:
        raise ArgumentError("the data have no rows", where="data")
    split = arguments.get("validation_split")
    if split is not None:
        if not 0 < split < 1:
            raise ArgumentError(f"validation_split={split!r}", where="tune", allowed="a number between 0 and 1")
        if arguments.get("validation_data") is not None:
            raise ArgumentError("validation_split and validation_data were both given", where="tune", hint="Drop one.")
        if not counts:
            raise ArgumentError(
                f"validation_split needs arrays, got a {type(data[0]).__name__ if data else 'nothing'}",
                where="data",
                hint="Pass validation_data=... instead.",
            )
        if int(counts[0] * (1 - split)) < 1 or counts[0] - int(counts[0] * (1 - split)) < 1:
            raise ArgumentError(
                f"validation_split={split} of {counts[0]} rows leaves nothing to train or to validate on", where="data"
            )


def _check_kind(part: Any, name: str) -> None:
    if hasattr(part, "__next__"):
        raise ArgumentError(
            f"{name} is a generator, which the first trial would use up",
            where="data",
            hint="Pass arrays, a keras.utils.PyDataset or a tf.data.Dataset.",
        )
    for leaf in _leaves(part):
        kind = getattr(getattr(leaf, "dtype", None), "kind", "f")
        if kind in "OSU":
            raise ArgumentError(
                f"{name} holds {'objects' if kind == 'O' else 'text'} (dtype {leaf.dtype}), no numbers",
                where="data",
                hint="Encode it as numbers first.",
            )


def folds(data: Sequence[Any], cv: Any, seed: int) -> list[Holdout]:
    """Data and ``validation_data`` of each fold.

    Args:
        cv: number of folds (rows are shuffled with ``seed``), a splitter with ``split(x, y)``, or an iterable of
            (train, validation) row numbers.

    >>> x = np.arange(6.0)
    >>> [len(extra["validation_data"][0]) for _, extra in folds((x, x), 3, 0)]
    [2, 2, 2]
    """
    x, y = data[0], data[1] if len(data) > 1 else None
    count = rows(x)
    if count is None:
        raise ArgumentError("cross-validation needs arrays", where="cv", hint="Pass numpy arrays, or leave cv out.")
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        if not 2 <= cv <= count:
            raise ArgumentError(f"cv={cv}", where="tune", allowed=f"2 to {count} folds")
        order = np.random.default_rng(seed).permutation(count)
        parts = np.array_split(order, int(cv))
        pairs = [(np.sort(np.concatenate(parts[:i] + parts[i + 1 :])), np.sort(parts[i])) for i in range(int(cv))]
    else:
        given: Any = cv
        pairs = list(given.split(np.zeros(count), y) if hasattr(given, "split") else given)
    made: list[Holdout] = []
    for train, held in pairs:
        held_out = tuple(take(part, held) for part in data)
        made.append((tuple(take(part, train) for part in data), {"validation_data": held_out}))
    return made


def all_rows(data: Sequence[Any], arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Training and validation rows together, and fit arguments without validation.

    Callbacks that watch a ``val_`` metric are left out, for there is none.
    """
    kept = {k: v for k, v in arguments.items() if k not in ("validation_split", "validation_data", "validation_freq")}
    kept["callbacks"] = [
        c for c in kept.get("callbacks") or () if not str(getattr(c, "monitor", "")).startswith("val_")
    ]
    held = arguments.get("validation_data")
    both = tuple(data)
    if isinstance(held, (list, tuple)) and len(held) == len(data) and all(rows(p) is not None for p in both):
        both = tuple(join(a, b) for a, b in zip(data, held, strict=True))
    return both, kept
