"""LightGBM: gradient boosted trees that split categories by themselves (Ke et al., NeurIPS 2017)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from modelwright.core.optional import optional
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.alone import ALONE
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
from modelwright.tasks.learners.traversal import LOOKED_AT, Traversal, linked, trusted

#: Rows that are predicted in one call by more than one thread; for which it is worth to write the trees anew.
_FEW, _MANY = 2000, 10_000
#: Columns from which on fewer bins are told apart.
_WIDE = 1000
#: Nanoseconds of one core for each split that a row passes among many, without splits of levels and with them.
_SPLIT_NS, _LEVELS_NS = 3.2, 5.0
#: Leaves that rows are taken through at once, where there are many rows.
_LEAVES = 256


def _lightgbm() -> Any:
    return optional("lightgbm", extra="tables", purpose="the learner 'lightgbm'")


class LightGBM(Learner):
    """See the module."""

    name: ClassVar[str] = "lightgbm"
    boosted: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    scales: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("lightgbm",)

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_trees(frame, config, native=True)

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Float("learning_rate", 0.01, 0.2, sampling="log", default=usual_rate(rows))
        hp.Int("num_leaves", 4, 256, sampling="log", default=_leaves(rows))
        hp.Int("min_data_in_leaf", 2, 100, sampling="log", default=_least(rows, task))
        hp.Float("feature_fraction", 0.4, 1.0, default=0.8)
        hp.Float("bagging_fraction", 0.5, 1.0, default=0.8)
        hp.Float("lambda_l2", 1e-3, 30.0, sampling="log", default=1.0)
        hp.Float("lambda_l1", 1e-3, 10.0, sampling="log", default=1e-3)
        hp.Float("cat_smooth", 1.0, 100.0, sampling="log", default=10.0)
        hp.Boolean("extra_trees", default=False)
        hp.Choice("codes_below", [40, 1_000_000], ordered=True, default=40)
        feature_space(hp)

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        rate = float(config.get("learning_rate", usual_rate(rows)))
        leaves = int(config.get("num_leaves", _leaves(rows)))
        rounds = min(MOST, 20 / rate)
        return 0.02 + rounds * (rows * columns * 6e-9 * np.log2(leaves + 1) / 5 + leaves * columns * 4e-7 + 1e-4)

    def learn(self, lesson: Lesson) -> Fitted:
        with ALONE:
            return self._learn(lesson)

    def _learn(self, lesson: Lesson) -> FittedLightGBM:
        matrix, y, task, config, weight = lesson.matrix, lesson.y, lesson.task, lesson.config, lesson.weight
        valid, rounds, seed, threads, metric = lesson.valid, lesson.rounds, lesson.seed, lesson.threads, lesson.metric
        lgb = _lightgbm()
        number, clock = lesson.classes, lesson.clock
        settings = self._settings(matrix, task, number, config, seed, threads, metric)
        categorical = list(matrix.categorical)
        options = {"params": settings, "free_raw_data": False}
        train = lgb.Dataset(matrix.values, y, weight=weight, categorical_feature=categorical, **options)
        most = rounds or (MOST if valid is not None else USUAL)
        parts = judges(valid, number, lesson.ties) if valid is not None and rounds is None else []
        held = [
            lgb.Dataset(valid[0].values[own], valid[1][own], weight=part(valid[2], own), reference=train, **options)
            for own in parts
            if valid is not None
        ]
        booster = lgb.Booster(settings, train)
        for place, one in enumerate(held):
            booster.add_valid(one, f"valid{place}")
        rate = float(settings["learning_rate"])
        watch, least = Watch.of(rate, bool(held)), least_rounds(rate)
        halves = [Plateau() for _ in held]
        ended = "rounds"
        for done in range(most):
            if clock.late(watch.pace(), enough=done >= least) and done:
                ended = "deadline"
                break
            finished = booster.update()
            if held:
                merits = [value if higher else -value for _, _, value, higher in booster.eval_valid()]
                for half, merit in zip(halves, merits, strict=True):
                    half.see(done + 1, merit)
                if watch.stop(done + 1, sum(merits) / len(merits)):
                    ended = "patience"
                    break
            if finished:
                break
        kept = watch.best or booster.current_iteration()
        facts = {"rounds": int(kept), "ended": ended, "grown": int(booster.current_iteration())}
        text = booster.model_to_string(num_iteration=kept)
        fitted = FittedLightGBM(text, number, facts)
        if len(parts) == 2 and valid is not None and watch.best:
            values, places = valid[0].values, [half.best for half in halves]
            fitted.held = Halves((parts[0], parts[1])).crossed(
                lambda i, own: fitted.shaped(
                    booster.predict(values[own], num_iteration=places[1 - i], num_threads=threads)
                )
            )
        return fitted

    def _settings(
        self, matrix: Matrix, task: str, classes: int, config: Mapping[str, Any], seed: int, threads: int, metric: Any
    ) -> dict[str, Any]:
        rows, asked = matrix.rows, constraints(matrix, config)
        least = min(int(config.get("min_data_in_leaf", _least(rows, task))), max(1, rows // 4))
        made: dict[str, Any] = {
            "objective": _objective(task, metric, any(asked)),
            "metric": _metric(task, metric),
            "learning_rate": float(config.get("learning_rate", usual_rate(rows))),
            "num_leaves": int(config.get("num_leaves", _leaves(rows))),
            "min_data_in_leaf": least,
            "min_sum_hessian_in_leaf": 1e-5,
            "feature_fraction": float(config.get("feature_fraction", 0.8)),
            # A bag of a share of a single row has none, which LightGBM takes for an error.
            "bagging_fraction": float(config.get("bagging_fraction", 0.8)) if rows >= 10 else 1.0,
            "bagging_freq": 1,
            "lambda_l2": float(config.get("lambda_l2", 1.0)),
            "lambda_l1": float(config.get("lambda_l1", 0.0)),
            "extra_trees": bool(config.get("extra_trees", False)),
            "cat_smooth": float(config.get("cat_smooth", 10.0)),
            "min_data_per_group": min(100, max(5, rows // 200)),
            "max_cat_to_onehot": 4,
            "max_bin": int(config.get("max_bin", _bins(len(matrix.names)))),
            "min_data_in_bin": 3 if rows > 1000 else 1,
            "feature_pre_filter": False,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads,
            "seed": seed % 2**31,
            "verbosity": -1,
        }
        if task == "multiclass":
            made["num_class"] = classes
        if made["objective"] == "fair":
            made["fair_c"] = NEAR
        if any(asked):
            made["monotone_constraints"] = asked
            made["monotone_constraints_method"] = "intermediate"
        return made


def _objective(task: str, metric: str | None, constrained: bool) -> str:
    if task != "regression":
        return task
    if metric != "mae":
        return "regression"
    # LightGBM takes no constraint where leaves are set to medians after they are grown.
    return "fair" if constrained else "regression_l1"


def _metric(task: str, metric: str | None) -> str:
    if task == "multiclass":
        return "multi_error" if metric == "accuracy" else "multi_logloss"
    if task == "regression":
        return "l1" if metric == "mae" else "l2"
    return {"roc_auc": "auc", "average_precision": "average_precision"}.get(metric or "", "binary_logloss")


def _leaves(rows: int) -> int:
    return 8 if rows < 1000 else 16 if rows < 5000 else 31 if rows < 20_000 else 63


def _bins(columns: int) -> int:
    """Bins of a column: of very many columns it is bins, not rows, that a round takes its time for."""
    return 255 if columns <= _WIDE else 63


def _least(rows: int, task: str) -> int:
    if task == "regression":
        return 5 if rows < 20_000 else 10
    return 10 if rows < 1000 else 20


class FittedLightGBM(Fitted):
    """A model in LightGBM's own text format."""

    kind: ClassVar[str] = "lightgbm"

    def __init__(self, text: str, classes: int, facts: dict[str, Any]):
        self._text, self._classes, self.facts = text, classes, facts
        self._traversal: Traversal | None = None
        self._tried = False
        with ALONE:
            self._booster = _lightgbm().Booster(model_str=text)

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        walked = self._walked(matrix.values[:LOOKED_AT]) if matrix.rows >= _MANY else None
        if walked is not None:
            return self.natural(self.shaped(walked.predict(matrix.values, threads)))
        if matrix.rows < _FEW:
            return self.natural(self.shaped(self._answers(matrix.values, 1)))
        return self.natural(self.shaped(self._in_groups(matrix.values, threads)))

    def _in_groups(self, values: np.ndarray, threads: int) -> np.ndarray:
        """All rows through a few trees after the other, which stay in the cache together where a model does not."""
        booster, total = self._booster, np.zeros(())
        rounds, group = booster.current_iteration(), self._group
        if not rounds:
            return self._answers(values, threads)
        for start in range(0, rounds, group):
            asks = {"start_iteration": start, "num_iteration": min(group, rounds - start), "raw_score": True}
            with ALONE:
                total = total + np.asarray(booster.predict(values, num_threads=threads, **asks))
        return linked(total, self._classes)

    @cached_property
    def _group(self) -> int:
        """How many rounds have so few leaves together that they stay in the cache."""
        return max(1, int(_LEAVES * self._booster.current_iteration() / max(1, int(self._leaves.sum()))))

    @property
    def _leaves(self) -> np.ndarray:
        """How many of them each tree has."""
        return np.array(re.findall(r"^num_leaves=(\d+)", self._text, re.MULTILINE), np.int64)

    def _answers(self, values: np.ndarray, threads: int) -> np.ndarray:
        with ALONE:
            return np.asarray(self._booster.predict(values, num_threads=threads))

    def _walked(self, some: np.ndarray) -> Traversal | None:
        """The same trees for many rows; None where they cannot be had, or do not answer the same."""
        with ALONE:  # whoever asks meanwhile waits, and gets the same numbers
            if not self._tried:
                self._traversal, self._tried = self._written_anew(some), True
            return self._traversal

    def _written_anew(self, some: np.ndarray) -> Traversal | None:
        if not Traversal.known(self._text):
            return None
        return trusted(
            lambda: Traversal(self._text, self._classes), lambda made: made.predict(some, 1), self._answers(some, 1)
        )

    def shaped(self, answers: Any) -> np.ndarray:
        """What the booster answers, as ``predict`` gives it."""
        found = np.asarray(answers)
        if self._classes == 0:
            return found
        return both(found) if self._classes == 2 and found.ndim == 1 else found

    def shares(self) -> np.ndarray:
        return shared(self._booster.feature_importance("gain").astype(np.float64))

    @property
    def row_ns(self) -> float:
        each = _LEVELS_NS if re.search(r"^num_cat=[1-9]", self._text, re.MULTILINE) else _SPLIT_NS
        return each * levels(self._leaves)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"classes": self._classes, "facts": self.facts}, {"model": self._text.encode()}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedLightGBM:
        return cls(bytes(arrays["model"]).decode(), int(json["classes"]), dict(json["facts"]))
