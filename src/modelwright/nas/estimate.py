"""The estimation of an architecture: builds it, trains it up to a rung, and says what it is worth.

Owns one trial's network and what is kept of it. Does not know why a trial runs.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.clock import SystemClock
from modelwright.core.constraint import KIND
from modelwright.core.errors import StoreError
from modelwright.core.records import PRICED, Artifact, Config, Failure, Outcome, Task
from modelwright.core.rng import Seed
from modelwright.estimation.base import Estimation, Reporter
from modelwright.nas import checkpoints, weights
from modelwright.nas.canonical import pruned
from modelwright.nas.dataset import Dataset
from modelwright.nas.finished import EARLY, FINISHED, Finish
from modelwright.nas.graph import Graph
from modelwright.nas.inherited import INHERITED
from modelwright.nas.job import Job
from modelwright.nas.keras_settings import in_32_bits
from modelwright.nas.ladder import Rung
from modelwright.nas.limited import known, told
from modelwright.nas.morph import inherit
from modelwright.nas.reading import Reading
from modelwright.nas.spent import Spent
from modelwright.nas.task import DOUBTS
from modelwright.nas.train import Trainer
from modelwright.nas.watched import Watched
from modelwright.space import HyperParameters
from modelwright.training.checkpoint import write_by
from modelwright.training.failure import outcome_of
from modelwright.training.kept import artifacts_of, regained

#: What was trained before a finish is little where it is less than this share of it, in CPU-seconds or else in epochs.
_LITTLE = 0.2


class ArchitectureEstimation(Estimation):
    """Trains networks of a space of architectures, rung by rung, from weights of their own or of a parent's.

    Attributes:
        until: the time of day, in seconds, by which networks that are trained in full are to be judged; None: whenever.
    """

    resumable = True
    until: float | None = None

    def __init__(self, job: Job):
        self.job, self.steps = job, job.ladder.steps

    def estimate(self, task: Task, reporter: Reporter) -> Outcome:
        began, trial = time.perf_counter(), _Trial(self.job, task, reporter, self.until)
        try:
            outcome = trial.run()
        except Exception as error:
            outcome = outcome_of(error)
        finally:
            _release()
        return replace(outcome, duration=time.perf_counter() - began, note={**trial.cost(), **outcome.note})

    def close(self) -> None:
        _release(everything=True)

    def rebuilt(self, config: Config) -> Any:
        """A fresh network of a configuration, as it is handed out."""
        from modelwright.nas.build import build

        graph = pruned(self.job.space.graph(config))
        with in_32_bits():
            return self.job.deployed(graph, weights.read(build(graph)))

    def refit(self, config: Config, *, seed: int, epochs: float) -> Any:
        """See ``refit.trained_on_all``."""
        from modelwright.nas.refit import trained_on_all

        return trained_on_all(self.job, config, epochs=epochs, seed=seed)


class _Trial:
    """One task on its way."""

    def __init__(self, job: Job, task: Task, reporter: Reporter, until: float | None = None):
        self.job, self.task, self.reporter, self.until = job, task, reporter, until
        self.hp = HyperParameters.bind(task.config)
        self.recipe = job.recipe
        self.note: dict[str, Any] = {"phase": task.note.get("phase", "race")}
        self.spent, self.epochs = Spent(), 0.0
        self.judged: tuple[Graph, int] | None = None
        self.model: Any = None
        self.stopped, self.begins, self.reached = "", task.start, task.start
        self.before, self.cpu, self.began = 0.0, time.process_time(), time.perf_counter()
        self.loss = math.nan  # of the training that the weights come from
        self.heir = False  # whether they are its parent's

    def run(self) -> Outcome:
        graph = self._graph(())
        reading = self._costs(graph)
        found = reading.values
        self._traced()
        self.note |= {name: found[name] for name in ("params", "macs", "size_mb", "peak_mb")}
        over = [limit for limit in self.job.limits if limit.broken(limit.excess(found))]
        if over:
            error = Failure(kind=KIND, message=told(over, reading))
            return Outcome(state="infeasible", metrics=found, error=error, note=self.note)
        learned, behind = self._start(graph)
        self.spent["start"] += time.perf_counter() - self.began
        metrics: dict[str, float] = {}
        for rung in self._rungs():
            learned, metrics = self._climb(rung, learned)
            # Training that diverged leaves no accuracy at all; an objective may be known without any training.
            worth, needed = {**found, **metrics}, ["val_loss", *(made.name for made in self.job.objectives)]
            if not all(math.isfinite(worth.get(name, math.nan)) for name in needed):
                message = f"the loss of {metrics.get('val_loss', math.nan):g} after training is not finite"
                error = Failure(kind="nan", message=message)
                return Outcome(state="infeasible", metrics={}, error=error, note=self.note)
            self.loss = metrics.get("loss", math.nan)
            if self.stopped:
                break
        with self.spent.on("keep"):
            artifacts = {**behind, **self._kept(learned)}
        self.note["epochs"] = self._epochs()
        self.note["cpu_seconds"] = self._cpu_seconds()
        self.note["spent"] = self.spent.rounded()
        return Outcome(
            state="complete" if self.stopped != "stop" else "pruned",
            metrics={**metrics, **found},
            fidelity=self.reached,
            artifacts=artifacts,
            note=self.note,
            stepwise=False,
        )

    def cost(self) -> dict[str, float]:
        """The fact of what it took, for one that came to nothing; none where what it took before is not known."""
        return {"cpu_seconds": self._cpu_seconds()} if self.before or self.task.segment == 0 else {}

    # --- where it begins -----------------------------------------------------------------------------

    def _costs(self, graph: Graph) -> Reading:
        """What the network costs. Notes which latencies are prices: those that were measured are facts.

        It is measured where no table knows it, and where its price is too near a limit to say whether that holds.
        Beside other trials that gives an upper bound, no more, so that it still counts as priced.
        """
        found, meter = known(graph, self.task.config, self.job.meter), self.job.meter
        if meter is None:
            return found
        if not set(meter.here) <= set(found.values) or found.open(self.job.limits):
            values = meter.measure(graph, self.task.config, keep=meter.alone)
            bounds = {name: min(values[name], found.values.get(name, math.inf)) for name in meter.here}
            found = replace(found, values={**found.values, **(values if meter.alone else bounds)})
            found = replace(found, margins=dict.fromkeys([] if meter.alone else meter.here, 0.0))
            self.note["latency"] = "measured" if meter.alone else "measured beside other trials"
        self.note |= {name: found.values[name] for name in meter.targets if name not in found.margins}
        self.note[PRICED] = found.priced
        return found

    def _graph(self, shapes: tuple[tuple[int, ...], ...]) -> Graph:
        return pruned(self.job.space.graph(self.task.config, *shapes))

    def _traced(self) -> None:
        """The decisions of the network, and those beside it, are what ran."""
        decisions, unknown = self.job.space.asked(self.task.config)
        if self.job.training is not None:
            self.recipe = self.recipe.changed(self.job.training(self.hp))
        own = {name: value for name, value in self.task.config.items() if name in decisions or name in self.hp.ran}
        self.reporter.traced({**decisions, **(own or self.task.config)}, unknown)

    def _start(self, graph: Graph) -> tuple[weights.Weights | None, dict[str, Artifact]]:
        """Weights to begin with, and the artifacts that they stand behind."""
        if self.task.inherit.get("checkpoint") and self.task.segment == 0:
            return self._inherited(graph), {}
        found = regained(self.task, checkpoints.read)
        self.note |= found.note
        if found.value is None:  # nothing, or nothing that can be read: what was learned has to be learned again
            self.begins = self.reached = 0.0
            return self._original(graph), found.artifacts
        learned, state = found.value
        self.note |= {k: state[k] for k in ("epochs", INHERITED) if k in state}
        self.before, self.loss = float(state.get("cpu_seconds", 0.0)), float(state.get("loss", math.nan))
        return learned, found.artifacts

    def _inherited(self, graph: Graph) -> weights.Weights | None:
        """What the parent learned, carried over to this network; as any other begins where that cannot be read."""
        kept = self.task.inherit["checkpoint"]
        try:
            learned, state = checkpoints.read(artifacts_of(self.task).fetch(kept), kept.sha256)
        except StoreError as error:
            return self._original(graph, why=error.what)
        parent = pruned(self.job.space.graph(state["config"]))
        carried = inherit(parent, learned, graph, seed=self._chance())
        self.heir = True
        self.note |= {
            INHERITED: {"from": self.task.parent, "share": round(carried.share, 4), "exact": carried.exact},
            "epochs": state.get("epochs", 0.0),
        }
        return carried.weights

    def _chance(self) -> int:
        return Seed(self.task.seed).child("morph").integer() % (1 << 32)

    def _original(self, graph: Graph, why: str = "") -> weights.Weights | None:
        """What the network had learned that the space was made around; None where there is none.

        Args:
            why: nothing came of its parent's weights.
        """
        origin, lost = self.job.space.origin, {"why": why} if why else {}
        if origin is None or self.reached > 0:
            if self.task.parent is not None:
                self.note[INHERITED] = {"from": self.task.parent, "share": 0.0, **lost}
            return None
        carried = inherit(pruned(origin.graph), origin.weights, graph, seed=self._chance())
        self.note[INHERITED] = {
            "from": origin.name, "share": round(carried.share, 4), "exact": carried.exact, **lost
        }  # fmt: skip
        return carried.weights

    # --- one rung ------------------------------------------------------------------------------------

    def _rungs(self) -> list[Rung]:
        """What is left to climb. What begins with a parent's weights trains for the last rung alone."""
        rungs = list(self.job.ladder.between(self.begins, self.task.stop))
        return rungs[-1:] if self.heir else rungs

    def _climb(self, rung: Rung, learned: weights.Weights | None) -> tuple[weights.Weights, dict[str, float]]:
        with self.spent.on("build"):
            data, graph = self._data(rung)
            self.judged = graph, data.factor
            trainer, seed = self._trainer(data, graph), Seed(self.task.seed).child("rung", rung.step).integer()
            if learned is not None:
                weights.write(self.model, learned)
        stands = self._stands(rung, trainer, learned)
        seconds, at_most = self._time(rung)
        finish = Finish(self.job.objectives[0], trainer, learned, stands) if stands and learned is not None else None
        watched = Watched(self.reporter, self.job.ladder, rung, trainer, begins=self.reached, finish=finish)
        trainer.ask = watched.asked
        if stands and seconds is not None and seconds <= 0:  # no time to train, and nothing has to be
            self.note[FINISHED] = {"before": stands[self.job.objectives[0].name], "kept": "before"}
            self.spent.compiled(trainer.steps.compiling())
            watched.ended(stands)
            self.stopped, self.reached = watched.stopped, rung.fidelity
            return weights.read(self.model), stands
        if learned is not None and self.reached > 0 and at_most is not None and rung.name == "full" and at_most <= 0:
            self.note["why"] = "budget"  # a step or two would do its value no good
            return learned, self._with_loss(self._worth(trainer))
        anew = self._barely_trained(rung, seconds)
        with self.spent.on("train"):
            trained = trainer.fit(
                rung.epochs,
                seed % (1 << 32),
                watched.on_epoch,
                rows=rung.rows,
                going_on=learned is not None and not anew,
                seconds=seconds,
                at_most=at_most,
                compiling=rung.name in ("full", "finish"),
            )
        self._ended(rung, trained.share, watched)
        self.spent.move("train", "judge", trainer.judged)
        self.epochs += trained.cost
        trainer.steps.settle()
        metrics = {"val_loss": math.nan}
        if trained.finite:
            metrics = {**self._worth(trainer), "loss": trained.loss}
        self.spent.compiled(trainer.steps.compiling())
        found = weights.read(self.model)
        if finish is not None:
            with self.spent.on("judge"):
                (found, metrics), fact = finish.best((found, metrics))
            self.note[FINISHED] = {**fact, "anew": anew}
        elif not trained.finite:
            return learned or {}, metrics
        if not self.stopped and self.reached >= rung.fidelity:
            watched.ended(metrics)
            self.stopped = watched.stopped
        return found, metrics

    def _with_loss(self, metrics: dict[str, float]) -> dict[str, float]:
        """Of weights that are not trained on: with the loss of the training that they come from, where it is known."""
        return {**metrics, "loss": self.loss} if math.isfinite(self.loss) else metrics

    def _worth(self, trainer: Trainer) -> dict[str, float]:
        with self.spent.on("judge"):
            found = trainer.judge()
        self.note |= {DOUBTS: trainer.doubts} if trainer.doubts else {}
        return found

    def _ended(self, rung: Rung, share: float, watched: Watched) -> None:
        """How far it came: to the rung, unless it was told to end before, or the end of the time cut it short."""
        self.stopped, cut = watched.stopped, rung.name == "full" and share < 1.0
        if self.stopped or cut:
            self.reached = round(self.reached + (rung.fidelity - self.reached) * share, 9)
            self.note |= {} if self.stopped else {"why": "budget"}
            return
        self.reached = rung.fidelity
        self.note |= {} if math.isnan(watched.early) else {EARLY: watched.early}
        self.note |= {"cut": round(share, 4)} if share < 1.0 else {}

    def _time(self, rung: Rung) -> tuple[float | None, float | None]:
        """Seconds to train for in place of epochs, and those after which epochs are cut short."""
        given = self.task.note.get("seconds")
        if rung.name == "full" and self.until is not None:
            return None, self.until - SystemClock().wall()
        if given is None:
            return None, None
        if rung.name == "race":
            # What it takes to build is not known when the seconds are given; one is left to train in any case.
            return None, max(1.0, float(given) - (time.perf_counter() - self.began))
        if rung.name == "confirm":  # all train equally long, whatever it takes to build and compile them
            return float(given), None
        seconds, until = float(given) - self.spent["build"] - self.spent["judge"], self.task.note.get("until")
        # The process that finishes may have taken its time to start.
        return seconds if until is None else min(seconds, float(until) - SystemClock().wall()), None

    def _barely_trained(self, rung: Rung, seconds: float | None) -> bool:
        """Whether what was learned in this search is little beside the finish, which is then as from the beginning."""
        if rung.name != "finish" or self.job.space.origin is not None:
            return False
        before, whole = (self._epochs(), rung.epochs) if seconds is None else (self.before, seconds)
        return before < _LITTLE * whole

    def _stands(self, rung: Rung, trainer: Trainer, learned: weights.Weights | None) -> dict[str, float]:
        """What the network is worth before it is finished, by the same rows as after it; {} elsewhere."""
        if rung.name != "finish" or learned is None or self.begins <= 0:
            return {}
        with self.spent.on("judge"):
            found = trainer.judge()
        made = self.job.objectives[0]
        return self._with_loss(found) if math.isfinite(found.get(made.name, math.nan)) else {}

    def _data(self, rung: Rung) -> tuple[Dataset, Graph]:
        """See ``Job.at``; that images could not be made smaller is noted."""
        data, graph = self.job.at(rung, self.task.config)
        if data.factor != rung.factor:
            self.note["full_size"] = True
        return data, graph

    def _trainer(self, data: Dataset, graph: Graph) -> Trainer:
        from modelwright.nas.build import build

        with in_32_bits():
            self.model = build(graph, seed=Seed(self.task.seed).child("weights").integer() % (1 << 32))
        return Trainer(self.model, data, self.recipe, self.job.class_weight)

    def _epochs(self) -> float:
        """Passes through all rows, with those of earlier segments and of the parent."""
        return round(self.epochs + float(self.note.get("epochs", 0.0)), 3)

    def _cpu_seconds(self) -> float:
        """Of all cores, for this trial so far."""
        return round(self.before + time.process_time() - self.cpu, 2)

    # --- what is kept --------------------------------------------------------------------------------

    def _kept(self, learned: weights.Weights | None) -> dict[str, Artifact]:
        if learned is None or self.judged is None:
            return {}
        kept, trial = artifacts_of(self.task), Path(self.task.folder).name
        state = {
            "config": dict(self.task.config),
            "epochs": self._epochs(),
            "cpu_seconds": self._cpu_seconds(),
            **self._with_loss({}),
            **({INHERITED: self.note[INHERITED]} if INHERITED in self.note else {}),
        }
        found = {}
        if self.reached < 1.0 - 1e-9 and self.stopped != "stop":
            found["checkpoint"] = kept.keep(
                trial, "checkpoint.ckpt", lambda sink: checkpoints.save(sink, learned, state)
            )
        # A network that has seen small images alone is worth what was measured only on such.
        graph, factor = self.judged
        model = self.job.deployed(graph, learned, factor)
        found["model"] = kept.keep(trial, "model.keras", lambda sink: write_by(model.save, "model.keras", sink))
        return found


def _release(*, everything: bool = False) -> None:
    from modelwright.training.keras_backend import release

    release(everything=everything)
