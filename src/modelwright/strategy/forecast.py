"""Forecasts: where a trial's learning curve will end, and whether it can still become the best.

Reads stored rows; what a curve says is in ``curves``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.core.history import History, Row
from modelwright.core.objective import Objective

if TYPE_CHECKING:
    from modelwright.curves import Forecast

#: A trial that becomes the best with less probability than this is not worth its steps.
HOPELESS = 0.05
#: Completed trials that must be known before one is stopped, and points of its own curve.
_COMPLETED, _POINTS = 5, 2
#: Of the completed trials the last ones.
_MOST = 100
#: How often in a whole trial it is looked at: at every look a bound of 5 % can err.
_LOOKS = 10
#: How the reason of a stored decision begins that a forecast gave.
_SAID = "hopeless"
#: Metrics that cannot exceed 1, by the ends of their names.
_SHARES = ("accuracy", "acc", "auc", "precision", "recall")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of a trial in full.

    Attributes:
        stop: whether it is not worth going on.
        chance: probability that its value will be better than ``best``; None without a completed trial.
        best: the best value among completed trials, or None.
        expected: the median of its value in full.
        low: lower end of the central 80 % interval.
        high: upper end of it.
        completed: completed trials that the forecast rests on.
    """

    stop: bool
    chance: float | None
    best: float | None
    expected: float
    low: float
    high: float
    completed: int

    def __str__(self) -> str:
        """In one line.

        >>> print(Outlook(True, 0.012, 0.91, 0.85, 0.83, 0.87, 8))
        hopeless: 1.2 % to beat 0.91; expected 0.85 (80 %: 0.83 to 0.87), by 8 trials in full
        """
        reach = f"(80 %: {self.low:.4g} to {self.high:.4g})"
        text = f"expected {self.expected:.4g} {reach}, by {self.completed} trials in full"
        if self.chance is None or self.best is None:
            return text
        return f"{f'{_SAID}: ' if self.stop else ''}{100 * self.chance:.2g} % to beat {self.best:.4g}; {text}"


def outlook(history: History, row: Row, steps: float | None = None) -> Outlook | None:
    """What is expected of a trial that is on its way, by its reports and the trials that are complete.

    Args:
        steps: steps of full fidelity; None to read it from the trial's own fidelity.

    Returns:
        None when nothing can be said: several objectives, no report with the objective, not yet a step of progress.
    """
    if len(history.objectives) != 1 or row.terminal or not row.reports:
        return None
    made = history.objectives[0]
    if steps is None:
        steps = row.reports[-1][0] / row.fidelity if row.fidelity > 0 else None
    own = {step: m[made.name] for step, m in row.reports if made.name in m}
    if steps is None or not own or not any(math.isfinite(v) for v in own.values()):
        return None
    others = [r for r in history.rows if r.number != row.number and _complete(r, made.name, steps)][-_MOST:]
    found = _forecast(own, [_shown(r, made.name) for r in others], steps, made)
    low, high = found.interval(0.8)
    ends = [r.values[0] for r in others if r.values is not None]
    best = max(ends, key=made.score) if ends else None
    chance = None if best is None else found.chance_of_beating(best)
    known = len(others) >= _COMPLETED and len(own) >= _POINTS
    stop = known and chance is not None and chance < HOPELESS
    return Outlook(stop, chance, best, found.point, low, high, found.completed)


def hopeless(history: History, row: Row, steps: int) -> Outlook | None:
    """The outlook of a running trial that should be stopped, with the numbers; None when it should go on.

    It is stopped when the probability that its value in full beats the best completed trial's is under 5 %. Never on
    a curve of one point, nor with fewer than five completed trials to compare with, so never the only trial. It is
    looked at when it passes a tenth of its steps, not at every report.
    """
    if len(row.reports) < _POINTS or row.terminal:
        return None
    before, now = row.reports[-2][0], row.reports[-1][0]
    if math.floor(before * _LOOKS / steps) == math.floor(now * _LOOKS / steps) or now >= steps:
        return None
    found = outlook(history, row, steps)
    return found if found is not None and found.stop else None


def foretold(why: str) -> bool:
    """Whether the reason of a stored decision is a forecast: the trial ended where it was looked at, at no rung.

    >>> foretold(str(Outlook(True, 0.012, 0.91, 0.85, 0.83, 0.87, 8))), foretold("strategy")
    (True, False)
    """
    return why.startswith(_SAID)


def _complete(row: Row, name: str, steps: float) -> bool:
    """Whether a trial ran in full and left its curve."""
    if row.state != "complete" or row.given or not row.values or not math.isfinite(row.values[0]):
        return False
    return row.steps >= steps - 0.5 and any(name in m for _, m in row.reports)


def _shown(row: Row, name: str) -> dict[int, float]:
    return {step: m[name] for step, m in row.reports if name in m}


def _forecast(own: dict[int, float], others: list[dict[int, float]], steps: float, made: Objective) -> Forecast:
    """The forecast of a trial's value, that of its best step, on a grid of its own steps and the others' later ones."""
    from modelwright.curves import Extrapolator  # takes long to load, and every study comes through this module

    seen = list(own)
    later = sorted({step for curve in others for step in curve if step > seen[-1]})
    grid = seen + later
    total = len(grid) if later else max(len(seen), round(len(seen) * steps / seen[-1]))
    completed = [_on(grid, curve) for curve in others]
    shares = made.name.endswith(_SHARES) and all(0 <= v <= 1 for curve in [own, *others] for v in curve.values())
    bounds = (0.0, 1.0) if shares else None
    study = Extrapolator(total, completed if later else (), goal=made.direction, target="best", bounds=bounds)
    return study.forecast([own[step] for step in seen])


def _on(grid: list[int], curve: dict[int, float]) -> list[float]:
    """A curve's values at the steps of ``grid``, each the last one reported until then."""
    points, values, i, last = sorted(curve), [], 0, math.nan
    for step in grid:
        while i < len(points) and points[i] <= step:
            last = curve[points[i]]
            i += 1
        values.append(last)
    return values
