"""The screen of a plan: many networks are scored without training, and the better half of each size may race."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError, SpaceError
from modelwright.core.rng import Seed
from modelwright.nas.build import build
from modelwright.nas.canonical import pruned
from modelwright.nas.dataset import Dataset
from modelwright.nas.limited import LimitedTree
from modelwright.nas.proxies import BATCH, distinct, zero_cost
from modelwright.nas.screening import keep_upper

#: The score that rejects; candidates at most; and with a budget in trials, for each trial.
SCORE, MOST, EACH = "nwot", 300, 3
#: Candidates that are handed on at most.
_HANDED_ON = 60
#: Networks in a row that have no score, after which no more are tried.
_IN_VAIN = 20
#: Rows that are looked through for enough that differ.
_LOOKED_THROUGH = 512


def screened(
    tree: LimitedTree, data: Dataset, *, seed: int, count: int = MOST, seconds: float | None = None, factor: int = 1
) -> dict[str, Any]:
    """What a screen found, as plain values for a note of the kind ``proposer.SCREENED``.

    Args:
        count: candidates to score.
        seconds: the screen ends after so many, however many it has scored.
        factor: by how much images are shrunk, as in the race.

    Returns:
        ``kept``, configurations in an order of chance, of which not all may be handed on; ``rejected``, the keys of the
        networks of the lower half; ``scores`` and ``macs``, those of all networks that were scored, by key; ``score``,
        which one; ``seconds``. Where some have no score, and so are neither kept nor rejected: how many were
        ``unscored``, and ``why``.
    """
    began, rng = time.perf_counter(), Seed(seed).child("screen").generator()
    small = data.shrunk(factor)
    x = _examples(small)
    given: Any = x if len(x) > 1 else x[0]
    seen: dict[str, dict[str, Any]] = {}
    scores: list[float] = []
    macs: list[float] = []
    why, in_vain = dict[str, str](), 0
    for _ in range(3 * count):
        if len(seen) >= count or (seconds is not None and time.perf_counter() - began > seconds):
            break
        config = tree.sample(rng)
        key = tree.network(config)  # what is searched beside it changes no score
        if key in seen or key in why:
            continue
        try:
            graph = pruned(tree.space.graph(config, *small.shapes))
            score = zero_cost(graph, SCORE, x=given, seed=seed)
            if not math.isfinite(score):
                raise ArgumentError(f"its units switch too much alike on {len(x[0])} examples")
        except ArgumentError as error:  # networks without units that switch, or with few, have no such score
            why[key], in_vain = error.what, in_vain + 1
            if in_vain >= _IN_VAIN:
                break
            continue
        except SpaceError:  # too small an image for this one; the race trains it at full size
            continue
        except (TypeError, ValueError, ArithmeticError, LookupError):
            build(graph)  # an operation whose layer is not what its shape says is refused by name
            raise
        scores.append(score)
        macs.append(float(graph.cost.macs))
        seen[key], in_vain = config, 0
    configs = list(seen.values())
    upper = keep_upper(scores, macs) if len(configs) > 3 else range(len(configs))
    kept, lower = [configs[place] for place in upper], set(range(len(configs))) - set(upper)
    order = rng.permutation(len(kept))[:_HANDED_ON]
    return {
        "score": SCORE,
        "kept": [dict(kept[place]) for place in order],
        "rejected": [key for place, key in enumerate(seen) if place in lower],
        "scores": dict(zip(seen, np.round(scores, 4).tolist(), strict=True)),
        "macs": dict(zip(seen, macs, strict=True)),
        "seconds": round(time.perf_counter() - began, 2),
        **({"unscored": len(why), "why": "; ".join(dict.fromkeys(why.values()))} if why else {}),
    }


def _examples(data: Dataset) -> list[np.ndarray]:
    """The first training rows that differ, as many as a score looks at; tables repeat rows, and small images do."""
    found = [part[:0] for part in data.train(np.arange(0))[0]]
    for begin in range(0, min(_LOOKED_THROUGH, data.rows), BATCH):
        more, _ = data.train(np.arange(begin, min(begin + BATCH, data.rows)))
        found = distinct([np.concatenate(pair) for pair in zip(found, more, strict=True)], BATCH)
        if len(found[0]) == BATCH:
            break
    return found if len(found[0]) > 1 else list(data.train(np.arange(min(2, data.rows)))[0])
