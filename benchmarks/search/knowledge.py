"""What a prior and an earlier study are worth, right and wrong ones: mean and median regret after 5, 10, 25, 50 trials.

    MODELWRIGHT_DATA=... python benchmarks/search/knowledge.py [--strategy auto] [--seeds 3]

Problems are the open instances of ``problems.py``. A good prior is near one of the ten best of 4,000 random
configurations, a bad one near one of the twenty worst. The earlier study had 50 trials on the next instance of the same
scenario ("similar"), returned chance ("noise"), or the negative of the score ("against").
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from problems import OPEN, draw, problem

import modelwright as mw
from modelwright.store.memory import MemoryStore

MARKS = (5, 10, 25, 50)
SIGNS = {"similar": 1.0, "noise": 0.0, "against": -1.0}


def ask(hp: Any, made: Any) -> dict[str, Any]:
    """A configuration of a problem, asked of ``hp``."""
    config: dict[str, Any] = {}
    for d in sorted(made.domains, key=lambda d: d.condition is not None):
        if d.condition and config.get(d.condition[0]) not in d.condition[1]:
            continue
        sampling = "log" if d.log else "linear"
        if d.kind == "categorical":
            config[d.name] = hp.Choice(d.name, list(d.choices))
        elif d.kind == "int":
            config[d.name] = hp.Int(d.name, int(d.low), int(d.high), sampling=sampling)
        else:
            config[d.name] = hp.Float(d.name, d.low, d.high, sampling=sampling)
    return config


def search(made: Any, store: MemoryStore, name: str, seed: int, sign: float = 1.0, **options: Any) -> list[float]:
    """The scores of one search of 50 trials, in order."""
    rng = np.random.default_rng(seed)

    def score(hp: Any) -> float:
        found = made.score(ask(hp, made))
        return sign * found if sign else float(rng.normal())

    study = mw.tune(
        score, objective="maximize", trials=MARKS[-1], store=store, name=name, seed=seed, verbose=0,
        space=lambda hp: ask(hp, made), **options,
    )  # fmt: skip
    return [float(trial.value or 0.0) for trial in study.trials]


def belief(made: Any, config: dict[str, Any], noise: float, rng: np.random.Generator) -> dict[str, Any]:
    """A prior near ``config``."""
    found = {}
    for d in made.domains:
        if d.name not in config:
            continue
        if d.kind == "categorical":
            found[d.name] = config[d.name]
            continue
        low, high, here = ((np.log(v) if d.log else v) for v in (d.low, d.high, config[d.name]))
        near = min(max(here + noise * (high - low) * rng.normal(), low), high)
        value = min(max(float(np.exp(near) if d.log else near), d.low), d.high)
        found[d.name] = round(value) if d.kind == "int" else value
    return found


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--strategy", default="auto")
    parse.add_argument("--seeds", type=int, default=3)
    parse.add_argument("--kinds", nargs="+", default=["nothing", "good", "bad", *SIGNS])
    args = parse.parse_args()
    for kind in args.kinds:
        rows = []
        for i, name in enumerate(OPEN):
            made, rng = problem(name), np.random.default_rng(1)
            drawn = [draw(made.domains, rng) for _ in range(4000)]
            scores = np.array([made.score(config) for config in drawn])
            order = np.argsort(-scores)
            siblings = [other for other in OPEN if other.partition("/")[0] == name.partition("/")[0]]
            other = problem(siblings[(siblings.index(name) + 1) % len(siblings)])
            for seed in range(args.seeds):
                store, chance = MemoryStore(), np.random.default_rng([i, seed])
                options: dict[str, Any] = {"strategy": args.strategy}
                if kind in SIGNS:
                    search(other, store, "earlier", seed + 50, SIGNS[kind], **options)
                    options["transfer"] = "earlier"
                elif kind != "nothing":
                    place = order[chance.integers(10)] if kind == "good" else order[-1 - chance.integers(20)]
                    options["prior"] = belief(made, drawn[place], 0.1 if kind == "good" else 0.05, chance)
                best = np.maximum.accumulate(search(made, store, "this", seed, **options))
                rows.append((made.top - best) / (made.top - made.median))
        found = np.array(rows)[:, [mark - 1 for mark in MARKS]]
        shown = "  ".join(f"{mean:6.3f} ({middle:6.3f})" for mean, middle in zip(found.mean(0), np.median(found, 0)))
        print(f"{args.strategy} {kind:8s} {shown}", flush=True)


if __name__ == "__main__":
    main()
