"""Data to try things on: Fashion-MNIST where it can be found, and the digits that come with scikit-learn."""

from modelwright.datasets.digits import digits
from modelwright.datasets.fashion import DatasetError, fashion_mnist

__all__ = ["DatasetError", "digits", "fashion_mnist"]
