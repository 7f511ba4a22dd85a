"""``modelwright fit``, ``predict``, ``leaderboard``: from a table on disk to a model on disk, and back to a table."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.cli.columns import as_file, as_text, check_form
from modelwright.cli.output import Exit, Output, UsageError, write_whole
from modelwright.cli.places import check_place
from modelwright.cli.warned import warned
from modelwright.core.clock import counting_from
from modelwright.core.errors import ArgumentError, StoreError
from modelwright.report import text
from modelwright.tasks.account.words import in_a_shell

if TYPE_CHECKING:
    from modelwright.tasks.result.predictor import Predictor


def fit(args: Namespace, out: Output) -> int:
    """Fit a model to a table and write it to a file; prints the leaderboard."""
    import modelwright
    from modelwright.cli.reading import store_file

    target = Path(args.save or f"{Path(args.table).name.split('.')[0]}.mw").expanduser()
    reads: dict[str, str | Path | None] = {"the table": args.table, "the store": store_file(args.store)}
    check_place(target, reads=reads, model=True)
    report = _report_place(args.report, {**reads, "the model that is written as well": target})
    with warned(out), counting_from(args.began), in_a_shell():
        model = modelwright.fit(
            args.table,
            args.target,
            metric=args.metric,
            seconds=args.seconds,
            trials=args.trials,
            preset=args.preset,
            task=args.task,
            positive=args.positive,
            kinds=dict(args.kind) if args.kind else None,
            sample_weight=args.sample_weight,
            class_weight=_class_weight(args.class_weight),
            folds=args.folds,
            seed=args.seed,
            groups=args.groups,
            time=args.time,
            without=tuple(args.without or ()),
            models=args.model,
            block=tuple(args.block or ()),
            monotone=dict(args.monotone) if args.monotone else None,
            target_score=args.target_score,
            min_gain=None if args.min_gain == "none" else args.min_gain,
            memory=args.memory,
            max_rows=args.max_rows,
            drop_suspected=args.drop_suspected,
            workers=args.workers,
            store=args.store,
            name=args.name,
            verbose=0 if out.quiet or out.as_json else 1,
        )
    _save(model, target)
    if report is not None:
        model.report(report)
    alerts = [one for one in model.checks if one["status"] == "alert"]
    if out.as_json:
        body = {"model": str(target), "task": model.task, "metric": model.metric, "score": model.score}
        body |= {"alerts": alerts, "decisions": model.decisions, "leaderboard": list(model.leaderboard())}
        out.document({**body, "stopped": model.stopped})
        return _exit(model)
    for one in alerts:
        where = f" {text.name(one['column'])}:" if one["column"] is not None else ""
        further = f"; next: {out.spoken(one['undo'])}" if one["undo"] else ""
        out.say(f"Alert, {one['name']}:{where} {text.clean(out.spoken(one['message']) + further)}")
    out.data(str(model.leaderboard()))
    out.say(f"The model is in {target}" + (f", what there is to say of it in {report}" if report else ""))
    out.say("\n".join(["Next:", *(f"  modelwright {one}" for one in _next(target, report))]))
    return _exit(model)


def predict(args: Namespace, out: Output) -> int:
    """Predictions for the rows of a table, as CSV or in the form that the file's ending says."""
    from modelwright.tasks.result.answers import answers

    target = None if args.output is None else Path(args.output).expanduser()
    if target is not None:
        check_place(target, reads={"the model": args.model, "the table": args.table}, model=False)
        check_form(target)
    model, table = _loaded(args, args.table), "/dev/stdin" if args.table == "-" else args.table
    with warned(out):
        columns = answers(model, table, proba=args.proba, reasons=args.explain or 0)
    rows = len(next(iter(columns.values())))
    if target is not None:
        write_whole(target, as_file(columns, target))
        out.say(f"{rows:,} predictions are in {target}")
    if out.as_json:
        told = {name: list(values) for name, values in columns.items()}
        out.document({"predictions": told} if target is None else {"file": str(target), "rows": rows})
    elif target is None:
        out.table(as_text(columns))
    return Exit.OK


def leaderboard(args: Namespace, out: Output) -> int:
    """What a fit tried, scored again on a test table when there is one."""
    if args.metric is not None and args.test is None:
        raise UsageError("there is no table to score by it", where="--metric", hint="Add --test FILE.")
    model = _loaded(args, args.test)
    with warned(out):
        board = model.leaderboard(args.test, metric=args.metric)
    if out.as_json:
        out.document({"metric": board.metric, "leaderboard": list(board)})
    else:
        out.data(str(board))
    return Exit.OK


def _next(target: Path, report: Path | None) -> list[str]:
    """What to do with a model in a file."""
    name = shlex.quote(str(target))
    more = [] if report is not None else [f"report {name}"]
    return [f"predict {name} NEW.csv", f"leaderboard {name} --test TEST.csv", *more]


def _loaded(args: Namespace, table: str | None) -> Predictor:
    """The model; where the words for it and for the table are in the other order, that is said.

    Args:
        table: what stands where a table is expected.
    """
    import modelwright
    from modelwright.tasks.result import archive

    path = Path(args.model).expanduser()
    try:
        return modelwright.load(path, trust=args.trust)
    except ArgumentError as error:
        if table is None or not archive.is_model(Path(table).expanduser()):
            raise
        before = "--test " if args.command == "leaderboard" else ""
        hint = (
            f"The model comes first: modelwright {args.command} {shlex.quote(table)} {before}{shlex.quote(args.model)}"
        )
        raise UsageError(error.what, where=error.where, hint=hint) from None


def _save(model: Predictor, target: Path) -> None:
    """Write the model; where that fails, its study has all that it takes to make it again without a search."""
    try:
        model.save(target)
    except StoreError as error:
        from modelwright.tasks.request.continuation import study_of

        name = study_of(model)
        again = f"Run the same command again with --name {shlex.quote(name or '')}"
        hint = f"{again}, once there is room, or with another --save: its candidates are kept, and not tried again."
        hint = hint if name else "The model is lost: its study was kept in memory only."
        raise type(error)(error.what, where=error.where, hint=hint) from None


def _exit(model: Predictor) -> Exit:
    return Exit.INTERRUPTED if model.stopped == "interrupted" else Exit.OK


def _class_weight(given: list[tuple[str, float] | str] | None) -> dict[str, float] | str | None:
    if not given:
        return None
    pairs = [one for one in given if not isinstance(one, str)]
    if not pairs:
        return "balanced"
    if len(pairs) < len(given):
        raise UsageError("balanced beside weights of classes", where="--class-weight", allowed="one of them")
    return dict(pairs)


def _report_place(given: str | None, reads: dict[str, str | Path | None]) -> Path | None:
    """Where the report goes; a place that no report can be written to is refused before time is spent.

    Args:
        reads: see ``check_place``.
    """
    if not given:
        return None
    from modelwright.report.html import check_ending

    path = Path(given).expanduser()
    check_ending(path, "--report")
    check_place(path, reads=reads, model=False)
    return path
