"""A small feed-forward network in single precision: forward, gradients, and Adam. Does not know what it is trained for.

After RealMLP (Holzmueller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS 2024): a trainable scale of the inputs, weights in the neural tangent parametrisation, and
activations between the identity and a nonlinearity.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from modelwright.tasks.learners.activation import ACTIVATIONS

_FIRST, _SECOND, _TINY = np.float32(0.9), np.float32(0.95), np.float32(1e-8)
#: Learning rates of other parameters than weights, relative to theirs.
_SCALE_RATE, _BIAS_RATE, _BEND_RATE = 6.0, 0.1, 0.1


class Network:
    """Layers whose parameters lie in one array, so that a step of Adam is a few passes over it.

    In the tangent parametrisation a weight is divided by the root of its layer's inputs. Adam does not see the size of
    gradients, so that dividing start and learning rate by that root comes to the same without the division.
    """

    def __init__(
        self, sizes: Sequence[int], activation: str, rng: np.random.Generator, *, decay: float = 0.0, drop: float = 0.0
    ):
        self.sizes, self.activation, self.decay = tuple(sizes), activation, np.float32(decay)
        self._chance, self._dropped = rng, round(256 * drop)
        shapes: list[tuple[int, ...]] = [(sizes[0],)]
        for before, after in itertools.pairwise(sizes):
            shapes += [(before, after), (after,), (after,)]
        counts = [int(np.prod(shape)) for shape in shapes]
        starts = np.cumsum([0, *counts])
        self.values = np.zeros(starts[-1], np.float32)
        self.slopes = np.zeros_like(self.values)
        self._rates = np.ones_like(self.values)
        self._first, self._second, self._steps = np.zeros_like(self.values), np.zeros_like(self.values), 0
        self._room = np.empty_like(self.values)
        self._batch: _Room | None = None

        def views(of: np.ndarray) -> list[np.ndarray]:
            return [of[a:b].reshape(shape) for (a, b), shape in zip(itertools.pairwise(starts), shapes)]

        self._parts, self._own, rates = views(self.values), views(self.slopes), views(self._rates)
        self._parts[0][:] = 1
        rates[0][:] = _SCALE_RATE
        for layer in range(len(sizes) - 1):
            weights, bias, bend = self._parts[1 + 3 * layer : 4 + 3 * layer]
            root = np.float32(max(1, sizes[layer]) ** -0.5)
            if layer < len(sizes) - 2:  # the last layer starts at nothing
                weights[:] = rng.standard_normal(weights.shape, np.float32) * root
                bias[:] = rng.standard_normal(bias.shape, np.float32)
            bend[:] = 1
            rates[1 + 3 * layer][:] = root
            rates[2 + 3 * layer][:] = _BIAS_RATE
            rates[3 + 3 * layer][:] = _BEND_RATE

    def start_at(self, outputs: np.ndarray) -> None:
        """Let the network answer ``outputs`` to everything."""
        self._parts[-2][:] = outputs

    def reliance(self) -> np.ndarray:
        """How strongly each input reaches the first layer: (inputs,)."""
        return np.abs(self._parts[0]) * np.linalg.norm(self._parts[1], axis=1)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Outputs (rows, outputs)."""
        room = _Room(self.sizes, len(x))
        return self._forward(x, room)

    def _forward(self, x: np.ndarray, room: _Room, masks: Sequence[np.ndarray] | None = None) -> np.ndarray:
        act, last = ACTIVATIONS[self.activation], len(self.sizes) - 2
        np.multiply(x, self._parts[0], out=room.inputs[0])
        for layer in range(last + 1):
            weights, bias, bend = self._parts[1 + 3 * layer : 4 + 3 * layer]
            h = room.inputs[layer + 1]
            np.matmul(room.inputs[layer], weights, out=h)
            h += bias
            if layer < last:
                bent, steep, spare = room.bent[layer], room.steep[layer], room.spare[layer]
                act(h, bent, steep, spare)
                bent -= h
                np.multiply(bent, bend, out=spare)
                h += spare
                if masks is not None:
                    h *= masks[layer]
        return room.inputs[-1]

    def train(self, x: np.ndarray, slope: Callable[[np.ndarray], np.ndarray], rate: float) -> None:
        """One step of Adam.

        Args:
            slope: a function of the outputs: the gradient of the mean loss with respect to them.
            rate: learning rate of this step.
        """
        if self._batch is None or self._batch.rows != len(x):
            self._batch = _Room(self.sizes, len(x))
        room = self._batch
        masks = self._masks(room) if self._dropped else None
        back = slope(self._forward(x, room, masks))
        for layer in range(len(self.sizes) - 2, -1, -1):
            weights, _, bend = self._parts[1 + 3 * layer : 4 + 3 * layer]
            if layer < len(self.sizes) - 2:
                if masks is not None:
                    back *= masks[layer]
                np.einsum("ij,ij->j", back, room.bent[layer], out=self._own[3 + 3 * layer])
                steep = room.steep[layer]
                steep -= 1
                steep *= bend
                steep += 1
                back *= steep
            np.matmul(room.inputs[layer].T, back, out=self._own[1 + 3 * layer])
            back.sum(axis=0, out=self._own[2 + 3 * layer])
            back = np.matmul(back, weights.T, out=room.back[layer])
        np.einsum("ij,ij->j", back, x, out=self._own[0])
        self._adam(np.float32(rate))

    def _masks(self, room: _Room) -> Sequence[np.ndarray]:
        """What each activation is multiplied by: 0 where it is dropped, a little more than 1 elsewhere."""
        for mask in room.masks:
            drawn = np.frombuffer(self._chance.bytes(mask.size), np.uint8).reshape(mask.shape)
            np.greater_equal(drawn, self._dropped, out=mask, casting="unsafe")
            mask *= np.float32(256 / (256 - self._dropped))
        return room.masks

    def _adam(self, rate: np.float32) -> None:
        self._steps += 1
        slopes, room = self.slopes, self._room
        if self.decay:
            for layer in range(len(self.sizes) - 1):
                self._parts[1 + 3 * layer] *= 1 - rate * self.decay
        np.subtract(slopes, self._first, out=room)
        room *= 1 - _FIRST
        self._first += room
        np.square(slopes, out=room)
        room -= self._second
        room *= 1 - _SECOND
        self._second += room
        np.sqrt(self._second, out=room)
        root = np.float32((1 - float(_SECOND) ** self._steps) ** 0.5)
        room += _TINY * root
        np.divide(self._first, room, out=room)
        room *= self._rates
        room *= rate * root / np.float32(1 - float(_FIRST) ** self._steps)
        self.values -= room


class _Room:
    """Arrays for a batch of so many rows, to be written again and again."""

    def __init__(self, sizes: Sequence[int], rows: int):
        self.rows = rows
        hidden = sizes[1:-1]
        self.inputs = [np.empty((rows, size), np.float32) for size in sizes]
        self.bent = [np.empty((rows, size), np.float32) for size in hidden]
        self.steep = [np.empty((rows, size), np.float32) for size in hidden]
        self.masks = [np.empty((rows, size), np.float32) for size in hidden]
        self.back = [np.empty((rows, size), np.float32) for size in sizes[:-1]]
        widest = np.empty(rows * max(hidden, default=0), np.float32)
        self.spare = [widest[: rows * size].reshape(rows, size) for size in hidden]
