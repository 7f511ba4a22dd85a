"""Trees walked by XGBoost: many rows take a third of the time that LightGBM needs.

LightGBM takes a row through all trees before the next one, so that a model of some hundred trees falls out of the
cache for every row; XGBoost takes blocks of rows through each tree. Features are of single precision, so that every
threshold has an equal in single precision too and each row comes to the same leaf. Leaves are added up in single
precision, without the mean, which leaves errors around a millionth of the spread.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from modelwright.core.optional import optional
from modelwright.tasks.learners.base import softmax
from modelwright.tasks.learners.grown import LEFT, NUMERIC, Grown

#: The format of LightGBM's text, and the version of XGBoost's schema, that are written and read here.
_FORMAT, _VERSION = "v4", [2, 0, 0]
_DEFAULT_LEFT, _NAN = 2, 2
_ROOT = 2**31 - 1
#: Sets of levels that columns are made for, at most, and rows that get them at once.
_SETS, _ROWS = 2000, 8192
#: What is raised where XGBoost is not there or does not load, reads another schema, or LightGBM writes other lines.
_ELSEWISE = (ImportError, OSError, AttributeError, LookupError, TypeError, ValueError)
#: By how much of their spread predictions may differ then, and on how many rows that is looked at.
_SAME, LOOKED_AT = 1e-4, 64
_MOST = float(np.finfo(np.float32).max)
#: XGBoost's letters for arrays in UBJSON.
_LETTERS = {"f4": b"d", "i4": b"l", "i8": b"L", "u1": b"U"}

Made = TypeVar("Made")


class Walk:
    """Trees through which XGBoost takes many rows.

    Args:
        forest: the trees; how they are told is changed.
        groups: numbers that are predicted for a row: each is the sum over every so many-th tree.
        features: columns that rows have.
        at_once: leaves of the trees that all rows are taken through before the next ones; None for those of all.

    Raises:
        ImportError: XGBoost is not installed.
    """

    def __init__(self, forest: Forest, groups: int, features: int, *, at_once: int | None = None):
        self._groups, self._rounds = groups, forest.trees // groups
        parts = 1 if at_once is None else -(-forest.leaves // at_once)
        self._step = max(1, self._rounds // parts)
        self._base, self._tables = forest.centre(groups), forest.divided(features)
        wide = features + sum(table.shape[1] for table in self._tables.values())
        xgboost = optional("xgboost", extra="tables", purpose="predicting many rows")
        self._lock, self._threads = threading.Lock(), 1
        self._booster = xgboost.Booster({"nthread": 1})
        self._booster.load_model(bytearray(_encoded(_model(forest, groups, wide))))
        self._booster.feature_types = None

    def sums(self, values: np.ndarray, threads: int) -> np.ndarray:
        """What the leaves of float32 features (rows, features) add up to: (rows, groups)."""
        with self._lock:  # a booster that is set while another thread predicts with it fails there
            if threads != self._threads:
                self._booster.set_param({"nthread": threads})
                self._threads = threads
            if not self._tables:
                return self._added(values)
            parts = range(0, len(values), _ROWS)
            return np.concatenate([self._added(self._widened(values[start : start + _ROWS])) for start in parts])

    def _added(self, values: np.ndarray) -> np.ndarray:
        total = np.tile(self._base, (len(values), 1))
        for start in range(0, self._rounds, self._step):
            some = start, min(start + self._step, self._rounds)
            margin = self._booster.inplace_predict(values, iteration_range=some, predict_type="margin")
            total += np.asarray(margin).reshape(total.shape)
        return total

    def _widened(self, values: np.ndarray) -> np.ndarray:
        """Features, and for each set of levels 0 where a row has one of them."""
        parts = [values]
        for feature, table in self._tables.items():
            codes, last = values[:, feature], len(table) - 1
            with np.errstate(invalid="ignore"):
                parts.append(table[np.where((codes >= 0) & (codes < last), codes, last).astype(np.intp)])
        return np.concatenate(parts, axis=1)


class Traversal:
    """The same model of boosted trees, for many rows at once.

    Args:
        text: a model as LightGBM writes it.
        classes: 0 in regression.

    Raises:
        ImportError: XGBoost is not installed.
        ValueError: too many sets of levels go left somewhere.
    """

    def __init__(self, text: str, classes: int):
        head, _, body = text.partition("\nend of trees")[0].partition("\nTree=0\n")
        told = _gathered(head)
        self._groups, self._classes = int(told["num_tree_per_iteration"]), classes
        forest = Forest.of_text(body)
        self._walk = Walk(forest, self._groups, int(told["max_feature_idx"]) + 1)

    @staticmethod
    def known(text: str) -> bool:
        """Whether this is a text that can be read here.

        >>> Traversal.known("tree\\nversion=v4\\n"), Traversal.known("tree\\nversion=v9\\n")
        (True, False)
        """
        return f"\nversion={_FORMAT}\n" in text[:200]

    def predict(self, values: np.ndarray, threads: int) -> np.ndarray:
        """What LightGBM's ``predict`` answers for float32 features (rows, features)."""
        sums = self._walk.sums(values, threads)
        return linked(sums[:, 0] if self._groups == 1 else sums, self._classes)


def trusted(make: Callable[[], Made], answers: Callable[[Made], np.ndarray], expected: np.ndarray) -> Made | None:
    """What ``make`` gives, if it can be made and its answers are those that are expected; else None."""
    try:
        made = make()
        found = answers(made)
    except _ELSEWISE:
        return None
    same = np.abs(found - expected).max(initial=0.0) <= _SAME * max(1.0, float(np.abs(expected).max(initial=0.0)))
    return made if same else None


def linked(sums: np.ndarray, classes: int) -> np.ndarray:
    """What LightGBM answers, of the sums of leaves: the same in regression, one probability of two classes, or all.

    >>> linked(np.array([0.0, 800.0]), 2)
    array([0.5, 1. ])
    """
    if classes == 0:
        return sums
    if sums.ndim == 1:
        return 1 / (1 + np.exp(-np.clip(sums, -700, 700)))
    return softmax(sums)


@dataclass(kw_only=True)
class Forest:
    """All trees one after the other.

    Attributes:
        sizes: splits of each tree; it has one leaf more.
        values: of the leaves.
        features, thresholds, decisions: of the splits, as LightGBM has them.
        children: (splits, 2), left and right within the tree; those below 0 are leaves, counted from -1 on.
        sets: split -> the levels that go left there, as bits.
    """

    sizes: np.ndarray
    values: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    decisions: np.ndarray
    children: np.ndarray
    sets: dict[int, np.ndarray] = field(default_factory=dict)
    starts: np.ndarray = field(init=False)
    nodes: np.ndarray = field(init=False)

    @classmethod
    def of_text(cls, text: str) -> Forest:
        """The trees that LightGBM describes."""
        lines = _gathered(text)
        return cls(
            sizes=_numbers(lines, "num_leaves", np.int64) - 1,
            values=_numbers(lines, "leaf_value", np.float64),
            features=_numbers(lines, "split_feature", np.int32),
            thresholds=_numbers(lines, "threshold", np.float64),
            decisions=(decisions := _numbers(lines, "decision_type", np.int64)),
            children=np.stack([_numbers(lines, f"{side}_child", np.int64) for side in ("left", "right")], axis=1),
            sets=_sets(lines, decisions),
        )

    @classmethod
    def of_grown(cls, grown: Grown) -> Forest:
        """Trees as arrays, of which the first output counts."""
        return cls(
            sizes=grown.sizes.astype(np.int64),
            values=grown.leaves[:, 0].astype(np.float64),
            features=grown.feature.astype(np.int32),
            thresholds=grown.threshold.astype(np.float64),
            decisions=np.where(grown.missing, NUMERIC + LEFT, NUMERIC),
            children=np.stack([grown.left, grown.right], axis=1).astype(np.int64),
        )

    def __post_init__(self) -> None:
        #: Where the splits, the nodes, and the leaves of each tree begin.
        self.starts = np.append(0, np.cumsum(self.sizes))
        self.nodes = np.append(0, np.cumsum(2 * self.sizes + 1))
        self._ends = np.append(0, np.cumsum(self.sizes + 1))
        self._place()

    @property
    def trees(self) -> int:
        return len(self.sizes)

    @property
    def leaves(self) -> int:
        return len(self.values)

    def divided(self, features: int) -> dict[int, np.ndarray]:
        """Have sets of levels be columns behind the features: 0 where a row has one of them, so that it goes left.

        Returns:
            Feature -> (levels, its columns); the last of the levels stands for all others, and for missing ones.

        Raises:
            ValueError: they are too many.
        """
        known: dict[int, dict[bytes, list[int]]] = {}
        for split, bits in self.sets.items():
            own = known.setdefault(int(self.features[split]), {})
            own.setdefault(np.trim_zeros(bits, "b").tobytes(), []).append(split)
        if sum(map(len, known.values())) > _SETS:
            raise ValueError("too many sets of levels")
        tables, column = {}, features
        for feature, sets in known.items():
            listed = [np.frombuffer(key, bool) for key in sets]
            table = np.ones((max(map(len, listed)) + 1, len(listed)), np.float32)
            for place, (bits, splits) in enumerate(zip(listed, sets.values(), strict=True)):
                table[: len(bits), place][bits] = 0.0
                self.features[splits], self.thresholds[splits], self.decisions[splits] = column, 0.5, NUMERIC
                column += 1
            tables[feature] = table
        return tables

    def centre(self, groups: int) -> np.ndarray:
        """Take the mean of each tree's leaves away; what they add up to, (groups,)."""
        means = np.add.reduceat(self.values, self._ends[:-1]) / (self.sizes + 1)
        self.values = self.values - np.repeat(means, self.sizes + 1)
        return means.reshape(-1, groups).sum(axis=0)

    def _place(self) -> None:
        """Number nodes so that a right child comes after its left one, which is how XGBoost finds it."""
        children, splits = self.children, self.sizes
        trees = np.repeat(np.arange(self.trees), splits)
        within = np.arange(len(trees)) - self.starts[trees]
        own = 2 * within[:, None] + np.array([1, 2])  # of the children, in their tree
        inner = children >= 0
        numbers, ends = np.zeros(len(trees), np.int64), np.zeros(self._ends[-1], np.int64)
        numbers[(children + self.starts[trees][:, None])[inner]] = own[inner]
        ends[(~children + self._ends[trees][:, None])[~inner]] = own[~inner]
        self._left = own[:, 0].astype(np.int32)
        self._at_splits = numbers + self.nodes[trees]
        self._at_leaves = ends + np.repeat(self.nodes[:-1], splits + 1)
        self._parents = np.full(self.nodes[-1], _ROOT, np.int32)
        self._parents[(own + self.nodes[trees][:, None])] = numbers[:, None]

    def laid(self, at_splits: Any, at_leaves: Any, kind: str) -> np.ndarray:
        """Numbers of splits and of leaves in the order of nodes."""
        found = np.zeros(self.nodes[-1], kind)
        found[self._at_splits], found[self._at_leaves] = at_splits, at_leaves
        return found

    def columns(self) -> dict[str, np.ndarray]:
        """What XGBoost wants to know of each node."""
        told = (self.decisions >> 2) & 3 == _NAN
        # Missing values go where it is said, or where 0 does.
        lost = np.where(told, (self.decisions & _DEFAULT_LEFT) > 0, self.thresholds >= 0)
        zero, below = self.laid(0, 0, "f4"), _below(self.thresholds)
        return {
            "base_weights": zero,
            "default_left": self.laid(lost, 0, "u1"),
            "left_children": self.laid(self._left, -1, "i4"),
            "loss_changes": zero,
            "parents": self._parents,
            "right_children": self.laid(self._left + 1, -1, "i4"),
            "split_conditions": self.laid(below, self.values, "f4"),
            "split_indices": self.laid(self.features, 0, "i4"),
            "split_type": self.laid(0, 0, "u1"),
            "sum_hessian": zero,
        }


def _gathered(text: str) -> dict[str, str]:
    """The lines of each name, of one tree after the other."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, told = line.partition("=")
        found.setdefault(name, []).append(told)
    return {name: " ".join(lines) for name, lines in found.items()}


def _sets(lines: Mapping[str, str], decisions: np.ndarray) -> dict[int, np.ndarray]:
    """Split -> which levels go left, for splits of levels."""
    found: dict[int, np.ndarray] = {}
    if not (decisions & 1).any():
        return found
    counts, bounds = _numbers(lines, "num_cat", np.int64), _numbers(lines, "cat_boundaries", np.int64)
    words = _numbers(lines, "cat_threshold", np.int64).astype("<u4")
    thresholds, sizes = _numbers(lines, "threshold", np.float64), _numbers(lines, "num_leaves", np.int64) - 1
    bound = word = split = 0
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        if count:
            own = bounds[bound : bound + count + 1]
            for at in (split + np.flatnonzero(decisions[split : split + size] & 1)).tolist():
                place = int(thresholds[at])
                some = words[word + own[place] : word + own[place + 1]]
                found[at] = np.unpackbits(some.view(np.uint8), bitorder="little").astype(bool)
            bound, word = bound + count + 1, word + int(own[-1])
        split += size
    return found


def _numbers(lines: Mapping[str, str], name: str, kind: Any) -> np.ndarray:
    return np.array(lines.get(name, "").split(), np.float64).astype(kind)


def _below(thresholds: np.ndarray) -> np.ndarray:
    """For "at most" in double precision the "less than" that takes the same numbers of single precision.

    >>> low, equal = _below(np.array([0.1, 0.5]))
    >>> bool(np.float32(0.1) < low), bool(np.float32(0.5) < equal)
    (False, True)
    """
    near = np.clip(thresholds, -_MOST, _MOST).astype(np.float32)
    return np.where(near > thresholds, near, np.nextafter(near, np.float32(_MOST)))


def _model(forest: Forest, groups: int, features: int) -> Mapping[str, Any]:
    """The model as XGBoost's schema has it."""
    count, columns = forest.trees, forest.columns()
    trees, none = [], np.zeros(0, np.int32)
    lists = {"categories": none, "categories_nodes": none}
    lists |= {name: none.astype(np.int64) for name in ("categories_segments", "categories_sizes")}
    for tree in range(count):
        own = slice(forest.nodes[tree], forest.nodes[tree + 1])
        size = {
            "num_deleted": "0", "num_feature": str(features), "num_nodes": str(own.stop - own.start),
            "size_leaf_vector": "1",
        }  # fmt: skip
        whole = {name: column[own] for name, column in columns.items()}
        trees.append({"id": tree, "tree_param": size, **whole, **lists})
    grown = {
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(count)},
        "iteration_indptr": list(range(0, count + 1, groups)),
        "tree_info": [tree % groups for tree in range(count)],
        "trees": trees,
    }
    several = groups > 1
    objective: dict[str, Any] = {"name": "multi:softprob" if several else "reg:squarederror"}
    objective["softmax_multiclass_param" if several else "reg_loss_param"] = (
        {"num_class": str(groups)} if several else {"scale_pos_weight": "1"}
    )
    return {
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {"model": grown, "name": "gbtree"},
            "learner_model_param": {
                "base_score": "0", "boost_from_average": "0", "num_class": str(groups if several else 0),
                "num_feature": str(features), "num_target": "1",
            },
            "objective": objective,
        },
        "version": _VERSION,
    }  # fmt: skip


def _encoded(value: Any) -> bytes:
    """UBJSON with arrays of one kind, as XGBoost reads it.

    >>> _encoded({"a": [1, "b"]})
    b'{L\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01a[#L\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02l\\x00\\x00\\x00\\x01SL\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01b}'
    """
    if isinstance(value, np.ndarray):
        letter = _LETTERS[value.dtype.str[1:]]
        return b"[$" + letter + b"#" + _length(len(value)) + value.astype(value.dtype.newbyteorder(">")).tobytes()
    if isinstance(value, Mapping):
        return b"{" + b"".join(_length(len(name)) + name.encode() + _encoded(one) for name, one in value.items()) + b"}"
    if isinstance(value, list):
        return b"[#" + _length(len(value)) + b"".join(map(_encoded, value))
    if isinstance(value, str):
        return b"S" + _length(len(value)) + value.encode()
    return b"l" + struct.pack(">i", value)


def _length(count: int) -> bytes:
    return b"L" + struct.pack(">q", count)
