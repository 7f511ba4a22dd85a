"""Fit the extrapolation's prior: the table in src/modelwright/curves/prior.py.

    MODELWRIGHT_DATA=... python benchmarks/curves/fit_prior.py curves.npz     (curves.npz: see train_curves.py)

Curves: those of train_curves.py, and of 20 instances of LCBench by the surrogates beside MODELWRIGHT_DATA. Left out are
the instances that judge the searches, and every third of the others, which measure ``hopeless``. Each task counts the
same. How much intervals must be widened so that 80 % of the ends lie in them for tasks that were left out (four folds)
stands in the table too.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from modelwright.curves.features import COUNT, describe
from modelwright.curves.prior import LEVELS

BENCH = Path(os.environ["MODELWRIGHT_DATA"]).parent / "bench"
JUDGES = {"167168", "189873", "189906", "126026", "34539"}
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def held_out() -> list[str]:
    """Instances of LCBench that nothing was fitted on and that judge nothing else."""
    from surrogates import Surrogate

    return sorted(set(Surrogate.instances("lcbench")) - JUDGES)[::3]


def lcbench(instances: list[str]) -> dict[str, np.ndarray]:
    """Curves of 60 random configurations for each instance: accuracy and cross-entropy, 52 epochs."""
    from surrogates import Surrogate

    rng, found = np.random.default_rng(5), {}
    for instance in instances:
        problem = Surrogate("lcbench", instance)
        configs = [problem.random(rng) for _ in range(60)]
        for name, target in (("accuracy", (1, 100.0, False)), ("loss", (2, 1.0, False))):
            problem._spec = {**problem._spec, "target": target}
            found[f"{instance}__{name}"] = np.stack([problem.batch(configs, e) for e in range(1, 53)], 1)
    return found


def rows(curves: np.ndarray, logarithmic: bool, target: str, rng: np.random.Generator) -> Rows:
    """Features, gains and weights of one task: cut off at several lengths, seen to several shares of them."""
    usable = np.isfinite(curves).all(1) & ((curves > 0).all(1) if logarithmic else (np.abs(curves) <= 1).all(1))
    curves = np.log(curves[usable]) if logarithmic else -curves[usable]
    x, y, w = [np.zeros((0, COUNT))], [np.zeros(0)], [np.zeros(0)]
    for length, stride in ((None, 1), (20, 1), (10, 1), (20, 2), (10, 2)):
        whole = curves[:, ::stride][:, :length]
        for share in (0.06, 0.1, 0.17, 0.25, 0.37, 0.5, 0.7):
            seen = max(1, round(share * whole.shape[1]))
            some = whole[rng.permutation(len(whole))[:25]]
            end = some.min(1) if target == "best" else some[:, -1]
            spread = np.ptp(np.percentile(whole[:, -1], [10, 90])) if len(whole) else 1.0
            scale = np.abs(whole[:, -1] - whole[:, seen - 1]).mean() + 0.05 * spread + 1e-9
            x.append(describe(some[:, :seen], whole.shape[1], logarithmic))
            y.append(end - some[:, seen - 1])
            w.append(np.full(len(some), 1 / scale))
    return np.concatenate(x), np.concatenate(y), np.concatenate(w)


def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Linear quantiles, (levels, features): pinball loss, smoothed less and less, with a slight ridge."""
    x, y = np.clip(x * w[:, None], -200, 200), np.clip(y * w, -30, 30)
    scale = np.sqrt((np.clip(x, -20, 20) ** 2).mean(0)) + 1e-9
    x, beta, found = x / scale, np.zeros(x.shape[1]), []
    for level in LEVELS:
        for smooth in (0.3, 0.05, 0.02):

            def loss(beta: np.ndarray, level=level, smooth=smooth) -> tuple[float, np.ndarray]:
                r = y - x @ beta
                a = np.abs(r)
                size = np.where(a < smooth, r * r / (2 * smooth) + smooth / 2, a)
                slope = np.where(a < smooth, r / smooth, np.sign(r)) / 2 + level - 0.5
                value = float((size / 2 + (level - 0.5) * r).mean() + 1e-4 * beta @ beta)
                return value, -(x.T @ slope) / len(r) + 2e-4 * beta

            beta = minimize(loss, beta, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x
        found.append(beta / scale)
    return np.array(found)


def widened(beta: np.ndarray, by: float) -> np.ndarray:
    middle = beta[len(LEVELS) // 2]
    return middle + by * (beta - middle)


def coverage(beta: np.ndarray, task: Rows) -> float:
    quantiles = np.sort(task[0] @ beta.T, 1)
    return float(((task[1] >= quantiles[:, 1] - 1e-12) & (task[1] <= quantiles[:, -2] + 1e-12)).mean())


def table(tasks: dict[str, np.ndarray], logarithmic: bool, target: str) -> str:
    rng = np.random.default_rng(0)
    chosen = {k: v for k, v in tasks.items() if k.endswith("loss") == logarithmic}
    made = {k: rows(v, logarithmic, target, rng) for k, v in chosen.items()}
    bases = sorted({k.split("_")[0] for k in made})
    fold = dict(zip(bases, rng.permutation(len(bases)) % 4, strict=True))
    judged = []
    for i in range(4):
        others = [r for k, r in made.items() if fold[k.split("_")[0]] != i]
        beta = fit(*(np.concatenate(parts) for parts in zip(*others, strict=True)))
        judged += [(beta, r) for k, r in made.items() if fold[k.split("_")[0]] == i and len(r[1])]
    grid = np.arange(0.8, 2.0, 0.05)
    covered = [np.mean([coverage(widened(b, by), r) for b, r in judged]) for by in grid]
    by = float(grid[int(np.argmin(np.abs(np.array(covered) - 0.8)))])
    print(f"{target}, {'logarithms' if logarithmic else 'plain'}: {len(made)} tasks, "
          f"{covered[4]:.3f} covered, {np.max(covered * (grid == by)):.3f} after widening by {by:.2f}")  # fmt: skip
    beta = fit(*(np.concatenate(parts) for parts in zip(*made.values(), strict=True)))
    lines = ["  " + " ".join(f"{v:.4g}" for v in half) for row in beta for half in np.split(row, 2)]
    return f'    ("{target}", {logarithmic}): ({by:.2f}, """\n' + "\n".join(lines) + '\n"""),\n'


def main(path: str) -> None:
    sys.path.insert(0, str(BENCH))
    from surrogates import Surrogate

    tasks = dict(np.load(path))
    tasks |= lcbench(sorted(set(Surrogate.instances("lcbench")) - JUDGES - set(held_out())))
    text = "".join(table(tasks, log, target) for target in ("final", "best") for log in (True, False))
    place = Path(__file__).parents[2] / "src" / "modelwright" / "curves" / "prior.py"
    source = re.sub(r"_TABLE = \{\n.*?^\}", lambda _: "_TABLE = {\n" + text + "}", place.read_text(), flags=re.S | re.M)
    place.write_text(source)


if __name__ == "__main__":
    main(sys.argv[1])
