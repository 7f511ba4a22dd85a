"""Texts and dirty strings: n-grams in buckets, tf-idf, and their first components; and what can be counted in a text.

The n-grams are hashed, so that nothing is stored but an inverse frequency and a row of loadings for each bucket.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.ngrams import MOST, buckets_of
from modelwright.tasks.features.step import AppliedColumns, ColumnStep, Sight, described

_COUNTED = ("letters", "words", "digits", "capitals", "signs")
#: Distinct texts that components are found from; letters that are turned into n-grams at once.
_SAMPLE, _AT_ONCE = 20_000, 1_000_000
_OVERSAMPLED, _POWER = 10, 3


@dataclass(frozen=True, slots=True)
class Texts(ColumnStep):
    """Each column by the first components of its n-grams' tf-idf (truncated SVD), and by counts.

    Args:
        columns: texts, or categories of which a frame keeps the spellings.
        components: features for each column, at most.
        words: longest run of words.
        letters: shortest and longest run of letters.
        buckets: how many n-grams are told apart.
        counts: whether there are features for length, words, digits, capitals and signs.
    """

    columns: tuple[str, ...]
    components: int = 30
    words: int = 2
    letters: tuple[int, int] = (3, 4)
    buckets: int = 8192
    counts: bool = True
    kind: ClassVar[str] = "texts"

    def fit(self, frame: Frame, sight: Sight) -> tuple[AppliedColumns, np.ndarray]:
        settings = {"words": self.words, "letters": list(self.letters), "buckets": self.buckets, "counts": self.counts}
        arrays: dict[str, np.ndarray] = {}
        names: list[str] = []
        sources: list[tuple[str, ...]] = []
        for place, name in enumerate(self.columns):
            distinct = np.unique(_texts(frame, name).astype(str))
            if len(distinct) > _SAMPLE:
                rng = sight.seed.child(name, "sample").generator()
                distinct = distinct[np.sort(rng.permutation(len(distinct))[:_SAMPLE])]
            counted = _counted(distinct.tolist(), settings)
            weight, loadings = _components(counted, self.components, sight.seed.child(name).generator())
            arrays[f"weight{place}"], arrays[f"loadings{place}"] = weight, loadings
            own = [f"{name}: n-grams {k + 1}" for k in range(loadings.shape[1])]
            own += [f"{name}: {counted}" for counted in _COUNTED] if self.counts else []
            names += own
            sources += [(name,)] * len(own)
        json = described(names, sources)
        json.update(columns=list(self.columns), **settings)
        applied = AppliedTexts(json, arrays)
        return applied, applied.values(frame)


def _texts(frame: Frame, name: str) -> np.ndarray:
    return frame.texts[name] if name in frame.texts else frame.spellings[name]


def _counted(texts: list[str], settings: dict[str, Any]) -> Any:
    """Sparse counts (texts, buckets), as 1 + log of how often."""
    from scipy.sparse import csr_array, vstack

    words, letters, buckets = settings["words"], tuple(settings["letters"]), settings["buckets"]
    parts = []
    chunk = np.cumsum([min(len(text), MOST) + 2 for text in texts]) // _AT_ONCE
    bounds = [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(texts)]
    for start, end in itertools.pairwise(bounds):
        some = texts[start:end]
        rows, places = buckets_of(some, words=words, letters=letters, buckets=buckets)
        ones = np.ones(len(rows), np.float32)
        made = csr_array((ones, (rows, places)), shape=(len(some), buckets))
        made.sum_duplicates()
        made.data = (1 + np.log(made.data)).astype(np.float32)
        parts.append(made)
    return parts[0] if len(parts) == 1 else vstack(parts, format="csr")


def _components(counted: Any, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inverse document frequencies (buckets,), and loadings (buckets, components) of the first components.

    Randomised range finder with power iterations: Halko, Martinsson and Tropp, SIAM Review 2011.
    """
    texts, buckets = counted.shape
    frequency = np.bincount(counted.indices, minlength=buckets)
    weight = np.log((1 + texts) / (1 + frequency)).astype(np.float32) + 1
    weight[frequency == 0] = 0
    scaled = _normed(counted.copy(), weight)
    count = min(count, max(1, min(texts - 1, int((frequency > 0).sum()))))
    basis = scaled @ rng.standard_normal((buckets, min(count + _OVERSAMPLED, max(1, texts)))).astype(np.float32)
    for _ in range(_POWER):
        basis = np.linalg.qr(scaled @ (scaled.T @ np.linalg.qr(basis)[0]))[0]
    _, sizes, right = np.linalg.svd((scaled.T @ basis).T, full_matrices=False)
    kept = int(min(count, max(1, (sizes > 1e-5 * max(float(sizes[0]), 1e-12)).sum())))
    loadings = right[:kept].T
    # The sign of a component is arbitrary; this one is the same on every machine.
    signs = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(kept)])
    return weight, np.ascontiguousarray(loadings * np.where(signs == 0, 1, signs), np.float32)


def _normed(counted: Any, weight: np.ndarray) -> Any:
    """Counts times their weights, each row with length 1."""
    counted.data *= weight[counted.indices]
    squares = np.square(counted.data)
    ends = np.append(0.0, np.cumsum(squares, dtype=np.float64))
    lengths = np.sqrt(np.maximum(np.diff(ends[counted.indptr]), 0.0))
    per_entry = np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(counted.indptr))
    counted.data = (counted.data / per_entry).astype(np.float32)
    return counted


class AppliedTexts(AppliedColumns):
    kind: ClassVar[str] = "texts"

    def prepare(self) -> None:
        self._columns = tuple(self.json["columns"])

    def values(self, frame: Frame) -> np.ndarray:
        parts = []
        for place, name in enumerate(self._columns):
            column = _texts(frame, name)
            if frame.rows == 1:
                distinct, inverse = [str(column[0])], None
            else:
                found, inverse = np.unique(column.astype(str), return_inverse=True)
                distinct = found.tolist()
            made = self._column(place, distinct)
            parts.append(made if inverse is None else made[inverse])
        return np.concatenate(parts, axis=1) if parts else np.zeros((frame.rows, 0), np.float32)

    def _column(self, place: int, texts: list[str]) -> np.ndarray:
        weight, loadings = self.arrays[f"weight{place}"], self.arrays[f"loadings{place}"]
        if len(texts) == 1:
            made = self._one(texts[0], weight, loadings)
        else:
            made = _normed(_counted(texts, self.json), weight) @ loadings
        return np.concatenate([made, _counts(texts)], axis=1) if self.json["counts"] else made

    def _one(self, text: str, weight: np.ndarray, loadings: np.ndarray) -> np.ndarray:
        words, letters = self.json["words"], tuple(self.json["letters"])
        _, places = buckets_of([text], words=words, letters=letters, buckets=self.json["buckets"])
        own, often = np.unique(places, return_counts=True)
        value = ((1 + np.log(often)).astype(np.float32) * weight[own]).astype(np.float32)
        length = float(np.sqrt(np.square(value, dtype=np.float64).sum()))
        return (value / np.float32(length or 1.0))[None, :] @ loadings[own]


def _counts(texts: list[str]) -> np.ndarray:
    made = np.zeros((len(texts), len(_COUNTED)), np.float32)
    for place, text in enumerate(texts):
        made[place] = (
            len(text),
            len(text.split()),
            sum(map(str.isdigit, text)),
            sum(map(str.isupper, text)),
            sum(not (sign.isalnum() or sign.isspace()) for sign in text),
        )
    return made
