"""Trial: what a user sees of one trial. A picture of the facts; looking changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import StudyError
from modelwright.core.history import Row
from modelwright.core.records import Decision, Failure
from modelwright.strategy.forecast import Outlook, outlook
from modelwright.training.function import given_step

if TYPE_CHECKING:
    from modelwright.api.study import Study
    from modelwright.space import HyperParameters


class Trial:
    """One trial of a study.

    Attributes:
        number: from 0, in the order in which trials were started.
        state: proposed, running, paused, complete, pruned, infeasible, failed or lost.
    """

    def __init__(self, study: Study, row: Row):
        self._study, self._row = study, row
        self._hp: HyperParameters | None = None

    @property
    def number(self) -> int:
        return self._row.number

    @property
    def state(self) -> str:
        return self._row.state

    @property
    def config(self) -> dict[str, Any]:
        """Parameter name -> value; parameters that were not active are not there."""
        return dict(self._row.config)

    @property
    def value(self) -> float | None:
        """The first objective at the trial's best step; None while there is none."""
        return self._row.values[0] if self._row.values else None

    @property
    def values(self) -> tuple[float, ...] | None:
        """One value for each objective, in their order."""
        return self._row.values

    @property
    def metrics(self) -> dict[str, float]:
        """All metrics at the best step."""
        return dict(self._row.metrics)

    @property
    def history(self) -> list[tuple[int, dict[str, float]]]:
        """Every report: (step from 1, metrics)."""
        return [(step, dict(metrics)) for step, metrics in self._row.reports]

    @property
    def best_step(self) -> int | None:
        """The step (epoch) whose metrics these are; None for a trial without steps, as one over folds is."""
        return self._row.step

    @property
    def steps(self) -> int:
        """Steps (epochs) run."""
        return self._row.steps

    @property
    def fidelity(self) -> float:
        """How far it was trained, in (0, 1]."""
        return self._row.fidelity

    @property
    def duration(self) -> float:
        """Seconds of running, over all segments."""
        return self._row.duration

    @property
    def error(self) -> Failure | None:
        """Why it failed or could not be run."""
        return self._row.error

    @property
    def note(self) -> dict[str, Any]:
        """What the strategy wrote down when it proposed the trial."""
        return dict(self._row.note)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was measured on the side: number of parameters, spread over executions, kind of resume ...

        ``priced`` names metrics whose numbers are prices: a table of latencies says them, and nobody measured them.
        """
        return dict(self._row.facts)

    @property
    def forecast(self) -> Outlook | None:
        """What is expected of a trial on its way, once trained in full: value, 80 % interval, chance to be the best.

        By its reports and the trials that are complete (see ``modelwright.curves``). None for a trial that ended, or
        that has not reported yet, and with several objectives.
        """
        machine = self._study._machine
        return outlook(machine.history, self._row, getattr(machine.setup.strategy, "steps", None))

    # --- ask and tell ------------------------------------------------------------------------------

    @property
    def hp(self) -> HyperParameters:
        """Hyperparameters to call, for a trial that ``study.ask()`` gave: ``trial.hp.Float("lr", 1e-4, 1e-1)``."""
        made = self._hp if self._hp is not None else self._study._bind(self._row.number)
        self._hp = made
        return made

    def report(self, step: int | None = None, value: float | None = None, /, **metrics: float) -> Decision:
        """Tell a measurement of a running trial; returns "go", "pause" or "stop"."""
        if self.state != "running":
            raise StudyError(f"trial {self.number} is {self.state}, so it cannot report", hint="Ask for a new trial.")
        named = dict(metrics) if value is None else {self._study.objectives[0].name: value, **metrics}
        return self._study._report(self, given_step(step), named)

    def should_stop(self) -> bool:
        """Whether the strategy saw enough of the trial."""
        return self._row.judged in ("stop", "pause")

    def __getitem__(self, name: str) -> Any:
        return self._row.config[name]

    def __repr__(self) -> str:
        named = zip(self._study.objectives, self.values or ())
        values = [f"{'~' * (made.name in self._row.priced)}{value:.6g}" for made, value in named]
        shown = f", value={values[0]}" if len(values) == 1 else f", values=({', '.join(values)})" if values else ""
        return f"Trial(number={self.number}, state={self.state!r}{shown}, config={self.config})"

    def _repr_html_(self) -> str:
        import html

        return f"<code>{html.escape(repr(self))}</code>"
