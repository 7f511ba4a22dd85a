"""Patience: after how many rounds without gain boosting ends, and how long a round takes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

#: Rounds of boosting at most, and those without a hold-out or a number from other fits.
MOST, USUAL = 2000, 200
#: Weight of a round in the running mean by which a plateau is found.
_SMOOTH = 0.15


def usual_rate(rows: int) -> float:
    """A learning rate that needs some hundred rounds: few rows can afford small steps.

    >>> usual_rate(1000), usual_rate(50_000), usual_rate(500_000)
    (0.03, 0.05, 0.08)
    """
    return 0.03 if rows < 3000 else 0.05 if rows < 100_000 else 0.08


def least_rounds(rate: float) -> int:
    """Rounds after which boosting has come most of the way: what ends before is no model yet.

    >>> least_rounds(0.2), least_rounds(0.05)
    (10, 40)
    """
    return math.ceil(2 / rate)


@dataclass(slots=True)
class Watch:
    """The best round so far.

    Of rounds that are as good as the best, the last is kept: ranks that cannot get better, as in classes that are told
    without error, say nothing of probabilities, which still do.

    Attributes:
        on: whether rounds are judged at all.
        least: rounds without gain that are always borne.
        best: the best round, counted from 1; 0 before the first.

    >>> watch = Watch(on=True, least=2)
    >>> [watch.stop(n + 1, value) for n, value in enumerate([1.0, 2.0, 1.5, 1.5])]
    [False, False, False, True]
    >>> watch.best
    2
    >>> watch = Watch(on=True, least=2)
    >>> [watch.stop(n + 1, 1.0) for n in range(3)], watch.best
    ([False, False, True], 3)
    """

    on: bool
    least: int
    best: int = 0
    value: float = -math.inf
    _began: float = field(default_factory=time.monotonic)
    _rounds: int = 0
    _gained: int = 0

    @classmethod
    def of(cls, rate: float, on: bool) -> Watch:
        """Patience for a learning rate: small steps need more of them before a plateau is one."""
        return cls(on=on, least=int(min(300, max(30, 2.5 / rate))))

    def pace(self) -> float:
        """Mean seconds of a round since the watch began."""
        self._rounds += 1
        return (time.monotonic() - self._began) / self._rounds

    def stop(self, number: int, value: float) -> bool:
        """Whether to end after round ``number``, whose merit was ``value`` (higher is better)."""
        if value > self.value:
            self._gained, self.value = number, value
        if value == self.value:
            self.best = number
        return number - self._gained >= max(self.least, self._gained // 5)


@dataclass(slots=True)
class Plateau:
    """Where the merit of one half of the rows was highest, its chance peaks smoothed away.

    >>> plateau = Plateau()
    >>> for number, value in enumerate([0.1, 0.5, 0.9, 0.8, 0.2, 0.1] + [0.0] * 20, 1):
    ...     plateau.see(number, value)
    >>> 2 < plateau.best < 8
    True
    """

    best: int = 0
    value: float = -math.inf
    _mean: float | None = None

    def see(self, number: int, value: float) -> None:
        """Round ``number`` had merit ``value``."""
        if self._mean is None:
            self._mean = value
        self._mean += _SMOOTH * (value - self._mean)
        if self._mean >= self.value:
            self.best, self.value = number, self._mean
