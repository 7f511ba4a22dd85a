"""Images in a folder of folders, one for each class, as arrays."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.wording import counted

#: Endings of files that are read.
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
#: The longest side, unless a size is asked for.
_LARGEST = 64
#: Names of folders that a message lists at most.
_LISTED = 5


def images(folder: str | os.PathLike[str], *, size: int | Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images and their labels, from ``folder/class/image.png``.

    Args:
        folder: has a folder for each class; files that are no images are passed over.
        size: height and width to which all are brought, or one number for both; by default the most common size, made
            smaller where its longer side exceeds 64.

    Returns:
        ``(x, y)``: x of shape (rows, height, width, channels) as bytes, with one channel where all images are grey,
        else three; y with the names of the classes, sorted by name as the rows are.

    Raises:
        ArgumentError: there is no such folder, fewer than two classes, or an image that cannot be read, by name.
        MissingPackageError: Pillow is not installed.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ArgumentError(f"there is no folder {os.fspath(folder)!r}", where="images", hint=f"Here is {os.getcwd()}")
    found = [
        (path, inner.name)
        for inner in sorted(root.iterdir())
        if inner.is_dir() and not inner.name.startswith(".")
        for path in sorted(inner.iterdir())
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    ]
    classes = sorted({label for _, label in found})
    if len(classes) < 2:
        raise ArgumentError(
            f"{counted(len(classes), 'folder')} with images in {os.fspath(folder)!r}{_without_images(root, classes)}",
            where="images",
            allowed="two or more, one for each class",
            hint=f"Images end in {', '.join(ENDINGS)}.",
        )
    pillow: Any = optional("PIL.Image", extra="images", purpose="reading images")
    sizes, grey = _looked_at(pillow, [path for path, _ in found])
    height, width = _size(size, sizes)
    mode, channels = ("L", 1) if grey else ("RGB", 3)
    x = np.empty((len(found), height, width, channels), np.uint8)
    for row, (path, _) in enumerate(found):
        try:
            with pillow.open(path) as image:
                read = image.convert(mode).resize((width, height), pillow.Resampling.BILINEAR)
                x[row] = np.asarray(read).reshape(height, width, channels)
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from None
    return x, np.array([label for _, label in found])


def _without_images(root: Path, classes: Sequence[str]) -> str:
    names = [p.name for p in sorted(root.iterdir()) if p.is_dir() and p.name[:1] != "." and p.name not in classes]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (
        f", and none in its folder{'s' * (len(names) > 1)} {', '.join(map(repr, names[:_LISTED]))}{more}"
        if names
        else ""
    )


def _looked_at(pillow: Any, paths: Sequence[Path]) -> tuple[Counter[tuple[int, int]], bool]:
    """How often each (height, width) comes, and whether all images are grey."""
    sizes: Counter[tuple[int, int]] = Counter()
    grey = True
    for path in paths:
        try:
            with pillow.open(path) as image:
                sizes[image.height, image.width] += 1
                grey &= image.mode in ("1", "L", "LA", "I", "I;16", "F")
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from None
    return sizes, grey


def _size(size: Any, sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    if size is None:
        height, width = min(sizes, key=lambda s: (-sizes[s], s))
        shrink = min(1.0, _LARGEST / max(height, width))
        return max(1, round(height * shrink)), max(1, round(width * shrink))
    sides = [size, size] if isinstance(size, int) else list(size)
    if len(sides) != 2 or any(isinstance(s, bool) or not isinstance(s, int) or s < 1 for s in sides):
        raise ArgumentError(f"size={size!r:.60}", where="images", allowed="a number of pixels, or (height, width)")
    return sides[0], sides[1]


def _unreadable(path: Path, error: Exception) -> ArgumentError:
    said = f"{os.fspath(path)} cannot be read as an image: {error}"
    return ArgumentError(said, where="images", hint="Remove it, or save it anew.")
