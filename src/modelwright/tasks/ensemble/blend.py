"""From candidates that were judged to the members that are deployed: weights, temperature, threshold, rounds.

Looks only at predictions for rows that their models were not fitted on. Does not fit anything but weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modelwright.core.errors import StoreError
from modelwright.core.history import Row
from modelwright.store.artifacts import Artifacts
from modelwright.tasks.data.known_rows import MOST, worth
from modelwright.tasks.ensemble.mixing import Merit, mixture
from modelwright.tasks.ensemble.pruning import Prices, cheaper
from modelwright.tasks.ensemble.selection import Ensemble, Level, looked_at, selected
from modelwright.tasks.ensemble.uncertainty import standard_error
from modelwright.tasks.learners.constant import CONSTANT
from modelwright.tasks.learners.judged import part
from modelwright.tasks.scoring import calibration, thresholds
from modelwright.tasks.scoring.diagnostics import as_deployed
from modelwright.tasks.scoring.draws import Draws, Pace
from modelwright.tasks.scoring.validation import over_units
from modelwright.tasks.search.estimation import MODEL, Job
from modelwright.training.checkpoint import read_checkpoint

#: Numbers of units below the largest that are looked at, and the rows that these must have judged.
_LEVELS, _FEW = 2, 100
#: Rounds of a mean by its weight: all of them with a quarter, and so many at least.
_NEEDED, _ROUNDS = 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """What is deployed.

    Attributes:
        trials: numbers of the members' trials, the one with most weight first.
        weights: of the members, with the sum 1.
        rounds: for each member how many rounds its fit on all rows takes; None where that means nothing to it.
        values: for each member its own score, in the metric's natural sign.
        score: of the blend, by weights that were chosen on other rows, in the metric's natural sign; of a candidate
            that is deployed alone, less by how much it looks better on the rows that it was the best on.
        spread: standard error of ``score``.
        selected: its score on the rows that the weights were chosen on; too good by that.
        temperature: see ``calibration``.
        cut: see ``thresholds``.
        rows: how many rows it was judged by.
        units: by how many units; none where nothing says it.
        judged: see ``diagnostics.judged``; with ``single``, the score of the best candidate alone on the same rows, and
            ``constant``, that of always the same prediction, where the metric is one of ours.
        left_out: where members were left out that took long for what they brought: their numbers as ``trials``,
            microseconds that a row was foreseen to take of one core ``before`` and ``after``, and by how much the
            score was better with them, ``lost``; else None.
        known_rows: where known answers for a row that comes again count: ``strength``, see ``known_rows.Worth``, with
            ``rows``, and the score on all rows ``before`` and ``after``; else None.
    """

    trials: tuple[int, ...]
    weights: tuple[float, ...]
    rounds: tuple[int | None, ...]
    values: tuple[float, ...]
    score: float
    spread: float
    selected: float
    temperature: float = 1.0
    cut: thresholds.Cut = thresholds.MOST_PROBABLE
    rows: int = 0
    units: int = 0
    judged: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, Any] | None = None
    known_rows: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Crossed:
    """What a blend predicts for the rows that judged it, by weights that were chosen on other rows.

    Attributes:
        rows: their places, in order.
        values: (rows,), or probabilities (rows, classes).
    """

    rows: np.ndarray
    values: np.ndarray

    def at(self, rows: np.ndarray) -> np.ndarray:
        """Predictions for some of the rows."""
        return self.values[np.searchsorted(self.rows, rows)]

    def whole(self, count: int) -> np.ndarray:
        """Predictions for all rows, NaN for those that judged nothing."""
        found = np.full((count, *self.values.shape[1:]), np.nan)
        found[self.rows] = self.values
        return found


def reached(row: Row) -> int:
    """By how many units a candidate was judged."""
    return len(row.facts.get("scores") or ()) if "checkpoint" in row.artifacts else 0


def out_of_fold(row: Row, job: Job, files: Artifacts) -> list[np.ndarray]:
    """Predictions for the rows of each unit that judged a candidate.

    Raises:
        StoreError: the file is gone or is not what was written.
    """
    kept = row.artifacts["checkpoint"]
    arrays, _ = read_checkpoint(files.fetch(kept), sha256=kept.sha256)
    return [np.asarray(arrays[f"unit{unit}"]) for unit in range(reached(row))]


def judging(units: int, job: Job) -> np.ndarray:
    """The rows that the first ``units`` units judge by, in order."""
    judges = np.zeros(len(job.y), bool)
    for unit in range(units):
        judges[job.split.rows(unit)[1]] = True
    return np.flatnonzero(judges)


def pooled(predicted: Sequence[np.ndarray], units: int, job: Job, seen: np.ndarray) -> np.ndarray:
    """Mean prediction of the first ``units`` units for the rows ``seen``; NaN for those that none of them judges."""
    shape = (len(seen),) if job.task == "regression" else (len(seen), job.classes)
    total, count = np.zeros(shape), np.zeros(len(seen))
    for unit in range(min(units, len(predicted))):
        off = job.split.rows(unit)[1]
        at = np.minimum(np.searchsorted(seen, off), len(seen) - 1)
        own = seen[at] == off
        total[at[own]] += predicted[unit][own]
        count[at[own]] += 1
    with np.errstate(invalid="ignore"):
        total /= count if total.ndim == 1 else count[:, None]
    # What was predicted once is held as it was stored.
    return total.astype(predicted[0].dtype) if count.max(initial=1) == 1 else total


def blended(rows: Sequence[Row], job: Job, files: Artifacts, seconds: float | None = None) -> Blend | None:
    """Choose what is deployed among the candidates that were judged; None while there is none.

    Candidates that all units judged have more rows that speak for them, those that few units judged are more: weights
    are the mean of those among the ones and those among all (see ``ensemble.selected``). On rows that a member did not
    judge the others stand in for it.

    Args:
        seconds: what it may take; None for all that is good, and for no look at a clock.
    """
    read: dict[int, tuple[Row, list[np.ndarray]]] = {}
    sign = 1.0 if job.metric.higher else -1.0
    numbers = max(1, len(judging(job.split.units, job)) * max(1, job.classes))
    there = [row for row in rows if row.config[MODEL] not in job.barred]
    draws = _draws(there, job, looked_at(numbers) // numbers, seconds)
    most = draws.candidates
    for row in sorted(there, key=lambda row: -sign * _score(row) if reached(row) else math.inf):
        if not reached(row) or sum(reached(row) <= reached(one) for one, _ in read.values()) >= most:
            continue
        try:
            read[row.number] = row, out_of_fold(row, job, files)
        except StoreError:  # what cannot be read cannot be a member; its trial says so when it is asked for
            continue
    read = _without_constant(read, sign)
    if not read:
        return None
    blend, crossed = _chosen(list(read.values()), job, draws)
    return replace(blend, known_rows=_recalled(blend, crossed, job)) if draws.thorough else blend


def _draws(rows: Sequence[Row], job: Job, most: int, seconds: float | None) -> Draws:
    """How weights are chosen, among so many candidates at most."""
    draws = Draws(by_class=job.task != "regression" and job.metric.weighs, candidates=most)
    if seconds is None:
        return draws
    judged = [units for units in map(reached, rows) if units]
    compared = [min(most, sum(one >= level for one in judged)) for level in _levels(judged)]
    return draws.within(seconds, job.metric, pace(job), compared)


def pace(job: Job) -> Pace:
    """How fast the metric of a fit is."""
    seen = judging(job.split.units, job)
    return Pace.of(job.metric, job.y[seen], units=job.split.units, classes=job.classes)


def _recalled(blend: Blend, found_for: Crossed, job: Job) -> dict[str, Any] | None:
    """What known answers for rows that come again bring beside the blend, where that is sure."""
    if not job.recalls or len(job.y) > MOST:
        return None
    crossed, seen = found_for.whole(len(job.y)), found_for.rows
    if job.task != "regression":
        crossed = calibration.tempered(crossed, blend.temperature)
    linked = np.log1p(np.maximum(crossed, 0.0)) if job.metric.link == "log1p" else crossed
    found = worth(job.frame, job.aim(), job.weighing(np.arange(len(job.y))), linked, classes=job.classes)
    if found is None:
        return None
    weight = job.judging_by(seen)
    scores = [
        float(thresholds.attained(job.metric, job.y[seen], one[seen], weight, job.split.tied(seen)))
        for one in (crossed, job.natural(found.joined))
    ]
    sign = 1.0 if job.metric.higher else -1.0
    if not sign * (scores[1] - scores[0]) > 0:
        return None
    return {"strength": found.strength, "rows": found.rows, "before": scores[0], "after": scores[1]}


def _levels(judged: Sequence[int]) -> list[int]:
    """The largest number of units that judged a candidate, and those at which most more candidates can be compared.

    >>> _levels([8, 8, 7, 3, 3, 3, 3, 1, 1])
    [8, 3, 1]
    """
    if not judged:
        return []
    most, *fewer = sorted(set(judged), reverse=True)
    more = sorted(fewer, key=lambda level: (-sum(one == level for one in judged), -level))
    return [most, *sorted(more[:_LEVELS], reverse=True)]


def _without_constant(
    read: dict[int, tuple[Row, list[np.ndarray]]], sign: float
) -> dict[int, tuple[Row, list[np.ndarray]]]:
    """Candidates without the constant, unless it is the best: for metrics of ranks it would cost nothing, and does."""
    blind = [number for number, (row, _) in read.items() if row.config[MODEL] == CONSTANT]
    if not read or max(read, key=lambda number: sign * _score(read[number][0])) in blind:
        return read
    return {number: one for number, one in read.items() if number not in blind}


def _compared(among: Sequence[tuple[Row, list[np.ndarray]]], seen: np.ndarray, job: Job) -> dict[int, Level]:
    """Which candidates are compared by which of the rows ``seen``, by their units, the most units first."""
    found: dict[int, Level] = {}
    for level in _levels([reached(row) for row, _ in among]):
        rows = np.flatnonzero(np.isin(seen, judging(level, job), assume_unique=True))
        own = [place for place, (row, _) in enumerate(among) if reached(row) >= level]
        if not found or len(rows) >= _FEW:
            predictions = [pooled(among[place][1], level, job, seen[rows]) for place in own]
            found[level] = Level(own, rows, predictions)
    return found


def _chosen(among: Sequence[tuple[Row, list[np.ndarray]]], job: Job, draws: Draws) -> tuple[Blend, Crossed]:
    """The blend; what it predicts for the rows that judged it by weights that were chosen on other rows."""
    most, sign = max(reached(row) for row, _ in among), 1.0 if job.metric.higher else -1.0
    longest = next(found for row, found in among if reached(row) == most)
    seen = judging(most, job)
    seen = seen[~np.isnan(pooled(longest, most, job, seen)).reshape(len(seen), -1).any(axis=1)]
    levels = _compared(among, seen, job)
    predictions = [pooled(found, most, job, seen) for _, found in among]

    found = selected(
        predictions, job.y[seen], _merit(job), seed=job.seed, levels=list(levels.values()),
        sample_weight=job.judging_by(seen), ties=job.split.tied(seen), draws=draws,
    )  # fmt: skip
    units, level = list(levels.items())[found.level]
    found, left_out = _cheaper(found, among, (units, seen[level.rows]), job, draws)
    crossed = Crossed(seen[level.rows], found.mixed(predictions)[level.rows])
    seen, weights = crossed.rows, found.weights
    y, weight = job.y[seen], job.judging_by(seen)
    predictions = [pooled(one, units, job, seen) for _, one in among]
    order = [i for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
    mixed = mixture(weights, predictions)
    heat, cut = _calibrated(mixed, seen, job, draws)
    sure = mixed if job.task == "regression" else calibration.tempered(mixed, heat)
    chosen = [among[i][0] for i in order]
    optimism = max(0.0, found.optimism)
    told = as_deployed(
        y, mixed, weight, task=job.task, metric=job.metric, temperature=heat, cut=cut,
        stands=part(job.split.stands, seen),
    )  # fmt: skip
    alone = [_mean(among[place][0], units) for place in level.candidates]
    score = sign * found.selected
    if draws.thorough:
        score = _by_unit([among[i][1] for i in order], weights[order], units, job, score)
    made = Blend(
        trials=tuple(row.number for row in chosen),
        weights=tuple(float(weights[i]) for i in order),
        rounds=tuple(rounds_of(row, job, float(weights[i])) for row, i in zip(chosen, order, strict=True)),
        values=tuple(_score(row) for row in chosen),
        score=score - sign * optimism,
        spread=standard_error(sure, seen, cut, job, thorough=draws.thorough),
        selected=sign * found.selected,
        temperature=heat,
        cut=cut,
        rows=len(seen),
        units=units,
        left_out=left_out,
        judged=told | {"single": max(alone, key=lambda score: sign * score)},
    )
    return made, crossed


def _merit(job: Job) -> Merit:
    return lambda y, predicted, weight: thresholds.attainable(job.metric, y, predicted, weight)


def _cheaper(
    found: Ensemble,
    among: Sequence[tuple[Row, list[np.ndarray]]],
    judges: tuple[int, np.ndarray],
    job: Job,
    draws: Draws,
) -> tuple[Ensemble, dict[str, Any] | None]:
    """The ensemble without members that take long for what they bring, and what is said of these.

    Args:
        judges: by how many units it was judged, and the rows of these.
    """
    if job.bags or not draws.thorough:
        return found, None
    units, seen = judges
    predictions = [pooled(one, units, job, seen) for _, one in among]
    rows = [row for row, _ in among]
    less = cheaper(
        found, predictions, job.y[seen], _merit(job), Prices(lambda place, weight: _row_ns(rows[place], job, weight)),
        seed=job.seed, sample_weight=job.judging_by(seen), draws=draws,
    )  # fmt: skip
    if less is None:
        return found, None
    numbers = [rows[place].number for place in less.gone]
    told = {"trials": numbers, "before": less.before / 1e3, "after": less.after / 1e3, "lost": less.lost}
    return less.without(found), told


def _row_ns(row: Row, job: Job, weight: float) -> float:
    """Nanoseconds of one core that a member with such a weight is foreseen to take for a row, among many."""
    each, rounds = float(row.facts.get("row_ns") or 0.0), rounds_of(row, job)
    if rounds is None or not job.learners[str(row.config[MODEL])].averages:
        return each
    return each * sufficient(rounds, weight) / rounds


def _by_unit(
    members: Sequence[Sequence[np.ndarray]], weights: np.ndarray, units: int, job: Job, pooled: float
) -> float:
    """Mean score over units, as that of a candidate is: predictions of repeats are not averaged before."""
    scores = []
    for unit in range(units):
        off = job.split.rows(unit)[1]
        weight = job.judging_by(off)
        there = [(share, found[unit]) for share, found in zip(weights, members, strict=True) if unit < len(found)]
        if there and (weight is None or weight.any()):
            mixed = mixture(np.array([share for share, _ in there]), [predicted for _, predicted in there])
            scores.append(float(thresholds.attained(job.metric, job.y[off], mixed, weight, job.split.tied(off))))
    found = over_units(scores)
    return found if math.isfinite(found) else pooled


def _score(row: Row) -> float:
    return over_units(row.facts["scores"])


def _mean(row: Row, level: int) -> float:
    return over_units(row.facts["scores"][:level])


def rounds_of(row: Row, job: Job, weight: float = 1.0) -> int | None:
    """Rounds on all rows: the mean of what each unit says, of which one may have half as many rows as another."""
    told = enumerate(row.facts.get("rounds") or ())
    known = [rounds * job.longer(row.config, unit, rounds) for unit, rounds in told if rounds is not None]
    if not known:
        return None
    found = max(1, round(float(np.mean(known))))
    return sufficient(found, weight) if job.learners[str(row.config[MODEL])].averages else found


def sufficient(rounds: int, weight: float) -> int:
    """How many of its rounds a mean needs that has this weight: the less it has, the less its noise is heard.

    >>> sufficient(120, 0.1), sufficient(120, 0.5), sufficient(5, 0.1)
    (48, 120, 5)
    """
    return min(rounds, max(_ROUNDS, math.ceil(rounds * _NEEDED * weight)))


def _calibrated(mixed: np.ndarray, seen: np.ndarray, job: Job, draws: Draws) -> tuple[float, thresholds.Cut]:
    """Temperature, and which class is named, by predictions for the rows ``seen``.

    Weights of classes make probabilities of another world: how sure they are is judged there, what is named is not.
    """
    if job.task == "regression":
        return 1.0, thresholds.MOST_PROBABLE
    y = job.y[seen]
    heat = calibration.temperature(mixed, y, job.weighing(seen))
    if not draws.thorough:
        return heat, thresholds.MOST_PROBABLE
    sure = calibration.tempered(mixed, heat)
    return heat, thresholds.best_cut(job.metric, y, sure, job.judging_by(seen))
