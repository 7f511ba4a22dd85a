"""Files of models, made of every learner; and a process in which files may do harm."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from modelwright.tasks import learners
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.ensemble.members import Member
from modelwright.tasks.result.baseline import Baseline
from modelwright.tasks.result.predictor import Predictor
from modelwright.tasks.scoring.metrics import Metric
from modelwright.tasks.scoring.target import Target

QUICK = {
    "lightgbm": {"learning_rate": 0.2, "num_leaves": 6, "pairs": 4},
    "xgboost": {"learning_rate": 0.3, "max_depth": 3, "codes_below": 1_000_000},
    "catboost": {"learning_rate": 0.3, "depth": 3},
    "random_forest": {"trees": 3},
    "extra_trees": {"trees": 3},
    "mlp": {"epochs": 1, "width": 8, "layers": 2},
    "neighbours": {"components": 3},
    "linear": {"scale": "quantile"},
}


def table(rows=160, seed=0):
    """Columns of all kinds."""
    rng = np.random.default_rng(seed)
    words = ["senior clerk", "clerk", "police officer", "bus driver", "nurse", "a nurse in town"]
    number = rng.normal(size=rows)
    found = {
        "number": np.where(rng.random(rows) < 0.1, np.nan, number),
        "other": np.exp(rng.normal(size=rows)),
        "kind": rng.choice(["u", "v", "w", None], rows).astype(object),
        "many": np.array([f"level {k}" for k in rng.integers(0, 12, rows)], object),
        "when": (np.datetime64("2020-01-01") + rng.integers(0, 900, rows)).astype("datetime64[D]"),
        "until": (np.datetime64("2023-01-01") + rng.integers(0, 900, rows)).astype("datetime64[D]"),
        "title": np.array([f"{rng.choice(words)} {k} of {rng.integers(99)}" for k in range(rows)], object),
    }
    score = number + 0.8 * (found["kind"] == "u") + 0.3 * rng.normal(size=rows)
    return found, score


def labelled(score, task):
    """A target column."""
    if task == "regression":
        return np.round(100 * score, 3)
    cuts = [0.5] if task == "binary" else [0.3, 0.6]
    return np.array(["low", "mid", "top"], object)[np.digitize(score, np.quantile(score, cuts))]


def predictor(task, names, seed=0):
    """A predictor of one quick model of each learner, with equal weights."""
    columns, score = table(seed=seed)
    said = {**columns, "y": labelled(score, task)}
    schema, target = Schema.of(read(said), target="y"), Target.of(said["y"], name="y", task=task)
    metric, frame, y = Metric.of(None, target), schema.frame(said), target.encode(said["y"])
    parts = []
    for name in names:
        learner, config = learners.learner(name), QUICK.get(name, {})
        features, matrix = learner.features(frame, config).fit(frame, y, task, seed=seed)
        model = learner.fit(matrix, y, task, config=config, seed=3, rounds=4)
        parts.append((Member(name, config, features, model), 1 / len(names), name))
    body = {
        "schema": schema.to_json(),
        "target": target.to_json(),
        "metric": metric.name,
        "higher": metric.higher,
        "link": "identity",
        "range": [-1e4, 1e4],
        "temperature": 1.5,
        "threshold": 0.4,
        "score": 0.5,
        "plan": {},
        "decisions": [],
        "checks": [],
        "leaderboard": [{"model": "ensemble", "score": 0.5, "why": "made by hand"}],
    }
    return Predictor(body, parts, metric, baseline=Baseline.of(frame, schema))


@dataclass
class Opened:
    """What is in a file, to be changed and written again with whatever a sound file has around it."""

    body: dict
    parts: dict = field(default_factory=dict)

    @classmethod
    def of(cls, path):
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        return cls(json.loads(parts.pop("model.json")), parts)

    def place(self, kind):
        """The member of that kind, by its number."""
        return next(k for k, one in enumerate(self.body["members"]) if one["body"]["kind"] == kind)

    def array(self, name):
        return np.lib.format.read_array(io.BytesIO(self.parts[f"{name}.npy"])).copy()

    def put(self, name, array):
        held = io.BytesIO()
        np.lib.format.write_array(held, np.asarray(array), allow_pickle=True)
        self.parts[f"{name}.npy"] = held.getvalue()

    def write(self, path, text=None):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model.json", json.dumps(self.body) if text is None else text)
            for name, content in self.parts.items():
                archive.writestr(name, content)


_CHILD = """
import json, resource, signal, sys, warnings
import numpy as np
import modelwright as mw
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (5 << 30, 5 << 30))
rows = json.loads(sys.stdin.readline())
rows = {name: np.array(cells, object) for name, cells in rows.items()}
def peak():
    # Not ru_maxrss: that begins with the memory of whoever started the process.
    with open("/proc/self/status") as said:
        return next(int(line.split()[1]) for line in said if line.startswith("VmHWM"))
for line in sys.stdin:
    with open("/proc/self/clear_refs", "w") as marks:
        marks.write("5")  # the peak begins anew
    signal.alarm(20)  # ends the process, in a library too
    try:
        model = mw.load(line.strip())
        found = model.predict(rows) if model.task == "regression" else model.predict_proba(rows)
        str(model.leaderboard())
        said = "predicts" if np.isfinite(found).all() else "predicts what is no number"
    except mw.ModelwrightError as error:
        said = f"refused: {error}"
    except BaseException as error:
        said = f"raw {type(error).__name__}: {error}"
    signal.alarm(0)
    print(json.dumps([said, peak()]), flush=True)
"""


def _plain(cell):
    return cell if cell is None or isinstance(cell, str | float) else str(cell)


class Reading:
    """A process that loads files and predicts; another one where it died."""

    def __init__(self):
        self.process = None

    def __call__(self, path):
        """How it went, in words; and the most memory that the process had meanwhile, in MB."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, cwd=Path(path).parent,
            )  # fmt: skip
            columns, _ = table(8, seed=5)
            plain = {name: list(map(_plain, cells.tolist())) for name, cells in columns.items()}
            self._say(json.dumps(plain))
        self._say(str(path))
        line = self.process.stdout.readline()
        if not line:
            return f"the process died with {self.process.wait()}", 0
        said, size = json.loads(line)
        return said, size / 1024

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
