"""What is compared: our strategies by name, and peers as a user meets them, with their own defaults.

    python benchmarks/search/methods.py < tasks.json

Reads a list of [method, problem, seed, trials] and prints one JSON row for each as soon as it is done. Each method is
driven through its own loop and sees what a trial would: noisy scores where the problem has noise.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("KERAS_BACKEND", "jax")
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
from problems import Config, Problem, active, problem  # noqa: E402

MARKS = (25, 50, 100)
PEERS = ("optuna-tpe", "optuna-gp", "smac", "keras-tuner")


class Judge:
    """Scores configurations, and keeps what was seen, what was true, and the CPU seconds that scoring took."""

    def __init__(self, of: Problem, seed: int):
        self.of, self.rng = of, np.random.default_rng([seed, 7])
        self.seen: list[float] = []
        self.truth: list[float] = []
        self.seconds = 0.0

    def __call__(self, config: Config) -> float:
        began = time.process_time()
        self.truth.append(self.of.score(config))
        self.seen.append(self.truth[-1] + self.of.noise * float(self.rng.standard_normal()))
        self.seconds += time.process_time() - began
        return self.seen[-1]


def through_hp(domains: Any, hp: Any) -> Config:
    """One configuration by define-by-run calls that Modelwright and KerasTuner share."""
    config: Config = {}
    for d in domains:
        if not active(d, config):
            continue
        if d.kind == "categorical":
            config[d.name] = hp.Choice(d.name, list(d.choices))
        elif d.kind == "int":
            config[d.name] = hp.Int(d.name, int(d.low), int(d.high), sampling="log" if d.log else "linear")
        else:
            config[d.name] = hp.Float(d.name, d.low, d.high, sampling="log" if d.log else "linear")
    return config


def ours(strategy: str, judge: Judge, seed: int, trials: int) -> None:
    """A strategy of ours, through the door that users take."""
    import modelwright as mw

    mw.tune(
        lambda hp: judge(through_hp(judge.of.domains, hp)),
        objective="maximize",
        strategy=strategy,
        trials=trials,
        seed=seed,
        store=":memory:",
        verbose=0,
    )


def optuna(sampler: str) -> Callable[[Judge, int, int], None]:
    """Optuna with its default sampler (TPE) or its Gaussian process."""

    def run(judge: Judge, seed: int, trials: int) -> None:
        import optuna as library

        library.logging.set_verbosity(library.logging.ERROR)
        made = library.samplers.TPESampler if sampler == "tpe" else library.samplers.GPSampler

        def objective(trial: Any) -> float:
            config: Config = {}
            for d in judge.of.domains:
                if not active(d, config):
                    continue
                if d.kind == "categorical":
                    config[d.name] = trial.suggest_categorical(d.name, d.choices)
                elif d.kind == "int":
                    config[d.name] = trial.suggest_int(d.name, int(d.low), int(d.high), log=d.log)
                else:
                    config[d.name] = trial.suggest_float(d.name, d.low, d.high, log=d.log)
            return judge(config)

        library.create_study(direction="maximize", sampler=made(seed=seed)).optimize(objective, n_trials=trials)

    return run


def smac(judge: Judge, seed: int, trials: int) -> None:
    """SMAC3's facade for hyperparameters, the space declared with its conditions."""
    import logging

    import ConfigSpace
    from smac import HyperparameterOptimizationFacade, Scenario

    logging.disable(logging.CRITICAL)
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    for d in judge.of.domains:
        if d.kind == "categorical":
            space.add(ConfigSpace.CategoricalHyperparameter(d.name, d.choices))
        elif d.kind == "int":
            space.add(ConfigSpace.UniformIntegerHyperparameter(d.name, int(d.low), int(d.high), log=d.log))
        else:
            space.add(ConfigSpace.UniformFloatHyperparameter(d.name, d.low, d.high, log=d.log))
    for d in judge.of.domains:
        if d.condition:
            space.add(ConfigSpace.InCondition(space[d.name], space[d.condition[0]], list(d.condition[1])))

    def target(config: Any, seed: int = 0) -> float:
        del seed
        plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in dict(config).items()}
        return -judge(plain)

    with tempfile.TemporaryDirectory() as folder:
        deterministic = judge.of.noise == 0
        scenario = Scenario(
            space, n_trials=trials, seed=seed, deterministic=deterministic, output_directory=folder, name="s"
        )
        HyperparameterOptimizationFacade(scenario, target, overwrite=True, logging_level=False).optimize()


def keras_tuner(judge: Judge, seed: int, trials: int) -> None:
    """KerasTuner's Bayesian optimisation."""
    import keras_tuner as kt

    class Tuner(kt.BayesianOptimization):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
            return {"score": judge(through_hp(judge.of.domains, trial.hyperparameters))}

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        objective = kt.Objective("score", "max")
        Tuner(None, objective=objective, max_trials=trials, seed=seed, directory=folder, project_name="p").search(
            verbose=0
        )


def run(method: str, name: str, seed: int, trials: int) -> list[Any]:
    """[method, problem, seed, regret at each mark, CPU seconds of everything but scoring per 100 trials]."""
    peers: dict[str, Callable[[Judge, int, int], None]] = {
        "optuna-tpe": optuna("tpe"),
        "optuna-gp": optuna("gp"),
        "smac": smac,
        "keras-tuner": keras_tuner,
    }
    judge = Judge(problem(name), seed)
    began = time.process_time()
    peers[method](judge, seed, trials) if method in peers else ours(method, judge, seed, trials)
    seconds = time.process_time() - began - judge.seconds
    marks = tuple(m for m in MARKS if m <= trials)
    regrets = [round(r, 5) for r in judge.of.regrets(judge.seen, judge.truth, marks)]
    return [method, name, seed, *regrets, round(100 * seconds / len(judge.seen), 2)]


if __name__ == "__main__":
    for task in json.load(sys.stdin):
        print(json.dumps(run(*task)), flush=True)
