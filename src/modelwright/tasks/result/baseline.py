"""Baselines: ordinary cells of each column, with which a row is compared to explain it. Holds no row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.readers import CODES, NUMBERS
from modelwright.tasks.data.schema import Schema

#: Rows of a baseline; cells of one, in wide tables; and cells of a table that are looked at.
ROWS, _CELLS, _LOOKED = 64, 200_000, 2_000_000
#: With how many ordinary rows a row is compared when it is explained.
DRAWS = ROWS
_LEAST, _MOST = 16, 10_000


@dataclass(frozen=True, slots=True)
class Baseline:
    """Rows of cells that are usual for their columns, each column by itself.

    The cells of a column lie evenly between its least and its greatest, missing ones among them, so each distribution
    is kept; which of them are in one row is chance. So no row is one of the table that the model was fitted on, and
    of columns of text, which may tell of people, there are none: their cells are missing.

    Args:
        numbers: float64 (rows, columns), the columns of a schema that are numbers in a frame, in its order.
        codes: int32 (rows, columns), those with levels.

    >>> from modelwright.tasks.data.reading import read
    >>> schema = Schema.of(read({"age": [31, 45, 62, 18], "plan": ["a", "b", "a", "a"]}))
    >>> made = Baseline.of(schema.frame({"age": [31, 45, 62, 18], "plan": ["a", "b", "a", "a"]}), schema)
    >>> sorted(made.numbers[:, 0].tolist()), sorted(made.codes[:, 0].tolist())
    ([18.0, 31.0, 45.0, 62.0], [0, 0, 0, 1])
    """

    numbers: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, frame: Frame, schema: Schema) -> Baseline:
        """The baseline of the rows of a table; the same for the same rows."""
        rng = Seed(0).child("baseline").generator()
        width = max(1, len(schema.used))
        looked = int(np.clip(_LOOKED // width, ROWS, _MOST))
        some = np.sort(rng.choice(frame.rows, looked, replace=False)) if frame.rows > looked else np.arange(frame.rows)
        count = int(min(len(some), np.clip(_CELLS // width, _LEAST, ROWS)))

        def drawn(columns: Mapping[str, np.ndarray], part: str, kind: type) -> np.ndarray:
            names = _names(schema, part)
            made = np.empty((count, len(names)), kind)
            for place, name in enumerate(names):
                ordered = np.sort(columns[name][some])
                at = ((np.arange(count) + 0.5) * len(ordered) / count).astype(np.intp)
                made[:, place] = rng.permutation(ordered[at])
            return made

        return cls(drawn(frame.numbers, NUMBERS, np.float64), drawn(frame.codes, CODES, np.int32))

    def frame(self, schema: Schema) -> Frame:
        """Its rows as the members of a model take them."""
        rows = len(self.numbers)
        texts = {column.name: np.full(rows, "", object) for column in schema.used}
        numbers = dict(zip(_names(schema, NUMBERS), self.numbers.T, strict=True))
        codes = dict(zip(_names(schema, CODES), self.codes.T, strict=True))
        spelled = {}
        for name, own in codes.items():
            if schema.readers[name].many_levels:
                levels = (*schema[name].levels, None)  # -1, which is missing, is the last of them too
                spelled[name] = schema.readers[name].spelled([levels[code] for code in own.tolist()], rows)
        return Frame(
            rows,
            numbers,
            codes,
            {name: cells for name, cells in texts.items() if name not in numbers and name not in codes},
            kinds={column.name: column.kind for column in schema.used},
            levels={name: schema[name].levels for name in codes},
            spellings=spelled,
        )

    def state(self) -> dict[str, np.ndarray]:
        """Its arrays."""
        return {"numbers": self.numbers, "codes": self.codes}


def _names(schema: Schema, part: str) -> list[str]:
    return [column.name for column in schema.used if schema.readers[column.name].part == part]
