"""Images in folders, one for each class."""

import numpy as np
import pytest

from modelwright.core.errors import ArgumentError
from modelwright.datasets import images

pillow = pytest.importorskip("PIL.Image")


def write(folder, label, count, size=(6, 8), mode="L", value=100):
    (folder / label).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        pillow.new(mode, size, value if mode == "L" else (value, 0, 0)).save(folder / label / f"{i}.png")


def test_folders_are_classes(tmp_path):
    write(tmp_path, "cat", 3, value=50)
    write(tmp_path, "dog", 2, value=200)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    x, y = images(tmp_path)
    assert x.shape == (5, 8, 6, 1) and x.dtype == np.uint8
    assert y.tolist() == ["cat"] * 3 + ["dog"] * 2 and x[0, 0, 0, 0] == 50 and x[4, 0, 0, 0] == 200


def test_colours_need_three_channels(tmp_path):
    write(tmp_path, "a", 1)
    write(tmp_path, "b", 1, mode="RGB")
    assert images(tmp_path)[0].shape == (2, 8, 6, 3)


def test_images_are_brought_to_one_size(tmp_path):
    write(tmp_path, "a", 2, size=(6, 8))
    write(tmp_path, "b", 1, size=(30, 30))
    assert images(tmp_path)[0].shape == (3, 8, 6, 1)
    assert images(tmp_path, size=16)[0].shape == (3, 16, 16, 1)
    assert images(tmp_path, size=(10, 12))[0].shape == (3, 10, 12, 1)


def test_large_images_are_made_smaller(tmp_path):
    write(tmp_path, "a", 2, size=(256, 128))
    write(tmp_path, "b", 2, size=(256, 128))
    assert images(tmp_path)[0].shape == (4, 32, 64, 1)


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ArgumentError, match="no folder"):
        images(tmp_path / "absent")
    write(tmp_path, "a", 1)
    (tmp_path / "b").mkdir()
    with pytest.raises(ArgumentError, match="1 folder with images in .*, and none in its folder 'b'. .*two or more"):
        images(tmp_path)
    write(tmp_path, "b", 1)
    (tmp_path / "b" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match=r"broken\.png"):
        images(tmp_path)
    (tmp_path / "b" / "broken.png").unlink()
    for size in (0, -3, True, (3,), (3, 0), "large"):
        with pytest.raises(ArgumentError, match="size"):
            images(tmp_path, size=size)
