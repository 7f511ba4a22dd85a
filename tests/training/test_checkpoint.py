"""Checkpoints are whole or refused."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core.errors import StoreError
from modelwright.training.checkpoint import read_checkpoint, write_checkpoint

ARRAYS = {"w/0": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7, np.int64), "b": np.array([True, False])}


def test_arrays_and_values_come_back(tmp_path):
    made = write_checkpoint(tmp_path / "a", ARRAYS, {"x": float("nan"), "t": (1, 2), "epochs": 3})
    arrays, state = read_checkpoint(tmp_path / "a", sha256=made.sha256)
    assert made.size == (tmp_path / "a").stat().st_size
    assert state["t"] == (1, 2) and np.isnan(state["x"])
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert [p.name for p in tmp_path.iterdir()] == ["a"], "no draft is left behind"


def test_types_that_numpy_does_not_know_come_back(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.arange(4).astype(ml_dtypes.bfloat16)
    write_checkpoint(tmp_path / "a", {"w": array}, None)
    arrays, _ = read_checkpoint(tmp_path / "a")
    assert arrays["w"].dtype == array.dtype and (arrays["w"] == array).all()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, share):
    write_checkpoint(tmp_path / "a", ARRAYS, {})
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreError):
        read_checkpoint(tmp_path / "a")


def test_an_altered_byte_is_noticed_anywhere(tmp_path):
    made = write_checkpoint(tmp_path / "a", ARRAYS, {"epochs": 3})
    content = bytearray((tmp_path / "a").read_bytes())
    for place in range(0, len(content), 41):
        changed = bytearray(content)
        changed[place] ^= 1
        (tmp_path / "a").write_bytes(changed)
        with pytest.raises(StoreError):
            read_checkpoint(tmp_path / "a")
        with pytest.raises(StoreError, match="changed"):
            read_checkpoint(tmp_path / "a", sha256=made.sha256)


def test_a_missing_file_and_a_missing_folder_are_said(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        read_checkpoint(tmp_path / "none")
    with pytest.raises(StoreError, match="cannot be written"):
        write_checkpoint(tmp_path / "no" / "folder", ARRAYS, {})


def test_what_was_there_survives_a_failed_write(tmp_path):
    write_checkpoint(tmp_path / "a", ARRAYS, {"epochs": 1})
    with pytest.raises(StoreError):
        write_checkpoint(tmp_path / "a", {"o": np.array([object()])}, {})
    assert read_checkpoint(tmp_path / "a")[1] == {"epochs": 1}
