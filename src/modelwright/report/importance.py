"""Importance: how much of the differences between trials each hyperparameter, and each pair, explains.

Functional analysis of variance on a forest of regression trees (F. Hutter, H. Hoos, K. Leyton-Brown, "An efficient
approach for assessing hyperparameter importance", ICML 2014): over the whole space in ``effects`` and ``pairs``, and by
``top`` for what it takes to be among the best. Draws of the trials give the intervals.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.rng import Seed
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.fidelity import level_text
from modelwright.report.landscape import Compared, Landscape, compared, grown
from modelwright.report.top import GAMMA, top_shares
from modelwright.report.view import StudyView

if TYPE_CHECKING:
    import pandas

#: Below this part of the variance explained in trials a forest has not seen, it does not know enough to rank.
WEAK = 0.1
#: Parameters among which pairs are looked at, and pairs that are kept.
PAIRED, KEPT = 10, 10
#: Groups of parameters that are active in the same trials, for which a landscape of their own is grown.
GROUPS = 4


@dataclass(frozen=True, slots=True)
class Effect:
    """One parameter's share of the variance.

    Attributes:
        share: in [0, 1], of the variance that the forest predicts over the space; mean over the draws.
        low, high: ends of a 90 % interval.
        active: part of the trials in which the parameter was active.
        inside: the same share among configurations in which it is active; NaN where too few trials tell.
    """

    name: str
    share: float
    low: float
    high: float
    active: float
    inside: float = math.nan


@dataclass(frozen=True, slots=True)
class Pair:
    """What two parameters explain only together: a share of the variance beyond the effect of each.

    Attributes:
        share: in [0, 1]; mean over the draws.
        low, high: ends of a 90 % interval.
    """

    first: str
    second: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Importance:
    """What the trials tell of each parameter, the most important first. Printed, it is a table.

    Attributes:
        effects: each parameter's own share over the whole space; empty when nothing can be said at all.
        pairs: shares of interactions, the largest first, among the ten parameters that trees split on most.
        top: each parameter's own share of being among the best tenth of the trials.
        trials: how many trials were compared.
        fidelity: at which fidelity.
        explained: part of the variance explained in trials left out, or NaN.
        reliable: whether there are enough trials, and enough explained, to rank the parameters.
        message: the same for people.
        objective: name of the objective.
    """

    effects: tuple[Effect, ...] = ()
    trials: int = 0
    fidelity: float = 1.0
    explained: float = math.nan
    reliable: bool = False
    message: str = ""
    method: str = field(default="functional analysis of variance on random trees (Hutter et al. 2014)")
    pairs: tuple[Pair, ...] = ()
    top: tuple[Effect, ...] = ()
    objective: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """One plain dict for each share: kind ("own", "pair" or "top"), parameter, with, share, low, high, active."""
        made = []
        for kind, listed in (("own", self.effects), ("pair", self.pairs), ("top", self.top)):
            for one in listed:
                known = asdict(one)
                first, second = known.get("name", known.get("first")), known.get("second")
                line = {"kind": kind, "parameter": first, "with": second, **{k: known[k] for k in _ENDS}}
                made.append({**line, "active": known.get("active"), "inside": known.get("inside")})
        return made

    def frame(self) -> pandas.DataFrame:
        """The same as a pandas frame."""
        from modelwright.core.optional import optional

        pandas = optional("pandas", extra="pandas")
        return pandas.DataFrame(self.rows(), columns=["kind", "parameter", "with", *_ENDS, "active", "inside"])

    def __str__(self) -> str:
        if not self.effects:
            return self.message
        best = {effect.name: effect for effect in self.top}
        heads = ["parameter", "share", "90 % interval", f"to be in the best {GAMMA:.0%}", "active in"]
        lines = [
            [text.clean(e.name, 60), f"{e.share:.0%}", f"{e.low:.0%} to {e.high:.0%}",
             f"{best[e.name].share:.0%}" if e.name in best else "-", f"{e.active:.0%}"]
            for e in self.effects[:20]
        ]  # fmt: skip
        used = [i for i in range(5) if (i != 3 or best) and (i != 4 or any(e.active < 1 for e in self.effects))]
        right = [False, True, True, True, True]
        kept = [[line[i] for i in used] for line in [heads, *lines]]
        parts = [self.message, text.table(kept[0], kept[1:], [right[i] for i in used])]
        if len(self.effects) > 20:
            parts.append(f"and {counted(len(self.effects) - 20, 'more parameter')}")
        pairs = [pair for pair in self.pairs[:5] if pair.share >= 0.01]
        if pairs:
            heads = ["together", "share", "90 % interval"]
            lines = [
                [f"{text.clean(p.first, 40)} x {text.clean(p.second, 40)}", f"{p.share:.0%}",
                 f"{p.low:.0%} to {p.high:.0%}"]
                for p in pairs
            ]  # fmt: skip
            parts.append(text.table(heads, lines, right[:3]))
        return "\n\n".join(parts)

    __repr__ = __str__


_ENDS = ("share", "low", "high")


def importance(view: StudyView, objective: int = 0, seed: int = 0) -> Importance:
    """The share of each parameter, and of pairs, in the differences between trials.

    Trials are compared at one fidelity: the highest that enough of them reached. Values far worse than the rest are
    moved to the edge of the others, so that a few diverged trials do not decide. A parameter's share is that over the
    whole space, and it does not inherit the effect of what switched it off; ``inside`` is the share where it is active.
    Shares do not add up to one; what is missing is due to combinations of more parameters.

    Args:
        objective: place of the objective.

    >>> from modelwright.core.history import History; from modelwright.core.objective import Objective
    >>> importance(StudyView(name="s", history=History((Objective("loss", "min"),))))
    No trial can be compared yet.
    """
    data = compared(view, objective)
    return measured(view, data, None if data is None else grown(data, _seed(seed, objective)), objective, seed)


def _seed(seed: int, objective: int) -> Seed:
    return Seed(seed).child("importance", objective)


def measured(
    view: StudyView, data: Compared | None, land: Landscape | None, objective: int = 0, seed: int = 0
) -> Importance:
    """``importance`` where trials and landscape are at hand already."""
    name = view.objectives[objective].name
    if data is None:
        return Importance(message="No trial can be compared yet.", objective=name)
    varied = data.varied()
    need, count = max(12, 3 * len(varied)), data.total
    if land is None:
        why = "all values are equal" if count > 1 and np.ptp(data.scores) == 0 else f"about {need} are needed"
        message = f"{counted(count, 'trial')} to compare: {why if varied else 'no parameter was varied'}."
        return Importance(trials=count, fidelity=data.fidelity, message=message, objective=name)
    active = np.isfinite(data.points[:, varied]).mean(axis=0)
    effects = _effects(land, active)
    inside = _inside(data, varied, active, _seed(seed, objective).child("inside"))
    effects = [replace(e, inside=inside.get(e.name, e.share if e.active == 1 else math.nan)) for e in effects]
    reliable, message = _verdict(count, need, land.explained, level_text(view, data.fidelity))
    top = top_shares(data, _seed(seed, objective).child("top").generator())
    return Importance(
        tuple(effects), count, data.fidelity, land.explained, reliable, message, pairs=_pairs(land),
        top=tuple(Effect(*line) for line in top), objective=name,
    )  # fmt: skip


def _effects(land: Landscape, active: np.ndarray) -> list[Effect]:
    shares = np.stack([land.share(j) for j in range(len(active))], axis=1)
    mean, low, high = land.interval(shares, 0.0, 1.0)
    names = land.data.names
    found = [Effect(n, *(float(v) for v in line)) for n, *line in zip(names, mean, low, high, active)]
    return sorted(found, key=lambda effect: (-effect.share, effect.name))


def _pairs(land: Landscape) -> tuple[Pair, ...]:
    """Interactions among the parameters that the trees use most, whatever their own effects are."""
    names = land.data.names
    chosen = np.argsort(-land.forest.weight, kind="stable")[:PAIRED]
    found = []
    for j, k in itertools.combinations(sorted(int(j) for j in chosen), 2):
        mean, low, high = land.interval(land.joint(j, k), 0.0, 1.0)
        found.append(Pair(names[j], names[k], float(mean), float(low), float(high)))
    return tuple(sorted(found, key=lambda pair: (-pair.share, pair.first, pair.second))[:KEPT])


def _inside(data: Compared, varied: list[int], active: np.ndarray, seed: Seed) -> dict[str, float]:
    """Shares of conditional parameters among the trials in which they were active."""
    groups: dict[bytes, list[int]] = {}
    for j, part in zip(varied, active):
        if part < 1:
            groups.setdefault(np.isfinite(data.points[:, j]).tobytes(), []).append(j)
    found: dict[str, float] = {}
    for mask, members in sorted(groups.items(), key=lambda item: -len(item[1]))[:GROUPS]:
        rows = np.flatnonzero(np.frombuffer(mask, dtype=bool))
        land = grown(data.only(rows, range(len(data.names))), seed.child(members[0])) if len(rows) >= 12 else None
        names = land.data.names if land is not None else ()
        for j in members:
            found[data.names[j]] = math.nan
            if land is not None and data.names[j] in names:
                found[data.names[j]] = float(land.share(names.index(data.names[j])).mean())
    return found


def _verdict(count: int, need: int, explained: float, level: str) -> tuple[bool, str]:
    head = f"From {count} trials, {level}." if level else f"From {count} trials."
    if count < need:
        return False, f"{head} Too few to rank the parameters: about {need} are needed. Take the order as a hint."
    if not explained > WEAK:
        return False, f"{head} The parameters explain little of the differences seen so far: the order may be chance."
    return True, f"{head} The parameters predict {min(explained, 1):.0%} of the variance in trials left out."
