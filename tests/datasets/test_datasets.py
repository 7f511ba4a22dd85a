"""Data sets: found in the promised order, checked before they are believed, honest when they are not to be had."""

from __future__ import annotations

import gzip
import os
import traceback
from pathlib import Path

import numpy as np
import pytest

from modelwright import datasets
from modelwright.datasets import fashion
from modelwright.datasets.fashion import DatasetError, read_idx


def idx(values: np.ndarray) -> bytes:
    """The content of an IDX file."""
    return bytes((0, 0, 8, values.ndim)) + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()


SMALL = {
    "train-images-idx3-ubyte.gz": np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2),
    "train-labels-idx1-ubyte.gz": np.array([0, 9, 4], np.uint8),
    "t10k-images-idx3-ubyte.gz": np.zeros((2, 2, 2), np.uint8),
    "t10k-labels-idx1-ubyte.gz": np.array([1, 2], np.uint8),
}


def fill(folder: Path, **other: bytes) -> Path:
    """A folder with small files of the right names."""
    folder.mkdir(parents=True)
    for name, values in SMALL.items():
        (folder / name).write_bytes(gzip.compress(other.get(name.split("-idx")[0].replace("-", "_"), idx(values))))
    return folder


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A machine on which Fashion-MNIST has five images, and nothing is installed or cached."""
    monkeypatch.setattr(fashion, "_FILES", {name: values.shape for name, values in SMALL.items()})
    monkeypatch.setattr(fashion, "_DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("MODELWRIGHT_DATA", raising=False)
    return tmp_path


def test_the_real_files_have_the_published_sizes_and_balance():
    given = os.environ.get("MODELWRIGHT_DATA")
    if not given or not Path(given, "fashion-mnist").is_dir():
        pytest.skip("MODELWRIGHT_DATA names no folder with fashion-mnist")
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist()
    assert x_train.shape == (60_000, 28, 28) and x_test.shape == (10_000, 28, 28)
    assert x_train.dtype == y_train.dtype == np.uint8
    assert np.bincount(y_train).tolist() == [6_000] * 10 and np.bincount(y_test).tolist() == [1_000] * 10
    assert x_train.max() == 255


def test_the_environment_comes_before_the_package_and_the_package_before_the_cache(small, monkeypatch):
    marks = {"keras/datasets/fashion-mnist": 7, "debian": 8, "mine/fashion-mnist": 9}
    for place, mark in marks.items():
        fill(small / place, train_labels=idx(np.full(3, mark, np.uint8)))
        if place.startswith("mine"):
            monkeypatch.setenv("MODELWRIGHT_DATA", str(small / "mine"))
        assert datasets.fashion_mnist()[0][1].tolist() == [mark] * 3


def test_a_place_that_lacks_a_file_is_passed_over(small, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_DATA", str(small))
    (fill(small / "fashion-mnist") / "t10k-labels-idx1-ubyte.gz").unlink()
    fill(small / "debian", train_labels=idx(np.full(3, 5, np.uint8)))
    assert datasets.fashion_mnist()[0][1].tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x08\x01\0\0\0\x04" + bytes(3), "does not begin"),
        (b"\0\0\x0d\x01\0\0\0\x03" + bytes(12), "does not begin"),
        (idx(np.zeros(3, np.uint8))[:-1], "holds 2 values"),
        (idx(np.zeros(3, np.uint8)) + b"x", "holds 4 values"),
        (b"", "does not begin"),
    ],
)
def test_another_shape_or_type_or_length_is_refused(tmp_path, content, message):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(DatasetError, match=message) as caught:
        read_idx(path, (3,))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no gzip at all", gzip.compress(idx(np.zeros(300, np.uint8)))[:-9]])
def test_a_file_that_was_cut_short_is_refused(tmp_path, content):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"labels\.gz"):
        read_idx(path, (300,))


def test_labels_beyond_the_ten_classes_are_refused(small):
    fill(small / "debian", t10k_labels=idx(np.array([1, 10], np.uint8)))
    with pytest.raises(DatasetError, match="class 10"):
        datasets.fashion_mnist()


def test_without_files_and_network_the_error_says_what_to_do(small, monkeypatch):
    pytest.importorskip("keras")
    import keras

    def offline():
        try:
            raise OSError("no route to host")
        except OSError as error:
            raise Exception("URL fetch failure: no route to host") from error  # as Keras says it

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", offline)
    with pytest.raises(DatasetError, match="no route to host") as caught:
        datasets.fashion_mnist()
    assert "apt install dataset-fashion-mnist" in str(caught.value) and "MODELWRIGHT_DATA" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback") == 1 and shown.count("no route to host") == 1


def test_digits_are_split_the_same_way_each_time_without_overlap():
    pytest.importorskip("sklearn")
    (x_train, y_train), (x_test, y_test) = datasets.digits()
    again = datasets.digits()
    assert np.array_equal(x_train, again[0][0]) and np.array_equal(y_test, again[1][1])
    assert len(x_train) + len(x_test) == 1_797 and set(y_train) == set(y_test) == set(range(10))
    from sklearn.datasets import load_digits

    assert (
        np.sort(np.concatenate([x_train, x_test]).sum((1, 2))).tolist()
        == np.sort(load_digits().images.sum((1, 2)).astype(int)).tolist()
    )
