"""Rungs: what each fidelity of a search for architectures means, in pixels, rows and epochs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from modelwright.core.errors import ArgumentError

#: Steps that full fidelity means, so that each rung has whole ones.
STEPS = 1000
#: Steps of training before a network can be told from a bad one.
_LEAST = 75
#: Epochs from each rung of a race to the next. After one epoch half of a network's time had gone to compiling it, on a
#: CPU with small images of 10,000 rows, and it was not told well from others; after two it is a third.
RACE = (2, 3, 4)
_CALLED = {"confirm": "confirmation", "finish": "finish"}

#: Passes through all rows that a finish needs: time beyond them is the race's. Rows that are no images are the same in
#: each pass, and more of them are learned by heart.
ENOUGH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One fidelity.

    Attributes:
        fidelity: in (0, 1].
        factor: by how much images are shrunk in each direction.
        rows: training rows; None for all.
        epochs: passes through them on the way here from the rung below.
        name: of the phase of a plan to which it belongs.
    """

    fidelity: float
    factor: int = 1
    rows: int | None = None
    epochs: float = 1.0
    name: str = "race"

    @property
    def step(self) -> int:
        """The step at which a trial has come here."""
        return max(1, round(self.fidelity * STEPS))


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs by rising fidelity, the last one with fidelity 1; and how many training rows there are.

    >>> made = ladder(50_000, 28)
    >>> [(r.fidelity, r.factor, r.rows, r.epochs, r.name) for r in made.rungs]  # doctest: +NORMALIZE_WHITESPACE
    [(0.02, 2, 10000, 2, 'race'), (0.05, 2, 10000, 3, 'race'), (0.09, 2, 10000, 4, 'race'),
     (0.3, 1, None, 2, 'confirm'), (1.0, 1, None, 10, 'finish')]
    """

    rungs: tuple[Rung, ...]
    rows: int
    #: That full fidelity means.
    steps: int = STEPS

    def step(self, fidelity: float) -> int:
        """The step at which a trial has come to a fidelity."""
        return max(1, round(fidelity * self.steps))

    def stages(self) -> list[dict[str, Any]]:
        """What each rung is called, and what sets its values apart, for reports that have no ladder.

        >>> [(stage["step"], stage["name"], stage["beside"]) for stage in ladder(50_000, 28).stages()][1:4]
        [(50, 'race 2 of 3', 'images at 1/2'), (90, 'race 3 of 3', 'images at 1/2'), (300, 'confirmation', '')]
        """
        race = self.of("race")
        return [
            {
                "fidelity": rung.fidelity,
                "name": f"race {race.index(rung) + 1} of {len(race)}" if rung in race else _CALLED[rung.name],
                "beside": f"images at 1/{rung.factor}" if rung.factor > 1 else "",
                "step": self.step(rung.fidelity),
            }
            for rung in self.rungs
        ]

    def of(self, name: str) -> tuple[Rung, ...]:
        """The rungs of a phase."""
        return tuple(rung for rung in self.rungs if rung.name == name)

    def at(self, fidelity: float) -> Rung:
        """The rung of that fidelity.

        Raises:
            ArgumentError: there is none.
        """
        for rung in self.rungs:
            if abs(rung.fidelity - fidelity) < 1e-9:
                return rung
        allowed = ", ".join(f"{rung.fidelity:g}" for rung in self.rungs)
        raise ArgumentError(f"no rung has fidelity {fidelity:g}", where="ladder", allowed=allowed)

    def between(self, start: float, stop: float) -> Iterator[Rung]:
        """The rungs that a trial climbs from ``start`` to ``stop``: those of one phase; it may begin at any."""
        last = self.at(stop)
        for rung in self.rungs:
            if start + 1e-9 < rung.fidelity <= stop + 1e-9 and rung.name == last.name:
                yield rung


class Straight(Ladder):
    """Any fidelity is a share of the epochs of the training in full, on all rows as they are."""

    def stages(self) -> list[dict[str, Any]]:
        return []

    def at(self, fidelity: float) -> Rung:
        full = self.rungs[-1]
        return full if fidelity >= 1 - 1e-9 else replace(full, fidelity=fidelity, epochs=full.epochs * fidelity)

    def between(self, start: float, stop: float) -> Iterator[Rung]:
        full = self.rungs[-1]
        yield replace(full, fidelity=stop, epochs=full.epochs * (stop - start))


def straight(rows: int, epochs: float, *, batch: int = 128) -> Straight:
    """See ``Straight``. A step is a whole epoch, or as many as networks need to be told apart: none is cut sooner.

    >>> straight(50_000, 10).steps, straight(1_200, 10, batch=32).steps
    (10, 5)
    >>> [(rung.fidelity, rung.epochs) for rung in straight(1000, 10).between(0.1, 0.5)]
    [(0.5, 4.0)]
    """
    unit = max(1, round(_LEAST / max(1, rows // batch)))
    return Straight((Rung(fidelity=1.0, epochs=epochs, name="full"),), rows, max(1, int(epochs / unit + 1e-9)))


def ladder(
    rows: int,
    image: int | None,
    epochs: float = 10,
    *,
    batch: int = 128,
    bounded: bool = False,
) -> Ladder:
    """The usual ladder: three rungs on few rows of small images, one on all of them, and the finish.

    Args:
        rows: training rows there are.
        image: the shorter side of the images; None for other inputs.
        epochs: of the finish, where it is not ended by the clock.
        batch: rows of a step; with few rows an epoch is so few steps that a rung has several.
        bounded: whether the race, all its rungs together, and the confirmation have no more than ``epochs`` either,
            be it too few to tell networks apart.

    >>> [rung.epochs for rung in ladder(1200, 28, 4.5, batch=32, bounded=True).rungs]
    [1.0, 1.5, 2.0, 4.5, 4.5]
    """
    factor = 1 if image is None or image < 24 else max(2, image // 32)
    few = min(30_000, max(10_000, rows // 8)) if rows > 12_500 else None
    unit = max(1, round(_LEAST / max(1, (few or rows) // batch)))
    each = min(unit, epochs / sum(RACE)) if bounded else unit
    race = [
        Rung(fidelity=reached / 100, factor=factor, rows=few, epochs=share * each)
        for reached, share in zip(accumulate(RACE), RACE, strict=True)
    ]
    full = 2 if few else 6 * unit
    confirm = Rung(fidelity=0.3, epochs=min(full, epochs) if bounded else full, name="confirm")
    return Ladder((*race, confirm, Rung(fidelity=1.0, epochs=epochs, name="finish")), rows)
