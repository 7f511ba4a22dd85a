"""``Tuner``: builds and trains Keras models. Keeps the weights of the best epoch, and loads them again."""

from __future__ import annotations

import copy
import gc
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelwright.keras_tuner.engine.base_tuner import BaseTuner
from modelwright.keras_tuner.engine.hypermodel import HyperModel
from modelwright.keras_tuner.engine.results import validate_trial_results
from modelwright.keras_tuner.engine.stateful import load_json, save_json
from modelwright.keras_tuner.engine.trial import TrialStatus
from modelwright.keras_tuner.errors import FatalRuntimeError, FatalTypeError, FatalValueError, InfeasibleTrialError


class Tuner(BaseTuner):
    """Base of the tuners of Keras models.

    Args:
        max_model_size: a model with more trainable parameters is rejected.
        optimizer, loss, metrics: take the place of those the hypermodel compiled its models with.
        distribution_strategy: a ``tf.distribute.Strategy`` under whose scope each trial runs.
        tuner_id: names the tuner's file.
        executions_per_trial: how often each configuration is trained, from new weights; the scores' mean counts.
        oracle, hypermodel, directory, project_name, logger, overwrite: see ``BaseTuner``.
    """

    def __init__(
        self,
        oracle: Any,
        hypermodel: Any = None,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        distribution_strategy: Any = None,
        directory: Any = None,
        project_name: str | None = None,
        logger: Any = None,
        tuner_id: str | None = None,
        overwrite: bool = False,
        executions_per_trial: int = 1,
        **kwargs: Any,
    ):
        if hypermodel is None and type(self).run_trial is Tuner.run_trial:
            raise ValueError("Received `hypermodel=None`: it may be left out only where run_trial is overridden")
        super().__init__(
            oracle=oracle,
            hypermodel=hypermodel,
            directory=directory,
            project_name=project_name,
            logger=logger,
            overwrite=overwrite,
            **kwargs,
        )
        self.max_model_size = max_model_size
        self.optimizer, self.loss, self.metrics = optimizer, loss, metrics
        self.distribution_strategy = distribution_strategy
        self.executions_per_trial = executions_per_trial
        self.tuner_id = tuner_id or self.tuner_id

    # --- building ---------------------------------------------------------------------------------

    def _build_hypermodel(self, hp: Any) -> Any:
        assert self.hypermodel is not None
        with maybe_distribute(self.distribution_strategy):
            model = self.hypermodel.build(hp)
            self._override_compile_args(model)
            return model

    def _try_build(self, hp: Any) -> Any:
        """A model, after what earlier ones left behind was cleared.

        Raises:
            FatalTypeError: ``build`` did not return a Keras model.
            InfeasibleTrialError: the model is larger than ``max_model_size``.
        """
        from modelwright.keras_tuner.engine.fitting import faster_build
        from modelwright.training.keras_backend import ensure_backend

        keras = ensure_backend()
        keras.backend.clear_session(free_memory=False)
        gc.collect()
        with faster_build():
            model = self._build_hypermodel(hp)
        if not isinstance(model, keras.Model):
            raise FatalTypeError(
                f"Expected the model-building function to return a Keras model, got {model!r} of type {type(model)}"
            )
        size = maybe_compute_model_size(model)
        if self.max_model_size and size > self.max_model_size:
            raise InfeasibleTrialError(f"Oversized model: {size} parameters, max_model_size={self.max_model_size}")
        return model

    def _override_compile_args(self, model: Any) -> None:
        if not (self.optimizer or self.loss or self.metrics):
            return
        import keras

        optimizer = self.optimizer
        if optimizer and not isinstance(optimizer, str):
            # A fresh one for each model: an optimizer belongs to the variables it was built for.
            optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        model.compile(
            optimizer=optimizer or model.optimizer,
            loss=self.loss or getattr(model, "loss", None),
            metrics=self.metrics or self._filter_metrics(getattr(model, "metrics", None)),
        )

    def _filter_metrics(self, metrics: Any) -> Any:
        if metrics is None:
            return None
        given = [m for m in metrics if m.name not in ("loss", "compile_metrics", "compile_metric")]
        for container in metrics:
            if container.name == "compile_metrics":
                given += [m for m in getattr(container, "metrics", []) or [] if m not in given]
        return given

    # --- running ----------------------------------------------------------------------------------

    def _build_and_fit_model(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Build and train the model of a trial once; returns what ``HyperModel.fit`` does. Made to be overridden."""
        from modelwright.keras_tuner.engine.fitting import faster_fit

        assert self.hypermodel is not None
        hp = trial.hyperparameters
        model = self._try_build(hp)
        if self._fits_plainly() and _lacks_compile(model):
            raise FatalValueError(
                "the model is not compiled: call model.compile(optimizer, loss) in build(hp), or give optimizer= and "
                "loss= to the tuner"
            )
        if self._unchecked and self._fits_plainly():
            from modelwright.keras_tuner.engine.checking import check_first

            check_first(model, args, kwargs)
            self._unchecked = False
        with faster_fit(model):
            results = self._fit(hp, model, args, kwargs)
        if hasattr(model, "get_build_config"):
            save_json(self._get_build_config_fname(trial.trial_id), model.get_build_config())
        validate_trial_results(results, self.oracle.objective, "HyperModel.fit()")
        return results

    def _fit(self, hp: Any, model: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        assert self.hypermodel is not None
        hypermodel = self.hypermodel
        if not self._fits_plainly():
            return hypermodel.fit(hp, model, *args, **kwargs)
        from modelwright.keras_tuner.engine.checking import in_plain_words

        return in_plain_words(model, args, kwargs, lambda: hypermodel.fit(hp, model, *args, **kwargs))

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Train a configuration ``executions_per_trial`` times. Override it to tune anything else.

        Args:
            trial: its ``hyperparameters`` hold the values, and may be asked for new ones.
            *args, **kwargs: what was given to ``search``.

        Returns:
            What ``model.fit`` returns, a dict of metrics that holds the objective, the objective as a number, or a
            list of these, of which the mean counts.
        """
        from modelwright.keras_tuner.engine.callbacks import SaveBestEpoch, tuner_callback

        best = SaveBestEpoch(
            self.oracle.objective,
            self._get_checkpoint_fname(trial.trial_id),
            deferred=True,
            required=self._fits_plainly() and kwargs.get("validation_freq", 1) == 1,
        )
        given = kwargs.pop("callbacks", None) or []
        results = []
        for execution in range(self.executions_per_trial):
            callbacks = self._deepcopy_callbacks(given)
            self._configure_tensorboard_dir(callbacks, trial, execution)
            callbacks += [tuner_callback(self, trial), best, *self._last_callbacks(trial, execution, callbacks)]
            try:
                results.append(self._build_and_fit_model(trial, *args, **{**kwargs, "callbacks": callbacks}))
            except ImportError as error:
                from modelwright.keras_tuner.engine.hparams import explained

                problem = explained(error, callbacks)
                if problem is None:
                    raise
                raise problem from error
            # Not later: the next execution may build a model, and the best weights need theirs to be written.
            best.write()
        return results

    def _last_callbacks(self, trial: Any, execution: int, callbacks: list[Any]) -> list[Any]:
        """Callbacks of the tuner's that see an epoch after all others; ``callbacks`` are the user's."""
        return []

    def _fits_plainly(self) -> bool:
        """Whether the model's own ``fit`` trains it and its history is the result."""
        return self.hypermodel is not None and type(self.hypermodel).fit is HyperModel.fit

    def _deepcopy_callbacks(self, callbacks: Any) -> list[Any]:
        given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        # A callback that was used before still points at the model of that fit, which is not copied with it.
        bound: dict[int, Any] = {id(c._model): None for c in given if getattr(c, "_model", None) is not None}
        try:
            return copy.deepcopy(given, bound)
        except Exception as error:
            raise FatalValueError(
                "All callbacks used during a search should be deep-copyable, since each trial gets its own; these are "
                f"not: {callbacks}"
            ) from error

    def _configure_tensorboard_dir(self, callbacks: list[Any], trial: Any, execution: int = 0) -> None:
        """Give each TensorBoard callback a folder for each execution, and log hyperparameters beside it."""
        boards = [c for c in callbacks if any(kind.__name__ == "TensorBoard" for kind in type(c).__mro__)]
        if not boards:
            return
        import keras

        for board in boards:
            board.log_dir = self._get_tensorboard_dir(board.log_dir, trial.trial_id, execution)
            if keras.backend.backend() == "tensorflow":
                from modelwright.keras_tuner.engine.hparams import hparams_callback

                callbacks.append(hparams_callback(board.log_dir, trial))

    def _get_tensorboard_dir(self, logdir: Any, trial_id: str, execution: int) -> str:
        return os.path.join(str(logdir), str(trial_id), f"execution{execution}")

    # --- hooks of training ------------------------------------------------------------------------

    def on_batch_begin(self, trial: Any, model: Any, batch: int, logs: Any) -> None:
        """Called before a batch."""

    def on_batch_end(self, trial: Any, model: Any, batch: int, logs: Any = None) -> None:
        """Called after a batch."""

    def on_epoch_begin(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        """Called before an epoch."""

    def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        """Called after an epoch, with its metrics."""

    # --- models -----------------------------------------------------------------------------------

    def load_model(self, trial: Any) -> Any:
        """The model of a trial with the weights of its best epoch.

        Raises:
            FatalRuntimeError: it failed, and left none; with what it failed of.
        """
        if trial.status == TrialStatus.FAILED and not os.path.exists(self._get_checkpoint_fname(trial.trial_id)):
            done = any(t.status == TrialStatus.COMPLETED for t in self.oracle.trials.values())
            which = "it has no model" if done else "no trial has completed, so there is no model"
            raise FatalRuntimeError(
                f"trial {trial.trial_id} failed, and {which}: {trial._why_failed()}. The whole traceback: "
                f"tuner.oracle.get_trial({trial.trial_id!r}).message"
            )
        model = self._try_build(trial.hyperparameters)
        with maybe_distribute(self.distribution_strategy):
            self._load_into(model, trial.trial_id)
        return model

    def _load_into(self, model: Any, trial_id: str) -> None:
        """Give ``model`` the weights, and the state of the optimizer, of a trial's best epoch."""
        from modelwright.keras_tuner.engine.callbacks import load_weights

        if not model.built and os.path.exists(self._get_build_config_fname(trial_id)):
            model.build_from_config(load_json(self._get_build_config_fname(trial_id)))
        load_weights(model, self._get_checkpoint_fname(trial_id))

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The models of the best trials with the weights of their best epochs, best first.

        For the best result train a model anew, on all the data, with ``get_best_hyperparameters()[0]``.
        """
        return super().get_best_models(num_models)

    def _get_checkpoint_fname(self, trial_id: str) -> str:
        return os.path.join(self.get_trial_dir(trial_id), "checkpoint.weights.h5")

    def _get_build_config_fname(self, trial_id: str) -> str:
        return os.path.join(self.get_trial_dir(trial_id), "build_config.json")


#: Its name in old releases.
MultiExecutionTuner = Tuner


def _lacks_compile(model: Any) -> bool:
    """Whether Keras' own ``fit`` is going to refuse the model."""
    import keras

    return type(model).fit is keras.Model.fit and not model.compiled


def maybe_compute_model_size(model: Any) -> int:
    """Trainable parameters of a model; 0 while it is not built."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights) if model.built else 0


@contextmanager
def maybe_distribute(distribution_strategy: Any) -> Iterator[None]:
    """Within: the scope of the strategy, if there is one."""
    if distribution_strategy is None:
        yield
    else:
        with distribution_strategy.scope():
            yield
