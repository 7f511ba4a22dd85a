"""One step of training, and one batch of outputs: on JAX as programs of their own, elsewhere by Keras.

On JAX the state stays in the program's hands between steps, is given up to it (donated), and is put back into the model
at the end: Keras' own step copies every variable to and fro, which takes longer than a small network's arithmetic.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Inputs = tuple[np.ndarray, ...]


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


def steps(model: Any) -> Steps:
    """The steps of a compiled model, for the backend that runs."""
    import keras

    return _Jax(model) if keras.backend.backend() == "jax" else _Keras(model)


class _Keras:
    def __init__(self, model: Any):
        self.model = model

    def train(self, x: Inputs, y: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
        self.model.optimizer.learning_rate = rate
        return float(self.model.train_on_batch(_given(x), y, sample_weight=weight))

    def predict(self, x: Inputs) -> np.ndarray:
        return np.asarray(self.model.predict_on_batch(_given(x)), np.float32)

    def settle(self) -> None:
        return None


class _Jax:
    def __init__(self, model: Any):
        import jax

        self.model, optimizer = model, model.optimizer
        optimizer.build(model.trainable_variables)
        self.place = next(i for i, v in enumerate(optimizer.variables) if v is optimizer._learning_rate)
        self.state: tuple[list[Any], ...] | None = None

        def loss(trainable: Any, others: Any, x: Any, y: Any, weight: Any) -> tuple[Any, Any]:
            out, others = model.stateless_call(trainable, others, _given(x), training=True)
            return model.compute_loss(x=None, y=y, y_pred=out, sample_weight=weight), others

        def step(trainable: Any, others: Any, slots: Any, x: Any, y: Any, weight: Any, rate: Any) -> Any:
            (value, others), slopes = jax.value_and_grad(loss, has_aux=True)(trainable, others, x, y, weight)
            slots = [*slots[: self.place], rate, *slots[self.place + 1 :]]
            trainable, slots = optimizer.stateless_apply(slots, slopes, trainable)
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
            self.state = tuple([jnp.array(np.asarray(v.value)) for v in group] for group in groups)
        return self.state

    def train(self, x: Inputs, y: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
        value, *state = self._step(*self._taken(), x, y, weight, np.float32(rate))
        self.state = tuple(state)
        return float(value)

    def predict(self, x: Inputs) -> np.ndarray:
        trainable, others, _ = self._taken()
        return np.asarray(self._out(trainable, others, x), np.float32)

    def settle(self) -> None:
        if self.state is None:
            return
        model = self.model
        groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
        for group, values in zip(groups, self.state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(np.asarray(value))
        self.state = None


def _given(x: Any) -> Any:
    return list(x) if len(x) > 1 else x[0]
