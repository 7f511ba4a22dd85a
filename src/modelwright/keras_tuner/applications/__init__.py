"""Ready-made hypermodels for images."""
