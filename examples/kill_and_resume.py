"""A search that is killed ten times ends exactly as one that nobody disturbed.

Learn here: what SIGKILL costs (at most the trial that was running), and how a search goes on: the same call again, with
the same name and store. Nothing has to be switched on. Run: python examples/kill_and_resume.py [SEED OF THE KILLS]
"""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import modelwright as mw

SMALL = bool(os.environ.get("MODELWRIGHT_SMALL"))
TRIALS, KILLS = (30, 4) if SMALL else (100, 10)
STRATEGY = os.environ.get("STRATEGY", "auto")


def valley(hp):
    """A deterministic function: the same configuration has the same value, whenever and wherever it is measured."""
    x, y = hp.Float("x", -2.0, 2.0), hp.Float("y", -2.0, 2.0)
    height = (1 - x) ** 2 + 10 * (y - x * x) ** 2
    if hp.Choice("kind", ["plain", "wavy"]) == "wavy":
        height += 1 + math.sin(hp.Int("waves", 1, 9) * x)
    with open(os.environ["MEASURED"], "a") as file:  # for the one who kills, and for the count at the end
        file.write(json.dumps({"x": x, "value": height}) + "\n")
    time.sleep(0.01)  # so that a kill may come in the middle of a trial
    return height


def search(store):
    """The search; made again with the same name and store it goes on. A killed process left nothing to clean up."""
    mw.tune(
        valley, objective="minimize", trials=TRIALS, strategy=STRATEGY, seed=7, store=store, name="valley", verbose=0
    )


def started(store, measured):
    """The search in a process of its own."""
    words = [sys.executable, __file__, "--search", str(store)]
    return subprocess.Popen(words, env={**os.environ, "MEASURED": str(measured)})


def lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def killed_again_and_again(store, measured, chance):
    """Kill the search at ten random moments: some while it starts or thinks, some while a trial runs."""
    for kill in range(1, KILLS + 1):
        process, before = started(store, measured), lines(measured)
        most, latest = before + chance.randint(1, 6), time.monotonic() + chance.uniform(0.1, 6.0)
        while lines(measured) < most and time.monotonic() < latest and process.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.03))
        process.kill()
        if process.wait() != -9:
            sys.exit(f"the search ended by itself with code {process.returncode} before it could be killed")
        print(f"   kill {kill:2d}: {lines(measured) - before} trials were measured in this session", flush=True)


def finished(store):
    """The last session is let to its end."""
    if started(store, store.with_suffix(".measured")).wait():
        sys.exit("the search failed")
    return mw.load_study("valley", store)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10_000)
    with tempfile.TemporaryDirectory() as folder:
        print(f"One search of {TRIALS} trials, undisturbed ...", flush=True)
        whole = finished(Path(folder) / "whole.db")
        print(f"The same, killed {KILLS} times at random moments (seed {seed}) ...", flush=True)
        store = Path(folder) / "killed.db"
        killed_again_and_again(store, store.with_suffix(".measured"), random.Random(seed))
        study = finished(store)
        count = lines(store.with_suffix(".measured"))
        for one, other in zip(whole.trials, study.trials, strict=True):
            mine, others = (one.config, one.value, one.state), (other.config, other.value, other.state)
            if mine != others:
                sys.exit(f"trial {one.number} differs: {mine} undisturbed, {others} killed")
        print(f"{len(study.trials)} trials, the same configurations and values; best {study.best.value:.6f} in both.")
        print(f"Killing cost {count - TRIALS} trials that were measured again.")


if __name__ == "__main__":
    if "--search" in sys.argv:
        search(sys.argv[-1])
    else:
        main()
