"""One step of training, and one batch of outputs: on JAX as programs of their own, elsewhere by Keras.

On JAX the state stays in the program's hands between steps, is given up to it (donated), and is put back into the model
at the end: Keras' own step copies every variable to and fro, which takes longer than a small network's arithmetic.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import numpy as np

Inputs = tuple[np.ndarray, ...]
#: Rows that a device has at least where several share a batch: the smallest batch that a recipe has of itself.
_SHARE = 32


class Steps(Protocol):
    """What a trainer needs of a compiled model."""

    def train(self, x: Inputs, y: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
        """One step with this learning rate; the loss before it."""
        ...

    def predict(self, x: Inputs) -> np.ndarray:
        """The outputs for a batch, as after training."""
        ...

    def settle(self) -> None:
        """Give the model what was learned."""
        ...


def steps(model: Any, batch: int) -> Clocked:
    """The steps of a compiled model, for batches of so many rows, on the backend that runs."""
    import keras

    return Clocked(_Jax(model, batch) if keras.backend.backend() == "jax" else _Keras(model))


def sharers(batch: int, devices: int) -> int:
    """Devices that a batch is dealt to: each normalises over its share, which is to stay large enough for that.

    >>> [sharers(batch, 4) for batch in (1, 32, 64, 100, 128, 512)]
    [1, 1, 2, 3, 4, 4]
    """
    return max(1, min(devices, batch // _SHARE))


class Clocked:
    """Steps that tell what tracing and compiling took: what a first call takes longer than the quickest after it."""

    def __init__(self, inner: Steps):
        self.inner = inner
        self._first: dict[tuple[str, int], float] = {}
        self._later: dict[tuple[str, int], float] = {}

    def train(self, x: Inputs, y: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
        began = time.perf_counter()
        found = self.inner.train(x, y, weight, rate)
        self._took("train", len(y), time.perf_counter() - began)
        return found

    def predict(self, x: Inputs) -> np.ndarray:
        began = time.perf_counter()
        found = self.inner.predict(x)
        self._took("judge", len(x[0]), time.perf_counter() - began)
        return found

    def settle(self) -> None:
        self.inner.settle()

    def compiling(self) -> dict[str, float]:
        """Seconds of it, within "train" and within "judge"."""
        found = {"train": 0.0, "judge": 0.0}
        for (what, rows), seconds in self._first.items():
            found[what] += max(0.0, seconds - self._later.get((what, rows), 0.0))
        return found

    def _took(self, what: str, rows: int, seconds: float) -> None:
        if (what, rows) in self._first:
            self._later[what, rows] = min(seconds, self._later.get((what, rows), seconds))
        else:
            self._first[what, rows] = seconds


class _Keras:
    def __init__(self, model: Any):
        self.model = model

    def train(self, x: Inputs, y: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
        self.model.optimizer.learning_rate = rate
        # Until its change 22617 (2026) Keras told the mean of all steps since the last reset.
        self.model.reset_metrics()
        return float(self.model.train_on_batch(_given(x), y, sample_weight=weight))

    def predict(self, x: Inputs) -> np.ndarray:
        return np.asarray(self.model.predict_on_batch(_given(x)), np.float32)

    def settle(self) -> None:
        return None


class _Jax:
    """Steps as programs; where the host shows several devices, each takes its share of a large batch.

    Every device normalises over its own share (as if the batch were smaller), and slopes and statistics are averaged
    once a step: XLA trains a small convolution on one core however many there are.
    """

    def __init__(self, model: Any, batch: int):
        import jax

        self.model, optimizer = model, model.optimizer
        optimizer.build(model.trainable_variables)
        self.place = next(i for i, v in enumerate(optimizer.variables) if v is optimizer._learning_rate)
        self.state: tuple[list[Any], ...] | None = None
        shown = jax.local_devices() if jax.default_backend() == "cpu" else jax.local_devices()[:1]
        self.devices = shown[: sharers(batch, len(shown))]
        several = len(self.devices) > 1
        self.mesh: Any = jax.sharding.Mesh(np.array(self.devices), ("rows",)) if several else None

        def loss(trainable: Any, others: Any, x: Any, y: Any, weight: Any) -> tuple[Any, Any]:
            out, others = model.stateless_call(trainable, others, _given(x), training=True)
            return model.compute_loss(x=None, y=y, y_pred=out, sample_weight=weight), others

        def slopes(trainable: Any, others: Any, x: Any, y: Any, weight: Any) -> Any:
            (value, others), found = jax.value_and_grad(loss, has_aux=True)(trainable, others, x, y, weight)
            return value, others, found

        if self.mesh is not None:
            slopes = _shared_out(slopes, self.mesh)

        def step(trainable: Any, others: Any, slots: Any, x: Any, y: Any, weight: Any, rate: Any) -> Any:
            value, others, found = slopes(trainable, others, x, y, weight)
            slots = [*slots[: self.place], rate, *slots[self.place + 1 :]]
            trainable, slots = optimizer.stateless_apply(slots, found, trainable)
            return value, trainable, others, slots

        def out(trainable: Any, others: Any, x: Any) -> Any:
            return model.stateless_call(trainable, others, _given(x), training=False)[0]

        self._step, self._out = jax.jit(step, donate_argnums=(0, 1, 2)), jax.jit(out)

    def _taken(self) -> tuple[list[Any], ...]:
        """The model's variables; copies, since a program may overwrite what it is given."""
        if self.state is None:
            import jax.numpy as jnp

            model = self.model
            groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
            self.state = tuple([self._everywhere(jnp.array(np.asarray(v.value))) for v in group] for group in groups)
        return self.state

    def _everywhere(self, value: Any) -> Any:
        return value if self.mesh is None else self._put(value, ())

    def _put(self, value: Any, axes: tuple[str, ...]) -> Any:
        import jax

        return jax.device_put(value, jax.sharding.NamedSharding(self.mesh, jax.sharding.PartitionSpec(*axes)))

    def _dealt(self, value: Any) -> Any:
        """Rows dealt to the devices; whole where they do not divide evenly."""
        if self.mesh is None:
            return value
        return self._put(value, ("rows",) if len(value) % len(self.devices) == 0 else ())

    def train(self, x: Inputs, y: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
        if self.mesh is not None:
            weight = np.ones(len(y), np.float32) if weight is None else weight
            even = len(y) - len(y) % len(self.devices)
            x, y, weight = tuple(part[:even] for part in x), y[:even], weight[:even]
        given: Any = tuple(map(self._dealt, x)), self._dealt(y), None if weight is None else self._dealt(weight)
        value, *state = self._step(*self._taken(), *given, self._everywhere(np.float32(rate)))
        self.state = tuple(state)
        return float(value)

    def predict(self, x: Inputs) -> np.ndarray:
        trainable, others, _ = self._taken()
        return np.asarray(self._out(trainable, others, tuple(map(self._dealt, x))), np.float32)

    def settle(self) -> None:
        if self.state is None:
            return
        model = self.model
        groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
        for group, values in zip(groups, self.state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(np.asarray(value))
        self.state = None


def _shared_out(slopes: Any, mesh: Any) -> Any:
    """``slopes`` with the rows dealt out to the devices of ``mesh``, and one average of all that comes back."""
    import jax
    import jax.numpy as jnp

    spec = jax.sharding.PartitionSpec

    def local(trainable: Any, others: Any, x: Any, y: Any, weight: Any) -> Any:
        flat, tree = jax.tree.flatten(slopes(trainable, others, x, y, weight))
        real = [jnp.issubdtype(part.dtype, jnp.floating) for part in flat]
        # In one piece: each exchange between devices has them wait for each other.
        mean = jax.lax.pmean(jnp.concatenate([p.ravel() for p, is_real in zip(flat, real) if is_real]), "rows")
        back, begin = [], 0
        for part, is_real in zip(flat, real, strict=True):
            back.append(mean[begin : begin + part.size].reshape(part.shape) if is_real else part)
            begin += part.size if is_real else 0
        return jax.tree.unflatten(tree, back)

    dealt = spec("rows")
    return jax.shard_map(
        local, mesh=mesh, in_specs=(spec(), spec(), dealt, dealt, dealt), out_specs=spec(), check_vma=False
    )


def _given(x: Any) -> Any:
    return list(x) if len(x) > 1 else x[0]
