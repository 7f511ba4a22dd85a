"""When a race brings nothing more, and when its ranking does not hold at full size. Reads stored events alone."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import kendalltau

from modelwright.core.history import History
from modelwright.core.records import Finished
from modelwright.nas.inherited import giver
from modelwright.nas.ladder import STEPS
from modelwright.nas.task import DOUBTS
from modelwright.strategy.shown import merits_at

#: Networks at the last rung of the race among which none has to be better by more than the noise, at least; half of all
#: that came there, where that is more. And those before them, with which they are compared.
LEAST, BEFORE = 12, 6
#: Metrics that are shares of rows.
_SHARES = ("val_accuracy", "val_exact")
#: Noise where nothing is known of it: this part of the distance between the quartiles of the values.
_PART = 0.05
#: Networks of which a rank correlation says anything, and children of which what they inherited can be told.
_PAIRS = 3


def noise(name: str, best: float, spread: float, kept: int | None, known: float | None = None) -> float:
    """One standard deviation of a value: what is ``known`` of it, or of a share of ``kept`` rows, or a small part of
    what networks differ by.

    >>> round(noise("val_accuracy", 0.9, 0.1, 9000), 4), noise("val_loss", 0.3, 0.2, 9000)
    (0.0032, 0.010000000000000002)
    """
    if known is not None:
        return known
    if kept and name in _SHARES and 0.0 <= best <= 1.0:
        # Of one that is right about every row, one row more or less is as much as can be told.
        return math.sqrt(max(best * (1.0 - best), 1.0 / kept) / kept)
    return _PART * spread


def stale(history: History, level: int, kept: int | None = None) -> str:
    """Why a race should end before its time; "" while it brings something.

    Args:
        level: the step of the race's last rung.
        kept: rows by which networks are judged.
    """
    objective = history.objectives[0]
    found = alike(history, level)
    scores = list(found.values())
    last = max(LEAST, len(scores) // 2)
    if len(scores) < last + BEFORE:
        return ""
    before, after = max(scores[:-last]), max(scores[-last:])
    low, high = np.quantile(scores, [0.25, 0.75])
    known = history.rows[max(found, key=found.__getitem__)].facts.get(DOUBTS, {}).get(objective.name)
    # Scores are better when larger; a share of rows is its own score.
    bound = noise(objective.name, max(before, after), float(high - low), kept, known)
    if after - before > bound:
        return ""
    gained = "none was better" if after <= before else f"the best was better by {after - before:.2g}"
    return (
        f"of the last {last} networks that were trained to its end {gained}, which is within the noise of {bound:.2g}, "
        "so the rest of its time goes to the finish"
    )


def alike(history: History, level: int) -> dict[int, float]:
    """Scores at the last rung in the order in which networks came there, as if all of them had begun at chance.

    A child has its parent's training behind it, and its parent's parent's. What that is worth is told from the children
    themselves: as much for each generation as the middle one of them is better than its parent, where that is anything.
    """
    score = history.objectives[0].score
    found: dict[int, float] = {}
    for event in history:
        if isinstance(event, Finished) and abs(event.fidelity * STEPS - level) < 1e-6 and event.values is not None:
            value = score(event.values[0])
            if math.isfinite(value):
                found.setdefault(event.number, value)
    before: dict[int, int] = {}  # networks from which weights came, of which each has a lower number
    gains = []
    for row in history.rows:
        before[row.number] = 0 if (parent := giver(row)) is None else 1 + before[parent]
        if row.number in found and parent in found:
            gains.append(found[row.number] - found[parent])
    lead = max(0.0, float(np.median(gains))) if len(gains) >= _PAIRS else 0.0
    return {number: value - lead * before[number] for number, value in found.items()}


def agreement(history: History, level: int, confirmed: float) -> tuple[float, int] | None:
    """Kendall's tau between the race's last rung and the confirmation, and of how many; None where these are too few.

    Args:
        level: the step of the race's last rung.
        confirmed: the fidelity of the confirmation.
    """
    race, full = merits_at(history, level / STEPS, STEPS), merits_at(history, confirmed, STEPS)
    both = [n for n in race if math.isfinite(race[n]) and math.isfinite(full.get(n, math.nan))]
    if len(both) < _PAIRS:
        return None
    found: object = kendalltau([race[n] for n in both], [full[n] for n in both])
    tau = float(getattr(found, "statistic", math.nan))
    return (tau if math.isfinite(tau) else 0.0), len(both)
