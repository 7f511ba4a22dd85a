"""The fidelity audit: whether short training ranks trials as longer training does, measured without flattery.

Of the trials that a rung lets go on only the best are seen later, and among these alone a good and a useless rung look
much alike. So a few promotions go to trials drawn by lot from those that the rung would leave behind. They stand for
all of them: each pair of trials counts by the inverse of how likely it was to be seen (Horvitz and Thompson, "A
Generalization of Sampling Without Replacement from a Finite Universe", JASA 47, 1952; normalised as by Hajek, 1971).

Pure functions over the history. Fidelities are numbers in (0, 1]; nothing here knows what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from modelwright.core.history import History, Row
from modelwright.core.rng import Seed
from modelwright.strategy.shown import SAME, Shown, merits_at

#: One promotion of so many is an audit: 8 %.
EVERY = 12
#: An audit that is due falls on a promotion from a higher fidelity than the lowest with this probability.
HIGHER = 0.2
#: A fidelity is given up when the interval of its agreement with a longer training lies below this. Successive halving
#: breaks even with a rung at a Kendall's tau of 0.1 to the end, and gets all it can from one at 0.4 (simulated: 20 full
#: trainings, eta 3); in between it is worth little.
BOUND = 0.3
#: Fewer pairs decide nothing.
LEAST = 10
#: Of the normal distribution, for an interval that holds 90 %.
_QUANTILE = 1.6448536269514722


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How alike two fidelities rank the trials of a study.

    Attributes:
        low, high: the fidelities.
        tau: Kendall's tau-b over all trials that were compared at the lowest fidelity, in [-1, 1].
        interval: its 90 % interval.
        pairs: trials that were seen at both.
        audits: those of them that their rank would not have brought there.
    """

    low: float
    high: float
    tau: float
    interval: tuple[float, float]
    pairs: int
    audits: int


# --- which promotions are audits -------------------------------------------------------------------


def promotions(history: History) -> int:
    """How many times a trial went on so far."""
    return sum(max(row.segment, 0) + (row.state == "proposed" and row.segment >= 0) for row in history.rows)


def due(history: History, seed: Seed, level: float) -> bool:
    """Whether the next promotion, one from fidelity ``level``, is an audit.

    One of every twelve is, at a place drawn by lot. Most audits wait for a promotion from the lowest fidelity in use:
    there they are cheap, and it is that one which may be given up.
    """
    made, held = promotions(history), sum(len(row.note.get("audited", ())) for row in history.rows)
    block, place = divmod(made, EVERY)
    if held >= block + (place >= int(seed.child("audit", block).generator().integers(EVERY))):
        return False
    first = max(min((row.note.get("first", 1.0) for row in history.rows), default=1.0), lowest(history))
    return level <= first + SAME or seed.child("audit", made, "higher").generator().random() < HIGHER


def draw(history: History, seed: Seed, passed: Sequence[Row], level: float) -> tuple[int, dict[str, Any]] | None:
    """The trial to audit, and what its note says; None where nobody was passed over.

    Every trial has the same chance, whenever it came: the lot falls among those that were passed over since the
    latest audit at this fidelity.

    Args:
        passed: trials that rest at fidelity ``level`` and whose rank does not let them go on.
    """
    since = max((row.note["last"] for row in history.rows if audited(row, level) and "last" in row.note), default=-1)
    rows = [row for row in passed if row.number > since and not audited(row, level)]
    if not rows:
        return None
    rng = seed.child("audit", promotions(history), "who").generator()
    row = rows[int(rng.integers(len(rows)))]
    return row.number, {"of": len(rows), "last": max(r.number for r in rows), **marked(row.note, level)}


def marked(note: Any, level: float) -> dict[str, Any]:
    """What the note of a trial says that goes on from ``level`` whatever its rank."""
    return {"why": "audit", "audited": [*note.get("audited", ()), round(level, 9)]}


def spared(seed: Seed, number: int, levels: Sequence[float], eta: float) -> float | None:
    """The fidelity at which trial ``number``, which cannot pause, is not stopped whatever its rank; None for most.

    As many are spared that about one in twelve of those that pass a rung owes it to the lot; most of them at the
    lowest fidelity, where most trials are compared.

    Args:
        levels: fidelities at which trials are stopped, from the lowest.
    """
    if not levels:
        return None
    every = max(2, round((EVERY - 1) * (1 - 1 / eta) * (eta - 1)))
    block, place = divmod(number, every)
    rng = seed.child("audit", block).generator()
    if place != int(rng.integers(every)):
        return None
    return levels[min(int(rng.geometric(1 - 1 / eta)) - 1, len(levels) - 1)]


def audited(row: Row, level: float) -> bool:
    """Whether a trial goes, or went, on from fidelity ``level`` by lot."""
    return any(abs(f - level) <= SAME for f in row.note.get("audited", ()))


# --- what they show --------------------------------------------------------------------------------


def agreement(
    history: History,
    levels: Sequence[float],
    low: float,
    high: float,
    *,
    steps: int | None = None,
    known: Shown | None = None,
) -> Agreement | None:
    """How alike ``low`` and ``high`` rank trials; None where that is not known, as without a single audit.

    The interval is Wilson's for a tau whose variance falls as ``1 - tau^2``, with the number of pairs that the
    weights leave (Kish, "Survey Sampling", 1965). It is wide: one audit stands for many trials.

    Args:
        levels: all fidelities at which trials are compared, in order; ``low`` and ``high`` are two of them.
        steps: the steps that fidelity 1 means, or None.
    """
    known = known or Shown()
    found = _weights(history, [f for f in levels if f <= high + SAME], steps, known)
    if found is None:
        return None
    weight, lots = found
    x, y = (merits_at(history, level, steps, known) for level in (low, high))
    rows = [n for n in weight if math.isfinite(x.get(n, math.nan)) and math.isfinite(y.get(n, math.nan))]
    if len(rows) < 3:
        return None
    columns = [np.array([values[n] for n in rows]) for values in (x, y, weight)]
    tau, interval = weighted_tau(columns[0], columns[1], columns[2])
    return Agreement(low=low, high=high, tau=tau, interval=interval, pairs=len(rows), audits=len(lots & set(rows)))


def weighted_tau(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Kendall's tau-b where the pair (i, j) counts ``weight[i] * weight[j]`` times, and its 90 % interval.

    A column of equal values says nothing: tau is then 0 and the interval all of [-1, 1].

    >>> tau, (low, high) = weighted_tau(np.arange(20.0), np.arange(20.0), np.ones(20))
    >>> tau, round(low, 2), high
    (1.0, 0.87, 1.0)
    """
    signs = [np.sign(v[:, None] - v[None, :]) for v in (x, y)]
    both = weight[:, None] * weight[None, :]
    scale = math.sqrt(float((both * (signs[0] != 0)).sum()) * float((both * (signs[1] != 0)).sum()))
    count = float(weight.sum() ** 2 / (weight**2).sum())
    if scale <= 0 or count <= 1.05:
        return 0.0, (-1.0, 1.0)
    product = signs[0] * signs[1]
    tau = min(max(float((both * product).sum()) / scale, -1.0), 1.0)
    # The variance of tau over ``count`` pairs of independent columns (Kendall, "Rank Correlation Methods", 1948), or
    # what the pairs themselves show of it (Hoeffding 1948), which is more where the dependence is an odd one.
    least = 2 * (2 * count + 5) / (9 * count * (count - 1))
    part = weight / weight.sum()
    each = (product @ part) / (1 - part)
    shown = 4 * float((part**2 * (each - each @ part) ** 2).sum()) / max(1 - tau**2, least)
    spread = _QUANTILE**2 * max(least, min(shown, 2 / count))
    half = math.sqrt(spread * (1 - tau**2 + spread))
    return tau, (max((tau - half) / (1 + spread), -1.0), min((tau + half) / (1 + spread), 1.0))


def _weights(
    history: History, levels: Sequence[float], steps: int | None, known: Shown
) -> tuple[dict[int, float], set[int]] | None:
    """How many trials each one stands for that was seen at the last of ``levels``; None where some have nobody.

    From each fidelity to the next, the trials that rank alone lets go on stand for themselves, and those that were
    seen for another reason (an audit, or because they began higher) for all that rank would have left behind. The
    declared defaults stand for nobody: no lot chose them. The second value are the trials that stand for others.
    """
    rows = history.rows
    weight: dict[int, float] = {}
    lots: set[int] = set()
    for low, high in pairwise(levels):
        at, there = merits_at(history, low, steps, known), merits_at(history, high, steps, known)
        fresh = low == levels[0]
        here = [n for n in at if at[n] > -math.inf and (fresh or n in weight) and not _unchosen(rows[n])]
        seen = {n for n in here if there.get(n, -math.inf) > -math.inf}
        top = _by_rank(rows, at, here, seen, low, high)
        lots |= seen - top
        before = dict.fromkeys(here, 1.0) if fresh else weight
        weight = {}
        for group in (top, set(here) - top):
            whole, part = sum(before[n] for n in group), sum(before[n] for n in group & seen)
            if whole > 0 and part <= 0:
                return None
            weight |= {n: before[n] * whole / part for n in group & seen}
    return weight, lots


def _by_rank(
    rows: Sequence[Row], at: dict[int, float], here: list[int], seen: set[int], low: float, high: float
) -> set[int]:
    """Those of ``here`` that go on from ``low`` by their rank, or would have if nothing else had let them."""
    on = {n for n in here if n in seen or (not rows[n].terminal and rows[n].target >= high - SAME)}
    drawn = {n for n in on if audited(rows[n], low)}
    higher = {n for n in on if _began(rows[n]) >= high - SAME}
    share = len(on - drawn - higher) / max(len(here) - len(higher), 1)
    best = sorted(here, key=lambda n: (-at[n], n))[: round(share * len(here))]
    return (on - drawn - higher) | ((drawn | higher) & set(best))


def _unchosen(row: Row) -> bool:
    """Whether a trial runs in full because it was there before the search."""
    return row.given or (row.note.get("by") == "default" and _began(row) >= 1 - SAME)


def _began(row: Row) -> float:
    """The fidelity at which a trial was compared first."""
    return float(row.note.get("first", min(row.segments, default=row.target)))


# --- what follows from it --------------------------------------------------------------------------


def lowest(history: History) -> float:
    """The fidelity below which no new trial begins any more, by what the guard decided so far; 0 before."""
    return max((float(row.note["raised"]["to"]) for row in history.rows if "raised" in row.note), default=0.0)


def guard(
    history: History, levels: Sequence[float], *, steps: int | None = None, known: Shown | None = None
) -> dict[str, Any] | None:
    """What to note when the lowest fidelity in use is to be given up; None while it is worth its price.

    It is given up when the interval of its agreement with any longer training lies below ``BOUND``, with ten pairs
    or more. The decision stays: it is read back from the note of the first trial that it concerns (see ``lowest``).

    Args:
        levels: fidelities at which trials are compared, in order, up to 1.
    """
    used = [f for f in levels if f >= lowest(history) - SAME]
    far = [max(row.fidelity, *row.segments, 0.0) for row in history.rows]
    for high in used[1:]:
        if sum(f >= high - SAME for f in far) < LEAST:
            break
        found = agreement(history, used, used[0], high, steps=steps, known=known)
        if found is not None and found.pairs >= LEAST and found.interval[1] < BOUND:
            low, top = (round(end, 4) for end in found.interval)
            return {
                "raised": {
                    "from": round(used[0], 9), "to": round(used[1], 9), "against": round(high, 9),
                    "tau": round(found.tau, 4), "low": low, "high": top, "pairs": found.pairs, "bound": BOUND,
                }
            }  # fmt: skip
    return None
