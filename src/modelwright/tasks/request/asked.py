"""How a fit is to be carried out: time, effort, learners and limits, as a user asks for them. Carries out nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.api.naming import checked_name
from modelwright.core.errors import ArgumentError
from modelwright.core.wording import did_you_mean
from modelwright.store.base import open_store
from modelwright.study.budget import checked_gain

PRESETS = ("fast", "good", "best", "interpretable")
#: Seconds where neither seconds nor trials were given.
USUAL = 300.0
#: Reasons to end at which nothing more is begun.
ENDED = ("interrupted", "cancelled", "stopped by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a user asks of a fit; see ``mw.fit``.

    Attributes:
        memory: bytes.
        began: when the call began, in ``time.monotonic`` seconds.
        imported: seconds that it took to import what a fit needs; 0 where another call had done so.
        opened: when that was done, by the same clock.
    """

    preset: str = "good"
    seconds: float | None = None
    trials: int | None = None
    models: tuple[Any, ...] | None = None
    block: tuple[str, ...] = ()
    monotone: Mapping[str, int] | None = None
    target_score: float | None = None
    min_gain: float | str | None = "noise"
    memory: int | None = None
    max_rows: int | None = None
    drop_suspected: bool = False
    workers: int | None = None
    store: Any = None
    name: str | None = None
    verbose: int = 1
    began: float = 0.0
    imported: float = 0.0
    opened: float = 0.0

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            hint = did_you_mean(str(self.preset), PRESETS)
            raise ArgumentError(f"preset={self.preset!r:.60}", where="fit", allowed=", ".join(PRESETS), hint=hint)
        checked_gain(self.min_gain, where="fit", over="as many trials again as there were are")


def divided_before(asked: Asked, plan: Any) -> Mapping[str, Any] | None:
    """How rows were divided by the plan that is carried out again, or by the fit that goes on; None for a new one."""
    if plan is not None:
        return plan.get("split") if isinstance(plan, Mapping) else None
    name = checked_name(asked.name)
    record = None if name is None else open_store(asked.store).find(name)
    return None if record is None else record.definition.get("split")
