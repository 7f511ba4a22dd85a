"""An LSTM that writes strings of decisions, with its gradient. Knows neither trials nor spaces.

A string has a place for each decision; a decision that is not there (-1) is passed over, so strings differ in length.
Each decision has symbols of its own; what was decided last is what the network reads next.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.rng import Seed

#: A decision that a string does not have.
ABSENT = -1


@dataclass(slots=True)
class _Step:
    """What the backward pass needs of one decision: rows that have it, symbols read, gates of each layer, shares."""

    rows: np.ndarray
    read: np.ndarray
    layers: list[tuple[np.ndarray, ...]]
    top: np.ndarray
    shares: np.ndarray


class Controller:
    """A stacked LSTM with a softmax for each decision.

    Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997; as a writer of architectures,
    Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017.

    Args:
        names: of the decisions; weights are drawn for each by its name.
        choices: how many symbols each has.
        units, layers: of the LSTM.
        scale: weights begin uniform in (-scale, scale).

    >>> net = Controller(["a", "b"], [2, 3], Seed(0), units=4, layers=1)
    >>> net.log_shares(np.array([[0, 2], [1, ABSENT]])).shape
    (2,)
    """

    def __init__(
        self,
        names: Sequence[str],
        choices: Sequence[int],
        seed: Seed,
        *,
        units: int = 35,
        layers: int = 2,
        scale: float = 0.08,
    ):
        self.choices = [int(c) for c in choices]
        self.units, self.layers = units, layers
        self.starts = np.concatenate([[0], np.cumsum(self.choices)]).astype(int)

        def drawn(rows: int, columns: int, *path: str | int) -> np.ndarray:
            return seed.child(*path).generator().uniform(-scale, scale, (rows, columns))

        blocks = [drawn(n, units, "embed", j, name) for j, (name, n) in enumerate(zip(names, choices, strict=True))]
        heads = [drawn(n, units, "head", j, name) for j, (name, n) in enumerate(zip(names, choices, strict=True))]
        self.weights = {"embed": np.vstack([drawn(1, units, "begin"), *blocks])}
        self.weights |= {"head": np.vstack([np.zeros((0, units)), *heads]), "bias": np.zeros((int(self.starts[-1]), 1))}
        for layer in range(layers):
            self.weights[f"in{layer}"] = drawn(units, 4 * units, "in", layer)
            self.weights[f"back{layer}"] = drawn(units, 4 * units, "back", layer)
            self.weights[f"gate{layer}"] = np.zeros((1, 4 * units))

    def moved(self, weights: Mapping[str, np.ndarray]) -> Controller:
        """The same network with other weights."""
        made = copy.copy(self)
        made.weights = dict(weights)
        return made

    def draw(
        self, rng: np.random.Generator, count: int, there: Callable[[int, np.ndarray], np.ndarray], heat: float = 1.0
    ) -> np.ndarray:
        """``count`` strings, (count, decisions).

        Args:
            there: place of a decision, and the strings up to it -> in which of them it is (count,).
            heat: 1 draws from the policy, more from a flatter one.
        """
        strings = np.full((count, len(self.choices)), ABSENT)
        uniform = rng.random(strings.shape)
        run = _Run(self, count)
        for j in range(len(self.choices)):
            rows = np.flatnonzero(there(j, strings))
            if not len(rows):
                continue
            logits = run.step(j, rows).logits / heat
            edges = np.cumsum(_softmax(logits), axis=1)
            chosen = np.minimum((edges < uniform[rows, j][:, None]).sum(axis=1), self.choices[j] - 1)
            strings[rows, j] = chosen
            run.read[rows] = 1 + self.starts[j] + chosen
        return strings

    def log_shares(self, strings: np.ndarray) -> np.ndarray:
        """The logarithm of each string's probability."""
        total = np.zeros(len(strings))
        for j, step in self._run(strings):
            chosen = strings[step.rows, j]
            total[step.rows] += np.log(step.shares[np.arange(len(chosen)), chosen])
        return total

    def spread(self, strings: np.ndarray) -> float:
        """Mean entropy of the decisions in these strings, as a share of the largest possible one."""
        found = [
            -(s.shares * np.log(s.shares)).sum(axis=1) / np.log(self.choices[j])
            for j, s in self._run(strings)
            if self.choices[j] > 1
        ]
        return float(np.mean(np.concatenate(found))) if found else 0.0

    def _run(self, strings: np.ndarray) -> list[tuple[int, _Step]]:
        run, found = _Run(self, len(strings)), []
        for j in range(len(self.choices)):
            rows = np.flatnonzero(strings[:, j] >= 0)
            if len(rows):
                step = run.step(j, rows)
                found.append((j, _Step(rows, step.read, step.layers, step.top, _softmax(step.logits))))
                run.read[rows] = 1 + self.starts[j] + strings[rows, j]
        return found

    def gradient(self, strings: np.ndarray, advantages: np.ndarray, entropy: float) -> dict[str, np.ndarray]:
        """Of the mean over strings of advantage times log-probability, plus ``entropy`` times the entropies.

        It points uphill. Backpropagation through time by hand: each decision's softmax, then the layers downward.
        """
        found = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
        steps = self._run(strings)
        hidden = np.zeros((self.layers, len(strings), self.units))
        cells = np.zeros_like(hidden)
        for j, step in reversed(steps):
            p, rows = step.shares, step.rows
            surprise = np.log(p)
            push = -p * advantages[rows, None]
            push[np.arange(len(rows)), strings[rows, j]] += advantages[rows]
            push -= entropy * p * (surprise - (p * surprise).sum(axis=1, keepdims=True))
            push /= len(strings)
            part = slice(self.starts[j], self.starts[j + 1])
            found["head"][part] += push.T @ step.top
            found["bias"][part] += push.sum(axis=0)[:, None]
            down = push @ self.weights["head"][part]
            for layer in reversed(range(self.layers)):
                down = self._back(found, step, layer, down, hidden, cells)
            np.add.at(found["embed"], step.read, down)
        return found

    def _back(
        self,
        found: dict[str, np.ndarray],
        step: _Step,
        layer: int,
        down: np.ndarray,
        hidden: np.ndarray,
        cells: np.ndarray,
    ) -> np.ndarray:
        """Through one layer at one decision; what goes on to the layer below comes back."""
        rows = step.rows
        below, before, cell, i, f, g, o, now = step.layers[layer]
        bent = np.tanh(now)
        to_hidden = down + hidden[layer, rows]
        to_cell = cells[layer, rows] + to_hidden * o * (1 - bent * bent)
        gates = np.hstack(
            [
                to_cell * g * i * (1 - i),
                to_cell * cell * f * (1 - f),
                to_cell * i * (1 - g * g),
                to_hidden * bent * o * (1 - o),
            ]
        )
        found[f"in{layer}"] += below.T @ gates
        found[f"back{layer}"] += before.T @ gates
        found[f"gate{layer}"] += gates.sum(axis=0, keepdims=True)
        hidden[layer, rows] = gates @ self.weights[f"back{layer}"].T
        cells[layer, rows] = to_cell * f
        return gates @ self.weights[f"in{layer}"].T


@dataclass(slots=True)
class _Made:
    """What a forward step gives."""

    logits: np.ndarray
    read: np.ndarray
    layers: list[tuple[np.ndarray, ...]]
    top: np.ndarray


class _Run:
    """Strings that are being read or written, one decision after another."""

    def __init__(self, net: Controller, count: int):
        self.net = net
        self.hidden = np.zeros((net.layers, count, net.units))
        self.cells = np.zeros_like(self.hidden)
        #: The symbol that each string reads next; 0 is its beginning.
        self.read = np.zeros(count, dtype=int)

    def step(self, j: int, rows: np.ndarray) -> _Made:
        weights, read = self.net.weights, self.read[rows]
        below, kept = weights["embed"][read], []
        for layer in range(self.net.layers):
            before, cell = self.hidden[layer, rows], self.cells[layer, rows]
            raw = below @ weights[f"in{layer}"] + before @ weights[f"back{layer}"] + weights[f"gate{layer}"]
            i, f, g, o = np.split(raw, 4, axis=1)
            i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
            now = f * cell + i * g
            kept.append((below, before, cell, i, f, g, o, now))
            below = o * np.tanh(now)
            self.hidden[layer, rows], self.cells[layer, rows] = below, now
        part = slice(self.net.starts[j], self.net.starts[j + 1])
        logits = below @ weights["head"][part].T + weights["bias"][part, 0]
        return _Made(logits, read, kept, below)


@dataclass(slots=True)
class Adam:
    """Kingma and Ba, "Adam", ICLR 2015; climbs."""

    rate: float
    steps: int = 0
    mean: dict[str, np.ndarray] = field(default_factory=dict)
    square: dict[str, np.ndarray] = field(default_factory=dict)

    def climb(self, weights: Mapping[str, np.ndarray], slopes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """New weights; the old ones stay as they are."""
        self.steps += 1
        by_mean, by_square = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        moved: dict[str, Any] = {}
        for name, slope in slopes.items():
            self.mean[name] = 0.9 * self.mean.get(name, 0.0) + 0.1 * slope
            self.square[name] = 0.999 * self.square.get(name, 0.0) + 0.001 * slope * slope
            step = (self.mean[name] / by_mean) / (np.sqrt(self.square[name] / by_square) + 1e-8)
            moved[name] = weights[name] + self.rate * step
        return moved

    def copy(self) -> Adam:
        """Arrays are replaced and never written to, so that both may hold them."""
        return Adam(self.rate, self.steps, dict(self.mean), dict(self.square))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _softmax(logits: np.ndarray) -> np.ndarray:
    """Shares, none of them 0."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.maximum(e / e.sum(axis=1, keepdims=True), 1e-12)
