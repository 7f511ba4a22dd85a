"""CatBoost: symmetric boosted trees (Prokhorenkova et al., NeurIPS 2018). It joins where the package is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from modelwright.core.optional import optional
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import (
    Arrays,
    Clock,
    Fitted,
    Learner,
    Lesson,
    both,
    constraints,
    shared,
)
from modelwright.tasks.learners.judged import Halves, judges, part
from modelwright.tasks.learners.patience import MOST, USUAL, Plateau, least_rounds
from modelwright.tasks.learners.recipes import feature_space, for_trees

#: Nanoseconds of one core for each tree, of a row that is predicted among many.
_TREE_NS = 10.0


def _catboost() -> Any:
    return optional("catboost", extra="catboost", purpose="the learner 'catboost'")


class CatBoost(Learner):
    """See the module. Categories are encoded as for XGBoost: the same folds for every learner."""

    name: ClassVar[str] = "catboost"
    boosted: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    scales: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("catboost",)
    extra: ClassVar[str] = "catboost"

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_trees(frame, {"target_from": 6, **config}, native=False)

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Float("learning_rate", 0.02, 0.3, sampling="log", default=0.06 if rows < 20_000 else 0.1)
        hp.Int("depth", 3, 9, default=6)
        hp.Float("l2_leaf_reg", 0.1, 30.0, sampling="log", default=3.0)
        hp.Float("subsample", 0.5, 1.0, default=0.85)
        feature_space(hp)

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        rounds = min(MOST, 30 / float(config.get("learning_rate", 0.06)))
        return 0.2 + rounds * int(config.get("depth", 6)) * (rows * columns * 4e-9 + 3e-4)

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, task, config, weight = lesson.matrix, lesson.y, lesson.task, lesson.config, lesson.weight
        valid, rounds, seed, threads = lesson.valid, lesson.rounds, lesson.seed, lesson.threads
        catboost = _catboost()
        number, clock = lesson.classes, lesson.clock
        present = np.unique(y).astype(int).tolist() if number else []
        varies = (matrix.values != matrix.values[:1]) & ~(np.isnan(matrix.values) & np.isnan(matrix.values[:1]))
        if len(present) == 1 or not varies.any() or (not number and np.ptp(y) == 0):
            # CatBoost refuses what leaves nothing to learn.
            return FittedCatBoost(b"", number, {"rounds": 1, "ended": "rounds"}, present, _shares(y, number, weight))
        judged = valid is not None and rounds is None
        if valid is not None and number:  # the loss has no value for classes that were not there
            judged = judged and set(np.unique(valid[1]).tolist()) <= set(present)
        settings = _settings(matrix, task, len(present), config, seed, threads, lesson.metric)
        settings["iterations"] = rounds or (MOST if judged else USUAL)
        if judged:
            patience = max(30, int(2.5 / settings["learning_rate"]))
            settings |= {"od_type": "Iter", "od_wait": patience, "use_best_model": False}
        model, stop = catboost.CatBoost(settings), _Stop(clock, least_rounds(settings["learning_rate"]))

        def pool(own: Matrix, targets: np.ndarray, weights: np.ndarray | None) -> Any:
            codes = np.searchsorted(present, targets) if number else targets
            return catboost.Pool(own.values, codes, weight=weights)

        parts = judges(valid, number, lesson.ties) if judged and valid is not None else []
        # The last of the sets says when to stop: all rows. The halves say what the other is predicted with.
        every = [*parts, np.arange(valid[0].rows)] if len(parts) == 2 and valid is not None else parts
        held = [pool(valid[0].take(own), valid[1][own], part(valid[2], own)) for own in every if valid is not None]
        model.fit(pool(matrix, y, weight), eval_set=held or None, callbacks=[stop], verbose=False)
        kept = int(model.tree_count_)
        ended = "deadline" if stop.late else "patience" if kept < settings["iterations"] else "rounds"
        bests = [_best(one) for name, one in sorted(model.get_evals_result().items()) if name != "learn"]
        fitted = FittedCatBoost(b"", number, {}, present, [])
        if len(parts) == 2 and valid is not None and kept:
            values = valid[0].values
            fitted.held = Halves((parts[0], parts[1])).crossed(
                lambda i, own: fitted.shaped(model, values[own], threads, min(kept, bests[1 - i]))
            )
        if bests and kept:
            kept = min(kept, bests[-1])
            model.shrink(kept)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            model.save_model(str(path))
            raw = path.read_bytes()
        made = FittedCatBoost(raw, number, {"rounds": max(1, kept), "ended": ended}, present, [])
        made.held = fitted.held
        return made


def _best(curves: Mapping[str, Any]) -> int:
    """Rounds after which the loss was least, counted from 1."""
    plateau = Plateau()
    for number, loss in enumerate(next(iter(curves.values())), 1):
        plateau.see(number, -float(loss))
    return max(1, plateau.best)


def _settings(
    matrix: Matrix, task: str, classes: int, config: Mapping[str, Any], seed: int, threads: int, metric: str | None
) -> dict[str, Any]:
    numbers = "MAE" if metric == "mae" else "RMSE"
    loss = numbers if task == "regression" else "Logloss" if classes == 2 else "MultiClass"
    made: dict[str, Any] = {
        "loss_function": loss,
        "learning_rate": float(config.get("learning_rate", 0.06 if matrix.rows < 20_000 else 0.1)),
        "depth": int(config.get("depth", 6)),
        "l2_leaf_reg": float(config.get("l2_leaf_reg", 3.0)),
        "bootstrap_type": "Bernoulli",
        "subsample": float(config.get("subsample", 0.85)),
        "boosting_type": "Plain",
        "random_seed": seed % 2**31,
        "thread_count": threads,
        "allow_writing_files": False,
    }
    asked = constraints(matrix, config)
    if any(asked):
        made["monotone_constraints"] = asked
    return made


def _shares(y: np.ndarray, classes: int, weight: np.ndarray | None) -> list[float]:
    """The share of each class, or the mean."""
    if not classes:
        return [float(np.average(y, weights=weight))]
    counts = np.bincount(y.astype(np.int64), weight, classes)
    return (counts / counts.sum()).tolist()


class _Stop:
    """Ends the fit when the deadline is near."""

    def __init__(self, clock: Clock, least: int):
        self.clock, self.least, self.late = clock, least, False

    def after_iteration(self, info: Any) -> bool:
        self.late = self.clock.late(enough=info.iteration >= self.least)
        return not self.late


class FittedCatBoost(Fitted):
    """A model in CatBoost's own binary format."""

    kind: ClassVar[str] = "catboost"

    def __init__(self, raw: bytes, classes: int, facts: dict[str, Any], present: list[int], shares: list[float]):
        self._raw, self._classes, self.facts = raw, classes, facts
        self._present, self._shares = present, shares
        self._model: Any = None
        if raw:
            self._model = _catboost().CatBoost()
            self._model.load_model(blob=raw)

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        if not self._raw:
            made = np.tile(np.array(self._shares), (matrix.rows, 1))
            return made if self._classes else self.natural(made[:, 0])
        return self.natural(self.shaped(self._model, matrix.values, threads, 0))

    def shaped(self, model: Any, values: np.ndarray, threads: int, rounds: int) -> np.ndarray:
        """What a model of CatBoost answers after so many rounds (0: all), as ``predict`` gives it."""
        more = {"thread_count": threads, "ntree_end": rounds}
        if self._classes == 0:
            return np.asarray(model.predict(values, **more), np.float64)
        found = np.asarray(model.predict(values, prediction_type="Probability", **more))
        if self._classes == 2:
            return both(found[:, 1])
        made = np.zeros((len(values), self._classes))
        made[:, self._present] = found
        return made

    def shares(self) -> np.ndarray:
        if not self._raw:
            return np.zeros(0)
        return shared(np.asarray(self._model.get_feature_importance(), np.float64))

    @property
    def row_ns(self) -> float:
        return _TREE_NS * int(self._model.tree_count_) if self._raw else 0.0

    def state(self) -> tuple[dict[str, Any], Arrays]:
        json = {"classes": self._classes, "facts": self.facts, "present": self._present, "shares": self._shares}
        return json, {"model": self._raw}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedCatBoost:
        return cls(
            bytes(arrays["model"]),
            int(json["classes"]),
            dict(json["facts"]),
            list(json["present"]),
            list(json["shares"]),
        )
