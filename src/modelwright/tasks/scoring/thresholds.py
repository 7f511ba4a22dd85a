"""Decisions: from which probability on the second of two classes is named, so that a metric is best, and which of more.

The threshold with the best score on few rows is chosen by the chance of these rows. Probabilities say themselves how
many of the rows above a threshold to expect of each class, and are wrong mostly by a shift and a slope, which few rows
tell. So the score is that of expected rows, as far as the rows that are there do not outnumber them.

Between three or more classes the probability counts, over a power of the class's share: for balanced accuracy the first
power is best where probabilities are right, for the mean F1 one below it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.tasks.learners.judged import Halves
from modelwright.tasks.scoring.metrics import Metric

#: Rows, and rows of the rarer class, from which a threshold is looked for.
ENOUGH, ENOUGH_OF_A_CLASS = 20, 3
#: The same for a metric of which only values are known: it is tried, not expected.
ENOUGH_TO_TRY = 100
#: Rows that what is expected counts for.
_EXPECTED = 3000.0
#: How sure it is, before there are rows, that probabilities have the right slope and the right shift: 1 / variance.
_SURE = np.array([16.0, 1.0])
#: What another threshold than 0.5 has to bring: the class that is named is then no longer the more probable one.
_GAIN = 2e-3
_TINY = 1e-7
#: Thresholds that are tried at most by a metric of which only values are known.
_TRIED = 200
#: Thresholds among which the best is looked for while ensembles are chosen: even steps of the logarithm of the odds.
_CUTS = 1 / (1 + np.exp(-np.linspace(-7.0, 7.0, 113)))
#: From true and false positives and negatives, all by threshold: merits of metrics that name classes.
_BY_COUNTS: dict[str, Callable[..., np.ndarray]] = {
    "accuracy": lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
    "balanced_accuracy": lambda tp, fp, fn, tn: 0.5 * (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)),
    "f1": lambda tp, fp, fn, tn: _ratio(2 * tp, 2 * tp + fp + fn),
}


#: Powers of the shares of classes, and metrics by which the most probable of several classes is not the best answer.
_POWERS = (0.25, 0.5, 0.75, 1.0)
_OF_CLASSES = ("balanced_accuracy", "f1")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which class is named.

    Attributes:
        threshold: of two classes, from which probability on it is the second.
        factors: of more, what their probabilities are multiplied by before the largest is named; () for 1 each.

    >>> Cut(0.2).named(np.array([[0.7, 0.3], [0.9, 0.1]]))
    array([1, 0])
    >>> Cut(factors=(0.1, 1.0, 1.0)).named(np.array([[0.7, 0.1, 0.2]]))
    array([2])
    """

    threshold: float = 0.5
    factors: tuple[float, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Cut:
        """From what is kept under the same names."""
        return cls(float(body["threshold"]), tuple(map(float, body.get("factors") or ())))

    def named(self, predicted: np.ndarray) -> np.ndarray:
        """Places of classes, (rows,), by probabilities (rows, classes)."""
        if predicted.shape[1] == 2:
            return (predicted[:, 1] >= self.threshold).astype(np.int64)
        return (predicted * np.array(self.factors) if self.factors else predicted).argmax(axis=1)


#: The most probable one.
MOST_PROBABLE = Cut()


def decided_by(metric: Metric, predicted: np.ndarray) -> bool:
    """Whether a metric looks at which class is named, and gains by another one than the most probable."""
    if metric.needs != "labels" or predicted.ndim != 2:
        return False
    return predicted.shape[1] == 2 or metric.own in _OF_CLASSES


def best_cut(metric: Metric, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> Cut:
    """The decision by which a metric is best on rows like these; the most probable class where rows are too few.

    Args:
        y: class of each row, from 0.
        predicted: probabilities, (rows, classes).
    """
    if not decided_by(metric, predicted):
        return MOST_PROBABLE
    if predicted.shape[1] == 2:
        return Cut(best_threshold(metric, y, predicted[:, 1], weight))
    if len(y) < ENOUGH_TO_TRY:
        return MOST_PROBABLE
    cuts = _cuts(y, predicted.shape[1], weight)
    merits = [metric.merit(y, cut.named(predicted), weight) for cut in cuts]
    best = int(np.argmax(merits))
    return cuts[best] if merits[best] > merits[0] + _GAIN else MOST_PROBABLE


def _cuts(y: np.ndarray, classes: int, weight: np.ndarray | None) -> list[Cut]:
    """Decisions between several classes that are tried, the usual one first."""
    return [MOST_PROBABLE, *(Cut(factors=_factors(y, classes, power, weight)) for power in _POWERS)]


def _factors(y: np.ndarray, classes: int, power: float, weight: np.ndarray | None) -> tuple[float, ...]:
    rows = np.bincount(y, weights=weight, minlength=classes)
    # What a class without rows is worth nobody knows: no more than one with half a row.
    share = np.maximum(rows / max(_TINY, float(rows.sum())), 0.5 / len(y))
    made = share**-power
    return tuple(float(f"{one:.6g}") for one in made / made.max())


def best_threshold(metric: Metric, y: np.ndarray, scores: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The threshold by which a metric is best on rows like these; 0.5 where they are too few to tell.

    Args:
        y: 0 or 1 for each row.
        scores: probability of the second class, (rows,).

    >>> from modelwright.tasks.scoring.target import Target
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.beta(1, 4, 300)
    >>> y = (rng.random(300) < scores).astype(int)
    >>> f1 = Metric.of("f1", Target.of(np.array(["no", "yes"] * 4, object), positive="yes"))
    >>> 0.15 < best_threshold(f1, y, scores) < 0.3
    True
    """
    if metric.own in _BY_COUNTS:
        return _expected(metric, y, scores, weight)

    def merit(y: np.ndarray, named: np.ndarray) -> float:
        return metric.merit(y, named, weight)

    return tried(scores, y, merit)


def _expected(metric: Metric, y: np.ndarray, scores: np.ndarray, weight: np.ndarray | None) -> float:
    """By rows that were seen and rows that are expected."""
    share = np.ones(len(y)) if weight is None else weight / max(_TINY, float(np.mean(weight)))
    rows = float(share.sum() ** 2 / max(_TINY, float(np.square(share).sum())))
    rarer = min(np.count_nonzero(share[y == 0]), np.count_nonzero(share[y == 1]))
    if rows < ENOUGH or rarer < ENOUGH_OF_A_CLASS:
        return 0.5
    true = (y * rows + _EXPECTED * recalibrated(scores, y, share)) / (rows + _EXPECTED)
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(ordered[1:] != ordered[:-1], True)
    at = ordered[ends]
    above = [np.cumsum((share * part)[order])[ends] for part in (true, 1 - true)]
    merits = _merits(metric, above[0], above[1], float(share @ true), float(share @ (1 - true)))
    best, usual = int(np.argmax(merits)), np.count_nonzero(at >= 0.5) - 1
    nobody = _merits(metric, np.zeros(1), np.zeros(1), float(share @ true), float(share @ (1 - true)))[0]
    if merits[best] <= (merits[usual] if usual >= 0 else nobody) + _GAIN:
        return 0.5
    return float((at[best] + (at[best + 1] if best + 1 < len(at) else 0.0)) / 2)


def recalibrated(scores: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Probabilities with the slope and the shift of their log-odds that fit ``y`` best, drawn towards 1 and 0.

    After Platt, "Probabilistic outputs for support vector machines", 1999, with a prior instead of changed targets.
    """
    bounded = np.clip(scores, _TINY, 1 - _TINY)
    odds = np.column_stack([np.log(bounded / (1 - bounded)), np.ones(len(scores))])
    usual = np.array([1.0, 0.0])
    found, loss = usual, np.inf
    step = np.zeros(2)
    for _ in range(50):
        z = odds @ found
        now = float(weight @ (np.logaddexp(0.0, z) - y * z)) + 0.5 * float(_SURE @ (found - usual) ** 2)
        if now > loss + 1e-12:  # too far: half way back
            step = step / 2
            found = found + step
            continue
        loss, p = now, 1 / (1 + np.exp(-z))
        slope = odds.T @ (weight * (p - y)) + _SURE * (found - usual)
        bend = (odds * (weight * p * (1 - p))[:, None]).T @ odds + np.diag(_SURE)
        step = np.linalg.solve(bend, slope)
        if np.abs(step).max() < 1e-6:
            break
        found = found - step
    return 1 / (1 + np.exp(-(odds @ found)))


def tried(scores: np.ndarray, y: np.ndarray, merit: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """The middle of the thresholds with the highest merit; 0.5 below 100 rows.

    Args:
        scores: probability of the second class, (rows,).
        y: 0 or 1 for each row.
        merit: of named classes for ``y``; higher is better.

    >>> scores = np.linspace(0, 1, 200)
    >>> tried(scores, (scores > 0.3).astype(int), lambda y, named: float((y == named).mean()))
    0.3...
    """
    if len(y) < ENOUGH_TO_TRY:
        return 0.5
    grid = np.unique(np.append(np.quantile(scores, np.linspace(0.005, 0.995, _TRIED - 1)), 0.5))
    merits = np.array([merit(y, (scores >= at).astype(int)) for at in grid])
    if not np.isfinite(merits).all():
        return 0.5
    # One lucky row makes a peak; a threshold must be good together with its neighbours.
    smooth = np.convolve(np.pad(merits, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    best = smooth.max()
    if best <= smooth[int(np.searchsorted(grid, 0.5))] + 1e-12:
        return 0.5
    close = grid[smooth >= best - 1e-12]
    return float((close[0] + close[-1]) / 2)


def attained(
    metric: Metric,
    y: np.ndarray,
    predicted: np.ndarray,
    weight: np.ndarray | None = None,
    ties: np.ndarray | None = None,
) -> float:
    """The score with the threshold that will be deployed, chosen for each half of the rows by the other.

    Args:
        y: class of each row, from 0, or values.
        predicted: probabilities (rows, classes), or values (rows,).
        ties: which rows belong together, as integers (rows,); see ``learners.judged.dealt``.
    """
    halves = Halves.of(y, predicted.shape[1], weight, ties) if decided_by(metric, predicted) else None
    if halves is None:
        return metric.score(y, predicted, weight)
    cuts = [best_cut(metric, y[own], predicted[own], None if weight is None else weight[own]) for own in halves.places]
    return metric.score(y, halves.crossed(lambda half, own: cuts[1 - half].named(predicted[own])), weight)


def computed(metric: Metric, classes: int) -> int:
    """How often ``attained`` computes a metric at most: somebody else's is tried at many thresholds.

    Args:
        classes: 0 in regression.
    """
    if metric.needs != "labels" or not classes:
        return 1
    if classes > 2:
        return 2 * (1 + len(_POWERS)) + 1 if metric.own in _OF_CLASSES else 1
    return 1 if metric.own in _BY_COUNTS else 2 * _TRIED + 1


def attainable(metric: Metric, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The merit by the best of some decisions, quickly, for choosing between predictions for the same rows."""
    if metric.own not in _BY_COUNTS or not decided_by(metric, predicted):
        return metric.merit(y, predicted, weight)
    if predicted.shape[1] > 2:
        return max(metric.merit(y, cut.named(predicted), weight) for cut in _cuts(y, predicted.shape[1], weight))
    place, true = np.searchsorted(_CUTS, predicted[:, 1], side="right"), y == 1
    share = np.ones(len(y)) if weight is None else weight
    above = [np.bincount(place[own], share[own], len(_CUTS) + 1)[::-1].cumsum()[::-1][1:] for own in (true, ~true)]
    return float(np.max(_merits(metric, above[0], above[1], float(share[true].sum()), float(share[~true].sum()))))


def _merits(metric: Metric, hit: np.ndarray, alarmed: np.ndarray, ones: float, zeros: float) -> np.ndarray:
    """By how many ones and zeros are above each threshold, of how many."""
    counts = hit, alarmed, ones - hit, zeros - alarmed
    if metric.positive == 0:
        counts = counts[3], counts[2], counts[1], counts[0]
    return _BY_COUNTS[str(metric.own)](*counts)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=np.asarray(whole) > 0)
