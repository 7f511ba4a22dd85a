"""Rows that come again: what is known of rows that are alike in every column counts for another one that is, too.

Rows that are alike stay in one fold, so that no model is judged by a row that it was fitted on. Where the data repeat
themselves, as bottles of one batch or employees of one grade do, new rows will be like known ones as well, and the
answers of these say more than any model. How much more is measured: each repeated row is answered by the others that
are like it, and by a model that saw none of them. Knows no learner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.tasks.data.frame import Frame

#: Rows above which nothing is kept; groups of rows that are alike, and standard errors, that have to speak for it.
MOST, _GROUPS, _SURE = 500_000, 20, 2.0
#: What a model may count for, in rows.
_STRENGTHS = tuple(float(f"{value:.3g}") for value in np.geomspace(0.01, 300, 28))
_TINY = 1e-15
_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def keys_of(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """One number for each row, the same for rows that are alike in all columns.

    Returns:
        uint64 (rows,), and whether it tells rows apart (rows,): not where a level is one that no known row has.

    >>> frame = Frame(3, numbers={"a": np.array([1.0, np.nan, np.nan])}, texts={"b": np.array(["x", "y", "y"], object)})
    >>> keys, sure = keys_of(frame)
    >>> keys[1] == keys[2], keys[0] == keys[1], sure.all()
    (np.True_, np.False_, np.True_)
    """
    found = np.full(frame.rows, _GOLDEN, np.uint64)
    sure = np.ones(frame.rows, bool)
    for name in sorted([*frame.numbers, *frame.codes, *frame.texts]):
        if name in frame.numbers:
            column = frame.numbers[name] + 0.0  # the one zero
            bits = np.where(np.isnan(column), np.nan, column).view(np.uint64)
        elif name in frame.codes:
            codes = frame.codes[name]
            sure &= codes != len(frame.levels.get(name, ())) if name in frame.levels else True
            bits = codes.astype(np.int64).view(np.uint64)
        else:
            bits = _of_texts(frame.texts[name])
        found = (found ^ bits) * _MIX
        found ^= found >> np.uint64(29)
        found *= _GOLDEN
        found ^= found >> np.uint64(32)
    return found, sure


def _of_texts(texts: np.ndarray) -> np.ndarray:
    known: dict[str, int] = {}
    for text in texts.tolist():
        if text not in known:
            digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            known[text] = int.from_bytes(digest, "little")
    return np.array([known[text] for text in texts.tolist()], np.uint64)


@dataclass(frozen=True, slots=True)
class KnownRows:
    """What is known of rows, and what a model counts for beside it.

    Attributes:
        strength: rows that the model counts for.
        keys: of rows that differ, uint64, sorted.
        counts: weight of the rows of each key, (keys,); for classes (answers,), weight of each answer.
        answers: mean of the values of each key, (keys,); for classes the class of each answer, (answers,).
        starts: for classes, where the answers of each key begin, (keys + 1,); None for values.
        classes: how many there are; 0 for values.
    """

    strength: float
    keys: np.ndarray
    counts: np.ndarray
    answers: np.ndarray
    starts: np.ndarray | None
    classes: int

    @classmethod
    def of(cls, frame: Frame, y: np.ndarray, weight: np.ndarray | None, *, strength: float, classes: int) -> KnownRows:
        """The rows of a table.

        Args:
            y: classes from 0, or values as they are averaged, (rows,).
            weight: of the rows, with any mean; None for equal ones.
        """
        keys, sure = keys_of(frame)
        counted = np.ones(len(y)) if weight is None else weight / weight.mean()
        keys, y, counted = keys[sure], np.asarray(y)[sure], counted[sure]
        different, place = np.unique(keys, return_inverse=True)
        if not classes:
            total = np.bincount(place, counted, len(different))
            mean = np.bincount(place, counted * y, len(different)) / np.maximum(total, _TINY)
            return cls(strength, different, total, mean, None, 0)
        pairs, which = np.unique(place * classes + y, return_inverse=True)
        starts = np.searchsorted(pairs, np.arange(len(different) + 1) * classes)
        answers = (pairs % classes).astype(np.int32)
        return cls(strength, different, np.bincount(which, counted), answers, starts, classes)

    def joined(self, frame: Frame, predicted: np.ndarray) -> np.ndarray:
        """Predictions in which the known answers for the same row count.

        Args:
            predicted: probabilities (rows, classes), or values (rows,) as they are averaged.
        """
        if not len(self.keys):
            return predicted
        keys, sure = keys_of(frame)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        met = np.flatnonzero(sure & (self.keys[place] == keys))
        if not len(met):
            return predicted
        at, found = place[met], np.array(predicted, np.float64)
        if self.starts is None:
            count = self.counts[at]
            found[met] = (self.strength * found[met] + count * self.answers[at]) / (self.strength + count)
            return found
        lengths = self.starts[at + 1] - self.starts[at]
        row = np.repeat(np.arange(len(met)), lengths)
        entry = np.repeat(self.starts[at] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        entry = entry + np.arange(len(row))
        known = np.zeros((len(met), self.classes))
        known[row, self.answers[entry]] = self.counts[entry]
        found[met] = _mixed(found[met], known, self.strength)
        return found

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """JSON and arrays."""
        arrays = {"keys": self.keys, "counts": self.counts, "answers": self.answers}
        if self.starts is not None:
            arrays["starts"] = self.starts
        return {"strength": self.strength, "classes": self.classes}, arrays

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> KnownRows:
        """The inverse of ``state``."""
        strength, classes = float(json["strength"]), int(json["classes"])
        starts = arrays["starts"] if classes else None
        return cls(strength, arrays["keys"], arrays["counts"], arrays["answers"], starts, classes)


@dataclass(frozen=True, slots=True)
class Worth:
    """What the answers of rows that are alike are worth.

    Attributes:
        strength: rows that the model counts for beside them.
        rows: share of the rows that are like another one.
        joined: predictions for all rows in which the answers of the others that are like a row count.
    """

    strength: float
    rows: float
    joined: np.ndarray


def worth(
    frame: Frame, y: np.ndarray, weight: np.ndarray | None, predicted: np.ndarray, *, classes: int
) -> Worth | None:
    """What a model should count for beside the answers of rows that are alike; None where they bring nothing sure.

    Args:
        y, weight, classes: as ``KnownRows.of``.
        predicted: of models that saw none of the rows that are like the one they predict; NaN where there is none.
    """
    if not 2 <= len(y) <= MOST:
        return None
    keys, sure = keys_of(frame)
    sure &= ~np.isnan(predicted).reshape(len(y), -1).any(axis=1)
    place = np.unique(np.where(sure, keys, np.arange(len(y), dtype=np.uint64)), return_inverse=True)[1]
    rows = np.flatnonzero(sure & (np.bincount(place)[place] > 1))
    groups, group = np.unique(place[rows], return_inverse=True)
    if len(groups) < _GROUPS:
        return None
    counted = np.ones(len(y)) if weight is None else weight / weight.mean()
    counted, own, before = counted[rows], np.asarray(y)[rows], np.asarray(predicted, np.float64)[rows]
    if classes:
        each = np.zeros((len(rows), classes))
        each[np.arange(len(rows)), own] = counted
        known = np.stack([np.bincount(group, column, len(groups)) for column in each.T], axis=1)[group] - each
    else:
        total = np.bincount(group, counted, len(groups))[group] - counted
        known = np.stack([np.bincount(group, counted * own, len(groups))[group] - counted * own, total], axis=1)

    def loss(strength: float | None) -> np.ndarray:
        mixed = before if strength is None else _mixed(before, known, strength)
        if classes:
            return -np.log(np.maximum(mixed[np.arange(len(rows)), own], _TINY)) * counted
        return (mixed - own) ** 2 * counted

    least = 1 / len(groups)
    losses = {strength: loss(strength) for strength in _STRENGTHS if strength >= least}
    best = min(losses, key=lambda strength: float(losses[strength].sum()))
    gains = np.bincount(group, loss(None) - losses[best], len(groups))
    if gains.mean() <= _SURE * gains.std(ddof=1) / np.sqrt(len(gains)):
        return None
    joined = np.array(predicted, np.float64)
    joined[rows] = _mixed(before, known, best)
    return Worth(best, len(rows) / len(y), joined)


def _mixed(predicted: np.ndarray, known: np.ndarray, strength: float) -> np.ndarray:
    """Predictions beside weights of classes (rows, classes), or sums and weights of values (rows, 2)."""
    if predicted.ndim == 2:
        return (strength * predicted + known) / (strength + known.sum(axis=1, keepdims=True))
    return (strength * predicted + known[:, 0]) / (strength + known[:, 1])
