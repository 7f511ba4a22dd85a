"""LightGBM's text, read strictly and written again: its own parser ends the process where a text is damaged.

What is handed on is made of nothing but what was looked at here, so that no two readings of a text can differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from modelwright.tasks.stored.held import DOUBLE, Damaged, need
from modelwright.tasks.stored.trees import check_cuts, starts_of

_HEAD = re.compile(r"[a-z_]+=[^\n]*|tree")
_WHOLE, _REAL = re.compile(r"[-0-9 ]*"), re.compile(r"(?:[-+.0-9e ]+|inf|nan)*+")
#: Key -> whether its numbers are whole, and how many more or fewer than the leaves there are of them.
_OF_LEAVES = {
    "split_feature": (True, -1),
    "split_gain": (False, -1),
    "threshold": (False, -1),
    "decision_type": (True, -1),
    "left_child": (True, -1),
    "right_child": (True, -1),
    "leaf_value": (False, 0),
    "leaf_weight": (False, 0),
    "leaf_count": (True, 0),
    "internal_value": (False, -1),
    "internal_weight": (False, -1),
    "internal_count": (True, -1),
}
_NEEDED = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
#: Those that predictions hang on.
_READ = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
_SINGLE = ("num_leaves", "num_cat", "is_linear")
_CATEGORIES = ("cat_boundaries", "cat_threshold")
_ORDER = ("num_leaves", "num_cat", *_OF_LEAVES, *_CATEGORIES, "is_linear", "shrinkage")
_VALUES = re.compile(r"regression|regression_l1|huber|fair|quantile|mape|poisson|gamma|tweedie")
_SETTINGS = re.compile(r"( [a-z_]+:[-+.0-9e]+)*( sqrt)?")
_MOST_TREES, _MOST_LEAVES = 200_000, 5_000_000


def rewritten(text: str, *, features: int, classes: int) -> str:
    """The same model, of what was found sound.

    Args:
        features: columns that the model is given.
        classes: that it tells apart; 0 in regression.

    Raises:
        Damaged: it is no such model.
    """
    head, _, rest = text.partition("\nTree=")
    body, ended, _ = rest.partition("\nend of trees")
    need(bool(ended), "the LightGBM model is cut short, or has no trees")
    objective, outputs = _head(head, features, classes)
    count = body.count("\nTree=") + 1
    need(count <= _MOST_TREES and count % outputs == 0, f"the LightGBM model has {count:,} trees")
    trees = [_tree(place, block) for place, block in enumerate(body.split("\nTree="))]
    _check(trees, features)
    return _written(trees, features, objective, outputs)


def _head(head: str, features: int, classes: int) -> tuple[str, int]:
    lines = [line for line in head.split("\n") if line]
    need(all(_HEAD.fullmatch(line) for line in lines), "the LightGBM model begins in another way")
    found = dict(line.split("=", 1) for line in lines[1:])
    need(lines[:1] == ["tree"] and len(found) == len(lines) - 1, "the LightGBM model begins in another way")
    outputs = classes if classes > 2 else 1
    said = [found.get(key) for key in ("num_class", "num_tree_per_iteration", "max_feature_idx")]
    wanted = [str(outputs), str(outputs), str(features - 1)]
    need(said == wanted, f"the LightGBM model has classes, trees and features {said}, not {wanted}")
    need("average_output" not in found and "linear_tree" not in found, "the LightGBM model is of another kind")
    objective = found.get("objective", "")
    name = re.match(r"[a-z_0-9]*", objective)
    own = _VALUES.fullmatch(name[0]) if name and classes == 0 else None
    wanted_name = {0: "", 2: "binary sigmoid:1"}.get(classes, f"multiclass num_class:{classes}")
    sound = objective == wanted_name or (own is not None and _SETTINGS.fullmatch(objective[own.end() :]) is not None)
    need(sound, f"the LightGBM model has the objective {objective!r:.60}")
    return objective, outputs


def _tree(place: int, block: str) -> dict[str, str]:
    number, *lines = block.split("\n")
    need(number == str(place), "the LightGBM model's trees are out of order")
    lines = [line for line in lines if line]
    found = {key: value for key, _, value in (line.partition("=") for line in lines)}
    there = all(key in found for key in ("num_leaves", "num_cat", "leaf_value", "shrinkage"))
    good = there and len(found) == len(lines) and found.keys() <= set(_ORDER)
    need(good, f"tree {place} of the LightGBM model has other lines than such a tree")
    return found


def _check(trees: Sequence[dict[str, str]], features: int) -> None:
    ones = np.ones(len(trees), np.int64)
    single = {key: _numbers([tree.get(key, "0") for tree in trees], key, True, ones) for key in _SINGLE}
    _numbers([tree["shrinkage"] for tree in trees], "shrinkage", False, ones)
    leaves, categories = single["num_leaves"], single["num_cat"]
    need(bool((single["is_linear"] == 0).all()), "the LightGBM model has linear trees")
    need(
        bool((leaves >= 1).all() and (leaves <= _MOST_LEAVES).all() and (categories >= 0).all()), "num_leaves, num_cat"
    )
    for tree, count in zip(trees, leaves.tolist(), strict=True):
        if count == 1:  # only the leaf is read
            for key in (*_OF_LEAVES, *_CATEGORIES):
                if key != "leaf_value":
                    tree.pop(key, None)
            tree["num_cat"] = "0"  # there are no sets, however many it says
    cuts = {}
    for key, (is_whole, more) in _OF_LEAVES.items():
        there = np.array([key in tree for tree in trees])
        need(key not in _NEEDED or bool((there | (leaves == 1)).all()), f"the LightGBM model has a tree without {key}")
        counts = np.where(there, leaves + more, 0)
        own = [tree[key] for tree in trees if key in tree]
        if key in _READ:
            cuts[key] = _numbers(own, key, is_whole, counts[there])
        else:
            _written_numbers(own, key, is_whole, counts[there])
    inner = leaves - 1
    check_cuts(cuts["left_child"], cuts["right_child"], inner)
    feature, kind = cuts["split_feature"], cuts["decision_type"]
    need(bool(((feature >= 0) & (feature < features)).all()), "the LightGBM model cuts by a feature that is not there")
    need(bool(((kind >= 0) & (kind < 12)).all()), "the LightGBM model has cuts of another kind")
    _check_categories(trees, np.where(inner > 0, categories, 0), inner, cuts["threshold"], kind)


def _check_categories(
    trees: Sequence[dict[str, str]], counts: np.ndarray, inner: np.ndarray, threshold: np.ndarray, kind: np.ndarray
) -> None:
    """Cuts by categories point to sets, which lie one after the other among 32 bits each."""
    some = counts > 0
    own = [tree for tree, has in zip(trees, some.tolist(), strict=True) if has]
    for tree, has in zip(trees, some.tolist(), strict=True):
        need(has == ("cat_boundaries" in tree) == ("cat_threshold" in tree), "the LightGBM model has sets of no use")
    by_set = (kind & 1) == 1
    of_tree = np.repeat(np.arange(len(trees)), inner)[by_set]
    pointed = threshold[by_set]
    inside = (pointed >= 0) & (pointed < counts[of_tree]) & (pointed == np.floor(pointed))
    need(bool(inside.all()), "the LightGBM model cuts by a set that is not there")
    if not own:
        return
    sizes = counts[some] + 1
    ends = _numbers([tree["cat_boundaries"] for tree in own], "cat_boundaries", True, sizes)
    first = starts_of(sizes)
    steps = np.diff(ends)
    between = np.ones(len(ends), bool)
    between[first] = False
    need(bool((ends[first] == 0).all() and (steps[between[1:]] > 0).all()), "the LightGBM model's sets overlap")
    bits = _numbers([tree["cat_threshold"] for tree in own], "cat_threshold", True, ends[first + sizes - 1])
    need(bool(((bits >= 0) & (bits < 2**32)).all()), "the LightGBM model has other sets")


def _written_numbers(texts: Sequence[str], key: str, is_whole: bool, counts: np.ndarray) -> str:
    """All texts as one, which look like numbers and are ``counts`` many."""
    said = np.array([line.count(" ") + 1 if line else 0 for line in texts], np.int64)
    good = len(said) == len(counts) and bool((said == counts).all()) and int(said.sum()) <= _MOST_LEAVES
    need(good, f"the LightGBM model has too few or many {key}")
    joined = " ".join([line for line in texts if line])
    looks = (_WHOLE if is_whole else _REAL).fullmatch(joined)
    need(looks is not None, f"the LightGBM model has {key} that are no numbers")
    return joined


def _numbers(texts: Sequence[str], key: str, is_whole: bool, counts: np.ndarray) -> np.ndarray:
    """The numbers of all texts, one after the other."""
    joined = _written_numbers(texts, key, is_whole, counts)
    try:
        tokens = map(int if is_whole else float, joined.split(" ") if joined else ())
        values = np.array(list(tokens), np.int64 if is_whole else np.float64)
    except (ValueError, OverflowError):
        raise Damaged(f"the LightGBM model has {key} that are no numbers") from None
    # Cuts beyond the largest value are at infinity.
    usable = np.abs(values) <= DOUBLE if key == "leaf_value" else ~np.isnan(values)
    need(bool(usable.all()), f"the LightGBM model has {key} without a use")
    return values


def _written(trees: Sequence[dict[str, str]], features: int, objective: str, outputs: int) -> str:
    head = [
        "tree",
        "version=v4",
        f"num_class={outputs}",
        f"num_tree_per_iteration={outputs}",
        "label_index=0",
        f"max_feature_idx={features - 1}",
        f"objective={objective}",
        f"feature_names={' '.join(f'Column_{place}' for place in range(features))}",
        f"feature_infos={' '.join(['[-inf:inf]'] * features)}",
        "",
    ]
    parts = ["\n".join(head)]
    for place, tree in enumerate(trees):
        lines = [f"{key}={tree[key]}" for key in _ORDER if key in tree]
        parts.append("\n".join([f"Tree={place}", *lines, "", ""]))
    return "\n".join([*parts, "end of trees", "", "pandas_categorical:null", ""])
