"""Commands that change a store: ``cancel``, ``delete``, ``clean``, ``copy``, ``import-optuna``."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from modelwright.cli.output import Declined, Output, UsageError
from modelwright.cli.reading import check_target, existing_store, find_study, view_of
from modelwright.core.errors import StudyError
from modelwright.core.wording import counted
from modelwright.report import text


def cancel(args: Namespace, out: Output) -> int:
    """Stop a search that runs in another process, or one trial of it."""
    from modelwright.api.load import study_of

    with existing_store(args.store) as store:
        said = study_of(store, find_study(store, args.name)).cancel(args.trial)
    if out.as_json:
        out.document({"study": args.name, "trial": args.trial, "told": said})
    else:
        out.say(f"{said[0].upper()}{said[1:]}.")
    return 0


def delete(args: Namespace, out: Output) -> int:
    """Remove a study with its files; asks before, where there is somebody to ask."""
    with existing_store(args.store) as store:
        record = find_study(store, args.name)
        count = len(view_of(store, record, space=False).history.rows)
        if not args.yes:
            _ask(f"Delete the study {text.clean(record.name)} with its {counted(count, 'trial')} and all its files?")
        with store.writer(record.id):
            store.delete(record.id)
    if out.as_json:
        out.document({"deleted": record.name, "trials": count})
    else:
        out.say(f"Deleted {text.clean(record.name)} ({counted(count, 'trial')}).")
    return 0


def clean(args: Namespace, out: Output) -> int:
    """Remove the files of a study that nobody will ask for again."""
    from modelwright.api.keeping import clean as cleaned
    from modelwright.api.load import study_of

    with existing_store(args.store) as store:
        gone = cleaned(study_of(store, find_study(store, args.name)), dry_run=args.dry_run)
    size = sum(one.size for one in gone)
    if out.as_json:
        out.document(
            {
                "study": args.name,
                "removed": not args.dry_run,
                "bytes": size,
                "files": [{"path": one.path, "bytes": one.size, "why": one.why} for one in gone],
            }
        )
        return 0
    for one in gone:
        out.data(f"{text.clean(one.path)}  {one.size / 1e6:.1f} MB  {one.why}")
    verb = "would go" if args.dry_run else "removed"
    out.say(f"{counted(len(gone), 'file')} {verb}, {size / 1e6:.1f} MB.")
    return 0


def _ask(question: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", where="delete", hint="Add --yes to delete without asking.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Declined("nothing was deleted")


def copy(args: Namespace, out: Output) -> int:
    """Copy a study to another store."""
    from modelwright.api.transfer import copy_study

    _check_new(args.new_name)
    if args.to == ":memory:":
        raise UsageError("a store in memory ends with this command", where="--to", hint="Name a file.")
    with existing_store(args.store) as store:
        find_study(store, args.name)
        check_target(args.to)
        with _another_name():
            made = copy_study(args.name, store=store, to=args.to, new_name=args.new_name)
    return _told(made, out, "copied to")


def import_optuna(args: Namespace, out: Output) -> int:
    """Read a study out of Optuna's file."""
    from modelwright.api.transfer import import_optuna as read

    _check_new(args.new_name)
    if args.store == ":memory:":
        raise UsageError("a store in memory ends with this command", where="--store", hint="Name a file.")
    check_target(args.store)
    with _another_name():
        made = read(args.source, study=args.study, store=args.store, name=args.new_name)
    return _told(made, out, "imported into")


@contextlib.contextmanager
def _another_name() -> Iterator[None]:
    """Within, a name that is taken already is answered with the option that gives another one."""
    try:
        yield
    except StudyError as error:
        if not error.what.endswith("already"):
            raise
        raise StudyError(error.what, where=error.where, hint="Give the new one another name: --as NEW.") from None


def _check_new(name: str | None) -> None:
    if name is not None and not name.strip():
        raise UsageError("the name is empty", where="--as")


def _told(made: Any, out: Output, how: str) -> int:
    record, view = made._record, made._view()
    made._store.close()
    count = len(view.history.rows)
    left_out = (record.definition.get("imported") or {}).get("left_out", 0) if how.startswith("imported") else 0
    if out.as_json:
        out.document({"study": record.name, "store": view.store, "trials": count, "left_out": left_out})
    else:
        out.data(text.clean(record.name))
        more = f"; {left_out} that were only queued are left out" if left_out else ""
        out.say(f"{counted(count, 'trial')} {how} {text.clean(view.store)}{more}")
    return 0
