"""A faster ``model.fit`` that gives the same numbers: whole epochs in one compiled program.

Serves the plain case (JAX, arrays, a compiled model with Keras' own steps, no callback that watches batches) and
hands everything else to ``model.fit``. Callbacks see the same calls with the same values. Does not know trials.

The loop draws each epoch's order from numpy's global generator where Keras draws it, so the same seed gives the same
order as without it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelwright.training.keras_backend import ensure_backend
from modelwright.training.keras_served import NotServedError, are_arrays, bind, check_callbacks, inputs_of

keras = ensure_backend()

#: Seconds between two returns from compiled code, for Ctrl-C and progress bars.
_BREATH = 0.25


@contextlib.contextmanager
def accelerated(model: Any, *, total: int | None = None) -> Iterator[Any]:
    """Within the block, ``model.fit(...)`` is the fast one; for code that calls ``fit`` by itself.

    Args:
        model: a ``keras.Model``; other models, and copies of it, are not affected.
        total: what callbacks read in ``params["epochs"]``, when it is not the ``epochs`` of each ``fit``.

    >>> model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> with accelerated(model):
    ...     history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0)
    >>> len(history.history["loss"])
    2
    """
    if "fit" in vars(model) or keras.backend.backend() != "jax":
        yield model
        return
    # Past Keras' own __setattr__: the function is no part of the model.
    object.__setattr__(model, "fit", lambda *args, **kwargs: fast_fit(model, *args, total=total, **kwargs))
    try:
        yield model
    finally:
        with contextlib.suppress(AttributeError):
            object.__delattr__(model, "fit")


def fast_fit(model: Any, *args: Any, total: int | None = None, **kwargs: Any) -> Any:
    """``model.fit(*args, **kwargs)``: the same results and callbacks, sooner where the case is plain.

    ``why_not_fast(model, ...)`` says why a case is not served.
    """
    plain = type(model).fit
    try:
        arguments = bind(model, args, kwargs)
        job = _Job(model, arguments)
    except NotServedError:
        return plain(model, *args, **kwargs)
    return job.run(total)


def why_not_fast(model: Any, *args: Any, **kwargs: Any) -> str:
    """Why ``fast_fit`` would call the plain ``fit``; "" when it would not. Trains nothing.

    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse", run_eagerly=True)
    >>> why_not_fast(model, np.ones((4, 2)), np.ones((4, 1)))
    'the model runs eagerly'
    """
    try:
        _Job(model, bind(model, args, kwargs))
    except NotServedError as reason:
        return str(reason)
    return ""


class _Job:
    """One call of ``fit``, checked and laid out; nothing has changed until ``run``."""

    def __init__(self, model: Any, given: dict[str, Any]):
        from keras.src import callbacks as callbacks_module
        from keras.src.backend import config
        from keras.src.backend.jax import trainer
        from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils

        self.model, self.given = model, given
        for name in ("steps_per_epoch", "validation_steps"):
            if given[name] is not None:
                raise NotServedError(f"{name} is given")
        if getattr(config, "max_epochs", lambda: None)() or getattr(config, "max_steps_per_epoch", lambda: None)():
            raise NotServedError("Keras is set to cap epochs or steps")
        if given["shuffle"] not in (True, False):
            raise NotServedError(f"shuffle is {given['shuffle']!r}")
        callbacks = given["callbacks"]
        if isinstance(callbacks, callbacks_module.CallbackList):
            raise NotServedError("callbacks are a CallbackList")
        self.patient = check_callbacks(keras.tree.flatten(callbacks) if callbacks else [], given["verbose"])
        x, y, weight, validation = given["x"], given["y"], given["sample_weight"], given["validation_data"]
        if not are_arrays((x, y, weight)) or (validation is not None and not are_arrays(validation)):
            raise NotServedError("the data are not numpy arrays")
        if given["validation_split"] and validation is None:
            parts: Any = array_slicing.train_validation_split((x, y, weight), given["validation_split"])
            (x, y, weight), validation = parts
        self.train = trainer.JAXEpochIterator(
            x=x,
            y=y,
            sample_weight=weight,
            batch_size=given["batch_size"],
            shuffle=given["shuffle"],
            class_weight=given["class_weight"],
            steps_per_execution=model.steps_per_execution,
        )
        self.test = None
        if validation is not None:
            x, y, weight = data_adapter_utils.unpack_x_y_sample_weight(validation)
            self.test = trainer.JAXEpochIterator(
                x=x,
                y=y,
                sample_weight=weight,
                batch_size=given["validation_batch_size"] or given["batch_size"],
                shuffle=False,
                steps_per_execution=model.steps_per_execution,
            )
        self.inputs = inputs_of(self.train)
        self.test_inputs = inputs_of(self.test) if self.test is not None else None

    def run(self, total: int | None) -> Any:
        """Train as ``fit`` would."""
        from keras.src import callbacks as callbacks_module

        from modelwright.training.keras_programs import light_compilation

        model, given = self.model, self.given
        epochs = given["epochs"]
        with light_compilation():
            model._symbolic_build(iterator=self.train)
        self.train.reset()
        callbacks = callbacks_module.CallbackList(
            given["callbacks"],
            add_history=True,
            add_progbar=given["verbose"] != 0,
            verbose=given["verbose"],
            epochs=total or epochs,
            steps=self.train.num_batches,
            model=model,
        )
        trainer = _Runner(model, self, callbacks)
        model.stop_training = False
        logs: dict[str, Any] = {}
        finished = False
        callbacks.on_train_begin()
        first = getattr(model, "_initial_epoch", None) or given["initial_epoch"]
        try:
            for epoch in range(first, epochs):
                model.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                trainer.train_epoch()
                epoch_logs = dict(model.get_metrics_result())
                if self.test is not None and model._should_eval(epoch, given["validation_freq"]):
                    epoch_logs.update({f"val_{name}": value for name, value in trainer.evaluate().items()})
                callbacks.on_epoch_end(epoch, epoch_logs)
                logs = epoch_logs
                if model.stop_training:
                    break
            finished = True
        finally:
            if epochs > 0 and not trainer.lost:
                model.optimizer.finalize_variable_values(model.trainable_weights)
            if finished:
                callbacks.on_train_end(logs=logs)
        return model.history


class _Runner:
    """Runs the epochs of one job through compiled programs, made at the first epoch."""

    def __init__(self, model: Any, job: _Job, callbacks: Any):
        import jax

        from modelwright.training import keras_programs as programs

        self.jax, self.programs = jax, programs
        self.model, self.job, self.callbacks = model, job, callbacks
        self.phases: dict[str, _Phase] = {}

    @property
    def lost(self) -> bool:
        """Whether an interrupt within a compiled program took the model's values with it."""
        return any(phase.lost for phase in self.phases.values())

    def _phase(self, name: str) -> _Phase:
        if name not in self.phases:
            training = name == "train"
            adapter = (self.job.train if training else self.job.test).data_adapter  # pyright: ignore
            inputs = self.job.inputs if training else self.job.test_inputs
            self.phases[name] = _Phase(self.programs, self.model, training, inputs, adapter)
        return self.phases[name]

    def train_epoch(self) -> None:
        phase, callbacks = self._phase("train"), self.callbacks
        order = np.random.permutation(phase.rows) if self.job.given["shuffle"] else np.arange(phase.rows)

        def tell(first: int, last: int) -> bool:
            callbacks.on_train_batch_begin(first)
            callbacks.on_train_batch_end(last, self.model.get_metrics_result())
            return self.model.stop_training

        phase.run(order, tell if self.job.patient else None)

    def evaluate(self) -> dict[str, Any]:
        """As ``model.evaluate`` within ``fit``."""
        from keras.src.utils.python_utils import pythonify_logs

        phase = self._phase("test")
        self.model.stop_evaluating = False
        self.callbacks.on_test_begin()
        self.model.reset_metrics()
        phase.run(None, None)
        logs = pythonify_logs(self.model.get_metrics_result())
        self.callbacks.on_test_end(logs)
        return logs


class _Phase:
    """All batches of an epoch, for training or testing: full ones in a loop, the rest in a step of its own."""

    def __init__(self, programs: Any, model: Any, training: bool, inputs: Any, adapter: Any):
        self.programs, self.model, self.training, self.inputs = programs, model, training, inputs
        self.batch, self.rows = adapter.batch_size, adapter._num_samples
        self.full, self.rest = divmod(self.rows, self.batch)
        self.step = model.train_step if training else model.test_step
        self.loop: Any = None
        self.singles: dict[int, Any] = {}
        self.data: Any = None
        self.groups = ["trainable_variables", "non_trainable_variables", "metrics_variables"]
        if training:
            self.groups.insert(2, "optimizer_variables")
        self.prepared, self.lost = False, False

    def _variables(self) -> list[list[Any]]:
        model = self.model
        return [model.optimizer.variables if g == "optimizer_variables" else getattr(model, g) for g in self.groups]

    def _take(self, rows: Any) -> Any:
        return keras.tree.map_structure(lambda a: None if a is None else a[rows], self.inputs)

    def _prepare(self, state: Any) -> None:
        self.prepared = True
        programs = self.programs
        limit = programs.largest_on_device()
        size = sum(a.nbytes for a in keras.tree.flatten(self.inputs) if a is not None)
        if self.full < 2 or size > limit or not programs.loops_are_fast(self.model):
            return
        data = programs.on_device(self.inputs)
        ends = np.int32(0), np.int32(0)
        order = (np.zeros(self.rows, np.int32),) if self.training else ()
        make = programs.training_loop if self.training else programs.validation_loop
        self.loop = programs.compile_program(
            make(self.step, self.batch), state, data, *order, *ends, unless=programs.slow_in_loops()
        )
        self.data = data if self.loop is not None else None

    def _single(self, state: Any, taken: Any, size: int) -> Any:
        if size not in self.singles:
            self.singles[size] = self.programs.compile_program(self.programs.single_step(self.step), state, taken)
        return self.singles[size](state, taken)

    def run(self, order: np.ndarray | None, tell: Any) -> None:
        """One pass; ``tell(first, last)`` after every few batches returns whether to stop."""
        variables = self._variables()
        state = tuple([v.value for v in group] for group in variables)
        if not self.prepared:
            self._prepare(state)
        pace = _Pace(self.full)
        on_device = None if order is None else order.astype(np.int32)
        done, stopped = 0, False
        try:
            while done < self.full and not stopped:
                last = min(self.full, done + pace.steps)
                if self.loop is not None:
                    moved = () if on_device is None else (on_device,)
                    state = self.loop(state, self.data, *moved, np.int32(done), np.int32(last))
                else:
                    for index in range(done, last):
                        state = self._one(state, order, index)
                self.programs.wait(state)
                pace.tick(last - done)
                if tell is not None:
                    _assign(variables, state)
                    stopped = tell(done, last - 1)
                    state = tuple([v.value for v in group] for group in variables)
                done = last
            if self.rest and not stopped:
                state = self._one(state, order, self.full)
                if tell is not None:
                    _assign(variables, state)
                    tell(self.full, self.full)
                    return
        finally:
            self.lost = any(value.is_deleted() for values in state for value in values)
            if not self.lost:
                _assign(variables, state)

    def _one(self, state: Any, order: np.ndarray | None, index: int) -> Any:
        rows: Any = slice(index * self.batch, min((index + 1) * self.batch, self.rows))
        taken = self._take(rows if order is None else order[rows])
        return self._single(state, taken, rows.stop - rows.start)


class _Pace:
    """How many steps to run before looking up: few at first, then what takes about ``_BREATH`` seconds."""

    def __init__(self, full: int):
        self.full, self.steps, self.since = full, min(full, 16), time.perf_counter()

    def tick(self, steps: int) -> None:
        now = time.perf_counter()
        wanted = int(steps * _BREATH / max(now - self.since, 1e-6))
        self.steps, self.since = max(1, min(self.full, wanted, self.steps * 16)), now


def _assign(variables: list[list[Any]], state: Any) -> None:
    for group, values in zip(variables, state):
        for variable, value in zip(group, values):
            if variable._value is not value:
                variable.assign(value)
