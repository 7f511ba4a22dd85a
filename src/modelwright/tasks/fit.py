"""``fit``: a table in, a deployable model out, within the time that was given. Imports nothing before it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.api.door import TABLES, door
from modelwright.core.clock import SystemClock, counts_from

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor

#: What is said last where a fit is stopped before it has a study.
_EARLY = "stopped before a candidate was tried. Nothing is lost: run the same again"


@door(TABLES)
def fit(
    table: Any,
    target: str,
    *,
    metric: Any = None,
    seconds: float | None = None,
    trials: int | None = None,
    seed: int = 0,
    preset: str = "good",
    task: str | None = None,
    positive: Any = None,
    kinds: Mapping[str, str | Sequence[Any]] | None = None,
    without: Sequence[str] = (),
    sample_weight: Any = None,
    class_weight: Any = None,
    groups: str | None = None,
    time: str | None = None,
    folds: int | None = None,
    models: Sequence[Any] | None = None,
    block: Sequence[str] = (),
    monotone: Mapping[str, int] | None = None,
    target_score: float | None = None,
    min_gain: float | str | None = "noise",
    memory: int | str | None = None,
    max_rows: int | None = None,
    drop_suspected: bool = False,
    plan: Mapping[str, Any] | None = None,
    workers: int | None = None,
    store: Any = None,
    name: str | None = None,
    verbose: int = 1,
) -> Predictor:
    """Find the best model for a table, and fit it on all of its rows.

    Args:
        table: a CSV or Parquet file, a data frame of pandas or Polars, a dict of columns, a list of dicts.
        target: the column to be predicted; rows without it are left out.
        metric: ``roc_auc average_precision log_loss accuracy balanced_accuracy f1 rmse rmsle mae r2``, a scorer of
            scikit-learn or its name, or a function of (y, predicted). Default roc_auc for two classes, log_loss for
            more, rmse for numbers.
        seconds: for all of it, from the call to the return; 300 where neither this nor ``trials`` is given.
        trials: candidates to try. Without ``seconds`` no decision reads a clock: a seed gives the same model.
        seed: of everything that is decided by chance.
        preset: ``"fast"``: few folds and no slow learners; ``"good"``; ``"best"``: the models of all folds are kept and
            used together, which is larger and slower to predict; ``"interpretable"``: linear models and naive Bayes
            alone, and estimators of your own in ``models``.
        task: "binary", "multiclass" or "regression", where the target leaves it open.
        positive: of two classes the one that ``average_precision`` and ``f1`` are about; default the rarer one.
        kinds: column -> number, category, ordinal, boolean, datetime, text, id or constant, where it was read wrongly,
            not for the target; or the levels of a column from low to high, ``{"medal": ["bronze", "silver", "gold"]}``,
            which makes it ordinal. "ordinal" alone goes where the order is plain or the source has one, and is refused
            elsewhere.
        without: columns that are not to be used.
        sample_weight: how much each row counts, in fits and where it judges: the name of a column, or an array. A
            column of weights counts in a table that is given to ``evaluate`` as well.
        class_weight: ``"balanced"``, or how much each class counts in fits. Scores and thresholds go by rows as they
            are.
        groups: a column: rows with the same value are never divided between fitting and judging. A row without one is a
            group of its own, and an alert of ``model.checks`` says how many there are.
        time: a column: models are judged by rows later than those they were fitted on.
        folds: how many, instead of what the number of rows suggests; 1 is a holdout. Below 2,000 rows they are drawn
            three times, and each candidate is fitted as often.
        models: names of learners to try, and estimators of scikit-learn of your own; default all. One whose ``fit``
            takes no weights is fitted without, which ``model.decisions`` and a warning say. ``"known_rows"`` stands
            for the known answers for rows that come again, which count beside the ensemble.
        block: names of learners not to try, or ``"known_rows"``.
        monotone: column -> 1 where predictions may only rise with it, -1 where they may only fall: numbers, or the
            probability of the positive class (``positive``, else the second of ``classes_``). Learners that cannot hold
            to it are left out, which ``model.decisions`` says; columns without an order, and more than two classes,
            are refused.
        target_score: in units of the metric; no more candidates are begun once the ensemble reaches it, by rows that
            neither its models nor its weights had seen.
        min_gain: no more candidates are begun once as many again are expected to gain no more than this, in units of
            the metric; ``"noise"``: a twentieth of the score's standard error; None for never. Never before the
            portfolio was tried, and forty candidates. The estimate is in ``model.decisions``.
        memory: bytes, or a text such as ``"2GB"``, that all processes of the fit may hold together; default three
            quarters of what is free, and with ``trials`` of all there is. Where what is foreseen of candidates does not
            fit, fewer run side by side, then they see fewer rows; ``model.decisions`` says so.
        max_rows: rows that candidates see at most, a sample that has classes (or ranks of numbers) in proportion, but
            30 rows of each class or all there are; default as many as time and memory allow. Members are fitted on all
            rows where that ends in time.
        drop_suspected: leave out columns that near-certainly leak the target. They are an alert and used otherwise.
        plan: that of an earlier model: its members are fitted in the same way, and nothing is searched. Beside it
            stand ``table``, ``target`` and what a plan cannot keep; what contradicts it is refused.
        workers: processes; default one for each core with ``seconds``, else one. With several of them what is tried
            next goes by which candidate has ended first, so that a seed gives the same model with one alone.
        store, name, verbose: see ``mw.tune``; with a ``name`` a fit that was killed goes on.

    Returns:
        The model.

    Raises:
        ArgumentError: what is wrong with the table or the arguments, with the column or the row.
        KeyboardInterrupt: at the second Ctrl-C, or while there is no candidate. The first one has a model made of what
            there is, and ``model.stopped`` says so.
    """
    given = dict(locals())
    began = counts_from()
    clock = SystemClock()
    given["began"] = clock.monotonic() if began is None else began
    opened = clock.monotonic()
    try:
        from modelwright.tasks.request.call import (
            fitted,  # what it needs takes a while to import, and that is part of the time
        )

        return fitted(imported=clock.monotonic() - opened, **given)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(str(error) or _EARLY) from None
