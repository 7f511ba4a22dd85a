"""Whether what is stored of a model is such a model, of so many features and classes. Knows no features."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.tasks.learners.activation import ACTIVATIONS
from modelwright.tasks.learners.embedding import WAYS
from modelwright.tasks.stored import lightgbm_text, trees, xgboost_model
from modelwright.tasks.stored.held import DOUBLE, Damaged, array, items, mapping, need, places, real, text, whole

#: Numbers that a network may have, and its layers; neighbours times classes, and leaves of a forest: all of them take
#: several times as much of the memory as of the file.
_MOST_WEIGHTS, _MOST_LAYERS, _MOST_TARGETS, _MOST_LEAVES = 20_000_000, 100, 50_000_000, 3_000_000
#: Magnitude of numbers that are squared in float32.
_SQUARED = 1e15


@dataclass(frozen=True, slots=True)
class Stored:
    """A model as it is stored.

    Attributes:
        features: that it is given.
        classes: that it is to tell apart; 0 in regression.
    """

    json: Mapping[str, Any]
    arrays: Mapping[str, Any]
    features: int
    classes: int

    @property
    def outputs(self) -> int:
        """One for each class, or one value."""
        return self.classes or 1

    @property
    def scores(self) -> int:
        """As ``outputs``, but one for two classes."""
        return self.classes if self.classes > 2 else 1

    @property
    def native(self) -> bytes:
        """What a library wrote."""
        found = self.arrays.get("model")
        if not isinstance(found, bytes):
            raise Damaged("the model itself is not there")
        return found


def checked(kind: str, stored: Stored) -> Mapping[str, Any]:
    """The arrays that the model may be restored from.

    Raises:
        Damaged: they are not those of such a model.
    """
    need(stored.json.get("classes") == stored.classes, f"a model of {stored.json.get('classes')!r:.20} classes")
    mapping(stored.json.get("facts"), "facts of a model")
    return _CHECKS[kind](stored) or stored.arrays


def _constant(stored: Stored) -> None:
    answer = array(stored.arrays, "answer", "f", (stored.outputs,), DOUBLE)
    need(not stored.classes or bool((answer >= 0).all() and abs(answer.sum() - 1) < 1e-6), "shares of classes")


def _linear(stored: Stored) -> None:
    array(stored.arrays, "weights", "f", (stored.features, stored.scores), DOUBLE)
    array(stored.arrays, "bias", "f", (stored.scores,), DOUBLE)
    if "relied" in stored.arrays:
        relied = array(stored.arrays, "relied", "f", (stored.features,), DOUBLE)
        need(bool((relied >= 0).all()), "what a linear model relies on")
    if not stored.classes:
        low, high = items(stored.json.get("range"), "range", object, 2)
        real(high, "range", real(low, "range"))


def _mlp(stored: Stored) -> None:
    json, arrays = stored.json, stored.arrays
    sizes = items(json.get("sizes"), "sizes", int)
    need(2 <= len(sizes) <= _MOST_LAYERS and min(sizes) > 0, "layers of a network")
    count = sizes[0] + sum(before * after + 2 * after for before, after in itertools.pairwise(sizes))
    need(count <= _MOST_WEIGHTS, f"a network of {count:,} numbers")
    array(arrays, "values", "f", (count,), _SQUARED)
    text(json.get("activation"), "activation", tuple(ACTIVATIONS))
    way = text(json.get("way"), "way", WAYS)
    own = places(arrays, "own", (None,), stored.features)
    wide = len(own) if way != "plain" else 0
    first = array(arrays, "first", "f", (wide, None))
    segments = first.shape[1] - (way == "piecewise")
    if way == "periodic":
        array(arrays, "second", "f", first.shape)
    need(way == "plain" or segments > 0, "numbers that are unfolded into nothing")
    need(sizes[0] == stored.features + wide * segments and sizes[-1] == stored.outputs, "layers of a network")
    if not stored.classes:
        middle, unit, low, high = items(json.get("place"), "place", object, 4)
        for value in (middle, unit):
            real(value, "place")
        real(high, "place", real(low, "place"))


def _neighbours(stored: Stored) -> None:
    x = array(stored.arrays, "x", "f", (None, stored.features), _SQUARED)
    need(0 < len(x) <= _MOST_TARGETS // stored.outputs, f"there are {len(x):,} neighbours")
    if stored.classes:
        places(stored.arrays, "y", (len(x),), stored.classes)
    else:
        array(stored.arrays, "y", "f", (len(x),), DOUBLE)
    weight = array(stored.arrays, "weight", "f", (len(x),))
    need(bool((weight >= 0).all() and weight.any()), "weights of neighbours")
    array(stored.arrays, "factors", "f", (stored.features,), _SQUARED)
    whole(stored.json.get("count"), "count", 1, 1_000_000)


def _naive_bayes(stored: Stored) -> None:
    array(stored.arrays, "a", "f", (stored.classes,), DOUBLE)
    for name in "bc":
        array(stored.arrays, name, "f", (stored.classes, stored.features), DOUBLE)
    whole(stored.json["facts"].get("rounds"), "rounds", 1, 1_000_000)


def _forest(stored: Stored) -> None:
    arrays, features = stored.arrays, stored.features
    names = {"sizes", "feature", "threshold", "missing", "left", "right", "leaves", "leaf_counts", "relied"}
    need(arrays.keys() == names, "a forest has other arrays")
    sizes = places(arrays, "sizes", (None,), 2**31)
    need(len(sizes) > 0, "there are no trees")
    leaf_counts = places(arrays, "leaf_counts", (len(sizes),), 2**31, 1)
    need(bool((leaf_counts == sizes + 1).all()), "a tree has one leaf more than it has cuts")
    cuts = int(sizes.sum(dtype=np.int64))
    need(cuts + len(sizes) <= _MOST_LEAVES, f"a forest of {cuts + len(sizes):,} leaves")
    places(arrays, "feature", (cuts,), features)
    threshold = array(arrays, "threshold", "f", (cuts,), np.inf)  # what cuts off missing values alone is at infinity
    need(threshold.dtype == np.float32, "cuts of another type")
    array(arrays, "missing", "b", (cuts,))
    left, right = (array(arrays, name, "i", (cuts,)) for name in ("left", "right"))
    trees.check_cuts(left, right, sizes.astype(np.int64))
    values = array(arrays, "leaves", "fu", (cuts + len(sizes), stored.scores), 1e35)
    need(values.dtype.kind == "f" or stored.scores > 1, "leaves of another type")
    relied = array(arrays, "relied", "f", (features,))
    need(bool((relied >= 0).all()), "what a forest relies on")


def _lightgbm(stored: Stored) -> Mapping[str, Any]:
    said = stored.native.decode("ascii")
    sound = lightgbm_text.rewritten(said, features=stored.features, classes=stored.classes)
    return {**stored.arrays, "model": sound.encode()}


def _xgboost(stored: Stored) -> None:
    xgboost_model.check(stored.native, features=stored.features, classes=stored.classes)


def _trusted(stored: Stored) -> None:
    """What only its own library can read; see ``UNCHECKED``."""


_CHECKS: dict[str, Callable[[Stored], Mapping[str, Any] | None]] = {
    "constant": _constant,
    "linear": _linear,
    "mlp": _mlp,
    "neighbours": _neighbours,
    "naive_bayes": _naive_bayes,
    "forest": _forest,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _trusted,
    "own": _trusted,
}
KINDS = tuple(_CHECKS)
#: Kind -> why a model of that kind is not read without the user's word.
UNCHECKED = {
    "own": "the model is an estimator of the user's own, which can only be unpickled",
    "catboost": "the model is one of CatBoost, whose format only CatBoost can read, and nobody look at before",
}
