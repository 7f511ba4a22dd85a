"""Learners: what every kind of model offers, whatever library is behind it. Does not know how candidates are judged."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict, Unpack

import numpy as np

from modelwright.core.optional import optional
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe

#: Rows that a model is not fitted on: their matrix, targets, and weights or None.
Valid = tuple[Matrix, np.ndarray, np.ndarray | None]
#: What is stored of a model besides JSON.
Arrays = dict[str, np.ndarray | bytes]
TASKS = ("binary", "multiclass", "regression")
#: Facts that say where the first epoch of a network, or the first step of a linear model, was broken off.
BROKEN_OFF = ("batches", "iterations")
#: In the facts of a fit: what it warned of, each once.
WARNED = "warned"
#: Facts of a fit that are settings when it is done again: besides, how long a network was to be trained.
SETTLED = ("epochs", *BROKEN_OFF)
#: Up to how many parts of the target's spread an error counts by its square where medians would break a constraint.
NEAR = 0.3
#: Rounds of a fit on all rows, for each one on a part of them: at least so many; and of trees that are grown one after
#: the other such a power of how many times the rows there are.
MORE, GROWTH = 1.05, 1 / 3


class How(TypedDict, total=False):
    """How to fit.

    Attributes:
        weight: (rows,) or None for equal weights; a row of weight 0 is as if it were not there.
        valid: rows that say when to stop.
        ties: of those rows, which belong together, as integers (rows,); None where each stands for itself.
        rounds: how many rounds, when they are known from other fits; without it and ``valid`` a usual number.
        deadline: in seconds of ``time.monotonic``; the fit ends there with what it has, and "ended" says so.
        limit: until when a fit goes on past its deadline that has come to nothing yet; without it, not at all.
        seed: the same seed, rounds and threads give the same model; 0 by default.
        threads: cores to use; 1 by default.
        classes: number of classes, where ``y`` may lack some; None counts those in ``y``.
        again: whether ``rounds`` are those of the very fit that is done again, and not of fits on other rows.
        metric: name of the metric that says when to stop, for learners that know it; else the loss does.
    """

    weight: np.ndarray | None
    valid: Valid | None
    ties: np.ndarray | None
    rounds: int | None
    deadline: float | None
    limit: float | None
    seed: int
    threads: int
    classes: int | None
    again: bool
    metric: str | None


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a fit may go on: to its deadline, or to a later limit where it has not come to anything by then.

    >>> now = time.monotonic()
    >>> clock = Clock(now - 1, now + 60)
    >>> clock.late(), clock.late(enough=False)
    (True, False)
    """

    deadline: float | None
    limit: float | None = None

    def left(self, *, enough: bool = True) -> float:
        """Seconds until the end; infinite without one.

        Args:
            enough: whether the fit has come far enough to be ended at its deadline.
        """
        if self.deadline is None:
            return float("inf")
        end = self.deadline if enough or self.limit is None else max(self.deadline, self.limit)
        return end - time.monotonic()

    def late(self, margin: float = 0.0, *, enough: bool = True) -> bool:
        """Whether what takes ``margin`` seconds would be over after the end; ``enough``: see ``left``."""
        return self.left(enough=enough) < margin


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that was asked for of one fit; see ``Learner.fit``. ``classes`` is 0 in regression."""

    matrix: Matrix
    y: np.ndarray
    task: str
    config: Mapping[str, Any]
    classes: int
    clock: Clock
    weight: np.ndarray | None = None
    valid: Valid | None = None
    ties: np.ndarray | None = None
    rounds: int | None = None
    seed: int = 0
    threads: int = 1
    again: bool = False
    metric: str | None = None


class Fitted(ABC):
    """A fitted model.

    Attributes:
        held: predictions for the rows of ``valid``, where the fit chose anything by them: each by what other rows of
            them chose. Otherwise None, and ``predict`` is as good.
        facts: what is worth to be known of the fit: "rounds" (what ``fit(rounds=)`` repeats), "ended" (why it ended:
            "rounds", "patience" or "deadline"), and more by learner.
    """

    kind: ClassVar[str]
    facts: dict[str, Any]
    held: np.ndarray | None = None

    @abstractmethod
    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        """Probabilities (rows, classes), each row with the sum 1; in regression values (rows,)."""

    @abstractmethod
    def shares(self) -> np.ndarray:
        """How much the model relies on each feature: (features,), not negative, with the sum 1 or 0.

        By gain, cuts or weights, as the kind of model has it: for telling what was used, not for comparing models.
        """

    @property
    def row_ns(self) -> float:
        """About how many nanoseconds of one core a row takes among tens of thousands; 0 where nothing is known of it.

        It is counted, not measured: the same model always has the same number.
        """
        return 0.0

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], Arrays]:
        """What ``restore`` takes: JSON, and arrays or bytes. No pickle."""

    def first(self, rounds: int) -> Fitted:
        """The model of its first rounds, where each is a model by itself; otherwise this one."""
        return self

    def natural(self, found: np.ndarray) -> np.ndarray:
        """Scaled numbers in units of the target."""
        middle, unit = self.facts.get("place", (0.0, 1.0))
        return found * unit + middle

    @classmethod
    @abstractmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> Fitted:
        """The inverse of ``state``."""


class Learner(ABC):
    """A kind of model.

    Attributes:
        name: by which it is allowed, blocked and reported.
        tasks: those it can do.
        scales: whether it is given numbers with the mean 0 and the spread 1: single precision and penalties have units.
        needs: packages that a fit imports, and the ``extra`` that installs them.
        boosted: whether it grows one tree after the other: three classes and more have a tree each in every round.
        averages: whether a round is a model by itself and the whole their mean: with less weight fewer are as good.
        monotone: whether it takes constraints: ``config["monotone"]`` is a mapping of raw columns to 1 or -1.
        chooses: whether it chooses anything by the rows that judge it, such as when to stop.
    """

    name: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]] = TASKS
    boosted: ClassVar[bool] = False
    averages: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    chooses: ClassVar[bool] = True
    scales: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = "tables"

    def load(self) -> None:
        """Import what a fit needs: the first time in a process this takes seconds, which are none of the fit's."""
        for package in self.needs:
            optional(package, extra=self.extra, purpose=f"the learner {self.name!r}")

    @property
    def loaded(self) -> bool:
        """Whether this process has imported what a fit needs."""
        return all(package in sys.modules for package in self.needs)

    @abstractmethod
    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        """The recipe for the matrix that this learner takes."""

    @abstractmethod
    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        """Declare what is worth to be searched. Defaults are good choices without a search."""

    @abstractmethod
    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        """Expected seconds of one fit on one core of a usual machine: right in proportion, not to the second.

        That is for numbers or two classes; see ``work``.
        """

    def work(self, rows: int, columns: int, config: Mapping[str, Any], classes: int) -> float:
        """``cost``, with so many classes; 0 or 1 in regression."""
        return self.cost(rows, columns, config) * (classes if self.boosted and classes > 2 else 1)

    def longer(self, rounds: int, rows: int, whole: int) -> float:
        """Rounds of a fit on ``whole`` rows for each of ``rounds`` that were found good on ``rows``, a part of them.

        More rows have more to tell.
        """
        return max(MORE, (whole / rows) ** GROWTH) if self.boosted else MORE

    def fit(self, matrix: Matrix, y: np.ndarray, task: str, *, config: Mapping[str, Any], **how: Unpack[How]) -> Fitted:
        """Fit a model.

        Args:
            y: (rows,): classes from 0, or values.
            task: "binary", "multiclass" or "regression".
            config: decisions; what it lacks has its default.
            how: see ``How``.
        """
        asked: dict[str, Any] = dict(how)
        clock = Clock(asked.pop("deadline", None), asked.pop("limit", None))
        classes = count_classes(y, task, asked.pop("classes", None))
        matrix, y, asked["weight"] = weighty(matrix, y, asked.get("weight"))
        if task != "regression" or not self.scales:
            return self.learn(Lesson(matrix, y, task, config, classes, clock, **asked))
        place = float(np.mean(y)), float(np.std(y)) or 1.0
        if asked.get("valid") is not None:
            held, truth, weight = asked["valid"]
            asked["valid"] = held, (truth - place[0]) / place[1], weight
        fitted = self.learn(Lesson(matrix, (y - place[0]) / place[1], task, config, classes, clock, **asked))
        fitted.facts["place"] = list(place)
        fitted.held = None if fitted.held is None else fitted.natural(fitted.held)
        return fitted

    @abstractmethod
    def learn(self, lesson: Lesson) -> Fitted:
        """``fit``, with all that was asked for in one."""

    def anew(self, fit: Mapping[str, Any], rows: int) -> Mapping[str, Any]:
        """How a fit is done again on so many ``rows``: as it was done, of which the "rounds" and "rows" are known."""
        return fit


def shared(amounts: np.ndarray) -> np.ndarray:
    """Amounts with the sum 1, or 0 where there are none.

    >>> shared(np.array([1.0, 3.0]))
    array([0.25, 0.75])
    """
    total = float(amounts.sum())
    return amounts / total if total > 0 else np.zeros(len(amounts))


def count_classes(y: np.ndarray, task: str, classes: int | None) -> int:
    """Number of classes; 0 in regression."""
    if task == "regression":
        return 0
    return max(2, classes or 0, int(y.max()) + 1 if len(y) else 0)


def weighty(matrix: Matrix, y: np.ndarray, weight: np.ndarray | None) -> tuple[Matrix, np.ndarray, np.ndarray | None]:
    """The rows that weigh anything, with weights of the mean 1; all of them, and no weights, where none does.

    >>> matrix = Matrix(values=np.zeros((3, 1), np.float32), names=("a",), sources=(("a",),))
    >>> weighty(matrix, np.array([5.0, 6.0, 7.0]), np.array([1.0, 0.0, 3.0]))[1:]
    (array([5., 7.]), array([0.5, 1.5]))
    """
    if weight is None or weight.all():
        return matrix, y, weight
    if not weight.any():
        return matrix, y, None
    on = np.flatnonzero(weight)
    return matrix.take(on), y[on], weight[on] / weight[on].mean()


def both(positive: np.ndarray) -> np.ndarray:
    """Probabilities of both classes from those of class 1: (rows, 2).

    >>> both(np.array([0.25]))
    array([[0.75, 0.25]])
    """
    return np.column_stack([1 - positive, positive])


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores (rows, classes).

    >>> softmax(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def constraints(matrix: Matrix, config: Mapping[str, Any]) -> list[int]:
    """For each feature 1 or -1 where ``config["monotone"]`` names its column, else 0; empty when nothing is named."""
    asked = config.get("monotone") or {}
    if not asked:
        return []
    return [int(asked.get(name, 0)) for name in matrix.names]
