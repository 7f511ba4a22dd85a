"""Carrying: how the weights of an operation lie in those of a larger one, and how they are cut from it.

Knows arrays and channels; knows neither graphs nor Keras. The rules are those of network morphism: Chen et al.,
"Net2Net", ICLR 2016; Wei et al., "Network Morphism", ICML 2016; Elsken et al., ICLR 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Attributes = Mapping[str, Any]
Values = Mapping[str, np.ndarray]
#: A channel that the old network does not have.
NEW = -1
#: So small that nothing changes, and large enough for what cuts off at zero to pass a gradient on.
TINY = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How an operation of a new network lies over one of an old network.

    Attributes:
        inputs: for each input, and for each of its channels, the old one's channel that it is, or ``NEW``.
        output: the same of the output.
        shapes, old_shapes: of the inputs, for one example.
        attributes, old_attributes: the settings.
        bounds: between which the values of the old input are.
        whole: whether the inputs have every channel that the old ones had.
    """

    inputs: tuple[np.ndarray, ...]
    output: np.ndarray
    shapes: tuple[Shape, ...]
    old_shapes: tuple[Shape, ...]
    attributes: Attributes
    old_attributes: Attributes
    bounds: tuple[float, float] = (-math.inf, math.inf)
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the values of a tensor.

    Attributes:
        shape: for one example.
        bounds: between which they are.
        mean, variance: of each channel, where they are known.
    """

    shape: Shape
    bounds: tuple[float, float] = (-math.inf, math.inf)
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None


#: (old weights, fresh weights of the new shape, fit) -> the new weights, made of entries of both and of zeros alone,
#: and whether the new operation gives the old channels the old values.
Embed = Callable[[Values, Values, Fit], tuple[dict[str, np.ndarray], bool]]
#: (old weights, fit) -> those of the operation with the channels that ``fit`` names, and its smaller settings.
Slice = Callable[[Values, Fit], dict[str, np.ndarray]]
#: (what comes in, settings) -> weights and settings of the smallest such operation that changes nothing of it, or None.
Identity = Callable[[Facts, Attributes], tuple[dict[str, np.ndarray], Attributes] | None]


def same_shapes(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """What is done for an operation that says nothing of its own: equal shapes are copied."""
    if {name: value.shape for name, value in old.items()} != {name: value.shape for name, value in new.items()}:
        return dict(new), False
    unmoved = all(np.array_equal(channels, np.arange(len(channels))) for channels in (*fit.inputs, fit.output))
    equal = fit.shapes == fit.old_shapes and _plain(fit.attributes) == _plain(fit.old_attributes)
    return {name: np.array(value) for name, value in old.items()}, unmoved and equal and fit.whole


def without_weights(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """Each channel by itself, whatever the others are."""
    listed = [value for value in fit.attributes.values() if isinstance(value, (list, tuple))]
    by_channel = any(isinstance(value[0], (int, float)) for value in listed if value)
    moved = by_channel and not np.array_equal(fit.output, np.arange(len(fit.output)))
    return {}, not moved and _plain(fit.attributes) == _plain(fit.old_attributes)


def at_rest(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """Dropout: nothing happens outside training."""
    return {}, True


def _plain(attributes: Attributes) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if value is not None}


def vector(old: np.ndarray, new: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """One number for each channel: the old ones, and the new where there is no old one."""
    made = np.array(new)
    known = channels >= 0
    made[known] = old[channels[known]]
    return made


# --- convolutions, dense layers --------------------------------------------------------------------


def embed_linear(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """A kernel ``(..., in, out)``: old outputs take nothing of new inputs; new outputs are as they were drawn."""
    made = {name: np.array(value) for name, value in new.items()}
    if fit.attributes.get("groups", 1) != 1 or fit.old_attributes.get("groups", 1) != 1:
        return _embed_grouped(old, made, fit)
    exact = _bias(old, made, fit)
    if "kernel" not in old:
        return made, exact
    place, fits = _placed(old["kernel"], made["kernel"], fit, 2)
    first = {channel: i for i, channel in reversed(list(enumerate(fit.inputs[0].tolist()))) if channel >= 0}
    rows, columns = np.array(sorted(first.values()), int), np.flatnonzero(fit.output >= 0)
    made["kernel"][..., columns] = 0.0
    taken = _cropped(old["kernel"], place)[..., fit.inputs[0][rows][:, None], fit.output[columns]]
    made["kernel"][place][..., rows[:, None], columns] = taken
    return made, exact and fits and fit.whole and len(rows) == old["kernel"].shape[-2]


def embed_depthwise(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """A kernel ``(..., channels, 1)``."""
    made = {name: np.array(value) for name, value in new.items()}
    exact = _bias(old, made, fit)
    if "kernel" not in old:
        return made, exact
    place, fits = _placed(old["kernel"], made["kernel"], fit, 2)
    known = np.flatnonzero(fit.output >= 0)
    made["kernel"][..., known, :] = 0.0
    made["kernel"][place][..., known, :] = _cropped(old["kernel"], place)[..., fit.output[known], :]
    return made, exact and fits


def slice_linear(old: Values, fit: Fit) -> dict[str, np.ndarray]:
    """Rows and columns of the kernel; positions about its middle."""
    cut = {name: np.array(value) for name, value in old.items()}
    if fit.old_attributes.get("groups", 1) == 1:
        cut = {name: value[..., fit.output] for name, value in old.items()}
        if "kernel" in cut:
            cut["kernel"] = cut["kernel"][..., fit.inputs[0], :]
    return _middle(cut, fit)


def slice_depthwise(old: Values, fit: Fit) -> dict[str, np.ndarray]:
    return _middle(
        {name: value[..., fit.output, :] if name == "kernel" else value[fit.output] for name, value in old.items()}, fit
    )


def identity_conv(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    """A kernel of one position that hands each channel on (a Dirac kernel once it lies in a larger one)."""
    if attributes.get("stride", 1) != 1 or attributes.get("groups", 1) != 1 or attributes.get("padding") == "valid":
        return None
    channels = facts.shape[-1]
    kernel = np.eye(channels, dtype=np.float32).reshape(*[1] * (len(facts.shape) - 1), channels, channels)
    return {"kernel": kernel}, {"filters": channels, "kernel": 1}


def identity_dense(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    return {"kernel": np.eye(facts.shape[-1], dtype=np.float32)}, {"units": facts.shape[-1]}


def identity_depthwise(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    if attributes.get("stride", 1) != 1 or attributes.get("padding") == "valid":
        return None
    return {"kernel": np.ones((*[1] * (len(facts.shape) - 1), facts.shape[-1], 1), np.float32)}, {"kernel": 1}


def _embed_grouped(old: Values, made: dict[str, np.ndarray], fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """Convolutions in groups keep their channels and groups; the kernel may grow."""
    unmoved = all(np.array_equal(channels, np.arange(len(channels))) for channels in (fit.inputs[0], fit.output))
    equal = fit.attributes.get("groups", 1) == fit.old_attributes.get("groups", 1)
    if "kernel" not in old or not unmoved or not equal or old["kernel"].shape[-2:] != made["kernel"].shape[-2:]:
        return made, False
    exact = _bias(old, made, fit)
    place, fits = _placed(old["kernel"], made["kernel"], fit, 2)
    made["kernel"][...] = 0.0
    made["kernel"][place] = _cropped(old["kernel"], place)
    return made, exact and fits and fit.whole


def _bias(old: Values, made: dict[str, np.ndarray], fit: Fit) -> bool:
    """Carry the bias; whether nothing is lost of it."""
    if "bias" in made:
        made["bias"] = vector(old.get("bias", np.zeros(int(fit.output.max(initial=-1)) + 1)), made["bias"], fit.output)
        return True
    return not np.any(old.get("bias", 0.0))


def _placed(old: np.ndarray, new: np.ndarray, fit: Fit, channel_axes: int) -> tuple[tuple[slice, ...], bool]:
    """Where the old kernel lies in the new one so that it meets the same positions, and whether it does."""
    stride, dilation = fit.attributes.get("stride", 1), fit.attributes.get("dilation", 1)
    places, exact, was = [], stride == fit.old_attributes.get("stride", 1), fit.old_attributes.get("dilation", 1)
    for axis in range(old.ndim - channel_axes):
        small, large, n = old.shape[axis], new.shape[axis], fit.shapes[0][axis]
        shift = 0
        if fit.attributes.get("padding", "same") == "same":
            shift = _before(n, large, stride, dilation) - _before(n, small, stride, was)
        begin, rest = divmod(shift, dilation)
        fits = not rest and 0 <= begin <= large - small and (small == 1 or was == dilation)
        if fit.attributes.get("padding", "same") != fit.old_attributes.get("padding", "same"):
            fits = fits and large == 1
        if fit.attributes.get("padding") == "valid":
            fits = fits and large == small
        begin = begin if fits else max(0, (large - small) // 2)
        places.append(slice(begin, begin + min(small, large)))
        exact = exact and fits
    return tuple(places), exact


def _before(n: int, kernel: int, stride: int, dilation: int) -> int:
    """Positions that padding "same" puts before ``n``."""
    reach = (kernel - 1) * dilation + 1
    return max((math.ceil(n / stride) - 1) * stride + reach - n, 0) // 2


def _cropped(kernel: np.ndarray, place: tuple[slice, ...]) -> np.ndarray:
    """The middle of a kernel, as large as the place for it."""
    sizes = [part.stop - part.start for part in place]
    begins = [(kernel.shape[axis] - size) // 2 for axis, size in enumerate(sizes)]
    return kernel[tuple(slice(begin, begin + size) for begin, size in zip(begins, sizes, strict=True))]


def _middle(values: dict[str, np.ndarray], fit: Fit) -> dict[str, np.ndarray]:
    """The kernel with as many positions as the settings say."""
    kernel = values.get("kernel")
    if kernel is not None and kernel.ndim > 2:
        size = fit.attributes.get("kernel", kernel.shape[0])
        values["kernel"] = _cropped(kernel, (slice(0, min(size, kernel.shape[0])),) * (kernel.ndim - 2))
    return values


# --- normalisation, activation ------------------------------------------------------------------------


def embed_norm(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """Numbers for each channel, which does not depend on the others."""
    made = {name: vector(old[name], value, fit.output) if name in old else value for name, value in new.items()}
    return made, fit.attributes.get("epsilon", 1e-5) == fit.old_attributes.get("epsilon", 1e-5)


def embed_layer_norm(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    """Numbers for each channel, which depends on all of them."""
    return embed_norm(old, new, fit)[0], _all_there(fit)


def slice_norm(old: Values, fit: Fit) -> dict[str, np.ndarray]:
    return {name: value[fit.output] for name, value in old.items()}


def identity_batch_norm(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    """Scales and shifts that undo the statistics, which are those of what comes in, where they are known.

    So it changes little in training, too, where the statistics are those of the batch.
    """
    epsilon, channels = attributes.get("epsilon", 1e-5), facts.shape[-1]
    mean = np.zeros(channels) if facts.mean is None else facts.mean
    variance = np.ones(channels) if facts.variance is None else facts.variance
    values = {"gamma": np.sqrt(variance + epsilon), "beta": mean, "moving_mean": mean, "moving_variance": variance}
    return {name: value.astype(np.float32) for name, value in values.items()}, {"epsilon": epsilon}


def embed_activation(old: Values, new: Values, fit: Fit) -> tuple[dict[str, np.ndarray], bool]:
    was, now = fit.old_attributes.get("kind", "relu"), fit.attributes.get("kind", "relu")
    if "softmax" in (was, now):
        return {}, was == now and _all_there(fit)
    return {}, was == now or (_linear_on(was, fit.bounds) and _linear_on(now, fit.bounds))


def identity_activation(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    return ({}, {"kind": "linear"}) if _linear_on(attributes.get("kind", "relu"), facts.bounds) else None


def identity_pool(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    alone = attributes.get("size", 2) == attributes.get("stride", 1) == 1
    return ({}, attributes) if alone else None


def identity_at_rest(facts: Facts, attributes: Attributes) -> tuple[dict[str, np.ndarray], Attributes] | None:
    return {}, attributes


def _linear_on(kind: str, bounds: tuple[float, float]) -> bool:
    """Whether an activation hands on what is between ``bounds``."""
    low, high = bounds
    if kind == "relu6":
        return low >= 0.0 and high <= 6.0
    return kind == "linear" or (kind in ("relu", "leaky_relu", "elu") and low >= 0.0)


def _all_there(fit: Fit) -> bool:
    return fit.whole and bool((fit.output >= 0).all()) and len(set(fit.output.tolist())) == len(fit.output)
