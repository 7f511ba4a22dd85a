"""Objectives: which metric is to be made small or large, and how two values compare."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from modelwright.core.errors import ObjectiveError

Direction = Literal["min", "max"]

#: The metric of a function that returns a bare number.
VALUE = "value"

_MAX = """accuracy acc binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy
sparse_top_k_categorical_accuracy balanced_accuracy auc roc_auc average_precision precision recall f1 f1_score
fbeta_score r2 r2_score iou mean_io_u one_hot_io_u binary_io_u one_hot_mean_io_u true_positives true_negatives
precision_at_recall recall_at_precision sensitivity_at_specificity specificity_at_sensitivity cosine_similarity
bleu score concordance_correlation pearson_correlation throughput reward adjusted_mutual_info_score adjusted_rand_score
completeness_score d2_absolute_error_score d2_brier_score d2_log_loss_score explained_variance fowlkes_mallows_score
homogeneity_score jaccard matthews_corrcoef mcc mutual_info_score normalized_mutual_info_score
positive_likelihood_ratio rand_score v_measure_score exact""".split()
_MIN = """loss error mse mae rmse mape msle rmsle mean_squared_error mean_absolute_error root_mean_squared_error
mean_absolute_percentage_error mean_squared_logarithmic_error log_loss logcosh log_cosh binary_crossentropy
categorical_crossentropy sparse_categorical_crossentropy crossentropy kl_divergence kullback_leibler_divergence
poisson hinge squared_hinge categorical_hinge false_positives false_negatives perplexity params trainable size_mb
peak_mb macs operations activations latency_ms duration seconds wer cer brier brier_score max_error
median_absolute_error mean_gamma_deviance mean_poisson_deviance mean_squared_log_error root_mean_squared_log_error
negative_likelihood_ratio""".split()
_KNOWN: dict[str, Direction] = {**dict.fromkeys(_MAX, "max"), **dict.fromkeys(_MIN, "min")}


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric and the direction in which it is better.

    >>> Objective("val_accuracy", "max").better(0.9, 0.8)
    True
    >>> Objective("loss", "min").score(0.25)   # scores are always to be made large
    -0.25
    """

    name: str
    direction: Direction

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise ObjectiveError(
                f"unknown direction {self.direction!r}", where=f"objective {self.name!r}", allowed="'min', 'max'"
            )
        if not isinstance(self.name, str) or not self.name:
            raise ObjectiveError(f"an objective needs the name of a metric, got {self.name!r}")

    def score(self, value: float) -> float:
        """``value`` with its sign turned so that larger is better; NaN becomes minus infinity."""
        value = float(value)
        if math.isnan(value):
            return -math.inf
        return value if self.direction == "max" else -value

    def better(self, new: float, old: float | None) -> bool:
        """Whether ``new`` beats ``old``; anything finite beats None and NaN."""
        if old is None:
            return not math.isnan(new)
        return self.score(new) > self.score(old)


def Minimize(name: str) -> Objective:
    """An objective to be made small: ``mw.Minimize("latency_ms")``."""
    return Objective(name, "min")


def Maximize(name: str) -> Objective:
    """An objective to be made large: ``mw.Maximize("f2")``."""
    return Objective(name, "max")


def infer_direction(name: str) -> Direction | None:
    """The direction of a metric by its name, or None when the name is not known.

    ``val_``, ``weighted_``, ``test_``, the ``_1`` that Keras appends, and ``_macro``, ``_ovr`` and the like, by which
    scikit-learn averages over classes, do not matter, nor does what it was measured on, as in ``latency_ms@jax,b64``.

    >>> infer_direction("val_auc_2"), infer_direction("latency_ms@jax,b64"), infer_direction("my_metric")
    ('max', 'min', None)
    """
    bare = name.lower().partition("@")[0].replace("-", "_").replace(" ", "_")
    for prefix in ("val_", "test_", "train_", "weighted_"):
        bare = bare.removeprefix(prefix)
    if bare in _KNOWN:
        return _KNOWN[bare]
    if bare.startswith("neg_"):
        return "max"
    if bare.endswith(("_weighted", "_macro", "_micro", "_samples", "_ovr", "_ovo")):
        return infer_direction(bare.rpartition("_")[0])
    stem, _, tail = bare.rpartition("_")
    if tail.isdigit() and stem in _KNOWN:
        return _KNOWN[stem]
    if bare.endswith("_loss"):
        return "min"
    if bare.endswith(("_accuracy", "_acc", "_auc")):
        return "max"
    return None


def parse_objective(given: object) -> tuple[Objective, ...]:
    """Turn what a user wrote into objectives.

    Args:
        given: ``"val_accuracy"`` (direction inferred), ``"minimize"``, ``"maximize"``, an ``Objective``,
            a ``{"name": "min"}`` mapping, or a list of these for a Pareto front.

    Raises:
        ObjectiveError: nothing given, or a direction that cannot be inferred.

    >>> parse_objective(["val_loss", Minimize("latency_ms")])
    (Objective(name='val_loss', direction='min'), Objective(name='latency_ms', direction='min'))
    >>> parse_objective("maximize")
    (Objective(name='value', direction='max'),)
    """
    if isinstance(given, Objective):
        return (given,)
    if isinstance(given, str):
        return (_parse_name(given),)
    if isinstance(given, Mapping):
        return _distinct(Objective(str(k), _direction(v, k)) for k, v in given.items())
    if _looks_like_objective(given):
        return (Objective(given.name, _direction(given.direction, given.name)),)  # pyright: ignore
    if isinstance(given, Iterable):
        return _distinct(o for item in given for o in parse_objective(item))
    raise ObjectiveError(
        f"cannot read {given!r} as an objective",
        allowed="'val_accuracy', 'minimize', 'maximize', mw.Minimize('name'), mw.Maximize('name'), or a list of them",
    )


def _looks_like_objective(given: object) -> bool:
    return hasattr(given, "name") and hasattr(given, "direction")


def _distinct(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    found = tuple(objectives)
    names = [o.name for o in found]
    if names.count(VALUE) > 1:
        raise ObjectiveError(
            "'minimize' and 'maximize' mean the one number that a function returns, so a list has room for one of them",
            where="objective",
            hint="Name the metrics: [mw.Minimize('loss'), mw.Maximize('speed')], and return a dict with them.",
        )
    if not found or len(set(names)) != len(names):
        raise ObjectiveError(f"objectives must be named once each, got {names}", hint="Name at least one metric.")
    return found


def _direction(given: object, name: object) -> Direction:
    words = {"min": "min", "minimize": "min", "max": "max", "maximize": "max"}
    found = words.get(str(given).lower())
    if found is None:
        raise ObjectiveError(f"unknown direction {given!r}", where=f"objective {name!r}", allowed="'min', 'max'")
    return "min" if found == "min" else "max"


def _parse_name(name: str) -> Objective:
    lowered = name.strip().lower()
    if lowered in ("min", "minimize", "minimise"):
        return Objective(VALUE, "min")
    if lowered in ("max", "maximize", "maximise"):
        return Objective(VALUE, "max")
    direction = infer_direction(name)
    if direction is None:
        near = difflib.get_close_matches(lowered.removeprefix("val_"), _KNOWN, n=1)
        guess = f" Did you mean {'val_' if lowered.startswith('val_') else ''}{near[0]}?" if near else ""
        raise ObjectiveError(
            f"cannot tell whether {name!r} is better small or large",
            where="objective",
            hint=f"Write mw.Minimize({name!r}) or mw.Maximize({name!r}).{guess}",
        )
    return Objective(name, direction)
