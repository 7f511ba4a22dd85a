"""Ready-made hypermodels: their hyperparameters, and models that can be trained."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")


def test_xception(kt):
    hp = kt.HyperParameters()
    hp.Choice("num_residual_blocks", [2])
    hp.Choice("sep_num_filters", [8])
    model = kt.applications.HyperXception(input_shape=(16, 16, 1), classes=3).build(hp)
    assert [p.name for p in hp.space][2:] == [
        "activation",
        "conv2d_num_filters",
        "kernel_size",
        "initial_strides",
        "pooling",
        "num_dense_layers",
        "dropout_rate",
        "dense_use_bn",
        "learning_rate",
    ]
    assert model.predict(np.zeros((2, 16, 16, 1)), verbose=0).shape == (2, 3)
    hp.values.update(activation="selu", pooling="flatten")
    assert kt.applications.HyperXception(input_shape=(16, 16, 1), classes=3).build(hp).count_params() > 0
    features = kt.applications.HyperXception(include_top=False, input_shape=(16, 16, 1)).build(kt.HyperParameters())
    assert features.output_shape == (None, 512)


@pytest.mark.parametrize(("version", "parameters"), [("v1", 23_595_908), ("v2", 23_572_996), ("next", None)])
def test_resnet(kt, version, parameters):
    hp = kt.HyperParameters()
    hp.values["version"] = version
    model = kt.applications.HyperResNet(input_shape=(32, 32, 3), classes=4).build(hp)
    assert [p.name for p in hp.space] == [
        "version",
        "conv3_depth",
        "conv4_depth",
        "pooling",
        "optimizer",
        "learning_rate",
    ]
    assert hp.values["learning_rate"] == 0.01 == pytest.approx(float(model.optimizer.learning_rate))
    # ResNet-50 with four classes: what keras.applications has without its top, and a dense layer.
    assert parameters is None or model.count_params() == parameters
    assert model.output_shape == (None, 4)


def test_image_augmentation(kt):
    hp = kt.HyperParameters()
    hp.values["augment_layers"] = 2
    make = kt.applications.HyperImageAugment(
        input_shape=(8, 8, 3), rotate=[0.2, 0.3], translate_x=0.1, translate_y=None, contrast=None
    )
    model = make.build(hp)
    assert [p.name for p in hp.space] == ["augment_layers", "factor_rotate", "factor_translate_x"]
    assert [hp.values[f"factor_{n}"] for n in ("rotate", "translate_x")] == [0.2, 0]
    images = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
    assert model(images, training=True).shape == (4, 8, 8, 3)
    plain = kt.HyperParameters()
    kt.applications.HyperImageAugment(input_shape=(8, 8, 3), augment_layers=0).build(plain)
    names = ("rotate", "translate_x", "translate_y", "contrast")
    assert [p.name for p in plain.space] == [f"factor_{n}" for n in names]
    drawn = kt.HyperParameters()
    kt.applications.HyperImageAugment(input_shape=(8, 8, 3)).build(drawn)
    assert drawn.values["augment_layers"] == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.HyperXception(input_shape=(8, 8, 1)),
        lambda a: a.HyperResNet(classes=3),
        lambda a: a.HyperEfficientNet(input_shape=(8, 8, 3)),
        lambda a: a.HyperEfficientNet(input_shape=(8, 8, 3), classes=3, augmentation_model=3),
        lambda a: a.HyperImageAugment(),
        lambda a: a.HyperImageAugment(input_shape=(8, 8, 3), rotate="much"),
        lambda a: a.HyperImageAugment(input_shape=(8, 8, 3), augment_layers=1.5),
    ],
)
def test_what_they_refuse(kt, call):
    with pytest.raises(ValueError):
        call(kt.applications)
