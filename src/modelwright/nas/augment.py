"""Augmentation: what is changed at random about images before each step of training."""

from __future__ import annotations

import math

import numpy as np

from modelwright.nas.recipe import Recipe
from modelwright.nas.rows import Arrays

#: Share of an image that is erased, from the least to the most; its height is at most so many times its width, or the
#: other way round. Those of Zhong et al.
_AREA, _RATIO = (0.02, 0.3), 1 / 0.3
#: Passes through the rows up to which nothing is erased, those from which most is, and that share of the images.
_NONE, _MOST, _SHARE = 10.0, 60.0, 0.5


def erased_after(recipe: Recipe, passes: float) -> float:
    """Share of the images of which a part is erased, in training of so many passes through the rows.

    What has little time to learn the images as they are learns less from a part of them; what sees them a hundred times
    begins to know them by heart.

    >>> [erased_after(Recipe(), passes) for passes in (2, 10, 35, 60, 500)]
    [0.0, 0.0, 0.25, 0.5, 0.5]
    >>> erased_after(Recipe(erase=0.1), 2)
    0.1
    """
    if recipe.erase is not None:
        return recipe.erase
    return _SHARE * min(1.0, max(0.0, (passes - _NONE) / (_MOST - _NONE)))


def augmented(parts: Arrays, recipe: Recipe, rng: np.random.Generator, erased: float = 0.0) -> Arrays:
    """Images moved by up to ``recipe.shift`` positions, and mirrored, at random; edges are repeated.

    All images of a row are moved and mirrored alike, smaller ones by as much less. Inputs that are no images stay.

    Args:
        erased: share of the images of which a rectangle is filled with noise: nothing may hang on a single part of
            them (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020).
    """
    sizes = [part.shape[1:3] for part in parts if part.ndim == 4]
    if not sizes:
        return parts
    rows, reaches = len(parts[0]), [_reach(recipe, size) for size in sizes]
    widest = max(reaches)
    moves = rng.integers(0, 2 * widest + 1, (2, rows)) - widest if widest else np.zeros((2, rows), int)
    turned = rng.random(rows) < 0.5 if recipe.mirror else None
    found, left = [], iter(reaches)
    for part in parts:
        if part.ndim == 4:
            reach = next(left)
            part = _moved(part, reach, np.rint(moves * (reach / max(1, widest))).astype(int))
            part = part if turned is None else np.where(turned[:, None, None, None], part[:, :, ::-1], part)
            part = np.ascontiguousarray(_erased(part, erased, rng) if erased > 0 else part)
        found.append(part)
    return tuple(found)


def _reach(recipe: Recipe, size: tuple[int, ...]) -> int:
    return min(recipe.shift or 0, *(n // 8 for n in size))


def _moved(x: np.ndarray, reach: int, moves: np.ndarray) -> np.ndarray:
    """Images moved by ``moves`` (2, rows), each from ``-reach`` to ``reach``."""
    if not reach:
        return x
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, x.shape[1:3], axis=(1, 2))
    down, across = moves + reach
    return np.moveaxis(windows[np.arange(len(x)), down, across], 1, -1)


def _erased(x: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Images with noise between their least and their largest value in a rectangle of some of them."""
    rows, height, width = x.shape[:3]
    area, stretch = rng.uniform(*_AREA, rows) * height * width, rng.uniform(-1.0, 1.0, rows) * math.log(_RATIO)
    tall = np.clip(np.rint(np.sqrt(area * np.exp(stretch))), 1, height)
    wide = np.clip(np.rint(np.sqrt(area * np.exp(-stretch))), 1, width)
    within = _span(rng, height, tall)[:, :, None] & _span(rng, width, wide)[:, None, :]
    within &= (rng.random(rows) < share)[:, None, None]
    noise = rng.random(x.shape, np.float32) * (x.max() - x.min()) + x.min()
    return np.where(within[..., None], noise.astype(x.dtype), x)


def _span(rng: np.random.Generator, size: int, lengths: np.ndarray) -> np.ndarray:
    """For each row which of ``size`` places lie in a span of its length that begins anywhere."""
    begin, places = np.floor(rng.random(len(lengths)) * (size - lengths + 1)), np.arange(size)
    return (places >= begin[:, None]) & (places < (begin + lengths)[:, None])
