"""Features of a sample as the checks' quick models take them: numbers, level codes and the presence of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

import numpy as np

from modelwright.tasks.checks.alone import Share, level_alone, line_alone, number_alone, words_alone
from modelwright.tasks.checks.evidence import Evidence
from modelwright.tasks.checks.together import Features

#: The most frequent words of a column of text that are looked at.
_WORDS = 60
#: Columns that are looked at closely, and steps in which others are looked at first where there are more.
CLOSELY, _STEPS = 300, 12


def word_presence(texts: np.ndarray) -> np.ndarray:
    """Which of the most frequent words of a column each cell holds, bool (rows, words).

    >>> word_presence(np.array(["Red car", "red bike", ""], dtype=object)).shape
    (3, 3)
    """
    sets = [set(re.findall(r"\w+", text.casefold())) for text in texts.tolist()]
    counts = Counter(word for words in sets for word in words)
    places = {
        word: place for place, (word, _) in enumerate(sorted(counts.items(), key=lambda at: (-at[1], at[0]))[:_WORDS])
    }
    made = np.zeros((len(sets), len(places)), dtype=bool)
    for row, words in enumerate(sets):
        for word in words & places.keys():
            made[row, places[word]] = True
    return made


def column_alone(evidence: Evidence, name: str, folds: np.ndarray | None = None) -> Share | None:
    """What one column of the sample tells of the target; None where it cannot be tried.

    Args:
        folds: of the sample; None for those of the evidence.
    """
    frame, rows, folds = evidence.frame, evidence.sample, evidence.folds if folds is None else folds
    if name in frame.codes:
        return level_alone(frame.codes[name][rows], evidence.z, folds)
    if name in frame.texts:
        words = word_presence(frame.texts[name][rows])
        return words_alone(words, evidence.z, folds) if words.shape[1] else None
    values = evidence.numbers(name)
    if values is None or not np.isfinite(values).any():
        return None
    return number_alone(values[rows], evidence.z, folds)


def left_later(evidence: Evidence, name: str, *, line: bool) -> float:
    """The share of the later rows' variance that a column leaves when earlier ones tell what it means; 0 where rows are
    not judged by later ones, or these are all alike in the target.

    Args:
        line: whether a straight line counts too, which goes on beyond what earlier rows reach.
    """
    later = evidence.later
    if later is None or not later.any():
        return 0.0
    variance = float(evidence.z[later].var(axis=0).sum())
    folds = np.where(later, 0, -1)
    shares = [column_alone(evidence, name, folds)]
    if line and name not in evidence.frame.codes and (values := evidence.numbers(name)) is not None:
        shares.append(line_alone(values[evidence.sample], evidence.z, folds))
    left = [float(share.losses[later].mean()) for share in shares if share is not None]
    return min(left) / variance if left and variance > 0 else 0.0


def most_promising(evidence: Evidence, names: list[str]) -> list[str]:
    """The columns that are worth a closer look: all, or of very many those that tell the most in a few wide steps."""
    if len(names) <= CLOSELY:
        return names
    rough: dict[str, float] = {}
    for name in names:
        values = (
            evidence.numbers(name) if name not in evidence.frame.codes else evidence.frame.codes[name].astype(float)
        )
        if values is None:
            rough[name] = 0.0
            continue
        here = values[evidence.sample]
        known = here[np.isfinite(here)]
        cuts = np.unique(np.quantile(known, np.linspace(0, 1, _STEPS + 1)[1:-1])) if len(known) else known
        steps = np.where(np.isnan(here), -1, np.searchsorted(cuts, here))
        rough[name] = level_alone(steps, evidence.z, evidence.folds).left
    return sorted(names, key=lambda name: rough[name])[:CLOSELY]


def features(evidence: Evidence, names: Collection[str] | None = None) -> Features:
    """The columns of the sample that there is something to learn from, or those of them that are named."""
    frame, rows = evidence.frame, evidence.sample
    parts: list[np.ndarray] = []
    sources: list[str] = []
    levels: list[int] = []
    for column in evidence.schema.used:
        name = column.name
        if names is not None and name not in names:
            continue
        if name in frame.texts:
            part = word_presence(frame.texts[name][rows]).astype(np.float32)
        elif name in frame.codes:
            part = frame.codes[name][rows][:, None].astype(np.float32)
            part[part < 0] = np.nan
            if column.kind == "category":
                levels.append(len(sources))
        else:
            part = _single(frame.numbers[name][rows])[:, None]
        parts.append(part)
        sources += [name] * part.shape[1]
    values = np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0), dtype=np.float32)
    return Features(values, tuple(sources), tuple(levels))


def _single(values: np.ndarray) -> np.ndarray:
    """Numbers in single precision; those it would not tell apart, by their ranks."""
    with np.errstate(over="ignore"):
        small = values.astype(np.float32)
    known = np.isfinite(values)
    if len(np.unique(small[known])) < len(np.unique(values[known])):
        small = np.full(len(values), np.nan, dtype=np.float32)
        small[known] = np.unique(values[known], return_inverse=True)[1].ravel()
    return small
