"""One door for optional packages: a clear message names the extra when something is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from modelwright.core.errors import MissingPackageError

#: Part of a message -> what helps where a package is there and does not load.
_CURES = {"libgomp": "Install the system's library of OpenMP; on Debian: apt-get install libgomp1"}


def optional(name: str, *, extra: str, purpose: str = "") -> ModuleType:
    """Import ``name`` now, or say which extra of Modelwright installs it; or why it does not load, where it is there.

    Raises:
        MissingPackageError: either.

    >>> optional("json", extra="keras").__name__
    'json'
    >>> optional("no_such_package", extra="keras", purpose="tuning Keras models")
    Traceback (most recent call last):
        ...
    modelwright.core.errors.MissingPackageError: tuning Keras models needs the package 'no_such_package', ...
    """
    subject = purpose or f"'{name}'"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = getattr(error, "name", None) or name
        raise MissingPackageError(
            f"{subject} needs the package '{missing}', which is not installed",
            hint=f"Run: pip install 'modelwright[{extra}]'",
        ) from error
    except Exception as error:  # whatever a package raises that looks for its library, its backend or a device
        why = " ".join(str(error).split()) or type(error).__name__
        cures = [cure for part, cure in _CURES.items() if part in why]
        raise MissingPackageError(
            f"{subject} needs the package '{name}', which is installed and does not load: {why[:300]}",
            hint=cures[0] if cures else f"Try: pip install --force-reinstall '{name}'",
        ) from error
