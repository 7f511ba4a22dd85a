"""How many more trials eight workers need: trials until as good as a serial search is after 50.

    python benchmarks/search/parallel.py [strategy ...] [--seeds 5] [--workers 8] [--problems NAME ...]

Workers are simulated: so many trials are always running, and how long each takes is drawn between half and one and a
half. Counted are finished trials, on the mean regret over problems and seeds.
"""

from __future__ import annotations

import argparse
import heapq
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
from methods import Judge, through_hp
from problems import SYNTHETIC, problem

import modelwright as mw


def regrets(strategy: str, name: str, seed: int, trials: int, workers: int) -> np.ndarray:
    """Normalised regret after each finished trial."""
    of = problem(name)
    judge, rng = Judge(of, seed), np.random.default_rng([seed, 3])
    study = mw.Study(
        lambda hp: declare(of.domains, hp),
        strategy=strategy,
        objective="maximize",
        store=":memory:",
        seed=seed,
    )
    running: list[tuple[float, int, mw.Trial]] = []
    now = 0.0
    while len(judge.seen) < trials:
        while len(running) < workers:
            trial = study.ask()
            heapq.heappush(running, (now + rng.uniform(0.5, 1.5), trial.number, trial))
        now, _, trial = heapq.heappop(running)
        study.tell(trial, judge(dict(trial.config)))
    return np.array(of.regrets(judge.seen, judge.truth, tuple(range(1, trials + 1))))


def declare(domains: tuple[Any, ...], hp: mw.HyperParameters) -> None:
    """Declare all domains, each under its condition and that of its parent."""
    above = {d.name: d.condition for d in domains}
    for d in domains:
        with ExitStack() as scopes:
            conditions, condition = [], d.condition
            while condition is not None:
                conditions.append(condition)
                condition = above[condition[0]]
            for parent, values in reversed(conditions):
                scopes.enter_context(hp.conditional_scope(parent, list(values)))
            through_hp((replace(d, condition=None),), hp)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", default=["auto"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--problems", nargs="*", default=[n for n in SYNTHETIC if n != "noisy6"])
    args = parser.parse_args()
    for strategy in args.strategies:
        curves = {
            w: np.mean(
                [regrets(strategy, n, s, args.trials, w) for n in args.problems for s in range(args.seeds)], axis=0
            )
            for w in (1, args.workers)
        }
        goal = curves[1][49]
        reached = np.flatnonzero(curves[args.workers] <= goal)
        said = f"{reached[0] + 1} trials, {(reached[0] + 1) / 50:.2f} times" if len(reached) else "not reached"
        print(f"{strategy}: serial regret after 50 is {goal:.4f}; {args.workers} workers: {said}", flush=True)
