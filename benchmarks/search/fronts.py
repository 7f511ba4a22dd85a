"""Several objectives: how much of the best known front's hypervolume a search has after 25, 50 and 100 trials.

    python benchmarks/search/fronts.py --seeds 5 --out fronts.json
    python benchmarks/search/fronts.py --read fronts.json

Problems: ZDT1 to ZDT3 (Zitzler, Deb and Thiele 2000; six parameters), DTLZ2 with three objectives (Deb et al. 2002; six
parameters), and surrogates of real training runs, error against seconds of training, on instances that do not judge
elsewhere. Hypervolume is counted from 1.1 times the extent of the best known front, which is that of all runs
together and, where it has a formula, the true one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import modelwright as mw

MARKS = (25, 50, 100)
Run = Callable[[Any], dict[str, float]]


def zdt(which: int, axes: int = 6) -> Run:
    def run(hp: Any) -> dict[str, float]:
        x = np.array([hp.Float(f"x{i}", 0.0, 1.0, default=0.5) for i in range(axes)])
        g = 1 + 9 * x[1:].mean()
        r = x[0] / g
        shape = {1: 1 - np.sqrt(r), 2: 1 - r * r, 3: 1 - np.sqrt(r) - r * np.sin(10 * np.pi * x[0])}
        return {"a": float(x[0]), "b": float(g * shape[which])}

    return run


def dtlz2(axes: int = 6) -> Run:
    def run(hp: Any) -> dict[str, float]:
        x = np.array([hp.Float(f"x{i}", 0.0, 1.0, default=0.3) for i in range(axes)])
        g, a, b = ((x[2:] - 0.5) ** 2).sum(), x[0] * np.pi / 2, x[1] * np.pi / 2
        return {
            "a": float((1 + g) * np.cos(a) * np.cos(b)),
            "b": float((1 + g) * np.cos(a) * np.sin(b)),
            "c": float((1 + g) * np.sin(a)),
        }

    return run


def trained(scenario: str, instance: str, second: int) -> Run:
    """Error and the surrogate's output ``second``: both to be made small, on scales of their own."""
    file = Path(os.environ["MODELWRIGHT_DATA"]).parent / "bench" / "surrogates.py"
    spec = importlib.util.spec_from_file_location("surrogates", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["surrogates"] = module
    spec.loader.exec_module(module)
    problem = module.Surrogate(scenario, instance)
    other = module.Surrogate(scenario, instance)
    other._spec = {**other._spec, "target": (second, 1.0, False)}

    def run(hp: Any) -> dict[str, float]:
        config: dict[str, Any] = {}
        for d in sorted(problem.domains, key=lambda d: d.condition is not None):
            if d.condition and config.get(d.condition[0]) not in d.condition[1]:
                continue
            if d.kind == "categorical":
                config[d.name] = hp.Choice(d.name, list(d.choices))
            elif d.kind == "int":
                config[d.name] = hp.Int(d.name, int(d.low), int(d.high), sampling="log" if d.log else "linear")
            else:
                config[d.name] = hp.Float(d.name, d.low, d.high, sampling="log" if d.log else "linear")
        return {"a": 1.0 - problem(config), "b": max(other(config), 0.0)}

    return run


def problems() -> dict[str, Callable[[], Run]]:
    found: dict[str, Callable[[], Run]] = {f"zdt{i}": (lambda i=i: zdt(i)) for i in (1, 2, 3)}
    found["dtlz2"] = dtlz2
    if "MODELWRIGHT_DATA" in os.environ:
        for instance in ("3945", "7593", "168908"):
            found[f"lcbench/{instance}"] = lambda i=instance: trained("lcbench", i, 0)
    return found


def true_front(name: str) -> np.ndarray:
    """Points of the known front, or none."""
    x = np.linspace(0, 1, 400)
    if name == "zdt1":
        return np.column_stack([x, 1 - np.sqrt(x)])
    if name == "zdt2":
        return np.column_stack([x, 1 - x * x])
    if name == "zdt3":
        return np.column_stack([x, 1 - np.sqrt(x) - x * np.sin(10 * np.pi * x)])
    if name == "dtlz2":
        a, b = np.meshgrid(np.linspace(0, np.pi / 2, 15), np.linspace(0, np.pi / 2, 15))
        return np.column_stack([(np.cos(a) * np.cos(b)).ravel(), (np.cos(a) * np.sin(b)).ravel(), np.sin(a).ravel()])
    return np.empty((0, 2))


def search(name: str, strategy: str, seed: int, trials: int) -> tuple[list[list[float]], float]:
    """Values of every trial, in order, and the seconds the whole took."""
    run = problems()[name]()
    names = ["a", "b", "c"] if name == "dtlz2" else ["a", "b"]
    began = time.perf_counter()
    study = mw.tune(
        run, objective=[mw.Minimize(n) for n in names], strategy=strategy, trials=trials, seed=seed, verbose=0,
        store=":memory:",
    )  # fmt: skip
    return [[trial.metrics[n] for n in names] for trial in study.trials], time.perf_counter() - began


def table(runs: list[dict[str, Any]]) -> str:
    from modelwright.strategy.pareto import front, hypervolume

    lines = [f"| problem | strategy | {' | '.join(map(str, MARKS))} | s |", "|---|---|" + "---|" * (len(MARKS) + 1)]
    shares: dict[str, list[np.ndarray]] = {}
    for name in dict.fromkeys(run["problem"] for run in runs):
        here = [run for run in runs if run["problem"] == name]
        known_front = true_front(name)
        known = -np.vstack([*[np.array(run["values"]) for run in here], *([known_front] if len(known_front) else [])])
        best = known[front(known)]
        low, width = best.min(axis=0), np.ptp(best, axis=0)
        reference = low - 0.1 * width
        unit = lambda v: (-np.array(v) - reference) / width  # noqa: B023, E731
        most = hypervolume(unit(-best), np.zeros(best.shape[1]))
        for strategy in dict.fromkeys(run["strategy"] for run in here):
            chosen = [run for run in here if run["strategy"] == strategy]
            share = [
                [hypervolume(unit(run["values"][:n]), [0.0] * best.shape[1]) / most for n in MARKS] for run in chosen
            ]
            mean = np.mean(share, axis=0)
            shares.setdefault(strategy, []).append(mean)
            seconds = np.mean([run["seconds"] for run in chosen])
            lines.append(f"| {name} | {strategy} | {' | '.join(f'{m:.3f}' for m in mean)} | {seconds:.1f} |")
    for strategy, found in shares.items():
        lines.append(f"| **mean** | {strategy} | {' | '.join(f'{m:.3f}' for m in np.mean(found, axis=0))} | |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", default="bayesian,evolution,random")
    parser.add_argument("--problems", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--label", default="", help="appended to the strategies' names")
    parser.add_argument("--out", help="file to add the runs to")
    parser.add_argument("--read", nargs="*", help="print the table of these files and run nothing")
    given = parser.parse_args()
    if given.read:
        print(table([run for file in given.read for run in json.loads(Path(file).read_text())]))
        return
    out, runs = Path(given.out or "fronts.json"), []
    if out.exists():
        runs = json.loads(out.read_text())
    for name in problems():
        if given.problems and not any(word in name for word in given.problems.split(",")):
            continue
        for strategy in given.strategies.split(","):
            for seed in range(given.seeds):
                values, seconds = search(name, strategy, seed, given.trials)
                label = strategy + given.label
                runs.append({"problem": name, "strategy": label, "seed": seed, "values": values, "seconds": seconds})
        out.write_text(json.dumps(runs))


if __name__ == "__main__":
    main()
