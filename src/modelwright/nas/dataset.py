"""Arrays as networks take them: the task, the rows that are kept back, resolutions, and what is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import counted, kind_of
from modelwright.nas.front import Front, fronts_of, in_parts
from modelwright.nas.rows import Arrays, check_enough, names_of, own_rows, read_rows
from modelwright.nas.targets import standardised, task_of, tell_unlearned, unlearned, with_own
from modelwright.nas.task import Kind, Task

#: Fewest rows that a network is trained on.
_FEWEST = 5
#: Rows that are read to find whether mirrored images stay what they are.
_MIRRORED = 1500
#: Share of the usual agreement with neighbours that mirrored images must reach to be used.
_AGREES = 0.6


@dataclass(slots=True, kw_only=True)
class Dataset:
    """Rows to train on and rows that are kept back. Inputs are scaled when they are asked for.

    Attributes:
        x, y: all rows, as given, and their targets: the place of a class, or what the losses take. A table of rows and
            classes may be more than memory holds, so losses get theirs by ``targets``.
        chosen: rows to train on, in an order of chance, so that the first few are as good as any.
        kept: rows that are kept back, in an order of chance.
        factor: by how much images are shrunk in each direction.
        digest: tells these rows from others, however they are divided.
    """

    task: Task
    fronts: tuple[Front, ...]
    x: Arrays
    y: np.ndarray
    chosen: np.ndarray
    kept: np.ndarray
    factor: int = 1
    notes: tuple[str, ...] = ()
    digest: str = ""
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

    @property
    def images(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs that are images."""
        return tuple(shape for shape in self.shapes if len(shape) == 3)

    def train(self, places: np.ndarray) -> tuple[Arrays, np.ndarray]:
        """Training rows by their places in ``chosen``."""
        return self._rows(self.chosen[places])

    def held_back(self, limit: int | None = None) -> tuple[Arrays, np.ndarray]:
        """The rows that are kept back, or the first so many of them."""
        return self._rows(np.sort(self.kept[:limit]))

    def _rows(self, rows: np.ndarray) -> tuple[Arrays, np.ndarray]:
        return self.inputs(rows), self.targets(rows)

    def inputs(self, rows: np.ndarray) -> Arrays:
        """Rows of all, as the network takes them."""
        return tuple(self._input(front, x, rows) for front, x in zip(self.fronts, self.x, strict=True))

    def _input(self, front: Front, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if self.factor == 1 or len(front.inner) != 3:
            return front(x[rows])
        # Images as they are may be more than memory holds where small ones are not.
        return np.concatenate([_shrunk(front(x[some]), self.factor) for some in in_parts(rows, front.shape)])

    def targets(self, rows: np.ndarray) -> np.ndarray:
        """Targets of rows of all as losses take them: of a class, 0 for each class and 1 for its own."""
        y = self.y[rows]
        if self.task.kind != "multiclass":
            return y
        table = np.zeros((len(y), self.task.outputs), np.float32)
        table[np.arange(len(y)), y] = 1.0
        return table

    def shrunk(self, factor: int) -> Dataset:
        """The same rows as smaller images (means of ``factor`` x ``factor`` pixels)."""
        return self if factor == self.factor else replace(self, factor=factor)


def _shrunk(x: np.ndarray, factor: int) -> np.ndarray:
    down, across = (-n % factor for n in x.shape[1:3])
    x = np.pad(x, ((0, 0), (0, down), (0, across), (0, 0)), mode="edge") if down or across else x
    rows, height, width, channels = x.shape
    return x.reshape(rows, height // factor, factor, width // factor, factor, channels).mean(axis=(2, 4))


def dataset(
    x: Any,
    y: Any,
    *,
    validation: Any = 0.15,
    seed: int = 0,
    task: Kind | None = None,
    shapes: Sequence[tuple[int, ...]] | None = None,
    outputs: int | None = None,
    where: str = "nas.search",
) -> Dataset:
    """What a user handed over, checked.

    Args:
        x: rows of one input, as an array or a list of arrays, or a list, tuple or dict of several inputs, in the order
            of the space's. A dict's names become those of the model's inputs; that of ``validation`` has any order.
        y: labels, one-hot rows, rows of 0 and 1 for several labels at once, or numbers.
        validation: share of the rows that are kept back to judge by, or ``(x, y)`` of their own.
        task: the kind, where the targets leave it open.
        shapes: of one example of each input, as the network is to take it; what rows are is guessed otherwise.
        outputs: of the networks, where that is known: two classes may have one between them, and labels that are not
            numbered from 0 one each.

    Raises:
        ArgumentError: what is wrong with them, and where.

    >>> made = dataset(np.zeros((50, 8, 8)), np.arange(50) % 5)
    >>> made.task.kind, made.task.outputs, made.shapes, made.rows, len(made.kept)
    ('multiclass', 5, ((8, 8, 1),), 43, 7)
    """
    names, (inputs, targets) = names_of(x, where), read_rows(x, y, where)
    check_enough(targets, where)
    notes: list[str] = []
    own, share = None, 0.0
    if isinstance(validation, (tuple, list)):
        own = own_rows(validation, inputs, names, where)
    elif isinstance(validation, (int, float)) and not isinstance(validation, bool) and 0 < validation < 1:
        share = float(validation)
    else:
        said = f"={validation!r:.60}" if np.ndim(validation) == 0 else f" is {kind_of(validation)}"
        raise ArgumentError(f"validation{said}", where=where, allowed="a share between 0 and 1, or (x, y)")
    rows = len(targets)
    everything = targets if own is None else with_own(targets, own[1], where)
    found, encoded = task_of(everything, task, notes, where, rows, outputs)
    if own is None:
        chosen, kept = _split(encoded, found, share, seed)
    else:
        order = np.random.default_rng(seed).permutation(rows)
        chosen, kept = order, np.random.default_rng(seed).permutation(np.arange(rows, len(everything)))
        inputs = tuple(np.concatenate(pair) for pair in zip(inputs, own[0], strict=True))
    _check_training(encoded[chosen], found, validation, where)
    tell_unlearned(encoded, chosen, kept, found, notes)
    digest = _digest((*inputs, encoded), found)  # before numbers are scaled by those that are trained on
    if found.kind == "regression":
        found, encoded = standardised(found, encoded, chosen, notes, where)
    fronts = fronts_of(inputs, chosen, notes, shapes, names)
    found = replace(found, images=any(len(front.inner) == 3 for front in fronts))
    return Dataset(
        task=found,
        fronts=fronts,
        x=inputs,
        y=encoded,
        chosen=chosen,
        kept=kept,
        notes=tuple(dict.fromkeys(notes)),
        digest=digest,
    )


def _digest(parts: Arrays, task: Task) -> str:
    # False and True are 0 and 1 here, as they were in the digests of earlier versions.
    classes = tuple(int(label) if isinstance(label, bool) else label for label in task.classes)
    digest = hashlib.blake2b(repr(classes).encode(), digest_size=6)
    for part in parts:
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def mirrors(data: Dataset) -> bool:
    """Whether mirrored images stay what they are, as far as nearest neighbours tell.

    Shirts and landscapes do, letters and digits do not: their mirror images lie among other classes.
    """
    if not data.task.images or not data.task.one_class or data.rows < 50:
        return False
    factor = max(1, max(max(shape[:2]) for shape in data.images) // 14)
    count = min(_MIRRORED, data.rows // 2)
    small, known = data.shrunk(factor), data.chosen[: 5 * count]
    probes, base = small.inputs(known[:count]), small.inputs(known[count:])
    truth, labels = data.task.places(data.y[known[:count]]), data.task.places(data.y[known[count:]])
    flat = _side_by_side(base)
    squares = (flat**2).sum(axis=1)

    def agreement(images: Arrays) -> float:
        distances = squares - 2 * _side_by_side(images) @ flat.T
        return float((labels[distances.argmin(axis=1)] == truth).mean())

    mirrored = tuple(part[:, :, ::-1] if part.ndim == 4 else part for part in probes)
    return agreement(mirrored) >= _AGREES * agreement(probes)


def _side_by_side(parts: Arrays) -> np.ndarray:
    """All images of each row as one vector."""
    return np.concatenate([part.reshape(len(part), -1) for part in parts if part.ndim == 4], axis=1)


def balanced(data: Dataset) -> dict[int, float]:
    """A weight for each class, so that all count alike."""
    counts = np.bincount(data.task.places(data.y[data.chosen]), minlength=len(data.task.classes))
    return {i: float(counts.sum() / (len(counts) * max(1.0, n))) for i, n in enumerate(counts)}


# --- how they are divided ------------------------------------------------------------


def _split(y: np.ndarray, task: Task, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to keep back, each class in its share as far as it goes, training first."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    if task.one_class:
        order = order[np.argsort(task.places(y[order]), kind="stable")]
        position = (np.arange(len(y)) + rng.random()) * share
        back = np.floor(position + share) > np.floor(position)
        kept, chosen = order[back], order[~back]
        kept, chosen = rng.permutation(kept), rng.permutation(chosen)
    else:
        count = min(len(y) - 1, max(1, round(share * len(y))))
        kept, chosen = order[:count], order[count:]
    chosen, kept = _with_each_label(y, task, chosen, kept, rng)
    if not len(kept):
        place = int(_spare(y[chosen], task).argmax())  # the first, where none is to spare
        chosen, kept = np.delete(chosen, place), chosen[place : place + 1]
    return chosen, kept


def _with_each_label(
    y: np.ndarray, task: Task, chosen: np.ndarray, kept: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The division in which a label that has but few rows has one to train on: no network learns it otherwise."""
    lost = unlearned(y, chosen, kept, task)
    if not lost:
        return chosen, kept
    if task.one_class:
        labels, first = np.unique(task.places(y[kept]), return_index=True)
        moved = first[np.isin(labels, lost)]
    else:
        moved = np.unique((y[kept][:, lost] > 0).argmax(axis=0))
    places = rng.integers(len(chosen) + 1, size=len(moved))
    return np.insert(chosen, places, kept[moved]), np.delete(kept, moved)


def _spare(y: np.ndarray, task: Task) -> np.ndarray:
    """Which rows have no label that they alone have."""
    if task.kind == "regression":
        return np.ones(len(y), bool)
    if task.one_class:
        places = task.places(y)
        return np.bincount(places)[places] > 1
    return ((y == 0) | ((y != 0).sum(axis=0) > 1)).all(axis=1)


def _check_training(y: np.ndarray, task: Task, validation: Any, where: str) -> None:
    """Raise where what is left to train on teaches nothing."""
    one = task.one_class and len(np.unique(task.places(y))) < 2
    if len(y) >= _FEWEST and not one:
        return
    left = f"{counted(len(y), 'row')} of one class" if one and len(y) else counted(len(y), "row")
    given = f"validation={validation} leaves" if isinstance(validation, (int, float)) else "there are"
    raise ArgumentError(
        f"{given} {left} to train on",
        where=where,
        allowed=f"{_FEWEST} rows or more" + ", of two classes" * task.one_class,
        hint="0.15 is usual." if isinstance(validation, (int, float)) else "",
    )
