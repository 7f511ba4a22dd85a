"""How sure the score of what is deployed is, by the rows that judged it. Does not know what is judged."""

from __future__ import annotations

import math

import numpy as np

from modelwright.core.rng import Seed
from modelwright.tasks.scoring.draws import SAMPLES
from modelwright.tasks.scoring.thresholds import Cut, decided_by
from modelwright.tasks.search.estimation import Job

#: Rows from which the standard error is that over so many parts; samples with replacement where there are fewer rows,
#: and the metric is slow.
_MANY, _PARTS, _FEW_SAMPLES = 2000, 10, 12
#: Metrics that are 1 where no row is mistaken: by all rows, or by those of the rarer of two classes.
_BY_ROWS, _BY_CLASS = ("accuracy",), ("roc_auc", "average_precision", "balanced_accuracy", "f1")


def standard_error(mixed: np.ndarray, seen: np.ndarray, cut: Cut, job: Job, *, thorough: bool = True) -> float:
    """Standard error of the score: over parts of the rows, where there are few over samples with replacement.

    Rows that belong together are drawn together: a hundred rows of one customer are not a hundred witnesses. Where no
    row is mistaken no sample is worse; the next row may be all the same, so one mistake more is allowed for.

    Args:
        mixed: what is deployed answers for the rows ``seen``, (rows, classes) or (rows,).
        seen: places of the rows that judge.
        thorough: whether there is time for as many samples as are usual.
    """
    rng, ties, least = _rng(job), job.split.tied(seen), _one_more(seen, job)
    answers = cut.named(mixed) if decided_by(job.metric, mixed) else mixed

    def score(at: np.ndarray) -> float:
        return job.metric.merit(job.y[seen[at]], answers[at], job.judging_by(seen[at]))

    order, starts = np.arange(len(seen)), np.arange(len(seen) + 1)
    if ties is not None:
        order = np.argsort(ties, kind="stable")
        starts = np.append(np.flatnonzero(np.diff(ties[order], prepend=ties.min() - 1)), len(seen))
    count = len(starts) - 1
    if count >= _MANY:
        scores = [score(np.searchsorted(seen, some)) for some in _apart(seen, job) if len(some)]
        return max(float(np.nanstd(scores, ddof=1) / np.sqrt(len(scores))), least)
    scores = []
    for _ in range(SAMPLES if thorough else _FEW_SAMPLES):
        drawn = rng.integers(0, count, count)
        lengths = starts[drawn + 1] - starts[drawn]
        into = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        scores.append(score(order[np.repeat(starts[drawn], lengths) + into]))
    known = [one for one in scores if math.isfinite(one)]
    return max(float(np.std(known, ddof=1)) if len(known) > 1 else 0.0, least)


def _one_more(seen: np.ndarray, job: Job) -> float:
    """What one mistake more would be, of those that make a score of 1: by the "rule of three" for none so far.

    Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983: with n witnesses two standard
    errors are about 3 / n.
    """
    if job.metric.own not in (*_BY_ROWS, *_BY_CLASS) or not len(seen):
        return 0.0
    places = [seen]
    if job.metric.own in _BY_CLASS:
        places = [own for own in (seen[job.y[seen] == k] for k in range(job.classes)) if len(own)]
    ties = [job.split.tied(own) for own in places]
    return 1.0 / (
        2 + min(len(own if tied is None else np.unique(tied)) for own, tied in zip(places, ties, strict=True))
    )


def _apart(rows: np.ndarray, job: Job) -> list[np.ndarray]:
    """Rows in parts by chance; those that belong together are in one."""
    rng, ties = _rng(job), job.split.tied(rows)
    if ties is None:
        return np.array_split(rng.permutation(rows), _PARTS)
    which, sizes = np.unique(ties, return_inverse=True, return_counts=True)[1:]
    order = rng.permutation(len(sizes))
    ends = np.cumsum(sizes[order])
    place = np.empty(len(sizes), np.int64)
    place[order] = np.minimum((ends - 1) * _PARTS // max(1, len(rows)), _PARTS - 1)
    return [rows[place[which] == number] for number in range(_PARTS)]


def _rng(job: Job) -> np.random.Generator:
    return Seed(job.seed).child("blend", "parts").generator()
