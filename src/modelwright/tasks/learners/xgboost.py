"""XGBoost: gradient boosted trees by levels (Chen and Guestrin, KDD 2016)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.core.optional import optional
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import (
    NEAR,
    Arrays,
    Fitted,
    Learner,
    Lesson,
    both,
    constraints,
    shared,
)
from modelwright.tasks.learners.grown import levels
from modelwright.tasks.learners.judged import Halves, judges, part
from modelwright.tasks.learners.patience import MOST, USUAL, Plateau, Watch, least_rounds, usual_rate
from modelwright.tasks.learners.recipes import feature_space, for_trees

#: Metrics that grow with merit.
_HIGHER = ("auc", "aucpr")
#: Nanoseconds of one core for each split that a row passes among many.
_SPLIT_NS = 3.0
#: Bytes of a stored tree, and of each of its nodes.
_TREE_BYTES, _NODE_BYTES = 650, 34
#: To be held by whoever loads a model for another number of threads.
_LOADING = threading.Lock()


def _xgboost() -> Any:
    return optional("xgboost", extra="tables", purpose="the learner 'xgboost'")


class XGBoost(Learner):
    """See the module."""

    name: ClassVar[str] = "xgboost"
    boosted: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    scales: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("xgboost",)

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_trees(frame, config, native=True)

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Float("learning_rate", 0.01, 0.3, sampling="log", default=usual_rate(rows))
        hp.Int("max_depth", 2, 12, default=_depth(rows))
        hp.Float("min_child_weight", 1e-3, 30.0, sampling="log", default=1.0)
        hp.Float("subsample", 0.5, 1.0, default=0.75)
        hp.Float("colsample_bylevel", 0.4, 1.0, default=0.8)
        hp.Float("reg_lambda", 1e-3, 30.0, sampling="log", default=1.0)
        hp.Float("reg_alpha", 1e-3, 10.0, sampling="log", default=1e-3)
        feature_space(hp)

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        rate = float(config.get("learning_rate", usual_rate(rows)))
        depth = int(config.get("max_depth", _depth(rows)))
        rounds = min(MOST, 15 / rate)
        return 0.02 + rounds * depth * (rows * columns * 2.5e-9 + 2**depth * columns * 1e-7 + 1e-4)

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, task, config, weight = lesson.matrix, lesson.y, lesson.task, lesson.config, lesson.weight
        valid, rounds, seed, threads, metric = lesson.valid, lesson.rounds, lesson.seed, lesson.threads, lesson.metric
        xgb = _xgboost()
        number, clock = lesson.classes, lesson.clock
        settings = _settings(matrix, y, task, number, config, seed, threads, metric)
        train = _data(matrix, y, weight, threads)
        parts = judges(valid, number, lesson.ties) if valid is not None and rounds is None else []
        held = [
            _data(valid[0].take(own), valid[1][own], part(valid[2], own), threads) for own in parts if valid is not None
        ]
        booster = xgb.Booster(settings, [train, *held])
        rate = float(settings["learning_rate"])
        watch, least = Watch.of(rate, bool(held)), least_rounds(rate)
        halves, sign = [Plateau() for _ in held], 1 if settings["eval_metric"] in _HIGHER else -1
        ended, done = "rounds", 0
        for done in range(rounds or (MOST if held else USUAL)):
            if done and clock.late(watch.pace(), enough=done >= least):
                ended = "deadline"
                break
            booster.update(train, done)
            if not held:
                continue
            merits = [sign * float(booster.eval(one, "valid", done).rpartition(":")[2]) for one in held]
            for half, merit in zip(halves, merits, strict=True):
                half.see(done + 1, merit)
            if watch.stop(done + 1, sum(merits) / len(merits)):
                ended = "patience"
                break
        grown = booster.num_boosted_rounds()
        kept = watch.best or grown
        facts = {"rounds": int(kept), "ended": ended, "grown": int(grown)}
        fitted = FittedXGBoost(bytes(booster[:kept].save_raw("ubj")), number, facts)
        if len(parts) == 2 and watch.best:
            places = [half.best for half in halves]
            fitted.held = Halves((parts[0], parts[1])).crossed(
                lambda i, _: fitted.shaped(booster.predict(held[i], iteration_range=(0, places[1 - i])))
            )
        return fitted


def _settings(
    matrix: Matrix,
    y: np.ndarray,
    task: str,
    classes: int,
    config: Mapping[str, Any],
    seed: int,
    threads: int,
    metric: str | None,
) -> dict[str, Any]:
    rows, asked = matrix.rows, constraints(matrix, config)
    made: dict[str, Any] = {
        "objective": _objective(task, metric, any(asked)),
        "eval_metric": _metric(task, metric),
        "tree_method": "hist",
        "learning_rate": float(config.get("learning_rate", usual_rate(rows))),
        "max_depth": int(config.get("max_depth", _depth(rows))),
        "min_child_weight": float(config.get("min_child_weight", 1.0)),
        "subsample": float(config.get("subsample", 0.75)),
        "colsample_bylevel": float(config.get("colsample_bylevel", 0.8)),
        "reg_lambda": float(config.get("reg_lambda", 1.0)),
        "reg_alpha": float(config.get("reg_alpha", 0.0)),
        "max_cat_to_onehot": 5,
        "nthread": threads,
        "seed": seed % 2**31,
        "verbosity": 0,
    }
    if task == "multiclass":
        made["num_class"] = classes
    if task == "regression":
        made["base_score"] = float(np.median(y) if metric == "mae" else np.mean(y))
    if made["objective"] == "reg:pseudohubererror":
        made["huber_slope"] = NEAR
    if any(asked):
        made["monotone_constraints"] = "(" + ",".join(map(str, asked)) + ")"
    return made


def _objective(task: str, metric: str | None, constrained: bool) -> str:
    if task != "regression":
        return "binary:logistic" if task == "binary" else "multi:softprob"
    if metric != "mae":
        return "reg:squarederror"
    # Leaves of absolute errors are set to medians after they are grown, and no constraint is looked at then.
    return "reg:pseudohubererror" if constrained else "reg:absoluteerror"


def _depth(rows: int) -> int:
    return 4 if rows < 2000 else 6 if rows < 50_000 else 8


def _metric(task: str, metric: str | None) -> str:
    if task == "multiclass":
        return "merror" if metric == "accuracy" else "mlogloss"
    if task == "regression":
        return "mae" if metric == "mae" else "rmse"
    return {"roc_auc": "auc", "average_precision": "aucpr"}.get(metric or "", "logloss")


def _data(matrix: Matrix, y: np.ndarray | None, weight: np.ndarray | None, threads: int) -> Any:
    kinds = ["c" if place in matrix.categorical else "q" for place in range(matrix.features)]
    return _xgboost().DMatrix(
        matrix.values, y, weight=weight, feature_types=kinds, enable_categorical=True, nthread=threads
    )


class FittedXGBoost(Fitted):
    """A model in XGBoost's own binary JSON.

    How many threads predict is a setting of the booster, and one that is set while another thread predicts fails there:
    so each number of threads has a booster of its own, which is never set again.
    """

    kind: ClassVar[str] = "xgboost"

    def __init__(self, raw: bytes, classes: int, facts: dict[str, Any]):
        self._raw, self._classes, self.facts = raw, classes, facts
        self._booster = self._loaded(1)
        self._boosters = {1: self._booster}

    def _loaded(self, threads: int) -> Any:
        booster = _xgboost().Booster({"nthread": threads})
        booster.load_model(bytearray(self._raw))
        booster.feature_types = None  # the model knows; comparing them takes longer than predicting a row
        return booster

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        if threads not in self._boosters:
            with _LOADING:
                if threads not in self._boosters:
                    self._boosters[threads] = self._loaded(threads)
        return self.natural(self.shaped(self._boosters[threads].inplace_predict(matrix.values)))

    def shaped(self, answers: Any) -> np.ndarray:
        """What the booster answers, as ``predict`` gives it."""
        found = np.asarray(answers, np.float64)
        if self._classes == 0:
            return found
        return both(found) if found.ndim == 1 else found / found.sum(axis=1, keepdims=True)

    def shares(self) -> np.ndarray:
        made = np.zeros(self._booster.num_features())
        for name, gain in self._booster.get_score(importance_type="total_gain").items():
            made[int(name[1:])] = gain
        return shared(made)

    @property
    def row_ns(self) -> float:
        trees = max(1, self._booster.num_boosted_rounds()) * (self._classes if self._classes > 2 else 1)
        leaves = max(1.0, (len(self._raw) / trees - _TREE_BYTES) / _NODE_BYTES / 2)
        return _SPLIT_NS * trees * levels(np.array([leaves]))

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"classes": self._classes, "facts": self.facts}, {"model": self._raw}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedXGBoost:
        return cls(bytes(arrays["model"]), int(json["classes"]), dict(json["facts"]))
