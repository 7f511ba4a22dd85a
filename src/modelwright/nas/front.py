"""What stands between an input as the user has it and the network: its axes and its scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

Shape = tuple[int, ...]

#: Rows that are read to find how inputs are scaled.
_READ = 20_000
#: Numbers that are in memory at once while rows are scaled.
_AT_ONCE = 1 << 21
#: A deviation below this share of the mean is lost in the 32 bits that networks compute with.
_LOST = float(np.finfo(np.float32).eps)
#: Deviations that Keras' normalisation takes as they are: smaller ones it clips, and squares of larger ones overflow.
_SMALL, _LARGE = 1e-5, 1e15
#: Columns that a message lists at most.
_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What stands between an input as the user has it and the network.

    Attributes:
        shape: of one example as the user has it.
        inner: of one example as the network takes it.
        first: whether channels come first and are moved behind.
        mean, variance: of each channel.
        name: of the input, where the user gave it one.
    """

    shape: Shape
    inner: Shape
    first: bool
    mean: tuple[float, ...]
    variance: tuple[float, ...]
    name: str = ""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Rows as the network takes them."""
        x = np.moveaxis(x, 1, -1) if self.first else x
        scaled = x.reshape(len(x), *self.inner).astype(np.float32)
        # In place: rows of large images are most of what is in memory.
        scaled -= np.array(self.mean, np.float32)
        scaled /= np.sqrt(np.array(self.variance)).astype(np.float32)
        return scaled

    @property
    def lift(self) -> tuple[float, ...] | None:
        """A power of two for each channel by which it is to be multiplied first; None where none needs it."""
        spread = np.sqrt(np.array(self.variance))
        if ((spread >= _SMALL) & (spread <= _LARGE)).all():
            return None
        return tuple(np.where((spread >= _SMALL) & (spread <= _LARGE), 1.0, 2.0 ** -np.round(np.log2(spread))).tolist())


def front_of(x: np.ndarray, chosen: np.ndarray, notes: list[str], wanted: Shape | None = None) -> Front:
    """How an input is brought to the network.

    Args:
        x: all rows.
        chosen: the rows to train on; the first of them are read.
        notes: what a user should know is added to it.
        wanted: of one example as the network is to take it, where it is known and can be had.
    """
    shape = x.shape[1:]
    inner, first = _wanted(shape, wanted) or _guessed(shape, notes)
    rows = np.sort(chosen[:_READ])

    def parts() -> Iterator[np.ndarray]:
        for some in in_parts(rows, shape):
            part = np.moveaxis(x[some], 1, -1) if first else x[some]
            yield part.reshape(-1, inner[-1])

    mean, spread = _moments(lambda: (part.astype(np.float64) for part in parts()))
    held = np.where(spread < 1e-30, 0.0, spread)
    near = spread <= 1e-4 * np.abs(mean)  # what is left of these after rounding is looked at
    if near.any():
        held[near] = _moments(lambda: (part[:, near].astype(np.float32).astype(np.float64) for part in parts()))[1]
    constant = held <= _LOST * np.abs(mean)
    _tell_constant(constant, spread, len(shape) == 1, notes)
    variance = np.where(constant, 1.0, spread**2)
    return Front(shape=shape, inner=inner, first=first, mean=tuple(mean.tolist()), variance=tuple(variance.tolist()))


def in_parts(rows: np.ndarray, shape: Shape) -> Iterator[np.ndarray]:
    """Rows, so many at a time that little memory is needed where each is of this shape; once none where there are none.

    >>> [len(some) for some in in_parts(np.arange(100), (256, 256, 3))]
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10]
    """
    step = max(1, _AT_ONCE // max(1, math.prod(shape)))
    for begin in range(0, max(1, len(rows)), step):
        yield rows[begin : begin + step]


def _moments(parts: Callable[[], Iterator[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column of what comes in parts, twice, as arrays that may be written over."""
    count, total, squares = 0, 0.0, 0.0
    for part in parts():
        count, total = count + len(part), total + part.sum(axis=0)
    mean = np.asarray(total / count)
    for part in parts():
        part -= mean
        part *= part
        squares = squares + part.sum(axis=0)
    return mean, np.sqrt(squares / count)


def _wanted(shape: Shape, wanted: Shape | None) -> tuple[Shape, bool] | None:
    """``wanted`` where the rows can be read so, and whether their channels are moved for it."""
    if wanted is None:
        return None
    if wanted in (shape, (*shape, 1)):
        return wanted, False
    return (wanted, True) if len(shape) == 3 and wanted == (*shape[1:], shape[0]) else None


def _guessed(shape: Shape, notes: list[str]) -> tuple[Shape, bool]:
    """What rows of this shape are taken to be. Where it could be otherwise, that is said."""
    if len(shape) == 3:
        if shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4) and shape[1] > 4:
            notes.append(f"the inputs {shape} have their channels first; they are moved behind")
            return (*shape[1:], shape[0]), True
        if shape[0] < shape[1] == shape[2]:
            notes.append(
                f"the inputs {shape} are taken as {shape[0]} x {shape[1]} positions with {shape[2]} channels; "
                "if the channels come first, write x = np.moveaxis(x, 1, -1)"
            )
    if len(shape) != 2:
        return shape, False
    length, width = shape
    if width <= 16 and 2 * width <= length:
        if 4 * width > length:
            notes.append(
                f"the inputs {shape} are taken as sequences of {length} steps with {width} channels; "
                "x[..., None] makes images of them"
            )
        return shape, False
    if length != width:
        notes.append(
            f"the inputs {shape} are taken as images of one channel; for sequences of {length} steps with {width} "
            f"channels give the space that shape: nas.chain({shape}, outputs)"
        )
    return (*shape, 1), False


def _tell_constant(constant: np.ndarray, exact: np.ndarray, features: bool, notes: list[str]) -> None:
    for places, said in (
        (np.flatnonzero(constant & (exact == 0)), "the same value in every row that is trained on"),
        (
            np.flatnonzero(constant & (exact > 0)),
            "too little variation for the 32 bits of a network; subtract the mean",
        ),
    ):
        if len(places):
            listed = ", ".join(map(str, places[:_LISTED])) + (" ..." if len(places) > _LISTED else "")
            word = "feature" if features else "channel"
            notes.append(f"{word}{'s' * (len(places) > 1)} {listed} of x: {said}")


def fronts_of(
    inputs: Sequence[np.ndarray],
    chosen: np.ndarray,
    notes: list[str],
    wanted: Sequence[Shape] | None,
    names: Sequence[str] = (),
) -> tuple[Front, ...]:
    """One for each input, with its name if there are any; see ``front_of``."""
    shapes = wanted if wanted is not None and len(wanted) == len(inputs) else [None] * len(inputs)
    found = [front_of(part, chosen, notes, shape) for part, shape in zip(inputs, shapes, strict=True)]
    return tuple(replace(front, name=name) for front, name in zip(found, names or [""] * len(found), strict=True))
