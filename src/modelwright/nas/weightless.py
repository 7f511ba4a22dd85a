"""Operations without weights: pooling, changes of shape, joins of several inputs, zeros."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from modelwright.core.errors import SpaceError
from modelwright.nas import carry
from modelwright.nas.operations import Attributes, Operation, Shape, keras_layers, register, same, spatial, window
from modelwright.nas.options import POOL

# --- pooling, shape --------------------------------------------------------------------------------


def _pool_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    return (*window(shapes[0], {"size": 2, **attributes}, "pooling", "size"), shapes[0][-1])


def _pool(kind: str) -> Callable[[Sequence[Shape], Attributes, str], Any]:
    def layer(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
        made = getattr(keras_layers(), f"{kind}Pooling{len(shapes[0]) - 1}D")
        size, padding = attributes.get("size", 2), attributes.get("padding", "same")
        return made(size, strides=attributes.get("stride", 1), padding=padding, name=name)

    return layer


def _global_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    spatial(shapes[0], "global pooling")
    return (shapes[0][-1],)


def _global(kind: str) -> Callable[[Sequence[Shape], Attributes, str], Any]:
    def layer(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
        return getattr(keras_layers(), f"Global{kind}Pooling{len(shapes[0]) - 1}D")(name=name)

    return layer


for _name, _kind in (("max", "Max"), ("avg", "Average")):
    register(
        Operation(
            name=f"{_name}_pool",
            options=POOL,
            shape=_pool_shape,
            layer=_pool(_kind),
            keeps_zero=True,
            channels="kept",
            embed=carry.without_weights,
            identity=carry.identity_pool,
        )
    )
    register(
        Operation(
            name=f"global_{_name}_pool",
            options={},
            shape=_global_shape,
            layer=_global(_kind),
            keeps_zero=True,
            channels="kept",
            embed=carry.without_weights,
        )
    )
register(
    Operation(
        name="flatten",
        options={},
        shape=lambda shapes, attributes: (math.prod(shapes[0]),),
        layer=lambda shapes, attributes, name: keras_layers().Flatten(name=name),
        channels="spread",
        embed=carry.without_weights,
        keeps_zero=True,
    )
)


# --- joins -----------------------------------------------------------------------------------------


def alike(name: str) -> Callable[[Sequence[Shape], Attributes], Shape]:
    def shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
        if len(set(shapes)) > 1:
            raise SpaceError(
                f"its inputs have different shapes: {', '.join(map(str, dict.fromkeys(shapes)))}",
                where=name,
                hint="Bring them to one shape first, with a convolution of kernel 1 and the stride that is needed.",
            )
        return shapes[0]

    return shape


def _concat_shape(shapes: Sequence[Shape], attributes: Attributes) -> Shape:
    alike("concat")([shape[:-1] for shape in shapes], {})
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


register(
    Operation(
        name="add",
        options={},
        shape=alike("add"),
        layer=lambda shapes, attributes, name: keras_layers().Add(name=name),
        channels="kept",
        embed=carry.without_weights,
        inputs=None,
        commutes=True,
        keeps_zero=True,
    )
)
register(
    Operation(
        name="multiply",
        options={},
        shape=alike("multiply"),
        layer=lambda shapes, attributes, name: keras_layers().Multiply(name=name),
        channels="kept",
        embed=carry.without_weights,
        inputs=None,
        commutes=True,
    )
)
register(
    Operation(
        name="concat",
        options={},
        shape=_concat_shape,
        layer=lambda shapes, attributes, name: keras_layers().Concatenate(name=name),
        channels="joined",
        embed=carry.without_weights,
        inputs=None,
        keeps_zero=True,
    )
)


def _zeros(shapes: Sequence[Shape], attributes: Attributes, name: str) -> Any:
    return keras_layers().Rescaling(0.0, name=name)


register(
    Operation(
        name="zero",
        options={},
        shape=same,
        layer=_zeros,
        keeps_zero=True,
        channels="kept",
        embed=carry.without_weights,
    )
)
