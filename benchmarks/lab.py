"""Time to quality on the reference task, side by side with KerasTuner 1.4.8 in one run.

    MODELWRIGHT_DATA=... python benchmarks/lab.py --seeds 1 2 3 4 5 [--peer-python PATH] [--out benchmarks/lab.json]

Each arm (see lab_arm.py) runs alone, with a cold compilation cache, on the cores this process may use. The peer runs
in ``--peer-python`` (an environment with keras, jax, keras-tuner==1.4.8 and six). Prints each run, then ratios to
KerasTuner's run of the same seed, and their medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARKS = (0.885, 0.887)


def run(arm, seed, python, extra):
    """One arm in a fresh process with a fresh cache."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [python, str(HERE / "lab_arm.py"), arm, str(seed), *extra],
            capture_output=True, text=True, env={**os.environ, "MODELWRIGHT_CACHE": cache},
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{arm} seed {seed} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def reached(result, value):
    """Seconds until a validation accuracy was first seen; None when it never was."""
    return next((at for at, seen in result["when"] if seen >= value), None)


def value_at(result, seconds):
    """Best validation accuracy seen by then."""
    return max((seen for at, seen in result["when"] if at <= seconds), default=0.0)


def ratios(result, peer):
    """What is published of a run, against the peer's run of the same seed."""
    row = {"time": result["seconds"] / peer["seconds"], "best": result["best"] - peer["best"]}
    for mark in MARKS:
        mine, theirs = reached(result, mark), reached(peer, mark)
        row[f"to {mark}"] = mine / theirs if mine and theirs else None
    as_good = reached(result, peer["best"])
    row["to its best / its whole time"] = as_good / peer["seconds"] if as_good else None
    for share in (0.25, 0.5, 1.0):
        at = share * peer["seconds"]
        row[f"value at {share:.0%} of its time"] = value_at(result, at) - value_at(peer, at)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--arms", nargs="+", default=["dropin", "dropin2", "auto2"])
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--out", type=Path)
    args, extra = parser.parse_known_args()
    if not os.environ.get("MODELWRIGHT_DATA"):
        parser.error("set MODELWRIGHT_DATA to the folder that holds fashion-mnist/ with its four files")
    results, table = [], {arm: [] for arm in args.arms}
    for seed in args.seeds:
        peer = run("kerastuner", seed, args.peer_python, extra)
        results.append(peer)
        print(json.dumps(peer), flush=True)
        for arm in args.arms:
            result = run(arm, seed, sys.executable, extra)
            results.append(result)
            table[arm].append(ratios(result, peer))
            print(json.dumps(result), flush=True)
            if args.out:
                args.out.write_text(json.dumps(results, indent=1))
    for arm, rows in table.items():
        print(f"\n{arm}: median over {len(rows)} seeds, relative to KerasTuner")
        for name in rows[0]:
            seen = [row[name] for row in rows if row[name] is not None]
            shown = f"{statistics.median(seen):+.4f}" if seen else "never"
            print(f"  {name:35s} {shown}   ({len(seen)} of {len(rows)} runs)")


if __name__ == "__main__":
    main()
