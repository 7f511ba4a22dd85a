"""Trials cut short: our strategies and two baselines on the same learning curves, budgets and seeds.

    python benchmarks/search/multi_fidelity.py --seeds 10 --judge --peer-python PATH
    python benchmarks/search/multi_fidelity.py auto freeze-thaw            # instances that do not judge

Curves are those of lcbench (real training runs of 52 epochs, Zimmer et al. 2021), as surrogates that need onnxruntime
and ``MODELWRIGHT_DATA`` with the folder ``bench`` beside it. The budget is 20 full trainings, in epochs; what counts is
the value after epoch 52 of the best configuration that was trained that far (0 is the best known, 1 the median random
one; 1 while none was). Every epoch counts, also one that is trained again because a trial started over.

``auto`` and ``freeze-thaw`` see a function that reports, which cannot be resumed; with ``/pausing`` trials that go on
where they paused, as Keras models do. ``one-epoch`` trains random configurations for one epoch, and the best three in
full, with the whole budget known beforehand: it has one run for each mark. ``optuna`` is TPE under Hyperband's pruner.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


import numpy as np  # noqa: E402
from problems import OPEN, Config, Problem, draw, judging, problem, surrogates_there  # noqa: E402

EPOCHS, BUDGET = 52, 20
MARKS = (7, 10, 14, 20)
OURS = ("auto", "freeze-thaw", "asha", "auto/pausing", "freeze-thaw/pausing")
BASELINES = ("optuna", "one-epoch")
#: [method, problem, seed, [[epochs spent, regret of the best so far], ...] for each mark, or once for all]
Row = list[Any]


class Spent(BaseException):
    """The epochs are used up; no strategy and no engine takes it for a failed trial."""


class Purse:
    """Pays for epochs and keeps what the trials that came to the last one were worth."""

    def __init__(self, of: Problem, trainings: float = BUDGET):
        self.of, self.limit, self.spent = of, round(trainings * EPOCHS), 0
        self.best: list[list[float]] = []

    def epoch(self, config: Config, epoch: int) -> float:
        """The score after ``epoch`` of a training that goes on."""
        if self.spent >= self.limit:
            raise Spent
        self.spent += 1
        score: Any = self.of.score
        value = float(score(config, epoch))
        regret = (self.of.top - value) / (self.of.top - self.of.median)
        if epoch == EPOCHS and (not self.best or regret < self.best[-1][1]):
            self.best.append([self.spent, round(regret, 5)])
        return value


def reporting(strategy: str, purse: Purse, seed: int) -> None:
    """A function that reports each epoch and stops when it is told to, through the door that users take."""
    from methods import through_hp

    import modelwright as mw

    def train(hp: Any, trial: Any) -> None:
        config = through_hp(purse.of.domains, hp)
        for epoch in range(1, EPOCHS + 1):
            trial.report(epoch, acc=purse.epoch(config, epoch))
            if trial.should_stop():
                return

    given = {"strategy": strategy, "steps": EPOCHS, "trials": 10_000, "seed": seed}
    mw.tune(train, objective=mw.Maximize("acc"), store=":memory:", verbose=0, **given)


def pausing(strategy: str, purse: Purse, seed: int) -> None:
    """Trials that go on from where they paused: the engine's machine, driven by hand."""
    from methods import through_hp

    from modelwright.core import records as r
    from modelwright.core.objective import Objective
    from modelwright.space import HyperParameters
    from modelwright.strategy import resolve
    from modelwright.study.machine import Machine, Setup

    hp = HyperParameters()
    through_hp(purse.of.domains, hp)
    made = resolve(strategy, steps=EPOCHS, resumable=True)
    machine = Machine(Setup(space=hp.tree, strategy=made, objectives=(Objective("acc", "max"),), seed=seed))
    while isinstance(turn := machine.propose(), list):
        machine.apply(turn)
        number = turn[-1].number
        machine.apply(machine.start(number))
        task, epoch, decision = machine.task(number, ""), 0, "go"
        machine.apply(machine.trace(number, task.config, ()))
        epoch, last = round(task.start * EPOCHS), max(1, round(task.stop * EPOCHS))
        while epoch < last and decision == "go":
            epoch += 1
            metrics = {"acc": purse.epoch(dict(task.config), epoch)}
            machine.apply([r.Reported(number=number, step=epoch, metrics=metrics, fidelity=epoch / EPOCHS)])
            decision = machine.judge(number)
        state: Any = {"go": "complete", "pause": "paused", "stop": "pruned"}[decision]
        kept = {"checkpoint": r.Artifact(path="")}
        machine.apply(machine.finish(number, r.Outcome(state=state, fidelity=epoch / EPOCHS, artifacts=kept)))


def optuna(purse: Purse, seed: int) -> None:
    """TPE with Hyperband's pruner, both as they come."""
    import optuna as library

    library.logging.set_verbosity(library.logging.ERROR)
    pruner = library.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)
    study = library.create_study(direction="maximize", sampler=library.samplers.TPESampler(seed=seed), pruner=pruner)

    def train(trial: Any) -> float:
        config: Config = {}
        for d in purse.of.domains:
            kind = trial.suggest_int if d.kind == "int" else trial.suggest_float
            config[d.name] = kind(d.name, d.low, d.high, log=d.log)
        value = 0.0
        for epoch in range(1, EPOCHS + 1):
            value = purse.epoch(config, epoch)
            trial.report(value, epoch)
            if trial.should_prune():
                raise library.TrialPruned
        return value

    study.optimize(train, n_trials=None)


def one_epoch(purse: Purse, seed: int) -> None:
    """One epoch each, then the best three in full."""
    rng = np.random.default_rng(seed)
    seen = []
    while purse.spent < purse.limit - 3 * (EPOCHS - 1):
        config = draw(purse.of.domains, rng)
        seen.append((purse.epoch(config, 1), len(seen), config))
    for _, _, config in sorted(seen, reverse=True)[:3]:
        for epoch in range(2, EPOCHS + 1):
            purse.epoch(config, epoch)


def run(method: str, name: str, seed: int) -> Row:
    """One row: what the best configuration so far was worth, whenever that changed."""
    door, _, how = method.partition("/")
    runs: dict[str, Callable[[Purse, int], None]] = {"optuna": optuna, "one-epoch": one_epoch}
    go = runs.get(method) or (lambda purse, seed: (pausing if how else reporting)(door, purse, seed))
    found = []
    for trainings in MARKS if method == "one-epoch" else (BUDGET,):
        purse = Purse(problem(name), trainings)
        with contextlib.suppress(Spent):
            go(purse, seed)
        found.append(purse.best)
    return [method, name, seed, found]


def after(row: Row, trainings: float) -> float:
    """Regret of a run after so many full trainings' worth of epochs."""
    traces = row[3]
    trace = traces[MARKS.index(int(trainings))] if len(traces) > 1 else traces[0]
    return min((regret for spent, regret in trace if spent <= trainings * EPOCHS), default=1.0)


def finished(python: str, tasks: list[Row], jobs: int) -> Iterator[Row]:
    """Rows of ``tasks``, as processes of ``python`` print them."""
    parts = [part for part in (tasks[i::jobs] for i in range(jobs)) if part]
    script = [python, __file__, "--worker"]
    running = [subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in parts]
    for process, part in zip(running, parts, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(part))
        process.stdin.close()
    for process in running:
        assert process.stdout is not None
        yield from (json.loads(line) for line in process.stdout if line.startswith("["))
        if process.wait():
            raise SystemExit(f"{python} {__file__} ended with {process.returncode}; its message stands above")


def report(rows: list[Row]) -> None:
    """Means at the marks, when Optuna's last mean was reached, and paired differences."""
    from paired import compare

    methods = [m for m in (*OURS, *BASELINES) if any(row[0] == m for row in rows)]
    runs = {m: {(r[1], r[2]): [after(r, mark) for mark in MARKS] for r in rows if r[0] == m} for m in methods}
    peer = runs.get("optuna")
    goal = float(np.mean([values[-1] for values in peer.values()])) if peer else None
    print("\n| trainings | runs | " + " | ".join(map(str, MARKS)) + " | as good as Optuna's last |")
    print("|---|---|" + "---|" * (len(MARKS) + 1))
    for m in methods:
        cells = " | ".join(f"{v:.3f}" for v in np.mean(list(runs[m].values()), axis=0))
        print(f"| {m} | {len(runs[m])} | {cells} | {_reached([r for r in rows if r[0] == m], goal)} |")
    for mine in (m for m in methods if m in OURS):
        for other in (m for m in methods if m in BASELINES):
            at = [compare(runs[mine], runs[other], i) for i in range(len(MARKS))]
            cells = ", ".join(f"{c.mean:+.3f} ({c.low:+.3f} to {c.high:+.3f})" for c in at if c)
            lost = at[-1].lost if at[-1] else ()
            print(f"{mine} minus {other}: {cells}" + (f"; at the end lost on {lost}" if lost else ""))


def _reached(rows: list[Row], goal: float | None) -> str:
    """After how many full trainings the mean regret came down to ``goal``."""
    if goal is None or rows[0][0] in BASELINES:
        return "-"
    ends = sorted({spent for row in rows for spent, _ in row[3][0]})
    first = next((e for e in ends if np.mean([after(row, e / EPOCHS) for row in rows]) <= goal), None)
    return "never" if first is None else f"after {first / EPOCHS:.1f} ({first / EPOCHS / BUDGET:.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", default=[*OURS, "one-epoch"])
    parser.add_argument("--peer-python", help="a Python that has Optuna; without it Optuna does not run")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="processes at the same time")
    parser.add_argument("--judge", action="store_true", help="the problems that judge")
    parser.add_argument("--out", type=Path, help="keep the rows there")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        for task in json.load(sys.stdin):
            print(json.dumps(run(*task)), flush=True)
        return
    if not surrogates_there():
        raise SystemExit("There are no curves: MODELWRIGHT_DATA with the folder bench beside it, and onnxruntime.")
    names = [name for name in (judging() if args.judge else OPEN) if name.startswith("lcbench/")]
    pairs = [(name, seed) for name in names for seed in range(args.seeds)]
    rows = list(finished(sys.executable, [[m, *pair] for m in args.methods for pair in pairs], args.jobs))
    if args.peer_python:
        rows += finished(args.peer_python, [["optuna", *pair] for pair in pairs], args.jobs)
    if args.out:
        args.out.write_text(json.dumps(rows))
    report(rows)


if __name__ == "__main__":
    main()
