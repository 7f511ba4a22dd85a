"""A study of 100,000 trials: opening and going on, claiming the next trial, a page of trials.

    python benchmarks/store/large.py [--trials 100000] [--reports 5] [--store PATH] [--again]

Its events are written as a random search writes them, through the journal. Each measurement is a process of its own;
its memory is the highest that the operating system saw. ``--again`` also opens it with nothing but the events, as a
store is opened whose kept state was thrown away.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

import modelwright as mw
from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.objective import Objective
from modelwright.execute.serial import SerialExecutor
from modelwright.store import open_store
from modelwright.strategy.base import Strategy
from modelwright.study import folded
from modelwright.study.budget import Budget
from modelwright.study.crew import Crew
from modelwright.study.journal import Journal
from modelwright.study.loop import Loop
from modelwright.study.machine import Machine, Setup
from modelwright.training.function import FunctionEstimation

NAMES = ("x", "y", "z")


def function(hp, trial):
    values = [hp.Float(name, 0.0, 1.0) for name in NAMES]
    for step in range(1, 6):
        trial.report(step, sum(values) / step)


def search(store, trials):
    options = {"objective": "minimize", "strategy": "random", "name": "large", "verbose": 0}
    return mw.tune(function, trials=trials, store=store, **options)


class Fixed(Strategy):
    """Thinks of nothing: what is measured is everything else."""

    name = "fixed"

    def ask(self, state, space, number):
        if number is None:
            return r.Exhausted()
        return r.Proposal(config=dict.fromkeys(NAMES, number % 1009 / 1009), note={"by": "fixed"})


def journal_of(store, strategy):
    record = store.find("large")
    study = mw.load_study("large", store)
    setup = Setup(space=study.space, strategy=strategy, objectives=(Objective("value", "min"),))
    return Journal(Machine(setup), store, record)


def write(place, trials, reports):
    """The first trials by ``tune``, so that the study is one of its own; the others as it would have stored them."""
    search(place, 3)
    store = open_store(place)
    journal = journal_of(store, Fixed())
    journal.sync()
    rng = np.random.default_rng(0)
    journal.begin()
    for number in range(3, trials):
        config = {name: float(value) for name, value in zip(NAMES, rng.random(3), strict=True)}
        value = sum(config.values())
        told = [
            r.Reported(number=number, step=step, metrics={"value": value / step}, fidelity=step / 5)
            for step in range(1, reports + 1)
        ]
        metrics = {"value": value / reports}
        ended = r.Finished(
            number=number, state="complete", values=(value / reports,), metrics=metrics, step=reports, steps=reports,
            duration=0.001,
        )  # fmt: skip
        started = [
            r.Proposed(number=number, config=config, note={"by": "random"}),
            r.Started(number=number, worker="runs 1 1 here 1"),
            r.Configured(number=number, config=config),
        ]
        journal.write([*started, *told, ended])
    journal.end()
    store.close()


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def spread(seconds):
    inner = sorted(1e3 * s for s in seconds)
    middle, high = inner[len(inner) // 2], inner[int(0.95 * len(inner))]
    return f"median {middle:.1f} ms, p95 {high:.1f} ms, most {inner[-1]:.1f} ms"


def opened(place):
    began = time.perf_counter()
    study = mw.load_study("large", place)
    count, took = len(study.trials), time.perf_counter() - began
    print(f"open: {took:.2f} s for {count} trials, {peak():.0f} MB at most, best {study.best.value:.6f}")


def resumed(place):
    began, first = time.perf_counter(), []

    def once(hp, trial):
        first.append(time.perf_counter() - began)
        function(hp, trial)

    done = len(mw.load_study("large", place).trials) if os.environ.get("COUNT") is None else int(os.environ["COUNT"])
    began = time.perf_counter()
    options = {"objective": "minimize", "strategy": "random", "name": "large", "verbose": 0}
    study = mw.tune(once, trials=done + 3, store=place, **options)
    print(f"resume with tune(): first trial began after {first[0]:.2f} s, {peak():.0f} MB at most, {study!r}")


def claims(place, count=300):
    import sqlalchemy as sa

    store = open_store(place)
    statements, gaps, ended = [], [], []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    journal = journal_of(store, Fixed())
    journal.sync()
    total = journal.machine.history.started + count
    marks = []

    def timed(hp, trial):
        marks.append((time.perf_counter(), len(statements)))
        function(hp, trial)
        ended.append(time.perf_counter())

    with store.member(journal.record.id), Crew(store, journal.record.id) as crew:
        executor = SerialExecutor()
        executor.open(FunctionEstimation(timed, objectives=journal.machine.setup.objectives, with_trial=True))
        Loop(journal, executor, Budget(trials=total), needs_folder=False, crew=crew).run()
    gaps = [start - end for (start, _), end in zip(marks[1:], ended, strict=False)]
    asked = sorted(b - a for (_, a), (_, b) in pairwise(marks))
    queries = f"statements median {asked[len(asked) // 2]}, most {asked[-1]}"
    print(f"finish one and claim the next, durable: {spread(gaps)}; {queries}")


def pages(place, count=200):
    rng, times = np.random.default_rng(1), []
    store = open_store(place)
    record = store.find("large")
    assert record is not None
    total = len(mw.load_study("large", store).trials)
    for first in rng.integers(0, total - 100, count):
        began = time.perf_counter()
        found = folded.trials(store, record, int(first), 100)
        times.append(time.perf_counter() - began)
        assert found is not None and len(found) == 100
    print(f"page of 100 from the store: {spread(times)}")
    study, times = mw.load_study("large", store), []
    for first in rng.integers(0, total - 100, count):
        began = time.perf_counter()
        assert len(study.trials[first : first + 100]) == 100
        times.append(time.perf_counter() - began)
    print(f"page of 100 of an open study: {spread(times)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--reports", type=int, default=5)
    parser.add_argument("--store", help="keep the study there, and use the one that is there")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--part", choices=["open", "resume", "claims", "pages"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        {"open": opened, "resume": resumed, "claims": claims, "pages": pages}[args.part](args.store)
        return
    with tempfile.TemporaryDirectory() as folder:
        place = args.store or str(Path(folder) / "s.db")
        if not Path(place).exists():
            began = SystemClock().monotonic()
            write(place, args.trials, args.reports)
            took = SystemClock().monotonic() - began
            size = sum(p.stat().st_size for p in Path(place).parent.rglob("*") if p.is_file()) / 1e6
            print(f"{args.trials} trials of {args.reports} reports written in {took:.0f} s, {size:.0f} MB", flush=True)
        run = [sys.executable, __file__, "--store", place, "--part"]
        for part in ("open", "pages", "resume", "claims"):
            environ = {**os.environ, "COUNT": str(args.trials)}
            subprocess.run([*run, part], check=True, env=environ)
        if args.again:
            store = open_store(place)
            store.forget(store.find("large").id)
            store.close()
            print("from the events alone:", flush=True)
            subprocess.run([*run, "open"], check=True)


if __name__ == "__main__":
    main()
