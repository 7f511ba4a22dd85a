"""Fashion-MNIST: finds the four files on this machine or downloads them. Does not scale or flatten anything.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017.
"""

from __future__ import annotations

import gzip
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from modelwright.core.errors import ModelwrightError

_FILES = {
    "train-images-idx3-ubyte.gz": (60_000, 28, 28),
    "train-labels-idx1-ubyte.gz": (60_000,),
    "t10k-images-idx3-ubyte.gz": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (10_000,),
}
_CLASSES = 10
#: Where Debian's package dataset-fashion-mnist puts them.
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_PATIENCE = 30.0


class DatasetError(ModelwrightError, OSError):
    """A data set is nowhere to be had, or its files are damaged."""


def fashion_mnist() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Fashion-MNIST as ``(x_train, y_train), (x_test, y_test)``.

    Looks in the folder ``fashion-mnist`` of ``$MODELWRIGHT_DATA``, in Debian's package ``dataset-fashion-mnist``, in
    Keras' cache, and at last downloads the files through Keras (30 MB), which keeps them there.

    Returns:
        Images as uint8 (rows, 28, 28) with values from 0 to 255, labels as uint8 (rows,); 60,000 and 10,000 rows.

    Raises:
        DatasetError: the files are nowhere and cannot be downloaded, or what was found is damaged.

    >>> (x_train, y_train), (x_test, y_test) = fashion_mnist()    # doctest: +SKIP
    >>> x_train.shape, x_test.shape                               # doctest: +SKIP
    ((60000, 28, 28), (10000, 28, 28))
    """
    for folder in places():
        if all((folder / name).is_file() for name in _FILES):
            return _read(folder)
    return _download()


def places() -> list[Path]:
    """Folders that may hold the four files, in the order they are looked through.

    >>> [path.name for path in places()][-1]
    'fashion-mnist'
    """
    given = os.environ.get("MODELWRIGHT_DATA")
    mine = [Path(given).expanduser() / "fashion-mnist"] if given else []
    return [*mine, _DEBIAN, keras_cache()]


def keras_cache() -> Path:
    """Where Keras keeps what it downloaded, whether or not it is there."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / "fashion-mnist"


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The bytes of a gzipped IDX file that must have ``shape``.

    The format: two zero bytes, the type (8 for unsigned bytes), the number of dimensions, each as four bytes with the
    highest first, then the values in row order.

    Raises:
        DatasetError: another type or shape, or a file that is cut short or damaged.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, f"cannot be read: {error}") from error
    header = bytes((0, 0, 8, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape)
    if not content.startswith(header):
        raise _damaged(path, f"does not begin as an IDX file of unsigned bytes with the shape {shape} does")
    values = np.frombuffer(content, np.uint8, offset=len(header))
    if values.size != int(np.prod(shape)):
        raise _damaged(path, f"holds {values.size:,} values where its header says {int(np.prod(shape)):,}")
    return values.reshape(shape).copy()


def _read(folder: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    x_train, y_train, x_test, y_test = (read_idx(folder / name, shape) for name, shape in _FILES.items())
    for name, labels in zip(("train-labels", "t10k-labels"), (y_train, y_test)):
        if labels.max() >= _CLASSES:
            raise _damaged(folder, f"{name} holds the class {labels.max()}; there are {_CLASSES}")
    return (x_train, y_train), (x_test, y_test)


def _damaged(path: Path, what: str) -> DatasetError:
    return DatasetError(what, where=str(path), hint="Delete it and fetch it again.")


def _download() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    from modelwright.training.keras_backend import ensure_backend

    keras = ensure_backend()
    try:
        with _patience(_PATIENCE):
            return keras.datasets.fashion_mnist.load_data()
    except Exception as error:
        looked = ", ".join(str(place) for place in places())
        raise DatasetError(
            f"the files are not on this machine and could not be downloaded ({error})",
            where="Fashion-MNIST",
            hint=f"Looked in {looked}. Without a network: apt install dataset-fashion-mnist, or put the four "
            "*-ubyte.gz files into a folder fashion-mnist and set MODELWRIGHT_DATA to the folder above it. "
            "modelwright.datasets.digits() needs no files.",
        ) from None  # Keras' own error is in the sentence, and three more are behind it


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Within: a connection that says nothing for so long is given up. Keras itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
