"""More operations: what networks from elsewhere have, and the ready spaces do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas import carry
from modelwright.nas.operations import Attributes, Operation, Shape, keras_layers, register, same, spatial
from modelwright.nas.options import ANY, NEEDED, NUMBER, RATE
from modelwright.nas.weightless import alike


def _padded_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    positions, padding = spatial(shapes[0], "zero_padding"), attributes["padding"]
    pairs = [pair for pair in padding if len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair)]
    if not len(pairs) == len(padding) == len(positions):
        raise SpaceError(f"padding={padding!r}", where="zero_padding", allowed=f"{len(positions)} pairs of integers")
    return (*(n + before + after for n, (before, after) in zip(positions, padding, strict=True)), shapes[0][-1])


def _padded(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
    pairs = tuple(tuple(pair) for pair in attributes["padding"])
    layers = keras_layers()
    return layers.ZeroPadding1D(pairs[0], name=name) if len(pairs) == 1 else layers.ZeroPadding2D(pairs, name=name)


def _rescaled_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    for key in ("scale", "offset"):
        value = attributes.get(key, 0.0)
        if isinstance(value, (list, tuple)) and len(value) != shapes[0][-1]:
            raise SpaceError(
                f"{key} has {len(value)} numbers", where="rescaling", allowed=f"one, or {shapes[0][-1]}: one a channel"
            )
    return shapes[0]


def _reshaped_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    target = tuple(attributes["shape"])
    if math.prod(target) != math.prod(shapes[0]) or not target:
        raise SpaceError(f"{shapes[0]} cannot become {target}", where="reshape", allowed="as many numbers")
    return target


for _made in (
    Operation(
        name="zero_padding",
        options={"padding": NEEDED},
        shape=_padded_shape,
        layer=_padded,
        keeps_zero=True,
        channels="kept",
        embed=carry.without_weights,
    ),
    Operation(
        name="rescaling",
        options={"scale": ANY, "offset": ANY},
        shape=_rescaled_shape,
        layer=lambda shapes, attributes, name: keras_layers().Rescaling(
            attributes.get("scale", 1.0), attributes.get("offset", 0.0), name=name
        ),
        channels="kept",
        embed=carry.without_weights,
    ),
    Operation(
        name="reshape",
        options={"shape": NEEDED},
        shape=_reshaped_shape,
        layer=lambda shapes, attributes, name: keras_layers().Reshape(tuple(attributes["shape"]), name=name),
        keeps_zero=True,
    ),
    Operation(
        name="leaky_relu",
        options={"slope": NUMBER},
        shape=same,
        layer=lambda shapes, attributes, name: keras_layers().LeakyReLU(attributes.get("slope", 0.3), name=name),
        keeps_zero=True,
        channels="kept",
        embed=carry.without_weights,
    ),
    Operation(
        name="spatial_dropout",
        options={"rate": RATE},
        shape=lambda shapes, attributes: (*spatial(shapes[0], "spatial_dropout"), shapes[0][-1]),
        layer=lambda shapes, attributes, name: getattr(keras_layers(), f"SpatialDropout{len(shapes[0]) - 1}D")(
            attributes.get("rate", 0.5), name=name
        ),
        keeps_zero=True,
        chance=True,
        channels="kept",
        embed=carry.at_rest,
    ),
    Operation(
        name="average",
        options={},
        shape=alike("average"),
        layer=lambda shapes, attributes, name: keras_layers().Average(name=name),
        inputs=None,
        commutes=True,
        keeps_zero=True,
        channels="kept",
        embed=carry.without_weights,
    ),
    Operation(
        name="maximum",
        options={},
        shape=alike("maximum"),
        layer=lambda shapes, attributes, name: keras_layers().Maximum(name=name),
        inputs=None,
        commutes=True,
        keeps_zero=True,
        channels="kept",
        embed=carry.without_weights,
    ),
):
    register(_made)
