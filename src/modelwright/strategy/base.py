"""The contract of a strategy: a fold over stored events that says what to try next.

Does not know stores, executors or clocks. ``modelwright.testing.StrategyContract`` checks every promise made here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from modelwright.core.history import History, Row
from modelwright.core.records import Answer, Config, Decision, Event, Proposal
from modelwright.core.rng import Seed
from modelwright.space.axis import Axis


class SearchSpace(Protocol):
    """The few things a strategy may ask of a space; an architecture space answers them too."""

    @property
    def size(self) -> int | None:
        """Number of different candidates, or None when infinite or not known."""
        ...

    @property
    def axes(self) -> Sequence[Axis]:
        """What each dimension of a vector means."""
        ...

    @property
    def levels(self) -> Sequence[Config]:
        """For progressive search, from the smallest level: which decisions it holds at which values.

        Decisions that a level does not name are free on it. Empty when the space does not say.
        """
        ...

    def default(self) -> dict[str, Any]:
        """The configuration of declared defaults."""
        ...

    def sample(self, rng: np.random.Generator | Seed) -> dict[str, Any]:
        """One valid configuration, each parameter uniform on its sampling scale.

        With a seed each parameter draws from its child by name.
        """
        ...

    def sample_vectors(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """``count`` valid points as rows of vectors, on the lattice, NaN where inactive. Fast."""
        ...

    def snap(self, vectors: np.ndarray) -> np.ndarray:
        """Move rows (count, dimensions) onto the lattice, fill or blank what became active or inactive. Fast."""
        ...

    def encode(self, config: Config) -> np.ndarray:
        """A vector in [0, 1]^dimensions, NaN where a parameter is inactive or unknown."""
        ...

    def decode(self, vector: np.ndarray) -> dict[str, Any]:
        """The valid configuration nearest to ``vector``; ``decode(encode(c))`` is ``c`` for every valid ``c``."""
        ...

    def neighbours(self, config: Config, rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
        """Up to ``count`` different valid configurations that differ from ``config`` in one decision."""
        ...

    def edit(self, before: Config, after: Config) -> str:
        """What differs, in words: ``lr 0.1 -> 0.01``; for an architecture, what became of the network."""
        ...

    def enumerate(self, every: bool = False) -> Any:
        """An iterator over the candidates in a fixed order, continua by ten values; grid search walks it.

        With ``every`` it meets each candidate of a space whose ``size`` is known.
        """
        ...

    def key(self, config: Config) -> str:
        """Equal keys are the same candidate; parameters that are inactive do not count."""
        ...


@dataclass(slots=True)
class Fold:
    """The least a strategy's state holds: its seed and the shared history, which is never copied."""

    seed: Seed
    history: History


class Strategy(ABC):
    """Says what to try next.

    ``ask`` and ``judge`` change no state (a cache that may be thrown away is no state); their chance comes from
    ``state.seed`` and the trial's number alone, so a study resumed from its stored events goes on exactly as it
    would have.
    """

    #: Under which name ``tune(strategy=...)`` finds it.
    name: ClassVar[str] = ""
    #: Whether it proposes below fidelity 1, so that trials should be able to pause.
    multi_fidelity: ClassVar[bool] = False

    def init(self, seed: Seed, history: History) -> Any:
        """The state before the first event. ``history`` is shared, and grows before each ``observe``."""
        return Fold(seed, history)

    def observe(self, state: Any, events: Sequence[Event]) -> Any:
        """Fold ``events``, which ``history`` already holds, into the state."""
        return state

    @abstractmethod
    def ask(self, state: Any, space: SearchSpace, number: int | None) -> Answer:
        """What should run next: trial ``number`` (the next free number), or a paused trial that goes on.

        ``number`` is None when the budget has no room for a new trial: only a paused one may be proposed then. A
        strategy that is not ``multi_fidelity`` is not asked in that case.

        Never blocks. Returns ``Wait`` when the answer depends on running trials, ``Exhausted`` when there is
        nothing left to try.
        """

    def place(self, state: Any, space: SearchSpace, number: int, config: Config, note: Mapping[str, Any]) -> Proposal:
        """How trial ``number`` begins, whose configuration somebody else chose: to which fidelity, in which bracket."""
        return Proposal(config=config, note=note)

    def plan(self, unit: str = "step") -> str:
        """How trials are cut short and what becomes of them, in words; "" when all are trained in full.

        Args:
            unit: what a step is called.
        """
        return ""

    def judge(self, state: Any, trial: Row) -> Decision:
        """What becomes of a running trial after its latest report: "go", "pause" or "stop"."""
        return "go"

    def why(self, state: Any, trial: Row) -> str:
        """Why ``judge`` just said pause or stop, in one line; it is stored with the decision."""
        return "strategy"
