"""Screens: scores of many candidates, how much they say beyond size, and which candidates they reject.

A score ranks networks mostly by their size, so it rejects among networks of about one size, and picks none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.nas.architecture import Architecture
from modelwright.nas.graph import Graph
from modelwright.nas.proxies import BATCH, zero_cost

#: The fewest candidates for which a correlation given two sizes is worked out.
_FEWEST = 6


@dataclass(frozen=True, slots=True)
class Screen:
    """Candidates and their scores, in the order in which they were given.

    Attributes:
        score: which one.
        scores: one for each candidate.
        params, macs: their sizes.
        correlation: Spearman's rank correlation of scores and values; None without values.
        partial: the same given the sizes, see ``partial_correlation``; None without values.
    """

    score: str
    scores: tuple[float, ...]
    params: tuple[int, ...]
    macs: tuple[int, ...]
    correlation: float | None = None
    partial: float | None = None

    def kept(self, share: float = 0.5, strata: int = 4) -> list[int]:
        """The places of the candidates that are not rejected, see ``keep_upper``."""
        return keep_upper(self.scores, self.macs, share, strata=strata)

    def __str__(self) -> str:
        text = f"{self.score} of {len(self.scores)} candidates"
        if self.correlation is None or self.partial is None:
            return text
        return f"{text}: rank correlation {self.correlation:.2f}, given params and macs {self.partial:.2f}"


def screen(
    candidates: Iterable[Graph | Mapping[str, Any]],
    score: str = "nwot",
    *,
    space: Architecture | None = None,
    x: Any = None,
    y: Any = None,
    values: Sequence[float] | None = None,
    seed: int = 0,
    batch: int = BATCH,
) -> Screen:
    """Score candidates without training.

    Args:
        candidates: graphs, or configurations of ``space``.
        score, x, y, seed, batch: as ``nas.zero_cost`` takes them.
        values: what the candidates achieved where that is known, larger better; the screen then says how far the
            scores go along with it, and how far beyond size.

    Raises:
        ArgumentError: there are no candidates, configurations without a space, or ``values`` of another number.

    >>> from modelwright.nas.graph import trace
    >>> sizes = [trace(lambda x, n=n: x.conv(n, 3).relu().global_avg_pool().dense(2), (8, 8, 1)) for n in (2, 4, 8, 16)]
    >>> found = screen(sizes, "params", values=[0.5, 0.6, 0.8, 0.7])
    >>> found.scores, round(found.correlation, 1), found.kept(strata=1)
    ((24.0, 46.0, 90.0, 178.0), 0.8, [2, 3])
    """
    graphs = [_graph(one, space) for one in candidates]
    if not graphs:
        raise ArgumentError("there are no candidates", where="nas.screen", allowed="graphs or configurations")
    if values is not None and len(values) != len(graphs):
        raise ArgumentError(
            f"{len(values)} values for {len(graphs)} candidates", where="nas.screen", allowed="one each"
        )
    scores = [zero_cost(graph, score, x=x, y=y, seed=seed, batch=batch) for graph in graphs]
    params, macs = [g.cost.parameters for g in graphs], [g.cost.macs for g in graphs]
    plain = partial = None
    if values is not None:
        plain = partial_correlation(scores, values, {})
        partial = partial_correlation(scores, values, {"params": params, "macs": macs})
    return Screen(score, tuple(scores), tuple(params), tuple(macs), plain, partial)


def _graph(one: Any, space: Architecture | None) -> Graph:
    if isinstance(one, Graph):
        return one
    if space is None or not isinstance(one, Mapping):
        raise ArgumentError(
            f"{type(one).__name__} is no graph",
            where="nas.screen",
            allowed="graphs, or configurations with space=...",
        )
    return space.graph(dict(one))


def partial_correlation(
    scores: Sequence[float], values: Sequence[float], sizes: Mapping[str, Sequence[float]] | Sequence[Sequence[float]]
) -> float:
    """Rank correlation of scores and values that sizes do not explain.

    Spearman's partial correlation: of the ranks, what a linear function of the sizes' ranks leaves over is correlated.
    Whether sizes or their logarithms are given makes no difference. Without sizes it is Spearman's correlation.

    Args:
        sizes: sequences as long as ``scores``, by name or not: parameters and operations, say.

    Returns:
        from -1 to 1; NaN where nothing is left over, or there are fewer than six candidates and sizes are given.

    >>> sizes = [1, 2, 3, 4, 5, 6, 7, 8]
    >>> scores, values = [2, 1, 4, 3, 6, 5, 8, 7], [1.2, 2.1, 0.7, 4.3, 5.2, 7.1, 6.6, 8.0]
    >>> round(partial_correlation(scores, values, []), 2), round(partial_correlation(scores, values, [sizes]), 2)
    (0.71, -0.57)
    """
    columns = list(sizes.values() if isinstance(sizes, Mapping) else sizes)
    given = [np.asarray(column, float) for column in (scores, values, *columns)]
    if len({len(column) for column in given}) != 1:
        raise ArgumentError(
            f"lengths {', '.join(str(len(column)) for column in given)}",
            where="partial_correlation",
            allowed="one length",
        )
    if any(np.isnan(column).any() for column in given):
        raise ArgumentError("NaN has no rank", where="partial_correlation", allowed="numbers", hint="Leave those out.")
    if len(given[0]) < (_FEWEST if columns else 2):
        return float("nan")
    from scipy.stats import rankdata  # takes half a second to load

    ranks = [rankdata(column) for column in given]
    basis = np.column_stack([np.ones(len(ranks[0])), *ranks[2:]])
    left = [rank - basis @ np.linalg.lstsq(basis, rank, rcond=None)[0] for rank in ranks[:2]]
    lengths = [float(np.linalg.norm(part)) for part in left]
    if min(lengths) < 1e-9 * len(ranks[0]):
        return float("nan")
    return float(left[0] @ left[1] / (lengths[0] * lengths[1]))


def keep_upper(scores: Sequence[float], macs: Sequence[float], share: float = 0.5, *, strata: int = 4) -> list[int]:
    """The places of the candidates with the upper scores among those of about their size, in order.

    Candidates are put into ``strata`` groups of equal number by their operations, so that a score that goes along with
    size does not reject the small ones. Every group keeps at least one.

    Args:
        share: of each group that is kept, above 0 and up to 1, rounded up.

    >>> keep_upper([5, 1, 2, 9, 8, 7], [10, 10, 10, 90, 90, 90], strata=2)
    [0, 2, 3, 4]

    Raises:
        ArgumentError: ``share`` or ``strata`` makes no sense, or lengths differ.
    """
    if not 0 < share <= 1 or strata < 1 or len(scores) != len(macs):
        raise ArgumentError(
            f"share={share!r}, strata={strata!r}, {len(scores)} scores and {len(macs)} sizes",
            where="keep_upper",
            allowed="a share above 0 and up to 1, 1 or more strata, a size for each score",
        )
    worth = np.nan_to_num(np.asarray(scores, float), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    order = np.argsort(np.asarray(macs, float), kind="stable")
    kept: list[int] = []
    for group in np.array_split(order, min(strata, max(1, len(order)))):
        best = group[np.argsort(-worth[group], kind="stable")]
        kept += [int(place) for place in best[: int(np.ceil(share * len(group) - 1e-9))]]
    return sorted(kept)
