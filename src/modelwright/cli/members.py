"""``modelwright workers``, and which member runs which trial: read from the leases of a store."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from modelwright.cli.output import Output
from modelwright.cli.reading import existing_store, find_study, view_of
from modelwright.core.presence import gone_here
from modelwright.core.records import Started
from modelwright.report import text
from modelwright.report.view import StudyView
from modelwright.store.base import Lease, Store, StudyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A session that runs trials of a study.

    Attributes:
        mark: its name in the study.
        since: when it began, in seconds since 1970 UTC by its host's clock, or None.
        left: seconds until its lease runs out; negative when it has.
        silent: seconds since its last sign of life.
        elapsed: the study's running time at that sign, or None.
        there: whether the lease holds, and the process is not known to be gone.
    """

    mark: str
    host: str
    pid: int
    since: float | None
    left: float
    silent: float
    elapsed: float | None
    slots: int
    there: bool

    @classmethod
    def of(cls, lease: Lease) -> Member:
        """The member that a lease tells of."""
        facts = lease.facts
        lasts = float(facts.get("lasts") or max(lease.left, 0.0))
        return cls(
            mark=lease.holder,
            host=str(facts.get("host", "")),
            pid=int(facts.get("pid") or 0),
            since=facts.get("since"),
            left=lease.left,
            silent=max(0.0, lasts - lease.left),
            elapsed=facts.get("elapsed"),
            slots=int(facts.get("slots") or 1),
            there=lease.left > 0 and not gone_here(lease.holder),
        )


def members_of(store: Store, record: StudyRecord) -> list[Member]:
    """The members of a study that gave no lease back, those that are gone too."""
    return [Member.of(lease) for lease in store.leases(record.id) if lease.what == lease.holder]


def running(store: Store, record: StudyRecord, view: StudyView) -> list[dict[str, Any]]:
    """Trials that run, or would if their session were not gone: number, worker, host, pid, there, age in seconds."""
    known = {member.mark: member for member in members_of(store, record)}
    started = _started(store, record, view)
    out = []
    for row in view.history.rows:
        if row.state != "running":
            continue
        member, asked = known.get(row.worker), row.worker.startswith("asked")
        words = row.worker.split(" ")
        age = None
        if member is not None and member.elapsed is not None and row.number in started:
            age = max(0.0, member.elapsed + member.silent - started[row.number])
        out.append(
            {
                "trial": row.number,
                "worker": row.worker,
                "host": member.host if member else words[3] if len(words) > 3 else "",
                "pid": member.pid if member else int(words[1]) if len(words) > 3 and words[1].isdigit() else None,
                "attempt": row.attempt,
                "there": member.there if member else asked and not gone_here(row.worker),
                "age": age,
            }
        )
    return out


def _started(store: Store, record: StudyRecord, view: StudyView) -> dict[int, float]:
    """When the trials that run began, in seconds of the study's time: looked for from the end, where it should be."""
    wanted = {row.number for row in view.history.rows if row.state == "running"}
    found: dict[int, float] = {}
    last, size = len(view.history), 1024
    while last and not wanted <= found.keys():
        first = max(0, last - size)
        for event, at in islice(store.load(record.id, after=first), last - first):
            if isinstance(event, Started) and event.number in wanted:
                found[event.number] = max(at, found.get(event.number, 0.0))
        last, size = first, 2 * size
    return found


def running_told(found: Sequence[dict[str, Any]]) -> str:
    """The same for people; "" when nothing runs."""
    if not found:
        return ""
    lines = []
    for entry in found:
        age = text.duration(entry["age"]) if entry["age"] is not None else "-"
        there = "yes" if entry["there"] else "gone: runs again when somebody goes on"
        lines.append([str(entry["trial"]), text.clean(entry["host"]) or "-", str(entry["pid"] or "-"), age, there])
    heads = ["trial", "host", "process", "for", "there"]
    return "Running:\n\n" + text.table(heads, lines, [True, False, True, True, False])


def workers(args: Namespace, out: Output) -> int:
    """Who runs trials at the moment."""
    found = []
    with existing_store(args.store) as store:
        where = store.location
        records = [find_study(store, args.name)] if args.name is not None else store.studies()
        for record in records:
            members = members_of(store, record)
            if members:
                trials = running(store, record, view_of(store, record, space=False))
                found += [_document(record, member, trials) for member in members]
    if out.as_json:
        out.document({"store": where, "workers": found})
    elif found:
        out.data(_listing(found))
    else:
        out.say(f"Nobody runs {args.name or 'a study'} in {where}. To join one: modelwright worker STUDY")
    return 0


def _document(record: StudyRecord, member: Member, trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    since = None
    if member.since is not None:
        since = datetime.fromtimestamp(member.since, UTC).isoformat(timespec="seconds")
    return {
        "study": record.name,
        "host": member.host,
        "pid": member.pid,
        "slots": member.slots,
        "since": since,
        "lease_left": member.left,
        "last_sign": member.silent,
        "there": member.there,
        "trials": [entry["trial"] for entry in trials if entry["worker"] == member.mark],
    }


def _listing(found: Sequence[dict[str, Any]]) -> str:
    lines = []
    for entry in found:
        since = (entry["since"] or "-").replace("T", " ").removesuffix("+00:00")
        left = text.duration(max(0.0, entry["lease_left"])) if entry["there"] else "gone"
        trials = ", ".join(map(str, entry["trials"])) or "-"
        row = [text.clean(entry["study"]), text.clean(entry["host"]), str(entry["pid"]), since]
        lines.append([*row, text.duration(entry["last_sign"]) + " ago", left, trials])
    heads = ["study", "host", "process", "since (UTC)", "last sign", "lease left", "trials"]
    return text.table(heads, lines, [False, False, True, False, True, True, False])
