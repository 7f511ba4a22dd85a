"""Which candidates are too dear for how far they are behind: time for them is better spent on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from modelwright.core.history import History

#: Share of what the leader gained over the constant by which a candidate may be behind and cost as much as the leader.
_BEHIND = 0.03
#: Share of the time that is left which is nothing to think about.
_LITTLE = 0.01
#: Rows of one unit, of the rarer class where there are two, by which it is known how far a kind of model is behind.
_TELLING = 300


def gap(history: History, merits: Mapping[int, float], constant: float, *, family: str, kind: str) -> float | None:
    """How far the best of a kind of model is behind the best of all, as a share of what that gained over the constant.

    None where nothing of the kind was judged, or nothing is better than the constant.

    Args:
        merits: trial -> merit, all of the same units; higher is better.
        constant: merit of the answer that looks at no column.
        family: the decision that names the kind of model.
    """
    own = [merit for number, merit in merits.items() if history.rows[number].config.get(family) == kind]
    best = max(merits.values(), default=constant)
    return (best - max(own)) / (best - constant) if own and best > constant else None


def standing(judged: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """How far each candidate is behind the best of those with as many units, of the most that it shares with another.

    By one unit alone a kind of model may be ahead by chance; those that were judged by more are few.

    Args:
        judged: trial -> merit by the units of each rung, the lowest first; higher is better.

    >>> standing([{0: 3.0, 1: 5.0, 2: 1.0}, {0: 4.0, 1: 2.0}])
    {0: 0.0, 1: -2.0, 2: -4.0}
    """
    found: dict[int, float] = {}
    for merits in judged:
        if len(merits) > 1 or not found:
            best = max(merits.values(), default=0.0)
            found |= {number: merit - best for number, merit in merits.items()}
    return found


def too_dear(behind: float | None, seconds: float, *, left: float, leads: float) -> bool:
    """Whether so many seconds are too many for a candidate of a kind that is ``behind``.

    What is 3 % behind may take as long as the leader, what is 6 % behind half as long. What hardly takes any of the
    time that is left is always worth it: members of an ensemble need not be good by themselves.

    Args:
        seconds: what the candidate takes.
        left: seconds that are left, of all workers.
        leads: what the leader takes for as much.

    >>> [too_dear(0.06, seconds, left=100.0, leads=4.0) for seconds in (0.5, 1.9, 2.1)]
    [False, False, True]
    >>> too_dear(0.02, 50.0, left=100.0, leads=4.0)
    False
    """
    if behind is None or behind <= _BEHIND or seconds <= _LITTLE * left:
        return False
    return seconds > _BEHIND / behind * leads


def tells(y: np.ndarray, task: str) -> bool:
    """Whether the rows that one unit judges by are enough to know how far a kind of model is behind.

    >>> tells(np.arange(400) % 2, "binary"), tells(np.arange(400) % 2, "regression")
    (False, True)
    """
    return (int(np.bincount(y, minlength=2).min()) if task == "binary" else len(y)) >= _TELLING
