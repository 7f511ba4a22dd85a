"""A rung on its way: what is told of it now and then, and whether it is to go on. Does not know why it should end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from modelwright.estimation.base import Reporter
from modelwright.nas.finished import Finish
from modelwright.nas.ladder import Ladder, Rung
from modelwright.nas.train import Trainer

#: A segment is judged so many times on its way.
_LOOKS = 6
#: Seconds between questions whether it goes on.
_ASKED = 1.0


class Watched:
    """One rung of a trial, by whoever runs it.

    Args:
        begins: the fidelity at which it begins.
        finish: keeps the best weights on the way; None where nothing is known of those before.

    Attributes:
        stopped: "pause" or "stop" once it was told so; "" while it may go on.
        early: the share of a finish that was done when it was told to end, for its learning rate falls first.
    """

    def __init__(
        self,
        reporter: Reporter,
        ladder: Ladder,
        rung: Rung,
        trainer: Trainer,
        *,
        begins: float = 0.0,
        finish: Finish | None = None,
    ):
        self.reporter, self.ladder, self.rung, self.trainer = reporter, ladder, rung, trainer
        self.begins, self.finish = begins, finish
        self.stopped, self.early = "", math.nan
        self._looked, self._asked = 0.0, time.perf_counter()

    def on_epoch(self, done: float, loss: float) -> bool:
        """Judge it, where that is due, and say whether it goes on."""
        if done >= 1.0 or self.rung.name == "race":
            return True
        if self.trainer.hurried or done - self._looked < 1.0 / _LOOKS:
            return self.asked(done)
        self._looked = done
        fidelity = self.begins + (self.rung.fidelity - self.begins) * done
        step = int(fidelity * self.ladder.steps + 1e-9)
        if not int(self.begins * self.ladder.steps + 1e-9) < step < self.ladder.step(self.rung.fidelity):
            return self.asked(done)
        seen = {**self.trainer.watch(), "loss": loss}
        if self.finish is not None:
            self.finish.seen(done, seen)
        return self._told(step, seen, fidelity) or self._hurried(done)

    def asked(self, done: float) -> bool:
        """Whether it goes on, without a look at it: a rung of the race does, for it is short."""
        now = time.perf_counter()
        if self.rung.name == "race" or self.trainer.hurried or now - self._asked < _ASKED:
            return True
        self._asked = now
        return self._told(0, {}, self.begins) or self._hurried(done)

    def ended(self, metrics: Mapping[str, float]) -> None:
        """It came to its end, with these."""
        self._told(self.ladder.step(self.rung.fidelity), metrics, self.rung.fidelity)

    def _told(self, step: int, metrics: Mapping[str, float], fidelity: float) -> bool:
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        decision = self.reporter.report(step, finite, fidelity)
        self.stopped = "" if decision == "go" else decision
        return decision == "go"

    def _hurried(self, done: float) -> bool:
        """Have a finish that is to end early let the learning rate fall first; whether it may."""
        if self.rung.name != "finish" or self.stopped != "pause":
            return False
        self.trainer.hurried, self.stopped, self.early = True, "", round(done, 3)
        return True
