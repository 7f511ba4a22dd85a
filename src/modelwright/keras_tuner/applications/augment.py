"""Tunable augmentation of images: all transforms in turn, or some at random (Cubuk et al. 2019, arXiv:1909.13719)."""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.applications.images import ImageHyperModel


class HyperImageAugment(ImageHyperModel):
    """Tunes how strongly images are turned, moved and changed in contrast while training.

    Each strength is a number in [0, 1] (searched from 0 up to it), a pair to search between, or None (off).

    Args:
        rotate: turn by up to this share of a whole turn to either side.
        translate_x, translate_y: move by up to this share of width and height.
        contrast: change the contrast by up to this share.
        augment_layers: 0 applies all transforms to each image, one after the other. A number (searched from 1 up to
            it), or a pair, tunes how many layers there are; each applies one transform, drawn for each image.
        input_shape, input_tensor: see ``ImageHyperModel``.
    """

    def __init__(
        self,
        input_shape: Any = None,
        input_tensor: Any = None,
        rotate: Any = 0.5,
        translate_x: Any = 0.4,
        translate_y: Any = 0.4,
        contrast: Any = 0.3,
        augment_layers: Any = 3,
        **kwargs: Any,
    ):
        super().__init__(input_shape, input_tensor, needs_classes=False, **kwargs)
        given = {"rotate": rotate, "translate_x": translate_x, "translate_y": translate_y, "contrast": contrast}
        self.transforms = [(name, _range(name, value)) for name, value in given.items() if value]
        self.model_name = "image_rand_augment" if augment_layers else "image_augment"
        if augment_layers:
            pair = augment_layers if isinstance(augment_layers, (list, tuple)) else (1, augment_layers)
            if len(pair) != 2 or not all(isinstance(n, int) for n in pair):
                raise ValueError(f"augment_layers must be a whole number or two of them, got {augment_layers!r}")
            self.augment_layers_min, self.augment_layers_max = pair

    def build(self, hp: Any) -> Any:
        import keras

        inputs, x = self._entry()
        if self.model_name == "image_rand_augment":
            x = self._random(x, hp)
        else:
            for name, (low, high) in self.transforms:
                factor = hp.Float(f"factor_{name}", low, high, step=0.05, default=low)
                if factor:
                    x = transform(name, factor)(x)
        return keras.Model(inputs, x, name=self.model_name)

    def _random(self, x: Any, hp: Any) -> Any:
        from modelwright.keras_tuner.applications.rand_augment import RandAugment

        low, high = self.augment_layers_min, self.augment_layers_max
        count = hp.Int("augment_layers", low, high, default=low)
        names = [name for name, _ in self.transforms]
        for _ in range(count):
            factors = [hp.Float(f"factor_{name}", a, b, default=a) for name, (a, b) in self.transforms]
            x = RandAugment(names, factors)(x)
        return x


def transform(name: str, factor: float) -> Any:
    """The Keras layer that transforms images by up to ``factor``."""
    from keras import layers

    if name == "rotate":
        return layers.RandomRotation(factor)
    if name == "translate_x":
        return layers.RandomTranslation(0, factor)
    if name == "translate_y":
        return layers.RandomTranslation(factor, 0)
    return layers.RandomContrast(factor)


def _range(name: str, value: Any) -> tuple[float, float]:
    pair = value if isinstance(value, (list, tuple)) else (0, value)
    if len(pair) != 2 or not all(isinstance(n, (int, float)) for n in pair):
        raise ValueError(f"{name} must be a number in [0, 1], two of them or None, got {value!r}")
    return pair[0], pair[1]
