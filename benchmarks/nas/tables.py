"""Strategies on published tables of architectures: what the best by validation is worth on the test set.

    MODELWRIGHT_DATA=... python benchmarks/nas/tables.py [strategy ...] [--table c100] [--seeds 10] [--workers 2]

A query trains one network (here: looks it up) and sees its validation accuracy; the score is the test accuracy of the
best by validation after 25, 50, 100 and 200 queries. NAS-Bench-201's cells are searched as the architecture space
``nas.nasbench201()``, so that two configurations of one network are one candidate. NAS-Bench-Macro has three test runs
a network: the first is seen, the mean of three is the score. A reference is the mean of 100 runs of another program on
the same tables; "behind" is said where ours is below it by more than two standard errors of the difference.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

MARKS = (25, 50, 100, 200)
TABLES = ("c10", "c100", "in16", "macro")
STRATEGIES = ("random", "evolution", "reinforce", "controller", "local", "bayesian", "progressive", "auto")
#: (table, strategy) -> means after MARKS, NaN where unknown, and the standard deviation of the last of them.
NAN = float("nan")
REFERENCES = {
    ("c100", "random"): ((70.41, 71.09, 71.49, 71.90), 0.80),
    ("c100", "evolution"): ((70.83, 71.67, 72.52, 73.09), 0.50),
    ("c100", "reinforce"): ((70.77, 71.51, 72.17, 72.80), 0.79),
    ("c100", "controller"): ((70.77, 71.51, 72.17, 72.80), 0.79),
    ("c100", "local"): ((71.54, 72.51, 73.24, 73.44), 0.17),
    ("c100", "bayesian"): ((70.78, 72.78, 73.24, 73.46), 0.11),
    ("c10", "random"): ((NAN, NAN, NAN, 93.89), NAN),
    ("c10", "evolution"): ((NAN, NAN, NAN, 94.10), NAN),
    ("c10", "local"): ((NAN, NAN, NAN, 94.17), NAN),
    ("c10", "bayesian"): ((NAN, NAN, NAN, 94.24), NAN),
    ("in16", "random"): ((NAN, NAN, NAN, 45.85), NAN),
    ("in16", "evolution"): ((NAN, NAN, NAN, 46.42), NAN),
    ("in16", "local"): ((NAN, NAN, NAN, 46.40), NAN),
    ("in16", "bayesian"): ((NAN, NAN, NAN, 46.42), NAN),
    ("macro", "random"): ((NAN, NAN, 92.78, NAN), NAN),
    ("macro", "evolution"): ((NAN, NAN, 92.95, NAN), NAN),
    ("macro", "local"): ((NAN, NAN, 92.97, NAN), NAN),
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A space, and for a configuration what is seen and what it is worth."""

    space: Any
    score: Callable[[Any], tuple[float, float]]


@cache
def problem(name: str) -> Problem:
    from modelwright import nas
    from modelwright.nas.nasbench import published
    from modelwright.space import HyperParameters

    folder = Path(os.environ["MODELWRIGHT_DATA"]) / "nas"
    if name != "macro":
        with gzip.open(folder / "nb201_full.csv.gz", "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        cells = {r["arch"]: (float(r[f"{name}_val_e200"]), float(r[f"{name}_test_e200"])) for r in rows}
        return Problem(nas.nasbench201().tree, lambda config: cells[published(config)])
    with gzip.open(folder / "nb_macro_cifar10.csv.gz", "rt", newline="") as file:
        networks = {r["arch"]: (float(r["test_acc_1"]), float(r["mean_acc"])) for r in csv.DictReader(file)}
    hp = HyperParameters()
    for layer in range(8):
        hp.Choice(f"layer{layer}", ["identity", "ir_3x3_e3", "ir_5x5_e6"])
    order = {"identity": "0", "ir_3x3_e3": "1", "ir_5x5_e6": "2"}
    return Problem(hp.tree, lambda config: networks["".join(order[config[f"layer{i}"]] for i in range(8))])


def run(task: tuple[str, str, int, int]) -> tuple[str, str, list[float], float]:
    """One search: its score at each mark, and milliseconds of CPU a query."""
    import modelwright as mw

    table, strategy, seed, queries = task
    found = problem(table)
    began = time.process_time()
    study = mw.Study(found.space, objective="maximize", strategy=strategy, store=":memory:", seed=seed)
    seen, worth = [], []
    for _ in range(queries):
        trial = study.ask()
        shown, real = found.score(trial.config)
        study.tell(trial, shown)
        seen.append(shown)
        worth.append(real)
    spent = (time.process_time() - began) / queries * 1000
    return table, strategy, [worth[int(np.argmax(seen[:m]))] for m in MARKS if m <= queries], spent


def verdict(table: str, strategy: str, scores: np.ndarray) -> str:
    """Whether the last known mark is below the reference by more than two standard errors."""
    means, spread = REFERENCES.get((table, strategy), ((NAN,) * 4, NAN))
    for mark in reversed(range(scores.shape[1])):
        if not np.isnan(means[mark]):
            error = np.sqrt(scores[:, mark].var(ddof=1) / len(scores) + (0 if np.isnan(spread) else spread**2 / 100))
            gap = scores[:, mark].mean() - means[mark]
            word = "behind" if gap < -2 * error else "ok"
            return f"{word}: {gap:+.2f} to {means[mark]} after {MARKS[mark]}, two errors {2 * error:.2f}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", default=STRATEGIES)
    parser.add_argument("--table", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    for table in args.table:
        for strategy in args.strategies:
            tasks = [(table, strategy, seed, args.queries) for seed in range(args.seeds)]
            if args.workers > 1:
                with ProcessPoolExecutor(args.workers) as pool:
                    rows = list(pool.map(run, tasks))
            else:
                rows = list(map(run, tasks))
            scores = np.array([row[2] for row in rows])
            shown = " | ".join(f"{m:.2f}±{s:.2f}" for m, s in zip(scores.mean(0), scores.std(0, ddof=1), strict=True))
            said = f"{np.mean([row[3] for row in rows]):.0f} ms | {verdict(table, strategy, scores)}"
            print(f"| {table} | `{strategy}` | {shown} | {said} |", flush=True)


if __name__ == "__main__":
    main()
