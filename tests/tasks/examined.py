"""Small tables through all checks, and what was found of one name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from modelwright.tasks.checks import check
from modelwright.tasks.data.reading import read
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.scoring.target import Target


def examined(columns, *, target="y", kinds=None, task=None, metric=None, **given):
    """All findings of a table."""
    table = read(columns)
    schema = Schema.of(table, target=target, kinds=kinds)
    return check(table, schema, Target.of(table.columns[target], name=target, task=task, metric=metric), **given)


def of(found, name, status=None):
    """Column -> finding, of one check, those that passed left out unless they are asked for."""
    wanted = ("alert", "fixed") if status is None else (status,)
    return {one.column: one for one in found if one.name == name and one.status in wanted}


def passed(found, name):
    """Whether a check found nothing."""
    return [one.status for one in found if one.name == name] == ["passed"]


def noise(rows=400, seed=0, **columns):
    """Columns of chance with a target of chance."""
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=rows), "b": rng.normal(size=rows), "y": rng.integers(0, 2, rows), **columns}


def real(name, part="train"):
    """A table of MODELWRIGHT_DATA, with its path."""
    folder = os.environ.get("MODELWRIGHT_DATA")
    path = Path(folder or "") / "tabular" / name / f"{part}.csv.gz"
    if not folder or not path.exists():
        pytest.skip(f"MODELWRIGHT_DATA names no folder with tabular/{name}/{part}.csv.gz")
    return read(path)
