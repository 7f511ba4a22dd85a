"""Commands that look: ``studies``, ``show``, ``report``, ``export``. They change no study."""

from __future__ import annotations

import re
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelwright.cli.members import running, running_told
from modelwright.cli.one_trial import show_trial
from modelwright.cli.output import Exit, Output, UsageError, write_whole
from modelwright.cli.places import check_apart
from modelwright.cli.reading import best_of, definition_of, existing_store, find_study, view_of
from modelwright.core.errors import ArgumentError, StoreError
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.view import StudyView, counts
from modelwright.store.base import Store, StudyRecord
from modelwright.study.logs import NAME, read

#: What ``export`` writes under a file's ending.
ENDINGS = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def studies(args: Namespace, out: Output) -> int:
    """List the studies of a store, oldest first."""
    with existing_store(args.store) as store:
        where, found, unread = store.location, [], []
        for record in store.studies():
            try:
                found.append(_summary(record, view_of(store, record, space=False)))
            except StoreError as error:
                unread.append(error)
    if out.as_json:
        out.document({"store": where, "studies": found, "unreadable": [str(error) for error in unread]})
    elif found:
        out.data(_listing(found))
    elif not unread:
        out.say(f"There are no studies in {where}.")
    for error in unread:
        out.complain(f"modelwright: {error}")
    return Exit.STORE if unread else Exit.OK


def _summary(record: StudyRecord, view: StudyView) -> dict[str, Any]:
    best = best_of(view)
    return {
        "name": record.name,
        "created": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
        "subject": view.subject,
        "objectives": [{"name": o.name, "direction": o.direction} for o in view.objectives],
        "strategy": view.strategy,
        "seed": view.seed,
        "budget": {"trials": view.trials, "seconds": view.seconds},
        "elapsed": view.time,
        "trials": len(view.history.rows),
        "states": counts(view),
        "best": None if best is None else {"number": best.number, "values": list(best.values or ())},
    }


def _listing(found: list[dict[str, Any]]) -> str:
    lines = []
    for entry in found:
        objectives = " ".join(f"{o['direction']}:{o['name']}" for o in entry["objectives"])
        states = ", ".join(f"{n} {state}" for state, n in entry["states"].items())
        best = " ".join(text.number(v, 6) for v in entry["best"]["values"]) if entry["best"] else "-"
        created = entry["created"].replace("T", " ").removesuffix("+00:00")
        row = [entry["name"], created, objectives, best, states or "-", text.duration(entry["elapsed"])]
        lines.append([*row, entry["strategy"] or "-"])
    heads = ["name", "created (UTC)", "objective", "best", "trials", "time", "strategy"]
    return text.table(heads, lines, [False, False, False, True, False, True, False])


def show(args: Namespace, out: Output) -> int:
    """What a study found."""
    from modelwright.report.summary import results, search_space_summary

    with existing_store(args.store) as store:
        record = find_study(store, args.name)
        view = view_of(store, record)
        runs = running(store, record, view)
        log = _log(store, record, args)
        if args.trial is not None:
            return show_trial(view, args.trial, log, out)
        if args.importance:
            return _importance(view, out)
        if out.as_json:
            out.document(_shown(view, record, args.trials, runs))
            return 0
        head = search_space_summary(view.space) + "\n\n" if view.space is not None else ""
        told = running_told(runs)
        out.data(head + results(view, args.trials) + (f"\n\n{told}" if told else ""))
    return 0


def _shown(view: StudyView, record: StudyRecord, most: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``show --json`` prints."""
    from modelwright.report.export import document
    from modelwright.report.summary import leaderboard_rows, space_rows

    best, rows = best_of(view), view.history.rows
    wanted = [rows[entry["trial"]] for entry in leaderboard_rows(view, most)]
    found = document(view, wanted)
    return {
        "study": {**found["study"], **_summary(record, view), "store": view.store},
        "space": space_rows(view.space) if view.space is not None else [],
        "best": None if best is None else document(view, [best])["trials"][0],
        "trials": found["trials"],
        "running": runs,
    }


def _log(store: Store, record: StudyRecord, args: Namespace) -> list[dict[str, Any]] | None:
    """The log of the trial that is asked for; None when none is."""
    if args.log and args.trial is None:
        raise UsageError("the log of which trial?", where="--log", hint="Add --trial N.")
    if not args.log:
        return None
    return read(store.folder(record.id) / f"trial-{args.trial:05d}" / NAME)


def _importance(view: StudyView, out: Output) -> int:
    """What mattered: shares of each objective, and the same in words."""
    from modelwright.report.explain import explained
    from modelwright.report.export import finite
    from modelwright.report.importance import importance

    found = [importance(view, place) for place in range(len(view.objectives))]
    if out.as_json:
        listed = [
            {"objective": one.objective, "reliable": one.reliable, "message": one.message, "shares": one.rows()}
            for one in found
        ]
        out.document({"study": view.name, "importance": finite(listed), "explained": explained(view).split("\n")})
        return 0
    said = explained(view)
    if len(found) > 1:
        out.data("\n\n".join([*(f"{text.clean(one.objective, 60)}\n\n{one}" for one in found), said]))
    else:  # the table begins with what the words begin with
        out.data("\n\n".join(part for part in (str(found[0]), said.removeprefix(found[0].message).strip("\n")) if part))
    return 0


def report(args: Namespace, out: Output) -> int:
    """Write one HTML file about a study, or about the model in a file; prints its path."""
    of_model = args.name.endswith(".mw") and (
        Path(args.name).is_file() or not definition_of(args.store, args.name)  # a study may be called so
    )
    if args.output:
        from modelwright.report.html import check_ending

        also = "" if of_model else " For tables: modelwright export."
        check_ending(Path(args.output), "--output", also=also)
    if of_model:
        return _report_of_model(args, out)
    with existing_store(args.store) as store:
        if args.output:
            check_apart(Path(args.output), {"the store": store.location})
        view = view_of(store, find_study(store, args.name))
        path = write_report(view, args.output or f"{file_name(args.name)}.html")
    if out.as_json:
        out.document({"study": view.name, "path": path})
    else:
        out.data(text.clean(path))
    return 0


def _report_of_model(args: Namespace, out: Output) -> int:
    import modelwright

    model = modelwright.load(args.name, trust=args.trust)
    path = str(model.report(args.output or f"{file_name(Path(args.name).stem)}.html"))
    if out.as_json:
        out.document({"model": args.name, "path": path})
    else:
        out.data(text.clean(path))
    return 0


def write_report(view: StudyView, path: str) -> str:
    """Write the HTML report; returns the path.

    Raises:
        ArgumentError: the file cannot be written.
    """
    from modelwright.report.html import write

    try:
        return str(write(view, path))
    except OSError as error:
        raise ArgumentError(f"cannot be written: {error.strerror or error}", where=path) from error


def file_name(name: str) -> str:
    """A harmless file name for a study's name.

    >>> file_name("../lab 1"), file_name("-rf"), file_name("été")
    ('lab_1', 'rf', 'été')
    """
    return re.sub(r"[^\w.-]+", "_", name).strip("._-")[:100] or "study"


def export(args: Namespace, out: Output) -> int:
    """The trials of a study as CSV, JSON or Parquet."""
    kind = _format(args, out)
    with existing_store(args.store) as store:
        if args.output:
            check_apart(Path(args.output), {"the store": store.location})
        view = view_of(store, find_study(store, args.name))
        content = _content(view, kind)
    if not args.output:
        out.data(str(content))
        return 0
    write_whole(Path(args.output), content)
    if out.as_json:
        out.document({"study": view.name, "path": args.output, "format": kind, "trials": len(view.history.rows)})
    else:
        out.say(f"{counted(len(view.history.rows), 'trial')} written to {args.output}")
    return 0


def _format(args: Namespace, out: Output) -> str:
    """What is written: as asked, else by the ending of the file; an ending that says something else is refused."""
    ending = Path(args.output).suffix.lower() if args.output else ""
    if args.output and ending and ending not in ENDINGS and args.format is None:
        allowed = f"a name that ends in {', '.join(ENDINGS)}, or --format"
        raise UsageError(f"{ending!r} is no ending that is known here", where="--output", allowed=allowed)
    kind = args.format or ENDINGS.get(ending) or ("json" if out.as_json and not args.output else "csv")
    if ENDINGS.get(ending, kind) != kind:
        raise UsageError(f"--format {kind} and a file that ends in {ending!r}", where="export", hint="Say one of them.")
    if not args.output and kind == "parquet":
        raise UsageError("Parquet is no text to be printed", where="export", hint="Add -o FILE.parquet.")
    if not args.output and out.as_json and kind != "json":
        raise UsageError("--json prints JSON", where="export", hint="Leave --json out, or write the CSV with -o FILE.")
    return kind


def _content(view: StudyView, kind: str) -> str | bytes:
    from modelwright.report.export import to_csv, to_json, to_parquet

    return {"csv": to_csv, "json": to_json, "parquet": to_parquet}[kind](view)
