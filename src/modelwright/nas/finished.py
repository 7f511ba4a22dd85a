"""What a finish brought: the weights before it, the best on its way, and those at its end, of which the better stay.

Judges by the rows that were kept back. Does not know why it ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.core.objective import Objective
from modelwright.nas import weights
from modelwright.nas.train import Trainer

#: The fact that says what the finish brought: the value before and after it, and "within" it where that was better than
#: at its end, after the share "at" of it; which weights were kept; and whether it was "anew", with the learning rate of
#: a network that was not trained before.
FINISHED = "finish"
#: The fact that the user ended it early, when so much of it was done.
EARLY = "ended early"
#: Standard errors of the difference by which weights on the way have to be better than those at the end.
_APART = 2.0
Judged = tuple[weights.Weights, dict[str, float]]


class Finish:
    """One finish on its way.

    Args:
        made: what networks are judged by.
        learned: the weights before it, and what they are worth.
    """

    def __init__(self, made: Objective, trainer: Trainer, learned: weights.Weights, stands: dict[str, float]):
        self.made, self.trainer, self.before = made, trainer, (learned, stands)
        self._found: weights.Weights = {}
        self._at = self._value = math.nan
        self._loss: dict[str, float] = {}

    def seen(self, done: float, metrics: Mapping[str, float]) -> None:
        """What it was worth to whoever watches, when so much of it was done; keeps the best weights."""
        value = metrics.get(self.made.name, math.nan)
        if math.isnan(value) or not (math.isnan(self._value) or self.made.better(value, self._value)):
            return
        self.trainer.steps.settle()
        self._found, self._at, self._value = weights.read(self.trainer.model), done, value
        self._loss = {"loss": metrics["loss"]} if "loss" in metrics else {}

    def best(self, after: Judged) -> tuple[Judged, dict[str, Any]]:
        """The best weights and what they are worth, and the fact that says which; ``after`` are those at its end.

        What was better on the way was found by looking several times, so it has to be so by more than chance makes of
        the rows by which it is judged.
        """
        value, before = (metrics.get(self.made.name, math.nan) for _, metrics in (after, self.before))
        told = {"before": before, "after": value}
        kept, which = (after, "after") if not self._worse(value, before) else (self.before, "before")
        if self._found and self._worse(self._watched(value), self._value):
            ends, rows = self.trainer.by_row(), self._judged()
            within = self._found, {**self.trainer.worth(rows), **self._loss}
            told |= {"within": within[1].get(self.made.name, math.nan), "at": round(self._at, 3)}
            if not self._worse(told["within"], before) and (math.isnan(value) or self._clearly_better(rows, ends)):
                kept, which = within, "within"
        fact: dict[str, Any] = {name: value for name, value in told.items() if math.isfinite(value)}
        return kept, {**fact, "kept": which}

    def _worse(self, value: float, than: float) -> bool:
        return math.isnan(value) or self.made.better(than, value)

    def _clearly_better(self, rows: Mapping[str, np.ndarray], than: Mapping[str, np.ndarray]) -> bool:
        """Whether a network is better than another by more than chance makes of the rows by which both are judged.

        That is the error of their difference: rows that both of them find hard say nothing about which is better.
        """
        new, old = rows[self.made.name].astype(float), than[self.made.name].astype(float)
        if not np.isfinite(old).all():
            return True
        gains = new - old if self.made.direction == "max" else old - new
        return len(gains) > 1 and bool(gains.mean() > _APART * gains.std(ddof=1) / math.sqrt(len(gains)))

    def _watched(self, value: float) -> float:
        """What the end is worth by the rows by which it was watched; NaN where it is not a number at all."""
        return math.nan if math.isnan(value) else self.trainer.watch().get(self.made.name, math.nan)

    def _judged(self) -> dict[str, np.ndarray]:
        """What the best weights on the way are worth by each row that was kept back."""
        self.trainer.steps.settle()
        weights.write(self.trainer.model, self._found)
        return self.trainer.by_row()


def told(brought: Mapping[str, Any], *, learned_from: str = "") -> str:
    """The fact in words.

    Args:
        learned_from: what the weights before it had seen, where that was not images as they are.

    >>> told({"before": 0.9, "after": 0.95, "kept": "after"})
    'The finish, by the rows that were kept back: 0.9 before it, 0.95 after it; the weights after it were kept.'
    >>> told({"before": 0.5, "after": 0.7, "within": 0.4, "at": 0.33, "kept": "within"})[45:]
    '0.5 before it, 0.4 after 33 % of it, 0.7 after it; the weights of 33 % of it were kept.'
    """
    if "failed" in brought:
        return f"The finish came to nothing: {brought['failed']}. The network is as it was before."
    part = f"{100 * brought.get('at', 0.0):.0f} % of it"
    names = {"before": "before it", "within": f"after {part}", "after": "after it"}
    values = [f"{brought[name]:.4g} {where}" for name, where in names.items() if name in brought]
    if learned_from and "before" in brought:
        values[0] += f" (its weights had learned from {learned_from}, and were judged at full size)"
    which = f"of {part}" if brought["kept"] == "within" else names[brought["kept"]]
    return f"The finish, by the rows that were kept back: {', '.join(values)}; the weights {which} were kept."
