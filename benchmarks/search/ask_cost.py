"""What asking costs, and what resuming costs: ten parameters, one thread, CPU milliseconds.

    python benchmarks/search/ask_cost.py [strategy ...] [--observations 100 200 1000]

Asks and tells through ``mw.Study`` up to each number of observations, and times the 20 asks on either side of it, so
that fits which are only due now and then are in the mean. Then a study of 1,000 trials in a file is opened again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

import modelwright as mw  # noqa: E402


def declare(hp: mw.HyperParameters) -> None:
    for i in range(4):
        hp.Float(f"x{i}", 0.0, 1.0)
    for i in range(2):
        hp.Float(f"log{i}", 1e-5, 1.0, sampling="log")
    for i in range(2):
        hp.Int(f"n{i}", 1, 64)
    for i in range(2):
        hp.Choice(f"c{i}", ["a", "b", "c", "d"])


def score(config: dict) -> float:
    numbers = [config[f"x{i}"] for i in range(4)] + [-np.log10(config[f"log{i}"]) / 5 for i in range(2)]
    numbers += [config[f"n{i}"] / 64 for i in range(2)]
    return float(sum((x - 0.37) ** 2 for x in numbers) + 0.1 * sum(config[f"c{i}"] != "c" for i in range(2)))


def asks(strategy: str, marks: list[int], around: int = 20) -> None:
    study = mw.Study(declare, strategy=strategy, objective="minimize", store=":memory:", seed=1)
    spent: list[float] = []
    for _ in range(max(marks) + around):
        began = time.process_time()
        trial = study.ask()
        spent.append(1e3 * (time.process_time() - began))
        study.tell(trial, score(trial.config))
    for mark in marks:
        here = np.array(spent[max(mark - around, 0) : mark + around])
        high = np.quantile(here, 0.95)
        print(f"| `{strategy}` | {mark} | {here.mean():.1f} | {high:.1f} | {high / here.mean():.1f} |", flush=True)


def resume(trials: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "s.db")
        mw.tune(
            lambda hp: (declare(hp), score(hp.values))[1],
            objective="minimize",
            strategy="random",
            trials=trials,
            store=store,
            name="s",
            verbose=0,
        )
        began = time.process_time()
        study = mw.load_study("s", store=store)
        count = len(study.trials)
        print(f"\nopening a study of {count} trials: {time.process_time() - began:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", default=["auto", "bayesian", "tpe"])
    parser.add_argument("--observations", nargs="*", type=int, default=[100, 200, 1000])
    args = parser.parse_args()
    print("| strategy | observations | mean, ms | 95th percentile, ms | ratio |\n|---|---|---|---|---|")
    for strategy in args.strategies:
        asks(strategy, args.observations)
    resume(1000)
