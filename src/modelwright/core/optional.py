"""One door for optional packages: a clear message names the extra when something is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from modelwright.core.errors import MissingPackageError


def optional(name: str, *, extra: str, purpose: str = "") -> ModuleType:
    """Import ``name`` now, or say which extra of Modelwright installs it.

    >>> optional("json", extra="keras").__name__
    'json'
    >>> optional("no_such_package", extra="keras", purpose="tuning Keras models")
    Traceback (most recent call last):
        ...
    modelwright.core.errors.MissingPackageError: tuning Keras models needs the package 'no_such_package', ...
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = getattr(error, "name", None) or name
        subject = purpose or f"'{name}'"
        raise MissingPackageError(
            f"{subject} needs the package '{missing}', which is not installed",
            hint=f"Run: pip install 'modelwright[{extra}]'",
        ) from error
