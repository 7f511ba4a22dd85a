"""The layer of random augmentation. Imports keras."""

from __future__ import annotations

from typing import Any

import keras

from modelwright.keras_tuner.applications.augment import transform


@keras.saving.register_keras_serializable(package="keras_tuner")
class RandAugment(keras.layers.Layer):
    """Applies to each image one of some transforms, drawn anew for each.

    Args:
        layers: names of transforms.
        factors: the strength of each; one of 0 leaves the image as it is.
    """

    def __init__(self, layers: list[str], factors: list[float], seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.layers, self.factors = list(layers), list(factors)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.transforms = {i: transform(n, f) for i, (n, f) in enumerate(zip(layers, factors, strict=True)) if f}

    def call(self, inputs: Any, training: bool = True) -> Any:
        images: Any = keras.ops.shape(inputs)
        shape = (images[0], 1, 1, 1)
        drawn = keras.random.uniform(shape, maxval=len(self.layers), seed=self.seed_generator)
        chosen = keras.ops.cast(drawn, "int32")
        x = inputs
        for i, layer in self.transforms.items():
            x = keras.ops.where(keras.ops.equal(chosen, i), layer(inputs, training=training), x)
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layers": self.layers, "factors": self.factors}
