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


def write_numbers(folder, label, numbers, name="0.tif", **options):
    (folder / label).mkdir(parents=True, exist_ok=True)
    pillow.fromarray(numbers).save(folder / label / name, **options)


@pytest.mark.parametrize(
    ("kind", "low", "high", "name", "read"),
    [
        (np.uint16, 300, 60_000, "0.png", np.uint16),
        (np.uint16, 300, 60_000, "0.tif", np.uint16),
        (">u2", 300, 60_000, "0.tif", np.uint16),
        (np.int32, -5, 1_000_000, "0.tif", np.float32),
        (np.float32, 0.25, 0.75, "0.tif", np.float32),
    ],
)
def test_grey_images_of_more_than_bytes_keep_their_numbers(tmp_path, kind, low, high, name, read):
    for label, value in (("a", low), ("b", high)):
        write_numbers(tmp_path, label, np.full((4, 6), value, kind), name)
    x, _ = images(tmp_path)
    assert x.shape == (2, 4, 6, 1) and x.dtype == read
    assert x[0].ravel().tolist() == [low] * 24 and x[1].ravel().tolist() == [high] * 24
    assert images(tmp_path, size=2)[0].ravel().tolist() == [low] * 4 + [high] * 4


def test_images_of_two_depths_are_refused_by_name(tmp_path):
    write(tmp_path, "a", 1)
    write_numbers(tmp_path, "b", np.full((8, 6), 1000, np.uint16))
    with pytest.raises(ArgumentError, match=r"a/0\.png has 8 bits, one of .*b/0\.tif 16 bits"):
        images(tmp_path)


def test_numbers_that_are_not_finite_are_refused_by_name(tmp_path):
    write_numbers(tmp_path, "a", np.full((8, 6), 0.5, np.float32))
    write_numbers(tmp_path, "b", np.full((8, 6), np.nan, np.float32))
    with pytest.raises(ArgumentError, match=r"b/0\.tif .*not finite"):
        images(tmp_path)


@pytest.mark.parametrize("name", ["0.tif", "0.png", "0.webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright_as_the_camera_was_held(tmp_path, orientation, name):
    ops = pytest.importorskip("PIL.ImageOps")
    numbers = np.arange(8 * 4 * 3, dtype=np.uint8).reshape(8, 4, 3)
    exif = pillow.Exif()
    exif[0x0112] = orientation
    for label in "ab":
        write_numbers(tmp_path, label, numbers, name, exif=exif, **{"lossless": True} if name == "0.webp" else {})
    with pillow.open(tmp_path / "a" / name) as image:
        expected = np.asarray(ops.exif_transpose(image))
    x, _ = images(tmp_path, size=expected.shape[:2])
    np.testing.assert_array_equal(x[0], expected)
    if name != "0.png":
        assert images(tmp_path)[0].shape[1:] == expected.shape


def test_an_orientation_that_cannot_be_read_is_none(tmp_path):
    write(tmp_path, "a", 1)
    write(tmp_path, "b", 1)
    pillow.new("L", (6, 8), 9).save(tmp_path / "b" / "0.jpg", exif=b"Exif\0\0nothing")
    assert images(tmp_path)[0].shape == (3, 8, 6, 1)


def test_images_one_folder_deeper_are_found_and_named(tmp_path):
    for part in ("test/cat", "test/dog", "train/cat", "train/dog", "train/cow", "notes"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "a.png").touch()
    (tmp_path / "notes" / "a.png").unlink()
    said = f"has 3 folders with images: give '{tmp_path / 'train'}'"
    with pytest.raises(ArgumentError, match=f"none in its folders 'notes', 'test', 'train'.*Its folder 'train' {said}"):
        images(tmp_path)


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
