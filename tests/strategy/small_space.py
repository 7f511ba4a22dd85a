"""A minimal search space for tests of strategies: what a strategy may rely on, and nothing more."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.strategy.base import Axis


@dataclass(frozen=True)
class Part:
    """``levels`` None is a float in [0, 1]; otherwise values are 0 .. levels - 1; ``only_if`` is (name, value)."""

    name: str
    levels: int | None = None
    kind: str = "numeric"
    only_if: tuple[str, int] | None = None


class Small:
    """A space of ``parts``; a part's parent must stand before it."""

    def __init__(self, *parts: Part):
        self.parts = parts
        self.axes = tuple(Axis(p.name, p.kind, p.levels) for p in parts)

    @cached_property
    def size(self):
        if any(p.levels is None for p in self.parts):
            return None
        return sum(1 for _ in self.enumerate())

    def default(self):
        return self.decode(np.zeros(len(self.parts)))

    def sample(self, rng):
        rng = rng.generator() if isinstance(rng, Seed) else rng
        return self.decode(rng.random(len(self.parts)))

    def sample_vectors(self, rng, count):
        return self.snap(rng.random((count, len(self.parts))))

    def snap(self, vectors):
        out = np.clip(np.nan_to_num(np.array(vectors, dtype=float), nan=0.5), 0, 1)
        for i, part in enumerate(self.parts):
            if part.levels:
                out[:, i] = (np.minimum(out[:, i] * part.levels // 1, part.levels - 1) + 0.5) / part.levels
            if part.only_if:
                parent = [p.name for p in self.parts].index(part.only_if[0])
                level = np.floor(out[:, parent] * self.parts[parent].levels)
                out[level != part.only_if[1], i] = np.nan
        return out

    def encode(self, config):
        values = [config.get(p.name, np.nan) for p in self.parts]
        return np.array([v if p.levels is None else (v + 0.5) / p.levels for p, v in zip(self.parts, values)])

    def decode(self, vector):
        row = self.snap(np.asarray(vector)[None])[0]
        pairs = [(p, u) for p, u in zip(self.parts, row) if not np.isnan(u)]
        return {p.name: float(u) if p.levels is None else int(u * p.levels) for p, u in pairs}

    def neighbours(self, config, rng, count):
        return [self.sample(rng) for _ in range(count)]

    def enumerate(self, every=False):
        seen = set()
        grid = [[(i + 0.5) / (p.levels or 10) for i in range(p.levels or 10)] for p in self.parts]
        for values in itertools.product(*grid):
            config = self.decode(np.array(values))
            if self.key(config) not in seen:
                seen.add(self.key(config))
                yield config

    def key(self, config):
        return repr(sorted(config.items()))


def floats(count):
    """A space of ``count`` floats."""
    return Small(*[Part(f"x{i}") for i in range(count)])


def end(history, config, value, *, state="complete", fidelity=1.0, note=None):
    """Store a trial that ended with ``value``, a number or one for each objective."""
    number = len(history.rows)
    values = value if value is None or isinstance(value, tuple) else (float(value),)
    history.extend(
        [
            r.Proposed(number=number, config=config, fidelity=fidelity, note=note or {}),
            r.Started(number=number),
            r.Configured(number=number, config=config),
            r.Finished(number=number, state=state, values=values, fidelity=fidelity),
        ]
    )


def search(strategy, space, function, trials, *, seed, history=None):
    """Ask, evaluate, tell, one after the other; stops early when the space is exhausted."""
    history = History((Objective("value", "max"),)) if history is None else history
    state = strategy.init(seed, history)
    for number in range(len(history.rows), trials):
        answer = strategy.ask(state, space, number)
        if isinstance(answer, r.Exhausted):
            break
        before = len(history)
        value = function(answer.config)
        failed = value is None
        end(history, answer.config, value, state="failed" if failed else "complete", note=dict(answer.note))
        state = strategy.observe(state, history[before:])
    return history
