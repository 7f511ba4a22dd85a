"""What a network costs as far as that is told before it is trained: numbers, and which of them are prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from modelwright.core.constraint import Limit

#: The largest margin that is taken as it is: a price that is too low by more says nothing of how much.
_MOST = 0.9


@dataclass(frozen=True, slots=True)
class Reading:
    """What a network costs by the names of metrics, and which of the numbers are prices.

    Attributes:
        values: latencies in milliseconds.
        margins: of prices that measuring would replace: the relative error that nine of ten of the table's stayed
            below.
        elsewhere: of prices of devices that are not here: there is nothing to measure.
    """

    values: dict[str, float]
    margins: dict[str, float] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether nothing is left to be measured here."""
        return not self.margins

    @property
    def priced(self) -> list[str]:
        """The metrics whose numbers are prices."""
        return [*self.margins, *self.elsewhere]

    def broken(self, limits: Sequence[Limit]) -> list[Limit]:
        """The limits that are broken however far off prices are, up to their margins."""
        ends = self._ends()
        return [one for one in limits if all(one.broken(one.excess(values)) for values in ends)]

    def open(self, limits: Sequence[Limit]) -> bool:
        """Whether measuring would decide: none is broken beyond doubt, and a price is within its margin of one."""
        if not self.margins or self.broken(limits):
            return False
        return any(one.broken(one.excess(values)) for values in self._ends() for one in limits)

    def _ends(self) -> list[dict[str, float]]:
        """The values where all prices are too high by their margins, and where all are too low."""
        off = {name: min(self.margins.get(name, 0.0), _MOST) for name in self.values}
        low = {name: value / (1 + off[name]) for name, value in self.values.items()}
        return [low, {name: value / (1 - off[name]) for name, value in self.values.items()}]
