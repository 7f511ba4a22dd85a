"""A small study that is killed at its n-th moment, for every n; run as a script, which forks for each moment.

``python crashing.py FOLDER FROM STEP`` kills at the moments FROM, FROM + STEP, ... before and after each call of the
store and of what lies below it (the file of newest events, the database, syncs, renames). Prints one line of JSON for
each: the store, and the results that the process had been told were stored.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import modelwright as mw
from modelwright.core import records as r
from modelwright.store import leases, sql, sqlite, tail
from modelwright.study import folded
from modelwright.study.journal import Journal

TRIALS = 6
#: Every call of these may be a process's last.
CALLS: list[tuple[Any, str]] = [
    (sqlite.SqliteStore, "create"),
    (sqlite.SqliteStore, "append"),
    (sqlite.SqliteStore, "load"),
    (sqlite.SqliteStore, "hold"),
    (sqlite.SqliteStore, "release"),
    (sqlite.SqliteStore, "_take_over"),
    (sqlite.SqliteStore, "_end"),
    (sql.SqlStore, "redefine"),
    (sql.SqlStore, "keep"),
    (sql.SqlStore, "_insert"),
    (tail.Tail, "append"),
    (tail.Tail, "sync"),
    (tail.Tail, "clear"),
    (leases.LeaseFile, "hold"),
    (os, "replace"),
    (os, "ftruncate"),
]


def search(path: str, trials: int = TRIALS) -> mw.Study:
    def function(hp, trial):
        x = hp.Float("x", 0.0, 1.0)
        for step in (1, 2):
            trial.report(step, x / step)

    options = {"objective": "minimize", "strategy": "random", "name": "s", "seed": 2, "verbose": 0}
    return mw.tune(function, trials=trials, store=path, **options)


def die_at(moment: int) -> None:
    """SIGKILL at that moment of this process."""
    met = 0

    def may_die() -> None:
        nonlocal met
        if met == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        met += 1

    def around(function: Any) -> Any:
        def called(*args: Any, **kwargs: Any) -> Any:
            may_die()
            found = function(*args, **kwargs)
            may_die()
            return found

        return called

    for owner, name in CALLS:
        setattr(owner, name, around(getattr(owner, name)))
    write = os.write

    def torn(descriptor: int, data: bytes) -> int:
        """Killed in the middle of a write, which is then half done."""
        nonlocal met
        if met == moment and len(data) > 20:
            write(descriptor, data[: len(data) // 2])
        may_die()
        return write(descriptor, data)

    tail.os = type("os", (), {**vars(os), "write": staticmethod(torn)})


def told_of_each(pipe: int) -> None:
    """Write to ``pipe`` each result that the process was told is stored."""
    commit = Journal.commit

    def committed(self: Journal, decide: Any, *, durable: bool = False) -> Any:
        events = commit(self, decide, durable=durable)
        for event in events:
            if isinstance(event, r.Finished):
                os.write(pipe, f"{json.dumps([event.number, event.state, event.values])}\n".encode())
        return events

    Journal.commit = committed


def main(folder: Path, first: int, step: int) -> None:
    sqlite._BULK, folded.EVERY = 8, 10  # so that a small study has everything a long one has
    moment, killed = first, True
    while killed:
        path = folder / f"{moment}.db"
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            told_of_each(writing)
            die_at(moment)
            search(str(path))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = [json.loads(line) for line in pipe]
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert killed or status == 0, status
        print(json.dumps({"moment": moment, "path": str(path), "told": told, "killed": killed}), flush=True)
        moment += step


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
