"""Whole lives of trials: proposed, started, five reports, finished durably; per second, by 1 and by 8 processes.

    python benchmarks/store/lifecycles.py [--peer-python PATH] [--seconds 12] [--workers 1 8] [--only NAME ...]

Processes share one SQLite file (each kind has its own), are started first, and begin together. ``tune`` is the product
as people use it: the same ``mw.tune`` call in each process, random search. ``store`` is the store alone: every
process appends the same events with the same durability, and folds nothing. Optuna's processes call ``optimize``
on one study with a random sampler, the same three parameters and the same five reports. A life is the time from one
call of the user's function to the next in the same process; rates count what all processes finished.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRELUDE = """
import json, sys, time, warnings
place, me, seconds, workers, wal = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
marks, errors = [], 0

def ready():
    print("ready", flush=True)
    sys.stdin.readline()

def done(**more):
    print(json.dumps({"marks": marks, "errors": errors, **more}), flush=True)
"""

TUNE = """
import sqlite3
import modelwright as mw
if wal == "wal":
    import modelwright.store.sqlite as s
    s.wal_is_safe = lambda *_: True

def f(hp, trial):
    marks.append(time.time())
    x = [hp.Float(n, 0.0, 1.0) for n in "xyz"]
    for step in range(1, 6):
        trial.report(step, sum(x) / step)
    if time.time() > end:
        study.stop()

import modelwright.api.study as api
kept = api.Study._open
def opened(self, *given):  # mw.tune returns the study when it has ended; it is stopped from inside
    global study
    study = self
    kept(self, *given)
api.Study._open = opened
ready()
end = time.time() + seconds
study = None
try:
    mw.tune(f, objective="minimize", strategy="random", trials=10**6, store=place, name="s", verbose=0)
except Exception as error:
    errors += 1
    print(repr(error), file=sys.stderr)
done(until=time.time())
"""

STORE = """
from modelwright.core import records as r
from modelwright.core.errors import ConflictError
from modelwright.store import open_store
if wal == "wal":
    import modelwright.store.sqlite as s
    s.wal_is_safe = lambda *_: True
store = open_store(place)
known = conflicts = 0

def put(events, durable=False):
    global known, conflicts
    while True:
        try:
            store.append(1, events, after=known, durable=durable)
            known += len(events)
            return
        except ConflictError:
            conflicts += 1
            known += sum(1 for _ in store.load(1, after=known))

ready()
end = time.time() + seconds
with store.member(1):
    while time.time() < end:
        n = len(marks)
        marks.append(time.time())
        put([r.Proposed(number=n, config={"x": 0.5, "y": 0.25, "z": 0.125}, note={"by": "random"}),
             r.Started(number=n, worker=f"runs {me}")])
        for step in range(1, 6):
            put([r.Reported(number=n, step=step, metrics={"value": 0.875 / step})])
        put([r.Finished(number=n, state="complete", values=(0.175,), metrics={"value": 0.175}, step=5, steps=5)], True)
done(until=time.time(), conflicts=conflicts)
"""

OPTUNA = """
import optuna
warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.CRITICAL)

def f(trial):
    marks.append(time.time())
    x = [trial.suggest_float(n, 0.0, 1.0) for n in "xyz"]
    for step in range(1, 6):
        trial.report(sum(x) / step, step)
    if time.time() > end:
        trial.study.stop()
    return sum(x) / 5

study = optuna.load_study(study_name="s", storage=STORAGE, sampler=optuna.samplers.RandomSampler(me))
ready()
end = time.time() + seconds
try:
    study.optimize(f, timeout=3 * seconds)
except Exception as error:
    errors += 1
    print(repr(error), file=sys.stderr)
done(until=time.time())
"""

SQLITE = "'sqlite:///' + place"
JOURNAL = "optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(place))"
MAKE_OURS = "import sys; from modelwright.store import open_store; open_store(sys.argv[1]).create('s', {}, 0.0)"
MAKE_OPTUNA = "import sys, optuna; place = sys.argv[1]; optuna.create_study(study_name='s', storage=STORAGE)"

#: Name -> (whose Python, what makes the study, what each process runs, whether SQLite's WAL is forced on).
KINDS = {
    "tune": ("ours", "", TUNE, ""),
    "store": ("ours", MAKE_OURS, STORE, ""),
    "tune, WAL": ("ours", "", TUNE, "wal"),
    "store, WAL": ("ours", MAKE_OURS, STORE, "wal"),
    "optuna": ("peer", MAKE_OPTUNA.replace("STORAGE", SQLITE), OPTUNA.replace("STORAGE", SQLITE), ""),
    "optuna, journal file": ("peer", MAKE_OPTUNA.replace("STORAGE", JOURNAL), OPTUNA.replace("STORAGE", JOURNAL), ""),
}


def measure(python, make, code, wal, workers, seconds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        place = str(Path(folder) / "s.db")
        if make:
            subprocess.run([python, "-c", make, place], check=True, stderr=subprocess.DEVNULL)
        command = [python, "-c", PRELUDE + code, place]
        rest = [str(seconds), str(workers), wal]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running = [subprocess.Popen([*command, str(i), *rest], **pipes) for i in range(workers)]
        for process in running:
            if process.stdout.readline() != "ready\n":
                raise SystemExit(process.stderr.read())
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        texts = [process.communicate(timeout=20 * seconds + 60) for process in running]
        found = [json.loads(out.strip().splitlines()[-1]) for out, _ in texts]
        wrong = [err.strip() for _, err in texts if err.strip()]
    lives = sorted(b - a for one in found for a, b in zip(one["marks"], [*one["marks"][1:], one["until"]], strict=True))
    span = max(one["until"] for one in found) - min(one["marks"][0] for one in found if one["marks"])
    errors = sum(one["errors"] for one in found)
    row = {"rate": len(lives) / span, "p50": statistics.median(lives), "p99": lives[int(0.99 * len(lives))]}
    return row | {"count": len(lives), "errors": errors, "wrong": wrong[:1]}


def fsyncs(folder):
    """Durable appends of 500 bytes a second, on the disk where the stores are."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < 1.5:
            os.write(file.fileno(), b"x" * 500)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="a Python with Optuna")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--only", nargs="+", choices=list(KINDS))
    args = parser.parse_args()
    print(f"{fsyncs(os.environ.get('TMPDIR')):.0f} durable appends a second on this disk")
    for workers in args.workers:
        rates = {}
        for name in args.only or KINDS:
            whose, make, code, wal = KINDS[name]
            if whose == "peer" and not args.peer_python:
                continue
            python = sys.executable if whose == "ours" else args.peer_python
            row = measure(python, make, code, wal, workers, args.seconds)
            rates[name] = row["rate"]
            times = f"   {row['rate'] / rates['optuna']:.1f} x" if "optuna" in rates else ""
            print(
                f"{workers} x {name:22s} {row['rate']:8.1f} a second   life {1e3 * row['p50']:7.1f} ms, "
                f"p99 {1e3 * row['p99']:7.1f} ms   {row['count']} lives, {row['errors']} errors{times}",
                *row["wrong"],
                flush=True,
            )
        if "optuna" in rates:
            shown = ", ".join(f"{n} {v / rates['optuna']:.1f}" for n, v in rates.items() if not n.startswith("optuna"))
            print(f"{workers}: times Optuna's: {shown}")


if __name__ == "__main__":
    main()
