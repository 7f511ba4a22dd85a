"""Predictors from files, and from pickles of other processes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from modelwright.core import codec
from modelwright.core.errors import ArgumentError
from modelwright.core.wording import kind_of
from modelwright.tasks import stored
from modelwright.tasks.result import archive
from modelwright.tasks.result.predictor import Predictor


def again(body: dict[str, Any], arrays: dict[str, np.ndarray]) -> Predictor:
    """A predictor that was pickled: who reads a pickle trusts whoever wrote it."""
    found = codec.from_plain(body)
    return Predictor(
        found["predictor"],
        stored.members(found, arrays, trust=True),
        known=stored.known_rows(found, arrays),
        baseline=stored.baseline(found, arrays),
    )


def load(path: str | os.PathLike[str], *, trust: bool = False) -> Predictor:
    """A predictor from the file that ``save`` wrote.

    Nothing in it is run, and everything is looked at before it is used: sizes against what the file can hold, arrays
    against each other, the trees of LightGBM and XGBoost node by node. A file that is damaged or made to do harm is
    refused.

    Args:
        trust: whether members may be read that nobody can look at before: estimators of somebody's own, which are
            unpickled, and models of CatBoost, whose format only CatBoost reads; and whether ``model.fit`` goes on in
            the store that the file names. That may run code of whoever wrote the file.

    Raises:
        ArgumentError: there is no such file, it is damaged or something else, it claims to be larger than it can be, a
            newer version wrote it, or it holds a member that needs ``trust``.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is {kind_of(path)}", where="load", allowed="the path of a file")
    body, arrays = archive.read(path)
    if "predictor" not in body:
        raise ArgumentError("it holds no predictor", where=os.fspath(path), hint="Predictor.save(path) writes one.")
    with stored.refusing(os.fspath(path)):
        known, base = stored.known_rows(body, arrays), stored.baseline(body, arrays)
        members = stored.members(body, arrays, trust=trust)
        return Predictor(body["predictor"], members, known=known, baseline=base, trusted=trust)
