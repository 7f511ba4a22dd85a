"""A neural network for tables, in numpy: RealMLP's recipe at a size that two cores train in seconds.

A round is an epoch. The learning rate comes down to nothing four times in ever longer cycles, so that there are four
good places to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.core.blas import blas_threads
from modelwright.core.rng import Seed
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import Arrays, Clock, Fitted, Learner, Lesson, both, shared, softmax
from modelwright.tasks.learners.blocks import in_blocks
from modelwright.tasks.learners.embedding import WAYS, Embedding
from modelwright.tasks.learners.judged import Choice
from modelwright.tasks.learners.network import Network
from modelwright.tasks.learners.recipes import feature_space, for_smooth

_BATCH, _CYCLES = 256, 4
#: Errors of less than one part in so many of the target's spread still count by their size, where the metric is theirs.
_STEEP = np.float32(10)
#: So many times more or fewer rows are others: a network sees those as often as is usual. Half of all rows may judge.
_OTHERS = 2.5
#: Nanoseconds of one core for each weight of a row that is predicted among many.
_ROW_NS = 0.08
#: Rows that go through the network at once when it predicts.
_AT_ONCE = 512


def epochs_for(rows: int) -> int:
    """Epochs without a search: about as many steps for every table, within limits.

    >>> epochs_for(500), epochs_for(6000), epochs_for(100_000)
    (256, 128, 16)
    """
    return int(min(256, max(16, 2 ** round(np.log2(3000 * _BATCH / max(rows, 1))))))


class MLP(Learner):
    """See the module."""

    name: ClassVar[str] = "mlp"

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_smooth(frame, config)

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Float("learning_rate", 0.005, 0.3, sampling="log", default=_rate(task))
        hp.Choice("width", [64, 128, 256], ordered=True, default=128)
        hp.Int("layers", 1, 4, default=3)
        hp.Choice("embedding", list(WAYS), default="periodic")
        hp.Float("decay", 1e-4, 0.2, sampling="log", default=0.02)
        hp.Choice("dropout", [0.0, 0.15, 0.3], ordered=True, default=0.15)
        hp.Choice("label_smoothing", [0.0, 0.1], ordered=True, default=0.0)
        hp.Choice("scale", ["robust", "quantile"])
        feature_space(hp, pairs=False)

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        width, layers = int(config.get("width", 128)), int(config.get("layers", 3))
        inputs = columns * (1 if config.get("embedding") == "plain" else 6)
        steps = int(config.get("epochs", epochs_for(rows))) * max(1, rows // _BATCH)
        return steps * (4e-4 + 6 * _BATCH * width * (inputs + width * (layers - 1)) / 5e10 + width * layers * 3e-6)

    def longer(self, rounds: int, rows: int, whole: int) -> float:
        """As many epochs; of many times the rows no more than the usual ones, since a sample is seen far more often."""
        found = super().longer(rounds, rows, whole)
        return min(found, epochs_for(whole) / rounds) if whole > _OTHERS * rows else found

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, config, weight = lesson.matrix, lesson.y, lesson.config, lesson.weight
        seed, threads, metric = lesson.seed, lesson.threads, lesson.metric
        number = lesson.classes
        # Small products gain nothing from a second core, and lose much where others want it.
        cores = threads if int(config.get("width", 128)) >= 256 else 1
        with blas_threads(cores), np.errstate(over="ignore"):
            training = _Training(matrix, y, number, weight, config, Seed(seed), metric)
            return training.run(lesson)

    def anew(self, fit: Mapping[str, Any], rows: int) -> Mapping[str, Any]:
        """For as many epochs, or the usual ones of far more or fewer rows: to the same part of its schedule."""
        before = int(fit.get("rows") or rows)
        if "epochs" not in fit or not fit["rounds"] or max(rows, before) <= _OTHERS * min(rows, before):
            return fit
        times = epochs_for(rows) / epochs_for(before)
        return {**fit, **{name: max(1, round(fit[name] * times)) for name in ("rounds", "epochs")}}


def _rate(task: str) -> float:
    return 0.07 if task == "regression" else 0.04


def cycle_ends(epochs: int) -> list[int]:
    """Epochs after which the learning rate has come down.

    >>> cycle_ends(256)
    [17, 51, 119, 256]
    """
    whole = 2**_CYCLES - 1
    return sorted({max(1, round(epochs * (2**k - 1) / whole)) for k in range(1, _CYCLES + 1)})


def schedule(rounds: int, usual: int) -> int:
    """Epochs of a schedule that ``rounds`` of them are the end of a cycle of: as near to the ``usual`` ones as can be.

    Of all rows a network sees as many epochs as of those that it was judged with, though more rows have fewer of them
    as a rule, by a factor of two from some number of rows on. Of a sample see ``MLP.longer``.

    >>> schedule(17, 256), schedule(34, 16), schedule(15, 30)
    (256, 34, 32)
    """
    if rounds in cycle_ends(usual):
        return usual
    whole = 2**_CYCLES - 1
    able = [round(rounds * whole / (2**k - 1)) for k in range(1, _CYCLES + 1)]
    return min(able, key=lambda epochs: abs(np.log(epochs / usual)))


class _Training:
    """The network and its rows on the way."""

    def __init__(
        self,
        matrix: Matrix,
        y: np.ndarray,
        classes: int,
        weight: np.ndarray | None,
        config: Mapping[str, Any],
        seed: Seed,
        metric: str | None,
    ):
        self.classes, self.rng = classes, seed.child("batches").generator()
        task = "regression" if classes == 0 else "classes"
        self.rate = float(config.get("learning_rate", _rate(task)))
        self.epochs = int(config.get("epochs", epochs_for(matrix.rows)))
        self.batches: int | None = config.get("batches")
        self.embedding = Embedding.of(
            matrix.values, str(config.get("embedding", "periodic")), seed.child("embedding").generator()
        )
        self.x = np.ascontiguousarray(self.embedding(matrix.values), np.float32)
        self.weight = None if weight is None else (weight / weight.mean()).astype(np.float32)
        self.absolute = metric == "mae"
        start = self._targets(y, float(config.get("label_smoothing", 0.1 if metric == "accuracy" else 0.0)))
        width, layers = int(config.get("width", 128)), int(config.get("layers", 3))
        sizes = [self.x.shape[1], *([width] * layers), self.targets.shape[1]]
        more = {"decay": float(config.get("decay", 0.02)), "drop": float(config.get("dropout", 0.15))}
        self.network = Network(sizes, "selu" if classes else "mish", seed.child("start").generator(), **more)
        self.network.start_at(start)

    def _targets(self, y: np.ndarray, smoothing: float) -> np.ndarray:
        """Sets what the network is to answer; where it starts."""
        share = np.full(len(y), 1 / len(y)) if self.weight is None else self.weight / self.weight.sum()
        if self.classes:
            hot = (y[:, None] == np.arange(self.classes)).astype(np.float32)
            self.targets = hot * np.float32(1 - smoothing) + np.float32(smoothing / self.classes)
            self.middle, self.unit, self.range = 0.0, 1.0, (-np.inf, np.inf)
            return np.log(np.maximum(share @ self.targets, 1e-4))
        # A weighted sum of shares in single precision misses a mean that is large beside the spread.
        self.middle = float(np.median(y) if self.absolute else np.average(y, weights=self.weight))
        self.unit = float(np.sqrt(share @ np.square(y - self.middle))) or 1.0
        self.range = (float(y.min()), float(y.max()))
        self.targets = ((y - self.middle) / self.unit).astype(np.float32)[:, None]
        return np.zeros(1)

    def run(self, lesson: Lesson) -> FittedMLP:
        valid, rounds, clock = lesson.valid, lesson.rounds, lesson.clock
        if rounds and not lesson.again:
            self.epochs = schedule(rounds, self.epochs)
        ends, last = cycle_ends(self.epochs), rounds or self.epochs
        held, choice = None, None
        if valid is not None and rounds is None:
            held = np.asarray(self.embedding(valid[0].values), np.float32)
            choice = Choice(valid[1], self.classes, valid[2], lesson.metric, lesson.ties)
        best, best_epoch, ended, done, batches = None, 0, "rounds", 0, None
        for epoch in range(last):
            before = None if clock.deadline is None or not epoch else self.network.values.copy()
            batches = self._epoch(epoch, clock)
            if batches is not None:
                ended = "deadline"
                if before is not None:  # whole epochs can be done again
                    self.network.values[:] = before
                break
            done = epoch + 1
            if choice is not None and held is not None:
                if choice.offer(done, self._model({}).answers(held)):
                    best, best_epoch = self.network.values.copy(), done
                if done in ends[2:] and best_epoch <= ends[ends.index(done) - 1]:
                    ended = "patience"
                    break
        if best is not None:
            self.network.values[:] = best
        facts: dict[str, Any] = {
            "rounds": best_epoch or max(done, 1),
            "ended": ended,
            "grown": done,
            "epochs": self.epochs,
        }
        if batches is not None and not done:
            facts["batches"] = batches
        model = self._model(facts)
        model.held = None if choice is None else choice.held
        return model

    def _epoch(self, epoch: int, clock: Clock) -> int | None:
        """Train an epoch; the batches that there was time for, where it did not come to its end. The first one has it.

        Of a first epoch that was broken off before, as many are trained again as there were.
        """
        batches = max(1, len(self.x) // _BATCH)
        size = len(self.x) // batches
        order = self.rng.permutation(len(self.x))
        for batch in range(batches):
            late = clock.late(enough=epoch > 0) if self.batches is None else batch == self.batches
            if late and (epoch or batch):
                return batch
            own = order[batch * size : (batch + 1) * size]
            self.network.train(self.x[own], self._slope(own), self.rate * self._height(epoch + batch / batches))
        return None

    def _height(self, epochs: float) -> float:
        """Share of the learning rate: cosines over ever longer cycles ("coslog4")."""
        turned = np.log2(1 + (2**_CYCLES - 1) * min(1.0, epochs / self.epochs))
        return float(0.5 * (1 - np.cos(2 * np.pi * turned)))

    def _slope(self, own: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        targets = self.targets[own]
        share = np.float32(1 / len(own)) if self.weight is None else (self.weight[own] / len(own))[:, None]

        def of(outputs: np.ndarray) -> np.ndarray:
            expected = softmax(outputs) if self.classes else outputs
            missed = expected - targets
            return (np.clip(missed * _STEEP, -1, 1) if self.absolute and not self.classes else missed) * share

        return of

    def _model(self, facts: dict[str, Any]) -> FittedMLP:
        place = (self.middle, self.unit, *self.range)
        return FittedMLP(self.network, self.embedding, self.classes, place, facts)


class FittedMLP(Fitted):
    """Weights of a network."""

    kind: ClassVar[str] = "mlp"

    def __init__(
        self,
        network: Network,
        embedding: Embedding,
        classes: int,
        place: tuple[float, ...],
        facts: dict[str, Any],
    ):
        self._network, self._embedding, self._classes, self._place, self.facts = (
            network,
            embedding,
            classes,
            place,
            facts,
        )

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        if matrix.rows <= 64:
            return self._answers(self._embedding(matrix.values))
        return in_blocks(lambda some: self._answers(self._embedding(some)), matrix.values, _AT_ONCE, threads)

    def answers(self, x: np.ndarray) -> np.ndarray:
        """Predictions for features that are unfolded already."""
        # All rows at once would take some thousand numbers each on their way.
        return np.concatenate([self._answers(x[k : k + _AT_ONCE]) for k in range(0, max(1, len(x)), _AT_ONCE)])

    def _answers(self, x: np.ndarray) -> np.ndarray:
        outputs = self._network.forward(x).astype(np.float64)
        if self._classes == 0:
            middle, unit, low, high = self._place
            return np.clip(outputs[:, 0] * unit + middle, low, high)
        found = softmax(outputs)
        return both(found[:, 1]) if self._classes == 2 else found

    def shares(self) -> np.ndarray:
        amounts, embedding = self._network.reliance(), self._embedding
        count = len(amounts) - embedding.added
        made = amounts[:count].astype(np.float64)
        if embedding.added:
            made[embedding.own] += amounts[count:].reshape(len(embedding.own), -1).sum(axis=1)
        return shared(made)

    @property
    def row_ns(self) -> float:
        return _ROW_NS * self._network.values.size

    def state(self) -> tuple[dict[str, Any], Arrays]:
        network, embedding = self._network, self._embedding
        json = {"sizes": list(network.sizes), "activation": network.activation, "way": embedding.way}
        json |= {"classes": self._classes, "place": list(self._place) if not self._classes else None}
        arrays: Arrays = {"values": network.values.copy(), "own": embedding.own}
        arrays |= {"first": embedding.first, "second": embedding.second}
        return json | {"facts": self.facts}, arrays

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedMLP:
        network = Network(json["sizes"], json["activation"], Seed(0).generator())
        network.values[:] = arrays["values"]
        embedding = Embedding(json["way"], arrays["own"], arrays["first"], arrays["second"])
        place = tuple(json["place"] or (0.0, 1.0, -np.inf, np.inf))
        return cls(network, embedding, json["classes"], place, json["facts"])
