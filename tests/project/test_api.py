"""The public names: all of them load, and their signatures change only on purpose."""

from __future__ import annotations

import pytest
from api_snapshot import SNAPSHOT, describe

import modelwright


@pytest.mark.parametrize("name", modelwright.__all__)
def test_every_root_name_loads(name):
    assert getattr(modelwright, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tuen'"):
        modelwright.tuen  # noqa: B018


def test_the_public_signatures_are_the_ones_written_down():
    pytest.importorskip("keras", reason="the drop-in for KerasTuner needs keras")
    written = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    found = describe().splitlines()
    new, gone = [x for x in found if x not in written], [x for x in written if x not in found]
    assert found == written, (
        f"the public API changed.\nnew: {new}\ngone: {gone}\n"
        "If that is meant: make api, and a line in CHANGELOG.md that says so."
    )
