"""What a trial costs more on Ray than in local worker processes, at steady state.

Both run the same tasks (five reports each) with as many slots, on the same machine, in turns. Needs the extra ``ray``.

    python benchmarks/ray_overhead.py --trials 400 --slots 2
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

from modelwright.core.records import Task
from modelwright.execute.base import Executor
from modelwright.execute.processes import ProcessExecutor
from modelwright.execute.ray import RayExecutor
from modelwright.testing.executor import Listener, Steps


def run(executor: Executor, trials: int, first: int) -> list[float]:
    """Milliseconds per trial of each of ten parts."""
    part, listener, times = trials // 10, Listener(), []
    for block in range(10):
        waiting = [Task(number=first + block * part + i, config={"steps": 5}) for i in range(part)]
        until = len(listener.outcomes) + part
        began = time.perf_counter()
        while len(listener.outcomes) < until:
            while waiting and executor.free:
                executor.submit(waiting.pop(0))
            executor.poll(listener, 30)
        times.append((time.perf_counter() - began) / part * 1e3)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--slots", type=int, default=2)
    given = parser.parse_args()
    made = {"processes": ProcessExecutor(given.slots, quiet=True), "ray": RayExecutor(slots=given.slots, quiet=True)}
    found: dict[str, list[float]] = {name: [] for name in made}
    try:
        for executor in made.values():
            executor.open(Steps())
            run(executor, 20, 0)
        for turn in range(3):
            for name, executor in made.items():
                found[name] += run(executor, given.trials, (turn + 1) * given.trials)
    finally:
        for executor in made.values():
            executor.close()
    medians = {name: statistics.median(times) for name, times in found.items()}
    result = {
        "milliseconds per trial, median of parts": {name: round(value, 2) for name, value in medians.items()},
        "overhead": round(medians["ray"] - medians["processes"], 2),
        "worst part": {name: round(max(times), 2) for name, times in found.items()},
        "slots": given.slots,
        "trials": 3 * given.trials,
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
