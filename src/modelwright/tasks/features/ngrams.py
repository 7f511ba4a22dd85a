"""Words and runs of letters of texts as numbers of buckets, by a hash that is the same everywhere. Fits nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.uint64(0x632BE59BD9B4E019)
#: Letters of a text that are looked at.
MOST = 2000


def _letters(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of all texts in lower case with a blank at both ends, one after the other, and the text of each."""
    padded = [f" {' '.join(text[:MOST].lower().split())} " for text in texts]
    joined = "".join(padded)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    rows = np.repeat(np.arange(len(padded)), [len(text) for text in padded])
    return points.astype(np.uint64), rows


def _mixed(hashes: np.ndarray, salt: int, buckets: int) -> np.ndarray:
    mixed = (hashes + np.uint64(salt)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    mixed *= _ODD
    return ((mixed >> np.uint64(40)) % np.uint64(buckets)).astype(np.int64)


def buckets_of(texts: Sequence[str], *, words: int, letters: tuple[int, int], buckets: int) -> tuple[np.ndarray, ...]:
    """Where each n-gram of the texts falls.

    Args:
        words: longest run of words; 0 for none.
        letters: shortest and longest run of letters; (0, 0) for none.
        buckets: how many there are.

    Returns:
        The text of each n-gram, and its bucket.

    >>> rows, places = buckets_of(["ab ab", "AB"], words=1, letters=(0, 0), buckets=1000)
    >>> rows.tolist(), len(set(places.tolist()))
    ([0, 0, 1], 1)
    """
    points, row = _letters(texts)
    rows, places = [], []
    with np.errstate(over="ignore"):
        if letters[1]:
            rolled = np.zeros(len(points), np.uint64)
            for length in range(1, letters[1] + 1):
                usable = len(points) - length + 1
                if usable <= 0:
                    break
                rolled = rolled[:usable] * _PRIME + points[length - 1 :]
                if length >= letters[0]:
                    inside = row[:usable] == row[length - 1 :]
                    rows.append(row[:usable][inside])
                    places.append(_mixed(rolled[inside], length, buckets))
        if words:
            of_word, hashes = _words(points, row)
            rolled = np.zeros(len(hashes), np.uint64)
            for length in range(1, words + 1):
                usable = len(hashes) - length + 1
                if usable <= 0:
                    break
                rolled = rolled[:usable] * _PRIME + hashes[length - 1 :]
                inside = of_word[:usable] == of_word[length - 1 :]
                rows.append(of_word[:usable][inside])
                places.append(_mixed(rolled[inside], 100 + length, buckets))
    none = np.zeros(0, np.int64)
    return (np.concatenate(rows), np.concatenate(places)) if rows else (none, none)


def _words(points: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The text of each word, and a hash of the word."""
    solid = points != 32
    starts = np.flatnonzero(solid[1:] & ~solid[:-1]) + 1
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    begun = np.zeros(len(points), np.int64)
    begun[starts] = starts
    offset = np.arange(len(points)) - np.maximum.accumulate(begun)
    power = np.cumprod(np.full(int(offset.max()) + 1, _PRIME, np.uint64))
    weighted = np.where(solid, (points + np.uint64(7)) * power[offset], np.uint64(0))
    return row[starts], np.add.reduceat(weighted, starts)
