"""A tunable Xception: separable convolutions in residual blocks (Chollet 2017, arXiv:1610.02357)."""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.applications.images import ImageHyperModel, pooled


class HyperXception(ImageHyperModel):
    """Tunes depth, widths, activation and head of an Xception network for images.

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

        activation = hp.Choice("activation", ["relu", "selu"])
        inputs, x = self._entry()
        filters = hp.Choice("conv2d_num_filters", [32, 64, 128], default=64)
        size = hp.Choice("kernel_size", [3, 5])
        strides = hp.Choice("initial_strides", [2])
        x = _activated(x, layers.Conv2D, filters, size, activation, strides=strides)
        width = hp.Int("sep_num_filters", 128, 768, step=128, default=256)
        for _ in range(hp.Int("num_residual_blocks", 2, 8, default=4)):
            x = _residual(x, width, activation, halve=False)
        x = _residual(x, 2 * width, activation, halve=True)
        x = pooled(x, hp.Choice("pooling", ["avg", "flatten", "max"]))
        if not self.include_top:
            return keras.Model(inputs, x, name="Xception")
        hidden = hp.Int("num_dense_layers", 1, 3)
        rate = hp.Float("dropout_rate", 0.0, 0.6, step=0.1, default=0.5)
        normalise = hp.Choice("dense_use_bn", [True, False])
        for _ in range(hidden):
            x = _dense(x, self.classes, activation, normalise, rate)
        model = keras.Model(inputs, layers.Dense(self.classes, activation="softmax")(x), name="Xception")
        model.compile(
            optimizer=keras.optimizers.Adam(hp.Choice("learning_rate", [1e-3, 1e-4, 1e-5])),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model


def _activated(x: Any, kind: Any, filters: int, size: int, activation: str, **kwargs: Any) -> Any:
    """A convolution that normalises itself (selu), or is normalised behind (relu)."""
    from keras import layers

    if activation == "selu":
        names = ("depthwise_initializer", "pointwise_initializer")
        if kind is layers.Conv2D:
            names = ("kernel_initializer",)
        kwargs.update(dict.fromkeys(names, "lecun_normal"))
        return kind(filters, size, padding="same", activation="selu", **kwargs)(x)
    x = kind(filters, size, padding="same", use_bias=False, **kwargs)(x)
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def _residual(x: Any, filters: int, activation: str, halve: bool) -> Any:
    """Two separable convolutions beside a shortcut, which is projected where shape or width changes."""
    from keras import layers

    short = x
    if halve:
        short = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
    elif x.shape[-1] != filters:
        short = layers.Conv2D(filters, 1, padding="same")(x)
    for _ in range(2):
        x = _activated(x, layers.SeparableConv2D, filters, 3, activation)
    if halve:
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.add([x, short])


def _dense(x: Any, units: int | None, activation: str, normalise: bool, rate: float) -> Any:
    from keras import layers

    if activation == "selu":
        x = layers.Dense(units, activation="selu", kernel_initializer="lecun_normal")(x)
    else:
        x = layers.Dense(units, activation="relu")(x)
        x = layers.BatchNormalization()(x) if normalise else x
    return layers.Dropout(rate)(x) if rate else x
