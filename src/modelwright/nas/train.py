"""Training a network in segments, each with one rise and fall of the learning rate. Knows models and arrays.

The loop is in Python around one compiled step, for convolutions train slowly inside compiled loops on a CPU; the last
batch is as large as the others, and the learning rate is no constant of the program, so that all segments share it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.nas.augment import augmented, erased_after
from modelwright.nas.dataset import Dataset, Task
from modelwright.nas.keras_settings import in_32_bits
from modelwright.nas.ladder import ENOUGH
from modelwright.nas.recipe import Recipe
from modelwright.nas.steps import Clocked, Steps, steps
from modelwright.nas.task import METRICS
from modelwright.training.keras_backend import ensure_backend

#: Told after each epoch of a segment how much of it is done, in (0, 1], and the training loss; whether to go on.
OnEpoch = Callable[[float, float], bool]
#: Examples that are put through the network at once to judge it, and fewer where these are so many numbers, down to as
#: many as are trained on at once.
_JUDGED, _NUMBERS = 512, 1 << 23
#: Seconds between questions whether a segment goes on, within epochs too; and those in which the learning rate falls
#: where it is to end at once, or a share of what the segment took, where that is less.
_ASKED, _HURRY, _HURRIED = 1.0, 4.0, 0.05
#: Rows of those that are kept back that are enough to watch a network.
_WATCHED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """How a segment ended.

    Attributes:
        finite: whether the loss stayed finite; when it did not, training ended there.
        cost: passes through all the rows that there are to train on.
        loss: the mean of the last epoch.
        share: of the epochs, or of the seconds, that were asked for; less than 1 where the clock ended them, or
            whoever was asked.
    """

    finite: bool = True
    share: float = 1.0
    cost: float = 0.0
    loss: float = math.nan


@dataclass
class Trainer:
    """A compiled network with its loss, trained segment by segment.

    Args:
        model: gives logits (or values, for regression), as ``nas.build`` makes it.
        data: what it is trained and judged on.

    Attributes:
        judged: seconds that watching took, in the last segment.
        ask: asked every second or so, within epochs too, with how much of a segment is done, whether to go on.
        hurried: whether the segment is to end at once, set by ``on_epoch``: the learning rate falls quickly then.
        doubts: of what it was judged to be worth last; see ``Task.doubts``.
    """

    model: Any
    data: Dataset
    recipe: Recipe = field(default_factory=Recipe)
    class_weight: Mapping[int, float] | None = None
    ask: Callable[[float], bool] | None = None
    judged: float = 0.0
    hurried: bool = False
    doubts: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keras = ensure_backend()
        self.recipe = self.recipe.settled(self.data.task.kind, self.data.rows)
        with in_32_bits():
            optimizer = self.recipe.made_optimizer(keras)
            counted = loss(keras, self.data.task, self.recipe.smoothing)
            # A wrapped optimizer would not take the learning rates of our steps.
            self.model.compile(optimizer, counted, jit_compile="auto", auto_scale_loss=False)
        self.steps: Clocked = steps(self.model, min(self.recipe.examples, self.data.rows))

    def fit(
        self,
        epochs: float,
        seed: int,
        on_epoch: OnEpoch,
        *,
        rows: int | None = None,
        going_on: bool = False,
        seconds: float | None = None,
        at_most: float | None = None,
        compiling: bool = True,
    ) -> Trained:
        """Train a segment.

        Args:
            epochs: passes through the rows; the last may be a part of one.
            rows: the first so many training rows; None for all.
            going_on: whether the network has been trained before.
            seconds: train for so long instead, judging at the end included, whatever number of epochs that makes; of
                rows that are no images ``ENOUGH`` at most.
            at_most: end after so many seconds, with one step at least; the learning rate falls sooner then.
            compiling: whether those seconds hold the first step, which compiles, and ``at_most`` judging at the end
                too: else they count from the first step's end.
        """
        rng = np.random.default_rng(seed)
        count = self.data.rows if rows is None else min(rows, self.data.rows)
        batch = min(self.recipe.examples, count)
        each = max(1, count // batch)
        total = max(1, round(epochs * each))
        began, self.judged, self.hurried = time.perf_counter(), 0.0, False
        asked, hurry = began, Hurry()
        if seconds is not None:
            seconds = max(1.0, seconds - self._judging())
        if at_most is not None and compiling and at_most > 0:
            at_most -= self._judging()
        order, losses, step, done, compiled = rng.permutation(count), [], 0, 0.0, 0.0
        erased = erased_after(self.recipe, epochs if seconds is None else 0.0)
        while done < 1.0:
            at = step % each
            if at == 0 and step:
                order = rng.permutation(count)
                if seconds is not None:  # how many passes it will have been is not known before
                    erased = erased_after(self.recipe, step / each / max(done, 1e-6))
            x, y = self.data.train(np.sort(order[at * batch : (at + 1) * batch]))
            parts = augmented(x, self.recipe, rng, erased)
            weight = None if self.class_weight is None else self._weights(y)
            losses.append(self.steps.train(parts, y, weight, self.recipe.rate_at(done, going_on=going_on)))
            step += 1
            if not math.isfinite(losses[-1]):
                return Trained(finite=False, cost=step / each * count / self.data.rows)
            # Several steps are too quick for the clock to be asked at each, and the first ones compile.
            now = time.perf_counter()
            compiled = compiled or now
            took = now - (began if compiling else compiled)
            done = step / total if seconds is None else took / seconds
            if seconds is not None and not self.data.task.images:
                done = max(done, step / (ENOUGH * each))
            if at_most is not None:
                done = max(done, 1.0 if at_most <= 0 else took / at_most)
            if self.hurried:
                done = max(done, hurry.done(done, now, now - began))
            late = now - asked >= _ASKED
            # Without a clock, what is told between epochs would depend on the machine.
            if at == each - 1 or done >= 1.0 or (seconds is not None and late):
                going = on_epoch(min(1.0, done), float(np.mean(losses[-each:])))
            else:
                going = not late or self.ask is None or self.ask(done)
            if not going:
                break
            asked = now if late else asked
        share = min(1.0, step / total if seconds is None else done)
        return Trained(cost=step / each * count / self.data.rows, loss=float(np.mean(losses[-each:])), share=share)

    def judge(self, limit: int | None = None) -> dict[str, float]:
        """What the network is worth on the rows that are kept back, under the names of metrics."""
        return self.worth(self.by_row(limit))

    def worth(self, found: Mapping[str, np.ndarray]) -> dict[str, float]:
        """The same where it is known of each row."""
        self.doubts = self.data.task.doubts(found)
        return {name: float(values.mean()) for name, values in found.items()}

    def by_row(self, limit: int | None = None) -> dict[str, np.ndarray]:
        """What it is worth on each row that is kept back, in the order of all rows; see ``Task.by_row``."""
        task, rows = self.data.task, self._kept(limit)
        if task.kind == "regression":
            return task.by_row(self.outputs(limit), self.data.targets(rows))
        # All outputs and targets together may be more than memory holds.
        parts = [task.by_row(outputs, self.data.targets(some)) for some, outputs in self._outputs(rows)]
        return {name: np.concatenate([part[name] for part in parts]) for name in METRICS[task.kind]}

    def _judging(self) -> float:
        """Seconds that judging by all rows is going to take."""
        self.watch()  # compiles
        before = self.judged
        self.watch()
        return 1.2 * (self.judged - before) * len(self.data.kept) / min(len(self.data.kept), _WATCHED)

    def watch(self) -> dict[str, float]:
        """What it is worth on some of them, in the middle of a segment."""
        began = time.perf_counter()
        found = self.judge(_WATCHED)
        self.judged += time.perf_counter() - began
        return found

    def outputs(self, limit: int | None = None) -> np.ndarray:
        """What it says of the rows that are kept back; logits for classes."""
        return np.concatenate([outputs for _, outputs in self._outputs(self._kept(limit))])

    def _kept(self, limit: int | None) -> np.ndarray:
        return np.sort(self.data.kept[:limit])

    def _outputs(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Some of the rows at a time, and what the network says of them; no more of the inputs are there at once."""
        numbers = sum(math.prod(shape) for shape in self.data.shapes)
        size = min(_JUDGED, len(rows), max(self.recipe.examples, _NUMBERS // numbers))
        for begin in range(0, len(rows), size):
            some = rows[begin : begin + size]
            yield some, self.steps.predict(_filled(self.data.inputs(some), size))[: len(some)]

    def _weights(self, y: np.ndarray) -> np.ndarray:
        assert self.class_weight is not None
        return np.array([self.class_weight.get(int(label), 1.0) for label in self.data.task.places(y)], np.float32)


@dataclass
class Hurry:
    """How much of a segment is done that is to end at once.

    >>> hurry = Hurry()
    >>> [round(hurry.done(0.4, now, now), 2) for now in (20.0, 20.5, 21.0)]
    [0.4, 0.7, 1.0]
    """

    since: float | None = None
    begun: float = 0.0
    takes: float = 0.0

    def done(self, done: float, now: float, took: float) -> float:
        if self.since is None:
            self.since, self.begun, self.takes = now, done, max(1e-6, min(_HURRY, _HURRIED * took))
        return self.begun + (1.0 - self.begun) * min(1.0, (now - self.since) / self.takes)


def predict(steps: Steps, x: tuple[np.ndarray, ...]) -> np.ndarray:
    """A network's outputs for prepared inputs, in batches of one size."""
    size = min(_JUDGED, len(x[0]))
    parts = [tuple(part[begin : begin + size] for part in x) for begin in range(0, len(x[0]), size)]
    return np.concatenate([steps.predict(_filled(part, size))[: len(part[0])] for part in parts])


def _filled(x: tuple[np.ndarray, ...], size: int) -> tuple[np.ndarray, ...]:
    """Rows with the first of them again behind the last, so that there are ``size``."""
    missing = size - len(x[0])
    return tuple(np.concatenate([part, np.repeat(part[:1], missing, axis=0)]) for part in x) if missing else x


def loss(keras: Any, task: Task, smoothing: float) -> Any:
    """The loss of a task, on logits for classes."""
    if task.kind == "multiclass":
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    if task.kind in ("binary", "multilabel"):
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
    return keras.losses.MeanSquaredError()
