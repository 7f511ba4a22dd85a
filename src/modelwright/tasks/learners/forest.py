"""Random forests and extremely randomised trees: grown by scikit-learn, kept as arrays, predicted by LightGBM.

Breiman, "Random forests", 2001; Geurts, Ernst and Wehenkel, "Extremely randomized trees", 2006. A round is a tree.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.core.optional import optional
from modelwright.core.rng import Seed
from modelwright.space.hyperparameters import HyperParameters
from modelwright.tasks.alone import ALONE
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.features.matrix import Matrix
from modelwright.tasks.features.recipe import Recipe
from modelwright.tasks.learners.base import Arrays, Fitted, Learner, Lesson, both, shared
from modelwright.tasks.learners.grown import Grown, flattened, levels, text_of
from modelwright.tasks.learners.recipes import feature_space, for_trees
from modelwright.tasks.learners.traversal import LOOKED_AT, Forest, Walk, trusted

#: Leaves of a forest, at most: what its size and the speed of its predictions hang on.
_LEAVES = 500_000
#: Trees that are grown to see how many leaves they have, at most.
_PROBES = 4
#: Shares of the features that a cut is looked for among, and how many features are few.
_SHARES, _COLUMNS = (0.2, 0.35, 0.5, 0.75, 1.0), 8
#: Trees that are grown at once, between looks at the clock; rows that are predicted at once.
_AT_ONCE, _ROWS = 8, 8192
#: Rows that are predicted by more than one thread; by one tree after the other.
_FEW, _MANY = 256, 1000
#: Rows from which on XGBoost walks, and leaves of the trees that it takes them through before the next ones.
_WALKED, _TOGETHER = 10_000, 20_000
#: Nanoseconds of one core for each split that a row passes among many, with one output and with several.
_SPLIT_NS, _SEVERAL_NS = 7.0, 25.0
#: Trees that are the least a forest has, while there is any time.
_LEAST = 8


class _Forest(Learner):
    """What both kinds share."""

    scales: ClassVar[bool] = True
    averages: ClassVar[bool] = True
    chooses: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("sklearn.ensemble", "lightgbm")
    grows: ClassVar[str]
    bootstrap: ClassVar[bool]
    base_leaf: ClassVar[int]
    #: The share of few features that a cut is looked for among, at least.
    few: ClassVar[float]

    def features(self, frame: Frame, config: Mapping[str, Any]) -> Recipe:
        return for_trees(frame, {"target_from": 6, **config}, native=False)

    def space(self, hp: HyperParameters, task: str, rows: int, columns: int) -> None:
        hp.Choice("max_features", list(_SHARES), ordered=True, default=self._share(task, columns))
        hp.Int("min_samples_leaf", 1, 30, sampling="log", default=self.base_leaf)
        if task != "regression":
            hp.Choice("criterion", ["gini", "entropy"])
        feature_space(hp)

    def _share(self, task: str, columns: int) -> float:
        """Features that a cut is looked for among: of few of them a third is one or two, and that is chance alone."""
        if columns <= _COLUMNS:
            return next(share for share in _SHARES if share >= self.few and int(share * columns) >= min(3, columns))
        if task == "regression":
            return 0.5
        return 0.2 if columns > 60 else 0.35

    def cost(self, rows: int, columns: int, config: Mapping[str, Any]) -> float:
        share = float(config.get("max_features", 0.4))
        each = rows * np.log2(max(rows, 2)) * columns * share * (6e-8 if self.bootstrap else 3e-8)
        return 0.05 + (_trees(rows) + _PROBES / 2) * (each + 1e-3)

    def learn(self, lesson: Lesson) -> Fitted:
        matrix, y, task, config, weight = lesson.matrix, lesson.y, lesson.task, lesson.config, lesson.weight
        rounds, seed, threads = lesson.rounds, lesson.seed, lesson.threads
        number, clock, own = lesson.classes, lesson.clock, Seed(seed)
        usual = int(config.get("trees", _trees(matrix.rows)))
        wanted = rounds or usual
        least = int(config.get("min_samples_leaf", self.base_leaf))
        settings = {
            "max_features": float(config.get("max_features", self._share(task, matrix.features))),
            "bootstrap": self.bootstrap,
            "n_jobs": threads,
        }
        if number:
            settings["criterion"] = str(config.get("criterion", "gini"))
        ensembles = optional("sklearn.ensemble", extra="tables", purpose=f"the learner {self.name!r}")
        grows = getattr(ensembles, self.grows + ("Classifier" if number else "Regressor"))
        probe = grows(1, random_state=Seed(seed).child("probe").integer(), **settings)
        # However few trees are asked for, they are like those of the whole forest.
        settings["min_samples_leaf"] = _least_rows(probe, (matrix.values, y, weight), least, max(wanted, usual))
        # Grown on, a forest is the same as grown at once: how many trees come between looks at the clock is no matter.
        forest = grows(0, warm_start=True, random_state=own.integer(), **settings)
        ended, done, pace = "rounds", 0, 0.0
        while done < wanted:
            some = min(wanted - done, _AT_ONCE)
            if clock.deadline is not None:
                some = min(some, int(clock.left(enough=done >= _LEAST) / pace) if done else threads)
            if some < 1:
                ended = "deadline"
                break
            began = time.monotonic()
            forest.set_params(n_estimators=done + some)
            forest.fit(matrix.values, y, sample_weight=weight)
            done += some
            pace = max((time.monotonic() - began) / some, 1e-6)
        known = forest.classes_ if number else None
        trees = [flattened(tree.tree_, known, number) for tree in forest.estimators_]
        facts = {"rounds": len(trees), "ended": ended, "leaves": int(sum(len(tree.leaves) for tree in trees))}
        with np.errstate(invalid="ignore"):  # of cuts that gained nothing the shares are 0 / 0
            relied = np.nan_to_num(forest.feature_importances_)
        return FittedForest(Grown.together(trees), number, relied, facts)


class RandomForest(_Forest):
    """Trees on bootstrap samples, with the best cuts among some features."""

    name: ClassVar[str] = "random_forest"
    grows: ClassVar[str] = "RandomForest"
    bootstrap: ClassVar[bool] = True
    base_leaf: ClassVar[int] = 3
    few: ClassVar[float] = 0.5


class ExtraTrees(_Forest):
    """Trees on all rows, with cuts by chance."""

    name: ClassVar[str] = "extra_trees"
    grows: ClassVar[str] = "ExtraTrees"
    bootstrap: ClassVar[bool] = False
    base_leaf: ClassVar[int] = 2
    few: ClassVar[float] = 0.75


def _least_rows(probe: Any, lesson: tuple[np.ndarray, np.ndarray, np.ndarray | None], least: int, trees: int) -> int:
    """Rows that a leaf has at least, so that a forest of such trees has no more than ``_LEAVES`` of them.

    How many leaves a tree has hangs on how soon they are pure: it is grown, since rows alone say up to ten times more.
    """
    values, y, weight = lesson
    most = max(1, _LEAVES // trees)
    surely = -(-len(y) // most)  # leaves of so many rows each are no more than allowed
    for _ in range(_PROBES):
        if least >= surely:
            break
        probe.set_params(min_samples_leaf=least)
        leaves = int(probe.fit(values, y, sample_weight=weight).estimators_[0].tree_.n_leaves)
        if leaves <= most:
            break
        least = min(surely, max(least + 1, round(least * leaves / most)))
    return least


def _trees(rows: int) -> int:
    return 200 if rows < 2000 else 120 if rows < 10_000 else 100 if rows < 50_000 else 60


class FittedForest(Fitted):
    """Trees as arrays; LightGBM finds the leaves."""

    kind: ClassVar[str] = "forest"

    def __init__(self, grown: Grown, classes: int, relied: np.ndarray, facts: dict[str, Any]):
        self._grown, self._classes, self._relied, self.facts = grown, classes, relied, facts
        self._booster: Any = None
        self._walk: Walk | None = None
        self._tried = False

    def predict(self, matrix: Matrix, *, threads: int = 1) -> np.ndarray:
        with ALONE:
            return self._predicted(matrix, threads)

    def _predicted(self, matrix: Matrix, threads: int) -> np.ndarray:
        grown = self._grown
        if grown.leaves.shape[1] == 1:
            walk = self._walked(matrix.values[:LOOKED_AT]) if matrix.rows >= _WALKED else None
            sums = self._sums if walk is None else walk.sums
            return self._shaped(sums(matrix.values, threads).reshape(matrix.rows))
        starts = np.cumsum([0, *grown.leaf_counts])[:-1].astype(np.int64)
        parts = [np.zeros((0, self._classes))]
        for start in range(0, matrix.rows, _ROWS):
            some = matrix.values[start : start + _ROWS]
            total = np.zeros((len(some), grown.leaves.shape[1]))
            for first, places in zip(starts, self._places(some, threads), strict=True):
                total += grown.leaves[first + places.astype(np.int64)]
            parts.append(total / np.maximum(total.sum(axis=1, keepdims=True), 1e-12))
        return np.concatenate(parts)

    def _shaped(self, sums: np.ndarray) -> np.ndarray:
        found = sums / len(self._grown.sizes)
        return self.natural(found) if self._classes == 0 else both(np.clip(found, 0.0, 1.0))

    def _walked(self, some: np.ndarray) -> Walk | None:
        """The same trees for many rows; None where they cannot be had, or do not answer the same."""
        if not self._tried:
            # Not by LightGBM: to read a large forest takes it as long as XGBoost takes for 20,000 rows.
            expected = self._grown.sums(some)
            self._walk = trusted(self._written_anew, lambda made: made.sums(some, 1)[:, 0], expected)
            self._tried = True
        return self._walk

    def _written_anew(self) -> Walk:
        return Walk(Forest.of_grown(self._grown), 1, len(self._relied), at_once=_TOGETHER)

    @property
    def _read(self) -> Any:
        """The trees as LightGBM reads them."""
        if self._booster is None:
            lightgbm = optional("lightgbm", extra="tables", purpose="predicting with forests")
            self._booster = lightgbm.Booster(model_str=text_of(self._grown, len(self._relied)))
        return self._booster

    def _sums(self, values: np.ndarray, threads: int) -> np.ndarray:
        """What all trees answer, added up in their order: (rows,)."""
        if len(values) < _MANY:
            return np.asarray(self._read.predict(values, num_threads=1 if len(values) < _FEW else threads))
        return np.asarray(sum(self._of_each(values, threads)))

    def _places(self, values: np.ndarray, threads: int) -> Iterable[np.ndarray]:
        """For each tree to which of its leaves rows come: (rows,)."""
        if len(values) < _MANY:
            use = 1 if len(values) < _FEW else threads
            found = np.asarray(self._read.predict(values, pred_leaf=True, num_threads=use))
            return found.reshape(len(values), -1).T
        return self._of_each(values, threads, pred_leaf=True)

    def _of_each(self, values: np.ndarray, threads: int, **asked: bool) -> Iterator[np.ndarray]:
        """All rows through one tree after the other: a tree stays in the cache, where a forest does not."""
        for tree in range(len(self._grown.sizes)):
            found = self._read.predict(values, start_iteration=tree, num_iteration=1, num_threads=threads, **asked)
            yield np.asarray(found).reshape(len(values))

    def first(self, rounds: int) -> FittedForest:
        if rounds >= len(self._grown.sizes):
            return self
        grown = self._grown.first(rounds)
        facts = {**self.facts, "rounds": rounds, "leaves": int(grown.leaf_counts.sum())}
        return FittedForest(grown, self._classes, self._relied, facts)

    def shares(self) -> np.ndarray:
        return shared(self._relied)

    @property
    def row_ns(self) -> float:
        each = _SPLIT_NS if self._grown.leaves.shape[1] == 1 else _SEVERAL_NS
        return each * levels(self._grown.leaf_counts)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        json = {"classes": self._classes, "facts": self.facts}
        return json, {**self._grown.arrays(), "relied": self._relied}

    @classmethod
    def restore(cls, json: Mapping[str, Any], arrays: Mapping[str, Any]) -> FittedForest:
        grown = Grown(**{name: np.asarray(array) for name, array in arrays.items() if name != "relied"})
        return cls(grown, json["classes"], np.asarray(arrays["relied"]), json["facts"])
