"""What mattered, in plain words: a few lines that say what the trials support, and nothing where they support nothing.

Owns the words. ``importance``, ``dependence``, ``diversity`` and ``strategy.stopping`` own what is known.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from modelwright.core.objective import Objective
from modelwright.core.rng import Seed
from modelwright.report import text
from modelwright.report.dependence import dependence, good_values
from modelwright.report.diversity import collapse_text
from modelwright.report.edges import edges_text
from modelwright.report.importance import Importance, measured
from modelwright.report.landscape import Landscape, compared, grown
from modelwright.report.view import StudyView
from modelwright.strategy.stopping import Prospect, prospect

_log = logging.getLogger("modelwright.report")

#: A parameter is said to matter from this share on, when the interval agrees, and not to matter below this end of it.
MATTERS, SURE, LITTLE = 0.05, 0.02, 0.05
#: Parameters whose good values are described, and names that are listed, at most.
DESCRIBED, LISTED = 3, 6


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of one objective, computed once for everything that shows it."""

    objective: Objective
    importance: Importance
    land: Landscape | None


def findings(view: StudyView, objective: int = 0, seed: int = 0) -> Findings:
    """Trials, forest and shares of one objective."""
    data = compared(view, objective)
    land = None if data is None else grown(data, Seed(seed).child("importance", objective))
    return Findings(view.objectives[objective], measured(view, data, land, objective, seed), land)


def what_mattered(found: Findings) -> list[str]:
    """Which parameters mattered, where their good values lie, what acts together, what did not matter.

    Empty where the trials do not tell.
    """
    made, shown = found.importance, found.land
    if not made.reliable or shown is None:
        return []
    sure = [e for e in made.effects if e.share >= MATTERS and e.low >= SURE]
    lines = []
    if sure:
        said = [f"{_name(e.name)} ({e.share:.0%}, {e.low:.0%} to {e.high:.0%})" for e in sure[:LISTED]]
        lines.append(f"{made.objective} varied most with {_and(said)}; the shares are of its variance over the space.")
    for effect in sure[:DESCRIBED]:
        lines += _good(found, shown, effect.name, effect.active)
    lines += _pairs(made)
    little = [e.name for e in made.effects if e.high < LITTLE and _total(made, e.name) < LITTLE]
    if little and sure:
        more = len(little) - LISTED
        names = [_name(name) for name in little[:LISTED]] + ([f"{more} more"] if more > 0 else [])
        lines.append(f"Little difference, over the ranges that were tried: {_and(names)}.")
    return lines


def _total(made: Importance, name: str) -> float:
    """What a parameter does together with others, at most."""
    return max((pair.share for pair in made.pairs if name in (pair.first, pair.second)), default=0.0)


def _good(found: Findings, land: Landscape, name: str, active: float) -> list[str]:
    curve = dependence(land, name, found.objective)
    good = None if curve is None else good_values(curve)
    if good is None or not good.costs:
        return []
    best = _or(list(good.best[:4]))
    costs = [
        f"{word} {'it ' if good.ranged else ''}costs about {text.number(cost, 2)}" for word, cost in good.costs[:2]
    ]
    where = "" if active == 1 else " (where it is active)"
    return [f"{_name(name)}{where}: best {best}; {', '.join(costs)}."]


def _pairs(made: Importance) -> list[str]:
    sure = [p for p in made.pairs if p.share >= MATTERS and p.low >= SURE][:2]
    said = [f"{_name(p.first)} and {_name(p.second)} ({p.share:.0%})" for p in sure]
    if not said:
        return []
    return [f"Acting together: {'; '.join(said)}. What is best for one depends on the other."]


# --- what is still to come -------------------------------------------------------------------------


def outlook(view: StudyView, objective: int = 0) -> Prospect | None:
    """What more trials may bring, as ``strategy.stopping`` estimates it; None where nothing tells."""
    if view.space is None or not hasattr(view.space, "encode"):
        return None
    return prospect(view.history, view.space, Seed(view.seed or 0).child("outlook"), objective)


def outlook_text(found: Prospect | None) -> str:
    """The same as a sentence; "" where there is nothing to say.

    >>> outlook_text(None)
    ''
    """
    if found is None or not found.ahead or (not found.model and found.gain == 0):
        return ""
    head = f"{found.ahead} more trials: expected further gain {text.number(found.gain, 2)}"
    how = "" if found.model else ", by the pace so far, for no model predicts these trials"
    if found.noise is None:
        return f"{head}{how}."
    than = "below" if found.gain < found.noise.value else "above"
    return f"{head}, {than} the noise {text.number(found.noise.value, 2)} ({found.noise.source}){how}."


# --- the texts ----------------------------------------------------------------------------------------


def closing(view: StudyView, known: Findings | None = None) -> list[str]:
    """What ends a search: what mattered, what may still come, and whether it collapsed; empty where nothing tells.

    Never raises: what a model makes of the trials must not cost anybody the end of a search.

    Args:
        known: the findings, where they are at hand already; then nothing is said of the ends of ranges, which the page
            says elsewhere.
    """
    try:
        return _closing(view, known)
    except Exception:
        _log.debug("what mattered could not be said", exc_info=True)
        return []


def _closing(view: StudyView, known: Findings | None) -> list[str]:
    lines = what_mattered(known or findings(view)) if len(view.objectives) == 1 else []
    said = [edges_text(view) if known is None else "", collapse_text(view)]
    if len(view.objectives) == 1:
        said.append(outlook_text(outlook(view)))
    return [*lines, *(line for line in said if line)]


def explained(view: StudyView) -> str:
    """All that is known, objective by objective, with why something is not known."""
    parts = []
    for place, made in enumerate(view.objectives):
        found = findings(view, place)
        lines = what_mattered(found)
        head = found.importance.message
        if found.importance.reliable and not lines:
            lines = ["No parameter stands out."]
        title = f"{text.clean(made.name, 60)}: " if len(view.objectives) > 1 else ""
        said = outlook_text(outlook(view, place))
        parts.append("\n".join([f"{title}{head}", *(f"  {line}" for line in [*lines, *([said] if said else [])])]))
    rest = [line for line in (edges_text(view), collapse_text(view)) if line]
    return "\n".join([*parts, *rest])


def _name(name: str) -> str:
    return text.clean(name, 60)


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _or(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)
