"""A tunable ResNet: bottleneck blocks of three generations.

v1: He et al. 2015, arXiv:1512.03385; v2, activation first: He et al. 2016, arXiv:1603.05027; next, grouped
convolutions: Xie et al. 2017, arXiv:1611.05431.
"""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.applications.images import ImageHyperModel, channel_axis, pooled

_GROUPS = 32


class HyperResNet(ImageHyperModel):
    """Tunes generation, depth, pooling and optimizer of a ResNet for images.

    Args:
        include_top: whether the model ends in a compiled classifier, or in features.
        input_shape, input_tensor, classes: see ``ImageHyperModel``.
    """

    def __init__(
        self,
        include_top: bool = True,
        input_shape: Any = None,
        input_tensor: Any = None,
        classes: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(input_shape, input_tensor, classes, needs_classes=include_top, **kwargs)
        self.include_top = include_top

    def build(self, hp: Any) -> Any:
        import keras
        from keras import layers

        version = hp.Choice("version", ["v1", "v2", "next"], default="v2")
        depth3 = hp.Choice("conv3_depth", [4, 8])
        depth4 = hp.Choice("conv4_depth", [6, 23, 36])
        inputs, x = self._entry()
        x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
        x = layers.Conv2D(64, 7, strides=2, use_bias=version != "next", name="conv1_conv")(x)
        if version != "v2":
            x = _activated(x, "conv1")
        x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
        first = 128 if version == "next" else 64
        for stage, depth in enumerate((3, depth3, depth4, 3)):
            x = _stage(x, version, first * 2**stage, depth, stage, f"conv{stage + 2}")
        if version == "v2":
            x = _activated(x, "post")
        x = pooled(x, hp.Choice("pooling", ["avg", "max"], default="avg"))
        if not self.include_top:
            return keras.Model(inputs, x, name="ResNet")
        x = layers.Dense(self.classes, activation="softmax", name="probs")(x)
        model = keras.Model(inputs, x, name="ResNet")
        optimizer: Any = keras.optimizers.get(hp.Choice("optimizer", ["adam", "rmsprop", "sgd"], default="adam"))
        optimizer.learning_rate = hp.Choice("learning_rate", [0.1, 0.01, 0.001], default=0.01)
        model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
        return model


def _activated(x: Any, name: str) -> Any:
    from keras import layers

    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _stage(x: Any, version: str, filters: int, depth: int, stage: int, name: str) -> Any:
    """``depth`` blocks of the same width; one of them halves the image: the first, or in v2 the last."""
    block = {"v1": _block_v1, "v2": _block_v2, "next": _block_next}[version]
    halving = 0 if version != "v2" else depth - 1
    halves = stage < 3 if version == "v2" else stage > 0
    for i in range(depth):
        x = block(x, filters, 2 if halves and i == halving else 1, i == 0, f"{name}_block{i + 1}")
    return x


def _block_v1(x: Any, filters: int, stride: int, project: bool, name: str) -> Any:
    """Narrow, convolve, widen; normalised behind each convolution; activated behind the sum."""
    from keras import layers

    short = x
    if project:
        short = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        short = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_0_bn")(short)
    x = _activated(layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1")
    x = _activated(layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_3_bn")(x)
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([short, x]))


def _block_v2(x: Any, filters: int, stride: int, project: bool, name: str) -> Any:
    """As v1, with normalisation and activation before each convolution and a sum that is left as it is."""
    from keras import layers

    ready = _activated(x, f"{name}_preact")
    if project:
        short = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(ready)
    else:
        short = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = _activated(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(ready), f"{name}_1")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = _activated(layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x), f"{name}_2")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([short, x])


def _block_next(x: Any, filters: int, stride: int, project: bool, name: str) -> Any:
    """As v1, with the middle convolution in 32 groups and half the widening."""
    from keras import layers

    short = x
    if project:
        short = layers.Conv2D(2 * filters, 1, strides=stride, use_bias=False, name=f"{name}_0_conv")(x)
        short = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_0_bn")(short)
    x = _activated(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(x), f"{name}_1")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    grouped = layers.Conv2D(filters, 3, strides=stride, groups=_GROUPS, use_bias=False, name=f"{name}_2_conv")
    x = _activated(grouped(x), f"{name}_2")
    x = layers.Conv2D(2 * filters, 1, use_bias=False, name=f"{name}_3_conv")(x)
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_3_bn")(x)
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([short, x]))
