"""Points of a space that keep within its limits, evenly drawn. Knows neither strategies nor trials."""

from __future__ import annotations

import numpy as np

from modelwright.nas.limited import LimitedTree
from modelwright.space import Tree

#: Points that are looked at for each that is wanted, at most: each takes a millisecond or two. They are drawn in so
#: many parts; where of the first part fewer than this share are allowed, they are walked to instead.
_EACH, _PARTS, _RARE = 4 / 3, 4, 0.05
#: Walks at least.
_WALKS = 20


def points_within(space: Tree, rng: np.random.Generator, count: int) -> np.ndarray:
    """Up to ``count`` points as rows of vectors, all of which the limits of a ``LimitedTree`` allow.

    Where limits leave much of a space, points are drawn and those kept that are allowed. Where they leave little,
    points come from walks among allowed ones, which are even in the long run; they are fewer then.
    """
    if not isinstance(space, LimitedTree) or not space.limits:
        return space.sample_vectors(rng, count)
    part = max(1, round(_EACH * count / _PARTS))
    kept = np.zeros((0, len(space.axes)))
    for place in range(_PARTS):
        drawn = space.sample_vectors(rng, part)
        kept = np.vstack([kept, drawn[[_allowed(space, row) for row in drawn]]])
        if place == 0 and len(kept) < _RARE * part:
            starts = np.vstack([space.encode(space.default()), kept])
            return _walked(space, rng, starts, looks=part * (_PARTS - 1))[:count]
        if len(kept) >= count:
            break
    return kept[:count]


def _allowed(space: LimitedTree, row: np.ndarray) -> bool:
    return space.allows(space.decode(row))


def _walked(space: LimitedTree, rng: np.random.Generator, starts: np.ndarray, looks: int) -> np.ndarray:
    """Allowed points from walks that start at allowed ones, until about ``looks`` points were looked at.

    Metropolis: of each walk one coordinate is drawn anew, inactive ones too, and a point that is not allowed is not
    gone to. So all allowed points are met equally often. The points are taken whenever as many coordinates as there
    are were drawn.
    """
    rows = starts[np.arange(max(len(starts), _WALKS)) % len(starts)]
    walks, axes = rows.shape
    whole = np.where(np.isnan(rows), rng.random(rows.shape), rows)
    found = []
    # Coordinates that are not there, and values that stay, take no look; a walk goes on for them, but not for ever.
    for turn in range(1, 2 * looks // walks + 1):
        moved = whole.copy()
        moved[np.arange(walks), rng.integers(axes, size=walks)] = rng.random(walks)
        for walk, row in enumerate(space.snap(moved)):
            if not np.array_equal(row, rows[walk], equal_nan=True):
                looks -= 1
                if not _allowed(space, row):
                    continue
            rows[walk], whole[walk] = row, moved[walk]
        if turn % axes == 0:
            found.append(rows.copy())
        if looks <= 0:
            break
    return np.vstack(found) if found else rows
