"""Leakage: columns that know the target. Names are never looked at, and no column is ever dropped here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modelwright.tasks.checks.alone import Share
from modelwright.tasks.checks.evidence import Evidence, each
from modelwright.tasks.checks.features import column_alone, features, left_later, most_promising
from modelwright.tasks.checks.record import Check, named, percent, settled
from modelwright.tasks.checks.together import Features, Together, together

#: What a column may leave of the target, at most, to determine it whatever a second such column says; and to
#: "almost determine" it where nothing else comes near. Numbers have drivers by nature, so more is asked of them.
_SURE = {"classes": 0.02, "numbers": 0.01}
_ALMOST = {"classes": 0.15, "numbers": 0.03}
#: How much more the others must leave, as a factor and at least.
_WORSE, _LEAST = 4.0, 0.1
#: The same where several such columns would be found but for each other: honest ones may well say the same.
_WORSE_THAN_EACH, _LEAST_BESIDE = 6.0, 0.3
#: What the others must leave, at least, beside a column that leaves nothing.
_NOTHING = 0.04
#: What they must leave where they are fewer than the columns that determine the target.
_UNTOLD = 0.9
#: Share of the gain over the constant model that removing a column must cost, surely and by estimate.
_COST, _SURELY = 0.5, 0.3
#: How far it must be ahead of the next column, unless nearly all of the gain is lost without it.
_AHEAD, _NEARLY_ALL = 1.5, 0.8
#: Gain below which nothing is dominant, candidates that are removed in turn, and columns there must be.
_GAIN, _TRIED, _COLUMNS = 0.1, 3, 3
#: What a column that determines the target, or that the gain hangs on, leaves of later rows at most, with time=.
_LATER, _LATER_GAIN = 0.3, 0.9
#: Rank correlation from which two columns are removed together: they say the same.
_SAME = 0.98
_UNDO = "drop_suspected=True leaves it out"
_ASK = "without=[{name!r}] leaves it out, if it is not"


def leakage(evidence: Evidence) -> list[Check]:
    """Columns that almost determine the target ("near-certain"), and columns that most of the gain hangs on
    ("dominant"): for both somebody has to say whether they are known when predictions are made."""
    names = [column.name for column in evidence.schema.columns if column.kind != "constant"]
    alone: dict[str, Share] = {}

    def look(name: str) -> None:
        share = column_alone(evidence, name)
        if share is not None:
            alone[name] = share

    if evidence.rows < 20 or not np.any(evidence.z):
        few = "there are too few rows to look for it"
        return [*settled("near-certain", [], few), *settled("dominant", [], few)]
    closely = most_promising(evidence, names)
    late = each(evidence, closely, look)
    every = features(evidence, set(closely))
    flagged = _near_certain(evidence, alone, every)
    flagged = {name: rest for name, rest in flagged.items() if left_later(evidence, name, line=True) <= _LATER}
    certain = [_certain(name, alone[name], rest) for name, rest in flagged.items()]
    certain += _sums(evidence, flagged)
    hangs = _dominant(evidence, alone, every.without(*{one.column for one in certain if one.column}))
    ended = f"; the time was up before {named(late)} could be looked at" if late else ""
    if not late and evidence.late:
        ended = "; the time was up before all columns could be compared with the others"
    return [
        *settled("near-certain", certain, "no column alone almost determines the target" + ended),
        *settled("dominant", hangs, "the gain does not hang on one column" + ended),
    ]


def _near_certain(evidence: Evidence, alone: Mapping[str, Share], every: Features) -> dict[str, float]:
    """Columns that almost determine the target -> what the others leave of it."""
    kind = "numbers" if evidence.task == "regression" else "classes"
    order = sorted(alone, key=lambda name: alone[name].left)
    sure = [name for name in order if alone[name].surely <= _SURE[kind]]
    flagged: dict[str, float] = {}
    strong = [name for name in order if alone[name].left <= 3 * _SURE[kind]]
    if sure and len(strong) < len(order):
        rest = _told(evidence, every.without(*strong))
        # Where most columns are strong the target is easy and none of them is odd, unless the others know nothing.
        if rest is not None and (len(strong) <= len(order) / 2 or rest.share.left >= _UNTOLD):
            left = rest.share.left
            flagged = {name: left for name in sure if left >= max(_NOTHING, _WORSE * alone[name].surely)}
    for name in order:
        if name in flagged or alone[name].surely > _ALMOST[kind]:
            continue
        rest = _told(evidence, every.without(name, *flagged))
        if rest is not None and rest.share.left >= max(_LEAST, _WORSE * alone[name].left):
            flagged[name] = rest.share.left
    return flagged | _hidden(evidence, alone, every, flagged)


def _hidden(
    evidence: Evidence, alone: Mapping[str, Share], every: Features, flagged: Mapping[str, float]
) -> dict[str, float]:
    """Columns that almost determine the target and hide each other -> what the columns beside all of them leave."""
    suspects = [name for name in _suspects(evidence, alone) if name not in flagged]
    almost = _ALMOST["numbers" if evidence.task == "regression" else "classes"]
    asked = [name for name in suspects if alone[name].surely <= almost]
    apart = [*flagged, *suspects]
    if not asked or len(suspects) < 2 or len(apart) == len(alone):
        return {}
    rest = _told(evidence, every.without(*apart))
    if rest is None or (len(apart) > len(alone) / 2 and rest.share.left < _UNTOLD):
        return {}
    left = rest.share.left
    return {name: left for name in asked if left >= max(_LEAST_BESIDE, _WORSE_THAN_EACH * alone[name].left)}


def _suspects(evidence: Evidence, alone: Mapping[str, Share]) -> list[str]:
    """Columns that leave so little of the target that one is not told apart from another by what the others leave."""
    almost = _ALMOST["numbers" if evidence.task == "regression" else "classes"]
    return [name for name in alone if alone[name].left <= 2 * almost]


def _told(evidence: Evidence, chosen: Features) -> Together | None:
    """What columns tell together; None when the time is up."""
    classes = evidence.task != "regression"
    return together(chosen, evidence.z, evidence.folds, classes=classes, deadline=evidence.deadline)


def _certain(name: str, share: Share, rest: float) -> Check:
    others = max(0.0, 1 - rest)
    itself = percent(min(1.0, max(0.0, 1 - share.left)))
    message = (
        f"it seems to leak the target: it alone explains {itself} of it out of fold, all others without such columns "
        f"{percent(others)}. Does it hold the target itself, or something made after it?"
    )
    return Check(name="near-certain", status="alert", column=name, message=message, done="kept", undo=_UNDO)


# --- several columns that add up to the target -----------------------------------------------------


def _sums(evidence: Evidence, flagged: Mapping[str, float]) -> list[Check]:
    """Columns of numbers whose weighted sum is the target."""
    if evidence.task != "regression":
        return []
    numbers = evidence.frame.numbers
    names = [name for name in numbers if name not in flagged]
    rows = evidence.sample
    names = [name for name in names if np.isfinite(numbers[name][rows]).all() and np.ptp(numbers[name][rows]) > 0]
    if not 2 <= len(names) <= min(200, len(rows) // 10):
        return []
    x = np.stack([numbers[name][rows] for name in names], axis=1)
    spread = x.std(axis=0)
    x, y = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), evidence.y[rows]
    y = (y - y.mean()) / (y.std() or 1.0)
    held = evidence.folds % 2 == 0
    if held.all() or not held.any():
        return []
    weights = np.linalg.lstsq(x[~held], y[~held], rcond=1e-10)[0]
    if float(np.mean((y[held] - x[held] @ weights) ** 2)) > 1e-6:
        return []
    parts = [name for name, weight in zip(names, weights) if abs(weight) > 1e-3]
    if len(parts) < 2:
        return []
    message = f"{named(parts)} add up to the target. Are they known before it is?"
    return [
        Check(name="near-certain", status="alert", column=name, message=message, done="kept", undo=_UNDO)
        for name in parts
    ]


# --- columns that the gain hangs on ------------------------------------------------------------------


def _dominant(evidence: Evidence, alone: Mapping[str, Share], every: Features) -> list[Check]:
    names = list(dict.fromkeys(every.sources))
    if len(names) < _COLUMNS:
        return []
    full = _told(evidence, every)
    if full is None:
        return []
    gain = 1 - full.deviance.left
    if gain < _GAIN or gain < 4 * full.deviance.error:
        return []
    by_gain = sorted(names, key=lambda name: -full.gains[name])
    by_self = sorted((name for name in names if name in alone), key=lambda name: alone[name].left)
    costs: dict[str, tuple[float, float, list[str]]] = {}
    gone: set[str] = set()
    alike = [name for name in _suspects(evidence, alone) if name in names and _names_classes(evidence, name)]
    if len(alike) > len(names) / 2:
        alike = []
    for name in list(dict.fromkeys([*by_gain[:2], *by_self[:2]])):
        if name in gone or len(costs) >= _TRIED:
            continue
        beside = alike if name in alike else []
        group = list(dict.fromkeys([name, *_twins(evidence, name, names), *beside]))
        gone |= set(group)
        without = _told(evidence, every.without(*group))
        if without is None:
            return []
        paired = without.deviance.losses - full.deviance.losses
        cost, error = float(paired.mean()) / gain, float(paired.std() / np.sqrt(len(paired))) / gain
        shown = min(group, key=lambda one: alone[one].left if one in alone else 1.0)
        costs[shown] = cost, error, [one for one in group if one != shown]
    found = []
    for name, (cost, error, twins) in costs.items():
        next_best = max((other for one, (other, _, _) in costs.items() if one != name), default=0.0)
        if left_later(evidence, name, line=False) > _LATER_GAIN:
            continue
        if cost >= _COST and cost - 2 * error >= _SURELY and (cost >= _NEARLY_ALL or cost >= _AHEAD * next_best):
            found.append(_question(name, twins, cost))
    return found


def _names_classes(evidence: Evidence, name: str) -> bool:
    """Whether a column has no more values than there are classes, missing being one."""
    cells = evidence.frame.codes.get(name, evidence.frame.numbers.get(name))
    return cells is not None and len(np.unique(cells[evidence.sample])) <= len(evidence.classes)


def _twins(evidence: Evidence, name: str, names: list[str]) -> list[str]:
    """Columns of numbers whose order is that of another one."""
    numbers, rows = evidence.frame.numbers, evidence.sample
    if name not in numbers:
        return []
    found = []
    for other in names:
        if other != name and other in numbers:
            known = np.isfinite(numbers[name][rows]) & np.isfinite(numbers[other][rows])
            if (
                known.sum() > 0.5 * len(rows)
                and abs(_spearman(numbers[name][rows][known], numbers[other][rows][known])) > _SAME
            ):
                found.append(other)
    return found


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    from modelwright.tasks.checks.alone import ranks

    a, b = ranks(a), ranks(b)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / scale if scale > 0 else 0.0


def _question(name: str, twins: list[str], cost: float) -> Check:
    with_twins = f" (with {named(twins)}, which say the same)" if twins else ""
    return Check(
        name="dominant",
        status="alert",
        column=name,
        message=f"is it known at prediction time? Without it{with_twins} {percent(min(cost, 1.0))} of the "
        "gain over the constant model is lost",
        done="kept",
        undo=_ASK.format(name=name),
    )
