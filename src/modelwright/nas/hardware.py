"""Latency: what a network takes on this machine, in a runtime that is part of the metric's name.

``latency_ms@onnxruntime,b1`` is the latency of one example in ONNX Runtime on one thread, ``latency_ms@jax,b64`` that
of 64 in Keras' own forward pass on JAX. Weights do not matter, so networks are measured before any training.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelwright.core.constraint import Limit
from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.records import Config
from modelwright.core.wording import did_you_mean
from modelwright.nas import canonical
from modelwright.nas.build import build
from modelwright.nas.graph import INPUT, Graph
from modelwright.nas.keras_settings import in_32_bits
from modelwright.nas.latency_table import FEWEST, DeviceTable, LatencyTable, checked_devices
from modelwright.nas.onnx import to_onnx
from modelwright.nas.reading import Reading
from modelwright.training.keras_backend import ensure_backend, light_compilation

METRIC = "latency_ms"
#: The share of runs that the upper quantile is not below.
UPPER = 0.9
#: Runs, and measurements after which a table screens.
REPEATS, ENOUGH = 30, 30
_WARM_RUNS, _WARM_SECONDS = 3, 0.05
#: Rounds of runs, until the upper quantile is within this share of the median: something else ran meanwhile otherwise.
_ROUNDS, _STEADY = 3, 1.25
_NAME = re.compile(rf"{METRIC}@([\w.]+)((?:,[a-z]\d+)*)")


@dataclass(frozen=True, slots=True)
class Target:
    """What a latency is that of.

    Attributes:
        runtime: ``"onnxruntime"``, ``"jax"``, or a device with a table.
        batch: examples at a time.
        threads: of the runtime.
    """

    runtime: str
    batch: int = 1
    threads: int = 1

    def __str__(self) -> str:
        return f"{METRIC}@{self.runtime},b{self.batch}" + (f",t{self.threads}" if self.threads != 1 else "")


def is_latency(name: str) -> bool:
    """Whether a metric's name is that of a latency in a runtime."""
    return name.startswith(f"{METRIC}@")


def target(name: str, devices: Iterable[str] = ()) -> Target:
    """What the name of a metric means.

    Args:
        devices: names of devices with tables, beside the runtimes.

    >>> target("latency_ms@onnxruntime,b8,t2")
    Target(runtime='onnxruntime', batch=8, threads=2)

    Raises:
        ArgumentError: it is no such name, or the runtime is unknown.
    """
    known = [*_RUNTIMES, *devices]
    allowed = (
        f"{METRIC}@RUNTIME, perhaps with ,b and the examples at a time, ,t and the threads: {METRIC}@onnxruntime,b1"
    )
    match = _NAME.fullmatch(name)
    if match is None:
        raise ArgumentError(f"{name!r} names no latency", where="nas.latency", allowed=allowed)
    runtime, options = match[1], {text[0]: int(text[1:]) for text in match[2].split(",")[1:]}
    if runtime not in known:
        hint = did_you_mean(runtime, known) or (
            f"A device that is not here needs a table: devices={{{runtime!r}: nas.device_table(...)}}."
        )
        raise ArgumentError(f"unknown runtime {runtime!r}", where=name, allowed=", ".join(known), hint=hint)
    if not set(options) <= {"b", "t"} or not all(options.values()):
        raise ArgumentError(f"{match[2][1:]!r} says no batch and threads", where=name, allowed=allowed)
    return _checked(Target(runtime, options.get("b", 1), options.get("t", 1)))


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency that was measured.

    Attributes:
        name: of the metric, with the runtime.
        median_ms: of the runs, in milliseconds for a whole batch.
        upper_ms: what nine of ten runs did not exceed; this is held against limits.
        runs: how many there were, after warming up.
    """

    name: str
    median_ms: float
    upper_ms: float
    runs: int

    def __str__(self) -> str:
        return f"{self.name}: {self.median_ms:.3g} ms, nine of ten runs up to {self.upper_ms:.3g}"


def latency(
    network: Any, runtime: str = "onnxruntime", *, batch: int = 1, repeats: int = REPEATS, threads: int = 1
) -> Latency:
    """Measure what a network takes to predict, on this machine as it is now: let nothing else run.

    Args:
        network: a graph, or a Keras model.
        runtime: ``"onnxruntime"``, or ``"jax"``: Keras' stock layers in one compiled function.
        batch: examples at a time.
        repeats: runs that count. Where their upper quantile is far above their median, they are made again, up to
            three times, and the quickest round counts.
        threads: of ONNX Runtime; JAX has as many as its process.

    Raises:
        ArgumentError: an option makes no sense, or the network cannot be brought to the runtime.
        MissingPackageError: the runtime is not installed.
    """
    wanted = _checked(Target(runtime, batch, threads))
    if runtime not in _RUNTIMES or repeats < 1:
        raise ArgumentError(
            f"runtime={runtime!r}, repeats={repeats!r}",
            where="nas.latency",
            allowed=f"{', '.join(_RUNTIMES)}; 1 run or more, {REPEATS} are usual",
        )
    run = _RUNTIMES[runtime](network, wanted)
    _warm(run)
    best: list[float] = []
    for _ in range(_ROUNDS):
        times = [_timed(run) for _ in range(repeats)]
        if not best or np.median(times) < np.median(best):
            best = times
        if np.quantile(best, UPPER) <= _STEADY * np.median(best):
            break
    middle, upper = float(np.median(best)), float(np.quantile(best, UPPER))
    return Latency(str(wanted), 1e3 * middle, 1e3 * upper, repeats)


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _warm(run: Callable[[], object]) -> None:
    spent, runs = 0.0, 0
    while runs < _WARM_RUNS or (spent < _WARM_SECONDS and runs < 1000):
        spent, runs = spent + _timed(run), runs + 1


def _checked(wanted: Target) -> Target:
    if wanted.batch < 1 or wanted.threads < 1:
        raise ArgumentError(
            f"batch={wanted.batch}, threads={wanted.threads}", where=f"{METRIC}@{wanted.runtime}", allowed="1 or more"
        )
    if wanted.runtime == "jax" and wanted.threads != 1:
        raise ArgumentError(
            f"threads={wanted.threads}", where=f"{METRIC}@jax", allowed="no number of threads: it has its process's"
        )
    return wanted


def _shapes(network: Any) -> list[tuple[int, ...]]:
    if isinstance(network, Graph):
        return [node.shape for node in network.nodes if node.op == INPUT]
    return [tuple(x.shape[1:]) for x in network.inputs]


def _inputs(network: Any, batch: int) -> list[np.ndarray]:
    draws = np.random.default_rng(0)
    return [draws.standard_normal((batch, *shape), np.float32) for shape in _shapes(network)]


def _onnxruntime(network: Any, wanted: Target) -> Callable[[], object]:
    runtime = optional("onnxruntime", extra="onnx", purpose="measuring latency in ONNX Runtime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = wanted.threads, 1
    options.log_severity_level = 3
    content = to_onnx(network, batch=wanted.batch)
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [taken.name for taken in session.get_inputs()]
    feeds = dict(zip(names, _inputs(network, wanted.batch), strict=True))
    return lambda: session.run(None, feeds)


def _jax(network: Any, wanted: Target) -> Callable[[], object]:
    keras = ensure_backend()
    if keras.backend.backend() != "jax":
        raise ArgumentError(
            f"Keras runs on {keras.backend.backend()}", where=f"{METRIC}@jax", allowed="KERAS_BACKEND=jax"
        )
    jax = optional("jax", extra="keras", purpose="measuring latency on JAX")
    if isinstance(network, Graph):
        with light_compilation(), in_32_bits():
            network = build(network)
    inputs = [jax.device_put(x) for x in _inputs(network, wanted.batch)]
    trained = [v.value for v in network.trainable_variables]
    others = [v.value for v in network.non_trainable_variables]

    @jax.jit
    def forward(trained: Any, others: Any, inputs: Any) -> Any:
        return network.stateless_call(trained, others, inputs if len(inputs) > 1 else inputs[0], training=False)[0]

    return lambda: jax.block_until_ready(forward(trained, others, inputs))


_RUNTIMES: dict[str, Callable[[Any, Target], Callable[[], object]]] = {"onnxruntime": _onnxruntime, "jax": _jax}
_PACKAGES = {"onnxruntime": ("onnx", "onnxruntime"), "jax": ("keras", "jax")}


# --- in a search --------------------------------------------------------------------------------------------


class Meter:
    """Measures latencies for a search: each network once, and those that a table is sure of not at all.

    To be used by one process at a time.

    Args:
        names: of the metrics: ``"latency_ms@onnxruntime,b1"``.
        devices: tables for devices that are not here, by what stands behind the @.
        repeats: runs of a measurement.
        enough: measurements after which a table is fitted, and again after as many more.

    Attributes:
        alone: whether nothing else runs while a trial does, so that what it measures holds.

    Raises:
        ArgumentError: a name is none of a latency.
        MissingPackageError: a runtime is not installed.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        devices: Mapping[str, DeviceTable | LatencyTable] | None = None,
        repeats: int = REPEATS,
        enough: int = ENOUGH,
    ):
        if enough < FEWEST or repeats < 1:
            raise ArgumentError(
                f"enough={enough!r}, repeats={repeats!r}", where="Meter", allowed=f"{FEWEST} or more, and 1 or more"
            )
        self.devices, self.repeats, self.enough = checked_devices(devices, "Meter"), repeats, enough
        self.targets = {name: target(name, self.devices) for name in dict.fromkeys(names)}
        for wanted in self.targets.values():
            for package in () if wanted.runtime in self.devices else _PACKAGES[wanted.runtime]:
                optional(package, extra="onnx" if "onnx" in package else "keras", purpose=f"measuring {wanted}")
        self.alone = True
        self._known: dict[str, tuple[Graph, dict[str, float]]] = {}
        self._tables: dict[str, LatencyTable] = {}
        self._fitted = 0

    @property
    def tables(self) -> Mapping[str, LatencyTable]:
        """The tables that were fitted so far, by metric."""
        return dict(self._tables)

    def measure(self, graph: Graph, config: Config | None = None, *, keep: bool = True) -> dict[str, float]:
        """Milliseconds by metric, what nine of ten runs do not exceed; of equal networks one is measured.

        Args:
            config: the decisions, for tables of devices that know networks by them.
            keep: whether it counts from now on; it does not where something else runs.
        """
        found = self._listed(graph, config)
        held = self._known.get(canonical.key(graph))
        if held is not None:
            return found | held[1]
        values = {name: self._measured(graph, name) for name in self.here}
        if keep:
            self.learn(graph, values)
        return found | values

    def learn(self, graph: Graph, values: Mapping[str, float]) -> None:
        """Take in what was measured before: when a search goes on, say. Without all metrics it is measured anew."""
        if not set(self.here) <= set(values):
            return
        self._known[canonical.key(graph)] = graph, {name: float(values[name]) for name in self.here}
        if len(self._known) >= self._fitted + self.enough:
            self.fit()

    def fit(self) -> None:
        """Fit tables to the networks that were measured so far, if those are enough for tables at all."""
        if len(self._known) < FEWEST or len(self._known) == self._fitted:
            return
        self._fitted = len(self._known)
        graphs = [one for one, _ in self._known.values()]
        for name in self.here:
            self._tables[name] = LatencyTable.fit(graphs, [found[name] for _, found in self._known.values()])

    def prices(self, graph: Graph) -> bool:
        """Whether there are tables for all that is measured here, and the network has no operation that they lack."""
        return set(self._tables) == set(self.here) and not any(t.unknown(graph) for t in self._tables.values())

    def price(self, graph: Graph, config: Config | None = None) -> dict[str, float] | None:
        """What the tables say of a network; None where there are none yet, or it has operations that they lack."""
        if not self.prices(graph):
            return None
        return self._listed(graph, config) | {name: table.predict(graph) for name, table in self._tables.items()}

    def told(self, graph: Graph, config: Config | None = None) -> Reading:
        """What was measured of a network, else its price; without latencies of here where there is neither."""
        fitted = {name for name, table in self.devices.items() if isinstance(table, LatencyTable)}
        elsewhere = tuple(name for name, wanted in self.targets.items() if wanted.runtime in fitted)
        held = self._known.get(canonical.key(graph))
        priced = self.price(graph, config) if held is None else None
        if priced is not None:
            return Reading(priced, {name: table.margin for name, table in self._tables.items()}, elsewhere)
        return Reading(self._listed(graph, config) | ({} if held is None else held[1]), {}, elsewhere)

    def check(
        self,
        graph: Graph,
        limits: Sequence[Limit] = (),
        *,
        config: Config | None = None,
        known: Mapping[str, float] | None = None,
    ) -> Reading:
        """A network's latencies, for holding it against limits before it is trained.

        Where the table is sure that a limit is broken, beyond what nine of ten of its errors were, its prices are the
        answer; whatever may pass is measured.

        Args:
            limits: parsed constraints, of latencies and other measures.
            known: other measures of the network.
        """
        found = self.told(graph, config)
        whole = replace(found, values={**(known or {}), **found.values})
        if set(self.targets) <= set(found.values) and whole.broken(limits):
            return found
        return replace(found, values=self.measure(graph, config), margins={})

    @property
    def here(self) -> list[str]:
        """The metrics that are measured on this machine."""
        return [name for name, wanted in self.targets.items() if wanted.runtime not in self.devices]

    def _measured(self, graph: Graph, name: str) -> float:
        wanted = self.targets[name]
        return latency(graph, wanted.runtime, batch=wanted.batch, repeats=self.repeats, threads=wanted.threads).upper_ms

    def _listed(self, graph: Graph, config: Config | None) -> dict[str, float]:
        found = {}
        for name, wanted in self.targets.items():
            table = self.devices.get(wanted.runtime)
            if isinstance(table, LatencyTable):
                found[name] = table.predict(graph)
            elif table is not None:
                found[name] = table.find(graph, config)
        return found
