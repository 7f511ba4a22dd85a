"""Images in a folder of folders, one for each class, as arrays."""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.optional import optional
from modelwright.core.wording import counted, kind_of

#: Endings of files that are read.
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
#: The longest side, unless a size is asked for.
_LARGEST = 64
#: Names of folders that a message lists at most.
_LISTED = 5
#: What a pixel is under Pillow's modes that hold more than bytes; every other one holds bytes.
_DEEP = {"I;16": "16 bits", "I;16B": "16 bits", "I;16L": "16 bits", "I;16N": "16 bits", "I": "32 bits", "F": "decimals"}
_TYPES = {"8 bits": np.uint8, "16 bits": np.uint16, "32 bits": np.float32, "decimals": np.float32}
#: The tag of a file that says how a camera was held, and Pillow's names of what brings the image upright.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE",
    8: "ROTATE_90",
}  # fmt: skip


def images(folder: str | os.PathLike[str], *, size: int | Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images and their labels, from ``folder/class/image.png``.

    Args:
        folder: has a folder for each class; files that are no images are passed over.
        size: height and width to which all are brought, or one number for both; by default the most common size, made
            smaller where its longer side exceeds 64.

    Returns:
        ``(x, y)``: x of shape (rows, height, width, channels), with one channel where all images are grey, else three;
        y with the names of the classes, sorted by name as the rows are. Images are upright, as their files say that
        the camera was held. x are bytes; of grey images with 16 bits a pixel whole numbers up to 65,535, and of those
        with 32 bits or decimals float32, the numbers as the files have them.

    Raises:
        ArgumentError: it is no path, there is no such folder, fewer than two classes, an image that cannot be read or
            holds numbers that are not finite, or images of two depths, by name.
        MissingPackageError: Pillow is not installed.
    """
    if not isinstance(folder, str | os.PathLike):
        raise ArgumentError(f"folder is {kind_of(folder)}", where="images", allowed="the path of a folder")
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ArgumentError(f"there is no folder {os.fspath(folder)!r}", where="images", hint=f"Here is {os.getcwd()}")
    found = [(path, inner.name) for inner in _folders(root) for path in sorted(inner.iterdir()) if _ends_as_image(path)]
    classes = sorted({label for _, label in found})
    if len(classes) < 2:
        raise ArgumentError(
            f"{counted(len(classes), 'folder')} with images in {os.fspath(folder)!r}{_without_images(root, classes)}",
            where="images",
            allowed="two or more, one for each class",
            hint=_one_deeper(root, os.fspath(folder)) or f"Images end in {', '.join(ENDINGS)}.",
        )
    pillow: Any = optional("PIL.Image", extra="images", purpose="reading images")
    sizes, grey, depth = _looked_at(pillow, [path for path, _ in found])
    height, width = _size(size, sizes)
    channels = 1 if grey else 3
    x = np.empty((len(found), height, width, channels), _TYPES[depth])
    for row, (path, _) in enumerate(found):
        try:
            with pillow.open(path) as image:
                x[row] = _read(pillow, image, (width, height), grey, depth).reshape(height, width, channels)
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from None
    return x, np.array([label for _, label in found])


def _folders(root: Path) -> list[Path]:
    return [inner for inner in sorted(root.iterdir()) if inner.is_dir() and not inner.name.startswith(".")]


def _ends_as_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def _one_deeper(root: Path, told: str) -> str:
    """Which of its folders is one of folders for each class, if any: data sets come divided, to train and to test."""
    found = {
        inner.name: sum(any(map(_ends_as_image, part.iterdir())) for part in _folders(inner))
        for inner in _folders(root)
    }
    whole = sorted((name for name in found if found[name] > 1), key=lambda n: (not n.lower().startswith("train"), n))
    if not whole:
        return ""
    place = os.path.join(told, whole[0])
    return f"Its folder {whole[0]!r} has {found[whole[0]]:,} folders with images: give {place!r}."


def _read(pillow: Any, image: Any, size: tuple[int, int], grey: bool, depth: str) -> np.ndarray:
    """An image upright, of that size and depth."""
    image.load()  # Pillow turns a TIFF then, and takes the tag away
    how = _UPRIGHT.get(_orientation(image))
    if depth == "8 bits":
        image = image.convert("L" if grey else "RGB")
    else:  # Pillow cuts at 255 what it converts to bytes
        numbers = np.asarray(image, np.float32)
        if not np.isfinite(numbers).all():
            raise ValueError("it holds numbers that are not finite")
        image = pillow.fromarray(numbers)
    if how is not None:
        image = image.transpose(pillow.Transpose[how])
    read = np.asarray(image.resize(size, pillow.Resampling.BILINEAR))
    return read.round() if depth == "16 bits" else read


def _without_images(root: Path, classes: Sequence[str]) -> str:
    names = [inner.name for inner in _folders(root) if inner.name not in classes]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (
        f", and none in its folder{'s' * (len(names) > 1)} {', '.join(map(repr, names[:_LISTED]))}{more}"
        if names
        else ""
    )


def _looked_at(pillow: Any, paths: Sequence[Path]) -> tuple[Counter[tuple[int, int]], bool, str]:
    """How often each (height, width) comes, whether all images are grey, and what a pixel of all of them is.

    Raises:
        ArgumentError: an image cannot be read, or two differ in depth, so that one number is two brightnesses.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    grey = True
    depths: dict[str, Path] = {}
    for path in paths:
        try:
            with pillow.open(path) as image:
                # Of a PNG the tag may stand behind the pixels, all of which would be read for it; a TIFF's size is said
                # as if it were upright.
                lying = image.format not in ("PNG", "TIFF") and _orientation(image) >= 5
                sizes[(image.width, image.height) if lying else (image.height, image.width)] += 1
                grey &= image.mode in ("1", "L", "LA") or image.mode in _DEEP
                depths.setdefault(_DEEP.get(image.mode, "8 bits"), path)
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from None
    if len(depths) > 1:
        (one, first), (other, second), *_ = depths.items()
        raise ArgumentError(
            f"a pixel of {os.fspath(first)} has {one}, one of {os.fspath(second)} {other}",
            where="images",
            allowed="images of one depth",
            hint="Save them all alike: one number would be two brightnesses otherwise.",
        )
    return sizes, grey, next(iter(depths))


def _orientation(image: Any) -> int:
    """How the camera was held, from 1 (upright) to 8; 1 where the file does not say it, or says it wrongly."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, ValueError, TypeError, SyntaxError, LookupError, struct.error):
        return 1


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
