"""XGBoost's model, looked at before XGBoost is: it follows children and features wherever they point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.tasks.stored.held import Damaged, items, mapping, need, real, text, whole
from modelwright.tasks.stored.trees import check_nodes
from modelwright.tasks.stored.ubjson import parsed

#: Arrays with an entry for each node, and their types.
_OF_NODES = {
    "base_weights": "f4",
    "default_left": "u1",
    "left_children": "i4",
    "loss_changes": "f4",
    "parents": "i4",
    "right_children": "i4",
    "split_conditions": "f4",
    "split_indices": "i4",
    "split_type": "u1",
    "sum_hessian": "f4",
}
_OF_SETS = {"categories_nodes": "i4", "categories_segments": "i8", "categories_sizes": "i8"}
_NO_PARENT = 2**31 - 1
_LARGEST = 1e35
_MOST_TREES = 1_000_000
#: Codes of categories, and bytes of the sets that XGBoost makes of them, at most: one large code takes two million, and
#: as many again while the model is read.
_MOST_CODES, _MOST_BYTES = 2**24, 2**28
_OBJECTIVES = {
    2: ("binary:logistic",),
    0: (
        "reg:squarederror",
        "reg:absoluteerror",
        "reg:pseudohubererror",
        "reg:quantileerror",
        "count:poisson",
        "reg:gamma",
        "reg:tweedie",
    ),
}


def check(content: bytes, *, features: int, classes: int) -> None:
    """Refuse a model that XGBoost could not be given.

    Args:
        features: columns that the model is given.
        classes: that it tells apart; 0 in regression.

    Raises:
        Damaged: it is no such model.
    """
    whole_model = _of(parsed(content), "the model", ("learner", "version"))
    items(whole_model["version"], "version", int, 3)
    keys = ("attributes", "feature_names", "feature_types", "gradient_booster", "learner_model_param", "objective")
    learner = _of(whole_model["learner"], "learner", keys)
    outputs = classes if classes > 2 else 1
    _check_settings(learner, features, classes)
    booster = _of(learner["gradient_booster"], "gradient_booster", ("model", "name"))
    text(booster["name"], "the kind of XGBoost model", ("gbtree",))
    keys = ("cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees")
    model = _of(booster["model"], "model", keys, optional=("cats",))
    for name, value in mapping(model.get("cats", {}), "cats").items():
        need(isinstance(value, list | np.ndarray) and len(value) == 0, f"cats: {name!r:.40} holds something")
    trees = items(model["trees"], "trees", dict)
    need(0 < len(trees) <= _MOST_TREES, f"the XGBoost model has {len(trees):,} trees")
    said = mapping(model["gbtree_model_param"], "gbtree_model_param")
    _number(said.get("num_trees"), "num_trees", len(trees))
    _number(said.get("num_parallel_tree", "1"), "num_parallel_tree", 1)
    info = _ints(model["tree_info"], "tree_info", len(trees))
    need(bool(((info >= 0) & (info < outputs)).all()), "the XGBoost model has trees of no class")
    rounds = _ints(model["iteration_indptr"], "iteration_indptr", None)
    good = len(rounds) > 1 and rounds[0] == 0 and rounds[-1] == len(trees) and bool((np.diff(rounds) > 0).all())
    need(good, "the XGBoost model's rounds do not fit its trees")
    _check_trees(trees, features)


def _check_settings(learner: Mapping[str, Any], features: int, classes: int) -> None:
    for name, value in mapping(learner["attributes"], "attributes").items():
        need(isinstance(value, str) and name in ("best_iteration", "best_score"), f"attributes: {name!r:.40}")
    for name in ("feature_names", "feature_types"):
        given = items(learner[name], name, str)
        need(len(given) in (0, features), f"the XGBoost model has {len(given):,} {name}, not {features:,}")
    need(set(learner["feature_types"]) <= {"q", "c", "i", "float", "int"}, "the XGBoost model's feature_types")
    said = mapping(learner["learner_model_param"], "learner_model_param")
    _number(said.get("num_feature"), "num_feature", features)
    _number(said.get("num_target", "1"), "num_target", 1)
    _number(said.get("num_class"), "num_class", classes if classes > 2 else 0)
    for part in text(said.get("base_score"), "base_score").strip("[]").split(","):
        real(float(part), "base_score", -_LARGEST, _LARGEST)
    objective = mapping(learner["objective"], "objective")
    text(objective.get("name"), "the XGBoost model's objective", _OBJECTIVES.get(classes, ("multi:softprob",)))
    for name, value in objective.items():
        for key, inner in (mapping(value, f"objective, {name!r:.40}") if name != "name" else {}).items():
            real(float(text(inner, key).strip("[]")), key, -_LARGEST, _LARGEST)
            if key == "num_class":
                _number(inner, key, classes)


def _check_trees(trees: Sequence[dict[str, Any]], features: int) -> None:
    keys = (*_OF_NODES, *_OF_SETS, "categories", "id", "tree_param")
    sizes = np.zeros(len(trees), np.int64)
    for place, tree in enumerate(trees):
        _of(tree, "a tree", keys)
        whole(tree["id"], "id of a tree", place, place)
        said = mapping(tree["tree_param"], "tree_param")
        sizes[place] = len(tree["left_children"])
        _number(said.get("num_nodes"), "num_nodes", int(sizes[place]))
        _number(said.get("num_feature"), "num_feature", features)
        _number(said.get("num_deleted"), "num_deleted", 0)
        need(said.get("size_leaf_vector") in ("0", "1"), "the XGBoost model has trees of several values")
        for key in keys[: len(_OF_NODES)]:
            need(len(tree[key]) == sizes[place], f"the XGBoost model has a tree with too few or many {key}")
    held = {key: _together([tree[key] for tree in trees], key, kind) for key, kind in _OF_NODES.items()}
    cuts = check_nodes(held["left_children"], held["right_children"], held["parents"], sizes, _NO_PARENT)
    feature = held["split_indices"]
    need(bool(((feature >= 0) & (feature < features)).all()), "the XGBoost model cuts by a feature that is not there")
    need(
        bool((np.abs(held["split_conditions"][~cuts]) <= _LARGEST).all()), "the XGBoost model has leaves without a use"
    )
    need(bool((held["split_type"] <= cuts).all()), "the XGBoost model has leaves with categories")
    _check_sets(trees, held["split_type"], sizes)


def _check_sets(trees: Sequence[dict[str, Any]], by_set: np.ndarray, sizes: np.ndarray) -> None:
    """Cuts by categories have a part of the categories each, one after the other."""
    counts = np.array([len(tree["categories_nodes"]) for tree in trees], np.int64)
    codes = np.array([len(tree["categories"]) for tree in trees], np.int64)
    for key in _OF_SETS:
        need(all(len(tree[key]) == n for tree, n in zip(trees, counts.tolist(), strict=True)), f"the sizes of {key}")
    held = {key: _together([tree[key] for tree in trees], key, kind) for key, kind in _OF_SETS.items()}
    categories = _together([tree["categories"] for tree in trees], "categories", "i4")
    node = held["categories_nodes"] + np.repeat(np.cumsum(sizes) - sizes, counts)
    need(np.array_equal(node, np.flatnonzero(by_set)), "the XGBoost model's cuts by categories are others")
    if not len(node):
        need(not len(categories), "the XGBoost model has categories of no use")
        return
    first = held["categories_segments"] + np.repeat(np.cumsum(codes) - codes, counts)
    size = held["categories_sizes"]
    fits = (
        bool((size > 0).all()) and np.array_equal(first, np.cumsum(size) - size) and int(size.sum()) == len(categories)
    )
    need(fits, "the XGBoost model's categories lie elsewhere")
    need(bool(((categories >= 0) & (categories < _MOST_CODES)).all()), "the XGBoost model has other categories")
    largest = np.maximum.reduceat(categories, first)
    need(
        int((largest // 8 + 8).astype(np.int64).sum()) <= _MOST_BYTES,
        "the XGBoost model's categories need too much room",
    )


def _of(value: Any, what: str, keys: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    """A mapping with these keys and no others."""
    found = mapping(value, what)
    lacking = [key for key in keys if key not in found and key not in optional]
    need(not lacking and found.keys() <= set(keys), f"the XGBoost model has other parts in {what}")
    return dict(found)


def _number(value: Any, what: str, wanted: int) -> None:
    need(value == str(wanted), f"the XGBoost model's {what} is {value!r:.40}, not {wanted}")


def _ints(value: Any, what: str, count: int | None) -> np.ndarray:
    found = items(value.tolist() if isinstance(value, np.ndarray) else value, what, int, count)
    return np.array(found, np.int64)


def _together(parts: Sequence[Any], key: str, kind: str) -> np.ndarray:
    """Arrays of all trees as one."""
    wanted = np.dtype(kind).newbyteorder(">")
    if not all(isinstance(part, np.ndarray) and part.dtype == wanted for part in parts):
        raise Damaged(f"the XGBoost model has {key} of another type")
    return np.concatenate(parts).astype(kind)
