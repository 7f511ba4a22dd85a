"""``modelwright worker``: makes the call of ``tune`` again that a study keeps, and so joins the search.

Owns what is imported, what is compared, and what needs a word of trust.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.api.recall import Caught, catching, objectives_of, texts_of
from modelwright.api.visit import VISIT, Visit
from modelwright.cli.data import file_hash, load_data
from modelwright.cli.output import Exit, Output, UsageError
from modelwright.cli.reading import existing_store, find_study
from modelwright.cli.subject import CodeError, load, load_file
from modelwright.cli.tuning import is_ours, next_commands, output_kept_clean, show_code
from modelwright.core.errors import StudyError, SubjectError
from modelwright.core.wording import counted
from modelwright.report import text
from modelwright.report.summary import next_steps_told
from modelwright.store.base import Store, StudyRecord

#: Lines of a difference that are shown.
_SHOWN = 40


def worker(args: Namespace, out: Output) -> int:
    """Run trials of a study until there is nothing left to do."""
    where, name = _places(args)
    if args.slots < 1:
        raise UsageError(f"--slots {args.slots}", where="worker", allowed="1, 2, 3, ...")
    visit = Visit(slots=args.slots, seconds=args.seconds, trials=args.slots if args.once else None)
    with existing_store(where) as store:
        record = find_study(store, name)
        try:
            with output_kept_clean(), next_steps_told(lambda view: next_commands(view, where)):
                study = _join(store, record, visit, args, out)
        except CodeError as error:
            show_code(error.__cause__, out)
            raise
        stopped = study.stopped
    numbers = sorted(visit.ran)
    if out.as_json:
        out.document({"study": record.name, "store": store.location, "ran": numbers, "stopped": stopped})
    else:
        out.data(f"ran {counted(len(numbers), 'trial')} of {text.clean(record.name)}; stopped: {text.clean(stopped)}")
    return Exit.INTERRUPTED if stopped == "interrupted" else Exit.OK


def _places(args: Namespace) -> tuple[str | None, str]:
    """The store and the study's name, out of one or two words."""
    words = args.places
    if len(words) > 2:
        raise UsageError(f"{' '.join(words)!r}", where="worker", allowed="STUDY, or STORE STUDY")
    if len(words) == 2 and args.store is not None:
        raise UsageError("two stores are named", where="worker", hint="Say STORE STUDY, or --store STORE STUDY.")
    return (words[0] if len(words) == 2 else args.store), words[-1]


def _join(store: Store, record: StudyRecord, visit: Visit, args: Namespace, out: Output) -> Any:
    import modelwright

    asked = _call(store, record, visit, args)
    budget = record.definition.get("budget") or {}
    token = VISIT.set(visit)
    try:
        return modelwright.tune(
            asked.pop("subject"),
            *asked.pop("data"),
            **asked,
            trials=budget.get("trials"),
            seconds=budget.get("seconds"),
            min_gain=budget.get("min_gain"),
            workers=args.slots,
            store=store,
            name=record.name,
            verbose=0 if out.quiet else 1,
        )
    except (Exception, SystemExit) as error:
        if is_ours(error):
            raise
        raise CodeError(f"it raised {type(error).__name__}: {error}", where=f"study {record.name!r}") from error
    finally:
        VISIT.reset(token)


def _call(store: Store, record: StudyRecord, visit: Visit, args: Namespace) -> dict[str, Any]:
    """The arguments of ``tune`` that say what is searched.

    Raises:
        StudyError: the study does not have them, they are not here, or not the same.
    """
    call = record.definition.get("call")
    where = f"study {record.name!r}"
    if record.definition.get("kind") == "nas":
        raise StudyError(
            "it is a search for a network (nas.search): its data are in the memory of the process that started it, and "
            "its phases, the finish above all, are led by that one process",
            where=where,
            hint="Give that search more processes: workers=4, or modelwright nas --workers 4. When it is not running, "
            "the same call with the same name= goes on with it, on this host or another.",
        )
    if not isinstance(call, Mapping):
        raise StudyError(
            "it does not say what is tuned: it was made by study.ask and tell, by an earlier version, or elsewhere",
            where=where,
            hint="Only a search that mw.tune or modelwright tune started can be joined.",
        )
    if args.trust:
        return _unpickled(store, record, call)
    asked = _imported(record, call, args)
    visit.changed = _compare(record, call, args)
    asked.setdefault("objective", objectives_of(record.definition))
    return asked


# --- by name ------------------------------------------------------------------------------------------


def _imported(record: StudyRecord, call: Mapping[str, Any], args: Namespace) -> dict[str, Any]:
    subject, where = call.get("subject"), f"study {record.name!r}"
    lacks = dict(call.get("lacks") or {})
    if "subject" in lacks or not subject:
        raise _lacking(where, lacks)
    found = subject["function"]
    if not found["module"]:
        asked = _by_script(found, args)
        if asked is not None:
            kept = {k: v for k, v in asked.items() if k in ("subject", "data", "objective", *_options(asked))}
            return kept if kept["objective"] is not None else {**kept, "objective": objectives_of(record.definition)}
    if lacks:
        raise _lacking(where, lacks)
    asked = {name: _value(kept, record) for name, kept in call.get("options", {}).items()}
    data = tuple(_value(kept, record) for kept in call.get("data", ()))
    if call.get("read"):
        data, validation = _read(call["read"], where)
        asked |= {"validation_data": validation} if validation is not None else {}
    return {**asked, "subject": _function(found, args.code), "data": data}


def _options(asked: Mapping[str, Any]) -> list[str]:
    from modelwright.api.recall import OWN

    return [name for name in asked if name not in OWN]


def _by_script(found: Mapping[str, str], args: Namespace) -> dict[str, Any] | None:
    """The call of ``tune`` that a script makes while it is imported; None when it makes none."""
    path = Path(args.code.rpartition(":")[0] or args.code) if args.code else Path(found["file"])
    if not path.is_file():
        raise StudyError(
            f"there is no file {str(path)!r} here", where="worker", hint="Say where it is: --code PATH/FILE.py"
        )
    try:
        with catching():
            load_file(path, "worker")
    except Caught as caught:
        name = getattr(caught.asked["subject"], "__qualname__", "")
        if name != found["name"]:
            raise StudyError(
                f"{path} tunes {name} when it is imported, before {found['name']}",
                where="worker",
                hint="Put its calls of mw.tune below if __name__ == '__main__':",
            ) from None
        return caught.asked
    return None


def _function(found: Mapping[str, str], code: str | None) -> Any:
    """The function or class of that name."""
    if code:
        return load(code if code.rpartition(":")[0] else f"{code}:{found['name']}", "--code")
    file = Path(found["file"]) if found["file"] else None
    module = found["module"]
    if file is not None and file.is_file():
        if not module or module.startswith("modelwright_subject_"):
            return load(f"{file}:{found['name']}", "worker")
        depth = len(module.split(".")) - (file.name != "__init__.py")
        root = str(file.parents[depth])
        if root not in sys.path:
            sys.path.insert(0, root)
    if not module:
        hint = "Say where it is: --code PATH/FILE.py"
        raise StudyError(f"there is no file {found['file']!r} here", where="worker", hint=hint)
    return load(f"{module}:{found['name']}", "worker")


def _value(kept: Mapping[str, Any], record: StudyRecord) -> Any:
    if "function" in kept:
        return _function(kept["function"], None)
    if "declared" in kept:
        from modelwright.space import Tree

        return Tree().grow(tuple(record.definition.get("parameters") or ()))
    return kept["plain"]


def _lacking(where: str, lacks: Mapping[str, str]) -> StudyError:
    said = "; ".join(f"{what}: {why}" for what, why in lacks.items()) or "the tuned function has no name"
    return StudyError(
        f"the call of mw.tune cannot be made from here: {said}",
        where=where,
        hint="Name it: functions of a module, and a function that loads the data, mw.tune(build, load, ...). Or call "
        "mw.tune(..., pickled=True) with the same name=, and give the worker --trust.",
    )


def _read(read: Mapping[str, Any], where: str) -> tuple[Any, Any]:
    path = Path(read["from"])
    if read.get("sha256"):
        if not path.is_file():
            raise StudyError(f"there is no file {str(path)!r} here", where=where, hint="Copy it to the same path.")
        if file_hash(path) != read["sha256"]:
            raise StudyError(
                f"{str(path)!r} is not the file that the study was started with",
                where=where,
                hint="Copy it from there: trials on other data cannot be compared.",
            )
    return load_data(read["from"], read.get("target"))


# --- the same code ------------------------------------------------------------------------------------


def _compare(record: StudyRecord, call: Mapping[str, Any], args: Namespace) -> tuple[str, ...]:
    """Names of the files that differ, where that is allowed.

    Raises:
        StudyError: a file differs; the message shows how.
    """
    changed, said, texts = [], [], texts_of(call)
    for source in call.get("sources", ()):
        path = _here(source, args)
        if path is None:
            said.append(f"{source['file']} is not here")
            changed.append(Path(source["file"]).name)
        elif file_hash(path) != source["sha256"]:
            said.append(_difference(source, path, texts.get(source["sha256"])))
            changed.append(path.name)
    if said and not args.allow_change:
        raise StudyError(
            "\n".join(["the code is not the one that the study was started with:", *said, _listed(changed)]),
            where=f"study {record.name!r}",
            hint="Bring the files to the same state, or add --allow-change where the difference does not matter.",
        )
    return tuple(changed)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'}."


def _here(source: Mapping[str, str], args: Namespace) -> Path | None:
    """The file that was, or would be, imported for a source."""
    if not source["module"] and args.code:
        return Path(args.code.rpartition(":")[0] or args.code)
    module = sys.modules.get(source["module"]) if source["module"] else None
    if module is None and source["module"] and not Path(source["file"]).is_file():
        with contextlib.suppress(ImportError):
            module = importlib.import_module(source["module"])
    path = Path(getattr(module, "__file__", None) or source["file"])
    return path if path.is_file() else None


def _difference(source: Mapping[str, str], path: Path, before: str | None) -> str:
    if before is None:
        return f"{path} has another hash than {source['file']}"
    now = path.read_text("utf-8", errors="replace")
    lines = difflib.unified_diff(
        before.splitlines(), now.splitlines(), f"{path.name}, as the study has it", str(path), n=1, lineterm=""
    )
    shown = list(lines)
    more = [f"... {counted(len(shown) - _SHOWN, 'more line')}"] if len(shown) > _SHOWN else []
    return "\n".join([*map(text.clean, shown[:_SHOWN]), *more])


# --- on trust -----------------------------------------------------------------------------------------


def _unpickled(store: Store, record: StudyRecord, call: Mapping[str, Any]) -> dict[str, Any]:
    """The call as the first session pickled it.

    Raises:
        StudyError: it did not, the file is not here, or it is another one.
    """
    kept, where = call.get("pickled"), f"study {record.name!r}"
    if not kept:
        hint = "Call mw.tune(..., pickled=True) with the same name= once more, or leave --trust out."
        raise StudyError("it keeps no pickled code", where=where, hint=hint)
    path = store.folder(record.id) / "call" / "call.pickle"
    if not path.is_file():
        hint = "The worker has to share the folder with the host that started the search."
        raise StudyError(f"its pickled code is not here: {path}", where=where, hint=hint)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != kept["sha256"]:
        hint = "It was changed or damaged: do not trust it. Call mw.tune(..., pickled=True) again."
        raise StudyError(f"{path} is not the file that was written", where=where, hint=hint)
    from modelwright.execute.transfer import unpack

    try:
        return unpack(content)
    except Exception as error:
        raise SubjectError(f"it cannot be unpickled: {type(error).__name__}: {error}", where=str(path)) from error
