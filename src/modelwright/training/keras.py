"""A Keras trial: one compiled model, trained in segments that can be paused, saved and gone on with elsewhere.

Owns what happens between two epochs. Does not know where the model came from, strategies, or stores.
"""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError, StoreError, SubjectError
from modelwright.core.medium import cannot_write
from modelwright.core.objective import Objective
from modelwright.core.records import Artifact, Failure, State
from modelwright.core.rng import Seed
from modelwright.store.artifacts import Artifacts
from modelwright.training import keras_callbacks as cbs
from modelwright.training import keras_state as st
from modelwright.training.checkpoint import read_checkpoint, replace_by, save_checkpoint, write_by, write_checkpoint
from modelwright.training.failure import is_out_of_memory
from modelwright.training.keras_backend import ensure_backend, kept_generators, release, seed_everything
from modelwright.training.keras_hook import EpochHook, OnEpoch, Progress
from modelwright.training.keras_sources import brings_order, expected_ends, kind_of

keras = ensure_backend()

__all__ = ["Fit", "KerasSession", "OnEpoch", "Plan", "Segment", "ensure_backend", "release"]

#: The user's own fit: (model, *data, **arguments) -> History, dict, number or None.
Fit = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """How a segment of training ended.

    Attributes:
        state: "complete" (target reached, or a callback stopped early), "paused", "pruned", "infeasible".
        stopped_by: "", "decision", "callback", "nan" or "memory".
        epochs: epochs finished since the trial began.
        best_epoch: number of the best epoch, from 1, or None.
        metrics: the metrics of the best epoch (of the last one where no epoch has the objective).
        error: why it is infeasible.
        returned: what the user's own fit returned, or the ``History``.
        note: facts: ``exact_resume``, ``params``, ``size_mb``, ``why_not_exact``, ``fast``.
    """

    state: State
    stopped_by: str = ""
    epochs: int = 0
    best_epoch: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: Failure | None = None
    returned: Any = None
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the model of a trial is to be trained.

    Attributes:
        epochs: epochs of the whole trial, which callbacks read in ``params["epochs"]``.
        fit_arguments: further arguments of ``model.fit``. ``callbacks`` may hold instances (copied for this trial),
            classes, or functions without arguments that return a callback.
        fit: the user's own fit, called as ``fit(model, *data, **arguments)`` in place of ``model.fit``.
        watchers: callbacks that are not the trial's: used as they are, after the trial's own; their state is not kept.
        elsewhere: objectives that are measured by somebody else.
        watched: further metrics that epochs must report.
        accelerate: whether to use the fast loop where it is equivalent.
    """

    epochs: int = 1
    fit_arguments: Mapping[str, Any] = field(default_factory=dict)
    fit: Fit | None = None
    watchers: Sequence[Any] = ()
    elsewhere: Collection[str] = ()
    watched: Collection[str] = ()
    accelerate: bool = True


class KerasSession:
    """Trains one compiled ``keras.Model``, segment by segment.

    Args:
        model: a compiled model; it need not be built.
        data: the positional arguments of ``model.fit``: ``(x, y)``, ``(dataset,)``, ...
        objectives: the first one decides which epoch is the best; each must be among the metrics of the first
            epoch that can have it, unless the plan says it is measured elsewhere.
        seed: decides data order and what is drawn while training, epoch by epoch.
        plan: how to train; or its fields, given directly.

    ``exact_resume`` says whether a pause changes nothing at all; ``why_not_exact`` says why not.

    Raises:
        SubjectError: no compiled model.
        ArgumentError: ``model.fit`` does not know an argument, or a callback cannot be copied.

    >>> model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> data = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    >>> session = KerasSession(model, data, objectives=(Objective("loss", "min"),), epochs=3)
    >>> segment = session.train(0, 2, lambda epoch, logs: "go")
    >>> segment.state, segment.epochs, session.count_params()
    ('complete', 2, 3)
    """

    def __init__(
        self,
        model: Any,
        data: Sequence[Any] = (),
        *,
        objectives: Sequence[Objective],
        seed: int = 0,
        plan: Plan | None = None,
        **fields: Any,
    ):
        plan = plan or Plan(**fields)
        if not isinstance(model, keras.Model):
            raise SubjectError(f"expected a compiled keras.Model, got {type(model).__name__}", where="model")
        if plan.fit is None and not getattr(model, "compiled", False):
            raise SubjectError(
                "the model is not compiled", where="model", hint="Call model.compile(optimizer, loss) in build(hp)."
            )
        self.model, self.data, self.objectives, self.plan = model, tuple(data), tuple(objectives), plan
        self.seed = int(seed)
        decided = ("epochs", "initial_epoch")
        self.arguments = {"verbose": 0, **{k: v for k, v in plan.fit_arguments.items() if k not in decided}}
        if plan.fit is None and self.data and brings_order(self.data[0]):
            self.arguments.setdefault("shuffle", False)
        _check_arguments(model, plan)
        made = cbs.fresh_callbacks(self.arguments.pop("callbacks", None))
        # It would put the model back to where another trial was.
        self.ignored = [c for c in made if type(c).__name__ == "BackupAndRestore" and cbs.is_builtin(c)]
        self.callbacks = [c for c in made if c not in self.ignored]
        if not any(isinstance(c, keras.callbacks.History) for c in [*self.callbacks, *plan.watchers]):
            self.callbacks.append(keras.callbacks.History())
        self.progress = Progress()
        self.resuming = False
        self.why_not_exact = self._why_not_exact()

    # --- what a caller may ask -------------------------------------------------------------------------

    @property
    def epochs(self) -> int:
        """Epochs finished since the trial began."""
        return self.progress.epochs

    @property
    def exact_resume(self) -> bool:
        """Whether training in segments gives the same numbers, bit for bit, as training in one go."""
        return not self.why_not_exact

    @property
    def best_epoch(self) -> int | None:
        """Number of the best epoch, from 1."""
        return self.progress.best[0] if self.progress.best else None

    def count_params(self) -> int:
        """Number of weights (0 for a model that is not built yet)."""
        return st.count_params(self.model)

    def size_in_bytes(self) -> int:
        """Bytes the weights take."""
        return st.size_in_bytes(self.model)

    def _why_not_exact(self) -> str:
        if keras.backend.backend() != "jax":
            return f"the backend is {keras.backend.backend()}, not jax"
        if self.plan.fit is not None:
            return "the model is trained by a fit of its own"
        given = self.arguments.get("x", self.data[:1]), self.arguments.get("validation_data")
        for leaf in keras.tree.flatten(given):
            if not is_array(leaf):
                return f"the data are {kind_of(leaf) or type(leaf).__name__}, not numpy arrays"
        for callback in [*self.callbacks, *self.plan.watchers]:
            if not cbs.is_builtin(callback):
                return f"the callback {type(callback).__name__} may keep state of its own"
        return ""

    # --- training ---------------------------------------------------------------------------------------

    def train(self, from_epoch: int, to_epoch: int, on_epoch: OnEpoch) -> Segment:
        """Train from ``from_epoch`` epochs finished to ``to_epoch``, asking ``on_epoch`` after each.

        ``on_epoch`` returns "go", "pause" or "stop". Callbacks see a fit that goes on: epochs keep their numbers,
        ``params`` hold the epochs of the whole trial, their state is what it was.

        Raises:
            ArgumentError: ``from_epoch`` is not where this session stands.
            ObjectiveError: the epochs do not report an objective; raised after the first of them.
        """
        if from_epoch != self.epochs or to_epoch <= from_epoch:
            raise ArgumentError(
                f"cannot train from epoch {from_epoch} to {to_epoch}",
                where="train",
                allowed=f"from {self.epochs} (what this session has finished) to a larger number",
            )
        hook = EpochHook(self, to_epoch, on_epoch)
        for callback in self.callbacks:
            if from_epoch and type(callback).__name__ == "CSVLogger" and cbs.is_builtin(callback):
                callback.append = True
        arguments = {
            **self.arguments,
            "callbacks": [*self.callbacks, *self.plan.watchers, hook],
            "initial_epoch": from_epoch,
            "epochs": to_epoch,
        }
        try:
            sources = *self.data[:1], self.arguments.get("validation_data")
            with kept_generators(), expected_ends(sources), self._accelerated():
                seed_everything(self.epoch_seed(from_epoch))
                returned = (self.plan.fit or _plain_fit)(self.model, *self.data, **arguments)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return self._segment("infeasible", "memory", error=_memory_failure(error))
        self.progress.arrays = hook.arrays
        self.resuming = hook.arrays is not None
        if not self.resuming:
            self.progress.callbacks = cbs.callback_state(self.callbacks)
        return self._segment(hook.state, hook.stopped_by, error=hook.error, returned=returned)

    def _accelerated(self) -> contextlib.AbstractContextManager[Any]:
        if not self.plan.accelerate:
            return contextlib.nullcontext()
        from modelwright.training.keras_fast import accelerated

        return accelerated(self.model, total=self.plan.epochs)

    def epoch_seed(self, epoch: int) -> int:
        return Seed(self.seed).child("epoch", epoch).integer()

    def _segment(self, state: State, stopped_by: str, *, error: Failure | None = None, returned: Any = None) -> Segment:
        progress = self.progress
        last = progress.reports[-1][1] if progress.reports else {}
        note: dict[str, Any] = {
            "exact_resume": self.exact_resume,
            "params": self.count_params(),
            "size_mb": self.size_in_bytes() / 1e6,
        }
        if self.why_not_exact:
            note["why_not_exact"] = self.why_not_exact
        if self.ignored:
            note["ignored_callbacks"] = [type(c).__name__ for c in self.ignored]
        return Segment(
            state=state,
            stopped_by=stopped_by,
            epochs=progress.epochs,
            best_epoch=self.best_epoch,
            metrics=dict(progress.best[1] if progress.best else last),
            error=error,
            returned=returned,
            note=note,
        )

    # --- keeping ----------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Artifact:
        """Write all that is needed to go on, and the best epoch's weights, to one file (see ``checkpoint``)."""
        return write_checkpoint(path, *self._kept())

    def keep(self, artifacts: Artifacts, trial: str) -> Artifact:
        """Like ``save``, among the artifacts of ``trial``."""
        arrays, state = self._kept()
        return artifacts.keep(trial, "checkpoint.ckpt", lambda sink: save_checkpoint(sink, arrays, state))

    def _kept(self) -> tuple[dict[str, Any], dict[str, Any]]:
        progress = self.progress
        arrays = dict(progress.arrays if progress.arrays is not None else st.read_state(self.model))
        for name, array in (progress.best_weights or {}).items():
            arrays[f"best/{name}"] = array
        state = {
            "epochs": progress.epochs,
            "reports": [[step, dict(metrics)] for step, metrics in progress.reports],
            "best_epoch": self.best_epoch,
            "seed": self.seed,
            "callbacks": cbs.pack(progress.callbacks, arrays, "callback"),
            "build": st.build_config(self.model),
            "backend": keras.backend.backend(),
            "keras": keras.__version__,
        }
        return arrays, state

    def restore(self, path: str | os.PathLike[str], *, sha256: str = "") -> None:
        """Go back to what ``save`` wrote, in this or any other process.

        Raises:
            StoreError: the file is missing, damaged or belongs to another model; the session is unchanged.
        """
        arrays, state = read_checkpoint(path, sha256=sha256)
        own = {name: array for name, array in arrays.items() if not name.startswith(("best/", "callback/"))}
        if self.model.built and self.model.optimizer is not None and self.model.optimizer.built:
            st.write_state(self.model, own)
        best = {name.removeprefix("best/"): a for name, a in arrays.items() if name.startswith("best/")}
        reports = [(int(step), dict(metrics)) for step, metrics in state["reports"]]
        found = state["best_epoch"]
        self.progress = Progress(
            epochs=int(state["epochs"]),
            reports=reports,
            best=next(((step, m) for step, m in reports if step == found), None),
            best_weights=best or None,
            callbacks=cbs.unpack(state["callbacks"], arrays),
            arrays=own,
            build=state.get("build"),
        )
        self.resuming = True

    def inherit(self, path: str | os.PathLike[str], *, sha256: str = "") -> int:
        """Start from another trial's best weights wherever position and shape agree; returns how many were used."""
        arrays, _ = read_checkpoint(path, sha256=sha256)
        best = {name.removeprefix("best/"): a for name, a in arrays.items() if name.startswith("best/")}
        return st.copy_matching(self.model, best or arrays)

    def load_best(self) -> int | None:
        """Put the best epoch's weights into the model; returns its number, or None where there is none."""
        if self.progress.best_weights is None:
            return None
        st.write_state(self.model, self.progress.best_weights, ("trainable", "non_trainable"))
        return self.best_epoch

    def keep_model(self, artifacts: Artifacts, trial: str) -> Artifact:
        """Keep the model with its best weights for ``trial``: as a plain ``.keras`` file, or its weights alone.

        Models whose class does not say how it is saved (no ``get_config``) can be trained, but not saved by Keras.
        """
        self.load_best()
        try:
            if type(self.model).save is not keras.Model.save:
                return artifacts.adopt(trial, self._saved_its_own_way(artifacts.folder / trial / "model.keras"))
            return artifacts.keep(trial, "model.keras", lambda sink: write_by(self.model.save, "model.keras", sink))
        except Exception as error:  # whatever a class of the user's says to being saved; full disks are another matter
            if isinstance(error, (OSError, StoreError)):
                raise
            state = {"build": st.build_config(self.model), "why": " ".join(str(error).split())[:300]}
        arrays = st.weights_only(st.read_state(self.model))
        return artifacts.keep(trial, "model.weights", lambda sink: save_checkpoint(sink, arrays, state))

    def save_model(self, path: str | os.PathLike[str]) -> int | None:
        """Write the model with its best weights as a plain ``.keras`` file that loads without Modelwright."""
        best = self.load_best()
        if type(self.model).save is keras.Model.save:
            replace_by(self.model.save, Path(path))
            return best
        draft = self._saved_its_own_way(Path(path))
        try:
            os.replace(draft, path)
        except OSError as error:
            raise cannot_write(path, error) from error
        finally:
            draft.unlink(missing_ok=True)
        return best

    def _saved_its_own_way(self, path: Path) -> Path:
        """A file beside ``path``, by a ``save`` of the user's class, which wants a path."""
        draft = path.with_name(f".{path.stem}.{os.getpid()}.keras")
        try:
            self.model.save(draft)
        except BaseException as error:
            draft.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise cannot_write(path, error) from error
            raise
        return draft


def _plain_fit(model: Any, *args: Any, **kwargs: Any) -> Any:
    return model.fit(*args, **kwargs)


def _check_arguments(model: Any, plan: Plan) -> None:
    if plan.fit is not None:
        return
    known = inspect.signature(type(model).fit).parameters
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return
    unknown = [name for name in plan.fit_arguments if name not in known]
    if unknown:
        raise ArgumentError(
            f"{type(model).__name__}.fit does not know {unknown[0]!r}",
            where="fit",
            allowed=", ".join(name for name in known if name not in ("self", "epochs", "initial_epoch")),
        )


def is_array(leaf: Any) -> bool:
    kind = type(leaf)
    return isinstance(leaf, np.ndarray) or kind.__module__.split(".")[0] in ("pandas", "jaxlib", "jax") or leaf is None


def _memory_failure(error: BaseException) -> Failure:
    message = (str(error).splitlines() or ["out of memory"])[0]
    return Failure(kind="memory", message=message[:300], type=type(error).__name__)
