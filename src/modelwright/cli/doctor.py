"""``modelwright doctor``: is this machine fit for searches, and is the store what it should be?"""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from modelwright.cli import environment
from modelwright.cli.output import Exit, Output, UsageError
from modelwright.core.errors import StoreError
from modelwright.core.finding import Finding
from modelwright.core.wording import counted, without_password
from modelwright.report import text
from modelwright.store.base import open_store

_DEFAULT = Path(".modelwright") / "studies.db"
_MARK = {"error": "✗", "warning": "!", "note": "·"}


def doctor(args: Namespace, out: Output) -> int:
    """Check this machine, and a store when there is one; exit code 1 when something is wrong."""
    if args.place is not None and args.store is not None:
        raise UsageError("two stores are named", where="doctor", hint="Say doctor STORE, or --store STORE.")
    given = args.place if args.place is not None else args.store
    remote = given is not None and "://" in given and not given.startswith("sqlite:///")
    path = _DEFAULT if given is None else Path(given.removeprefix("sqlite:///")).expanduser()
    place = Path.cwd() if remote else path
    found = [*environment.examine(place)]
    there = remote or path.exists()
    checked: list[str] = []
    if given is not None and not there:
        raise StoreError("there is no store", where=str(path), hint="Check the path.")
    if there:
        checked, more = _store(given, None if remote else path)
        found += more
    bad = [f for f in found if f.level == "error" or (args.strict and f.level == "warning")]
    facts = environment.facts(place)
    if out.as_json:
        body: dict[str, Any] = {"ok": not bad, "strict": args.strict, "facts": facts}
        out.document({**body, "studies": checked, "findings": [finding.plain() for finding in found]})
    else:
        where = without_password(given) if given else str(path)
        out.data(_told(facts, found, checked, where if there else ""))
    return Exit.INTERNAL if bad else Exit.OK


def _store(given: str | None, path: Path | None) -> tuple[list[str], list[Finding]]:
    """Names of the studies that were checked, and what was found."""
    from modelwright.store.examine import examine_files
    from modelwright.study.invariants import check_store

    if path is not None and path.is_file() and not os.access(path, os.W_OK):
        fix = "Check its permissions"
        return [], [Finding(level="error", check="files", what="it cannot be written", where=str(path), fix=fix)]
    try:
        store = open_store(given, create=False)
        try:
            return [record.name for record in store.studies()], check_store(store)
        finally:
            store.close()
    except StoreError as error:
        found = examine_files(path) if path is not None and path.is_file() else []
        told = Finding(level="error", check="I5", what=error.what, where=error.where, fix=error.hint)
        return [], found or [told]


def _told(facts: dict[str, Any], found: list[Finding], checked: list[str], where: str) -> str:
    memory = "unknown" if facts["memory"] is None else f"{facts['memory'] / 2**30:.1f} GB"
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    lines = [
        f"Modelwright {facts['modelwright']}, Python {facts['python']}, {facts['system']}",
        f"SQLite {facts['sqlite']}, journal {facts['journal']}",
        f"{counted(facts['cores'], 'core')}, {memory} of memory, {facts['disk_free'] / 2**30:.1f} GB of disk free",
        f"Keras' backend: {facts['backend'] or 'Keras is not installed'}",
        f"Packages: {packages}",
        "",
    ]
    if where:
        lines.append(f"{text.clean(where)}: {counted(len(checked), 'study', 'studies')} checked")
    lines += [text.clean_block(f"{_MARK[f.level]} {f}") for f in sorted(found, key=lambda f: f.level)]
    worse = sum(f.level != "note" for f in found)
    lines.append(f"{counted(worse, 'problem')}" if worse else "Nothing is wrong.")
    return "\n".join(lines)
