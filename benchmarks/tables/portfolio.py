"""The portfolio of ``mw.fit``: which candidates, in which order, learned on open tables and judged on the one left out.

``collect`` fits a pool of configurations on a sample of each table and keeps what they predict; ``learn`` orders the
pool by what each adds to the ensemble for the time it takes, leaving one table out at a time, and compares the order
on that table with the one that is shipped:

    python benchmarks/tables/portfolio.py collect /tmp/pool [TABLE ...]
    python benchmarks/tables/portfolio.py learn /tmp/pool

Tables are folders with ``train.csv.gz`` under ``$MODELWRIGHT_DATA/tabular``; their README names targets and metrics.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROWS, TEST, FOLDS = 4000, 3000, 3
DRAWS = {"lightgbm": 10, "xgboost": 6, "mlp": 6, "catboost": 3}
#: What orders are compared after, in fits of the first candidate; what every candidate costs besides its fit.
BUDGETS, OVERHEAD = (2, 5, 10, 20, 40), 0.3
#: Entries of a learned order, and rows that ensembles are chosen on.
ENTRIES, SEEN = 12, 1500


def tables(root: Path) -> dict[str, tuple[str, str]]:
    """Target and metric of each table."""
    found = {}
    for line in (root / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 8 and cells[4].startswith("`"):
            found[cells[1]] = cells[4].strip("`"), cells[6]
    return found


def pool(job: Any, tree: Any, rows: int, columns: int) -> dict[str, dict[str, Any]]:
    """What is shipped, then draws of each learner: the same for every table, but for defaults that know its size."""
    from modelwright.tasks.search.portfolio import portfolio, space_of

    found: dict[str, dict[str, Any]] = {}
    for config in portfolio(tree, job.learners):
        found[f"{config['model']} {sum(key.startswith(config['model']) for key in found)}"] = config
    for name, learner in job.learners.items():
        own, rng = space_of({name: learner}, job.task, rows, columns), np.random.default_rng(sum(map(ord, name)))
        for draw in range(DRAWS.get(name, 2)):
            found[f"{name} draw {draw}"] = own.sample(rng)
    return found


def collect(root: Path, out: Path, names: Sequence[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, (target, metric) in tables(root).items():
        path = root / "tabular" / name / "train.csv.gz"
        if path.exists() and (name in names or not names):
            _collect(path, target, metric, out / name)


def _collect(path: Path, target: str, metric: str, out: Path) -> None:
    from modelwright.tasks.data.reading import read
    from modelwright.tasks.search.chosen import chosen_learners
    from modelwright.tasks.search.estimation import Job
    from modelwright.tasks.search.gathered import Said, gather
    from modelwright.tasks.search.portfolio import space_of

    if out.with_suffix(".json").exists():
        return
    rows = read(str(path))
    order = np.random.default_rng(0).permutation(rows.rows)
    test = order[: min(TEST, rows.rows // 3)]
    on = order[len(test) :][:ROWS]
    data = gather(rows.take(np.sort(on)), Said(target=target, metric=metric, folds=FOLDS, seed=0))
    learners = chosen_learners(None, [], "good", data.target.task)
    held = rows.take(np.sort(test))
    held = held.take(
        np.isin(held.columns[target], data.target.classes) if data.target.classes else np.arange(held.rows)
    )
    frame, y = data.schema.frame(held), data.target.encode(held.columns[target])
    job = Job(
        frame=data.frame, y=data.y, task=data.target.task, classes=len(data.target.classes), weight=None,
        split=data.split, metric=data.metric, learners=learners, seed=0,
    )  # fmt: skip
    columns = len(data.frame.numbers) + len(data.frame.codes) + 20 * len(data.frame.texts)
    tree = space_of(learners, job.task, data.frame.rows, columns)
    arrays, facts = {}, {}
    for name, config in pool(job, tree, data.frame.rows, columns).items():
        inner, outer, seconds = _fitted(job, config, frame)
        arrays[f"inner {name}"], arrays[f"outer {name}"] = inner.astype(np.float32), outer.astype(np.float32)
        facts[name] = {"config": config, "seconds": seconds, "test": job.metric.merit(y, outer, None)}
    np.savez(out.with_suffix(".npz"), y=job.y, test=y, **arrays)
    out.with_suffix(".json").write_text(json.dumps({"task": job.task, "metric": metric, "facts": facts}))
    best = max(facts, key=lambda name: facts[name]["test"])
    took = sum(fact["seconds"] for fact in facts.values())
    print(out.name, len(facts), f"{took:.0f} s", best, round(facts[best]["test"], 5), flush=True)


def _fitted(job: Any, config: Mapping[str, Any], frame: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Predictions out of fold and for the test rows, and seconds of one fit."""
    learner, own = job.own(config)
    recipe = learner.features(job.frame, own)
    shape = (len(job.y),) if job.task == "regression" else (len(job.y), job.classes)
    inner, outer, began = np.zeros(shape), [], time.process_time()
    for unit in range(FOLDS):  # of few rows the split has repeats too
        on, off = job.split.rows(unit)
        features, matrix = recipe.fit(job.frame.take(on), job.aim(on), job.task, classes=job.classes or None, seed=unit)
        valid = features.transform(job.frame.take(off))
        fitted = learner.fit(
            matrix, job.aim(on), job.task, config=own, valid=(valid, job.aim(off), None), seed=unit,
            classes=job.classes or None, metric=job.metric.name,
        )  # fmt: skip
        inner[off] = job.natural(fitted.predict(valid) if fitted.held is None else fitted.held)
        outer.append(job.natural(fitted.predict(features.transform(frame))))
    return inner, np.mean(outer, axis=0), (time.process_time() - began) / FOLDS


class Pool:
    """What the pool predicts for one table."""

    def __init__(self, path: Path):
        from modelwright.tasks.scoring.metrics import Metric
        from modelwright.tasks.scoring.target import Target

        known, arrays = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
        self.name, self.facts, self.y, self.test = path.stem, known["facts"], arrays["y"], arrays["test"]
        self.metric = Metric.of(known["metric"], Target.of(self.y, name="y", task=known["task"]))
        some = np.random.default_rng(0).permutation(len(self.y))[:SEEN]
        self.inner = {name: arrays[f"inner {name}"][some].astype(float) for name in self.facts}
        self.outer = {name: arrays[f"outer {name}"].astype(float) for name in self.facts}
        self.y, unit = self.y[some], self.facts["lightgbm 0"]["seconds"]
        self.cost = {name: OVERHEAD + fact["seconds"] / unit for name, fact in self.facts.items()}
        self._errors: dict[frozenset[str], tuple[float, float]] = {}

    def errors(self, names: Sequence[str]) -> tuple[float, float]:
        """Logarithm of the ensemble's error on the rows its weights were chosen on, and on the test rows."""
        from modelwright.tasks.ensemble.selection import selected

        key = frozenset(names)
        if key not in self._errors:
            there = sorted(key & set(self.facts))
            found = selected([self.inner[name] for name in there], self.y, self.metric.merit, seed=0)
            mixed = np.tensordot(found.weights, np.stack([self.outer[name] for name in there]), 1)
            self._errors[key] = self._error(found.honest), self._error(self.metric.merit(self.test, mixed))
        return self._errors[key]

    def _error(self, merit: float) -> float:
        return float(np.log(max(1e-6, -merit if merit < 0 else 1 - merit)))

    def after(self, order: Sequence[str], budget: float) -> float:
        """Test error of the ensemble of as many as the budget pays for."""
        spent = np.cumsum([self.cost.get(name, 0.0) for name in order])
        return self.errors([name for name, sum_ in zip(order, spent, strict=True) if sum_ <= max(budget, spent[0])])[1]


def learned(pools: Sequence[Pool]) -> list[str]:
    """Order by the mean gain of the ensemble for the cost, greedily; the first model is a boosted one."""
    order = ["lightgbm 0"]
    names = sorted({name for one in pools for name in one.facts})
    while len(order) < ENTRIES:
        gains = {}
        for name in names:
            there = [one for one in pools if name in one.facts]
            if name in order or len(there) < len(pools) / 2:
                continue
            gain = np.mean([one.errors(order)[0] - one.errors([*order, name])[0] for one in there])
            gains[name] = gain / np.mean([one.cost[name] for one in there])
        order.append(max(gains, key=lambda name: gains[name]))
    return order


def learn(folder: Path) -> None:
    pools = [Pool(path) for path in sorted(folder.glob("*.json"))]
    shipped = [name for name in pools[0].facts if "draw" not in name]
    rows = []
    for left in pools:
        order = learned([one for one in pools if one is not left])
        best = left.errors(list(left.facts))[1]
        rows.append([[left.after(o, b) - best for b in BUDGETS] for o in (order, shipped)])
        print(left.name, np.round(rows[-1], 3).tolist(), flush=True)
    means = np.mean(rows, axis=0)
    print("fits of the default:", BUDGETS)
    print("learned without the table:", np.round(means[0], 4).tolist())
    print("shipped                  :", np.round(means[1], 4).tolist())
    for name in learned(pools):
        config = next(one.facts[name]["config"] for one in pools if name in one.facts)
        print(name, round(float(np.mean([one.cost[name] for one in pools if name in one.facts])), 2), config)


if __name__ == "__main__":
    data = Path(os.environ["MODELWRIGHT_DATA"])
    if sys.argv[1] == "collect":
        collect(data, Path(sys.argv[2]), sys.argv[3:])
    else:
        learn(Path(sys.argv[2]))
