"""Memory of one process that trains a few hundred small networks, each of another shape, one after another.

    python benchmarks/nas/memory.py --networks 300

Images of 8x8, 200 rows, one epoch each. What a run prints: resident megabytes after so many networks, the highest, and
the slope over the last two thirds. Where a network's programs stay behind, the slope is megabytes for each.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Watch:
    """A tracker that notes the memory after each network; in one process with those that train."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def start(self, study: Any) -> None:
        pass

    def started(self, trial: Any) -> None:
        pass

    def reported(self, trial: Any, step: int, metrics: Any) -> None:
        pass

    def finished(self, trial: Any) -> None:
        self.found.append(resident())
        if len(self.found) % 50 == 0:
            print(f"{len(self.found)} networks: {self.found[-1]:.0f} MB", file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


def define(hp: Any, x: Any) -> Any:
    """Some hundred thousand networks, hardly two of one shape."""
    for i in range(hp.Int("depth", 1, 3)):
        x = x.conv(hp.Int(f"filters{i}", 4, 40), hp.Choice(f"kernel{i}", [1, 3])).batch_norm().relu()
    return x.global_avg_pool().dense(hp.Int("units", 4, 40)).relu().dense(2)


def run(networks: int, seed: int) -> dict[str, Any]:
    import modelwright as mw

    rng = np.random.default_rng(seed)
    x, y, watch = rng.random((200, 8, 8)), np.arange(200) % 2, Watch()
    began = time.perf_counter()
    study = mw.nas.search(
        mw.nas.Architecture(define, (8, 8, 1)), x, y, plan=None, strategy="random", trials=networks, epochs=1,
        executor="serial", store=":memory:", verbose=0, seed=seed, trackers=[watch],
    )  # fmt: skip
    found, third = np.array(watch.found), len(watch.found) // 3
    marks = {n: round(float(found[n - 1])) for n in (1, 50, 100, 150, 200, 250, 300) if n <= len(found)}
    slope = float(np.polyfit(np.arange(third, len(found)), found[third:], 1)[0])
    return {
        "networks": len(study.trials),
        "megabytes after": marks,
        "highest": round(float(found.max())),
        "slope, MB a network": round(slope, 3),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    read = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    read.add_argument("--networks", type=int, default=300)
    read.add_argument("--seed", type=int, default=0)
    options = read.parse_args()
    print(json.dumps(run(options.networks, options.seed)))


if __name__ == "__main__":
    main()
