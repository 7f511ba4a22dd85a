"""Our strategies and the peers on the same problems, budgets and seeds.

    python benchmarks/search/compare.py                                   # synthetic problems, and surrogates if there
    python benchmarks/search/compare.py auto tpe --seeds 10 --judge       # the eight that judge
    python benchmarks/search/compare.py auto --peers optuna-tpe smac --peer-python PATH

Prints mean normalised regret (0 the best known, 1 the median random configuration) after 25, 50 and 100 trials, the
CPU seconds of everything but scoring per 100 trials, and paired comparisons. Rows go to ``--out``; peers' rows that are
there already are not run again (``--again`` does), ours always are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from methods import MARKS, PEERS
from paired import compare
from problems import OPEN, SYNTHETIC, judging, surrogates_there

HERE = Path(__file__).parent
OURS = ("random", "sobol", "tpe", "evolution", "local", "cma-es", "reinforce", "bayesian", "auto")
COLUMNS = ["method", "problem", "seed", *(f"regret@{m}" for m in MARKS), "seconds"]
#: Runs of peers that lie beside the data, on the problems that judge.
STORED = {
    "optuna 5.0.0 TPESampler (default)": "optuna-tpe",
    "optuna 5.0.0 GPSampler": "optuna-gp",
    "smac": "smac",
    "keras-tuner": "keras-tuner",
    "random": "random",
}
Row = list[Any]


def main() -> None:
    args = arguments()
    names = chosen_problems(args)
    rows: dict[tuple[str, str, int], Row] = {}
    if args.out.exists():
        rows = {(r[0], r[1], int(r[2])): r for r in json.loads(args.out.read_text())["rows"]}
    tasks = [(m, n, s) for m in args.strategies for n in names for s in range(args.seeds)]
    for row in finished(sys.executable, [[*t, args.trials] for t in tasks], args.jobs):
        rows[(row[0], row[1], int(row[2]))] = row
    save(args, rows)
    for peer in args.peers:
        seeds = {"keras-tuner": 1, "smac": 2}.get(peer, args.seeds) if args.peer_seeds is None else args.peer_seeds
        tasks = [(peer, n, s) for n in names for s in range(seeds) if args.again or (peer, n, s) not in rows]
        for row in finished(args.peer_python, [[*t, args.trials] for t in tasks], args.jobs):
            rows[(row[0], row[1], int(row[2]))] = row
            save(args, rows)
    if args.judge:
        rows = stored() | rows
    shown = {key: row for key, row in rows.items() if key[1] in names}
    for group, members in groups(names):
        report(group, {key: row for key, row in shown.items() if key[1] in members}, args.strategies)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", default=list(OURS))
    parser.add_argument("--peers", nargs="*", default=["optuna-tpe"], choices=PEERS)
    parser.add_argument("--peer-python", default=sys.executable, help="a Python that has the peers")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peer-seeds", type=int, help="instead of --seeds, or of 2 for smac and 1 for keras-tuner")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1, help="processes at the same time")
    parser.add_argument("--problems", nargs="*", help="names of problems, instead of all")
    parser.add_argument("--judge", action="store_true", help="only the eight problems that judge")
    parser.add_argument("--again", action="store_true", help="run peers again whose rows are stored")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    return parser.parse_args()


def chosen_problems(args: argparse.Namespace) -> list[str]:
    if args.problems:
        return list(args.problems)
    if args.judge:
        if not surrogates_there():
            raise SystemExit("--judge needs MODELWRIGHT_DATA, with the folder bench beside it, and onnxruntime")
        return list(judging())
    return [*SYNTHETIC, *(OPEN if surrogates_there() else ())]


def finished(python: str, tasks: list[Row], jobs: int) -> Iterator[Row]:
    """Rows of ``tasks``, as processes of ``python`` print them."""
    parts = [part for part in (tasks[i::jobs] for i in range(jobs)) if part]
    script = [python, str(HERE / "methods.py")]
    running = [subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in parts]
    for process, part in zip(running, parts, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(part))
        process.stdin.close()
    for process in running:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("["):
                yield json.loads(line)
        if process.wait():
            raise SystemExit(f"{python} methods.py ended with {process.returncode}; its message stands above")


def save(args: argparse.Namespace, rows: dict[tuple[str, str, int], Row]) -> None:
    """One line a row, in order, so that a change shows what changed."""
    lines = ",\n".join(json.dumps(rows[key]) for key in sorted(rows))
    about = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "columns": COLUMNS}
    args.out.write_text(json.dumps(about)[:-1] + ', "rows": [\n' + lines + "\n]}\n")


def stored() -> dict[tuple[str, str, int], Row]:
    """Peers' runs on the problems that judge, made once and kept beside the data."""
    file = Path(os.environ["MODELWRIGHT_DATA"]).resolve().parent / "bench" / "peers_search.json"
    found = {}
    for title, rows in json.loads(file.read_text())["runs"].items():
        method = next((short for start, short in STORED.items() if title.lower().startswith(start.lower())), None)
        for name, seed, *rest in rows if method else ():
            found[(str(method), name, seed)] = [method, name, seed, *rest]
    return found


def groups(names: list[str]) -> list[tuple[str, list[str]]]:
    """Synthetic problems and surrogates apart: a mean over both would hide either."""
    synthetic, real = [n for n in names if n in SYNTHETIC], [n for n in names if n not in SYNTHETIC]
    return [(title, part) for title, part in (("synthetic", synthetic), ("surrogates", real)) if part]


def report(group: str, rows: dict[tuple[str, str, int], Row], strategies: list[str]) -> None:
    """Means of each method, then our model-based strategies against each other method, then what each lost."""
    runs = {
        m: {k[1:]: r[3:6] for k, r in rows.items() if k[0] == m and len(r) == 7} for m in sorted({k[0] for k in rows})
    }
    runs = {m: found for m, found in runs.items() if found}
    print(f"\n{group}, {len({k[1] for k in rows})} problems\n")
    print("| after | runs | 25 trials | 50 | 100 | CPU s per 100 trials |")
    print("|---|---|---|---|---|---|")
    means = {m: np.mean(list(found.values()), axis=0) for m, found in runs.items()}
    for method in sorted(means, key=lambda m: float(means[m][-1])):
        seconds = np.mean([r[6] for k, r in rows.items() if k[0] == method])
        cells = " | ".join(f"{v:.3f}" for v in means[method])
        print(f"| {f'`{method}`' if method not in PEERS else method} | {len(runs[method])} | {cells} | {seconds:.1f} |")
    ours = next((m for m in ("auto", *strategies) if m in strategies and m in runs), None)
    if ours is None:
        return
    print(
        f"\n| `{ours}` minus | pairs | after 50 (95 %) | after 100 (95 %) | p (Wilcoxon) | won, tied, lost | lost on |"
    )
    print("|---|---|---|---|---|---|---|")
    for other in means:
        at = [compare(runs[ours], runs[other], mark) for mark in (1, 2)]
        if other == ours or at[0] is None or at[1] is None:
            continue
        cells = " | ".join(f"{c.mean:+.3f} ({c.low:+.3f} to {c.high:+.3f})" for c in at if c)
        last = at[1]
        lost = ", ".join(f"{name} {gap:+.3f}" for name, gap in last.lost) or "-"
        print(f"| {other} | {last.pairs} | {cells} | {last.p:.2g} | {last.wins}, {last.ties}, {last.losses} | {lost} |")
    if ours == "auto":
        verdicts(runs)


def verdicts(runs: dict[str, dict[tuple[str, int], list[float]]]) -> None:
    """What the portfolio promises: close to the best of its kind, and nowhere clearly worse than chance."""
    mine = runs["auto"]
    for i, mark in enumerate(MARKS):
        singles = {
            m: np.mean([found[k][i] for k in mine]) for m, found in runs.items()
            if m in OURS and m != "auto" and set(mine) <= set(found)
        }  # fmt: skip
        if singles:
            best = min(singles, key=lambda m: float(singles[m]))
            ratio = np.mean([row[i] for row in mine.values()]) / max(float(singles[best]), 1e-9)
            print(f"after {mark}: auto has {ratio:.2f} times the regret of the best single strategy, {best}")
    for name in sorted({n for n, _ in mine}):
        medians = [
            np.median([r[-1] for (n, _), r in runs[m].items() if n == name]) for m in ("auto", "random") if m in runs
        ]
        if len(medians) == 2 and medians[0] > medians[1] + 0.05:
            print(f"WORSE THAN CHANCE on {name}: median {medians[0]:.3f}, random {medians[1]:.3f}")


if __name__ == "__main__":
    main()
