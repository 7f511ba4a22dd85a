"""What a search says of rows that it cannot read."""

import numpy as np
import pytest
from scipy import sparse

from modelwright.core.errors import ArgumentError
from modelwright.nas.dataset import dataset

rng = np.random.default_rng(0)
X = rng.random((60, 3))
Y = np.arange(60) % 2


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_refused_whatever_its_bits(dtype, value):
    x = X.astype(dtype)
    x[7, 1] = value
    with pytest.raises(ArgumentError, match=r"not finite, the first at \(7, 1\)"):
        dataset(x, Y)


def test_the_largest_numbers_of_few_bits_are_taken():
    x = X.astype(np.float16)
    x[7, 1] = np.finfo(np.float16).max
    assert dataset(x, Y).rows


class Batches:
    """As loaders and pipelines are: there is no end of it, or no row by its number."""

    def __iter__(self):
        yield X, Y


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (Batches(), Y, r"x is a Batches, which is no array of rows.*Allowed: an array.*collect what comes one by one"),
        ((row for row in X), Y, r"x is a generator, which is no array of rows.*collect"),
        (Batches(), None, r"y is None, which is no array of rows.*x and y apart"),
        (sparse.csr_matrix(X), Y, r"x is a csr_matrix, which is no array of rows.*toarray\(\)"),
        (X, sparse.csr_matrix(Y), r"y is a csr_matrix"),
        ("images/", Y, r"x is a str, which is no array of rows"),
        (X, {"label": Y}, r"y is a dict, which is no array of rows"),
    ],
)
def test_what_is_no_array_is_told_as_that(x, y, said):
    with pytest.raises(ArgumentError, match=f"(?s){said}"):
        dataset(x, y)
