"""LightGBM's trees, walked by XGBoost: many rows take a third of the time.

LightGBM takes a row through all trees before the next one, so that a model of some hundred trees falls out of the
cache for every row; XGBoost takes blocks of rows through each tree. Features are of single precision, so that every
threshold has an equal in single precision too and each row comes to the same leaf. Leaves are added up in single
precision, without the mean, which leaves errors around a millionth of the spread.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelwright.core.optional import optional
from modelwright.tasks.learners.base import softmax

#: The format of LightGBM's text, and the version of XGBoost's schema, that are written and read here.
_FORMAT, _VERSION = "v4", [2, 0, 0]
_DEFAULT_LEFT, _NAN = 2, 2
_ROOT = 2**31 - 1
_MOST = float(np.finfo(np.float32).max)
#: XGBoost's letters for arrays in UBJSON.
_LETTERS = {"f4": b"d", "i4": b"l", "i8": b"L", "u1": b"U"}


class Traversal:
    """The same model of boosted trees, for many rows at once.

    Args:
        text: a model as LightGBM writes it.
        classes: 0 in regression.

    Raises:
        ImportError: XGBoost is not installed.
    """

    def __init__(self, text: str, classes: int):
        head, _, body = text.partition("\nend of trees")[0].partition("\nTree=0\n")
        told = _gathered(head)
        self._groups, self._classes = int(told["num_tree_per_iteration"]), classes
        forest = _Forest(body)
        # The first tree of each group holds the mean of the target.
        self._base = np.array([forest.centred(tree) for tree in range(min(self._groups, forest.trees))])
        xgboost = optional("xgboost", extra="tables", purpose="predicting many rows")
        self._lock, self._threads = threading.Lock(), 1
        self._booster = xgboost.Booster({"nthread": 1})
        self._booster.load_model(bytearray(_encoded(_model(forest, self._groups, int(told["max_feature_idx"]) + 1))))
        self._booster.feature_types = None

    @staticmethod
    def known(text: str) -> bool:
        """Whether this is a text that can be read here, without splits of levels: those take XGBoost too long.

        >>> Traversal.known("tree\\nversion=v4\\n"), Traversal.known("tree\\nversion=v9\\n")
        (True, False)
        """
        return f"\nversion={_FORMAT}\n" in text[:200] and re.search(r"^num_cat=[1-9]", text, re.MULTILINE) is None

    def predict(self, values: np.ndarray, threads: int) -> np.ndarray:
        """What LightGBM's ``predict`` answers for float32 features (rows, features)."""
        with self._lock:  # a booster that is set while another thread predicts with it fails there
            if threads != self._threads:
                self._booster.set_param({"nthread": threads})
                self._threads = threads
            margin = self._booster.inplace_predict(values, predict_type="margin")
        sums = np.asarray(margin, np.float64).reshape(len(values), self._groups) + self._base
        return linked(sums[:, 0] if self._groups == 1 else sums, self._classes)


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


class _Forest:
    """All trees that LightGBM describes, one after the other; children below 0 are leaves, counted from -1 on."""

    def __init__(self, text: str):
        lines = _gathered(text)
        leaves = _numbers(lines, "num_leaves", np.int64)
        self.trees, splits = len(leaves), leaves - 1
        #: Where the splits, and the nodes, of each tree begin.
        self.starts = np.append(0, np.cumsum(splits))
        self.nodes = np.append(0, np.cumsum(2 * splits + 1))
        self._ends = np.append(0, np.cumsum(leaves))
        self._leaves = _numbers(lines, "leaf_value", np.float64)
        self._features = _numbers(lines, "split_feature", np.int32)
        self._thresholds = _numbers(lines, "threshold", np.float64)
        self._decisions = _numbers(lines, "decision_type", np.int64)
        self._place(
            np.stack([_numbers(lines, f"{side}_child", np.int64) for side in ("left", "right")], axis=1), splits
        )

    def centred(self, tree: int) -> float:
        """Take the mean of a tree's leaves away; what it was."""
        own = self._leaves[self._ends[tree] : self._ends[tree + 1]]
        mean = float(own.mean())
        own -= mean
        return mean

    def _place(self, children: np.ndarray, splits: np.ndarray) -> None:
        """Number nodes so that a right child comes after its left one, which is how XGBoost finds it."""
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
        told = (self._decisions >> 2) & 3 == _NAN
        # Missing values go where it is said, or where 0 does.
        lost = np.where(told, (self._decisions & _DEFAULT_LEFT) > 0, self._thresholds >= 0)
        zero, below = self.laid(0, 0, "f4"), _below(self._thresholds)
        return {
            "base_weights": zero,
            "default_left": self.laid(lost, 0, "u1"),
            "left_children": self.laid(self._left, -1, "i4"),
            "loss_changes": zero,
            "parents": self._parents,
            "right_children": self.laid(self._left + 1, -1, "i4"),
            "split_conditions": self.laid(below, self._leaves, "f4"),
            "split_indices": self.laid(self._features, 0, "i4"),
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


def _model(forest: _Forest, groups: int, features: int) -> Mapping[str, Any]:
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
