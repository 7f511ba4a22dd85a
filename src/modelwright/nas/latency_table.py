"""Tables of latency: a price for each kind of operation, fitted on some measurements, for all networks of a space.

A network takes what its operations take: each kind so much a piece, a multiplication, a number moved. Knows nothing of
how latency is measured.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError, InfeasibleError
from modelwright.core.records import Config
from modelwright.core.wording import did_you_mean, kind_of
from modelwright.nas import canonical
from modelwright.nas.graph import INPUT, Graph, Node
from modelwright.nas.operations import operation

#: The fewest measurements that a table is fitted on.
FEWEST = 8
_RIDGES = (1e-4, 1e-3, 1e-2)
_FOLDS, _ROUNDS = 10, 6
#: Runtimes leave out what leads nowhere; one that does not has to fit better than this share of the error.
_CLEARLY = 0.8
#: What networks far below the median count for, of it: their relative errors are noise.
_FLOOR = 0.1
#: Channels that vector units take at once, and those that are an image's.
_AT_ONCE, _COLOURS = 16, 4
#: Activations that need no function, and that runtimes join to what comes before.
_CUTS = ("relu", "relu6", "leaky_relu", "linear")
_JOINS = ("add", "multiply", "concat", "maximum", "average")
Features = dict[tuple[str, str], float]


def features(graph: Graph, whole: bool = False) -> Features:
    """For each kind of operation: how many, the millions of multiplications, and of numbers read and written.

    Multiplications are those of a processor that takes channels by the 16; an image's few channels are not filled up.

    Args:
        whole: whether nodes count that lead nowhere, and zeros as what computes them.

    >>> from modelwright.nas.graph import trace
    >>> found = features(trace(lambda x: x.conv(4, 3).relu().flatten().dense(2), (8, 8, 1)))
    >>> found["conv", "count"], found["dense", "macs"]
    (1.0, 0.004096)
    """
    graph = graph if whole else _live(graph)
    found: Features = {}
    for node in graph.nodes:
        if node.op == INPUT or (node.op == "zero" and not whole):
            continue
        taken = [graph.nodes[i] for i in node.inputs]
        if node.op == "add" and not whole:
            taken = [other for other in taken if other.op != "zero"]
            if len(taken) < 2:
                continue
        cost = operation(node.op).cost([other.shape for other in taken], node.attributes, node.shape)
        moved = prod(node.shape) + sum(prod(other.shape) for other in taken) + cost.parameters
        for name, value in (("count", 1.0), ("macs", _filled(node, taken) * cost.macs / 1e6), ("moved", moved / 1e6)):
            key = _kind(node), name
            found[key] = found.get(key, 0.0) + value
    return found


def _live(graph: Graph) -> Graph:
    """Without what leads nowhere; zeros are constants, and what makes something of them is computed."""
    nodes = [replace(node, inputs=()) if node.op == "zero" else node for node in graph.nodes]
    return canonical.reached(nodes, graph.outputs)


def _filled(node: Node, taken: Sequence[Node]) -> float:
    """How many times the multiplications are when channels are filled up to a multiple of what is taken at once."""
    ends = [node.shape[-1]]
    if node.op != "depthwise" and taken[0].shape[-1] > _COLOURS:
        ends.append(taken[0].shape[-1])
    return prod(-(-channels // _AT_ONCE) * _AT_ONCE / channels for channels in ends)


def _kind(node: Node) -> str:
    if node.op == "activation":
        return "relu" if node.attributes.get("kind", "relu") in _CUTS else "activation"
    if node.op == "conv":
        return "conv 1" if node.attributes.get("kernel", 1) == 1 else "conv"
    return "join" if node.op in _JOINS else node.op


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """What kinds of operations cost on a device.

    Attributes:
        prices: milliseconds for each feature, none below 0.
        base: milliseconds of any network.
        whole: whether the device computes nodes that lead nowhere, and zeros.
        error: median relative error for networks that were left out of the fit in turn.
        margin: the relative error that nine of ten of them stayed below.
        number: measurements it was fitted on.
    """

    prices: Mapping[tuple[str, str], float]
    base: float
    whole: bool
    error: float
    margin: float
    number: int

    @classmethod
    def fit(cls, graphs: Sequence[Graph], ms: Sequence[float]) -> LatencyTable:
        """The prices that explain measured latencies best, by relative error, none of them negative.

        Outliers count less the further they are off. The strength of the ridge, and whether the device computes what
        leads nowhere, are chosen by cross-validation.

        Args:
            graphs: 30 of a space suffice.
            ms: what each took, in milliseconds.

        Raises:
            ArgumentError: there are too few, or a latency is no positive number.
        """
        times = np.asarray(ms, float)
        if len(times) != len(graphs) or len(times) < FEWEST:
            raise ArgumentError(
                f"{len(graphs)} graphs and {len(times)} latencies",
                where="LatencyTable.fit",
                allowed=f"as many of both, {FEWEST} or more",
                hint="30 are usual.",
            )
        if not (np.isfinite(times) & (times > 0)).all():
            raise ArgumentError("a latency is no positive number", where="LatencyTable.fit", allowed="milliseconds")
        tried = []
        for whole in (False, True):
            rows = [features(graph, whole) for graph in graphs]
            keys = sorted({key for row in rows for key in row})
            matrix = _matrix(rows, keys)
            for ridge in _RIDGES:
                errors = _left_out(matrix, times, ridge)
                score = float(np.mean(np.log1p(errors))) / (_CLEARLY if whole else 1.0)
                tried.append((score, whole, ridge, keys, matrix, errors))
        _, whole, ridge, keys, matrix, errors = min(tried, key=lambda one: one[:3])
        *prices, base = map(float, _solved(matrix, times, ridge))
        found = dict(zip(keys, prices, strict=True))
        return cls(found, base, whole, float(np.median(errors)), float(np.quantile(errors, 0.9)), len(times))

    def predict(self, graph: Graph) -> float:
        """Milliseconds of a network."""
        found = features(graph, self.whole)
        return self.base + sum(self.prices.get(key, 0.0) * value for key, value in found.items())

    def unknown(self, graph: Graph) -> list[str]:
        """Kinds of operations that no measured network had, and that the table takes for free."""
        known = {kind for kind, _ in self.prices}
        return sorted({kind for kind, _ in features(graph, self.whole)} - known)


def _matrix(rows: Sequence[Features], keys: Sequence[tuple[str, str]]) -> np.ndarray:
    """A row for each network, with 1 at the end for what all of them take."""
    return np.array([[*(row.get(key, 0.0) for key in keys), 1.0] for row in rows])


def _solved(matrix: np.ndarray, times: np.ndarray, ridge: float) -> np.ndarray:
    """Prices by least squares of relative errors, those of outliers cut (Huber 1964), and none below 0."""
    from scipy.optimize import nnls

    sizes = matrix.max(0)
    sizes[sizes == 0] = 1.0
    scale = np.maximum(times, _FLOOR * np.median(times))
    weights = np.ones(len(times))
    pull = np.sqrt(ridge) * np.eye(matrix.shape[1])
    prices = np.zeros(matrix.shape[1])
    for _ in range(_ROUNDS):
        rows = matrix / sizes * (weights / scale)[:, None]
        prices, _ = nnls(np.vstack([rows, pull]), np.concatenate([times * weights / scale, np.zeros(len(pull))]))
        off = np.abs(matrix / sizes @ prices - times) / scale
        bound = max(1.5 * float(np.median(off)), 0.02)
        weights = np.sqrt(np.minimum(1.0, bound / np.maximum(off, 1e-12)))
    return prices / sizes


def _left_out(matrix: np.ndarray, times: np.ndarray, ridge: float) -> np.ndarray:
    """The relative error of each network in a fit without it."""
    errors = np.zeros(len(times))
    for fold in range(min(_FOLDS, len(times))):
        out = np.arange(len(times)) % min(_FOLDS, len(times)) == fold
        found = matrix[out] @ _solved(matrix[~out], times[~out], ridge)
        errors[out] = np.abs(found - times[out]) / times[out]
    return errors


# --- devices that are not here ------------------------------------------------------------------------------


class UnlistedError(ArgumentError, InfeasibleError):
    """A table of a device lacks a network, which a search passes over."""


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """Latencies that were measured elsewhere.

    Attributes:
        device: as metrics name it.
        ms: milliseconds by a network's key, or by what a paper calls a configuration.
        named: what it calls one; None where keys alone count.
    """

    device: str
    ms: Mapping[str, float]
    named: Callable[[Config], str] | None = None

    def find(self, graph: Graph | None = None, config: Config | None = None) -> float:
        """Milliseconds of a network.

        Raises:
            UnlistedError: the table does not hold it.
        """
        said = self.named(config) if self.named is not None and config is not None else None
        found = self.ms.get(said) if said is not None else None
        if found is None and graph is not None:
            found = self.ms.get(canonical.key(graph))
        if found is None:
            raise UnlistedError(
                f"it has no latency of {said or 'this network'}",
                where=f"latency_ms@{self.device}",
                allowed=f"{len(self.ms)} networks",
                hint="LatencyTable.fit prices the rest of a space from about 30 of its networks.",
            )
        return found


def device_table(
    device: str,
    source: str | Path | Mapping[str, float],
    *,
    names: Sequence[str] | Mapping[str, str] | None = None,
    named: Callable[[Config], str] | None = None,
) -> DeviceTable:
    """Latencies of a device that is not here, as the metric ``latency_ms@<device>``.

    Args:
        device: its name, and that of the column in a file.
        source: milliseconds by network, or a CSV file, perhaps compressed, with a column for the device.
        names: what the rows of a file are called, in their order or by their first column; by default that column.
        named: what a configuration is called there; ``nas.nasbench.published`` for NAS-Bench-201. Without it, networks
            are found by their keys.

    Raises:
        ArgumentError: the file cannot be read, has no such column, or holds what is no number.

    >>> device_table("phone", {"a": 3.5}, named=lambda config: config["cell"]).find(config={"cell": "a"})
    3.5
    """
    where = f"nas.device_table({device!r})"
    if not isinstance(source, Mapping):
        source = _read(Path(source), device, names, where)
    try:
        ms = {str(key): float(value) for key, value in source.items()}
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"a latency is no number: {error}", where=where, allowed="milliseconds") from None
    bad = next((key for key, value in ms.items() if not 0 <= value < float("inf")), None)
    if bad is not None or not ms:
        what = f"{bad!r} takes {ms[bad]} ms" if bad is not None else "it is empty"
        raise ArgumentError(what, where=where, allowed="networks and the milliseconds that each takes")
    return DeviceTable(device, ms, named)


def checked_devices(given: Any, where: str) -> dict[str, DeviceTable | LatencyTable]:
    """Tables of devices by the names that metrics have for them, as an argument ``devices=`` has them.

    Raises:
        ArgumentError: they are something else.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise _no_tables(f"devices is {kind_of(given)}", "raspi4", where)
    for name, table in given.items():
        if not isinstance(name, str) or not isinstance(table, (DeviceTable, LatencyTable)):
            raise _no_tables(f"devices[{name!r:.60}] is {kind_of(table)}", name, where)
    return dict(given)


def _no_tables(what: str, name: Any, where: str) -> ArgumentError:
    hint = f"Write devices={{{str(name)!r:.60}: nas.device_table({str(name)!r:.60}, {{network: milliseconds, ...}})}}."
    return ArgumentError(what, where=where, allowed="a dict of names and nas.device_table(...)", hint=hint)


def _read(path: Path, device: str, names: Sequence[str] | Mapping[str, str] | None, where: str) -> dict[str, Any]:
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="") as file:
            rows: Iterable[dict[str, str]] = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"{path} cannot be read: {error}", where=where, allowed="a CSV file") from None
    columns = list(next(iter(rows), {}))
    if device not in columns[1:]:
        raise ArgumentError(
            f"{path.name} has no column {device!r}",
            where=where,
            allowed=", ".join(columns[1:]) or "a first column with names, and one for each device",
            hint=did_you_mean(device, columns[1:]),
        )
    firsts = [row[columns[0]] for row in rows]
    called = firsts if names is None else [names[k] for k in firsts] if isinstance(names, Mapping) else list(names)
    if len(called) != len(firsts):
        raise ArgumentError(f"{len(called)} names for {len(firsts)} rows", where=where, allowed="one each")
    return {name: row[device] for name, row in zip(called, rows, strict=True)}
