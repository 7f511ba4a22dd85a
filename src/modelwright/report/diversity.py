"""Diversity: how different the configurations are that were tried, over time, and whether a search collapsed early.

The distance of two configurations is Gower's (Biometrics 27(4), 1971): the mean over parameters of how far apart they
are on the sampling scale, or whether they differ; a parameter that only one of them has counts as a difference. It is
put in relation to that of random configurations of the same space: 1 is as different as those.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from modelwright.core.history import usable
from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.report.encoding import encode_rows
from modelwright.report.text import number
from modelwright.report.view import StudyView

#: Trials in a window at least, and windows at most.
WINDOW, WINDOWS = 10, 24
#: Trials from which on something is said, and pairs that a window's distance is taken from.
ENOUGH, PAIRS = 40, 400
#: Relative distance below which trials are near copies; part of the trials that are to be so for a collapse.
NEAR, LONG = 0.145, 0.5
#: Part of what random configurations would have seen, below which a search has left much of its space unseen.
SEEN = 0.45


@dataclass(frozen=True, slots=True)
class Window:
    """Trials that were proposed one after the other.

    Attributes:
        first, last: their numbers.
        distance: mean over pairs, in relation to random configurations.
        different: how many different configurations there are among them.
    """

    first: int
    last: int
    distance: float
    different: int


@dataclass(frozen=True, slots=True)
class Diversity:
    """How different the trials of a study are.

    Attributes:
        windows: in order of number.
        seen: how many pairs of settings were tried, as a part of those that as many random trials would have had.
        collapsed: the trial from which on all are near copies of each other, when that was early; else None.
    """

    windows: tuple[Window, ...]
    seen: float
    collapsed: int | None


def diversity(view: StudyView) -> Diversity | None:
    """How different the trials are over time; None with fewer than two windows, or nothing to tell trials apart by."""
    rows = [row for row in view.history.rows if row.config and not row.given]
    if len(rows) < 2 * WINDOW:
        return None
    _, points = encode_rows(view, rows)
    kinds = [getattr(axis, "kind", "numeric") == "categorical" for axis in getattr(view.space, "axes", None) or ()]
    categorical = np.array(kinds if len(kinds) == points.shape[1] else [False] * points.shape[1], dtype=bool)
    varied = np.array([len(np.unique(np.nan_to_num(column, nan=-1.0))) > 1 for column in points.T], dtype=bool)
    if not varied.any():
        return None
    points, categorical = points[:, varied], categorical[varied]
    rng = Seed(0).child("diversity").generator()
    unit = _unit(view, points, varied, categorical, rng)
    if not unit > 0:
        return None
    size = max(WINDOW, -(-len(rows) // WINDOWS))
    windows = []
    for start in range(0, len(rows) - size // 2, size):
        part = points[start : start + size]
        different = len(np.unique(np.nan_to_num(part, nan=-1.0).round(9), axis=0))
        distance = _distance(part, categorical, rng) / unit
        windows.append(Window(rows[start].number, rows[min(start + size, len(rows)) - 1].number, distance, different))
    levels = np.array([_count(column) for column in points.T])
    seen = _seen(points, levels)
    return Diversity(tuple(windows), seen, _collapse(view, windows, seen, len(rows)))


def _count(column: np.ndarray) -> int:
    """How many different positions there are where these are evenly spaced levels; 0 on a continuum."""
    known = np.unique(column[np.isfinite(column)].round(9))
    return len(known) if len(known) <= 10 else 0


def _unit(
    view: StudyView, points: np.ndarray, varied: np.ndarray, kinds: np.ndarray, rng: np.random.Generator
) -> float:
    """The distance of random configurations: of the space, or of values shuffled over the trials."""
    drawn, sample = None, getattr(view.space, "sample_vectors", None)
    if sample is not None and len(view.space.axes) == len(varied):
        drawn = np.asarray(sample(rng, 200))[:, varied]
    return _distance(rng.permuted(points, axis=0) if drawn is None else drawn, kinds, rng)


def _distance(points: np.ndarray, categorical: np.ndarray, rng: np.random.Generator) -> float:
    """Mean over (some) pairs."""
    left, right = np.triu_indices(len(points), 1)
    if len(left) > PAIRS:
        chosen = rng.permutation(len(left))[:PAIRS]
        left, right = left[chosen], right[chosen]
    a, b = points[left], points[right]
    lone = np.isnan(a) != np.isnan(b)
    none = np.isnan(a) & np.isnan(b)
    gap = np.nan_to_num(np.abs(a - b))
    gap = np.where(categorical, gap > 1e-9, gap)
    total = np.where(lone, 1.0, np.where(none, 0.0, gap)).sum(axis=1)
    return float(np.mean(total / np.maximum((~none).sum(axis=1), 1)))


def _seen(points: np.ndarray, levels: np.ndarray, axes: int = 12) -> float:
    """How many pairs of settings were tried, as a part of those that as many random configurations would have had.

    Each of (the first few) parameters is cut into parts, so that there are about half as many pairs as trials.
    """
    count, most = len(points), max(int((len(points) / 2) ** 0.5), 2)
    parts = np.where(levels > 1, np.minimum(levels, most), most)[:axes]
    cells = np.minimum(np.nan_to_num(points[:, :axes], nan=0.0) * parts, parts - 1).astype(int)
    seen = due = 0.0
    pairs = list(itertools.combinations(range(cells.shape[1]), 2)) or [(0, 0)]
    for j, k in pairs:
        seen += len(np.unique(cells[:, j] * most + cells[:, k]))
        number = parts[j] * (parts[k] if j != k else 1)
        due += number * (1 - (1 - 1 / number) ** count)
    return min(seen / due, 1.0)


def _collapse(view: StudyView, windows: list[Window], seen: float, count: int) -> int | None:
    """The first trial of the near copies that the search ended with, when they are its larger part.

    A search that has seen most of a space may well end close to the best of it; so may one of a space with few
    configurations, and one that keeps finding better ones.
    """
    if count < ENOUGH or seen > SEEN:
        return None
    size = getattr(view.space, "size", None)
    if isinstance(size, int) and size < 4 * count:
        return None
    start = len(windows)
    while start and windows[start - 1].distance < 2 * NEAR:
        start -= 1
    if start == len(windows) or np.mean([window.distance for window in windows[start:]]) >= NEAR:
        return None
    first = windows[start].first
    ended = [row for row in view.history.rows if usable(row)]
    return first if sum(row.number >= first for row in ended) >= LONG * max(len(ended), 1) else None


def collapse_text(view: StudyView) -> str:
    """A warning when the search collapsed early; "" otherwise."""
    found = diversity(view)
    if found is None or found.collapsed is None:
        return ""
    after = len(view.history.rows) - found.collapsed
    late = [w.distance for w in found.windows if w.first >= found.collapsed]
    return (
        f"The search collapsed early: its last {counted(after, 'trial')}, from trial {found.collapsed}, are near "
        f"copies ({number(float(np.mean(late)), 1)} times as far apart as random configurations), and it saw only "
        f"{found.seen:.0%} of the pairs of settings that random ones would have. Another seed or strategy, or a larger "
        "population, may find better."
    )
