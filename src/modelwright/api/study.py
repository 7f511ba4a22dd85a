"""Study: what joins space, strategy and estimation, as a user holds it. A thin face over the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.api.cancelling import cancel
from modelwright.api.door import quiet_interrupt
from modelwright.api.ensembles import ensemble
from modelwright.api.keeping import artifact_place, pin
from modelwright.api.models import classes
from modelwright.api.naming import checked_name, checked_seed, fresh_name, place_of
from modelwright.api.next_steps import nothing_found
from modelwright.api.running import RunSettings, constrain, count_cost, prepare_run, view_of
from modelwright.api.telling import checked_report, outcome_of_told
from modelwright.api.trial import Trial
from modelwright.core import records as r
from modelwright.core.clock import SystemClock
from modelwright.core.constraint import parse
from modelwright.core.errors import StoreError, StudyError
from modelwright.core.history import Row
from modelwright.core.objective import Objective, parse_objective
from modelwright.space import Tree
from modelwright.store.base import Store, StudyRecord, open_store
from modelwright.strategy import Strategy, resolve
from modelwright.study.budget import checked_gain
from modelwright.study.enough import Enough
from modelwright.study.journal import Journal
from modelwright.study.loop import tell_unmet
from modelwright.study.machine import Machine, Setup

if TYPE_CHECKING:
    from modelwright.report.importance import Importance


class Study:
    """A search: its trials so far, and the means to go on.

    ``mw.tune`` makes one and runs it. Made directly it is driven by hand, with ``ask`` and ``tell``:

    >>> import modelwright as mw
    >>> hp = mw.HyperParameters(); x = hp.Float("x", -1.0, 1.0)
    >>> study = mw.Study(hp, objective="minimize", strategy="random", store=":memory:")
    >>> for _ in range(20):
    ...     trial = study.ask()
    ...     _ = study.tell(trial, trial.config["x"] ** 2)
    >>> study.best.value <= study.trials[0].value
    True

    Args:
        space: ``HyperParameters`` with what was declared on it, or a ``function(hp)`` that declares it; None when
            trials declare their parameters themselves through ``trial.hp``.
        strategy: a name or a strategy object.
        objective: see ``tune``.
        store: None (``./.modelwright/studies.db``), ``":memory:"``, a path, or a store.
        name: of a new study; generated when None. An existing name is an error here: use ``load_study``.
        seed: decides every proposal.
        steps: the step at which a trial that reports is done; strategies that stop trials early need it.
        first, results: configurations to try right after the defaults, and what is known already; see ``tune``.
        prior: where the optimum is likely; see ``tune``.
        transfer: earlier studies of the same store to learn from; see ``tune``.
        constraints, cost_aware: see ``tune``. Tell every metric that is named, and the ``duration`` that is the cost.
        min_gain: ``ask`` refuses when more trials would gain less than this; see ``tune``.
    """

    def __init__(
        self,
        space: Any = None,
        *,
        strategy: str | Strategy = "auto",
        objective: Any = "minimize",
        store: Any = None,
        name: str | None = None,
        seed: int = 0,
        steps: int | None = None,
        first: Sequence[Mapping[str, Any]] | None = None,
        results: Any = None,
        prior: Mapping[str, Any] | None = None,
        transfer: bool | str | Sequence[str] | None = None,
        constraints: Any = (),
        cost_aware: bool = False,
        min_gain: float | str | None = None,
    ):
        from modelwright.api.earlier import learn_from_earlier, read_earlier
        from modelwright.api.knowledge import Knowledge
        from modelwright.frontends.function import declared_tree

        seed, name, limits = checked_seed(seed), checked_name(name), parse(constraints)
        objectives = parse_objective(objective)
        made, tree = resolve(strategy, steps=steps), declared_tree(space)
        closed = bool(tree.parameters)
        known = Knowledge.read(tree, objectives, first=first, results=results, prior=prior, closed=closed)
        definition = {
            "objectives": [[o.name, o.direction] for o in objectives],
            "strategy": made.name or type(made).__name__,
            "seed": int(seed),
            "steps": steps,
            "plan": made.plan(),
            "min_gain": checked_gain(min_gain),
            "parameters": list(tree.specs()),
        }
        opened = open_store(store)
        earlier = read_earlier(opened, transfer, name, tree, objectives)
        record = opened.create(name or fresh_name(opened), definition, SystemClock().wall())
        self._declared = tree
        self._open(opened, record, Setup(space=tree, strategy=made, objectives=objectives, seed=int(seed)))
        self._again = []
        self._journal.begin()
        if tree.parameters:
            self._journal.write([r.Grew(parameters=tuple(tree.specs()))])
        constrain(self._journal, limits)
        count_cost(self._journal, cost_aware)
        known.hand_over(self._journal)
        learn_from_earlier(self._journal, earlier)

    @classmethod
    def _of(cls, store: Store, record: StudyRecord, setup: Setup) -> Study:
        """A study over what a store holds."""
        study = cls.__new__(cls)
        study._declared = Tree()
        study._open(store, record, setup)
        return study

    def _open(self, store: Store, record: StudyRecord, setup: Setup) -> None:
        self._store, self._record = store, record
        self._journal = Journal(Machine(setup), store, record)
        self._journal.sync()
        self._machine.place = artifact_place(store, record.definition, record.name)
        self._enough = Enough(self._journal.machine, record.definition.get("min_gain"))
        self._settings: RunSettings | None = None
        self._loop: Any = None
        self._stopped, self._raised = "", False
        self._trials: dict[int, Trial] = {}
        #: Trials that a process asked for and did not live to tell; None until somebody asks.
        self._again: list[int] | None = None

    # --- looking -----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return self._machine.setup.objectives

    @property
    def space(self) -> Any:
        """What may be built, as far as it is known."""
        return self._machine.space

    @property
    def trials(self) -> list[Trial]:
        """All trials, in order of number."""
        return [self._trial(row) for row in self._machine.history.rows]

    @property
    def best(self) -> Trial:
        """The best trial among those that reached the highest fidelity, confirmed values first.

        With several objectives it is the best by the first of them, one end of the ``front``.

        Raises:
            StudyError: no trial has a value; the message says how they ended, and why.
        """
        row = self._machine.history.best()
        if row is None:
            raise nothing_found(self)
        return self._trial(row)

    @property
    def front(self) -> list[Trial]:
        """Trials that no other beats in all objectives; with one objective, the best."""
        from modelwright.report.view import front

        return [self._trial(row) for row in front(self._view())]

    @property
    def elapsed(self) -> float:
        """Seconds this study has been running, over all sessions."""
        return self._journal.elapsed

    @property
    def stopped(self) -> str:
        """Why the last run ended; "" before."""
        return self._stopped

    def frame(self) -> Any:
        """All trials as a pandas ``DataFrame``, one row each."""
        from modelwright.report.export import frame

        return frame(self._view())

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML file about the study; returns its path."""
        from modelwright.api.explaining import write

        return write(self, path)

    def importance(self, objective: str | None = None) -> Importance:
        """What each parameter, and each pair, explains of ``objective`` (the first); a table when printed."""
        from modelwright.report.importance import importance

        return importance(self._view(), place_of(self.objectives, objective))

    def explain(self, *, beyond: bool = False) -> str:
        """What mattered and what more trials may bring, in words. ``beyond``: train larger networks beside the best."""
        from modelwright.api.explaining import explain

        return explain(self, beyond=beyond)

    def summary(self) -> str:
        """The search space and the best trials, as text."""
        from modelwright.report.summary import results, search_space_summary

        return f"{search_space_summary(self._machine.space)}\n\n{results(self._view())}"

    def search_space_summary(self) -> None:
        """Print what may be built."""
        from modelwright.report.summary import search_space_summary

        print(search_space_summary(self._machine.space))

    def results_summary(self, count: int = 10) -> None:
        """Print the best ``count`` trials."""
        from modelwright.report.summary import results

        print(results(self._view(), count))

    def __repr__(self) -> str:
        rows = self._machine.history.rows
        best = self._machine.history.best()
        shown = f", best={best.values[0]:.6g}" if best is not None and best.values else ""
        if shown and len(self.objectives) > 1:
            shown = f", front={len(self.front)}"
        return f"Study({self.name!r}, trials={len(rows)}{shown})"

    def _repr_html_(self) -> str:
        from modelwright.report.html import repr_html

        return repr_html(self._view())

    # --- driving by hand ---------------------------------------------------------------------------

    def ask(self) -> Trial:
        """The next trial to run: its ``config``, or its ``hp`` to call.

        A trial that an earlier process asked for and never told, for it died, comes first: same number, same
        configuration. (Where its result is known after all, ``study.tell(number, value)`` takes it.)

        Raises:
            StudyError: the space is exhausted, the strategy waits for trials that were not told yet, or the study was
                deleted.
            StoreError: another process runs the study.
        """
        from modelwright.api.asking import ask

        return ask(self)

    def enqueue(self, *configs: Mapping[str, Any]) -> None:
        """Have ``configs`` tried next, in order, before the strategy is asked again.

        What a configuration leaves out has its default. One that was tried, or is enqueued already, is passed over.

        Raises:
            SpaceError: a value is outside its domain, or the name of a declared space is unknown.
        """
        from modelwright.api.knowledge import Knowledge

        self._check_there()
        space = self._machine.space
        closed = bool(self._declared.parameters)
        Knowledge.read(space, self.objectives, first=configs, closed=closed).hand_over(self._journal)

    def tell(self, trial: Trial | int, value: Any = None, state: str = "complete") -> Trial:
        """What became of a trial that ``ask`` gave.

        Args:
            value: a number, a dict of metrics, a list with one number for each objective, or None when it reported.
            state: "complete", "pruned", "failed" or "infeasible".
        """
        row = self._row(trial)
        self._trace_asked(row.number)
        told = outcome_of_told(row, value, state, self._machine.history)
        self._write(self._machine.finish(row.number, told), durable=True)
        tell_unmet(self._journal)
        return self._trial(self._machine.history.rows[row.number])

    def stop(self) -> None:
        """Finish the running trial, then end the search; callable from callbacks, threads and the tuned code.

        Only a search that runs is stopped. At any other time this does nothing, and a later search is not held back:
        trials that ``ask`` gave out are yours to run or to leave.
        """
        if self._loop is not None:
            self._loop.stop("stopped by study.stop()")

    cancel, classes, ensemble, pin = cancel, property(classes), ensemble, pin

    @quiet_interrupt
    def resume(self, subject: Any = None, *data: Any, **options: Any) -> Study:
        """Go on with a study that ``load_study`` opened: the same call as ``tune``, with this study's name.

        Without ``subject`` it goes on with the one it was made with, in the process that made it; ``trials`` and
        ``seconds``, of all sessions, may be raised then. A plan of ``nas.search`` that was carried out does no more.
        """
        from modelwright.api.resuming import go_on

        return go_on(self, subject, data, options)

    # --- what comes out ----------------------------------------------------------------------------

    def best_model(self) -> Any:
        """The best trial's model at its best step, as a plain Keras model or a fitted estimator."""
        from modelwright.api.models import best_model

        return best_model(self, self.best._row)

    def refit(self, trial: Trial | int | None = None, *, seed: int | None = None) -> Any:
        """The model of the best configuration (or that of ``trial``) trained on all the data, validation rows included.

        A Keras model is trained for as many epochs as its best epoch, a network of ``nas.search`` for all of its own.
        """
        from modelwright.api.models import refit

        return refit(self, self._row(trial) if trial is not None else self.best._row, seed)

    # --- engine ------------------------------------------------------------------------------------

    def _check_there(self) -> None:
        """Raise when the study was deleted: going on would begin another one, or lose what is written."""
        found = self._store.find(self.name)
        if found is None or found.id != self._record.id:
            raise StudyError(
                f"the study {self.name!r} was deleted, here or by another process",
                where=self._store.location,
                hint="What this object knows can still be read: study.frame(), study.report(path). To search again, "
                "call mw.tune.",
            )

    def _write(self, events: Sequence[r.Event], *, durable: bool = False) -> None:
        self._commit(lambda: events, durable=durable)

    def _commit(self, decide: Callable[[], Sequence[r.Event] | None], *, durable: bool = False) -> Sequence[r.Event]:
        try:
            return self._journal.commit(decide, durable=durable)
        except StoreError as error:
            problem = error
        self._check_there()
        raise problem

    @property
    def _machine(self) -> Machine:
        return self._journal.machine

    def _trial(self, row: Row) -> Trial:
        if row.number not in self._trials:
            self._trials[row.number] = Trial(self, row)
        return self._trials[row.number]

    def _row(self, trial: Trial | int) -> Row:
        number: Any = trial.number if isinstance(trial, Trial) else trial
        rows = self._machine.history.rows
        if isinstance(number, bool) or not hasattr(number, "__index__") or not 0 <= number < len(rows):
            raise StudyError(
                f"there is no trial {number!r:.60}",
                where=f"study {self.name!r}",
                allowed=f"0 to {len(rows) - 1}" if rows else "",
                hint="" if rows else "Ask for one first.",
            )
        return rows[int(number)]

    def _view(self) -> Any:
        return view_of(self)

    def _bind(self, number: int) -> Any:
        from modelwright.training.function import bind

        return bind(self._machine.task(number, ""), self._declared)

    def _trace_asked(self, number: int) -> None:
        hp = self._trial(self._machine.history.rows[number])._hp
        if hp is not None:
            self._write(self._machine.trace(number, hp.ran, hp.trace))

    def _report(self, trial: Trial, step: int, metrics: Mapping[str, float]) -> r.Decision:
        step, numbers = checked_report(step, metrics)
        self._trace_asked(trial.number)
        self._write([r.Reported(number=trial.number, step=step, metrics=numbers)])
        decision = self._machine.judge(n := trial.number)
        if decision != "go":
            self._write([r.Judged(number=n, step=step, decision=decision, why=self._machine.why(n))])
        return decision

    def _run(self) -> Study:
        assert self._settings is not None
        self._stopped = prepare_run(self, self._settings)
        return self
