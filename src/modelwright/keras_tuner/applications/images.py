"""What all hypermodels of images share: where the images come in. Imports keras only to build."""

from __future__ import annotations

from typing import Any

from modelwright.keras_tuner.engine.hypermodel import HyperModel


class ImageHyperModel(HyperModel):
    """Base of hypermodels of images.

    Args:
        input_shape: (height, width, channels).
        input_tensor: a Keras tensor in its place.
        classes: number of classes; labels are one-hot.
        needs_classes: whether ``classes`` must be given.
        **kwargs: see ``HyperModel``.

    Raises:
        ValueError: neither shape nor tensor, or no number of classes where one is needed.
    """

    def __init__(
        self,
        input_shape: Any = None,
        input_tensor: Any = None,
        classes: int | None = None,
        needs_classes: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        if needs_classes and not classes:
            raise ValueError(f"{name}: say how many classes there are (classes=10)")
        if input_shape is None and input_tensor is None:
            raise ValueError(f"{name}: give input_shape=(height, width, channels) or input_tensor")
        self.input_shape, self.input_tensor, self.classes = input_shape, input_tensor, classes

    def _entry(self) -> tuple[Any, Any]:
        """The inputs of the model, and the tensor to go on from."""
        import keras

        if self.input_tensor is not None:
            return keras.utils.get_source_inputs(self.input_tensor), self.input_tensor
        entry = keras.layers.Input(shape=self.input_shape)
        return entry, entry


def channel_axis() -> int:
    """The axis of the channels in Keras' image format."""
    import keras

    return 3 if keras.config.image_data_format() == "channels_last" else 1


def pooled(x: Any, how: str) -> Any:
    """Images to vectors: by mean ("avg"), maximum ("max") or as they are ("flatten")."""
    from keras import layers

    if how == "flatten":
        return layers.Flatten()(x)
    return (layers.GlobalAveragePooling2D if how == "avg" else layers.GlobalMaxPooling2D)(name=f"{how}_pool")(x)
