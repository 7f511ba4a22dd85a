"""Outcome constraints: what a trial must not cost or exceed. Owns how they are written, measured and put in words.

They are held against what was measured, so unlike ``space.constraints`` they say nothing of what may be tried.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from modelwright.core.errors import ArgumentError
from modelwright.core.expression import Dialect
from modelwright.core.records import PRICED, Failure, State
from modelwright.core.wording import did_you_mean

#: ``Failure.kind`` of a trial that broke a constraint, or could not be held against one.
KIND = "constraint"
#: Kinds of notes: the ``texts`` of a study's constraints, from then on; that none of many trials satisfied them; and
#: the ``metrics`` of trial ``number`` that were measured after it, in place of prices.
LIMITS, UNMET, MEASURED = "constraints", "unmet", "measured"
#: What every finished trial has, besides its metrics and facts: the seconds it took.
DURATION = "duration"

_WRITTEN = 'a comparison as text, such as "params <= 200_000", "latency_ms < 5" or "0.1 <= share <= 0.5"'
_DIALECT = Dialect(
    error=ArgumentError,
    where="constraints",
    names="names of metrics",
    brackets="metrics",
    hint='Write it as text: constraints=["params <= 200_000"].',
)
#: Names with what was measured on behind an @, and its settings: latency_ms@onnxruntime,b1. Or texts, left as they are.
_PLACED = re.compile(r"""'[^']*'|"[^"]*"|(?P<name>\b[A-Za-z_]\w*@[\w.]+(?:,[a-z]\d+\b)*)""")
_BRACKETS = re.compile(r"metrics\['([A-Za-z_]\w*@[^']*)'\]")
#: Settings of what was measured on that are none, in a text whose other names stand in brackets.
_UNSET = re.compile(r"metrics\['(?P<name>[^']*@[^']*)'\],(\w+)")
_SIGNS: dict[type[ast.cmpop], str] = {ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">"}


@dataclass(frozen=True, slots=True)
class Limit:
    """One comparison: ``small`` must not exceed ``large``.

    Attributes:
        text: as it was written.
        small, large: the expressions on both sides.
        strict: whether equal is too much.
    """

    text: str
    small: str
    large: str
    strict: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics concerned."""
        return tuple(dict.fromkeys([*_DIALECT.names_in(self.small), *_DIALECT.names_in(self.large)]))

    def excess(self, measured: Mapping[str, float]) -> float:
        """By how much it is exceeded: negative with room to spare, infinite for what is no number, NaN if unknown.

        >>> parse("params <= 200")[0].excess({"params": 250.0})
        50.0
        """
        if any(name not in measured for name in self.names):
            return math.nan
        try:
            over = self._side(self.small, measured) - self._side(self.large, measured)
        except (ArithmeticError, TypeError, ValueError):
            return math.inf
        return math.inf if math.isnan(over) else over

    def broken(self, excess: float) -> bool:
        """Whether an ``excess`` is too much; what is unknown is not."""
        return excess > 0 or (self.strict and excess == 0)

    def said(self, measured: Mapping[str, float]) -> str:
        """What was measured and by how much that is too much, in words.

        >>> parse("params <= 200_000")[0].said({"params": 235_146.0})
        'params is 235,146, too large by 35,146 (18 %) for params <= 200_000'
        """
        over = self.excess(measured)
        values = ", ".join(f"{name} is {number(measured[name])}" for name in self.names)
        if not math.isfinite(over):
            return f"{values}, which cannot be held against {self.text}"
        if not over:
            return f"{values}, which is not enough for {self.text}"
        fixed = [side for side in (self.small, self.large) if not _DIALECT.names_in(side)]
        limit = abs(self._side(fixed[0], measured)) if fixed else 0.0
        share = 100 * over / limit if limit else math.inf
        part = f" ({share:.0f} %)" if 1 <= share < 1000 else f" ({share:.2g} %)" if share < 1 else ""
        way = "too large by" if not fixed or fixed[0] == self.large else "too small by"
        return f"{values}, {way} {number(over)}{part} for {self.text}"

    def _side(self, side: str, measured: Mapping[str, float]) -> float:
        return float(_DIALECT.compiled(side)(measured))


def number(value: float) -> str:
    """A measurement for a message: whole ones with their thousands, others to five digits."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.5g}"


def parse(given: object) -> tuple[Limit, ...]:
    """Turn what a user wrote into limits, one for each comparison.

    Args:
        given: a text, or several: each a comparison by ``<= < >= >`` or a chain of them, several joined by ``and``.

    Raises:
        ArgumentError: one is no such comparison, names nothing, or contradicts another.

    >>> [limit.text for limit in parse(["params <= 200_000", "0.1 <= share < 0.5"])]
    ['params <= 200_000', '0.1 <= share', 'share < 0.5']
    >>> parse("latency_ms@onnxruntime,b1 <= 5")[0].names
    ('latency_ms@onnxruntime,b1',)
    """
    if given is None:
        return ()
    if isinstance(given, (str, Limit)):
        given = (given,)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise ArgumentError(f"{given!r:.80} is no constraint", where="constraints", allowed=_WRITTEN)
    found: dict[tuple[str, str], Limit] = {}
    for one in given:
        for limit in (one,) if isinstance(one, Limit) else _limits(one):
            found.setdefault((limit.small, limit.large), limit)
    limits = tuple(found.values())
    _refuse_contradiction(limits)
    return limits


def _limits(text: Any) -> list[Limit]:
    if isinstance(text, str):
        text = _PLACED.sub(lambda found: f"metrics['{found['name']}']" if found["name"] else found[0], text)
    _DIALECT.parsed(text)  # refuses what is no text, does not parse or may not be evaluated
    text = text.strip()
    return _compared(text, ast.parse(text, mode="eval").body)


def _compared(text: str, node: ast.expr) -> list[Limit]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return [limit for part in node.values for limit in _compared(text, part)]
    shown = _BRACKETS.sub(r"\1", text)
    where = f"constraint {shown!r:.80}"
    unset = _UNSET.search(text) if isinstance(node, ast.Tuple) else None
    if unset is not None:
        raise ArgumentError(
            f"{unset[2]!r} is no setting of what {unset['name']!r} is measured on",
            where=where,
            allowed=",b1 or ,t2, say",
        )
    if not isinstance(node, ast.Compare) or any(type(op) not in _SIGNS for op in node.ops):
        raise ArgumentError(
            "it is no comparison by <= < >= or >",
            where=where,
            allowed=_WRITTEN,
            hint="An equation is hardly ever met: give a range instead." if isinstance(node, ast.Compare) else "",
        )
    sides = [node.left, *node.comparators]
    words = [ast.get_source_segment(text, side) or ast.unparse(side) for side in sides]
    limits = []
    for left, op, right in zip(words, node.ops, words[1:]):
        sign = _SIGNS[type(op)]
        small, large = (left, right) if sign in ("<=", "<") else (right, left)
        said = _BRACKETS.sub(r"\1", f"{left} {sign} {right}")
        limit = Limit(said, small, large, strict=sign in ("<", ">"))
        if not limit.names:
            raise ArgumentError("it names no metric", where=where, allowed=_WRITTEN)
        limits.append(limit)
    return limits


def _refuse_contradiction(limits: Sequence[Limit]) -> None:
    """Raise where the least and the most that one expression may be leave nothing between them."""
    most = {limit.small: limit for limit in limits if not _DIALECT.names_in(limit.large)}
    for low in limits:
        high = most.get(low.large)
        if high is None or _DIALECT.names_in(low.small):
            continue
        gap = high._side(high.large, {}) - low._side(low.small, {})
        if gap < 0 or (gap == 0 and (low.strict or high.strict)):
            raise ArgumentError(f"{low.text} and {high.text} cannot both hold", where="constraints")


# --- a trial against its limits ------------------------------------------------------------------


def measured(metrics: Mapping[str, float], facts: Mapping[str, Any], duration: float | None = None) -> dict[str, float]:
    """Everything of a trial that has a number: metrics before facts of the same name."""
    plain = {
        name: float(value)
        for name, value in facts.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    return {**plain, **({} if duration is None else {DURATION: duration}), **metrics}


def undecided(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of a trial that have a price alone, against which no limit is held.

    >>> undecided({"priced": ["latency_ms@onnxruntime,b1", "latency_ms@phone"], "latency_ms@phone": 3.0})
    ('latency_ms@onnxruntime,b1',)
    """
    return tuple(name for name in facts.get(PRICED, ()) if name not in facts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A trial held against its limits.

    Attributes:
        excess: of each limit; NaN where it is not decided yet.
        broken: what the trial failed by, or None.
        missing: names that nobody measured.
    """

    excess: tuple[float, ...]
    broken: Failure | None = None
    missing: tuple[str, ...] = ()


def judged(
    limits: Sequence[Limit],
    metrics: Mapping[str, float],
    facts: Mapping[str, Any],
    *,
    duration: float = 0.0,
    full: bool = True,
) -> Verdict:
    """Hold a trial against ``limits``.

    Facts, such as a model's parameters, decide at once; metrics, which change with training, at full fidelity; prices,
    which what is measured will replace, not at all.

    >>> judged(parse("params <= 10"), {"loss": 0.1}, {"params": 12}, full=False).broken.message
    'params is 12, too large by 2 (20 %) for params <= 10'
    """
    everything = measured(metrics, facts, duration)
    certain = dict(everything) if full else measured({}, facts)
    for name in facts.get(PRICED, ()):  # what was measured before holds, whatever a later segment says
        certain.pop(name, None)
        certain |= {name: float(facts[name])} if name in facts else {}
    excess = tuple(limit.excess(certain) for limit in limits)
    over = [limit for limit, by in zip(limits, excess, strict=True) if limit.broken(by)]
    missing = dict.fromkeys(name for limit in limits for name in limit.names if full and name not in everything)
    if not over:
        return Verdict(excess, None, tuple(missing))
    message = "; ".join(limit.said(certain) for limit in over)
    return Verdict(excess, Failure(kind=KIND, message=message), tuple(missing))


def not_measured(missing: Sequence[str], given: Iterable[str], parameters: Iterable[str] = ()) -> Failure:
    """Why a trial that lacks a constraint's metric cannot count, and what it gave instead."""
    known = sorted(given)
    first = missing[0]
    asked = f"{first!r} is a hyperparameter: say hp.require(...) for what may be tried. " if first in parameters else ""
    problem = ArgumentError(
        f"the trial gave no {', '.join(map(repr, missing))}",
        where="constraints",
        allowed=f"what it gave: {', '.join(known) or 'nothing'}",
        hint=asked or did_you_mean(first, known),
    )
    return Failure(kind=KIND, type="ArgumentError", message=str(problem))


def violations(excess: np.ndarray) -> np.ndarray:
    """How far each trial is from what is allowed, over all limits together: 0 where none is broken.

    Each limit counts in units of the median by which it was broken, so that their scales do not matter; what cannot be
    measured counts twice as much as the worst that was.

    Args:
        excess: (trials, limits); NaN where it is not known, and then does not count.

    >>> violations(np.array([[-1.0, 0.0], [3.0, 2e6], [np.inf, -1.0]])).tolist()
    [0.0, 2.0, 2.0]
    """
    over = np.where(np.isnan(excess), 0.0, np.maximum(excess, 0.0))
    known = np.isfinite(over)
    total = np.zeros(len(over))
    for column, finite in zip(over.T, known.T):
        broken = column[finite & (column > 0)]
        scale = float(np.median(broken)) if len(broken) else 1.0
        most = float(broken.max()) if len(broken) else 0.5
        total += np.where(finite, column, 2 * most) / scale
    return total


class Ended(Protocol):
    """A trial's segment that ended: a stored event, or the row that it became."""

    @property
    def state(self) -> State: ...
    @property
    def error(self) -> Failure | None: ...
    @property
    def values(self) -> tuple[float, ...] | None: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...
    @property
    def fidelity(self) -> float: ...
    @property
    def artifacts(self) -> Mapping[str, Any]: ...


class Ruling(NamedTuple):
    """What becomes of a trial under the limits; ``excess`` as in ``Verdict``."""

    state: State
    error: Failure | None
    excess: tuple[float, ...]


def held(limits: Sequence[Limit], ended: Ended, facts: Mapping[str, Any], duration: float) -> Ruling:
    """What a trial is under ``limits``: as it ended, infeasible, or failed for want of a measurement.

    A trial that an earlier ruling took out is judged anew, so that limits may change: one that was trained counts
    again where it satisfies them now, and one that never was stays as it is.

    Args:
        facts, duration: of the whole trial, the segment included.
    """
    state, error = ended.state, ended.error
    full = ended.fidelity >= 1 - 1e-9 and ended.values is not None
    if error is not None and error.kind == KIND and ended.values is not None:
        state, error = ("complete" if full else "paused" if "checkpoint" in ended.artifacts else "pruned"), None
    verdict = judged(limits, ended.metrics, facts, duration=duration, full=full)
    if state in ("complete", "paused", "pruned"):
        if verdict.broken is not None:
            return Ruling("infeasible", verdict.broken, verdict.excess)
        if verdict.missing and state == "complete":
            problem = not_measured(verdict.missing, measured(ended.metrics, facts, duration))
            return Ruling("failed", problem, verdict.excess)
    return Ruling(state, error, verdict.excess)
