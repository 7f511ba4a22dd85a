"""Data of a Keras study: checks before the first epoch, folds, and all rows together for the final training."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import a, counted
from modelwright.training.keras_callbacks import fresh_callbacks
from modelwright.training.keras_sources import (
    FUNCTION,
    GENERATOR,
    TF_DATA,
    chained,
    kind_of,
    length,
    takes_text,
    unsendable,
)

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
    if hasattr(array, "iloc"):
        return array.iloc[index]
    # TensorFlow's own have no rows by a list of numbers.
    return (np.asarray(array) if type(array).__module__.startswith("tensorflow.") else array)[index]


def join(first: Any, second: Any) -> Any:
    """The rows of both, in order."""
    if isinstance(first, Mapping):
        return {name: join(value, second[name]) for name, value in first.items()}
    if isinstance(first, (list, tuple)) and any(hasattr(v, "shape") for v in first):
        return type(first)(join(a, b) for a, b in zip(first, second, strict=True))
    if hasattr(first, "iloc") and hasattr(second, "iloc"):
        return sys.modules["pandas"].concat([first, second], ignore_index=True)
    return np.concatenate([np.asarray(first), np.asarray(second)])


def check_data(
    data: Sequence[Any], arguments: Mapping[str, Any], *, targets: bool = True, own_fit: bool = False
) -> None:
    """Refuse data that cannot be trained on, with the sizes and what was expected.

    What a function is going to make is looked at when it was made.

    Args:
        arguments: further arguments of ``model.fit``.
        targets: whether the model needs them beside arrays.
        own_fit: whether the user's own ``fit`` reads the data, which may be anything then.

    Raises:
        ArgumentError: different numbers of rows, no rows, text, a set that is not batched or never ends, arguments that
            a data set does not take, or a validation split that leaves nothing.
    """
    held = arguments.get("validation_data")
    _check_parts(data, "data", own_fit)
    if held is not None:
        _check_parts(held if isinstance(held, (list, tuple)) else (held,), "validation_data", own_fit)
    if own_fit:
        return
    kind = kind_of(data[0]) if data else ""
    if kind and kind != FUNCTION:
        _check_batched(data, arguments, kind)
    _check_endless(held, arguments, "validation_steps", "validation_data")
    alone = len(data) == 1 and rows(data[0]) is not None and arguments.get("y") is None
    if alone and targets:
        raise ArgumentError("y is missing", where="data", hint="Pass the targets too: mw.tune(build, x, y, ...).")
    split = arguments.get("validation_split")
    if split is not None and kind != FUNCTION:
        _check_split(split, data, arguments)


def _check_parts(parts: Sequence[Any], where: str, own_fit: bool) -> None:
    for part, name in zip(parts, ("x", "y", "sample_weight"), strict=False):
        _check_kind(part, name, where, text=own_fit or (name == "x" and takes_text()), anything=own_fit)
    counts = [int(leaf.shape[0]) for part in parts[:3] for leaf in _leaves(part) if len(leaf.shape)]
    if len(set(counts)) > 1:
        raise ArgumentError(f"x and y have different numbers of rows: {counts}", where=where, hint="Check the order.")
    if counts and counts[0] == 0:
        raise ArgumentError("the data have no rows", where=where)


def refuse_unsendable(data: Sequence[Any], arguments: Any) -> None:
    """Raise for data that no other process can be sent.

    Raises:
        ArgumentError: with the function that is to take their place.
    """
    held = arguments.get("validation_data") if isinstance(arguments, Mapping) else None
    found = unsendable([*data, *(held if isinstance(held, (list, tuple)) else [held])])
    if found:
        raise ArgumentError(
            f"{found} cannot be sent to worker processes",
            where="data",
            hint="Pass the function that makes it, without calling it: each process makes its own. Or use workers=1.",
        )


def _check_batched(data: Sequence[Any], arguments: Mapping[str, Any], kind: str) -> None:
    """A data set brings its targets and its batches."""
    named = [name for name in ("y", "sample_weight") if arguments.get(name) is not None]
    if len(data) > 1 or named:
        raise ArgumentError(
            f"{' and '.join(named) or 'y'} given beside {kind}, which brings its own",
            where="data",
            hint="Let it yield (x, y) or (x, y, sample_weight), and pass it alone.",
        )
    if arguments.get("batch_size") is not None:
        raise ArgumentError(
            f"batch_size has no effect on {kind}: it brings its own batches",
            where="tune",
            hint="Leave batch_size out; fit={'validation_batch_size': 64} is for validation arrays.",
        )
    if kind == TF_DATA:
        _check_spec(data[0])
    _check_endless(data[0], arguments, "steps_per_epoch", "data")


def _check_spec(data: Any) -> None:
    """A ``tf.data.Dataset`` of single rows, where that can be seen: Keras would take each row for a batch."""
    found = data.element_spec
    parts = [p.shape for p in found if hasattr(p, "shape")] if isinstance(found, tuple) else []
    if not parts or any(shape.rank is None for shape in parts):
        return
    known = {shape[0] for shape in parts if shape.rank and shape[0] is not None}
    if any(shape.rank == 0 for shape in parts) or (len(known) > 1 and len(parts) > 1):
        raise ArgumentError(
            f"the tf.data.Dataset is not batched: its elements have the shapes {[tuple(shape) for shape in parts]}",
            where="data",
            hint="Add .batch(32).",
        )


def _check_endless(part: Any, arguments: Mapping[str, Any], name: str, where: str) -> None:
    found = length(part)
    if found == -1 and arguments.get(name) is None:
        raise ArgumentError(
            f"{kind_of(part)} that never ends needs {name}", where=where, hint=f"Pass fit={{{name!r}: 100}}."
        )
    if found == 0:
        raise ArgumentError(f"{kind_of(part)} holds no batches", where=where)


def _check_split(split: Any, data: Sequence[Any], arguments: Mapping[str, Any]) -> None:
    if isinstance(split, bool) or not isinstance(split, (int, float, np.number)) or not 0 < split < 1:
        raise ArgumentError(f"validation_split={split!r}", where="tune", allowed="a number between 0 and 1")
    if arguments.get("validation_data") is not None:
        raise ArgumentError("validation_split and validation_data were both given", where="tune", hint="Drop one.")
    count = rows(data[0]) if data else None
    if count is None:
        raise ArgumentError(
            f"validation_split needs arrays, got {(kind_of(data[0]) or type(data[0]).__name__) if data else 'nothing'}",
            where="data",
            hint="Pass validation_data=... instead.",
        )
    if int(count * (1 - split)) < 1 or count - int(count * (1 - split)) < 1:
        raise ArgumentError(
            f"validation_split={split} of {counted(count, 'row')} leaves nothing to train or to validate on",
            where="data",
        )


def _check_kind(part: Any, name: str, where: str, *, text: bool, anything: bool) -> None:
    kind = kind_of(part)
    if kind == GENERATOR:
        raise ArgumentError(
            f"{name} is a generator, which the first trial would use up",
            where=where,
            hint="Pass the function that makes it, without calling it; or arrays, a data set or a loader.",
        )
    leaves = _leaves(part)
    if part is not None and not anything and not kind and not leaves and not hasattr(part, "__array__"):
        numbers = isinstance(part, (list, tuple))
        raise ArgumentError(
            f"{name} is {a(type(part).__name__)}" + (" of plain values" if numbers else ""),
            where=where,
            allowed="arrays, pandas frames, tf.data.Dataset, keras.utils.PyDataset, torch DataLoader, or a function "
            "without arguments that makes one of these",
            hint=f"Write np.array({name})." if numbers else "",
        )
    for leaf in leaves:
        types = list(leaf.dtypes) if hasattr(leaf, "columns") else [getattr(leaf, "dtype", None)]
        kinds = [getattr(dtype, "kind", "") for dtype in types]
        wrong = [k for k in kinds if k and k in "OSUMm" and not (text and k in "OSU")]
        if wrong:
            what = {"O": "objects", "M": "dates", "m": "spans of time"}.get(wrong[0], "text")
            raise ArgumentError(
                f"{name} holds {what} (dtype {getattr(leaf, 'dtype', 'object')}), no numbers",
                where=where,
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
        raise ArgumentError(
            f"cross-validation needs arrays, got {kind_of(x) or type(x).__name__}",
            where="cv",
            hint="Pass numpy arrays, or leave cv out.",
        )
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

    Callbacks that watch a ``val_`` metric are left out, for there is none. Data sets are put together where both are of
    one kind and end by themselves; otherwise a warning says that validation data are left out.
    """
    kept = {k: v for k, v in arguments.items() if not k.startswith("validation_")}
    kept["callbacks"] = [
        c for c in fresh_callbacks(kept.get("callbacks")) if not str(getattr(c, "monitor", "")).startswith("val_")
    ]
    held, both = arguments.get("validation_data"), tuple(data)
    if held is None:
        return both, kept
    parts = tuple(held) if isinstance(held, (list, tuple)) else (held,)
    if len(parts) == len(both) and all(rows(part) is not None for part in (*both, *parts)):
        return tuple(join(a, b) for a, b in zip(both, parts, strict=True)), kept
    together = chained(both[0], parts[0]) if len(parts) == len(both) == 1 and not kept.get("steps_per_epoch") else None
    if together is not None:
        return (together,), kept
    kinds = " and ".join(kind_of(sources[0]) or "arrays" for sources in (both, parts))
    warnings.warn(f"refit() leaves the validation data out: {kinds} cannot be put together here", stacklevel=3)
    return both, kept
