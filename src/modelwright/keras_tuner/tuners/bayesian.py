"""Bayesian optimisation: the engine's Gaussian process, and an upper confidence bound with KerasTuner's arguments.

Srinivas et al., "Gaussian Process Optimization in the Bandit Setting", ICML 2010.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.rng import Seed
from modelwright.keras_tuner.engine.hyperparameters import Boolean, Choice, Fixed, HyperParameter, HyperParameters
from modelwright.keras_tuner.engine.oracle import Oracle
from modelwright.keras_tuner.engine.trial import TrialStatus
from modelwright.keras_tuner.engine.tuner import Tuner

_CANDIDATES = 2000
_ROUNDS = 4
_MOST = 500


class BayesianOptimizationOracle(Oracle):
    """Random trials first, then those with the best upper confidence bound.

    Args:
        num_initial_points: completed random trials before the model is asked; by default three for each
            hyperparameter, at least three.
        alpha: variance of the noise of a score, where scores have variance 1.
        beta: how many standard deviations the bound lies from the mean; larger explores more.
        objective, max_trials, seed, hyperparameters, allow_new_entries, tune_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: see ``Oracle``.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ):
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        self.num_initial_points, self.alpha, self.beta = num_initial_points, alpha, beta

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        completed = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED]
        axes = self._nonfixed_space()
        wanted = self.num_initial_points or max(3 * len(self.hyperparameters.space), 3)
        values = None
        if len(completed) >= max(wanted, 2) and axes:
            values = self._propose(axes, trial_id)
        if values is None:
            values = self._random_values()
        return {"status": TrialStatus.STOPPED if values is None else TrialStatus.RUNNING, "values": values}

    def _propose(self, axes: list[HyperParameter], trial_id: str) -> dict[str, Any] | None:
        """Values that were not tried, at the best bound found; None when everything promising was tried."""
        model, x, best = self._fitted(axes)
        rng = Seed(int(self.seed)).child("bayesian", trial_id).generator()
        pool = rng.random((_CANDIDATES, len(axes)))
        for turn in range(_ROUNDS):
            mean, deviation = model.predict(self._snap(axes, pool))
            order = np.argsort(-(mean + self.beta * deviation), kind="stable")
            if turn + 1 < _ROUNDS:
                near = np.vstack([pool[order[:10]], x[best][None]])
                moved = rng.choice(near, _CANDIDATES // 2) + rng.normal(0, 0.1 / 2**turn, (_CANDIDATES // 2, len(axes)))
                pool = np.vstack([pool[order[: _CANDIDATES // 2]], np.clip(moved, 0, 1 - 1e-12)])
        for index in order[:200]:
            values = self._vector_to_values(pool[index])
            if not self._duplicate(values):
                return values
        return None

    def _fitted(self, axes: list[HyperParameter]) -> tuple[Any, np.ndarray, int]:
        """The model of the scores, the points it was fitted to, and which of them is the best."""
        from modelwright.strategy.gp import GP, Prior

        x, scores = self._vectorize_trials()
        if len(x) > _MOST:
            x, scores = x[-_MOST:], scores[-_MOST:]
        spread = scores.std()
        y = (scores - scores.mean()) / (spread if spread > 0 else 1.0)
        kinds = ["categorical" if _unordered(hp) else "numeric" for hp in axes]
        noise = max(float(self.alpha), 1e-10)
        model = GP(kinds, prior=Prior(noise=noise, noise_width=1e-2, floor=noise / 2)).fit(x, y)
        running = self._ongoing_vectors(axes)
        return (model.extend(running) if len(running) else model), x, int(np.argmax(y))

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """Points in [0, 1] of the completed trials, and their scores, larger being better."""
        axes, sign = self._nonfixed_space(), 1.0 if self.objective.direction == "max" else -1.0
        done = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED]
        x = np.array([self._values_to_vector(axes, t.hyperparameters) for t in done])
        y = np.array([sign * float(t.score) for t in done])
        finite = np.isfinite(y)
        worst = y[finite].min() if finite.any() else 0.0
        return x, np.where(finite, y, worst)

    def _ongoing_vectors(self, axes: list[HyperParameter]) -> np.ndarray:
        """Points of the running trials; they are believed to turn out as predicted, so that none is chosen again."""
        return np.array([self._values_to_vector(axes, t.hyperparameters) for t in self.ongoing_trials.values()])

    def _values_to_vector(self, axes: list[HyperParameter], hps: HyperParameters) -> list[float]:
        """Where values lie in [0, 1]; what is inactive, or was not known yet, counts as the default."""
        return [
            hp.value_to_prob(hps.values[hp.name] if hps.is_active(hp) and hp.name in hps.values else hp.default)
            for hp in axes
        ]

    def _vector_to_values(self, vector: np.ndarray) -> dict[str, Any]:
        hps, left = HyperParameters(), iter(vector)
        for hp in self.hyperparameters.space:
            hps.merge([hp])
            value = hp.default if isinstance(hp, Fixed) else hp.prob_to_value(float(next(left)))
            if hps.is_active(hp):
                hps.values[hp.name] = value
        return hps.values

    def _snap(self, axes: list[HyperParameter], points: np.ndarray) -> np.ndarray:
        """The points that stand for the values which ``points`` are rounded to."""
        return np.column_stack(
            [[hp.value_to_prob(hp.prob_to_value(float(p))) for p in points[:, i]] for i, hp in enumerate(axes)]
        )

    def _nonfixed_space(self) -> list[HyperParameter]:
        return [hp for hp in self.hyperparameters.space if not isinstance(hp, Fixed)]

    def get_state(self) -> dict[str, Any]:
        own = {"num_initial_points": self.num_initial_points, "alpha": self.alpha, "beta": self.beta}
        return {**super().get_state(), **own}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        if not {"num_initial_points", "alpha", "beta"} <= set(state):
            raise KeyError("num_initial_points")


def _unordered(hp: HyperParameter) -> bool:
    return isinstance(hp, Boolean) or (isinstance(hp, Choice) and not hp.ordered)


class BayesianOptimization(Tuner):
    """Tunes by Bayesian optimisation.

    Args:
        hypermodel: a ``HyperModel`` or a function ``build(hp)``.
        num_initial_points, alpha, beta: see ``BayesianOptimizationOracle``.
        objective, max_trials, seed, hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial,
            max_consecutive_failed_trials: see ``Oracle``.
        **kwargs: see ``Tuner``.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ):
        oracle = BayesianOptimizationOracle(
            objective=objective,
            max_trials=max_trials,
            num_initial_points=num_initial_points,
            alpha=alpha,
            beta=beta,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)
