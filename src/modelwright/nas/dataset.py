"""Arrays as networks take them: the task, the rows that are kept back, resolutions, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted
from modelwright.nas.task import Kind, Task, task_of

Arrays = tuple[np.ndarray, ...]

#: Fewest rows that can be split into some to train on and some to judge by.
_FEWEST = 10
#: Rows that are read to find how inputs are scaled, and to find whether mirrored images stay what they are.
_READ, _MIRRORED = 20_000, 1500
#: Share of the usual agreement with neighbours that mirrored images must reach to be used.
_AGREES = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What stands between an input as the user has it and the network.

    Attributes:
        shape: of one example as the user has it.
        inner: of one example as the network takes it.
        first: whether channels come first and are moved behind.
        mean, variance: of each channel.
    """

    shape: tuple[int, ...]
    inner: tuple[int, ...]
    first: bool
    mean: tuple[float, ...]
    variance: tuple[float, ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Rows as the network takes them."""
        x = np.moveaxis(x, 1, -1) if self.first else x
        scaled = x.reshape(len(x), *self.inner).astype(np.float32)
        return (scaled - np.array(self.mean, np.float32)) / np.sqrt(np.array(self.variance, np.float32))


@dataclass(slots=True, kw_only=True)
class Dataset:
    """Rows to train on and rows that are kept back. Inputs are scaled when they are asked for.

    Attributes:
        x, y: all rows, as given, and the targets as the losses take them.
        chosen: rows to train on, in an order of chance, so that the first few are as good as any.
        kept: rows that are kept back, in an order of chance.
        factor: by how much images are shrunk in each direction.
    """

    task: Task
    fronts: tuple[Front, ...]
    x: Arrays
    y: np.ndarray
    chosen: np.ndarray
    kept: np.ndarray
    factor: int = 1
    notes: tuple[str, ...] = ()
    _small: dict[int, Dataset] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows to train on."""
        return len(self.chosen)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of each input for one example, as the network takes it."""
        return tuple(
            (*(max(1, -(-n // self.factor)) for n in front.inner[:-1]), front.inner[-1])
            if len(front.inner) == 3
            else front.inner
            for front in self.fronts
        )

    def train(self, places: np.ndarray) -> tuple[Arrays, np.ndarray]:
        """Training rows by their places in ``chosen``."""
        return self._rows(self.chosen[places])

    def held_back(self, limit: int | None = None) -> tuple[Arrays, np.ndarray]:
        """The rows that are kept back, or the first so many of them."""
        return self._rows(np.sort(self.kept[:limit]))

    def _rows(self, rows: np.ndarray) -> tuple[Arrays, np.ndarray]:
        found = tuple(_shrunk(front(x[rows]), self.factor) for front, x in zip(self.fronts, self.x, strict=True))
        return found, self.y[rows]

    def shrunk(self, factor: int) -> Dataset:
        """The same rows as smaller images (means of ``factor`` x ``factor`` pixels)."""
        return self if factor == self.factor else replace(self, factor=factor)


def _shrunk(x: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1 or x.ndim != 4:
        return x
    down, across = (-n % factor for n in x.shape[1:3])
    x = np.pad(x, ((0, 0), (0, down), (0, across), (0, 0)), mode="edge") if down or across else x
    rows, height, width, channels = x.shape
    return x.reshape(rows, height // factor, factor, width // factor, factor, channels).mean(axis=(2, 4))


def dataset(
    x: Any, y: Any, *, validation: Any = 0.15, seed: int = 0, task: Kind | None = None, where: str = "nas.search"
) -> Dataset:
    """What a user handed over, checked.

    Args:
        x: rows of one input, or a list, tuple or dict of several inputs.
        y: labels, one-hot rows, rows of 0 and 1 for several labels at once, or numbers.
        validation: share of the rows that are kept back to judge by, or ``(x, y)`` of their own.
        task: the kind, where the targets leave it open.

    Raises:
        ArgumentError: what is wrong with them, and where.

    >>> made = dataset(np.zeros((50, 8, 8)), np.arange(50) % 5)
    >>> made.task.kind, made.task.outputs, made.shapes, made.rows, len(made.kept)
    ('multiclass', 5, ((8, 8, 1),), 43, 7)
    """
    inputs, targets = _inputs(x, "x", where), _target(y, "y", where)
    _check_rows(inputs, targets, where)
    notes: list[str] = []
    own, share = None, 0.0
    if isinstance(validation, (tuple, list)):
        own = _own(validation, inputs, where)
    elif isinstance(validation, (int, float)) and not isinstance(validation, bool) and 0 < validation < 1:
        share = float(validation)
    else:
        raise ArgumentError(f"validation={validation!r:.60}", where=where, allowed="a share between 0 and 1, or (x, y)")
    rows = len(targets)
    everything = targets if own is None else np.concatenate([targets, own[1]])
    found, encoded = task_of(everything, task, notes, where)
    if own is None:
        chosen, kept = _split(encoded, found, share, seed)
    else:
        order = np.random.default_rng(seed).permutation(rows)
        chosen, kept = order, np.random.default_rng(seed).permutation(np.arange(rows, len(everything)))
        inputs = tuple(np.concatenate(pair) for pair in zip(inputs, own[0], strict=True))
    if found.kind == "regression":
        center, spread = encoded[chosen].mean(axis=0), encoded[chosen].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        encoded = ((encoded - center) / spread).astype(np.float32)
        found = replace(found, center=tuple(map(float, center)), spread=tuple(map(float, spread)))
    fronts = tuple(_front(part, chosen, notes) for part in inputs)
    found = replace(found, images=len(fronts[0].inner) == 3)
    return Dataset(
        task=found, fronts=fronts, x=inputs, y=encoded, chosen=chosen, kept=kept, notes=tuple(dict.fromkeys(notes))
    )


def mirrors(data: Dataset) -> bool:
    """Whether mirrored images stay what they are, as far as nearest neighbours tell.

    Shirts and landscapes do, letters and digits do not: their mirror images lie among other classes.
    """
    if not data.task.images or data.task.kind != "multiclass" or data.rows < 50:
        return False
    factor = max(1, max(data.fronts[0].inner[:2]) // 14)
    count = min(_MIRRORED, data.rows // 2)
    small = data.shrunk(factor)
    (probes, *_), truth = small.train(np.arange(count))
    (base, *_), labels = small.train(np.arange(count, min(data.rows, 5 * count)))
    flat = base.reshape(len(base), -1)
    squares = (flat**2).sum(axis=1)

    def agreement(images: np.ndarray) -> float:
        distances = squares - 2 * images.reshape(len(images), -1) @ flat.T
        return float((labels[distances.argmin(axis=1)].argmax(axis=1) == truth.argmax(axis=1)).mean())

    return agreement(probes[:, :, ::-1]) >= _AGREES * agreement(probes)


def balanced(data: Dataset) -> dict[int, float]:
    """A weight for each class, so that all count alike."""
    counts = data.y[data.chosen].sum(axis=0)
    return {i: float(counts.sum() / (len(counts) * max(1.0, n))) for i, n in enumerate(counts)}


# --- what is wrong with them ---------------------------------------------------------------------


def _inputs(x: Any, name: str, where: str) -> Arrays:
    parts = list(x.values()) if isinstance(x, Mapping) else list(x) if isinstance(x, tuple) else [x]
    if isinstance(x, list) and x and all(hasattr(part, "shape") and len(part.shape) > 1 for part in x):
        parts = x
    if not parts:
        raise ArgumentError(f"{name} is empty", where=where)
    found = []
    for i, part in enumerate(parts):
        here = name if len(parts) == 1 else f"{name}[{i}]"
        try:
            array = np.asarray(part)
        except ValueError as error:
            raise ArgumentError(f"{here} is no array: {error}", where=where) from None
        if array.dtype.kind not in "fiub":
            raise ArgumentError(
                f"{here} holds {array.dtype}, no numbers",
                where=where,
                hint="Encode texts and categories as numbers first.",
            )
        if array.ndim < 2 or array.ndim > 4:
            raise ArgumentError(
                f"{here} has the shape {array.shape}",
                where=where,
                allowed="(rows, features), (rows, length, channels), (rows, height, width) or "
                "(rows, height, width, channels)",
            )
        if not all(array.shape[1:]):
            raise ArgumentError(f"{here} has the shape {array.shape}: there is nothing in a row", where=where)
        _refuse_not_finite(array, here, where)
        found.append(array)
    return tuple(found)


def _refuse_not_finite(array: np.ndarray, name: str, where: str) -> None:
    if array.dtype.kind != "f":
        return
    for begin in range(0, len(array), 10_000):
        bad = ~np.isfinite(array[begin : begin + 10_000])
        if bad.any():
            place = np.argwhere(bad)[0]
            place[0] += begin
            raise ArgumentError(
                f"{name} holds values that are not finite, the first at {tuple(place.tolist())}",
                where=where,
                hint="Drop or fill them first: one is enough to make every weight NaN.",
            )


def _target(y: Any, name: str, where: str) -> np.ndarray:
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ArgumentError(f"{name} is no array: {error}", where=where) from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiubUSO":
        raise ArgumentError(
            f"{name} has the shape {array.shape} and holds {array.dtype}",
            where=where,
            allowed="one label or number a row, or a row of them",
        )
    if array.dtype.kind == "O":
        if any(label is None or label != label for label in array.ravel()):
            raise ArgumentError(f"{name} has rows without a label", where=where, hint="Drop them first.")
        array = array.astype(str)
    _refuse_not_finite(array, name, where)
    return array


def _check_rows(inputs: Arrays, y: np.ndarray, where: str) -> None:
    counts = {len(part) for part in inputs} | {len(y)}
    if len(counts) > 1:
        raise ArgumentError(
            f"x has {' and '.join(str(len(part)) for part in inputs)} rows, y has {len(y)}", where=where
        )
    if len(y) < _FEWEST:
        raise ArgumentError(
            f"there {'is' if len(y) == 1 else 'are'} only {counted(len(y), 'row')}",
            where=where,
            allowed=f"{_FEWEST} or more: some to train on, some to judge by",
        )


def _own(validation: Sequence[Any], inputs: Arrays, where: str) -> tuple[Arrays, np.ndarray]:
    if len(validation) != 2:
        raise ArgumentError(f"validation has {len(validation)} parts", where=where, allowed="a share, or (x, y)")
    x, y = _inputs(validation[0], "validation's x", where), _target(validation[1], "validation's y", where)
    if len({len(part) for part in x} | {len(y)}) > 1 or not len(y):
        raise ArgumentError(f"validation has {len(x[0])} rows of x and {len(y)} of y", where=where)
    if [part.shape[1:] for part in x] != [part.shape[1:] for part in inputs]:
        raise ArgumentError(
            f"validation's rows have the shape {x[0].shape[1:]}, those of x {inputs[0].shape[1:]}", where=where
        )
    return x, y


# --- how they are divided and scaled ------------------------------------------------------------


def _split(y: np.ndarray, task: Task, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to keep back, each class in its share as far as it goes."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    if task.kind == "multiclass":
        order = order[np.argsort(y[order].argmax(axis=1), kind="stable")]
        position = (np.arange(len(y)) + rng.random()) * share
        back = np.floor(position + share) > np.floor(position)
        kept, chosen = order[back], order[~back]
        kept, chosen = rng.permutation(kept), rng.permutation(chosen)
    else:
        count = min(len(y) - 1, max(1, round(share * len(y))))
        kept, chosen = order[:count], order[count:]
    if not len(kept):
        kept, chosen = chosen[:1], chosen[1:]
    return chosen, kept


def _front(x: np.ndarray, chosen: np.ndarray, notes: list[str]) -> Front:
    shape = x.shape[1:]
    first = len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4) and shape[1] > 4
    if first:
        notes.append(f"the inputs {shape} have their channels first; they are moved behind")
    inner = (*shape[1:], shape[0]) if first else shape
    if len(inner) == 2 and not (inner[1] <= 16 and inner[1] * 2 <= inner[0]):
        inner = (*inner, 1)  # an image without its one channel
    sample = x[np.sort(chosen[:_READ])]
    sample = (np.moveaxis(sample, 1, -1) if first else sample).reshape(-1, inner[-1]).astype(np.float64)
    mean, variance = sample.mean(axis=0), sample.var(axis=0)
    variance = np.where(variance > 1e-12 * (1 + mean**2), variance, 1.0)
    return Front(shape=shape, inner=inner, first=first, mean=tuple(mean.tolist()), variance=tuple(variance.tolist()))
