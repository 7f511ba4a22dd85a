"""Zero-cost scores: what is known of a network before any training, from one batch and random weights.

They say which candidates are hardly worth training. All go along with size, and some with nothing else: see
``screening`` for how much they say beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean
from modelwright.nas.canonical import pruned
from modelwright.nas.graph import INPUT, Graph, check_graph
from modelwright.nas.measures import measures
from modelwright.nas.operations import ACTIVATIONS
from modelwright.nas.passes import Passes, batch

#: Examples that a score looks at.
BATCH = 32
#: Activations whose units are on or off by the sign of what they take.
_GATES = frozenset(ACTIVATIONS) - {"linear", "sigmoid", "hard_sigmoid", "softplus", "softmax", "log_softmax"}
#: What a loss is given the logits of.
_ENDS = ("softmax", "log_softmax", "sigmoid")
#: What a flow of positive numbers passes as it is: without it, sizes would be lost.
_PASSING = ("batch_norm", "layer_norm", "activation", "leaky_relu", "rescaling", "dropout", "spatial_dropout")
Score = Callable[[Graph, Any, Any, int, int], float]


def zero_cost(
    graph: Graph, score: str = "nwot", *, x: Any = None, y: Any = None, seed: int = 0, batch: int = BATCH
) -> float:
    """A score of an untrained network; larger is taken to be better.

    It is computed operation by operation on JAX, by executables that all graphs share: the first graphs of a space
    compile them, a few milliseconds each, and later ones find them.

    Args:
        graph: the architecture.
        score: ``"nwot"``, how differently the examples switch the units on and off (Mellor et al. 2021, "Neural
            Architecture Search without Training"): of equal examples one counts, and minus infinity is that of a
            network which has too few units to tell them apart; ``"synflow"``, the logarithm of what flows through all
            weights (Tanaka et al. 2020), where normalisations and activations count as passed; ``"jacob_cov"``, how
            uncorrelated the gradients of the inputs are (Mellor et al. 2021, first version); ``"snip"``, the sum of
            weight times gradient (Lee et al. 2019); ``"params"``, ``"macs"`` and ``"operations"``, the size.
        x: examples, channels last; a list where the graph has several inputs. The first ``batch`` count, each channel
            brought to mean 0 and variance 1. Sizes and ``"synflow"`` need none.
        y: for ``"snip"``, labels as integers (cross-entropy), a row of classes for each example (cross-entropy where
            one is 1, otherwise binary cross-entropy), or other numbers (squared error). A list for several outputs.
        seed: of the weights, which are drawn by node: nodes of one name have the same.
        batch: the number of examples.

    Raises:
        ArgumentError: the score is unknown, lacks what it needs, or makes no sense for this graph.

    >>> from modelwright.nas.graph import trace
    >>> graph = trace(lambda x: x.conv(8, 3).relu().conv(8, 3).relu().global_avg_pool().dense(10), (28, 28, 1))
    >>> images = np.random.default_rng(0).normal(size=(32, 28, 28, 1))
    >>> zero_cost(graph, "params"), 200 < zero_cost(graph, "nwot", x=images) < 350
    (738.0, True)
    """
    if score not in SCORES:
        raise ArgumentError(
            f"unknown score {score!r}",
            where="nas.zero_cost",
            allowed=", ".join(SCORES),
            hint=did_you_mean(score, SCORES),
        )
    return SCORES[score](check_graph(graph, "nas.zero_cost"), x, y, seed, batch)


def _nwot(graph: Graph, x: Any, y: Any, seed: int, size: int) -> float:
    """The logarithm of the determinant of a kernel that counts units on which two examples agree."""
    passes, examples = Passes(pruned(graph), seed), _batch(graph, x, size, "nwot")
    examples = distinct(examples, size)  # two that are equal would make the determinant of any network 0
    number = len(examples[0])
    if number < 2:
        raise ArgumentError(
            "all its examples are equal", where="nas.zero_cost('nwot')", allowed="two that differ, or more"
        )
    kernel = np.zeros((number, number))
    counted = 0

    def run(place: int, taken: Sequence[Any]) -> Any:
        nonlocal counted, kernel
        node = passes.nodes[place]
        if node.op != "leaky_relu" and (node.op != "activation" or node.attributes.get("kind", "relu") not in _GATES):
            return passes.run(place, taken)
        value, both = passes.run_coded(place, taken)
        both = np.asarray(both, np.float64)
        on = np.diagonal(both)
        kernel += 2 * both - on[:, None] - on[None, :] + math.prod(node.shape)
        counted += 1
        return value

    passes.forward(examples, run)
    if not counted:
        raise ArgumentError(
            "the network has no activation that switches units on and off",
            where="nas.zero_cost('nwot')",
            allowed=f"one of {', '.join(sorted(_GATES))}",
            hint='Use "synflow" or "jacob_cov".',
        )
    # Rounding makes some number of a determinant that is 0: whether it is, the rank says.
    whole = np.linalg.matrix_rank(kernel, hermitian=True) == number
    return float(np.linalg.slogdet(kernel)[1]) if whole else -math.inf


def distinct(parts: Sequence[np.ndarray], most: int) -> list[np.ndarray]:
    """The first examples that differ from each other, at most so many; of several inputs, in one of them at least.

    >>> distinct([np.array([[1.0], [1.0], [2.0], [3.0]])], 2)
    [array([[1.],
           [2.]])]
    """
    seen: dict[bytes, int] = {}
    for place in range(len(parts[0])):
        if len(seen) == most:
            break
        # Zero and minus zero are equal, and differ as bytes.
        seen.setdefault(b"".join(np.ascontiguousarray(part[place] + 0.0).tobytes() for part in parts), place)
    chosen = list(seen.values())
    return [part[chosen] for part in parts]


def _synflow(graph: Graph, x: Any, y: Any, seed: int, size: int) -> float:
    """In the log domain: each value is kept beside the logarithm of its scale, so that depth cannot overflow it.

    A layer is linear in its weights, so the sum of weight times gradient over them is that of output times gradient.
    """
    graph = pruned(graph)
    passes = Passes(graph, seed)
    passes.weights = [{k: abs(w) if w.ndim > 1 else w * 0 for k, w in node.items()} for node in passes.weights]
    # The scale that the inputs of a node were brought to, and that of its output.
    shared, scales = [0.0] * len(graph.nodes), [0.0] * len(graph.nodes)

    def run(place: int, taken: Sequence[Any]) -> Any:
        node = graph.nodes[place]
        logs = [scales[i] for i in node.inputs]
        shared[place] = max(logs)
        if node.op in _PASSING:
            scales[place] = shared[place]
            return taken[0]
        out, log = _scaled(passes.run(place, _brought(taken, logs)))
        scales[place] = shared[place] * _degree(node) + log
        return out

    ones = [np.ones((1, *node.shape), np.float32) for node in graph.nodes if node.op == INPUT]
    values = passes.forward(ones, run, kept=True)
    gradients = {place: (np.ones((1, *graph.nodes[place].shape), np.float32), 0.0) for place in graph.outputs}
    flows = []
    for place in reversed(range(len(graph.nodes))):
        node, (gradient, log) = graph.nodes[place], gradients.pop(place, (None, 0.0))
        if node.op == INPUT or gradient is None:
            continue
        if passes.weights[place] and node.op not in _PASSING:
            flow = float(np.vdot(values[place], gradient))
            flows.append(math.log(flow) + scales[place] + log if flow > 0 else -math.inf)
        taken = [values[i] for i in node.inputs]
        if node.op in _PASSING:
            back = [gradient]
        else:
            back = passes.back(place, _brought(taken, [scales[i] for i in node.inputs]), gradient)
            log += shared[place] * (_degree(node) - 1)
        for i, part in zip(node.inputs, back, strict=True):
            part, more = _scaled(part)
            gradients[i] = _summed(gradients.get(i), (part, log + more))
    if not flows:
        raise ArgumentError(
            "the network has no weights", where="nas.zero_cost('synflow')", allowed="layers with weights"
        )
    return float(np.logaddexp.reduce(flows))


def _degree(node: Any) -> int:
    """The power by which an output grows when all inputs do."""
    return len(node.inputs) if node.op == "multiply" else 1


def _scaled(values: Any) -> tuple[np.ndarray, float]:
    """Values with 1 for the largest, and the logarithm of what they were divided by."""
    found = np.asarray(values)
    most = float(found.max(initial=0.0))
    return (found / np.float32(most), math.log(most)) if most > 0 else (found, 0.0)


def _brought(values: Sequence[np.ndarray], logs: Sequence[float]) -> list[np.ndarray]:
    """Values of several scales at the largest of them."""
    most = max(logs)
    return [v if log == most else v * np.float32(math.exp(log - most)) for v, log in zip(values, logs, strict=True)]


def _summed(one: tuple[np.ndarray, float] | None, two: tuple[np.ndarray, float]) -> tuple[np.ndarray, float]:
    if one is None:
        return two
    a, b = _brought([one[0], two[0]], [one[1], two[1]])
    total, log = _scaled(a + b)
    return total, max(one[1], two[1]) + log


def _jacob_cov(graph: Graph, x: Any, y: Any, seed: int, size: int) -> float:
    """Minus the divergence of the correlations between examples' gradients from none."""
    passes, examples = Passes(pruned(graph), seed), _batch(graph, x, size, "jacob_cov")
    values = passes.forward(examples, kept=True)
    ones = {place: np.ones_like(values[place]) for place in passes.graph.outputs}
    found, _ = passes.backward(values, ones)
    rows = np.concatenate([np.asarray(part, np.float64).reshape(len(part), -1) for part in found], 1)
    rows -= rows.mean(1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(length > 0, length, 1.0)
    spread = np.linalg.eigvalsh(rows @ rows.T)
    k = 1e-5
    return float(-np.sum(np.log(np.maximum(spread, 0) + k) + 1 / (np.maximum(spread, 0) + k)))


def _snip(graph: Graph, x: Any, y: Any, seed: int, size: int) -> float:
    graph = pruned(graph)
    if y is None:
        raise ArgumentError(
            "it needs labels", where="nas.zero_cost('snip')", allowed="y=...", hint='"nwot" needs none.'
        )
    passes, examples = Passes(graph, seed), _batch(graph, x, size, "snip")
    values = passes.forward(examples, kept=True)
    labels = list(y) if isinstance(y, (list, tuple)) and len(graph.outputs) > 1 else [y]
    if len(labels) != len(graph.outputs):
        raise ArgumentError(f"{len(labels)} labels", where="y", allowed=f"{len(graph.outputs)} arrays, in a list")
    gradients: dict[int, Any] = {}
    for place, one in zip(graph.outputs, labels, strict=True):
        node = graph.nodes[place]
        if node.op == "activation" and node.attributes.get("kind") in _ENDS:
            place = node.inputs[0]
        out = np.asarray(values[place], np.float32)
        gradients[place] = gradients.get(place, 0) + _loss_gradient(out, one, len(examples[0]))
    return passes.backward(values, gradients, salient=True)[1]


def _loss_gradient(out: np.ndarray, y: Any, number: int) -> np.ndarray:
    """Of the mean loss, by the outputs before a softmax or a sigmoid."""
    y = np.asarray(y)[:number]
    if len(y) < number or not np.issubdtype(y.dtype, np.number) or not np.isfinite(y).all():
        raise ArgumentError(
            f"{len(y)} labels of type {y.dtype} for {number} examples", where="y", allowed="a finite number for each"
        )
    if out.ndim == 2 and y.size == number and np.issubdtype(y.dtype, np.integer) and out.shape[1] > 1:
        y = y.reshape(-1)
        if y.min() < 0 or y.max() >= out.shape[1]:
            raise ArgumentError(
                f"labels from {y.min()} to {y.max()}",
                where="y",
                allowed=f"0 to {out.shape[1] - 1}, as the network ends",
            )
        y = np.eye(out.shape[1], dtype=np.float32)[y]
    if y.size != out.size:
        raise ArgumentError(f"it has the shape {y.shape}", where="y", allowed=f"{out.shape}, as the network ends")
    y = y.reshape(out.shape).astype(np.float32)
    if not ((y == 0) | (y == 1)).all():
        return 2 * (out - y) / out.size
    if out.shape[-1] > 1 and (y.sum(-1) == 1).all():
        sizes = np.exp(out - out.max(-1, keepdims=True))
        return (sizes / sizes.sum(-1, keepdims=True) - y) / number
    return (1 / (1 + np.exp(-out)) - y) / out.size


def _batch(graph: Graph, x: Any, size: int, score: str) -> list[np.ndarray]:
    if x is None:
        raise ArgumentError("it needs examples", where=f"nas.zero_cost({score!r})", allowed="x=...")
    if size < 2:
        raise ArgumentError(f"batch={size}", where="nas.zero_cost", allowed="2 or more; 32 is usual")
    return batch(graph, x, size)


def _measure(name: str) -> Score:
    return lambda graph, x, y, seed, size: measures(graph)[name]


#: The scores by name; each takes the graph, examples, labels, the seed and the number of examples.
SCORES: dict[str, Score] = {
    "nwot": _nwot,
    "synflow": _synflow,
    "jacob_cov": _jacob_cov,
    "snip": _snip,
    "params": _measure("params"),
    "macs": _measure("macs"),
    "operations": _measure("operations"),
}
