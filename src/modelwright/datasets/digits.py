"""The 1,797 handwritten digits bundled with scikit-learn: small, and there without a network."""

from __future__ import annotations

import numpy as np

from modelwright.core.optional import optional
from modelwright.core.rng import Seed

_TEST_ROWS = 360


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Handwritten digits as ``(x_train, y_train), (x_test, y_test)``, split once and for all.

    Returns:
        Images as uint8 (rows, 8, 8) with values from 0 to 16, labels as uint8 (rows,); 1,437 and 360 rows.

    Raises:
        MissingPackageError: scikit-learn is not installed.

    >>> (x_train, y_train), (x_test, y_test) = digits()
    >>> x_train.shape, y_test.shape, int(x_train.max())
    ((1437, 8, 8), (360,), 16)
    """
    bundled = optional("sklearn.datasets", extra="sklearn", purpose="modelwright.datasets.digits()").load_digits()
    x, y = bundled.images.astype(np.uint8), bundled.target.astype(np.uint8)
    order = Seed(0).child("datasets", "digits").generator().permutation(len(x))
    train, test = np.sort(order[_TEST_ROWS:]), np.sort(order[:_TEST_ROWS])
    return (x[train], y[train]), (x[test], y[test])
