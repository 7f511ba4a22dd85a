"""A tunable EfficientNet: one of Keras' eight as the feature extractor (Tan and Le 2019, arXiv:1905.11946)."""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.applications.images import ImageHyperModel, pooled
from modelwright.keras_tuner.engine.hypermodel import HyperModel

#: The size of image that each is made for.
_SIZES = {"B0": 224, "B1": 240, "B2": 260, "B3": 300, "B4": 380, "B5": 456, "B6": 528, "B7": 600}


class HyperEfficientNet(ImageHyperModel):
    """Tunes size, head and learning rate of an EfficientNet.

    Args:
        augmentation_model: a Keras model or a hypermodel through which images go first.
        weights: "imagenet" (downloaded by Keras, for three channels), None for random weights, or a file.
        input_shape, input_tensor, classes: see ``ImageHyperModel``.
    """

    def __init__(
        self,
        input_shape: Any = None,
        input_tensor: Any = None,
        classes: int | None = None,
        augmentation_model: Any = None,
        weights: Any = "imagenet",
        **kwargs: Any,
    ):
        if augmentation_model is not None and not isinstance(augmentation_model, HyperModel):
            import keras

            if not isinstance(augmentation_model, keras.Model):
                raise ValueError(
                    f"augmentation_model must be a HyperModel, a keras.Model or None, got {augmentation_model!r}"
                )
        super().__init__(input_shape, input_tensor, classes, **kwargs)
        self.augmentation_model, self.weights = augmentation_model, weights

    def build(self, hp: Any) -> Any:
        import keras
        from keras import layers

        inputs, x = self._entry()
        augment = self.augmentation_model
        if isinstance(augment, HyperModel):
            augment = augment.build(hp)
        x = x if augment is None else augment(x)
        version = hp.Choice("version", list(_SIZES), default="B0")
        x = layers.Resizing(_SIZES[version], _SIZES[version], interpolation="bilinear")(x)
        extractor = getattr(keras.applications, f"EfficientNet{version}")
        x = extractor(include_top=False, input_tensor=x, weights=self.weights).output
        x = pooled(x, hp.Choice("pooling", ["avg", "max"], default="avg"))
        rate = hp.Float("top_dropout_rate", min_value=0.2, max_value=0.8, step=0.2, default=0.2)
        x = layers.Dropout(rate, name="top_dropout")(x)
        x = layers.Dense(self.classes, activation="softmax", name="probs")(x)
        model = keras.Model(inputs, x, name="EfficientNet")
        self._compile(model, hp)
        return model

    def _compile(self, model: Any, hp: Any) -> None:
        """Compile the model; made to be overridden."""
        import keras

        rate = hp.Choice("learning_rate", [0.1, 0.01, 0.001], default=0.01)
        model.compile(
            optimizer=keras.optimizers.SGD(momentum=0.1, learning_rate=rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
