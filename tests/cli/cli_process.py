"""The real command in real processes, on tiny studies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"

JOB = '''
"""Functions to tune."""
import time

def parabola(hp):
    print("noise from the tuned code")
    x = hp.Float("x", -5.0, 5.0)
    kind = hp.Choice("kind", ["a", "b"])
    if kind == "a":
        hp.Int("n", 1, 5)
    return (x - 2) ** 2 + (kind == "b")

def slow(hp, trial):
    x = hp.Float("x", 0.0, 1.0)
    open(f"started-{trial.number}", "w").close()
    time.sleep(1.0)
    return x

def evil(hp):
    hp.Choice("=cmd\\x1b[31m", ["@sum\\x1b]0;t\\x07", "\\u202eb"])
    return 1.0

def broken(hp):
    return 1 / 0

def never(hp):
    import modelwright
    hp.Float("x", 0.0, 1.0)
    raise modelwright.InfeasibleError("cannot be run")

def two(hp):
    x = hp.Float("x", 0.0, 1.0)
    return {"cost": x, "gain": x * (1 - x)}

class Line:
    def build(self, hp):
        from sklearn.linear_model import Ridge
        return Ridge(alpha=hp.Float("alpha", 0.001, 1.0, sampling="log"))

not_a_function = 3
'''


@dataclass
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def environment(**more):
    """This process's environment, with the package to be found and plain output."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", **more}


def command(*words):
    """The words of a process that runs the command line."""
    return [sys.executable, "-m", "modelwright", *map(str, words)]


def run(*words, folder, stdin=subprocess.DEVNULL, **more):
    """Run one command in ``folder`` to its end."""
    done = subprocess.run(
        command(*words), cwd=folder, env=environment(**more), stdin=stdin, capture_output=True, text=True, timeout=120
    )
    return Result(done.returncode, done.stdout, done.stderr)
