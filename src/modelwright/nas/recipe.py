"""Recipes: how networks are trained, all alike or as a configuration says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean, kind_of
from modelwright.nas.task import Kind

#: What each field may be: whether whole numbers alone, the test, and how it is said.
_Rule = tuple[bool, Callable[[Any], bool], str]
_RULES: dict[str, _Rule] = {
    "rate": (False, lambda v: v > 0, "a number above 0"),
    "decay": (False, lambda v: v >= 0, "a number from 0"),
    "batch": (True, lambda v: v >= 1, "a whole number from 1, or None"),
    "smoothing": (False, lambda v: 0 <= v < 1, "a number from 0, below 1"),
    "shift": (True, lambda v: v >= 0, "a whole number from 0, or None"),
    "rise": (False, lambda v: 0 <= v < 1, "a number from 0, below 1"),
    "erase": (False, lambda v: 0 <= v <= 1, "a number from 0 to 1, or None"),
}
#: Optimizers, and how many times the learning rate of AdamW each of them needs: signs of slopes (Lion) are larger steps
#: than Adam's, slopes as they are (SGD, with Nesterov's momentum of 0.9) smaller ones.
OPTIMIZERS = {"adamw": 1.0, "sgd": 30.0, "lion": 0.3, "rmsprop": 1.0}
#: Fields that may be left open.
_OPEN = frozenset({"batch", "shift", "erase"})
#: Examples in a step from so many rows on; of fewer rows steps are smaller, so that an epoch has some.
_BATCHES = ((8000, 128), (3000, 64), (0, 32))
#: Positions by which images are moved at random, for labels.
_SHIFT = 2
#: How others call the fields.
_ELSEWHERE = {
    "lr": "rate", "learning_rate": "rate", "weight_decay": "decay", "batch_size": "batch", "flip": "mirror",
    "label_smoothing": "smoothing",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How networks are trained, all alike.

    Attributes:
        rate: the highest learning rate, as AdamW takes it; see ``optimizer``.
        decay: weight decay, decoupled from the rate of change (Loshchilov and Hutter, ICLR 2019).
        optimizer: "adamw", "sgd" (with momentum), "lion" or "rmsprop". Their learning rate is ``rate`` times what they
            need beside AdamW (30 for SGD), and their decay smaller by as much: one rate suits all of them.
        batch: examples in a step. None is 128, 64 below 8,000 rows, and 32 below 3,000.
        smoothing: share of the truth that is spread over all classes (Szegedy et al., CVPR 2016).
        shift: positions by which images are moved at random. None is 2 where labels are learned, and 0 where numbers
            are: what is to be predicted may be where something is.
        mirror: whether images are mirrored at random. None is as mirrored images keep their nearest neighbours' labels.
        erase: share of the images of which a rectangle is filled with noise (Zhong et al., "Random Erasing Data
            Augmentation", AAAI 2020). None is none of them in training of up to 10 passes through the rows, half of
            them in training of 60 and more, and as much as lies between these; none where numbers are predicted, or
            several labels at once: what tells them may be in that part alone.
        rise: share of a segment during which the learning rate rises; then it falls to nearly nothing (Smith and Topin,
            "Super-Convergence", 2018).

    Raises:
        ArgumentError: a field is none of these.
    """

    rate: float = 3e-3
    decay: float = 0.1
    batch: int | None = None
    smoothing: float = 0.05
    shift: int | None = None
    mirror: bool | None = None
    rise: float = 0.25
    optimizer: str = "adamw"
    erase: float | None = None

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            allowed, named = ", ".join(OPTIMIZERS), str(self.optimizer)
            hint = did_you_mean(named.lower(), OPTIMIZERS)
            raise ArgumentError(f"optimizer={self.optimizer!r:.60}", where="nas.Recipe", allowed=allowed, hint=hint)
        for name, (whole, fits, allowed) in _RULES.items():
            value = getattr(self, name)
            if name in _OPEN and value is None:
                continue
            if not _is_number(value, whole) or not fits(value):
                raise ArgumentError(f"{name}={value!r:.60}", where="nas.Recipe", allowed=allowed)
            # Keras takes numbers of Python alone, and so does a study that keeps the recipe.
            object.__setattr__(self, name, int(value) if whole else float(value))
        if self.mirror is not None and not isinstance(self.mirror, bool) and not _is_number(self.mirror, True):
            raise ArgumentError(f"mirror={self.mirror!r:.60}", where="nas.Recipe", allowed="True, False or None")
        object.__setattr__(self, "mirror", None if self.mirror is None else bool(self.mirror))

    @property
    def examples(self) -> int:
        """Examples in a step."""
        return self.batch or _BATCHES[0][1]

    def settled(self, kind: Kind, rows: int, mirrors: Callable[[], bool] = lambda: False) -> Recipe:
        """With what it leaves to the kind of task, the number of rows, and what mirrored images are.

        >>> Recipe().settled("multiclass", 500).shift, Recipe().settled("regression", 500).shift
        (2, 0)
        >>> Recipe().settled("multiclass", 500).batch, Recipe(batch=16).settled("multiclass", 500).batch
        (32, 16)
        """
        shift = self.shift if self.shift is not None else 0 if kind == "regression" else _SHIFT
        whole = self.erase is None and kind in ("regression", "multilabel")
        batch = self.batch or next(batch for least, batch in _BATCHES if rows >= least)
        mirror = mirrors() if self.mirror is None else self.mirror
        return replace(self, shift=shift, erase=0.0 if whole else self.erase, batch=batch, mirror=mirror)

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Recipe:
        """From ``plain``; a field that there is no more is passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in known})

    def plain(self) -> dict[str, Any]:
        """The fields, for a study to keep."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def changed(self, given: Any) -> Recipe:
        """With the fields that a ``training`` function returned.

        >>> Recipe().changed({"rate": 0.01}).rate
        0.01

        Raises:
            ArgumentError: it is no mapping, names no field, or gives one what it cannot be.
        """
        known = [field.name for field in fields(self)]
        if not isinstance(given, Mapping):
            raise ArgumentError(
                f"training(hp) returned {kind_of(given)}",
                where="nas.search",
                allowed="fields of nas.Recipe: {'rate': hp.Float('rate', 1e-3, 1e-2, sampling='log')}",
            )
        for name in given:
            if name not in known:
                meant = _ELSEWHERE.get(str(name))
                raise ArgumentError(
                    f"training(hp) returned {name!r:.60}",
                    where="nas.search",
                    allowed=", ".join(known),
                    hint=f"Did you mean {meant!r}?" if meant else did_you_mean(str(name), known),
                )
        return replace(self, **given)

    def made_optimizer(self, keras: Any) -> Any:
        """The optimizer, as Keras has it."""
        scale = OPTIMIZERS[self.optimizer]
        given: dict[str, Any] = {"learning_rate": self.rate * scale, "weight_decay": self.decay / scale}
        if self.optimizer == "sgd":
            given |= {"momentum": 0.9, "nesterov": True}
        named = {"adamw": "AdamW", "sgd": "SGD", "lion": "Lion", "rmsprop": "RMSprop"}[self.optimizer]
        made = getattr(keras.optimizers, named)(**given)
        # Scales and shifts are not pulled to zero: nothing is learned from that, and identities are lost.
        made.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        return made

    def rate_at(self, done: float, *, going_on: bool = False) -> float:
        """The learning rate after this share of a segment; a network that is trained already begins lower.

        >>> [round(Recipe(rate=1.0).rate_at(done), 2) for done in (0, 0.125, 0.25, 0.625, 1)]
        [0.04, 0.52, 1.0, 0.51, 0.01]
        """
        high = self.rate * OPTIMIZERS[self.optimizer] * (0.7 if going_on else 1.0)
        if done < self.rise:
            return high * (0.04 + 0.96 * done / self.rise)
        falling = 0.5 * (1 + math.cos(math.pi * (done - self.rise) / (1 - self.rise)))
        return high * (0.01 + 0.99 * falling)


def _is_number(value: Any, whole: bool) -> bool:
    """Whether it is a number as Python or numpy has them; also a whole one, where only these count."""
    if isinstance(value, bool) or not hasattr(value, "__index__" if whole else "__float__"):
        return False
    try:
        return math.isfinite(value)
    except (TypeError, ValueError):  # an array
        return False
