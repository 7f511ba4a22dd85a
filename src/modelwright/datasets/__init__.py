"""Data: Fashion-MNIST where it can be found, the digits that come with scikit-learn, and images of your own."""

from modelwright.datasets.digits import digits
from modelwright.datasets.fashion import DatasetError, fashion_mnist
from modelwright.datasets.folder import images

__all__ = ["DatasetError", "digits", "fashion_mnist", "images"]
