"""What is in a file of a model is looked at before it is used. Knows how a model is stored, not how it was fitted.

Native libraries take what they are given at its word: where a child of a tree points to nowhere, the process ends. So
every array is held against the others here, boosters of LightGBM and XGBoost included, before any of them is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError, MissingPackageError, ModelwrightError
from modelwright.tasks.data.frame import Frame
from modelwright.tasks.data.known_rows import KnownRows
from modelwright.tasks.data.readers import CODES, NUMBERS
from modelwright.tasks.data.schema import Schema
from modelwright.tasks.ensemble.members import Member, under
from modelwright.tasks.features.recipe import Fitted
from modelwright.tasks.result.baseline import ROWS, Baseline
from modelwright.tasks.stored import models, steps
from modelwright.tasks.stored.body import check_members, check_predictor, some_rows
from modelwright.tasks.stored.held import DOUBLE, Damaged, array, mapping, need, places, real, text

__all__ = ["Damaged", "baseline", "known_rows", "members", "refusing"]

#: Models that are not tried out: they are large, and their arrays were looked at one by one; or not looked at at all.
_UNTRIED = ("forest", *models.UNCHECKED)


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Whatever goes wrong inside is told as an error of the file.

    Raises:
        ArgumentError: something did.
    """
    hint = "Save the model again, or take another copy of the file."
    try:
        yield
    except MissingPackageError:
        raise
    except ModelwrightError as error:
        place = where if not error.where else f"{where}, {error.where}"
        raise ArgumentError(error.what, where=place, allowed=error.allowed, hint=error.hint) from None
    except Damaged as error:
        raise ArgumentError(f"it is damaged, or was changed: {error}", where=where, hint=hint) from None
    except Exception as error:  # of whatever kind: a library's own, too
        what = f"it is damaged, or was changed ({type(error).__name__}: {error!s:.200})"
        raise ArgumentError(what, where=where, hint=hint) from error


def members(
    body: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, trust: bool = False
) -> list[tuple[Member, float, str]]:
    """The members of a predictor, with their weights and names, once everything was looked at.

    Raises:
        Damaged: something does not fit.
        ArgumentError: there is a model that cannot be looked at, and ``trust`` was not given.
    """
    classes = check_predictor(body["predictor"])
    frame = some_rows(Schema.from_json(body["predictor"]["schema"]))
    listed = check_members(body["members"])
    shares = _by_member(arrays)
    found: list[tuple[Member, float, str]] = []
    widths: dict[int, int] = {}
    for place, one in enumerate(listed):
        stored, own = one["body"], shares.get(str(place), {})
        donor = stored["features"].get("as", place)
        if donor != place:
            need(type(donor) is int and donor in widths, f"member {place} has its features from {donor!r:.40}")
            features = found[donor][0].features
        else:
            widths[place] = steps.check(stored["features"], under("features/", own), frame)
            features = Fitted.restore(stored["features"], under("features/", own))
        held = _model(stored, own, widths[donor], classes, trust)
        member = Member.of(stored, features, held, trust=trust)
        found.append((member, float(one["weight"]), one["name"]))
    _try(found, frame, classes)
    return found


def known_rows(body: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> KnownRows | None:
    """The rows that are known, once everything was looked at; None where there are none.

    Raises:
        Damaged: something does not fit.
    """
    if body.get("known_rows") is None:
        return None
    json, own = mapping(body["known_rows"], "known rows"), _by_member(arrays).get("known_rows", {})
    classes = len(body["predictor"]["target"]["classes"])
    real(json["strength"], "what a model counts for beside known rows", 1e-6, 1e9)
    need(json["classes"] == classes, "known rows of other classes")
    keys = array(own, "keys", "u", (None,))
    need(keys.dtype == np.uint64 and bool((keys[1:] > keys[:-1]).all()), "known rows are not in order")
    counts = array(own, "counts", "f", (None,), DOUBLE)
    need(bool((counts >= 0).all()), "weights of known rows")
    if not classes:
        need(len(counts) == len(keys), "weights of known rows")
        array(own, "answers", "f", (len(keys),), DOUBLE)
        return KnownRows.restore(json, own)
    places(own, "answers", (len(counts),), classes)
    starts = places(own, "starts", (len(keys) + 1,), len(counts) + 1)
    lengths = np.diff(starts)
    good = starts[0] == 0 and starts[-1] == len(counts) and bool(((lengths > 0) & (lengths <= classes)).all())
    need(good, "answers of known rows")
    return KnownRows.restore(json, own)


def baseline(body: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Baseline | None:
    """Ordinary cells of the columns, once they were looked at; None where there are none.

    Raises:
        Damaged: they are not those of the columns.
    """
    own = _by_member(arrays).get("baseline")
    if own is None:
        return None
    schema = Schema.from_json(body["predictor"]["schema"])
    used = {part: [one for one in schema.used if schema.readers[one.name].part == part] for part in (NUMBERS, CODES)}
    codes = array(own, "codes", "i", (None, len(used[CODES])))
    rows = len(codes)
    need(0 < rows <= ROWS, "rows of the baseline")
    cells = own.get("numbers")
    filled = np.nan_to_num(cells, posinf=np.inf, neginf=-np.inf) if isinstance(cells, np.ndarray) else None
    array({"numbers": filled}, "numbers", "f", (rows, len(used[NUMBERS])), DOUBLE)
    need(codes.dtype == np.int32 and own["numbers"].dtype == np.float64, "cells of the baseline")
    for place, column in enumerate(used[CODES]):
        places({"levels": codes[:, place]}, "levels", (rows,), len(column.levels) + 1, least=-1)
    return Baseline(own["numbers"], codes)


def _by_member(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, value in arrays.items():
        place, _, rest = name.partition("/")
        found.setdefault(place, {})[rest] = value
    return found


def _model(
    body: Mapping[str, Any], own: Mapping[str, np.ndarray], width: int, classes: int, trust: bool
) -> Mapping[str, Any]:
    """The arrays that a model may be restored from."""
    kind = text(body["kind"], "the kind of a model", models.KINDS)
    if kind in models.UNCHECKED and not trust:
        raise ArgumentError(
            models.UNCHECKED[kind],
            where="trust=False",
            hint="Pass trust=True if you know who wrote the file: reading such a model may run code of theirs.",
        )
    return models.checked(kind, models.Stored(body["model"], under("model/", own), width, classes))


def _try(found: Sequence[tuple[Member, float, str]], frame: Frame, classes: int) -> None:
    """Predict some rows: what fits by its shape may still come to nothing."""
    matrices: dict[int, Any] = {}
    for member, _, name in found:
        key = id(member.features)
        if key not in matrices:
            with np.errstate(all="ignore"):
                matrices[key] = member.features.transform(frame)
        if member.model.kind in _UNTRIED:
            continue
        with np.errstate(all="ignore"):
            made = np.asarray(member.model.predict(matrices[key], threads=1))
        need(
            made.shape == ((frame.rows, classes) if classes else (frame.rows,)), f"{name!r:.60} predicts something else"
        )
        need(bool(np.isfinite(made[0]).all()), f"{name!r:.60} predicts no number")
