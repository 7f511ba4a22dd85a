"""Problems that every method is given alike: a list of domains, a score to maximise, and where regret is 0 and 1.

Synthetic ones need nothing. Surrogates of real training runs (YAHPO Gym, Pfisterer et al. 2022) need onnxruntime and
``MODELWRIGHT_DATA``; which of them judge is decided beside the data, and the constants of our strategies were never
tuned on those.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Config = dict[str, Any]
#: Limits of surrogates that are not among those that judge: computing them takes half a minute each.
LIMITS = Path(__file__).with_name("limits.json")
#: Instances that do not judge; constants may have been tuned on some of them.
OPEN = tuple(f"lcbench/{i}" for i in ("3945", "7593", "168908", "146212"))
OPEN += tuple(f"rbv2_rpart/{i}" for i in ("1111", "1590", "40900"))


@dataclass(frozen=True)
class Domain:
    """One parameter: ``kind`` is "float", "int" or "categorical"; ``condition`` is (parent, values that show it)."""

    name: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()
    condition: tuple[str, tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class Problem:
    """A score to maximise.

    Attributes:
        domains: parameters, parents before what depends on them.
        score: the truth about a configuration.
        median: score of the median random configuration: regret 1.
        top: best score known: regret 0.
        noise: standard deviation of what a trial sees around the truth.
    """

    name: str
    domains: tuple[Any, ...]
    score: Callable[[Config], float]
    median: float
    top: float
    noise: float = 0.0

    def regrets(self, seen: list[float], truth: list[float], marks: tuple[int, ...]) -> list[float]:
        """After each mark the normalised regret of the configuration that looked best until then."""
        best = [int(np.argmax(seen[:mark])) for mark in marks]
        return [(self.top - truth[i]) / (self.top - self.median) for i in best]


def active(domain: Any, config: Config) -> bool:
    """Whether ``config``, which already holds the parents, has this parameter."""
    return not domain.condition or config.get(domain.condition[0]) in domain.condition[1]


def draw(domains: tuple[Any, ...], rng: np.random.Generator) -> Config:
    """A random configuration, uniform on each parameter's scale."""
    config: Config = {}
    for d in domains:
        if not active(d, config):
            continue
        if d.kind == "categorical":
            config[d.name] = d.choices[rng.integers(len(d.choices))]
            continue
        low, high = (math.log(d.low), math.log(d.high)) if d.log else (d.low, d.high)
        value = rng.uniform(low, high)
        value = math.exp(value) if d.log else value
        config[d.name] = int(np.clip(round(value), d.low, d.high)) if d.kind == "int" else float(value)
    return config


def _floats(count: int, low: float, high: float) -> tuple[Domain, ...]:
    return tuple(Domain(f"x{i}", "float", low, high) for i in range(count))


def _vector(config: Config) -> np.ndarray:
    return np.array([config[f"x{i}"] for i in range(len(config))])


_HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(config: Config) -> float:
    """Hartmann's function of six variables: six local maxima, 3.32237 at the best."""
    x = _vector(config)
    return float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(_HARTMANN_A * (x - _HARTMANN_P) ** 2).sum(axis=1)))


def ackley(config: Config) -> float:
    """Ackley's: many ripples on the way to 0, which lies neither in the middle nor on an edge."""
    x = _vector(config) - 7.3
    ripple = np.exp(np.cos(2 * math.pi * x).mean())
    return float(20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - 20 + ripple - math.e)


def rosenbrock(config: Config) -> float:
    """Rosenbrock's curved valley, 0 at (1, ..., 1)."""
    x = _vector(config)
    return -float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def many(config: Config) -> float:
    """Thirty variables of which each matters less than the one before; small ripples; 0 at the best."""
    x = _vector(config)
    centre = 0.2 + 0.6 * ((np.arange(len(x)) * 0.618) % 1)
    gap = x - centre
    return -float((0.85 ** np.arange(len(x)) * (gap**2 + 0.02 * (1 - np.cos(6 * math.pi * gap)))).sum())


_MIXED = (
    Domain("optimizer", "categorical", choices=("sgd", "momentum", "adam", "adagrad", "rmsprop")),
    Domain("activation", "categorical", choices=("tanh", "relu", "elu", "selu", "gelu", "swish", "linear", "softsign")),
    Domain("normalise", "categorical", choices=("none", "batch", "layer")),
    Domain("lr", "float", 1e-5, 1.0, log=True),
    Domain("units", "int", 8, 1024, log=True),
    Domain("layers", "int", 1, 8),
    Domain("dropout", "float", 0.0, 0.7),
    Domain("decay", "float", 1e-7, 1e-1, log=True),
)


def mixed(config: Config) -> float:
    """Like tuning a network: the right rate depends on the optimizer, the right dropout on the size; 0 at the best."""
    shift = {"sgd": 0.75, "momentum": 0.6, "adam": 0.4, "adagrad": 0.65, "rmsprop": 0.35}[config["optimizer"]]
    worse = {"sgd": 0.06, "momentum": 0.02, "adam": 0.0, "adagrad": 0.08, "rmsprop": 0.03}[config["optimizer"]]
    worse += 0.02 * _MIXED[1].choices.index(config["activation"]) % 0.07
    worse += {"none": 0.03 + 0.01 * config["layers"], "batch": 0.0, "layer": 0.01}[config["normalise"]]
    lr, units = math.log(config["lr"] / 1e-5) / math.log(1e5), math.log(config["units"] / 8) / math.log(128)
    decay = math.log(config["decay"] / 1e-7) / math.log(1e6)
    loss = worse + 1.5 * (lr - shift) ** 2 + 0.3 * (units - 0.7) ** 2 + 0.02 * abs(config["layers"] - 4)
    return -(loss + 0.4 * (config["dropout"] - 0.6 * units) ** 2 + 0.2 * (decay - 0.5) ** 2)


_NETS, _TREES = ("net",), ("forest", "boosting")
_CONDITIONAL = (
    Domain("model", "categorical", choices=("linear", "forest", "boosting", "net")),
    Domain("penalty", "float", 1e-6, 1e2, log=True, condition=("model", ("linear",))),
    Domain("depth", "int", 1, 20, condition=("model", _TREES)),
    Domain("features", "float", 0.1, 1.0, condition=("model", _TREES)),
    Domain("shrinkage", "float", 1e-3, 1.0, log=True, condition=("model", ("boosting",))),
    Domain("rounds", "int", 10, 1000, log=True, condition=("model", ("boosting",))),
    Domain("layers", "int", 1, 3, condition=("model", _NETS)),
    Domain("optimizer", "categorical", choices=("sgd", "adam"), condition=("model", _NETS)),
    Domain("units_1", "int", 4, 512, log=True, condition=("layers", (1, 2, 3))),
    Domain("units_2", "int", 4, 512, log=True, condition=("layers", (2, 3))),
    Domain("units_3", "int", 4, 512, log=True, condition=("layers", (3,))),
    Domain("momentum", "float", 0.0, 0.99, condition=("optimizer", ("sgd",))),
    Domain("beta", "float", 0.5, 0.999, condition=("optimizer", ("adam",))),
    Domain("lr", "float", 1e-5, 1.0, log=True, condition=("model", _NETS)),
)


def conditional(config: Config) -> float:
    """Choosing a kind of model with parameters of its own, three levels deep; boosting is best, 0 at its optimum."""

    def at(name: str, low: float, high: float) -> float:
        return math.log(config[name] / low) / math.log(high / low)

    if config["model"] == "linear":
        return -(0.25 + 0.3 * (at("penalty", 1e-6, 1e2) - 0.4) ** 2)
    if config["model"] == "net":
        sizes = [at(f"units_{i + 1}", 4, 512) for i in range(config["layers"])]
        loss = 0.03 + 0.05 * (3 - len(sizes)) + 0.3 * sum((s - 0.6) ** 2 for s in sizes) / len(sizes)
        best = 0.7 if config["optimizer"] == "sgd" else 0.45
        loss += 0.2 * (config["momentum"] - 0.9) ** 2 + 0.02 if "momentum" in config else 0.1 * (1 - config["beta"])
        return -(loss + 1.2 * (at("lr", 1e-5, 1.0) - best) ** 2)
    loss = 0.3 * (config["features"] - 0.55) ** 2
    if config["model"] == "forest":
        return -(loss + 0.08 + 0.001 * (15 - config["depth"]) ** 2)
    many_rounds = at("rounds", 10, 1000)
    loss += 0.8 * (at("shrinkage", 1e-3, 1.0) - (1.1 - 0.7 * many_rounds)) ** 2 + 0.15 * (1 - many_rounds) ** 2
    return -(loss + 0.002 * (config["depth"] - 6) ** 2)


_SYNTHETIC: dict[str, tuple[tuple[Domain, ...], Callable[[Config], float], float, float]] = {
    "hartmann6": (_floats(6, 0.0, 1.0), hartmann, 3.32237, 0.0),
    "ackley8": (_floats(8, -20.0, 30.0), ackley, 0.0, 0.0),
    "rosenbrock5": (_floats(5, -5.0, 10.0), rosenbrock, 0.0, 0.0),
    "conditional14": (_CONDITIONAL, conditional, 0.0, 0.0),
    "mixed8": (_MIXED, mixed, 0.0, 0.0),
    "many30": (_floats(30, 0.0, 1.0), many, 0.0, 0.0),
    "noisy6": (_floats(6, 0.0, 1.0), hartmann, 3.32237, 0.3),
}
SYNTHETIC = tuple(_SYNTHETIC)


def _bench() -> Path:
    """Where the surrogates' code lies: beside the data."""
    return Path(os.environ.get("MODELWRIGHT_DATA", "/nowhere")).resolve().parent / "bench"


@cache
def _beside(name: str) -> Any:
    sys.path.append(str(_bench()))
    return importlib.import_module(name)


def surrogates_there() -> bool:
    """Whether the surrogates can be used."""
    return (_bench() / "surrogates.py").exists() and importlib.util.find_spec("onnxruntime") is not None


def judging() -> tuple[str, ...]:
    """The problems of the scorer beside the data."""
    return tuple("/".join(p) for p in _beside("score_search").PROBLEMS) if surrogates_there() else ()


@cache
def problem(name: str) -> Problem:
    """The problem of that name: one of ``SYNTHETIC``, or "scenario/instance"."""
    if name in _SYNTHETIC:
        domains, score, top, noise = _SYNTHETIC[name]
        rng = np.random.default_rng(12345)
        median = float(np.median([score(draw(domains, rng)) for _ in range(4000)]))
        return Problem(name, domains, score, median, top, noise)
    made = _beside("surrogates").Surrogate(*name.split("/"))
    limits = json.loads(LIMITS.read_text()) | json.loads((_bench() / "bounds.json").read_text())
    median, top = limits.get(name) or compute_limits(name)
    return Problem(name, tuple(sorted(made.domains, key=lambda d: d.condition is not None)), made, median, top)


def compute_limits(name: str) -> tuple[float, float]:
    """Median of 100,000 random configurations, and the best that hill climbing from their top 200 finds."""
    return _beside("score_search").bounds(_beside("surrogates").Surrogate(*name.split("/")))


if __name__ == "__main__":
    found = json.loads(LIMITS.read_text()) if LIMITS.exists() else {}
    for name in OPEN:
        found[name] = found.get(name) or [round(b, 6) for b in compute_limits(name)]
        LIMITS.write_text(json.dumps(found, indent=0) + "\n")
