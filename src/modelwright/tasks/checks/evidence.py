"""Evidence: a table as checks look at it, typed, with the target and a sample to try models on."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.checks.alike import numbered, row_groups
from modelwright.tasks.checks.alone import contrasts
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.data.table import Note, Table, is_missing
from modelwright.tasks.scoring.validation import OUT, Split

#: Folds in which columns are tried.
FOLDS = 4
#: Rows of a class that a sample takes, if there are so many.
_OF_CLASS = 300


@dataclass(frozen=True)
class Evidence:
    """A table with all that checks ask of it; whatever is expensive is found once, when it is first asked for.

    Attributes:
        table: the raw cells of the rows that have a target.
        schema: what the columns are.
        frame: the same rows, typed.
        task: ``"binary"``, ``"multiclass"`` or ``"regression"``.
        classes: the classes in order; () for regression.
        y: class codes (int64) or values (float64), one for each row.
        seed: of every choice of chance.
        deadline: until when, in seconds of ``time.monotonic``; None for no end.
        most: rows of the sample.
        notes: what was said of the target when it was read.
        split: how the fit divides the rows; None for by chance, as one without groups and time does.
    """

    table: Table
    schema: Schema
    frame: Frame
    task: str
    classes: tuple[object, ...]
    y: np.ndarray
    seed: Seed
    deadline: float | None = None
    most: int = 10_000
    notes: tuple[Note, ...] = ()
    split: Split | None = None

    @property
    def rows(self) -> int:
        """Rows with a target."""
        return self.frame.rows

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    @functools.cached_property
    def missing(self) -> Mapping[str, np.ndarray]:
        """Column -> which of its cells are missing, bool (rows,); ids and constants by their raw cells."""
        found: dict[str, np.ndarray] = {}
        for column in self.schema.columns:
            name = column.name
            if name in self.frame.numbers:
                found[name] = np.isnan(self.frame.numbers[name])
            elif name in self.frame.codes:
                found[name] = self.frame.codes[name] < 0
            elif name in self.frame.texts:
                found[name] = self.frame.texts[name] == ""
            else:
                found[name] = is_missing(self.table.columns[name])
        return found

    @functools.cached_property
    def twins(self) -> np.ndarray:
        """Rows that are alike in all columns but ids and the target share a number; see ``alike.row_groups``."""
        return row_groups(self.frame)

    @functools.cached_property
    def sample(self) -> np.ndarray:
        """Places of the rows that models are tried on, in order: all of a small table, else some by chance, of which
        each class gets a few hundred if it has as many. Of rows with groups or moments those that the fit sees."""
        split, seen = self.split, np.arange(self.rows)
        if split is not None and (split.grouped or split.kind == "time"):
            seen = np.flatnonzero(split.place[0] > OUT)
        if len(seen) <= self.most:
            return seen
        order = self.seed.child("sample").generator().permutation(seen)
        taken = order[: self.most]
        if self.task != "regression":
            sorted_by_class = order[np.argsort(self.y[order], kind="stable")]
            starts = np.searchsorted(self.y[sorted_by_class], np.arange(len(self.classes) + 1))
            few = max(1, min(_OF_CLASS, self.most // (2 * max(1, len(self.classes)))))
            firsts = [sorted_by_class[a : min(b, a + few)] for a, b in itertools.pairwise(starts)]
            taken = np.concatenate([*firsts, taken])
        return np.unique(taken)

    @functools.cached_property
    def folds(self) -> np.ndarray:
        """Folds of the sample, int64; rows of one group are in one, or rows that are alike."""
        split = self.split
        apart = self.twins if split is None or split.ties is None or not split.grouped else split.ties
        groups = numbered(apart[self.sample])
        draw = self.seed.child("folds").generator()
        return draw.permutation(np.arange(int(groups.max(initial=0)) + 1) % FOLDS)[groups]

    @functools.cached_property
    def later(self) -> np.ndarray | None:
        """Which rows of the sample the fit judges by, bool, where it judges by later ones; None where it does not."""
        if self.split is None or self.split.kind != "time":
            return None
        return self.split.place[0][self.sample] >= 0

    @functools.cached_property
    def z(self) -> np.ndarray:
        """The target of the sample in the unit of ``alone``."""
        return contrasts(self.y[self.sample], self.task, len(self.classes), self.seed)

    def numbers(self, name: str) -> np.ndarray | None:
        """A column as numbers where that makes sense, ids by their order included; float64, NaN for missing."""
        if name in self.frame.numbers:
            return self.frame.numbers[name]
        cells = self.table.columns[name]
        if cells.dtype.kind in "iufb":
            return cells.astype(float)
        if cells.dtype.kind != "O" or name in self.frame.codes or name in self.frame.texts:
            return None
        try:
            return cells.astype(np.float64)
        except (ValueError, TypeError):
            return None


def each(evidence: Evidence, names: list[str], look: Callable[[str], None]) -> list[str]:
    """Look at one column after the other until the time is up; returns those that were not looked at."""
    for place, name in enumerate(names):
        if evidence.late:
            return names[place:]
        look(name)
    return []
