"""What a call deployed, as a later one finds it that has nothing to spend: the same members, weights and score.

Choosing them anew in whatever time is left would make another model of the same facts. Chooses and fits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelwright.core import records as r
from modelwright.core.history import History
from modelwright.store.artifacts import Artifacts
from modelwright.tasks.ensemble.assembly import Made, assembled
from modelwright.tasks.ensemble.blend import Blend, reached
from modelwright.tasks.scoring.thresholds import Cut
from modelwright.tasks.search.estimation import Job
from modelwright.tasks.search.milestones import DEPLOYED, deployed

if TYPE_CHECKING:
    from modelwright.api.engine import Engine


def keep(engine: Engine, job: Job, blend: Blend, members: Sequence[Made]) -> None:
    """Store what is deployed, and with it the time that it took, unless it is what was stored last."""
    rows = engine.history.rows
    if any(number >= len(rows) for number in blend.trials):  # a constant that no candidate was
        return
    said = {
        "blend": asdict(blend) | {"judged": dict(blend.judged)},
        "parts": {str(made.trial): [str(unit) for unit in made.units] for made in members},
        "by": _by(engine.history, job),
    }
    last = deployed(engine.history)
    if last is None or said != {name: last.get(name) for name in said}:
        engine.write([r.Noted(kind=DEPLOYED, data=said)])


def told(history: History, job: Job) -> Blend | None:
    """What the last call deployed; None where there is none, or something has changed since."""
    last = deployed(history)
    if last is None or last["by"] != _by(history, job):
        return None
    known: dict[str, Any] = {**last["blend"], "cut": Cut.of(last["blend"]["cut"])}
    for name in ("trials", "weights", "rounds", "values"):
        known[name] = tuple(known[name])
    return Blend(**known)


def as_deployed(history: History, job: Job, files: Artifacts, blend: Blend) -> list[Made] | None:
    """The members as the last call deployed them; None where this blend is another one, or a model is gone."""
    known = told(history, job)
    if known is None or (known.trials, known.weights) != (blend.trials, blend.weights):
        return None
    last = deployed(history)
    assert last is not None
    made = [assembled(history.rows[number], files, job) for number in blend.trials]
    found = [one for one in made if one is not None]
    parts = {str(one.trial): [str(unit) for unit in one.units] for one in found}
    return found if parts == last["parts"] else None


def _by(history: History, job: Job) -> Mapping[str, Any]:
    """What the choice went by, besides what no call may change: units that judged, and what the call says."""
    return {
        "judged": sum(reached(row) for row in history.rows),
        "bags": job.bags,
        "barred": sorted(job.barred),
        "recalls": job.recalls,
    }
