"""First weights, drawn with numpy: the same for equal seeds and names, and nothing is compiled for a new shape."""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from modelwright.training.keras_backend import ensure_backend


@contextlib.contextmanager
def drawn_here(layer: Any, seed: int) -> Iterator[None]:
    """Within: the variables that ``layer`` makes get their values from numpy, by the layer's own initialisers.

    An initialiser that is not one of Keras' common ones draws as it does.
    """
    rng = np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(layer.name.encode())])
    own = {key: value for key, value in vars(layer).items() if key.endswith("_initializer") and value is not None}
    stand_ins = {key: made for key, value in own.items() if (made := _stand_in(value, rng)) is not None}
    for key, made in stand_ins.items():
        object.__setattr__(layer, key, made)
    try:
        yield
    finally:
        for key in stand_ins:
            object.__setattr__(layer, key, own[key])


def sow(layer: Any, seed: int) -> None:
    """Begin what a layer draws while it trains (dropout) by ``seed`` and its name, not by the state of the process."""
    keras = ensure_backend()
    for place, made in enumerate(vars(layer).values()):
        if isinstance(made, keras.random.SeedGenerator):
            drawn = np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(layer.name.encode()), place])
            made.state.assign(np.array([drawn.integers(1 << 31), 0], np.uint32))


def _stand_in(initializer: Any, rng: np.random.Generator) -> Any:
    """A function of shape and type that draws what ``initializer`` would; None where it is not known how."""
    kind, config = type(initializer).__name__, initializer.get_config()
    if kind in ("Zeros", "Ones"):
        return lambda shape, dtype=None: np.full(shape, float(kind == "Ones"), dtype or "float32")
    if kind == "Constant" and isinstance(config.get("value"), (int, float)):
        return lambda shape, dtype=None: np.full(shape, config["value"], dtype or "float32")
    scaled = _SCALED.get(kind) or (
        (config["scale"], config["mode"], config["distribution"]) if kind == "VarianceScaling" else None
    )
    if scaled is None:
        return None
    return lambda shape, dtype=None: variance_scaled(shape, *scaled, rng).astype(dtype or "float32")


#: Scale, mode and distribution of Keras' names for ``VarianceScaling``.
_SCALED = {
    "GlorotUniform": (1.0, "fan_avg", "uniform"),
    "GlorotNormal": (1.0, "fan_avg", "truncated_normal"),
    "HeNormal": (2.0, "fan_in", "truncated_normal"),
    "HeUniform": (2.0, "fan_in", "uniform"),
    "LecunNormal": (1.0, "fan_in", "truncated_normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"),
}


def variance_scaled(
    shape: Sequence[int], scale: float, mode: str, distribution: str, rng: np.random.Generator
) -> np.ndarray:
    """Draws whose variance is ``scale`` over the number of inputs, outputs, or their mean.

    He et al., "Delving Deep into Rectifiers", ICCV 2015; Glorot and Bengio, AISTATS 2010.

    >>> draws = variance_scaled((3, 3, 16, 32), 2.0, "fan_in", "truncated_normal", np.random.default_rng(0))
    >>> bool(abs(draws.std() - (2 / 144) ** 0.5) < 0.003)
    True
    """
    taps = math.prod(shape[:-2]) if len(shape) > 1 else 1
    fan_in, fan_out = (taps * shape[-2], taps * shape[-1]) if len(shape) > 1 else (shape[0], shape[0])
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    std = math.sqrt(scale / max(1.0, fan))
    if distribution == "uniform":
        return rng.uniform(-math.sqrt(3.0) * std, math.sqrt(3.0) * std, shape)
    draws = rng.normal(size=shape)
    if distribution == "truncated_normal":
        far = np.abs(draws) > 2.0
        while far.any():
            draws[far] = rng.normal(size=int(far.sum()))
            far = np.abs(draws) > 2.0
        std /= 0.87962566103423978  # of a normal distribution that is cut at two standard deviations
    return draws * std
