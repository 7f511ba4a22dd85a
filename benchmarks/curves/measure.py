"""Coverage and interval score of the extrapolation on curves that nothing was fitted on.

    MODELWRIGHT_DATA=... python benchmarks/curves/measure.py [completed ...]

NAS-Bench-NLP (341 whole curves of 50 epochs) and TaskSet's text tasks (12 x 1,000 curves of 51 points). A study's
completed curves are drawn at random, others are forecast from 10, 25 and 50 % of their points. "last value plus
quantiles" adds the 10 % and 90 % quantiles of (end - last) of the same completed curves. Interval scores (alpha 0.2)
are ratios to it: in logarithms of the loss over all curves, and in the loss itself over those that never exceed
three times the median first value, taken alone (TaskSet holds 60,000 for what diverged). Ratios of tasks and draws are
averaged geometrically.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
from pathlib import Path

import numpy as np

from modelwright.curves import Extrapolator

SHARES = (0.1, 0.25, 0.5)


def tasks() -> dict[str, dict[str, np.ndarray]]:
    """Benchmark -> task -> (curves, points)."""
    folder = Path(os.environ["MODELWRIGHT_DATA"]) / "nas"
    with gzip.open(folder / "nbnlp_wikitext2_curves.csv.gz", "rt") as file:
        curves = [[float(v) for v in row["val_curve"].split()] for row in csv.DictReader(file)]
    found = {"NAS-Bench-NLP": {"wikitext-2": np.array([c for c in curves if len(c) == 50])}}
    with np.load(folder / "taskset_lm_text_curves.npz") as stored:
        names = [k for k in stored.files if k.endswith("__valid_loss")]
        found["TaskSet"] = {k.removesuffix("__valid_loss"): stored[k].astype(float) for k in names}
    return found


def interval_score(ends: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Gneiting and Raftery (JASA 2007), for central 80 % intervals; smaller is better."""
    return high - low + 10 * (np.maximum(low - ends, 0) + np.maximum(ends - high, 0))


def measure(
    curves: np.ndarray, share: float, completed: int, seed: int, logs: bool, most: int = 100
) -> tuple[float, float]:
    """Coverage of 80 % intervals, and the ratio of their scores to those of last value plus quantiles."""
    order = np.random.default_rng(seed).permutation(len(curves))
    known, asked = curves[order[:completed]], curves[order[completed:]][:most]
    seen = max(1, round(share * curves.shape[1]))
    study = Extrapolator(curves.shape[1], known.tolist())
    mine = np.array([study.forecast(c[:seen]).interval(0.8) for c in asked.tolist()]).T
    covered = (asked[:, -1] >= mine[0] * (1 - 1e-9)) & (asked[:, -1] <= mine[1] * (1 + 1e-9))
    if logs:
        known, asked, mine = np.log(known), np.log(asked), np.log(mine)
    moved = np.quantile(known[:, -1] - known[:, seen - 1], [0.1, 0.9])
    theirs = interval_score(asked[:, -1], asked[:, seen - 1] + moved[0], asked[:, seen - 1] + moved[1])
    return float(covered.mean()), float(interval_score(asked[:, -1], mine[0], mine[1]).mean() / theirs.mean())


def main(given: list[str]) -> None:
    print("| benchmark | completed | from | hold, all | score, log loss | hold, never diverged | score, loss |")
    print("|---|---|---|---|---|---|---|")
    for name, group in tasks().items():
        tame = [c[(c < 3 * np.median(c[:, 0])).all(1)] for c in group.values()]
        for completed in [int(v) for v in given] or [10, 20, 50, 200]:
            for share in SHARES:
                draws, cells = range(10 if len(group) == 1 else 2), []
                for some, logs in ((group.values(), True), (tame, False)):
                    found = np.array([measure(c, share, completed, seed, logs) for c in some for seed in draws])
                    cells.append(f"{found[:, 0].mean():.1%} | {np.exp(np.log(found[:, 1]).mean()):.2f}")
                print(f"| {name} | {completed} | {share:.0%} | {cells[0]} | {cells[1]} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
