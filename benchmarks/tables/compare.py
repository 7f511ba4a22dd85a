"""Tables beside the peers: one scorer, the same rows, cores and seconds, and who won by how much.

    python compare.py run TOOL SECONDS FOLDER --seeds 0 1 2 [--tables adult letter ...]
    python compare.py report FOLDER [--seconds 60]

``run`` calls ``score_tables.py`` (beside the data, ``MODELWRIGHT_DATA/../bench``) for one table and one seed at a
time, each in a process of its own, and keeps every row's prediction in FOLDER, which ``report`` needs to tell a
difference from noise, and models of ours, which ``predict.py --models`` measures. A peer's run is started with the
peer's interpreter. What is already in FOLDER is not run again, so a run that was cut off goes on.

``report`` compares tool with tool on each table and split. A difference that is within two standard errors of a
paired bootstrap over the test rows is a tie and counts half. The relative error of a score is how much of the
better one's distance to a perfect score the worse one adds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

LEFT_OUT = ("bankchurners_leak",)
REPEATS = 400


def bench() -> Path:
    """The folder of the scorer, found through the data."""
    data = os.environ.get("MODELWRIGHT_DATA")
    if not data:
        raise SystemExit("set MODELWRIGHT_DATA to the folder of the tables; score_tables.py lies in bench beside it")
    return Path(data).resolve().parent / "bench"


def scorer() -> Any:
    """The scorer, as a module."""
    sys.path.insert(0, str(bench()))
    import score_tables

    return score_tables


def one(tool: str, seconds: int, folder: Path, name: str) -> None:
    """One table, one seed (from SEED), here and now: scores and predictions go to the folder."""
    import shutil
    import tempfile
    import time

    scores = scorer()
    seed = scores.SEED
    meta = scores.meta()[name]
    train, test = scores.split(name, meta)
    if train[meta["target"]].dtype == bool:  # the scorer would take the classes for a mask of AutoGluon's columns
        train, test = (rows.assign(**{meta["target"]: rows[meta["target"]].astype(str)}) for rows in (train, test))
    kept = folder / f"{tool}-{seconds}-{name}-{seed}"
    scratch = tempfile.mkdtemp()
    began = time.time()
    found: dict[str, Any] = {"data": name, "tool": tool, "budget": seconds, "seed": seed, "metric": meta["metric"]}
    try:
        predicted, probability, fit, predict, row, size = scores.TOOLS[tool](
            train, test, meta["target"], meta["task"], meta["metric"], seconds, scratch
        )
        classes = sorted(train[meta["target"]].unique()) if probability is not None else None
        truth = test[meta["target"]].to_numpy()
        found |= {
            "score": float(scores.score(meta["metric"], truth, predicted, probability, classes)),
            "fit": fit,
            "predict": predict,
            "one_row_ms": row * 1e3,
            "mb": size,
            "rows": len(test),
        }
        arrays = {"predicted": np.asarray(predicted)}
        if probability is not None:
            arrays = {"probability": np.asarray(probability)}
        np.savez_compressed(kept.with_suffix(".npz"), **arrays)
        if (model := Path(scratch) / "model.mw").exists():
            shutil.copy(model, kept.with_suffix(".mw"))
    except Exception as error:  # a failure is a result too: it is counted as a loss, and shown
        found |= {"score": None, "fit": time.time() - began, "error": repr(error)[:300]}
    kept.with_suffix(".json").write_text(json.dumps(found))
    shutil.rmtree(scratch, ignore_errors=True)
    print(found, flush=True)


def run(tool: str, seconds: int, folder: Path, seeds: list[int], names: list[str]) -> None:
    """Every table and seed that the folder does not hold yet, each in its own process."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for name in names:
            if (folder / f"{tool}-{seconds}-{name}-{seed}.json").exists():
                continue
            subprocess.run(
                [sys.executable, __file__, "one", tool, str(seconds), str(folder), name],
                env=os.environ | {"SEED": str(seed)},
                cwd=folder,
                check=False,
            )


def resampled(found: dict[str, Any], folder: Path, draws: np.ndarray) -> np.ndarray:
    """The score on each of the drawn sets of test rows."""
    scores = scorer()
    meta = scores.meta()[found["data"]]
    scores.SEED = found["seed"]
    train, test = scores.split(found["data"], meta)
    kept = np.load(folder / f"{found['tool']}-{found['budget']}-{found['data']}-{found['seed']}.npz", allow_pickle=True)
    truth = test[meta["target"]].to_numpy()
    probability = kept.get("probability", None)
    classes = sorted(train[meta["target"]].unique()) if probability is not None else None
    predicted = kept["predicted"] if "predicted" in kept else np.asarray(classes)[probability.argmax(axis=1)]
    return np.array(
        [
            scores.score(
                meta["metric"],
                truth[rows],
                predicted[rows],
                None if probability is None else probability[rows],
                classes,
            )
            for rows in draws
        ]
    )


def shortfall(metric: str, value: float) -> float:
    """The distance of a score to a perfect one."""
    return 1 - value if metric in ("roc_auc", "average_precision", "accuracy", "r2") else -value


class Report:
    """What a folder holds: our runs beside those of the others."""

    def __init__(self, folder: Path, seconds: int, ours: str):
        self.folder, self.seconds, self.ours = folder, seconds, ours
        self.found = [json.loads(path.read_text()) for path in sorted(folder.glob(f"*-{seconds}-*.json"))]
        self.by = {(each["tool"], each["data"], each["seed"]): each for each in self.found}
        self.tools = sorted({each["tool"] for each in self.found} - {ours})
        self.tally: dict[str, list[float]] = {tool: [] for tool in self.tools}
        self.gaps: dict[str, list[float]] = {tool: [] for tool in self.tools}
        self.random = np.random.default_rng(0)

    def show(self) -> None:
        """Who won where, and by how much."""
        print(f"| table | split | {self.ours} | " + " | ".join(self.tools) + " |")
        print("|---" * (3 + len(self.tools)) + "|")
        for name, seed in sorted({(each["data"], each["seed"]) for each in self.found}):
            mine = self.by.get((self.ours, name, seed))
            if mine is not None:
                score = "failed" if mine["score"] is None else f"{mine['score']:.4f}"
                print(f"| {name} | {seed} | {score} ({mine['fit']:.1f} s) | " + " | ".join(self._beside(mine)) + " |")
        for tool in self.tools:
            self._judged(tool)
        for tool in (self.ours, *self.tools):
            self._spent(tool)

    def _beside(self, mine: dict[str, Any]) -> list[str]:
        """The cells of the others, for one table and split; counts them."""
        draws = self.random.integers(0, mine.get("rows", 1), size=(REPEATS, mine.get("rows", 1)))
        own = resampled(mine, self.folder, draws) if mine["score"] is not None else None
        cells = []
        for tool in self.tools:
            theirs = self.by.get((tool, mine["data"], mine["seed"]))
            if theirs is None:
                cells.append("")
            elif theirs["score"] is None or own is None:
                self.tally[tool].append(0.5 if own is None and theirs["score"] is None else float(own is not None))
                cells.append("failed" if theirs["score"] is None else f"{theirs['score']:.4f}")
            else:
                error = float(np.nanstd(own - resampled(theirs, self.folder, draws)))
                difference = mine["score"] - theirs["score"]
                mark = 0.5 if abs(difference) <= 2 * error else float(difference > 0)
                self.tally[tool].append(mark)
                good, bad = (shortfall(mine["metric"], each["score"]) for each in (mine, theirs))
                self.gaps[tool].append((good - bad) / max(good, bad, 1e-12))
                cells.append(f"{theirs['score']:.4f} {'-' if mark == 0 else '+' if mark == 1 else '='}")
        return cells

    def _judged(self, tool: str) -> None:
        marks = self.tally[tool]
        if marks:
            wins, ties, losses = (marks.count(mark) for mark in (1.0, 0.5, 0.0))
            print(
                f"{self.ours} beside {tool}: {wins} won, {ties} tied, {losses} lost of {len(marks)}, win rate "
                f"{np.mean(marks):.3f}, mean relative error {np.mean(self.gaps[tool] or [0.0]):+.1%} (below 0: ours is "
                "smaller)"
            )

    def _spent(self, tool: str) -> None:
        runs = [each for each in self.found if each["tool"] == tool and each["score"] is not None]
        if not runs:
            return
        fits = [each["fit"] for each in runs]
        sizes = [each["mb"] for each in runs if each["mb"] is not None]
        late = sum(fit > max(self.seconds * 1.02, self.seconds + 2) for fit in fits)
        print(
            f"{tool}: {len(runs)} runs, seconds median {np.median(fits):.1f}, longest {max(fits):.1f}, late {late}; "
            f"one row median {np.median([each['one_row_ms'] for each in runs]):.1f} ms; "
            + (f"median {np.median(sizes):.1f} MB" if sizes else "size not given")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    doors = parser.add_subparsers(dest="door", required=True)
    for door in ("run", "one"):
        asked = doors.add_parser(door)
        asked.add_argument("tool")
        asked.add_argument("seconds", type=int)
        asked.add_argument("folder", type=Path)
        if door == "run":
            asked.add_argument("--seeds", type=int, nargs="+", default=[0])
            asked.add_argument("--tables", nargs="+")
        else:
            asked.add_argument("table")
    asked = doors.add_parser("report")
    asked.add_argument("folder", type=Path)
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--ours", default="modelwright")
    given = parser.parse_args()
    if given.door == "report":
        Report(given.folder, given.seconds, given.ours).show()
    elif given.door == "one":
        one(given.tool, given.seconds, given.folder, given.table)
    else:
        names = given.tables or [name for name in scorer().meta() if name not in LEFT_OUT]
        run(given.tool, given.seconds, given.folder.resolve(), given.seeds, names)


if __name__ == "__main__":
    main()
